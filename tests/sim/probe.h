/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What a user would feel: does a data packet from A reach B? Asked of the tables that the devices
 * hold; nothing is counted, and no port becomes Active by it.
 */

#include "tests/sim/endpoint.h"

struct sim_probe {
	struct sim_endpoint from;
	uint16_t from_lid; /* 0: the first that it has */
	uint16_t dlid;
	uint16_t pkey; /* 0: 0xffff */
	uint8_t sl;
	uint16_t length; /* payload bytes; 0: as little as that */
	bool has_grh;
	uint8_t hop_limit;
	uint8_t dgid[16];
	/* NULL, or called for each link on the way: out by @out on lane @vl, after @in. */
	void (*trace)(void *user, const struct sim_port *in, const struct sim_port *out,
		      unsigned vl);
	void *user;
};

struct sim_probe_result {
	enum sim_drop why;           /* SIM_PASSED: it arrived */
	const struct sim_port *at;   /* where it ended */
	unsigned hops;               /* links that it crossed */
	struct sim_endpoint reached; /* if it arrived; else port NULL */
};

void sim_probe(const struct sim_probe *probe, struct sim_probe_result *ret);

/* ---- every ordered pair ---------------------------------------------------------------------- */

enum sim_expect { SIM_EXPECT_ANYTHING, SIM_EXPECT_REACHED, SIM_EXPECT_NOT_REACHED };

struct sim_probe_all {
	/* Called for every pair of live endpoints; may change @probe. NULL: all are reached. */
	enum sim_expect (*expect)(void *user, const struct sim_endpoint *from,
				  const struct sim_endpoint *to, struct sim_probe *probe);
	/* What was not as expected, the first @limit of it; 0: all. NULL: it is only counted. */
	void (*violated)(void *user, const struct sim_probe *probe, const struct sim_endpoint *to,
			 const struct sim_probe_result *result);
	unsigned limit;
	void *user;
	struct sim_probe like; /* P_Key, SL, length */
};

/*
 * Every LID of every live endpoint, from every other live endpoint. A pair whose expectation is
 * anything is not probed. How often it was not as expected, or -ENOMEM; *@ret_probes, if not NULL:
 * how many.
 */
int sim_probe_all(const struct sim_fabric *fabric, const struct sim_probe_all *all,
		  unsigned *ret_probes);

/* ---- multicast ------------------------------------------------------------------------------- */

struct sim_spread {
	unsigned n_reached;           /* endpoints that took it, each counted once */
	unsigned n_again;             /* ports that got it once more */
	const struct sim_port *again; /* the first of them */
	bool came_back;               /* the sender got its own */
	unsigned n_lost;              /* copies that came to nothing */
	enum sim_drop why;            /* of the first of them */
	const struct sim_port *at;
};

/*
 * As @probe, to a multicast LID; without a GRH in it, the right one is meant. @reached (may be
 * NULL) is called once for each endpoint. 0 or -ENOMEM.
 */
int sim_probe_multicast(const struct sim_probe *probe,
			void (*reached)(void *user, const struct sim_endpoint *e), void *user,
			struct sim_spread *ret);
