/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Time-outs are measured: 8 smoothed round trips of that agent, of all agents while this one is
 * unknown. An agent does one after the other, and has been given many at once: while it answers
 * what was sent before, the others wait their turn, and their time-out begins anew. Time-outs
 * double with every try, but for those that go under by chance where much is lost (loss.h): to wait
 * longer for what is lost brings nothing, and how much may be on the wire is the windows' affair.
 *
 * Windows grow with answers and halve on loss. Loss is only believed when the agent answers a later
 * try: silence alone says nothing about the fabric, or a dead node would slow all others down. VL15
 * has no flow control and a port needs to buffer but one SMP, so the window of one agent starts
 * at 2.
 */

#include "mad/pace.h"

#include "base/loop.h"
#include "base/macros.h"

#define WINDOW_START        64
#define WINDOW_MIN          16  /* loss alone leaves so much of it */
#define WINDOW_MOST         448 /* kernel: 512 receive buffers */
#define SMA_WINDOW_START    2
#define SMA_WINDOW_MOST     64
#define SMA_WINDOW_PATIENCE 32              /* answers before it grows by one */
#define CUT_PAUSE           (4 * LOOP_MSEC) /* at least, between two cuts */
#define KNOWN_AFTER         16              /* answers until our own round trip means something */
#define TIMEOUT_MAX         (4 * LOOP_SEC)  /* one try */
#define OVERDUE_MIN         (2 * LOOP_MSEC)
#define SILENCE_MIN         (100 * LOOP_MSEC)
#define SILENCE_LOSSY       OVERDUE_MIN /* the same where much is lost */
#define ODDS_TO_WAIT        16    /* once in so many times it is bad luck: no reason to wait */
#define ODDS_OF_SILENCE     10000 /* or to take somebody for silent */

void pace_sma_init(struct sma *sma)
{
	sma->window = SMA_WINDOW_START;
}

void pace_init(struct pace *p, const struct request_limits *limits)
{
	*p = (struct pace){ .window = WINDOW_START };
	pace_set_limits(p, limits);
}

void pace_set_limits(struct pace *p, const struct request_limits *limits)
{
	p->limits = *limits;
	p->limits.window = MIN(MAX(limits->window, 1), WINDOW_MOST);
	p->limits.window_per_sma = MIN(MAX(limits->window_per_sma, 1), SMA_WINDOW_MOST);
	p->limits.tries = MIN(MAX(limits->tries, 1), REQUEST_MAX_TRIES);
	p->window = MIN(p->window, p->limits.window);
}

/* -- windows ------------------------------------------------------------------------------------
 */

static void grow(struct pace *p, struct sma *sma)
{
	p->window = MIN(p->window + 1, p->limits.window);
	if (sma->window < p->limits.window_per_sma && ++sma->grown >= SMA_WINDOW_PATIENCE) {
		sma->window++;
		sma->grown = 0;
	}
}

/* Much is lost, whoever is asked. */
static bool is_lossy(const struct pace *p)
{
	return loss_patience(&p->loss, ODDS_TO_WAIT) > 1;
}

/*
 * At most once per round trip, or one burst that overflows a buffer would close the window. Where
 * much is lost everywhere that says nothing of the buffers of one agent: it is as if unknown.
 */
static void shrink(struct pace *p, struct sma *sma, uint64_t now)
{
	sma->window = MAX(sma->window / 2, is_lossy(p) ? SMA_WINDOW_START : 1);
	sma->grown = 0;
	if (now - p->cut_at < MAX(p->srtt * LOOP_USEC, CUT_PAUSE))
		return;
	p->cut_at = now;
	p->window = MAX(p->window / 2, MIN(p->window, WINDOW_MIN));
}

void pace_halve(struct pace *p)
{
	p->window = MAX(p->window / 2, 1);
}

/* -- round trips --------------------------------------------------------------------------------
 */

/* RFC 6298's estimator, in microseconds. */
static void smooth(uint32_t *srtt, uint32_t *rttvar, uint32_t sample)
{
	uint32_t off;

	if (*srtt == 0) {
		*srtt = sample;
		*rttvar = sample / 2;
		return;
	}
	off = sample > *srtt ? sample - *srtt : *srtt - sample;
	*rttvar = (3 * *rttvar + off) / 4;
	*srtt = (7 * *srtt + sample) / 8;
}

static void learn_round_trip(struct pace *p, struct sma *sma, uint64_t took)
{
	uint32_t sample = (uint32_t)MIN(MAX(took / LOOP_USEC, 1), UINT32_C(60000000));

	smooth(&sma->srtt, &sma->rttvar, sample);
	smooth(&p->srtt, &p->rttvar, sample);
	p->samples++;
}

/* Those after the one that was answered, late, were not in vain but too early. */
static void learn_loss(struct pace *p, struct sma *sma, unsigned later)
{
	loss_note(&p->loss, sma->in_vain - MIN(later, sma->in_vain));
	sma->in_vain = 0;
}

void pace_answered(struct pace *p, struct sma *sma, unsigned try, unsigned tries, uint64_t sent_at,
		   uint64_t now)
{
	sma->answered_at = now;
	sma->reached = MAX(sma->reached, sent_at);
	learn_round_trip(p, sma, now - sent_at);
	learn_loss(p, sma, tries - 1 - try);
	/* The agent lives, and an earlier try went under: that was loss. */
	if (try > 0)
		shrink(p, sma, now);
	else
		grow(p, sma);
}

/* -- patience -----------------------------------------------------------------------------------
 */

unsigned pace_patience(const struct pace *p)
{
	return loss_patience(&p->loss, ODDS_OF_SILENCE);
}

uint64_t pace_timeout(const struct pace *p, const struct sma *sma, unsigned tries)
{
	uint64_t least = p->limits.min_timeout_ms * LOOP_MSEC;
	unsigned by_chance = loss_patience(&p->loss, ODDS_TO_WAIT);
	uint64_t first;

	if (sma->srtt)
		first = MAX((8 * (uint64_t)sma->srtt + 4 * sma->rttvar) * LOOP_USEC, least);
	else if (p->samples >= KNOWN_AFTER)
		first = MAX((8 * (uint64_t)p->srtt + 8 * p->rttvar) * LOOP_USEC, least);
	else
		first = MAX(p->limits.first_timeout_ms * LOOP_MSEC, least);

	return MIN(first << (MAX(tries, by_chance) - by_chance), TIMEOUT_MAX);
}

uint64_t pace_deadline(const struct sma *sma, uint64_t sent_at, uint64_t timeout)
{
	bool in_queue = sma->reached <= sent_at && sma->answered_at > sent_at;

	return MIN((in_queue ? sma->answered_at : sent_at) + timeout, sent_at + TIMEOUT_MAX);
}

uint64_t pace_overdue(const struct pace *p)
{
	return MAX(4 * p->srtt * LOOP_USEC, OVERDUE_MIN);
}

/* Where much is lost a window is soon full of it, and to stand still is nothing special. */
uint64_t pace_silence(const struct pace *p)
{
	return MAX(8 * p->srtt * LOOP_USEC, is_lossy(p) ? SILENCE_LOSSY : SILENCE_MIN);
}
