/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * M_Keys, on virtual time over devices that mean it:
 *
 *	a --1-- switch --2-- b
 *	         3    4
 *	         1-two-2
 *
 * vsm runs on a. Whatever is lost, and whenever vsm is killed, in the end each device has the key
 * of the configuration, vsm knows that, and everybody is Active.
 */

#include "sm/sm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"
#include "tests/unit/fake-fabric.h"
#include "tests/unit/loop-virtual.h"

#define OLD   0x0123456789abcdef
#define NEW   0xfedcba9876543210
#define THIRD 0x3333
#define ALIEN 0xa11e4

struct world {
	struct loop *loop;
	struct fake_fabric *f;
	struct fake_keeper keeper;
	struct sm *sm;
	struct conf conf;
	struct fake_device *hub, *host[2], *two;
	size_t kill_at;               /* so many SMPs; 0: never */
	const struct keeper_ops *own; /* of the keeper, where others are around them */
	unsigned n_forgotten;
	uint64_t crowd_key; /* of all of a crowd but the first, who has OLD */
};

static struct world *world_new(uint64_t seed, unsigned protection)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(loop_virtual_new(seed, &w->loop), 0);
	w->f = fake_fabric_new(w->loop);
	fake_keeper_init(&w->keeper, w->loop);
	conf_init_defaults(&w->conf);
	w->conf.m_key_protection = protection;
	w->hub = fake_add(w->f, "switch", NODE_TYPE_SWITCH, 0x100, FAKE_PORTS);
	w->host[0] = fake_add(w->f, "a", NODE_TYPE_CA, 0x1000, 1);
	w->host[1] = fake_add(w->f, "b", NODE_TYPE_CA, 0x1100, 1);
	w->two = fake_add(w->f, "two", NODE_TYPE_CA, 0x1200, 2);
	fake_link(w->hub, 1, w->host[0], 1);
	fake_link(w->hub, 2, w->host[1], 1);
	fake_link(w->hub, 3, w->two, 1);
	fake_link(w->hub, 4, w->two, 2);
	w->f->self = w->host[0];
	w->f->self_port = 1;
	w->f->user = w;

	return w;
}

static void kill_it(struct world *w)
{
	sm_free(w->sm);
	w->sm = NULL;
	w->f->transport.fn = NULL;
	fake_keeper_kill(&w->keeper);
}

static void world_free(struct world *w)
{
	kill_it(w);
	fake_fabric_free(w->f);
	fake_keeper_done(&w->keeper);
	loop_virtual_free(w->loop);
	free(w);
}

/* -- living -------------------------------------------------------------------------------------
 */

static void on_arrival(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct world *w = user;

	assert_null(why);
	sm_receive(w->sm, arrivals, n);
}

static void run(struct world *w, unsigned seconds)
{
	loop_virtual_run_for(w->loop, seconds * LOOP_SEC);
}

static void begin(struct world *w, uint64_t m_key)
{
	struct sm_setup setup = { .loop = w->loop,
				  .transport = &w->f->transport,
				  .keeper = &w->keeper.keeper,
				  .conf = &w->conf,
				  .user = w };

	kill_it(w);
	w->conf.m_key = m_key;
	w->f->transport.fn = on_arrival;
	w->f->transport.user = w;
	w->f->transport.port_guid = w->f->self->port_guid;
	w->f->transport.port = w->f->self_port;
	assert_int_equal(partitions_default(&setup.partitions), 0);
	assert_int_equal(sm_new(&setup, &w->sm), 0);
	sm_start(w->sm);
}

static void start(struct world *w, uint64_t m_key)
{
	begin(w, m_key);
	run(w, 60);
}

static void see_and_stop(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	(void)smp;
	if (f->n_smps == w->kill_at)
		loop_virtual_stop(w->loop);
}

/* From the next start on: killed when it has sent @n SMPs. False if it does not send as many. */
static bool start_and_kill(struct world *w, uint64_t m_key, size_t n)
{
	w->kill_at = w->f->n_smps + n;
	w->f->see = see_and_stop;
	begin(w, m_key);
	run(w, 60);
	w->f->see = NULL;
	kill_it(w);

	return w->f->n_smps == w->kill_at;
}

/* -- looking ------------------------------------------------------------------------------------
 */

/* Ports with a key of their own are numbered from the first to the last. */
static unsigned first_key(const struct fake_device *device)
{
	return device->type == NODE_TYPE_SWITCH ? 0 : 1;
}

static unsigned last_key(const struct fake_device *device)
{
	return device->type == NODE_TYPE_SWITCH ? 0 : device->n_ports;
}

static uint64_t key_of(const struct fake_device *device, unsigned port)
{
	return wire_get(device->port[port].info, PORT_INFO_MKEY);
}

static bool keeps(const struct kept_mkey *kept, unsigned n, const struct fake_device *device,
		  unsigned port, uint64_t mkey)
{
	uint64_t guid = device->port_guid + port - first_key(device);

	for (unsigned i = 0; i < n; i++)
		if (kept[i].guid == guid && (kept[i].mkey == mkey || kept[i].other == mkey))
			return true;

	return false;
}

/* What is set is on disk, and what it replaces still is. */
static void see_keys(struct fake_fabric *f, const struct fake_smp *smp)
{
	const struct world *w = f->user;
	const struct fake_keeper *k = &w->keeper;
	const struct fake_device *device = smp->device;
	unsigned port = MIN(smp->in_port, last_key(device));
	uint64_t mkey = wire_get(smp->data, PORT_INFO_MKEY);
	uint64_t held = key_of(device, port);

	if (smp->method != METHOD_SET || smp->attr != ATTR_PORT_INFO || mkey == 0 ||
	    (device == w->hub && (smp->modifier & 0xff) != 0))
		return;
	assert_true(keeps(k->safe_mkeys, k->n_safe_mkeys, device, port, mkey));
	assert_true(held == 0 || keeps(k->safe_mkeys, k->n_safe_mkeys, device, port, held));
}

static void assert_kept(const struct world *w, uint64_t mkey)
{
	for (unsigned i = 0; i < w->f->n_devices; i++) {
		const struct fake_device *device = w->f->device[i];

		for (unsigned p = first_key(device); p <= last_key(device); p++)
			assert_true(keeps(w->keeper.mkeys, w->keeper.n_mkeys, device, p, mkey));
	}
	for (unsigned i = 0; i < w->keeper.n_mkeys; i++)
		assert_true(w->keeper.mkeys[i].other == 0);
}

static const char *reason_of(const struct world *w, const struct fake_device *device)
{
	const struct fabric *f = sm_fabric(w->sm);
	uint32_t number = fabric_find_node(f, device->guid);

	assert_int_not_equal(number, NO_NODE);

	return reason_key((enum reason)f->nodes[number].reason);
}

static void assert_up(const struct world *w, const struct fake_device *except)
{
	struct sm_status status;

	sm_status(w->sm, &status);
	assert_int_equal(status.phase, PHASE_REST);
	for (unsigned i = 0; i < w->f->n_devices; i++) {
		const struct fake_device *device = w->f->device[i];

		for (uint8_t p = 1; p <= device->n_ports; p++) {
			const struct fake_port *port = &device->port[p];

			if (!port->far || port->unplugged || device == except ||
			    port->far == except)
				continue;
			if (fake_state(device, p) != PORT_ACTIVE)
				fail_msg("%s port %u is in state %u", device->name, p,
					 fake_state(device, p));
		}
	}
}

static void assert_keys(const struct world *w, uint64_t key, const struct fake_device *except)
{
	for (unsigned i = 0; i < w->f->n_devices; i++) {
		const struct fake_device *device = w->f->device[i];

		for (unsigned p = first_key(device); p <= last_key(device); p++)
			if (device != except && key_of(device, p) != key)
				fail_msg("%s port %u has the M_Key 0x%llx", device->name, p,
					 (unsigned long long)key_of(device, p));
	}
}

/* All have @key, are Active, and vsm knows: the next start finds nothing to do and to keep. */
static void assert_good(struct world *w, uint64_t key)
{
	unsigned writes;

	assert_up(w, NULL);
	assert_keys(w, key, NULL);
	for (unsigned i = 0; i < w->f->n_devices; i++)
		assert_string_equal(reason_of(w, w->f->device[i]), "none");
	if (key != 0)
		assert_kept(w, key);
	writes = w->keeper.n_writes;
	w->f->n_smps = 0;
	start(w, key);
	assert_up(w, NULL);
	for (size_t i = 0; i < w->f->n_smps; i++)
		assert_int_equal(w->f->smps[i].method, METHOD_GET);
	assert_int_equal(w->keeper.n_writes, writes);
}

/* -- keys change --------------------------------------------------------------------------------
 */

static void a_first_key_a_new_one_and_none_are_set_at_all_levels(void **state)
{
	static const uint64_t keys[] = { 0, OLD, NEW, THIRD, 0, NEW };

	(void)state;
	for (unsigned protection = 0; protection <= 3; protection++) {
		struct world *w = world_new(protection, protection);

		for (size_t i = 0; i < COUNT(keys); i++) {
			w->f->see = see_keys;
			start(w, keys[i]);
			w->f->see = NULL;
			assert_good(w, keys[i]);
		}
		world_free(w);
	}
}

/* The device has the new key, and vsm does not know: all answers to the first n Sets are lost. */
static void a_new_key_whose_answers_are_lost_is_found(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 4 * 3 * 2 * 4 * 2; n++) {
		struct world *w = world_new(n, n % 4);
		struct fake_device *device =
			(struct fake_device *[]){ w->hub, w->host[1], w->two }[n / 4 % 3];
		unsigned lost[] = { 1, w->conf.tries, 2 * w->conf.tries, 10 };

		start(w, n / 12 % 2 ? OLD : 0);
		device->loses = (struct fake_fault){ .method = METHOD_SET,
						     .attr = ATTR_PORT_INFO,
						     .count = lost[n / 24 % 4],
						     .undone = n / 96 };
		w->f->see = see_keys;
		start(w, NEW);
		w->f->see = NULL;
		assert_true(device->loses.count < lost[n / 24 % 4]);
		run(w, 600); /* who hears nothing for long is tried less and less often */
		assert_good(w, NEW);
		world_free(w);
	}
}

/* Killed after each SMP in turn, with the answers to Sets lost or not, then started again. */
static void kill_everywhere(unsigned protection, uint64_t before, uint64_t wanted, uint64_t after,
			    bool lost)
{
	for (size_t n = 1, more = 1; more; n++) {
		struct world *w = world_new(n, protection);

		start(w, before);
		if (lost)
			for (unsigned i = 0; i < w->f->n_devices; i++)
				w->f->device[i]->loses = (struct fake_fault){
					.method = METHOD_SET, .attr = ATTR_PORT_INFO, .count = 1000
				};
		more = start_and_kill(w, wanted, n) && n < 200;
		for (unsigned i = 0; i < w->f->n_devices; i++)
			w->f->device[i]->loses.count = 0;
		w->f->see = see_keys;
		start(w, after);
		w->f->see = NULL;
		assert_good(w, after);
		world_free(w);
	}
}

static void killed_while_a_key_is_set_it_is_found_again(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 8; n++) {
		kill_everywhere(n % 4, 0, NEW, NEW, n / 4);
		kill_everywhere(n % 4, OLD, NEW, NEW, n / 4);
		kill_everywhere(n % 4, OLD, 0, 0, n / 4);
	}
}

static void killed_while_a_key_is_set_a_third_one_can_be_set(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 8; n++) {
		kill_everywhere(n % 4, OLD, NEW, THIRD, n / 4);
		kill_everywhere(n % 4, OLD, NEW, OLD, n / 4);
		kill_everywhere(n % 4, OLD, NEW, 0, n / 4);
	}
}

static void lose_some(struct world *w)
{
	for (unsigned i = 0; i < w->f->n_devices; i++)
		w->f->device[i]->loses =
			(struct fake_fault){ .method = METHOD_SET,
					     .attr = ATTR_PORT_INFO,
					     .from = (unsigned)loop_random(w->loop) % 3,
					     .count = (unsigned)loop_random(w->loop) % 10,
					     .undone = loop_random(w->loop) % 3 == 0 };
}

static void killed_again_and_again_with_answers_lost_it_loses_no_key(void **state)
{
	static const uint64_t keys[] = { OLD, NEW, THIRD, 0 };

	(void)state;
	for (uint64_t n = 0; n <= 60; n++) {
		/* 282: keys of probes whose turn it is, and the answers to them, never met. */
		uint64_t seed = n < 60 ? n : 282;
		struct world *w = world_new(seed, seed % 4);
		uint64_t key = OLD;

		start(w, key);
		for (unsigned i = 0; i < 12; i++) {
			lose_some(w);
			key = keys[loop_random(w->loop) % COUNT(keys)];
			start_and_kill(w, key, 1 + loop_random(w->loop) % 150);
		}
		start(w, key);
		run(w, 240);
		assert_good(w, key);
		world_free(w);
	}
}

static void one_try_a_request_is_enough(void **state)
{
	(void)state;
	for (unsigned protection = 0; protection <= 3; protection++) {
		struct world *w = world_new(protection, protection);

		w->conf.tries = 1;
		start(w, OLD);
		start_and_kill(w, NEW, 48);
		start(w, NEW);
		assert_good(w, NEW);
		world_free(w);
	}
}

/* The window is full of silence, and the request engine asks our own device whether it lives. */
static void our_own_device_is_asked_with_its_key(void **state)
{
	struct world *w = world_new(1, 2);
	uint8_t *own = w->host[0]->port[1].info;
	unsigned n = 0;

	(void)state;
	w->conf.max_smps = 2;
	w->conf.max_smps_per_device = 1;
	start(w, OLD);
	start(w, NEW);
	wire_set(own, PORT_INFO_MKEY_VIOLATIONS, 0);
	w->f->n_smps = 0;
	w->host[1]->silent = w->two->silent = true;
	sm_sweep(w->sm, true);
	run(w, 1);
	for (size_t i = 0; i < w->f->n_smps; i++)
		n += w->f->smps[i].device == w->host[0] && w->f->smps[i].attr == ATTR_NODE_INFO;
	assert_true(n > 1);
	assert_int_equal(wire_get(own, PORT_INFO_MKEY_VIOLATIONS), 0);
	world_free(w);
}

/* -- keys of others -----------------------------------------------------------------------------
 */

static void set_key(struct fake_device *device, unsigned port, uint64_t key, unsigned protection)
{
	wire_set(device->port[port].info, PORT_INFO_MKEY, key);
	wire_set(device->port[port].info, PORT_INFO_MKEY_PROTECT, protection);
}

/* Another vsm, whose store we have not. */
static void the_key_of_the_configuration_is_tried_whatever_is_kept(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 12; n++) {
		struct world *w = world_new(n, n % 4);

		start(w, n / 4 == 2 ? 0 : OLD);
		if (n / 4 == 1)
			start_and_kill(w, THIRD, 48);
		set_key(w->host[1], 1, NEW, n % 4);
		set_key(w->hub, 0, NEW, n % 4);
		start(w, NEW);
		assert_good(w, NEW);
		world_free(w);
	}
}

static void a_device_with_a_key_of_somebody_else_has_the_reason_and_others_come_up(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 8; n++) {
		struct world *w = world_new(n, 1);
		struct fake_device *device = w->host[1];

		set_key(device, 1, ALIEN, n % 4);
		start(w, n / 4 ? NEW : 0);
		assert_up(w, n % 4 ? device : NULL);
		assert_keys(w, n / 4 ? NEW : 0, n % 4 ? device : NULL);
		if (n % 4 == 1)
			assert_string_equal(reason_of(w, device), "mkey-hidden");
		if (n % 4)
			set_key(device, 1, 0, 0); /* by who has it */
		run(w, 60);
		assert_good(w, n / 4 ? NEW : 0);
		world_free(w);
	}
}

static void a_lease_that_runs_out_gives_us_the_device(void **state)
{
	(void)state;
	for (unsigned protection = 1; protection <= 3; protection++) {
		struct world *w = world_new(protection, 1);

		set_key(w->host[1], 1, ALIEN, protection);
		wire_set(w->host[1]->port[1].info, PORT_INFO_MKEY_LEASE, 90);
		start(w, NEW);
		assert_up(w, w->host[1]);
		assert_true(key_of(w->host[1], 1) == ALIEN);
		run(w, 90);
		assert_good(w, NEW);
		world_free(w);
	}
}

static void a_device_that_restarts_without_a_key_gets_ours(void **state)
{
	(void)state;
	for (unsigned protection = 0; protection <= 3; protection++) {
		struct world *w = world_new(protection, protection);

		start(w, OLD);
		start(w, NEW);
		fake_restart(w->host[1]);
		run(w, 60);
		assert_good(w, NEW);
		world_free(w);
	}
}

static void a_port_that_was_away_for_two_changes_gets_the_third_key(void **state)
{
	(void)state;
	for (unsigned protection = 0; protection <= 3; protection++) {
		struct world *w = world_new(protection, protection);

		start(w, OLD);
		fake_unplug(w->hub, 2);
		fake_unplug(w->hub, 4); /* of two; the other port is there */
		start(w, NEW);
		start(w, THIRD);
		fake_plug(w->hub, 2);
		fake_plug(w->hub, 4);
		run(w, 120);
		assert_good(w, THIRD);
		world_free(w);
	}
}

/* -- who never comes again ----------------------------------------------------------------------
 */

#define STRANGER UINT64_C(0x5000000000000000)

/* The keeper has keys of as many as there may be beside its own. */
static void read_crowd(struct keeper *k, const struct keep_reader *reader, void *user)
{
	struct world *w = CONTAINER_OF(k, struct world, keeper.keeper);

	for (uint64_t i = 1; i <= KEEP_DEVICES_MAX; i++)
		reader->mkey(user, &(struct kept_mkey){ .guid = STRANGER + i,
							.mkey = i == 1 ? OLD : w->crowd_key });
	w->own->read(k, reader, user);
}

/* Who came first is forgotten first. */
static int keep_key_of_crowd(struct keeper *k, const struct kept_mkey *mkey)
{
	struct world *w = CONTAINER_OF(k, struct world, keeper.keeper);

	if (mkey->mkey)
		return w->own->mkey(k, mkey);
	assert_true(mkey->guid == STRANGER + ++w->n_forgotten);

	return 0;
}

/* All of the fabric come up, and as many of the crowd are forgotten. */
static void comes_up_at_the_limit(struct world *w)
{
	struct keeper_ops ops = *w->keeper.keeper.ops;
	unsigned n_before = w->n_forgotten, n_ports = 0;

	w->own = w->keeper.keeper.ops;
	ops.read = read_crowd;
	ops.mkey = keep_key_of_crowd;
	w->keeper.keeper.ops = &ops;
	start(w, NEW);
	assert_up(w, NULL);
	assert_keys(w, NEW, NULL);
	assert_kept(w, NEW);
	for (unsigned i = 0; i < w->f->n_devices; i++)
		n_ports += 1 + last_key(w->f->device[i]) - first_key(w->f->device[i]);
	assert_int_equal(w->n_forgotten - n_before, n_ports);
	world_free(w);
}

static void at_the_limit_keys_of_strangers_are_forgotten_for_those_who_are_there(void **state)
{
	struct world *w = world_new(1, 3);

	(void)state;
	w->crowd_key = OLD;
	comes_up_at_the_limit(w);
}

/* Those of the configured one: another may be known from nobody else after a restart. */
static void at_the_limit_the_last_of_another_key_is_not_forgotten(void **state)
{
	struct world *w = world_new(1, 3);

	(void)state;
	w->crowd_key = NEW;
	w->n_forgotten = 1; /* the first, with OLD, is not */
	comes_up_at_the_limit(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_key_a_new_one_and_none_are_set_at_all_levels),
		cmocka_unit_test(a_new_key_whose_answers_are_lost_is_found),
		cmocka_unit_test(killed_while_a_key_is_set_it_is_found_again),
		cmocka_unit_test(killed_while_a_key_is_set_a_third_one_can_be_set),
		cmocka_unit_test(killed_again_and_again_with_answers_lost_it_loses_no_key),
		cmocka_unit_test(one_try_a_request_is_enough),
		cmocka_unit_test(our_own_device_is_asked_with_its_key),
		cmocka_unit_test(the_key_of_the_configuration_is_tried_whatever_is_kept),
		cmocka_unit_test(
			a_device_with_a_key_of_somebody_else_has_the_reason_and_others_come_up),
		cmocka_unit_test(a_lease_that_runs_out_gives_us_the_device),
		cmocka_unit_test(a_device_that_restarts_without_a_key_gets_ours),
		cmocka_unit_test(a_port_that_was_away_for_two_changes_gets_the_third_key),
		cmocka_unit_test(
			at_the_limit_keys_of_strangers_are_forgotten_for_those_who_are_there),
		cmocka_unit_test(at_the_limit_the_last_of_another_key_is_not_forgotten),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
