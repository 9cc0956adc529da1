/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Virtual switches: to the fabric a switch with adapters behind it, in truth one adapter whose
 * physical function and virtual functions have a port each.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sm/fabric.h"

/* The port of the physical function behind @node; NO_PORT: @node is no virtual switch. */
uint32_t vswitch_pf(const struct fabric *f, uint32_t node);

/* A virtual function behind one. */
struct vswitch_vf {
	uint32_t pf;    /* port of the physical function */
	uint32_t index; /* 1 is next to it */
	bool nameless;  /* it does not say who it is: @port is that of the switch */
};

/*
 * Is @port that of a virtual function, or of a virtual switch with something behind it that has no
 * GUID, or does not answer?
 */
bool vswitch_vf_at(const struct fabric *f, uint32_t port, struct vswitch_vf *ret);

/* The port that vswitch_vf_at() knows VF @index of @pf by; NO_PORT: there is none. */
uint32_t vswitch_find_vf(const struct fabric *f, uint32_t pf, unsigned index);
