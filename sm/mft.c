/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Memory for what switches hold of multicast: only what is not zero takes any to speak of. */

#include "sm/mft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

int mft_make_room(struct mft **mft, unsigned n_ports, unsigned n_blocks, bool empty)
{
	struct mft *m = *mft ? *mft : calloc(1, sizeof(*m));
	struct mft_cell *cells;
	size_t before, after;

	if (!m)
		return -ENOMEM;
	*mft = m;
	m->n_positions = (uint8_t)(n_ports / MFT_PORTS + 1);
	n_blocks = MIN(n_blocks, MFT_BLOCKS_MAX);
	if (n_blocks <= m->n_blocks)
		return 0;
	before = (size_t)m->n_blocks * m->n_positions;
	after = (size_t)n_blocks * m->n_positions;
	cells = reallocarray(m->cells, after, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	for (size_t i = before; i < after; i++)
		cells[i] = (struct mft_cell){ .known = empty };
	m->cells = cells;
	m->n_blocks = (uint16_t)n_blocks;

	return 0;
}

static size_t n_cells(const struct mft *mft)
{
	return mft ? (size_t)mft->n_blocks * mft->n_positions : 0;
}

void mft_cut(struct mft *mft, unsigned n_blocks)
{
	size_t before = n_cells(mft);

	if (!mft || n_blocks >= mft->n_blocks)
		return;
	mft->n_blocks = (uint16_t)n_blocks;
	for (size_t i = n_cells(mft); i < before; i++)
		free(mft->cells[i].ports);
}

void mft_free(struct mft *mft)
{
	for (size_t i = 0; i < n_cells(mft); i++)
		free(mft->cells[i].ports);
	if (mft)
		free(mft->cells);
	free(mft);
}

struct mft_cell *mft_cell_at(const struct mft *mft, unsigned block, unsigned position)
{
	if (!mft || block >= mft->n_blocks || position >= mft->n_positions)
		return NULL;

	return &mft->cells[(size_t)block * mft->n_positions + position];
}

int mft_cell_set(struct mft_cell *cell, const uint8_t *data)
{
	bool any = false;

	for (unsigned i = 0; i < MFT_BLOCK; i++)
		any = any || wire_get16(data, i) != 0;
	cell->known = true;
	if (!any) {
		free(TAKE(cell->ports));
		return 0;
	}
	if (!cell->ports)
		cell->ports = malloc(MFT_BLOCK * sizeof(*cell->ports));
	if (!cell->ports) {
		cell->known = false;
		return -ENOMEM;
	}
	for (unsigned i = 0; i < MFT_BLOCK; i++)
		cell->ports[i] = wire_get16(data, i);

	return 0;
}

void mft_doubt(struct mft *mft)
{
	for (size_t i = 0; i < n_cells(mft); i++)
		mft->cells[i].known = false;
}

bool mft_clear(struct mft *mft)
{
	bool all = true;

	for (size_t i = 0; i < n_cells(mft); i++) {
		struct mft_cell *cell = &mft->cells[i];

		cell->known = cell->known && !cell->ports;
		all = all && cell->known;
		free(TAKE(cell->ports));
	}

	return all;
}

bool mft_doubt_twins(struct mft *mft)
{
	bool any = false;

	for (size_t i = 0; i < n_cells(mft); i++) {
		any = any || mft->cells[i].twin;
		if (mft->cells[i].twin)
			mft->cells[i].known = false;
		mft->cells[i].twin = false;
	}

	return any;
}
