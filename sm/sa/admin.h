/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The subnet administrator: one question in, one answer out, nothing remembered. What a request
 * asks to have changed goes to who has the plan, and its answer is made anew when that is done.
 * Numbers in host order but for what is inside datagrams.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "mad/transport.h"
#include "sm/fabric.h"
#include "sm/services.h"
#include "sm/subscriptions.h"
#include "sm/vf.h"

struct sm_peer;
struct ways;

/* A request to set or delete entries of a block of GUIDInfo, which the port has. */
struct guids_change {
	const struct arrival *request;
	uint32_t requester; /* the port that asks, or NO_PORT */
	uint32_t port;      /* whose they are */
	unsigned block;
	uint8_t entries; /* bit per entry that is to change; never the port's own GUID */
	bool is_delete;
	uint64_t guid[GUID_BLOCK]; /* 0: any */
};

/* A request to register, change or delete a service. */
struct service_change {
	struct endpoint requester;
	struct registrant by;
	bool trusted;
	bool is_delete;
	bool has_key; /* the ServiceKey is given */
	uint8_t record[SERVICE_RECORD_SIZE];
};

/* A request to join or leave a multicast group. */
struct member_change {
	const struct arrival *request;
	struct endpoint requester; /* port NO_PORT: a stranger */
	struct endpoint member;    /* whose the PortGID is; port NO_PORT: nobody's */
	bool is_own;               /* the requester's, or that of a virtual function of it */
	const uint8_t *record;     /* MCMemberRecord of the request, */
	uint64_t mask;             /* and its ComponentMask */
	bool is_delete;
};

struct group_book;

/* A request to subscribe, or to end that. */
struct inform_change {
	struct subscriber to; /* who it is, and how to get there */
	bool is_end;
	uint8_t info[INFORM_INFO_SIZE];
};

/*
 * What an answer is made from. Everything is only read, and only while admin_answer() runs; @user
 * goes to the functions as it is.
 */
struct admin_view {
	const struct fabric *fabric;
	const struct conf *conf;
	const struct partitions *partitions;
	const struct qos_policy *qos; /* NULL: there is none */
	uint32_t act_count; /* our own SMInfo.ActCount; GUID and LID are fabric->local_port's */
	uint8_t sm_state;   /* our own, enum sm_state */
	size_t room;        /* how many bytes of records the requester may have in one answer now */
	const void *user;
	struct ways *ways; /* what is known of paths; NULL: nothing, and nothing is remembered */
	/* Exit port of the switch with node number @node for @lid, or ROUTE_NONE; see sm_route().
	 */
	uint8_t (*route)(const void *user, uint32_t node, unsigned lid);
	/* All of them, by LID; how many. It stays until @ways is dropped; only asked for with it.
	 */
	const uint8_t *(*table)(const void *user, uint32_t node, unsigned *ret_size);
	/* The service level on which two ports talk; NULL: all on 0. */
	uint8_t (*service_level)(const void *user, uint32_t a, uint32_t b);
	/* P_Keys last planned for @e: how many entries; at most @room are written. */
	unsigned (*pkeys)(const void *user, struct endpoint e, uint16_t *ret, unsigned room);
	/*
	 * The mapping of levels, for what comes in by port number @in, and the turns of lanes, in
	 * the wire's form (8 bytes, and 64 of the four blocks), that @out is known to hold; false:
	 * it is not known. NULL: never.
	 */
	bool (*sltovl)(const void *user, uint32_t out, unsigned in, uint8_t *ret);
	bool (*vl_arbitration)(const void *user, uint32_t out, unsigned block, uint8_t *ret);
	/* The n-th other subnet manager, false past the last; see sm_peer(). */
	bool (*peer)(const void *user, unsigned n, struct sm_peer *ret);
	const struct services *services;           /* NULL: none */
	const struct subscriptions *subscriptions; /* NULL: none */
	uint64_t now;                              /* loop_now() */
	/*
	 * A status of the answer, and what was set or deleted. NULL: nothing can be. The answer is
	 * true when it is on the disk, which is the caller's to wait for.
	 */
	uint16_t (*service_change)(void *changer, const struct service_change *change,
				   struct service *ret);
	/* The same. */
	uint16_t (*inform_change)(void *changer, const struct inform_change *change);
	/*
	 * Change the plan, as far as that is allowed. A status of the answer; *ret_later: it is to
	 * be made when the change is done. NULL: there is nothing to change, the answer is due.
	 */
	uint16_t (*guids_change)(void *changer, const struct guids_change *change, bool *ret_later);
	/*
	 * May a request that changes something be taken? If not, the status; *ret_later: the same
	 * is being answered already. NULL: always.
	 */
	uint16_t (*admit)(void *changer, const struct arrival *request, bool *ret_later);
	/*
	 * A question that goes by routes, before it is looked up and, if then @found_none, after
	 * that: a status; *ret_later: it will be asked again when they are known. NULL: they are.
	 */
	uint16_t (*wait)(void *waiter, const struct arrival *request, bool found_none,
			 bool *ret_later);
	void *waiter;
	const struct group_book *groups; /* or NULL: there are none */
	/* A status, and in @ret_record the member as it is then, or was. NULL: it cannot be. */
	uint16_t (*member_change)(void *changer, const struct member_change *change,
				  uint8_t *ret_record);
	void *changer;
};

/* Whom the operator trusts: by the GUID of its physical port. */
bool admin_trusts(const struct conf *conf, uint64_t guid);

enum admin_result {
	ADMIN_SILENT,   /* it deserves no answer: not a request, or no form of MAD that we know */
	ADMIN_ANSWERED, /* to be sent to where the request came from, with its P_Key index */
	ADMIN_LATER,    /* its answer will be made when a change is done, or routes are known */
};

/* Bytes of records in one answer; more than that is not to be had (STATUS_SA_NO_RESOURCES). */
#define ADMIN_MAX_RECORDS (8u << 20)
/* And records that are compared with one question: so long it may take. */
#define ADMIN_MAX_CANDIDATES (1u << 20)

/* An answer: a datagram, or a message that RMPP has to cut into some (IBA 13.6). */
struct admin_answer {
	struct datagram datagram; /* all of it; or of a message the header, SA_DATA_OFFSET bytes */
	uint8_t *message;         /* header and records, TRANSPORT_HEADROOM bytes before them;
				     NULL: it is the datagram */
	size_t length;            /* of the message */
	size_t room;              /* for records */
};

/*
 * Answer what arrived on QP1. Without an answer @ret is untouched; what there is in it is given
 * back with admin_answer_done().
 */
enum admin_result admin_answer(const struct admin_view *view, const struct arrival *request,
			       struct admin_answer *ret);

void admin_answer_done(struct admin_answer *answer);
