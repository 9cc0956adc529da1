/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * P_KeyTableRecord (IBA 15.2.5.11): the tables that ports are known to hold, 32 keys a record; of
 * switches that of port 0 and those by which ports enforce. A virtual port that has a LID of its
 * own has its own table under it. Keys are what keeps partitions apart, so only who is trusted is
 * told (IBA 15.4.1.2).
 */

#include "base/macros.h"
#include "sm/sa/attribute.h"

enum {
	WANT_LID = 0,
	WANT_BLOCK = 1,
	WANT_PORT = 2,
};

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each() */
	[WANT_BLOCK] = AT(0, PKEY_RECORD_BLOCK),
	[WANT_PORT] = AT(0, PKEY_RECORD_PORT),
	NOT_COMPARED, /* reserved */
	BYTES_AT(PKEY_RECORD_TABLE_OFFSET, SMP_DATA_SIZE),
};
/* clang-format on */

/* A table, and whose it is. */
struct table {
	const struct pkey_table *held;
	unsigned capacity; /* keys */
	uint16_t lid;
	uint8_t number;
};

static uint16_t key_at(const struct pkey_table *held, unsigned i)
{
	return i < held->n_known ? held->keys[i] : 0;
}

static bool offer_table(struct admin_query *query, struct endpoint end, const struct table *table)
{
	const struct pkey_table *held = table->held;
	uint8_t record[PKEY_RECORD_SIZE] = { 0 };
	unsigned n;

	if (!held)
		return true;
	n = held->rest_empty ? MAX(table->capacity, held->n_known) : held->n_known;
	wire_set(record, PKEY_RECORD_LID, table->lid);
	wire_set(record, PKEY_RECORD_PORT, table->number);
	for (unsigned block = 0; block * PKEY_BLOCK < n; block++) {
		wire_set(record, PKEY_RECORD_BLOCK, block);
		for (unsigned i = 0; i < PKEY_BLOCK; i++)
			wire_set16(record + PKEY_RECORD_TABLE_OFFSET, i,
				   key_at(held, block * PKEY_BLOCK + i));
		if (!admin_offer(query, end, record))
			return false;
	}

	return true;
}

static struct table table_of_port(const struct fabric *f, struct endpoint end, uint32_t port)
{
	const struct node *node = node_of(f, port);
	const struct port *p = &f->ports[port];
	bool is_external = node_is_switch(node) && p->number > 0;

	return (struct table){
		.held = p->pkeys,
		.capacity = is_external
				    ? (unsigned)wire_get(node->sw->info, SWITCH_INFO_ENFORCE_CAP)
				    : node->partition_cap,
		.lid = f->ports[end.port].lid,
		.number = p->number,
	};
}

static bool offer_vport(struct admin_query *query, struct endpoint end)
{
	const struct vf *vf = vf_of(query->view->fabric, end);
	struct table table = {
		.held = vf->pkeys,
		.capacity = vf->partition_cap,
		.lid = vf->lid,
		.number = 1,
	};

	return offer_table(query, end, &table);
}

static bool offer_all_of(struct admin_query *query, struct endpoint end)
{
	const struct fabric *f = query->view->fabric;
	const struct node *node = node_of(f, end.port);
	struct table table;

	if (!admin_is_end(f, end.port))
		return true;
	if (end.index > 0)
		return offer_vport(query, end);
	table = table_of_port(f, end, end.port);
	if (!offer_table(query, end, &table) || !node_is_switch(node))
		return !query->overflow;
	for (unsigned number = 1; number <= node->n_ports; number++) {
		table = table_of_port(f, end, port_at(node, number));
		if (!offer_table(query, end, &table))
			return false;
	}

	return true;
}

static void each(struct admin_query *query)
{
	admin_offer_ends(query, WANT_LID, PKEY_RECORD_LID, offer_all_of);
}

const struct admin_attribute admin_pkey_record = {
	.id = ATTR_SA_PKEY_RECORD,
	.record_size = PKEY_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.only_trusted = true,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
