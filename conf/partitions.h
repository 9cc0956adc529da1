/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * partitions.conf, in opensm's grammar: who is a member of which partition, and which multicast
 * groups exist from the start. Read whole or not at all: opensm opens the fabric to everyone when
 * it cannot read the file, vsm keeps what it had and says which line is wrong.
 *
 * GUIDs and keys are in host order; an MGID is 16 bytes in wire order. Results are 0 or -errno; on
 * failure *ret is untouched and *reterr (may be NULL) has the sentence.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define PARTITION_NAME_SIZE    64 /* with the final 0 */
#define PARTITION_DEFAULT_PKEY 0x7fff
#define PARTITIONS_FILE_MAX    (32 << 20) /* bytes */
#define PARTITIONS_MAX         32767      /* as many as there are keys */
#define PARTITIONS_MEMBERS_MAX (1 << 20)  /* of all partitions together */
#define PARTITIONS_GROUPS_MAX  4096       /* "mgid" lines of all partitions together */

/* What a port is, and what a statement in the file is about. */
enum partition_kind {
	PARTITION_ALL,      /* every port */
	PARTITION_CAS,      /* every channel adapter port */
	PARTITION_SWITCHES, /* every switch port 0 */
	PARTITION_ROUTERS,  /* every router port */
	PARTITION_SELF,     /* the subnet manager's own port */
	PARTITION_GUID,     /* the port with this GUID */
};

enum partition_membership {
	PARTITION_NO_MEMBER,
	PARTITION_LIMITED,
	PARTITION_FULL,
	PARTITION_BOTH, /* full and limited: two entries in the P_Key table */
};

/* One statement. @order counts up through the file: of two that fit a port, the later one holds. */
struct partition_member {
	uint64_t guid; /* of kind PARTITION_GUID; else 0 */
	uint32_t order;
	uint8_t kind;       /* enum partition_kind */
	uint8_t membership; /* enum partition_membership, never PARTITION_NO_MEMBER */
	bool index0;        /* the key goes to index 0 of this member's table */
	bool added;         /* at run time: see additions.h */
};

/* Which values of struct partition_params the file gave; the others are opensm's defaults. */
enum partition_param {
	PARTITION_PARAM_MTU = 1,
	PARTITION_PARAM_RATE = 2,
	PARTITION_PARAM_SCOPE = 4,
	PARTITION_PARAM_Q_KEY = 8,
	PARTITION_PARAM_TCLASS = 16,
	PARTITION_PARAM_SL = 32,
	PARTITION_PARAM_FLOW_LABEL = 64,
};

/* What a multicast group is made with. */
struct partition_params {
	uint8_t mtu;     /* IBTA code, 1 to 5; default 4 (2048 bytes) */
	uint8_t rate;    /* IBTA code, 2 and up; default 3 (10 Gb/s) */
	uint8_t sl;      /* 0 to 15; default 0 */
	uint8_t tclass;  /* default 0 */
	uint16_t scopes; /* bit n: a group of scope n; 0: not given (broadcast: 2, else the MGID's
			    own) */
	uint16_t given;  /* bits of enum partition_param */
	uint32_t q_key;  /* default 0x0b1b for groups of IP, else 0 */
	uint32_t flow_label; /* default 0 */
};

struct partition_group {
	uint8_t mgid[16]; /* of IP groups, with this partition's full P_Key in bytes 4 and 5 */
	struct partition_params params; /* with what the partition's head gave */
	unsigned line;
};

struct partition {
	char name[PARTITION_NAME_SIZE]; /* printable ASCII; "0x0003" if the file gives none */
	uint16_t pkey;                  /* 0x0001 to 0x7fff, without the membership bit */
	bool generated; /* the file gives no P_Key: it depends on the order of the file */
	bool added;     /* at run time: the file does not have it */
	bool indx0;     /* this key goes to index 0 of its members' tables */
	bool ipoib;     /* has the IPv4 broadcast group, made with @params */
	struct partition_params params;
	const struct partition_member *members; /* sorted by kind, GUID: no statement twice */
	size_t n_members;
	const struct partition_group *groups; /* as in the file */
	size_t n_groups;
	unsigned line; /* of the first definition; 0: not in the file */
};

/* Partition number @partition has a statement about the port with @guid. */
struct partition_named {
	uint64_t guid;
	uint32_t partition;
};

/* partitions[0] is always the default partition; the others follow as in the file. */
struct partitions {
	struct partition *partitions;
	size_t n;
	struct partition_member *members; /* storage of all */
	struct partition_group *groups;
	uint32_t
		*general; /* numbers of those with statements about kinds of ports; the first too */
	size_t n_general;
	struct partition_named *named; /* sorted by GUID, then number */
	size_t n_named;
};

struct partition_options {
	bool allow_both; /* partitions.allow_both_pkeys */
};

/* No file is configured: every port is a full member of the default partition, which has IPoIB. */
int partitions_default(struct partitions **ret);

/*
 * Read @path. -ENOENT etc. if it cannot be read (a configured file that is missing is an error),
 * -EFBIG if it is too long, -EINVAL if it is not valid.
 *
 * As with opensm, the default partition starts with every port a limited and the subnet manager's a
 * full member, and what the file says about it comes on top.
 */
int partitions_load(const char *path, const struct partition_options *options,
		    struct partitions **ret, struct conf_error *reterr);

/* The same for @length bytes at @text; @name stands for the file in errors. */
int partitions_parse(const char *text, size_t length, const char *name,
		     const struct partition_options *options, struct partitions **ret,
		     struct conf_error *reterr);

void partitions_free(struct partitions *partitions);
static inline void partitions_freep(struct partitions **partitions)
{
	partitions_free(*partitions);
}

/* The partition with @pkey, whose membership bit is ignored, or NULL. */
const struct partition *partitions_find(const struct partitions *partitions, uint16_t pkey);

/*
 * What the port with @guid is to @partition. @kind says what it is a port of: PARTITION_CAS,
 * PARTITION_SWITCHES or PARTITION_ROUTERS. The subnet manager's own port (@self) is a full member
 * of the default partition whatever the file says.
 */
enum partition_membership partition_membership(const struct partition *partition,
					       enum partition_kind kind, uint64_t guid, bool self);

/* The statement that decides that, and so is not NULL for a member. */
const struct partition_member *partition_deciding(const struct partition *partition,
						  enum partition_kind kind, uint64_t guid,
						  bool self);

/* "ALL", "ALL_CAS", as in the file; NULL for PARTITION_GUID. */
const char *partition_kind_name(enum partition_kind kind);

/* Does its key go to index 0 of the table of the port with @guid, if that is a member? */
bool partition_wants_index0(const struct partition *partition, uint64_t guid);

/* The statement about the port with @guid itself, or NULL. */
const struct partition_member *partition_statement(const struct partition *partition,
						   uint64_t guid);

/*
 * The partitions that have anything to say about the port with a GUID, in their order: of all
 * others it is no member. Takes no longer than there are such partitions, however many there are in
 * all.
 */
struct partition_walk {
	const struct partitions *partitions;
	uint64_t guid;
	size_t general, named; /* what comes next */
};
struct partition_walk partition_walk_start(const struct partitions *partitions, uint64_t guid);

/* The next one; NULL at the end. */
const struct partition *partition_walk_next(struct partition_walk *walk);
