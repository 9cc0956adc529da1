/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What must hold whenever the fabric is at rest, whatever has befallen it. Everything but the
 * ledger is read from the devices, not from the subnet manager: what counts is what they hold and
 * what a packet meets.
 *
 * - Every port that has a link and can be reached is Active, at both ends.
 * - Every end port has a LID, and the one that it always had; no two share one.
 * - Packets get from everybody to everybody who is to be talked to, and to nobody else; none goes
 *   in a circle, and no links can wait for each other in one.
 * - What the subnet manager believes a device to hold, it holds.
 * - A further sweep, with nothing changed, writes nothing.
 *
 * All this of every master for what it reaches; who is no master writes nothing at all.
 */

#include "tests/scenario/look.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "tests/sim/check.h"
#include "tests/sim/forward.h"
#include "tests/sim/probe.h"
#include "tests/sim/vf.h"

/* A driver of a shared port that was declined asks again within a minute, a device tells of its
 * vports within seconds. */
#define PATIENCE (90 * LOOP_SEC)

void look_say(struct look *look, const char *format, ...)
{
	va_list arguments;

	if (look->bad)
		return;
	look->bad = true;
	va_start(arguments, format);
	vsnprintf(look->why, 512, format, arguments);
	va_end(arguments);
}

/* ---- who is there ---------------------------------------------------------------------------- */

bool look_counts(const struct look *look, const struct sim_port *port)
{
	return port->far && !port->cut && sim_link_is_up(port) && port != look->but &&
	       port->far != look->but;
}

static void add_end(struct look *look, struct sim_port *port)
{
	look->ends[look->n_ends++] = port;
	look->endpoints[look->n_endpoints++] = (struct sim_endpoint){ port, 0 };
}

/* Switches lead on; the far ends of all their links are there. */
static void visit_switch(struct look *look, struct sim_node *node, struct sim_node **queue,
			 uint32_t *n)
{
	add_end(look, &node->ports[0]);
	for (unsigned p = 1; p <= node->n_ports; p++) {
		struct sim_port *far = node->ports[p].far;

		if (!look_counts(look, &node->ports[p]))
			continue;
		if (!far->node->sw) {
			add_end(look, far);
		} else if (!look->live[far->node->index]) {
			look->live[far->node->index] = true;
			queue[(*n)++] = far->node;
		}
	}
}

static uint32_t count_vfs(const struct sim_node *node)
{
	uint32_t n = 0;

	for (unsigned p = 1; p <= node->n_ports; p++)
		n += sim_has_vfs(&node->ports[p]) ? sim_vfs_count(&node->ports[p]) : 0;
	return n;
}

static void make_room(struct look *look)
{
	struct sim_fabric *fabric = look->s->fabric;
	uint32_t n_ports = 0, n_vfs = 0;

	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		n_ports += fabric->nodes[i]->n_ports + 1u;
		n_vfs += count_vfs(fabric->nodes[i]);
	}
	look->live = calloc(fabric->n_nodes, sizeof(look->live[0]));
	look->ends = calloc(n_ports, sizeof(look->ends[0]));
	look->endpoints = calloc(n_ports + n_vfs, sizeof(look->endpoints[0]));
	if (!look->live || !look->ends || !look->endpoints)
		abort();
	look->n_ends = look->n_endpoints = 0;
}

void look_end(struct look *look)
{
	free(look->live);
	free(look->ends);
	free(look->endpoints);
}

void look_begin(struct look *look, struct sim_port *self)
{
	struct sim_fabric *fabric = look->s->fabric;
	struct sim_node **queue = calloc(fabric->n_nodes, sizeof(struct sim_node *));
	uint32_t n = 0;
	struct sim_node *first = self->node->sw ? self->node : NULL;

	if (!queue)
		abort();
	make_room(look);
	if (!first && look_counts(look, self))
		first = self->far->node;
	if (first && first->sw) {
		look->live[first->index] = true;
		queue[n++] = first;
	}
	for (uint32_t i = 0; i < n; i++)
		visit_switch(look, queue[i], queue, &n);
	free(queue);
}

bool scenario_is_connected(struct scenario *s, struct sim_port *a, const struct sim_port *b)
{
	struct look look = { .s = s };
	bool found = false;

	look_begin(&look, a);
	for (uint32_t i = 0; i < look.n_ends; i++)
		found = found || look.ends[i] == b;
	look_end(&look);
	return found;
}

/* ---- ports ----------------------------------------------------------------------------------- */

static void check_state(struct look *look, const struct sim_port *port)
{
	if (sim_state(port) != SIM_ACTIVE)
		look_say(look, "%s port %u has a link and is in state %u, the reason is %s",
			 port->node->name, port->number, sim_state(port),
			 scenario_reason(look->s, port));
}

static void check_states(struct look *look)
{
	for (uint32_t i = 0; i < look->n_ends; i++) {
		const struct sim_port *end = look->ends[i];

		check_state(look, end);
		for (unsigned p = 1; end->node->sw && p <= end->node->n_ports; p++)
			if (look_counts(look, &end->node->ports[p]))
				check_state(look, &end->node->ports[p]);
	}
}

/* Of a vport without one of its own it is another's. */
static bool has_own_lid(const struct sim_endpoint *e)
{
	struct sim_vf_info info;

	return !e->vf || (sim_vf_look(e->port, e->vf, &info) == 0 && info.own_lid);
}

static unsigned n_lids(const struct sim_endpoint *e)
{
	return e->vf ? 1 : 1u << sim_lmc(e->port);
}

static void check_lids(struct look *look)
{
	const struct sim_endpoint **owner = calloc(SIM_LID_MULTICAST, sizeof(*owner));
	char name[SIM_ENDPOINT_NAME], other[SIM_ENDPOINT_NAME];

	if (!owner)
		abort();
	for (uint32_t i = 0; i < look->n_endpoints; i++) {
		const struct sim_endpoint *e = &look->endpoints[i];
		unsigned lid = sim_endpoint_lid(e);

		if (!lid || lid + n_lids(e) > SIM_LID_MULTICAST) {
			look_say(look, "%s has LID %u", sim_endpoint_name(e, name), lid);
			continue;
		}
		for (unsigned n = 0; has_own_lid(e) && n < n_lids(e); n++) {
			if (owner[lid + n])
				look_say(look, "%s and %s both have LID %u",
					 sim_endpoint_name(e, name),
					 sim_endpoint_name(owner[lid + n], other), lid + n);
			owner[lid + n] = e;
		}
	}
	free(owner);
}

static uint32_t range_of(const struct sim_endpoint *e)
{
	return (uint32_t)sim_endpoint_lid(e) | n_lids(e) << 16;
}

/*
 * GUIDs keep their LIDs, whoever restarts, and wherever they go. Not from a vport, which has one,
 * to a port that has several: those may be others' by then. Where each of two is master of a part,
 * a GUID may be in both, of a port here and of a vport there, and has a LID in each.
 */
static void check_lids_kept(struct look *look)
{
	char name[SIM_ENDPOINT_NAME];

	if (scenario_masters(look->s) == 3)
		return;
	for (uint32_t i = 0; i < look->n_endpoints; i++) {
		const struct sim_endpoint *e = &look->endpoints[i];
		uint32_t before = guid_map_get(&look->s->lids, sim_endpoint_guid(e, 0));

		if (has_own_lid(e) && before != GUID_MAP_NONE && before != range_of(e) &&
		    before >> 16 == n_lids(e))
			look_say(look, "%s had LID %" PRIu32 " and has %u now",
				 sim_endpoint_name(e, name), before & 0xffff, sim_endpoint_lid(e));
	}
	for (uint32_t i = 0; !look->bad && i < look->n_endpoints; i++) {
		const struct sim_endpoint *e = &look->endpoints[i];

		if (has_own_lid(e) &&
		    guid_map_put(&look->s->lids, sim_endpoint_guid(e, 0), range_of(e)) < 0)
			abort();
	}
}

/* ---- packets --------------------------------------------------------------------------------- */

static bool is_same(const struct sim_endpoint *a, const struct sim_endpoint *b)
{
	return a->port == b->port && a->vf == b->vf;
}

static void say_path(struct look *look, const struct sim_probe *probe,
		     const struct sim_endpoint *to, const struct sim_probe_result *result)
{
	char name[SIM_ENDPOINT_NAME], other[SIM_ENDPOINT_NAME];

	if (result->why == SIM_PASSED)
		look_say(look, "%s reaches LID %u, where %s is, with P_Key %#x and %s",
			 sim_endpoint_name(&probe->from, name), probe->dlid,
			 sim_endpoint_name(&result->reached, other), probe->pkey,
			 is_same(&result->reached, to) ? "must not" : "meant another");
	else
		look_say(look, "%s does not reach LID %u of %s with P_Key %#x: at %s port %u %s",
			 sim_endpoint_name(&probe->from, name), probe->dlid,
			 sim_endpoint_name(to, other), probe->pkey, result->at->node->name,
			 result->at->number, sim_drop_text(result->why));
}

static void check_path(struct look *look, const struct sim_endpoint *from,
		       const struct sim_endpoint *to, uint16_t pkey, bool is_to_pass)
{
	struct sim_probe probe = {
		.from = *from, .dlid = sim_endpoint_lid(to), .pkey = pkey, .length = 64
	};

	probe.has_grh = sim_endpoint_needs_grh(to, probe.dgid);
	do {
		struct sim_probe_result result;
		bool passed;

		sim_probe(&probe, &result);
		passed = result.why == SIM_PASSED && is_same(&result.reached, to);
		if (passed != is_to_pass)
			say_path(look, &probe, to, &result);
	} while (sim_endpoint_has_lid(to, ++probe.dlid));
}

/* With any key of the sender that fits, and with any at all. */
static void check_pair(struct look *look, const struct sim_endpoint *from,
		       const struct sim_endpoint *to)
{
	bool may = scenario_endpoints_may_talk(look->s, from, to);
	char name[SIM_ENDPOINT_NAME], other[SIM_ENDPOINT_NAME];
	unsigned n_fit = 0;

	for (unsigned i = 0; i < sim_pkey_cap(from->port); i++) {
		uint16_t pkey = sim_vf_pkey(from->port, from->vf, i);
		bool fits = pkey & 0x7fff && sim_endpoint_takes_pkey(to, pkey);

		if (!(pkey & 0x7fff))
			continue;
		n_fit += fits;
		if (may && fits)
			check_path(look, from, to, pkey, true);
		if (!may)
			check_path(look, from, to, pkey, false);
	}
	if (may && !n_fit)
		look_say(look, "%s and %s have no P_Key in common", sim_endpoint_name(from, name),
			 sim_endpoint_name(to, other));
}

/*
 * A vport that should not be up, and cannot be told so, takes what goes there from its port: also
 * what is for the subnet manager, if it is its GUID that the vport came up with.
 */
static bool is_intercepted(const struct look *look, const struct sim_endpoint *from,
			   const struct sim_endpoint *to)
{
	return look->s->fabric->quirks.vport_refuses_down && from->port != to->port &&
	       sim_vf_has_lid(from->port, sim_endpoint_lid(to));
}

static void check_packets(struct look *look)
{
	for (uint32_t i = 0; i < look->n_endpoints; i++) {
		const struct sim_endpoint *from = &look->endpoints[i];

		for (uint32_t j = 0; j < look->n_endpoints && !look->bad; j++) {
			const struct sim_endpoint *to = &look->endpoints[j];

			if (i != j && !from->port->node->sw && !to->port->node->sw &&
			    !is_intercepted(look, from, to))
				check_pair(look, from, to);
		}
	}
}

/* The key of the default partition, as it stands in the table. */
static uint16_t default_pkey(const struct sim_port *port)
{
	for (unsigned i = 0; i < sim_pkey_cap(port); i++)
		if ((sim_vf_pkey(port, 0, i) & 0x7fff) == 0x7fff)
			return sim_vf_pkey(port, 0, i);
	return 0x7fff;
}

/* The subnet manager, a full member of the default partition, and everybody: both ways. */
static void check_management(struct look *look, struct sim_port *self)
{
	const struct sim_endpoint own = { self, 0 };

	for (uint32_t i = 0; i < look->n_ends; i++) {
		const struct sim_endpoint e = { look->ends[i], 0 };

		if (e.port == self)
			continue;
		if (!is_intercepted(look, &own, &e))
			check_path(look, &own, &e, default_pkey(self), true);
		if (!is_intercepted(look, &e, &own))
			check_path(look, &e, &own, default_pkey(e.port), true);
	}
}

/* It takes this port of a host for the one that is there: not for another with its GUID. */
static bool knows_at_its_place(const struct fabric *f, const struct sim_port *port, uint32_t number)
{
	uint32_t home = f->ports[number].home;

	return home != NO_PORT && port->far && f->ports[home].number == port->far->number &&
	       node_of(f, home)->guid == be64toh(port->far->node->info.node_guid);
}

/*
 * The service level that the subnet manager tells @source for packets to @lid, if it knows both: to
 * others it has told nothing.
 */
static int level_of(const void *user, const struct sim_port *source, unsigned lid)
{
	const struct sm *sm = user;
	uint32_t from, to;

	if (!sm)
		return -1;
	from = fabric_find_port(sm_fabric(sm), source->guid);
	to = endpoint_of_lid(sm_fabric(sm), lid).port;
	if (from == NO_PORT || to == NO_PORT || !knows_at_its_place(sm_fabric(sm), source, from))
		return -1;
	return sm_service_level(sm, from, to);
}

/*
 * Levels that the members of its groups are told to send on. A group without members has no sender:
 * what another subnet manager left in the tables for it is read, and mended, once somebody joins.
 */
static uint16_t levels_of_group(const void *user, unsigned mlid)
{
	const struct group_book *book = user ? sm_groups(user) : NULL;
	uint16_t levels = 0;

	if (!book || !book->by_mlid)
		return 0;
	for (const struct group *g = book->by_mlid[mlid - MLID_FIRST]; g; g = g->next)
		if (g->n > 0)
			levels |= (uint16_t)(1u << g->sl);
	return levels;
}

static struct sim_credits credits_of(struct scenario *s)
{
	const struct scenario_sm *master = scenario_master(s);

	if (s->first.conf.lanes == 1)
		return (struct sim_credits){ .sls = 1, .user = master ? master->sm : NULL };
	return (struct sim_credits){ .sl = level_of, .user = master ? master->sm : NULL };
}

/*
 * No circle of routes, and none of links that wait for each other. Who is left out sends, too,
 * where its link is Active still.
 */
static void check_circles(struct look *look)
{
	struct sim_credits credits = credits_of(look->s);
	struct sim_findings findings = { .n = 0 };

	credits.active = look->but;
	credits.group_sls = levels_of_group;
	if (sim_check_routes(look->s->fabric, NULL, &findings) < 0)
		abort();
	if (sim_check_credits(look->s->fabric, &credits, &findings) < 0)
		abort();
	if (findings.n)
		look_say(look, "%s (and %u more)", findings.text[0], findings.n - 1);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* A linked port that is said to be wrong, though it is not. */
static void check_reasons(struct look *look, const struct fabric *f)
{
	for (uint32_t i = 0; i < f->n_ports && !look->bad; i++) {
		const struct port *port = &f->ports[i];
		const struct node *node = node_of(f, i);

		if (node->present && port->known && port->number && port_state(port) != PORT_DOWN &&
		    port_state(port) != PORT_ACTIVE)
			look_say(look, "%s port %u is said to be in state %u: %s",
				 node->description, port->number, port_state(port),
				 reason_key((enum reason)port->reason));
	}
}

static void check_manager(struct look *look, const struct scenario_sm *master)
{
	struct sm_status status = scenario_status(master);

	if (status.applied != status.generation)
		look_say(look, "generation %" PRIu64 " is wanted and %" PRIu64 " applied",
			 status.generation, status.applied);
	if (!look->but)
		check_reasons(look, sm_fabric(master->sm));
	if (!look->but && status.ports_not_active)
		look_say(look, "%" PRIu32 " ports are said not to be Active",
			 status.ports_not_active);
	look_at_ledger(look, sm_fabric(master->sm));
	look_at_vport_ledger(look, sm_fabric(master->sm));
	look_at_tables(look, master->sm);
	look_at_multicast(look, master->sm);
	look_at_lanes(look, master->sm);
	look_at_shared_ledger(look, sm_fabric(master->sm));
}

static void look_at(struct look *look, struct scenario_sm *master)
{
	look->s->looked_at = master;
	look_begin(look, master->port);
	look_at_vports(look);
	look_at_shared(look);
	check_states(look);
	check_lids(look);
	check_packets(look);
	check_management(look, master->port);
	check_manager(look, master);
	check_lids_kept(look);
	look_end(look);
	look->s->looked_at = NULL;
}

bool scenario_is_good(struct scenario *s, const struct sim_port *but, char why[static 512])
{
	struct scenario_sm *both[] = { &s->first, &s->rival };
	struct look look = { .s = s, .but = but, .why = why };

	if (!scenario_master(s)) {
		snprintf(why, 512, "nobody is master");
		return false;
	}
	for (unsigned i = 0; i < COUNT(both); i++)
		if (scenario_status(both[i]).state == SM_MASTER)
			look_at(&look, both[i]);
	check_circles(&look);
	return !look.bad;
}

/* Does it hold no routes, and send nothing? */
static bool is_idle(const struct sim_node *node)
{
	if (node->off || (node->sw && !node->sw->lft_size))
		return true;
	for (unsigned p = 1; p <= node->n_ports; p++)
		if (sim_state(&node->ports[p]) == SIM_ACTIVE)
			return false;
	return true;
}

/* Is whatever is on the fabric in the plan of @m? */
static bool knows_all(const struct scenario *s, const struct scenario_sm *m)
{
	const struct fabric *f = sm_fabric(m->sm);

	for (uint32_t i = 0; i < s->fabric->n_nodes; i++) {
		const struct sim_node *node = s->fabric->nodes[i];
		uint32_t n = fabric_find_node(f, be64toh(node->info.node_guid));
		const struct node *known = n == NO_NODE ? NULL : &f->nodes[n];

		/* Of two of one GUID the other may be the one that is left out. */
		if (scenario_is_twin(node))
			return false;
		if (is_idle(node))
			continue;
		if (!known || !known->present || known->reason != REASON_NONE)
			return false;
		if (known->sw &&
		    (known->sw->index == NO_SWITCH || known->sw->lft_fault.reason != REASON_NONE))
			return false;
	}
	return true;
}

/* Their parts of the fabric have been joined, and neither has seen the other yet. */
static bool are_two_masters(const struct scenario *s)
{
	return s->first.sm && s->rival.sm && scenario_status(&s->first).state == SM_MASTER &&
	       scenario_status(&s->rival).state == SM_MASTER;
}

bool scenario_is_sure(struct scenario *s)
{
	const struct scenario_sm *master = scenario_master(s);

	return master && !are_two_masters(s) && knows_all(s, master);
}

void scenario_watch_write(struct scenario *s, bool before)
{
	struct sim_credits credits = credits_of(s);
	struct sim_findings findings = { .n = 0 };

	if (sim_check_moment(s->fabric, &credits, &findings) < 0)
		abort();
	if (before) {
		s->was_safe = findings.n == 0;
		return;
	}
	s->n_watched++;
	if (findings.n == 0 || !s->was_safe || s->spoilt[0])
		return;
	if (s->lied || !scenario_is_sure(s)) {
		s->n_excused++;
		return;
	}
	snprintf(s->spoilt, sizeof(s->spoilt),
		 "a write into a forwarding table makes that %s (and %u more)", findings.text[0],
		 findings.n - 1);
	scenario_happens(s, "%s", s->spoilt);
}

void scenario_before_change(struct scenario *s)
{
	sim_snapshot_free(TAKE(s->before));
	if (sim_snapshot_take(s->fabric, &s->before) < 0)
		abort();
}

void scenario_expect_no_waiting(struct scenario *s)
{
	struct sim_credits credits = credits_of(s);
	struct sim_findings findings = { .n = 0 };

	credits.before = s->before;
	if (sim_check_credits(s->fabric, &credits, &findings) < 0)
		abort();
	if (findings.n)
		scenario_fail(s, "on the way from the tables before: %s (and %u more)",
			      findings.text[0], findings.n - 1);
}

static uint64_t count_writes(struct scenario *s, uint64_t *ret_kept)
{
	struct scenario_sm *both[] = { &s->first, &s->rival };
	uint64_t sets = 0;

	*ret_kept = 0;
	for (unsigned i = 0; i < COUNT(both); i++) {
		*ret_kept += memory_keeper_writes(both[i]->keeper);
		if (both[i]->sm)
			sets += transport_sim_counts(both[i]->transport)->sets;
	}
	return sets;
}

/* Between sweeps nothing changed: what is written then is written in vain. */
static bool is_silent_once(struct scenario *s, char why[static 512])
{
	bool is_refused = scenario_vports_refuse(s);
	uint64_t kept, kept_before;
	uint64_t before = count_writes(s, &kept_before);
	uint64_t changed = s->changed;
	uint64_t sets;

	for (unsigned full = 0; full < 2; full++) {
		if (s->first.sm)
			sm_sweep(s->first.sm, full);
		if (s->rival.sm)
			sm_sweep(s->rival.sm, full);
		s->changed = loop_now(s->loop);
		scenario_settle(s);
	}
	s->changed = changed;
	sets = count_writes(s, &kept) - before;
	kept -= kept_before;
	snprintf(why, 512,
		 "sweeps of an unchanged fabric set %" PRIu64 " and kept %" PRIu64 " things", sets,
		 kept);
	return (sets == 0 || is_refused) && kept == 0;
}

static uint32_t count_memberships(const struct scenario *s)
{
	return (s->first.sm ? sm_groups(s->first.sm)->n_members : 0) +
	       (s->rival.sm ? sm_groups(s->rival.sm)->n_members : 0);
}

/* But that who has been away for long leaves its groups just then. */
static bool is_silent(struct scenario *s, char why[static 512])
{
	uint32_t n = count_memberships(s);
	bool silent = is_silent_once(s, why);

	while (!silent && count_memberships(s) < n) {
		n = count_memberships(s);
		silent = is_silent_once(s, why);
	}
	return silent;
}

void scenario_expect_all_good(struct scenario *s)
{
	char why[512];

	if (!scenario_is_good(s, NULL, why) || !is_silent(s, why))
		scenario_fail(s, "%s", why);
	s->lied = s->lies;
}

void scenario_is_good_again(struct scenario *s)
{
	scenario_settle(s);
	scenario_expect_all_good(s);
}

void scenario_comes_up(struct scenario *s, struct made_graph *graph)
{
	scenario_build(s, graph);
	scenario_start_sm(s);
	scenario_is_good_again(s);
}

void scenario_expect_good_but(struct scenario *s, const struct sim_port *port)
{
	uint64_t limit = loop_now(s->loop) + PATIENCE;
	char why[512];

	while (!scenario_is_good(s, port, why)) {
		if (loop_now(s->loop) >= limit)
			scenario_fail(s, "%s", why);
		scenario_run(s, LOOP_SEC);
		scenario_settle(s);
	}
}

/*
 * Who looks at everything once more may find one of higher rank that nothing had told of (its trap
 * came when there was no way yet), and hand over to it.
 */
void scenario_expect_good_within(struct scenario *s, unsigned seconds)
{
	uint64_t limit = loop_now(s->loop) + seconds * LOOP_SEC;
	unsigned takeovers;
	char why[512];

	scenario_settle(s);
	takeovers = s->n_takeovers;
	while (!scenario_is_good(s, NULL, why) || !is_silent(s, why)) {
		if (loop_now(s->loop) > limit)
			scenario_fail(s, "still not good after %u seconds: %s", seconds, why);
		s->changed = loop_now(s->loop);
		scenario_settle(s);
		if (s->n_takeovers != takeovers)
			scenario_forget_lids(s);
		takeovers = s->n_takeovers;
	}
	s->lied = s->lies;
}
