/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Forwarding tables of switches (IBA 14.2.5.9 to 14.2.5.12): where unicast LIDs leave, a byte for
 * each, and where multicast LIDs do, a bit for each port.
 *
 * Both are written block by block, hundreds of times, and there are thousands of switches. So they
 * begin as nothing, which reads as empty, and grow in large steps: the linear one to LinearFDBTop
 * at once where an SM tells it first, else by doubling, never beyond the capacity. A block that is
 * empty and lies beyond costs nothing.
 *
 * There is no random forwarding table: RandomFDBCap is 0, as of every switch that one can buy.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/sma.h"
#include "tests/sim/tables.h"

enum {
	MFT_PORTS = 16, /* of one entry of a block */
	MFT_BLOCK_BITS = 0x1ff,
	MFT_POSITION_SHIFT = 28,
};

/* ---- linear ---------------------------------------------------------------------------------- */

/* LIDs that the table has room for; no unicast LID is above 0xbfff. */
static uint32_t lft_cap(const struct sim_switch *sw)
{
	return MIN(be16toh(sw->info.lin_cap), SIM_LID_MULTICAST);
}

static bool lft_grow(struct sim_switch *sw, uint32_t size)
{
	uint32_t cap = lft_cap(sw);
	uint32_t more = MAX(2 * sw->lft_size, be16toh(sw->info.lin_top) + 1u);
	uint8_t *lft;

	if (size <= sw->lft_size)
		return true;
	size = MAX(size, MIN(more, cap));
	size = (size + SIM_LFT_BLOCK - 1) / SIM_LFT_BLOCK * SIM_LFT_BLOCK;
	lft = realloc(sw->lft, size);
	if (!lft)
		return false;
	memset(lft + sw->lft_size, SIM_LFT_NONE, size - sw->lft_size);
	sw->lft = lft;
	sw->lft_size = size;
	return true;
}

static bool is_all(const uint8_t *bytes, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

/* @n entries; the rest of a block that the capacity cuts short is lost. */
static bool lft_write(struct sim_switch *sw, uint32_t first, uint32_t n, const uint8_t *entries)
{
	if (first >= sw->lft_size && is_all(entries, n, SIM_LFT_NONE))
		return true;
	if (!lft_grow(sw, first + SIM_LFT_BLOCK))
		return false;
	memcpy(sw->lft + first, entries, n);
	return true;
}

static void lft_read(const struct sim_node *node, uint32_t first, uint8_t entries[SIM_LFT_BLOCK])
{
	const struct sim_switch *sw = node->sw;
	uint32_t top = be16toh(sw->info.lin_top);

	if (first < sw->lft_size)
		memcpy(entries, sw->lft + first, SIM_LFT_BLOCK);
	else
		memset(entries, SIM_LFT_NONE, SIM_LFT_BLOCK);
	if (!node->fabric->quirks.lft_zero_above_top)
		return;
	for (uint32_t i = 0; i < SIM_LFT_BLOCK; i++)
		if (first + i > top)
			entries[i] = 0;
}

void sim_tell_routes(struct sim_node *node, bool before)
{
	const struct sim_fabric *fabric = node->fabric;

	if (fabric->on_routes)
		fabric->on_routes(fabric->on_routes_user, node, before);
}

static bool lft_holds(const struct sim_node *node, uint32_t first, uint32_t n,
		      const uint8_t *entries)
{
	for (uint32_t i = 0; i < n; i++)
		if (sim_lft_at(node, first + i) != entries[i])
			return false;
	return true;
}

static bool lft_set(struct sim_ask *ask, uint32_t first, uint32_t n)
{
	bool done;

	if (lft_holds(ask->node, first, n, ask->data))
		return true;
	sim_tell_routes(ask->node, true);
	done = lft_write(ask->node->sw, first, n, ask->data);
	sim_tell_routes(ask->node, false);
	return done;
}

enum sim_status sim_linear_table(struct sim_ask *ask)
{
	uint32_t cap = lft_cap(ask->node->sw);
	uint32_t first = ask->modifier * SIM_LFT_BLOCK;

	if (ask->modifier >= SIM_LID_MULTICAST / SIM_LFT_BLOCK || first >= cap)
		return SIM_BAD_FIELD;
	if (ask->set && !lft_set(ask, first, MIN(cap - first, SIM_LFT_BLOCK)))
		return SIM_BUSY;
	lft_read(ask->node, first, ask->data);
	return SIM_OK;
}

/* A switch that forwards by the linear table has none. */
enum sim_status sim_random_table(struct sim_ask *ask)
{
	(void)ask;
	return SIM_BAD_ATTRIBUTE;
}

uint8_t sim_lft_at(const struct sim_node *node, unsigned lid)
{
	return node->sw && lid < node->sw->lft_size ? node->sw->lft[lid] : SIM_LFT_NONE;
}

int sim_lft_put(struct sim_node *node, unsigned lid, uint8_t port)
{
	if (!node->sw || lid >= lft_cap(node->sw))
		return -EINVAL;
	if (!lft_grow(node->sw, lid + 1))
		return -ENOMEM;
	node->sw->lft[lid] = port;
	return 0;
}

/* ---- multicast ------------------------------------------------------------------------------- */

static uint32_t mft_cap(const struct sim_switch *sw)
{
	return MIN(be16toh(sw->info.mcast_cap), SIM_LID_PERMISSIVE - SIM_LID_MULTICAST);
}

static bool mft_grow(struct sim_switch *sw, uint32_t size)
{
	uint64_t(*mft)[4];

	if (size <= sw->mft_size)
		return true;
	size = MAX(size, MIN(2 * sw->mft_size, mft_cap(sw)));
	mft = realloc(sw->mft, size * sizeof(*mft));
	if (!mft)
		return false;
	memset(mft + sw->mft_size, 0, (size - sw->mft_size) * sizeof(*mft));
	sw->mft = mft;
	sw->mft_size = size;
	return true;
}

/* Bits @position * 16 and up of @n entries from @first on. */
static bool mft_write(struct sim_switch *sw, uint32_t first, uint32_t n, unsigned position,
		      const uint8_t *data)
{
	unsigned word = position * MFT_PORTS / 64;
	unsigned shift = position * MFT_PORTS % 64;

	if (first >= sw->mft_size && is_all(data, 2 * n, 0))
		return true;
	if (!mft_grow(sw, first + n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t *entry = &sw->mft[first + i][word];
		uint64_t bits = (uint64_t)data[2 * i] << 8 | data[2 * i + 1];

		*entry = (*entry & ~(UINT64_C(0xffff) << shift)) | bits << shift;
	}
	return true;
}

static void mft_read(const struct sim_switch *sw, uint32_t first, unsigned position, uint8_t *data)
{
	unsigned word = position * MFT_PORTS / 64;
	unsigned shift = position * MFT_PORTS % 64;

	memset(data, 0, SIM_SMP_DATA);
	for (uint32_t i = 0; i < SIM_MFT_BLOCK && first + i < sw->mft_size; i++) {
		uint64_t bits = sw->mft[first + i][word] >> shift;

		data[2 * i] = (uint8_t)(bits >> 8);
		data[2 * i + 1] = (uint8_t)bits;
	}
}

static void tell_multicast(struct sim_node *node, bool before)
{
	const struct sim_fabric *fabric = node->fabric;

	if (fabric->on_multicast)
		fabric->on_multicast(fabric->on_routes_user, node, before);
}

/* Bits of the modifier between block and position are reserved, and not looked at. */
enum sim_status sim_multicast_table(struct sim_ask *ask)
{
	struct sim_switch *sw = ask->node->sw;
	uint32_t first = (ask->modifier & MFT_BLOCK_BITS) * SIM_MFT_BLOCK;
	unsigned position = ask->modifier >> MFT_POSITION_SHIFT;
	uint32_t cap = mft_cap(sw);

	if (first >= cap || position * MFT_PORTS > ask->node->n_ports) {
		if (!ask->node->fabric->quirks.mft_beyond_is_zero)
			return SIM_BAD_FIELD;
		memset(ask->data, 0, SIM_SMP_DATA);
		return SIM_OK;
	}
	if (ask->set) {
		bool written;

		tell_multicast(ask->node, true);
		written =
			mft_write(sw, first, MIN(cap - first, SIM_MFT_BLOCK), position, ask->data);
		tell_multicast(ask->node, false);
		if (!written)
			return SIM_BUSY;
	}
	mft_read(sw, first, position, ask->data);
	return SIM_OK;
}

bool sim_mft_has(const struct sim_node *node, unsigned mlid, unsigned port)
{
	const struct sim_switch *sw = node->sw;
	unsigned at = mlid - SIM_LID_MULTICAST;

	return sw && port <= UINT8_MAX && mlid >= SIM_LID_MULTICAST && at < sw->mft_size &&
	       sw->mft[at][port / 64] >> port % 64 & 1;
}

int sim_mft_put(struct sim_node *node, unsigned mlid, unsigned port, bool member)
{
	unsigned at = mlid - SIM_LID_MULTICAST;
	uint64_t bit = UINT64_C(1) << port % 64;

	if (!node->sw || port > node->n_ports || mlid < SIM_LID_MULTICAST ||
	    at >= mft_cap(node->sw))
		return -EINVAL;
	if (!mft_grow(node->sw, at + 1))
		return -ENOMEM;
	if (member)
		node->sw->mft[at][port / 64] |= bit;
	else
		node->sw->mft[at][port / 64] &= ~bit;
	return 0;
}
