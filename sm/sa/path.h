/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What PathRecord, MultiPathRecord and TraceRecord have in common: paths from one end to another,
 * or to all, within bounds. Numbers in host order.
 */

#include "sm/sa/attribute.h"
#include "sm/sa/bound.h"
#include "sm/sa/path-walk.h"

/* Pairs of LIDs that one question has tried at most: so long it may take. */
#define PATH_MAX_TRIES (1u << 18)

/* One end of the question. */
struct path_side {
	bool given;
	bool is_beyond; /* of another subnet: @at is the router */
	struct endpoint at;
	uint64_t prefix; /* of its GID, as the client spells it */
	uint64_t guid;   /* and the rest of it */
	uint16_t first;  /* LIDs that may be used: a power of two, from here on */
	uint16_t n;
};

struct path_query {
	struct admin_query *query;
	struct path_side from;
	struct path_side to;
	struct bound mtu;
	struct bound rate;
	struct bound life;
	uint16_t key;   /* wanted P_Key, or 0 */
	int sl;         /* wanted service level; negative: any */
	bool is_raw;    /* without one */
	unsigned limit; /* records for each pair of ends */
	unsigned tries;
	bool every_pair; /* of LIDs, not only those of preference 0 */
	/* A path that meets all: take it. False: no more are needed. */
	bool (*found)(struct path_query *p, const struct admin_ends *ends,
		      const struct admin_path *path, uint16_t key, uint8_t preference);

	struct path_side *fixed; /* that whose keys these are */
	struct admin_keys *keys;
};

/* Where a question has a component: its bit of the mask, and its field. */
struct path_component {
	uint8_t bit;
	uint16_t field; /* enum wire_field */
};

struct path_components {
	struct path_component raw, numb_path, pkey, sl;
	struct path_component mtu_selector, mtu, rate_selector, rate, life_selector, life;
};

/* All but the ends. False: there can be no such path. */
bool path_read(struct path_query *p, struct admin_query *query, const struct path_components *c);

/* Who has @gid, or leads there. False: nobody. */
bool path_take_gid(const struct admin_query *query, const uint8_t *gid, bool may_be_beyond,
		   struct path_side *ret);
/* An end that there is, with all its LIDs. */
void path_take_endpoint(const struct admin_view *view, struct endpoint e, struct path_side *ret);

/* Find paths between the ends that are given, and all others where one is not. */
void path_find(struct path_query *p);

/* A found() for who wants PathRecords. */
bool path_offer(struct path_query *p, const struct admin_ends *ends, const struct admin_path *path,
		uint16_t key, uint8_t preference);

/* Reads a question that is a PathRecord. False: the answer is known, nothing or query->status. */
bool path_take_question(struct path_query *p, struct admin_query *query);
