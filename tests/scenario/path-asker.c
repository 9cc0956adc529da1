/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A second reading of the wire, from <iba/ib_types.h>. There is no retry: who is not answered at
 * once, while nothing is lost, would not be by the next question either.
 */

#include "tests/scenario/path-asker.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/scenario/sa-client.h"
#include "tests/sim/client.h"

enum { ATTR_PATH_RECORD = 0x35, MASK_GIDS = 4 | 8 };

static uint64_t guid_of(const ib_gid_t *gid)
{
	return be64toh(gid->unicast.interface_id);
}

static void note_answer(void *user, const struct sim_packet *packet)
{
	struct path_asker *a = user;
	const ib_sa_mad_t *mad = (const ib_sa_mad_t *)packet->bytes;
	ib_path_rec_t record;

	if ((be64toh(mad->trans_id) & 0xffffffff) != a->tid || mad->method != 0x81)
		return;
	memcpy(&record, mad->data, sizeof(record));
	a->answered = true;
	a->answer = (struct path_answer){
		.status = be16toh(mad->status),
		.slid = be16toh(record.slid),
		.dlid = be16toh(record.dlid),
		.pkey = be16toh(record.pkey),
		.hop_limit = (uint8_t)be32toh(record.hop_flow_raw),
		.sl = (uint8_t)(be16toh(record.qos_class_sl) & 0x0f),
		.sguid = guid_of(&record.sgid),
		.dguid = guid_of(&record.dgid),
	};
}

void path_asker_open(struct path_asker *a, struct sim_port *port)
{
	memset(a, 0, sizeof(*a));
	a->client = (struct sim_client){ .receive = note_answer, .user = a, .qpn = 1 };
	assert_int_equal(sim_attach(port, &a->client), 0);
}

void path_asker_close(struct path_asker *a)
{
	sim_detach(&a->client);
}

bool path_asker_ask(struct path_asker *a, uint64_t from, uint64_t to)
{
	const struct sim_port *port = a->client.port;
	struct sim_packet p = {
		.dlid = be16toh(port->info.master_sm_base_lid),
		.sqpn = 1,
		.dqpn = 1,
		.qkey = SIM_QKEY_MAD,
		.pkey = sa_default_pkey(port),
		.length = SIM_MAD_SIZE,
	};
	ib_sa_mad_t *mad = (ib_sa_mad_t *)p.bytes;
	ib_path_rec_t record = { .num_path = 1 };

	record.dgid.unicast.prefix = record.sgid.unicast.prefix = port->info.subnet_prefix;
	record.dgid.unicast.interface_id = htobe64(to);
	record.sgid.unicast.interface_id = htobe64(from);
	mad->base_ver = 1;
	mad->mgmt_class = 3;
	mad->class_ver = 2;
	mad->method = SIM_GET;
	mad->trans_id = htobe64(++a->tid);
	mad->attr_id = htobe16(ATTR_PATH_RECORD);
	mad->comp_mask = htobe64(MASK_GIDS);
	memcpy(mad->data, &record, sizeof(record));
	a->answered = false;
	return p.dlid && sim_client_send(&a->client, &p) == 0;
}
