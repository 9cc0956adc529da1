/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Where packets go, for people: the forwarding table of a switch, by exit instead of by LID, and
 * the way from one port to another.
 */

#include "ctl/vsmctl.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define LIDS_SHOWN 100 /* bytes of a list of LIDs */

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
	if (member_number(row, "mtu"))
		table_add(table, PAINT_NONE, "%lld", member_number(row, "mtu"));
	else
		table_add(table, PAINT_DIM, "-");
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

static const char *level_text(const json_t *result, char ret[static 32])
{
	if (!json_is_integer(json_object_get(result, "service_level")))
		return "none (no P_Key for it)";
	snprintf(ret, 32, "%lld", member_number(result, "service_level"));

	return ret;
}

/* Some tell of a reason, which is a sentence. */
static void show_end(const json_t *result, const struct view *view)
{
	const char *end = member_text(result, "end", "?");
	size_t n = strlen(end);

	print_painted(view->colour, PAINT_BAD, "The path ends");
	printf(" at %s: %s%s\n", member_text(json_object_get(result, "at"), "name", "?"), end,
	       n > 0 && end[n - 1] == '.' ? "" : ".");
}

void show_path(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { ">HOP", "FROM", ">PORT", "TO", "LINK", ">MTU", NULL };
	const json_t *hops = json_object_get(result, "hops");
	struct table table = table_start(heads);
	const json_t *row;
	char buffer[320], level[32];
	size_t i;

	json_array_foreach(hops, i, row) add_hop(&table, i, row);
	table_end(&table, view->colour);
	if (member_is_true(result, "complete") && json_array_size(hops) == 0) {
		printf("%s is the same port: packets with LID %lld do not leave it.\n",
		       end_text(json_object_get(result, "destination"), buffer),
		       member_number(result, "destination_lid"));
	} else if (member_is_true(result, "complete")) {
		printf("%s with LID %lld is reached in %zu hops, SL %s, MTU %lld, %.4g Gb/s.\n",
		       end_text(json_object_get(result, "destination"), buffer),
		       member_number(result, "destination_lid"), json_array_size(hops),
		       level_text(result, level), member_number(result, "mtu"),
		       (double)member_number(result, "rate_mbps") / 1000);
	} else {
		show_end(result, view);
	}
	if (has_vf(result))
		show_ends(result);
	show_shared_pkeys(json_object_get(result, "shared_pkeys"), view);
}
