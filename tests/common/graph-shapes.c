/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The shapes that fabrics are built in, each by its rule: which switch has a cable to which. Ports
 * are taken in the order in which a rule names them, so that the same rule gives the same ports.
 */

#include "tests/common/graphs.h"
#include "tests/common/graphs-inside.h"

#include "base/macros.h"

static struct made_graph *make_switches(unsigned n)
{
	struct made_graph *made = graph_make_empty();

	while (n--)
		graph_add_switch(made);
	return made;
}

static void add_hosts_everywhere(struct made_graph *made, unsigned hosts)
{
	for (uint32_t s = 0; s < made->n_switches; s++)
		graph_add_hosts(made, s, hosts);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

struct made_graph *graph_make_single(unsigned hosts)
{
	return graph_make_line(1, hosts);
}

struct made_graph *graph_make_line(unsigned n, unsigned hosts)
{
	struct made_graph *made = make_switches(n);

	for (uint32_t s = 0; s + 1 < n; s++)
		graph_add_cable(made, s, s + 1);
	add_hosts_everywhere(made, hosts);
	return made;
}

struct made_graph *graph_make_ring(unsigned n, unsigned hosts)
{
	struct made_graph *made = make_switches(n);

	graph_must_fit(n > 2, "a ring has three switches or more");
	for (uint32_t s = 0; s < n; s++) {
		struct cable cable = { { { s, 1 }, { (s + 1) % n, 2 } } };

		graph_take_port(made, s, 1);
		graph_take_port(made, s, 2);
		graph_put_cable(made, &cable);
	}
	add_hosts_everywhere(made, hosts);
	return made;
}

struct made_graph *graph_make_star(unsigned n_arms, unsigned hosts)
{
	struct made_graph *made = make_switches(n_arms + 1);

	for (uint32_t s = 1; s <= n_arms; s++) {
		graph_add_cable(made, 0, s);
		graph_add_hosts(made, s, hosts);
	}
	return made;
}

static void add_ft2(struct made_graph *made, unsigned radix)
{
	uint32_t first = made->n_switches;
	unsigned half = radix / 2;

	for (unsigned i = 0; i < radix + half; i++)
		graph_add_switch(made);
	for (uint32_t leaf = 0; leaf < radix; leaf++)
		graph_add_hosts(made, first + leaf, half);
	for (uint32_t leaf = 0; leaf < radix; leaf++)
		for (uint32_t spine = 0; spine < half; spine++)
			graph_add_cable(made, first + leaf, first + radix + spine);
}

struct made_graph *graph_make_ft2(unsigned radix)
{
	struct made_graph *made = graph_make_empty();

	add_ft2(made, radix);
	return made;
}

struct made_graph *graph_make_two_trees(unsigned radix)
{
	struct made_graph *made = graph_make_empty();

	add_ft2(made, radix);
	add_ft2(made, radix);
	return made;
}

/* One pod's leaves to its middle switches, and these to their column of cores. */
static void add_pod_cables(struct made_graph *made, unsigned half, unsigned n_pods, unsigned pod)
{
	unsigned parallel = 2 * half % n_pods ? 1 : 2 * half / n_pods;
	unsigned column = half / parallel;
	uint32_t leaf = pod * half;
	uint32_t middle = (n_pods + pod) * half;
	uint32_t core = 2 * n_pods * half;

	for (unsigned i = 0; i < half * half; i++)
		graph_add_cable(made, leaf + i / half, middle + i % half);
	for (unsigned i = 0; i < half * column; i++)
		for (unsigned cable = 0; cable < parallel; cable++)
			graph_add_cable(made, middle + i / column, core + i);
}

struct made_graph *graph_make_ft3(unsigned radix, unsigned pods)
{
	unsigned half = radix / 2;
	unsigned parallel = radix % pods ? 1 : radix / pods;
	struct made_graph *made = make_switches(2 * pods * half + half * (half / parallel));

	for (uint32_t leaf = 0; leaf < pods * half; leaf++)
		graph_add_hosts(made, leaf, half);
	for (unsigned pod = 0; pod < pods; pod++)
		add_pod_cables(made, half, pods, pod);
	return made;
}

struct made_graph *graph_make_torus(unsigned x, unsigned y, unsigned z, unsigned hosts)
{
	const unsigned size[3] = { x, y, z };
	const unsigned step[3] = { y * z, z, 1 };
	struct made_graph *made = make_switches(x * y * z);

	for (unsigned axis = 0; axis < 3; axis++) {
		for (uint32_t s = 0; size[axis] > 1 && s < made->n_switches; s++) {
			unsigned at = s / step[axis] % size[axis];
			unsigned next = (at + 1) % size[axis];

			graph_add_cable(made, s, s - at * step[axis] + next * step[axis]);
		}
	}
	add_hosts_everywhere(made, hosts);
	return made;
}

/* Every two groups have one cable; group g's t-th leads to group g + t + 1. */
static void add_global_cables(struct made_graph *made, unsigned a, unsigned h)
{
	unsigned n_groups = a * h + 1;

	for (unsigned group = 0; group < n_groups; group++) {
		for (unsigned t = 0; t < a * h; t++) {
			unsigned other = (group + t + 1) % n_groups;
			unsigned back = a * h - 1 - t;

			if (group < other)
				graph_add_cable(made, group * a + t / h, other * a + back / h);
		}
	}
}

struct made_graph *graph_make_dragonfly(unsigned a, unsigned h, unsigned hosts)
{
	unsigned n_groups = a * h + 1;
	struct made_graph *made = make_switches(n_groups * a);

	add_hosts_everywhere(made, hosts);
	for (unsigned group = 0; group < n_groups; group++)
		for (unsigned i = 0; i < a; i++)
			for (unsigned j = i + 1; j < a; j++)
				graph_add_cable(made, group * a + i, group * a + j);
	add_global_cables(made, a, h);
	return made;
}

struct made_graph *graph_make_hyperx(unsigned x, unsigned y, unsigned hosts)
{
	struct made_graph *made = make_switches(x * y);

	for (uint32_t s = 0; s < made->n_switches; s++) {
		for (unsigned row = s / y + 1; row < x; row++)
			graph_add_cable(made, s, row * y + s % y);
		for (unsigned column = s % y + 1; column < y; column++)
			graph_add_cable(made, s, s / y * y + column);
	}
	add_hosts_everywhere(made, hosts);
	return made;
}

struct made_graph *graph_make_random(unsigned n, unsigned degree, unsigned hosts, uint64_t seed)
{
	struct made_graph *made = make_switches(n);
	unsigned n_stubs = degree > 2 ? n * (degree - 2) : 0;
	AUTO(freep) uint32_t *stubs = graph_count_numbers(n_stubs);

	for (uint32_t s = 0; n > 2 && s < n; s++)
		graph_add_cable(made, s, (s + 1) % n);
	if (n == 2)
		graph_add_cable(made, 0, 1);
	graph_shuffle_numbers(stubs, n_stubs, seed);
	for (unsigned i = 0; i + 1 < n_stubs; i += 2)
		if (stubs[i] % n != stubs[i + 1] % n)
			graph_add_cable(made, stubs[i] % n, stubs[i + 1] % n);
	add_hosts_everywhere(made, hosts);
	return made;
}
