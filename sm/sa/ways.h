/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is known of the ways through the fabric, so that the next question about one need not look
 * at ports and walk from switch to switch. Valid as long as links, settings, LIDs and tables are
 * what they were: who changes them drops it all.
 *
 * What a way can carry is a byte: MTU in the upper three bits, rate in the lower five (IBA
 * 15.2.5.16), or one of the first of enum way.
 */

#include <stddef.h>
#include <stdint.h>

#include "sm/sa/admin.h"

enum way {
	WAY_UNKNOWN = 0,  /* nobody has looked */
	WAY_MIXED = 1,    /* it depends on the LID */
	WAY_NONE = 2,     /* there is none */
	WAY_ALL = 7 << 5, /* nothing limits it */
};

/* Of all rows; a fabric of 1,620 switches, of which 648 have hosts, needs one. */
#define WAYS_MAX_BYTES (8u << 20)

/* Switches go by their rows in the tables here. */
#define WAYS_NOBODY 0xffffu

/* Out of a port of a switch. */
struct way_hop {
	uint16_t next; /* the switch at the far end, or WAYS_NOBODY */
	uint8_t takes; /* what the cable takes */
};

/* Where a LID is. */
struct way_end {
	uint16_t at;  /* the switch, or WAYS_NOBODY */
	uint8_t exit; /* its port, 0 for its own */
};

struct way_switch {
	const uint8_t *table; /* its exit ports, by LID */
	unsigned table_size;
	uint32_t node;
	struct way_hop *hops; /* by port; NULL: nobody has looked */
	uint8_t *row; /* by switch: the same to all LIDs there, or WAY_MIXED; NULL: no row */
};

struct ways {
	uint8_t *link;        /* [port]: what its cable takes; NULL: nothing is known */
	struct way_end *ends; /* [LID] */
	struct way_switch *switches;
	uint32_t n_ports;
	uint32_t n_switches;
	size_t bytes; /* of rows */
};

/* The narrower of two ways that are some. */
uint8_t way_narrower(uint8_t a, uint8_t b);

/* What the cable at @out takes, as far as it is known there; @w may be NULL. */
uint8_t ways_link(const struct admin_view *view, struct ways *w, uint32_t out);

/*
 * From the switch of @from_lid to that of @lid, which then has to send on by the right port.
 * WAY_MIXED: not known here. @once: nobody else is going to ask from there.
 */
uint8_t ways_between(const struct admin_view *view, unsigned from_lid, unsigned lid, bool once);

void ways_drop(struct ways *w);
