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
	uint16_t next; /* the switch at the far end */
	uint8_t takes; /* what the cable takes; WAY_NONE: there is no such switch */
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

/* As many as a port has LIDs at most. */
#define WAYS_COLUMNS 128u

/* To one LID. */
struct way_column {
	uint16_t lid;
	uint8_t from[]; /* by switch */
};

/* LIDs by the switch at which they are, on their way: lists, through struct way_fan's next. */
struct way_crowd {
	uint16_t *first; /* by switch; 0: none are there */
	uint16_t *at;    /* switches that have some */
	unsigned n;
};

/* From one switch to all LIDs. */
struct way_fan {
	bool known;
	uint16_t from;
	uint8_t takes[LID_UNICAST_LAST + 1];
	uint16_t next[LID_UNICAST_LAST + 1];
	struct way_crowd here, there;
	uint16_t of_switches[]; /* for both */
};

struct ways {
	uint8_t *link;        /* [port]: what its cable takes; NULL: nothing is known */
	struct way_end *ends; /* [LID] */
	struct way_switch *switches;
	struct way_fan *fan;                     /* that was asked for last; NULL: none was */
	struct way_column *column[WAYS_COLUMNS]; /* by LID, modulo that; or NULL */
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
 * WAY_MIXED: not known here. @many: see struct admin_ends.
 */
uint8_t ways_between(const struct admin_view *view, unsigned from_lid, unsigned lid, unsigned many);

void ways_drop(struct ways *w);
