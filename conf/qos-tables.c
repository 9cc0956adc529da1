/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The lists are text in vsm.conf, as they are in opensm.conf, and are read when they are needed:
 * once for each configuration. A class of ports that has no list of its own has that of all.
 */

#include "conf/qos-tables.h"

#include <string.h>

#include "base/macros.h"
#include "conf/input.h"
#include "conf/span.h"

#define VL_DROP 15u

bool qos_levels_parse(const char *text, uint8_t ret[static QOS_SLS])
{
	struct span rest = { text, strlen(text) }, item;
	unsigned n = 0;
	uint64_t vl;
	bool more;

	do {
		more = span_cut(&rest, ',', &item);
		if (n == QOS_SLS || input_parse_number(item.at, item.length, VL_DROP, &vl) < 0)
			return false;
		ret[n++] = (uint8_t)vl;
	} while (more);

	return n == QOS_SLS;
}

bool qos_turns_parse(const char *text, struct qos_turns *ret)
{
	struct span rest = { text, strlen(text) }, item, lane;
	uint64_t vl, weight;
	bool more;

	ret->n = 0;
	do {
		more = span_cut(&rest, ',', &item);
		if (ret->n == QOS_TURNS_MAX || !span_cut(&item, ':', &lane))
			return false;
		item = span_trim(item);
		if (input_parse_number(lane.at, lane.length, VL_DROP - 1, &vl) < 0 ||
		    input_parse_number(item.at, item.length, UINT8_MAX, &weight) < 0)
			return false;
		ret->turn[ret->n++] = (struct qos_turn){ (uint8_t)vl, (uint8_t)weight };
	} while (more);

	return true;
}

/* ---- by class ---------------------------------------------------------------------------------
 */

/* The options of a class; those of all come last. */
struct lists {
	const char *sl2vl, *high, *low;
	unsigned high_limit;
	const char *paths[3]; /* of the first three */
};

#define LISTS(prefix)                                                                              \
	{                                                                                          \
		.sl2vl = conf->prefix##_sl2vl, .high = conf->prefix##_vlarb_high,                  \
		.low = conf->prefix##_vlarb_low, .high_limit = conf->prefix##_high_limit,          \
		.paths = { #prefix ".sl2vl", #prefix ".vlarb_high", #prefix ".vlarb_low" },        \
	}

static struct lists lists_of(const struct conf *conf, unsigned class)
{
	const struct lists all[QOS_CLASS_COUNT + 1] = {
		[QOS_CLASS_CA] = LISTS(qos_ca),
		[QOS_CLASS_ROUTER] = LISTS(qos_rtr),
		[QOS_CLASS_SWITCH] = LISTS(qos_swe),
		[QOS_CLASS_COUNT] = LISTS(qos),
	};

	return all[class];
}

void qos_tables_of(const struct conf *conf, enum qos_class class, struct qos_tables *ret)
{
	struct lists own = lists_of(conf, class), all = lists_of(conf, QOS_CLASS_COUNT);

	memset(ret, 0, sizeof(*ret));
	qos_levels_parse(*own.sl2vl ? own.sl2vl : all.sl2vl, ret->vl);
	qos_turns_parse(*own.high ? own.high : all.high, &ret->high);
	qos_turns_parse(*own.low ? own.low : all.low, &ret->low);
	ret->high_limit = (uint8_t)(own.high_limit <= UINT8_MAX ? own.high_limit : all.high_limit);
}

static const char *check(const struct lists *lists, bool may_be_empty, const char **ret_path)
{
	uint8_t levels[QOS_SLS];
	struct qos_turns turns;

	*ret_path = lists->paths[0];
	if (!(may_be_empty && !*lists->sl2vl) && !qos_levels_parse(lists->sl2vl, levels))
		return "is not a list of 16 lanes, 0 to 15, as in \"0,1,2,3,...\"";
	*ret_path = lists->paths[1];
	if (!(may_be_empty && !*lists->high) && !qos_turns_parse(lists->high, &turns))
		return "is not a list of at most 32 lanes and weights, as in \"0:4,1:0\"";
	*ret_path = lists->paths[2];
	if (!(may_be_empty && !*lists->low) && !qos_turns_parse(lists->low, &turns))
		return "is not a list of at most 32 lanes and weights, as in \"0:4,1:0\"";

	return NULL;
}

const char *qos_tables_check(const struct conf *conf, const char **ret_path)
{
	for (unsigned class = 0; class <= QOS_CLASS_COUNT; class ++) {
		struct lists lists = lists_of(conf, class);
		const char *why = check(&lists, class < QOS_CLASS_COUNT, ret_path);

		if (why)
			return why;
	}

	return NULL;
}
