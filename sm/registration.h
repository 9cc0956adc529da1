/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What hosts register with the subnet administration, in what all kinds of it have in common: how
 * it gets to the disk, when the request is answered, and what happens if it cannot be written.
 *
 * Who has a kind has two things to give: where it is changed, registration_keep() before the change
 * is made in memory; and a function in the table of registration.c that makes in memory what a row
 * says, called at the start, and to go back to what was. The answer to the request that changed
 * something waits by itself (sm/receive.c).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"
#include "mad/transport.h"
#include "mad/wire.h"
#include "sm/held.h"
#include "sm/keep.h"

struct sm;

/* Who registered something: what it is charged to, and whose it is. */
struct registrant {
	uint64_t guid; /* of the port or VF that asked */
	uint64_t port; /* of its physical port */
	uint8_t vf;    /* as its host's driver says, where several have one LID; else 0 */
};

#define REGISTRANT_SIZE 17 /* in the blob of a row */

static inline bool registrant_is(const struct registrant *a, const struct registrant *b)
{
	return a->guid == b->guid && a->port == b->port && a->vf == b->vf;
}

static inline void registrant_to_blob(const struct registrant *r, uint8_t *ret)
{
	wire_set64(ret, 0, r->guid);
	wire_set64(ret, 1, r->port);
	ret[16] = r->vf;
}

/* False: it cannot be right. */
static inline bool registrant_from_blob(const uint8_t *blob, struct registrant *ret)
{
	*ret = (struct registrant){ wire_get64(blob, 0), wire_get64(blob, 1), blob[16] };

	return ret->guid != 0 && ret->port != 0;
}

struct refused_row {
	enum kept_registration_kind kind;
	uint64_t id;
};

struct registrations {
	struct held held;
	unsigned n_blocks; /* of those that are held: also a block is waited for */
	struct list undos; /* of what is not on the disk yet, oldest first */
	uint64_t last_id[KEPT_REGISTRATION_KIND_COUNT];
	uint64_t handed;  /* so many values given to the store that somebody waits for, */
	uint64_t asked;   /* of these those that it will tell of, */
	uint64_t safe;    /* and those that are on the disk */
	uint64_t said_at; /* loop_now() when it was last said that the disk fails; 0: never */
	struct refused_row *refused; /* rows that are to be dropped */
	uint32_t n_refused, refused_room;
	bool keeping;             /* it will */
	struct loop_timer *timer; /* to ask it again */
};

/* Requests of one VF that wait for the disk. */
#define REGISTRATIONS_OF_VF 128u

/* Do hosts of this fabric register with us? See registrar.c. */
enum registrar_state {
	REGISTRAR_IS_NOT,
	REGISTRAR_TELLS, /* they are being told to, */
	REGISTRAR_WAITS, /* and have been, and are to have done so by the time of the timer */
	REGISTRAR_IS,
};

struct registrar {
	enum registrar_state state;
	uint64_t since; /* loop_now() when that began: what is older is theirs no more */
	struct loop_timer *timer;
	bool was_cut_off; /* since the last claim: another may have been master behind the link */
};

/* So long after it was told to register again a host has done so. */
#define REGISTER_FOR (60 * LOOP_SEC)

/* A number for a new one. */
uint64_t registration_new_id(struct sm *sm, enum kept_registration_kind kind);

/*
 * What is to be on the disk as @now says. If it turns out that it cannot be written, what was
 * before, @former, is restored, there and in memory, later and without a call from within; NULL: it
 * is not, and is written when the disk takes it. 0, or -ENOMEM and nothing is changed.
 */
int registration_keep(struct sm *sm, const struct kept_registration *now,
		      const struct kept_registration *former);

/* Something else that a request changed was given to the store. */
void registrations_note(struct sm *sm);
/* The store will tell when all that was noted is on the disk. */
void registrations_wait(struct sm *sm);
/* It is. */
static inline bool registrations_are_safe(const struct registrations *r)
{
	return r->safe == r->handed;
}

/*
 * A request that is to change something: OK, or STATUS_BUSY as too much waits already. *ret_later:
 * it is held, and will have its answer.
 */
uint16_t registrations_admit(struct sm *sm, const struct arrival *arrival, bool *ret_later);
/* It was admitted and has changed something: @answer is sent when that is on the disk. */
void registrations_hold(struct sm *sm, const struct arrival *arrival,
			const struct datagram *answer);
/* The same, and the answer is made when this block of GUIDInfo is also written. */
void registrations_hold_block(struct sm *sm, const struct arrival *arrival, uint32_t port,
			      unsigned block);
/* Of those that are held, those that are due. */
void registrations_answer(struct sm *sm);

/* We are master, and what is there has been read: before the plan. */
void registrar_claim(struct sm *sm);
/* And that plan has been programmed. */
void registrar_settle(struct sm *sm);
/* As a new master we know who is there: what those have who will not be again is over. */
void registrar_end_forgotten(struct sm *sm);
/* It is in the fabric, or has LIDs for when it comes back. */
bool registrar_knows(const struct sm *sm, uint64_t guid);
/* Another may be master, or nobody can reach us. */
void registrar_doubt(struct sm *sm);
/* Our own link was lost, and another may be master behind it. */
void registrar_cut_off(struct sm *sm);
void registrar_restore(struct sm *sm, const struct kept_registration *kept);
int registrar_start(struct sm *sm);

void registrations_init(struct sm *sm);
int registrations_start(struct sm *sm);
void registrations_done(struct sm *sm);
/* For struct keep_reader, and when it has read all. */
void registrations_load(void *user, const struct kept_registration *kept);
void registrations_loaded(struct sm *sm);
/*
 * For who makes in memory what a row says: there is nothing that can be made of this one, nor will
 * there be, so it is to leave the store.
 */
void registration_refuse(struct sm *sm, enum kept_registration_kind kind, uint64_t id);
