/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * It is told of a GID once when it comes and once when it goes, in turns: two of a kind in a row
 * are one too many, or one is missing. What it believes is held against the fabric as the subnet
 * manager knows it, which other invariants hold against the devices.
 *
 * After a restart or a takeover it begins anew: what happened meanwhile is not told. The same if
 * notices to it were lost, as its port was down.
 */

#include "tests/scenario/listener.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/services.h"
#include "sm/subscriptions.h"
#include "sm/vf.h"
#include "tests/scenario/sa-client.h"
#include "tests/sim/client.h"

enum { QPN = 0x77, CAME = 64, WENT = 65, ROWS = 4096 };

struct listener {
	struct sim_client client;
	struct scenario *scenario;
	struct guid_map last; /* CAME or WENT, by GUID: as it believes */
	uint64_t tid;
	uint32_t last_report; /* TID: it may come again */
	unsigned n_answers;
	unsigned starts, takeovers, n_applied; /* of that rest, */
	uint64_t lost;                         /* and how much was by then */
	bool knows;                            /* before is what is so, and believed */
};

/*
 * Also that ours gave way to one that went before it was master: what happened meanwhile nobody has
 * told.
 */
static unsigned count_takeovers(const struct scenario *s)
{
	return s->n_takeovers + s->first.n_events[EVENT_STATE];
}

/* As the subnet manager knows it, or NULL. */
static const struct subscriber *find_own(const struct scenario *s)
{
	const struct subscription *sub = NULL;

	while (s->first.sm && (sub = subscriptions_next(sm_subscriptions(s->first.sm), sub)))
		if (sub->to->qpn == QPN)
			return sub->to;
	return NULL;
}

/* Of vports, those that are in no partition with it, or were not since, are not told of. */
static bool is_told_of(const struct scenario *s, const struct fabric *f, uint64_t guid)
{
	return !(s->vports_outside || s->vports_limited ||
		 s->n_applied != s->listener->n_applied) ||
	       fabric_find_port(f, guid) != NO_PORT;
}

/* ---- hearing --------------------------------------------------------------------------------- */

static void hear(struct listener *l, const struct sim_packet *p)
{
	const ib_mad_notice_attr_t *notice = (const ib_mad_notice_attr_t *)(p->bytes + 56);
	uint64_t guid = be64toh(notice->data_details.ntc_64_67.gid.unicast.interface_id);
	unsigned trap = be16toh(notice->g_or_v.generic.trap_num);
	uint32_t tid = (uint32_t)be64toh(p->mad.trans_id), last;
	const struct subscriber *own;

	if (tid == l->last_report)
		return;
	l->last_report = tid;
	own = find_own(l->scenario);
	l->knows = l->knows && own && own->lost == l->lost &&
		   l->starts == l->scenario->first.starts &&
		   l->takeovers == count_takeovers(l->scenario);
	last = guid_map_get(&l->last, guid);
	if (l->knows && is_told_of(l->scenario, sm_fabric(l->scenario->first.sm), guid) &&
	    (last == trap || (last == GUID_MAP_NONE && trap == WENT)))
		scenario_fail(l->scenario, "0x%" PRIx64 " is told to be %s twice", guid,
			      trap == CAME ? "in service" : "gone");
	if (guid_map_put(&l->last, guid, trap) < 0)
		abort();
}

static void receive(void *user, const struct sim_packet *p)
{
	struct listener *l = user;
	struct sim_packet answer = *p;

	if (p->mad.method != SIM_REPORT) {
		l->n_answers++;
		return;
	}
	answer.dlid = p->slid;
	answer.slid = p->dlid;
	answer.dqpn = p->sqpn;
	answer.sqpn = p->dqpn;
	answer.mad.method = SIM_REPORT_RESP;
	sim_client_send(&l->client, &answer);
	hear(l, p);
}

static bool subscribe(struct listener *l, unsigned trap)
{
	ib_inform_info_t info = {
		.lid_range_begin = 0xffff, .is_generic = 1, .subscribe = 1, .trap_type = 0xffff
	};
	unsigned before = l->n_answers;

	info.g_or_v.generic.trap_num = htobe16((uint16_t)trap);
	info.g_or_v.generic.node_type_msb = 0xff;
	info.g_or_v.generic.node_type_lsb = 0xffff;
	for (unsigned i = 0; i < 10 && l->n_answers == before; i++) {
		sa_send_raw(&l->client, ++l->tid, SIM_SET, 3, 0x10f2, &info, sizeof(info));
		scenario_run(l->scenario, LOOP_SEC);
	}
	return l->n_answers > before;
}

/* ---- what is so ------------------------------------------------------------------------------ */

static bool is_in_service(const struct fabric *f, struct endpoint e)
{
	const struct port *port = &f->ports[e.port];

	if (port->guid == 0 || port->lid == 0 || !port_is_end(f, e.port) ||
	    !node_of(f, e.port)->present)
		return false;
	if (e.index > 0 && (!vf_is_here(f, e) || vf_of(f, e)->duplicate || !endpoint_guid(f, e)))
		return false;

	return port->number == 0 || (endpoint_is_active(f, e) && endpoint_lid(f, e) != 0);
}

static void put_all(const struct fabric *f, struct guid_map *ret)
{
	for (uint32_t i = 0; i < f->n_ports; i++) {
		const struct vfs *vfs = f->ports[i].vfs;

		if (f->ports[i].guid == 0)
			continue;
		for (unsigned k = 0; k < (vfs ? MAX(vfs->n, 1u) : 1u); k++) {
			struct endpoint e = { i, (uint16_t)k };

			if (is_in_service(f, e) && guid_map_put(ret, endpoint_guid(f, e), CAME) < 0)
				abort();
		}
	}
}

static void compare(struct listener *l, const struct fabric *f, const struct guid_map *now)
{
	struct scenario *s = l->scenario;
	struct endpoint e;

	for (e.port = 0; e.port < f->n_ports; e.port++) {
		const struct vfs *vfs = f->ports[e.port].vfs;

		for (e.index = 0; e.index < (vfs ? MAX(vfs->n, 1u) : 1u); e.index++) {
			uint64_t guid = endpoint_guid(f, e);
			uint32_t is = guid ? guid_map_get(now, guid) : GUID_MAP_NONE, said;

			said = guid ? guid_map_get(&l->last, guid) : GUID_MAP_NONE;
			if (!guid || !is_told_of(s, f, guid) || (is == CAME) == (said == CAME))
				continue;
			scenario_fail(s, "0x%" PRIx64 " is %s and was told to be %s", guid,
				      is == CAME ? "in service" : "away",
				      said == CAME ? "in service" : "away");
		}
	}
}

/* ---- the store ------------------------------------------------------------------------------- */

struct rows {
	struct kept_registration row[ROWS];
	uint8_t blob[ROWS][KEEP_REGISTRATION_MAX];
	unsigned n;
};

static void note_row(void *user, const struct kept_registration *kept)
{
	struct rows *rows = user;

	if (kept->kind != KEPT_SERVICE && kept->kind != KEPT_SUBSCRIPTION)
		return;
	if (rows->n == ROWS)
		abort();
	rows->row[rows->n] = *kept;
	memcpy(rows->blob[rows->n++], kept->blob, kept->size);
}

static bool has_row(const struct rows *rows, enum kept_registration_kind kind, uint64_t id,
		    uint64_t expires, const uint8_t *blob, uint32_t size)
{
	for (unsigned i = 0; i < rows->n; i++) {
		const struct kept_registration *row = &rows->row[i];

		if (row->kind == kind && row->id == id)
			return row->expires == expires && row->size == size &&
			       memcmp(rows->blob[i], blob, size) == 0;
	}
	return false;
}

static bool is_all_kept(const struct scenario_sm *m, struct rows *rows)
{
	static const struct keep_reader reader = { .registration = note_row };
	const struct service *service = NULL;
	const struct subscription *sub = NULL;
	uint8_t blob[KEEP_REGISTRATION_MAX];
	unsigned n = 0;

	rows->n = 0;
	keep_read(memory_keeper_keeper(m->keeper), &reader, rows);
	for (; (service = services_next(sm_services(m->sm), NULL, service)); n++) {
		service_to_blob(service, blob);
		if (!has_row(rows, KEPT_SERVICE, service->row, service->expires, blob,
			     SERVICE_BLOB_SIZE))
			return false;
	}
	for (; (sub = subscriptions_next(sm_subscriptions(m->sm), sub)); n++)
		;

	return n == rows->n;
}

static void expect_all_kept(struct scenario *s, const struct scenario_sm *m)
{
	struct rows *rows = m->sm ? malloc(sizeof(*rows)) : NULL;
	bool kept = !m->sm;

	for (unsigned i = 0; i < 40 && !kept; i++) {
		kept = !m->sm || is_all_kept(m, rows);
		if (!kept)
			scenario_run(s, 130 * LOOP_MSEC);
	}
	free(rows);
	if (!kept)
		scenario_fail(s, "what is registered is not what the store has");
}

/* ---- at rest --------------------------------------------------------------------------------- */

static void begin_anew(struct listener *l)
{
	guid_map_done(&l->last);
	l->knows = false;
}

static bool wait_until_told(struct scenario *s)
{
	for (unsigned i = 0; i < 300; i++) {
		const struct subscriber *own = find_own(s);

		if (own && own->n_pending == 0)
			return true;
		scenario_run(s, LOOP_SEC);
	}
	return false;
}

static void look(struct scenario *s, struct listener *l)
{
	const struct fabric *f = sm_fabric(s->first.sm);
	const struct subscriber *own = find_own(s);
	bool same = l->knows && l->starts == s->first.starts &&
		    l->takeovers == count_takeovers(s) && own->lost == l->lost;
	struct guid_map now = { 0 };

	put_all(f, &now);
	if (same)
		compare(l, f, &now);
	guid_map_done(&l->last);
	l->last = now;
	l->knows = true;
	l->starts = s->first.starts;
	l->takeovers = count_takeovers(s);
	l->n_applied = s->n_applied;
	l->lost = own->lost;
}

void scenario_expect_told(struct scenario *s)
{
	struct listener *l = s->listener;

	expect_all_kept(s, &s->first);
	expect_all_kept(s, &s->rival);
	if (l->starts != s->first.starts || l->takeovers != count_takeovers(s))
		begin_anew(l);
	if (scenario_masters(s) != 1 || !subscribe(l, CAME) || !subscribe(l, WENT) ||
	    !wait_until_told(s) || scenario_masters(s) != 1) {
		begin_anew(l);
		return;
	}
	look(s, l);
}

void scenario_listen(struct scenario *s)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->scenario = s;
	l->client =
		(struct sim_client){ .receive = receive, .user = l, .qpn = QPN, .takes_all = true };
	if (sim_attach(s->first.port, &l->client) < 0)
		abort();
	s->listener = l;
}

void scenario_listen_no_more(struct scenario *s)
{
	struct listener *l = s->listener;

	s->listener = NULL;
	sim_detach(&l->client);
	guid_map_done(&l->last);
	free(l);
}
