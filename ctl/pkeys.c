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

static json_t *make_held(const struct port *port)
{
	json_t *list;
	char text[8];

	if (!port->pkeys)
		return json_null();
	list = json_array();
	for (unsigned i = 0; i < MIN(port->pkeys->n_known, FABRIC_MAX_PKEYS); i++)
		if ((port->pkeys->keys[i] & 0x7fff) != 0)
			json_array_append_new(list,
					      json_string(key_text(port->pkeys->keys[i], text)));

	return list;
}

void pkeys_put(struct row *row, const struct sm *sm, uint32_t port)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n = MIN(sm_planned_pkeys(sm, port, keys, FABRIC_MAX_PKEYS), FABRIC_MAX_PKEYS);
	json_t *planned = json_array();

	for (unsigned i = 0; i < n; i++)
		if ((keys[i] & 0x7fff) != 0)
			json_array_append_new(planned, make_planned(sm, keys[i], i));
	row_put(row, "pkeys", planned);
	row_put(row, "pkeys_held", make_held(&sm_fabric(sm)->ports[port]));
}
