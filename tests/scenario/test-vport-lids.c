/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of virtual ports that are up with the LID of somebody else, as another subnet manager has
 * left them. To the switches that LID leads to its owner; but an adapter takes for such a vport
 * what others behind the same port send to the owner, the subnet manager among them.
 */

#include "tests/scenario/vport-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vf.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"
#include "tests/unit/loop-virtual.h"

/* All are up, of our own port too, with LIDs of their own. */
static void all_are_up(struct scenario *s)
{
	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
}

/* While nobody looks, and it has no key any more. */
static void it_has_the_lid_of(struct scenario *s, struct sim_port *port, unsigned vf,
			      const struct sim_port *owner)
{
	scenario_kill_sm(s);
	scenario_happens(s, "vport %u of %s has the LID of %s", vf, port->node->name,
			 owner->node->name);
	sim_vport(port, vf)->lid = sim_lid(owner);
	scenario_start_sm(s);
}

/* It stays up, as whoever is in no partition any more does, and harms nobody. */
static void who_is_in_no_partition_gives_back_the_lid_of_another(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint16_t lid;

	all_are_up(s);
	port = s->first.port;
	lid = sim_vport(port, 2)->lid;
	s->vports_outside = true;
	scenario_apply_partitions(s);
	rig_settles(s);
	it_has_the_lid_of(s, port, 2, scenario_host(s, 3));
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, port, 2), "vf-no-partition");
	assert_int_equal(sim_vport(port, 2)->state, SIM_ACTIVE);
	assert_int_equal(sim_vport(port, 2)->lid, lid);
	scenario_expect_all_good(s);
}

/* Without a GUID it has no LID of its own either: it is as one that nobody has brought up. */
static void who_has_no_guid_gives_back_the_lid_of_another(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	all_are_up(s);
	port = s->first.port;
	sim_vport(port, 2)->guid = 0;
	it_has_the_lid_of(s, port, 2, scenario_host(s, 3));
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, port, 2), "vf-no-guid");
	assert_int_equal(sim_vport(port, 2)->state, SIM_INIT);
	scenario_expect_all_good(s);
}

/* That of its neighbour behind the same port is no better. */
static void who_has_no_guid_gives_back_the_lid_of_its_neighbour(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	all_are_up(s);
	port = scenario_host(s, 3);
	scenario_kill_sm(s);
	sim_vport(port, 2)->guid = 0;
	sim_vport(port, 2)->lid = sim_vport(port, 1)->lid;
	scenario_start_sm(s);
	rig_settles(s);
	assert_int_equal(sim_vport(port, 2)->state, SIM_INIT);
	rig_expect_up(s, port, 1);
	scenario_expect_all_good(s);
}

/* It has the GUID of our own port, and cannot be told to be down: what its neighbours send us it
 * takes. */
static void who_cannot_give_back_our_own_lid_is_in_the_way_of_its_neighbours_only(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	s->fabric->quirks.vport_refuses_down = true;
	all_are_up(s);
	port = scenario_host(s, 3);
	sim_vport(port, 2)->guid = s->first.port->guid;
	it_has_the_lid_of(s, port, 2, s->first.port);
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, port, 2), "vf-duplicate-guid");
	assert_int_equal(sim_vport(port, 2)->state, SIM_ACTIVE);
	scenario_expect_all_good(s);
}

static uint64_t sets_of(const struct scenario *s, uint16_t attribute)
{
	struct request_counts counts;
	uint64_t sets = 0;
	uint8_t method;
	uint16_t attr;

	for (unsigned i = 0; requests_count(sm_requests(s->first.sm), i, &attr, &method, &counts);
	     i++)
		if (method == METHOD_SET && attr == attribute)
			sets += counts.sent;

	return sets;
}

/* What is in the field is left over from a time when it had a LID of its own. */
static void who_uses_the_lid_of_its_port_is_left_alone(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, false);
	rig_comes_up(s);
	port = scenario_host(s, 3);
	scenario_fault(s, "lie \"%s\" 0xffb1@64:16 %u", port->node->name,
		       sim_lid(scenario_host(s, 1)));
	scenario_kill_sm(s);
	scenario_start_sm(s);
	scenario_run(s, 600 * LOOP_SEC);
	assert_int_equal(sim_vport(port, 1)->state, SIM_ACTIVE);
	assert_string_equal(scenario_vport_reason(s, port, 1), "none");
	assert_in_range(sets_of(s, ATTR_VPORT_INFO), 0, 2 * sim_vfs_count(port));
}

/* All vports but this are in a partition. */
static void only_one_is_in_no_partition(struct scenario *s, uint64_t guid)
{
	s->vports_outside = true;
	for (uint32_t i = 0; i < s->n_vport_guids; i++)
		if (s->vport_guids[i] != guid)
			scenario_join_guid(s, s->vport_guids[i], 0x123, true);
}

/*
 * One that is up is given a GUID that is in no partition: it is taken down, and holds the LID that
 * it had with its own. Then another subnet manager may have been master, and it is looked who is
 * known by which LID.
 */
static void the_lid_of_a_vport_that_is_down_is_not_that_of_its_new_guid(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t guid, other;
	uint16_t lid;

	all_are_up(s);
	port = scenario_host(s, 3);
	guid = sim_vport(port, 1)->guid;
	other = sim_vport(port, 2)->guid;
	lid = sim_vport(port, 1)->lid;
	scenario_stop_vport(s, port, 2);
	only_one_is_in_no_partition(s, other);
	scenario_apply_partitions(s);
	rig_settles(s);
	scenario_set_vport_guid(s, port, 1, other);
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, port, 1), "vf-no-partition");
	assert_int_equal(sim_vport(port, 1)->lid, lid);
	scenario_pull(s, s->first.port);
	scenario_run(s, 2 * LOOP_SEC);
	scenario_plug(s, s->first.port);
	rig_settles(s);
	scenario_set_vport_guid(s, port, 1, guid);
	rig_settles(s);
	scenario_expect_all_good(s);
	assert_int_equal(sim_vport(port, 1)->lid, lid);
}

static bool is_between_switches(const struct sim_port *link)
{
	return link->far && link->node->info.node_type == IB_NODE_TYPE_SWITCH &&
	       link->far->node->info.node_type == IB_NODE_TYPE_SWITCH;
}

/* Routes change while its GUID is not there, and what its LID had has not changed with them. */
static void who_comes_back_finds_ways_that_are_there(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t guid, other;

	rig_build(s, graph_make_ft2(6), true, true);
	rig_comes_up(s);
	port = scenario_host(s, 4);
	guid = sim_vport(port, 2)->guid;
	other = UINT64_C(0x0600000000aa0001);
	for (uint32_t i = 0; i < s->n_links; i++) {
		struct sim_port *link = scenario_link(s, i);

		if (!is_between_switches(link))
			continue;
		scenario_set_vport_guid(s, port, 2, other);
		rig_settles_and_is_good(s);
		scenario_pull(s, link);
		rig_settles_and_is_good(s);
		scenario_set_vport_guid(s, port, 2, guid);
		rig_settles_and_is_good(s);
		rig_expect_up(s, port, 2);
		scenario_plug(s, link);
		rig_settles_and_is_good(s);
	}
}

static struct sim_port *cable(struct scenario *s, unsigned leaf, unsigned spine)
{
	struct sim_node *node = s->switches[leaf];

	for (unsigned i = 1; i <= node->n_ports; i++)
		if (node->ports[i].far && node->ports[i].far->node == s->switches[spine])
			return &node->ports[i];
	scenario_fail(s, "there is no cable from S%u to S%u", leaf, spine);
}

/* The far end of the cable that was pulled there. */
static struct sim_port *loosen(struct sim_port *port)
{
	struct sim_port *far = port->far;

	port->far = far->far = NULL;
	return far;
}

static void connect_ports(struct scenario *s, struct sim_port *a, struct sim_port *b)
{
	scenario_happens(s, "there is a cable from %s port %u to %s port %u", a->node->name,
			 a->number, b->node->name, b->number);
	assert_int_equal(sim_cable(a, b), 0);
}

static void find_highest_lid(struct scenario *s, struct sim_port **ret_port, unsigned *ret_vf)
{
	*ret_port = scenario_host(s, 0);
	*ret_vf = 1;
	for (uint32_t host = 0; host < s->n_hosts; host++) {
		struct sim_port *port = scenario_host(s, host);

		for (unsigned vf = 1; vf <= sim_vfs_count(port); vf++) {
			if (sim_vport(port, vf)->lid <= sim_vport(*ret_port, *ret_vf)->lid)
				continue;
			*ret_port = port;
			*ret_vf = vf;
		}
	}
}

enum { OTHER_LEAF = 2, FIRST_SPINE = 6 };

/* Two cables that are to have their far ends exchanged. */
struct cables {
	struct sim_port *down, *up; /* at leaves */
};

/* To the leaf of @port from a spine, up to which another leaf sends packets for @lid; and another
 * one of that leaf. */
static struct cables choose_cables(struct scenario *s, const struct sim_port *port, uint16_t lid)
{
	const struct sim_node *other = s->switches[OTHER_LEAF];
	unsigned leaf = port->far->node->index;
	unsigned spine = other->ports[other->sw->lft[lid]].far->node->index;

	assert_int_not_equal(leaf, OTHER_LEAF);
	return (struct cables){ cable(s, leaf, spine),
				cable(s, OTHER_LEAF, FIRST_SPINE + (spine == FIRST_SPINE)) };
}

static void pull_both(struct scenario *s, const struct cables *cables)
{
	scenario_pull(s, cables->down);
	scenario_pull(s, cables->up);
}

static void exchange(struct scenario *s, const struct cables *cables)
{
	struct sim_port *spine = loosen(cables->down);

	connect_ports(s, cables->down, loosen(cables->up));
	connect_ports(s, cables->up, spine);
}

static void expect_comes_back(struct scenario *s, struct sim_port *port, unsigned vf, uint64_t guid,
			      uint16_t lid)
{
	scenario_set_vport_guid(s, port, vf, guid);
	rig_settles(s);
	scenario_expect_all_good(s);
	assert_int_equal(sim_vport(port, vf)->lid, lid);
	assert_int_equal(sim_vport(port, vf)->state, SIM_ACTIVE);
}

/*
 * Nobody has the highest LID for a while, and a spine that led down to its leaf has another leaf
 * there, which led up to that spine.
 */
static void the_lid_of_who_has_gone_goes_in_no_circle_when_cables_move(void **state)
{
	struct scenario *s = *state;
	struct cables cables;
	struct sim_port *port;
	uint64_t made, guid;
	unsigned vf;
	uint16_t lid;

	rig_build(s, graph_make_ft2(6), true, true);
	rig_comes_up(s);
	find_highest_lid(s, &port, &vf);
	guid = sim_vport(port, vf)->guid;
	lid = sim_vport(port, vf)->lid;
	cables = choose_cables(s, port, lid);
	made = s->first.sm->routing.n_made;

	scenario_set_vport_guid(s, port, vf, 0);
	rig_settles(s);
	scenario_expect_all_good(s);
	pull_both(s, &cables);
	rig_settles(s);
	scenario_expect_all_good(s);
	exchange(s, &cables);
	rig_settles(s);
	scenario_expect_all_good(s);
	assert_int_equal(s->first.sm->routing.n_made, made);
	assert_int_equal(s->first.sm->routing.max_lid, lid);

	expect_comes_back(s, scenario_host(s, 4), 2, guid, lid);
}

/* That differ from @before. */
static unsigned count_changed(const struct tables *before, const struct tables *tables,
			      uint32_t n_rows)
{
	unsigned n = 0;

	assert_int_equal(before->stride, tables->stride);
	for (size_t i = 0; i < n_rows * tables->stride; i++)
		n += before->lft[i] != tables->lft[i];

	return n;
}

/* And by each of them the way to the new tables is sought. */
static void every_entry_that_changes_is_told_once(void **state)
{
	struct scenario *s = *state;
	const struct routing *routing;
	struct sim_port *port;
	struct tables before;
	unsigned vf, n_again;
	char told[64];

	rig_build(s, graph_make_ft2(6), true, true);
	rig_comes_up(s);
	find_highest_lid(s, &port, &vf);
	scenario_set_vport_guid(s, port, vf, 0);
	rig_settles(s);
	routing = &s->first.sm->routing;
	n_again = (unsigned)routing->n_again;
	before = routing->tables;
	before.lft = malloc(routing->n_rows * before.stride);
	assert_non_null(before.lft);
	memcpy(before.lft, routing->tables.lft, routing->n_rows * before.stride);

	scenario_pull(s, cable(s, port->far->node->index, 6));
	rig_settles(s);
	assert_int_equal(routing->n_again, n_again + 1);
	snprintf(told, sizeof(told), ": %u entries change",
		 count_changed(&before, &routing->tables, routing->n_rows));
	free(before.lft);
	if (!strstr(scenario_last_event(s, EVENT_ROUTES), told))
		fail_msg("not \"%s\", but \"%s\"", told, scenario_last_event(s, EVENT_ROUTES));
}

/* The same while nobody is master: who starts finds a circle in the tables, and takes it out. */
static void the_lid_of_who_has_gone_goes_in_no_circle_after_a_restart(void **state)
{
	struct scenario *s = *state;
	struct cables cables;
	struct sim_port *port;
	uint64_t guid;
	unsigned vf;
	uint16_t lid;

	rig_build(s, graph_make_ft2(6), true, true);
	rig_comes_up(s);
	find_highest_lid(s, &port, &vf);
	guid = sim_vport(port, vf)->guid;
	lid = sim_vport(port, vf)->lid;
	cables = choose_cables(s, port, lid);

	scenario_set_vport_guid(s, port, vf, 0);
	rig_settles(s);
	scenario_kill_sm(s);
	pull_both(s, &cables);
	exchange(s, &cables);
	scenario_start_sm(s);
	rig_settles(s);
	scenario_expect_all_good(s);

	expect_comes_back(s, scenario_host(s, 4), 2, guid, lid);
}

/*
 * It has the ways of its neighbour but for the exit at its leaf, until there is a spine. Meanwhile
 * somebody is new, so that columns of all who are there are copied anew.
 */
static void the_lid_of_who_has_gone_goes_in_no_circle_at_its_leaf(void **state)
{
	enum { LEAF = 5, SPINE = 7 };
	struct scenario *s = *state;
	struct sim_port *port, *near, *others;
	uint64_t made;
	uint16_t lid;

	rig_build(s, graph_make_ft2(6), true, true);
	rig_comes_up(s);
	port = scenario_host(s, 3 * LEAF);
	near = scenario_host(s, 3 * LEAF + 1);
	others = cable(s, OTHER_LEAF, SPINE);
	assert_int_equal(port->far->node->index, LEAF);
	assert_int_equal(near->far->node->index, LEAF);
	scenario_stop_vport(s, port, 2);
	rig_settles(s);
	scenario_move_vport(s, near, 2, port, 2);
	rig_settles_and_is_good(s);
	made = s->first.sm->routing.n_made;
	lid = sim_vport(port, 2)->lid;

	scenario_set_vport_guid(s, port, 2, 0);
	rig_settles(s);
	scenario_pull(s, others);
	rig_settles(s);
	assert_int_equal(port->far->node->sw->lft[lid], port->far->number);
	scenario_pull(s, port);
	scenario_set_vport_guid(s, scenario_host(s, 4), 1, UINT64_C(0x0600000000aa0001));
	rig_settles(s);
	scenario_expect_all_good(s);
	connect_ports(s, loosen(port), loosen(others));
	rig_settles(s);
	scenario_expect_all_good(s);
	assert_int_equal(s->first.sm->routing.n_made, made);
}

static void expect_ways_of_ports(struct scenario *s)
{
	const struct fabric *f = sm_fabric(s->first.sm);

	for (uint32_t host = 0; host < s->n_hosts; host++) {
		struct sim_port *port = scenario_host(s, host);

		for (uint32_t i = 0; i < f->n_nodes; i++) {
			if (node_is_switch(&f->nodes[i]) &&
			    f->nodes[i].guid != be64toh(port->far->node->info.node_guid))
				assert_int_equal(sm_route(s->first.sm, i, sim_vport(port, 2)->lid),
						 sm_route(s->first.sm, i, sim_lid(port)));
		}
	}
}

/* Ways between switches that are cut off from us change meanwhile, and may stay so. */
static void the_ways_of_those_who_are_cut_off_are_those_of_their_ports(void **state)
{
	enum { NEAR, MIDDLE, FAR, A = 6, B, C }; /* leaves, and spines */
	struct scenario *s = *state;
	struct sim_port *ours;

	rig_build(s, graph_make_ft2(6), true, true);
	rig_comes_up(s);
	scenario_pull(s, cable(s, NEAR, C));
	scenario_pull(s, cable(s, MIDDLE, C));
	scenario_pull(s, cable(s, FAR, A));
	rig_settles_and_is_good(s);
	expect_ways_of_ports(s);
	ours = cable(s, NEAR, A);
	scenario_power_off(s, s->switches[B]);
	scenario_pull(s, ours);
	rig_settles(s);
	expect_ways_of_ports(s);
	scenario_plug(s, ours);
	rig_settles_and_is_good(s);
	expect_ways_of_ports(s);
}

/* Its tables are few entries, and the way to them is found at once: no job could be started here.
 */
static void who_moves_with_its_lid_needs_no_job(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from, *to;
	uint16_t lid;

	all_are_up(s);
	from = scenario_host(s, 2);
	to = scenario_host(s, 6);
	lid = sim_vport(from, 2)->lid;
	sim_vf_stop(to, 2);
	rig_settles(s);
	loop_virtual_refuse_jobs(s->loop, true);
	assert_int_equal(sim_vf_move(from, 2, to, 2), 0);
	rig_settles(s);
	assert_int_equal(sim_vport(to, 2)->state, SIM_ACTIVE);
	assert_int_equal(sim_vport(to, 2)->lid, lid);
	loop_virtual_refuse_jobs(s->loop, false);
	scenario_expect_all_good(s);
}

/* What is taken to be held there is seen by who looks at it where nothing else is to be done. */
static void spoil_block(struct scenario *s, unsigned block)
{
	const struct fabric *f = sm_fabric(s->first.sm);

	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].sw)
			f->nodes[i].sw->lft[block * LFT_BLOCK] ^= 1;
}

static void note_exits(const struct scenario *s, uint16_t lid, uint8_t *ret)
{
	for (uint32_t i = 0; i < s->n_switches; i++)
		ret[i] = s->switches[i]->sw->lft[lid];
}

/* Of tables that change only the blocks that do; but all of the two leaves, which it is about. */
static void who_moves_costs_nobody_a_look_at_other_blocks(void **state)
{
	struct scenario *s = *state;
	uint8_t before[64], after[64];
	struct sim_port *from, *to;
	uint64_t sets, differ = 0;
	uint16_t lid;

	rig_build(s, graph_make_ft2(6), true, true);
	rig_comes_up(s);
	from = scenario_host(s, 2);
	to = scenario_host(s, 12);
	sim_vf_stop(to, 2);
	rig_settles(s);
	lid = sim_vport(from, 2)->lid;
	assert_in_range(s->n_switches, 1, COUNT(before));
	note_exits(s, lid, before);
	spoil_block(s, lid / LFT_BLOCK ? 0 : 1);
	sets = sets_of(s, ATTR_LFT);
	assert_int_equal(sim_vf_move(from, 2, to, 2), 0);
	scenario_run(s, RIG_TRAP_PAUSE);
	sets = sets_of(s, ATTR_LFT) - sets;
	note_exits(s, lid, after);
	for (uint32_t i = 0; i < s->n_switches; i++)
		differ += before[i] != after[i];
	assert_true(differ > 1);
	assert_int_equal(sets, differ + 2);
	rig_settles(s);
	scenario_expect_all_good(s);
}

/* How often there were wider tables. */
static struct {
	size_t rows, stride;
	unsigned n;
} widened;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	if (widened.rows && size % (widened.rows * LFT_BLOCK) == 0 &&
	    size / widened.rows > widened.stride) {
		widened.stride = size / widened.rows;
		widened.n++;
	}
	return __real_malloc(size);
}

/* Tables in use get room for the LIDs of all who come together at once, however many those are. */
static void a_crowd_has_tables_widened_once(void **state)
{
	enum { CROWD = SIM_VFS_VPORT, BLOCKS = 2 * CROWD / LFT_BLOCK };

	struct scenario *s = *state;
	struct sim_port *ports[2];
	size_t stride;

	scenario_build(s, graph_make_ft2(4));
	for (unsigned i = 0; i < COUNT(ports); i++) {
		ports[i] = scenario_host(s, 2 + i);
		scenario_add_vports(s, ports[i], CROWD, false, true);
	}
	scenario_start_sm(s);
	rig_settles(s);
	stride = s->first.sm->routing.tables.stride;
	widened.rows = s->first.sm->routing.n_rows;
	widened.stride = stride;
	for (unsigned vf = 1; vf <= CROWD; vf++)
		for (unsigned i = 0; i < COUNT(ports); i++)
			assert_int_equal(sim_vf_start(ports[i], vf), 0);
	rig_settles(s);
	widened.rows = 0;
	assert_true(s->first.sm->routing.tables.stride >= stride + (BLOCKS - 1) * LFT_BLOCK);
	assert_int_equal(widened.n, 1);
	scenario_expect_all_good(s);
}

/* Above LinearFDBTop, where a subnet manager of before has been. */
static void leave_entry(struct sim_switch *sw, uint16_t lid)
{
	uint32_t size = lid + 1u;

	assert_true(sw->lft_size < size);
	sw->lft = realloc(sw->lft, size);
	assert_non_null(sw->lft);
	memset(sw->lft + sw->lft_size, SIM_LFT_NONE, size - sw->lft_size);
	sw->lft_size = size;
	sw->lft[lid] = 1;
}

/* But for those that come below LinearFDBTop with it: nobody knows what is left in them. */
static void who_comes_with_a_high_lid_finds_nothing_old_below_it(void **state)
{
	struct scenario *s = *state;
	struct kept_reservation reservation = { .guid = 0x500000, .lid = 600 };
	char why[SM_WHY_SIZE];
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	port = scenario_host(s, 6);
	assert_int_equal(sm_reserve(s->first.sm, &reservation, why), 0);
	scenario_stop_vport(s, port, 2);
	scenario_set_vport_guid(s, port, 2, reservation.guid);
	rig_settles(s);
	for (uint32_t i = 0; i < s->n_switches; i++)
		leave_entry(s->switches[i]->sw, 300);
	scenario_start_vport(s, port, 2);
	scenario_run(s, RIG_TRAP_PAUSE);
	assert_int_equal(sim_vport(port, 2)->lid, reservation.lid);
	for (uint32_t i = 0; i < s->n_switches; i++)
		assert_int_equal(s->switches[i]->sw->lft[300], SIM_LFT_NONE);
	scenario_expect_all_good(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_in_no_partition_gives_back_the_lid_of_another),
		TEST(who_has_no_guid_gives_back_the_lid_of_another),
		TEST(who_has_no_guid_gives_back_the_lid_of_its_neighbour),
		TEST(who_cannot_give_back_our_own_lid_is_in_the_way_of_its_neighbours_only),
		TEST(who_uses_the_lid_of_its_port_is_left_alone),
		TEST(the_lid_of_a_vport_that_is_down_is_not_that_of_its_new_guid),
		TEST(who_comes_back_finds_ways_that_are_there),
		TEST(the_lid_of_who_has_gone_goes_in_no_circle_when_cables_move),
		TEST(the_lid_of_who_has_gone_goes_in_no_circle_after_a_restart),
		TEST(every_entry_that_changes_is_told_once),
		TEST(the_lid_of_who_has_gone_goes_in_no_circle_at_its_leaf),
		TEST(the_ways_of_those_who_are_cut_off_are_those_of_their_ports),
		TEST(who_moves_with_its_lid_needs_no_job),
		TEST(who_moves_costs_nobody_a_look_at_other_blocks),
		TEST(who_comes_with_a_high_lid_finds_nothing_old_below_it),
		TEST(a_crowd_has_tables_widened_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
