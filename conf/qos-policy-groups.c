/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Groups of ports: who is in one is said by GUID, by the name of a node, by P_Key, partition or
 * type, and one of these is enough.
 */

#include "conf/qos-policy-reader.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"

/* ---- port-group -------------------------------------------------------------------------------
 */

struct qos_group *policy_last_group(const struct policy_reader *reader)
{
	return &reader->policy->groups[reader->policy->n_groups - 1];
}

int policy_begin_group(struct policy_reader *reader)
{
	struct qos_policy *policy = reader->policy;
	int r = policy_make_room(reader, &policy->groups, policy->n_groups, &policy->room_groups,
				 sizeof(*policy->groups));

	if (r < 0)
		return r;
	policy->groups[policy->n_groups++] = (struct qos_group){ 0 };

	return 0;
}

int policy_end_group(struct policy_reader *reader)
{
	return policy_last_group(reader)->name ? 0 : REFUSE(reader, "this port-group has no name");
}

bool policy_find_group(const struct qos_policy *policy, const char *name, uint32_t *ret)
{
	for (uint32_t i = 0; i < policy->n_groups; i++) {
		if (!policy->groups[i].name || strcmp(policy->groups[i].name, name) != 0)
			continue;
		*ret = i;
		return true;
	}

	return false;
}

static int take_group_name(struct policy_reader *reader, struct span value)
{
	const char *name;
	uint32_t other;
	int r = policy_take_name(reader, value, &name);

	if (r < 0)
		return r;
	if (policy_last_group(reader)->name)
		return REFUSE(reader, "this port-group has a name already");
	if (policy_find_group(reader->policy, name, &other))
		return REFUSE(reader, "another port-group is called \"%s\"", name);
	policy_last_group(reader)->name = name;

	return 0;
}

static int take_group_guids(struct policy_reader *reader, struct span value)
{
	return policy_take_ranges(reader, value, &policy_guids, &policy_last_group(reader)->terms);
}

static int take_group_pkeys(struct policy_reader *reader, struct span value)
{
	return policy_take_ranges(reader, value, &policy_pkeys, &policy_last_group(reader)->terms);
}

/* "description/P1": a description may have a slash itself. */
static int take_port_name(struct policy_reader *reader, struct span item)
{
	struct qos_term term = { .kind = QOS_PORT_NAME };
	size_t slash = item.length;
	int r;

	while (slash > 0 && item.at[slash - 1] != '/')
		slash--;
	if (slash < 2 || slash == item.length || (item.at[slash] | 0x20) != 'p')
		return REFUSE(reader, "\"%s\" is not a NodeDescription, /P and a port number",
			      SHOW(item));
	r = policy_take_small(reader, (struct span){ item.at + slash + 1, item.length - slash - 1 },
			      0, 254, &term.port);
	if (r == 0)
		r = policy_take_name(reader, (struct span){ item.at, slash - 1 }, &term.name);

	return r < 0 ? r : policy_add_term(reader, &policy_last_group(reader)->terms, term);
}

static int take_port_names(struct policy_reader *reader, struct span value)
{
	return policy_take_list(reader, value, take_port_name);
}

static int take_partition(struct policy_reader *reader, struct span item)
{
	struct qos_term term = { .kind = QOS_PARTITION };
	int r = policy_take_name(reader, item, &term.name);

	return r < 0 ? r : policy_add_term(reader, &policy_last_group(reader)->terms, term);
}

static int take_partitions(struct policy_reader *reader, struct span value)
{
	return policy_take_list(reader, value, take_partition);
}

static int take_node_type(struct policy_reader *reader, struct span item)
{
	static const struct {
		const char *word;
		unsigned nodes;
	} types[] = {
		{ "CA", QOS_CA },         { "SWITCH", QOS_SWITCH },
		{ "ROUTER", QOS_ROUTER }, { "ALL", QOS_CA | QOS_SWITCH | QOS_ROUTER },
		{ "SELF", QOS_SELF },
	};

	for (unsigned i = 0; i < COUNT(types); i++)
		if (policy_is_word(item, types[i].word))
			return policy_add_term(
				reader, &policy_last_group(reader)->terms,
				(struct qos_term){ .kind = QOS_NODE, .first = types[i].nodes });

	return REFUSE(reader, "\"%s\" is not CA, SWITCH, ROUTER, ALL or SELF", SHOW(item));
}

static int take_node_types(struct policy_reader *reader, struct span value)
{
	return policy_take_list(reader, value, take_node_type);
}

const struct policy_keyword policy_group_keywords[] = {
	{ "name", take_group_name },       { "use", policy_take_nothing },
	{ "port-guid", take_group_guids }, { "port-name", take_port_names },
	{ "pkey", take_group_pkeys },      { "partition", take_partitions },
	{ "node-type", take_node_types },  { NULL, NULL },
};
