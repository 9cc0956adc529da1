/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Virtual functions of all three models as one list, and how each of them is.
 */

#include "ctl/find.h"
#include "sm/vf.h"

struct vf_place {
	enum vf_model model;
	uint32_t pf;   /* port of the physical function */
	uint32_t port; /* behind a virtual switch its own, or if it is nameless the switch's; else
			  pf */
	uint16_t index;
	bool nameless; /* behind a virtual switch, and does not say who it is */
};

struct vf_look {
	uint64_t guid; /* that it has, or that it is to have; 0: none */
	uint64_t since;
	const struct pkey_table *pkeys; /* of the table that it uses; NULL: not known */
	enum port_state state;
	enum reason reason;
	bool active;
	bool problem; /* it is not Active, though somebody has started it */
};

/*
 * The first VF from number *@number on, which becomes its number: places in a list that may be
 * continued later. False: there is none.
 */
bool vf_place_next(const struct fabric *f, uint64_t *number, struct vf_place *ret);

/* Is what was found a VF, and nothing but that? */
bool vf_place_of(const struct fabric *f, const struct found *found, struct vf_place *ret);

/* VF @index of @pf. */
bool vf_place_find(const struct fabric *f, uint32_t pf, unsigned index, struct vf_place *ret);

/* The highest index that a VF of @pf may have; 0: it has no VFs. */
unsigned vf_place_top(const struct fabric *f, uint32_t pf);

/* And back. */
struct found vf_place_found(const struct fabric *f, const struct vf_place *place);

struct vf_look vf_look(const struct fabric *f, const struct vf_place *place);
