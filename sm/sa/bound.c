/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * "Less than" and "exactly" are also met by what could do more, where it may be used for less: a
 * path, or a group that is to be made. What is as it is (a group that there is) is only compared.
 */

#include "sm/sa/bound.h"

#include "base/macros.h"
#include "conf/conf.h"
#include "sm/sa/rate.h"

struct bound bound_read(const void *record, bool has_both, enum wire_field selector,
			enum wire_field value)
{
	if (!has_both)
		return (struct bound){ .selector = BEST };

	return (struct bound){ .selector = (enum selector)wire_get(record, selector),
			       .value = (unsigned)wire_get(record, value) };
}

bool bound_meet_mtu(const struct bound *bound, uint8_t *mtu)
{
	switch (bound->selector) {
	case MORE_THAN:
		return *mtu > bound->value;
	case LESS_THAN:
		if (bound->value <= CONF_MTU_256)
			return false;
		*mtu = (uint8_t)MIN(*mtu, bound->value - 1);
		return true;
	case EXACTLY:
		if (bound->value < CONF_MTU_256 || bound->value > *mtu)
			return false;
		*mtu = (uint8_t)bound->value;
		return true;
	case BEST:
		return true;
	}

	return false;
}

bool bound_meet_rate(const struct bound *bound, uint8_t *rate)
{
	unsigned have = admin_rate_mbps(*rate);
	unsigned want = admin_rate_mbps(bound->value);

	if (bound->selector == BEST)
		return true;
	if (want == 0)
		return false;

	switch (bound->selector) {
	case MORE_THAN:
		return have > want;
	case LESS_THAN:
		if (have >= want)
			*rate = (uint8_t)admin_rate_below(want);
		return *rate != 0;
	case EXACTLY:
		*rate = (uint8_t)bound->value;
		return have >= want;
	case BEST:
		break;
	}

	return true;
}

static bool compare(enum selector selector, unsigned have, unsigned want)
{
	switch (selector) {
	case MORE_THAN:
		return have > want;
	case LESS_THAN:
		return have < want;
	case EXACTLY:
		return have == want;
	case BEST:
		return true;
	}

	return false;
}

bool bound_has_mtu(const struct bound *bound, unsigned mtu)
{
	return compare(bound->selector, mtu, bound->value);
}

bool bound_has_rate(const struct bound *bound, unsigned rate)
{
	return compare(bound->selector, admin_rate_mbps(rate), admin_rate_mbps(bound->value));
}

bool bound_has_life(const struct bound *bound, unsigned life)
{
	return compare(bound->selector, life, bound->value);
}
