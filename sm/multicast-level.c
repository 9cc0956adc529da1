/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Groups whose service level is another now, because routes have begun or ceased to use its lane
 * (levels.c). Members have the level from the answer to their join, so their hosts are told to
 * register again (ClientReregister): they join again, and are told the other. Until then they send
 * on the level of before, as who keeps a path does: see doc/architecture.md.
 *
 * The level that was told is in the store beside the one that was asked for, so that a restart
 * tells nobody what he knows.
 */

#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/multicast-inside.h"

static void tell_members(struct sm *sm, const struct group *group)
{
	for (uint32_t i = 0; i < group->n; i++) {
		uint32_t port = endpoint_find(&sm->fabric, group->members[i].guid).port;

		if (port != NO_PORT)
			settings_register_again(sm, port);
	}
}

/* Without memory for the row a restart tells them once more. */
static void set_level(struct sm *sm, struct group *group, uint8_t level)
{
	uint8_t blob[GROUP_BLOB_SIZE];
	struct kept_registration row;

	group->sl = level;
	tell_members(sm, group);
	if (!group->id)
		return;
	row = multicast_row_of_group(group, blob);
	registration_keep(sm, &row, NULL);
}

void multicast_take_levels(struct sm *sm)
{
	const struct group_book *book = &sm->multicast->book;
	uint32_t n = 0;

	for (uint32_t i = 0; i < book->n; i++) {
		struct group *group = book->by_mgid[i];
		uint8_t level = lanes_group_level(sm, group->sl_wanted);

		if (level == group->sl)
			continue;
		set_level(sm, group, level);
		n++;
	}
	if (n > 0)
		event_add(sm->events, EVENT_GROUP, 0, 0, -1,
			  "%u multicast group%s another service level, as routes use other virtual "
			  "lanes: members are told to join again",
			  n, n == 1 ? " has" : "s have");
}
