/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The connection to vsm-sim: frames on a stream, as tests/sim/stream.h has them.
 */

#include "tests/umad/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	READ_SIZE = 64 << 10,
	READS_IN_A_ROW = 16,
};

/* ---- to the socket --------------------------------------------------------------------------- */

bool stream_flush(struct link *link)
{
	struct link_buffer *out = &link->out;

	while (out->from < out->to) {
		ssize_t n = send(link->fd, out->bytes + out->from, out->to - out->from,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN))
			return false;
		if (n < 0) {
			link->broken = true;
			return true;
		}
		out->from += (size_t)n;
	}

	return true;
}

static bool put_frame(struct link *link, uint32_t kind, const void *first, size_t first_size,
		      const void *second, size_t second_size)
{
	struct stream_header header = { (uint32_t)(first_size + second_size), kind };
	uint8_t *to;

	if (!buffer_reserve(&link->out, sizeof(header) + first_size + second_size))
		return false;
	to = link->out.bytes + link->out.to;
	memcpy(to, &header, sizeof(header));
	memcpy(to + sizeof(header), first, first_size);
	if (second_size)
		memcpy(to + sizeof(header) + first_size, second, second_size);
	link->out.to += sizeof(header) + first_size + second_size;

	return true;
}

/* ---- from the socket ------------------------------------------------------------------------- */

static bool take_packet(struct link *link, const uint8_t *frame)
{
	struct kmad_packet packet;
	struct stream_packet p;

	memcpy(&p, frame, sizeof(p));
	packet = (struct kmad_packet){
		.lid = get16(p.packet.slid),
		.qp = get32(p.packet.sqp) & 0xffffff,
		.sl = p.extras.sl & 15,
		.path_bits = p.extras.path_bits & 127,
		.lmc = p.extras.lmc & 7,
		.grh = p.extras.grh != 0,
		.gid_index = p.extras.gid_index,
		.hop_limit = p.extras.hop_limit,
		.traffic_class = p.extras.traffic_class,
		.pkey_index = p.extras.pkey_index,
		.flow_label = get32(p.extras.flow_label),
	};
	if (get32(p.packet.dqp) > 1)
		return true;
	packet.qp_index = (uint8_t)get32(p.packet.dqp);
	memcpy(packet.gid, p.extras.sgid, sizeof(packet.gid));
	memcpy(packet.mad, p.packet.mad, sizeof(packet.mad));
	link_take(link, &packet);

	return true;
}

static bool take_control(struct link *link, const uint8_t *frame, uint32_t length)
{
	if (length < sizeof(link->answer))
		return false;
	memcpy(&link->answer, frame, sizeof(link->answer));
	if (link->answer.magic != IBSIM_CTL_MAGIC ||
	    link->answer.len > length - sizeof(link->answer))
		return false;
	memset(link->answer_data, 0, sizeof(link->answer_data));
	memcpy(link->answer_data, frame + sizeof(link->answer), length - sizeof(link->answer));
	link->answered = true;

	return true;
}

static bool take_hello(const uint8_t *frame, uint32_t length)
{
	struct stream_hello hello;

	if (length != sizeof(hello))
		return false;
	memcpy(&hello, frame, sizeof(hello));

	return hello.magic == STREAM_MAGIC && hello.version == STREAM_VERSION;
}

static bool take_frame(struct link *link, const struct stream_header *header, const uint8_t *frame)
{
	switch (header->kind) {
	case STREAM_HELLO:
		return take_hello(frame, header->length);
	case STREAM_CONTROL:
		return take_control(link, frame, header->length);
	case STREAM_PACKET:
		return header->length == sizeof(struct stream_packet) && take_packet(link, frame);
	default:
		return false;
	}
}

/* All frames that are whole. Receivers may ask questions, whose answers are read here again. */
static bool take_frames(struct link *link)
{
	struct link_buffer *in = &link->in;
	uint8_t frame[STREAM_FRAME_MAX];
	struct stream_header header;

	while (in->to - in->from >= sizeof(header)) {
		memcpy(&header, in->bytes + in->from, sizeof(header));
		if (header.length > STREAM_FRAME_MAX)
			return false;
		if (in->to - in->from < sizeof(header) + header.length)
			break;
		memcpy(frame, in->bytes + in->from + sizeof(header), header.length);
		in->from += sizeof(header) + header.length;
		if (!take_frame(link, &header, frame))
			return false;
	}

	return true;
}

bool stream_receive(struct link *link)
{
	struct link_buffer *in = &link->in;

	for (int i = 0; i < READS_IN_A_ROW; i++) {
		ssize_t n;

		if (!buffer_reserve(in, READ_SIZE))
			return false;
		n = recv(link->fd, in->bytes + in->to, READ_SIZE, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		in->to += (size_t)n;
		if (!take_frames(link))
			return false;
		if (n < READ_SIZE)
			break;
	}

	return true;
}

/* ---- questions ------------------------------------------------------------------------------- */

static int wait_for_answer(struct link *link)
{
	int64_t end = link_msec() + LINK_PATIENCE_MSEC;
	int64_t left;

	while (!link->answered) {
		bool flushed = link_flush(link);
		struct pollfd p = { .fd = link->fd, .events = flushed ? POLLIN : POLLIN | POLLOUT };

		left = end - link_msec();
		if (left <= 0 || link->broken) {
			link->broken = true;
			return -EPIPE;
		}
		if (poll(&p, 1, (int)left) > 0)
			link_receive(link);
	}

	return 0;
}

int stream_control(struct link *link, uint32_t type, void *data, size_t size)
{
	struct stream_control question = { IBSIM_CTL_MAGIC, 0, type, (uint32_t)size };
	uint8_t padded[IBSIM_CTL_DATA] = { 0 };
	uint32_t code;
	int error;

	if (type < STREAM_CTL_CONNECT) {
		memcpy(padded, data, MIN(size, sizeof(padded)));
		question.len = sizeof(padded);
	}
	if (type == STREAM_CTL_GET_NODE) /* only its answer has data */
		question.len = 0;
	if (!put_frame(link, STREAM_CONTROL, &question, sizeof(question),
		       type < STREAM_CTL_CONNECT ? padded : data, question.len))
		return -ENOMEM;
	link->answered = false;
	error = wait_for_answer(link);
	if (error)
		return error;
	if (link->answer.type == type) {
		memcpy(data, link->answer_data, size);
		return 0;
	}
	memcpy(&code, link->answer_data, sizeof(code));

	return link->answer.type == IBSIM_CTL_ERROR && code && code < 4096 ? -(int)code : -EPROTO;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static int connect_unix(const struct link_place *place)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 2, "%s" STREAM_SUFFIX,
			 place->base);
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, length) < 0) {
		close(fd);
		return -ECONNREFUSED;
	}

	return fd;
}

static int connect_tcp(const struct link_place *place)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char service[16];
	int one = 1;
	int fd = -1;

	snprintf(service, sizeof(service), "%u", place->server_port + STREAM_TCP_OFFSET);
	if (getaddrinfo(place->server, service, &hints, &found))
		return -ECONNREFUSED;
	for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

	return fd < 0 ? -ECONNREFUSED : fd;
}

static int attach(const struct link_place *place, struct link *link)
{
	struct stream_hello hello = { STREAM_MAGIC, STREAM_VERSION, 0 };
	struct stream_connect c = {
		.pid = (uint32_t)getpid(),
		.port = (uint8_t)place->port,
		.vf = (uint16_t)place->vf,
	};
	int error;

	snprintf(c.node, sizeof(c.node), "%s", place->node);
	if (!put_frame(link, STREAM_HELLO, &hello, sizeof(hello), NULL, 0))
		return -ENOMEM;
	error = stream_control(link, STREAM_CTL_CONNECT, &c, sizeof(c));
	if (error)
		return error;
	if (!c.client || c.client > STREAM_CLIENTS)
		return -EPROTO;
	link->client = c.client;
	link->port = c.port;
	if (place->issm) {
		uint32_t on[16] = { 1 };

		error = stream_control(link, IBSIM_CTL_SET_ISSM, on, sizeof(on));
	}

	return error;
}

int stream_open(const struct link_place *place, struct link *link)
{
	int fd = *place->server ? connect_tcp(place) : connect_unix(place);
	int error;

	if (fd < 0)
		return fd;
	link->fd = fd;
	link->stream = true;
	error = attach(place, link);

	return error == -ECONNREFUSED ? -EPROTO : error;
}
