/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The service level that the path record of two ends has, for who looks at the subnet manager from
 * inside: what routes need, or what the subnet administrator would answer.
 */

#include "sm/machine.h"
#include "sm/sa/path.h"

static unsigned pkeys_for_path(const void *user, struct endpoint e, uint16_t *ret, unsigned room)
{
	return pkeys_of_endpoint(user, e, ret, room);
}

int sm_path_level(const struct sm *sm, struct endpoint from, struct endpoint to)
{
	const struct admin_view view = {
		.fabric = &sm->fabric,
		.conf = &sm->conf,
		.partitions = sm->partitions,
		.qos = sm->qos,
		.user = sm,
		.pkeys = pkeys_for_path,
	};

	if (sm->routing.levels.lanes.sl)
		return sm_service_level(sm, from.port, to.port);

	return path_plain_level(&view, from, to);
}
