/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Values on their way to the disk, at most one for each kind and GUID: the last one counts. Changes
 * of partitions are steps instead, each of which counts, in their order. Host byte order; a batch
 * owns the blobs of its rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/guid-map.h"

enum row_kind {
	ROW_IDENTITY,
	ROW_MKEY,
	ROW_QUIRKS,
	ROW_RESERVATION, /* its blob: the places, 8 bytes each, and then the name */
	ROW_ALIAS,       /* the alias GUID is the key */
	ROW_SPARES,      /* its blob: LIDs, 2 bytes each */
	ROW_MOVE,
	ROW_PARTITION,    /* the blob is its name */
	ROW_MEMBER,       /* GUID 0: all of them, to be forgotten */
	ROW_REGISTRATION, /* the key is its kind, in the upper byte, and its number */
	ROW_KIND_COUNT,
};

struct row {
	enum row_kind kind;
	uint16_t lid;
	uint8_t lmc;
	uint8_t membership; /* 0: the member is forgotten */
	uint16_t pkey;
	bool index0;
	bool gone;        /* forget the reservation */
	uint8_t n_places; /* of it */
	uint32_t size;    /* of the blob; 0: what it is of is forgotten */
	uint64_t guid;
	uint64_t mkey;
	uint64_t other_mkey;
	uint64_t port; /* GUID, of an alias or a move; 0: that is forgotten */
	uint8_t index;
	bool wanted;
	uint64_t expires;
	const void *blob;
};

/* A zeroed struct is an empty batch; batch_done() makes it one again. */
struct batch {
	struct row *rows;
	uint32_t n_rows;
	uint32_t n_room;
	size_t bytes; /* that it occupies, roughly and never too few */
	struct guid_map index[ROW_KIND_COUNT];
};

void batch_done(struct batch *batch);

/* Is it a step, of a change that somebody waits for? */
static inline bool row_is_step(const struct row *row)
{
	return row->kind == ROW_PARTITION || row->kind == ROW_MEMBER;
}

/*
 * Copies @row and its blob, in place of what the batch had for this kind and GUID unless it is a
 * step. 0, -EINVAL for GUID 0 of others, or -ENOMEM, also if the batch would then exceed @limit
 * bytes; it is then unchanged.
 */
int batch_put(struct batch *batch, const struct row *row, size_t limit);

/* Takes out the steps behind the first @n_rows rows. */
void batch_drop_steps(struct batch *batch, uint32_t n_rows);
