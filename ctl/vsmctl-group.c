/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Multicast groups, for people: a line a group, or a line a member of one.
 */

#include "ctl/vsmctl.h"

#include <string.h>

static const char *states_text(const json_t *row, char ret[static 64])
{
	size_t used = 0, i;
	json_t *state;

	ret[0] = 0;
	json_array_foreach(json_object_get(row, "states"), i, state)
	{
		const char *text = text_of(state);

		if (text && used < 64)
			used += (size_t)snprintf(ret + used, 64 - used, "%s%.16s", i ? "," : "",
						 text);
	}

	return ret[0] ? ret : "-";
}

static void show_sentences(const json_t *rows, const char *what)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *sentence = member_text(row, "sentence", NULL);

		if (sentence)
			printf("%s: %s\n", member_text(row, what, "?"), sentence);
	}
}

void show_groups(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "MGID",   "LID",       "PKEY",     ">MTU", ">SL",
					     "SOURCE", ">SWITCHES", ">MEMBERS", "AS",   NULL };
	const json_t *rows = json_object_get(result, "groups"), *row;
	struct table table = table_start(heads);
	char states[64];
	size_t i;

	if (json_array_size(rows) == 0)
		printf("%s\n", view->some ? "It is member of no multicast group."
					  : "There are no multicast groups.");
	json_array_foreach(rows, i, row)
	{
		table_add(&table, PAINT_NONE, "%s", member_text(row, "mgid", "?"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "mlid", "?"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "pkey", "?"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "mtu"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "sl"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "source", "?"));
		table_add(&table, member_is_true(row, "written") ? PAINT_NONE : PAINT_WARN, "%lld",
			  member_number(row, "switches"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "members_count"));
		table_add(&table, PAINT_NONE, "%s", states_text(row, states));
	}
	table_end(&table, view->colour);
	show_sentences(rows, "mgid");
}

static const char *member_place(const json_t *row, char ret[static 340])
{
	char end[320];

	if (!member_is_true(row, "present"))
		return "absent";
	snprintf(ret, 340, "%s", end_text(row, end));
	if (json_is_integer(json_object_get(row, "vf")))
		snprintf(ret, 340, "%s/vf%lld", end, member_number(row, "vf"));

	return ret;
}

void show_group(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "PORT", "GUID", ">LID", "AS", "BY", NULL };
	const json_t *rows = json_object_get(result, "members"), *row;
	struct table table = table_start(heads);
	char place[340], states[64];
	size_t i;

	printf("%s, LID %s, P_Key %s, Q_Key %s, MTU %lld, %lld Mbit/s, SL %lld, from %s; %lld "
	       "members, %lld switches%s\n",
	       member_text(result, "mgid", "?"), member_text(result, "mlid", "?"),
	       member_text(result, "pkey", "?"), member_text(result, "q_key", "?"),
	       member_number(result, "mtu"), member_number(result, "rate_mbps"),
	       member_number(result, "sl"), member_text(result, "source", "?"),
	       member_number(result, "members_count"), member_number(result, "switches"),
	       member_is_true(result, "written") ? "" : ", which are being told");
	json_array_foreach(rows, i, row)
	{
		bool reached = !json_is_string(json_object_get(row, "sentence"));

		table_add(&table, reached ? PAINT_NONE : PAINT_WARN, "%s",
			  member_place(row, place));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "guid", "?"));
		if (member_number(row, "lid"))
			table_add(&table, PAINT_NONE, "%lld", member_number(row, "lid"));
		else
			table_add(&table, PAINT_NONE, "-");
		table_add(&table, PAINT_NONE, "%s", states_text(row, states));
		table_add(&table, PAINT_NONE, "%s", member_is_true(row, "proxy") ? "proxy" : "-");
	}
	table_end(&table, view->colour);
	show_sentences(rows, "guid");
}
