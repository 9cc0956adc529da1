/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * SLtoVLMappingTableRecord (IBA 15.2.5.4) and VLArbitrationTableRecord (15.2.5.9): which service
 * level travels on which lane, and how lanes take turns, as far as ports are known to hold it.
 * Where routes need no more than one lane nobody reads or writes these tables, and there are no
 * records: opensm then shows zeros, which no device has said.
 *
 * A switch has a mapping for each pair of ports; of an adapter both numbers are 0.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

enum {
	WANT_LID = 0,
	WANT_IN = 1,  /* mapping */
	WANT_OUT = 2, /* mapping */
};

#define LEVEL(n_)                                                                                  \
	{                                                                                          \
		.match = MATCH_FIELD, .field = SLTOVL_RECORD_##n_                                  \
	}

/* clang-format off */
static const struct admin_component mapping_components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each_mapping() */
	[WANT_IN] = AT(0, SLTOVL_RECORD_IN),
	[WANT_OUT] = AT(0, SLTOVL_RECORD_OUT),
	NOT_COMPARED, /* reserved */
	LEVEL(0), LEVEL(1), LEVEL(2), LEVEL(3), LEVEL(4), LEVEL(5), LEVEL(6), LEVEL(7),
	LEVEL(8), LEVEL(9), LEVEL(10), LEVEL(11), LEVEL(12), LEVEL(13), LEVEL(14), LEVEL(15),
};

static const struct admin_component arbitration_components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each_arbitration() */
	AT(0, VLARB_RECORD_PORT),
	AT(0, VLARB_RECORD_BLOCK),
	NOT_COMPARED, /* reserved */
	BYTES_AT(VLARB_RECORD_TABLE_OFFSET, SMP_DATA_SIZE),
};
/* clang-format on */

/* ---- mappings ---------------------------------------------------------------------------------
 */

static bool offer_mapping(struct admin_query *query, uint32_t end, uint32_t out, unsigned in)
{
	const struct admin_view *view = query->view;
	const struct fabric *f = view->fabric;
	uint8_t record[SLTOVL_RECORD_SIZE] = { 0 };
	bool is_switch = node_is_switch(node_of(f, end));

	if (!view->sltovl(view->user, out, in, record + SLTOVL_RECORD_TABLE_OFFSET))
		return true;
	wire_set(record, SLTOVL_RECORD_LID, f->ports[end].lid);
	wire_set(record, SLTOVL_RECORD_IN, is_switch ? in : 0);
	wire_set(record, SLTOVL_RECORD_OUT, is_switch ? f->ports[out].number : 0);

	return admin_offer(query, endpoint_of_port(end), record);
}

/* The number that the question names, or all up to @last. */
static void range_of(const struct admin_query *query, unsigned bit, enum wire_field field,
		     unsigned last, unsigned ret[2])
{
	unsigned wanted = (unsigned)wire_get(query->wanted, field);

	ret[0] = admin_has(query, bit) ? wanted : 0;
	ret[1] = admin_has(query, bit) ? MIN(wanted, last) : last;
}

static bool offer_mappings(struct admin_query *query, struct endpoint e)
{
	const struct node *node = node_of(query->view->fabric, e.port);
	unsigned ins[2], outs[2];

	if (e.index > 0)
		return true;
	if (!node_is_switch(node))
		return offer_mapping(query, e.port, e.port, 0);
	range_of(query, WANT_IN, SLTOVL_RECORD_IN, node->n_ports, ins);
	range_of(query, WANT_OUT, SLTOVL_RECORD_OUT, node->n_ports, outs);
	for (unsigned out = MAX(outs[0], 1); out <= outs[1]; out++) {
		for (unsigned in = ins[0]; in <= ins[1]; in++) {
			if (!offer_mapping(query, e.port, port_at(node, out), in))
				return false;
		}
	}

	return true;
}

static void each_mapping(struct admin_query *query)
{
	if (query->view->sltovl)
		admin_offer_ends(query, WANT_LID, SLTOVL_RECORD_LID, offer_mappings);
}

const struct admin_attribute admin_sltovl_record = {
	.id = ATTR_SA_SLTOVL_RECORD,
	.record_size = SLTOVL_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(mapping_components),
	.components = mapping_components,
	.each = each_mapping,
};

/* ---- turns ------------------------------------------------------------------------------------
 */

/* Blocks 1 and 2 are the low priority table, 3 and 4 the other. */
static bool offer_turns(struct admin_query *query, uint32_t end, uint32_t out)
{
	const struct admin_view *view = query->view;
	const struct fabric *f = view->fabric;
	uint8_t record[VLARB_RECORD_SIZE] = { 0 };

	wire_set(record, VLARB_RECORD_LID, f->ports[end].lid);
	wire_set(record, VLARB_RECORD_PORT, f->ports[out].number);
	for (unsigned block = 1; block <= 4; block++) {
		wire_set(record, VLARB_RECORD_BLOCK, block);
		if (view->vl_arbitration(view->user, out, block,
					 record + VLARB_RECORD_TABLE_OFFSET) &&
		    !admin_offer(query, endpoint_of_port(end), record))
			return false;
	}

	return true;
}

static bool offer_all_turns(struct admin_query *query, struct endpoint e)
{
	const struct node *node = node_of(query->view->fabric, e.port);

	if (e.index > 0)
		return true;
	if (!node_is_switch(node))
		return offer_turns(query, e.port, e.port);
	for (unsigned number = 1; number <= node->n_ports; number++) {
		if (!offer_turns(query, e.port, port_at(node, number)))
			return false;
	}

	return true;
}

static void each_arbitration(struct admin_query *query)
{
	if (query->view->vl_arbitration)
		admin_offer_ends(query, WANT_LID, VLARB_RECORD_LID, offer_all_turns);
}

const struct admin_attribute admin_vl_arbitration_record = {
	.id = ATTR_SA_VL_ARBITRATION_RECORD,
	.record_size = VLARB_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(arbitration_components),
	.components = arbitration_components,
	.each = each_arbitration,
};
