/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Two switches and four channel adapters, made by hand, as the subnet administrator sees them:
 *
 *	alpha --1-- west    --36====36-- east --1-- gamma
 *	beta  --2--  "                    "  --2-- delta port 2
 *	delta port 1 --3-- "
 *
 * LMC is 1 but for the switches. alpha has the subnet manager, gamma and delta have others.
 * Everybody is a full member of the default partition but beta, which is a limited one. alpha and
 * gamma are also in partition 0x8001. Links are 4X EDR, but delta's second, which is 1X SDR and of
 * MTU 1024. Both switches send MLID 0xc022 to ports 1 and 36. gamma is a shared port with room for
 *10 GUIDs, and has two aliases.
 */

#include "sm/sa/admin.h"
#include "sm/sm.h"

enum small_port {
	SMALL_WEST,
	SMALL_EAST,
	SMALL_ALPHA,
	SMALL_BETA,
	SMALL_GAMMA,
	SMALL_DELTA_1,
	SMALL_DELTA_2,
	SMALL_COUNT,
};

#define SMALL_PREFIX  UINT64_C(0xfec0000000000001)
#define SMALL_MKEY    UINT64_C(0xa5b6c7d8e9fa0b1c)
#define SMALL_KEYS    3
#define SMALL_PEERS   2
#define SMALL_GUIDS   10              /* GUIDCap of gamma */
#define SMALL_ALIAS_1 UINT64_C(0x3a1) /* entry 1 */
#define SMALL_ALIAS_9 UINT64_C(0x3a9) /* entry 9, in block 1 */
#define SMALL_TRUNK   36              /* port of both switches, their last */

struct small_fabric {
	struct fabric fabric;
	struct conf conf;
	struct admin_view view;
	uint32_t port[SMALL_COUNT];
	uint16_t lid[SMALL_COUNT];
	uint64_t guid[SMALL_COUNT];
	uint16_t keys[SMALL_COUNT][SMALL_KEYS]; /* planned P_Key tables */
	uint16_t vf_key;                        /* not 0: the only one of all virtual functions */
	struct sm_peer peers[SMALL_PEERS];
	uint16_t lost_lid; /* the switches have no route to it */
	bool loops;        /* the switches send all to each other */
};

/* 0 or -ENOMEM. The struct must not move: the view points into it. */
int small_fabric_init(struct small_fabric *small);
void small_fabric_done(struct small_fabric *small);

/* The PortInfo of port @number of the node that has @end. */
uint8_t *small_fabric_info(struct small_fabric *small, enum small_port end, unsigned number);
