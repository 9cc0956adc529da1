/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Subnet management agents on virtual time, as far as the request engine sees them: a transport
 * whose other side answers every request with its own bytes, late, twice, not at all, or with what
 * the test makes of it. What is lost and how long an answer takes comes from the loop's seed.
 *
 * Agent i is reached by the directed route agents_route(i) or by LID i + 1; the agent of our own
 * device by a route of no hops.
 */

#include "base/loop.h"
#include "mad/transport.h"

struct agent {
	bool silent;
	bool deaf_to_lids;     /* answers directed routes only */
	unsigned loss;         /* of 1000 requests: no answer arrives */
	unsigned room;         /* not 0: of more requests at a time than that the rest is lost */
	unsigned repetition;   /* of 1000 answers: comes twice */
	unsigned busy;         /* says so to so many requests first */
	uint16_t status;       /* of its answers */
	uint64_t delay;        /* round trip */
	uint64_t service;      /* not 0: it does one after the other, and each takes so much more */
	uint64_t jitter;       /* up to so much more: answers overtake each other */
	uint64_t delay_of_try; /* if not 0: the round trip of the next request alone */

	uint64_t free_at;      /* done with all that came */
	unsigned asked;        /* datagrams that came */
	unsigned waiting;      /* of them not answered */
	unsigned most_waiting; /* at any time */
};

struct agents {
	struct transport transport;
	struct loop *loop;
	struct agent *agent;
	unsigned n;
	struct agent self;

	/* If set: changes an answer before it leaves; false: it does not. */
	bool (*change)(struct agents *agents, unsigned i, struct datagram *answer);
	/* If set: sees every request. */
	void (*see)(struct agents *agents, unsigned i, const struct datagram *d,
		    const struct address *to);
	void *user;

	unsigned room; /* of the switch that all pass, as that of an agent */

	int send_error; /* what sending returns; then nothing is sent */
	unsigned sent;
	unsigned waiting;
	unsigned most_waiting;
	unsigned lost;
	unsigned repeated;
};

/* All of them answer at once until told otherwise. The fn and user of the transport are yours. */
int agents_new(struct loop *loop, unsigned n, struct agents **ret);

/* What is under way goes under. */
void agents_lose_all(struct agents *agents);

/* What is under way is forgotten. Takes NULL. */
void agents_free(struct agents *agents);

#define AGENTS_HOPS 3
void agents_route(unsigned i, uint8_t ports[static AGENTS_HOPS]);

/* Let a datagram arrive after @delay, as if an agent had sent it. */
void agents_deliver(struct agents *agents, const struct arrival *arrival, uint64_t delay);
