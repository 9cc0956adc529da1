/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * sm/keep.h in memory, with a disk that takes its time: what is said waits, and is committed
 * together. A kill leaves what was committed, and perhaps what was just being committed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "sm/keep.h"

struct memory_keeper;

/* 0 or -ENOMEM. */
int memory_keeper_new(struct loop *loop, struct memory_keeper **ret);
void memory_keeper_free(struct memory_keeper *k); /* takes NULL */

struct keeper *memory_keeper_keeper(struct memory_keeper *k);

/* Until what was said is committed; at first 3 ms. */
void memory_keeper_set_delay(struct memory_keeper *k, uint64_t delay);

/*
 * From now on the disk is full, or it is no longer: what was said waits, and who waits for it is
 * told -ENOSPC, as the store does.
 */
void memory_keeper_set_full(struct memory_keeper *k, bool full);

/* There is no memory for who waits, or there is again. */
void memory_keeper_set_poor(struct memory_keeper *k, bool poor);

/* Its user is gone, in order: all that was said is committed. Or was killed. */
void memory_keeper_flush(struct memory_keeper *k);
void memory_keeper_kill(struct memory_keeper *k);

/* The disk was exchanged for an empty one. */
void memory_keeper_clear(struct memory_keeper *k);

/* How much has been said so far. */
uint64_t memory_keeper_writes(const struct memory_keeper *k);
