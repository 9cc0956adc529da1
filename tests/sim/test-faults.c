/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* What goes wrong does so as it was told to, and the same way each time. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/agent.h"
#include "tests/sim/client.h"
#include "tests/sim/faults.h"
#include "tests/sim/forward.h"
#include "tests/sim/test-tree.h"

enum { PINGS = 10000 };

/* Three leaves of two hosts, two spines; somebody at H-1 asks. */
struct fixture {
	struct tree tree;
	struct sim_client client;
	struct sim_agent agent; /* for traps */
	struct sim_packet got;
	unsigned n_got;
	uint64_t at;          /* when it came */
	uint32_t tids[PINGS]; /* of the first answers, in their order */
	enum sim_drop why;    /* of the last loss */
	unsigned n_lost;
	char reason[SIM_FAULT_WHY];
};

static void receive(void *user, const struct sim_packet *packet)
{
	struct fixture *f = user;

	if (f->n_got < PINGS)
		f->tids[f->n_got] = (uint32_t)be64toh(packet->mad.trans_id);
	f->got = *packet;
	f->n_got++;
	f->at = loop_now(f->tree.loop);
}

static void dropped(void *user, const struct sim_port *at, const struct sim_packet *packet,
		    enum sim_drop why)
{
	struct fixture *f = user;

	(void)at;
	(void)packet;
	f->why = why;
	f->n_lost++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	tree_two(&f->tree, 3, 2, 2);
	f->tree.fabric->on_drop = dropped;
	f->tree.fabric->on_drop_user = f;
	f->client.receive = receive;
	f->client.user = f;
	assert_int_equal(sim_attach(&f->tree.hosts[0]->ports[1], &f->client), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sim_detach(&f->client);
	tree_free(&f->tree);
	free(f);
	return 0;
}

static struct sim_port *host(struct fixture *f, unsigned n)
{
	return &f->tree.hosts[n]->ports[1];
}

static struct sim_packet request(const struct sim_port *to, uint8_t method, uint16_t attribute,
				 uint32_t tid)
{
	struct sim_packet p = { .dlid = sim_lid(to), .length = SIM_MAD_SIZE };

	p.smp.base_ver = 1;
	p.smp.class_ver = 1;
	p.smp.mgmt_class = SIM_CLASS_LID;
	p.smp.method = method;
	p.smp.attr_id = htobe16(attribute);
	p.smp.trans_id = htobe64(tid);
	return p;
}

/* NodeInfo of @to. How many answers there are now. */
static unsigned ask(struct fixture *f, const struct sim_port *to, uint32_t tid)
{
	struct sim_packet p = request(to, SIM_GET, 0x11, tid);

	assert_int_equal(sim_client_send(&f->client, &p), 0);
	return f->n_got;
}

static const ib_node_info_t *answer(const struct fixture *f)
{
	return (const ib_node_info_t *)f->got.smp.data;
}

static void pass(struct fixture *f, uint64_t duration)
{
	loop_virtual_run_for(f->tree.loop, duration);
}

static void say(struct fixture *f, const char *line)
{
	if (sim_fault_parse(f->tree.fabric, line, f->reason) != 0)
		fail_msg("%s: %s", line, f->reason);
}

static char *list(struct fixture *f)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(sim_fault_command(f->tree.fabric, "list", out, f->reason), 0);
	fclose(out);
	return text;
}

static void assert_nothing_listed(struct fixture *f)
{
	char *text = list(f);

	assert_string_equal(text, "");
	free(text);
}

/* ---- links ----------------------------------------------------------------------------------- */

static void what_leaves_a_port_is_lost_and_what_comes_is_not(void **state)
{
	struct fixture *f = *state;

	sim_fault_rates(host(f, 5))->loss = SIM_ALWAYS;
	assert_int_equal(ask(f, host(f, 5), 1), 0);
	assert_int_equal(f->why, SIM_DROP_LOST);
	assert_int_equal(host(f, 5)->counters.rcv_pkts, 1);
	assert_int_equal(host(f, 5)->counters.xmit_pkts, 1);
	sim_fault_clear_port(host(f, 5));
	assert_null(host(f, 5)->faults);
	assert_int_equal(ask(f, host(f, 5), 1), 1);
}

static void a_tenth_is_lost(void **state)
{
	struct fixture *f = *state;

	sim_fault_rates(host(f, 5))->loss = SIM_ALWAYS / 10;
	for (unsigned i = 0; i < PINGS; i++)
		ask(f, host(f, 5), i);
	assert_in_range(f->n_got, PINGS * 88 / 100, PINGS * 92 / 100);
	assert_int_equal(f->n_got + f->n_lost, PINGS);
}

/* Which of many came, and in which order, with all faults that links have. */
static void run_with(struct fixture *f, uint64_t seed)
{
	xoshiro_seed(&f->tree.fabric->random, seed);
	say(f, "loss S-1 5%");
	say(f, "duplicate L-1 5%");
	say(f, "delay L-3 10us jitter 20us");
	say(f, "reorder H-6 10% by 1ms");
	say(f, "garble H-6 5%");
	for (unsigned i = 0; i < 500; i++) {
		ask(f, host(f, 5), i + 1);
		pass(f, 2 * LOOP_USEC);
	}
	pass(f, LOOP_SEC);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	struct fixture *f[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		void *s;

		set_up(&s);
		f[i] = s;
		run_with(f[i], i < 2 ? 7 : 8);
	}
	assert_int_equal(f[0]->n_got, f[1]->n_got);
	assert_memory_equal(f[0]->tids, f[1]->tids, sizeof(f[0]->tids));
	assert_memory_equal(&f[0]->got, &f[1]->got, sizeof(f[0]->got));
	assert_memory_equal(f[0]->tree.fabric->drops, f[1]->tree.fabric->drops,
			    sizeof(f[0]->tree.fabric->drops));
	assert_true(memcmp(f[0]->tids, f[2]->tids, sizeof(f[0]->tids)) != 0);
	for (unsigned i = 0; i < 3; i++) {
		void *s = f[i];

		tear_down(&s);
	}
}

static void a_packet_is_doubled_once_on_its_way(void **state)
{
	struct fixture *f = *state;

	say(f, "duplicate H-1[1] 100% out");
	assert_int_equal(ask(f, host(f, 5), 1), 2);
	assert_int_equal(host(f, 5)->counters.rcv_pkts, 2);
	/* On all links: two requests come, and two of each answer. */
	for (unsigned l = 1; l <= 3; l++) {
		char line[32];

		snprintf(line, sizeof(line), "duplicate L-%u 100%%", l);
		say(f, line);
	}
	f->n_got = 0;
	assert_int_equal(ask(f, host(f, 5), 1), 4);
}

static void a_circle_of_doubled_packets_ends(void **state)
{
	struct fixture *f = *state;

	f->tree.spines[0]->sw->lft[6] = 2;
	f->tree.leaves[1]->sw->lft[6] = 4;
	f->tree.spines[1]->sw->lft[6] = 1;
	say(f, "duplicate S-1 100%");
	say(f, "duplicate S-2 100%");
	assert_int_equal(ask(f, host(f, 5), 1), 0);
	assert_int_equal(f->tree.fabric->drops[SIM_DROP_HOPS], 2);
}

static void a_link_delays_and_keeps_the_order(void **state)
{
	struct fixture *f = *state;
	uint64_t start = loop_now(f->tree.loop);

	say(f, "delay H-6[1] 100us out");
	assert_int_equal(ask(f, host(f, 5), 1), 0);
	pass(f, LOOP_MSEC);
	assert_int_equal(f->n_got, 1);
	assert_int_equal(f->at - start, 100 * LOOP_USEC);
	say(f, "delay H-6[1] 100us jitter 500us out");
	for (unsigned i = 0; i < 500; i++) {
		ask(f, host(f, 5), 100 + i);
		pass(f, LOOP_USEC);
	}
	pass(f, LOOP_MSEC);
	assert_int_equal(f->n_got, 501);
	for (unsigned i = 2; i < f->n_got; i++)
		assert_true(f->tids[i] > f->tids[i - 1]);
}

static void what_is_reordered_is_overtaken(void **state)
{
	struct fixture *f = *state;
	unsigned back = 0;

	say(f, "reorder H-6[1] 20% by 1ms out");
	for (unsigned i = 0; i < 500; i++) {
		ask(f, host(f, 5), i + 1);
		pass(f, LOOP_USEC);
	}
	pass(f, LOOP_SEC);
	assert_int_equal(f->n_got, 500);
	for (unsigned i = 1; i < f->n_got; i++)
		back += f->tids[i] < f->tids[i - 1];
	assert_in_range(back, 20, 200);
}

static void a_cable_that_is_pulled_loses_what_is_on_it(void **state)
{
	struct fixture *f = *state;

	say(f, "delay H-6[1] 100us in");
	ask(f, host(f, 5), 1);
	sim_cable_pull(host(f, 5));
	pass(f, LOOP_MSEC);
	assert_int_equal(f->n_got, 0);
	assert_int_equal(f->why, SIM_DROP_LINK_DOWN);
}

/* ---- agents that take their time ------------------------------------------------------------- */

static void an_agent_serves_one_at_a_time(void **state)
{
	struct fixture *f = *state;
	uint64_t start = loop_now(f->tree.loop);

	say(f, "service H-6 300us");
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(ask(f, host(f, 5), i), 0);
	for (unsigned i = 1; i <= 5; i++) {
		loop_virtual_run_until(f->tree.loop, start + i * 300 * LOOP_USEC - 1);
		assert_int_equal(f->n_got, i - 1);
		pass(f, 1);
		assert_int_equal(f->n_got, i);
		assert_int_equal(f->tids[i - 1], i - 1);
	}
	/* It is idle, so the next does not wait. */
	pass(f, LOOP_SEC);
	ask(f, host(f, 5), 9);
	pass(f, 300 * LOOP_USEC);
	assert_int_equal(f->n_got, 6);
}

static void what_finds_the_buffer_full_is_dropped_and_counted(void **state)
{
	struct fixture *f = *state;

	say(f, "service \"H-6\" 300us buffer 2");
	for (unsigned i = 0; i < 5; i++)
		ask(f, host(f, 5), i);
	assert_int_equal(f->n_lost, 2);
	assert_int_equal(f->why, SIM_DROP_VL15_FULL);
	assert_int_equal(host(f, 5)->counters.vl15_dropped, 2);
	pass(f, LOOP_SEC);
	assert_int_equal(f->n_got, 3);
	assert_int_equal(f->tids[2], 2);
}

static void what_waits_is_lost_with_the_power(void **state)
{
	struct fixture *f = *state;

	say(f, "service H-6 300us");
	ask(f, host(f, 5), 1);
	ask(f, host(f, 5), 2);
	sim_power(f->tree.hosts[5], false);
	assert_int_equal(f->n_lost, 2);
	sim_power(f->tree.hosts[5], true);
	pass(f, LOOP_SEC);
	assert_int_equal(f->n_got, 0);
}

static void what_waits_is_served_when_all_is_well_again(void **state)
{
	struct fixture *f = *state;

	say(f, "service H-6 300us");
	for (unsigned i = 0; i < 3; i++)
		ask(f, host(f, 5), i);
	say(f, "clear H-6");
	assert_int_equal(f->n_got, 3);
	assert_null(f->tree.hosts[5]->faults);
	pass(f, LOOP_SEC);
	assert_int_equal(f->n_got, 3);
}

static void clear_when_lost(void *user, const struct sim_packet *packet, enum sim_drop why)
{
	struct fixture *f = user;

	(void)packet;
	f->why = why;
	sim_fault_clear(f->tree.fabric);
}

static void who_hears_of_a_loss_may_clear_the_faults(void **state)
{
	static const char *const lines[] = { "silent H-6", "mute H-6", "die H-6 after 0 silent",
					     "loss H-6[1] 100%", "service H-6 1ms buffer 1" };
	struct fixture *f = *state;

	f->client.dropped = clear_when_lost;
	for (unsigned i = 0; i < COUNT(lines); i++) {
		say(f, lines[i]);
		for (unsigned n = 0; n < 4; n++)
			ask(f, host(f, 5), n);
		assert_true(f->why != SIM_PASSED);
		assert_null(f->tree.hosts[5]->faults);
		assert_null(host(f, 5)->faults);
		pass(f, LOOP_SEC);
	}
}

/* ---- devices that lie ------------------------------------------------------------------------ */

static void a_silent_device_answers_nothing_and_forwards_all(void **state)
{
	struct fixture *f = *state;

	say(f, "silent H-6");
	say(f, "silent S-1");
	assert_int_equal(ask(f, host(f, 5), 1), 0);
	assert_int_equal(f->why, SIM_DROP_SILENT);
	assert_int_equal(ask(f, &f->tree.spines[0]->ports[0], 1), 0);
	assert_int_equal(ask(f, host(f, 3), 1), 1);
	say(f, "clear H-6");
	assert_int_equal(ask(f, host(f, 5), 1), 2);
}

static void a_rule_strikes_as_often_as_it_was_told(void **state)
{
	struct fixture *f = *state;

	say(f, "silent H-6 next 2");
	for (unsigned i = 0; i < 5; i++)
		ask(f, host(f, 5), i);
	assert_int_equal(f->n_got, 3);
	assert_int_equal(f->tids[0], 2);
	assert_int_equal(f->tree.hosts[5]->faults->n_rules, 0);
}

static void a_rule_is_about_its_attribute_class_and_method(void **state)
{
	struct fixture *f = *state;

	say(f, "silent H-6 portinfo");
	say(f, "silent H-6 pma");
	say(f, "silent H-6 nodeinfo set");
	assert_int_equal(ask(f, host(f, 5), 1), 1);
	say(f, "silent H-6 get 0x11");
	assert_int_equal(ask(f, host(f, 5), 1), 1);
}

static void a_rule_may_be_about_one_modifier(void **state)
{
	struct fixture *f = *state;

	say(f, "silent H-6 nodeinfo modifier 7");
	assert_int_equal(ask(f, host(f, 5), 1), 1);
	say(f, "silent H-6 nodeinfo modifier 0");
	assert_int_equal(ask(f, host(f, 5), 1), 1);
}

static void software_at_a_silent_device_is_not(void **state)
{
	struct fixture *f = *state;
	struct sim_packet p = request(host(f, 5), SIM_GET, 0x35, 1);

	say(f, "silent H-6");
	p.sqpn = 1;
	p.dqpn = 1;
	p.pkey = 0xffff;
	p.mad.mgmt_class = 0x03;
	/* What the kernel says for classes that nobody registered for. */
	assert_int_equal(sim_client_send(&f->client, &p), 0);
	assert_int_equal(f->n_got, 1);
}

static void a_mute_device_does_it_and_does_not_say_so(void **state)
{
	struct fixture *f = *state;
	struct sim_packet p = request(host(f, 5), SIM_SET, 0x15, 1);

	say(f, "mute H-6");
	assert_true(sim_fault_request(host(f, 5), &p));
	assert_false(sim_fault_forgets(host(f, 5), &p));
	assert_false(sim_fault_answer(host(f, 5), &p, SIM_SET));
	assert_int_equal(ask(f, host(f, 5), 1), 0);
	assert_int_equal(f->why, SIM_DROP_SILENT);
}

static void a_device_lies_about_fields(void **state)
{
	struct fixture *f = *state;
	ib_net64_t guid = f->tree.hosts[5]->info.node_guid;

	say(f, "lie H-6 nodeinfo.ports 200");
	say(f, "lie H-6 nodeinfo.systemguid 0x1122334455667788");
	say(f, "lie H-6 0x11@4:3 5");
	ask(f, host(f, 5), 1);
	assert_int_equal(answer(f)->num_ports, 200);
	assert_int_equal(be64toh(answer(f)->sys_guid), 0x1122334455667788);
	assert_int_equal(answer(f)->node_guid, guid);
	assert_int_equal(answer(f)->base_version, 0x0b);
	assert_int_equal(f->got.mad.status, 0);
}

static void a_status_is_said_whatever_was_done(void **state)
{
	struct fixture *f = *state;

	say(f, "status H-6 nodeinfo get status 0x4 next 1");
	ask(f, host(f, 5), 1);
	assert_int_equal(be16toh(f->got.mad.status), 0x0004);
	ask(f, host(f, 5), 1);
	assert_int_equal(be16toh(f->got.mad.status), 0);
	say(f, "refuse H-6");
	ask(f, host(f, 5), 1);
	assert_int_equal(be16toh(f->got.mad.status), SIM_BAD_FIELD);
}

static void the_direction_bit_stays(void **state)
{
	struct fixture *f = *state;
	struct sim_packet p = request(host(f, 5), SIM_GET, 0x11, 1);

	say(f, "status H-6 status 0xc");
	p.mad.status = htobe16(0x8000);
	assert_true(sim_fault_answer(host(f, 5), &p, SIM_GET));
	assert_int_equal(be16toh(p.mad.status), 0x800c);
}

static void another_tid_still_finds_its_way(void **state)
{
	struct fixture *f = *state;

	say(f, "tid H-6");
	for (unsigned i = 1; i <= 100; i++) {
		assert_int_equal(ask(f, host(f, 5), i), i);
		assert_int_not_equal(be64toh(f->got.mad.trans_id) & 0xffffffff, i);
	}
}

static void a_set_that_is_refused_is_not_done_and_says_so(void **state)
{
	struct fixture *f = *state;
	struct sim_packet p = request(host(f, 5), SIM_SET, 0x19, 1);
	struct sim_packet other = request(host(f, 5), SIM_SET, 0x15, 2);

	say(f, "refuse H-6 set lft next 1");
	assert_false(sim_fault_forgets(host(f, 5), &other));
	assert_true(sim_fault_answer(host(f, 5), &other, SIM_SET));
	assert_int_equal(be16toh(other.mad.status), 0);
	assert_true(sim_fault_forgets(host(f, 5), &p));
	assert_true(sim_fault_answer(host(f, 5), &p, SIM_SET));
	assert_int_equal(be16toh(p.mad.status), SIM_BAD_FIELD);
	/* What was decided about this Set is about nothing else. */
	p.mad.status = 0;
	assert_true(sim_fault_answer(host(f, 5), &p, SIM_GET));
	assert_int_equal(be16toh(p.mad.status), 0);
	say(f, "refuse H-6 set lft next 1");
	assert_true(sim_fault_forgets(host(f, 5), &p));
	assert_true(sim_fault_answer(host(f, 5), &other, SIM_SET));
	assert_int_equal(be16toh(other.mad.status), 0);
	assert_false(sim_fault_forgets(host(f, 5), &p));
	assert_true(sim_fault_answer(host(f, 5), &p, SIM_SET));
	assert_int_equal(be16toh(p.mad.status), 0);
}

static void of_a_set_chance_decides_once(void **state)
{
	struct fixture *f = *state;
	struct sim_packet p = request(host(f, 5), SIM_SET, 0x19, 1);

	say(f, "refuse H-6 50%");
	for (unsigned i = 0; i < 1000; i++) {
		bool refused = sim_fault_forgets(host(f, 5), &p);

		p.mad.status = 0;
		assert_true(sim_fault_answer(host(f, 5), &p, SIM_SET));
		assert_int_equal(be16toh(p.mad.status), refused ? SIM_BAD_FIELD : 0);
	}
}

static void rules_that_make_no_sense_are_refused(void **state)
{
	struct fixture *f = *state;
	struct sim_rule rule = { .lie = SIM_LIE_FIELD, .bit = 505, .width = 8 };

	assert_int_equal(sim_fault_rule(f->tree.hosts[5], &rule), -EINVAL);
	rule.bit = 504;
	assert_int_equal(sim_fault_rule(f->tree.hosts[5], &rule), 0);
	rule.width = 0;
	assert_int_equal(sim_fault_rule(f->tree.hosts[5], &rule), -EINVAL);
	rule.lie = SIM_LIE_N;
	assert_int_equal(sim_fault_rule(f->tree.hosts[5], &rule), -EINVAL);
}

static void a_set_is_acknowledged_and_forgotten(void **state)
{
	struct fixture *f = *state;
	struct sim_packet p = request(host(f, 5), SIM_SET, 0x16, 1);
	unsigned n = 0;

	say(f, "forget H-6 pkeys 50%");
	for (unsigned i = 0; i < 1000; i++) {
		n += sim_fault_forgets(host(f, 5), &p);
		assert_true(sim_fault_answer(host(f, 5), &p, SIM_SET));
		assert_int_equal(p.mad.status, 0);
	}
	assert_in_range(n, 400, 600);
}

static void a_table_ends_before_it_says(void **state)
{
	struct fixture *f = *state;
	struct sim_node *node = f->tree.leaves[0];
	struct sim_packet p = request(&node->ports[0], SIM_SET, 0x19, 1);

	say(f, "short L-1 lft 100");
	say(f, "short L-1 pkeys 3");
	p.mad.attr_mod = htobe32(1);
	memset(p.smp.data, 7, 64);
	assert_true(sim_fault_request(&node->ports[1], &p));
	assert_int_equal(p.smp.data[35], 7);
	assert_int_equal(p.smp.data[36], SIM_LFT_NONE);
	p.mad.attr_mod = htobe32(0xffffffff);
	assert_true(sim_fault_request(&node->ports[1], &p));
	assert_int_equal(p.smp.data[0], SIM_LFT_NONE);
	p.mad.attr_id = htobe16(0x16);
	p.mad.attr_mod = htobe32(2 << 16);
	memset(p.smp.data, 7, 64);
	assert_true(sim_fault_answer(&node->ports[1], &p, SIM_GET));
	assert_int_equal(p.smp.data[5], 7);
	assert_int_equal(p.smp.data[6], 0);
	assert_int_equal(p.smp.data[63], 0);
}

static void what_is_cut_or_of_another_version_does_not_get_in(void **state)
{
	struct fixture *f = *state;

	say(f, "garble H-6 length");
	assert_int_equal(ask(f, host(f, 5), 1), 0);
	assert_int_equal(f->why, SIM_DROP_MALFORMED);
	say(f, "clear H-6");
	say(f, "garble H-6 version");
	for (unsigned i = 0; i < 100; i++)
		ask(f, host(f, 5), i);
	/* Of the base: the receiver drops it. Of the class: software sees it. */
	assert_in_range(f->n_got, 30, 70);
	assert_int_not_equal(f->got.mad.class_ver, 1);
}

static void garbled_bytes_harm_nobody(void **state)
{
	struct fixture *f = *state;
	unsigned same = 0;

	say(f, "garble H-6 bytes");
	say(f, "garble L-3");
	say(f, "garble S-1");
	for (unsigned i = 0; i < PINGS; i++) {
		ask(f, host(f, 5), i);
		ask(f, &f->tree.leaves[2]->ports[0], i);
		same += !memcmp(&f->got.mad, &f->tree.hosts[5]->info, 4);
	}
	assert_true(f->n_got > PINGS / 2);
	assert_true(f->n_lost > 0);
	assert_int_equal(same, 0);
}

static void a_device_dies_after_it_has_done_it(void **state)
{
	struct fixture *f = *state;

	say(f, "die H-6 after 2");
	for (unsigned i = 0; i < 4; i++)
		ask(f, host(f, 5), i);
	assert_int_equal(f->n_got, 2);
	assert_true(f->tree.hosts[5]->off);
	assert_int_equal(sim_state(host(f, 5)->far), SIM_DOWN);
	assert_int_equal(f->tree.fabric->drops[SIM_DROP_SILENT], 1);
	assert_false(f->tree.hosts[5]->faults->dies);
	sim_power(f->tree.hosts[5], true);
	host(f, 5)->info.base_lid = htobe16(6);
	assert_int_equal(ask(f, host(f, 5), 1), 3);
}

static void or_it_is_silent_with_its_links_up(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < SIM_RULES_MAX; i++)
		say(f, "lie H-6 nodeinfo.ports 3");
	assert_int_equal(sim_fault_parse(f->tree.fabric, "silent H-6", f->reason), -ENOSPC);
	assert_string_equal(f->reason, "\"H-6\" has 64 rules already");
	say(f, "die H-6 after 1 silent");
	for (unsigned i = 0; i < 4; i++)
		ask(f, host(f, 5), i);
	assert_int_equal(f->n_got, 1);
	assert_int_equal(sim_state(host(f, 5)->far), SIM_ACTIVE);
}

static void a_twin_has_the_guids_of_another_until_it_is_itself(void **state)
{
	struct fixture *f = *state;
	uint64_t guid = host(f, 5)->guid;
	ib_net64_t node_guid = f->tree.hosts[5]->info.node_guid;

	say(f, "twin H-6 of H-2");
	say(f, "twin H-6 of H-3");
	ask(f, host(f, 5), 1);
	assert_int_equal(answer(f)->node_guid, f->tree.hosts[2]->info.node_guid);
	assert_int_equal(be64toh(answer(f)->port_guid), host(f, 2)->guid);
	say(f, "clear H-6");
	assert_int_equal(host(f, 5)->guid, guid);
	assert_int_equal(f->tree.hosts[5]->info.node_guid, node_guid);
	/* A switch has but one. */
	say(f, "twin L-1 of L-2");
	assert_int_equal(f->tree.leaves[0]->ports[0].guid, f->tree.leaves[1]->ports[0].guid);
	assert_int_equal(f->tree.leaves[0]->ports[1].guid, 0);
	say(f, "clear");
	assert_int_not_equal(f->tree.leaves[0]->ports[0].guid, f->tree.leaves[1]->ports[0].guid);
	assert_int_equal(f->tree.leaves[0]->ports[1].guid, 0);
}

static void a_twin_of_a_switch_has_its_one_guid_once(void **state)
{
	struct fixture *f = *state;
	struct sim_node *two = tree_node(&f->tree, SIM_CA, 2, 'X', 1);
	uint64_t second = two->ports[2].guid;

	say(f, "twin X-1 of L-1");
	assert_int_equal(two->ports[1].guid, f->tree.leaves[0]->ports[0].guid);
	assert_int_equal(two->ports[2].guid, second);
	say(f, "twin L-2 of X-1");
	assert_int_equal(f->tree.leaves[1]->ports[0].guid, two->ports[1].guid);
	assert_int_equal(f->tree.leaves[1]->ports[1].guid, 0);
}

/* ---- by the clock ---------------------------------------------------------------------------- */

static void a_link_flaps_as_often_as_it_was_told(void **state)
{
	struct fixture *f = *state;
	struct sim_port *port = &f->tree.spines[0]->ports[2];

	say(f, "flap S-1[2] 30s down 2s next 2");
	for (unsigned i = 0; i < 2; i++) {
		pass(f, 30 * LOOP_SEC - 1);
		assert_true(sim_link_is_up(port));
		pass(f, 1);
		assert_false(sim_link_is_up(port));
		assert_false(sim_link_is_up(port->far));
		pass(f, 2 * LOOP_SEC - 1);
		assert_false(sim_link_is_up(port));
		pass(f, 1);
		assert_true(sim_link_is_up(port));
		assert_int_equal(sim_state(port), SIM_INIT);
	}
	assert_int_equal(loop_virtual_next(f->tree.loop), UINT64_MAX);
	assert_int_equal(port->counters.link_downed, 2);
	assert_nothing_listed(f);
}

static void a_flap_that_is_cleared_leaves_the_link_whole(void **state)
{
	struct fixture *f = *state;
	struct sim_port *port = &f->tree.spines[0]->ports[2];

	say(f, "flap S-1[2] 30s");
	pass(f, 30 * LOOP_SEC);
	assert_false(sim_link_is_up(port));
	say(f, "clear S-1[2]");
	assert_true(sim_link_is_up(port));
	assert_int_equal(loop_virtual_next(f->tree.loop), UINT64_MAX);
}

static void a_flap_with_jitter_takes_up_to_so_much_longer(void **state)
{
	struct fixture *f = *state;
	uint64_t least[2] = { UINT64_MAX, UINT64_MAX }, most[2] = { 0, 0 };

	say(f, "flap S-1[2] 30s down 30s jitter 10s next 20");
	for (unsigned i = 0; i < 40; i++) {
		uint64_t took = loop_virtual_next(f->tree.loop) - loop_now(f->tree.loop);

		least[i % 2] = MIN(least[i % 2], took);
		most[i % 2] = MAX(most[i % 2], took);
		assert_true(loop_virtual_step(f->tree.loop));
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_in_range(least[i], 30 * LOOP_SEC, 33 * LOOP_SEC);
		assert_in_range(most[i], 37 * LOOP_SEC, 40 * LOOP_SEC);
	}
}

static void take_traps(struct fixture *f)
{
	f->agent = (struct sim_agent){ .mgmt_class = SIM_CLASS_LID,
				       .version = 1,
				       .methods = { UINT64_C(1) << SIM_TRAP } };
	assert_int_equal(sim_register(&f->client, &f->agent), 0);
}

static void forge(struct sim_port *port, uint16_t trap, uint16_t lid)
{
	sim_fault_forge(port, (struct sim_notice){ .trap = trap }, lid);
}

static void a_storm_is_a_trap_over_and_over(void **state)
{
	struct fixture *f = *state;
	const uint8_t *notice = f->got.smp.data;

	take_traps(f);
	say(f, "storm L-3[2] trap 129 every 10ms next 50");
	pass(f, 10 * LOOP_MSEC);
	assert_int_equal(f->n_got, 1);
	assert_int_equal(f->got.mad.method, SIM_TRAP);
	assert_int_equal(f->got.slid, sim_lid(&f->tree.leaves[2]->ports[0]));
	assert_int_equal(notice[0], 0x81);
	assert_int_equal(notice[3], SIM_SWITCH);
	assert_int_equal(notice[5], 129);
	assert_int_equal(notice[7], f->got.slid);
	assert_int_equal(notice[13], f->got.slid);
	assert_int_equal(notice[14], 2);
	pass(f, LOOP_SEC);
	assert_int_equal(f->n_got, 50);
	for (unsigned i = 1; i < 50; i++)
		assert_int_not_equal(f->tids[i], f->tids[i - 1]);
	assert_int_equal(loop_virtual_next(f->tree.loop), UINT64_MAX);
	assert_nothing_listed(f);
}

static void traps_have_their_details(void **state)
{
	struct fixture *f = *state;
	const uint8_t *notice = f->got.smp.data;

	take_traps(f);
	forge(&f->tree.leaves[2]->ports[1], 128, 9);
	assert_int_equal(f->n_got, 1);
	assert_int_equal(notice[11], 9);
	forge(host(f, 5), 144, 6);
	assert_int_equal(notice[0], 0x84);
	assert_memory_equal(notice + 16, &host(f, 5)->info.capability_mask, 4);
	forge(host(f, 5), 145, 6);
	assert_memory_equal(notice + 16, &f->tree.hosts[5]->info.sys_guid, 8);
	forge(host(f, 5), 257, 6);
	assert_int_equal(notice[0], 0x82);
	assert_int_equal(f->n_got, 4);
	/* Nobody told it who its SM is. */
	host(f, 5)->info.master_sm_base_lid = 0;
	forge(host(f, 5), 144, 6);
	host(f, 5)->info.master_sm_base_lid = 0xffff;
	forge(host(f, 5), 144, 6);
	assert_int_equal(f->n_got, 4);
	assert_int_equal(f->tree.fabric->n_packets, 4);
}

static void a_forged_trap_claims_another_sender(void **state)
{
	struct fixture *f = *state;

	take_traps(f);
	say(f, "forge H-6[1] trap 128 lid 0x1234");
	assert_int_equal(f->n_got, 1);
	assert_int_equal(f->got.slid, 0x1234);
	assert_int_equal(f->got.smp.data[6] << 8 | f->got.smp.data[7], 0x1234);
	assert_int_equal(host(f, 5)->counters.xmit_pkts, 1);
}

/* Those of vports are a vendor's, and have their number elsewhere. */
static void traps_of_a_vport_are_of_its_vendor(void **state)
{
	struct fixture *f = *state;
	const uint8_t *notice = f->got.smp.data;

	take_traps(f);
	say(f, "storm H-6[1] trap 1144 vport 65535 every 1ms next 3");
	pass(f, LOOP_SEC);
	assert_int_equal(f->n_got, 3);
	assert_int_equal(notice[0], 4);
	assert_int_equal(notice[7], f->got.slid);
	assert_int_equal(notice[13], f->got.slid);
	assert_int_equal(notice[22] << 8 | notice[23], 65535);
	assert_int_equal(notice[62] << 8 | notice[63], 1144);
	say(f, "forge H-6[1] trap 1257 vport 77 lid 0x1234");
	assert_int_equal(f->got.slid, 0x1234);
	assert_int_equal(notice[0], 2);
	assert_int_equal(notice[60] << 8 | notice[61], 77);
	assert_int_equal(notice[62] << 8 | notice[63], 1257);
}

/* ---- as text --------------------------------------------------------------------------------- */

static void a_fault_of_a_node_is_one_of_all_its_links_both_ways(void **state)
{
	struct fixture *f = *state;
	struct sim_node *spine = f->tree.spines[0];

	say(f, "loss S-1 2.5%");
	for (unsigned n = 1; n <= 3; n++) {
		assert_int_equal(spine->ports[n].faults->rates.loss, 25000);
		assert_int_equal(spine->ports[n].far->faults->rates.loss, 25000);
	}
	say(f, "loss S-1[2] 0% in");
	assert_int_equal(spine->ports[2].faults->rates.loss, 25000);
	assert_int_equal(spine->ports[2].far->faults->rates.loss, 0);
	say(f, "clear S-1");
	for (unsigned n = 1; n <= 3; n++) {
		assert_null(spine->ports[n].faults);
		assert_null(spine->ports[n].far->faults);
	}
}

static void what_is_listed_can_be_read_back(void **state)
{
	static const char *const lines[] = {
		"loss \"H-1\"[1] 10%",
		"duplicate H-2 12ppm",
		"delay L-1[3] 5ms jitter 1ms out",
		"reorder L-1 [4] 1% by 90s",
		"flap \"S-1\"[3] 30s",
		"storm H-3[1] trap 144 every 1h next 4",
		"storm H-4[1] trap 1144 vport 3 every 1s",
		"service \"S-2\" 300us buffer 4",
		"silent \"S-1\"",
		"mute S-1 next 4 set lft 10%",
		"refuse S-1 set portinfo",
		"status S-1 status 3 pma",
		"forget S-1 0xff90",
		"lie \"H-1\" nodeinfo.ports 200",
		"lie H-1 portinfo.state 2 get 50% next 3",
		"tid H-1 portcounters",
		"refuse H-2 0xffb1 get modifier 3 next 2",
		"short S-1 mft 3",
		"garble S-1",
		"garble S-1 version 1%",
		"die S-1 after 5",
		"die S-2 after 5 silent",
		"twin H-4 of H-5",
	};
	struct fixture *f = *state;
	char *before, *after, *copy, *save = NULL;

	for (unsigned i = 0; i < COUNT(lines); i++)
		say(f, lines[i]);
	before = list(f);
	assert_non_null(strstr(before, "lie \"H-1\" 0x11@24:8 0xc8\n"));
	assert_non_null(strstr(before, "mute \"S-1\" lft set 10% next 4\n"));
	assert_non_null(strstr(before, "flap \"S-1\"[3] 30s down 1s jitter 0ns\n"));
	say(f, "clear");
	after = list(f);
	assert_string_equal(after, "");
	free(after);
	copy = strdup(before);
	assert_non_null(copy);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		say(f, line);
	after = list(f);
	assert_string_equal(before, after);
	free(before);
	free(after);
	free(copy);
}

static void a_line_with_a_mistake_has_a_reason_and_does_nothing(void **state)
{
	static const struct {
		const char *line;
		int r;
		const char *why;
	} lines[] = {
		{ "", -EINVAL, "there is nothing in this line" },
		{ "  \t\n", -EINVAL, "there is nothing in this line" },
		{ "frobnicate H-1", -EINVAL, "\"frobnicate\" is no fault that there is" },
		{ "\"loss\" H-1 1%", -EINVAL, "\"loss\" is no fault that there is" },
		{ "loss", -EINVAL, "a node is missing" },
		{ "loss X-1 10%", -ENOENT, "there is no node \"X-1\"" },
		{ "loss H-1[2] 10%", -ENOENT, "\"H-1\" has no port 2" },
		{ "loss H-1[x] 10%", -EINVAL, "\"[x]\" is no port, such as [3]" },
		{ "loss H-1[0] 10%", -ENOENT, "\"H-1\" has no port 0" },
		{ "loss S-1[0] 10%", -EINVAL, "port 0 has no link" },
		{ "loss H-1", -EINVAL, "a chance is missing, such as 10%" },
		{ "loss H-1 10", -EINVAL, "\"10\" is no chance, such as 10%" },
		{ "loss H-1 101%", -EINVAL, "\"101%\" is no chance, such as 10%" },
		{ "loss H-1 -1%", -EINVAL, "\"-1%\" is no chance, such as 10%" },
		{ "loss H-1 nan%", -EINVAL, "\"nan%\" is no chance, such as 10%" },
		{ "loss H-1 10% up", -EINVAL, "\"up\" has no meaning here" },
		{ "loss H-1 10% out in", -EINVAL, "\"in\" has no meaning here" },
		{ "delay H-1", -EINVAL, "a time is missing, such as 300us" },
		{ "delay H-1 10", -EINVAL, "\"10\" is no time, such as 300us" },
		{ "delay H-1 s", -EINVAL, "\"s\" is no time, such as 300us" },
		{ "delay H-1 99999999999h", -EINVAL, "\"99999999999h\" is no time, such as 300us" },
		{ "reorder H-1 1% 3s", -EINVAL, "\"by\" is missing" },
		{ "flap H-1 30s", -EINVAL, "a port is missing, such as \"H-1\"[1]" },
		{ "flap H-1[1] 0s", -EINVAL, "a link cannot flap in no time" },
		{ "flap H-1[1] 1s next 0", -EINVAL, "the next 0 are none" },
		{ "storm H-1[1] trap 128 every 0s", -EINVAL, "a storm cannot be in no time" },
		{ "storm H-1[1] trap 65536 every 1s", -EINVAL,
		  "\"65536\" is no number up to 65535" },
		{ "service S-1 300us buffer many", -EINVAL, "\"many\" is no number up to 65535" },
		{ "silent S-1 sometimes", -EINVAL, "\"sometimes\" has no meaning here" },
		{ "silent S-1 status 3", -EINVAL, "\"status\" has no meaning here" },
		{ "lie S-1", -EINVAL, "a field is missing, such as nodeinfo.ports" },
		{ "lie S-1 nodeinfo.colour 3", -EINVAL,
		  "\"nodeinfo.colour\" is no field, such as nodeinfo.ports" },
		{ "lie S-1 0x11@510:3 3", -EINVAL,
		  "\"0x11@510:3\" is no field, such as nodeinfo.ports" },
		{ "lie S-1 0x100000034@0:4 5", -EINVAL,
		  "\"0x100000034@0:4\" is no field, such as nodeinfo.ports" },
		{ "lie S-1 0x34@0:4294967300 5", -EINVAL,
		  "\"0x34@0:4294967300\" is no field, such as nodeinfo.ports" },
		{ "lie S-1 nodeinfo.ports 256", -EINVAL, "\"256\" is no number up to 255" },
		{ "silent S-1 modifier", -EINVAL, "a number is missing" },
		{ "storm H-1[1] trap 1144 vport x every 1s", -EINVAL,
		  "\"x\" is no number up to 65535" },
		{ "short S-1 vlarb 3", -EINVAL, "a table is missing: lft, mft, pkeys or guidinfo" },
		{ "die S-1 after 3 loudly", -EINVAL, "\"loudly\" has no meaning here" },
		{ "twin S-1 of X", -ENOENT, "there is no node \"X\"" },
		{ "clear S-1 now", -EINVAL, "\"now\" has no meaning here" },
		{ "list", -EINVAL, "\"list\" is no fault that there is" },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < COUNT(lines); i++) {
		int r = sim_fault_parse(f->tree.fabric, lines[i].line, f->reason);
		char *text = list(f);

		if (r != lines[i].r)
			print_message("%s\n", lines[i].line);
		assert_string_equal(text, "");
		free(text);
		assert_int_equal(sim_fault_parse(f->tree.fabric, lines[i].line, f->reason),
				 lines[i].r);
		assert_string_equal(f->reason, lines[i].why);
	}
}

static void lines_of_any_length_and_bytes_are_survived(void **state)
{
	static const char parts[] =
		"loss silent lie [1] [ ] \" 10% 5s next by H-1 S-1 0x11@8:8 %n%s";
	struct fixture *f = *state;
	char line[600];

	for (unsigned i = 0; i < 3000; i++) {
		unsigned n = (unsigned)(xoshiro_next(&f->tree.fabric->random) % sizeof(line));

		for (unsigned c = 0; c < n; c++) {
			uint64_t random = xoshiro_next(&f->tree.fabric->random);

			line[c] = random % 8 ? parts[(c + i) % (sizeof(parts) - 1)]
					     : (char)(1 + random / 8 % 255);
		}
		line[n ? n - 1 : 0] = 0;
		sim_fault_parse(f->tree.fabric, line, f->reason);
		assert_true(strlen(f->reason) < SIM_FAULT_WHY);
	}
}

static void help_names_every_fault(void **state)
{
	static const char *const verbs[] = { "loss",   "duplicate", "delay",   "reorder", "flap",
					     "storm",  "forge",     "service", "silent",  "mute",
					     "refuse", "status",    "forget",  "lie",     "tid",
					     "short",  "garble",    "die",     "twin",    "clear" };
	struct fixture *f = *state;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(sim_fault_command(f->tree.fabric, "help", out, f->reason), 0);
	fclose(out);
	for (unsigned i = 0; i < COUNT(verbs); i++)
		assert_non_null(strstr(text, verbs[i]));
	assert_non_null(strstr(text, "nodeinfo.ports"));
	free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_leaves_a_port_is_lost_and_what_comes_is_not),
		TEST(a_tenth_is_lost),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
		TEST(a_packet_is_doubled_once_on_its_way),
		TEST(a_circle_of_doubled_packets_ends),
		TEST(a_link_delays_and_keeps_the_order),
		TEST(what_is_reordered_is_overtaken),
		TEST(a_cable_that_is_pulled_loses_what_is_on_it),
		TEST(an_agent_serves_one_at_a_time),
		TEST(what_finds_the_buffer_full_is_dropped_and_counted),
		TEST(what_waits_is_lost_with_the_power),
		TEST(what_waits_is_served_when_all_is_well_again),
		TEST(who_hears_of_a_loss_may_clear_the_faults),
		TEST(a_silent_device_answers_nothing_and_forwards_all),
		TEST(a_rule_strikes_as_often_as_it_was_told),
		TEST(a_rule_is_about_its_attribute_class_and_method),
		TEST(a_rule_may_be_about_one_modifier),
		TEST(software_at_a_silent_device_is_not),
		TEST(a_mute_device_does_it_and_does_not_say_so),
		TEST(a_device_lies_about_fields),
		TEST(a_status_is_said_whatever_was_done),
		TEST(the_direction_bit_stays),
		TEST(another_tid_still_finds_its_way),
		TEST(a_set_that_is_refused_is_not_done_and_says_so),
		TEST(of_a_set_chance_decides_once),
		TEST(rules_that_make_no_sense_are_refused),
		TEST(a_set_is_acknowledged_and_forgotten),
		TEST(a_table_ends_before_it_says),
		TEST(what_is_cut_or_of_another_version_does_not_get_in),
		TEST(garbled_bytes_harm_nobody),
		TEST(a_device_dies_after_it_has_done_it),
		TEST(or_it_is_silent_with_its_links_up),
		TEST(a_twin_has_the_guids_of_another_until_it_is_itself),
		TEST(a_twin_of_a_switch_has_its_one_guid_once),
		TEST(a_link_flaps_as_often_as_it_was_told),
		TEST(a_flap_that_is_cleared_leaves_the_link_whole),
		TEST(a_flap_with_jitter_takes_up_to_so_much_longer),
		TEST(a_storm_is_a_trap_over_and_over),
		TEST(traps_have_their_details),
		TEST(a_forged_trap_claims_another_sender),
		TEST(traps_of_a_vport_are_of_its_vendor),
		TEST(a_fault_of_a_node_is_one_of_all_its_links_both_ways),
		TEST(what_is_listed_can_be_read_back),
		TEST(a_line_with_a_mistake_has_a_reason_and_does_nothing),
		TEST(lines_of_any_length_and_bytes_are_survived),
		TEST(help_names_every_fault),
	};

	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
