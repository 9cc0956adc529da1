/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Requests to the subnet administration that have changed something and are answered when that is
 * done: on the disk, and if it is about a device, there.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mad/transport.h"

#define HELD_MAX    4096u
#define HELD_OF_LID 1024u /* of those; hosts send all that they have to register in one go */
#define HELD_OF_VF  128u  /* of those of one LID */

struct held_request {
	struct list link;      /* in order of arrival */
	struct list neighbors; /* the same for those of its LID, and of some others */
	struct arrival arrival;
	struct datagram answer; /* if it is made; else it is to be made anew when it is due */
	bool is_made;
	uint64_t handed; /* due when the store has that much, and */
	uint32_t port;   /* if it is not made: this block of this port is written */
	unsigned block;
	bool is_told; /* its device */
};

#define HELD_BUCKETS 256u

struct held {
	struct list all;
	struct list bucket[HELD_BUCKETS]; /* by LID */
	unsigned n;
};

void held_init(struct held *held);
void held_done(struct held *held);

/* The same request, bit for bit and from the same place, is held already. */
bool held_has(const struct held *held, const struct arrival *arrival);

/* Is there room for one more of who has sent this? */
bool held_has_room(const struct held *held, const struct arrival *arrival);

/* NULL without memory. The rest of it is the caller's to fill in. */
struct held_request *held_add(struct held *held, const struct arrival *arrival);

/* Also frees it. */
void held_drop(struct held *held, struct held_request *request);
