/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Applied is what devices have acknowledged, and nothing less: a reconcile that ended after the
 * change, and then the tables themselves, as the subnet manager knows them. A port that is absent
 * has no table yet; it gets it right when it comes, before it is Active.
 */

#include "ctl/applied.h"

#include "ctl/place.h"

static bool is_settled(const struct sm *sm, uint64_t generation)
{
	struct sm_status status;

	sm_status(sm, &status);

	return status.state == SM_MASTER && status.applied >= generation;
}

static json_t *name_port(const struct rpc *rpc, const struct sm *sm, uint32_t number,
			 enum reason reason)
{
	const struct fabric *f = sm_fabric(sm);
	struct row row = row_start();

	row_guid(&row, "guid", f->ports[number].guid);
	place_put_node(&row, rpc, node_of(f, number));
	row_number(&row, "port", f->ports[number].number);
	row_text(&row, "reason", reason_key(reason));
	row_text(&row, "sentence", reason_sentence(reason));

	return row_end(&row);
}

/* So many are not; those up to the limit go into @list, if there is one. */
static unsigned find_unapplied(const struct rpc *rpc, const struct sm *sm, uint16_t pkey,
			       const struct partition *partition, json_t *list)
{
	const struct fabric *f = sm_fabric(sm);
	unsigned n = 0;

	for (uint32_t i = 0; i < f->n_ports; i++) {
		enum reason reason = REASON_NONE;

		if (!f->ports[i].present || f->ports[i].guid == 0 || !port_is_end(f, i) ||
		    sm_key_is_applied(sm, i, pkey, partition, &reason))
			continue;
		if (list && n < APPLIED_NAMED_MAX)
			json_array_append_new(list, name_port(rpc, sm, i, reason));
		n++;
	}

	return n;
}

bool applied_look(const struct sm *sm, uint16_t pkey, const struct partition *partition,
		  uint64_t generation)
{
	return is_settled(sm, generation) && find_unapplied(NULL, sm, pkey, partition, NULL) == 0;
}

void applied_put(struct row *row, const struct rpc *rpc, const struct sm *sm, uint16_t pkey,
		 const struct partition *partition, uint64_t generation)
{
	bool settled = is_settled(sm, generation);
	json_t *list = json_array();
	unsigned n = find_unapplied(rpc, sm, pkey, partition, list);

	row_number(row, "generation", generation);
	row_bool(row, "settled", settled);
	row_bool(row, "applied", settled && n == 0);
	row_number(row, "not_applied_count", n);
	row_put(row, "not_applied", list);
}
