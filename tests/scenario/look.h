/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A look at the fabric at rest, through the eyes of nobody: what of it counts for a master, and the
 * first that is wrong with it. For the files of invariants alone.
 */

#include "tests/scenario/scenario.h"

struct look {
	struct scenario *s;
	const struct sim_port *but;     /* what is behind it does not count; or NULL */
	bool *live;                     /* by node: reached from the subnet manager */
	struct sim_port **ends;         /* end ports that are */
	struct sim_endpoint *endpoints; /* these, and the VFs at them that are to be up */
	uint32_t n_ends;
	uint32_t n_endpoints;
	char *why;
	bool bad;
};

/* Only the first counts. */
void look_say(struct look *look, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* invariants-vports.c: those of look->ends. The first adds those that are up to the endpoints. */
void look_at_vports(struct look *look);
void look_at_vport_ledger(struct look *look, const struct fabric *f);

/* invariants-routes.c: tables depend on the fabric alone, not on how it came to be. */
void look_at_tables(struct look *look, struct sm *sm);
