/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Links that lose, double, delay and reorder; agents that take their time; devices that die.
 *
 * A link that delays keeps the order: what leaves later arrives later, by a nanosecond at least.
 * Only what is reordered does not count for that, so that others overtake it. A packet is doubled
 * once on its way, or a circle of routes would make it so many that nothing else got done.
 *
 * An agent with a service time has one SMP in hand; the others wait in its VL15 buffer, which has
 * no flow control, so what finds it full is lost, and VL15Dropped of the port that it came by
 * counts it. The buffer is the device's, whichever port fills it.
 *
 * A device that dies mid-transaction has done what it was told, and its answer never leaves.
 *
 * What a device lies about is in faults-lies.c, what it does by the clock in faults-timed.c, and
 * all of it as text in faults-text.c. Whoever is told of a loss may well clear the faults, so
 * nothing here touches them after sim_lose() and sim_deliver().
 */

#include "tests/sim/faults.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "tests/sim/forward.h"

struct sim_waiting {
	struct list link;
	struct sim_port *at;
	struct sim_packet packet;
};

/* ---- chance ---------------------------------------------------------------------------------- */

bool sim_fault_draw(struct sim_fabric *fabric, uint32_t chance)
{
	if (!chance || chance >= SIM_ALWAYS)
		return chance;
	return xoshiro_next(&fabric->random) % SIM_ALWAYS < chance;
}

uint64_t sim_fault_up_to(struct sim_fabric *fabric, uint64_t most)
{
	if (!most)
		return 0;
	return most == UINT64_MAX ? xoshiro_next(&fabric->random)
				  : xoshiro_next(&fabric->random) % (most + 1);
}

/* ---- memory ---------------------------------------------------------------------------------- */

struct sim_link_faults *sim_fault_of_link(struct sim_port *port)
{
	if (!port->faults)
		port->faults = calloc(1, sizeof(*port->faults));
	return port->faults;
}

struct sim_node_faults *sim_fault_of_node(struct sim_node *node)
{
	if (node->faults)
		return node->faults;
	node->faults = calloc(1, sizeof(*node->faults));
	if (node->faults)
		list_init(&node->faults->waiting);
	return node->faults;
}

static struct sim_waiting *pop(struct list *list)
{
	struct sim_waiting *w;

	if (list_is_empty(list))
		return NULL;
	w = CONTAINER_OF(list->next, struct sim_waiting, link);
	list_remove(&w->link);
	return w;
}

static struct sim_waiting *take_waiting(struct sim_node_faults *f)
{
	struct sim_waiting *w = pop(&f->waiting);

	if (w)
		f->n_waiting--;
	return w;
}

static void free_node_faults(struct sim_node *node)
{
	struct sim_node_faults *f = TAKE(node->faults);
	struct sim_waiting *w;

	if (!f)
		return;
	while ((w = take_waiting(f)))
		free(w);
	loop_timer_free(f->timer);
	free(f->own);
	free(f);
}

static void free_link_faults(struct sim_port *port)
{
	struct sim_link_faults *f = TAKE(port->faults);

	if (!f)
		return;
	loop_timer_free(f->flap_timer);
	loop_timer_free(f->storm_timer);
	free(f);
}

void sim_faults_free(struct sim_node *node)
{
	free_node_faults(node);
	for (unsigned n = 0; n <= node->n_ports; n++)
		free_link_faults(&node->ports[n]);
}

/* ---- links ----------------------------------------------------------------------------------- */

struct sim_rates *sim_fault_rates(struct sim_port *port)
{
	struct sim_link_faults *f = sim_fault_of_link(port);

	return f ? &f->rates : NULL;
}

static uint64_t delay_of(struct sim_port *out, struct sim_link_faults *f)
{
	struct sim_fabric *fabric = out->node->fabric;
	uint64_t now = loop_now(fabric->loop);
	uint64_t due = now + f->rates.delay + sim_fault_up_to(fabric, f->rates.jitter);

	if (sim_fault_draw(fabric, f->rates.reorder))
		return due - now + sim_fault_up_to(fabric, f->rates.reorder_by);
	if (f->last >= now && due <= f->last && f->last)
		due = f->last + 1;
	if (due > now)
		f->last = due;
	return due - now;
}

enum sim_drop sim_fault_wire(struct sim_port *out, struct sim_packet *packet, struct sim_fate *fate)
{
	struct sim_link_faults *f = out->faults;
	struct sim_fabric *fabric = out->node->fabric;

	if (sim_fault_draw(fabric, f->rates.loss))
		return SIM_DROP_LOST;
	if (!packet->doubled && sim_fault_draw(fabric, f->rates.duplicate)) {
		packet->doubled = true;
		fate->doubled = true;
	}
	fate->delay = delay_of(out, f);
	return SIM_PASSED;
}

void sim_fault_clear_port(struct sim_port *port)
{
	bool is_pulled = port->faults && port->faults->is_pulled;

	free_link_faults(port);
	if (is_pulled)
		sim_cable_plug(port);
}

/* ---- service --------------------------------------------------------------------------------- */

static void serve_first(struct sim_node *node)
{
	struct sim_node_faults *f = node->faults;
	struct loop *loop = node->fabric->loop;

	loop_timer_set(f->timer, loop_now(loop) + f->service.time +
					 sim_fault_up_to(node->fabric, f->service.jitter));
}

static void served(void *user)
{
	struct sim_node *node = user;
	struct sim_waiting *w = take_waiting(node->faults);

	if (!w)
		return;
	if (node->faults->n_waiting)
		serve_first(node);
	sim_deliver(w->at, &w->packet);
	free(w);
}

/* One is in hand, the others wait. */
static bool has_room(const struct sim_node_faults *f)
{
	return f->n_waiting < (f->service.buffer ? f->service.buffer + 1 : SIM_WAITING_MAX);
}

static void wait_for_service(struct sim_port *at, const struct sim_packet *packet)
{
	struct sim_node_faults *f = at->node->faults;
	struct sim_waiting *w = has_room(f) ? malloc(sizeof(*w)) : NULL;

	if (!w) {
		if (at->counters.vl15_dropped < UINT32_MAX)
			at->counters.vl15_dropped++;
		sim_lose(at, packet, SIM_DROP_VL15_FULL);
		return;
	}
	w->at = at;
	w->packet = *packet;
	list_add_tail(&f->waiting, &w->link);
	if (!f->n_waiting++)
		serve_first(at->node);
}

int sim_fault_service(struct sim_node *node, const struct sim_service *service)
{
	struct sim_node_faults *f = sim_fault_of_node(node);

	if (!f || (!f->timer && loop_timer_new(node->fabric->loop, served, node, &f->timer) < 0))
		return -ENOMEM;
	f->service = *service;
	f->service.buffer = MIN(service->buffer, SIM_WAITING_MAX - 1);
	return 0;
}

/* All that waits, onto @list, and the agent is idle. */
static void take_all(struct sim_node_faults *f, struct list *list)
{
	list_init(list);
	if (f->timer)
		loop_timer_stop(f->timer);
	for (struct sim_waiting *w; (w = take_waiting(f));)
		list_add_tail(list, &w->link);
}

void sim_fault_power(struct sim_node *node)
{
	struct list waiting;

	take_all(node->faults, &waiting);
	for (struct sim_waiting *w; (w = pop(&waiting));) {
		sim_lose(w->at, &w->packet, SIM_DROP_SILENT);
		free(w);
	}
}

/* ---- requests and answers -------------------------------------------------------------------- */

/* What the device answers by itself. Software at it has its own life. */
static bool is_for_device(const struct sim_packet *p)
{
	return sim_is_smp(p) || p->mad.mgmt_class == SIM_CLASS_PERF;
}

bool sim_fault_request(struct sim_port *at, struct sim_packet *packet)
{
	struct sim_node_faults *f = at->node->faults;

	if (!is_for_device(packet))
		return true;
	if (sim_fault_ignores(at, packet)) {
		sim_lose(at, packet, SIM_DROP_SILENT);
		return false;
	}
	sim_fault_shorten(f, packet);
	if (!f->service.time || !sim_is_smp(packet))
		return true;
	wait_for_service(at, packet);
	return false;
}

/* From now on nothing is answered. */
static void fall_silent(struct sim_node *node)
{
	const struct sim_rule rule = { .lie = SIM_LIE_SILENT, .chance = SIM_ALWAYS };

	/* Of many rules the last gives way. */
	if (node->faults->n_rules == SIM_RULES_MAX)
		node->faults->n_rules--;
	sim_fault_rule(node, &rule);
}

static bool is_last_moment(struct sim_node_faults *f)
{
	return f->dies && !f->dies_after--;
}

bool sim_fault_answer(struct sim_port *at, struct sim_packet *packet, uint8_t method)
{
	struct sim_node *node = at->node;
	struct sim_node_faults *f = node->faults;

	if (!is_for_device(packet))
		return true;
	if (is_last_moment(f)) {
		f->dies = false;
		if (f->dies_silent)
			fall_silent(node);
		else
			sim_power(node, false);
		sim_lose(at, packet, SIM_DROP_SILENT);
		return false;
	}
	if (sim_fault_falsify(at, packet, method))
		return true;
	sim_lose(at, packet, SIM_DROP_SILENT);
	return false;
}

int sim_fault_die(struct sim_node *node, uint32_t n, bool silent)
{
	struct sim_node_faults *f = sim_fault_of_node(node);

	if (!f)
		return -ENOMEM;
	f->dies = true;
	f->dies_silent = silent;
	f->dies_after = n;
	return 0;
}

/* ---- all is well again ----------------------------------------------------------------------- */

void sim_fault_clear_node(struct sim_node *node)
{
	struct list waiting;

	if (!node->faults)
		return;
	sim_fault_be_oneself(node);
	take_all(node->faults, &waiting);
	free_node_faults(node);
	for (struct sim_waiting *w; (w = pop(&waiting));) {
		sim_deliver(w->at, &w->packet);
		free(w);
	}
}

void sim_fault_clear(struct sim_fabric *fabric)
{
	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		struct sim_node *node = fabric->nodes[i];

		sim_fault_clear_node(node);
		for (unsigned n = 0; n <= node->n_ports; n++)
			sim_fault_clear_port(&node->ports[n]);
	}
}
