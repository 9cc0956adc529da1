/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the files about discovery, sm/discover*.c, share. discover.c says what is where. */

#include "sm/machine.h"

/* All of discover-probe.c. */

/* Ask who is behind @port (NO_PORT: who we are). False if there is no room for another probe now.
 */
bool discover_probe(struct sm *sm, uint32_t port, bool wait);

/* None that is waited for is under way any more. */
void discover_drop_probes(struct sm *sm);

/* All of discover-node.c. */

/* NodeInfo has come, out of @via (NO_PORT: it is ours); or what is there is left out. */
void discover_take_node(struct sm *sm, uint32_t via, const uint8_t *data, uint64_t mkey);
void discover_leave_out(struct sm *sm, uint32_t via, enum reason reason);
/*
 * Nobody answers behind it, for the first time: is the link still up? If the far end said that it
 * went down while we programmed, this end was neither set nor read since.
 */
void discover_look_again(struct sm *sm, uint32_t port);

/* The route of @sma is that of @parent, and out of its @port. */
void discover_route_through(struct sma *sma, const struct sma *parent, uint8_t port);
/* Its route leads out of @via (NO_PORT: it is our own device). */
void discover_lead_to(struct sm *sm, uint32_t node, uint32_t via);
/* It is in the next ring, and a part of this walk. */
void discover_join(struct sm *sm, uint32_t node);
/* Reached for the first time in this walk, out of @via. */
void discover_visit(struct sm *sm, uint32_t node, uint32_t via);

/* PortInfo of this port of an adapter is to be read. */
void discover_read_end_port(struct sm *sm, uint32_t port);

/* A cable that is gone, or leads nowhere, makes another fabric, even if no table shows it. */
void discover_disconnect(struct sm *sm, uint32_t port);
/* The event of a link between @port and @far; @what follows. */
void discover_tell_link(const struct sm *sm, enum event_kind kind, uint32_t port, uint32_t far,
			const char *what);

/*
 * Is it news that somebody comes or goes? Not what is found first, nor what comes and goes because
 * our own cable does: that is all there is, and no news of any of it.
 */
bool discover_is_news(const struct sm *sm);

/* 0 or -ENOMEM. */
int frontier_push(struct frontier *f, uint32_t node);

/* All of discover.c. */

/* Another walk, be it a sweep or a look. */
void discover_begin(struct sm *sm);

/* Can others be reached through this node; and out of this port of it? */
bool discover_leads_through(const struct node *node);
bool discover_leads_on(const struct fabric *f, const struct node *node, uint32_t port);

/* It is not there any more; or it is, and all about it was asked. */
void discover_node_went(struct sm *sm, uint32_t node);
void discover_end_node(struct sm *sm, uint32_t node);

/* All of discover-look.c; nothing happens if this walk is no look. */

/* What was behind this port, if anything, may not be there any more. */
void look_at_lost_link(struct sm *sm, uint32_t port);

/* The nearest of those that are to be looked at. */
void look_choose_ring(struct sm *sm);
