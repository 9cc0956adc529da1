/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A flat array, a map that finds the line of an alias GUID, and the lines of each port as a chain,
 * which is no longer than GUIDInfo is.
 */

#include "sm/alias-book.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/macros.h"

#define NO_ALIAS UINT32_MAX /* as guid_map_get() says it */

void alias_book_done(struct alias_book *book)
{
	free(book->aliases);
	guid_map_done(&book->by_guid);
	guid_map_done(&book->by_port);
	*book = (struct alias_book){ 0 };
}

const struct alias *alias_book_find(const struct alias_book *book, uint64_t guid)
{
	uint32_t at = guid_map_get(&book->by_guid, guid);

	return at == NO_ALIAS ? NULL : &book->aliases[at];
}

const struct alias *alias_book_next(const struct alias_book *book, uint64_t port,
				    const struct alias *last)
{
	uint32_t at = last ? last->next : guid_map_get(&book->by_port, port);

	return at == NO_ALIAS ? NULL : &book->aliases[at];
}

const struct alias *alias_book_at(const struct alias_book *book, uint64_t port, unsigned index)
{
	const struct alias *alias = NULL;

	while ((alias = alias_book_next(book, port, alias)))
		if (alias->index == index)
			return alias;

	return NULL;
}

/* -- chains -------------------------------------------------------------------------------------
 */

/* In front. */
static int link_alias(struct alias_book *book, uint32_t at, uint64_t port)
{
	uint32_t first = guid_map_get(&book->by_port, port);
	int r = guid_map_put(&book->by_port, port, at);

	if (r == 0)
		book->aliases[at].next = first;

	return r;
}

static void unlink_alias(struct alias_book *book, uint32_t at)
{
	const struct alias *alias = &book->aliases[at];
	uint32_t before = guid_map_get(&book->by_port, alias->port);

	if (before == at) {
		/* It is there already, so there is room for it. */
		if (alias->next == NO_ALIAS)
			guid_map_remove(&book->by_port, alias->port);
		else
			guid_map_put(&book->by_port, alias->port, alias->next);
		return;
	}
	while (book->aliases[before].next != at)
		before = book->aliases[before].next;
	book->aliases[before].next = alias->next;
}

void alias_book_forget(struct alias_book *book, uint64_t guid)
{
	uint32_t at = guid_map_get(&book->by_guid, guid);

	if (at == NO_ALIAS)
		return;
	unlink_alias(book, at);
	guid_map_remove(&book->by_guid, guid);
	book->aliases[at] = (struct alias){ 0 };
	book->n_used--;
}

/* -- lines --------------------------------------------------------------------------------------
 */

/* Searched for only when one was freed before. */
static uint32_t find_free(const struct alias_book *book)
{
	uint32_t at = 0;

	while (at < book->n && book->aliases[at].guid != 0)
		at++;

	return at;
}

static int make_room(struct alias_book *book, uint32_t *ret)
{
	uint32_t at = book->n_used < book->n ? find_free(book) : book->n;
	int r;

	if (book->n_used >= ALIASES_MAX)
		return -ENOSPC;
	r = array_make_room(&book->aliases, at, &book->room, 64, sizeof(*book->aliases));
	if (r < 0)
		return r;
	*ret = at;

	return 0;
}

static int add(struct alias_book *book, uint64_t guid, uint64_t port, unsigned index)
{
	uint32_t at;
	int r = make_room(book, &at);

	if (r < 0)
		return r;
	r = guid_map_put(&book->by_guid, guid, at);
	if (r < 0)
		return r;
	book->aliases[at] = (struct alias){ .guid = guid, .port = port, .index = (uint8_t)index };
	r = link_alias(book, at, port);
	if (r < 0) {
		guid_map_remove(&book->by_guid, guid);
		book->aliases[at] = (struct alias){ 0 };
		return r;
	}
	book->n_used++;
	book->n = MAX(book->n, at + 1);

	return 0;
}

static int move(struct alias_book *book, uint32_t at, uint64_t port, unsigned index)
{
	struct alias *alias = &book->aliases[at];
	int r = 0;

	if (alias->port != port) {
		uint64_t before = alias->port;

		unlink_alias(book, at);
		r = link_alias(book, at, port);
		if (r == 0)
			alias->port = port;
		else
			link_alias(book, at, before); /* there is room where it was */
	}
	if (r == 0)
		alias->index = (uint8_t)index;

	return r;
}

int alias_book_put(struct alias_book *book, uint64_t guid, uint64_t port, unsigned index,
		   bool wanted)
{
	const struct alias *other = alias_book_at(book, port, index);
	uint64_t former = other && other->guid != guid ? other->guid : 0;
	uint32_t at = guid_map_get(&book->by_guid, guid);
	int r;

	if (guid == 0 || !alias_is_valid(port, index))
		return -EINVAL;
	r = at == NO_ALIAS ? add(book, guid, port, index) : move(book, at, port, index);
	if (r < 0)
		return r;
	book->aliases[guid_map_get(&book->by_guid, guid)].wanted = wanted;
	alias_book_forget(book, former);

	return 0;
}

uint64_t alias_book_dispensable(struct alias_book *book)
{
	for (uint32_t i = 0; i < book->n; i++) {
		const struct alias *alias = &book->aliases[(book->oldest + i) % book->n];

		if (alias->guid == 0 || alias->wanted)
			continue;
		book->oldest = (book->oldest + i + 1) % book->n;
		return alias->guid;
	}

	return 0;
}
