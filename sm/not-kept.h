/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Values that a device acknowledged and did not hold. A Set that can have no effect is not sent
 * again: not in the next sweep, not after our own restart, until the device restarts, the plan
 * wants another value, or somebody asks for a full sweep. Remembered per node, setting, value and
 * port; also as bytes for the store.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct not_kept;

/* Most entries of one node; further ones are not remembered (and so are set again). */
#define NOT_KEPT_MAX 64

bool not_kept_has(const struct not_kept *n, unsigned setting, uint64_t value, unsigned port);

/* The n-th of @port: false past the last. */
bool not_kept_at(const struct not_kept *n, unsigned port, unsigned at, unsigned *ret_setting,
		 uint64_t *ret_value);

/* 0, -ENOMEM or -ENOSPC. *n may be NULL before. */
int not_kept_add(struct not_kept **n, unsigned setting, uint64_t value, unsigned port);

void not_kept_free(struct not_kept *n);

/* The bytes for the store: valid until the next change. Size 0 for NULL. */
const void *not_kept_bytes(const struct not_kept *n, size_t *ret_size);

/* From the store: 0, -EINVAL for bytes that are not ours, -ENOMEM. */
int not_kept_from_bytes(const void *bytes, size_t size, struct not_kept **ret);
