/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Who wants to be told of what (InformInfo, IBA 13.4.8.3): a table, which knows neither the fabric
 * nor the disk. A subscriber is a QP of a port or VF, which has one or more subscriptions; reports
 * to it, one after the other, are sent by report.c, whose business its second half is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "mad/wire.h"
#include "sm/registration.h"

/* InformInfo.LIDRangeBegin of who means all, IBA 13.4.8.3 */
#define LIDS_ALL 0xffffu

#define SUBSCRIPTIONS_MAX     65536u
#define SUBSCRIPTIONS_OF_PORT 1024u /* from one port and all its VFs */
#define SUBSCRIPTIONS_OF_VF   64u   /* and from one of these */
#define SUBSCRIPTIONS_BUCKETS 1024u

/* Notices to one subscriber that wait; when there are more the oldest is lost. */
#define SUBSCRIBER_QUEUE 256u

enum subscriber_state {
	SUBSCRIBER_IDLE,  /* nothing is to be told */
	SUBSCRIBER_READY, /* a report is to be sent, */
	SUBSCRIBER_TOLD,  /* is on its way, */
	SUBSCRIBER_WAITS, /* or was not acknowledged, and is tried again later */
};

struct subscriber {
	struct list by_hash;
	struct registrant by;
	uint32_t qpn;
	unsigned n; /* subscriptions */

	/* How to get there, as its last request came; LID and GID are those of its GUID now. */
	uint8_t lid_offset;
	uint8_t sl;
	uint16_t pkey; /* of our own table */
	bool has_grh;
	uint8_t response_time; /* code, IBA 13.4.6.2 */
	uint64_t sa_key;       /* that it gave: trusted as long as it is ours; 0: none */

	enum subscriber_state state;
	struct list link;    /* in the list of its state, see report.c */
	struct list pending; /* struct pending */
	unsigned n_pending;
	uint64_t last_notice;   /* number of the last that was queued */
	unsigned failures;      /* in a row: reports that nobody acknowledged */
	uint64_t failing_since; /* loop_now() */
	uint64_t next_at;       /* SUBSCRIBER_WAITS */
	uint64_t reported, lost;
};

struct subscription {
	struct list by_port;
	struct list all; /* in the order in which they were made */
	struct subscriber *to;
	uint64_t row;     /* its number in the store */
	uint64_t made_at; /* loop_now(), also once more; 0: before we ran */
	uint16_t trap;    /* of info: 0xffff is any */
	uint8_t info[INFORM_INFO_SIZE];
};

struct subscriptions {
	struct list all;
	struct list by_port[SUBSCRIPTIONS_BUCKETS];
	struct list subscribers[SUBSCRIPTIONS_BUCKETS];
	unsigned n;
};

void subscriptions_init(struct subscriptions *subscriptions);
/* All are removed; no subscriber has anything pending. */
void subscriptions_done(struct subscriptions *subscriptions);

/* NULL: there is none. */
struct subscriber *subscriptions_find_subscriber(const struct subscriptions *subscriptions,
						 const struct registrant *by, uint32_t qpn);
/* That of this subscriber which says the same as @info, but for the time to answer. */
struct subscription *subscriptions_find(const struct subscriptions *subscriptions,
					const struct registrant *by, uint32_t qpn,
					const uint8_t *info);

/* Is that the number of one of this GUID (of @by) in InformInfoRecord, where it has 16 bits? */
bool subscriptions_have_number(const struct subscriptions *subscriptions,
			       const struct registrant *by, uint16_t number);

/*
 * One more; of @to what tells who it is, and how to get there, is copied, also if there is such a
 * subscriber. NULL without memory.
 */
struct subscription *subscriptions_add(struct subscriptions *subscriptions,
				       const struct subscriber *to, uint64_t row,
				       const uint8_t *info);
/* It was made once more: the same, but for the time to answer and how to get there. */
void subscription_renew(struct subscription *subscription, const struct subscriber *to,
			const uint8_t *info);
/* And its subscriber with its last one, which has nothing pending then. */
void subscriptions_remove(struct subscriptions *subscriptions, struct subscription *subscription);

unsigned subscriptions_count_vf(const struct subscriptions *subscriptions,
				const struct registrant *by);
unsigned subscriptions_count_port(const struct subscriptions *subscriptions,
				  const struct registrant *by);

/* The first, the next; NULL past the last. */
struct subscription *subscriptions_next(const struct subscriptions *subscriptions,
					const struct subscription *after);

/* Is @notice (NOTICE_SIZE bytes, with the issuer's GID) what @info asks for? */
bool inform_info_fits(const uint8_t *info, const uint8_t *notice);

/* Can it be right, as far as one can see without knowing who asks? */
bool inform_info_is_valid(const uint8_t *info);

#define SUBSCRIPTION_BLOB_SIZE (INFORM_INFO_SIZE + 11 + REGISTRANT_SIZE + 8)
void subscription_to_blob(const struct subscriber *to, const uint8_t *info,
			  uint8_t ret[static SUBSCRIPTION_BLOB_SIZE]);
/* A row of the store; false if it cannot be right. */
bool subscription_from_row(const struct kept_registration *kept, struct subscriber *ret_to,
			   uint8_t ret_info[static INFORM_INFO_SIZE]);
