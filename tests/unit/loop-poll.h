/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * base/loop.h with real descriptors and a clock that only the test moves: for what has sockets.
 * There are no jobs.
 */

#include "base/loop.h"

#define LOOP_POLL_START (100000 * LOOP_SEC)

/* NULL without memory. */
struct loop *loop_poll_new(void);
void loop_poll_free(struct loop *loop);

/* All that is ready or due, once; false if that was nothing within @wait_ms. */
bool loop_poll_step(struct loop *loop, int wait_ms);

/* Until nothing is ready or due. */
void loop_poll_run(struct loop *loop);

/* Time passes, and what is due by then happens when the loop runs. */
void loop_poll_pass(struct loop *loop, uint64_t duration);
