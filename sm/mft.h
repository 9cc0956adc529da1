/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The ledger of multicast forwarding tables: what a switch was told or told us that it holds, by
 * cells of 32 MLIDs and 16 ports, as they are read and written (IBA 14.2.5.12). There is none as
 * long as no group needs it. MLIDs count from 0 here.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mad/wire.h"

#define MFT_BLOCKS_MAX    512u /* of MLIDs */
#define MFT_POSITIONS_MAX 16u

/* Modifier of MulticastForwardingTable. */
static inline uint32_t mft_modifier(unsigned block, unsigned position)
{
	return block | (uint32_t)position << 28;
}

struct mft_cell {
	uint16_t *ports; /* [MFT_BLOCK], bit per port; NULL: none. As last heard, if it is not known
			  */
	bool known;
	bool twin;   /* a late Set may yet arrive, see twin.c */
	bool marked; /* to be asked for or written */
};

struct mft {
	struct mft_cell *cells; /* cell of position p of block b: [b * n_positions + p] */
	uint16_t n_blocks;      /* that there is room for */
	uint8_t n_positions;
};

/*
 * Room for blocks 0 to @n_blocks - 1 of a switch with @n_ports external ports; what is new is
 * @empty and known, or not known. @mft NULL: it is made. 0 or -ENOMEM.
 */
int mft_make_room(struct mft **mft, unsigned n_ports, unsigned n_blocks, bool empty);
/* No more than that many. @mft may be NULL. */
void mft_cut(struct mft *mft, unsigned n_blocks);
void mft_free(struct mft *mft);

/* NULL beyond what there is room for. */
struct mft_cell *mft_cell_at(const struct mft *mft, unsigned block, unsigned position);

static inline uint16_t mft_cell_get(const struct mft_cell *cell, unsigned i)
{
	return cell->ports ? cell->ports[i] : 0;
}

/* It holds @data, MFT_BLOCK 16-bit masks in wire order. 0 or -ENOMEM. */
int mft_cell_set(struct mft_cell *cell, const uint8_t *data);

/* Nothing is known any more; of twins only: what had some. */
void mft_doubt(struct mft *mft);
bool mft_doubt_twins(struct mft *mft);
/*
 * It came up empty. What was not empty may have been written since then, before that was seen: it
 * is not known. Is all of it known?
 */
bool mft_clear(struct mft *mft);
