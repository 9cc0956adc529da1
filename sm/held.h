/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Requests to the subnet administration that are answered later: those that have changed something
 * when that is done, on the disk and if it is about a device there (registration.h), and those for
 * paths when it is known which there are (path-wait.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mad/transport.h"

/* How many there may be; a request of several datagrams counts as that many. */
struct held_limits {
	unsigned in_all;
	unsigned of_lid; /* of those; hosts send all that they have to register in one go */
	unsigned of_vf;  /* of those of one LID */
};

struct held_request {
	struct list link;       /* in order of arrival */
	struct list neighbors;  /* the same for those of its LID, and of some others */
	struct arrival arrival; /* with a message of its own, if it has one */
	uint64_t since;         /* paths: loop_now() when it came */
	struct datagram answer; /* if it is made; else it is to be made anew when it is due */
	bool is_made;
	uint64_t handed; /* due when the store has that much, and */
	uint32_t port;   /* if it is not made: this block of this port is written */
	unsigned block;
	bool is_told; /* its device */
};

#define HELD_BUCKETS 256u

struct held {
	struct held_limits limits;
	struct list all;
	struct list bucket[HELD_BUCKETS]; /* by LID */
	unsigned n;                       /* as the limits count */
};

void held_init(struct held *held, struct held_limits limits);
void held_done(struct held *held);

/* The same request, bit for bit and from the same place, is held already. */
bool held_has(const struct held *held, const struct arrival *arrival);

/* Is there room for one more of who has sent this? */
bool held_has_room(const struct held *held, const struct arrival *arrival);

/* NULL without memory. The rest of it is the caller's to fill in. */
struct held_request *held_add(struct held *held, const struct arrival *arrival);

/* Also frees it. */
void held_drop(struct held *held, struct held_request *request);
