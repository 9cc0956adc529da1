/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the SA says of ways, held against devices: a question for each of some ordered pairs of
 * those that are up, VFs first. Who may talk gets a record with the LIDs that both have, a P_Key
 * that both have, and a packet sent as it says arrives; who may not is told of nothing.
 *
 * The SA knows nothing of the index maps of shared ports, so what it says of their VFs is what
 * their ports may.
 */

#include <inttypes.h>

#include "base/macros.h"
#include "tests/scenario/look.h"
#include "tests/scenario/path-asker.h"
#include "tests/sim/probe.h"
#include "tests/sim/vf.h"

enum { PAIRS = 40 };

static struct sim_endpoint member_of(const struct sim_endpoint *e)
{
	return (struct sim_endpoint){ e->port, e->port->shared ? 0 : e->vf };
}

static const struct sim_endpoint *any_endpoint(struct look *look)
{
	return &look->endpoints[scenario_random(look->s, look->n_endpoints)];
}

/* Endpoints are switches, then hosts in the order of ports, and VFs behind them. */
static const struct sim_endpoint *any_vf(struct look *look)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		const struct sim_endpoint *e = any_endpoint(look);

		if (e->vf)
			return e;
	}
	return any_endpoint(look);
}

static void check_way(struct look *look, const struct sim_endpoint *from,
		      const struct sim_endpoint *to, const struct path_answer *answer)
{
	char name[SIM_ENDPOINT_NAME], other[SIM_ENDPOINT_NAME];
	struct sim_probe probe = {
		.from = *from, .dlid = answer->dlid, .pkey = answer->pkey, .length = 64
	};
	struct sim_probe_result result;

	if (!sim_endpoint_has_lid(from, answer->slid) || !sim_endpoint_has_lid(to, answer->dlid) ||
	    answer->sguid != sim_endpoint_guid(from, 0) ||
	    answer->dguid != sim_endpoint_guid(to, 0)) {
		look_say(look, "the SA says that %s is at LID %u and %s at %u",
			 sim_endpoint_name(from, name), answer->slid, sim_endpoint_name(to, other),
			 answer->dlid);
		return;
	}
	/* By a key that a VF of a shared port may not see. */
	if (!sim_endpoint_has_pkey(from, answer->pkey) ||
	    !sim_endpoint_takes_pkey(to, answer->pkey)) {
		if (!from->port->shared && !to->port->shared)
			look_say(look, "the SA says that %s reaches %s with P_Key %#x",
				 sim_endpoint_name(from, name), sim_endpoint_name(to, other),
				 answer->pkey);
		return;
	}
	probe.has_grh = sim_endpoint_needs_grh(to, probe.dgid);
	sim_probe(&probe, &result);
	if (result.why != SIM_PASSED || result.reached.port != to->port ||
	    result.reached.vf != to->vf)
		look_say(look, "as the SA says, %s does not reach %s",
			 sim_endpoint_name(from, name), sim_endpoint_name(to, other));
}

/* The SA tells of those only with whom who asks shares a P_Key, too, and a port of its VFs. */
static bool may_be_told(struct scenario *s, struct sim_port *asker, const struct sim_endpoint *from,
			const struct sim_endpoint *to)
{
	const struct sim_endpoint self = { asker, 0 };

	return scenario_endpoints_may_talk(s, from, to) &&
	       (from->port == asker || scenario_endpoints_may_talk(s, &self, from)) &&
	       (to->port == asker || scenario_endpoints_may_talk(s, &self, to));
}

static void check_pair(struct look *look, struct path_asker *asker, const struct sim_endpoint *from,
		       const struct sim_endpoint *to)
{
	const struct sim_endpoint member = member_of(from), other = member_of(to);
	char name[SIM_ENDPOINT_NAME], far[SIM_ENDPOINT_NAME];
	bool may = may_be_told(look->s, asker->client.port, &member, &other);

	if (!path_asker_ask(asker, sim_endpoint_guid(from, 0), sim_endpoint_guid(to, 0))) {
		look_say(look, "the SA cannot be asked");
		return;
	}
	scenario_run(look->s, LOOP_MSEC);
	if (!asker->answered)
		look_say(look, "the SA does not answer");
	else if (asker->answer.status == PATH_OK && may)
		check_way(look, from, to, &asker->answer);
	else if (asker->answer.status != PATH_NO_RECORDS || may)
		look_say(look, "of the way from %s to %s the SA says status %#x",
			 sim_endpoint_name(from, name), sim_endpoint_name(to, far),
			 asker->answer.status);
}

static void look_at_paths(struct look *look, struct scenario_sm *master)
{
	struct path_asker asker;

	look->s->looked_at = master;
	look_begin(look, master->port);
	look_at_vports(look);
	look_at_shared(look);
	/* Not who has what: of a GUID given back since, a driver may be yet to ask again. */
	look->bad = false;
	path_asker_open(&asker, master->port);
	for (unsigned i = 0; i < PAIRS && !look->bad && look->n_endpoints > 1; i++) {
		const struct sim_endpoint *from = any_endpoint(look), *to = any_vf(look);

		if (from->port->node->sw || to->port->node->sw || from == to)
			continue;
		check_pair(look, &asker, from, to);
		check_pair(look, &asker, to, from);
	}
	path_asker_close(&asker);
	look_end(look);
	look->s->looked_at = NULL;
}

void scenario_expect_paths(struct scenario *s)
{
	struct scenario_sm *both[] = { &s->first, &s->rival };
	char why[512];
	struct look look = { .s = s, .why = why };

	for (unsigned i = 0; i < COUNT(both) && !look.bad; i++)
		if (scenario_status(both[i]).state == SM_MASTER)
			look_at_paths(&look, both[i]);
	if (look.bad)
		scenario_fail(s, "%s", why);
}
