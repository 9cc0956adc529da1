/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Answers that come later, because they wait for a disk or for somebody else. For the methods that
 * have such, and for rpc.c and control.c.
 */

#include "ctl/rpc.h"

/* A client with so many is not listened to. */
#define LATER_MAX 16u

/*
 * Whoever has one fills in its call when the time has come, or fails it, and ends it. The client
 * may be gone then (NULL), and with it the server: then only ending is left. The call has no
 * parameters any more; a result that it had is still there.
 */
struct later {
	struct list link; /* while there is a client */
	struct call call;
	json_t *id; /* NULL: nobody wants to know */
};

/*
 * For a method, when nothing can fail any more but what it will tell later; NULL without memory,
 * and then the call has failed. later_drop() takes it back before the method returns.
 */
struct later *later_start(struct call *call);
void later_drop(struct call *call);

void later_end(struct later *later);

/* What rpc.c does with @call when its method has returned; @id: a reference is taken. */
void later_put_off(struct call *call, json_t *id);

/* The client, or all (NULL), will not be answered. */
void later_forget(struct rpc *rpc, const struct rpc_client *client);
