/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A fabric as flat arrays, and the tables of its switches as they are or were. Snapshots copy
 * tables only: who is cabled to whom is as it is when the check looks.
 */

#include "tests/sim/check-graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

struct sim_snapshot {
	uint32_t n_nodes;
	struct sim_graph_table tables[]; /* by node; lft NULL: no switch */
};

static uint32_t entries_that_count(const struct sim_switch *sw)
{
	return MIN(sw->lft_size, be16toh(sw->info.lin_top) + 1u);
}

static struct sim_graph_table table_now(const struct sim_node *node)
{
	return (struct sim_graph_table){ .lft = node->sw->lft,
					 .size = node->sw->lft ? entries_that_count(node->sw) : 0,
					 .lid = sim_lid(&node->ports[0]),
					 .lmc = sim_lmc(&node->ports[0]) };
}

static int copy_table(const struct sim_node *node, struct sim_graph_table *table)
{
	struct sim_graph_table now = table_now(node);
	uint8_t *lft = malloc(now.size + 1);

	if (!lft)
		return -ENOMEM;
	if (now.size)
		memcpy(lft, now.lft, now.size);
	*table = now;
	table->lft = lft;
	return 0;
}

int sim_snapshot_take(const struct sim_fabric *fabric, struct sim_snapshot **ret)
{
	struct sim_snapshot *s = calloc(1, sizeof(*s) + fabric->n_nodes * sizeof(s->tables[0]));

	if (!s)
		return -ENOMEM;
	s->n_nodes = fabric->n_nodes;
	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		if (!fabric->nodes[i]->sw || copy_table(fabric->nodes[i], &s->tables[i]) == 0)
			continue;
		sim_snapshot_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void sim_snapshot_free(struct sim_snapshot *snapshot)
{
	for (uint32_t i = 0; snapshot && i < snapshot->n_nodes; i++)
		free((void *)(uintptr_t)snapshot->tables[i].lft);
	free(snapshot);
}

/* ---- the graph ------------------------------------------------------------------------------- */

static int allocate(struct sim_graph *g)
{
	g->ports = calloc(g->n_ports + 1, sizeof(struct sim_port *));
	g->switch_of = calloc(g->n_ports + 1, sizeof(*g->switch_of));
	g->far = calloc(g->n_ports + 1, sizeof(*g->far));
	g->first = calloc(g->n_switches + 1, sizeof(*g->first));
	for (unsigned t = 0; t < g->n_tables; t++) {
		g->tables[t] = calloc(g->n_switches + 1, sizeof(*g->tables[t]));
		if (!g->tables[t])
			return -ENOMEM;
	}
	return g->ports && g->switch_of && g->far && g->first ? 0 : -ENOMEM;
}

static uint32_t link_of(const struct sim_graph *g, const uint32_t *switch_at, bool active,
			const struct sim_port *p)
{
	const struct sim_port *far = p->far;

	if (!p->number || !far || !sim_link_is_up(p) || !sim_link_is_up(far))
		return GRAPH_NOTHING;
	if (active && (sim_state(p) != SIM_ACTIVE || sim_state(far) < SIM_ARMED))
		return GRAPH_NOTHING;
	return far->node->sw ? g->first[switch_at[far->node->index]] + far->number : GRAPH_END;
}

static void fill(const struct sim_fabric *fabric, const struct sim_snapshot *before, bool active,
		 struct sim_graph *g, uint32_t *switch_at)
{
	uint32_t s = 0, n = 0;

	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		struct sim_node *node = fabric->nodes[i];

		if (!node->sw)
			continue;
		switch_at[i] = s;
		g->first[s] = n;
		g->tables[0][s] = table_now(node);
		/* A switch that is newer than the snapshot had nothing. */
		if (before && i < before->n_nodes)
			g->tables[1][s] = before->tables[i];
		for (unsigned p = 0; p <= node->n_ports; p++, n++) {
			g->ports[n] = &node->ports[p];
			g->switch_of[n] = s;
		}
		s++;
	}
	for (n = 0; n < g->n_ports; n++)
		g->far[n] = link_of(g, switch_at, active, g->ports[n]);
}

int sim_graph_new(const struct sim_fabric *fabric, const struct sim_snapshot *before, bool active,
		  struct sim_graph *graph)
{
	AUTO(freep) uint32_t *switch_at = calloc(fabric->n_nodes + 1, sizeof(*switch_at));

	*graph = (struct sim_graph){ .n_tables = before ? 2 : 1 };
	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		if (!fabric->nodes[i]->sw)
			continue;
		graph->n_switches++;
		graph->n_ports += fabric->nodes[i]->n_ports + 1u;
	}
	if (!switch_at || allocate(graph) < 0) {
		sim_graph_free(graph);
		return -ENOMEM;
	}
	fill(fabric, before, active, graph, switch_at);
	return 0;
}

void sim_graph_free(struct sim_graph *graph)
{
	free(graph->ports);
	free(graph->switch_of);
	free(graph->far);
	free(graph->first);
	for (unsigned t = 0; t < graph->n_tables; t++)
		free(graph->tables[t]);
	*graph = (struct sim_graph){ 0 };
}

void sim_graph_add_port(char text[static SIM_FINDING_TEXT], const struct sim_port *port,
			const char *more)
{
	char name[96];
	size_t length = strlen(text);

	snprintf(name, sizeof(name), "%s\"%s\"[%u]%s", length ? ", " : "", port->node->name,
		 port->number, more);
	if (length + strlen(name) + sizeof("...") + 64 < SIM_FINDING_TEXT)
		strcpy(text + length, name);
	else if (length < 3 || strcmp(text + length - 3, "..."))
		strcpy(text + length, "...");
}
