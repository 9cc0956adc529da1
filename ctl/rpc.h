/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Requests in, answers out: what the control socket does apart from being a socket. For the files
 * of the server only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "ctl/control.h"
#include "ctl/names.h"
#include "ctl/protocol.h"
#include "ctl/role.h"
#include "ctl/row.h"
#include "sm/sm.h"

/* One per socket. */
struct rpc {
	struct loop *loop;
	struct control_setup setup;
	struct names names;
	unsigned n_clients;
	uint64_t n_requests;
	struct list laters; /* answers, see later.h */
};

struct later;

/* One per client. */
struct rpc_client {
	enum role role;
	bool follow;         /* wants to be told of events, */
	uint64_t next_event; /* of this number and later */
	unsigned n_later;    /* answers that it will get, see later.h */
	/* Send @line, which is taken over, and go on with the next request. NULL: nothing to send.
	 */
	void (*say)(struct rpc_client *client, char *line);
};

/* One request while it is answered. */
struct call {
	struct rpc *rpc;
	struct rpc_client *client;
	struct sm *sm;
	const struct fabric *fabric; /* of sm */
	const json_t *params;        /* an object, or NULL */
	struct row result;
	struct later *later; /* the answer will come then */
	json_t *details;     /* member "data" of the error, or NULL */
	int error;           /* enum protocol_error, or 0 */
	char why[CONTROL_TEXT_SIZE];
};

void rpc_init(struct rpc *rpc, struct loop *loop, const struct control_setup *setup);
void rpc_done(struct rpc *rpc);

/* @client will not be there any more. */
void rpc_client_done(struct rpc *rpc, const struct rpc_client *client);

/*
 * The answer to @line as text with a line feed, to be freed; NULL if there is nothing to say (a
 * request without "id"), not yet (client->n_later has grown), or no memory.
 */
char *rpc_answer(struct rpc *rpc, struct rpc_client *client, const char *line, size_t length);

/* An answer that says that there was an error, before there was a request with an "id". */
char *rpc_refuse(enum protocol_error code, const char *why);

/*
 * The next event for a client that follows, as a notification with a line feed; NULL if there is
 * none yet.
 */
char *rpc_next_event(struct rpc *rpc, struct rpc_client *client);

/* The answer to @call, whose method has ended, as a line; NULL if @id is. Its result is freed. */
char *rpc_end_call(struct call *call, json_t *id);

/* @object, which is taken over, as a line of text; NULL without memory, or for NULL. */
char *rpc_dump_line(json_t *object);

/* Unix time in ns of a moment of loop_now(). */
uint64_t rpc_unix_time(const struct rpc *rpc, uint64_t moment);

/* The first failure counts. */
void call_fail(struct call *call, enum protocol_error code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Parameters; what they may be was checked before. */
const char *call_text(const struct call *call, const char *name); /* NULL: not given */
uint64_t call_number(const struct call *call, const char *name, uint64_t otherwise);
bool call_flag(const struct call *call, const char *name);
const json_t *call_list(const struct call *call, const char *name); /* of texts */

/*
 * One page of a list: rows number "from" and on, so many that an answer stays small. The caller
 * adds rows while there is room, and says at the end where the next page begins.
 */
struct page {
	json_t *rows;
	uint64_t from;
	unsigned room;
};

struct page page_start(const struct call *call, unsigned most);
void page_add(struct page *page, json_t *row); /* taken over; NULL fails the page */
/* @next: "from" of the next page; 0: this was the last. */
void page_end(struct call *call, struct page *page, const char *key, uint64_t next);

/* Methods: look at call->params, fill in call->result or call_fail(). */
void method_status(struct call *call);
void method_stats(struct call *call);
void method_version(struct call *call);
void method_sweep(struct call *call);
void method_reload(struct call *call);
void method_nodes(struct call *call);
void method_ports(struct call *call);
void method_links(struct call *call);
void method_vfs(struct call *call);
void method_groups(struct call *call);
void method_group_show(struct call *call);
void method_partitions(struct call *call);
void method_partition_add(struct call *call);
void method_partition_remove(struct call *call);
void method_partition_show(struct call *call);
void method_partition_check(struct call *call);
void method_routes(struct call *call);
void method_path(struct call *call);
void method_events(struct call *call);
void method_explain(struct call *call);
void method_vf_add(struct call *call);
void method_vf_move(struct call *call);
void method_vf_remove(struct call *call);
void method_services(struct call *call);
void method_subscriptions(struct call *call);
void method_vf_show(struct call *call);
