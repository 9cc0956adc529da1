/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The tables that ports are given where qos.enable is set: which lane a service level travels on
 * (SLtoVLMappingTable, IBA 14.2.5.8), and which lanes have which turn
 * (VLArbitrationTable, 14.2.5.9), by what the port is. As opensm's qos_*_sl2vl, qos_*_vlarb_high,
 * qos_*_vlarb_low, qos_*_high_limit,
 * but that port 0 of a switch keeps what it came up with.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

#define QOS_SLS       16u
#define QOS_TURNS_MAX 32u /* of a list: a block of the table */

/* What a port is. */
enum qos_class {
	QOS_CLASS_CA,
	QOS_CLASS_ROUTER,
	QOS_CLASS_SWITCH, /* but for port 0 */
	QOS_CLASS_COUNT,
};

struct qos_turn {
	uint8_t vl;     /* 0 to 14 */
	uint8_t weight; /* times 64 bytes */
};

struct qos_turns {
	unsigned n;
	struct qos_turn turn[QOS_TURNS_MAX];
};

struct qos_tables {
	uint8_t vl[QOS_SLS]; /* by service level; 15: packets of that level are dropped */
	struct qos_turns high;
	struct qos_turns low;
	uint8_t high_limit; /* PortInfo.VLHighLimit */
};

/* "0,1,2,...": 16 numbers. False: it is not. */
bool qos_levels_parse(const char *text, uint8_t ret[static QOS_SLS]);
/* "0:4,1:0,...": at most QOS_TURNS_MAX pairs of lane and weight. False: it is not. */
bool qos_turns_parse(const char *text, struct qos_turns *ret);

/* What @conf, which has been checked, says of ports of this class. */
void qos_tables_of(const struct conf *conf, enum qos_class class, struct qos_tables *ret);

/* What is wrong with the options of qos and qos_*, and which; or NULL. */
const char *qos_tables_check(const struct conf *conf, const char **ret_path);
