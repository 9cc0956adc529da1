/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * "status" and "stats" for people. The first line is the one that most want, and says what to ask
 * next if something is wrong.
 */

#include "ctl/vsmctl.h"

#include <string.h>

#include "base/macros.h"

/* Also a port that is Active may be without what was planned for it, as a route. */
static void show_port_counts(const json_t *s, const struct view *view)
{
	long long active = member_number(s, "ports_active");
	long long bad = member_number(s, "ports_not_active");
	long long others = MAX(member_number(s, "ports_with_problems") - bad, 0);

	if (bad > 0)
		printf("%lld ports active, %lld not", active, bad);
	else if (member_number(s, "generation"))
		printf("all %lld ports active", active);
	else
		printf("%lld ports active, and that is not all yet", active);
	if (others > 0)
		printf(", %lld%s with problems", others, bad > 0 ? " more" : "");
	if (bad + others > 0) {
		printf(": run ");
		print_painted(view->colour, PAINT_BAD, "vsmctl ports --problems");
	}
	printf("\n");
}

static void show_first_line(const json_t *s, const struct view *view)
{
	const char *state = member_text(s, "state", "?");
	const char *trouble = member_text(s, "trouble", NULL);

	print_painted(view->colour, strcmp(state, "master") ? PAINT_WARN : PAINT_GOOD, state);
	if (trouble)
		printf(": %s\n", trouble);
	if (trouble && !member_text(s, "phase", NULL))
		return;
	printf("%s generation %lld (applied %lld), %lld node%s, %lld switch%s; ",
	       trouble ? "as last seen:" : ",", member_number(s, "generation"),
	       member_number(s, "applied"), member_number(s, "nodes"),
	       member_number(s, "nodes") == 1 ? "" : "s", member_number(s, "switches"),
	       member_number(s, "switches") == 1 ? "" : "es");
	show_port_counts(s, view);
}

/* A pulled cable may leave all ports that are left as they should be. */
static void show_gone_line(const json_t *s, const struct view *view)
{
	long long gone = member_number(s, "nodes_gone");

	if (gone == 0)
		return;
	printf("%lld node%s gone that %s there before: ", gone, gone == 1 ? " is" : "s are",
	       gone == 1 ? "was" : "were");
	print_painted(view->colour, PAINT_WARN, "vsmctl nodes");
	printf("\n");
}

static void show_store_line(const json_t *s, const struct view *view)
{
	const char *trouble = member_text(s, "store_trouble", NULL);

	if (!trouble)
		return;
	print_painted(view->colour, PAINT_BAD, trouble);
	printf("\n");
}

static void show_vfs_line(const json_t *s, const struct view *view)
{
	long long active = member_number(s, "vfs_active"), bad = member_number(s, "vfs_not_active");

	if (active + bad == 0)
		return;
	printf("%lld virtual functions active, ", active);
	if (bad == 0) {
		printf("all that are started\n");
		return;
	}
	printf("%lld not: run ", bad);
	print_painted(view->colour, PAINT_BAD, "vsmctl vfs --not-active");
	printf("\n");
}

static void show_lids(const json_t *s)
{
	long long total = member_number(s, "lids_total");

	if (total == 0 || strcmp(member_text(s, "state", "?"), "master") != 0)
		return; /* it gives none */
	printf("%lld LIDs in use, ", member_number(s, "lids_used"));
	if (member_number(s, "lids_spare"))
		printf("%lld spare, ", member_number(s, "lids_spare"));
	printf("%lld of %lld free\n", member_number(s, "lids_free"), total);
}

static void show_last_sweep(const json_t *s)
{
	const json_t *sweep = json_object_get(s, "last_sweep");
	const char *phase = member_text(s, "phase", NULL);
	char age[24];

	if (!phase)
		return;
	printf("%s", strcmp(phase, "rest") ? phase : "at rest");
	if (json_is_object(sweep))
		printf("; sweep %lld began %s ago, the last one took %.1f ms",
		       member_number(s, "sweeps"),
		       age_text(member_number(sweep, "seconds_ago"), age),
		       json_number_value(json_object_get(sweep, "took_ms")));
	printf("\n");
}

static void show_dumps(const json_t *s, const struct view *view)
{
	const json_t *failure = json_object_get(s, "dump_failure");
	const char *file = member_text(failure, "file", NULL);
	long long seconds = member_number(failure, "again_in_seconds");
	char age[24];

	if (member_number(s, "dumped"))
		printf("dumps show generation %lld\n", member_number(s, "dumped"));
	if (!json_is_object(failure))
		return;
	print_painted(view->colour, PAINT_WARN, "dumps could not be written");
	printf(" to %s%s%s: %s; ", member_text(failure, "dir", "?"), file ? "/" : "",
	       file ? file : "", member_text(failure, "error", "?"));
	if (!member_text(failure, "again", NULL))
		printf("this is just being tried again\n");
	else if (seconds > 0)
		printf("tried again in %s, or when the fabric changes\n", age_text(seconds, age));
	else
		printf("tried again as soon as this is master and at rest\n");
}

static void show_place(const json_t *s)
{
	char place[320];
	const json_t *port = json_object_get(s, "port");
	const char *engine = member_text(s, "engine", NULL);
	const char *master = member_text(s, "master_guid", NULL);

	if (json_is_object(port)) {
		printf("on %s, ", end_text(port, place));
		if (member_number(port, "lid"))
			printf("LID %lld, ", member_number(port, "lid"));
		printf("port GUID %s\n", member_text(s, "port_guid", "?"));
	}
	if (engine) {
		printf("routed by %s", engine);
		if (member_number(s, "virtual_lanes") > 1)
			printf(" on %lld virtual lanes", member_number(s, "virtual_lanes"));
		printf("%s%s\n", json_is_string(json_object_get(s, "routing")) ? ": " : "",
		       member_text(s, "routing", ""));
	}
	if (master)
		printf("the master is %s\n", master);
}

static void show_other_sms(const json_t *s)
{
	const json_t *peers = json_object_get(s, "other_sms");
	const json_t *peer;
	size_t i;

	json_array_foreach(peers, i, peer)
		printf("another SM: %s (%s), LID %lld, priority %lld, %s\n",
		       member_text(peer, "guid", "?"), member_text(peer, "name", "unknown"),
		       member_number(peer, "lid"), member_number(peer, "priority"),
		       member_text(peer, "state", "?"));
}

static void add_counts(struct table *table, const char *attribute, const char *method,
		       const json_t *counts)
{
	static const char *const keys[] = { "sent", "answered", "retried", "timed_out", "refused" };

	table_add(table, PAINT_NONE, "%s", attribute);
	table_add(table, PAINT_NONE, "%s", method);
	for (size_t i = 0; i < COUNT(keys); i++)
		table_add(table,
			  i > 2 && member_number(counts, keys[i]) > 0 ? PAINT_WARN : PAINT_NONE,
			  "%lld", member_number(counts, keys[i]));
}

static void show_smps(const json_t *smps, const struct view *view)
{
	static const char *const heads[] = { "SMP",      ">METHOD",    ">SENT",    ">ANSWERED",
					     ">RETRIED", ">TIMED OUT", ">REFUSED", NULL };
	struct table table = table_start(heads);
	json_t *methods, *counts;
	const char *attribute, *method;

	json_object_foreach((json_t *)(uintptr_t)smps, attribute, methods)
		json_object_foreach(methods, method, counts)
			add_counts(&table, attribute, method, counts);
	if (table.n_cells > 0)
		printf("\n");
	table_end(&table, view->colour);
}

void show_status(const json_t *s, const struct view *view)
{
	show_first_line(s, view);
	show_gone_line(s, view);
	show_store_line(s, view);
	show_vfs_line(s, view);
	show_lids(s);
	show_last_sweep(s);
	show_place(s);
	show_dumps(s, view);
	show_other_sms(s);
	show_smps(json_object_get(s, "smps"), view);
}

static void show_phases(const json_t *phases, const struct view *view)
{
	static const char *const heads[] = { "PHASE", ">LAST MS", ">LONGEST MS", NULL };
	struct table table = table_start(heads);
	const char *phase;
	json_t *times;

	json_object_foreach((json_t *)(uintptr_t)phases, phase, times)
	{
		table_add(&table, PAINT_NONE, "%s", phase);
		table_add(&table, PAINT_NONE, "%.3f",
			  json_number_value(json_object_get(times, "last_ms")));
		table_add(&table, PAINT_NONE, "%.3f",
			  json_number_value(json_object_get(times, "longest_ms")));
	}
	printf("\n");
	table_end(&table, view->colour);
}

static void show_last_change(const json_t *change)
{
	if (!json_is_object(change))
		return;
	printf("\nthe last change was reconcile %lld, ", member_number(change, "reconcile"));
	if (member_number(change, "cause"))
		printf("after event %lld", member_number(change, "cause"));
	else
		printf("by %s", member_text(change, "why", "?"));
	printf(": %lld SMPs, %lld Sets, %lld LFT blocks; %.3f ms until the last Set was "
	       "acknowledged\n",
	       member_number(change, "smps"), member_number(change, "sets"),
	       member_number(change, "lft_blocks"),
	       json_number_value(json_object_get(change, "until_last_set_ms")));
}

static void show_trap_counts(const json_t *counts, const char *before, const struct view *view)
{
	static const char *const heads[] = { "TRAP", ">NUMBER", NULL };
	struct table table = table_start(heads);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)counts, key, value)
	{
		if (json_integer_value(value) == 0)
			continue;
		table_add(&table, PAINT_NONE, "%s%s", before, key);
		table_add(&table, PAINT_NONE, "%lld", (long long)json_integer_value(value));
	}
	if (table.n_cells > 0)
		printf("\n");
	table_end(&table, view->colour);
}

static void show_trap_sources(const json_t *sources, const struct view *view)
{
	static const char *const heads[] = { ">FROM LID", "NAME", ">TRAPS", NULL };
	struct table table = table_start(heads);
	const json_t *source;
	size_t i;

	json_array_foreach(sources, i, source)
	{
		table_add(&table, PAINT_NONE, "%lld", member_number(source, "lid"));
		table_add(&table, PAINT_NONE, "%s", member_text(source, "name", "-"));
		table_add(&table, PAINT_NONE, "%lld", member_number(source, "traps"));
	}
	if (table.n_cells > 0)
		printf("\n");
	table_end(&table, view->colour);
}

void show_stats(const json_t *s, const struct view *view)
{
	static const char *const heads[] = { "WHAT", ">NUMBER", NULL };
	struct table table = table_start(heads);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)s, key, value)
	{
		if (!json_is_integer(value))
			continue;
		table_add(&table, PAINT_NONE, "%s", key);
		table_add(&table, PAINT_NONE, "%lld", (long long)json_integer_value(value));
	}
	table_end(&table, view->colour);
	printf("\nthe longest step took %.3f ms\n",
	       json_number_value(json_object_get(s, "longest_step_ms")));
	show_last_change(json_object_get(s, "last_change"));
	show_phases(json_object_get(s, "phases"), view);
	show_trap_counts(json_object_get(s, "traps"), "", view);
	show_trap_counts(json_object_get(s, "traps_impossible"), "impossible, ", view);
	show_trap_sources(json_object_get(s, "trap_sources"), view);
	show_smps(json_object_get(s, "smps"), view);
}
