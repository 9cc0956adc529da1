/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Rules for virtual functions, in memory: which entry is for a port, what it allows, and the table
 * of keys from which messages, sample file and vsm.conf(5) come. vf-policy-parse.c reads entries,
 * conf-print.c writes them.
 *
 * Patterns are matched here and not with fnmatch(): the text comes from devices, fnmatch() depends
 * on the locale, and calls itself for every star. With one place to go back to (the last star) the
 * work is bounded by pattern times text.
 */

#include "conf/vf-policy.h"

#include <string.h>

#include "conf/vf-policy-keys.h"

/* clang-format off */
const struct conf_name vf_lids[] = {
	{ "as-asked", VF_LID_AS_ASKED },
	{ "shared", VF_LID_SHARED },
	{ "own", VF_LID_OWN },
	{ NULL, 0 },
};

const struct conf_name vf_memberships[] = {
	{ "full", VF_MEMBERSHIP_FULL },
	{ "limited", VF_MEMBERSHIP_LIMITED },
	{ "both", VF_MEMBERSHIP_BOTH },
	{ NULL, 0 },
};

const struct vf_key_about vf_keys[VF_KEY_COUNT] = {
	[VF_KEY_PORTS] = { "ports", "text, up to 64 bytes",
		"Pattern for the NodeDescription of the device, for example \"node[0-9]* mlx5_*\": * stands for any text, ? for any character, [a-z] for one of these, [!a-z] for one of the others. Every entry has either this or port_guids." },
	[VF_KEY_PORT_GUIDS] = { "port_guids", "list of up to 16 GUIDs",
		"Port GUIDs of physical ports." },
	[VF_KEY_GUIDS] = { "guids", "list of up to 16 pairs of GUIDs, default all GUIDs",
		"Ranges, first and last GUID, that virtual functions there may have. Ranges of different entries may overlap." },
	[VF_KEY_MAX] = { "max", "number, 0 to 65535, default 65535",
		"How many virtual functions may be active at each port." },
	[VF_KEY_LID] = { "lid", "one of as-asked, shared, own, default \"as-asked\"",
		"LIDs of virtual functions: as the device asks for them, the one of the physical port, or their own." },
	[VF_KEY_SPARE_LIDS] = { "spare_lids", "number, 0 to 1024, default 0",
		"LIDs that are reserved and routed for each port beforehand, so that no forwarding table changes when a virtual function starts." },
	[VF_KEY_PARTITION] = { "partition", "P_Key, 0x0001 to 0x7fff, default none",
		"Partition that virtual functions there are members of, besides those that the partition file gives them." },
	[VF_KEY_MEMBERSHIP] = { "membership", "one of full, limited, both, default \"full\"",
		"Their membership of that partition." },
};
/* clang-format on */

void vf_policy_init(struct vf_policy *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->max = VF_NUMBER_MAX;
}

/* ---- patterns -------------------------------------------------------------------------------- */

/* The end of the set that begins after the bracket at @at, a ']'; NULL: it has none. */
static const char *set_end(const char *at)
{
	at++;
	if (*at == '!')
		at++;
	return *at ? strchr(at + 1, ']') : NULL;
}

static bool set_has(const char *at, const char *end, unsigned char c)
{
	bool others = at[1] == '!';
	bool found = false;

	for (at += others ? 2 : 1; at < end; at++) {
		unsigned char low = (unsigned char)*at, high = low;

		if (at[1] == '-' && at + 2 < end) {
			high = (unsigned char)at[2];
			at += 2;
		}
		found |= low <= c && c <= high;
	}
	return found != others;
}

/* What is left of @pattern behind its first element, if that fits @c; it is no star. */
static const char *step(const char *pattern, char c)
{
	const char *end;

	if (*pattern == '[') {
		end = set_end(pattern);
		return end && set_has(pattern, end, (unsigned char)c) ? end + 1 : NULL;
	}
	return *pattern == '?' || *pattern == c ? pattern + 1 : NULL;
}

static bool fits(const char *pattern, const char *text)
{
	const char *star = NULL, *mark = NULL, *next;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			mark = text;
		} else if ((next = step(pattern, *text))) {
			pattern = next;
			text++;
		} else if (star) {
			pattern = star;
			text = ++mark;
		} else {
			return false;
		}
	}
	return !pattern[strspn(pattern, "*")];
}

const char *vf_pattern_check(const char *pattern)
{
	if (!*pattern)
		return "is empty, and so fits no port; \"*\" fits all";
	if (strlen(pattern) > VF_PATTERN_MAX)
		return "is longer than 64 bytes";
	for (const char *c = pattern; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "has a control character";
	for (const char *c = pattern; *c; c++) {
		if (*c != '[')
			continue;
		c = set_end(c);
		if (!c)
			return "has a [ without a ]";
	}
	return NULL;
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool names_guid(const struct vf_policy *policy, uint64_t port_guid)
{
	for (unsigned i = 0; i < policy->n_port_guids; i++)
		if (policy->port_guid[i] == port_guid)
			return true;
	return false;
}

const struct vf_policy *vf_policy_for(const struct vf_policies *policies, uint64_t port_guid,
				      const char *description)
{
	for (size_t i = 0; i < policies->n; i++) {
		const struct vf_policy *policy = &policies->policy[i];

		if (names_guid(policy, port_guid) ||
		    (policy->ports[0] && description && fits(policy->ports, description)))
			return policy;
	}
	return NULL;
}

bool vf_policy_allows(const struct vf_policy *policy, uint64_t guid)
{
	if (!guid)
		return false;
	for (unsigned i = 0; policy && i < policy->n_ranges; i++)
		if (policy->range[i].first <= guid && guid <= policy->range[i].last)
			return true;
	return !policy || policy->n_ranges == 0;
}

const char *vf_policy_check(const struct vf_policy *policy, enum vf_key *ret_key)
{
	*ret_key = VF_KEY_PORTS;
	if (!policy->ports[0] && policy->n_port_guids == 0)
		return "this entry is for no port, it needs ports or port_guids";
	if (policy->ports[0] && policy->n_port_guids > 0)
		return "an entry has ports or port_guids, not both";

	*ret_key = VF_KEY_SPARE_LIDS;
	if (policy->spare_lids > 0 && policy->lid == VF_LID_SHARED)
		return "nobody takes a spare LID where lid is \"shared\"";
	if (policy->spare_lids > policy->max)
		return "is more than max";

	*ret_key = VF_KEY_MEMBERSHIP;
	if (policy->membership != VF_MEMBERSHIP_FULL && !policy->partition)
		return "means nothing without partition";

	return NULL;
}

static bool are_same_ranges(const struct vf_policy *a, const struct vf_policy *b)
{
	return a->n_ranges == b->n_ranges &&
	       !memcmp(a->range, b->range, a->n_ranges * sizeof(a->range[0]));
}

static bool are_same_ports(const struct vf_policy *a, const struct vf_policy *b)
{
	return !strcmp(a->ports, b->ports) && a->n_port_guids == b->n_port_guids &&
	       !memcmp(a->port_guid, b->port_guid, a->n_port_guids * sizeof(a->port_guid[0]));
}

bool vf_policies_are_same(const struct vf_policies *a, const struct vf_policies *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++) {
		const struct vf_policy *x = &a->policy[i], *y = &b->policy[i];

		if (!are_same_ports(x, y) || !are_same_ranges(x, y) || x->max != y->max ||
		    x->lid != y->lid || x->spare_lids != y->spare_lids ||
		    x->partition != y->partition || x->membership != y->membership)
			return false;
	}
	return a->n == b->n;
}
