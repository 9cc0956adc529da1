/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Answers that wait until what was done is on disk. For rpc.c and control.c.
 */

#include "ctl/rpc.h"

/* A client with so many is not listened to. */
#define PENDING_MAX 16u

/*
 * The answer to the request @id (a reference is taken) is @result (taken over, also if it fails),
 * and goes to @client when all that @sm was told so far is on disk; if it cannot be written, the
 * answer is that. 0 or -errno.
 */
int pending_start(struct rpc *rpc, struct rpc_client *client, struct sm *sm, json_t *id,
		  json_t *result);

/* The client, or all (NULL), will not be answered. */
void pending_forget(struct rpc *rpc, const struct rpc_client *client);
