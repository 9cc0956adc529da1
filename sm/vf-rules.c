/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the operator allows virtual functions: the rules of vsm.conf for their physical port
 * (conf/vf-policy.h), and the places that are reserved for their GUIDs. Before each plan all of
 * them are held against it, and who may not be where it is, or not with the GUID that it has, is
 * barred: no LID, no route, no P_Key anywhere, and it stays in Initialize, with the reason. The
 * plan after a reload, or after the GUID has changed, finds that otherwise.
 *
 * Who is Active already is told of and left alone, until it goes down: a slip in a rule should not
 * take the guests of a whole fabric off the air.
 *
 * A rule may go by what a device calls itself, which is asked last. Until that is known nothing is
 * allowed there that a rule might forbid; who does not answer it has an empty name.
 */

#include <stdio.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vswitch.h"

/* What patterns are to fit; NULL: not known yet. */
static const char *name_of(const struct node *node)
{
	return node->description[0] || node->name_asked ? node->description : NULL;
}

const struct vf_policy *vf_rule_of(const struct sm *sm, uint32_t number)
{
	return vf_policy_for(&sm->conf.virtual_functions, sm->fabric.ports[number].guid,
			     name_of(node_of(&sm->fabric, number)));
}

static bool has_guid(const struct vf_policy *policy, uint64_t guid)
{
	for (unsigned i = 0; i < policy->n_port_guids; i++)
		if (policy->port_guid[i] == guid)
			return true;

	return false;
}

/* A shared port has as many entries as its GUID table, and the first is its own. */
static unsigned room_at(const struct sm *sm, uint32_t pf)
{
	const struct vfs *vfs = sm->fabric.ports[pf].vfs;

	return vfs && vfs->model == VF_SHARED ? MAX(aliases_capacity(sm, pf), 1) - 1 : VFS_MAX - 1;
}

unsigned sm_vf_limit(const struct sm *sm, uint32_t pf, unsigned *ret_entry)
{
	const struct vf_policy *policy = vf_rule_of(sm, pf);
	unsigned room = room_at(sm, pf);

	if (!policy || policy->max > room) {
		*ret_entry = 0;
		return room;
	}
	*ret_entry = (unsigned)(policy - sm->conf.virtual_functions.policy) + 1;

	return policy->max;
}

const char *vf_limit_text(const struct sm *sm, uint32_t pf, enum reason reason,
			  char ret[static VF_LIMIT_SIZE])
{
	unsigned entry, max;

	ret[0] = 0;
	if (reason != REASON_VF_TOO_MANY)
		return ret;
	max = sm_vf_limit(sm, pf, &entry);
	if (entry)
		snprintf(ret, VF_LIMIT_SIZE,
			 " At most %u are allowed there: max in entry %u of virtual_functions.",
			 max, entry);
	else
		snprintf(ret, VF_LIMIT_SIZE, " It has room for %u.", max);

	return ret;
}

bool vf_rule_is_known(const struct sm *sm, uint32_t number)
{
	const struct vf_policies *policies = &sm->conf.virtual_functions;

	if (name_of(node_of(&sm->fabric, number)))
		return true;
	for (size_t i = 0; i < policies->n; i++) {
		if (policies->policy[i].ports[0])
			return false;
		if (has_guid(&policies->policy[i], sm->fabric.ports[number].guid))
			return true;
	}

	return true;
}

static enum reason look_at(const struct sm *sm, struct endpoint e, uint64_t guid)
{
	const struct vf_policy *policy;

	if (guid == 0)
		return REASON_VF_NO_GUID;
	if (!reservation_may_be_at(reservations_find(&sm->reservations, guid),
				   sm->fabric.ports[e.port].guid))
		return REASON_VF_NOT_ALLOWED;
	if (!vf_rule_is_known(sm, e.port))
		return REASON_IN_PROGRESS;
	policy = vf_rule_of(sm, e.port);
	if (policy && e.index > policy->max)
		return REASON_VF_TOO_MANY;

	return vf_policy_allows(policy, guid) ? REASON_NONE : REASON_VF_NOT_ALLOWED;
}

/* And who is to be elsewhere goes on where it is Active, but does not come up there again. */
static enum reason judge(const struct sm *sm, struct endpoint e, uint64_t guid, bool active)
{
	enum reason reason = look_at(sm, e, guid);

	if (reason != REASON_NONE || active || moves_may_be_at(sm, guid, e.port))
		return reason;

	return REASON_VF_NOT_ALLOWED;
}

/* -- all of them --------------------------------------------------------------------------------
 */

static void apply_to_vports(struct sm *sm, uint32_t number)
{
	const struct vfs *vfs = sm->fabric.ports[number].vfs;

	for (unsigned i = 1; vfs && vfs->model == VF_VPORT && i < vfs->n; i++) {
		struct vf *vf = &vfs->vf[i];
		enum reason reason = REASON_NONE;

		if (vf->guid != 0)
			reason = judge(sm, (struct endpoint){ number, (uint16_t)i }, vf->guid,
				       vf->state == PORT_ACTIVE);
		if (vf->barred != reason) {
			sm->changed = true;
			sm_include(sm, number);
		}
		vf->barred = (uint8_t)reason;
	}
}

/* Behind a virtual switch a VF is a port like any. */
static void apply_to_port(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	enum reason reason = REASON_NONE;
	struct vswitch_vf vf;

	if (port->guid != 0 && vswitch_vf_at(&sm->fabric, number, &vf) && !vf.nameless)
		reason = judge(sm, (struct endpoint){ vf.pf, (uint16_t)vf.index }, port->guid,
			       port_state(port) == PORT_ACTIVE);
	if (port->barred == reason)
		return;
	sm->changed = true;
	sm_include(sm, number);
	port->fits = 0;
	port->barred = (uint8_t)reason;
}

void vf_rules_apply(struct sm *sm)
{
	const struct fabric *f = &sm->fabric;

	for (uint32_t i = fabric_next_end(f, 0); i != NO_PORT; i = fabric_next_end(f, i + 1)) {
		if (!node_of(f, i)->present || f->ports[i].number == 0)
			continue;
		apply_to_vports(sm, i);
		apply_to_port(sm, i);
	}
}

/* -- names --------------------------------------------------------------------------------------
 */

static bool has_vfs(const struct fabric *f, const struct node *node)
{
	for (unsigned i = 1; !node_is_switch(node) && i <= node->n_ports; i++) {
		uint32_t number = port_at(node, i), peer = f->ports[number].peer;

		if (f->ports[number].vfs ||
		    (peer != NO_PORT && vswitch_pf(f, f->ports[peer].node) == number))
			return true;
	}

	return false;
}

void vf_rules_take_name(struct sm *sm, struct node *node)
{
	const struct vf_policies *policies = &sm->conf.virtual_functions;

	for (size_t i = 0; i < policies->n; i++) {
		if (!policies->policy[i].ports[0] || !has_vfs(&sm->fabric, node))
			continue;
		sm->planned_keys.stale = true;
		sm_look_again(sm);
		return;
	}
}
