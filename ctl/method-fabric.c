/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What there is: nodes, ports, links, as lists in pages. A place in a list is a number of the
 * fabric's arrays, so that a page begins without a search; what comes or goes between two pages of
 * one list may be missed or be there, as in any list that takes time to read.
 */

#include "base/macros.h"
#include "ctl/find.h"
#include "ctl/place.h"

/* Every page says which plan it is of. */
static void put_generation(struct call *call)
{
	struct sm_status s;

	sm_status(call->sm, &s);
	row_number(&call->result, "generation", s.generation);
}

/* What the list is restricted to by "of": a node or one of its ports; NO_NODE: to nothing. */
static bool find_filter(struct call *call, struct found *ret)
{
	const char *of = call_text(call, "of");

	*ret = (struct found){ .node = NO_NODE, .port = NO_PORT };

	return !of || find_thing(call, of, ret);
}

/* Rows of those of @n numbers that are wanted, as a page of the list @key. */
static void list(struct call *call, const char *key, uint32_t n,
		 bool (*is_wanted)(const struct call *call, const struct found *filter, uint32_t i),
		 json_t *(*make)(const struct call *call, uint32_t i))
{
	struct found filter;
	struct page page;
	uint64_t i;

	if (!find_filter(call, &filter))
		return;
	put_generation(call);
	page = page_start(call, UINT32_MAX);
	for (i = page.from; i < n && page.room > 0; i++)
		if (is_wanted(call, &filter, (uint32_t)i))
			page_add(&page, make(call, (uint32_t)i));
	page_end(call, &page, key, i < n ? i : 0);
}

/* -- nodes --------------------------------------------------------------------------------------
 */

struct port_counts {
	unsigned linked, active;
};

static struct port_counts count_ports(const struct fabric *f, const struct node *node)
{
	struct port_counts counts = { 0 };

	for (unsigned i = 1; i <= node->n_ports; i++) {
		const struct port *port = &f->ports[port_at(node, i)];

		counts.linked += port_is_linked(port);
		counts.active += port_is_linked(port) && port_state(port) == PORT_ACTIVE;
	}

	return counts;
}

/* The first LID of any of its ports. */
static unsigned first_lid(const struct fabric *f, const struct node *node)
{
	for (unsigned i = 0; i <= node->n_ports; i++)
		if (f->ports[port_at(node, i)].lid != 0)
			return f->ports[port_at(node, i)].lid;

	return 0;
}

static bool is_wanted_node(const struct call *call, const struct found *filter, uint32_t number)
{
	return node_exists(call->fabric, number) &&
	       (filter->node == NO_NODE || filter->node == number);
}

static json_t *make_node(const struct call *call, uint32_t number)
{
	const struct node *node = &call->fabric->nodes[number];
	struct port_counts counts = count_ports(call->fabric, node);
	struct row row = row_start();

	place_put_node(&row, call->rpc, node);
	row_text(&row, "description", node->description);
	row_guid(&row, "system_guid", node->system_guid);
	row_number(&row, "lid", first_lid(call->fabric, node));
	row_number(&row, "ports", node->n_ports);
	row_number(&row, "ports_linked", counts.linked);
	row_number(&row, "ports_active", counts.active);
	row_number(&row, "hops", node->depth);
	row_number(&row, "vendor_id", node->vendor_id);
	row_number(&row, "device_id", node->device_id);
	row_number(&row, "revision", node->revision);
	row_bool(&row, "present", node->present);
	place_put_reason(&row, call->rpc, node->reason, node->since);

	return row_end(&row);
}

void method_nodes(struct call *call)
{
	list(call, "nodes", call->fabric->n_nodes, is_wanted_node, make_node);
}

/* -- ports --------------------------------------------------------------------------------------
 */

static json_t *make_port(const struct call *call, uint32_t number)
{
	const struct fabric *f = call->fabric;
	const struct port *port = &f->ports[number];
	struct row row = row_start();

	place_put_node(&row, call->rpc, node_of(f, number));
	row_number(&row, "port", port->number);
	row_guid(&row, "guid", port->guid);
	row_number(&row, "lmc", port->lmc);
	place_put_link(&row, f, number);
	row_put(&row, "peer", place_end(call->rpc, f, port->peer));
	row_bool(&row, "problem", port_has_problem(f, number));
	place_put_reason(&row, call->rpc, port->reason, port->since);

	return row_end(&row);
}

/* Port 0 is a port on switches only. */
static bool is_wanted_port(const struct call *call, const struct found *filter, uint32_t port)
{
	const struct fabric *f = call->fabric;

	if (!port_exists(f, port) ||
	    (filter->node != NO_NODE && f->ports[port].node != filter->node))
		return false;
	if (filter->port != NO_PORT && filter->port != port)
		return false;
	if (f->ports[port].number == 0 && !node_is_switch(node_of(f, port)))
		return false;

	return !call_flag(call, "problems") || port_has_problem(f, port);
}

void method_ports(struct call *call)
{
	list(call, "ports", call->fabric->n_ports, is_wanted_port, make_port);
}

/* -- links --------------------------------------------------------------------------------------
 */

/* Is it slower than both ends can, whoever noticed? */
static bool is_slow(const struct fabric *f, uint32_t port)
{
	const struct port *a = &f->ports[port], *b = &f->ports[a->peer];
	unsigned rate = link_rate(a);

	if (a->reason == REASON_SLOW_LINK || b->reason == REASON_SLOW_LINK)
		return true;

	return rate > 0 && port_state(a) != PORT_DOWN && rate < link_can(f, port).rate;
}

/* A link has the state of its less advanced end. */
static json_t *make_link(const struct call *call, uint32_t port)
{
	const struct fabric *f = call->fabric;
	const struct port *a = &f->ports[port], *b = &f->ports[a->peer];
	const struct port *tells = a->reason != REASON_NONE ? a : b;
	struct link_can can = link_can(f, port);
	enum port_state state = MIN(port_state(a), port_state(b));
	struct row row = row_start();

	row_put(&row, "a", place_end(call->rpc, f, port));
	row_put(&row, "b", place_end(call->rpc, f, a->peer));
	row_text(&row, "state", port_state_name(state));
	row_number(&row, "width", port_width(a));
	row_text(&row, "speed", port_speed_name(a));
	row_number(&row, "can_width", can.width);
	row_text(&row, "can_speed", can.speed);
	row_bool(&row, "slow", is_slow(f, port));
	row_bool(&row, "problem", state != PORT_ACTIVE || is_slow(f, port));
	place_put_reason(&row, call->rpc, tells->reason, tells->since);

	return row_end(&row);
}

/* The LID of a switch names its port 0, which has no link: then those of the switch are meant. */
static bool is_end_wanted(const struct fabric *f, const struct found *filter, uint32_t port)
{
	if (filter->node != NO_NODE && f->ports[port].node != filter->node)
		return false;

	return filter->port == NO_PORT || filter->port == port ||
	       f->ports[filter->port].number == 0;
}

/* Each link once, at the end that has the lower number; a port wired to itself counts too. */
static bool is_wanted_link(const struct call *call, const struct found *filter, uint32_t port)
{
	const struct fabric *f = call->fabric;
	const struct port *p = &f->ports[port];

	if (!port_exists(f, port) || p->peer == NO_PORT || p->peer < port)
		return false;
	if (!is_end_wanted(f, filter, port) && !is_end_wanted(f, filter, p->peer))
		return false;

	return !call_flag(call, "problems") || port_state(p) != PORT_ACTIVE ||
	       port_state(&f->ports[p->peer]) != PORT_ACTIVE || is_slow(f, port);
}

void method_links(struct call *call)
{
	list(call, "links", call->fabric->n_ports, is_wanted_link, make_link);
}
