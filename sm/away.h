/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Who is away, over a restart: see away.c. Rows of the store, but registered by nobody. */

#include <stdbool.h>
#include <stdint.h>

#include "sm/keep.h"

struct sm;

#define AWAY_BLOB_SIZE   58
#define AWAY_VPORT_SIZE  18
#define AWAY_ABSENT_SIZE 17

/* A port of a switch and what was last there; a vport of such a host; or who is absent there. */
struct away_place {
	uint64_t row; /* its number in the store */
	uint8_t size; /* which of the three it is */
	uint8_t blob[AWAY_BLOB_SIZE];
};

struct away_places {
	struct away_place *all;
	uint32_t n;
	uint32_t room;
	bool is_short; /* there was no memory for all */
};

/* At the end of a reconcile: the store is to have what is so now. */
void away_keep(struct sm *sm);
/* A row of it; at the start. */
void away_restore(struct sm *sm, const struct kept_registration *kept);
/* All has been read that is there, and nothing is planned yet: who was away is so again. */
void away_adopt(struct sm *sm);
/* The port of a switch that is away at which the store says that this GUID was; or NO_PORT. */
uint32_t away_exit(const struct sm *sm, uint64_t guid);
void away_done(struct sm *sm);
