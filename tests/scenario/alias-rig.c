/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The driver of the VFs is that of tests/sim/shared-port.c. The client here does by hand what it
 * would do, and what no driver does.
 */

#include "tests/scenario/alias-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/client.h"

enum {
	MASK_LID = 1,
	MASK_BLOCK = 2,
	MASK_ENTRY = 0x10, /* the first; then upwards */
};

void alias_build(struct scenario *s)
{
	scenario_build(s, graph_make_single(4));
}

void alias_add_vfs(struct scenario *s, struct sim_port *port, unsigned n, uint64_t first_guid)
{
	struct sim_vf_spec spec = { .first_guid = first_guid, .no_guid = !first_guid, .up = true };

	scenario_happens(s, "%s has %u VFs", port->node->name, n);
	assert_int_equal(sim_vfs_add(port, SIM_VF_SHARED_PORT, n, &spec), 0);
}

struct sim_vf_info alias_look(const struct sim_port *port, unsigned vf)
{
	struct sim_vf_info info;

	assert_int_equal(sim_vf_look(port, vf, &info), 0);
	return info;
}

unsigned alias_count_up(const struct sim_port *port)
{
	unsigned n = 0;

	for (unsigned vf = 1; vf <= sim_vfs_count(port); vf++)
		n += alias_look(port, vf).state == SIM_ACTIVE;
	return n;
}

uint64_t alias_count_smps(const struct scenario *s, uint16_t attr, uint8_t method)
{
	struct request_counts counts;
	uint64_t n = 0;
	uint16_t a;
	uint8_t m;

	for (unsigned i = 0; requests_count(sm_requests(s->first.sm), i, &a, &m, &counts); i++)
		if ((!attr || a == attr) && (!method || m == method))
			n += counts.sent;
	return n;
}

uint64_t alias_count_sets(const struct scenario *s)
{
	return alias_count_smps(s, ATTR_GUID_INFO, METHOD_SET);
}

const struct vf *alias_known(const struct scenario *s, const struct sim_port *port, unsigned vf)
{
	const struct fabric *f = sm_fabric(s->first.sm);

	return vf_at(f, fabric_find_port(f, port->guid), vf);
}

void alias_comes_up(struct scenario *s)
{
	scenario_start_sm(s);
	scenario_settle(s);
	scenario_run(s, 5 * LOOP_SEC);
}

/* ---- a client of the SA's own ---------------------------------------------------------------- */

void asker_open(struct sa_client *a, struct sim_port *port)
{
	sa_client_open(a, port, 0, 1);
}

void asker_send(struct sa_client *a, uint8_t method, const struct sim_port *target, unsigned index,
		uint64_t guid)
{
	ib_guidinfo_record_t record = { .lid = htobe16(sim_lid(target)),
					.block_num = (uint8_t)(index / 8) };

	record.guid_info.guid[index % 8] = htobe64(guid);
	sa_client_send(a, method, ATTR_SA_GUID_RECORD,
		       MASK_LID | MASK_BLOCK | (uint64_t)MASK_ENTRY << index % 8, &record,
		       sizeof(record));
}

uint64_t asker_guid(const struct sa_client *a, unsigned index)
{
	ib_guidinfo_record_t record;

	memcpy(&record, ((const ib_sa_mad_t *)a->answer.bytes)->data, sizeof(record));
	return be64toh(record.guid_info.guid[index % 8]);
}

unsigned asker_ask(struct scenario *s, struct sa_client *a, uint8_t method,
		   const struct sim_port *target, unsigned index, uint64_t guid)
{
	unsigned before = a->n_answers;

	asker_send(a, method, target, index, guid);
	scenario_run(s, LOOP_SEC);
	assert_int_equal(a->n_answers, before + 1);
	assert_int_equal(be64toh(a->answer.mad.trans_id) & 0xffffffff, a->tid);
	assert_int_equal(a->answer.mad.method, method == METHOD_DELETE ? 0x95 : 0x81);
	return be16toh(a->answer.mad.status);
}
