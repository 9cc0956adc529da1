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

/* What a QoS policy may go by, and the service level that is asked for. */
struct path_wish {
	bool has_service, has_class, has_sl;
	uint8_t sl;
	uint16_t qos_class;
	uint64_t service;
};

struct path_query {
	struct admin_query *query;
	struct path_wish wish;
	struct path_side from;
	struct path_side to;
	struct bound mtu;
	struct bound rate;
	struct bound life;
	uint16_t key;   /* wanted P_Key, or 0 */
	bool is_raw;    /* without one */
	unsigned limit; /* records for each pair of ends */
	unsigned tries;
	bool every_pair; /* of LIDs, not only those of preference 0 */
	/* A path that meets all: take it. False: no more are needed. */
	bool (*found)(struct path_query *p, const struct admin_ends *ends,
		      const struct admin_path *path, uint16_t key, uint8_t preference);

	struct path_side *fixed; /* that whose keys these are */
	struct admin_keys *keys;
	const struct qos_level *level; /* of the ends at hand, or NULL */
	uint8_t sl;                    /* of paths between them, unless routes say it */
};

/* Where a question has a component: its bit of the mask, and its field. */
struct path_component {
	uint8_t bit;
	uint16_t field; /* enum wire_field */
};

struct path_components {
	struct path_component raw, numb_path, pkey, qos_class, sl;
	struct path_component mtu_selector, mtu, rate_selector, rate, life_selector, life;
};

/* All but the ends. False: there can be no such path. */
bool path_read(struct path_query *p, struct admin_query *query, const struct path_components *c);

/* What leads to other subnets, whichever; sought among all nodes once a question. */
struct path_router {
	bool is_known;
	uint32_t port; /* NO_PORT: there is none that the requester may see */
};

/*
 * Who has @gid, or leads there. False: nobody. @router, zeroed at first: of the question; NULL: the
 * GID may not be of another subnet.
 */
bool path_take_gid(const struct admin_query *query, const uint8_t *gid, struct path_router *router,
		   struct path_side *ret);
/* An end that there is, with all its LIDs. */
void path_take_endpoint(const struct admin_view *view, struct endpoint e, struct path_side *ret);

/* Find paths between the ends that are given, and all others where one is not. */
void path_find(struct path_query *p);

/*
 * The service level between two ends that the operator says where nothing but them is asked for.
 * -ENOENT: they have no P_Key for it.
 */
int path_plain_level(const struct admin_view *view, struct endpoint from, struct endpoint to);

/* What @record says of @path from @p->from; its other end is the caller's to write. */
void path_describe(const struct path_query *p, const struct admin_path *path, uint16_t key,
		   uint8_t *record);

/* A found() for who wants PathRecords. */
bool path_offer(struct path_query *p, const struct admin_ends *ends, const struct admin_path *path,
		uint16_t key, uint8_t preference);

/* path-qos.c: what the operator says of paths between both ends. NULL: nothing. */
const struct qos_level *path_find_level(const struct path_query *p);
/* May they have this P_Key, or with 0, which is the lowest of both that they may have? 0: none. */
uint16_t path_level_key(const struct path_query *p, struct endpoint other, uint16_t key);
/* The service level with @key, unless routes say it; another than is asked for is no path. */
uint8_t path_choose_sl(const struct path_query *p, uint16_t key);
void path_limit(const struct qos_level *level, struct admin_path *path);

/*
 * Reads a question that is a PathRecord, not to a multicast group. False: the answer is known,
 * nothing or query->status.
 */
bool path_take_question(struct path_query *p, struct admin_query *query);
