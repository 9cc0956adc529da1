/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Questions about paths that came while it was not known which there are: see path-wait.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "sm/held.h"

struct sm;

struct path_wait {
	struct held held;
	struct loop_timer *timer;
};

void path_wait_init(struct sm *sm);
int path_wait_start(struct sm *sm);
void path_wait_done(struct sm *sm);

/*
 * For struct admin_view, of @sm: is this to wait? *ret_later: it does, or the same does already,
 * and will have its answer. Else OK, or STATUS_BUSY as there is no room.
 */
uint16_t path_wait_take(void *sm, const struct arrival *request, bool found_none, bool *ret_later);
/* The same, and nothing waits once more: STATUS_BUSY if nothing can be said. */
uint16_t path_wait_refuse(void *sm, const struct arrival *request, bool found_none,
			  bool *ret_later);

/* What has kept them waiting may be over. */
void path_wait_look(struct sm *sm);
