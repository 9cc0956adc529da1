/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A second reading of the wire, from <iba/ib_types.h>. Nothing is sent again by itself.
 */

#include "tests/scenario/sa-client.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/sim/client.h"
#include "tests/sim/tables.h"

static void acknowledge(struct sa_client *c, const struct sim_packet *report)
{
	struct sim_packet p = *report;

	p.dlid = report->slid;
	p.slid = report->dlid;
	p.dqpn = report->sqpn;
	p.sqpn = report->dqpn;
	memcpy(p.sgid, report->dgid, sizeof(p.sgid));
	memcpy(p.dgid, report->sgid, sizeof(p.dgid));
	p.mad.method = SIM_REPORT_RESP;
	sim_client_send(&c->client, &p);
}

static void take_report(struct sa_client *c, const struct sim_packet *packet)
{
	struct sa_report *r = &c->report[c->n_reports % SA_REPORTS];

	c->n_reports++;
	r->tid = be64toh(packet->mad.trans_id);
	r->at = loop_now(c->client.port->node->fabric->loop);
	memcpy(&r->notice, packet->bytes + 56, sizeof(r->notice));
	if (!c->deaf)
		acknowledge(c, packet);
}

static void receive(void *user, const struct sim_packet *packet)
{
	struct sa_client *c = user;

	if (packet->mad.method == SIM_REPORT) {
		take_report(c, packet);
		return;
	}
	c->n_answers++;
	c->answer = *packet;
}

void sa_client_open(struct sa_client *c, struct sim_port *port, unsigned vf, uint32_t qpn)
{
	memset(c, 0, sizeof(*c));
	c->client = (struct sim_client){
		.receive = receive, .user = c, .vf = (uint16_t)vf, .qpn = qpn, .takes_all = qpn > 1
	};
	c->agent = (struct sim_agent){
		.mgmt_class = 3, .version = 2, .qpn = 1, .methods = { 1u << SIM_REPORT }
	};
	assert_int_equal(sim_attach(port, &c->client), 0);
	if (qpn == 1)
		assert_int_equal(sim_register(&c->client, &c->agent), 0);
}

void sa_client_close(struct sa_client *c)
{
	sim_detach(&c->client);
}

uint16_t sa_default_pkey(const struct sim_port *port)
{
	for (unsigned i = 0; port->pkeys && i < sim_pkey_cap(port); i++)
		if ((be16toh(port->pkeys[i]) & 0x7fff) == 0x7fff)
			return be16toh(port->pkeys[i]);
	return 0xffff;
}

static bool send_any(struct sim_client *client, uint64_t sa_key, uint64_t tid, uint8_t method,
		     uint16_t attr, uint32_t modifier, uint64_t mask, const void *record,
		     size_t size)
{
	struct sim_packet p = {
		.dlid = be16toh(client->port->info.master_sm_base_lid),
		.sqpn = client->qpn,
		.dqpn = 1,
		.qkey = SIM_QKEY_MAD,
		.pkey = sa_default_pkey(client->port),
		.length = SIM_MAD_SIZE,
	};
	ib_sa_mad_t *mad = (ib_sa_mad_t *)p.bytes;

	mad->base_ver = 1;
	mad->mgmt_class = 3;
	mad->class_ver = 2;
	mad->method = method;
	mad->trans_id = htobe64(tid);
	mad->attr_id = htobe16(attr);
	mad->attr_mod = htobe32(modifier);
	mad->comp_mask = htobe64(mask);
	mad->sm_key = htobe64(sa_key);
	memcpy(mad->data, record, size);
	return p.dlid && sim_client_send(client, &p) == 0;
}

bool sa_send_raw(struct sim_client *client, uint64_t tid, uint8_t method, uint16_t attr,
		 uint64_t mask, const void *record, size_t size)
{
	return send_any(client, 0, tid, method, attr, 0, mask, record, size);
}

void sa_client_send_again(struct sa_client *c, uint8_t method, uint16_t attr, uint64_t mask,
			  const void *record, size_t size)
{
	assert_true(send_any(&c->client, c->sa_key, c->tid, method, attr, 0, mask, record, size));
}

void sa_client_send_modified(struct sa_client *c, uint8_t method, uint16_t attr, uint32_t modifier,
			     uint64_t mask, const void *record, size_t size)
{
	c->tid++;
	assert_true(send_any(&c->client, c->sa_key, c->tid, method, attr, modifier, mask, record,
			     size));
}

void sa_client_send(struct sa_client *c, uint8_t method, uint16_t attr, uint64_t mask,
		    const void *record, size_t size)
{
	c->tid++;
	sa_client_send_again(c, method, attr, mask, record, size);
}

unsigned sa_client_ask(struct scenario *s, struct sa_client *c, uint8_t method, uint16_t attr,
		       uint64_t mask, const void *record, size_t size)
{
	unsigned before = c->n_answers;

	sa_client_send(c, method, attr, mask, record, size);
	scenario_run(s, LOOP_SEC);
	if (c->n_answers == before)
		scenario_run(s, 2 * LOOP_SEC); /* the disk fails */
	assert_int_equal(c->n_answers, before + 1);
	assert_int_equal(be64toh(c->answer.mad.trans_id) & 0xffffffff, c->tid);
	assert_int_equal(c->answer.mad.method, method == 0x15   ? 0x95
					       : method == 0x12 ? 0x92
								: 0x81);
	return be16toh(c->answer.mad.status);
}

static bool is_repeated(const struct sa_client *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (c->report[i].tid == c->report[n].tid)
			return true;
	return false;
}

static uint64_t guid_in(const ib_mad_notice_attr_t *notice)
{
	return be64toh(notice->data_details.ntc_64_67.gid.unicast.interface_id);
}

unsigned sa_client_count(const struct sa_client *c, unsigned trap, uint64_t guid)
{
	unsigned n = 0;

	assert_in_range(c->n_reports, 0, SA_REPORTS);
	for (unsigned i = 0; i < c->n_reports; i++) {
		const ib_mad_notice_attr_t *notice = &c->report[i].notice;

		n += be16toh(notice->g_or_v.generic.trap_num) == trap &&
		     (!guid || guid_in(notice) == guid) && !is_repeated(c, i);
	}
	return n;
}
