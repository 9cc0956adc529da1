/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The service level of a path, and what else the operator's QoS policy says of it, as opensm has
 * it: the policy's level for the question, which may also bound MTU, rate, life time and P_Keys;
 * without a policy, the service level of the partition (sl= in partitions.conf). A client that asks
 * for a service level has that, unless the policy says another one for what it asks.
 *
 * All that counts only with qos.enable. Otherwise all is on service level 0, as nobody has told
 * devices what others mean. Where routes need several lanes, they say which level a path has, and
 * nobody else does: packets on another could wait for each other in a circle.
 */

#include <string.h>

#include "base/macros.h"
#include "conf/partitions.h"
#include "conf/qos-policy.h"
#include "sm/sa/path.h"
#include "sm/sa/rate.h"

/* An end, and where to find its keys. */
struct policy_end {
	struct qos_end end;
	const struct admin_view *view;
	struct endpoint at;
	char description[SMP_DATA_SIZE + 1];
};

static bool has_key(const void *user, uint16_t first, uint16_t last)
{
	const struct policy_end *e = user;
	uint16_t table[FABRIC_MAX_PKEYS];
	unsigned n = MIN(e->view->pkeys(e->view->user, e->at, table, COUNT(table)), COUNT(table));

	for (unsigned i = 0; i < n; i++) {
		uint16_t base = table[i] & KEY_BASE_MASK;

		if (base != 0 && base >= first && base <= last)
			return true;
	}

	return false;
}

static unsigned kinds_of(const struct fabric *f, uint32_t port)
{
	const struct node *node = node_of(f, port);
	unsigned self = port == f->local_port ? QOS_SELF : 0;

	if (node_is_switch(node))
		return self | QOS_SWITCH;

	return self | (node->type == NODE_TYPE_ROUTER ? QOS_ROUTER : QOS_CA);
}

/* A virtual port is one of an adapter that has one port, and has a name of its own. */
static void describe(const struct admin_view *view, const struct path_side *side,
		     struct policy_end *ret)
{
	const struct fabric *f = view->fabric;
	const struct port *port = &f->ports[side->at.port];
	const struct vfs *vfs = port->vfs;
	const struct vf *vf =
		side->at.index && vfs && vfs->model == VF_VPORT ? vf_of(f, side->at) : NULL;
	const char *description = vf ? vf->description : node_of(f, side->at.port)->description;

	memset(ret, 0, sizeof(*ret));
	ret->view = view;
	ret->at = side->at;
	memcpy(ret->description, description, strnlen(description, SMP_DATA_SIZE));
	ret->end = (struct qos_end){
		.guid = side->guid,
		.nodes = kinds_of(f, side->at.port),
		.description = ret->description,
		.port = vf ? 1 : port->number,
		.has_key = has_key,
		.user = ret,
	};
}

static uint16_t find_partition(const void *user, const char *name)
{
	const struct partitions *partitions = user;

	for (size_t i = 0; partitions && i < partitions->n; i++)
		if (!strcmp(partitions->partitions[i].name, name))
			return partitions->partitions[i].pkey;

	return 0;
}

const struct qos_level *path_find_level(const struct path_query *p)
{
	const struct admin_view *view = p->query->view;
	struct policy_end from, to;
	struct qos_question question = {
		.has_class = p->wish.has_class,
		.has_service = p->wish.has_service,
		.has_pkey = p->key != 0,
		.qos_class = p->wish.qos_class,
		.pkey = p->key,
		.service = p->wish.service,
		.from = &from.end,
		.to = &to.end,
		.partition = find_partition,
		.user = view->partitions,
	};

	if (!view->conf->qos || !view->qos)
		return NULL;
	describe(view, &p->from, &from);
	describe(view, &p->to, &to);

	return qos_policy_find(view->qos, &question);
}

/* Of those of @other that can be used between both. */
static uint16_t lowest_allowed(const struct path_query *p, struct endpoint other)
{
	const struct admin_view *view = p->query->view;
	uint16_t table[FABRIC_MAX_PKEYS];
	unsigned n = MIN(view->pkeys(view->user, other, table, COUNT(table)), COUNT(table));
	uint16_t lowest = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t base = table[i] & KEY_BASE_MASK;

		if (base != 0 && (lowest == 0 || base < lowest) &&
		    qos_level_allows(view->qos, p->level, base) &&
		    admin_keys_share(view, p->keys, other, base))
			lowest = base;
	}

	return lowest;
}

uint16_t path_level_key(const struct path_query *p, struct endpoint other, uint16_t key)
{
	const struct admin_view *view = p->query->view;

	if (key)
		return !p->level || qos_level_allows(view->qos, p->level, key) ? key : 0;
	if (!p->level || p->level->pkeys.n == 0)
		return admin_keys_shared(view, p->keys, other);

	return lowest_allowed(p, other);
}

uint8_t path_choose_sl(const struct path_query *p, uint16_t key)
{
	const struct admin_view *view = p->query->view;
	const struct partition *partition;

	if (!view->conf->qos)
		return 0;
	if (p->level)
		return p->level->sl;
	if (p->wish.has_sl)
		return p->wish.sl;
	partition = view->partitions ? partitions_find(view->partitions, key) : NULL;

	return partition ? partition->params.sl : 0;
}

void path_limit(const struct qos_level *level, struct admin_path *path)
{
	if (!level)
		return;
	if (level->given & QOS_HAS_MTU)
		path->mtu = MIN(path->mtu, level->mtu);
	if (level->given & QOS_HAS_RATE && admin_rate_mbps(level->rate) != 0 &&
	    admin_rate_mbps(level->rate) < admin_rate_mbps(path->rate))
		path->rate = level->rate;
	if (level->given & QOS_HAS_LIFE)
		path->life = level->life;
}
