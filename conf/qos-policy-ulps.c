/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The lines of qos-ulps: "who, what: service level". Each is a rule with a level of its own, and
 * if it has GUIDs with a group of its own.
 */

#include "conf/qos-policy-reader.h"

#include <errno.h>

/* Service IDs of who talks TCP or UDP ports, IBA annexes A4 and A12; opensm's document 6.2 to 6.4.
 */
enum {
	SDP_BASE = 0x10000,
	RDS_BASE = 0x1060000,
	RDS_PORT = 0x48ca,
	ISER_PORT = 0x0cbc,
};

/* A group of its own for the GUIDs of a line. */
static int take_ulp_guids(struct policy_reader *reader, enum qos_kind kind, struct span value)
{
	struct qos_term term = { .kind = (uint8_t)kind, .first = reader->policy->n_groups };
	int r = policy_begin_group(reader);

	if (r == 0)
		r = policy_take_ranges(reader, value, &policy_guids,
				       &policy_last_group(reader)->terms);

	return r < 0 ? r : policy_add_term(reader, &policy_last_rule(reader)->terms, term);
}

static int take_ports(struct policy_reader *reader, unsigned base, struct span value)
{
	const struct policy_number ports = { QOS_SERVICE, 0xffff, 0xffff, base };

	return policy_take_ranges(reader, value, &ports, &policy_last_rule(reader)->terms);
}

static int add_service(struct policy_reader *reader, unsigned first, unsigned last)
{
	return policy_add_term(
		reader, &policy_last_rule(reader)->terms,
		(struct qos_term){ .kind = QOS_SERVICE, .first = first, .last = last });
}

/* @base: of its service IDs; @first to @last of a line without port numbers. */
static int take_tcp(struct policy_reader *reader, struct span what, struct span value,
		    unsigned base, unsigned first, unsigned last)
{
	if (what.length == 0)
		return add_service(reader, base + first, base + last);
	if (policy_is_word(what, "port-num"))
		return take_ports(reader, base, value);

	return REFUSE(reader, "\"%s\" is not port-num", SHOW(what));
}

static int take_any(struct policy_reader *reader, struct span what, struct span value)
{
	if (policy_is_word(what, "service-id"))
		return policy_take_rule_services(reader, value);
	if (policy_is_word(what, "pkey"))
		return policy_take_rule_pkeys(reader, value);
	if (policy_is_word(what, "target-port-guid"))
		return take_ulp_guids(reader, QOS_DESTINATION, value);
	if (policy_is_word(what, "source-port-guid"))
		return take_ulp_guids(reader, QOS_SOURCE, value);

	return REFUSE(reader,
		      "\"%s\" is not service-id, pkey, target-port-guid or source-port-guid",
		      SHOW(what));
}

static int take_ipoib(struct policy_reader *reader, struct span what, struct span value)
{
	if (what.length == 0)
		return policy_add_term(
			reader, &policy_last_rule(reader)->terms,
			(struct qos_term){ .kind = QOS_PKEY, .first = 0x7fff, .last = 0x7fff });
	if (policy_is_word(what, "pkey"))
		return policy_take_rule_pkeys(reader, value);

	return REFUSE(reader, "\"%s\" is not pkey", SHOW(what));
}

static int take_srp(struct policy_reader *reader, struct span what, struct span value)
{
	if (policy_is_word(what, "target-port-guid"))
		return take_ulp_guids(reader, QOS_DESTINATION, value);

	return REFUSE(reader, "srp needs a target-port-guid");
}

static int take_ulp(struct policy_reader *reader, struct span who, struct span what,
		    struct span value)
{
	if (policy_is_word(who, "sdp"))
		return take_tcp(reader, what, value, SDP_BASE, 0, 0xffff);
	if (policy_is_word(who, "rds"))
		return take_tcp(reader, what, value, RDS_BASE, RDS_PORT, RDS_PORT);
	if (policy_is_word(who, "iser"))
		return take_tcp(reader, what, value, RDS_BASE, ISER_PORT, ISER_PORT);
	if (policy_is_word(who, "ipoib"))
		return take_ipoib(reader, what, value);
	if (policy_is_word(who, "srp"))
		return take_srp(reader, what, value);
	if (policy_is_word(who, "any"))
		return take_any(reader, what, value);

	return REFUSE(reader, "\"%s\" is not default, sdp, rds, iser, ipoib, srp or any",
		      SHOW(who));
}

/* A level of its own for the service level of a line. */
static int take_ulp_level(struct policy_reader *reader, struct span value)
{
	int r = policy_begin_level(reader);

	return r < 0 ? r : policy_take_level_sl(reader, value);
}

/* "who[, what numbers]: service level" */
int policy_take_ulp_line(struct policy_reader *reader, struct span line)
{
	struct span rest = line, head, who, what;
	uint32_t level = reader->policy->n_levels;
	size_t n = 0;
	int r;

	if (!span_cut(&rest, ':', &head))
		return REFUSE(reader, "\"%s\" has no ':' and service level", SHOW(line));
	r = take_ulp_level(reader, span_trim(rest));
	if (r < 0)
		return r;
	if (policy_is_word(head, "default"))
		return policy_set_fallback(reader);
	if (!span_cut(&head, ',', &who))
		head.length = 0;
	head = span_trim(head);
	while (n < head.length && !span_blank(head.at[n]))
		n++;
	what = (struct span){ head.at, n };
	r = policy_begin_rule(reader);
	if (r < 0)
		return r;
	policy_last_rule(reader)->level = level;

	return take_ulp(reader, who, what,
			span_trim((struct span){ head.at + n, head.length - n }));
}
