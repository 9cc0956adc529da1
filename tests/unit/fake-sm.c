/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "tests/unit/fake-sm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/macros.h"
#include "conf/additions.h"
#include "sm/multicast.h"
#include "sm/reservations.h"
#include "sm/services.h"
#include "sm/subscriptions.h"
#include "sm/vf.h"

#define TABLE_SIZE 64

struct sm {
	struct fake fake;
	struct fabric fabric;
	struct sm_status status;
	struct conf conf;
	struct partitions *given, *partitions;
	struct additions *added;
	struct requests *requests;
	struct event_log *events;
	struct transport transport;
	struct loop *loop;
	struct datagram sent;
	struct reservations reservations;
	struct services services;
	struct subscriptions subscriptions;
	struct kept_move move; /* the only one; or GUID 0 */
	struct sm_traps traps;
	struct sm_phase_time times[PHASE_COUNT];
	struct sm_change change;
	struct loop_timer *disk;
	struct waiter {
		void (*fn)(void *user, int result);
		void *user;
	} waiters[64];
	unsigned n_waiters;
	struct group_book groups;
	uint8_t tables[4][TABLE_SIZE]; /* of the first nodes, which are the switches */
};

/* -- what sm/ has -------------------------------------------------------------------------------
 */

void sm_sweep(struct sm *sm, bool full)
{
	if (full)
		sm->fake.full_sweeps++;
	else
		sm->fake.sweeps++;
}

const struct fabric *sm_fabric(const struct sm *sm)
{
	return &sm->fabric;
}

const struct conf *sm_conf(const struct sm *sm)
{
	return &sm->conf;
}

const struct partitions *sm_partitions(const struct sm *sm)
{
	return sm->partitions;
}

const struct requests *sm_requests(const struct sm *sm)
{
	return sm->requests;
}

const struct event_log *sm_events(const struct sm *sm)
{
	return sm->events;
}

void sm_status(const struct sm *sm, struct sm_status *ret)
{
	*ret = sm->status;
}

const struct services *sm_services(const struct sm *sm)
{
	return &sm->services;
}

const struct subscriptions *sm_subscriptions(const struct sm *sm)
{
	return &sm->subscriptions;
}

void sm_reports(const struct sm *sm, struct sm_reports *ret)
{
	(void)sm;
	*ret = (struct sm_reports){ .sent = 9, .acknowledged = 7, .lost = 1, .waiting = 2 };
}

const struct sm_traps *sm_traps(const struct sm *sm)
{
	return &sm->traps;
}

const struct sm_phase_time *sm_phase_times(const struct sm *sm)
{
	return sm->times;
}

const struct sm_change *sm_last_change(const struct sm *sm)
{
	return sm->change.reconcile ? &sm->change : NULL;
}

uint8_t sm_service_level(const struct sm *sm, uint32_t a, uint32_t b)
{
	(void)sm;
	(void)a;
	(void)b;
	return 0;
}

int sm_path_level(const struct sm *sm, struct endpoint from, struct endpoint to)
{
	(void)from;
	(void)to;
	return sm->fake.level;
}

uint8_t sm_route(const struct sm *sm, uint32_t sw, unsigned lid)
{
	if (sw >= COUNT(sm->tables) || lid >= TABLE_SIZE)
		return ROUTE_NONE;

	return sm->tables[sw][lid];
}

/* Everybody is in the default partition; host1 and host2 are in another, with a hole before it. */
unsigned sm_planned_pkeys(const struct sm *sm, uint32_t port, uint16_t *ret, unsigned room)
{
	uint64_t guid = sm->fabric.ports[port].guid;
	const uint16_t keys[] = { 0xffff, 0, guid == 0x101 ? 0x8002 : 0x0002 };
	unsigned n = guid == 0x101 || guid == 0x201 ? 3 : 1;

	memcpy(ret, keys, MIN(n, room) * sizeof(keys[0]));

	return n;
}

unsigned sm_planned_pkeys_of_vf(const struct sm *sm, uint32_t port, unsigned index, uint16_t *ret,
				unsigned room)
{
	(void)sm;
	(void)port;
	(void)index;
	if (room > 0)
		ret[0] = 0x8002;

	return 1;
}

bool sm_not_kept(const struct sm *sm, uint32_t port, unsigned n, const char **ret_setting,
		 uint64_t *ret_wanted, uint64_t *ret_held)
{
	static const char *const settings[] = { "subnet timeout", "M_Key" };
	static const uint64_t wanted[] = { 18, 0x5ec4e7 }, held[] = { 0, 0x01d };

	if (sm->fabric.ports[port].guid != 0x401 || n >= COUNT(settings))
		return false;
	*ret_setting = settings[n];
	*ret_wanted = wanted[n];
	*ret_held = held[n];

	return true;
}

int sm_change_partition(struct sm *sm, const struct sm_partition_change *change, sm_partition_fn fn,
			void *user)
{
	struct fake *fake = &sm->fake;

	if (fake->fn)
		return -EBUSY;
	if (change->n_guids > COUNT(fake->guids))
		return -ENOMEM;
	fake->change = *change;
	if (change->n_guids)
		memcpy(fake->guids, change->guids, change->n_guids * sizeof(fake->guids[0]));
	fake->change.guids = fake->guids;
	fake->name[0] = 0;
	if (change->name)
		snprintf(fake->name, sizeof(fake->name), "%s", change->name);
	fake->change.name = fake->name;
	fake->fn = fn;
	fake->user = user;

	return 0;
}

/* Partitions 0x2 and 0x3 have been changed in the generation that is to come. */
uint64_t sm_partition_generation(const struct sm *sm, uint16_t pkey)
{
	return pkey == 2 || pkey == 3 ? 13 : sm->status.generation;
}

bool sm_key_is_applied(const struct sm *sm, struct endpoint e, uint16_t pkey,
		       const struct partition *partition, enum reason *ret)
{
	(void)pkey;
	(void)partition;
	*ret = REASON_PKEYS_REFUSED;

	return endpoint_guid(&sm->fabric, e) != sm->fake.unapplied;
}

bool sm_peer(const struct sm *sm, unsigned n, struct sm_peer *ret)
{
	(void)sm;
	*ret = (struct sm_peer){ .guid = 0x601, .lid = 9, .priority = 3, .state = SM_STANDBY };

	return n == 0;
}

/* -- what is reserved ---------------------------------------------------------------------------
 */

int sm_reserve(struct sm *sm, const struct kept_reservation *wanted, char why[static SM_WHY_SIZE])
{
	uint32_t port = fabric_find_lid(&sm->fabric, wanted->lid);

	if (sm->status.state != SM_MASTER) {
		strcpy(why, "not master");
		return -EPERM;
	}
	if (wanted->lid != 0 && port != NO_PORT && sm->fabric.ports[port].guid != wanted->guid) {
		snprintf(why, SM_WHY_SIZE, "LID %u belongs to somebody", wanted->lid);
		return -EEXIST;
	}

	return reservations_put(&sm->reservations, wanted);
}

int sm_release(struct sm *sm, uint64_t guid, char why[static SM_WHY_SIZE])
{
	if (sm->status.state != SM_MASTER) {
		strcpy(why, "not master");
		return -EPERM;
	}
	reservations_remove(&sm->reservations, guid);

	return 0;
}

const struct kept_reservation *sm_reservation(const struct sm *sm, uint64_t n)
{
	return n < sm->reservations.n ? &sm->reservations.all[n] : NULL;
}

const struct kept_reservation *sm_reservation_of(const struct sm *sm, uint64_t guid)
{
	return reservations_find(&sm->reservations, guid);
}

int sm_move(struct sm *sm, uint64_t guid, uint64_t to, char why[static SM_WHY_SIZE])
{
	uint32_t port = fabric_find_port(&sm->fabric, to);

	if (sm->status.state != SM_MASTER) {
		strcpy(why, "not master");
		return -EPERM;
	}
	if (port == NO_PORT) {
		strcpy(why, "no such port");
		return -EINVAL;
	}
	if (guid != to)
		sm->move = (struct kept_move){ guid, to };

	return 0;
}

int sm_move_cancel(struct sm *sm, uint64_t guid, char why[static SM_WHY_SIZE])
{
	(void)why;
	if (sm->move.guid == guid)
		sm->move = (struct kept_move){ 0 };

	return 0;
}

uint64_t sm_moving_to(const struct sm *sm, uint64_t guid)
{
	return sm->move.guid == guid ? sm->move.port : 0;
}

const struct kept_move *sm_move_at(const struct sm *sm, uint64_t n)
{
	return n == 0 && sm->move.guid ? &sm->move : NULL;
}

bool sm_move_state(const struct sm *sm, uint64_t guid, struct sm_move_state *ret)
{
	uint32_t at = endpoint_find(&sm->fabric, guid).port;

	if (guid == 0 || sm->move.guid != guid)
		return false;
	*ret = (struct sm_move_state){ .to = sm->move.port,
				       .since = at == NO_PORT ? 0
							      : loop_now(sm->loop) - 60 * LOOP_SEC,
				       .keys = true,
				       .routes = at == NO_PORT,
				       .waits_for = at == NO_PORT ? SM_MOVE_START : SM_MOVE_LEAVE };

	return true;
}

/* All ports have the first rule, or none. */
unsigned sm_vf_limit(const struct sm *sm, uint32_t pf, unsigned *ret_entry)
{
	const struct vf_policies *policies = &sm_conf(sm)->virtual_functions;

	(void)pf;
	*ret_entry = policies->n > 0;

	return policies->n > 0 ? policies->policy[0].max : 16;
}

uint16_t sm_lid_of(const struct sm *sm, uint64_t guid)
{
	const struct kept_reservation *reserved = reservations_find(&sm->reservations, guid);
	uint32_t port = fabric_find_port(&sm->fabric, guid);

	if (reserved && reserved->lid)
		return reserved->lid;

	return port == GUID_MAP_NONE ? 0 : sm->fabric.ports[port].lid;
}

int sm_when_kept(struct sm *sm, void (*fn)(void *user, int result), void *user)
{
	if (sm->n_waiters == COUNT(sm->waiters))
		return -ENOMEM;
	sm->waiters[sm->n_waiters++] = (struct waiter){ fn, user };
	if (!sm->fake.disk_waits)
		loop_timer_set(sm->disk, loop_now(sm->loop));

	return 0;
}

void fake_keep(struct fake *fake, int result)
{
	struct sm *sm = fake->sm;

	while (sm->n_waiters > 0) {
		struct waiter first = sm->waiters[0];

		memmove(sm->waiters, sm->waiters + 1, --sm->n_waiters * sizeof(first));
		first.fn(first.user, result);
	}
}

static void on_disk(void *user)
{
	struct sm *sm = user;

	fake_keep(&sm->fake, 0);
}

/* -- the fabric ---------------------------------------------------------------------------------
 */

static uint32_t add_node(struct sm *sm, uint64_t guid, uint8_t type, uint8_t n_ports,
			 const char *name)
{
	uint32_t number = 0;
	struct node *node;

	if (fabric_add_node(&sm->fabric, guid, type, n_ports, &number) < 0)
		abort();
	node = &sm->fabric.nodes[number];
	node->present = true;
	node->system_guid = guid;
	node->vendor_id = 0x2c9;
	node->device_id = 0x1003;
	node->since = loop_now(sm->loop) - 100 * LOOP_SEC;
	snprintf(node->description, sizeof(node->description), "%s", name);
	for (unsigned i = 0; i <= n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		port->known = port->present = true;
		port->since = loop_now(sm->loop) - 7265 * LOOP_SEC;
		if ((type == NODE_TYPE_SWITCH) == (i == 0)) {
			port->guid = guid + i;
			guid_map_put(&sm->fabric.by_port_guid, port->guid, port_at(node, i));
		}
		wire_set(port->info, PORT_INFO_STATE, i ? PORT_DOWN : PORT_ACTIVE);
		wire_set(port->info, PORT_INFO_PHYS_STATE, i ? PHYS_POLLING : PHYS_LINK_UP);
		port->reason = i ? REASON_NO_LINK : REASON_NONE;
		wire_set(port->info, PORT_INFO_CAPABILITIES, CAP_EXTENDED_SPEEDS);
		wire_set(port->info, PORT_INFO_WIDTH_SUPPORTED, 1 | 2);
		wire_set(port->info, PORT_INFO_SPEED_SUPPORTED, 7);
		wire_set(port->info, PORT_INFO_SPEED_EXT_SUPPORTED, 1 | 2);
	}

	return number;
}

static uint32_t port_number(const struct sm *sm, uint64_t node, unsigned port)
{
	return port_at(&sm->fabric.nodes[fabric_find_node(&sm->fabric, node)], port);
}

static void set_lid(struct sm *sm, uint64_t node, unsigned port, uint16_t lid)
{
	uint32_t number = port_number(sm, node, port);

	sm->fabric.ports[number].lid = lid;
	wire_set(sm->fabric.ports[number].info, PORT_INFO_LID, lid);
	sm->fabric.by_lid[lid] = number;
}

/* 4X EDR, MTU 4096. */
static void set_up(struct sm *sm, uint32_t port, enum port_state state)
{
	uint8_t *info = sm->fabric.ports[port].info;

	sm->fabric.ports[port].reason = REASON_NONE;
	wire_set(info, PORT_INFO_STATE, state);
	wire_set(info, PORT_INFO_PHYS_STATE, PHYS_LINK_UP);
	wire_set(info, PORT_INFO_WIDTH_ACTIVE, 2);
	wire_set(info, PORT_INFO_SPEED_EXT_ACTIVE, 2);
	wire_set(info, PORT_INFO_NEIGHBOR_MTU, 5);
}

static void connect(struct sm *sm, uint64_t a, unsigned a_port, uint64_t b, unsigned b_port)
{
	uint32_t x = port_number(sm, a, a_port), y = port_number(sm, b, b_port);

	fabric_connect(&sm->fabric, x, y);
	set_up(sm, x, PORT_ACTIVE);
	set_up(sm, y, PORT_ACTIVE);
}

static void slow_down(struct sm *sm, uint64_t node, unsigned port)
{
	uint8_t *info = sm->fabric.ports[port_number(sm, node, port)].info;

	wire_set(info, PORT_INFO_WIDTH_ACTIVE, 1);
	wire_set(info, PORT_INFO_SPEED_EXT_ACTIVE, 0);
	wire_set(info, PORT_INFO_SPEED_ACTIVE, 4);
	wire_set(info, PORT_INFO_NEIGHBOR_MTU, 4);
}

static void make_nodes(struct sm *sm)
{
	add_node(sm, 0x10, NODE_TYPE_SWITCH, 4, "MF0;spine:MSB7700/U1");
	add_node(sm, 0x20, NODE_TYPE_SWITCH, 8, "leaf1");
	add_node(sm, 0x30, NODE_TYPE_SWITCH, 8, "leaf2");
	add_node(sm, 0x100, NODE_TYPE_CA, 1, "host1 HCA-1");
	add_node(sm, 0x200, NODE_TYPE_CA, 1, "host2 HCA-1");
	add_node(sm, 0x300, NODE_TYPE_CA, 2, "host3 HCA-1");
	add_node(sm, 0x400, NODE_TYPE_CA, 1, "host4 HCA-1");
	add_node(sm, 0x500, NODE_TYPE_CA, 1, "twin");
	add_node(sm, 0x600, NODE_TYPE_ROUTER, 1, "twin");
	set_lid(sm, 0x10, 0, 1);
	set_lid(sm, 0x20, 0, 2);
	set_lid(sm, 0x30, 0, 3);
	set_lid(sm, 0x100, 1, 4);
	set_lid(sm, 0x200, 1, 5);
	set_lid(sm, 0x300, 1, 6);
	set_lid(sm, 0x400, 1, 8);
}

static void make_links(struct sm *sm)
{
	struct port *silent;

	connect(sm, 0x20, 7, 0x10, 1);
	connect(sm, 0x30, 7, 0x10, 2);
	connect(sm, 0x20, 1, 0x100, 1);
	connect(sm, 0x20, 2, 0x200, 1);
	connect(sm, 0x30, 1, 0x300, 1);
	connect(sm, 0x30, 2, 0x400, 1);
	slow_down(sm, 0x30, 1);
	slow_down(sm, 0x300, 1);
	set_up(sm, port_number(sm, 0x400, 1), PORT_INITIALIZE);
	set_up(sm, port_number(sm, 0x30, 2), PORT_ARMED);
	sm->fabric.ports[port_number(sm, 0x400, 1)].reason = REASON_SET_REFUSED;
	sm->fabric.ports[port_number(sm, 0x400, 1)].status = STATUS_BAD_FIELD;
	sm->fabric.ports[port_number(sm, 0x400, 1)].refusals = 2;
	sm->fabric.ports[port_number(sm, 0x400, 1)].set_fault =
		(struct fault){ .again = 4, .reason = REASON_SET_REFUSED, .failures = 2 };
	sm->fabric.ports[port_number(sm, 0x30, 2)].reason = REASON_WAITING_FOR_NEIGHBOR;
	silent = &sm->fabric.ports[port_number(sm, 0x30, 3)];
	set_up(sm, port_number(sm, 0x30, 3), PORT_INITIALIZE);
	silent->reason = REASON_NEIGHBOR_SILENT;
	sm->fabric.local_port = port_number(sm, 0x100, 1);
}

static void make_tables(struct sm *sm)
{
	static const uint8_t spine[] = { 0xff, 0, 1, 2, 1, 1, 2, 0xff, 2 };
	static const uint8_t leaf1[] = { 0xff, 7, 0, 7, 1, 2, 0xff, 0xff, 7 };
	static const uint8_t leaf2[] = { 0xff, 7, 7, 0, 7, 7, 1, 0xff, 2 };

	memset(sm->tables, ROUTE_NONE, sizeof(sm->tables));
	memcpy(sm->tables[0], spine, sizeof(spine));
	memcpy(sm->tables[1], leaf1, sizeof(leaf1));
	memcpy(sm->tables[2], leaf2, sizeof(leaf2));
}

static void make_pkeys(struct sm *sm)
{
	uint8_t block[SMP_DATA_SIZE] = { 0 };

	wire_set16(block, 0, 0xffff);
	if (pkey_table_set_block(&sm->fabric.ports[port_number(sm, 0x100, 1)].pkeys, 0, block) < 0)
		abort();
}

/* -- requests -----------------------------------------------------------------------------------
 */

static int catch (struct transport *t, const struct datagram *d, const struct address *to,
		  unsigned timeout_ms)
{
	struct sm *sm = CONTAINER_OF(t, struct sm, transport);

	(void)to;
	(void)timeout_ms;
	sm->sent = *d;

	return 0;
}

static const struct transport_ops transport_ops = { .send = catch };

static bool ask(void *user, struct sma *sma, struct request *ret)
{
	struct sm *sm = user;

	(void)sma;
	if (sm->status.sweeps > 0)
		return false;
	sm->status.sweeps++;
	*ret = (struct request){ .method = METHOD_GET, .attr = ATTR_PORT_INFO };

	return true;
}

static void take(void *user, struct sma *sma, const struct answer *answer)
{
	(void)user;
	(void)sma;
	(void)answer;
}

/* One PortInfo is asked and answered, so that there is something to count. */
static void make_requests(struct sm *sm)
{
	static const struct request_handler handler = { .next = ask, .done = take };
	struct arrival arrival = { 0 };

	sm->transport.ops = &transport_ops;
	if (requests_new(sm->loop, &sm->transport, &handler, sm, &sm->requests) < 0)
		abort();
	requests_make_ready(sm->requests, &sm->fabric.nodes[0].sma);
	requests_pump(sm->requests);
	arrival.datagram = sm->sent;
	wire_make_response(&arrival.datagram, STATUS_OK);
	requests_receive(sm->requests, &arrival);
}

void fake_stand_still(struct fake *fake)
{
	static const struct request_limits one = {
		.window = 1, .window_per_sma = 1, .tries = 8, .min_timeout_ms = 1000
	};
	struct sm *sm = fake->sm;

	requests_set_limits(sm->requests, &one);
	sm->status.sweeps = 0;
	requests_make_ready(sm->requests, &sm->fabric.nodes[0].sma);
	requests_pump(sm->requests);
}

/* -- partitions ---------------------------------------------------------------------------------
 */

/* As new_name() of sm/partition.c has it: who is removed has none any more. */
static const char *name_after(const struct sm *sm, const struct sm_partition_change *change)
{
	if (change->remove)
		return change->n_guids == 0 && additions_name(sm->added, change->pkey) ? "" : NULL;

	return change->name[0] ? change->name : NULL;
}

static void use_change(struct sm *sm)
{
	const struct sm_partition_change *change = &sm->fake.change;
	struct addition members[COUNT(sm->fake.guids)];
	struct addition_change c = { .pkey = change->pkey,
				     .clear = change->remove && change->n_guids == 0,
				     .name = name_after(sm, change),
				     .members = members };
	struct additions *next = NULL;

	for (size_t i = 0; i < change->n_guids; i++)
		members[i] = (struct addition){ change->guids[i], change->pkey,
						(uint8_t)(change->remove ? PARTITION_NO_MEMBER
									 : change->membership),
						change->index0 };
	c.n = additions_reduce(sm->added, members, change->n_guids);
	if (additions_change(sm->added, &c, &next) < 0)
		abort();
	additions_free(sm->added);
	sm->added = next;
	partitions_free(sm->partitions);
	if (partitions_compose(sm->given, sm->added, &sm->partitions) < 0)
		abort();
}

void fake_finish_change(struct fake *fake, int error, const char *why)
{
	struct sm_partition_result result = { .error = error, .generation = 13, .changed = true };
	sm_partition_fn fn = fake->fn;

	result.n_changed = (uint32_t)fake->change.n_guids;
	if (why)
		snprintf(result.why, sizeof(result.why), "%s", why);
	if (!error)
		use_change(fake->sm);
	fake->fn = NULL;
	fn(fake->user, &result);
}

/* -- life ---------------------------------------------------------------------------------------
 */

static void make_status(struct sm *sm)
{
	sm->status = (struct sm_status){
		.state = SM_MASTER,
		.phase = PHASE_REST,
		.generation = 12,
		.applied = 12,
		.came_up = true,
		.nodes = 9,
		.switches = 3,
		.hcas = 5,
		.routers = 1,
		.ports_active = 10,
		.ports_not_active = 3,
		.lids_used = 7,
		.lids_spare = 20,
		.lids_free = 49124,
		.lids_total = 49151,
		.sweeps = 3,
		.sweep_started = loop_now(sm->loop) - 12 * LOOP_SEC,
		.sweep_took = 84 * LOOP_MSEC,
		.sweep_due = loop_now(sm->loop) + 5 * LOOP_SEC,
		.engine = "updn",
		.routing_why = "The roots were found from the graph.",
	};
}

/* Somebody tries P_Keys; and a cable was pulled. */
static void make_story(struct sm *sm)
{
	struct sm_traps *traps = &sm->traps;

	traps->number[traps->n_numbers++] = (struct sm_trap_number){ 257, 1000 };
	traps->number[traps->n_numbers++] = (struct sm_trap_number){ 128, 3 };
	traps->source[traps->n_sources++] = (struct sm_trap_source){ 4, 1000 };
	traps->source[traps->n_sources++] = (struct sm_trap_source){ 900, 5 };
	traps->impossible[SM_TRAP_OF_NOBODY] = 5;
	sm->times[PHASE_DISCOVER] = (struct sm_phase_time){ 1500 * LOOP_USEC, 9 * LOOP_MSEC };
	sm->change = (struct sm_change){ .reconcile = 3,
					 .cause = 2,
					 .at = 7 * LOOP_SEC,
					 .took = { [PHASE_DISCOVER] = 2 * LOOP_MSEC },
					 .smps = 40,
					 .sets = 6,
					 .blocks = 4,
					 .until_set = 12345 * LOOP_USEC };
}

struct fake *fake_new(struct loop *loop)
{
	static const char partitions[] = "Default=0x7fff, ipoib : ALL=full ;\n"
					 "blue=0x2 : 0x101=full, 0x201, 0xdead=full ;\n";
	struct sm *sm = calloc(1, sizeof(*sm));

	if (!sm)
		return NULL;
	sm->loop = loop;
	if (fabric_init(&sm->fabric) < 0 || event_log_new(loop, NULL, NULL, &sm->events) < 0)
		abort();
	if (loop_timer_new(loop, on_disk, sm, &sm->disk) < 0)
		abort();
	conf_init_defaults(&sm->conf);
	services_init(&sm->services);
	subscriptions_init(&sm->subscriptions);
	strcpy(sm->conf.node_name_map, "/nonexistent");
	if (partitions_parse(partitions, strlen(partitions), "partitions.conf",
			     &(struct partition_options){ 0 }, &sm->given, NULL) < 0 ||
	    additions_make(NULL, 0, NULL, 0, &sm->added) < 0 ||
	    partitions_compose(sm->given, sm->added, &sm->partitions) < 0)
		abort();
	make_nodes(sm);
	make_links(sm);
	make_tables(sm);
	make_pkeys(sm);
	make_requests(sm);
	make_status(sm);
	make_story(sm);
	sm->fake.sm = sm;
	sm->fake.status = &sm->status;
	sm->fake.conf = &sm->conf;
	sm->fake.fabric = &sm->fabric;
	sm->fake.events = sm->events;

	return &sm->fake;
}

static void add_service(struct sm *sm, uint64_t id, uint64_t guid, uint64_t lapses_at,
			const char *name)
{
	struct service s = { .row = id, .lapses_at = lapses_at, .by = { guid, guid, 0 } };

	wire_set(s.record, SERVICE_ID, id);
	wire_set64(s.record + 8, 0, UINT64_C(0xfe80000000000000));
	wire_set64(s.record + 8, 1, guid);
	wire_set(s.record, SERVICE_PKEY, 0xffff);
	s.record[32] = name[0] != 0;
	snprintf((char *)s.record + 48, 64, "%s", name);
	if (!services_add(&sm->services, &s))
		abort();
}

static struct subscriber *add_subscription(struct sm *sm, uint64_t guid, uint32_t qpn,
					   unsigned trap, unsigned first, unsigned last)
{
	struct subscriber to = { .by = { guid, guid, 0 }, .qpn = qpn };
	uint8_t info[INFORM_INFO_SIZE] = { 0 };
	struct subscription *s;

	wire_set(info, INFORM_GENERIC, 1);
	wire_set(info, INFORM_SUBSCRIBE, 1);
	wire_set(info, INFORM_TYPE, 0xffff);
	wire_set(info, INFORM_PRODUCER, 0xffffff);
	wire_set(info, INFORM_TRAP, trap);
	wire_set(info, INFORM_LID_BEGIN, first);
	wire_set(info, INFORM_LID_END, last);
	s = subscriptions_add(&sm->subscriptions, &to, trap, info);
	if (!s)
		abort();

	return s->to;
}

void fake_add_registrations(struct fake *fake)
{
	struct sm *sm = fake->sm;
	struct subscriber *to;

	add_service(sm, 7, 0x101, 0, "");
	add_service(sm, 8, 0x301, loop_now(sm->loop) + 90 * LOOP_SEC, "storage \033[0m");
	add_service(sm, UINT64_C(0x1000000000000009), 0x9999, 0, "gone");
	add_subscription(sm, 0x101, 1, 64, 0xffff, 0);
	add_subscription(sm, 0x201, 72, 0xffff, 4, 0);
	to = add_subscription(sm, 0x201, 73, 144, 1, 0xbfff);
	to->reported = 5;
	to->lost = 2;
	to->failures = 3;
	add_subscription(sm, 0x9999, 1, 65, 0xffff, 0);
}

void fake_free(struct fake *fake)
{
	struct sm *sm = fake->sm;

	fake_keep(fake, -ECANCELED);
	loop_timer_free(sm->disk);
	reservations_done(&sm->reservations);
	group_book_done(&sm->groups);
	services_done(&sm->services);
	subscriptions_done(&sm->subscriptions);
	requests_free(sm->requests);
	event_log_free(sm->events);
	partitions_free(sm->partitions);
	partitions_free(sm->given);
	additions_free(sm->added);
	fabric_done(&sm->fabric);
	free(sm);
}

/* -- multicast ----------------------------------------------------------------------------------
 */

const struct group_book *sm_groups(const struct sm *sm)
{
	return &sm->groups;
}

const char *sm_group_obstacle(const struct sm *sm, const struct group *group, uint64_t guid)
{
	(void)group;
	return endpoint_find(&sm->fabric, guid).port == NO_PORT ? "It is not there." : NULL;
}

uint32_t sm_group_switches(const struct sm *sm, const struct group *group)
{
	(void)sm;
	return group->n > 1 ? 2 : 0;
}

bool sm_group_is_written(const struct sm *sm, const struct group *group)
{
	(void)sm;
	return group->is_given;
}

static void add_group(struct sm *sm, uint16_t mlid, const uint64_t *guids, unsigned n)
{
	struct group group = { .q_key = 0x0b1b,
			       .pkey = 0xffff,
			       .mlid = mlid,
			       .mtu = 4,
			       .rate = 3,
			       .is_given = mlid == MLID_FIRST,
			       .creator = mlid == MLID_FIRST ? 0 : guids[0] };
	struct group *added;

	mgid_of_broadcast(0x7fff, SCOPE_LINK_LOCAL, group.mgid);
	group.mgid[15] = (uint8_t)(0xff - (mlid - MLID_FIRST));
	if (group_add(&sm->groups, &group, &added) < 0)
		abort();
	for (unsigned i = 0; i < n; i++) {
		struct group_member member = { .guid = guids[i],
					       .states = i == 2 ? JOIN_NON | JOIN_SEND_ONLY_FULL
								: JOIN_FULL,
					       .proxy = i == 1 };

		if (group_put_member(&sm->groups, added, &member) < 0)
			abort();
	}
}

void fake_add_groups(struct fake *fake)
{
	static const uint64_t guids[] = { 0x101, 0x201, 0x301, 0xbad };

	add_group(fake->sm, MLID_FIRST, guids, COUNT(guids));
	add_group(fake->sm, MLID_FIRST + 1, guids, 1);
	add_group(fake->sm, MLID_FIRST + 2, guids, 1);
}

void fake_grow(struct fake *fake, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t guid = 0x1000000 + 0x100 * i;

		add_node(fake->sm, guid, NODE_TYPE_CA, 1, "one of many");
		set_up(fake->sm, port_number(fake->sm, guid, 1), PORT_ACTIVE);
	}
}

void fake_route(struct fake *fake, uint64_t node, unsigned lid, uint8_t port)
{
	fake->sm->tables[fabric_find_node(fake->fabric, node)][lid] = port;
}

/* -- virtual functions --------------------------------------------------------------------------
 */

static struct vf *start_vf(struct sm *sm, uint32_t port, unsigned index, uint64_t guid)
{
	struct vf *vf = vf_at(&sm->fabric, port, index);

	vf->known = true;
	vf->state = PORT_ACTIVE;
	vf->since = loop_now(sm->loop) - 60 * LOOP_SEC;
	vf_set_guid(&sm->fabric, (struct endpoint){ port, (uint16_t)index }, guid);

	return vf;
}

static void stop_vf(struct vf *vf, enum port_state state, enum reason reason)
{
	vf->state = state;
	vf->reason = reason;
}

static void make_vports(struct sm *sm, uint32_t port)
{
	uint8_t block[SMP_DATA_SIZE] = { 0 };
	struct vf *vf;

	if (vfs_make(&sm->fabric, port, VF_VPORT, 8) < 0)
		abort();
	wire_set(sm->fabric.ports[port].vfs->info, VIRT_INFO_ENABLE, 1);
	wire_set(sm->fabric.ports[port].vfs->info, VIRT_INFO_REVISION, 9);
	start_vf(sm, port, 0, 0);
	for (unsigned i = 1; i < 8; i++)
		start_vf(sm, port, i, i == 3 ? 0 : FAKE_VF(i));
	vf = vf_at(&sm->fabric, port, 1);
	wire_set(vf->info, VPORT_INFO_LID_REQUIRED, 1);
	vf->lid = 20;
	vf->partition_cap = 32;
	sm->fabric.by_lid[20] = port;
	strcpy(vf->description, "vm1 HCA-1");
	wire_set16(block, 0, 0x8002);
	if (pkey_table_set_block(&vf->pkeys, 0, block) < 0)
		abort();
	stop_vf(vf_at(&sm->fabric, port, 3), PORT_DOWN, REASON_VF_NO_GUID);
	vf_set_guid(&sm->fabric, (struct endpoint){ port, 4 }, FAKE_VF(1));
	stop_vf(vf_at(&sm->fabric, port, 4), PORT_INITIALIZE, REASON_VF_DUPLICATE_GUID);
	stop_vf(vf_at(&sm->fabric, port, 5), PORT_DOWN, REASON_VF_NOT_STARTED);
	vf = vf_at(&sm->fabric, port, 6);
	stop_vf(vf, PORT_INITIALIZE, REASON_VF_REFUSED);
	vf->set_fault = (struct fault){ .again = 4, .reason = REASON_VF_REFUSED, .failures = 2 };
	vf->status = STATUS_BAD_FIELD;
	wire_set(vf_at(&sm->fabric, port, 7)->info, VPORT_INFO_LID_INDEX, 1);
}

static void make_shared(struct sm *sm, uint32_t port)
{
	if (vfs_make(&sm->fabric, port, VF_SHARED, 3) < 0)
		abort();
	start_vf(sm, port, 1, 0x1400010000000201);
	vf_at(&sm->fabric, port, 2)->wanted = 0x1400020000000201;
}

static void make_virtual_switch(struct sm *sm)
{
	struct port *nameless;

	add_node(sm, 0x700, NODE_TYPE_SWITCH, 4, "guesthost vswitch");
	add_node(sm, 0x710, NODE_TYPE_CA, 1, "guesthost HCA-1");
	add_node(sm, 0x1600010000000710, NODE_TYPE_CA, 1, "guest1 HCA-1");
	for (uint32_t i = sm->fabric.n_nodes - 3; i < sm->fabric.n_nodes; i++)
		sm->fabric.nodes[i].system_guid = 0x710;
	connect(sm, 0x20, 3, 0x700, 1);
	connect(sm, 0x700, 2, 0x710, 1);
	connect(sm, 0x700, 3, 0x1600010000000710, 1);
	set_lid(sm, 0x700, 0, 10);
	set_lid(sm, 0x710, 1, 11);
	set_lid(sm, 0x1600010000000710, 1, 12);
	nameless = &sm->fabric.ports[port_number(sm, 0x700, 4)];
	set_up(sm, port_number(sm, 0x700, 4), PORT_INITIALIZE);
	nameless->reason = REASON_BAD_NODE_INFO;
}

void fake_add_vfs(struct fake *fake)
{
	struct sm *sm = fake->sm;

	make_vports(sm, port_number(sm, 0x100, 1));
	make_shared(sm, port_number(sm, 0x200, 1));
	if (vfs_settle_guids(&sm->fabric) < 0)
		abort();
	make_virtual_switch(sm);
}
