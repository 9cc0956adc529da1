/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who is told "done" may rely on it after a power failure. So an answer about something that is
 * kept waits for the disk, and other requests of the same client and of others are answered
 * meanwhile; that lets a hundred of them share one commit. A client that goes away is forgotten
 * here, while what it asked for is done all the same.
 *
 * Each is ended once, by whoever the method gave it to, whatever happens: so nothing here frees one
 * that somebody still has.
 */

#include "ctl/later.h"

#include <stdlib.h>

#include "base/macros.h"

struct later *later_start(struct call *call)
{
	call->later = calloc(1, sizeof(*call->later));
	if (!call->later)
		call_fail(call, PROTOCOL_INTERNAL, "there is no memory for it");

	return call->later;
}

void later_drop(struct call *call)
{
	free(TAKE(call->later));
}

void later_put_off(struct call *call, json_t *id)
{
	struct later *later = call->later;

	later->call = *call;
	later->call.params = NULL;
	later->id = id ? json_incref(id) : NULL;
	list_init(&later->link);
	list_add_tail(&call->rpc->laters, &later->link);
	call->client->n_later++;
}

static void leave_client(struct later *later)
{
	list_remove(&later->link);
	later->call.client->n_later--;
	later->call.client = NULL;
}

void later_end(struct later *later)
{
	struct rpc_client *client = later->call.client;
	char *line = rpc_end_call(&later->call, later->id);

	if (client) {
		leave_client(later);
		client->say(client, line);
	} else {
		free(line);
	}
	json_decref(later->id);
	free(later);
}

void later_forget(struct rpc *rpc, const struct rpc_client *client)
{
	struct list *next;

	for (struct list *l = rpc->laters.next; l != &rpc->laters; l = next) {
		struct later *later = LIST_ENTRY(l, struct later, link);

		next = l->next;
		if (!client || later->call.client == client)
			leave_client(later);
	}
}
