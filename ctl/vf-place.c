/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Where virtual functions are. Those of shared ports and vports stand in the array of their port,
 * those behind a virtual switch are ports themselves: so a VF has the number of a port and an index
 * there, which is 0 for the latter.
 *
 * Vports that are enabled and down are VFs, too, though all that is known of them is their index:
 * such a one waits for somebody to start it, or to give it the GUID without which it cannot start,
 * and which of the two is the case only its host knows.
 *
 * A VF that is not Active has a reason. The subnet manager gives it one when it has looked; what it
 * has not looked at yet, and what shows from here as well (no GUID, the port is down), is worked
 * out here, so that nobody ever reads "down" and no more.
 */

#include "ctl/vf-place.h"

#include "base/macros.h"
#include "sm/vswitch.h"

/* -- where they are -----------------------------------------------------------------------------
 */

static bool behind_switch(const struct fabric *f, uint32_t port, struct vf_place *ret)
{
	struct vswitch_vf vf;

	if (!vswitch_vf_at(f, port, &vf))
		return false;
	*ret = (struct vf_place){ .model = VF_VSWITCH,
				  .pf = vf.pf,
				  .port = port,
				  .index = (uint16_t)vf.index,
				  .nameless = vf.nameless };

	return true;
}

static bool is_in_use(const struct vf *vf)
{
	return vf->guid || vf->wanted || vf->state > PORT_DOWN || vf->reason != REASON_NONE;
}

/* The device has been told to have so many. */
static bool is_enabled(const struct vfs *vfs, unsigned index)
{
	return vfs->model == VF_VPORT && vfs->known && index <= wire_get(vfs->info, VIRT_INFO_TOP);
}

/* An index that nobody uses is no VF. */
static bool of_port(const struct fabric *f, uint32_t port, unsigned index, struct vf_place *ret)
{
	const struct vf *vf = index == 0 ? NULL : vf_at(f, port, index);

	if (!vf || !node_of(f, port)->present ||
	    !(is_in_use(vf) || is_enabled(f->ports[port].vfs, index)))
		return false;
	*ret = (struct vf_place){ .model = (enum vf_model)f->ports[port].vfs->model,
				  .pf = port,
				  .port = port,
				  .index = (uint16_t)index };

	return true;
}

bool vf_place_next(const struct fabric *f, uint64_t *number, struct vf_place *ret)
{
	uint64_t port = *number / VFS_MAX;
	unsigned index = (unsigned)(*number % VFS_MAX);

	for (; port < f->n_ports; port++, index = 0) {
		const struct vfs *vfs = f->ports[port].vfs;
		bool found = index == 0 && behind_switch(f, (uint32_t)port, ret);

		for (; !found && vfs && index < vfs->n; index += !found)
			found = of_port(f, (uint32_t)port, index, ret);
		if (found) {
			*number = port * VFS_MAX + index;
			return true;
		}
	}

	return false;
}

bool vf_place_of(const struct fabric *f, const struct found *found, struct vf_place *ret)
{
	const struct node *node = &f->nodes[found->node];

	if (found->index > 0)
		return of_port(f, found->port, found->index, ret);
	if (found->port != NO_PORT)
		return behind_switch(f, found->port, ret);

	return !node_is_switch(node) && node->n_ports == 1 &&
	       behind_switch(f, port_at(node, 1), ret);
}

bool vf_place_find(const struct fabric *f, uint32_t pf, unsigned index, struct vf_place *ret)
{
	uint32_t port = vswitch_find_vf(f, pf, index);

	return port == NO_PORT ? of_port(f, pf, index, ret) : behind_switch(f, port, ret);
}

unsigned vf_place_top(const struct fabric *f, uint32_t pf)
{
	const struct port *port = &f->ports[pf];
	unsigned top = port->vfs && port->vfs->n > 0 ? port->vfs->n - 1u : 0;

	if (port->peer != NO_PORT && vswitch_pf(f, f->ports[port->peer].node) == pf)
		top = MAX(top, (unsigned)(node_of(f, port->peer)->n_ports -
					  f->ports[port->peer].number));

	return top;
}

struct found vf_place_found(const struct fabric *f, const struct vf_place *place)
{
	return (struct found){ .node = f->ports[place->port].node,
			       .port = place->port,
			       .index = place->model == VF_VSWITCH ? 0 : place->index };
}

/* -- how they are -------------------------------------------------------------------------------
 */

/* What does not say who it is has, as far as a person with the host at hand is concerned, no GUID.
 */
static enum reason reason_of_nameless(const struct port *port)
{
	if (port->reason == REASON_BAD_NODE_INFO)
		return REASON_VF_NO_GUID;

	return port->reason == REASON_NONE ? REASON_IN_PROGRESS : (enum reason)port->reason;
}

static struct vf_look look_behind_switch(const struct fabric *f, const struct vf_place *place)
{
	const struct port *port = &f->ports[place->port];
	struct vf_look look = { .guid = port->guid,
				.since = port->since,
				.pkeys = port->pkeys,
				.state = port_state(port),
				.reason = (enum reason)port->reason };

	look.active = look.state == PORT_ACTIVE;
	if (place->nameless)
		look = (struct vf_look){ .since = port->since,
					 .state = look.state,
					 .reason = reason_of_nameless(port) };
	else if (!look.active && look.reason == REASON_NONE)
		look.reason = REASON_IN_PROGRESS;
	look.problem = !look.active;

	return look;
}

static bool is_off(const struct vfs *vfs)
{
	return vfs->model == VF_VPORT && vfs->known && !wire_get(vfs->info, VIRT_INFO_ENABLE);
}

/*
 * The VF's own state, as far as its port is up. Who is not asked, since virtualization is off, was
 * Active when it last was.
 */
static enum port_state state_of(const struct fabric *f, const struct vf_place *place,
				const struct vf *vf)
{
	enum port_state state = port_state(&f->ports[place->pf]);

	if (place->model == VF_SHARED)
		return vf->guid && !vf->duplicate ? state : PORT_DOWN;
	if (is_off(f->ports[place->pf].vfs) || vf->reason == REASON_VF_VIRTUALIZATION_OFF)
		return PORT_DOWN;

	return MIN(state, (enum port_state)vf->state);
}

static bool is_waiting(const struct vf_place *place, const struct vf *vf)
{
	return place->model == VF_VPORT && vf->state <= PORT_DOWN;
}

/* The reason that shows without asking anybody. */
static enum reason reason_of(const struct fabric *f, const struct vf_place *place,
			     const struct vf *vf)
{
	const struct fault *untold = vfs_states_fault(f->ports[place->pf].vfs, place->index);

	if (is_off(f->ports[place->pf].vfs))
		return REASON_VF_VIRTUALIZATION_OFF;
	if (place->model == VF_VPORT && untold->reason != REASON_NONE)
		return (enum reason)untold->reason;
	if (is_waiting(place, vf) && !vf->guid)
		return REASON_VF_NOT_STARTED;
	if (port_state(&f->ports[place->pf]) != PORT_ACTIVE)
		return REASON_VF_PF_DOWN;
	if (vf->duplicate)
		return REASON_VF_DUPLICATE_GUID;
	if (!vf->guid && !vf->wanted)
		return REASON_VF_NO_GUID;
	if (is_waiting(place, vf))
		return REASON_VF_NOT_STARTED;

	return REASON_IN_PROGRESS;
}

static struct vf_look look_at_port(const struct fabric *f, const struct vf_place *place)
{
	const struct port *port = &f->ports[place->pf];
	const struct vf *vf = vf_at(f, place->pf, place->index);
	struct vf_look look = { .guid = vf->guid ? vf->guid : vf->wanted,
				.since = vf->since,
				.pkeys = place->model == VF_SHARED ? port->pkeys : vf->pkeys,
				.state = state_of(f, place, vf),
				.reason = (enum reason)vf->reason };

	look.active = look.state == PORT_ACTIVE && vf->guid && !vf->duplicate;
	if (!look.active && look.reason == REASON_NONE)
		look.reason = reason_of(f, place, vf);
	if (look.reason == REASON_VF_PF_DOWN)
		look.since = MAX(look.since, port->since);
	look.problem = !look.active && look.reason != REASON_VF_NOT_STARTED &&
		       !(look.reason == REASON_VF_VIRTUALIZATION_OFF && !look.guid);

	return look;
}

struct vf_look vf_look(const struct fabric *f, const struct vf_place *place)
{
	return place->model == VF_VSWITCH ? look_behind_switch(f, place) : look_at_port(f, place);
}
