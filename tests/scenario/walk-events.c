/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What can happen in random walks, one event after the other, each as likely as its weight says;
 * and what lets the subnet manager put all of it right.
 */

#include "tests/scenario/walk.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

static bool lied; /* what is believed of a device may be anything */

/* At once mostly, so that things meet that do not belong together; or after a moment, or longer. */
void walk_pause(struct scenario *s)
{
	static const uint64_t longest[] = { 1, LOOP_MSEC, 30 * LOOP_MSEC, LOOP_SEC, 20 * LOOP_SEC };

	scenario_run(s, scenario_random(s, longest[scenario_random(s, COUNT(longest))]));
}

struct sim_port *walk_any_link(struct scenario *s)
{
	return scenario_link(s, (uint32_t)scenario_random(s, s->n_links));
}

/* Not where the subnet manager runs. */
static struct sim_node *any_host(struct scenario *s)
{
	struct sim_node *node;

	do
		node = s->hosts[scenario_random(s, s->n_hosts)];
	while (node == s->first.port->node);
	return node;
}

static struct sim_node *any_node(struct scenario *s)
{
	if (scenario_random(s, 3))
		return any_host(s);
	return s->switches[scenario_random(s, s->n_switches)];
}

static void pull_or_plug(struct scenario *s)
{
	struct sim_port *port = walk_any_link(s);

	if (port->cut)
		scenario_plug(s, port);
	else
		scenario_pull(s, port);
}

static void plug_one(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_links; i++)
		if (s->links[i]->cut) {
			scenario_plug(s, s->links[i]);
			return;
		}
}

static void flap(struct scenario *s)
{
	struct sim_port *port = walk_any_link(s);

	if (port->cut)
		return;
	scenario_pull(s, port);
	scenario_plug(s, port);
}

/* A switch comes back without multicast, or with a small table. */
static void change_table(struct scenario *s, struct sim_node *node)
{
	if (node->sw && walk_has_mute(s))
		node->sw->info.mcast_cap = node->sw->info.mcast_cap ? 0 : htobe16(32);
}

static void reboot(struct scenario *s)
{
	struct sim_node *node = any_node(s);

	if (node->off)
		return;
	change_table(s, node);
	scenario_reboot(s, node);
}

static void switch_power(struct scenario *s)
{
	struct sim_node *node = any_node(s);

	if (node->off)
		scenario_power_on(s, node);
	else
		scenario_power_off(s, node);
}

static void power_up_one(struct scenario *s)
{
	for (uint32_t i = 0; i < s->fabric->n_nodes; i++)
		if (s->fabric->nodes[i]->off) {
			scenario_power_on(s, s->fabric->nodes[i]);
			return;
		}
}

static unsigned any_vf(struct scenario *s, const struct sim_port *pf)
{
	return 1 + (unsigned)scenario_random(s, sim_vfs_count(pf));
}

static struct sim_port *any_pf(struct scenario *s)
{
	return s->pfs[scenario_random(s, s->n_pfs)];
}

static void start_or_stop_a_vf(struct scenario *s)
{
	struct sim_port *pf = s->n_pfs ? any_pf(s) : NULL;
	struct sim_node *vf = pf ? scenario_vf(pf, any_vf(s, pf))->node : NULL;

	if (!vf)
		return;
	if (!vf->off)
		scenario_power_off(s, vf);
	else if (!pf->node->off)
		scenario_power_on(s, vf);
}

/* Within an HCA too. */
static void move_a_vf(struct scenario *s)
{
	struct sim_port *from, *to;
	unsigned vf, to_vf;

	if (!s->n_pfs)
		return;
	from = any_pf(s);
	to = any_pf(s);
	vf = any_vf(s, from);
	to_vf = any_vf(s, to);
	if (scenario_is_twin(scenario_vf(from, vf)->node) ||
	    scenario_is_twin(scenario_vf(to, to_vf)->node))
		return;
	if (!scenario_vf(from, vf)->node->off && scenario_vf(to, to_vf)->node->off &&
	    !to->node->off)
		scenario_move_vf(s, from, vf, to, to_vf);
}

/* The machine starts anew, and its guests a moment later. */
static void reboot_an_hca(struct scenario *s)
{
	struct sim_port *pf = s->n_pfs ? any_pf(s) : NULL;

	if (!pf || pf->node->off || pf->node == s->first.port->node)
		return;
	scenario_reboot(s, pf->node);
	walk_pause(s);
	for (unsigned vf = 1; !pf->node->off && vf <= sim_vfs_count(pf); vf++)
		if (scenario_random(s, 3) && scenario_vf(pf, vf)->node->off)
			scenario_power_on(s, scenario_vf(pf, vf)->node);
}

/* A vport, and there may be none. */
static bool choose_vport(struct scenario *s, struct sim_port **ret_pf, unsigned *ret_vf)
{
	if (!s->n_vport_pfs)
		return false;
	*ret_pf = s->vport_pfs[scenario_random(s, s->n_vport_pfs)];
	*ret_vf = any_vf(s, *ret_pf);
	return true;
}

static void start_or_stop_a_vport(struct scenario *s)
{
	struct sim_port *pf;
	unsigned vf;

	if (!choose_vport(s, &pf, &vf))
		return;
	if (sim_vport(pf, vf)->started)
		scenario_stop_vport(s, pf, vf);
	else
		scenario_start_vport(s, pf, vf);
}

/* Within a port too. */
static void move_a_vport(struct scenario *s)
{
	struct sim_port *from, *to;
	unsigned vf, to_vf;

	if (choose_vport(s, &from, &vf) && choose_vport(s, &to, &to_vf) &&
	    sim_vport(from, vf)->started && !sim_vport(to, to_vf)->started)
		scenario_move_vport(s, from, vf, to, to_vf);
}

/* None, that of somebody else, or, as an end to that, one that nobody else has. */
static void give_a_vport_a_guid(struct scenario *s)
{
	struct sim_port *pf, *other;
	unsigned vf, of;

	if (!choose_vport(s, &pf, &vf) || !choose_vport(s, &other, &of))
		return;
	switch (scenario_random(s, 6)) {
	case 0:
		scenario_set_vport_guid(s, pf, vf, 0);
		break;
	case 1:
		scenario_set_vport_guid(s, pf, vf, sim_vport(other, of)->guid);
		break;
	case 2:
		scenario_set_vport_guid(s, pf, vf, walk_any_link(s)->far->guid);
		break;
	default:
		if (scenario_free_vport_guid(s))
			scenario_set_vport_guid(s, pf, vf, scenario_free_vport_guid(s));
		break;
	}
}

/* Its guests run again at once, or not. */
static void reboot_a_host_with_vports(struct scenario *s)
{
	struct sim_port *pf;
	unsigned vf;

	if (!choose_vport(s, &pf, &vf) || pf->node->off || pf->node == s->first.port->node)
		return;
	scenario_power_off(s, pf->node);
	if (scenario_random(s, 2))
		walk_pause(s);
	for (vf = 1; vf <= sim_vfs_count(pf); vf++)
		if (!scenario_random(s, 3) && sim_vport(pf, vf)->started)
			scenario_stop_vport(s, pf, vf);
	scenario_power_on(s, pf->node);
}

static void kill_or_start(struct scenario *s)
{
	if (s->first.sm)
		scenario_kill_sm(s);
	else
		scenario_start_sm(s);
}

static void restart(struct scenario *s)
{
	if (s->first.sm)
		scenario_stop_sm(s);
	scenario_start_sm(s);
}

/* On any host or VF but the first one's. */
static void rival_comes_or_goes(struct scenario *s)
{
	struct sim_port *port = &any_host(s)->ports[1];

	if (s->rival.sm) {
		if (scenario_random(s, 2))
			scenario_stop_rival(s);
		else
			scenario_kill_rival(s);
		return;
	}
	if (port->node->off || scenario_is_twin(port->node))
		return;
	if (!scenario_random(s, 3)) {
		memory_keeper_clear(s->rival.keeper);
		s->n_takeovers++; /* even if it was master before: it is another */
	}
	scenario_start_rival(s, port, (unsigned)scenario_random(s, 3));
}

static struct scenario_sm *any_sm(struct scenario *s)
{
	return scenario_random(s, 2) ? &s->first : &s->rival;
}

static void change_priority(struct scenario *s)
{
	struct scenario_sm *m = any_sm(s);

	m->conf.priority = (uint8_t)scenario_random(s, 3);
	scenario_happens(s, "the priority of %s is %u", m == &s->first ? "the first" : "the other",
			 (unsigned)m->conf.priority);
	scenario_reconfigure(s, m);
}

/* Its own cable, for a while. */
static void cut_off_the_master(struct scenario *s)
{
	struct scenario_sm *master = scenario_master(s);

	if (!master || !master->port->far || master->port->cut)
		return;
	scenario_pull(s, master->port);
	walk_pause(s);
	if (scenario_random(s, 3))
		scenario_plug(s, master->port);
}

static void change_members(struct scenario *s)
{
	if (!scenario_random(s, 4))
		s->closed = !s->closed;
	if (s->n_vport_pfs && !scenario_random(s, 4))
		s->vports_outside = !s->vports_outside;
	if (!scenario_random(s, 6) || s->n_members > 40)
		scenario_leave_all(s);
	for (uint64_t n = scenario_random(s, 1 + s->n_members / 2); n > 0; n--)
		scenario_leave(s, (unsigned)scenario_random(s, s->n_members));
	for (uint64_t n = s->n_shared_pfs ? scenario_random(s, 4) : 0; n > 0; n--)
		scenario_join(s, s->shared_pfs[scenario_random(s, s->n_shared_pfs)],
			      (uint16_t)(1 + scenario_random(s, 5)), scenario_random(s, 2));
	for (uint64_t n = scenario_random(s, 4); n > 0; n--)
		scenario_join(s, &any_host(s)->ports[1], (uint16_t)(1 + scenario_random(s, 5)),
			      scenario_random(s, 2));
	for (uint64_t n = s->n_vport_pfs ? scenario_random(s, 6) : 0; n > 0; n--)
		scenario_join_guid(s, s->vport_guids[scenario_random(s, s->n_vport_guids)],
				   (uint16_t)(1 + scenario_random(s, 5)), scenario_random(s, 2));
	scenario_apply_partitions(s);
}

/* Of both, which have the same vsm.conf. */
static void change_options(struct scenario *s)
{
	unsigned lanes = 1u << scenario_random(s, 4);
	bool qos = scenario_random(s, 2);

	scenario_happens(s, "routes may use %u lanes, and qos is %s", lanes, qos ? "on" : "off");
	scenario_allow_lanes(s, lanes);
	s->first.conf.qos = s->rival.conf.qos = qos;
	scenario_apply_partitions(s);
}

static void ask_for_a_sweep(struct scenario *s)
{
	bool full = scenario_random(s, 2);

	struct scenario_sm *m = any_sm(s);

	scenario_happens(s, "somebody asks for a %s sweep", full ? "full" : "light");
	if (m->sm)
		sm_sweep(m->sm, full);
}

static const char *any_port_text(struct scenario *s, char text[static 96])
{
	struct sim_port *port = walk_any_link(s);

	if (scenario_random(s, 2))
		port = port->far;
	snprintf(text, 96, "\"%s\"[%u]", port->node->name, port->number);
	return text;
}

static void a_link_gets_worse(struct scenario *s)
{
	char port[96];

	any_port_text(s, port);
	switch (scenario_random(s, 4)) {
	case 0:
		scenario_fault(s, "loss %s %u%%", port, 1 + (unsigned)scenario_random(s, 60));
		break;
	case 1:
		scenario_fault(s, "duplicate %s %u%%", port, 1 + (unsigned)scenario_random(s, 50));
		break;
	case 2:
		scenario_fault(s, "delay %s %uus jitter %uus", port,
			       (unsigned)scenario_random(s, 20000),
			       (unsigned)scenario_random(s, 200000));
		break;
	default:
		scenario_fault(s, "reorder %s %u%% by %uus", port,
			       1 + (unsigned)scenario_random(s, 50),
			       1 + (unsigned)scenario_random(s, 300000));
		break;
	}
}

/* Answers that are not what is so; then it is a full sweep that finds out. */
static void a_node_lies(struct scenario *s)
{
	static const char *const lies[] = { "garble", "status", "forget" };
	static const char *const attributes[] = { "portinfo", "switchinfo", "pkeys",  "lft",
						  "nodeinfo", "sminfo",     "0xffb0", "0xffb1",
						  "0xffb3",   "0xffb6" };
	const char *node = any_node(s)->name;

	lied = true;
	scenario_fault(s, "%s \"%s\" %s %u%%", lies[scenario_random(s, COUNT(lies))], node,
		       attributes[scenario_random(s, COUNT(attributes))],
		       1 + (unsigned)scenario_random(s, 100));
}

static void a_node_gets_worse(struct scenario *s)
{
	static const char *const what[] = { "silent", "mute", "tid", "refuse" };
	const char *node = any_node(s)->name;
	unsigned n = (unsigned)scenario_random(s, COUNT(what) + 2);

	if (n < COUNT(what))
		scenario_fault(s, "%s \"%s\" %u%%", what[n], node,
			       1 + (unsigned)scenario_random(s, 100));
	else if (n == COUNT(what))
		scenario_fault(s, "service \"%s\" %uus buffer %u", node,
			       1 + (unsigned)scenario_random(s, 5000),
			       1 + (unsigned)scenario_random(s, 8));
	else
		scenario_fault(s, "die \"%s\" after %u%s", node, (unsigned)scenario_random(s, 20),
			       scenario_random(s, 2) ? " silent" : "");
}

static void somebody_cries(struct scenario *s)
{
	static const unsigned traps[] = { 128, 129, 130, 131, 144, 145, 256, 257, 258, 259 };
	unsigned trap = traps[scenario_random(s, COUNT(traps))];
	char port[96];

	any_port_text(s, port);
	if (scenario_random(s, 2))
		scenario_fault(s, "storm %s trap %u every %uus next %u", port, trap,
			       100 + (unsigned)scenario_random(s, 100000),
			       1 + (unsigned)scenario_random(s, 100));
	else
		scenario_fault(s, "forge %s trap %u lid %u", port, trap,
			       (unsigned)scenario_random(s, 65536));
}

/*
 * Two that could be told apart by what they are, or not; not where a subnet manager is. What a
 * driver asks for under a false name is answered, and that must not be enough for it.
 */
bool walk_choose_twins(struct scenario *s, struct sim_node **ret_node, struct sim_node **ret_other)
{
	struct sim_node *node = any_host(s);
	struct sim_node *other = s->hosts[scenario_random(s, s->n_hosts)];

	*ret_node = node;
	*ret_other = other;
	return node != other &&
	       !(node->ports[1].shared && s->fabric->quirks.alias_guid_by_answer) &&
	       !scenario_is_twin(node) && !scenario_is_twin(other) &&
	       !(s->rival.sm &&
		 (s->rival.port->node == node || s->rival.port->node->part_of == node));
}

static void a_host_has_the_guids_of_another(struct scenario *s)
{
	struct sim_node *node, *other;

	if (walk_choose_twins(s, &node, &other))
		scenario_twin(s, node, other);
}

/* Also by itself, and before the fabric comes to rest. */
static void faults_are_over(struct scenario *s)
{
	scenario_clear_faults(s);
}

static const struct {
	void (*happens)(struct scenario *s);
	unsigned weight;
	bool is_restart; /* of a subnet manager */
} events[] = {
	{ a_link_gets_worse, 3, false },
	{ a_node_gets_worse, 3, false },
	{ a_node_lies, 2, false },
	{ somebody_cries, 2, false },
	{ a_host_has_the_guids_of_another, 1, false },
	{ faults_are_over, 1, false },
	{ pull_or_plug, 8, false },
	{ plug_one, 4, false },
	{ flap, 4, false },
	{ reboot, 4, false },
	{ switch_power, 3, false },
	{ power_up_one, 3, false },
	{ start_or_stop_a_vf, 6, false },
	{ move_a_vf, 6, false },
	{ reboot_an_hca, 2, false },
	{ start_or_stop_a_vport, 6, false },
	{ move_a_vport, 6, false },
	{ give_a_vport_a_guid, 6, false },
	{ reboot_a_host_with_vports, 3, false },
	{ walk_start_or_stop_shared, 6, false },
	{ walk_move_shared, 6, false },
	{ walk_ask_guid, 6, false },
	{ walk_map_key, 5, false },
	{ walk_reboot_shared, 3, false },
	{ kill_or_start, 3, true },
	{ restart, 1, true },
	{ rival_comes_or_goes, 4, true },
	{ change_priority, 1, false },
	{ cut_off_the_master, 1, false },
	{ change_members, 4, false },
	{ change_options, 2, false },
	{ ask_for_a_sweep, 1, false },
	{ walk_join_or_leave, 14, false },
	{ walk_register, 10, false },
};

/* @same: the subnet manager is the same all the time, and alone. */
void walk_event(struct scenario *s, bool same)
{
	unsigned all = 0;
	uint64_t at;

	for (unsigned i = 0; i < COUNT(events); i++)
		all += same && events[i].is_restart ? 0 : events[i].weight;
	scenario_bury_rival(s);
	at = scenario_random(s, all);
	for (unsigned i = 0; i < COUNT(events); i++) {
		if (same && events[i].is_restart)
			continue;
		if (at < events[i].weight) {
			events[i].happens(s);
			return;
		}
		at -= events[i].weight;
	}
}

/* ---- its end --------------------------------------------------------------------------------- */

/* One at least runs, on a machine that has a link; where both are, each may have its own part. */
static void let_one_run(struct scenario *s)
{
	if (!s->rival.sm || scenario_random(s, 3)) {
		scenario_mend_link(s, s->first.port);
		if (!s->first.sm)
			scenario_start_sm(s);
	}
	if (s->rival.sm && (!s->first.sm || scenario_random(s, 2)))
		scenario_mend_link(s, s->rival.port);
}

/* What could be believed is not asked for again, unless somebody wants that. */
void walk_look_again(struct scenario *s)
{
	struct scenario_sm *both[] = { &s->first, &s->rival };

	for (unsigned i = 0; lied && i < COUNT(both); i++)
		if (both[i]->sm)
			sm_sweep(both[i]->sm, true);
	lied = false;
}

/* The subnet manager can do its work, and devices are honest. */
void walk_let_it_work(struct scenario *s)
{
	scenario_clear_faults(s);
	let_one_run(s);
	walk_look_again(s);
}
