/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Virtual functions as rows, and in numbers.
 */

#include "ctl/vf-place.h"

/*
 * "guid", "gid", "name", "lid", "lid_source" ("own"; "port": that of the physical port; "vport 3":
 * that of another one; null: none), "model", "pf" (GUID of the physical port), "pf_name" and
 * "pf_port" (its node and number), "index", "pkeys" (that the device holds, or null if that is not
 * known), "state", "problem" and what place_put_reason() has.
 */
struct row vf_row_start(const struct call *call, const struct vf_place *place);

/* "vport 3" as above; NULL for none. */
#define LID_SOURCE_SIZE 20
const char *vf_lid_source(const struct fabric *f, const struct vf_place *place,
			  char buffer[static LID_SOURCE_SIZE]);

/* Where it is: "model", "pf", "pf_name", "pf_port", "index". */
void vf_put_place(struct row *row, const struct call *call, const struct vf_place *place);

struct vf_counts {
	unsigned active;
	unsigned problems; /* they are not, and somebody has started them */
	unsigned idle;     /* nobody has */
};

void vf_add_to_counts(struct vf_counts *counts, const struct vf_look *look);
struct vf_counts vf_count(const struct fabric *f);
