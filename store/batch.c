/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Rows in the order in which their keys first came, and a map per kind that finds the row of a
 * GUID. Values are whole and the last one counts, so a GUID that is put a thousand times while the
 * disk is slow costs one row. The batch knows neither the disk nor what values mean.
 */

#include "store/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define FIRST_ROOM 64

/* A row, doubled because the array grows by doubling, and four slots of the map at 16 bytes. */
#define ROW_BYTES (2 * sizeof(struct row) + 64)

/* Rows of a batch own their blobs, which nobody writes to any more. */
static void free_blob(struct row *row)
{
	freep(&row->blob);
}

void batch_done(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->n_rows; i++)
		free_blob(&batch->rows[i]);
	free(batch->rows);
	for (size_t kind = 0; kind < ROW_KIND_COUNT; kind++)
		guid_map_done(&batch->index[kind]);
	*batch = (struct batch){ 0 };
}

static int make_room(struct batch *batch)
{
	uint32_t n_room = batch->n_room ? batch->n_room * 2 : FIRST_ROOM;
	struct row *rows;

	if (batch->n_rows < batch->n_room)
		return 0;
	rows = reallocarray(batch->rows, n_room, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	batch->rows = rows;
	batch->n_room = n_room;

	return 0;
}

/* An empty row for @row's kind and GUID, at the end. */
static int add_row(struct batch *batch, const struct row *row)
{
	int r = make_room(batch);

	if (r < 0)
		return r;
	r = row_is_step(row) ? 0 : guid_map_put(&batch->index[row->kind], row->guid, batch->n_rows);
	if (r < 0)
		return r;
	batch->rows[batch->n_rows++] = (struct row){ .kind = row->kind, .guid = row->guid };
	batch->bytes += ROW_BYTES;

	return 0;
}

static int copy_blob(const struct row *row, void **ret)
{
	void *blob = NULL;

	if (row->size > 0) {
		blob = malloc(row->size);
		if (!blob)
			return -ENOMEM;
		memcpy(blob, row->blob, row->size);
	}
	*ret = blob;

	return 0;
}

int batch_put(struct batch *batch, const struct row *row, size_t limit)
{
	uint32_t i = row_is_step(row) ? GUID_MAP_NONE
				      : guid_map_get(&batch->index[row->kind], row->guid);
	size_t old = i != GUID_MAP_NONE ? ROW_BYTES + batch->rows[i].size : 0;
	size_t new = ROW_BYTES + row->size;
	AUTO(freep) void *blob = NULL;
	int r;

	if (new > old && batch->bytes - old + new > limit)
		return -ENOMEM;
	r = copy_blob(row, &blob);
	if (r == 0 && i == GUID_MAP_NONE) {
		i = batch->n_rows;
		r = add_row(batch, row);
	}
	if (r < 0)
		return r;

	batch->bytes -= batch->rows[i].size;
	batch->bytes += row->size;
	free_blob(&batch->rows[i]);
	batch->rows[i] = *row;
	batch->rows[i].blob = TAKE(blob);

	return 0;
}

/* Those that stay move up. Their GUIDs are in the map, so it needs no memory. */
void batch_drop_steps(struct batch *batch, uint32_t n_rows)
{
	uint32_t n = n_rows;

	for (uint32_t i = n_rows; i < batch->n_rows; i++) {
		struct row *row = &batch->rows[i];

		if (row_is_step(row)) {
			batch->bytes -= ROW_BYTES + row->size;
			free_blob(row);
			continue;
		}
		guid_map_put(&batch->index[row->kind], row->guid, n);
		batch->rows[n++] = *row;
	}
	batch->n_rows = n;
}
