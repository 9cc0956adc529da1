/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Partitions at run time, for people: what a change came to, what is said about partitions, and
 * the wait until devices hold it. Waiting is asking again; between two questions nobody is kept
 * busy, and the time-out is that of all calls together.
 */

#include "ctl/vsmctl.h"

#include <poll.h>

#include "base/macros.h"

#define WAIT_FIRST 20 /* ms */
#define WAIT_MOST  500

/* -- waiting ------------------------------------------------------------------------------------
 */

static void say_unapplied(const json_t *result)
{
	long long n = member_number(result, "not_applied_count");
	const json_t *row;
	char buffer[320];
	size_t i;

	json_array_foreach(json_object_get(result, "not_applied"), i, row)
	{
		complain("%s (%s): %s %s", end_text(row, buffer), member_text(row, "guid", "?"),
			 member_text(row, "sentence", "it does not hold its P_Keys yet"),
			 member_text(row, "remedy", ""));
	}
	if (n > (long long)i)
		complain("and %lld more ports", n - (long long)i);
}

static enum result check(struct client *client, const json_t *result, json_t **ret)
{
	json_t *params = json_pack("{s:s, s:I}", "pkey", member_text(result, "pkey", ""),
				   "generation", (json_int_t)member_number(result, "generation"));

	return client_call(client, "partition-check", params, ret);
}

enum result wait_applied(struct client *client, json_t *result)
{
	int pause = WAIT_FIRST;

	for (;;) {
		json_t *now;
		enum result r = check(client, result, &now);
		bool settled, applied;

		if (r == RESULT_TIMEOUT) {
			complain("the change is stored, and not applied yet");
			say_unapplied(result);
		}
		if (r != RESULT_OK)
			return r;
		settled = member_is_true(now, "settled");
		applied = member_is_true(now, "applied");
		json_object_del(now, "schema");
		json_object_update(result, now);
		json_decref(now);
		if (applied)
			return RESULT_OK;
		if (settled) {
			say_unapplied(result);
			return RESULT_DEGRADED;
		}
		poll(NULL, 0, pause);
		pause = MIN(2 * pause, WAIT_MOST);
	}
}

/* -- showing ------------------------------------------------------------------------------------
 */

static const char *applied_text(const json_t *object)
{
	return member_is_true(object, "applied") ? "applied" : "not applied yet";
}

void show_partition_change(const json_t *result, const struct view *view)
{
	long long n = member_number(result, "members_changed");

	(void)view;
	if (!member_is_true(result, "changed"))
		printf("%s: as it was", member_text(result, "pkey", "?"));
	else
		printf("%s: stored, %lld member%s changed", member_text(result, "pkey", "?"), n,
		       n == 1 ? "" : "s");
	printf("; generation %lld, %s\n", member_number(result, "generation"),
	       applied_text(result));
}

static void show_list(const json_t *rows, const struct view *view)
{
	static const char *const heads[] = { "PARTITION",   "PKEY",     "SOURCE",
					     ">FILE",       ">RUNTIME", ">ABSENT",
					     ">GENERATION", "APPLIED",  NULL };
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		bool applied = member_is_true(row, "applied");

		table_add(&table, PAINT_NONE, "%s", member_text(row, "name", "?"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "pkey", "?"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "source", "?"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "members_file"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "members_runtime"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "absent"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "generation"));
		table_add(&table, applied ? PAINT_GOOD : PAINT_WARN, "%s", applied ? "yes" : "no");
	}
	table_end(&table, view->colour);
}

static const char *port_text(const json_t *row, char ret[static 320])
{
	if (!json_object_get(row, "node_guid"))
		return member_is_true(row, "present") ? "-" : "absent";

	return end_text(row, ret);
}

static const char *device_text(const json_t *row)
{
	if (!json_object_get(row, "applied"))
		return "-";

	return member_is_true(row, "applied") ? "holds it" : "does not hold it yet";
}

static void show_statements(const json_t *rows, const struct view *view)
{
	static const char *const heads[] = { "GUID", "MEMBER", "INDEX0", "SOURCE",
					     "PORT", "DEVICE", NULL };
	struct table table = table_start(heads);
	const json_t *row;
	char buffer[320];
	size_t i;

	json_array_foreach(rows, i, row)
	{
		table_add(&table, PAINT_NONE, "%s",
			  member_text(row, "guid", member_text(row, "ports", "?")));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "membership", "?"));
		table_add(&table, PAINT_NONE, "%s", member_is_true(row, "index0") ? "yes" : "-");
		table_add(&table, PAINT_NONE, "%s", member_text(row, "source", "?"));
		table_add(&table, PAINT_NONE, "%s", port_text(row, buffer));
		table_add(&table, PAINT_NONE, "%s", device_text(row));
	}
	table_end(&table, view->colour);
}

static void show_unapplied(const json_t *result)
{
	const json_t *row;
	char buffer[320];
	size_t i;

	json_array_foreach(json_object_get(result, "not_applied"), i, row)
		printf("not applied: %s: %s %s\n", end_text(row, buffer),
		       member_text(row, "sentence", "?"), member_text(row, "remedy", ""));
}

void show_partition(const json_t *result, const struct view *view)
{
	const json_t *members = json_object_get(result, "members");

	if (!members) {
		show_list(json_object_get(result, "partitions"), view);
		return;
	}
	printf("%s, P_Key %s, from %s; generation %lld, %s\n", member_text(result, "name", "?"),
	       member_text(result, "pkey", "?"), member_text(result, "source", "?"),
	       member_number(result, "generation"), applied_text(result));
	show_statements(members, view);
	show_unapplied(result);
}
