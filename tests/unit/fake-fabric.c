/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Agents as strict as the strictest that we know: Armed is taken only by a port that is Initialize,
 * Active only by one that is Armed, all else is an invalid field (0x1c); port 0 of a switch takes
 * no state; nobody takes a LID that is none; a port of an adapter is set only by what arrives
 * there; who comes with a wrong M_Key gets no answer, or no M_Key in it, until a lease runs out. A
 * request is seen when it is sent, its answer arrives a latency later.
 */

#include "tests/unit/fake-fabric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* -- devices ------------------------------------------------------------------------------------
 */

static void *must(void *memory)
{
	if (!memory)
		abort();

	return memory;
}

static void set_link(struct fake_port *port, bool up)
{
	wire_set(port->info, PORT_INFO_STATE, up ? PORT_INITIALIZE : PORT_DOWN);
	wire_set(port->info, PORT_INFO_PHYS_STATE, up ? PHYS_LINK_UP : PHYS_POLLING);
}

/* As it comes out of the box. */
static void reset_port(struct fake_device *device, unsigned number)
{
	struct fake_port *port = &device->port[number];
	uint8_t *info = port->info;

	memset(info, 0, sizeof(port->info));
	memset(port->keys, 0, sizeof(port->keys));
	port->lease_ends = 0;
	port->keys[0] = 0xffff;
	wire_set(info, PORT_INFO_CAPABILITIES, CAP_EXTENDED_SPEEDS | CAP_REREGISTER);
	wire_set(info, PORT_INFO_WIDTH_SUPPORTED, 3);
	wire_set(info, PORT_INFO_WIDTH_ENABLED, 3);
	wire_set(info, PORT_INFO_WIDTH_ACTIVE, 2);
	wire_set(info, PORT_INFO_SPEED_SUPPORTED, 7);
	wire_set(info, PORT_INFO_SPEED_ENABLED, 7);
	wire_set(info, PORT_INFO_SPEED_ACTIVE, 4);
	wire_set(info, PORT_INFO_SPEED_EXT_SUPPORTED, 3);
	wire_set(info, PORT_INFO_SPEED_EXT_ENABLED, 3);
	wire_set(info, PORT_INFO_SPEED_EXT_ACTIVE, 2);
	wire_set(info, PORT_INFO_MTU_CAP, 5);
	wire_set(info, PORT_INFO_NEIGHBOR_MTU, 4);
	wire_set(info, PORT_INFO_VL_CAP, 3);
	wire_set(info, PORT_INFO_DOWN_DEFAULT, PHYS_POLLING);
	set_link(port, number == 0 || fake_is_up(device, (uint8_t)number));
	if (number == 0)
		wire_set(info, PORT_INFO_STATE, PORT_ACTIVE);
}

static void reset(struct fake_device *device)
{
	uint8_t *info = device->switch_info;

	for (unsigned i = 0; i <= device->n_ports; i++)
		reset_port(device, i);
	memset(info, 0, SMP_DATA_SIZE);
	memset(device->lft, 0xff, sizeof(device->lft));
	wire_set(info, SWITCH_INFO_LINEAR_CAP, FAKE_LIDS);
	wire_set(info, SWITCH_INFO_ENFORCE_CAP, FAKE_KEYS);
	wire_set(info, SWITCH_INFO_INBOUND, 1);
	wire_set(info, SWITCH_INFO_OUTBOUND, 1);
	wire_set(info, SWITCH_INFO_STATE_CHANGE, 1);
}

struct fake_device *fake_add(struct fake_fabric *f, const char *name, uint8_t type, uint64_t guid,
			     uint8_t n_ports)
{
	struct fake_device *device = must(calloc(1, sizeof(*device)));

	*device = (struct fake_device){ .name = name,
					.guid = guid,
					.port_guid = type == NODE_TYPE_SWITCH ? guid : guid + 1,
					.type = type,
					.n_ports = n_ports };
	reset(device);
	f->device[f->n_devices++] = device;

	return device;
}

static void link_changed(struct fake_device *device, unsigned port, bool up)
{
	set_link(&device->port[port], up);
	wire_set(device->switch_info, SWITCH_INFO_STATE_CHANGE, 1);
}

static void cable_changed(struct fake_device *device, uint8_t number, bool up)
{
	struct fake_port *port = &device->port[number];

	port->unplugged = port->far->port[port->far_port].unplugged = !up;
	link_changed(device, number, up);
	link_changed(port->far, port->far_port, up);
}

void fake_link(struct fake_device *a, uint8_t a_port, struct fake_device *b, uint8_t b_port)
{
	if (a->port[a_port].far || b->port[b_port].far)
		abort();
	a->port[a_port].far = b;
	a->port[a_port].far_port = b_port;
	b->port[b_port].far = a;
	b->port[b_port].far_port = a_port;
	cable_changed(a, a_port, true);
}

void fake_unplug(struct fake_device *device, uint8_t port)
{
	cable_changed(device, port, false);
}

void fake_plug(struct fake_device *device, uint8_t port)
{
	cable_changed(device, port, true);
}

void fake_restart(struct fake_device *device)
{
	reset(device);
	for (unsigned i = 1; i <= device->n_ports; i++)
		if (device->port[i].far && !device->port[i].unplugged)
			link_changed(device->port[i].far, device->port[i].far_port, true);
}

bool fake_is_up(const struct fake_device *device, uint8_t port)
{
	const struct fake_port *p = &device->port[port];

	return p->far && !p->unplugged;
}

enum port_state fake_state(const struct fake_device *device, uint8_t port)
{
	return (enum port_state)wire_get(device->port[port].info, PORT_INFO_STATE);
}

uint16_t fake_lid(const struct fake_device *device, uint8_t port)
{
	return (uint16_t)wire_get(device->port[port].info, PORT_INFO_LID);
}

void fake_add_sm(struct fake_device *device, enum sm_state state, uint8_t priority)
{
	uint8_t *info = device->port[1].info;

	device->sm_state = (uint8_t)state;
	device->sm_priority = priority;
	wire_set(info, PORT_INFO_CAPABILITIES, wire_get(info, PORT_INFO_CAPABILITIES) | CAP_IS_SM);
}

static bool has_lid(const struct fake_device *device, uint8_t port, uint16_t lid)
{
	unsigned lmc = (unsigned)wire_get(device->port[port].info, PORT_INFO_LMC);

	return lid >> lmc == fake_lid(device, port) >> lmc;
}

const struct fake_device *fake_follow(const struct fake_device *device, uint8_t port, uint16_t lid,
				      uint8_t *ret_in_port)
{
	for (unsigned hops = 0; hops < 16; hops++) {
		const struct fake_port *out;

		if (port == 0 || port > device->n_ports || !device->port[port].far ||
		    fake_state(device, port) != PORT_ACTIVE)
			return NULL;
		out = &device->port[port];
		device = out->far;
		*ret_in_port = out->far_port;
		if (device->type != NODE_TYPE_SWITCH)
			return has_lid(device, *ret_in_port, lid) ? device : NULL;
		if (has_lid(device, 0, lid))
			return device->lft[lid] == 0 ? device : NULL;
		port = device->lft[lid];
	}

	return NULL;
}

/* -- agents -------------------------------------------------------------------------------------
 */

static const enum wire_field end_fields[] = {
	PORT_INFO_MKEY,       PORT_INFO_PREFIX,         PORT_INFO_LID,
	PORT_INFO_SM_LID,     PORT_INFO_SM_SL,          PORT_INFO_LMC,
	PORT_INFO_MKEY_LEASE, PORT_INFO_SUBNET_TIMEOUT, PORT_INFO_MKEY_PROTECT,
};
static const enum wire_field link_fields[] = {
	PORT_INFO_NEIGHBOR_MTU,
	PORT_INFO_OPERATIONAL_VLS,
	PORT_INFO_PHY_ERRORS,
	PORT_INFO_OVERRUN_ERRORS,
};
static const enum wire_field out_fields[] = {
	PORT_INFO_HOQ_LIFE,
	PORT_INFO_VL_STALL,
	PORT_INFO_ENFORCE_IN,
	PORT_INFO_ENFORCE_OUT,
};
static const enum wire_field wish_fields[] = {
	PORT_INFO_DOWN_DEFAULT,
	PORT_INFO_WIDTH_ENABLED,
	PORT_INFO_SPEED_ENABLED,
	PORT_INFO_SPEED_EXT_ENABLED,
};

static void take_fields(const struct fake_device *device, uint8_t *info, const uint8_t *data,
			const enum wire_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!device->forgets_something || device->forgets != fields[i])
			wire_set(info, fields[i], wire_get(data, fields[i]));
}

static bool is_end(const struct fake_device *device, unsigned port)
{
	return (device->type == NODE_TYPE_SWITCH) == (port == 0);
}

static bool is_unicast(uint64_t lid)
{
	return lid >= LID_UNICAST_FIRST && lid <= LID_UNICAST_LAST;
}

static uint16_t set_state(struct fake_device *device, unsigned number, uint64_t wanted)
{
	struct fake_port *port = &device->port[number];
	uint64_t now = wire_get(port->info, PORT_INFO_STATE);

	if (wanted == PORT_NO_CHANGE)
		return STATUS_OK;
	if (number == 0 || (wanted != PORT_DOWN && wanted != now + 1))
		return STATUS_BAD_FIELD;
	if (wanted == PORT_DOWN)
		cable_changed(device, (uint8_t)number, !device->trains_slowly);
	else
		wire_set(port->info, PORT_INFO_STATE, wanted);

	return STATUS_OK;
}

static uint16_t set_port_info(struct fake_device *device, unsigned number, const uint8_t *data)
{
	uint8_t *info = device->port[number].info;
	uint16_t status;

	if (is_end(device, number) && !is_unicast(wire_get(data, PORT_INFO_LID)))
		return STATUS_BAD_FIELD;
	status = set_state(device, number, wire_get(data, PORT_INFO_STATE));

	if (status != STATUS_OK)
		return status;
	if (is_end(device, number))
		take_fields(device, info, data, end_fields, COUNT(end_fields));
	if (number > 0)
		take_fields(device, info, data, link_fields, COUNT(link_fields));
	if (number > 0 && !is_end(device, number))
		take_fields(device, info, data, out_fields, COUNT(out_fields));
	for (size_t i = 0; i < COUNT(wish_fields); i++)
		if (wire_get(data, wish_fields[i]) != 0)
			take_fields(device, info, data, &wish_fields[i], 1);

	return STATUS_OK;
}

static uint16_t port_info(struct fake_device *device, const struct fake_smp *smp, uint8_t *data)
{
	unsigned number = smp->modifier & 0xff;

	if (number == 0 && device->type != NODE_TYPE_SWITCH)
		number = smp->in_port;
	if (number > device->n_ports ||
	    (device->no_extended && (smp->modifier & MODIFIER_EXTENDED_SPEEDS)))
		return STATUS_BAD_FIELD;
	if (smp->method == METHOD_SET) {
		uint16_t status = STATUS_BAD_FIELD;

		if (device->type == NODE_TYPE_SWITCH || number == smp->in_port)
			status = set_port_info(device, number, data);
		if (status != STATUS_OK)
			return status;
	}
	memcpy(data, device->port[number].info, SMP_DATA_SIZE);
	wire_set(data, PORT_INFO_LOCAL_PORT, smp->in_port);
	if (smp->method == METHOD_GET && wire_get(data, PORT_INFO_MKEY) != smp->mkey &&
	    wire_get(data, PORT_INFO_MKEY_PROTECT) == 1)
		wire_set(data, PORT_INFO_MKEY, 0);

	return STATUS_OK;
}

static uint16_t node_info(struct fake_device *device, const struct fake_smp *smp, uint8_t *data)
{
	bool is_switch = device->type == NODE_TYPE_SWITCH;

	memset(data, 0, SMP_DATA_SIZE);
	wire_set(data, NODE_INFO_BASE_VERSION, 1);
	wire_set(data, NODE_INFO_CLASS_VERSION, 1);
	wire_set(data, NODE_INFO_TYPE, device->type);
	wire_set(data, NODE_INFO_PORTS, device->n_ports);
	wire_set(data, NODE_INFO_SYSTEM_GUID, device->guid);
	wire_set(data, NODE_INFO_NODE_GUID, device->guid);
	wire_set(data, NODE_INFO_PORT_GUID,
		 device->port_guid + (is_switch ? 0 : smp->in_port - 1u));
	wire_set(data, NODE_INFO_PARTITION_CAP, FAKE_KEYS);
	wire_set(data, NODE_INFO_LOCAL_PORT, smp->in_port);
	wire_set(data, NODE_INFO_VENDOR_ID, device->vendor_id);
	wire_set(data, NODE_INFO_DEVICE_ID, device->device_id);

	return smp->method == METHOD_GET ? STATUS_OK : STATUS_BAD_METHOD_ATTR;
}

static uint16_t switch_info(struct fake_device *device, const struct fake_smp *smp, uint8_t *data)
{
	uint8_t *info = device->switch_info;

	if (device->type != NODE_TYPE_SWITCH)
		return STATUS_BAD_METHOD_ATTR;
	if (smp->method == METHOD_SET) {
		wire_set(info, SWITCH_INFO_LINEAR_TOP, wire_get(data, SWITCH_INFO_LINEAR_TOP));
		wire_set(info, SWITCH_INFO_LIFE_TIME, wire_get(data, SWITCH_INFO_LIFE_TIME));
		if (wire_get(data, SWITCH_INFO_STATE_CHANGE))
			wire_set(info, SWITCH_INFO_STATE_CHANGE, 0);
	}
	memcpy(data, info, SMP_DATA_SIZE);

	return STATUS_OK;
}

static uint16_t lft(struct fake_device *device, const struct fake_smp *smp, uint8_t *data)
{
	uint8_t *block;

	if (device->type != NODE_TYPE_SWITCH || smp->modifier >= FAKE_LIDS / LFT_BLOCK)
		return STATUS_BAD_FIELD;
	block = &device->lft[smp->modifier * LFT_BLOCK];
	if (smp->method == METHOD_SET)
		memcpy(block, data, LFT_BLOCK);
	memcpy(data, block, LFT_BLOCK);

	return STATUS_OK;
}

static uint16_t pkey_table(struct fake_device *device, const struct fake_smp *smp, uint8_t *data)
{
	unsigned port = device->type == NODE_TYPE_SWITCH ? smp->modifier >> 16 : smp->in_port;
	unsigned block = smp->modifier & 0xffff;

	if (port > device->n_ports || block >= FAKE_KEYS / PKEY_BLOCK)
		return STATUS_BAD_FIELD;
	for (unsigned i = 0; i < PKEY_BLOCK; i++) {
		uint16_t *key = &device->port[port].keys[block * PKEY_BLOCK + i];

		if (smp->method == METHOD_SET)
			*key = wire_get16(data, i);
		wire_set16(data, i, *key);
	}

	return STATUS_OK;
}

static uint16_t sm_info(struct fake_device *device, const struct fake_smp *smp, uint8_t *data)
{
	memset(data, 0, SMP_DATA_SIZE);
	wire_set(data, SM_INFO_GUID, device->port_guid + smp->in_port - 1u);
	wire_set(data, SM_INFO_PRIORITY, device->sm_priority);
	wire_set(data, SM_INFO_STATE, device->sm_state);

	return STATUS_OK;
}

/* Both ends, after the link has trained again. */
static void train_fdr10(struct fake_port *port)
{
	struct fake_port *far = port->far ? &port->far->port[port->far_port] : NULL;
	bool runs = far && wire_get(port->mlnx_info, MLNX_SPEED_ENABLED) &&
		    wire_get(far->mlnx_info, MLNX_SPEED_ENABLED);

	wire_set(port->mlnx_info, MLNX_SPEED_ACTIVE, runs);
	if (far)
		wire_set(far->mlnx_info, MLNX_SPEED_ACTIVE, runs);
}

static uint16_t mlnx_port_info(struct fake_device *device, const struct fake_smp *smp,
			       uint8_t *data)
{
	unsigned number = smp->modifier & 0xff;
	struct fake_port *port = &device->port[number];
	uint64_t wanted = wire_get(data, MLNX_SPEED_ENABLED);

	if (number == 0 || number > device->n_ports ||
	    (device->type != NODE_TYPE_SWITCH && number != smp->in_port) ||
	    !wire_get(port->mlnx_info, MLNX_SPEED_SUPPORTED))
		return STATUS_BAD_METHOD_ATTR;
	if (smp->method == METHOD_SET && wire_get(data, MLNX_STATE_CHANGE_ENABLE) &&
	    !device->keeps_fdr10 && wanted != wire_get(port->mlnx_info, MLNX_SPEED_ENABLED)) {
		wire_set(port->mlnx_info, MLNX_SPEED_ENABLED, wanted);
		train_fdr10(port);
		if (fake_is_up(device, (uint8_t)number))
			cable_changed(device, (uint8_t)number, true);
	}
	memcpy(data, port->mlnx_info, SMP_DATA_SIZE);

	return STATUS_OK;
}

/* Whoever says in CapabilityMask2 that it has one. */
static uint16_t port_states(const struct fake_device *device, const struct fake_smp *smp,
			    uint8_t *data)
{
	if (device->type != NODE_TYPE_SWITCH || smp->method != METHOD_GET ||
	    !(wire_get(device->port[0].info, PORT_INFO_CAPABILITIES2) & CAP2_SWITCH_PORT_STATES))
		return STATUS_BAD_METHOD_ATTR;
	if (smp->modifier > 0)
		return STATUS_BAD_FIELD;
	memset(data, 0, SMP_DATA_SIZE);
	for (uint8_t i = 1; i <= device->n_ports; i++)
		data[i / 2] |= (uint8_t)(fake_state(device, i) << (i & 1 ? 0 : 4));

	return STATUS_OK;
}

static uint16_t act(struct fake_device *device, const struct fake_smp *smp, uint8_t *data)
{
	switch (smp->attr) {
	case ATTR_NODE_INFO:
		return node_info(device, smp, data);
	case ATTR_NODE_DESCRIPTION:
		snprintf((char *)data, SMP_DATA_SIZE, "%s", device->name);
		return STATUS_OK;
	case ATTR_SWITCH_INFO:
		return switch_info(device, smp, data);
	case ATTR_PORT_INFO:
		return port_info(device, smp, data);
	case ATTR_PKEY_TABLE:
		return pkey_table(device, smp, data);
	case ATTR_LFT:
		return lft(device, smp, data);
	case ATTR_SM_INFO:
		return sm_info(device, smp, data);
	case ATTR_SWITCH_PORT_STATES:
		return port_states(device, smp, data);
	case ATTR_MLNX_PORT_INFO:
		return mlnx_port_info(device, smp, data);
	default:
		return STATUS_BAD_METHOD_ATTR;
	}
}

static bool has_fault(struct fake_fault *fault, const struct fake_smp *smp)
{
	if (fault->method != smp->method || fault->attr != smp->attr || fault->count == 0)
		return false;
	if (fault->from > 0) {
		fault->from--;
		return false;
	}
	fault->count--;

	return true;
}

static void note_violation(struct fake_fabric *f, struct fake_port *port)
{
	uint64_t n = wire_get(port->info, PORT_INFO_MKEY_VIOLATIONS);
	uint64_t lease = wire_get(port->info, PORT_INFO_MKEY_LEASE);

	wire_set(port->info, PORT_INFO_MKEY_VIOLATIONS, MIN(n + 1, 0xffff));
	if (lease && !port->lease_ends)
		port->lease_ends = loop_now(f->loop) + lease * LOOP_SEC;
}

/*
 * Protection by M_Key, IBA 14.2.4, as the kernel's qib has it: a Set needs the key; a Get only at
 * levels 2 and 3, and that is a violation only there. From the first violation the lease runs; who
 * has the key stops it, and when it is over the key is as before but no longer hidden (level 0).
 */
static bool is_locked_out(struct fake_fabric *f, const struct fake_smp *smp)
{
	unsigned end = smp->device->type == NODE_TYPE_SWITCH ? 0 : smp->in_port;
	struct fake_port *port = &smp->device->port[end];
	uint64_t mkey = wire_get(port->info, PORT_INFO_MKEY);

	if (port->lease_ends && loop_now(f->loop) >= port->lease_ends) {
		port->lease_ends = 0;
		wire_set(port->info, PORT_INFO_MKEY_PROTECT, 0);
	}
	if (mkey == 0 || mkey == smp->mkey) {
		port->lease_ends = 0;
		return false;
	}
	if (smp->method == METHOD_GET && wire_get(port->info, PORT_INFO_MKEY_PROTECT) < 2)
		return false;
	note_violation(f, port);

	return true;
}

static void write_down(struct fake_fabric *f, const struct fake_smp *smp)
{
	if (f->n_smps == f->room) {
		f->room = MAX(2 * f->room, 256);
		f->smps = must(reallocarray(f->smps, f->room, sizeof(*f->smps)));
	}
	f->smps[f->n_smps++] = *smp;
}

/* -- the wire -----------------------------------------------------------------------------------
 */

struct fake_post {
	struct fake_post *next;
	struct fake_fabric *fabric;
	struct loop_timer *timer;
	struct arrival arrival;
	struct fake_smp smp; /* of a request that arrives late */
};

static void free_post(struct fake_post *post)
{
	struct fake_post **link = &post->fabric->posts;

	while (*link != post)
		link = &(*link)->next;
	*link = post->next;
	loop_timer_free(post->timer);
	free(post);
}

static void arrive(void *user)
{
	struct fake_post *post = user;
	struct fake_fabric *f = post->fabric;
	struct arrival arrival = post->arrival;

	free_post(post);
	if (f->transport.fn)
		f->transport.fn(f->transport.user, &arrival, 1, NULL);
}

static struct fake_post *new_post(struct fake_fabric *f, loop_fn fn, uint64_t delay)
{
	struct fake_post *post = must(calloc(1, sizeof(*post)));

	post->fabric = f;
	post->next = f->posts;
	f->posts = post;
	if (loop_timer_new(f->loop, fn, post, &post->timer) < 0)
		abort();
	loop_timer_set(post->timer, loop_now(f->loop) + delay);

	return post;
}

void fake_deliver(struct fake_fabric *f, const struct arrival *arrival)
{
	new_post(f, arrive, f->latency)->arrival = *arrival;
}

/* Nobody waits for the answer. */
static void arrive_late(void *user)
{
	struct fake_post *post = user;
	uint8_t data[SMP_DATA_SIZE];

	memcpy(data, post->smp.data, SMP_DATA_SIZE);
	act(post->smp.device, &post->smp, data);
	free_post(post);
}

struct arrival fake_make_trap(const struct fake_device *device, uint8_t port, unsigned number)
{
	uint16_t lid = fake_lid(device, device->type == NODE_TYPE_SWITCH ? 0 : port);
	struct arrival arrival = { .from = { .lid = lid } };
	uint8_t *notice = smp_data_of(&arrival.datagram);

	wire_start(&arrival.datagram, CLASS_SM_LID, METHOD_TRAP, ATTR_NOTICE, 0);
	wire_set(&arrival.datagram, MAD_TID, FAKE_TRAP_TID);
	wire_set(notice, NOTICE_GENERIC, 1);
	wire_set(notice, NOTICE_TYPE, number == TRAP_CAPABILITY ? 4 : 1);
	wire_set(notice, NOTICE_PRODUCER, device->type);
	wire_set(notice, NOTICE_TRAP, number);
	wire_set(notice, NOTICE_ISSUER_LID, lid);
	if (number == TRAP_LINK_STATE)
		wire_set(notice, NOTICE_128_LID, lid);
	else
		wire_set(notice, NOTICE_129_LID, lid); /* where 144 has it too */
	if (number >= TRAP_LINK_INTEGRITY && number <= TRAP_FLOW_WATCHDOG)
		wire_set(notice, NOTICE_129_PORT, port);

	return arrival;
}

void fake_trap(struct fake_fabric *f, const struct fake_device *device, unsigned number)
{
	struct arrival arrival = fake_make_trap(device, 0, number);

	fake_deliver(f, &arrival);
}

static struct fake_device *walk(const struct fake_fabric *f, const struct datagram *d,
				uint8_t *ret_in_port)
{
	struct fake_device *device = f->self;
	unsigned hops = (unsigned)wire_get(d, SMP_HOP_COUNT);

	*ret_in_port = f->self_port;
	for (unsigned k = 1; k <= hops; k++) {
		uint8_t out = wire_route_port(d, k);
		const struct fake_port *port = &device->port[out];

		if (k > 1 && device->type != NODE_TYPE_SWITCH)
			return NULL;
		if (out == 0 || out > device->n_ports || !port->far || port->unplugged)
			return NULL;
		device = port->far;
		*ret_in_port = port->far_port;
	}

	return device;
}

/* Who gets what we send to @lid, if the answer would find us. */
static struct fake_device *walk_tables(struct fake_fabric *f, uint16_t lid, uint8_t *ret_in_port)
{
	uint16_t self = fake_lid(f->self, f->self_port);
	const struct fake_device *found = fake_follow(f->self, f->self_port, lid, ret_in_port);
	uint8_t back = *ret_in_port, port;

	if (found && found->type == NODE_TYPE_SWITCH)
		back = found->lft[self];
	if (!found || fake_follow(found, back, self, &port) != f->self)
		return NULL;
	for (unsigned i = 0; i < f->n_devices; i++)
		if (f->device[i] == found)
			return f->device[i];

	return NULL;
}

static bool is_lost(struct fake_fabric *f)
{
	return f->loss && loop_random(f->loop) % 1000 < f->loss;
}

static void answer(struct fake_fabric *f, struct fake_smp *smp, struct arrival *arrival)
{
	struct fake_device *device = smp->device;
	uint8_t *data = smp_data_of(&arrival->datagram);
	bool lost = has_fault(&device->loses, smp);

	if (lost && device->loses.late)
		new_post(f, arrive_late, device->loses.late)->smp = *smp;
	if (lost && device->loses.undone)
		return;
	if (device->busy > 0) {
		device->busy--;
		smp->status = STATUS_BUSY;
	} else if (has_fault(&device->refuses, smp)) {
		smp->status = device->refuses.status;
	} else {
		smp->status = act(device, smp, data);
	}
	wire_make_response(&arrival->datagram, smp->status);
	if (device->lies)
		device->lies(device, &arrival->datagram);
	f->smps[f->n_smps - 1].status = smp->status;
	if (!lost && !is_lost(f))
		fake_deliver(f, arrival);
}

static int send_datagram(struct transport *t, const struct datagram *d, const struct address *to,
			 unsigned timeout_ms)
{
	struct fake_fabric *f = CONTAINER_OF(t, struct fake_fabric, transport);
	struct arrival arrival = { .datagram = *d, .from = { .lid = LID_PERMISSIVE } };
	struct fake_smp smp = { .method = (uint8_t)wire_get(d, MAD_METHOD),
				.attr = (uint16_t)wire_get(d, MAD_ATTR),
				.modifier = (uint32_t)wire_get(d, MAD_MODIFIER),
				.mkey = wire_get(d, SMP_MKEY) };

	if (timeout_ms == 0) {
		f->n_answers++;
		f->last_answer = *d;
		f->last_answer_to = *to;
		return 0;
	}
	smp.by_lid = !wire_is_directed(d);
	smp.device = smp.by_lid ? walk_tables(f, to->lid, &smp.in_port) : walk(f, d, &smp.in_port);
	if (!smp.device || is_lost(f))
		return 0;
	memcpy(smp.data, smp_data_in(d), SMP_DATA_SIZE);
	write_down(f, &smp);
	if (f->see)
		f->see(f, &smp);
	if (!smp.device->silent && !is_locked_out(f, &smp))
		answer(f, &smp, &arrival);

	return 0;
}

static int set_is_sm(struct transport *t, bool is_sm)
{
	struct fake_fabric *f = CONTAINER_OF(t, struct fake_fabric, transport);
	uint8_t *info = f->self->port[f->self_port].info;
	uint64_t capabilities = wire_get(info, PORT_INFO_CAPABILITIES);

	wire_set(info, PORT_INFO_CAPABILITIES,
		 is_sm ? capabilities | CAP_IS_SM : capabilities & ~(uint64_t)CAP_IS_SM);

	return 0;
}

struct fake_fabric *fake_fabric_new(struct loop *loop)
{
	static const struct transport_ops ops = { .send = send_datagram, .set_is_sm = set_is_sm };
	struct fake_fabric *f = must(calloc(1, sizeof(*f)));

	f->transport.ops = &ops;
	snprintf(f->transport.device, sizeof(f->transport.device), "fake0");
	f->loop = loop;
	f->latency = 5 * LOOP_USEC;

	return f;
}

void fake_fabric_free(struct fake_fabric *f)
{
	while (f->posts)
		free_post(f->posts);
	for (unsigned i = 0; i < f->n_devices; i++)
		free(f->device[i]);
	free(f->smps);
	free(f);
}
