/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * LIDs that are reserved for virtual functions which nobody has started yet (spare_lids of
 * virtual_functions). They lead to their physical port in every forwarding table beforehand, so a
 * vport that needs a LID of its own and has none takes one, and no table is written for it. What
 * was taken is filled up again in a reconcile of its own, when the vport is Active.
 *
 * The LIDs of a port lie together, in blocks of a forwarding table: when the way to the port
 * changes, that is as few blocks as can be. They are kept, so a restart finds the tables as they
 * should be.
 *
 * A spare LID is worth less than a device: none is taken from anybody for it, and when LIDs are
 * short spare ones go first. Only ports with vports have them: behind a virtual switch a VF has a
 * way of its own, which is not that of its physical function.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/macros.h"
#include "sm/machine.h"

_Static_assert(VF_SPARE_LIDS_MAX <= KEEP_SPARES_MAX, "the store takes them");

/* -- stocks -------------------------------------------------------------------------------------
 */

static struct spare_stock *find(const struct sm *sm, uint64_t guid)
{
	uint32_t i = guid_map_get(&sm->spares.map, guid);

	return i == GUID_MAP_NONE ? NULL : &sm->spares.all[i];
}

/* NULL without memory. */
static struct spare_stock *find_or_add(struct sm *sm, uint64_t guid)
{
	struct spares *spares = &sm->spares;
	struct spare_stock *stock = find(sm, guid);

	if (stock)
		return stock;
	if (array_make_room(&spares->all, spares->n, &spares->room, 16, sizeof(*stock)) < 0 ||
	    guid_map_put(&spares->map, guid, spares->n) < 0)
		return NULL;
	spares->all[spares->n] = (struct spare_stock){ .guid = guid, .kept = true };

	return &spares->all[spares->n++];
}

void spares_done(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->spares.n; i++)
		free(sm->spares.all[i].lid);
	free(sm->spares.all);
	guid_map_done(&sm->spares.map);
}

static int make_room(struct spare_stock *stock, unsigned room)
{
	uint16_t *bigger;

	if (room <= stock->room)
		return 0;
	bigger = reallocarray(stock->lid, room, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	stock->lid = bigger;
	stock->room = (uint16_t)room;

	return 0;
}

/* It is nobody's any more; the caller says what becomes of the way to it. */
static void remove_lid(struct sm *sm, struct spare_stock *stock, unsigned i)
{
	identity_give_back(sm->identities, stock->lid[i]);
	stock->n--;
	memmove(stock->lid + i, stock->lid + i + 1, (stock->n - i) * sizeof(stock->lid[0]));
	stock->kept = false;
	sm->spares.n_lids--;
	sm->changed = true;
}

static void drop_lid(struct sm *sm, struct spare_stock *stock, unsigned i)
{
	routes_drop(sm, stock->lid[i]);
	remove_lid(sm, stock, i);
}

/* -- what was kept ------------------------------------------------------------------------------
 */

void spares_load(struct sm *sm, const struct kept_spares *kept)
{
	struct spare_stock *stock = find_or_add(sm, kept->guid);

	if (!stock || make_room(stock, kept->n) < 0) {
		log_warning("There is no memory for the spare LIDs of 0x%016" PRIx64, kept->guid);
		return;
	}
	memcpy(stock->lid, kept->lid, kept->n * sizeof(kept->lid[0]));
	stock->n = (uint16_t)kept->n;
}

/* What somebody has is spare no longer, whatever the disk says. */
void spares_claim(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->spares.n; i++) {
		struct spare_stock *stock = &sm->spares.all[i];
		unsigned n = 0;

		for (unsigned k = 0; k < stock->n; k++)
			if (identity_set_aside(sm->identities, stock->lid[k]))
				stock->lid[n++] = stock->lid[k];
		stock->kept = n == stock->n;
		stock->n = (uint16_t)n;
		sm->spares.n_lids += n;
	}
}

void spares_keep(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->spares.n; i++) {
		struct spare_stock *stock = &sm->spares.all[i];
		struct kept_spares kept = { stock->guid, stock->n, stock->lid };

		if (stock->kept)
			continue;
		stock->kept = keep_spares(sm->keeper, &kept) == 0;
		sm->unkept = true;
	}
}

/* -- giving -------------------------------------------------------------------------------------
 */

uint16_t spares_take(struct sm *sm, uint32_t port)
{
	struct spare_stock *stock = find(sm, sm->fabric.ports[port].guid);
	uint16_t lid;

	if (!stock || stock->n == 0)
		return 0;
	lid = stock->lid[0];
	remove_lid(sm, stock, 0);
	sm->spares.taken = true;

	return lid;
}

/* The stock that has @lid, and where; NULL: it is not spare. */
static struct spare_stock *find_lid(const struct sm *sm, uint16_t lid, unsigned *ret_at)
{
	for (uint32_t i = 0; i < sm->spares.n; i++)
		for (unsigned k = 0; k < sm->spares.all[i].n; k++)
			if (sm->spares.all[i].lid[k] == lid) {
				*ret_at = k;
				return &sm->spares.all[i];
			}

	return NULL;
}

uint64_t spares_owner(const struct sm *sm, unsigned lid)
{
	unsigned at;
	const struct spare_stock *stock = find_lid(sm, (uint16_t)lid, &at);

	return stock ? stock->guid : 0;
}

void spares_yield(struct sm *sm, unsigned lid, unsigned lmc)
{
	for (unsigned l = lid; sm->spares.n_lids > 0 && l < lid + (1u << lmc); l++) {
		unsigned at;
		struct spare_stock *stock = find_lid(sm, (uint16_t)l, &at);

		if (stock)
			drop_lid(sm, stock, at);
	}
}

bool spares_give_up(struct sm *sm)
{
	struct spare_stock *largest = NULL;

	for (uint32_t i = 0; i < sm->spares.n; i++)
		if (!largest || sm->spares.all[i].n > largest->n)
			largest = &sm->spares.all[i];
	if (!largest || largest->n == 0)
		return false;
	drop_lid(sm, largest, largest->n - 1u);

	return true;
}

/* -- as many as there should be -----------------------------------------------------------------
 */

void spares_fit(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->spares.n; i++) {
		struct spare_stock *stock = &sm->spares.all[i];

		for (unsigned k = stock->n; k > 0; k--)
			if (lids_are_beyond(sm, stock->lid[k - 1], 0))
				drop_lid(sm, stock, k - 1);
	}
}

/* So many, or -1: that is not known now, and things stay as they are. */
static int wanted_at(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	const struct vf_policy *policy;

	if (!port->present || !port->known || port->lid == 0 || !vf_rule_is_known(sm, number))
		return -1;
	if (!port->vfs || port->vfs->model != VF_VPORT)
		return 0;
	policy = vf_rule_of(sm, number);

	return policy ? (int)policy->spare_lids : 0;
}

/* A run of up to @n free LIDs within a block: its length, 0: there is none. */
static unsigned find_run(const struct sm *sm, unsigned n, uint16_t *ret)
{
	for (n = MIN(n, LFT_BLOCK); n > 0; n /= 2) {
		*ret = identity_find_run(sm->identities, n, 0);
		if (*ret != 0)
			return n;
	}

	return 0;
}

static void fill(struct sm *sm, struct spare_stock *stock, unsigned wanted)
{
	uint16_t lid;
	unsigned n;

	while (stock->n < wanted && (n = find_run(sm, wanted - stock->n, &lid)) > 0) {
		for (unsigned i = 0; i < n; i++, lid++) {
			identity_set_aside(sm->identities, lid);
			stock->lid[stock->n++] = lid;
		}
		sm->spares.n_lids += n;
		stock->kept = false;
		sm->changed = true;
	}
	if (stock->n < wanted && !stock->is_short)
		log_warning("Of the %u spare LIDs for virtual functions of 0x%016" PRIx64
			    " only %u are free",
			    wanted, stock->guid, stock->n);
	stock->is_short = stock->n < wanted;
}

static int stock_up(struct sm *sm, uint32_t number, unsigned wanted)
{
	uint64_t guid = sm->fabric.ports[number].guid;
	struct spare_stock *stock = wanted ? find_or_add(sm, guid) : find(sm, guid);

	if (!stock)
		return wanted ? -ENOMEM : 0;
	while (stock->n > wanted)
		drop_lid(sm, stock, stock->n - 1u);
	stock->is_short = stock->is_short && stock->n < wanted;
	if (stock->n == wanted || sm->spares.taken)
		return 0;
	if (make_room(stock, wanted) < 0)
		return -ENOMEM;
	fill(sm, stock, wanted);

	return 0;
}

/* The last takes its place. Without memory for that it stays. */
static void remove_stock(struct spares *spares, uint32_t i)
{
	struct spare_stock *last = &spares->all[spares->n - 1];
	uint64_t guid = spares->all[i].guid;

	if (last->guid != guid && guid_map_put(&spares->map, last->guid, i) < 0)
		return;
	guid_map_remove(&spares->map, guid);
	free(spares->all[i].lid);
	spares->all[i] = *last;
	spares->n--;
}

/* Those of ports that are to have none, or have gone, and the store knows it. */
static void remove_empty(struct sm *sm)
{
	for (uint32_t i = sm->spares.n; i > 0; i--) {
		const struct spare_stock *stock = &sm->spares.all[i - 1];
		uint32_t port = fabric_find_port(&sm->fabric, stock->guid);

		if (stock->n == 0 && stock->kept && (port == NO_PORT || wanted_at(sm, port) <= 0))
			remove_stock(&sm->spares, i - 1);
	}
}

int spares_plan(struct sm *sm)
{
	const struct fabric *f = &sm->fabric;
	int r = 0;

	if (sm->fabric.n_vfs == 0 && sm->spares.n == 0)
		return 0;
	remove_empty(sm);
	for (uint32_t i = fabric_next_end(f, 0); r == 0 && i != NO_PORT;
	     i = fabric_next_end(f, i + 1)) {
		int wanted = sm->fabric.ports[i].guid ? wanted_at(sm, i) : -1;

		if (wanted >= 0)
			r = stock_up(sm, i, (unsigned)wanted);
	}

	return r;
}

/* At rest. */
void spares_refill(struct sm *sm)
{
	if (!sm->spares.taken)
		return;
	sm->spares.taken = false;
	if (sm->state == SM_MASTER)
		sm_look_again(sm);
}
