/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * opensm's QoS policy file (its doc/QoS_management_in_OpenSM.txt): which service level a path gets,
 * and within which bounds, by who asks for it and what for. Read whole or not at all; the caller
 * keeps what it had and says which line is wrong.
 *
 * Numbers in host order. Results are 0 or -errno; on failure *ret is untouched and *reterr (may be
 * NULL) has the sentence.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define QOS_POLICY_FILE_MAX  (4 << 20) /* bytes */
#define QOS_POLICY_MAX       4096u     /* groups, levels, rules: of each so many */
#define QOS_POLICY_TERMS_MAX 65536u
#define QOS_POLICY_NAME_MAX  127 /* characters */

/* What a term of a group, a level or a rule is about. */
enum qos_kind {
	QOS_GUID,        /* of a group: port GUIDs */
	QOS_PORT_NAME,   /* a NodeDescription and a port number */
	QOS_PKEY,        /* P_Keys without membership bit; of groups, levels and rules */
	QOS_PARTITION,   /* a partition's name */
	QOS_NODE,        /* enum qos_node, bits in @first */
	QOS_CLASS,       /* of a rule: QoS classes */
	QOS_SERVICE,     /* service IDs */
	QOS_SOURCE,      /* a group, by number in @first */
	QOS_DESTINATION, /* the same */
	QOS_KIND_COUNT,
};

enum qos_node {
	QOS_CA = 1,
	QOS_SWITCH = 2,
	QOS_ROUTER = 4,
	QOS_SELF = 8, /* the subnet manager's own port */
};

/* Numbers from @first to @last, or a name. */
struct qos_term {
	uint8_t kind; /* enum qos_kind */
	uint8_t port; /* QOS_PORT_NAME */
	uint32_t line;
	const char *name;
	uint64_t first, last;
};

/* terms[first] to terms[first + n - 1] of the policy. */
struct qos_terms {
	uint32_t first, n;
};

/* A port is in it if one of the terms fits. */
struct qos_group {
	const char *name; /* NULL: of a line of qos-ulps */
	struct qos_terms terms;
};

enum qos_given {
	QOS_HAS_SL = 1,
	QOS_HAS_MTU = 2,
	QOS_HAS_RATE = 4,
	QOS_HAS_LIFE = 8,
};

struct qos_level {
	const char *name; /* NULL: of a line of qos-ulps */
	uint8_t given;    /* bits of enum qos_given, QOS_HAS_SL among them */
	uint8_t sl;
	uint8_t mtu;            /* at most, IBTA code */
	uint8_t rate;           /* at most, IBTA code */
	uint8_t life;           /* packet life time, IBTA code */
	struct qos_terms pkeys; /* that a path may have; none: any */
	uint32_t line;
};

/* It fits if of each kind that it has terms of one fits. */
struct qos_rule {
	struct qos_terms terms;
	uint32_t level;
	const char *level_name; /* NULL: of a line of qos-ulps */
	uint32_t line;
};

struct qos_policy {
	struct qos_term *terms;
	struct qos_group *groups;
	struct qos_level *levels;
	struct qos_rule *rules; /* in the order in which they are tried */
	uint32_t n_terms, n_groups, n_levels, n_rules;
	uint32_t room_terms, room_groups, room_levels, room_rules;
	uint32_t fallback; /* the level of what fits no rule */
	bool has_fallback;
	bool has_setup;     /* there was a qos-setup, which means nothing, as to opensm */
	bool has_path_bits; /* the same */
	char *text;         /* that names point into */
};

int qos_policy_load(const char *path, struct qos_policy **ret, struct conf_error *reterr);
/* @name is what errors call the file. */
int qos_policy_parse(const char *text, size_t length, const char *name, struct qos_policy **ret,
		     struct conf_error *reterr);
void qos_policy_free(struct qos_policy *policy);
void qos_policy_freep(struct qos_policy **policy);

/* One end of a path. */
struct qos_end {
	uint64_t guid;
	unsigned nodes;          /* what it is: bits of enum qos_node */
	const char *description; /* the NodeDescription, at most 64 characters */
	unsigned port;           /* its number */
	/* Has it a P_Key, without membership bit, from @first to @last? */
	bool (*has_key)(const void *user, uint16_t first, uint16_t last);
	const void *user;
};

/* What is asked for; what a question does not have fits no rule that is about it. */
struct qos_question {
	bool has_class, has_service, has_pkey;
	uint16_t qos_class; /* 12 bits */
	uint16_t pkey;
	uint64_t service;
	const struct qos_end *from, *to;
	/* The P_Key of the partition of that name, 0: there is none. */
	uint16_t (*partition)(const void *user, const char *name);
	const void *user;
};

const struct qos_level *qos_policy_find(const struct qos_policy *policy,
					const struct qos_question *question);

/* May a path of @level have @pkey? */
bool qos_level_allows(const struct qos_policy *policy, const struct qos_level *level,
		      uint16_t pkey);
