/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Answers of the daemon for people: lists as tables, the rest as sentences. A member that is not
 * there, or is of another type, is shown as nothing: daemon and client may be of different age.
 */

#include "ctl/vsmctl.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* -- members ------------------------------------------------------------------------------------
 */

const char *age_text(long long seconds, char ret[static 24])
{
	if (seconds < 120)
		snprintf(ret, 24, "%llds", seconds);
	else if (seconds < 2 * 3600)
		snprintf(ret, 24, "%lldm", seconds / 60);
	else if (seconds < 2 * 86400)
		snprintf(ret, 24, "%lldh", seconds / 3600);
	else
		snprintf(ret, 24, "%lldd", seconds / 86400);

	return ret;
}

const char *link_text(const json_t *object, const char *width, const char *speed,
		      char ret[static 32])
{
	if (member_number(object, width) > 0)
		snprintf(ret, 32, "%lldX %.8s", member_number(object, width),
			 member_text(object, speed, "?"));
	else
		snprintf(ret, 32, "-");

	return ret;
}

const char *end_text(const json_t *end, char ret[static 320])
{
	int used;

	if (!json_is_object(end)) {
		snprintf(ret, 320, "-");
		return ret;
	}
	used = snprintf(ret, 320, "%.256s/%lld", member_text(end, "name", "?"),
			member_number(end, "port"));
	if (member_number(end, "vf") > 0)
		snprintf(ret + used, (size_t)(320 - used), "/vf%lld", member_number(end, "vf"));

	return ret;
}

const char *vf_text(const json_t *vf, char ret[static 320])
{
	int used = snprintf(ret, 320, "%.256s/%lld", member_text(vf, "pf_name", "?"),
			    member_number(vf, "pf_port"));

	if (member_number(vf, "index") > 0)
		snprintf(ret + used, 320 - (size_t)used, "/vf%lld", member_number(vf, "index"));

	return ret;
}

static enum paint state_paint(const char *state)
{
	if (!strcmp(state, "active"))
		return PAINT_GOOD;

	return strcmp(state, "down") ? PAINT_WARN : PAINT_DIM;
}

/* "-" for "none" */
static const char *reason_text(const json_t *row)
{
	const char *reason = member_text(row, "reason", "none");

	return strcmp(reason, "none") ? reason : "-";
}

static enum paint problem_paint(const json_t *row)
{
	return member_is_true(row, "problem") ? PAINT_BAD : PAINT_DIM;
}

/* A LID, or "-" */
static const char *lid_text(const json_t *row, char ret[static 24])
{
	long long lid = member_number(row, "lid");

	if (lid > 0)
		snprintf(ret, 24, "%lld", lid);
	else
		snprintf(ret, 24, "-");

	return ret;
}

/* -- nodes --------------------------------------------------------------------------------------
 */

void show_names(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *name = member_text(row, "name", "");

		if (name[0])
			printf("%s\n", name);
	}
}

void show_nodes(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "NAME",    "TYPE",  "GUID", ">LID",
					     ">ACTIVE", ">HOPS", "NOTE", NULL };
	struct table table = table_start(heads);
	const json_t *row;
	char lid[24];
	size_t i;

	json_array_foreach(json_object_get(result, "nodes"), i, row)
	{
		bool present = member_is_true(row, "present");

		table_add(&table, PAINT_NONE, "%s", member_text(row, "name", "?"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "type", "?"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "node_guid", "?"));
		table_add(&table, PAINT_NONE, "%s", lid_text(row, lid));
		table_add(&table, PAINT_NONE, "%lld/%lld", member_number(row, "ports_active"),
			  member_number(row, "ports"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "hops"));
		table_add(&table, present ? PAINT_WARN : PAINT_BAD, "%s",
			  present ? reason_text(row) : "gone");
	}
	table_end(&table, view->colour);
}

/* -- ports --------------------------------------------------------------------------------------
 */

/* Each reason that occurs among the problems, once, with what to do about it. */
static void show_reasons(const json_t *rows)
{
	json_t *seen = json_object();
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *reason = member_text(row, "reason", "none");

		if (!member_is_true(row, "problem") || json_object_get(seen, reason) ||
		    !json_is_string(json_object_get(row, "sentence")))
			continue;
		printf("%s%s: %s %s\n", json_object_size(seen) ? "" : "\n", reason,
		       member_text(row, "sentence", ""), member_text(row, "remedy", ""));
		json_object_set_new(seen, reason, json_true());
	}
	json_decref(seen);
}

static void add_port(struct table *table, const json_t *row)
{
	const char *state = member_text(row, "state", "?");
	char buffer[320], lid[24], link[32], age[24];

	table_add(table, PAINT_NONE, "%s", end_text(row, buffer));
	table_add(table, PAINT_NONE, "%s", lid_text(row, lid));
	table_add(table, state_paint(state), "%s", state);
	table_add(table, PAINT_NONE, "%s", member_text(row, "phys_state", "?"));
	table_add(table, PAINT_NONE, "%s", link_text(row, "width", "speed", link));
	table_add(table, PAINT_NONE, "%s", end_text(json_object_get(row, "peer"), buffer));
	table_add(table, PAINT_NONE, "%s", age_text(member_number(row, "since_seconds"), age));
	table_add(table, problem_paint(row), "%s", reason_text(row));
}

void show_ports(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "PORT", ">LID",   "STATE",  "PHYS", "LINK",
					     "PEER", ">SINCE", "REASON", NULL };
	const json_t *rows = json_object_get(result, "ports");
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) add_port(&table, row);
	table_end(&table, view->colour);
	show_reasons(rows);
	if (view->problems && json_array_size(rows) == 0)
		printf("All linked ports are active.\n");
}

/* -- links --------------------------------------------------------------------------------------
 */

static void add_link(struct table *table, const json_t *row)
{
	const char *state = member_text(row, "state", "?");
	char buffer[320], link[32];

	table_add(table, PAINT_NONE, "%s", end_text(json_object_get(row, "a"), buffer));
	table_add(table, PAINT_NONE, "%s", end_text(json_object_get(row, "b"), buffer));
	table_add(table, state_paint(state), "%s", state);
	table_add(table, PAINT_NONE, "%s", link_text(row, "width", "speed", link));
	if (member_is_true(row, "slow"))
		table_add(table, PAINT_BAD, "slow: both ends can %s",
			  link_text(row, "can_width", "can_speed", link));
	else
		table_add(table, problem_paint(row), "%s", reason_text(row));
}

void show_links(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "END", "OTHER END", "STATE", "LINK", "NOTE", NULL };
	struct table table = table_start(heads);
	const json_t *rows = json_object_get(result, "links");
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) add_link(&table, row);
	table_end(&table, view->colour);
	if (json_array_size(rows) == 0)
		printf("%s\n", view->problems
				       ? "All links are active, and as fast as both ends can."
				       : "There is no link.");
}

/* -- vfs ----------------------------------------------------------------------------------------
 */

static void add_vf(struct table *table, const json_t *row)
{
	const char *state = member_text(row, "state", "?");
	char buffer[320], lid[24], age[24];

	table_add(table, PAINT_NONE, "%s", vf_text(row, buffer));
	table_add(table, PAINT_NONE, "%s", member_text(row, "guid", "none"));
	table_add(table, PAINT_NONE, "%s", lid_text(row, lid));
	table_add(table, PAINT_NONE, "%s", member_text(row, "lid_source", "-"));
	table_add(table, PAINT_NONE, "%s", member_text(row, "model", "?"));
	table_add(table, state_paint(state), "%s", state);
	table_add(table, PAINT_NONE, "%s", age_text(member_number(row, "since_seconds"), age));
	table_add(table, problem_paint(row), "%s", reason_text(row));
	table_add(table, PAINT_NONE, "%s", member_text(row, "name", "-"));
}

/* By GUID: a name may have anything in it that means something to a shell. */
static void show_next_step(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!member_is_true(row, "problem"))
			continue;
		printf("\nMore, and what to type: vsmctl explain %s/vf%lld, and so on.\n",
		       member_text(row, "pf", "?"), member_number(row, "index"));
		return;
	}
}

void show_vf_rows(const json_t *rows, const struct view *view)
{
	static const char *const heads[] = { "VF",    "GUID",   ">LID",   "OF",   "MODEL",
					     "STATE", ">SINCE", "REASON", "NAME", NULL };
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) add_vf(&table, row);
	table_end(&table, view->colour);
	show_reasons(rows);
	show_next_step(rows);
}

/* What may be said of all may not be said of some. */
static const char *no_vfs(const struct view *view)
{
	if (view->some)
		return view->problems ? "None of these is started and not active."
				      : "No virtual function is that, or behind it.";

	return view->problems ? "All virtual functions that are started are active."
			      : "No virtual functions are known.";
}

void show_vfs(const json_t *result, const struct view *view)
{
	const json_t *rows = json_object_get(result, "vfs");

	if (json_array_size(rows) == 0)
		printf("%s\n", no_vfs(view));
	show_vf_rows(rows, view);
}

/* -- partitions ---------------------------------------------------------------------------------
 */

static const char *flags_text(const json_t *row)
{
	if (member_is_true(row, "ipoib"))
		return member_is_true(row, "indx0") ? "ipoib,indx0" : "ipoib";

	return member_is_true(row, "indx0") ? "indx0" : "-";
}

static void show_partition_list(const json_t *rows, const struct view *view)
{
	static const char *const heads[] = { "PARTITION", "PKEY",    ">SL",   ">FULL", ">LIMITED",
					     ">BOTH",     ">ABSENT", "FLAGS", NULL };
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		table_add(&table, PAINT_NONE, "%s", member_text(row, "name", "?"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "pkey", "?"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "sl"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "full"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "limited"));
		table_add(&table, PAINT_NONE, "%lld", member_number(row, "both"));
		table_add(&table, member_number(row, "absent") ? PAINT_WARN : PAINT_NONE, "%lld",
			  member_number(row, "absent"));
		table_add(&table, PAINT_NONE, "%s", flags_text(row));
	}
	table_end(&table, view->colour);
}

static void show_members(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "PORT", "GUID", ">LID", "MEMBER", NULL };
	struct table table = table_start(heads);
	const json_t *row;
	char buffer[320], lid[24];
	size_t i;

	printf("%s, P_Key %s, SL %lld\n", member_text(result, "name", "?"),
	       member_text(result, "pkey", "?"), member_number(result, "sl"));
	json_array_foreach(json_object_get(result, "members"), i, row)
	{
		bool present = member_is_true(row, "present");

		table_add(&table, present ? PAINT_NONE : PAINT_WARN, "%s",
			  present ? end_text(row, buffer) : "absent");
		table_add(&table, PAINT_NONE, "%s", member_text(row, "guid", "?"));
		table_add(&table, PAINT_NONE, "%s", lid_text(row, lid));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "membership", "?"));
	}
	table_end(&table, view->colour);
}

static bool holds(const json_t *held, const char *pkey)
{
	const json_t *key;
	size_t i;

	json_array_foreach(held, i,
			   key) if (!strcmp(json_string_value(key) ? json_string_value(key) : "",
					    pkey)) return true;

	return false;
}

static void show_port_keys(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { ">INDEX", "PKEY", "PARTITION", "DEVICE", NULL };
	const json_t *held = json_object_get(result, "pkeys_held");
	struct table table = table_start(heads);
	const json_t *row;
	char buffer[320];
	size_t i;

	printf("%s, %s %s\n", end_text(result, buffer),
	       json_object_get(result, "vf") ? "GUID" : "port GUID",
	       member_text(result, "guid", "?"));
	json_array_foreach(json_object_get(result, "pkeys"), i, row)
	{
		const char *pkey = member_text(row, "pkey", "?");
		bool is_held = holds(held, pkey);

		table_add(&table, PAINT_NONE, "%lld", member_number(row, "index"));
		table_add(&table, PAINT_NONE, "%s", pkey);
		table_add(&table, PAINT_NONE, "%s", member_text(row, "partition", "-"));
		table_add(&table, is_held ? PAINT_GOOD : PAINT_WARN, "%s",
			  is_held ? "holds it" : "does not hold it yet");
	}
	table_end(&table, view->colour);
}

void show_partitions(const json_t *result, const struct view *view)
{
	if (json_object_get(result, "members"))
		show_members(result, view);
	else if (json_object_get(result, "pkeys"))
		show_port_keys(result, view);
	else
		show_partition_list(json_object_get(result, "partitions"), view);
}

/* -- events and orders --------------------------------------------------------------------------
 */

void show_event(const json_t *event, const struct view *view)
{
	const char *name = member_text(event, "name", NULL);
	char place[320] = "";

	if (member_number(event, "missed") > 0)
		printf("(%lld events were missed)\n", member_number(event, "missed"));
	if (name && json_is_integer(json_object_get(event, "port")))
		end_text(event, place);
	else if (name)
		snprintf(place, sizeof(place), "%.300s", name);
	else
		snprintf(place, sizeof(place), "%.300s", member_text(event, "node_guid", ""));

	print_painted(view->colour, PAINT_DIM, member_text(event, "at", "?"));
	printf(" %5lld %-11s %s%s%s", member_number(event, "number"),
	       member_text(event, "kind", "?"), place, place[0] ? ": " : "",
	       member_text(event, "text", ""));
	if (member_number(event, "cause") > 0 && strcmp(member_text(event, "kind", ""), "sweep"))
		printf(" (after %lld)", member_number(event, "cause"));
	printf("\n");
}

void show_events(const json_t *result, const struct view *view)
{
	const json_t *events = json_object_get(result, "events"), *event;
	size_t i;

	json_array_foreach(events, i, event) show_event(event, view);
	if (json_array_size(events) == 0)
		printf("There is no such event.\n");
}

void show_version(const json_t *result, const struct view *view)
{
	(void)view;
	printf("vsm %s\nvsmctl %s\n", member_text(result, "version", "?"),
	       member_text(result, "vsmctl", "?"));
}

void show_sweep(const json_t *result, const struct view *view)
{
	(void)view;
	printf("%s sweep has begun.\n", member_is_true(result, "full") ? "A full" : "A");
}

void show_reload(const json_t *result, const struct view *view)
{
	const json_t *change;
	json_t *warning;
	size_t i;

	printf("%s\n", member_text(result, "text", "Done."));
	json_array_foreach(json_object_get(result, "changes"), i, change)
	{
		bool later = member_is_true(change, "needs_restart");

		printf("%s: %s is %s %s", member_text(change, "option", "?"),
		       member_text(change, "before", "?"), later ? "to be" : "now",
		       member_text(change, "after", "?"));
		if (later)
			print_painted(view->colour, PAINT_WARN, " (needs a restart)");
		printf("\n");
	}
	json_array_foreach(json_object_get(result, "warnings"), i, warning)
	{
		const char *text = text_of(warning);

		print_painted(view->colour, PAINT_WARN, "Warning:");
		printf(" %s\n", text ? text : "?");
	}
}
