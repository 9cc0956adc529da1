/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* See patch.h. */

#include "routing/patch.h"

#include "base/array.h"

#include <stdlib.h>

int patch_add(struct patch *patch, uint32_t row, uint16_t lid, uint8_t was)
{
	int r = array_make_room(&patch->entry, patch->n, &patch->room, 1024, sizeof(*patch->entry));

	if (r < 0)
		return r;
	patch->entry[patch->n++] = (struct patch_entry){ row, lid, was };

	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct patch_entry *x = a, *y = b;

	if (x->lid != y->lid)
		return x->lid < y->lid ? -1 : 1;

	return (x->row > y->row) - (x->row < y->row);
}

void patch_drop_rows(struct patch *patch, const bool *away)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < patch->n; i++)
		if (!away[patch->entry[i].row])
			patch->entry[n++] = patch->entry[i];
	patch->n = n;
}

void patch_sort(struct patch *patch)
{
	if (patch->n > 0)
		qsort(patch->entry, patch->n, sizeof(*patch->entry), compare);
}

void patch_undo(struct patch *patch, struct tables *tables)
{
	for (uint32_t i = 0; i < patch->n; i++) {
		const struct patch_entry *entry = &patch->entry[i];

		tables->lft[entry->row * tables->stride + entry->lid] = entry->was;
	}
	patch->n = 0;
}

void patch_clear(struct patch *patch)
{
	free(patch->entry);
	*patch = (struct patch){ 0 };
}
