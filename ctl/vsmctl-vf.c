/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What is reserved, for people: a line a GUID, with the LID that it has or will have.
 */

#include "ctl/vsmctl.h"

/* Another than the one that it has: that of a shared port is the port's, or it is about to change.
 */
static bool waits_for_lid(const json_t *row)
{
	json_t *lid = json_object_get(row, "lid"), *reserved = json_object_get(row, "reserved_lid");

	return json_is_integer(lid) && json_is_integer(reserved) && !json_equal(lid, reserved);
}

static const char *lid_of(const json_t *row, char ret[static 24])
{
	long long lid = member_number(row, "lid");

	if (json_is_integer(json_object_get(row, "lid")))
		snprintf(ret, 24, "%lld", lid);
	else
		snprintf(ret, 24, "-");

	return ret;
}

static const char *places_of(const json_t *row, char ret[static 512])
{
	json_t *places = json_object_get(row, "places");
	size_t used = 0, i;
	json_t *place;

	snprintf(ret, 512, "anywhere");
	json_array_foreach(places, i, place)
	{
		const char *text = text_of(place);

		if (text && used < 512 - 32)
			used += (size_t)snprintf(ret + used, 512 - used, "%s%.24s", i ? "," : "",
						 text);
	}

	return ret;
}

static const char *where_of(const json_t *row, char ret[static 340])
{
	const json_t *at = json_object_get(row, "at");
	char end[320];

	if (!json_is_object(at))
		return "away";
	snprintf(ret, 340, "%s", end_text(at, end));
	if (json_is_integer(json_object_get(at, "index")))
		snprintf(ret, 340, "%s/vf%lld", end, member_number(at, "index"));

	return ret;
}

/* Where it is, and is to be. */
static void add_where(struct table *table, const json_t *row)
{
	const char *to = member_text(row, "moving_to", NULL);
	char where[340];

	if (to)
		table_add(table, PAINT_WARN, "%s, moving to %s", where_of(row, where), to);
	else
		table_add(table, PAINT_NONE, "%s", where_of(row, where));
}

static void add_row(struct table *table, const json_t *row)
{
	char lid[24], places[512];
	bool fixed = json_is_integer(json_object_get(row, "reserved_lid"));
	const char *name = member_text(row, "name", "");

	table_add(table, PAINT_NONE, "%s", member_text(row, "guid", "?"));
	table_add(table, PAINT_NONE, "%s", lid_of(row, lid));
	if (waits_for_lid(row))
		table_add(table, PAINT_WARN, "instead of %lld", member_number(row, "reserved_lid"));
	else
		table_add(table, PAINT_NONE, "%s", fixed ? "reserved" : "any");
	add_where(table, row);
	table_add(table, PAINT_NONE, "%s", places_of(row, places));
	table_add(table, PAINT_NONE, "%s", name[0] ? name : "-");
}

void show_vf_show(const json_t *result, const struct view *view)
{
	static const char *const heads[] = { "GUID",      ">LID", "WHICH IS", "AT",
					     "MAY BE AT", "NAME", NULL };
	struct table table = table_start(heads);
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "reservations"), i, row) add_row(&table, row);
	if (table.n_cells == 0)
		printf("Nothing is reserved%s.\n", view->some ? " for that GUID" : "");
	table_end(&table, view->colour);
}

void show_vf_add(const json_t *result, const struct view *view)
{
	(void)view;
	printf("%s is reserved", member_text(result, "guid", "?"));
	if (waits_for_lid(result))
		printf(", with LID %lld; now it has LID %lld.\n",
		       member_number(result, "reserved_lid"), member_number(result, "lid"));
	else if (json_is_integer(json_object_get(result, "reserved_lid")))
		printf(", with LID %lld.\n", member_number(result, "reserved_lid"));
	else if (json_is_integer(json_object_get(result, "lid")))
		printf("; its LID is %lld.\n", member_number(result, "lid"));
	else
		printf("; it gets a LID when it appears.\n");
}

void show_vf_remove(const json_t *result, const struct view *view)
{
	(void)view;
	printf("Nothing is reserved for %s now.\n", member_text(result, "guid", "?"));
}

void show_vf_move(const json_t *result, const struct view *view)
{
	const char *guid = member_text(result, "guid", "?");
	const char *to = member_text(result, "moving_to", NULL);
	char where[340];

	(void)view;
	if (to)
		printf("%s is to move to %s; now it is %s%s.\n", guid, to,
		       json_is_object(json_object_get(result, "at")) ? "at " : "",
		       where_of(result, where));
	else
		printf("%s is not to move.\n", guid);
}
