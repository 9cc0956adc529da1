/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The list of virtual functions, of all models, in pages. It is restricted to what one of its words
 * says (a state, a model, the key of a reason), or to a thing: one virtual function, those of a
 * physical port or adapter, or those behind a virtual switch.
 */

#include <string.h>

#include "base/macros.h"
#include "ctl/place.h"
#include "ctl/vf-row.h"

#define ANY (-1)

struct filter {
	int state, model, reason; /* or ANY */
	struct found thing;       /* node NO_NODE: any */
};

static bool find_word(const char *text, struct filter *ret)
{
	for (int i = PORT_DOWN; i <= PORT_ACTIVE; i++)
		if (!strcmp(text, port_state_name((enum port_state)i)))
			ret->state = i;
	for (int i = 0; i < VF_MODELS; i++)
		if (!strcmp(text, vf_model_name((enum vf_model)i)))
			ret->model = i;
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (!strcmp(text, reason_key((enum reason)i)))
			ret->reason = i;

	return ret->state != ANY || ret->model != ANY || ret->reason != ANY;
}

static bool find_filter(struct call *call, struct filter *ret)
{
	const char *of = call_text(call, "of");

	*ret = (struct filter){ ANY, ANY, ANY, { .node = NO_NODE, .port = NO_PORT } };

	return !of || find_word(of, ret) || find_thing(call, of, &ret->thing);
}

/* The node whose ports lead to the VF: a virtual switch, or the adapter itself. */
static uint32_t node_before(const struct fabric *f, const struct vf_place *place)
{
	return place->model == VF_VSWITCH ? f->ports[f->ports[place->pf].peer].node
					  : f->ports[place->pf].node;
}

static bool is_of_thing(const struct fabric *f, const struct vf_place *place,
			const struct found *thing)
{
	if (thing->node == NO_NODE)
		return true;
	if (thing->index > 0)
		return place->model != VF_VSWITCH && place->pf == thing->port &&
		       place->index == thing->index;
	if (thing->port != NO_PORT && f->ports[thing->port].number != 0)
		return place->pf == thing->port || place->port == thing->port ||
		       f->ports[place->port].peer == thing->port;

	return f->ports[place->pf].node == thing->node ||
	       f->ports[place->port].node == thing->node || node_before(f, place) == thing->node;
}

static bool is_wanted(const struct call *call, const struct filter *filter,
		      const struct vf_place *place)
{
	struct vf_look look = vf_look(call->fabric, place);
	enum port_state state = MAX(look.state, PORT_DOWN);

	return is_of_thing(call->fabric, place, &filter->thing) &&
	       (filter->state == ANY || filter->state == (int)state) &&
	       (filter->model == ANY || filter->model == (int)place->model) &&
	       (filter->reason == ANY || filter->reason == (int)look.reason) &&
	       (look.problem || !call_flag(call, "not_active"));
}

void method_vfs(struct call *call)
{
	struct filter filter;
	struct vf_place place;
	struct sm_status s;
	struct page page;
	uint64_t number;
	bool more;

	if (!find_filter(call, &filter))
		return;
	sm_status(call->sm, &s);
	row_number(&call->result, "generation", s.generation);
	page = page_start(call, UINT32_MAX);
	number = page.from;
	for (; (more = vf_place_next(call->fabric, &number, &place)) && page.room > 0; number++) {
		struct row row;

		if (!is_wanted(call, &filter, &place))
			continue;
		row = vf_row_start(call, &place);
		page_add(&page, row_end(&row));
	}
	page_end(call, &page, "vfs", more ? number : 0);
}
