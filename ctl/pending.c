/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who is told "done" may rely on it after a power failure. So an answer about something that is
 * kept waits for the disk, and other requests of the same client and of others are answered
 * meanwhile; that lets a hundred of them share one commit. A client that goes away is forgotten
 * here, while what it asked for is done all the same.
 *
 * Each ends in kept(), which is called once whatever happens: by the store, or when the subnet
 * manager is freed.
 */

#include "ctl/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

struct pending {
	struct list link; /* while there is a client */
	struct rpc *rpc;
	struct rpc_client *client; /* NULL: has gone */
	json_t *id;
	json_t *result;
};

static void pending_free(struct pending *pending)
{
	json_decref(pending->id);
	json_decref(pending->result);
	free(pending);
}

static void pending_freep(struct pending **pending)
{
	if (*pending)
		pending_free(*pending);
}

static char *make_line(struct pending *pending, int result)
{
	char why[CONTROL_TEXT_SIZE];

	if (result == 0)
		return rpc_make_answer(pending->id, TAKE(pending->result));
	snprintf(why, sizeof(why),
		 "it is done, but not on disk, and lost if vsm ends now: %s; vsm goes on trying",
		 strerror(-result));
	if (result == -ECANCELED)
		strcpy(why, "vsm lost its port before this was on disk; ask again");

	return rpc_make_failure(pending->id, PROTOCOL_FAILED, why);
}

static void kept(void *user, int result)
{
	AUTO(pending_freep) struct pending *pending = user;
	struct rpc_client *client = pending->client;

	if (!client)
		return;
	list_remove(&pending->link);
	client->n_pending--;
	client->say(client, make_line(pending, result));
}

int pending_start(struct rpc *rpc, struct rpc_client *client, struct sm *sm, json_t *id,
		  json_t *result)
{
	AUTO(pending_freep) struct pending *pending = calloc(1, sizeof(*pending));
	int r;

	if (!pending) {
		json_decref(result);
		return -ENOMEM;
	}
	*pending = (struct pending){
		.rpc = rpc, .client = client, .id = json_incref(id), .result = result
	};
	r = sm_when_kept(sm, kept, pending);
	if (r < 0)
		return r;
	list_init(&pending->link);
	list_add_tail(&rpc->pending, &pending->link);
	client->n_pending++;
	TAKE(pending);

	return 0;
}

void pending_forget(struct rpc *rpc, const struct rpc_client *client)
{
	struct list *next;

	for (struct list *l = rpc->pending.next; l != &rpc->pending; l = next) {
		struct pending *pending = LIST_ENTRY(l, struct pending, link);

		next = l->next;
		if (client && pending->client != client)
			continue;
		list_remove(&pending->link);
		pending->client->n_pending--;
		pending->client = NULL;
	}
}
