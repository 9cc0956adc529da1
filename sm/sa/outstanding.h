/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Messages of the subnet administrator that are under way: how much of the local stack's memory
 * they hold, and whose they are. Times are loop_now().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTSTANDING_MAX       16384u      /* messages: a client that asks in a loop has many */
#define OUTSTANDING_MAX_BYTES (64u << 20) /* of all of them */

struct outstanding {
	struct outstanding_message {
		uint64_t tid;
		uint64_t until; /* then it is over, whether that was told or not */
		uint32_t bytes;
		uint16_t lid; /* to whom */
		bool over;
	} message[OUTSTANDING_MAX]; /* a ring, oldest first */
	unsigned first;
	unsigned n;    /* in the ring */
	unsigned live; /* of these that are not over, */
	size_t bytes;  /* and how much that is; the same of each LID: */
	uint32_t bytes_of[1u << 16];
	uint16_t live_of[1u << 16];
	bool told; /* that one was over: this stack does */
};

/* How long a message to @lid may be now. */
size_t outstanding_room(struct outstanding *o, uint16_t lid, uint64_t now);

/* One of @bytes was sent; it is over. */
void outstanding_sent(struct outstanding *o, uint16_t lid, uint64_t tid, size_t bytes,
		      uint64_t now);
void outstanding_over(struct outstanding *o, uint16_t lid, uint64_t tid);
