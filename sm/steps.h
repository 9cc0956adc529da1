/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How a reconcile goes on: what wants one, what nodes are asked in it, and what is told of it.
 * By the file that does it; machine.h includes this.
 */

#include "sm/machine.h"

/* story.c: why a reconcile is done, and what it takes. */

/* What is asked for now, until that is said of 0, is because of the event with this number. */
void story_because(struct sm *sm, uint64_t event);
/* Another one is wanted. */
void story_wanted(struct sm *sm);
void story_begin(struct sm *sm);
/* It may be in another phase than before. */
void story_turn(struct sm *sm);
void story_note_acknowledged(struct sm *sm);
void story_end(struct sm *sm, const struct sm_status *status);

/* sm.c: something was done; goes on to the next phase if this one is. */
void sm_advance(struct sm *sm);

/* wanted.c: what wants a reconcile, and when it may begin. */
int wanted_init(struct sm *sm);
bool sm_is_wanted(const struct sm *sm);
/* The fabric differs from what was found: sweep again when this is done. */
void sm_sweep_again(struct sm *sm, bool full);
/* The same, of links, and told by others than this walk itself: it is not held off for long. */
void sm_sweep_soon(struct sm *sm);
/* Something was told of one device, and is noted there: look at that alone. */
void sm_look_again(struct sm *sm);
/* The same, of a switch. */
void sm_look_at_switch(struct sm *sm, uint32_t node);
/* The same, of vports: whose they are is included when they are read. */
void sm_look_at_vports(struct sm *sm);
/*
 * This reconcile is about the node of @port, and about that at the far end of its link. When all
 * was as planned before, and only some switches are looked at, or vports, it is about no others:
 * what they should hold, and why they are as they are, is what it was.
 */
void sm_include(struct sm *sm, uint32_t port);
/* Is this reconcile about @node? */
static inline bool sm_includes(const struct sm *sm, const struct node *node)
{
	return !sm->local || node->included == sm->sweeps;
}

/* Does its forwarding table change, and this is not about it else? */
static inline bool sm_reroutes(const struct sm *sm, const struct node *node)
{
	return !sm_includes(sm, node) && node->rerouted == sm->sweeps;
}

/* receive.c: answer it once more, from what is known now, and change nothing. */
void sm_answer_again(struct sm *sm, const struct arrival *arrival);

/* work.c: what nodes are asked. */
extern const struct request_handler work_handler;
void work_add(struct sm *sm, uint32_t node, unsigned todo);
void work_drop(struct sm *sm, uint32_t node);
void work_update(struct sm *sm, uint32_t node);
/* All nodes that take part, and that this reconcile is about. */
void work_add_all(struct sm *sm, unsigned todo);
/* So many lost requests in a row, the tries of each, mean something. */
unsigned work_losses_to_be_silent(const struct sm *sm);
/* All switches that take part. */
void work_add_switches(struct sm *sm, unsigned todo);

/* twin.c: Sets that may arrive late, and so undo newer ones. */
int twins_init(struct sm *sm);
/* Copies of this Set, sent at @sent_at or before, may yet arrive. */
void twin_note(struct sm *sm, struct node *node, const struct request *request, uint64_t sent_at);
/* We have become master; this was done; and so was the first reconcile. */
void twins_inherit(struct sm *sm);
void twin_note_inherited(struct sm *sm, struct node *node, const struct request *request);
void twins_judge_predecessor(struct sm *sm);
/* At the beginning of PHASE_READ: what none can arrive for any more is to be read. */
void twins_look(struct sm *sm);
