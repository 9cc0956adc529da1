/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The P_Keys of an endpoint as a set, to hold many others against it. Keys as in P_Key tables: 15
 * bits and the membership bit.
 */

#include "sm/sa/admin.h"

#define KEY_FULL      0x8000u
#define KEY_BASE_MASK 0x7fffu

#define ADMIN_FEW_KEYS 8u

/* Most have few, and a list of these is faster than a set of all that there may be. */
struct admin_keys {
	unsigned n; /* in @few, unless there are more than fit */
	uint16_t few[ADMIN_FEW_KEYS];
	uint64_t member[(KEY_BASE_MASK + 1) / 64]; /* else bit per key: full or limited */
	uint64_t full[(KEY_BASE_MASK + 1) / 64];
};

void admin_keys_read(const struct admin_view *view, struct endpoint e, struct admin_keys *ret);

/* Does it have @key, fully or not? The key of nobody is not one. */
bool admin_keys_have(const struct admin_keys *keys, uint16_t key);

/* The lowest key, without membership bit, that both have and one of them fully; 0 if none. */
uint16_t admin_keys_shared(const struct admin_view *view, const struct admin_keys *keys,
			   struct endpoint e);

/* The same for one key: is it shared? */
bool admin_keys_share(const struct admin_view *view, const struct admin_keys *keys,
		      struct endpoint e, uint16_t key);

/* @key as @e has it in its table, fully if possible; 0 if it has not. @key 0: its first. */
uint16_t admin_keys_own(const struct admin_view *view, struct endpoint e, uint16_t key);
