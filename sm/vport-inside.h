/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the files about virtual ports, sm/vport*.c, share. vport.c says what is where. */

#include "sm/machine.h"
#include "sm/vf.h"

/* A tag's block: which vport, and which block of its table. */
#define PLACE(index, block) ((unsigned)(index) << 8 | (block))
#define INDEX_OF(tag)       (TAG_BLOCK(tag) >> 8)
#define BLOCK_OF(tag)       (TAG_BLOCK(tag) & 0xff)

/* Of a port that has vports; else NULL. */
static inline struct vfs *vports_of(const struct sm *sm, uint32_t number)
{
	struct vfs *vfs = sm->fabric.ports[number].vfs;

	return vfs && vfs->model == VF_VPORT ? vfs : NULL;
}

/* The same, where it is known that it has. */
static inline struct vfs *known_vports(const struct sm *sm, uint32_t number)
{
	return sm->fabric.ports[number].vfs;
}

/*
 * Of whom an answer tells. NULL: it has gone meanwhile, and others may be in its place, even VFs of
 * another model.
 */
static inline struct vf *vport_of_answer(const struct sm *sm, uint32_t number,
					 const struct answer *answer)
{
	const struct vfs *vfs = vports_of(sm, number);
	unsigned index = INDEX_OF(answer->request->tag);

	return vfs && index < vfs->n ? &vfs->vf[index] : NULL;
}

/* Is virtualization on? */
static inline bool vports_are_enabled(const struct vfs *vfs)
{
	return vfs->known && wire_get(vfs->info, VIRT_INFO_ENABLE);
}

/* The state of this one, and of those in the same block, is to be read. */
static inline void vports_want_state(struct vfs *vfs, unsigned index)
{
	vfs->blocks_wanted |= (uint16_t)(1u << index / VPORT_STATE_BLOCK);
}

/* vport.c: can something be asked of its vports now? */
bool vports_can_be_asked(const struct sm *sm, uint32_t port);
/*
 * To be asked of every answer: was the request lost, and is it as if it were refused? That is known
 * of each vport by itself, of a block of states by its first, and of all together by number 0: to
 * any other of them the device may listen.
 */
bool vport_is_deaf(struct sm *sm, uint32_t port, const struct answer *answer);

/* vport-read.c: a Get of @attr, of the vport and block that are @place. */
void vport_make_get(struct request *ret, uint16_t attr, uint32_t modifier, uint32_t port,
		    unsigned place);
/* VirtualizationInfo: read it if that is wanted, else set it. */
bool vports_ask_info(struct sm *sm, uint32_t port, struct request *ret);

/* vport-keys.c: the next block of its table that is to be read; first of all how to ask for it. */
bool vport_ask_key_read(const struct sm *sm, struct endpoint e, struct request *ret);
void vport_take_modifier(struct vfs *vfs, uint64_t guid, const struct answer *answer);
void vport_take_key_block(struct sm *sm, uint32_t port, const struct answer *answer);
/* Its table is to be read anew, as far as it is known now. */
void vport_forget_keys(struct vf *vf);
void vport_keys_failed(struct sm *sm, uint32_t port, struct vf *vf, enum reason reason,
		       uint16_t status);

/* vport-set.c: it is not told, or asked, anything of VPortInfo for a while. */
void vport_set_refused(struct sm *sm, uint32_t port, struct vf *vf, enum reason reason,
		       uint16_t status);

/* vport-plan.c: may it be brought up, as far as it is itself concerned? */
bool vport_takes_part(const struct sm *sm, struct endpoint e);
/* Why it is not to go further, or NONE. */
enum reason vport_obstacle(const struct sm *sm, struct endpoint e);
