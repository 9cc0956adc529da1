/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What hosts ask of the subnet administration: alias GUIDs, services, subscriptions,
 * multicast groups; and what they are told.
 * By the file that does it; machine.h includes this.
 */

#include "sm/machine.h"

/* alias-intent.c: who is to have which alias GUID. */
/* Entries of its GUIDInfo, the first of them its own; 0: no aliases can be there. */
unsigned aliases_capacity(const struct sm *sm, uint32_t port);
/* Room in vfs for entry @index: 0, -ENOMEM, -ENOSPC, or -EEXIST if the port has virtual ports. */
int aliases_make_room(struct sm *sm, uint32_t port, unsigned index);
/* 0, -ENOSPC or -ENOMEM. */
int aliases_want(struct sm *sm, struct endpoint e, uint64_t guid);
int aliases_unwant(struct sm *sm, struct endpoint e);
/* Why entry @e cannot have @guid although it is to, or NONE; */
enum reason aliases_obstacle(const struct sm *sm, struct endpoint e, uint64_t guid);
/* why it is not to have it in the first place. */
enum reason aliases_refusal(const struct sm *sm, struct endpoint e, uint64_t guid);
bool aliases_have_room(const struct sm *sm, struct endpoint e);
/* Say so, once and not with each request or sweep. */
void aliases_tell(struct sm *sm, struct endpoint e, uint64_t guid, enum reason reason);
void aliases_load(struct sm *sm, const struct kept_alias *kept);

/* alias.c: what devices hold of it. */
/* PortInfo was read. */
void aliases_look(struct sm *sm, uint32_t port);
/*
 * The port came up without a LID, and so without aliases; or it may have restarted unnoticed; or
 * somebody else may have written.
 */
void aliases_forget(struct sm *sm, uint32_t port);
void aliases_doubt_held(struct sm *sm, uint32_t port);
void aliases_doubt(struct sm *sm, uint32_t port);
bool aliases_are_unread(const struct sm *sm, uint32_t port);
bool aliases_are_to_be_written(const struct sm *sm, uint32_t port, unsigned block);
int aliases_plan(struct sm *sm);
bool aliases_ask_read(struct sm *sm, struct node *node, struct request *ret);
bool aliases_ask_write(struct sm *sm, struct node *node, struct request *ret);
void aliases_take(struct sm *sm, uint32_t port, const struct answer *answer);
void aliases_update_reasons(struct sm *sm, uint32_t port);

/* alias-request.c: requests to the SA that change it. */
uint16_t aliases_change(struct sm *sm, const struct guids_change *change, bool *ret_later);
/* What has changed is on the disk, and is written to the device. */
void aliases_write(struct sm *sm, uint32_t number);
/* Nothing more is to come of this block. */
bool aliases_are_done(const struct sm *sm, uint32_t number, unsigned block);
/* Some of it may be done. */
void aliases_settle(struct sm *sm);

/* service.c: services that hosts register. */
int services_start(struct sm *sm);
/* Those that were last set before loop_now() was @time. How many that was. */
unsigned services_end_before(struct sm *sm, uint64_t time);
/* Those that are of nobody whom registrar_knows(). */
unsigned services_end_forgotten(struct sm *sm);
uint16_t services_change(struct sm *sm, const struct service_change *change, struct service *ret);
void services_restore(struct sm *sm, const struct kept_registration *kept);

/* subscription.c: who is to be told of what. */
uint16_t subscriptions_change(struct sm *sm, const struct inform_change *change);
/* It does not acknowledge anything any more: all that it has is ended, and said. */
void subscriptions_bury(struct sm *sm, struct subscriber *to);
/* Those that were last made before loop_now() was @time. How many that was. */
unsigned subscriptions_end_before(struct sm *sm, uint64_t time);
/* Those that are of nobody whom registrar_knows(). */
unsigned subscriptions_end_forgotten(struct sm *sm);
void subscriptions_restore(struct sm *sm, const struct kept_registration *kept);

/* notice.c: what subscribers are told. */
void notices_init(struct sm *sm);
int notices_start(struct sm *sm);
void notices_drop(struct sm *sm);
void notices_done(struct sm *sm);
/* A GID came or went, of @port (GUID of the physical port), with these P_Keys. */
void notices_gid(struct sm *sm, bool in_service, uint64_t guid, uint64_t port, const uint16_t *keys,
		 unsigned n_keys);
/* A multicast group of this partition has got its first full member, or lost its last. */
void notices_group(struct sm *sm, bool created, const uint8_t mgid[static 16], uint16_t pkey);
/* A trap of the device of @port. */
void notices_forward(struct sm *sm, uint32_t port, const struct arrival *trap);

/* report.c: on its way to them. */
void reports_init(struct sm *sm);
int reports_start(struct sm *sm);
void reports_done(struct sm *sm);
void reports_add(struct sm *sm, struct subscriber *to, struct notice *notice);
void reports_pump(struct sm *sm);
void reports_take(struct sm *sm, const struct arrival *arrival);
/* It has shown that it is there: what was not acknowledged is tried now. */
void reports_wake(struct sm *sm, struct subscriber *to);
/* Nothing is told to it any more. */
void reports_forget(struct sm *sm, struct subscriber *to);
/* Nor to anybody. */
void reports_drop(struct sm *sm);

/* gids.c: which GIDs are in service. */
int gids_start(struct sm *sm);
void gids_done(struct sm *sm);
bool gid_is_in_service(const struct sm *sm, struct endpoint e);
/* A reconcile has ended; or something of this port alone is otherwise. */
void gids_look(struct sm *sm);
void gids_look_at_port(struct sm *sm, uint32_t port);
/* We are no longer master: what others tell of is not known. */
void gids_forget(struct sm *sm);

/* multicast-plan.c: trees of multicast groups. */
/* What is to be planned is planned, and done: now, if it is the time; also at the end of each
   reconcile, and when its tables are in place. */
void multicast_begin(struct sm *sm);
/* Is it a switch that could take part, whatever is wrong with it now? */
bool multicast_has_table(const struct sm *sm, const struct node *node);
int multicast_plan_init(struct sm *sm);
void multicast_plan_done(struct sm *sm);

/* multicast-reach.c: what keeps trees from a switch, while groups have members. */
enum reason multicast_reason(const struct sm *sm, const struct node *node);

/* multicast-write.c: from trees to others. */
/* All that was asked may have been answered. */
void multicast_settle(struct sm *sm);

/* multicast-cells.c: multicast forwarding tables. */
bool multicast_ask(struct sm *sm, struct node *node, struct request *ret);
void multicast_take(struct sm *sm, struct node *node, const struct answer *answer);
/* What the table holds is not known; it holds nothing; no request is under way any more. */
void multicast_doubt(struct sm *sm, struct node *node);
void multicast_forget(struct sm *sm, struct node *node);
void multicast_dropped(struct sm *sm, struct node *node);
/* Copies of this Set may arrive late; those that were noted are dead; what was read counts for
   nothing. See twin.c. */
void multicast_note_twin(struct node *node, const struct request *request);
void multicast_doubt_twins(struct sm *sm, struct node *node);
void multicast_doubt_read(struct sm *sm, struct node *node);
/* MulticastFDBTop as it should be. */
unsigned multicast_top(const struct sm *sm, const struct node *node);

/* multicast-join.c: requests to the SA. A status; @ret_record: MC_MEMBER_RECORD_SIZE bytes. */
uint16_t multicast_change(struct sm *sm, const struct member_change *change, uint8_t *ret_record);

/* multicast-level.c: other service levels are in force. */
void multicast_take_levels(struct sm *sm);

/* multicast-lapse.c: where members are, and who leaves without a word. */
/* The port was told that its clients have to register again. */
void multicast_told(struct sm *sm, uint32_t port);
/* Where members are now. */
void multicast_look_for_members(struct sm *sm);

/* multicast-life.c: groups and members. */
int multicast_init(struct sm *sm);
void multicast_stop(struct sm *sm);
void multicast_done(struct sm *sm);
/* What the store says, see registration.c. */
void multicast_restore_group(struct sm *sm, const struct kept_registration *kept);
void multicast_restore_member(struct sm *sm, const struct kept_registration *kept);
/* @guid is in a group, or more. */
bool multicast_is_member(const struct sm *sm, uint64_t guid);
/* There are other partitions: their groups are there, and keys may be others. */
void multicast_use_partitions(struct sm *sm);
/* The keys that are published are to be these: who has got others is in other trees, or none. */
void multicast_use_keys(struct sm *sm, const struct planned_keys *now);
