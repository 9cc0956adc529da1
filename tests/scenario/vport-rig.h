/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the stories of virtual ports share: hosts that have a few vports each, what must hold of
 * those, and guests that come and go.
 */

#include "tests/scenario/scenario.h"

enum { RIG_VFS = 4 };

/* A device sends no two traps within a time that depends on SubnetTimeOut (IBA 13.4.9). */
#define RIG_TRAP_PAUSE (5 * LOOP_SEC)

/* Each host of @graph has vports 1 to RIG_VFS, started if @up. */
void rig_build(struct scenario *s, struct made_graph *graph, bool up, bool own_lids);
void rig_comes_up(struct scenario *s);

/* It is Active, and so are all that were started; and those reach each other. */
void rig_expect_up(struct scenario *s, const struct sim_port *port, unsigned vf);
void rig_expect_all_up(struct scenario *s);

void rig_settles(struct scenario *s);
void rig_settles_and_is_good(struct scenario *s);

/* ---- guests that come and go ----------------------------------------------------------------- */

bool rig_is_started(const struct sim_port *port, unsigned vf);
struct sim_port *rig_random_host(struct scenario *s);
unsigned rig_random_vf(struct scenario *s);
/* One starts, stops, moves, or has another GUID, perhaps one that is there already. */
void rig_random_event(struct scenario *s);
/* Not any more. */
void rig_no_guids_twice(struct scenario *s);
