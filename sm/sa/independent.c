/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Two paths are independent if no single fault breaks both: a cable, a switch, an adapter. So a
 * path is what it comes through, there and back as every client wants to answer on it, and two are
 * the better the less they have in common.
 *
 * A pair is the usual question (a path and one to fail over to), and looked for among all pairs:
 * the shortest path may be one that shares something with every other. A third and further ones are
 * added one at a time, because the best set of many is dear to find. All is in steps of the number
 * of paths squared, and of their length; everybody waits meanwhile, hence so few paths.
 */

#include "sm/sa/independent.h"

#include <assert.h>
#include <string.h>

#include "base/macros.h"

/* ---- what a path comes through ----------------------------------------------------------------
 */

static void add(uint32_t *list, unsigned *n, uint32_t what)
{
	unsigned at = 0;

	while (at < *n && list[at] < what)
		at++;
	if (*n == TRAIL_MAX || (at < *n && list[at] == what))
		return;
	memmove(&list[at + 1], &list[at], (*n - at) * sizeof(*list));
	list[at] = what;
	++*n;
}

void trail_add_node(struct trail *trail, uint32_t node)
{
	add(trail->node, &trail->n_nodes, node);
}

void trail_add_cable(struct trail *trail, const struct fabric *f, uint32_t port)
{
	add(trail->cable, &trail->n_cables, MIN(port, f->ports[port].peer));
}

static bool walk(const struct admin_view *view, uint32_t from, uint32_t to, unsigned lid,
		 struct trail *trail)
{
	const struct fabric *f = view->fabric;
	uint32_t at = from;

	for (unsigned hop = 0; hop <= PATH_MAX_HOPS; hop++) {
		bool begins = at == from && !node_is_switch(node_of(f, at));
		uint32_t out;

		trail_add_node(trail, f->ports[at].node);
		if (at == to)
			return true;
		out = begins ? at : admin_path_exit(view, at, lid);
		if (out == to)
			return true;
		if (out == NO_PORT || f->ports[out].peer == NO_PORT)
			return false;
		trail_add_cable(trail, f, out);
		at = f->ports[out].peer;
	}

	return false;
}

bool trail_walk(const struct admin_view *view, const struct admin_ends *ends, struct trail *ret)
{
	ret->n_nodes = ret->n_cables = 0;

	return walk(view, ends->from, ends->to, ends->to_lid, ret) &&
	       walk(view, ends->to, ends->from, ends->from_lid, ret);
}

static unsigned count_common(const uint32_t *a, unsigned n_a, const uint32_t *b, unsigned n_b)
{
	unsigned n = 0;

	for (unsigned i = 0, k = 0; i < n_a && k < n_b;) {
		n += a[i] == b[k];
		if (a[i] < b[k])
			i++;
		else if (a[i] > b[k])
			k++;
		else
			i++, k++;
	}

	return n;
}

struct trail_share trail_share(const struct trail *a, const struct trail *b)
{
	return (struct trail_share){
		.nodes = count_common(a->node, a->n_nodes, b->node, b->n_nodes),
		.cables = count_common(a->cable, a->n_cables, b->cable, b->n_cables),
	};
}

/* ---- which to take ----------------------------------------------------------------------------
 */

struct cost {
	struct trail_share share;
	unsigned length;
};

static bool is_less(const struct cost *a, const struct cost *b)
{
	if (a->share.nodes != b->share.nodes)
		return a->share.nodes < b->share.nodes;
	if (a->share.cables != b->share.cables)
		return a->share.cables < b->share.cables;

	return a->length < b->length;
}

static void choose_pair(const struct trail *trails, unsigned n, uint16_t ret[static 2])
{
	struct cost best = { { UINT32_MAX, 0 }, 0 };

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = i + 1; k < n; k++) {
			struct cost cost = { trail_share(&trails[i], &trails[k]),
					     trails[i].n_nodes + trails[k].n_nodes };

			if (!is_less(&cost, &best))
				continue;
			best = cost;
			ret[0] = (uint16_t)i;
			ret[1] = (uint16_t)k;
		}
	}
}

/* Of those that are left: what each shares with those that are taken. */
struct rest {
	bool taken[INDEPENDENT_MAX];
	struct cost cost[INDEPENDENT_MAX];
};

static void take(struct rest *rest, const struct trail *trails, unsigned n, unsigned which)
{
	rest->taken[which] = true;
	for (unsigned i = 0; i < n; i++) {
		struct trail_share share = trail_share(&trails[i], &trails[which]);

		rest->cost[i].share.nodes += share.nodes;
		rest->cost[i].share.cables += share.cables;
		rest->cost[i].length = trails[i].n_nodes;
	}
}

static uint16_t choose_next(const struct rest *rest, unsigned n)
{
	unsigned best = n;

	for (unsigned i = 0; i < n; i++)
		if (!rest->taken[i] && (best == n || is_less(&rest->cost[i], &rest->cost[best])))
			best = i;

	return (uint16_t)best;
}

unsigned independent_choose(const struct trail *trails, unsigned n, unsigned wanted, uint16_t *ret)
{
	struct rest rest = { .taken = { false } };
	unsigned n_taken = MIN(wanted, n);

	assert(n <= INDEPENDENT_MAX);
	if (n_taken < 2) {
		ret[0] = 0;
		return n_taken;
	}
	choose_pair(trails, n, ret);
	take(&rest, trails, n, ret[0]);
	take(&rest, trails, n, ret[1]);
	for (unsigned i = 2; i < n_taken; i++) {
		ret[i] = choose_next(&rest, n);
		take(&rest, trails, n, ret[i]);
	}

	return n_taken;
}
