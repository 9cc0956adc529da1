/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How much may be under way, and how long to wait for an answer: what the request engine has
 * learned from answers and from loss. Knows no request and no clock. Times in nanoseconds, as
 * loop_now() has them; round trips in microseconds.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mad/loss.h"
#include "mad/request.h"

struct pace {
	struct request_limits limits;
	unsigned window; /* over all agents */
	uint64_t cut_at;
	uint32_t srtt; /* over all agents */
	uint32_t rttvar;
	uint32_t samples;
	struct loss loss;
};

/* An agent of which nothing is known. */
void pace_sma_init(struct sma *sma);

void pace_init(struct pace *p, const struct request_limits *limits);

/* Put into their bounds. */
void pace_set_limits(struct pace *p, const struct request_limits *limits);

static inline bool pace_sma_has_room(const struct pace *p, const struct sma *sma)
{
	return sma->in_flight <
	       (sma->window < p->limits.window_per_sma ? sma->window : p->limits.window_per_sma);
}

/*
 * @sma has answered the try, counted from 0, that was sent at @sent_at, after @tries in all. Those
 * that it left without an answer before were lost, but for what was sent after this one.
 */
void pace_answered(struct pace *p, struct sma *sma, unsigned try, unsigned tries, uint64_t sent_at,
		   uint64_t now);

/* What was sent has been under way for too long: half as much is from now on. */
void pace_halve(struct pace *p);

/* So long to wait for an answer to the next try, after @tries. */
uint64_t pace_timeout(const struct pace *p, const struct sma *sma, unsigned tries);

/* Until when to wait, with that time-out, for the answer to a try that was sent at @sent_at. */
uint64_t pace_deadline(const struct sma *sma, uint64_t sent_at, uint64_t timeout);

/* Something that was sent so much after another has been answered: the other is overdue. */
uint64_t pace_overdue(const struct pace *p);

/* So long may a full window be silent before something is wrong. */
uint64_t pace_silence(const struct pace *p);

/* Tries in a row without an answer that are no bad luck. */
unsigned pace_patience(const struct pace *p);
