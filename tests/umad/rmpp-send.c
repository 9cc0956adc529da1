/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * RMPP, the sending side (IBA 13.6): a long message goes out in segments, as many as the other side
 * has said that it will take, and again from the last that it acknowledged when nothing is heard.
 *
 * The numbers are the kernel's: 2 s at most for an ACK; the first segment alone, but for an answer
 * to a long request, whose sender has announced a window. A message with a time-out goes on waiting
 * for its response after the last ACK, which it answers so that the other side may
 * send (the direction switch). When the other side gives up, the send ends and nobody is told.
 */

#include "tests/umad/kmad.h"

#include <errno.h>
#include <stdlib.h>

static void send_segment(struct kmad_send *send)
{
	struct kmad_port *port = send->agent->port;
	uint8_t *mad = send->packet.mad;
	uint8_t flags = RMPP_ACTIVE;
	uint32_t pad = 0;
	uint32_t length = 0;
	uint32_t n = ++send->segment;

	/* rounded up when the message was taken */
	pad = send->segments * send->data_size - send->length;
	if (n == 1) {
		flags |= RMPP_FIRST;
		length = send->segments * RMPP_PAYLOAD - pad;
	}
	if (n == send->segments) {
		flags |= RMPP_LAST;
		length = RMPP_PAYLOAD - pad;
	}
	mad[WIRE_RMPP_FLAGS] = flags;
	put32(mad + WIRE_RMPP_SEGMENT, n);
	put32(mad + WIRE_RMPP_LENGTH, length);
	memcpy(mad + send->data_at, send->message + (size_t)(n - 1) * send->data_size,
	       send->data_size);
	port->ops->send(port->user, &send->packet);
}

static void send_window(struct kmad_send *send)
{
	uint32_t msec = send->timeout_ms;

	while (send->segment < send->segments && send->segment < send->window)
		send_segment(send);
	if (!msec || msec > KMAD_ACK_MSEC)
		msec = KMAD_ACK_MSEC;
	kmad_set_timer(send->agent->port, &send->timer, msec);
}

int rmpp_start(struct kmad_send *send, const uint8_t *message, size_t length)
{
	uint8_t *mad = send->packet.mad;

	send->rmpp = true;
	send->data_at = class_data_at(mad[WIRE_CLASS]);
	send->data_size = WIRE_SIZE - send->data_at;
	send->length = (uint32_t)(length - send->data_at);
	send->segments = (send->length + send->data_size - 1) / send->data_size;
	if (!send->segments)
		send->segments = 1;
	send->message = calloc(send->segments, send->data_size);
	if (!send->message)
		return -ENOMEM;
	memcpy(send->message, message + send->data_at, send->length);

	mad[WIRE_RMPP_VERSION] = 1;
	mad[WIRE_RMPP_TYPE] = RMPP_DATA;
	mad[WIRE_RMPP_STATUS] = 0;
	send->window = rmpp_first_window(send->agent, &send->packet);
	list_add_tail(&send->agent->sends, &send->agent_link);
	send_window(send);

	return 0;
}

bool rmpp_send_again(struct kmad_send *send)
{
	if (send->last_ack == send->segments)
		return false;
	send->segment = send->last_ack;
	send_window(send);

	return true;
}

/* The send that an ACK, a STOP or an ABORT is about, unless it has nothing to lose any more. */
static struct kmad_send *find_unfinished(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	struct kmad_send *send = kmad_match(agent, packet);

	return send && send->rmpp && send->last_ack < send->segments ? send : NULL;
}

static void end(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	struct kmad_send *send = find_unfinished(agent, packet);

	if (send)
		kmad_send_free(send);
}

void rmpp_reject(struct kmad_agent *agent, const struct kmad_packet *packet, uint8_t status)
{
	end(agent, packet);
	rmpp_reply(agent, packet, RMPP_ABORT, status, 0, 0);
}

void rmpp_stopped(struct kmad_agent *agent, const struct kmad_packet *packet, bool abort)
{
	uint8_t status = packet->mad[WIRE_RMPP_STATUS];
	bool valid = abort ? status >= RMPP_TOO_LONG && status <= RMPP_ABORT_MAX
			   : status == RMPP_NO_RESOURCES;

	if (valid)
		end(agent, packet);
	else
		rmpp_reject(agent, packet, RMPP_BAD_STATUS);
}

/* A request that needs an answer: from now on that is what it waits for. */
static void all_acknowledged(struct kmad_agent *agent, const struct kmad_packet *packet,
			     struct kmad_send *send)
{
	if (!send->timeout_ms) {
		kmad_send_free(send);
		return;
	}
	kmad_set_timer(agent->port, &send->timer, send->timeout_ms);
	rmpp_reply(agent, packet, RMPP_ACK, 0, 0, 1);
}

static void advance(struct kmad_agent *agent, const struct kmad_packet *packet,
		    struct kmad_send *send, uint32_t segment, uint32_t window)
{
	if (window < send->window || segment < send->last_ack)
		return; /* an old one */
	if (segment > send->last_ack) {
		send->last_ack = segment;
		send->retries_left = send->retries;
	}
	/* It may acknowledge what we are just about to send again. */
	if (send->segment < segment)
		send->segment = segment;
	send->window = window;
	if (send->last_ack == send->segments)
		all_acknowledged(agent, packet, send);
	else if (segment < window)
		send_window(send);
}

void rmpp_acknowledged(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	uint32_t segment = get32(packet->mad + WIRE_RMPP_SEGMENT);
	uint32_t window = get32(packet->mad + WIRE_RMPP_LENGTH);
	struct kmad_message *message;
	struct kmad_send *send;

	if (packet->mad[WIRE_RMPP_STATUS]) {
		rmpp_reject(agent, packet, RMPP_BAD_STATUS);
		return;
	}
	if (window < segment) {
		rmpp_reject(agent, packet, RMPP_WINDOW_TOO_SMALL);
		return;
	}
	send = kmad_match(agent, packet);
	if (!send) {
		message = segment ? NULL : rmpp_find(agent, packet);
		if (message && message->complete)
			message->reply_window = window;
		return;
	}
	if (!send->rmpp)
		return;
	if (send->last_ack == send->segments) {
		rmpp_reply(agent, packet, RMPP_ACK, 0, 0, 1); /* our answer to it was lost */
		return;
	}
	if (segment > send->segments || segment > send->window) {
		rmpp_reject(agent, packet, RMPP_SEGMENT_TOO_BIG);
		return;
	}
	advance(agent, packet, send, segment, window);
}
