/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A P_Key's text has its membership bit, as tools print it: 0xffff is a full member of the default
 * partition.
 */

#include "ctl/pkeys.h"

#include <stdio.h>

#include "base/macros.h"

static const char *key_text(uint16_t key, char ret[static 8])
{
	snprintf(ret, 8, "0x%04x", key);

	return ret;
}

static json_t *make_planned(const struct sm *sm, uint16_t key, unsigned index)
{
	const struct partition *partition = partitions_find(sm_partitions(sm), key);
	struct row row = row_start();
	char text[8];

	row_number(&row, "index", index);
	row_text(&row, "pkey", key_text(key, text));
	row_text(&row, "partition", partition ? partition->name : NULL);

	return row_end(&row);
}

json_t *pkeys_held(const struct pkey_table *table, size_t most)
{
	json_t *list;
	char text[8];

	if (!table)
		return json_null();
	list = json_array();
	for (unsigned i = 0; i < table->n_known && json_array_size(list) < most; i++)
		if ((table->keys[i] & 0x7fff) != 0)
			json_array_append_new(list, json_string(key_text(table->keys[i], text)));

	return list;
}

int pkeys_of(const struct sm *sm, struct endpoint e, uint16_t ret[static FABRIC_MAX_PKEYS])
{
	const struct fabric *f = sm_fabric(sm);
	const struct vf *vf = e.index ? vf_at(f, e.port, e.index) : NULL;
	unsigned n;

	if (!vf || f->ports[e.port].vfs->model != VF_VPORT)
		n = sm_planned_pkeys(sm, e.port, ret, FABRIC_MAX_PKEYS);
	else if (vf->partition_cap == 0)
		return -1;
	else
		n = sm_planned_pkeys_of_vf(sm, e.port, e.index, ret, FABRIC_MAX_PKEYS);

	return (int)MIN(n, FABRIC_MAX_PKEYS);
}

/* Of what holds the keys that @e uses. */
static const struct pkey_table *table_of(const struct fabric *f, struct endpoint e)
{
	const struct vf *vf = e.index ? vf_at(f, e.port, e.index) : NULL;

	return vf && f->ports[e.port].vfs->model == VF_VPORT ? vf->pkeys : f->ports[e.port].pkeys;
}

void pkeys_put(struct row *row, const struct sm *sm, struct endpoint e)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	int n = pkeys_of(sm, e, keys);
	json_t *planned = json_array();

	for (int i = 0; i < n; i++)
		if ((keys[i] & 0x7fff) != 0)
			json_array_append_new(planned, make_planned(sm, keys[i], (unsigned)i));
	row_put(row, "pkeys", planned);
	row_put(row, "pkeys_held", pkeys_held(table_of(sm_fabric(sm), e), FABRIC_MAX_PKEYS));
}
