/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Services and subscriptions, for people: a line each.
 */

#include "ctl/vsmctl.h"

static const char *where_of(const json_t *row, char ret[static 320])
{
	const json_t *at = json_object_get(row, "at");

	return json_is_object(at) ? end_text(at, ret) : "away";
}

static void add_service(struct table *table, const json_t *row)
{
	char where[320];

	table_add(table, PAINT_NONE, "%s", member_text(row, "id", "?"));
	table_add(table, PAINT_NONE, "%s", member_text(row, "gid", "?"));
	table_add(table, PAINT_NONE, "%s", member_text(row, "pkey", "?"));
	if (json_is_integer(json_object_get(row, "lease")))
		table_add(table, PAINT_NONE, "%lld s", member_number(row, "lease"));
	else
		table_add(table, PAINT_NONE, "for ever");
	table_add(table, PAINT_NONE, "%s", member_is_true(row, "has_key") ? "yes" : "no");
	table_add(table, json_is_object(json_object_get(row, "at")) ? PAINT_NONE : PAINT_DIM, "%s",
		  where_of(row, where));
	table_add(table, PAINT_NONE, "%s", member_text(row, "name", "-"));
}

void show_services(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "ID",  "GID", "P_KEY", ">LEASE",
					     "KEY", "AT",  "NAME",  NULL };
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "services"), i, row) add_service(&table, row);
	if (table.n_cells == 0)
		printf("No service is registered.\n");
	table_end(&table, view->colour);
}

static const char *number_or(const json_t *row, const char *key, char ret[static 24])
{
	if (!json_is_integer(json_object_get(row, key)))
		return "any";
	snprintf(ret, 24, "%lld", member_number(row, key));

	return ret;
}

static void add_source(struct table *table, const json_t *row)
{
	long long first = member_number(row, "of_lid_first"),
		  last = member_number(row, "of_lid_last");

	if (json_is_string(json_object_get(row, "of_gid")))
		table_add(table, PAINT_NONE, "%s", member_text(row, "of_gid", "?"));
	else if (!json_is_integer(json_object_get(row, "of_lid_first")))
		table_add(table, PAINT_NONE, "anybody");
	else if (first == last)
		table_add(table, PAINT_NONE, "LID %lld", first);
	else
		table_add(table, PAINT_NONE, "LID %lld to %lld", first, last);
}

static void add_subscription(struct table *table, const json_t *row)
{
	char where[320], trap[24], type[24];
	const char *state = member_text(row, "state", "?");

	table_add(table, PAINT_NONE, "%s", where_of(row, where));
	table_add(table, PAINT_NONE, "%lld", member_number(row, "qpn"));
	table_add(table, PAINT_NONE, "%s", number_or(row, "trap", trap));
	table_add(table, PAINT_NONE, "%s", number_or(row, "type", type));
	add_source(table, row);
	table_add(table, PAINT_NONE, "%lld", member_number(row, "reported"));
	table_add(table, member_number(row, "lost") > 0 ? PAINT_WARN : PAINT_NONE, "%lld",
		  member_number(row, "lost"));
	table_add(table, member_number(row, "failures") > 0 ? PAINT_WARN : PAINT_NONE, "%s", state);
}

void show_subscriptions(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "SUBSCRIBER", ">QP",   ">TRAP", ">TYPE", "OF",
					     ">TOLD",      ">LOST", "STATE", NULL };
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "subscriptions"), i, row)
		add_subscription(&table, row);
	if (table.n_cells == 0)
		printf("Nobody has subscribed to anything.\n");
	table_end(&table, view->colour);
}
