/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The request engine: everything that we ask of subnet management agents goes through here.
 *
 * An agent (struct sma) that has something to be asked is made ready; when there is room the engine
 * takes the next ready agent and calls next(), which fills in one request. So requests are made
 * when they can be sent, and never lie in a queue. Each request ends with exactly one call of
 * done(), unless it is cancelled.
 *
 * Room: a window over all agents and a small one per agent, both adaptive. A request that has
 * waited much longer than answers take no longer counts as on the wire: silent agents delay nobody.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mad/transport.h"
#include "mad/wire.h"

struct loop;
struct requests;

/* An agent, embedded in what it belongs to. Made by request_sma_init(); owned by the caller. */
struct sma {
	struct list ready; /* in the engine's ring of ready agents */
	uint32_t srtt;     /* smoothed round trip, microseconds; 0: not known */
	uint32_t rttvar;
	uint64_t answered_at; /* last */
	uint64_t reached;     /* when the newest that it has answered was sent */
	uint16_t lid;      /* not 0: the first try goes to this LID instead of the directed route */
	uint8_t hops;      /* directed route from our port */
	uint8_t in_flight; /* requests not yet done */
	uint8_t window;    /* how many may be */
	uint8_t grown;     /* answers since the window last grew */
	uint8_t in_vain;   /* tries without an answer since its last one */
	uint32_t owner;    /* the caller's number for it */
	uint8_t route[SMP_MAX_HOPS];
};

void request_sma_init(struct sma *sma);

struct request {
	uint8_t hops;   /* of route, if has_route */
	bool has_route; /* go this way instead of the agent's: the other ports of an adapter */
	uint8_t route[SMP_MAX_HOPS];
	uint8_t method; /* METHOD_GET or METHOD_SET */
	uint16_t attr;
	uint32_t modifier;
	uint64_t tag;        /* the caller's */
	uint64_t mkey;       /* for SubnSet and protected SubnGet */
	uint64_t other_mkey; /* in turn with it, try by try; 0: no other */
	uint8_t data[SMP_DATA_SIZE];
};

enum request_result {
	REQUEST_ANSWERED, /* status 0 */
	REQUEST_REFUSED,  /* answered with a status */
	REQUEST_LOST,     /* no answer to any try */
};

struct answer {
	enum request_result result;
	uint16_t status;                 /* REQUEST_REFUSED: what it said */
	unsigned tries;                  /* how many were sent */
	const struct request *request;   /* as it was sent */
	const uint8_t *data;             /* 64 bytes as answered; NULL if lost */
	const struct datagram *datagram; /* all of it; NULL if lost */
};

struct request_handler {
	/* Fill in the next request for @sma; false if there is none now. */
	bool (*next)(void *user, struct sma *sma, struct request *ret);
	void (*done)(void *user, struct sma *sma, const struct answer *answer);
	/* @tries to @sma have not been answered so far; more will follow. May be NULL. */
	void (*late)(void *user, struct sma *sma, unsigned tries);
	/*
	 * A Set has ended, and copies of it that nobody has answered may yet arrive, sent at
	 * @sent_at or before: it was sent more than once, is lost, or was cancelled. Before its
	 * done(), or within requests_cancel(). It may not cancel anybody. May be NULL.
	 */
	void (*twin)(void *user, struct sma *sma, const struct request *request, uint64_t sent_at);
	/*
	 * After a batch of done() and late() calls, or when an agent had nothing to be asked, and
	 * before the engine asks for more. It may make agents ready, but not for ever: whoever is
	 * made ready and has nothing causes another call. May be NULL.
	 */
	void (*settle)(void *user);
};

#define REQUEST_MAX_TRIES 8

struct request_limits {
	unsigned window; /* most requests in flight in all; at most 448 (kernel: 512 buffers) */
	unsigned window_per_sma;   /* 1 to 64 */
	unsigned tries;            /* 1 to REQUEST_MAX_TRIES */
	unsigned first_timeout_ms; /* until a round trip is known */
	unsigned min_timeout_ms;
};

int requests_new(struct loop *loop, struct transport *transport,
		 const struct request_handler *handler, void *user, struct requests **ret);

/* All agents must still be there, or have been cancelled; they may go to another engine. */
void requests_free(struct requests *r);

/* May change at any time. */
void requests_set_limits(struct requests *r, const struct request_limits *limits);

/* The M_Key of our own device, which the engine asks by itself when nobody else answers; first 0.
 */
void requests_set_own_mkey(struct requests *r, uint64_t mkey);

/* @sma may have something to be asked. Cheap, and harmless if it has not. */
void requests_make_ready(struct requests *r, struct sma *sma);

/* Forget all requests to @sma; no done() for them, but twin(). */
void requests_cancel(struct requests *r, struct sma *sma);

/*
 * Something arrived. True if it was an answer (or a request of ours given back) and was dealt with.
 * Call requests_pump() after the batch.
 */
bool requests_receive(struct requests *r, const struct arrival *arrival);

/* Send as much as there is room for. Also happens by itself soon after requests_make_ready(). */
void requests_pump(struct requests *r);

/* Requests not yet done, in all. */
unsigned requests_in_flight(const struct requests *r);

/*
 * So many tries in a row without an answer are no bad luck, by what is lost on the way to those who
 * answer: chance has it so once in ten thousand times.
 */
unsigned requests_patience(const struct requests *r);

/* Counters, per attribute and method. */
struct request_counts {
	uint64_t sent; /* first tries and repeats */
	uint64_t answered;
	uint64_t retried;
	uint64_t timed_out; /* all tries */
	uint64_t refused;
};

struct request_totals {
	uint64_t sent;
	uint64_t by_lid;    /* of these, to a LID */
	uint64_t heard;     /* answers, good or not, that ended a request */
	uint64_t malformed; /* answers that do not fit their request */
	uint64_t stray;     /* answers to nothing that is outstanding */
	uint64_t undelivered;
	uint64_t send_errors;
};

/* The n-th kind that was ever sent: false past the last. */
bool requests_count(const struct requests *r, unsigned n, uint16_t *ret_attr, uint8_t *ret_method,
		    struct request_counts *ret);
const struct request_totals *requests_totals(const struct requests *r);

/* Nothing is answered, for a while and not even by our own device: it is not the fabric's doing. */
bool requests_stand_still(const struct requests *r);

/* The windows as they are, for stats. */
unsigned requests_window(const struct requests *r);
