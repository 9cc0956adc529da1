/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Something that happened, as subscribers are told of it: a Notice, and who may hear of it. Made by
 * notice.c, queued by report.c; each queue has a reference.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mad/wire.h"

struct notice {
	struct list link; /* while subscribers are sought */
	uint64_t number;  /* counts up */
	unsigned refs;
	uint8_t bytes[NOTICE_SIZE]; /* with the issuer's GID */
	uint64_t port;              /* GUID of the physical port that it is about; 0: of none */
	bool is_secret;             /* for whom we trust */
	bool is_of_group;           /* whoever is a member of keys[0] may hear of it; else, who can
				       talk to somebody that has these */
	uint16_t n_keys;
	uint16_t keys[];
};

/* One of the notices that a subscriber waits for. */
struct pending {
	struct list link;
	struct notice *notice;
	uint32_t tid; /* of its report; 0: there was none */
};

void notice_put(struct notice *notice);
