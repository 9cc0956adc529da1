/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Applied is what devices have acknowledged, and nothing less: a reconcile that ended after the
 * change, and then the tables themselves, as the subnet manager knows them. A port that is absent
 * has no table yet; it gets it right when it comes, before it is Active. So has a virtual function.
 */

#include "ctl/applied.h"

#include "ctl/place.h"

static bool is_settled(const struct sm *sm, uint64_t generation)
{
	struct sm_status status;

	sm_status(sm, &status);

	return status.state == SM_MASTER && status.applied >= generation;
}

static json_t *name_end(const struct rpc *rpc, const struct sm *sm, struct endpoint e,
			enum reason reason)
{
	const struct fabric *f = sm_fabric(sm);
	struct row row = row_start();

	row_guid(&row, "guid", endpoint_guid(f, e));
	place_put_node(&row, rpc, node_of(f, e.port));
	row_number(&row, "port", f->ports[e.port].number);
	if (e.index > 0)
		row_number(&row, "vf", e.index);
	row_text(&row, "reason", reason_key(reason));
	row_text(&row, "sentence", reason_sentence(reason));
	row_text(&row, "remedy", reason_remedy(reason));

	return row_end(&row);
}

struct looking {
	const struct rpc *rpc;
	const struct sm *sm;
	uint16_t pkey;
	const struct partition *partition;
	json_t *list; /* those up to the limit go into it, if there is one */
	unsigned n;
};

static void look_at(struct looking *looking, struct endpoint e)
{
	enum reason reason = REASON_NONE;

	if (sm_key_is_applied(looking->sm, e, looking->pkey, looking->partition, &reason))
		return;
	if (looking->list && looking->n < APPLIED_NAMED_MAX)
		json_array_append_new(looking->list,
				      name_end(looking->rpc, looking->sm, e, reason));
	looking->n++;
}

static bool port_has_keys(const struct fabric *f, uint32_t port)
{
	return f->ports[port].present && f->ports[port].guid != 0 && port_is_end(f, port);
}

/*
 * Who is not started, or kept from coming up, is as one that is absent. An alias GUID has the keys
 * of its port, whatever is said of all; but not who is named.
 */
static bool vf_has_keys(const struct looking *looking, struct endpoint e)
{
	const struct fabric *f = sm_fabric(looking->sm);
	const struct vf *vf = vf_of(f, e);

	if (!vf_is_here(f, e) || vf->duplicate || vf_is_barred(vf))
		return false;

	return f->ports[e.port].vfs->model == VF_VPORT ||
	       (looking->partition && partition_statement(looking->partition, vf->guid));
}

/* So many are not. */
static unsigned find_unapplied(const struct rpc *rpc, const struct sm *sm, uint16_t pkey,
			       const struct partition *partition, json_t *list)
{
	const struct fabric *f = sm_fabric(sm);
	struct looking looking = {
		.rpc = rpc, .sm = sm, .pkey = pkey, .partition = partition, .list = list
	};
	struct vf_walk walk = { 0 };
	struct endpoint e;

	for (uint32_t i = 0; i < f->n_ports; i++)
		if (port_has_keys(f, i))
			look_at(&looking, endpoint_of_port(i));
	while (vf_walk_next(f, &walk, &e))
		if (vf_has_keys(&looking, e))
			look_at(&looking, e);

	return looking.n;
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
