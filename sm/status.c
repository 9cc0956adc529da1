/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What others ask of the subnet manager: numbers, tables and settings as they are now. Nothing here
 * changes anything.
 */

#include "sm/sm.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/macros.h"
#include "sm/lanes.h"

const struct fabric *sm_fabric(const struct sm *sm)
{
	return &sm->fabric;
}

const struct conf *sm_conf(const struct sm *sm)
{
	return &sm->conf;
}

const struct partitions *sm_partitions(const struct sm *sm)
{
	return sm->partitions;
}

const struct requests *sm_requests(const struct sm *sm)
{
	return sm->requests;
}

const struct event_log *sm_events(const struct sm *sm)
{
	return sm->events;
}

static void count_ports(const struct sm *sm, const struct node *node, struct sm_status *ret)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		const struct port *port = &sm->fabric.ports[port_at(node, i)];

		if (!port->present || !port->known || port_phys_state(port) != PHYS_LINK_UP)
			continue;
		if (port_state(port) == PORT_ACTIVE)
			ret->ports_active++;
		else
			ret->ports_not_active++;
	}
}

static void count_node(const struct sm *sm, const struct node *node, struct sm_status *ret)
{
	ret->nodes++;
	switch (node->type) {
	case NODE_TYPE_SWITCH:
		ret->switches++;
		break;
	case NODE_TYPE_ROUTER:
		ret->routers++;
		break;
	default:
		ret->hcas++;
		break;
	}
	count_ports(sm, node, ret);
}

void sm_status(const struct sm *sm, struct sm_status *ret)
{
	*ret = (struct sm_status){ .state = sm->state,
				   .phase = sm->phase,
				   .generation = sm->generation,
				   .applied = sm->applied,
				   .came_up = sm->came_up,
				   .lids_used = identities_used_lids(sm->identities),
				   .lids_spare = sm->spares.n_lids,
				   .lids_total = sm->last_lid ? sm->last_lid : LID_UNICAST_LAST,
				   .naming = sm->n_naming,
				   .names = sm->names,
				   .sweeps = sm->sweeps,
				   .sweep_started = sm->sweep_started,
				   .sweep_took = sm->sweep_took,
				   .sweep_due = sm->sweep_due,
				   .traps_ignored = sm->traps_ignored,
				   .routes_made = sm->routing.n_made,
				   .routes_again = sm->routing.n_again,
				   .lanes = lanes_in_use(sm),
				   .trouble = sm->trouble[0] ? sm->trouble : NULL };
	ret->lids_free = ret->lids_total - MIN(ret->lids_total, ret->lids_used + ret->lids_spare);
	if (sm->routing.tables.lft) {
		ret->engine = sm->routing.result.engine->name;
		ret->routing_why = sm->routing.result.why;
	}
	if (sm->routing.trouble)
		ret->routing_why = sm->routing.trouble;
	for (unsigned i = 0; i < sm->n_peers; i++)
		if (sm->peers[i].said.state == SM_MASTER && sm->state != SM_MASTER)
			ret->peer_guid = sm->peers[i].said.guid;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].present)
			count_node(sm, &sm->fabric.nodes[i], ret);
}

/* How many GUIDs that an option names are not there. */
struct missing {
	const char *option;
	unsigned n, of;
	uint64_t first;
};

static void count_missing(struct missing *m, uint64_t guid, bool is_there)
{
	m->of++;
	if (!is_there && m->n++ == 0)
		m->first = guid;
}

static void tell_missing(const struct missing *m, void (*fn)(void *user, const char *sentence),
			 void *user)
{
	char sentence[160];

	if (m->n == 0)
		return;
	snprintf(sentence, sizeof(sentence),
		 "%s: %u of %u GUIDs not in the fabric: 0x%016" PRIx64 "%s", m->option, m->n, m->of,
		 m->first, m->n > 1 ? " and others" : "");
	fn(user, sentence);
}

static bool has_switch(const struct fabric *f, uint64_t guid)
{
	uint32_t number = fabric_find_node(f, guid);

	return number != NO_NODE && f->nodes[number].present && node_is_switch(&f->nodes[number]);
}

void sm_tell_doubts(const struct sm *sm, void (*fn)(void *user, const char *sentence), void *user)
{
	struct missing roots = { "routing.root_guids", 0, 0, 0 };
	struct missing trusted = { "virtualization.trusted_guids", 0, 0, 0 };
	struct missing ports = { "virtual_functions", 0, 0, 0 };
	const struct conf *conf = &sm->conf;

	if (sm->state != SM_MASTER || !sm->came_up)
		return;
	for (size_t i = 0; i < conf->root_guids.n; i++)
		count_missing(&roots, conf->root_guids.guid[i],
			      has_switch(&sm->fabric, conf->root_guids.guid[i]));
	for (size_t i = 0; i < conf->trusted_guids.n; i++)
		count_missing(&trusted, conf->trusted_guids.guid[i],
			      registrar_knows(sm, conf->trusted_guids.guid[i]));
	for (size_t i = 0; i < conf->virtual_functions.n; i++) {
		const struct vf_policy *policy = &conf->virtual_functions.policy[i];

		for (unsigned j = 0; j < policy->n_port_guids; j++)
			count_missing(&ports, policy->port_guid[j],
				      registrar_knows(sm, policy->port_guid[j]));
	}
	tell_missing(&roots, fn, user);
	tell_missing(&trusted, fn, user);
	tell_missing(&ports, fn, user);
}

const uint8_t *sm_table(const struct sm *sm, uint32_t number, unsigned *ret_size)
{
	const struct sw *sw = sm->fabric.nodes[number].sw;
	const struct tables *tables = &sm->routing.tables;

	*ret_size = 0;
	if (!sw || !tables->lft || sw->index == NO_SWITCH)
		return NULL;
	*ret_size = sm->routing.max_lid + 1u;

	return tables->lft + sw->index * tables->stride;
}

uint8_t sm_route(const struct sm *sm, uint32_t number, unsigned lid)
{
	unsigned size;
	const uint8_t *table = sm_table(sm, number, &size);

	return lid < size ? table[lid] : ROUTE_NONE;
}

unsigned sm_planned_pkeys(const struct sm *sm, uint32_t port, uint16_t *ret, unsigned room)
{
	return pkeys_plan(sm, port, ret, room);
}

unsigned sm_planned_pkeys_of_vf(const struct sm *sm, uint32_t port, unsigned index, uint16_t *ret,
				unsigned room)
{
	return pkeys_plan_vf(sm, (struct endpoint){ port, (uint16_t)index }, ret, room);
}

static uint64_t held_by(const struct node *node, const struct port *port, unsigned setting)
{
	return setting == SETTING_LIFE_TIME ? wire_get(node->sw->info, SWITCH_INFO_LIFE_TIME)
					    : wire_get(port->info, setting_field(setting));
}

/* One that it holds by now, since somebody else has set it or the link is another, is left out. */
bool sm_not_kept(const struct sm *sm, uint32_t number, unsigned n, const char **ret_setting,
		 uint64_t *ret_wanted, uint64_t *ret_held)
{
	const struct node *node = node_of(&sm->fabric, number);
	const struct port *port = &sm->fabric.ports[number];
	unsigned setting;

	if (!node->present || !port->known)
		return false; /* what it holds is not known */
	for (unsigned at = 0;; at++) {
		if (!not_kept_at(node->not_kept, port->number, at, &setting, ret_wanted))
			return false;
		if (!setting_is_of(node, setting))
			continue;
		*ret_held = held_by(node, port, setting);
		if (*ret_held != *ret_wanted && n-- == 0)
			break;
	}
	*ret_setting = setting_name(setting);

	return true;
}

bool sm_peer(const struct sm *sm, unsigned n, struct sm_peer *ret)
{
	if (n >= sm->n_peers)
		return false;
	*ret = sm->peers[n].said;

	return true;
}

const struct services *sm_services(const struct sm *sm)
{
	return &sm->services;
}

const struct subscriptions *sm_subscriptions(const struct sm *sm)
{
	return &sm->subscriptions;
}

void sm_reports(const struct sm *sm, struct sm_reports *ret)
{
	*ret = (struct sm_reports){ .sent = sm->reports.sent,
				    .acknowledged = sm->reports.acknowledged,
				    .lost = sm->reports.lost + sm->notices.lost,
				    .ended = sm->reports.buried,
				    .waiting = sm->reports.n_pending };
}
