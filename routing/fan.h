/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The neighbours of a switch in the sequence in which exits are counted, with all cables to one
 * neighbour together.
 */

#include "routing/number.h"

struct fan {
	uint32_t to;
	uint32_t first_port; /* of ports[]; those of the next fan follow */
};

struct fans {
	uint32_t *first; /* of switch s: fan[first[s]] to fan[first[s + 1] - 1] */
	struct fan *fan; /* and one more, which is the end of ports[] */
	uint8_t *ports;
	uint32_t *share; /* of switches: so many successive hosts leave through one exit (nominal.c)
			  */
	uint32_t *start; /* of switches: the exit for the first block of what is no host */
};

static inline uint32_t fan_n_ports(const struct fan *fan)
{
	return fan[1].first_port - fan->first_port;
}

/* 0 or -ENOMEM. fans_clear() also after failure. */
int fans_make(const struct graph *graph, const struct ranking *ranking,
	      const struct numbering *numbering, struct fans *ret);
void fans_clear(struct fans *fans);
