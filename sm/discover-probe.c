/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Probes: NodeInfo is asked for out of a port of somebody we know. Who answers is discover-node.c's
 * business. Nobody waits for a first answer longer than two tries, or what chance explains where
 * much is lost; if it comes after all, the sweep is repeated.
 */

#include "sm/discover-inside.h"
#include "sm/machine.h"

#define TRIES_TO_BE_LATE 2

/* -- asking -------------------------------------------------------------------------------------
 */

static struct probe *free_probe(struct discovery *d)
{
	for (uint32_t i = 0; i < MAX_PROBES; i++) {
		struct probe *probe = &d->probes[d->next_probe++ % MAX_PROBES];

		if (!probe->used)
			return probe;
	}

	return NULL;
}

bool discover_probe(struct sm *sm, uint32_t port, bool wait)
{
	struct discovery *d = &sm->discovery;
	struct probe *probe = d->n_probes < MAX_PROBES ? free_probe(d) : NULL;

	if (!probe)
		return false;
	probe->used = true;
	probe->sent = false;
	probe->late = !wait;
	probe->port = port;
	probe->walk = sm->fabric.walk;
	probe->losses = 0;
	mkey_give_probe(sm, probe);
	probe->sma.srtt = 0;
	probe->sma.in_vain = 0;
	probe->sma.hops = 0;
	if (port != NO_PORT)
		discover_route_through(&probe->sma, &node_of(&sm->fabric, port)->sma,
				       sm->fabric.ports[port].number);
	d->n_probes++;
	if (!wait)
		d->n_late++;
	requests_make_ready(sm->requests, &probe->sma);

	return true;
}

static void end_probe(struct discovery *d, struct probe *probe)
{
	probe->used = false;
	d->n_probes--;
	if (probe->late)
		d->n_late--;
}

void discover_drop_probes(struct sm *sm)
{
	struct discovery *d = &sm->discovery;

	for (uint32_t i = 0; i < MAX_PROBES; i++) {
		struct probe *probe = &d->probes[i];

		if (!probe->used || probe->late)
			continue;
		requests_cancel(sm->requests, &probe->sma);
		end_probe(d, probe);
	}
}

/* -- answers ------------------------------------------------------------------------------------
 */

/*
 * Too late for its sweep: it says nothing of what was found since. Somebody who answers after all
 * is worth another one.
 */
static void take_late_probe(struct sm *sm, const struct probe *probe, const struct answer *answer)
{
	struct port *port = &sm->fabric.ports[probe->port];

	if (answer->result == REQUEST_ANSWERED) {
		port->probe_silent = false;
		/* By its turn another would be tried now. */
		port->far_mkey = wire_get(answer->datagram, SMP_MKEY);
		sm_sweep_again(sm, false);
	} else if (answer->result == REQUEST_LOST && port->checked < probe->walk) {
		discover_look_again(sm, probe->port);
		port->probe_silent = true;
	}
}

bool discover_is_silent(const struct sm *sm, const struct probe *probe, unsigned tries)
{
	return probe->losses * sm->conf.tries + tries >=
	       MAX(requests_patience(sm->requests), TRIES_TO_BE_LATE);
}

/* It is waited for, and not longer than what is lost everywhere explains. */
static bool is_bad_luck(const struct sm *sm, const struct probe *probe, unsigned tries)
{
	return probe->port != NO_PORT && !probe->late && sm->phase == PHASE_DISCOVER &&
	       probe->walk == sm->fabric.walk && !discover_is_silent(sm, probe, tries);
}

/* It has answered out of the same agent, which is not unknown then. */
static void lend_round_trip(struct fabric *f, const struct probe *probe)
{
	uint32_t far = probe->port == NO_PORT ? f->local_port : f->ports[probe->port].peer;
	struct sma *sma = far == NO_PORT ? NULL : &node_of(f, far)->sma;

	if (!sma || sma->srtt)
		return;
	sma->srtt = probe->sma.srtt;
	sma->rttvar = probe->sma.rttvar;
}

static void ask_again(struct sm *sm, struct probe *probe)
{
	probe->losses++;
	probe->sent = false;
	requests_make_ready(sm->requests, &probe->sma);
}

void discover_take_probe(struct sm *sm, struct probe *probe, const struct answer *answer)
{
	uint32_t via = probe->port;

	if (answer->result == REQUEST_LOST && is_bad_luck(sm, probe, answer->tries)) {
		ask_again(sm, probe);
		return;
	}
	end_probe(&sm->discovery, probe);
	/* That nobody answers whom nobody waits for is old. */
	sm->news = sm->news || (via != NO_PORT && !probe->late);
	if (via != NO_PORT && (sm->phase != PHASE_DISCOVER || probe->walk != sm->fabric.walk)) {
		take_late_probe(sm, probe, answer);
		return;
	}
	if (answer->result == REQUEST_ANSWERED) {
		discover_take_node(sm, via, answer->data, wire_get(answer->datagram, SMP_MKEY));
		lend_round_trip(&sm->fabric, probe);
	} else if (answer->result == REQUEST_REFUSED) {
		discover_leave_out(sm, via, REASON_BAD_NODE_INFO);
	} else {
		discover_leave_out(sm, via, REASON_NEIGHBOR_SILENT);
	}
}
