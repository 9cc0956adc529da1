/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The connection to stock ibsim: a datagram for each packet, and others for control messages.
 *
 * ibsim gives a packet that it cannot deliver back at once, with status 110. The kernel would say
 * so after all tries, and our timers do: what comes back is dropped. ibsim blocks when our queue is
 * full, and a client that blocks when ibsim's is full waits with it for ever (umad2sim does):
 * nothing here blocks.
 */

#include "tests/umad/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BATCH = 64,
	RECEIVE_BUFFER = 4 << 20, /* as far as the kernel allows */
	BATCHES_IN_A_ROW = 16,
	CONNECT_ID = 0, /* offsets in a CONNECT */
	CONNECT_ISSM = 8,
	CONNECT_NODE = 12,
};

struct control {
	struct stream_control header;
	uint8_t data[IBSIM_CTL_DATA];
};

/* ---- sockets --------------------------------------------------------------------------------- */

/* One trailing NUL belongs to the name. */
static socklen_t unix_name(struct sockaddr_un *address, const char *base, const char *kind,
			   long number)
{
	int n;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (number < 0)
		n = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 2, "%s:%s", base,
			     kind);
	else
		n = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 2, "%s:%s%ld", base,
			     kind, number);

	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n + 1);
}

static int unix_socket(const char *base, const char *kind)
{
	struct sockaddr_un address;
	socklen_t length = unix_name(&address, base, kind, getpid());
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, length) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}

	return fd;
}

static int unix_connect(int fd, const char *base, const char *kind, long number)
{
	struct sockaddr_un address;
	socklen_t length = unix_name(&address, base, kind, number);

	return connect(fd, (struct sockaddr *)&address, length) < 0 ? -errno : 0;
}

/* IPv4, as ibsim has it. */
static int udp_connect(int fd, const char *server, unsigned port)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found;
	char service[16];
	int error;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(server, service, &hints, &found))
		return -ECONNREFUSED;
	error = connect(fd, found->ai_addr, found->ai_addrlen) < 0 ? -errno : 0;
	freeaddrinfo(found);

	return error;
}

static int udp_socket(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int size = RECEIVE_BUFFER;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		close(fd);
		return -EADDRNOTAVAIL;
	}

	/* What does not fit is lost, which it is not between Unix sockets. */
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));

	return fd < 0 ? -errno : fd;
}

/* What the server knows our data socket by. */
static uint32_t data_id(const struct link_place *place, int fd)
{
	struct sockaddr_in address = { 0 };
	socklen_t length = sizeof(address);

	if (!*place->server)
		return (uint32_t)getpid();
	getsockname(fd, (struct sockaddr *)&address, &length);

	return ntohs(address.sin_port);
}

/* ---- control --------------------------------------------------------------------------------- */

static int ask(struct link *link, struct control *c)
{
	struct pollfd p[] = {
		{ .fd = link->control, .events = POLLIN },
		{ .fd = link->fd, .events = POLLIN },
	};
	int64_t end = link_msec() + LINK_PATIENCE_MSEC;
	uint32_t type = c->header.type;
	int64_t left;
	ssize_t n;

	if (send(link->control, c, sizeof(*c), MSG_NOSIGNAL) < 0)
		return -errno;
	while ((left = end - link_msec()) > 0) {
		if (poll(p, COUNT(p), (int)left) <= 0)
			continue;
		/* It answers nothing while it waits for us to take its packets. */
		if (p[1].revents)
			datagram_receive(link);
		if (!p[0].revents)
			continue;
		n = recv(link->control, c, sizeof(*c), MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n != sizeof(*c) || c->header.magic != IBSIM_CTL_MAGIC)
			continue;
		if (c->header.type == type)
			return 0;
		if (c->header.type == IBSIM_CTL_ERROR)
			return -EBUSY;
	}

	return -ETIMEDOUT;
}

int datagram_control(struct link *link, uint32_t type, void *data, size_t size)
{
	struct control c = { .header = { IBSIM_CTL_MAGIC, link->client, type, IBSIM_CTL_DATA } };
	int error;

	if (type >= STREAM_CTL_CONNECT)
		return -EOPNOTSUPP;
	if (size > sizeof(c.data))
		return -EINVAL;
	memcpy(c.data, data, size);
	error = ask(link, &c);
	if (!error)
		memcpy(data, c.data, size);
	if (error == -ECONNREFUSED)
		link->broken = true;

	return error;
}

static int attach(const struct link_place *place, struct link *link)
{
	uint8_t data[IBSIM_CTL_DATA] = { 0 };
	int error;

	put_host32(data + CONNECT_ID, data_id(place, link->fd));
	put_host32(data + CONNECT_ISSM, place->issm);
	memcpy(data + CONNECT_NODE, place->node, strnlen(place->node, IBSIM_NODE_SIZE - 1));
	error = datagram_control(link, IBSIM_CTL_CONNECT, data, sizeof(data));
	if (error)
		return error;
	link->client = host32(data + CONNECT_ID);

	return link->client < IBSIM_CLIENTS ? 0 : -EPROTO;
}

static int open_sockets(const struct link_place *place, struct link *link)
{
	bool remote = *place->server;

	link->control = remote ? udp_socket() : unix_socket(place->base, "ctl");
	link->fd = remote ? udp_socket() : unix_socket(place->base, "in");
	if (link->control < 0 || link->fd < 0)
		return MIN(link->control, link->fd);

	return remote ? udp_connect(link->control, place->server, place->server_port)
		      : unix_connect(link->control, place->base, "ctl", -1);
}

int datagram_open(const struct link_place *place, struct link *link)
{
	int error = open_sockets(place, link);

	if (!error)
		error = attach(place, link);
	if (error)
		return error;

	return *place->server
		       ? udp_connect(link->fd, place->server, place->server_port + 1 + link->client)
		       : unix_connect(link->fd, place->base, "out", link->client);
}

/* No answer is waited for: what matters is that the slot is free again. */
void datagram_close(struct link *link)
{
	struct control c = {
		.header = { IBSIM_CTL_MAGIC, link->client, IBSIM_CTL_DISCONNECT, IBSIM_CTL_DATA },
	};

	if (!link->broken && link->control >= 0)
		send(link->control, &c, sizeof(c), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- packets --------------------------------------------------------------------------------- */

bool datagram_flush(struct link *link)
{
	struct link_buffer *out = &link->out;
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];

	while (out->from < out->to) {
		size_t n = MIN((out->to - out->from) / sizeof(struct ibsim_packet), (size_t)BATCH);
		int sent;

		for (size_t i = 0; i < n; i++) {
			parts[i].iov_base =
				out->bytes + out->from + i * sizeof(struct ibsim_packet);
			parts[i].iov_len = sizeof(struct ibsim_packet);
			messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &parts[i],
								     .msg_iovlen = 1 } };
		}
		sent = sendmmsg(link->fd, messages, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
			return false;
		if (sent < 0) {
			link->broken = true;
			return true;
		}
		out->from += (size_t)sent * sizeof(struct ibsim_packet);
	}

	return true;
}

static void take(struct link *link, const struct ibsim_packet *p)
{
	struct kmad_packet packet = {
		.lid = get16(p->slid),
		.qp = get32(p->sqp) & 0xffffff,
	};

	if (get32(p->status))
		return;
	memcpy(packet.mad, p->mad, sizeof(packet.mad));
	/* Other clients of ibsim's do not always say where they send to. */
	packet.qp_index = !class_is_smp(p->mad[WIRE_CLASS]);
	link_take(link, &packet);
}

bool datagram_receive(struct link *link)
{
	struct ibsim_packet packets[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];

	for (int round = 0; round < BATCHES_IN_A_ROW; round++) {
		int n;

		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ &packets[i], sizeof(packets[i]) };
			messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &parts[i],
								     .msg_iovlen = 1 } };
		}
		n = recvmmsg(link->fd, messages, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		for (int i = 0; i < n; i++)
			if (messages[i].msg_len == sizeof(packets[i]) &&
			    !(messages[i].msg_hdr.msg_flags & MSG_TRUNC))
				take(link, &packets[i]);
		if (n < BATCH)
			break;
	}

	return true;
}
