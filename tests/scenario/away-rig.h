/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the stories of who is away over a restart share: switching off and on, starting anew, and
 * counting what that costs.
 */

#include "sm/away.h"
#include "tests/scenario/scenario.h"

/* Sets that the master has sent since it was started; and those of forwarding tables. */
uint64_t away_rig_sets(struct scenario *s);
uint64_t away_rig_lft_sets(struct scenario *s);

void away_rig_restart(struct scenario *s, bool is_killed);
void away_rig_restarts_in_silence(struct scenario *s, unsigned restarts);

void away_rig_goes_off(struct scenario *s, struct sim_node *node, unsigned restarts);
/* Sets of tables that it costs. */
uint64_t away_rig_comes_on(struct scenario *s, struct sim_node *node);

/* Of all vports that are started. */
struct away_lids {
	uint16_t lid[256];
	unsigned n;
};

void away_rig_note_lids(struct scenario *s, struct away_lids *ret);
void away_rig_expect_lids(struct scenario *s, const struct away_lids *before);

/* A fabric of two levels whose vports have been moved, within leaves and from leaf to leaf. */
void away_rig_guests_moved(struct scenario *s, struct away_lids *ret);

/* Those in the store that tell who is away; of vports, or all. */
struct away_rows {
	uint64_t id[256];
	uint8_t blob[256][AWAY_BLOB_SIZE];
	unsigned n;
};

void away_rig_rows(struct scenario *s, bool of_vports, struct away_rows *ret);
