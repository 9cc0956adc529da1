/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The tables of a subnet manager at rest are those that its engine makes of the fabric from
 * scratch, whatever it has been through. LIDs of vports are left out: their ways may be those of a
 * neighbour (sm/vport-ways.c).
 */

#include "tests/scenario/look.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/route-job.h"

/* Those of tables that use several lanes. */
static void compare_levels(struct look *look, const struct sm *sm, const struct route_job *job)
{
	const struct lanes *made = &job->result.lanes, *used = &sm->routing.levels.lanes;
	size_t n = (size_t)job->graph.n_switches * job->graph.n_switches;

	if (!made->sl != !used->sl || (made->sl && memcmp(made->sl, used->sl, n) != 0))
		look_say(look, "service levels are others than from scratch");
}

static void compare(struct look *look, const struct sm *sm, const struct route_job *job)
{
	for (uint32_t s = 0; s < job->graph.n_switches; s++) {
		for (uint32_t e = 0; e < job->graph.n_ends; e++) {
			uint16_t lid = job->graph.ends[e].lid;
			uint8_t made = job->tables.lft[s * job->tables.stride + lid];
			uint8_t used = sm_route(sm, job->switch_nodes[s], lid);

			if (made != used)
				look_say(look,
					 "LID %u leaves row %u by port %u, and from scratch by %u",
					 lid, s, used, made);
		}
	}
}

/* Of ends, and of those who are absent and have the ways of others. */
static uint16_t highest_lid(const struct routing *routing, uint16_t of_graph)
{
	uint16_t lid = LID_UNICAST_LAST;

	while (lid > of_graph && routing->copied[lid] == 0)
		lid--;

	return lid;
}

void look_at_tables(struct look *look, struct sm *sm)
{
	struct route_job *job = calloc(1, sizeof(*job));
	uint16_t max_lid;

	if (job && sm->routing.valid && sm->routing.tables.lft && route_graph_make(sm, job) == 0 &&
	    job->signature == sm->routing.signature) {
		job->tables.stride = tables_stride(&job->graph);
		job->tables.lft = malloc(job->graph.n_switches * job->tables.stride + 1);
		if (job->tables.lft && route_fabric(job->engine, &job->graph, &job->tables,
						    &job->result, NULL, NULL) == 0) {
			compare(look, sm, job);
			compare_levels(look, sm, job);
		}
		max_lid = highest_lid(&sm->routing, job->graph.max_lid);
		if (sm->fabric.n_vport_ports == 0 && sm->routing.max_lid != max_lid)
			look_say(look, "LIDs are planned up to %u, and there are some up to %u",
				 sm->routing.max_lid, max_lid);
	}
	route_job_free(job);
}
