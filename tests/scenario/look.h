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

/* All that @self reaches; for the eyes of the master there, look->s->looked_at. */
void look_begin(struct look *look, struct sim_port *self);
void look_end(struct look *look);

/* Its link is up, and it is not what does not count. */
bool look_counts(const struct look *look, const struct sim_port *port);

/* invariants-ledger.c */
void look_at_ledger(struct look *look, const struct fabric *f);

/* A port that is there has it, or one of a device that is. */
bool look_is_of_end(const struct look *look, uint64_t guid);
bool look_is_of_idle_port(const struct look *look, uint64_t guid);

/* invariants-vports.c: those of look->ends. The first adds those that are up to the endpoints. */
void look_at_vports(struct look *look);
void look_at_vport_ledger(struct look *look, const struct fabric *f);
/* It is the GUID of one that is started and may be well. */
bool look_is_of_vport(const struct look *look, uint64_t guid);

/* invariants-shared.c: the same of shared ports. */
void look_at_shared(struct look *look);
void look_at_shared_ledger(struct look *look, const struct fabric *f);
/* Entries of GUIDInfo, their own aside, in which ports that are there have this GUID. */
unsigned look_count_aliases(const struct look *look, uint64_t guid);

/* invariants-multicast.c: members are reached by each other, and by nobody else. */
void look_at_multicast(struct look *look, const struct sm *sm);
/* invariants-lanes.c: what several virtual lanes take. */
void look_at_lanes(struct look *look, const struct sm *sm);

/* invariants-routes.c: tables depend on the fabric alone, not on how it came to be. */
void look_at_tables(struct look *look, struct sm *sm);
