/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Answers of the daemon for people: lists as tables, the rest as sentences. A member that is not
 * there, or is of another type, is shown as nothing: daemon and client may be of different age.
 */

#include "ctl/vsmctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define LIDS_SHOWN 100 /* bytes of a list of LIDs */

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
		table_add(&table, present ? PAINT_WARN : PAINT_BAD, "%s%s", present ? "" : "gone ",
			  reason_text(row));
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
	if (view->problems && json_array_size(rows) == 0)
		printf("All links are active, and as fast as both ends can.\n");
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
	static const char *const heads[] = { "PARTITION", "PKEY",    ">FULL", ">LIMITED",
					     ">BOTH",     ">ABSENT", "FLAGS", NULL };
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		table_add(&table, PAINT_NONE, "%s", member_text(row, "name", "?"));
		table_add(&table, PAINT_NONE, "%s", member_text(row, "pkey", "?"));
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

	printf("%s, P_Key %s\n", member_text(result, "name", "?"),
	       member_text(result, "pkey", "?"));
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

/* -- routes -------------------------------------------------------------------------------------
 */

/* All LIDs that leave by one port. */
struct exit {
	long long n;
	char peer[320];
	char lids[LIDS_SHOWN];
	bool cut;
};

static void add_run(struct exit *exit, const json_t *row)
{
	long long first = member_number(row, "lid"), last = member_number(row, "last_lid");
	size_t used = strlen(exit->lids);
	char text[48];

	exit->n += last - first + 1;
	if (exit->n == last - first + 1)
		end_text(json_object_get(row, "peer"), exit->peer);
	if (first == last)
		snprintf(text, sizeof(text), "%s%lld", used ? "," : "", first);
	else
		snprintf(text, sizeof(text), "%s%lld-%lld", used ? "," : "", first, last);
	if (used + strlen(text) + 4 < sizeof(exit->lids) && !exit->cut)
		strcpy(exit->lids + used, text);
	else if (!exit->cut)
		strcpy(exit->lids + used, "...");
	exit->cut = exit->cut || !strcmp(exit->lids + used, "...");
}

#define NO_EXIT 255

void show_routes(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { ">PORT", "TO", ">LIDS", "WHICH", NULL };
	AUTO(freep) struct exit *exits = calloc(NO_EXIT + 1, sizeof(*exits));
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	if (!exits)
		return;
	json_array_foreach(json_object_get(result, "routes"), i, row)
	{
		long long port = json_is_null(json_object_get(row, "port"))
					 ? NO_EXIT
					 : member_number(row, "port");

		if (port >= 0 && port <= NO_EXIT)
			add_run(&exits[port], row);
	}
	for (unsigned port = 0; port <= NO_EXIT; port++) {
		if (exits[port].n == 0)
			continue;
		if (port == NO_EXIT)
			table_add(&table, PAINT_BAD, "none");
		else
			table_add(&table, PAINT_NONE, "%u", port);
		table_add(&table, PAINT_NONE, "%s", port == 0 ? "itself" : exits[port].peer);
		table_add(&table, PAINT_NONE, "%lld", exits[port].n);
		table_add(&table, PAINT_NONE, "%s", exits[port].lids);
	}
	printf("%s %s\n", member_text(result, "name", "?"), member_text(result, "node_guid", ""));
	table_end(&table, view->colour);
}

/* -- path ---------------------------------------------------------------------------------------
 */

static void add_hop(struct table *table, size_t i, const json_t *row)
{
	char buffer[320], link[32];

	table_add(table, PAINT_NONE, "%zu", i + 1);
	table_add(table, PAINT_NONE, "%s", member_text(row, "name", "?"));
	table_add(table, PAINT_NONE, "%lld", member_number(row, "out_port"));
	table_add(table, PAINT_NONE, "%s", end_text(json_object_get(row, "peer"), buffer));
	table_add(table, PAINT_NONE, "%s", link_text(row, "width", "speed", link));
	table_add(table, PAINT_NONE, "%lld", member_number(row, "mtu"));
}

/* A port, or a virtual function of one. */
static void show_ends(const json_t *result)
{
	const json_t *from = json_object_get(result, "source");
	const json_t *to = json_object_get(result, "destination");
	char a[320], b[320];

	printf("From %s, GUID %s, LID %lld, to %s, GUID %s, LID %lld: packets need %s.\n",
	       end_text(from, a), member_text(from, "guid", "?"), member_number(from, "lid"),
	       end_text(to, b), member_text(to, "guid", "?"),
	       member_number(result, "destination_lid"),
	       member_is_true(result, "grh")
		       ? "a GRH, since a LID is shared by functions that the GID tells apart"
		       : "no GRH");
}

static bool has_vf(const json_t *result)
{
	return member_number(json_object_get(result, "source"), "vf") > 0 ||
	       member_number(json_object_get(result, "destination"), "vf") > 0;
}

static void show_shared_pkeys(const json_t *keys, const struct view *view)
{
	json_t *key;
	size_t i;

	if (json_is_null(keys)) {
		printf("Which P_Keys they share is not known at the moment.\n");
		return;
	}
	if (json_array_size(keys) == 0) {
		print_painted(view->colour, PAINT_BAD, "The two ports share no partition.");
		printf("\n");
		return;
	}
	printf("Shared P_Keys:");
	json_array_foreach(keys, i, key) printf(" %s", text_of(key) ? text_of(key) : "?");
	printf("\n");
}

void show_path(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { ">HOP", "FROM", ">PORT", "TO", "LINK", ">MTU", NULL };
	const json_t *hops = json_object_get(result, "hops");
	struct table table = table_start(heads);
	const json_t *row;
	char buffer[320];
	size_t i;

	json_array_foreach(hops, i, row) add_hop(&table, i, row);
	table_end(&table, view->colour);
	if (member_is_true(result, "complete") && json_array_size(hops) == 0) {
		printf("%s is the same port: packets with LID %lld do not leave it.\n",
		       end_text(json_object_get(result, "destination"), buffer),
		       member_number(result, "destination_lid"));
	} else if (member_is_true(result, "complete")) {
		printf("%s with LID %lld is reached in %zu hops, MTU %lld, %.4g Gb/s.\n",
		       end_text(json_object_get(result, "destination"), buffer),
		       member_number(result, "destination_lid"), json_array_size(hops),
		       member_number(result, "mtu"),
		       (double)member_number(result, "rate_mbps") / 1000);
	} else {
		print_painted(view->colour, PAINT_BAD, "The path ends");
		printf(" at %s: %s.\n", member_text(json_object_get(result, "at"), "name", "?"),
		       member_text(result, "end", "?"));
	}
	if (has_vf(result))
		show_ends(result);
	show_shared_pkeys(json_object_get(result, "shared_pkeys"), view);
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
	const json_t *event;
	size_t i;

	json_array_foreach(json_object_get(result, "events"), i, event) show_event(event, view);
}

void show_version(const json_t *result, const struct view *view)
{
	(void)view;
	printf("vsm %s\nvsmctl %s\n", member_text(result, "version", "?"), PACKAGE_VERSION);
}

void show_sweep(const json_t *result, const struct view *view)
{
	(void)view;
	printf("%s sweep has begun.\n", member_is_true(result, "full") ? "A full" : "A");
}

void show_reload(const json_t *result, const struct view *view)
{
	const json_t *change;
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
}
