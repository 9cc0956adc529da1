/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What must hold of a whole fabric, whoever brought it up: computed from the tables that the
 * devices hold, by no code of vsm. Each check adds sentences to findings, and returns 0, or -ENOMEM
 * if it could not look.
 */

#include "tests/sim/fabric.h"

enum { SIM_FINDINGS = 8, SIM_FINDING_TEXT = 240 };

struct sim_findings {
	unsigned n; /* all of them; the first SIM_FINDINGS have a text */
	char text[SIM_FINDINGS][SIM_FINDING_TEXT];
};

void sim_find_fault(struct sim_findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Forwarding tables of all switches as they were once. */
struct sim_snapshot;
int sim_snapshot_take(const struct sim_fabric *fabric, struct sim_snapshot **ret);
void sim_snapshot_free(struct sim_snapshot *snapshot); /* takes NULL */

/* Every port whose link is up is Active. */
int sim_check_states(const struct sim_fabric *fabric, struct sim_findings *findings);

/* Live endpoints have LIDs, of no two ports the same; node GUIDs and port GUIDs are unique. */
int sim_check_identities(const struct sim_fabric *fabric, struct sim_findings *findings);

/*
 * No LID, owned or not, leads in a circle from any switch. With @before, each switch may have that
 * table or the one that it holds now: what can happen while tables are being written.
 */
int sim_check_routes(const struct sim_fabric *fabric, const struct sim_snapshot *before,
		     struct sim_findings *findings);

struct sim_credits {
	uint16_t sls; /* bit n: SL n is in use, */
	/*
	 * or, if this is not NULL, the one on which @source sends to @lid; negative: it does not.
	 */
	int (*sl)(const void *user, const struct sim_port *source, unsigned lid);
	/* SLs on which somebody sends to this multicast LID, a bit each; or NULL: nobody does. */
	uint16_t (*group_sls)(const void *user, unsigned mlid);
	const void *user;
	bool switches_send;                /* their port 0 is a source too, not just end nodes */
	const struct sim_snapshot *before; /* NULL, or as in sim_check_routes() */
	bool active;                       /* only links that data passes; else all that are up */
};

/*
 * No circle of channels that wait for each other (Dally and Seitz): what comes in by a link on a
 * lane, from any source to any live LID, depends on the link and lane that it leaves by; what goes
 * to a multicast LID, from any port where it is copied to, on all that it is copied to.
 */
int sim_check_credits(const struct sim_fabric *fabric, const struct sim_credits *what,
		      struct sim_findings *findings);

/*
 * Both of it for what data does at this very moment, over links that are Active: may be asked while
 * tables are being written. @what but its last two; or NULL: on SL 0, end nodes as sources.
 */
int sim_check_moment(const struct sim_fabric *fabric, const struct sim_credits *what,
		     struct sim_findings *findings);

/* No multicast LID that any switch knows leads in a circle. */
int sim_check_multicast(const struct sim_fabric *fabric, struct sim_findings *findings);
/* The same of what data does at this moment, over links that are Active. */
int sim_check_multicast_now(const struct sim_fabric *fabric, struct sim_findings *findings);

/* All of them, on SL 0, end nodes as sources. */
int sim_check_all(const struct sim_fabric *fabric, struct sim_findings *findings);
