/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the subnet manager wants to find again after a restart. sm/ declares it, store/ implements
 * it.
 *
 * Writing is asynchronous and in order: keep_*() takes a copy and returns, keep_after() calls back
 * when all that was handed over before it is on disk. Reading happens once, at the start.
 */

#include <stdbool.h>
#include <stdint.h>

struct keeper;

/* LIDs belong to GUIDs: lid to lid + 2^lmc - 1. LID 0 forgets the GUID. */
struct kept_identity {
	uint64_t guid; /* port GUID, or the node's for a switch */
	uint16_t lid;
	uint8_t lmc;
};

/*
 * The M_Key of the port with this GUID, as far as we know: while another is being set, and until
 * the port has shown which it has, it may be the other one as well (0: it is not in doubt). M_Key 0
 * forgets the port.
 */
struct kept_mkey {
	uint64_t guid;
	uint64_t mkey;
	uint64_t other;
};

/*
 * Values that a device acknowledged and did not hold: per device one blob, whose content is sm's
 * own business. Size 0 forgets the device.
 */
struct kept_quirks {
	uint64_t guid;
	const void *blob;
	uint32_t size;
};

#define KEEP_QUIRKS_MAX 65536

/* GUIDs of which one of these two is known: of as many nodes as there can be, with two ports each.
 */
#define KEEP_DEVICES_MAX 131072u

/*
 * What the operator reserved for a GUID: see reservations.h. Its LID counts, whatever LID is kept
 * of the GUID as of any other.
 */
#define KEEP_PLACES_MAX 16
#define KEEP_NAME_MAX   64

struct kept_reservation {
	uint64_t guid;
	bool gone;    /* forget the GUID */
	uint16_t lid; /* it has this one and no other; 0: any, or none */
	unsigned n_places;
	uint64_t place[KEEP_PLACES_MAX]; /* GUIDs of physical ports where it may be; none: anywhere
					  */
	char name[KEEP_NAME_MAX + 1];    /* for people */
};

/*
 * An alias GUID, and the entry of GUIDInfo that it is for, or was last: of the port with this GUID.
 * Who is not wanted is kept for that entry, and nobody has it. Port 0 forgets the alias GUID.
 */
struct kept_alias {
	uint64_t guid;
	uint64_t port;
	uint8_t index;
	bool wanted;
};

/* LIDs for virtual functions to come, of a physical port: see spares.c. None forgets the port. */
#define KEEP_SPARES_MAX 1024

struct kept_spares {
	uint64_t guid;
	unsigned n;
	const uint16_t *lid;
};

/* The virtual function with this GUID is to be at @port; 0 forgets that: see moves.c. */
struct kept_move {
	uint64_t guid;
	uint64_t port;
};

/*
 * What a host registered with the subnet administration, see registration.h: of each kind some with
 * a number, and a blob whose layout is the business of who has that kind. Size 0 forgets it.
 */
enum kept_registration_kind {
	KEPT_GROUP,        /* multicast */
	KEPT_GROUP_MEMBER, /* of one */
	KEPT_SERVICE,
	KEPT_SUBSCRIPTION,
	KEPT_REGISTRAR, /* hosts of this fabric register with us: one row, of one byte */
	KEPT_AWAY,      /* not a registration: what was at a port of a switch, see away.c */
	KEPT_REGISTRATION_KIND_COUNT,
};

#define KEEP_REGISTRATION_MAX     512 /* bytes */
#define KEEP_REGISTRATION_ID_LAST (UINT64_MAX >> 8)

struct kept_registration {
	enum kept_registration_kind kind;
	uint64_t id;      /* 1 to KEEP_REGISTRATION_ID_LAST */
	uint64_t expires; /* seconds since 1970, up to INT64_MAX; 0: never */
	const void *blob;
	uint32_t size;
};

/* Partitions of run time that have been given a name: 1 to 63 printable ASCII characters. */
struct kept_partition {
	uint16_t pkey; /* 1 to 0x7fff */
	const char *name;
};

#define KEEP_PARTITION_NAME_MAX 63

/* A member of a partition that was added at run time. */
struct kept_member {
	uint64_t guid;
	uint16_t pkey;
	uint8_t membership; /* KEPT_LIMITED to KEPT_BOTH; 0 forgets the member */
	bool index0;        /* the key goes to index 0 of its table */
};

enum {
	KEPT_LIMITED = 1,
	KEPT_FULL = 2,
	KEPT_BOTH = 3,
};

/*
 * A change of one partition, all of it or nothing. Somebody waits for it and is told if it fails,
 * so it is not tried again as other values are: if it could not be written, keep_after() has told
 * so, and it is forgotten. Only when all was written and the disk then failed to say that it holds
 * it (-EIO), nobody knows which of the two a restart will find.
 */
struct kept_change {
	uint16_t pkey;
	const char *name; /* NULL: as it is; empty: forgotten */
	bool clear;       /* the members that it had are forgotten first */
	const struct kept_member *members;
	uint32_t n_members;
};

/* Any member may be NULL. */
struct keep_reader {
	void (*identity)(void *user, const struct kept_identity *identity);
	void (*mkey)(void *user, const struct kept_mkey *mkey);
	void (*quirks)(void *user, const struct kept_quirks *quirks);
	void (*reservation)(void *user, const struct kept_reservation *reservation);
	void (*alias)(void *user, const struct kept_alias *alias);
	void (*spares)(void *user, const struct kept_spares *spares);
	void (*move)(void *user, const struct kept_move *move);
	void (*partition)(void *user, const struct kept_partition *partition);
	void (*member)(void *user, const struct kept_member *member);
	void (*registration)(void *user, const struct kept_registration *registration);
};

struct keeper_ops {
	void (*read)(struct keeper *k, const struct keep_reader *reader, void *user);
	int (*identity)(struct keeper *k, const struct kept_identity *identity);
	int (*mkey)(struct keeper *k, const struct kept_mkey *mkey);
	int (*quirks)(struct keeper *k, const struct kept_quirks *quirks);
	int (*change)(struct keeper *k, const struct kept_change *change);
	/* @fn(user, 0), or -errno if something before could not be written (it is said in the log).
	 */
	int (*after)(struct keeper *k, void (*fn)(void *user, int result), void *user);
	/* No @fn is called with this @user any more. */
	void (*cancel)(struct keeper *k, const void *user);
	int (*reservation)(struct keeper *k, const struct kept_reservation *reservation);
	int (*alias)(struct keeper *k, const struct kept_alias *alias);
	int (*spares)(struct keeper *k, const struct kept_spares *spares);
	int (*move)(struct keeper *k, const struct kept_move *move);
	int (*registration)(struct keeper *k, const struct kept_registration *registration);
};

struct keeper {
	const struct keeper_ops *ops;
};

static inline void keep_read(struct keeper *k, const struct keep_reader *reader, void *user)
{
	k->ops->read(k, reader, user);
}

/* 0, or -ENOMEM. */
static inline int keep_identity(struct keeper *k, const struct kept_identity *identity)
{
	return k->ops->identity(k, identity);
}

static inline int keep_mkey(struct keeper *k, const struct kept_mkey *mkey)
{
	return k->ops->mkey(k, mkey);
}

static inline int keep_quirks(struct keeper *k, const struct kept_quirks *quirks)
{
	return k->ops->quirks(k, quirks);
}

static inline int keep_reservation(struct keeper *k, const struct kept_reservation *reservation)
{
	return k->ops->reservation(k, reservation);
}

static inline int keep_alias(struct keeper *k, const struct kept_alias *alias)
{
	return k->ops->alias(k, alias);
}

static inline int keep_spares(struct keeper *k, const struct kept_spares *spares)
{
	return k->ops->spares(k, spares);
}

static inline int keep_move(struct keeper *k, const struct kept_move *move)
{
	return k->ops->move(k, move);
}

static inline int keep_registration(struct keeper *k, const struct kept_registration *registration)
{
	return k->ops->registration(k, registration);
}

/* On failure nothing of it will be written. */
static inline int keep_change(struct keeper *k, const struct kept_change *change)
{
	return k->ops->change(k, change);
}

static inline int keep_after(struct keeper *k, void (*fn)(void *user, int result), void *user)
{
	return k->ops->after(k, fn, user);
}

static inline void keep_cancel(struct keeper *k, const void *user)
{
	k->ops->cancel(k, user);
}
