/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What each event costs, in MADs: stories of a few lines, and beside each line all that the subnet
 * manager sends until nothing more follows, by attribute, Gets and Sets apart. Numbers are exact.
 * One that rises is chatter, and one that falls may be something forgotten: who changes one says
 * why. All lines of a story are told, and each that differs is printed as it would have to be in
 * the table.
 *
 * The lines of a story follow each other on one fabric: 8 leaves of 4 hosts and 4 spines, all of 8
 * ports, 64 cables, and 44 LIDs, so that a forwarding table is one block. No timer asks for sweeps,
 * but in the hour in which nothing happens. What numbers are made of:
 *
 *   a start     NodeInfo once for each link, and of ourselves; PortInfo of each port; a block of
 *               P_Keys of each end port and of the switch ports that face one. Set: SwitchInfo for
 *               the top of the table and PortStateChange; PortInfo of all end ports and links,
 *               Armed and then Active (port 0 of a switch once). After a restart both blocks of
 *               P_Keys, all of GUIDInfo and all routes are read, and nothing is set.
 *   a sweep     SwitchInfo of each switch, NodeInfo and PortInfo of ourselves; the first after a
 *               cold start also asks who is at each end (discover_doubt_ends())
 *   a look      PortInfo of ourselves; of each switch that told, SwitchInfo, the Set that clears
 *               PortStateChange, and 9 ports; what is behind a link that came, NodeInfo and
 *               PortInfo, and once it is up 2 Sets at both ends
 *   takeovers   the LID of the master changes at all end ports; with something to set, P_Keys and
 *               routes are read once more after two seconds (sm/twin.c)
 *
 * A reboot is also told of the largest fabric, 1,620 switches and 11,664 hosts, of which nothing
 * but the leaf is looked at.
 *
 * Where a spine goes, traps that would have been routed over it come late, and make a second look.
 */

#include "tests/scenario/joiner.h"
#include "tests/scenario/scenario.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/link.h"
#include "tests/sim/trap.h"

/* Until nothing more follows; also the reading of what has been written twice, sm/twin.c. */
#define LONG_ENOUGH (30 * LOOP_SEC)

/* ---- counting -------------------------------------------------------------------------------- */

/* In the order of the tables. */
enum column {
	NODE_INFO,
	SWITCH_INFO,
	SET_SWITCH_INFO,
	PORT_INFO,
	SET_PORT_INFO,
	KEYS,
	SET_KEYS,
	ROUTES,
	SET_ROUTES,
	NAMES,
	REPRESS, /* traps that were answered */
	SM_INFO, /* asked, or answered */
	ADMIN,   /* of the SA: answers, that is */
	GUIDS,
	SET_GUIDS,
	VPORTS, /* any of their attributes */
	SET_VPORTS,
	STATES, /* tables of port states */
	OTHERS, /* of multicast tables, or that should not be */
	COLUMNS
};

struct costs {
	unsigned n[COLUMNS];
};

static enum column column_of_smp(const struct datagram *d)
{
	uint64_t attr = wire_get(d, MAD_ATTR);
	bool set = wire_get(d, MAD_METHOD) == METHOD_SET;

	switch (attr) {
	case ATTR_NOTICE:
		return REPRESS;
	case ATTR_NODE_DESCRIPTION:
		return NAMES;
	case ATTR_NODE_INFO:
		return NODE_INFO;
	case ATTR_SWITCH_INFO:
		return set ? SET_SWITCH_INFO : SWITCH_INFO;
	case ATTR_PORT_INFO:
		return set ? SET_PORT_INFO : PORT_INFO;
	case ATTR_PKEY_TABLE:
		return set ? SET_KEYS : KEYS;
	case ATTR_LFT:
		return set ? SET_ROUTES : ROUTES;
	case ATTR_GUID_INFO:
		return set ? SET_GUIDS : GUIDS;
	case ATTR_SM_INFO:
		return SM_INFO;
	case ATTR_SWITCH_PORT_STATES:
		return STATES;
	default:
		break;
	}
	if (attr >= ATTR_VIRTUALIZATION_INFO && attr <= ATTR_VPORT_PKEY_TABLE)
		return set ? SET_VPORTS : VPORTS;
	return OTHERS;
}

static void count(void *user, const struct datagram *d)
{
	struct costs *costs = user;
	bool is_admin = wire_get(d, MAD_CLASS) == CLASS_SA;

	costs->n[is_admin ? ADMIN : column_of_smp(d)]++;
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void starts(struct scenario *s)
{
	scenario_start_sm(s);
}

static void restarts(struct scenario *s)
{
	scenario_stop_sm(s);
	scenario_start_sm(s);
}

static void is_killed_and_starts(struct scenario *s)
{
	scenario_kill_sm(s);
	scenario_start_sm(s);
}

static void sweeps(struct scenario *s)
{
	sm_sweep(s->first.sm, false);
}

static void sweeps_fully(struct scenario *s)
{
	sm_sweep(s->first.sm, true);
}

static void reloads(struct scenario *s)
{
	scenario_reconfigure(s, &s->first);
}

static void begins_to_sweep(struct scenario *s)
{
	s->first.conf.sweep_interval = 10;
	scenario_reconfigure(s, &s->first);
	scenario_run(s, LOOP_SEC);
}

static void has_a_quiet_hour(struct scenario *s)
{
	scenario_run(s, 3600 * LOOP_SEC - LONG_ENOUGH);
}

/* From a leaf to a spine; 8 ports each. */
static struct sim_port *uplink(struct scenario *s)
{
	return scenario_link(s, 9);
}

static void inner_cable_is_pulled(struct scenario *s)
{
	scenario_pull(s, uplink(s));
}

static void inner_cable_is_back(struct scenario *s)
{
	scenario_plug(s, uplink(s));
}

static void inner_cable_flaps(struct scenario *s)
{
	scenario_pull(s, uplink(s));
	scenario_plug(s, uplink(s));
}

static void host_cable_is_pulled(struct scenario *s)
{
	scenario_pull(s, scenario_host(s, 9));
}

static void host_cable_is_back(struct scenario *s)
{
	scenario_plug(s, scenario_host(s, 9));
}

static void host_reboots(struct scenario *s)
{
	scenario_reboot(s, s->hosts[9]);
}

static void host_port_is_disabled(struct scenario *s)
{
	sim_link_command(scenario_host(s, 9), SIM_DISABLED);
}

static void host_port_is_enabled(struct scenario *s)
{
	sim_link_command(scenario_host(s, 9), SIM_POLLING);
}

static struct sim_node *leaf(struct scenario *s)
{
	return scenario_host(s, 9)->far->node;
}

static struct sim_node *spine(struct scenario *s)
{
	return s->switches[s->n_switches - 1];
}

static void spine_goes_off(struct scenario *s)
{
	scenario_power_off(s, spine(s));
}

static void spine_comes_on(struct scenario *s)
{
	scenario_power_on(s, spine(s));
}

static void leaf_goes_off(struct scenario *s)
{
	scenario_power_off(s, leaf(s));
}

static void leaf_comes_on(struct scenario *s)
{
	scenario_power_on(s, leaf(s));
}

static void name_changes(struct scenario *s)
{
	memcpy(&s->hosts[9]->desc, "another", sizeof("another"));
	sim_trap_local(scenario_host(s, 9), 1);
}

static void capability_changes(struct scenario *s)
{
	scenario_host(s, 9)->info.capability_mask |= htobe32(1u << 16); /* SNMP tunnelling */
	sim_trap_capability(scenario_host(s, 9));
}

/* Errors of a link, as a switch tells of them and as a host does. */
static void switch_tells_of_errors(struct scenario *s)
{
	sim_trap_threshold(uplink(s), 129);
}

static void host_tells_of_errors(struct scenario *s)
{
	for (unsigned trap = 129; trap <= 131; trap++) {
		sim_trap_threshold(scenario_host(s, 9), trap);
		scenario_run(s, 10 * LOOP_SEC);
	}
}

static void system_guid_changes(struct scenario *s)
{
	s->hosts[9]->info.sys_guid = htobe64(0x5eed);
	sim_trap_system_guid(s->hosts[9]);
}

static void host_tells_of_wrong_keys(struct scenario *s)
{
	for (unsigned trap = 256; trap <= 258; trap++) {
		scenario_fault(s, "storm \"H9\"[1] trap %u every 1ms next 1", trap);
		scenario_run(s, 10 * LOOP_SEC);
	}
}

static void member_joins(struct scenario *s)
{
	scenario_add(s, scenario_host(s, 9), 0x123, true);
}

static void member_leaves(struct scenario *s)
{
	scenario_remove(s, scenario_host(s, 9), 0x123);
}

static void all_become_limited(struct scenario *s)
{
	s->closed = true;
	scenario_apply_partitions(s);
}

static void switch_babbles(struct scenario *s)
{
	scenario_fault(s, "storm \"%s\"[0] trap 128 every 1ms next 1000", spine(s)->name);
}

static void host_babbles(struct scenario *s)
{
	scenario_fault(s, "storm \"H9\"[1] trap 144 every 1ms next 1000");
}

/* By a host, of LIDs that are nobody's, */
static void is_told_1000_lies(struct scenario *s)
{
	for (unsigned i = 0; i < 1000; i++) {
		scenario_fault(s, "forge \"H9\"[1] trap 128 lid %u", 1000 + i);
		scenario_run(s, LOOP_MSEC);
	}
}

/* and of all that are somebody's. */
static void is_lied_to_of_others(struct scenario *s)
{
	for (unsigned i = 0; i < 1000; i++) {
		scenario_fault(s, "forge \"H9\"[1] trap 128 lid %u", 1 + i % 44);
		scenario_run(s, LOOP_MSEC);
	}
}

/* ---- multicast groups ------------------------------------------------------------------------ */

static void ask_for_group(struct scenario *s, uint32_t host, uint8_t method, uint64_t mask)
{
	struct sim_port *port = scenario_host(s, host);
	ib_member_rec_t record = joiner_broadcast(port, port->guid, 0x7fff, 1);
	struct joiner j;

	joiner_open(&j, port);
	assert_true(joiner_send(&j, method, &record, mask));
	scenario_run(s, LOOP_SEC);
	joiner_close(&j);
}

static void first_host_joins(struct scenario *s)
{
	ask_for_group(s, 9, METHOD_SET, MCM_MASK_BROADCAST);
}

/* At the same leaf, and at another. */
static void neighbour_joins(struct scenario *s)
{
	ask_for_group(s, 10, METHOD_SET, MCM_MASK_BROADCAST);
}

static void far_host_joins(struct scenario *s)
{
	ask_for_group(s, 20, METHOD_SET, MCM_MASK_BROADCAST);
}

static void far_host_joins_again(struct scenario *s)
{
	far_host_joins(s);
}

static void far_host_leaves(struct scenario *s)
{
	ask_for_group(s, 20, METHOD_DELETE, MCM_MASK_LEAVE);
}

/* ---- virtual functions ----------------------------------------------------------------------- */

static void vf_starts(struct scenario *s)
{
	scenario_power_on(s, scenario_vf(scenario_host(s, 9), 1)->node);
}

static void vf_stops(struct scenario *s)
{
	scenario_power_off(s, scenario_vf(scenario_host(s, 9), 1)->node);
}

static void vf_moves(struct scenario *s)
{
	scenario_move_vf(s, scenario_host(s, 9), 1, scenario_host(s, 17), 2);
}

static void vport_starts(struct scenario *s)
{
	scenario_start_vport(s, scenario_host(s, 9), 1);
}

static void vport_stops(struct scenario *s)
{
	scenario_stop_vport(s, scenario_host(s, 9), 1);
}

static void vport_moves(struct scenario *s)
{
	scenario_move_vport(s, scenario_host(s, 9), 1, scenario_host(s, 17), 2);
}

static void shared_starts(struct scenario *s)
{
	scenario_start_shared(s, scenario_host(s, 9), 1);
}

static void shared_stops(struct scenario *s)
{
	scenario_stop_shared(s, scenario_host(s, 9), 1);
}

static void shared_moves(struct scenario *s)
{
	scenario_move_shared(s, scenario_host(s, 9), 1, scenario_host(s, 17), 2);
}

/* ---- others ---------------------------------------------------------------------------------- */

/* Its GUID is higher than the first's. */
static void another_stands_by(struct scenario *s)
{
	scenario_start_rival(s, s->rival.port, 0);
}

static void another_goes(struct scenario *s)
{
	scenario_stop_rival(s);
}

static void better_one_comes(struct scenario *s)
{
	scenario_start_rival(s, s->rival.port, 9);
}

static void better_one_goes(struct scenario *s)
{
	scenario_stop_rival(s);
}

static void better_one_is_killed(struct scenario *s)
{
	scenario_kill_rival(s);
	for (unsigned polls = 0; polls < 3; polls++) {
		sm_sweep(s->first.sm, false);
		scenario_run(s, 10 * LOOP_SEC);
	}
}

/* ---- stories --------------------------------------------------------------------------------- */

struct line {
	const char *what;
	void (*happens)(struct scenario *s);
	struct costs costs;
};

static void print_line(const char *what, const struct costs *costs)
{
	char text[200];
	int length = snprintf(text, sizeof(text), "ROW(%s", what);
	unsigned last = COLUMNS;

	while (last > 0 && costs->n[last - 1] == 0)
		last--;
	for (unsigned i = 0; i < last; i++)
		length +=
			snprintf(text + length, sizeof(text) - (size_t)length, ", %u", costs->n[i]);
	fprintf(stderr, "# %s),\n", text);
}

/* All lines, whatever came of those before. */
static void is_told(struct scenario *s, const struct line *lines, size_t n_lines)
{
	unsigned n_wrong = 0;
	static struct costs costs;
	char why[512];

	s->sent = count;
	s->sent_user = &costs;
	for (size_t i = 0; i < n_lines; i++) {
		costs = (struct costs){ { 0 } };
		lines[i].happens(s);
		scenario_run(s, LONG_ENOUGH);
		if (!scenario_is_good(s, NULL, why))
			scenario_fail(s, "%s: %s", lines[i].what, why);
		if (memcmp(&costs, &lines[i].costs, sizeof(costs)) == 0)
			continue;
		n_wrong++;
		fprintf(stderr, "# Expected, and found:\n");
		print_line(lines[i].what, &lines[i].costs);
		print_line(lines[i].what, &costs);
	}
	if (n_wrong)
		fail_msg("%u of %zu events do not cost what they should", n_wrong, n_lines);
}

/* clang-format off */

#define ROW(what, ...) { #what, what, { { __VA_ARGS__ } } }

static void what_befalls_a_tree(void **state)
{
	static const struct line lines[] = {
	/*                        Node  Switch    Port  P_Key   LFT Na Trap SM SA   GUID  vport
	                           Get  Get  S Get Set Get  S  G  S me            Get  S Get  S */
	ROW(starts,                 65,  12,12,140,268, 76, 0, 0,12,44),
	ROW(sweeps,                 33,  12, 0,  1),
	ROW(sweeps,                  1,  12, 0,  1),
	ROW(sweeps_fully,           65,  12, 0,140,  0,152, 0,12, 0,44,   0, 0, 0,128),
	ROW(reloads,                 1,  12, 0,  1),
	ROW(restarts,               65,  12, 0,142,  0,152, 0,12, 0,44,   2, 0, 0,128),
	ROW(sweeps,                  1,  12, 0,  1),
	ROW(is_killed_and_starts,   65,  12, 0,142,  0,152, 0,12, 0,44,   2, 0, 0,128),
	ROW(inner_cable_is_pulled,   0,   2, 2, 19,  0,  0, 0, 0, 9, 0,   2),
	ROW(inner_cable_is_back,     1,   2, 2, 19,  4,  0, 0, 0, 9, 0,   2),
	ROW(inner_cable_flaps,       1,   2, 2, 19,  4,  0, 0, 0, 0, 0,   2),
	ROW(sweeps,                  1,  12, 0,  1),
	ROW(host_cable_is_pulled,    0,   1, 1, 10,  0,  0, 0, 0, 0, 0,   1),
	ROW(host_cable_is_back,      1,   1, 1, 11,  4,  2, 0, 0, 0, 0,   1, 0, 0,  4),
	ROW(host_reboots,            1,   1, 1, 11,  4,  1, 0, 0, 0, 0,   1),
	ROW(host_port_is_disabled,   0,   1, 1, 10,  0,  0, 0, 0, 0, 0,   1),
	ROW(host_port_is_enabled,    1,   1, 1, 11,  4,  2, 0, 0, 0, 0,   1, 0, 0,  4),
	ROW(sweeps,                  1,  12, 0,  1),
	ROW(spine_goes_off,          0,  10, 8, 92,  0,  0, 0, 0, 8, 0,  10),
	ROW(spine_comes_on,          8,   9,10, 82, 33,  1, 0, 0, 9, 0,   8),
	ROW(sweeps,                  1,  12, 0,  1),
	ROW(leaf_goes_off,           0,   4, 4, 37,  0,  0, 0, 0, 0, 0,   4),
	ROW(leaf_comes_on,           8,   5, 6, 50, 33, 13, 0, 0, 1, 0,   4, 0, 0, 16),
	ROW(sweeps,                  1,  12, 0,  1),
	ROW(name_changes,            0,   0, 0,  0,  0,  0, 0, 0, 0, 1,   1),
	ROW(capability_changes,      0,   0, 0,  1,  0,  0, 0, 0, 0, 0,   1),
	ROW(member_joins,            0,   0, 0,  0,  0,  0, 2),
	ROW(member_leaves,           0,   0, 0,  0,  0,  0, 2),
	ROW(all_become_limited,      1,  12, 0,  1,  0,  0,74),
	ROW(switch_babbles,          0,  65, 0, 40,  0,  0, 0, 0, 0, 1,1000),
	ROW(host_babbles,            1,  12, 0,  5,  0,  0, 0, 0, 0, 1,1000),
	ROW(is_told_1000_lies,       0,   0, 0,  0,  0,  0, 0, 0, 0, 0,1000),
	ROW(is_lied_to_of_others,    0,   0, 0,  0,  0,  0, 0, 0, 0, 0,1000),
	ROW(begins_to_sweep,         4,  48, 0,  4),
	ROW(has_a_quiet_hour,      360,4320, 0,360),
	};

	is_told(*state, lines, COUNT(lines));
}

/* Beside the ports of the tree above: of a switch that told, port 0 and those that are otherwise. */
static void what_befalls_a_tree_whose_switches_tell_all_port_states(void **state)
{
	static const struct line lines[] = {
	/*                        Node  Switch    Port  P_Key   LFT Na Trap SM SA   GUID  vport States
	                           Get  Get  S Get Set Get  S  G  S me            Get  S Get  S Get */
	ROW(starts,                 65,  12,12,140,268, 76, 0, 0,12,44),
	ROW(sweeps,                 33,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(sweeps,                  1,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(sweeps_fully,           65,  12, 0,140,  0,152, 0,12, 0,44,   0, 0, 0,128),
	ROW(reloads,                 1,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(restarts,               65,  12, 0,142,  0,152, 0,12, 0,44,   2, 0, 0,128),
	ROW(sweeps,                  1,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(is_killed_and_starts,   65,  12, 0,142,  0,152, 0,12, 0,44,   2, 0, 0,128),
	ROW(sweeps,                  1,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(inner_cable_is_pulled,   0,   2, 2,  5,  0,  0, 0, 0, 9, 0,   2, 0, 0,  0, 0,  0, 0,     2),
	ROW(inner_cable_is_back,     1,   2, 2,  5,  4,  0, 0, 0, 9, 0,   2, 0, 0,  0, 0,  0, 0,     2),
	ROW(inner_cable_flaps,       1,   2, 2,  5,  4,  0, 0, 0, 0, 0,   2, 0, 0,  0, 0,  0, 0,     2),
	ROW(sweeps,                  1,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(host_cable_is_pulled,    0,   1, 1,  3,  0,  0, 0, 0, 0, 0,   1, 0, 0,  0, 0,  0, 0,     1),
	ROW(host_cable_is_back,      1,   1, 1,  4,  4,  2, 0, 0, 0, 0,   1, 0, 0,  4, 0,  0, 0,     1),
	ROW(host_reboots,            1,   1, 1,  4,  4,  1, 0, 0, 0, 0,   1, 0, 0,  0, 0,  0, 0,     1),
	ROW(host_port_is_disabled,   0,   1, 1,  3,  0,  0, 0, 0, 0, 0,   1, 0, 0,  0, 0,  0, 0,     1),
	ROW(host_port_is_enabled,    1,   1, 1,  4,  4,  2, 0, 0, 0, 0,   1, 0, 0,  4, 0,  0, 0,     1),
	ROW(sweeps,                  1,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(spine_goes_off,          0,  10, 8, 20,  0,  0, 0, 0, 8, 0,  10, 0, 0,  0, 0,  0, 0,    10),
	ROW(spine_comes_on,          8,   9,10, 26, 33,  1, 0, 0, 9, 0,   8, 0, 0,  0, 0,  0, 0,     8),
	ROW(sweeps,                  1,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(leaf_goes_off,           0,   4, 4,  9,  0,  0, 0, 0, 0, 0,   4, 0, 0,  0, 0,  0, 0,     4),
	ROW(leaf_comes_on,           8,   5, 6, 22, 33, 13, 0, 0, 1, 0,   4, 0, 0, 16, 0,  0, 0,     4),
	ROW(sweeps,                  1,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(name_changes,            0,   0, 0,  0,  0,  0, 0, 0, 0, 1,   1),
	ROW(capability_changes,      0,   0, 0,  1,  0,  0, 0, 0, 0, 0,   1),
	ROW(member_joins,            0,   0, 0,  0,  0,  0, 2),
	ROW(member_leaves,           0,   0, 0,  0,  0,  0, 2),
	ROW(all_become_limited,      1,  12, 0,  1,  0,  0,74, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    12),
	ROW(switch_babbles,          0,  65, 0,  8,  0,  0, 0, 0, 0, 1,1000, 0, 0,  0, 0,  0, 0,     4),
	ROW(host_babbles,            1,  12, 0,  5,  0,  0, 0, 0, 0, 1,1000, 0, 0,  0, 0,  0, 0,    12),
	ROW(is_told_1000_lies,       0,   0, 0,  0,  0,  0, 0, 0, 0, 0,1000),
	ROW(is_lied_to_of_others,    0,   0, 0,  0,  0,  0, 0, 0, 0, 0,1000),
	ROW(begins_to_sweep,         4,  48, 0,  4,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,    48),
	ROW(has_a_quiet_hour,      360,4320, 0,360,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  0, 0,  4320),
	};
	struct scenario *s = *state;

	for (uint32_t i = 0; i < s->n_switches; i++)
		sim_give_port_states(s->switches[i]);
	is_told(s, lines, COUNT(lines));
}

/* "MFT": of multicast tables; a restart reads a block of each switch. */
static void what_else_is_told_and_asked(void **state)
{
	static const struct line lines[] = {
	/*                        Node  Switch    Port  P_Key   LFT Na Trap SM SA   GUID  vport    MFT
	                           Get  Get  S Get Set Get  S  G  S me            Get  S Get  S */
	ROW(starts,                 65,  12,12,140,268, 76, 0, 0,12,44),
	ROW(sweeps,                 33,  12, 0,  1),
	ROW(switch_tells_of_errors,  0,   1, 0,  1,  0,  0, 0, 0, 0, 0,   1),
	ROW(host_tells_of_errors,    0,   3, 0,  3,  0,  0, 0, 0, 0, 0,   3),
	ROW(system_guid_changes,     2,  12, 0,  2,  0,  0, 0, 0, 0, 0,   1),
	ROW(host_tells_of_wrong_keys, 0,  0, 0,  0,  0,  0, 0, 0, 0, 0,   3),
	ROW(first_host_joins,        0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 1),
	ROW(neighbour_joins,         0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 1,  0, 0,  0, 0,     0, 1),
	ROW(far_host_joins,          0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 1,  0, 0,  0, 0,     0, 3),
	ROW(far_host_joins_again,    0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 1),
	ROW(far_host_leaves,         0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 1,  0, 0,  0, 0,     0, 3),
	ROW(sweeps,                  1,  12, 0,  1),
	ROW(restarts,               65,  12, 0,142,  0,152, 0,12, 0,44,   2, 0, 0,128, 0,  0, 0,     0,12),
	};

	is_told(*state, lines, COUNT(lines));
}

static void what_befalls_vfs_behind_a_switch(void **state)
{
	static const struct line lines[] = {
	/*                        Node  Switch    Port  P_Key   LFT Na Trap SM SA   GUID  vport
	                           Get  Get  S Get Set Get  S  G  S me            Get  S Get  S */
	ROW(starts,                 67,  14,14,154,278, 78, 0, 0,14,46),
	ROW(sweeps,                 33,  14, 0,  1),
	ROW(vf_starts,               1,   1, 1,  7,  4,  2, 0, 0,14, 1,   1),
	ROW(vf_stops,                0,   1, 1,  6,  0,  0, 0, 0, 0, 0,   1),
	ROW(vf_starts,               1,   1, 1,  7,  4,  1, 0, 0, 0, 0,   1),
	ROW(vf_moves,                1,   2, 2, 12,  4,  2, 0, 0,14, 0,   2),
	};
	struct scenario *s = *state;

	scenario_add_vfs(s, scenario_host(s, 9), 2, false);
	scenario_add_vfs(s, scenario_host(s, 17), 2, false);
	is_told(s, lines, COUNT(lines));
}

static void add_vports(struct scenario *s, bool own_lids)
{
	scenario_add_vports(s, scenario_host(s, 9), 2, false, own_lids);
	scenario_add_vports(s, scenario_host(s, 17), 2, false, own_lids);
}

static void what_befalls_vports(void **state)
{
	static const struct line lines[] = {
	/*                        Node  Switch    Port  P_Key   LFT Na Trap SM SA   GUID  vport
	                           Get  Get  S Get Set Get  S  G  S me            Get  S Get  S */
	ROW(starts,                 65,  12,12,140,268, 76, 0, 0,12,44,   0, 0, 0,  0, 0, 10,10),
	ROW(sweeps,                 33,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  2),
	ROW(vport_starts,            0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   1, 0, 0,  0, 0,  7, 3),
	ROW(vport_stops,             0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   1, 0, 0,  0, 0,  3, 1),
	ROW(vport_starts,            0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   1, 0, 0,  0, 0,  6, 3),
	ROW(vport_moves,             0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   2, 0, 0,  0, 0, 10, 4),
	};

	add_vports(*state, false);
	is_told(*state, lines, COUNT(lines));
}

static void what_befalls_vports_with_lids_of_their_own(void **state)
{
	static const struct line lines[] = {
	/*                        Node  Switch    Port  P_Key   LFT Na Trap SM SA   GUID  vport
	                           Get  Get  S Get Set Get  S  G  S me            Get  S Get  S */
	ROW(starts,                 65,  12,12,140,268, 76, 0, 0,12,44,   0, 0, 0,  0, 0, 10,10),
	ROW(sweeps,                 33,  12, 0,  1,  0,  0, 0, 0, 0, 0,   0, 0, 0,  0, 0,  2),
	ROW(vport_starts,            0,   0, 0,  0,  0,  0, 0, 0,12, 0,   1, 0, 0,  0, 0,  7, 3),
	ROW(vport_stops,             0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   1, 0, 0,  0, 0,  3, 1),
	ROW(vport_starts,            0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   1, 0, 0,  0, 0,  6, 3),
	ROW(vport_moves,             0,   0, 0,  0,  0,  0, 0, 0, 6, 0,   2, 0, 0,  0, 0, 10, 4),
	};

	add_vports(*state, true);
	is_told(*state, lines, COUNT(lines));
}

static void what_befalls_vfs_of_shared_ports(void **state)
{
	static const struct line lines[] = {
	/*                        Node  Switch    Port  P_Key   LFT Na Trap SM SA   GUID  vport
	                           Get  Get  S Get Set Get  S  G  S me            Get  S Get  S */
	ROW(starts,                 65,  12,12,140,268, 76, 0, 0,12,44),
	ROW(sweeps,                 33,  12, 0,  1),
	ROW(shared_starts,           0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 1,  0, 1),
	ROW(shared_stops,            0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 1,  0, 1),
	ROW(shared_starts,           0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 1,  0, 1),
	ROW(shared_moves,            0,   0, 0,  0,  0,  0, 0, 0, 0, 0,   0, 0, 3,  0, 2),
	};
	struct scenario *s = *state;

	scenario_add_shared(s, scenario_host(s, 9), 2, false, false);
	scenario_add_shared(s, scenario_host(s, 17), 2, false, false);
	is_told(s, lines, COUNT(lines));
}

/* What both send. */
static void what_befalls_two(void **state)
{
	static const struct line lines[] = {
	/*                        Node  Switch    Port  P_Key   LFT Na Trap SM SA   GUID  vport
	                           Get  Get  S Get Set Get  S  G  S me            Get  S Get  S */
	ROW(starts,                 65,  12,12,140,268, 76, 0, 0,12,44),
	ROW(sweeps,                 33,  12, 0,  1),
	ROW(another_stands_by,      66,  24, 0,142,  0,  0, 0, 0, 0,44,   1, 4),
	ROW(another_goes,            1,  12, 0,  2,  0,  0, 0, 0, 0, 0,   1),
	ROW(better_one_comes,       67,  36, 0,187, 44,304, 0,24, 0,44,   1, 8, 0,128),
	ROW(better_one_goes,        65,  12, 0,141, 44,304, 0,24, 0, 0,   1, 2, 0,128),
	ROW(better_one_comes,       67,  36, 0,187, 44,304, 0,24, 0,44,   1, 8, 0,128),
	ROW(better_one_is_killed,   68,  48, 0,188, 44,304, 0,24, 0, 0,   1, 3, 0,128),
	};

	is_told(*state, lines, COUNT(lines));
}

/* clang-format on */

static unsigned sum_of(const struct costs *costs)
{
	unsigned ret = 0;

	for (unsigned i = 0; i < COLUMNS; i++)
		ret += costs->n[i];
	return ret;
}

/* What is looked at is its leaf, of 36 ports: the size of all the rest costs nothing. */
static void a_host_reboots_among_11664(void **state)
{
	static const struct costs expected = { { [NODE_INFO] = 1,
						 [SWITCH_INFO] = 1,
						 [SET_SWITCH_INFO] = 1,
						 [PORT_INFO] = 39,
						 [SET_PORT_INFO] = 4,
						 [KEYS] = 1,
						 [REPRESS] = 1 } };
	struct costs costs = { { 0 } };
	struct scenario *s;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* it takes too long to come up */
#endif
	s = scenario_new(1);
	s->fabric->on_routes = NULL; /* to judge each write would take minutes */
	s->first.conf.sweep_interval = 0;
	s->sent = count;
	s->sent_user = &costs;
	scenario_build(s, graph_make_ft3(36, 36));
	scenario_start_sm(s);
	scenario_run(s, LONG_ENOUGH);
	sm_sweep(s->first.sm, false); /* as the first after a cold start, which asks who is where */
	scenario_run(s, LONG_ENOUGH);
	assert_int_equal(sim_state(scenario_host(s, 6000)), SIM_ACTIVE);
	costs = (struct costs){ { 0 } };
	scenario_reboot(s, s->hosts[6000]);
	assert_int_not_equal(sim_state(scenario_host(s, 6000)), SIM_ACTIVE);
	scenario_run(s, LONG_ENOUGH);
	assert_int_equal(sim_state(scenario_host(s, 6000)), SIM_ACTIVE);
	assert_int_equal(s->n_hosts, 11664);
	if (memcmp(&costs, &expected, sizeof(costs)) != 0)
		print_line("reboots", &costs);
	assert_memory_equal(&costs, &expected, sizeof(costs));
	assert_in_range(sum_of(&costs), 1, 60);
	scenario_free(s);
}

static int set_up(void **state)
{
	struct scenario *s = scenario_new(1);

	s->first.conf.sweep_interval = 0;
	s->rival.conf.sweep_interval = 0;
	scenario_build(s, graph_make_ft2(8));
	scenario_host(s, 9)->info.capability_mask |= IB_PORT_CAP_HAS_OTHER_LOCAL_CHANGES_NTC;
	*state = s;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_befalls_a_tree),
		TEST(what_befalls_a_tree_whose_switches_tell_all_port_states),
		TEST(what_else_is_told_and_asked),
		TEST(what_befalls_vfs_behind_a_switch),
		TEST(what_befalls_vports),
		TEST(what_befalls_vports_with_lids_of_their_own),
		TEST(what_befalls_vfs_of_shared_ports),
		TEST(what_befalls_two),
		cmocka_unit_test(a_host_reboots_among_11664),
	};

	return cmocka_run_group_tests_name("costs", tests, NULL, NULL);
}
