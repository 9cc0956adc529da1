/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Who is who: GUID to LIDs. An identity is made when a GUID first gets a LID and stays when its
 * port leaves, so that who comes back is the same, until its LIDs are needed for others. GUIDs are
 * port GUIDs (node GUIDs for switches), LIDs lid to lid + 2^lmc - 1, unicast. Nothing here knows
 * ports, MADs or disks.
 */

#include <stdbool.h>
#include <stdint.h>

struct identities;

struct identity {
	uint64_t guid;
	uint16_t lid;
	uint8_t lmc;
	bool kept;     /* is as the store has it */
	bool reserved; /* by the operator: it is not forgotten for others */
	uint32_t seen; /* sweep in which the GUID was last here, or got its LIDs; 0: before all */
};

int identities_new(struct identities **ret);
void identities_free(struct identities *ids);

/* Could one have these LIDs: unicast, and the range aligned? */
bool identity_is_valid(uint64_t lid, uint64_t lmc);

/* What follows happens in this sweep (1 or higher), and LIDs beyond @last are not given out. */
void identities_begin(struct identities *ids, uint32_t sweep, uint16_t last);

/* NULL if the GUID has no LID. Valid until the next change. */
const struct identity *identity_find(const struct identities *ids, uint64_t guid);

/* The GUID that owns @lid, or 0, also if it is set aside. */
uint64_t identity_owner(const struct identities *ids, unsigned lid);

/*
 * Give @guid exactly these LIDs; what it had before is free. -EINVAL if they are no aligned unicast
 * LIDs, -EEXIST if another GUID owns one of them, -ENOMEM.
 */
int identity_claim(struct identities *ids, uint64_t guid, uint16_t lid, uint8_t lmc);

/* Any free LIDs, the lowest that fit. -ENOSPC if there are none. */
int identity_assign(struct identities *ids, uint64_t guid, uint8_t lmc);

/*
 * Room for @n GUIDs of this LMC in one block of 64 LIDs (a block of a forwarding table): the first
 * LID of a free run that does not straddle blocks, or 0 if there is none. Claims nothing.
 */
uint16_t identity_find_run(const struct identities *ids, unsigned n, uint8_t lmc);

/* The first of @n free LIDs in a row, wherever blocks end, aligned for this LMC; or 0. */
uint16_t identity_find_span(const struct identities *ids, unsigned n, uint8_t lmc);

/*
 * @lid is nobody's, and given to nobody, until it is given back. False: it is somebody's, or is set
 * aside already, or can be nobody's.
 */
bool identity_set_aside(struct identities *ids, uint16_t lid);
void identity_give_back(struct identities *ids, uint16_t lid);

void identity_forget(struct identities *ids, uint64_t guid);

/* No effect if the GUID has no LID. */
void identity_set_reserved(struct identities *ids, uint64_t guid, bool reserved);

/* The GUID is here, in this sweep. */
void identity_see(struct identities *ids, uint64_t guid);

/*
 * Forget who has been away for longest, of those whose LIDs may be given out and are not reserved:
 * its GUID, or 0 if all have been here in this sweep.
 */
uint64_t identity_forget_oldest(struct identities *ids);

unsigned identities_used_lids(const struct identities *ids);

/* All of them, in no order; NULL past the last. The caller may set kept. */
struct identity *identity_at(struct identities *ids, uint32_t n);

/* Its number for identity_at(); UINT32_MAX if it has none. */
uint32_t identity_index(const struct identities *ids, uint64_t guid);
