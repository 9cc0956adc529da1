/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A client of the simulated fabric that behaves as a process on the kernel's umad does:
 *
 * - A request waits for its answer until its time is over. Then it is given back, once. What comes
 *   later, or twice, is dropped. Another with the TID of one that waits is refused, -EINVAL.
 * - The upper half of TIDs is not the sender's: the simulator writes it, only the lower is
 * compared.
 * - A directed route of no hops ends in the own device. Nobody waits for it, and the answer, if one
 *   comes, is handed over unasked.
 * - Requests of the classes that it registered for come as they are.
 *
 * The simulator answers within sim_send(). What arrives is kept until it is due and then handed
 * over on the loop, all at once: nobody is called from within its own transport_send().
 *
 * This file alone sees both readings of the wire, ours and the simulator's. It copies the bytes of
 * a MAD, and translates what umad says beside them: P_Key and GID by their index in the tables of
 * the port as the SM has programmed them, path bits by the LID.
 */

#include "tests/scenario/transport-sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/fabric.h"

enum {
	BUCKETS = 2048, /* of requests that wait, by TID */
	WAITING_MAX = 65536,
	SETS = 64, /* that are remembered */
	AGENTS = 3,
};

#define LATENCY (5 * LOOP_USEC)

/* A request that waits for its answer. */
struct waiting {
	struct list by_deadline; /* or in the list of spare ones */
	struct list in_bucket;
	uint64_t deadline;
	struct address to;
	struct datagram datagram;
};

struct in_box {
	struct arrival *arrivals;
	uint64_t *due;
	unsigned n;
	unsigned room;
};

/* A SubnSet of the past, for those who wonder. */
struct past_set {
	uint64_t when;
	struct datagram datagram;
	uint16_t lid;
};

struct sim_transport {
	struct transport transport;
	struct loop *loop;
	struct sim_client client;
	struct sim_agent agents[AGENTS];
	uint64_t latency;
	struct in_box in;    /* has arrived and is not due, in order */
	struct in_box given; /* being handed over */
	struct loop_timer *give_timer;
	struct loop_timer *expire_timer;
	uint64_t expires;    /* what that is set to; UINT64_MAX: it is not */
	struct list waiting; /* by deadline */
	struct list spare;
	unsigned n_waiting;
	struct list buckets[BUCKETS];
	transport_sim_watch_fn watch;
	void *watch_user;
	struct transport_sim_counts counts;
	struct past_set past[SETS]; /* the n-th Set of counts.sets at n % SETS */
};

static struct sim_transport *sim_of(struct transport *transport)
{
	return CONTAINER_OF(transport, struct sim_transport, transport);
}

static const struct sim_transport *sim_in(const struct transport *transport)
{
	return sim_of((struct transport *)(uintptr_t)transport);
}

/* ---- what arrives ---------------------------------------------------------------------------- */

static bool grow(struct in_box *box)
{
	unsigned room = box->room ? 2 * box->room : 256;
	struct arrival *arrivals = realloc(box->arrivals, room * sizeof(*arrivals));
	uint64_t *due = NULL;

	if (arrivals) {
		box->arrivals = arrivals;
		due = realloc(box->due, room * sizeof(*due));
	}
	if (!due)
		return false;
	box->due = due;
	box->room = room;
	return true;
}

/* Room for one more, or NULL: then it is lost, as with a full queue. */
static struct arrival *append(struct in_box *box, uint64_t due)
{
	if (box->n == box->room && !grow(box))
		return NULL;
	box->due[box->n] = due;
	return &box->arrivals[box->n++];
}

static void arrive(struct sim_transport *t, const struct arrival *arrival)
{
	uint64_t due = loop_now(t->loop) + t->latency;
	struct arrival *place;

	if (t->in.n)
		due = MAX(due, t->in.due[t->in.n - 1]); /* in order, also if the latency fell */
	place = append(&t->in, due);
	if (!place)
		return;
	*place = *arrival;
	if (t->in.n == 1)
		loop_timer_set(t->give_timer, due);
}

static void give(void *user)
{
	struct sim_transport *t = user;
	uint64_t now = loop_now(t->loop);
	struct in_box all = t->in;
	unsigned n = 0;

	while (n < all.n && all.due[n] <= now)
		n++;
	t->in = t->given;
	t->in.n = 0;
	t->given = all;
	for (unsigned i = n; i < all.n; i++) {
		struct arrival *place = append(&t->in, all.due[i]);

		if (place)
			*place = all.arrivals[i];
	}
	if (t->in.n)
		loop_timer_set(t->give_timer, t->in.due[0]);
	t->transport.fn(t->transport.user, t->given.arrivals, n, NULL);
}

/* ---- requests that wait ---------------------------------------------------------------------- */

static uint32_t tid_of(const struct datagram *d)
{
	return (uint32_t)wire_get(d, MAD_TID);
}

static struct waiting *find_waiting(struct sim_transport *t, const struct datagram *d)
{
	struct list *bucket = &t->buckets[tid_of(d) % BUCKETS];

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct waiting *w = LIST_ENTRY(l, struct waiting, in_bucket);

		if (tid_of(&w->datagram) == tid_of(d) &&
		    wire_get(&w->datagram, MAD_CLASS) == wire_get(d, MAD_CLASS))
			return w;
	}
	return NULL;
}

static void forget_waiting(struct sim_transport *t, struct waiting *w)
{
	list_remove(&w->in_bucket);
	list_remove(&w->by_deadline);
	list_add_tail(&t->spare, &w->by_deadline);
	t->n_waiting--;
}

static void expire_at(struct sim_transport *t, uint64_t when)
{
	t->expires = when;
	if (when == UINT64_MAX)
		loop_timer_stop(t->expire_timer);
	else
		loop_timer_set(t->expire_timer, when);
}

/* The timer may come early, for a request that was answered meanwhile. */
static void expire(void *user)
{
	struct sim_transport *t = user;
	uint64_t next = UINT64_MAX;

	while (!list_is_empty(&t->waiting)) {
		struct waiting *w = LIST_ENTRY(t->waiting.next, struct waiting, by_deadline);
		struct arrival back = { .datagram = w->datagram,
					.from = w->to,
					.undelivered = true };

		if (w->deadline > loop_now(t->loop)) {
			next = w->deadline;
			break;
		}
		t->counts.undelivered++;
		forget_waiting(t, w);
		arrive(t, &back);
	}
	expire_at(t, next);
}

static struct waiting *take_spare(struct sim_transport *t)
{
	struct list *l = list_take_first(&t->spare);
	struct waiting *w;

	if (l)
		return LIST_ENTRY(l, struct waiting, by_deadline);
	w = malloc(sizeof(*w));
	if (w)
		list_init(&w->by_deadline);
	return w;
}

static int wait_for(struct sim_transport *t, const struct datagram *d, const struct address *to,
		    unsigned timeout_ms)
{
	struct waiting *w;
	struct list *before;

	if (find_waiting(t, d))
		return -EINVAL;
	w = t->n_waiting < WAITING_MAX ? take_spare(t) : NULL;
	if (!w)
		return -ENOMEM;
	w->deadline = loop_now(t->loop) + timeout_ms * LOOP_MSEC;
	w->datagram = *d;
	w->to = *to;
	list_init(&w->in_bucket);
	list_add_tail(&t->buckets[tid_of(d) % BUCKETS], &w->in_bucket);
	/* Mostly it is the last. */
	for (before = t->waiting.prev; before != &t->waiting; before = before->prev)
		if (LIST_ENTRY(before, struct waiting, by_deadline)->deadline <= w->deadline)
			break;
	list_add_tail(before->next, &w->by_deadline);
	t->n_waiting++;
	if (w->deadline < t->expires)
		expire_at(t, w->deadline);
	return 0;
}

/* ---- from the simulator ---------------------------------------------------------------------- */

/* Its own P_Key at best, else one that matches (IBA 10.9.3): what the kernel looks up. */
static uint16_t index_of_pkey(const struct sim_port *port, uint16_t pkey)
{
	uint16_t found = 0;

	for (unsigned i = port->pkeys ? sim_pkey_cap(port) : 0; i-- > 0;) {
		uint16_t own = be16toh(port->pkeys[i]);

		if (own == pkey)
			return (uint16_t)i;
		if (!((own ^ pkey) & 0x7fff))
			found = (uint16_t)i;
	}
	return found;
}

static uint8_t index_of_gid(const struct sim_port *port, const uint8_t gid[16])
{
	for (unsigned i = 0; port->guids && i < port->info.guid_cap; i++)
		if (!memcmp(&port->guids[i], gid + 8, 8))
			return (uint8_t)i;
	return 0;
}

static void read_address(const struct sim_port *port, const struct sim_packet *p,
			 struct address *ret)
{
	*ret = (struct address){ .qpn = p->sqpn, .lid = p->slid, .sl = p->sl };

	if (!sim_is_smp(p))
		ret->pkey_index = index_of_pkey(port, p->pkey);
	if (sim_has_lid(port, p->dlid))
		ret->path_bits = (uint8_t)(p->dlid - sim_lid(port));
	if (!p->has_grh)
		return;
	ret->has_grh = true;
	ret->hop_limit = p->hop_limit;
	ret->traffic_class = p->traffic_class;
	ret->flow_label = p->flow_label;
	ret->gid_index = index_of_gid(port, p->dgid);
	memcpy(ret->gid, p->sgid, sizeof(ret->gid));
}

/* Within the own device: see handle_directed in the kernel. */
static bool stays_here(const struct datagram *d)
{
	return wire_is_directed(d) && wire_get(d, SMP_HOP_COUNT) == 0 &&
	       wire_get(d, SMP_DR_DLID) == LID_PERMISSIVE;
}

static void receive(void *user, const struct sim_packet *packet)
{
	struct sim_transport *t = user;
	struct arrival arrival = { .undelivered = false };

	memcpy(arrival.datagram.bytes, packet->bytes, MAD_SIZE);
	if (wire_is_response(&arrival.datagram) && !stays_here(&arrival.datagram)) {
		struct waiting *w = find_waiting(t, &arrival.datagram);

		if (!w) {
			t->counts.unmatched++;
			return;
		}
		forget_waiting(t, w);
	}
	read_address(t->client.port, packet, &arrival.from);
	arrive(t, &arrival);
}

/* ---- to the simulator ------------------------------------------------------------------------ */

static uint16_t pkey_at(const struct sim_port *port, unsigned index)
{
	if (!port->pkeys)
		return index == 0 ? 0xffff : 0;
	return index < sim_pkey_cap(port) ? be16toh(port->pkeys[index]) : 0;
}

static void make_grh(const struct sim_port *port, const struct address *to, struct sim_packet *p)
{
	ib_net64_t guid = htobe64(port->guid);

	if (port->guids && to->gid_index < port->info.guid_cap)
		guid = port->guids[to->gid_index];
	p->has_grh = true;
	p->hop_limit = to->hop_limit;
	p->traffic_class = to->traffic_class;
	p->flow_label = to->flow_label;
	memcpy(p->dgid, to->gid, sizeof(p->dgid));
	memcpy(p->sgid, &port->info.subnet_prefix, 8);
	memcpy(p->sgid + 8, &guid, 8);
}

static void make_packet(const struct sim_port *port, const struct datagram *d,
			const struct address *to, struct sim_packet *ret)
{
	*ret = (struct sim_packet){
		.slid = (uint16_t)(sim_lid(port) + to->path_bits),
		.dlid = to->lid,
		.sqpn = to->qpn ? 1 : 0,
		.dqpn = to->qpn,
		.qkey = to->qpn ? SIM_QKEY_MAD : 0,
		.pkey = pkey_at(port, to->pkey_index),
		.sl = to->sl,
		.length = SIM_MAD_SIZE,
	};
	memcpy(ret->bytes, d->bytes, SIM_MAD_SIZE);
	if (to->has_grh)
		make_grh(port, to, ret);
}

/* What the kernel holds against a directed route that begins here. */
static bool is_valid_route(const struct sim_port *port, const struct datagram *d)
{
	unsigned hops = (unsigned)wire_get(d, SMP_HOP_COUNT);

	if (!wire_is_directed(d) || wire_get(d, SMP_DR_SLID) != LID_PERMISSIVE || hops == 0)
		return true;
	if (hops > SMP_MAX_HOPS)
		return false;
	return wire_is_response(d) || port->number == 0 || wire_route_port(d, 1) == port->number;
}

static void count(struct sim_transport *t, const struct datagram *d, const struct address *to)
{
	bool is_smp = wire_get(d, MAD_CLASS) != CLASS_SA;

	t->counts.requests++;
	if (is_smp && wire_get(d, MAD_METHOD) == METHOD_SET) {
		t->past[t->counts.sets++ % SETS] = (struct past_set){ .when = loop_now(t->loop),
								      .datagram = *d,
								      .lid = to->lid };
		t->counts.lft_sets += wire_get(d, MAD_ATTR) == ATTR_LFT;
	}
}

/* It could not be sent: nothing will come, and nothing is given back. */
static void give_up(struct sim_transport *t, const struct datagram *d)
{
	struct waiting *w = wire_is_response(d) ? NULL : find_waiting(t, d);

	if (w)
		forget_waiting(t, w);
}

static int send_datagram(struct transport *transport, const struct datagram *d,
			 const struct address *to, unsigned timeout_ms)
{
	struct sim_transport *t = sim_of(transport);
	struct sim_packet packet;
	int r = 0;

	if (t->watch)
		t->watch(t->watch_user, d);
	if (!is_valid_route(t->client.port, d))
		return -EINVAL;
	if (timeout_ms && !wire_is_response(d)) {
		count(t, d, to);
		r = stays_here(d) ? 0 : wait_for(t, d, to, timeout_ms);
	}
	if (r < 0)
		return r;
	make_packet(t->client.port, d, to, &packet);
	r = sim_client_send(&t->client, &packet);
	if (r < 0)
		give_up(t, d);
	return r;
}

/* One of the datagrams that RMPP makes of a message, IBA 13.6.2.1: the @segment-th of @segments. */
static void cut(const uint8_t *message, size_t length, unsigned segment, unsigned segments,
		struct datagram *ret)
{
	size_t data = length - SA_DATA_OFFSET;
	size_t before = (size_t)(segment - 1) * SA_DATA_SIZE;
	size_t here = MIN(data - before, SA_DATA_SIZE);
	unsigned flags = RMPP_ACTIVE | (segment == 1 ? RMPP_FIRST : 0);

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->bytes, message, SA_DATA_OFFSET);
	memcpy(sa_data_of(ret), message + SA_DATA_OFFSET + before, here);
	wire_set(ret, SA_RMPP_FLAGS, flags | (segment == segments ? RMPP_LAST : 0));
	wire_set(ret, SA_RMPP_SEGMENT, segment);
	wire_set(ret, SA_RMPP_LENGTH, segment == 1 ? data + 20 * segments : here + 20);
}

/* All at once: nobody here acknowledges. */
static int send_message(struct transport *transport, uint8_t *message, size_t length,
			const struct address *to)
{
	unsigned segments = (unsigned)((length - SA_DATA_OFFSET + SA_DATA_SIZE - 1) / SA_DATA_SIZE);
	struct datagram d;
	int r = 0;

	for (unsigned i = 1; i <= segments && r == 0; i++) {
		cut(message, length, i, segments, &d);
		r = send_datagram(transport, &d, to, 0);
	}
	return r;
}

static int set_is_sm(struct transport *transport, bool is_sm)
{
	sim_set_is_sm(&sim_of(transport)->client, is_sm);
	return 0;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void free_all(struct list *ring)
{
	struct list *l;

	while ((l = list_take_first(ring)))
		free(LIST_ENTRY(l, struct waiting, by_deadline));
}

static void free_transport(struct transport *transport)
{
	struct sim_transport *t = sim_of(transport);

	if (t->client.port)
		sim_detach(&t->client);
	free_all(&t->waiting);
	free_all(&t->spare);
	loop_timer_free(t->give_timer);
	loop_timer_free(t->expire_timer);
	free(t->in.arrivals);
	free(t->in.due);
	free(t->given.arrivals);
	free(t->given.due);
	free(t);
}

/* As transport-umad.c does, the same methods too; all of them are below 64. */
static int register_agents(struct sim_transport *t)
{
	static const uint8_t classes[AGENTS] = { CLASS_SM_DIRECTED, CLASS_SM_LID, CLASS_SA };
	const uint64_t both = UINT64_C(1) << METHOD_GET | UINT64_C(1) << METHOD_SET;
	const uint64_t sm = UINT64_C(1) << METHOD_TRAP | UINT64_C(1) << METHOD_TRAP_REPRESS;
	const uint64_t sa = UINT64_C(1) << METHOD_GET_TABLE |
			    UINT64_C(1) << METHOD_GET_TRACE_TABLE |
			    UINT64_C(1) << METHOD_GET_MULTI | UINT64_C(1) << METHOD_DELETE;
	int r = 0;

	for (unsigned i = 0; i < AGENTS && r == 0; i++) {
		bool is_sa = classes[i] == CLASS_SA;

		t->agents[i] = (struct sim_agent){
			.mgmt_class = classes[i],
			.version = is_sa ? CLASS_SA_VERSION : CLASS_SM_VERSION,
			.qpn = is_sa,
			.methods = { both | (is_sa ? sa : sm), 0 },
		};
		r = sim_register(&t->client, &t->agents[i]);
	}
	return r;
}

static int set_up(struct sim_transport *t, struct sim_port *port)
{
	static const struct transport_ops ops = { .send = send_datagram,
						  .send_message = send_message,
						  .set_is_sm = set_is_sm,
						  .free = free_transport };
	int r;

	t->transport.ops = &ops;
	t->transport.port_guid = port->guid;
	t->transport.port = port->number;
	snprintf(t->transport.device, sizeof(t->transport.device), "sim%u", port->node->index);
	t->loop = port->node->fabric->loop;
	t->latency = LATENCY;
	t->expires = UINT64_MAX;
	t->client.receive = receive;
	t->client.user = t;
	r = loop_timer_new(t->loop, give, t, &t->give_timer);
	if (r == 0)
		r = loop_timer_new(t->loop, expire, t, &t->expire_timer);
	if (r == 0)
		r = sim_attach(port, &t->client);
	return r < 0 ? r : register_agents(t);
}

int transport_sim_open(struct sim_port *port, struct transport **ret)
{
	struct sim_transport *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	list_init(&t->waiting);
	list_init(&t->spare);
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&t->buckets[i]);
	r = set_up(t, port);
	if (r < 0) {
		free_transport(&t->transport);
		return r;
	}
	*ret = &t->transport;
	return 0;
}

void transport_sim_set_latency(struct transport *transport, uint64_t latency)
{
	sim_of(transport)->latency = latency;
}

void transport_sim_trim(struct transport *transport)
{
	free_all(&sim_of(transport)->spare);
}

void transport_sim_watch(struct transport *transport, transport_sim_watch_fn fn, void *user)
{
	struct sim_transport *t = sim_of(transport);

	t->watch = fn;
	t->watch_user = user;
}

const struct transport_sim_counts *transport_sim_counts(const struct transport *transport)
{
	return &sim_in(transport)->counts;
}

bool transport_sim_last_set(const struct transport *transport, unsigned n, char text[static 200])
{
	const struct sim_transport *t = sim_in(transport);
	const struct past_set *past = &t->past[(t->counts.sets - 1 - n) % SETS];
	const struct datagram *d = &past->datagram;
	int at;

	if (n >= SETS || n >= t->counts.sets)
		return false;
	at = snprintf(text, 200, "%.6f s ago: attribute 0x%02x, modifier %#x, by",
		      (double)(loop_now(t->loop) - past->when) / (double)LOOP_SEC,
		      (unsigned)wire_get(d, MAD_ATTR), (unsigned)wire_get(d, MAD_MODIFIER));
	if (!wire_is_directed(d))
		snprintf(text + at, 200 - (size_t)at, " LID %u", past->lid);
	for (unsigned i = 1; wire_is_directed(d) && i <= wire_get(d, SMP_HOP_COUNT) && at < 170;
	     i++)
		at += snprintf(text + at, 200 - (size_t)at, " %u", wire_route_port(d, i));
	if (wire_is_directed(d) && wire_get(d, MAD_ATTR) == ATTR_PORT_INFO)
		snprintf(text + at, 200 - (size_t)at, "; state %u",
			 (unsigned)wire_get(smp_data_in(d), PORT_INFO_STATE));
	return true;
}
