/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the files about discovery, sm/discover*.c, share. discover.c says what is where. */

#include "sm/machine.h"

/* All of discover-node.c. */

/* Ask who is behind @port (NO_PORT: who we are). False if there is no room for another probe now.
 */
bool discover_probe(struct sm *sm, uint32_t port, bool wait);

/* Reached for the first time in this sweep, out of @via (NO_PORT: it is our own device). */
void discover_visit(struct sm *sm, uint32_t node, uint32_t via);

/* PortInfo of this port of an adapter is to be read. */
void discover_read_end_port(struct sm *sm, uint32_t port);

/* A cable that is gone, or leads nowhere, makes another fabric, even if no table shows it. */
void discover_disconnect(struct sm *sm, uint32_t port);

/*
 * Is it news that somebody comes or goes? Not what is found first, nor what comes and goes because
 * our own cable does: that is all there is, and no news of any of it.
 */
bool discover_is_news(const struct sm *sm);
