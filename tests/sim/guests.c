/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * ibsim's protocol as far as it does not matter what carries it.
 *
 * Three of its habits need a hand. Directed routes: its clients send and expect a hop pointer of 0,
 * whatever has travelled; here it is where a kernel would have it. And GET_NODEINFO: libumad2sim
 * makes the GUID of its port from the node's and the port's number, which is wrong wherever a real
 * fabric was read from a file; so it is told a NodeGUID that gives the right one. Nobody else asks
 * this question, and a subnet manager that does not know its own port's GUID finds nothing. Third,
 * the length of a packet is what its reader is told, for tables of an SA that end early; devices
 * answer with whole MADs.
 */

#include "tests/sim/guests.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "tests/sim/vf.h"

/* ---- not sleeping at once -------------------------------------------------------------------- */

/* The loop's clock stands still as long as it works, and that is not what is looked for here. */
static uint64_t precise_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * LOOP_SEC + (uint64_t)t.tv_nsec;
}

static void cool_down(struct guest *guest)
{
	list_remove(&guest->of_hot);
	guest->wait(guest);
}

/* Read those that nobody waits for; true: something had come from one that stays so. */
static bool look_at_hot(struct guests *guests, bool last)
{
	bool heard = false;
	struct list *next;

	for (struct list *l = guests->hot.next; l != &guests->hot; l = next) {
		struct guest *guest = CONTAINER_OF(l, struct guest, of_hot);
		bool has_come = guest->read(guest);

		next = l->next;
		if (last || linger_is_flood(&guest->flow))
			cool_down(guest);
		else
			heard = heard || has_come;
	}
	return heard;
}

static void look(void *user)
{
	struct guests *guests = user;
	uint64_t now = precise_now();
	bool on = linger_on(&guests->linger, now);

	if (look_at_hot(guests, !on)) {
		guests_heard(guests);
		return;
	}
	if (!on)
		return;
	sched_yield();
	linger_gave_way(&guests->linger, now, precise_now());
	loop_timer_set(guests->look, loop_now(guests->fabric->loop));
}

void guests_heard(struct guests *guests)
{
	linger_begin(&guests->linger, precise_now());
	loop_timer_set(guests->look, loop_now(guests->fabric->loop));
}

void guest_count(struct guest *guest, unsigned n)
{
	linger_count(&guest->flow, n, precise_now());
}

bool guest_is_hot(const struct guest *guest)
{
	return !list_is_empty(&guest->of_hot);
}

void guest_heard(struct guest *guest)
{
	struct guests *guests = guest->guests;

	if (linger_is_flood(&guest->flow))
		return;
	guests_heard(guests);
	if (guest_is_hot(guest) || !linger_on(&guests->linger, precise_now()))
		return;
	list_add_tail(&guests->hot, &guest->of_hot);
	guest->wait(guest);
}

int guests_init(struct guests *guests, struct sim_fabric *fabric)
{
	*guests = (struct guests){ .fabric = fabric };
	list_init(&guests->all);
	list_init(&guests->dirty);
	list_init(&guests->hot);
	return loop_timer_new(fabric->loop, look, guests, &guests->look);
}

void guests_done(struct guests *guests)
{
	loop_timer_free(TAKE(guests->look));
}

/* ---- coming and going ------------------------------------------------------------------------ */

/* The number behind the last @mark in @where, which ends there. */
static bool cut_number(char *where, char mark, const char *behind, unsigned *ret)
{
	char *at = strrchr(where, mark);
	char *end;
	unsigned long number;

	if (!at || at == where || at[1] < '0' || at[1] > '9')
		return false;
	number = strtoul(at + 1, &end, 10);
	if (strcmp(end, behind) != 0 || number > UINT16_MAX)
		return false;
	*ret = (unsigned)number;
	*at = 0;
	return true;
}

static struct sim_port *find_part(struct guests *guests, char *where, bool has_number,
				  unsigned number)
{
	struct sim_fabric *fabric = guests->fabric;
	struct sim_node *node = *where ? sim_find(fabric, where) : NULL;

	if (!*where && fabric->n_nodes)
		node = fabric->nodes[0];
	if (!node)
		return NULL;
	if (node->sw)
		return has_number && number ? NULL : &node->ports[0];
	return has_number && !number ? NULL : sim_port(node, has_number ? number : 1);
}

struct sim_port *guests_find(struct guests *guests, const char *where, unsigned *ret_vf)
{
	char name[128];
	unsigned number = 0;
	struct sim_port *port;

	*ret_vf = 0;
	if (strlen(where) >= sizeof(name))
		return NULL;
	strcpy(name, where);
	port = find_part(guests, name, false, 0);
	if (port)
		return port;
	cut_number(name, '/', "", ret_vf);
	port = find_part(guests, name, false, 0);
	if (port)
		return port;
	return cut_number(name, '[', "]", &number) ? find_part(guests, name, true, number) : NULL;
}

int guest_attach(struct guests *guests, struct guest *guest, struct sim_port *port, unsigned vf)
{
	int r;

	r = sim_vf_attach(port, vf, &guest->client);
	if (r < 0)
		return r;
	guest->guests = guests;
	list_init(&guest->of_dirty);
	list_init(&guest->of_hot);
	list_init(&guest->of_all);
	list_add_tail(&guests->all, &guest->of_all);
	return 0;
}

void guest_detach(struct guest *guest)
{
	if (!guest->client.port)
		return;
	list_remove(&guest->of_all);
	list_remove(&guest->of_dirty);
	list_remove(&guest->of_hot);
	sim_detach(&guest->client);
}

/* ---- what is written when -------------------------------------------------------------------- */

void guests_begin(struct guests *guests)
{
	guests->depth++;
}

void guests_end(struct guests *guests)
{
	struct list *l;

	if (--guests->depth)
		return;
	while ((l = list_take_first(&guests->dirty))) {
		struct guest *guest = CONTAINER_OF(l, struct guest, of_dirty);

		guest->flush(guest);
	}
}

void guest_touch(struct guest *guest)
{
	if (!guest->guests->depth)
		guest->flush(guest);
	else if (list_is_empty(&guest->of_dirty))
		list_add_tail(&guest->guests->dirty, &guest->of_dirty);
}

/* ---- control --------------------------------------------------------------------------------- */

static void put(uint8_t *data, const void *value, size_t size)
{
	memcpy(data, value, size);
}

void guest_look(const struct guest *guest, struct guest_view *ret)
{
	const struct sim_port *port = guest->client.port;
	struct sim_vf_info info;

	*ret = (struct guest_view){ port->guid, sim_lid(port), sim_state(port) };
	if (guest->client.vf && !sim_vf_look(port, guest->client.vf, &info))
		*ret = (struct guest_view){ info.guid, info.lid, info.state };
}

static void get_port(const struct guest *guest, uint8_t *data)
{
	struct guest_view view;

	guest_look(guest, &view);
	put(data, &view.lid, sizeof(view.lid));
	data[2] = (uint8_t)view.state;
}

static void get_vendor(const struct sim_node *node, uint8_t *data)
{
	uint32_t vendor = be32toh(node->info.port_num_vendor_id) & 0xffffff;
	uint32_t device = be16toh(node->info.device_id);
	uint32_t hardware = be32toh(node->info.revision);
	uint64_t firmware = 1;

	put(data, &vendor, sizeof(vendor));
	put(data + 4, &device, sizeof(device));
	put(data + 8, &hardware, sizeof(hardware));
	put(data + 16, &firmware, sizeof(firmware));
}

static void get_node_info(const struct guest *guest, uint8_t *data)
{
	const struct sim_port *port = guest->client.port;
	struct guest_view view;
	ib_node_info_t info = port->node->info;
	uint32_t vendor = be32toh(info.port_num_vendor_id) & 0xffffff;

	/* As libumad2sim counts; see above. */
	guest_look(guest, &view);
	info.node_guid = htobe64(view.guid - port->number);
	info.port_guid = htobe64(view.guid);
	info.port_num_vendor_id = htobe32((uint32_t)port->number << 24 | vendor);
	put(data, &info, sizeof(info));
}

static int get_port_info(const struct guest *guest, uint8_t *data)
{
	struct sim_port *port = guest->client.port;
	struct guest_view view;
	struct sim_port *asked = data[0] ? sim_port(port->node, data[0]) : port;
	ib_port_info_t info;

	if (!asked)
		return -ENODEV;
	info = asked->info;
	info.local_port_num = port->number;
	if (asked == port) { /* of a virtual function, as the guest sees it */
		guest_look(guest, &view);
		info.base_lid = htobe16(view.lid);
		info.state_info1 = (uint8_t)((info.state_info1 & 0xf0) | view.state);
	}
	info.m_key = 0; /* nobody needs to know it by this way */
	put(data, &info, MIN(sizeof(info), (size_t)IBSIM_CTL_DATA));
	return 0;
}

ib_net16_t guest_pkey(const struct guest *guest, const struct sim_port *of, unsigned index)
{
	unsigned vf = of == guest->client.port ? guest->client.vf : 0;

	return htobe16(sim_vf_pkey(of, vf, index));
}

static void get_pkeys(const struct guest *guest, uint8_t *data)
{
	for (unsigned i = 0; i < IBSIM_CTL_DATA / sizeof(ib_net16_t); i++) {
		ib_net16_t pkey = guest_pkey(guest, guest->client.port, i);

		put(data + i * sizeof(pkey), &pkey, sizeof(pkey));
	}
}

static void get_guid(const struct sim_port *port, uint8_t *data)
{
	uint64_t guid = be64toh(port->node->info.node_guid);

	put(data, &guid, sizeof(guid));
}

static void get_gid(const struct guest *guest, uint8_t *data)
{
	struct guest_view view;
	ib_net64_t guid;

	guest_look(guest, &view);
	guid = htobe64(view.guid);
	put(data, &guest->client.port->info.subnet_prefix, sizeof(guid));
	put(data + 8, &guid, sizeof(guid));
}

static struct guest *find_other_sm(const struct guest *guest)
{
	struct list *all = &guest->guests->all;

	for (struct list *l = all->next; l != all; l = l->next) {
		struct guest *other = CONTAINER_OF(l, struct guest, of_all);

		if (other != guest && other->client.is_sm &&
		    other->client.port == guest->client.port &&
		    other->client.vf == guest->client.vf)
			return other;
	}
	return NULL;
}

/* An SM that is started again at once must not find the place taken by what it was before. */
int guest_set_is_sm(struct guest *guest, bool is_sm)
{
	struct guest *other = is_sm ? find_other_sm(guest) : NULL;

	if (other && !other->is_gone(other))
		return -EBUSY;
	if (other) {
		sim_set_is_sm(&other->client, false);
		other->kick(other);
	}
	sim_set_is_sm(&guest->client, is_sm);
	return 0;
}

static int set_is_sm(struct guest *guest, const uint8_t *data)
{
	int32_t is_sm;

	memcpy(&is_sm, data, sizeof(is_sm));
	return guest_set_is_sm(guest, is_sm != 0);
}

int guest_control(struct guest *guest, unsigned type, uint8_t data[static IBSIM_CTL_DATA])
{
	struct sim_port *port = guest->client.port;
	uint8_t asked[IBSIM_CTL_DATA];

	memcpy(asked, data, sizeof(asked));
	memset(data, 0, IBSIM_CTL_DATA);
	switch (type) {
	case IBSIM_CTL_GET_PORT:
		get_port(guest, data);
		return 0;
	case IBSIM_CTL_GET_VENDOR:
		get_vendor(port->node, data);
		return 0;
	case IBSIM_CTL_GET_GID:
		get_gid(guest, data);
		return 0;
	case IBSIM_CTL_GET_GUID:
		get_guid(port, data);
		return 0;
	case IBSIM_CTL_GET_NODEINFO:
		get_node_info(guest, data);
		return 0;
	case IBSIM_CTL_GET_PORTINFO:
		data[0] = asked[0];
		return get_port_info(guest, data);
	case IBSIM_CTL_SET_ISSM:
		memcpy(data, asked, sizeof(int32_t));
		return set_is_sm(guest, asked);
	case IBSIM_CTL_GET_PKEYS:
		get_pkeys(guest, data);
		return 0;
	}
	return -EINVAL;
}

/* ---- packets --------------------------------------------------------------------------------- */

static uint32_t get32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static void put32(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 24);
	bytes[1] = (uint8_t)(value >> 16);
	bytes[2] = (uint8_t)(value >> 8);
	bytes[3] = (uint8_t)value;
}

static bool is_directed(const uint8_t *mad)
{
	return mad[1] == SIM_CLASS_DR;
}

static void put_lid(uint8_t *bytes, uint16_t lid)
{
	bytes[0] = (uint8_t)(lid >> 8);
	bytes[1] = (uint8_t)lid;
}

bool guest_decode(const struct ibsim_packet *from, struct sim_packet *ret)
{
	/* All but the MAD: it comes next. */
	memset(ret, 0, offsetof(struct sim_packet, bytes));
	memcpy(ret->bytes, from->mad, sizeof(ret->bytes));
	ret->dlid = (uint16_t)(from->dlid[0] << 8 | from->dlid[1]);
	ret->slid = (uint16_t)(from->slid[0] << 8 | from->slid[1]);
	ret->dqpn = get32(from->dqp) & 0xffffff;
	ret->sqpn = get32(from->sqp) & 0xffffff;
	ret->length = SIM_MAD_SIZE;
	if (!get32(from->length) && get32(from->length + 4) <= UINT16_MAX)
		ret->told_length = (uint16_t)get32(from->length + 4);
	ret->pkey = 0xffff;
	ret->qkey = ret->dqpn ? SIM_QKEY_MAD : 0;
	if (ret->mad.base_ver != 1)
		return false;
	if (!is_directed(from->mad))
		return true;
	if (ret->smp.hop_ptr || ret->smp.hop_count >= IB_SUBNET_PATH_HOPS_MAX)
		return false;
	if (ret->smp.status & htobe16(0x8000))
		ret->smp.hop_ptr = (uint8_t)(ret->smp.hop_count + 1);
	return true;
}

void guest_encode(const struct sim_packet *from, struct ibsim_packet *ret)
{
	memset(ret, 0, offsetof(struct ibsim_packet, mad));
	memcpy(ret->mad, from->bytes, sizeof(ret->mad));
	put_lid(ret->dlid, from->dlid);
	put_lid(ret->slid, from->slid);
	put32(ret->dqp, from->dqpn);
	put32(ret->sqp, from->sqpn);
	put32(ret->length + 4, from->told_length ? from->told_length : SIM_MAD_SIZE);
	if (is_directed(ret->mad))
		ret->mad[6] = 0; /* hop pointer */
}
