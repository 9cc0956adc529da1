/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The checks that look at ports one by one: are they up, and is nobody mistaken for another. What
 * goes along routes is in check-routes.c, check-credits.c and check-multicast.c.
 */

#include "tests/sim/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "tests/sim/endpoint.h"

void sim_find_fault(struct sim_findings *findings, const char *format, ...)
{
	va_list args;

	if (findings->n < SIM_FINDINGS) {
		va_start(args, format);
		vsnprintf(findings->text[findings->n], SIM_FINDING_TEXT, format, args);
		va_end(args);
	}
	findings->n++;
}

/* ---- states ---------------------------------------------------------------------------------- */

static const char *state_text(enum sim_state state)
{
	static const char *const texts[] = { "?", "Down", "Initialize", "Armed", "Active" };

	return (unsigned)state < COUNT(texts) ? texts[state] : texts[0];
}

int sim_check_states(const struct sim_fabric *fabric, struct sim_findings *findings)
{
	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		const struct sim_node *node = fabric->nodes[i];

		for (unsigned n = 1; n <= node->n_ports; n++) {
			const struct sim_port *port = &node->ports[n];

			if (sim_link_is_up(port) && sim_state(port) != SIM_ACTIVE)
				sim_find_fault(findings, "\"%s\"[%u] is %s, and its link is up",
					       node->name, n, state_text(sim_state(port)));
		}
	}
	return 0;
}

/* ---- identities ------------------------------------------------------------------------------ */

static void claim_lids(const struct sim_port **owners, const struct sim_endpoint *e,
		       struct sim_findings *findings)
{
	uint16_t first = sim_endpoint_lid(e);
	char name[SIM_ENDPOINT_NAME], other[SIM_ENDPOINT_NAME];

	if (!first || first >= SIM_LID_MULTICAST) {
		sim_find_fault(findings, "%s has no LID", sim_endpoint_name(e, name));
		return;
	}
	for (unsigned lid = first;
	     lid < SIM_LID_MULTICAST && sim_endpoint_has_lid(e, (uint16_t)lid); lid++) {
		if (owners[lid] && owners[lid] != e->port) {
			struct sim_endpoint before = {
				.port = &owners[lid]->node->ports[owners[lid]->number]
			};

			sim_find_fault(findings, "%s and %s both have LID %u",
				       sim_endpoint_name(&before, other),
				       sim_endpoint_name(e, name), lid);
		}
		owners[lid] = e->port;
	}
}

static int check_lids(const struct sim_fabric *fabric, struct sim_findings *findings)
{
	const struct sim_port **owners = calloc(SIM_LID_MULTICAST, sizeof(struct sim_port *));
	struct sim_endpoint e = { 0 };

	if (!owners)
		return -ENOMEM;
	while (sim_endpoint_next(fabric, &e))
		if (sim_endpoint_is_live(&e))
			claim_lids(owners, &e, findings);
	free(owners);
	return 0;
}

struct claim {
	uint64_t guid;
	struct sim_endpoint of;
};

struct claims {
	struct claim *list;
	size_t n;
	size_t room;
};

static int claim(struct claims *c, uint64_t guid, const struct sim_endpoint *of)
{
	if (c->n == c->room) {
		size_t room = c->room ? 2 * c->room : 256;
		struct claim *more = realloc(c->list, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->list = more;
		c->room = room;
	}
	c->list[c->n++] = (struct claim){ guid, *of };
	return 0;
}

static int by_guid(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return (x->guid > y->guid) - (x->guid < y->guid);
}

static void find_twins(struct claims *c, const char *what, struct sim_findings *findings)
{
	if (c->n)
		qsort(c->list, c->n, sizeof(*c->list), by_guid);
	for (size_t i = 1; i < c->n; i++) {
		char a[SIM_ENDPOINT_NAME], b[SIM_ENDPOINT_NAME];

		if (c->list[i].guid == c->list[i - 1].guid)
			sim_find_fault(findings, "%s and %s both have %s 0x%016llx",
				       sim_endpoint_name(&c->list[i - 1].of, a),
				       sim_endpoint_name(&c->list[i].of, b), what,
				       (unsigned long long)c->list[i].guid);
	}
	free(c->list);
}

static int check_node_guids(const struct sim_fabric *fabric, struct sim_findings *findings)
{
	struct claims claims = { 0 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < fabric->n_nodes; i++) {
		struct sim_node *node = fabric->nodes[i];
		struct sim_endpoint e = { .port = &node->ports[node->sw ? 0 : 1] };

		if (!node->off)
			r = claim(&claims, be64toh(node->info.node_guid), &e);
	}
	find_twins(&claims, "node GUID", findings);
	return r;
}

static int check_port_guids(const struct sim_fabric *fabric, struct sim_findings *findings)
{
	struct claims claims = { 0 };
	struct sim_endpoint e = { 0 };
	int r = 0;

	while (r == 0 && sim_endpoint_next(fabric, &e)) {
		unsigned n = sim_endpoint_is_live(&e) ? sim_endpoint_n_guids(&e) : 0;

		for (unsigned i = 0; r == 0 && i < n; i++)
			if (sim_endpoint_guid(&e, i))
				r = claim(&claims, sim_endpoint_guid(&e, i), &e);
	}
	find_twins(&claims, "GUID", findings);
	return r;
}

int sim_check_identities(const struct sim_fabric *fabric, struct sim_findings *findings)
{
	int r = check_lids(fabric, findings);

	if (r == 0)
		r = check_node_guids(fabric, findings);
	return r == 0 ? check_port_guids(fabric, findings) : r;
}

int sim_check_all(const struct sim_fabric *fabric, struct sim_findings *findings)
{
	const struct sim_credits credits = { .sls = 1 };
	int r = sim_check_states(fabric, findings);

	if (r == 0)
		r = sim_check_identities(fabric, findings);
	if (r == 0)
		r = sim_check_routes(fabric, NULL, findings);
	if (r == 0)
		r = sim_check_credits(fabric, &credits, findings);
	return r == 0 ? sim_check_multicast(fabric, findings) : r;
}
