/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Two ports can talk to each other if they have a P_Key in common and at least one of them is a
 * full member (IBA 10.9.3). The tables are those that are planned, not those that devices hold: a
 * port that is being brought up asks for its paths as soon as it has a LID.
 */

#include "sm/sa/keys.h"

#include <string.h>

#include "base/macros.h"

static unsigned read_table(const struct admin_view *view, struct endpoint e,
			   uint16_t table[FABRIC_MAX_PKEYS])
{
	return MIN(view->pkeys(view->user, e, table, FABRIC_MAX_PKEYS), FABRIC_MAX_PKEYS);
}

static bool has(const uint64_t *set, unsigned base)
{
	return set[base / 64] >> base % 64 & 1;
}

static void fill_sets(struct admin_keys *keys, const uint16_t *table, unsigned n)
{
	memset(keys->member, 0, sizeof(keys->member));
	memset(keys->full, 0, sizeof(keys->full));
	for (unsigned i = 0; i < n; i++) {
		unsigned base = table[i] & KEY_BASE_MASK;

		keys->member[base / 64] |= UINT64_C(1) << base % 64;
		if (table[i] & KEY_FULL)
			keys->full[base / 64] |= UINT64_C(1) << base % 64;
	}
}

void admin_keys_read(const struct admin_view *view, struct endpoint e, struct admin_keys *ret)
{
	uint16_t table[FABRIC_MAX_PKEYS];
	unsigned n = read_table(view, e, table);

	ret->n = 0;
	for (unsigned i = 0; i < n && ret->n <= ADMIN_FEW_KEYS; i++) {
		if (!(table[i] & KEY_BASE_MASK))
			continue;
		if (ret->n < ADMIN_FEW_KEYS)
			ret->few[ret->n] = table[i];
		ret->n++;
	}
	if (ret->n > ADMIN_FEW_KEYS)
		fill_sets(ret, table, n);
}

/* Base 0 is no key: it is how tables spell a hole, IBA 10.9.1.1. */
static bool holds(const struct admin_keys *keys, unsigned base, bool fully)
{
	if (base == 0)
		return false;
	if (keys->n > ADMIN_FEW_KEYS)
		return has(fully ? keys->full : keys->member, base);
	for (unsigned i = 0; i < keys->n; i++) {
		if ((keys->few[i] & KEY_BASE_MASK) == base && (!fully || (keys->few[i] & KEY_FULL)))
			return true;
	}

	return false;
}

bool admin_keys_have(const struct admin_keys *keys, uint16_t key)
{
	return holds(keys, key & KEY_BASE_MASK, false);
}

static bool is_shared(const struct admin_keys *keys, uint16_t key)
{
	return holds(keys, key & KEY_BASE_MASK, !(key & KEY_FULL));
}

uint16_t admin_keys_shared(const struct admin_view *view, const struct admin_keys *keys,
			   struct endpoint e)
{
	uint16_t table[FABRIC_MAX_PKEYS];
	unsigned n = read_table(view, e, table);
	unsigned lowest = KEY_BASE_MASK + 1;

	for (unsigned i = 0; i < n; i++) {
		if (is_shared(keys, table[i]))
			lowest = MIN(lowest, table[i] & KEY_BASE_MASK);
	}

	return lowest <= KEY_BASE_MASK ? (uint16_t)lowest : 0;
}

bool admin_keys_share(const struct admin_view *view, const struct admin_keys *keys,
		      struct endpoint e, uint16_t key)
{
	uint16_t table[FABRIC_MAX_PKEYS];
	unsigned n = read_table(view, e, table);

	for (unsigned i = 0; i < n; i++) {
		if ((table[i] & KEY_BASE_MASK) == (key & KEY_BASE_MASK) &&
		    is_shared(keys, table[i]))
			return true;
	}

	return false;
}

uint16_t admin_keys_own(const struct admin_view *view, struct endpoint e, uint16_t key)
{
	uint16_t table[FABRIC_MAX_PKEYS];
	unsigned n = read_table(view, e, table);
	uint16_t own = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned base = table[i] & KEY_BASE_MASK;

		if (base == 0 || (key & KEY_BASE_MASK && base != (key & KEY_BASE_MASK)))
			continue;
		if (!key)
			return table[i];
		own |= table[i];
	}

	return own;
}
