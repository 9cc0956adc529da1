/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How many traps came: by number, by who sent them, and what was impossible about those that were.
 *
 * Anybody can send traps, and give any LID as the sender: so there is room for SM_TRAP_SOURCES of
 * them, and a new one takes the place of the one that has sent least, with its count (so a count is
 * at most too high, and whoever sends most is always among them).
 *
 * A trap is an event too, as the first that is known of a change. That would wash all others out of
 * the log while somebody sends many: so each that is told of is charged to its source (damping.h)
 * and to all together, and who owes too much is counted only.
 */

#include "base/macros.h"
#include "sm/machine.h"

#define HALF_LIFE   (10 * LOOP_SEC)
#define MOST_OF_ONE (8 * DAMPING_EVENT) /* at once; then one in two seconds */
#define MOST_OF_ALL (128 * DAMPING_EVENT)

/* The same for what is told on to subscribers: a switch that dies is many links. */
#define MOST_FORWARDED_OF_ONE (64 * DAMPING_EVENT)
#define MOST_FORWARDED_OF_ALL (4096 * DAMPING_EVENT)

/* -- counting -----------------------------------------------------------------------------------
 */

static void count_number(struct sm_traps *traps, unsigned number)
{
	for (unsigned i = 0; i < traps->n_numbers; i++) {
		if (traps->number[i].number != number)
			continue;
		traps->number[i].n++;
		return;
	}
	if (traps->n_numbers == SM_TRAP_NUMBERS) {
		traps->others++;
		return;
	}
	traps->number[traps->n_numbers++] = (struct sm_trap_number){ .number = number, .n = 1 };
}

static unsigned find_source(struct sm_traps *traps, uint16_t lid)
{
	unsigned least = 0;

	for (unsigned i = 0; i < traps->n_sources; i++) {
		if (traps->source[i].lid == lid)
			return i;
		if (traps->source[i].n < traps->source[least].n)
			least = i;
	}
	if (traps->n_sources < SM_TRAP_SOURCES)
		least = traps->n_sources++;

	return least;
}

unsigned trap_count(struct sm *sm, uint16_t lid, unsigned number)
{
	struct sm_traps *traps = &sm->traps.counts;
	unsigned source = find_source(traps, lid);

	if (traps->source[source].lid != lid) {
		sm->traps.said[source] = (struct damping){ 0 };
		sm->traps.forwarded[source] = (struct damping){ 0 };
		sm->traps.told[source] = 0;
	}
	traps->source[source].lid = lid;
	traps->source[source].n++;
	count_number(traps, number);

	return source;
}

void trap_count_impossible(struct sm *sm, enum sm_trap_lie lie)
{
	sm->traps_ignored++;
	sm->traps.counts.impossible[lie]++;
}

/* -- telling of it ------------------------------------------------------------------------------
 */

static bool has_room(const struct damping *said, uint64_t now, uint32_t most)
{
	return damping_owed(said, now, HALF_LIFE) + DAMPING_EVENT <= most;
}

static bool charge(struct damping *one, struct damping *all, uint64_t now, uint32_t most_of_one,
		   uint32_t most_of_all)
{
	if (!has_room(one, now, most_of_one) || !has_room(all, now, most_of_all))
		return false;
	damping_charge(one, now, HALF_LIFE, most_of_one);
	damping_charge(all, now, HALF_LIFE, most_of_all);

	return true;
}

bool trap_may_be_told(struct sm *sm, unsigned source)
{
	return charge(&sm->traps.said[source], &sm->traps.said_in_all, loop_now(sm->loop),
		      MOST_OF_ONE, MOST_OF_ALL);
}

bool trap_may_be_forwarded(struct sm *sm, unsigned source)
{
	return charge(&sm->traps.forwarded[source], &sm->traps.forwarded_in_all, loop_now(sm->loop),
		      MOST_FORWARDED_OF_ONE, MOST_FORWARDED_OF_ALL);
}

const struct sm_traps *sm_traps(const struct sm *sm)
{
	return &sm->traps.counts;
}
