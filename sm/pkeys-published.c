/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The P_Key tables of all end ports as last planned, for the SA: each answer about a path needs
 * two, and to plan one takes as long as the port has partitions. Made anew when they may be others.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

static bool is_published(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return port->guid && port->lid && port_is_end(&sm->fabric, number);
}

/* Plans into @keys, made larger as needed. */
static int plan_all(const struct sm *sm, struct planned_keys *planned)
{
	uint32_t n = 0, room = 0;

	for (uint32_t i = 0; i < planned->n_ports; i++) {
		planned->first[i] = n;
		if (!is_published(sm, i))
			continue;
		if (room - n < FABRIC_MAX_PKEYS) {
			uint32_t more = MAX(2 * room, 4 * FABRIC_MAX_PKEYS);
			uint16_t *keys = reallocarray(planned->keys, more, sizeof(*keys));

			if (!keys)
				return -ENOMEM;
			planned->keys = keys;
			room = more;
		}
		n += pkeys_plan(sm, i, planned->keys + n, room - n);
	}
	planned->first[planned->n_ports] = n;

	return 0;
}

static void free_planned(struct planned_keys *planned)
{
	free(planned->first);
	free(planned->keys);
}

int pkeys_publish(struct sm *sm)
{
	struct planned_keys planned = { .n_ports = sm->fabric.n_ports };

	/* Who has come has got a LID, or another. */
	if (!sm->changed && !sm->planned_keys.stale && planned.n_ports == sm->planned_keys.n_ports)
		return 0;
	planned.first = malloc((planned.n_ports + 1) * sizeof(*planned.first));
	if (!planned.first || plan_all(sm, &planned) < 0) {
		free_planned(&planned);
		return -ENOMEM;
	}
	multicast_use_keys(sm, &planned);
	free_planned(&sm->planned_keys);
	sm->planned_keys = planned;

	return 0;
}

unsigned pkeys_published(const struct sm *sm, uint32_t number, uint16_t *ret, unsigned room)
{
	const struct planned_keys *planned = &sm->planned_keys;
	uint32_t n;

	if (number >= planned->n_ports)
		return 0;
	n = planned->first[number + 1] - planned->first[number];
	if (n > 0)
		memcpy(ret, planned->keys + planned->first[number], MIN(n, room) * sizeof(*ret));

	return n;
}

/* A vport has a table of its own. */
unsigned pkeys_of_endpoint(const struct sm *sm, struct endpoint e, uint16_t *ret, unsigned room)
{
	const struct vfs *vfs = sm->fabric.ports[e.port].vfs;

	if (e.index > 0 && vfs && vfs->model == VF_VPORT)
		return pkeys_plan_vf(sm, e, ret, room);

	return pkeys_published(sm, e.port, ret, room);
}

void pkeys_done(struct sm *sm)
{
	free_planned(&sm->planned_keys);
}
