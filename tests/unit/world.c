/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "tests/unit/world.h"

struct world *world_new(uint64_t seed)
{
	static const char *const names[HOSTS] = { "a", "b", "c", "d" };
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(loop_virtual_new(seed, &w->loop), 0);
	w->f = fake_fabric_new(w->loop);
	fake_keeper_init(&w->keeper, w->loop);
	conf_init_defaults(&w->conf);
	w->conf.sweep_interval = 0;
	w->west = fake_add(w->f, "west", NODE_TYPE_SWITCH, 0x100, FAKE_PORTS);
	w->east = fake_add(w->f, "east", NODE_TYPE_SWITCH, 0x200, FAKE_PORTS);
	fake_link(w->west, TRUNK, w->east, TRUNK);
	for (unsigned i = 0; i < HOSTS; i++) {
		w->host[i] = fake_add(w->f, names[i], NODE_TYPE_CA, 0x1000 + 0x100 * i, 1);
		fake_link(w->host[i], 1, i < 2 ? w->west : w->east, (uint8_t)(1 + i % 2));
	}
	w->f->self = w->host[0];
	w->f->self_port = 1;

	return w;
}

int world_make(void **state)
{
	*state = world_new(1);

	return 0;
}

void world_stop(struct world *w)
{
	sm_free(w->sm);
	w->sm = NULL;
	w->f->transport.fn = NULL;
	assert_int_equal(w->keeper.n_waiters, 0); /* nobody waits for the disk any more */
}

void world_free(struct world *w)
{
	world_stop(w);
	partitions_free(w->partitions);
	fake_fabric_free(w->f);
	fake_keeper_done(&w->keeper);
	loop_virtual_free(w->loop);
	free(w);
}

int world_done(void **state)
{
	world_free(*state);

	return 0;
}

/* -- living -------------------------------------------------------------------------------------
 */

static void on_arrival(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct world *w = user;

	assert_null(why);
	sm_receive(w->sm, arrivals, n);
}

static void on_settled(void *user)
{
	((struct world *)user)->settled++;
}

static void on_named(void *user)
{
	((struct world *)user)->named++;
}

void world_run(struct world *w, unsigned seconds)
{
	loop_virtual_run_for(w->loop, seconds * LOOP_SEC);
}

void world_begin(struct world *w)
{
	static const struct sm_listener listener = { .settled = on_settled, .named = on_named };
	struct sm_setup setup = { .loop = w->loop,
				  .transport = &w->f->transport,
				  .keeper = &w->keeper.keeper,
				  .conf = &w->conf,
				  .listener = &listener,
				  .user = w };

	world_stop(w);
	w->f->transport.fn = on_arrival;
	w->f->transport.user = w;
	w->f->transport.port_guid = w->f->self->port_guid + w->f->self_port - 1u;
	w->f->transport.port = w->f->self_port;
	if (!w->partitions)
		assert_int_equal(partitions_default(&w->partitions), 0);
	setup.partitions = TAKE(w->partitions);
	assert_int_equal(sm_new(&setup, &w->sm), 0);
	sm_start(w->sm);
}

void world_start(struct world *w)
{
	world_begin(w);
	world_run(w, 5);
}

size_t world_mark(const struct world *w)
{
	return w->f->n_smps;
}

struct partitions *world_parse(const char *text)
{
	struct partition_options options = { 0 };
	struct partitions *partitions = NULL;

	assert_int_equal(partitions_parse(text, strlen(text), "test", &options, &partitions, NULL),
			 0);

	return partitions;
}

/* -- looking ------------------------------------------------------------------------------------
 */

unsigned world_count(const struct world *w, size_t from, const struct fake_device *device,
		     uint8_t method, uint16_t attr)
{
	unsigned n = 0;

	for (size_t i = from; i < w->f->n_smps; i++) {
		const struct fake_smp *smp = &w->f->smps[i];

		n += smp->method == method && (attr == 0 || smp->attr == attr) &&
		     (!device || smp->device == device);
	}

	return n;
}

unsigned world_sets(const struct world *w, size_t from)
{
	return world_count(w, from, NULL, METHOD_SET, 0);
}

void assert_active(const struct world *w, const struct fake_device *except)
{
	for (unsigned i = 0; i < w->f->n_devices; i++) {
		const struct fake_device *device = w->f->device[i];

		for (uint8_t p = 1; p <= device->n_ports; p++)
			if (fake_is_up(device, p) && device != except &&
			    device->port[p].far != except && fake_state(device, p) != PORT_ACTIVE)
				fail_msg("%s port %u is in state %u", device->name, p,
					 fake_state(device, p));
	}
}

static bool is_end(const struct fake_device *device, uint8_t port)
{
	return device->type == NODE_TYPE_SWITCH ? port == 0 : fake_is_up(device, port);
}

void assert_reaches(const struct fake_device *from, uint8_t port, const struct fake_device *to,
		    uint8_t to_port)
{
	unsigned lmc = (unsigned)wire_get(to->port[to_port].info, PORT_INFO_LMC);
	uint8_t in_port = 0;

	for (unsigned i = 0; i < 1u << lmc; i++) {
		uint16_t lid = (uint16_t)(fake_lid(to, to_port) + i);

		assert_int_not_equal(lid, 0);
		if (fake_follow(from, port, lid, &in_port) != to)
			fail_msg("%s does not reach LID %u of %s", from->name, lid, to->name);
		if (to_port != 0)
			assert_int_equal(in_port, to_port);
	}
}

void assert_all_reach_all(const struct world *w, const struct fake_device *except)
{
	for (unsigned i = 0; i < w->f->n_devices; i++) {
		for (unsigned j = 0; j < w->f->n_devices; j++) {
			const struct fake_device *from = w->f->device[i], *to = w->f->device[j];

			if (from == to || from == except || to == except)
				continue;
			for (uint8_t p = 1; p <= from->n_ports; p++)
				for (uint8_t q = 0; q <= to->n_ports; q++)
					if (from->type != NODE_TYPE_SWITCH && is_end(from, p) &&
					    is_end(to, q))
						assert_reaches(from, p, to, q);
		}
	}
}

static struct sm_status status_of(const struct world *w)
{
	struct sm_status status;

	sm_status(w->sm, &status);

	return status;
}

/* Nothing is wrong with a device, and with each of its cables that does not lead to @except. */
static void assert_no_reason(const struct world *w, const struct fake_device *device,
			     const struct fake_device *except)
{
	for (uint8_t p = 0; p <= device->n_ports; p++) {
		if (p == 0 ? device->type != NODE_TYPE_SWITCH
			   : !fake_is_up(device, p) || device->port[p].far == except)
			continue;
		if (strcmp(world_reason(w, device, p), "none") != 0)
			fail_msg("%s port %u has the reason %s", device->name, p,
				 world_reason(w, device, p));
	}
}

void assert_good(const struct world *w, const struct fake_device *except)
{
	struct sm_status status = status_of(w);

	assert_up(w, except);
	for (unsigned i = 0; i < w->f->n_devices; i++)
		if (w->f->device[i] != except)
			assert_no_reason(w, w->f->device[i], except);
	if (!except)
		assert_int_equal(status.ports_not_active, 0);
}

void assert_up(const struct world *w, const struct fake_device *except)
{
	struct sm_status status = status_of(w);

	assert_int_equal(status.phase, PHASE_REST);
	assert_int_equal(status.state, SM_MASTER);
	assert_int_equal(status.applied, status.generation);
	assert_active(w, except);
	assert_all_reach_all(w, except);
}

enum sm_state world_state(const struct world *w)
{
	return status_of(w).state;
}

uint64_t world_sweeps(const struct world *w)
{
	return status_of(w).sweeps;
}

const struct port *world_port(const struct world *w, const struct fake_device *device,
			      unsigned port)
{
	const struct fabric *f = sm_fabric(w->sm);
	uint32_t node = fabric_find_node(f, device->guid);

	assert_int_not_equal(node, NO_NODE);

	return &f->ports[port_at(&f->nodes[node], port)];
}

const char *world_reason(const struct world *w, const struct fake_device *device, unsigned port)
{
	return reason_key((enum reason)world_port(w, device, port)->reason);
}
