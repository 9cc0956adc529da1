/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A probe walks the way that a data packet would go, by the same decisions that forward.c takes
 * (sim_route, sim_may_leave, sim_may_enter), and asks the endpoint whether it takes it. The sender
 * must own the P_Key, as no queue pair has another. What forward.c does besides (counters, traps,
 * Armed ports that become Active) is left out: the fabric is as it was.
 *
 * All pairs of 648 hosts are 420,000 walks, so a walk allocates nothing and looks up nothing by
 * name. A multicast walk keeps a bit for each port that it came to, so that what comes twice is
 * seen and a loop ends.
 */

#include "tests/sim/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/forward.h"
#include "tests/sim/vf.h"

enum { QP_OF_A_USER = 2 };

/* The headers; a data packet has no contents. */
static void make_packet(const struct sim_probe *probe, struct sim_packet *p)
{
	memset(p, 0, offsetof(struct sim_packet, mad));
	p->slid = probe->from_lid ? probe->from_lid : sim_endpoint_lid(&probe->from);
	p->dlid = probe->dlid;
	p->sqpn = QP_OF_A_USER;
	p->dqpn = QP_OF_A_USER;
	p->pkey = probe->pkey ? probe->pkey : 0xffff;
	p->sl = probe->sl & 0x0f;
	p->length = probe->length;
	p->has_grh = probe->has_grh;
	p->hop_limit = probe->hop_limit;
	memcpy(p->dgid, probe->dgid, sizeof(p->dgid));
	p->client = SIM_CLIENT_NONE;
}

static void ends(struct sim_probe_result *r, const struct sim_port *at, enum sim_drop why)
{
	r->at = at;
	r->why = why;
}

static void arrives_at(struct sim_probe_result *r, struct sim_port *end, const struct sim_packet *p)
{
	ends(r, end, sim_endpoint_take(end, p, &r->reached));
}

/* Over the cable at @out, to the port that it comes in by; NULL: it ended. */
static struct sim_port *cross(const struct sim_probe *probe, const struct sim_packet *p,
			      struct sim_port *in, struct sim_port *out, struct sim_probe_result *r)
{
	enum sim_drop why = sim_may_leave(in, out, p);

	if (why == SIM_PASSED && !out->far)
		why = SIM_DROP_LINK_DOWN;
	if (why != SIM_PASSED) {
		ends(r, out, why);
		return NULL;
	}
	if (probe->trace)
		probe->trace(probe->user, in, out, sim_lane(in, out, p->sl));
	r->hops++;
	why = sim_may_enter(out->far, p);
	if (why == SIM_PASSED && r->hops > in->node->fabric->n_nodes)
		why = SIM_DROP_HOPS;
	if (why != SIM_PASSED) {
		ends(r, out->far, why);
		return NULL;
	}
	return out->far;
}

/* From switch to switch, as long as there are such. */
static void walk(const struct sim_probe *probe, const struct sim_packet *p, struct sim_port *in,
		 struct sim_probe_result *r)
{
	while (in && in->node->sw) {
		struct sim_port *out;
		enum sim_drop why = sim_route(in, p, &out);

		if (why != SIM_PASSED) {
			ends(r, in, why);
			return;
		}
		if (!out->number) {
			arrives_at(r, out, p);
			return;
		}
		in = cross(probe, p, in, out, r);
	}
	if (in)
		arrives_at(r, in, p);
}

void sim_probe(const struct sim_probe *probe, struct sim_probe_result *ret)
{
	struct sim_port *from = probe->from.port;
	struct sim_packet p;

	make_packet(probe, &p);
	*ret = (struct sim_probe_result){ .at = from };
	if (!sim_endpoint_has_pkey(&probe->from, p.pkey))
		ends(ret, from, SIM_DROP_PKEY);
	else if (!p.dlid || p.dlid >= SIM_LID_MULTICAST)
		ends(ret, from, SIM_DROP_NO_ROUTE);
	else if (!sim_endpoint_is_up(&probe->from))
		ends(ret, from, SIM_DROP_NOT_ACTIVE);
	else if (sim_has_lid(from, p.dlid) || sim_vf_has_lid(from, p.dlid))
		arrives_at(ret, from, &p);
	else
		walk(probe, &p, from->node->sw ? from : cross(probe, &p, from, from, ret), ret);
}

/* ---- every ordered pair ---------------------------------------------------------------------- */

static bool is_same(const struct sim_endpoint *a, const struct sim_endpoint *b)
{
	return a->port == b->port && a->vf == b->vf;
}

struct tally {
	const struct sim_probe_all *all;
	unsigned n_probes;
	unsigned n_violations;
};

static void probe_one(struct tally *t, const struct sim_probe *probe, const struct sim_endpoint *to,
		      enum sim_expect expect)
{
	struct sim_probe_result result;
	bool reached;

	sim_probe(probe, &result);
	reached = result.why == SIM_PASSED && is_same(&result.reached, to);
	t->n_probes++;
	if (reached == (expect == SIM_EXPECT_REACHED))
		return;
	t->n_violations++;
	if (t->all->violated && (!t->all->limit || t->n_violations <= t->all->limit))
		t->all->violated(t->all->user, probe, to, &result);
}

static void probe_pair(struct tally *t, const struct sim_endpoint *from,
		       const struct sim_endpoint *to)
{
	struct sim_probe probe = t->all->like;
	enum sim_expect expect = SIM_EXPECT_REACHED;

	probe.from = *from;
	probe.dlid = sim_endpoint_lid(to);
	probe.has_grh |= sim_endpoint_needs_grh(to, probe.dgid);
	if (t->all->expect)
		expect = t->all->expect(t->all->user, from, to, &probe);
	if (expect == SIM_EXPECT_ANYTHING)
		return;
	do
		probe_one(t, &probe, to, expect);
	while (sim_endpoint_has_lid(to, ++probe.dlid));
}

static int all_live(const struct sim_fabric *fabric, struct sim_endpoint **ret, size_t *ret_n)
{
	AUTO(freep) struct sim_endpoint *list = NULL;
	struct sim_endpoint e = { 0 };
	size_t n = 0, room = 0;

	while (sim_endpoint_next(fabric, &e)) {
		if (!sim_endpoint_is_live(&e))
			continue;
		if (n == room) {
			struct sim_endpoint *more;

			room = room ? 2 * room : 64;
			more = realloc(list, room * sizeof(*list));
			if (!more)
				return -ENOMEM;
			list = more;
		}
		list[n++] = e;
	}
	*ret_n = n;
	*ret = TAKE(list);
	return 0;
}

int sim_probe_all(const struct sim_fabric *fabric, const struct sim_probe_all *all,
		  unsigned *ret_probes)
{
	struct tally tally = { .all = all };
	AUTO(freep) struct sim_endpoint *live = NULL;
	size_t n;
	int r = all_live(fabric, &live, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (i != j)
				probe_pair(&tally, &live[i], &live[j]);
	if (ret_probes)
		*ret_probes = tally.n_probes;
	return (int)tally.n_violations;
}

/* ---- multicast ------------------------------------------------------------------------------- */

struct flood {
	const struct sim_probe *probe;
	struct sim_packet packet;
	uint64_t (*seen)[4];    /* by node, a bit for each port that it came in by */
	struct sim_port **todo; /* switch ports that it came in by */
	size_t n_todo;
	size_t room;
	void (*reached)(void *user, const struct sim_endpoint *e);
	void *user;
	struct sim_spread *spread;
};

static void lost(struct sim_spread *s, const struct sim_port *at, enum sim_drop why)
{
	if (s->n_lost++)
		return;
	s->why = why;
	s->at = at;
}

/* False: it has been here. */
static bool is_first(struct flood *f, const struct sim_port *port)
{
	uint64_t *word = &f->seen[port->node->index][port->number / 64];
	uint64_t bit = UINT64_C(1) << port->number % 64;

	if (*word & bit) {
		if (!f->spread->n_again++)
			f->spread->again = port;
		return false;
	}
	*word |= bit;
	return true;
}

static void is_taken(struct flood *f, const struct sim_endpoint *e)
{
	f->spread->n_reached++;
	if (f->reached)
		f->reached(f->user, e);
}

/* The device hands it to each of its virtual functions that has the P_Key. */
static bool is_taken_by_vfs(struct flood *f, struct sim_port *end)
{
	unsigned n = sim_vfs_count(end);
	bool taken = false;

	for (struct sim_endpoint e = { end, 1 }; e.vf <= n; e.vf++)
		if (sim_endpoint_is_up(&e) && sim_endpoint_takes_pkey(&e, f->packet.pkey)) {
			is_taken(f, &e);
			taken = true;
		}
	return taken;
}

static void at_end(struct flood *f, struct sim_port *end)
{
	struct sim_endpoint e;
	enum sim_drop why;
	bool taken;

	if (end == f->probe->from.port) {
		f->spread->came_back = true;
		return;
	}
	if (!is_first(f, end))
		return;
	taken = sim_has_vfs(end) && is_taken_by_vfs(f, end);
	why = sim_endpoint_take(end, &f->packet, &e);
	if (why == SIM_PASSED)
		is_taken(f, &e);
	else if (!taken)
		lost(f->spread, end, why);
}

static int push(struct flood *f, struct sim_port *in)
{
	if (f->n_todo == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct sim_port **more = realloc(f->todo, room * sizeof(struct sim_port *));

		if (!more)
			return -ENOMEM;
		f->todo = more;
		f->room = room;
	}
	f->todo[f->n_todo++] = in;
	return 0;
}

static int go_out(struct flood *f, struct sim_port *in, struct sim_port *out)
{
	struct sim_probe_result r = { 0 };
	struct sim_port *far = cross(f->probe, &f->packet, in, out, &r);

	if (!far) {
		lost(f->spread, r.at, r.why);
		return 0;
	}
	if (far->node->sw)
		return is_first(f, far) ? push(f, far) : 0;
	at_end(f, far);
	return 0;
}

static int spread_from(struct flood *f, struct sim_port *in)
{
	uint64_t members[4];
	enum sim_drop why = sim_route_multicast(in, &f->packet, members);
	int r = 0;

	if (why != SIM_PASSED)
		lost(f->spread, in, why);
	for (unsigned n = 0; why == SIM_PASSED && r == 0 && n <= in->node->n_ports; n++) {
		if (!(members[n / 64] >> n % 64 & 1))
			continue;
		if (n)
			r = go_out(f, in, &in->node->ports[n]);
		else
			at_end(f, &in->node->ports[0]);
	}
	return r;
}

static int flood(struct flood *f)
{
	struct sim_port *from = f->probe->from.port;
	int r = from->node->sw ? push(f, from) : go_out(f, from, from);

	while (r == 0 && f->n_todo)
		r = spread_from(f, f->todo[--f->n_todo]);
	return r;
}

int sim_probe_multicast(const struct sim_probe *probe,
			void (*reached)(void *user, const struct sim_endpoint *e), void *user,
			struct sim_spread *ret)
{
	struct flood f = { .probe = probe, .reached = reached, .user = user, .spread = ret };
	int r = 0;

	*ret = (struct sim_spread){ 0 };
	make_packet(probe, &f.packet);
	f.seen = calloc(probe->from.port->node->fabric->n_nodes, sizeof(*f.seen));
	if (!f.seen)
		return -ENOMEM;
	if (!sim_endpoint_has_pkey(&probe->from, f.packet.pkey))
		lost(ret, probe->from.port, SIM_DROP_PKEY);
	else if (probe->dlid < SIM_LID_MULTICAST || probe->dlid == SIM_LID_PERMISSIVE)
		lost(ret, probe->from.port, SIM_DROP_NO_ROUTE);
	else
		r = flood(&f);
	free(f.todo);
	free(f.seen);
	return r;
}
