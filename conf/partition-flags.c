/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The flags of partitions and multicast groups. One table has what each may be; opensm takes any
 * beginning of a flag's name for it and tries them in a fixed order, so the order of the table is
 * part of the grammar. What opensm warns about and passes over is refused here.
 */

#include "conf/partition-parser.h"

#include <errno.h>
#include <inttypes.h>

enum flag {
	FLAG_MTU,
	FLAG_RATE,
	FLAG_SCOPE,
	FLAG_Q_KEY,
	FLAG_TCLASS,
	FLAG_SL,
	FLAG_FLOW_LABEL,
	FLAG_IPOIB,
	FLAG_DEFMEMBER,
	FLAG_INDX0,
	FLAG_COUNT,
};

/* In the order in which opensm tries them, which decides what "s" stands for. */
/* clang-format off */
static const struct {
	const char *name;
	uint32_t least, most; /* of its number; most 0: it has none */
	enum partition_param given;
} flags[FLAG_COUNT] = {
	[FLAG_MTU]	  = { "mtu", 1, 5, PARTITION_PARAM_MTU },
	[FLAG_RATE]	  = { "rate", 2, 25, PARTITION_PARAM_RATE },
	[FLAG_SCOPE]	  = { "scope", 1, 15, PARTITION_PARAM_SCOPE },
	[FLAG_Q_KEY]	  = { "Q_Key", 0, UINT32_MAX, PARTITION_PARAM_Q_KEY },
	[FLAG_TCLASS]	  = { "TClass", 0, 255, PARTITION_PARAM_TCLASS },
	[FLAG_SL]	  = { "sl", 0, 15, PARTITION_PARAM_SL },
	[FLAG_FLOW_LABEL] = { "FlowLabel", 0, 0xfffff, PARTITION_PARAM_FLOW_LABEL },
	[FLAG_IPOIB]	  = { "ipoib", 0, 0, 0 },
	[FLAG_DEFMEMBER]  = { "defmember", 0, 0, 0 },
	[FLAG_INDX0]	  = { "indx0", 0, 0, 0 },
};
/* clang-format on */

static enum flag find_flag(struct span name)
{
	enum flag flag = 0;

	while (flag < FLAG_COUNT &&
	       (flag == FLAG_INDX0 ? !span_is(name, "indx0")
				   : !span_abbreviates(name, flags[flag].name)))
		flag++;
	return flag;
}

static void set_param(struct partition_params *params, enum flag flag, uint32_t value)
{
	switch (flag) {
	case FLAG_MTU:
		params->mtu = (uint8_t)value;
		break;
	case FLAG_RATE:
		params->rate = (uint8_t)value;
		break;
	case FLAG_SCOPE:
		params->scopes |= (uint16_t)(1u << value);
		break;
	case FLAG_Q_KEY:
		params->q_key = value;
		break;
	case FLAG_TCLASS:
		params->tclass = (uint8_t)value;
		break;
	case FLAG_SL:
		params->sl = (uint8_t)value;
		break;
	case FLAG_FLOW_LABEL:
		params->flow_label = value;
		break;
	case FLAG_IPOIB:
	case FLAG_DEFMEMBER:
	case FLAG_INDX0:
	case FLAG_COUNT:
		return;
	}
	params->given |= (uint16_t)flags[flag].given;
}

/* A flag that has a number. *@seen: what this list of flags gave before. */
static int take_param(const struct parser *parser, enum flag flag, struct span value,
		      uint16_t *seen, struct partition_params *params)
{
	uint64_t number = 0;
	int r;

	r = input_parse_number(value.at, value.length, flags[flag].most, &number);
	if (r < 0 || number < flags[flag].least)
		return parser_refuse(
			parser, "%s=\"%s\" is not a number from %" PRIu32 " to %" PRIu32,
			flags[flag].name, SHOW(value), flags[flag].least, flags[flag].most);
	if (flag != FLAG_SCOPE && (*seen & flags[flag].given))
		return parser_refuse(parser, "%s is given twice", flags[flag].name);

	*seen |= (uint16_t)flags[flag].given;
	set_param(params, flag, (uint32_t)number);
	return 0;
}

int parser_take_membership(const struct parser *parser, struct span value,
			   enum partition_membership *ret)
{
	if (span_abbreviates(value, "full"))
		*ret = PARTITION_FULL;
	else if (span_abbreviates(value, "limited"))
		*ret = PARTITION_LIMITED;
	else if (!span_abbreviates(value, "both"))
		return parser_refuse(parser, "\"%s\" is not a membership: full, limited or both",
				     SHOW(value));
	else if (!parser->allow_both)
		return parser_refuse(parser,
				     "membership both needs partitions.allow_both_pkeys = true");
	else
		*ret = PARTITION_BOTH;
	return 0;
}

/* A flag of the head that is about the partition, not about its groups. */
static int take_head_flag(const struct parser *parser, enum flag flag, const struct span *value,
			  struct head *head)
{
	if (flag == FLAG_DEFMEMBER) {
		if (!value)
			return parser_refuse(parser,
					     "defmember needs a value: full, limited or both");
		return parser_take_membership(parser, *value, &head->defmember);
	}
	if (value)
		return parser_refuse(parser, "%s takes no value", flags[flag].name);

	if (flag == FLAG_IPOIB)
		head->ipoib = true;
	else
		head->indx0 = true;
	return 0;
}

/* One flag; @head is NULL on an mgid line. */
static int take_flag(const struct parser *parser, struct span text, struct head *head,
		     uint16_t *seen, struct partition_params *params)
{
	struct span name, value = text;
	bool has_value = span_cut(&value, '=', &name);
	enum flag flag = find_flag(name);

	value = span_trim(value);
	if (!name.length)
		return parser_refuse(parser, "there is no flag after a comma");
	if (flag == FLAG_COUNT)
		return parser_refuse(parser, "there is no flag \"%s\"", SHOW(name));
	if (!flags[flag].most && !head)
		return parser_refuse(parser, "%s is a flag of partitions, not of groups",
				     flags[flag].name);
	if (!flags[flag].most)
		return take_head_flag(parser, flag, has_value ? &value : NULL, head);
	if (!has_value)
		return parser_refuse(parser, "%s needs a value", flags[flag].name);
	return take_param(parser, flag, value, seen, params);
}

int parser_take_flags(const struct parser *parser, struct span rest, struct head *head,
		      struct partition_params *params)
{
	uint16_t seen = 0;
	struct span text;
	bool more;

	do {
		int r;

		more = span_cut(&rest, ',', &text);
		r = take_flag(parser, text, head, &seen, params);
		if (r < 0)
			return r;
	} while (more);
	return 0;
}

/* ---- two definitions of one partition ----------------------------------------------------------
 */

static const char *contradiction(const struct partition_params *a, const struct partition_params *b)
{
	unsigned both = a->given & b->given;

	if ((both & PARTITION_PARAM_MTU) && a->mtu != b->mtu)
		return "mtu";
	if ((both & PARTITION_PARAM_RATE) && a->rate != b->rate)
		return "rate";
	if ((both & PARTITION_PARAM_Q_KEY) && a->q_key != b->q_key)
		return "Q_Key";
	if ((both & PARTITION_PARAM_TCLASS) && a->tclass != b->tclass)
		return "TClass";
	if ((both & PARTITION_PARAM_SL) && a->sl != b->sl)
		return "sl";
	if ((both & PARTITION_PARAM_FLOW_LABEL) && a->flow_label != b->flow_label)
		return "FlowLabel";
	return NULL;
}

static void add_params(struct partition_params *to, const struct partition_params *from)
{
	if (from->given & PARTITION_PARAM_MTU)
		to->mtu = from->mtu;
	if (from->given & PARTITION_PARAM_RATE)
		to->rate = from->rate;
	if ((from->given & PARTITION_PARAM_Q_KEY) && from->q_key)
		to->q_key = from->q_key;
	if (from->given & PARTITION_PARAM_TCLASS)
		to->tclass = from->tclass;
	if (from->given & PARTITION_PARAM_SL)
		to->sl = from->sl;
	if (from->given & PARTITION_PARAM_FLOW_LABEL)
		to->flow_label = from->flow_label;
	to->scopes |= from->scopes;
	to->given |= from->given;
}

const char *parser_merge_params(struct partition_params *to, const struct partition_params *from)
{
	const char *flag = contradiction(to, from);

	if (!flag)
		add_params(to, from);
	return flag;
}
