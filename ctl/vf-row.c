/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What there is to say of a virtual function in one row, the same for all models. The P_Keys are
 * those that a device holds, not those that are planned, since that is what packets meet; there is
 * a limit to them, because a page has many rows.
 */

#include "ctl/vf-row.h"

#include <stdio.h>

#include "ctl/pkeys.h"
#include "ctl/place.h"

#define PKEYS_SHOWN 128 /* as many as an adapter has for a VF */

const char *vf_lid_source(const struct fabric *f, const struct vf_place *place,
			  char buffer[static LID_SOURCE_SIZE])
{
	int owner;

	if (place->model == VF_VSWITCH)
		return place->nameless ? NULL : "own";
	owner = endpoint_lid_owner(f, (struct endpoint){ place->pf, place->index });
	if (owner < 0)
		return NULL;
	if (owner == 0 || owner == place->index)
		return owner == 0 ? "port" : "own";
	snprintf(buffer, LID_SOURCE_SIZE, "vport %d", owner);

	return buffer;
}

static uint16_t lid_of(const struct fabric *f, const struct vf_place *place)
{
	struct found found = vf_place_found(f, place);

	return place->nameless ? 0 : endpoint_lid(f, (struct endpoint){ found.port, found.index });
}

/* What an operator calls it, else it itself; NULL: nothing that we have heard. */
static const char *name_of(const struct call *call, const struct vf_place *place, uint64_t guid,
			   char buffer[static GUID_TEXT_SIZE])
{
	const struct kept_reservation *reserved = sm_reservation_of(call->sm, guid);
	const struct fabric *f = call->fabric;
	const struct vf *vf;

	if (reserved && reserved->name[0])
		return reserved->name;

	if (place->nameless || place->model == VF_SHARED)
		return NULL;
	if (place->model == VF_VSWITCH)
		return place_name(call->rpc, node_of(f, place->port), buffer);
	vf = vf_at(f, place->pf, place->index);

	return vf->description[0] ? vf->description : NULL;
}

void vf_put_place(struct row *row, const struct call *call, const struct vf_place *place)
{
	const struct port *pf = &call->fabric->ports[place->pf];
	char buffer[GUID_TEXT_SIZE];

	row_text(row, "model", vf_model_name(place->model));
	row_guid(row, "pf", pf->guid);
	row_text(row, "pf_name", place_name(call->rpc, node_of(call->fabric, place->pf), buffer));
	row_number(row, "pf_port", pf->number);
	row_number(row, "index", place->index);
}

struct row vf_row_start(const struct call *call, const struct vf_place *place)
{
	const struct fabric *f = call->fabric;
	struct vf_look look = vf_look(f, place);
	char buffer[GUID_TEXT_SIZE], source[LID_SOURCE_SIZE];
	struct row row = row_start();

	row_guid(&row, "guid", look.guid);
	place_put_gid(&row, call->sm, look.guid);
	row_text(&row, "name", name_of(call, place, look.guid, buffer));
	row_number(&row, "lid", lid_of(f, place));
	row_text(&row, "lid_source", vf_lid_source(f, place, source));
	vf_put_place(&row, call, place);
	row_put(&row, "pkeys", pkeys_held(look.pkeys, PKEYS_SHOWN));
	row_text(&row, "state", port_state_name(look.state));
	row_bool(&row, "problem", look.problem);
	place_put_reason(&row, call->rpc, (uint8_t)look.reason, look.since);

	return row;
}

void vf_add_to_counts(struct vf_counts *counts, const struct vf_look *look)
{
	counts->active += look->active;
	counts->problems += look->problem;
	counts->idle += !look->active && !look->problem;
}

struct vf_counts vf_count(const struct fabric *f)
{
	struct vf_counts counts = { 0 };
	struct vf_place place;

	for (uint64_t n = 0; vf_place_next(f, &n, &place); n++) {
		struct vf_look look = vf_look(f, &place);

		vf_add_to_counts(&counts, &look);
	}

	return counts;
}
