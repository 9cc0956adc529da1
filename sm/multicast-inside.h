/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the files of multicast share: multicast-plan.c grows trees, multicast-reach.c says whom they
 * do not reach, multicast-write.c has switches hold them, multicast-cells.c knows what they hold,
 * multicast-join.c takes requests, multicast-life.c has the beginning and the end of groups,
 * multicast-lapse.c members that leave without a word.
 */

#include "routing/trees.h"
#include "sm/damping.h"
#include "sm/machine.h"
#include "sm/multicast.h"

/*
 * Exits of a tree here are TREE_EXIT(node number, port). As long as it is settled all switches hold
 * what is planned, and @held is empty.
 */
struct mlid {
	struct tree planned;
	struct tree held; /* what switches may hold, at most */
	bool settled;
	bool dirty;  /* to be planned */
	bool clears; /* what is held and not planned goes first */
};

/* A member whose group the store has not told yet. */
struct early_member {
	uint8_t mgid[16];
	struct group_member member;
};

/* Of what switches are asked now: when all have answered the next begins. */
enum multicast_stage {
	MULTICAST_IDLE,
	MULTICAST_READ,  /* tables that are not known */
	MULTICAST_CLEAR, /* exits that must not be there at the same time as new ones are taken out
			  */
	MULTICAST_WRITE,
};

struct multicast {
	struct group_book book;
	struct mlid *mlids;
	uint32_t n_mlids; /* that there is room for: all beyond are empty and settled */
	uint32_t n_dirty;
	uint32_t next_dirty; /* none of those before is */
	uint32_t *changed;   /* numbers of those that are not settled */
	uint32_t n_changed, changed_room;

	struct trees trees;
	bool has_trees;
	uint64_t signature;    /* of the graph that they are for */
	uint32_t *node_of_row; /* of that graph */
	unsigned largest;      /* MLIDs that some switch has a table for, */
	unsigned limit;        /* and that all have, as was found in this reconcile: */
	uint64_t limit_found;
	uint64_t looked; /* reconcile in which places of members were last looked for */

	enum multicast_stage stage;
	bool unread;  /* some table may have to be read */
	bool undone;  /* something that was to be done in this stage is not */
	bool recount; /* what is held has to be counted from tables */
	bool check;   /* whether a stage is over */
	bool short_of_memory;
	bool told_of_members; /* reasons of switches are those with members */
	struct loop_timer *timer;
	uint64_t first_wish; /* loop_now() of the first change that the timer is set for; 0: none */
	struct loop_timer *leave_timer;
	uint64_t cut_off_at;        /* loop_now() when our own port last had no link */
	struct early_member *early; /* while the store is read */
	uint32_t n_early, early_room;
	struct damping refusals; /* that were told of, */
	struct damping comings;  /* and groups that came and went */
};

/* multicast-plan.c */
/* Index of an MLID; what is known of it, or NULL beyond those with room. */
static inline uint32_t mlid_index(uint16_t mlid)
{
	return mlid - MLID_FIRST;
}

static inline struct mlid *mlid_at(const struct multicast *m, uint32_t index)
{
	return index < m->n_mlids ? &m->mlids[index] : NULL;
}

static inline const struct tree *mlid_held(const struct mlid *mlid)
{
	return mlid->settled ? &mlid->planned : &mlid->held;
}

/* The tree of this one is to be planned again, soon. */
void multicast_touch(struct sm *sm, uint16_t mlid);
void multicast_touch_all(struct sm *sm);
/* The ports that are planned for switch @node, in the position at hand. */
uint16_t mlid_ports(const struct tree *tree, uint32_t node, unsigned position);
/* This one is not settled. 0 or -ENOMEM. */
int multicast_note_changed(struct multicast *m, uint32_t index);
/* MLIDs that all switches have a table for. */
unsigned multicast_limit(struct sm *sm);
/* MLIDs that a switch has a table for; 0: too few to count, or none. */
unsigned multicast_table_size(const struct node *node);

/* multicast-reach.c */
/* Is the row of the graph that trees are for that of this node? */
bool multicast_is_in_trees(const struct multicast *m, uint32_t row, uint32_t node);
/* Reasons of switches may be others: at rest, as no reconcile is to look at them. @anew: trees are.
 */
void multicast_tell_switches(struct sm *sm, bool anew);

/* multicast-write.c */
/* Begin with what is to be asked first. False: there is nothing. */
bool multicast_start_read(struct sm *sm);
bool multicast_start_writing(struct sm *sm);

/* multicast-cells.c */
/* Count what switches hold. 0 or -ENOMEM. */
int multicast_count_held(struct sm *sm);

/* multicast-life.c */
/* Where copies for @e go out of a switch: a port of a switch, or NO_PORT. */
uint32_t multicast_exit_of(const struct fabric *f, struct endpoint e);
/* Has it the key, fully or not? */
bool multicast_has_key(const struct sm *sm, struct endpoint e, uint16_t pkey);
/* @states of @guid in @group end; with its last a member leaves, and with that the group may end.
   0; -ENOMEM: nothing is changed. */
int multicast_leave(struct sm *sm, struct group *group, uint64_t guid, uint8_t states);
/* For the store. */
struct kept_registration multicast_row_of_group(const struct group *group,
						uint8_t blob[static GROUP_BLOB_SIZE]);
struct kept_registration multicast_row_of_member(const struct group *group,
						 const struct group_member *member,
						 uint8_t blob[static MEMBER_BLOB_SIZE]);
/* It ends if nobody keeps it; and if it stays without members, it has no row any more. */
void multicast_look_at_group(struct sm *sm, struct group *group);
/* multicast-lapse.c */
int multicast_lapse_init(struct sm *sm);

/* multicast-join.c */
/* @group has come, or goes: for those who follow that. */
void multicast_tell_group(struct sm *sm, const struct group *group, bool is_new);
