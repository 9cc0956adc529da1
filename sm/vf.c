/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Virtual functions as data: room for them, and who has which GUID. Nothing here asks or decides
 * anything; see vport.c and alias.c.
 */

#include "sm/vf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

const char *vf_model_name(enum vf_model model)
{
	static const char *const names[VF_MODELS] = { "vswitch", "shared", "vport" };

	return names[model];
}

/* -- room ---------------------------------------------------------------------------------------
 */

struct vf *vf_at(const struct fabric *f, uint32_t port, unsigned index)
{
	struct vfs *vfs = port == NO_PORT ? NULL : f->ports[port].vfs;

	return vfs && index < vfs->n ? &vfs->vf[index] : NULL;
}

static int make_empty(struct fabric *f, uint32_t port, enum vf_model model)
{
	AUTO(freep) struct vfs *vfs = calloc(1, sizeof(*vfs));

	if (!vfs || port_set_add(&f->with_vfs, port) < 0)
		return -ENOMEM;
	vfs->model = (uint8_t)model;
	f->ports[port].vfs = TAKE(vfs);
	f->n_vfs++;
	f->n_vport_ports += model == VF_VPORT;

	return 0;
}

int vfs_make(struct fabric *f, uint32_t port, enum vf_model model, unsigned n)
{
	struct vfs **vfs = &f->ports[port].vfs;
	struct vf *bigger;

	if (n > VFS_MAX || port >= VFS_PORT_MAX)
		return -ENOSPC;
	if (!*vfs && make_empty(f, port, model) < 0)
		return -ENOMEM;
	if (n <= (*vfs)->n)
		return 0;
	bigger = reallocarray((*vfs)->vf, n, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + (*vfs)->n, 0, (n - (*vfs)->n) * sizeof(*bigger));
	(*vfs)->vf = bigger;
	(*vfs)->n = (uint16_t)n;

	return 0;
}

static void release_guid(struct fabric *f, uint64_t guid, uint32_t number)
{
	if (guid && guid_map_get(&f->by_vf_guid, guid) == number)
		guid_map_remove(&f->by_vf_guid, guid);
}

static void forget_lid(struct fabric *f, uint32_t port, uint16_t lid)
{
	if (lid && f->by_lid[lid] == port)
		f->by_lid[lid] = NO_PORT;
}

void vfs_forget(struct fabric *f, uint32_t port)
{
	struct vfs *vfs = f->ports[port].vfs;

	if (!vfs)
		return;
	for (unsigned i = 0; i < vfs->n; i++) {
		release_guid(f, vfs->vf[i].guid, vf_number(port, i));
		forget_lid(f, port, vfs->vf[i].lid);
		free(vfs->vf[i].pkeys);
	}
	f->n_vport_ports -= vfs->model == VF_VPORT;
	free(vfs->vf);
	free(vfs);
	f->ports[port].vfs = NULL;
	port_set_remove(&f->with_vfs, port);
	f->n_vfs--;
}

/* -- all of them --------------------------------------------------------------------------------
 */

bool vf_walk_next(const struct fabric *f, struct vf_walk *walk, struct endpoint *ret)
{
	while ((walk->port = port_set_next(&f->with_vfs, walk->port)) != NO_PORT) {
		const struct vfs *vfs = f->ports[walk->port].vfs;

		while (++walk->index < vfs->n) {
			const struct vf *vf = &vfs->vf[walk->index];

			if (!vf->guid && !vf->wanted && vf->state <= PORT_DOWN)
				continue;
			*ret = (struct endpoint){ walk->port, (uint16_t)walk->index };
			return true;
		}
		walk->port++;
		walk->index = 0;
	}

	return false;
}

/* -- who has which GUID -------------------------------------------------------------------------
 */

void vf_set_guid(struct fabric *f, struct endpoint e, uint64_t guid)
{
	struct vf *vf = vf_of(f, e);

	if (vf->guid == guid)
		return;
	release_guid(f, vf->guid, vf_number(e.port, e.index));
	vf->guid = guid;
	vf->offered = false;
}

bool vf_is_here(const struct fabric *f, struct endpoint e)
{
	const struct vf *vf = vf_at(f, e.port, e.index);

	if (!vf || !vf->guid || !node_of(f, e.port)->present)
		return false;

	return f->ports[e.port].vfs->model == VF_SHARED || (vf->known && vf->state > PORT_DOWN);
}

static bool is_of_port(const struct fabric *f, uint64_t guid)
{
	uint32_t port = fabric_find_port(f, guid);

	return port != NO_PORT && node_of(f, port)->present;
}

/* Has it, and is what the map says still true? */
static bool owns(const struct fabric *f, uint64_t guid, uint32_t number)
{
	struct endpoint e = vf_of_number(number);

	return number != GUID_MAP_NONE && vf_is_here(f, e) && vf_of(f, e)->guid == guid &&
	       !is_of_port(f, guid);
}

/* A stranger keeps nobody from the GUID who may have it. */
static bool gives_way(const struct vf *owner, const struct vf *other)
{
	return vf_is_barred(owner) && !vf_is_barred(other);
}

int vf_settle_guid(struct fabric *f, struct endpoint e)
{
	struct vf *vf = vf_of(f, e);
	uint32_t owner = vf->guid ? guid_map_get(&f->by_vf_guid, vf->guid) : GUID_MAP_NONE;
	bool here = vf_is_here(f, e);
	bool own = owner == vf_number(e.port, e.index);
	bool duplicate = here && (is_of_port(f, vf->guid) ||
				  (!own && owns(f, vf->guid, owner) &&
				   !gives_way(vf_of(f, vf_of_number(owner)), vf)));

	vf->resettled = vf->resettled || duplicate != vf->duplicate;
	vf->duplicate = duplicate;
	if (!here || duplicate)
		return 0;

	return guid_map_put(&f->by_vf_guid, vf->guid, vf_number(e.port, e.index));
}

/* Who was up when nobody kept watch had its GUID before who is not: those come first. */
static bool is_up(const struct fabric *f, struct endpoint e)
{
	return f->ports[e.port].vfs->model == VF_SHARED || vf_of(f, e)->state >= PORT_ARMED;
}

int vfs_settle_guids(struct fabric *f)
{
	int r = 0;

	for (unsigned up = 2; up-- > 0;) {
		struct vf_walk walk = { 0 };
		struct endpoint e;

		while (r == 0 && vf_walk_next(f, &walk, &e))
			if (is_up(f, e) == (up == 1))
				r = vf_settle_guid(f, e);
	}

	return r;
}

struct endpoint endpoint_find(const struct fabric *f, uint64_t guid)
{
	uint32_t port = fabric_find_port(f, guid);
	uint32_t number;

	if (port != NO_PORT && node_of(f, port)->present)
		return (struct endpoint){ port, 0 };
	number = guid_map_get(&f->by_vf_guid, guid);

	return owns(f, guid, number) ? vf_of_number(number) : (struct endpoint){ NO_PORT, 0 };
}

/* -- what it is ---------------------------------------------------------------------------------
 */

struct endpoint endpoint_of_lid(const struct fabric *f, unsigned lid)
{
	uint32_t port = fabric_find_lid(f, lid);
	const struct vfs *vfs = port == NO_PORT ? NULL : f->ports[port].vfs;

	for (unsigned i = 1; vfs && i < vfs->n; i++)
		if (vfs->vf[i].lid == lid)
			return (struct endpoint){ port, (uint16_t)i };

	return (struct endpoint){ port, 0 };
}

uint64_t endpoint_guid(const struct fabric *f, struct endpoint e)
{
	const struct vf *vf = e.index ? vf_at(f, e.port, e.index) : NULL;

	return e.index ? (vf ? vf->guid : 0) : f->ports[e.port].guid;
}

int endpoint_lid_owner(const struct fabric *f, struct endpoint e)
{
	const struct vfs *vfs = f->ports[e.port].vfs;
	unsigned index = e.index;

	if (!vfs || vfs->model != VF_VPORT)
		return 0;
	for (unsigned steps = 0; steps < vfs->n && index < vfs->n; steps++) {
		if (index == 0 || vf_has_own_lid(&vfs->vf[index]))
			return (int)index;
		index = (unsigned)wire_get(vfs->vf[index].info, VPORT_INFO_LID_INDEX);
	}

	return -1;
}

uint16_t endpoint_lid(const struct fabric *f, struct endpoint e)
{
	int owner = endpoint_lid_owner(f, e);

	if (owner < 0)
		return 0;

	return owner == 0 ? f->ports[e.port].lid : f->ports[e.port].vfs->vf[owner].lid;
}

bool endpoint_needs_grh(const struct fabric *f, struct endpoint e)
{
	const struct vf *vf = e.index ? vf_at(f, e.port, e.index) : NULL;

	return vf && f->ports[e.port].vfs->model == VF_VPORT && !vf_has_own_lid(vf);
}

bool endpoint_is_active(const struct fabric *f, struct endpoint e)
{
	const struct vfs *vfs = f->ports[e.port].vfs;

	if (port_state(&f->ports[e.port]) != PORT_ACTIVE)
		return false;
	if (!vfs || vfs->model != VF_VPORT || e.index >= vfs->n)
		return true;
	if (e.index == 0 && !wire_get(vfs->info, VIRT_INFO_ENABLE))
		return true;

	return vfs->vf[e.index].state == PORT_ACTIVE;
}
