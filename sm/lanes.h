/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Service levels (levels.c) and virtual lanes (lanes.c), where routes need several.
 */

#include "sm/machine.h"

/* How many routes in use need; 1: there is nothing to be done anywhere. */
unsigned lanes_in_use(const struct sm *sm);

/*
 * Tables are planned that go by @levels: they are taken over, and in force when lanes_switch() is
 * called, which returns false if there are none such.
 */
void lanes_take_levels(struct sm *sm, const struct levels *levels);
bool lanes_switch(struct sm *sm);
void lanes_forget_levels(struct sm *sm);
/* Are others planned than are in force, or were there before; or do old ways have to go first? */
bool lanes_are_changing(const struct sm *sm);

/*
 * Of the tables that are planned, by row, of @n_rows: the port that leads up the tree for which
 * level 0 has room, see struct lanes; NULL: there is no such.
 */
const uint8_t *lanes_planned_tree(const struct sm *sm, uint32_t n_rows);

/* The level that a multicast group has, by what is in force, if @wanted was asked for: that or 0.
 */
uint8_t lanes_group_level(const struct sm *sm, uint8_t wanted);

/* Of the tables that are planned: lanes that all cables between switches have; level i travels on
 * lane i of these, and those beyond begin again with 0. */
unsigned lanes_there(const struct sm *sm);

/* Lanes that packets may have behind this port of a switch, by what it and the switch can. */
unsigned lanes_at(const struct sm *sm, uint32_t port);

/* Before forwarding tables change: work for those whose tables are not as planned. Is there any? */
bool lanes_plan(struct sm *sm);
bool lanes_ask(struct sm *sm, struct node *node, struct request *ret);
void lanes_take(struct sm *sm, struct node *node, const struct answer *answer);

/*
 * What the device is known to hold, for who asks: the mapping of levels (8 bytes) of what comes in
 * by port number @in of the node and leaves by @out, and of the turns of lanes @block (64 bytes; 1
 * and 2 low priority, 3 and 4 high). False: it is not known, or is none of the plans.
 */
bool lanes_held_levels(const struct sm *sm, uint32_t out, unsigned in, uint8_t *ret);
bool lanes_held_turns(const struct sm *sm, uint32_t out, unsigned block, uint8_t *ret);
/* The operator's tables may be others now. */
void lanes_reconfigure(struct sm *sm);
enum qos_class lanes_class_of(const struct node *node);

/* What the device holds is not known. */
void lanes_doubt(struct node *node);
/* Copies of a Set may arrive late; and those that were noted are dead, see twin.c. */
void lanes_note_twin(struct node *node);
void lanes_doubt_twins(struct node *node);
/* It has restarted; or what it refused is to be tried again. */
void lanes_forget(struct node *node);
void lanes_done(struct node *node);
