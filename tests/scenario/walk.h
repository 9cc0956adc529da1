/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Random walks: what their files share. random-walk.c says what a walk is. */

#include "tests/scenario/scenario.h"

/* At once mostly, so that things meet that do not belong together; or after a moment, or longer. */
void walk_pause(struct scenario *s);
/* One event; @same: the subnet manager is the same all the time, and alone. */
void walk_event(struct scenario *s, bool same);
struct sim_port *walk_any_link(struct scenario *s);
/* Is it the port of a VF behind a virtual switch? */
bool walk_is_vf(const struct scenario *s, const struct sim_port *port);

/* The subnet manager can do its work, and devices are honest. */
void walk_let_it_work(struct scenario *s);
/* What could be believed is not asked for again, unless somebody wants that. */
void walk_look_again(struct scenario *s);
/* False if these two cannot be twins. */
bool walk_choose_twins(struct scenario *s, struct sim_node **ret_node, struct sim_node **ret_other);

/* Are there switches without multicast, now and then? */
static inline bool walk_has_mute(const struct scenario *s)
{
	return s->seed % 5 == 2;
}

/* walk-make.c. Some hosts get VFs of a kind. */
void walk_make_vfs(struct scenario *s);
void walk_make_vports(struct scenario *s);
/* All cables plugged, all power on, VFs as at first, nobody member of anything; and all is good. */
void walk_make_whole(struct scenario *s);

/* walk-shared.c: what befalls VFs of shared ports. */
void walk_start_or_stop_shared(struct scenario *s);
void walk_move_shared(struct scenario *s);
void walk_ask_guid(struct scenario *s);
void walk_map_key(struct scenario *s);
void walk_reboot_shared(struct scenario *s);

/* walk-groups.c: hosts join and leave multicast groups. */
void walk_join_or_leave(struct scenario *s);
enum { WALK_JOINED = 24 };
struct walk_joined {
	const struct scenario_sm *master; /* that told it; NULL: nobody */
	unsigned n;
	struct walk_member {
		struct sim_endpoint end;
		uint64_t guid;
		ib_gid_t mgid;
	} member[WALK_JOINED];
};
/* Crowds of ports and virtual functions, each of one partition and in one group; who is told so. */
void walk_join_together(struct scenario *s, struct walk_joined *ret);
/* Under the same master, those that are still up are members. */
void walk_expect_joined(struct scenario *s, const struct walk_joined *joined);

/* walk-registrations.c: hosts register services, and subscribe, if somebody listens. */
void walk_register(struct scenario *s);

/* Some hosts that have no VFs of another kind are shared. */
void walk_make_shared(struct scenario *s);
/* All started, each asking for the GUID that it had at first. */
void walk_make_shared_whole(struct scenario *s);
