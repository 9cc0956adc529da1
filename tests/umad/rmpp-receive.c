/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * RMPP, the receiving side (IBA 13.6): segments become a message.
 *
 * A window of 64 segments is announced, and acknowledged when it is full and at the end; segments
 * that come early within it are kept, those beyond it dropped. 40 s after the first segment an
 * unfinished message is given up and its sender told. A finished one is remembered for 10 s,
 * in case our last ACK was lost. How long a message is, is told by its last segment;
 * what the first one claims is not looked at, as in the kernel.
 *
 * Segments of a response nobody waits for are dropped, so they cost nothing. The rest is bounded by
 * KMAD_MESSAGES and KMAD_SEGMENTS_MAX, which the kernel has not.
 */

#include "tests/umad/kmad.h"

#include <stdlib.h>

void rmpp_reply(struct kmad_agent *agent, const struct kmad_packet *to, uint8_t type,
		uint8_t status, uint32_t segment, uint32_t window)
{
	struct kmad_packet reply = *to;
	uint32_t data_at = class_data_at(to->mad[WIRE_CLASS]);

	memset(reply.mad + data_at, 0, WIRE_SIZE - data_at);
	reply.mad[WIRE_METHOD] ^= METHOD_RESPONSE;
	reply.mad[WIRE_RMPP_VERSION] = 1;
	reply.mad[WIRE_RMPP_TYPE] = type;
	reply.mad[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	reply.mad[WIRE_RMPP_STATUS] = status;
	put32(reply.mad + WIRE_RMPP_SEGMENT, segment);
	put32(reply.mad + WIRE_RMPP_LENGTH, window);
	agent->port->ops->send(agent->port->user, &reply);
}

/* ---- messages -------------------------------------------------------------------------------- */

static struct list *bucket_of(struct kmad_agent *agent, const uint8_t *mad)
{
	return &agent->buckets[get32(mad + WIRE_TID + 4) % KMAD_BUCKETS];
}

struct kmad_message *rmpp_find(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	struct list *bucket = bucket_of(agent, packet->mad);

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct kmad_message *m = LIST_ENTRY(l, struct kmad_message, same_bucket);
		const uint8_t *first = m->first.mad;

		if (get64(first + WIRE_TID) == get64(packet->mad + WIRE_TID) &&
		    m->first.qp == packet->qp && m->first.lid == packet->lid &&
		    first[WIRE_CLASS] == packet->mad[WIRE_CLASS] &&
		    first[WIRE_VERSION] == packet->mad[WIRE_VERSION] &&
		    first[WIRE_METHOD] == packet->mad[WIRE_METHOD])
			return m;
	}

	return NULL;
}

uint32_t rmpp_first_window(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	struct kmad_packet request = *packet;
	struct kmad_message *m;

	if (!(packet->mad[WIRE_METHOD] & METHOD_RESPONSE))
		return 1;
	request.mad[WIRE_METHOD] &= (uint8_t)~METHOD_RESPONSE;
	m = rmpp_find(agent, &request);

	return m ? m->reply_window : 1;
}

static void forget_data(struct kmad_message *m)
{
	free(m->data);
	m->data = NULL;
	m->reserved = 0;
	for (size_t i = 0; i < KMAD_WINDOW; i++) {
		free(m->early[i]);
		m->early[i] = NULL;
	}
}

void rmpp_message_free(struct kmad_message *m)
{
	struct kmad_port *port = m->agent->port;

	kmad_stop_timer(port, &m->timer);
	timer_queue_release(&port->timers);
	list_remove(&m->link);
	list_remove(&m->same_bucket);
	m->agent->n_messages--;
	forget_data(m);
	free(m);
}

static void message_expired(struct kmad_timer *timer)
{
	struct kmad_message *m = CONTAINER_OF(timer, struct kmad_message, timer);

	if (!m->complete)
		rmpp_reply(m->agent, &m->first, RMPP_ABORT, RMPP_TOO_LONG, 0, 0);
	rmpp_message_free(m);
}

/* Those that are only remembered make room. */
static void forget_oldest(struct kmad_agent *agent)
{
	for (struct list *l = agent->messages.next; l != &agent->messages; l = l->next) {
		struct kmad_message *m = LIST_ENTRY(l, struct kmad_message, link);

		if (m->complete) {
			rmpp_message_free(m);
			return;
		}
	}
}

static struct kmad_message *message_new(struct kmad_agent *agent, const struct kmad_packet *first)
{
	struct kmad_message *m;

	if (agent->n_messages >= KMAD_MESSAGES)
		forget_oldest(agent);
	if (agent->n_messages >= KMAD_MESSAGES)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m || timer_queue_reserve(&agent->port->timers) < 0) {
		free(m);
		return NULL;
	}
	m->agent = agent;
	m->first = *first;
	m->window = 1;
	m->reply_window = 1;
	m->timer.expired = message_expired;
	list_add_tail(&agent->messages, &m->link);
	list_add_tail(bucket_of(agent, first->mad), &m->same_bucket);
	agent->n_messages++;

	return m;
}

/* ---- segments -------------------------------------------------------------------------------- */

static void acknowledge(struct kmad_message *m, const struct kmad_packet *packet)
{
	rmpp_reply(m->agent, packet, RMPP_ACK, 0, m->segment, m->window);
}

static bool append(struct kmad_message *m, const struct kmad_packet *packet)
{
	uint32_t data_at = class_data_at(packet->mad[WIRE_CLASS]);
	size_t size = WIRE_SIZE - data_at;
	size_t at = data_at + m->segment * size;

	if (m->segment >= KMAD_SEGMENTS_MAX)
		return false;
	if (at + size > m->reserved) {
		size_t reserved = MAX(2 * m->reserved, (size_t)WIRE_SIZE);
		uint8_t *data = realloc(m->data, reserved);

		if (!data)
			return false;
		m->data = data;
		m->reserved = reserved;
	}
	if (!m->segment)
		memcpy(m->data, packet->mad, data_at);
	memcpy(m->data + at, packet->mad + data_at, size);
	m->segment++;

	return true;
}

/* All is here: it is acknowledged, handed on, and remembered without its data. */
static void complete(struct kmad_message *m, const struct kmad_packet *packet,
		     const struct kmad_packet *last)
{
	struct kmad_agent *agent = m->agent;
	uint32_t data_at = class_data_at(last->mad[WIRE_CLASS]);
	uint32_t pad = RMPP_PAYLOAD - get32(last->mad + WIRE_RMPP_LENGTH);
	struct kmad_packet first = m->first;
	uint8_t *data = m->data;

	if (pad > RMPP_PAYLOAD)
		pad = 0;
	m->complete = true;
	m->data = NULL;
	forget_data(m);
	kmad_set_timer(agent->port, &m->timer, KMAD_REACK_MSEC);
	acknowledge(m, packet);
	kmad_complete(agent, &first, data, data_at + m->segment * (WIRE_SIZE - data_at) - pad);
	free(data);
}

/* Appends @packet and what came early behind it. */
static void take(struct kmad_message *m, const struct kmad_packet *packet)
{
	struct kmad_packet segment = *packet;
	struct kmad_packet **next;

	for (;;) {
		if (!append(m, &segment)) {
			rmpp_message_free(m);
			return;
		}
		if (segment.mad[WIRE_RMPP_FLAGS] & RMPP_LAST) {
			complete(m, packet, &segment);
			return;
		}
		next = &m->early[(m->segment + 1) % KMAD_WINDOW];
		if (!*next)
			break;
		segment = **next;
		free(*next);
		*next = NULL;
	}
	if (m->segment == m->window) {
		m->window += KMAD_WINDOW;
		acknowledge(m, packet);
	}
}

static void continue_message(struct kmad_message *m, const struct kmad_packet *packet)
{
	uint32_t segment = get32(packet->mad + WIRE_RMPP_SEGMENT);
	struct kmad_packet **early;

	if (segment > m->window)
		return;
	if (segment <= m->segment || m->complete) {
		acknowledge(m, packet);
		return;
	}
	if (segment == m->segment + 1) {
		take(m, packet);
		return;
	}
	early = &m->early[segment % KMAD_WINDOW];
	if (*early)
		return;
	*early = malloc(sizeof(**early));
	if (*early)
		**early = *packet;
}

static void start_message(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	struct kmad_message *m = rmpp_find(agent, packet);

	if (m) {
		continue_message(m, packet);
		return;
	}
	m = message_new(agent, packet);
	if (!m)
		return;
	if (!(packet->mad[WIRE_RMPP_FLAGS] & RMPP_LAST))
		kmad_set_timer(agent->port, &m->timer, KMAD_MESSAGE_MSEC);
	take(m, packet);
}

static void receive_data(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	bool first = packet->mad[WIRE_RMPP_FLAGS] & RMPP_FIRST;
	uint32_t segment = get32(packet->mad + WIRE_RMPP_SEGMENT);
	struct kmad_message *m;

	if (wire_is_response(packet->mad) && !kmad_match(agent, packet))
		return;
	if (packet->mad[WIRE_RMPP_STATUS]) {
		rmpp_reply(agent, packet, RMPP_ABORT, RMPP_BAD_STATUS, 0, 0);
		return;
	}
	if (first != (segment == 1)) {
		rmpp_reply(agent, packet, RMPP_ABORT, RMPP_BAD_SEGMENT, 0, 0);
		return;
	}
	if (first) {
		start_message(agent, packet);
		return;
	}
	m = rmpp_find(agent, packet);
	if (m)
		continue_message(m, packet);
}

bool rmpp_receive(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	const uint8_t *mad = packet->mad;

	if (!(mad[WIRE_RMPP_FLAGS] & RMPP_ACTIVE))
		return true;
	if (mad[WIRE_RMPP_VERSION] != 1) {
		rmpp_reject(agent, packet, RMPP_BAD_VERSION);
		return false;
	}
	switch (mad[WIRE_RMPP_TYPE]) {
	case RMPP_DATA:
		receive_data(agent, packet);
		break;
	case RMPP_ACK:
		rmpp_acknowledged(agent, packet);
		break;
	case RMPP_STOP:
	case RMPP_ABORT:
		rmpp_stopped(agent, packet, mad[WIRE_RMPP_TYPE] == RMPP_ABORT);
		break;
	default:
		rmpp_reject(agent, packet, RMPP_BAD_TYPE);
	}

	return false;
}
