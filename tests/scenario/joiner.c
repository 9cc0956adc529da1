/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Records are those of <iba/ib_types.h>: a second reading of the wire. */

#include "tests/scenario/joiner.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/scenario/sa-client.h"
#include "tests/sim/client.h"

enum { ATTR_MC_MEMBER_RECORD = 0x38 };

static void note_answer(void *user, const struct sim_packet *packet)
{
	struct joiner *j = user;
	const ib_sa_mad_t *mad = (const ib_sa_mad_t *)packet->bytes;

	if ((be64toh(mad->trans_id) & 0xffffffff) != j->tid || !(mad->method & 0x80))
		return;
	j->answered = true;
	j->status = be16toh(mad->status);
	memcpy(&j->answer, mad->data, sizeof(j->answer));
}

void joiner_open(struct joiner *j, struct sim_port *port)
{
	memset(j, 0, sizeof(*j));
	j->client = (struct sim_client){ .receive = note_answer, .user = j, .qpn = 1 };
	assert_int_equal(sim_attach(port, &j->client), 0);
}

void joiner_close(struct joiner *j)
{
	sim_detach(&j->client);
}

bool joiner_send(struct joiner *j, uint8_t method, const ib_member_rec_t *record, uint64_t mask)
{
	const struct sim_port *port = j->client.port;
	struct sim_packet p = {
		.dlid = be16toh(port->info.master_sm_base_lid),
		.sqpn = 1,
		.dqpn = 1,
		.qkey = SIM_QKEY_MAD,
		.pkey = sa_default_pkey(port),
		.length = SIM_MAD_SIZE,
	};
	ib_sa_mad_t *mad = (ib_sa_mad_t *)p.bytes;

	mad->base_ver = 1;
	mad->mgmt_class = 3;
	mad->class_ver = 2;
	mad->method = method;
	mad->trans_id = htobe64(++j->tid);
	mad->attr_id = htobe16(ATTR_MC_MEMBER_RECORD);
	mad->comp_mask = htobe64(mask);
	memcpy(mad->data, record, sizeof(*record));
	j->answered = false;
	return p.dlid && sim_client_send(&j->client, &p) == 0;
}

static void set_mgid(ib_member_rec_t *record, uint16_t pkey, uint32_t group)
{
	uint8_t *mgid = record->mgid.raw;

	mgid[0] = 0xff;
	mgid[1] = 0x12;
	mgid[2] = 0x40;
	mgid[3] = 0x1b;
	mgid[4] = (uint8_t)(pkey >> 8 | 0x80);
	mgid[5] = (uint8_t)pkey;
	for (unsigned i = 0; i < 4; i++)
		mgid[12 + i] = (uint8_t)(group >> (24 - 8 * i));
}

ib_member_rec_t joiner_broadcast(const struct sim_port *port, uint64_t guid, uint16_t pkey,
				 uint8_t states)
{
	ib_member_rec_t record = { .pkey = htobe16(pkey | 0x8000), .scope_state = states };

	set_mgid(&record, pkey, 0xffffffff);
	record.port_gid.unicast.prefix = port->info.subnet_prefix;
	record.port_gid.unicast.interface_id = htobe64(guid);
	return record;
}

ib_member_rec_t joiner_other(const struct sim_port *port, uint64_t guid, uint16_t pkey,
			     uint32_t group, uint8_t states)
{
	ib_member_rec_t record = joiner_broadcast(port, guid, pkey, states);

	set_mgid(&record, pkey, group);
	record.qkey = htobe32(0x0b1b);
	record.mtu = 2 << 6 | 4;
	record.rate = 2 << 6 | 3;
	return record;
}
