/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * LinearForwardingTableRecord (IBA 15.2.5.6): 64 LIDs a record. A block that the switch is not
 * known to hold, because a Set of it was not answered, has no record until it is. Blocks beyond
 * LinearFDBTop are not in use.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

enum {
	WANT_LID = 0,
	WANT_BLOCK = 1,
};

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each() */
	[WANT_BLOCK] = NOT_COMPARED, /* see offer() */
	NOT_COMPARED, /* reserved */
	BYTES_AT(LFT_RECORD_TABLE_OFFSET, LFT_BLOCK),
};
/* clang-format on */

static bool is_known(const struct sw *sw, unsigned block)
{
	return sw->lft_known[block / 64] >> block % 64 & 1;
}

static bool offer_block(struct admin_query *query, const struct node *node, uint16_t lid,
			unsigned block)
{
	uint8_t record[LFT_RECORD_SIZE] = { 0 };

	wire_set(record, LFT_RECORD_LID, lid);
	wire_set(record, LFT_RECORD_BLOCK, block);
	memcpy(record + LFT_RECORD_TABLE_OFFSET, node->sw->lft + (size_t)block * LFT_BLOCK,
	       LFT_BLOCK);

	return admin_offer(query, endpoint_of_port(port_at(node, 0)), record);
}

static bool offer(struct admin_query *query, const struct node *node, uint16_t lid)
{
	const struct sw *sw = node->sw;
	unsigned top = (unsigned)wire_get(sw->info, SWITCH_INFO_LINEAR_TOP);
	unsigned first = 0;
	unsigned end = MIN(MIN(sw->lft_size, top + 1 + LFT_BLOCK - 1) / LFT_BLOCK,
			   COUNT(sw->lft_known) * 64);

	if (admin_has(query, WANT_BLOCK)) {
		first = (unsigned)wire_get(query->wanted, LFT_RECORD_BLOCK);
		end = MIN(end, first + 1);
	}
	for (unsigned block = first; block < end; block++) {
		if (is_known(sw, block) && !offer_block(query, node, lid, block))
			return false;
	}

	return true;
}

static void each(struct admin_query *query)
{
	admin_offer_switches(query, WANT_LID, LFT_RECORD_LID, offer);
}

const struct admin_attribute admin_lft_record = {
	.id = ATTR_SA_LFT_RECORD,
	.record_size = LFT_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
