/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * MulticastForwardingTableRecord (IBA 15.2.5.8): 32 multicast LIDs and 16 ports a record, of
 * switches that are known to hold it. Blocks behind the last that has an entry have no records, as
 * with opensm; what a switch is not known to hold has none until it is.
 */

#include "base/macros.h"
#include "sm/mft.h"
#include "sm/sa/attribute.h"

enum {
	WANT_LID = 0,
	WANT_POSITION = 1,
	WANT_BLOCK = 3,
};

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each() */
	[WANT_POSITION] = AT(0, MFT_RECORD_POSITION),
	NOT_COMPARED, /* reserved */
	[WANT_BLOCK] = AT(0, MFT_RECORD_BLOCK),
	NOT_COMPARED, /* reserved */
	BYTES_AT(MFT_RECORD_TABLE_OFFSET, SMP_DATA_SIZE),
};
/* clang-format on */

static unsigned count_used(const struct mft *mft)
{
	for (unsigned n = mft->n_blocks; n > 0; n--) {
		for (unsigned position = 0; position < mft->n_positions; position++) {
			if (mft_cell_at(mft, n - 1, position)->ports)
				return n;
		}
	}

	return 0;
}

static bool offer_cell(struct admin_query *query, const struct node *node, uint8_t *record,
		       const struct mft_cell *cell)
{
	for (unsigned i = 0; i < MFT_BLOCK; i++)
		wire_set16(record + MFT_RECORD_TABLE_OFFSET, i, mft_cell_get(cell, i));

	return !cell->known || admin_offer(query, endpoint_of_port(port_at(node, 0)), record);
}

static bool offer(struct admin_query *query, const struct node *node, uint16_t lid)
{
	const struct mft *mft = node->sw->mft;
	uint8_t record[MFT_RECORD_SIZE] = { 0 };
	unsigned n = mft ? count_used(mft) : 0;

	wire_set(record, MFT_RECORD_LID, lid);
	for (unsigned block = 0; block < n; block++) {
		wire_set(record, MFT_RECORD_BLOCK, block);
		for (unsigned position = 0; position < mft->n_positions; position++) {
			wire_set(record, MFT_RECORD_POSITION, position);
			if (!offer_cell(query, node, record, mft_cell_at(mft, block, position)))
				return false;
		}
	}

	return true;
}

static void each(struct admin_query *query)
{
	admin_offer_switches(query, WANT_LID, MFT_RECORD_LID, offer);
}

const struct admin_attribute admin_mft_record = {
	.id = ATTR_SA_MFT_RECORD,
	.record_size = MFT_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
