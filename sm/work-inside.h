/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What sm/work.c and sm/work-answer.c share. */

#include "sm/machine.h"

/* Nobody waits for it. */
static inline bool work_is_later(unsigned todo)
{
	return TODO(todo) & TODO_LATER;
}

/*
 * What shows changes of ports is asked only after the answer that PortStateChange is cleared (its
 * Set may be lost, and what it clears when it is repeated may be a change of a moment ago), so that
 * no change is missed.
 */
static inline bool work_is_clearing(const struct node *node)
{
	return node->work.clearing ||
	       (node->work.todo & (TODO(TODO_SWITCH_INFO) | TODO(TODO_CLEAR_CHANGE)));
}

/* Names are asked for when all else is done, and nobody waits but who wants to write them down. */
void work_set_naming(struct sm *sm, struct node *node, bool naming);
/* The end port whose M_Key is looked at. */
uint32_t work_arrives_at(const struct node *node, const struct request *request);

/* work-answer.c: of the request engine, see struct request_handler. */
void work_done(void *user, struct sma *sma, const struct answer *answer);
void work_late(void *user, struct sma *sma, unsigned tries);
void work_twin(void *user, struct sma *sma, const struct request *request, uint64_t sent_at);
void work_settle(void *user);
