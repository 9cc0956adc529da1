/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Who gets which LID and is in which partition, by GUID: also who is not there.
 * By the file that does it; machine.h includes this.
 */

#include "sm/machine.h"

/* absent.c: who has a LID and is not there. Before each plan of routes: 0 or -ENOMEM. */
int absents_plan(struct sm *sm);
/* The port of a switch at which it was, if it may have been there; or NO_PORT. */
uint32_t absent_exit(const struct sm *sm, const struct absent *a);
void absents_done(struct sm *sm);

/* adopt.c: who has a LID already. */
/* When all is read for the first time, before anybody gets a LID: 0 or -ENOMEM. */
int lids_adopt(struct sm *sm);

/* lids.c: who gets which LID. */
/* Is this a port that is to have one; and with which LMC? */
bool lids_takes_part(const struct fabric *f, uint32_t port);
uint8_t lids_lmc_of(const struct sm *sm, uint32_t port);
int lids_plan(struct sm *sm);
/* One LID for @guid, if need be that of who has been away for longest. 0, -ENOSPC or -ENOMEM. */
int lids_assign(struct sm *sm, uint64_t guid, uint8_t lmc);
/* Do its LIDs lead to this port, or where it was last? */
bool lids_lead_to(const struct sm *sm, uint32_t port);
/* Is one of @lid to @lid + 2^@lmc - 1 beyond last_lid? */
bool lids_are_beyond(const struct sm *sm, unsigned lid, unsigned lmc);

/* spares.c: LIDs for VFs that are not there yet. */
void spares_load(struct sm *sm, const struct kept_spares *kept);
/* The store has told all: those that are nobody's are spare. */
void spares_claim(struct sm *sm);
void spares_done(struct sm *sm);
/* One for a VF at this physical port, and spare no longer; 0: there is none. */
uint16_t spares_take(struct sm *sm, uint32_t port);
/* A device has these LIDs: if they are spare, they are its own. */
void spares_yield(struct sm *sm, unsigned lid, unsigned lmc);
/* One is free now; false: there is none. */
bool spares_give_up(struct sm *sm);
/* GUID of the port that @lid is spare for; 0: it is not. */
uint64_t spares_owner(const struct sm *sm, unsigned lid);
/*
 * For a plan: none beyond the forwarding tables; then, when all others have theirs, as many as
 * rules say; and what the store should know.
 */
void spares_fit(struct sm *sm);
int spares_plan(struct sm *sm);
void spares_keep(struct sm *sm);
/* At rest: what was taken is filled up again. */
void spares_refill(struct sm *sm);

/* moves.c: VFs that are to be elsewhere. */
void moves_load(struct sm *sm, const struct kept_move *kept);
/* May a VF with @guid come up at this physical port, as far as it is not to be elsewhere? */
bool moves_may_be_at(const struct sm *sm, uint64_t guid, uint32_t port);
/* For a plan: their LIDs are not given to others. */
void moves_see(struct sm *sm);
/* Where the way to its LID leads while it is away, though it was elsewhere last; or NO_PORT. */
uint32_t moves_way(const struct sm *sm, uint64_t guid);
/* At rest: who is Active at its new place has moved. */
void moves_settle(struct sm *sm);
/* In the store: where it is to be, or 0. That can be done once more without any room. */
int moves_keep(struct sm *sm, uint64_t guid, uint64_t to);
/* The store knows already: it is not to move any more. */
void moves_forget(struct sm *sm, uint64_t guid);

/* reserve.c: what the operator reserved. */
/* 0, or -EPERM: we are not to change anything. */
int reserve_check_master(const struct sm *sm, char why[static SM_WHY_SIZE]);
void reserve_init(struct sm *sm);
/* Those who wait are told that it will not be. */
void reserve_done(struct sm *sm);
/* The store has told all: their LIDs are theirs. */
void reserve_load(struct sm *sm);
/* Those that got a LID since keep it. */
void reserve_mark(struct sm *sm);
/* Has @guid a LID that the operator chose? */
bool reserve_has_lid(const struct sm *sm, uint64_t guid);

/* partition.c: what run time adds to the partitions of the file. */
int partition_init(struct sm *sm);
/* What the store has; then @given is taken over and used, or nothing is done. */
void partition_read_name(void *user, const struct kept_partition *partition);
void partition_read_member(void *user, const struct kept_member *member);
int partition_start(struct sm *sm, struct partitions *given);
/* The file was read again. Taken over also on failure, after which all is as before. */
int partition_replace(struct sm *sm, struct partitions *given);
/* What the file says is the caller's again; only partition_done() may follow. */
struct partitions *partition_take_given(struct sm *sm);
void partition_done(struct sm *sm);
