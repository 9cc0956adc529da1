/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Values on their way to the disk, at most one for each kind and GUID: the last one counts. Host
 * byte order; a batch owns the blobs of its rows.
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
	ROW_KIND_COUNT,
};

struct row {
	enum row_kind kind;
	uint16_t lid;
	uint8_t lmc;
	bool gone;        /* forget the reservation */
	uint8_t n_places; /* of it */
	uint32_t size;    /* of the blob; 0: the device is forgotten */
	uint64_t guid;
	uint64_t mkey;
	uint64_t other_mkey;
	uint64_t port; /* GUID, of an alias or a move; 0: that is forgotten */
	uint8_t index;
	bool wanted;
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

/*
 * Copies @row and its blob, in place of what the batch had for this kind and GUID. 0, -EINVAL for
 * GUID 0, or -ENOMEM, also if the batch would then exceed @limit bytes; it is then unchanged.
 */
int batch_put(struct batch *batch, const struct row *row, size_t limit);
