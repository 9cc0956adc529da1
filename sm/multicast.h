/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Multicast groups and who is member of them: what hosts asked for by MCMemberRecords (IBA
 * 15.2.5.17), and the groups that partitions.conf names. A member is a GUID, of a port or of a
 * virtual function, whether it is there or not; a group has a multicast LID, and a tree in the
 * switches is grown for each of these.
 *
 * Numbers are in host order, an MGID is 16 bytes in wire order. Results are 0 or -errno.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/guid-map.h"
#include "mad/wire.h"
#include "sm/keep.h"
#include "sm/vf.h"

struct sm;

#define MLID_FIRST         0xc000u
#define MLID_LAST          0xfffeu
#define MLIDS_MAX          (MLID_LAST - MLID_FIRST + 1)
#define GROUPS_MAX         65536u   /* of all kinds */
#define MEMBERS_MAX        2097152u /* of all groups */
#define GROUPS_OF_MAX      2048u    /* made by one GUID that is there no longer than these, */
#define GROUPS_OF_PORT     8192u    /* and by a port with all its virtual functions */
#define MEMBERSHIPS_OF_MAX 16384u   /* of one GUID: one that talks to all others has so many */
#define PROXIED_OF_MAX     1024u    /* of those, joined by others for it; */
#define PROXIED_MAX        (MEMBERS_MAX / 2) /* and of all */

/* MCMemberRecord.JoinState, bits */
enum {
	JOIN_FULL = 1,
	JOIN_NON = 2,
	JOIN_SEND_ONLY = 4,
	JOIN_SEND_ONLY_FULL = 8,
	JOIN_RECEIVES = JOIN_FULL | JOIN_NON,
	JOIN_COUNTS = JOIN_FULL | JOIN_SEND_ONLY_FULL, /* without one of these a group ends */
};

struct group_member {
	uint64_t guid;
	uint64_t id;     /* in the store */
	uint32_t joined; /* when it last did, in seconds of loop_now() */
	uint8_t states;  /* JOIN_...; 0 never */
	bool proxy;      /* somebody else has joined for it */
};

struct group {
	uint8_t mgid[16];
	uint64_t id;      /* in the store; 0: it is not there */
	uint64_t creator; /* GUID that asked for it; 0: partitions.conf */
	uint64_t tid;     /* of the request that had the SA choose the MGID, or 0 */
	uint32_t q_key;
	uint32_t flow_label;
	uint16_t mlid;
	uint16_t pkey; /* with the membership bit */
	uint8_t mtu;   /* codes, as in PathRecord */
	uint8_t rate;
	uint8_t life;
	uint8_t sl;        /* that it has, see lanes_group_level(), */
	uint8_t sl_wanted; /* and that was asked for */
	uint8_t tclass;
	uint8_t hop_limit;
	uint8_t scope;
	bool is_given;                /* by partitions.conf: it stays without members */
	bool was_given;               /* of the partitions before these */
	struct group_member *members; /* by GUID */
	uint32_t n;
	uint32_t room;
	uint32_t n_count;   /* those with one of JOIN_COUNTS */
	struct group *next; /* that has the same MLID, or NULL */
};

/* A GUID that is member of something, or has made a group. */
struct group_holder {
	uint64_t guid;
	uint64_t gone_at;   /* loop_now() when it was first missed; 0: it is there */
	uint64_t told_at;   /* or when it was told to register again; 0: it was not */
	uint32_t at;        /* the switch port that it hung on when trees were last planned, or */
	uint32_t n;         /* NO_PORT; memberships; */
	uint32_t n_groups;  /* and groups that it made and that are there still; */
	uint32_t n_proxied; /* of its memberships, those that others have joined for it */
};

/* All groups. A zeroed struct has none. */
struct group_book {
	struct group **by_mgid; /* sorted */
	uint32_t n;
	uint32_t room;
	struct group **by_mlid; /* [MLIDS_MAX]; NULL: no group was ever made */
	uint32_t n_mlids;       /* that are used are below this */
	uint32_t n_members;
	uint32_t n_proxied; /* of those, by others */
	struct group_holder *holders;
	uint32_t n_holders;
	uint32_t holders_room;
	struct guid_map by_guid; /* holders */
	uint32_t last_made;      /* of the MGIDs that the SA chooses */
};

void group_book_done(struct group_book *book);

struct group *group_find(const struct group_book *book, const uint8_t mgid[static 16]);
struct group_member *group_member_find(const struct group *group, uint64_t guid);
struct group_holder *group_holder_find(const struct group_book *book, uint64_t guid);

/*
 * A copy of @group, without members, with the MLID that it says, if another has it then with that
 * one together. -EEXIST, -ENOSPC, -ENOMEM.
 */
int group_add(struct group_book *book, const struct group *group, struct group **ret);
/* With all members. */
void group_remove(struct group_book *book, struct group *group);

/* Has @guid not yet made as many groups, or is it member of as many, as it may; by others too? */
bool group_may_make(const struct group_book *book, uint64_t guid);
bool group_may_join(const struct group_book *book, uint64_t guid, bool proxy);

/* As @member says; also of one that is there already, with other states. -ENOSPC, -ENOMEM. */
int group_put_member(struct group_book *book, struct group *group,
		     const struct group_member *member);
void group_drop_member(struct group_book *book, struct group *group, uint64_t guid);

/*
 * An MLID for @group below MLID_FIRST + @limit: @wanted, if that is free; the lowest that is; or if
 * there is none, one whose groups it may share it with: of the same P_Key, SL, MTU and rate, IPv6
 * solicited-node groups with each other and others with others, never one of partitions.conf. 0:
 * there is none.
 */
uint16_t group_choose_mlid(const struct group_book *book, const struct group *group,
			   uint16_t wanted, unsigned limit);

/* An MGID of the SA's that no group has, IBA 15.2.5.17: ff1S:a01b, the prefix, and a number. */
void group_make_mgid(struct group_book *book, uint8_t scope, uint64_t prefix,
		     uint8_t ret[static 16]);

/* MGIDs of IP over InfiniBand, RFC 4391. */
bool mgid_is_ip(const uint8_t mgid[static 16]);
bool mgid_is_broadcast(const uint8_t mgid[static 16]);
/* That of the IPv4 broadcast group. */
void mgid_of_broadcast(uint16_t pkey, uint8_t scope, uint8_t ret[static 16]);

#define SCOPE_LINK_LOCAL 2u

static inline uint8_t mgid_scope(const uint8_t mgid[static 16])
{
	return mgid[1] & 0xf;
}

/* As "ff12:401b:ffff::ffff:ffff". */
#define MGID_TEXT_SIZE 46
const char *mgid_text(const uint8_t mgid[static 16], char ret[static MGID_TEXT_SIZE]);

/* What the store has of a group and of a member; and back: false, if it makes no sense. */
#define GROUP_BLOB_SIZE  72
#define MEMBER_BLOB_SIZE 26
void group_to_blob(const struct group *group, uint8_t ret[static GROUP_BLOB_SIZE]);
bool group_from_blob(const void *blob, uint32_t size, struct group *ret);
void group_member_to_blob(const struct group_member *member, const uint8_t mgid[static 16],
			  uint8_t ret[static MEMBER_BLOB_SIZE]);
bool group_member_from_blob(const void *blob, uint32_t size, struct group_member *ret,
			    uint8_t ret_mgid[static 16]);

/* The record of @group, and of @member of it unless that is NULL. */
void group_to_record(const struct group *group, const struct group_member *member, uint64_t prefix,
		     uint8_t ret[static MC_MEMBER_RECORD_SIZE]);
