/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Which alias GUID is for which entry of which port's GUIDInfo: what was asked for, whether the
 * port is there or not. An alias GUID is for one entry at most, and an entry has at most one. Who
 * is no longer wanted stays in the book: the entry gets the same again when it leaves the choice to
 * us, unless another entry has asked for it meanwhile. Nothing here knows ports, MADs or disks.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/guid-map.h"

/* Far above what a fabric needs, as others than the operator can have lines added. */
#define ALIASES_MAX 131072u

#define ALIAS_INDEX_LAST 254u /* GUIDCap is a byte, and entry 0 is the port's own */

struct alias {
	uint64_t guid;
	uint64_t port; /* GUID */
	uint32_t next; /* of the same port */
	uint8_t index;
	bool wanted;
};

/* A zeroed struct is an empty book; alias_book_done() makes it one again. */
struct alias_book {
	struct guid_map by_guid;
	struct guid_map by_port; /* the first of each port */
	struct alias *aliases;   /* guid 0: free */
	uint32_t n;              /* used or free */
	uint32_t n_used;
	uint32_t room;
	uint32_t oldest; /* where to look for one to forget */
};

void alias_book_done(struct alias_book *book);

/* Could there be an entry @index of a port with GUID @port that is not the port's own? */
static inline bool alias_is_valid(uint64_t port, uint64_t index)
{
	return port != 0 && index >= 1 && index <= ALIAS_INDEX_LAST;
}

/* NULL: nobody has it. Valid until the next change. */
const struct alias *alias_book_find(const struct alias_book *book, uint64_t guid);
const struct alias *alias_book_at(const struct alias_book *book, uint64_t port, unsigned index);

/* Those of a port: the first after @last, or of all if that is NULL; NULL past the last. */
const struct alias *alias_book_next(const struct alias_book *book, uint64_t port,
				    const struct alias *last);

/*
 * @guid is for this entry, and no longer for any other; what else the entry had is gone. -EINVAL if
 * there cannot be such an entry, -ENOSPC beyond ALIASES_MAX, -ENOMEM; nothing is changed then.
 */
int alias_book_put(struct alias_book *book, uint64_t guid, uint64_t port, unsigned index,
		   bool wanted);

void alias_book_forget(struct alias_book *book, uint64_t guid);

/* One that is not wanted, to be forgotten where there is no room; 0: all are. */
uint64_t alias_book_dispensable(struct alias_book *book);
