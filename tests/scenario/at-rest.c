/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * When is a fabric at rest? Not when "long enough" has passed: after whatever happened last, every
 * master must have begun and ended a sweep. A link that comes up by itself, after training, counts
 * as something that happened, and so does another master, which has to look at everything once
 * before it writes.
 *
 * A device paces its traps (IBA 13.4.9): what it has to tell of its vports may come long after.
 *
 * Subnet managers that reach each other are not at rest until exactly one of them is master.
 */

#include "tests/scenario/scenario.h"

#include "base/macros.h"
#include "tests/unit/loop-virtual.h"

static void nothing_is_spoilt(struct scenario *s)
{
	if (s->spoilt[0])
		scenario_fail(s, "%s", s->spoilt);
}

void scenario_run(struct scenario *s, uint64_t duration)
{
	loop_virtual_run_for(s->loop, duration);
	nothing_is_spoilt(s);
}

struct scenario_sm *scenario_master(struct scenario *s)
{
	if (s->first.sm && scenario_status(&s->first).state == SM_MASTER)
		return &s->first;
	if (s->rival.sm && scenario_status(&s->rival).state == SM_MASTER)
		return &s->rival;
	return NULL;
}

unsigned scenario_masters(const struct scenario *s)
{
	return (scenario_status(&s->first).state == SM_MASTER ? 1u : 0) |
	       (scenario_status(&s->rival).state == SM_MASTER ? 2u : 0);
}

/* Whoever it is that gives LIDs, there is another now, or there are two, or one less. */
void scenario_note_masters(struct scenario *s)
{
	unsigned masters = scenario_masters(s);

	s->n_takeovers += masters && masters != s->last_masters;
	if (masters)
		s->last_masters = masters;
}

static bool trains(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_links; i++)
		if (sim_phys(s->links[i]) == SIM_TRAINING)
			return true;
	return false;
}

/*
 * What traps tell of is looked at alone, without a sweep: that is not the one that is waited for.
 */
static bool has_ended(const struct scenario *s, const struct scenario_sm *m)
{
	struct sm_status status = scenario_status(m);

	if (!m->sm)
		return true;
	return status.phase == PHASE_REST && m->swept > s->changed &&
	       (status.state != SM_MASTER || status.applied == status.generation) &&
	       requests_in_flight(sm_requests(m->sm)) == 0;
}

/* Each is master, or watches the other that is; where they are apart, both are. */
static bool agree(struct scenario *s)
{
	bool first = scenario_status(&s->first).state == SM_MASTER;
	bool rival = scenario_status(&s->rival).state == SM_MASTER;

	if (!s->first.sm || !s->rival.sm)
		return first || rival;
	if (scenario_is_connected(s, s->first.port, s->rival.port))
		return first != rival;
	return first && rival;
}

static bool is_at_rest(struct scenario *s)
{
	unsigned masters = scenario_masters(s);

	if (masters != s->masters)
		s->changed = loop_now(s->loop);
	s->masters = masters;
	scenario_note_masters(s);
	return has_ended(s, &s->first) && has_ended(s, &s->rival) && !trains(s) && agree(s) &&
	       scenario_vports_are_told(s);
}

bool scenario_settles_within(struct scenario *s, unsigned seconds)
{
	uint64_t limit = loop_now(s->loop) + seconds * LOOP_SEC;

	while (!is_at_rest(s) && loop_now(s->loop) < limit)
		if (!loop_virtual_step(s->loop))
			return false;
	nothing_is_spoilt(s);
	return is_at_rest(s);
}

void scenario_settle(struct scenario *s)
{
	if (!scenario_settles_within(s, SCENARIO_PATIENCE))
		scenario_fail(s, "the fabric does not come to rest");
}
