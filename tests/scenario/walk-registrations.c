/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What hosts register in random walks: services, with and without keys and leases, and
 * subscriptions whose reports nobody acknowledges. They never care for an answer.
 */

#include <string.h>

#include "tests/scenario/sa-client.h"
#include "tests/scenario/walk.h"
#include "tests/sim/client.h"
#include "tests/sim/endpoint.h"
#include "tests/sim/vf.h"

enum { AT_ONCE = 8, IDS = 3, DELETE = 0x15, MASK_SERVICE = 0x77, MASK_INFORM = 0x10f2 };

static uint64_t some_guid(struct scenario *s, struct sim_port *port)
{
	struct sim_endpoint e = { port, 0 };

	if (sim_has_vfs(port) && scenario_random(s, 2))
		e.vf = (uint16_t)(1 + scenario_random(s, sim_vfs_count(port)));
	return sim_endpoint_guid(&e, 0);
}

static void set_service(struct scenario *s, struct sim_client *c, uint64_t tid)
{
	ib_service_record_t r = { .service_id = htobe64(1 + scenario_random(s, IDS)) };

	r.service_gid.unicast.prefix = c->port->info.subnet_prefix;
	r.service_gid.unicast.interface_id = htobe64(some_guid(s, c->port));
	r.service_pkey = scenario_random(s, 2) ? 0 : htobe16(0xffff);
	r.service_lease = scenario_random(s, 2) ? 0xffffffff
						: htobe32((uint32_t)(1 + scenario_random(s, 600)));
	r.service_key[3] = (uint8_t)scenario_random(s, 2);
	r.service_data8[0] = (uint8_t)scenario_random(s, 256);
	sa_send_raw(c, tid, scenario_random(s, 3) ? SIM_SET : DELETE, 0x31, MASK_SERVICE, &r,
		    sizeof(r));
}

static void subscribe(struct scenario *s, struct sim_client *c, uint64_t tid)
{
	static const uint16_t traps[] = { 64, 65, 66, 128, 144, 0xffff };
	ib_inform_info_t info = { .lid_range_begin = 0xffff,
				  .is_generic = 1,
				  .subscribe = scenario_random(s, 3) != 0,
				  .trap_type = 0xffff };

	info.g_or_v.generic.trap_num =
		htobe16(traps[scenario_random(s, sizeof(traps) / sizeof(traps[0]))]);
	info.g_or_v.generic.node_type_msb = 0xff;
	info.g_or_v.generic.node_type_lsb = 0xffff;
	sa_send_raw(c, tid, SIM_SET, 3, MASK_INFORM, &info, sizeof(info));
}

static void ignore(void *user, const struct sim_packet *p)
{
	(void)user;
	(void)p;
}

void walk_register(struct scenario *s)
{
	if (!s->listener)
		return;
	for (uint64_t n = 1 + scenario_random(s, AT_ONCE); n > 0; n--) {
		struct sim_node *node = s->hosts[scenario_random(s, s->n_hosts)];
		struct sim_client c = { .receive = ignore, .qpn = 1 };

		if (node->off || sim_attach(&node->ports[1], &c) < 0)
			continue;
		if (scenario_random(s, 2))
			set_service(s, &c, n);
		else
			subscribe(s, &c, n);
		scenario_run(s, scenario_random(s, LOOP_MSEC));
		sim_detach(&c);
	}
	scenario_happens(s, "hosts register services, and subscribe");
}
