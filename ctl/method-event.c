/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The story of the fabric. Whoever follows has a place in the event log and nothing else: events
 * are turned into notifications when the client has room for them. One that reads too slowly misses
 * events and is told how many ("missed"); it costs no memory and delays nobody.
 */

#include "ctl/rpc.h"

#include "base/macros.h"
#include "ctl/place.h"

static json_t *make_event(const struct rpc *rpc, const struct fabric *f, const struct event *event,
			  uint64_t missed)
{
	uint32_t node = event->guid ? fabric_find_node(f, event->guid) : GUID_MAP_NONE;
	struct row row = row_start();
	char buffer[GUID_TEXT_SIZE];

	row_number(&row, "number", event->number);
	row_time(&row, "at", rpc_unix_time(rpc, event->at));
	row_text(&row, "kind", event_kind_name(event->kind));
	row_guid(&row, "node_guid", event->guid);
	row_text(&row, "name",
		 node == GUID_MAP_NONE ? NULL : place_name(rpc, &f->nodes[node], buffer));
	row_put(&row, "lid", event->lid ? json_integer(event->lid) : json_null());
	row_put(&row, "port", event->port >= 0 ? json_integer(event->port) : json_null());
	row_text(&row, "text", event->text);
	row_put(&row, "cause", event->cause ? json_integer((json_int_t)event->cause) : json_null());
	if (missed > 0)
		row_number(&row, "missed", missed);

	return row_end(&row);
}

/* The number of the next event that will happen. */
static uint64_t next_number(const struct event_log *log)
{
	const struct event *last = event_last(log);

	return last ? last->number + 1 : 1;
}

void method_events(struct call *call)
{
	const struct event_log *log = sm_events(call->sm);
	uint64_t next = next_number(log);
	uint64_t last = call_number(call, "last", EVENTS_KEPT);
	struct page page = page_start(call, UINT32_MAX);
	const struct event *event;

	page.from = MAX(page.from, next > last ? next - last : 0);
	while (page.room > 0 && (event = event_from(log, page.from)) != NULL) {
		page_add(&page, make_event(call->rpc, call->fabric, event, 0));
		page.from = event->number + 1;
	}
	if (call_flag(call, "follow")) {
		call->client->follow = true;
		call->client->next_event = page.from ? page.from : next;
		row_bool(&call->result, "follow", true);
	}
	/* Who follows gets the rest as notifications. */
	page_end(call, &page, "events",
		 event_from(log, page.from) && !call->client->follow ? page.from : 0);
}

char *rpc_next_event(struct rpc *rpc, struct rpc_client *client)
{
	const struct sm *sm = *rpc->setup.sm;
	const struct event *event;
	struct row notification;
	uint64_t missed;

	if (!sm)
		return NULL;
	/* Another log, because the subnet manager is another: it began again. */
	if (client->next_event > next_number(sm_events(sm)))
		client->next_event = 1;
	event = event_from(sm_events(sm), client->next_event);
	if (!event)
		return NULL;
	missed = event->number - client->next_event;
	client->next_event = event->number + 1;
	notification = row_start();
	row_text(&notification, "jsonrpc", "2.0");
	row_text(&notification, "method", PROTOCOL_EVENT);
	row_put(&notification, "params", make_event(rpc, sm_fabric(sm), event, missed));

	return rpc_dump_line(row_end(&notification));
}
