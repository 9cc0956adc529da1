/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The P_Key table of a port as it should be: a pure function of the partitions and of what the
 * table holds. A key that is there keeps its index, because applications and drivers address keys
 * by index; new keys go behind the last one, and into holes only when there is no room behind (as
 * opensm does). Index 0 is special: it belongs to a partition with indx0, else to the default
 * partition, because IPoIB and CM use it.
 *
 * A virtual function is also a member of the partition that the rule for its physical port names,
 * unless the partitions say themselves what it is to that one. While it is not known which rule
 * that is, what its tables hold is left as it is.
 *
 * A switch port that faces an adapter or router enforces that device's keys, so its table is
 * theirs; there indices mean nothing and the keys stand close together.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vswitch.h"

#define FULL 0x8000u

struct table {
	uint16_t *keys;
	unsigned room;
	unsigned n; /* one behind the last key */
};

enum partition_kind pkeys_kind_of(const struct node *node)
{
	switch (node->type) {
	case NODE_TYPE_SWITCH:
		return PARTITION_SWITCHES;
	case NODE_TYPE_ROUTER:
		return PARTITION_ROUTERS;
	default:
		return PARTITION_CAS;
	}
}

unsigned pkeys_capacity(const struct sm *sm, uint32_t number)
{
	const struct node *node = node_of(&sm->fabric, number);

	if (port_is_end(&sm->fabric, number))
		return MIN(MAX(node->partition_cap, 1u), FABRIC_MAX_PKEYS);

	return (unsigned)MIN(wire_get(node->sw->info, SWITCH_INFO_ENFORCE_CAP), FABRIC_MAX_PKEYS);
}

/* -- what it is a member of -----------------------------------------------------------------------
 */

static unsigned keys_of(const struct partition *partition, enum partition_membership membership,
			uint16_t ret[static 2])
{
	switch (membership) {
	case PARTITION_NO_MEMBER:
		return 0;
	case PARTITION_LIMITED:
		ret[0] = partition->pkey;
		return 1;
	case PARTITION_FULL:
		ret[0] = (uint16_t)(partition->pkey | FULL);
		return 1;
	case PARTITION_BOTH:
		ret[0] = (uint16_t)(partition->pkey | FULL);
		ret[1] = partition->pkey;
		return 2;
	}

	return 0;
}

/* Whose table it is. */
struct owner {
	uint64_t guid;
	enum partition_kind kind;
	bool self;                     /* it is the port that we use */
	const struct vf_policy *rule;  /* of a virtual function; or NULL */
	const struct pkey_table *held; /* or NULL */
	unsigned capacity;
};

/* The physical port that it is a VF of, whatever the model; NO_PORT: it is none. */
static uint32_t physical_port_of(const struct sm *sm, struct endpoint e)
{
	struct vswitch_vf vf;

	if (e.index > 0)
		return e.port;

	return vswitch_vf_at(&sm->fabric, e.port, &vf) && !vf.nameless ? vf.pf : NO_PORT;
}

const struct vf_policy *pkeys_rule_of(const struct sm *sm, struct endpoint e)
{
	uint32_t physical = physical_port_of(sm, e);

	return physical == NO_PORT ? NULL : vf_rule_of(sm, physical);
}

static struct owner owner_of(const struct sm *sm, struct endpoint e)
{
	const struct port *port = &sm->fabric.ports[e.port];
	const struct vf *vf = e.index ? vf_at(&sm->fabric, e.port, e.index) : NULL;

	if (vf)
		return (struct owner){ .guid = vf->guid,
				       .kind = PARTITION_CAS,
				       .rule = pkeys_rule_of(sm, e),
				       .held = vf->pkeys,
				       .capacity = MIN(vf->partition_cap, FABRIC_MAX_PKEYS) };

	return (struct owner){ .guid = port->guid,
			       .kind = pkeys_kind_of(node_of(&sm->fabric, e.port)),
			       .self = e.port == sm->fabric.local_port,
			       .rule = pkeys_rule_of(sm, e),
			       .held = port->pkeys,
			       .capacity = pkeys_capacity(sm, e.port) };
}

static unsigned keys_of_rule(const struct vf_policy *rule, uint16_t ret[static 2])
{
	static const enum partition_membership memberships[] = {
		[VF_MEMBERSHIP_FULL] = PARTITION_FULL,
		[VF_MEMBERSHIP_LIMITED] = PARTITION_LIMITED,
		[VF_MEMBERSHIP_BOTH] = PARTITION_BOTH,
	};
	struct partition partition = { .pkey = rule->partition };

	return keys_of(&partition, memberships[rule->membership], ret);
}

/* All keys that the port should have, that for index 0 first; how many, also if @room is less. */
static unsigned wanted_keys(const struct sm *sm, const struct owner *owner, uint16_t *ret,
			    unsigned room)
{
	struct partition_walk walk = partition_walk_start(sm->partitions, owner->guid);
	const struct partition *partition;
	bool indx0_found = false, rule_done = !owner->rule || !owner->rule->partition;
	uint16_t keys[2];
	unsigned n = 0;

	while ((partition = partition_walk_next(&walk))) {
		unsigned k = keys_of(
			partition,
			partition_membership(partition, owner->kind, owner->guid, owner->self),
			keys);

		for (unsigned j = 0; j < k && n + j < room; j++)
			ret[n + j] = keys[j];
		if (k > 0 && !indx0_found && n < room &&
		    partition_wants_index0(partition, owner->guid)) {
			uint16_t first = ret[0];

			ret[0] = keys[0];
			ret[n] = first;
			indx0_found = true;
		}
		rule_done = rule_done || (k > 0 && partition->pkey == owner->rule->partition);
		n += k;
	}
	if (!rule_done) {
		unsigned k = keys_of_rule(owner->rule, keys);

		for (unsigned j = 0; j < k && n + j < room; j++)
			ret[n + j] = keys[j];
		n += k;
	}

	return n;
}

/* -- where they go --------------------------------------------------------------------------------
 */

static int index_of(const uint16_t *keys, unsigned n, uint16_t key)
{
	for (unsigned i = 0; i < n; i++)
		if (keys[i] == key)
			return (int)i;

	return -1;
}

/* The index where the port has @key, or its other membership, and nothing else wants to stay. */
static int held_index(const struct pkey_table *held, const struct table *t, uint16_t key)
{
	int i;

	if (!held)
		return -1;
	i = index_of(held->keys, MIN(held->n_known, t->room), key);
	if (i < 0)
		i = index_of(held->keys, MIN(held->n_known, t->room), key ^ FULL);

	return i >= 0 && t->keys[i] == 0 ? i : -1;
}

static void place(struct table *t, unsigned index, uint16_t key)
{
	t->keys[index] = key;
	t->n = MAX(t->n, index + 1);
}

static void place_new(struct table *t, uint16_t key)
{
	if (t->n < t->room) {
		place(t, t->n, key);
		return;
	}
	int hole = index_of(t->keys, t->room, 0);

	if (hole >= 0)
		place(t, (unsigned)hole, key);
}

static unsigned plan_table(const struct sm *sm, const struct owner *owner, uint16_t *ret,
			   unsigned room)
{
	struct table t = { .keys = ret, .room = MIN(room, owner->capacity) };
	uint16_t wanted[FABRIC_MAX_PKEYS];
	unsigned n = MIN(wanted_keys(sm, owner, wanted, COUNT(wanted)), COUNT(wanted));

	memset(ret, 0, t.room * sizeof(*ret));
	if (n == 0)
		return 0;
	place(&t, 0, wanted[0]);
	for (unsigned i = 1; i < n; i++) {
		int held = held_index(owner->held, &t, wanted[i]);

		if (held < 0)
			continue;
		place(&t, (unsigned)held, wanted[i]);
		wanted[i] = 0;
	}
	for (unsigned i = 1; i < n; i++)
		if (wanted[i])
			place_new(&t, wanted[i]);

	return t.n;
}

static unsigned plan_end(const struct sm *sm, struct endpoint e, uint16_t *ret, unsigned room)
{
	struct owner owner = owner_of(sm, e);

	return plan_table(sm, &owner, ret, room);
}

/* Of a VF that is to be there. */
static unsigned plan_coming(const struct sm *sm, uint32_t port, uint64_t guid, uint16_t *ret,
			    unsigned room)
{
	struct owner owner = { .guid = guid,
			       .kind = PARTITION_CAS,
			       .rule = vf_rule_of(sm, port),
			       .capacity = FABRIC_MAX_PKEYS };

	return plan_table(sm, &owner, ret, room);
}

/* Add what is not there yet; how many there are then. */
static unsigned join(uint16_t *keys, unsigned n, unsigned room, const uint16_t *more, unsigned m)
{
	for (unsigned i = 0; i < m && n < room; i++)
		if (more[i] && index_of(keys, n, more[i]) < 0)
			keys[n++] = more[i];

	return n;
}

/* What comes from and goes to the device: its vports have keys of their own, also those to come. */
static unsigned all_keys_of(const struct sm *sm, uint32_t end, uint16_t *ret, unsigned room)
{
	const struct vfs *vfs = sm->fabric.ports[end].vfs;
	unsigned n = plan_end(sm, (struct endpoint){ end, 0 }, ret, room);
	uint16_t keys[FABRIC_MAX_PKEYS];

	for (unsigned i = 1; vfs && vfs->model == VF_VPORT && i < vfs->n; i++) {
		struct endpoint e = { end, (uint16_t)i };

		if (vf_is_here(&sm->fabric, e) && !vfs->vf[i].duplicate &&
		    !vf_is_barred(&vfs->vf[i]))
			n = join(ret, n, room, keys, plan_end(sm, e, keys, COUNT(keys)));
	}
	for (unsigned i = 0; vfs && i < sm->moves.n; i++)
		if (sm->moves.all[i].port == sm->fabric.ports[end].guid)
			n = join(ret, n, room, keys,
				 plan_coming(sm, end, sm->moves.all[i].guid, keys, COUNT(keys)));

	return n;
}

/* The limited key says nothing where the full one stands too. */
static unsigned plan_enforcement(const struct sm *sm, uint32_t end, uint16_t *ret, unsigned room)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n = all_keys_of(sm, end, keys, COUNT(keys));
	unsigned k = 0;

	for (unsigned i = 0; i < n && k < room; i++) {
		if (keys[i] == 0)
			continue;
		if (!(keys[i] & FULL) && index_of(keys, n, keys[i] | FULL) >= 0)
			continue;
		ret[k++] = keys[i];
	}

	return k;
}

uint32_t pkeys_enforced_port(const struct sm *sm, uint32_t number)
{
	const struct fabric *f = &sm->fabric;
	uint32_t peer = f->ports[number].peer;

	if (sm->conf.enforcement == CONF_ENFORCEMENT_OFF || port_is_end(f, number) ||
	    !node_is_switch(node_of(f, number)) || peer == NO_PORT ||
	    node_is_switch(node_of(f, peer)) || pkeys_capacity(sm, number) == 0)
		return NO_PORT;

	return peer;
}

bool pkeys_enforces(const struct sm *sm, uint32_t number)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	uint32_t end = pkeys_enforced_port(sm, number);

	return end != NO_PORT && !fault_waits(sm, &sm->fabric.ports[number].table_fault) &&
	       plan_enforcement(sm, end, keys, COUNT(keys)) <= pkeys_capacity(sm, number);
}

static bool has_active_vport(const struct vfs *vfs)
{
	for (unsigned i = 1; vfs && vfs->model == VF_VPORT && i < vfs->n; i++)
		if (vfs->vf[i].state == PORT_ACTIVE)
			return true;

	return false;
}

/* Who is not Active yet waits for the rule, and has no keys until then. */
bool pkeys_are_known(const struct sm *sm, uint32_t number)
{
	uint32_t end = port_is_end(&sm->fabric, number) ? number : sm->fabric.ports[number].peer;
	const struct port *port = end == NO_PORT ? NULL : &sm->fabric.ports[end];
	struct vswitch_vf vf;

	if (!port || sm->conf.virtual_functions.n == 0)
		return true;
	if (vswitch_vf_at(&sm->fabric, end, &vf))
		return vf_rule_is_known(sm, vf.pf) || port_state(port) != PORT_ACTIVE;

	return end == number || vf_rule_is_known(sm, end) || !has_active_vport(port->vfs);
}

bool pkeys_fit(const struct sm *sm, uint32_t number)
{
	struct owner owner = owner_of(sm, (struct endpoint){ number, 0 });
	uint16_t first;

	return wanted_keys(sm, &owner, &first, 1) <= owner.capacity;
}

unsigned pkeys_plan(const struct sm *sm, uint32_t number, uint16_t *ret, unsigned room)
{
	uint32_t end;

	if (port_is_end(&sm->fabric, number))
		return plan_end(sm, (struct endpoint){ number, 0 }, ret, room);
	end = pkeys_enforced_port(sm, number);
	if (end == NO_PORT || !pkeys_enforces(sm, number))
		return 0;

	return plan_enforcement(sm, end, ret, room);
}

unsigned pkeys_plan_vf(const struct sm *sm, struct endpoint e, uint16_t *ret, unsigned room)
{
	return plan_end(sm, e, ret, room);
}

bool pkeys_differ(const struct pkey_table *held, const uint16_t *plan, unsigned n, unsigned block,
		  uint8_t ret[static SMP_DATA_SIZE])
{
	bool differ = false;

	for (unsigned i = 0; i < PKEY_BLOCK; i++) {
		unsigned at = block * PKEY_BLOCK + i;
		uint16_t holds = held && at < held->n_known ? held->keys[at] : 0;
		uint16_t planned = at < n ? plan[at] : 0;

		wire_set16(ret, i, planned);
		differ = differ || holds != planned;
	}

	return differ;
}

/* -- what is done
 * -----------------------------------------------------------------------------------
 */

/* Are these @n the only entries of @pkey, full or limited, in this table? */
static bool holds_just(const struct pkey_table *held, uint16_t pkey, const uint16_t *keys,
		       unsigned n)
{
	unsigned found = 0;

	if (!held)
		return n == 0; /* nobody knows that it holds one */
	for (unsigned i = 0; i < MIN(held->n_known, FABRIC_MAX_PKEYS); i++) {
		if ((held->keys[i] & ~FULL) != pkey)
			continue;
		if (index_of(keys, n, held->keys[i]) < 0)
			return false;
		found++;
	}

	return found == n;
}

/* Does it hold these, or the full key for a limited one? */
static bool holds_all(const struct pkey_table *held, const uint16_t *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned n_known = held ? MIN(held->n_known, FABRIC_MAX_PKEYS) : 0;

		if (n_known == 0 || (index_of(held->keys, n_known, keys[i]) < 0 &&
				     index_of(held->keys, n_known, keys[i] | FULL) < 0))
			return false;
	}

	return true;
}

/* What the table of the switch port is to have of @pkey: what all who are behind it have of it. */
static unsigned enforced_keys(const struct sm *sm, uint32_t end, uint16_t pkey,
			      uint16_t ret[static 2])
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n = plan_enforcement(sm, end, keys, COUNT(keys)), k = 0;

	for (unsigned i = 0; i < n && k < 2; i++)
		if ((keys[i] & ~FULL) == pkey)
			ret[k++] = keys[i];

	return k;
}

bool pkeys_pass(const struct sm *sm, uint32_t end, uint64_t guid)
{
	uint32_t far = sm->fabric.ports[end].peer;
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n = plan_coming(sm, end, guid, keys, COUNT(keys));

	return far == NO_PORT || pkeys_enforced_port(sm, far) != end || !pkeys_enforces(sm, far) ||
	       holds_all(sm->fabric.ports[far].pkeys, keys, n);
}

/*
 * What that table has too much is the port's to tell, once and not for each VF: to know it, all of
 * them have to be asked.
 */
static bool is_enforced(const struct sm *sm, struct endpoint e, uint16_t pkey, const uint16_t *keys,
			unsigned n)
{
	uint32_t far = sm->fabric.ports[e.port].peer;
	uint16_t all[2];

	if (far == NO_PORT || pkeys_enforced_port(sm, far) != e.port)
		return true;
	if (sm->fabric.ports[far].table_fault.reason != REASON_NONE)
		return false;
	if (e.index > 0)
		return holds_all(sm->fabric.ports[far].pkeys, keys, n) || !pkeys_enforces(sm, far);
	if (!pkeys_enforces(sm, far))
		return true;

	return holds_just(sm->fabric.ports[far].pkeys, pkey, all,
			  enforced_keys(sm, e.port, pkey, all));
}

static enum reason reason_of_vport(const struct vf *vf)
{
	if (vf->table_fault.reason != REASON_NONE)
		return (enum reason)vf->table_fault.reason;

	return (enum reason)vf->reason;
}

static enum reason reason_of_table(const struct sm *sm, struct endpoint e,
				   const struct owner *owner)
{
	const struct port *port = &sm->fabric.ports[e.port];
	enum reason reason = (enum reason)port->table_fault.reason;
	uint16_t first;

	if (e.index > 0)
		reason = reason_of_vport(vf_of(&sm->fabric, e));
	if (reason != REASON_NONE)
		return reason;
	if (owner->capacity > 0 && wanted_keys(sm, owner, &first, 1) > owner->capacity)
		return REASON_PKEYS_DO_NOT_FIT;
	if (port->peer != NO_PORT && sm->fabric.ports[port->peer].table_fault.reason != REASON_NONE)
		return (enum reason)sm->fabric.ports[port->peer].table_fault.reason;

	return port->reason == REASON_NONE ? REASON_IN_PROGRESS : (enum reason)port->reason;
}

/* What this partition, or else the rule for VFs, gives it of @pkey. */
static unsigned given_keys(const struct owner *owner, uint16_t pkey,
			   const struct partition *partition, uint16_t ret[static 2])
{
	unsigned n = 0;

	if (partition)
		n = keys_of(partition,
			    partition_membership(partition, owner->kind, owner->guid, owner->self),
			    ret);
	if (n == 0 && owner->rule && owner->rule->partition == pkey)
		n = keys_of_rule(owner->rule, ret);

	return n;
}

/* Its keys are those of its port, which are given to that by its own GUID. */
static bool is_shared_applied(const struct sm *sm, struct endpoint e, const uint16_t *keys,
			      unsigned n, enum reason *ret)
{
	*ret = REASON_VF_SHARES_PKEYS;

	return holds_all(sm->fabric.ports[e.port].pkeys, keys, n);
}

bool sm_key_is_applied(const struct sm *sm, struct endpoint e, uint16_t pkey,
		       const struct partition *partition, enum reason *ret)
{
	struct owner owner = owner_of(sm, e);
	uint16_t keys[2];
	unsigned n;

	pkey &= FULL - 1;
	n = given_keys(&owner, pkey, partition, keys);
	if (e.index > 0 && sm->fabric.ports[e.port].vfs->model == VF_SHARED)
		return is_shared_applied(sm, e, keys, n, ret);
	if (holds_just(owner.held, pkey, keys, n) && is_enforced(sm, e, pkey, keys, n))
		return true;
	*ret = reason_of_table(sm, e, &owner);

	return false;
}
