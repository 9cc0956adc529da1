/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Some of the ports of a fabric, by their numbers. Each reconcile goes through those of a kind
 * several times, and in a large fabric they are few among the ports of its switches.
 */

#include <stdbool.h>
#include <stdint.h>

struct port_set {
	uint64_t *words; /* a bit for each port */
	uint32_t n_words;
};

/* A zeroed struct is an empty set; port_set_done() makes it one again. */
void port_set_done(struct port_set *set);

/* 0 or -ENOMEM. */
int port_set_add(struct port_set *set, uint32_t port);
void port_set_remove(struct port_set *set, uint32_t port);

/* The first that is in it from @port on, or UINT32_MAX, which is NO_PORT. */
uint32_t port_set_next(const struct port_set *set, uint32_t port);
