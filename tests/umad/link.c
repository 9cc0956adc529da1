/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What both kinds of connection have in common: where the simulator is, buffers, packets to and
 * from bytes, and questions to our own port's SMA.
 *
 * Packets wait in a buffer until somebody flushes it, so that many go in one system call. A buffer
 * that has grown to OUT_MAX loses what comes then, like a wire that is full.
 */

#include "tests/umad/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	OUT_MAX = 64 << 20,
	PROBE_TRIES = 5,
	PROBE_MSEC = 400,
};

int64_t link_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void copy_variable(char *to, size_t size, const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	snprintf(to, size, "%s", value && *value ? value : otherwise);
}

void link_place_init(struct link_place *place)
{
	const char *port = getenv("IBSIM_SERVER_PORT");
	const char *number = getenv("VSM_UMAD_PORT");
	const char *vf = getenv("VSM_UMAD_VF");

	*place = (struct link_place){ .server_port = IBSIM_PORT };
	copy_variable(place->base, sizeof(place->base), "IBSIM_SOCKNAME", IBSIM_BASE);
	copy_variable(place->server, sizeof(place->server), "IBSIM_SERVER_NAME", "");
	copy_variable(place->node, sizeof(place->node), "SIM_HOST", "");
	if (port && *port)
		place->server_port = (unsigned)strtoul(port, NULL, 0);
	if (number)
		place->port = (unsigned)strtoul(number, NULL, 0);
	if (vf)
		place->vf = (unsigned)strtoul(vf, NULL, 0);
	place->issm = getenv("SIM_SET_ISSM") != NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

int link_open(const struct link_place *place,
	      void (*received)(void *user, const struct kmad_packet *packet), void *user,
	      struct link **ret)
{
	struct link *link = calloc(1, sizeof(*link));
	int error;

	if (!link)
		return -ENOMEM;
	link->fd = -1;
	link->control = -1;
	link->received = received;
	link->user = user;
	error = stream_open(place, link);
	if (error == -ECONNREFUSED && place->port <= 1 && !place->vf)
		error = datagram_open(place, link);
	if (error) {
		link_close(link);
		return error;
	}
	*ret = link;

	return 0;
}

void link_close(struct link *link)
{
	if (!link)
		return;
	if (!link->broken && link->fd >= 0)
		link_flush(link);
	if (!link->stream)
		datagram_close(link);
	if (link->fd >= 0)
		close(link->fd);
	if (link->control >= 0)
		close(link->control);
	free(link->in.bytes);
	free(link->out.bytes);
	free(link);
}

/* ---- packets --------------------------------------------------------------------------------- */

bool buffer_reserve(struct link_buffer *buffer, size_t size)
{
	uint8_t *bytes;
	size_t wanted;

	if (buffer->size - buffer->to >= size)
		return true;
	if (buffer->from) {
		memmove(buffer->bytes, buffer->bytes + buffer->from, buffer->to - buffer->from);
		buffer->to -= buffer->from;
		buffer->from = 0;
	}
	if (buffer->size - buffer->to >= size)
		return true;
	wanted = MAX(2 * buffer->size, buffer->to + size);
	bytes = realloc(buffer->bytes, wanted);
	if (!bytes)
		return false;
	buffer->bytes = bytes;
	buffer->size = wanted;

	return true;
}

static void put_packet(struct ibsim_packet *to, const struct kmad_packet *packet)
{
	bool directed = packet->mad[WIRE_CLASS] == CLASS_SMP_DIRECTED;

	memset(to, 0, offsetof(struct ibsim_packet, mad));
	put16(to->dlid, directed ? LID_PERMISSIVE : packet->lid);
	put16(to->slid, directed ? LID_PERMISSIVE : 0);
	put32(to->dqp, packet->qp);
	put32(to->sqp, packet->qp_index);
	put64(to->length, WIRE_SIZE);
	memcpy(to->mad, packet->mad, WIRE_SIZE);
	if (directed)
		to->mad[WIRE_HOP_PTR] = 0;
}

static void put_extras(struct stream_extras *to, const struct kmad_packet *packet)
{
	*to = (struct stream_extras){
		.grh = packet->grh,
		.sl = packet->sl,
		.path_bits = packet->path_bits,
		.pkey_index = packet->pkey_index,
		.gid_index = packet->gid_index,
		.hop_limit = packet->hop_limit,
		.traffic_class = packet->traffic_class,
	};
	memcpy(to->dgid, packet->gid, sizeof(to->dgid));
	put32(to->flow_label, packet->flow_label);
}

void link_send(struct link *link, const struct kmad_packet *packet)
{
	static const struct stream_header header = { sizeof(struct stream_packet), STREAM_PACKET };
	size_t size = link->stream ? sizeof(header) + sizeof(struct stream_packet)
				   : sizeof(struct ibsim_packet);
	struct stream_packet p;
	uint8_t *to;

	if (link->broken || link->out.to - link->out.from > OUT_MAX ||
	    !buffer_reserve(&link->out, size))
		return;
	put_packet(&p.packet, packet);
	to = link->out.bytes + link->out.to;
	link->out.to += size;
	if (!link->stream) {
		memcpy(to, &p.packet, sizeof(p.packet));
		return;
	}
	put_extras(&p.extras, packet);
	memcpy(to, &header, sizeof(header));
	memcpy(to + sizeof(header), &p, sizeof(p));
}

bool link_has_output(const struct link *link)
{
	return link->out.from < link->out.to;
}

bool link_flush(struct link *link)
{
	bool done = true;

	if (!link->broken && link_has_output(link))
		done = link->stream ? stream_flush(link) : datagram_flush(link);
	if (link->broken || link->out.from == link->out.to)
		link->out.from = link->out.to = 0;

	return done;
}

bool link_receive(struct link *link)
{
	if (!link->broken && !(link->stream ? stream_receive(link) : datagram_receive(link)))
		link->broken = true;

	return !link->broken;
}

int link_control(struct link *link, uint32_t type, void *data, size_t size)
{
	if (link->broken)
		return -EPIPE;

	return link->stream ? stream_control(link, type, data, size)
			    : datagram_control(link, type, data, size);
}

/* ---- our own SMA ----------------------------------------------------------------------------- */

void link_take(struct link *link, const struct kmad_packet *packet)
{
	uint64_t tid = get64(packet->mad + WIRE_TID);
	bool ours = link->probe && packet->mad[WIRE_METHOD] == METHOD_GET_RESP &&
		    tid == ((uint64_t)link->client << 48 | link->probe);

	if (!ours) {
		link->received(link->user, packet);
		return;
	}
	memcpy(link->probe_data, packet->mad + 64, sizeof(link->probe_data));
	link->probe_answered = !(get16(packet->mad + WIRE_STATUS) & 0x7fff);
}

static void wait_for_probe(struct link *link)
{
	int64_t end = link_msec() + PROBE_MSEC;
	struct pollfd p = { .fd = link->fd, .events = POLLIN };
	int64_t left;

	link_flush(link);
	while (!link->probe_answered && !link->broken && (left = end - link_msec()) > 0)
		if (poll(&p, 1, (int)left) > 0)
			link_receive(link);
}

int link_ask_sma(struct link *link, uint16_t attribute, uint32_t modifier, uint8_t ret[64])
{
	struct kmad_packet packet = { .lid = LID_PERMISSIVE };

	packet.mad[WIRE_BASE_VERSION] = 1;
	packet.mad[WIRE_CLASS] = CLASS_SMP_DIRECTED;
	packet.mad[WIRE_VERSION] = 1;
	packet.mad[WIRE_METHOD] = METHOD_GET;
	put16(packet.mad + WIRE_ATTRIBUTE, attribute);
	put32(packet.mad + WIRE_MODIFIER, modifier);
	put16(packet.mad + WIRE_DR_SLID, LID_PERMISSIVE);
	put16(packet.mad + WIRE_DR_DLID, LID_PERMISSIVE);
	link->probe_answered = false;
	for (uint32_t i = 0; i < PROBE_TRIES && !link->probe_answered; i++) {
		link->probe = (uint32_t)attribute << 16 | (i + 1);
		put64(packet.mad + WIRE_TID, (uint64_t)link->client << 48 | link->probe);
		link_send(link, &packet);
		wait_for_probe(link);
	}
	link->probe = 0;
	if (!link->probe_answered)
		return -ETIMEDOUT;
	memcpy(ret, link->probe_data, sizeof(link->probe_data));

	return 0;
}
