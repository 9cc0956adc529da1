/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * ibsim's protocol: one socket for control, and one socket for the packets of each client, which is
 * made when the client comes. All is datagrams.
 *
 * Speed. What waits at a socket is read with one recvmmsg(), and the answers leave with one
 * sendmmsg() when no more has come: a thread of the client reads them, which its other thread need
 * not be woken for one by one. A client blocks in its own send, with locks held, while our queue is
 * full, so we read whatever comes, and never wait for a client that does not read (its queue holds
 * net.unix.max_dgram_qlen datagrams, 10 by default): what it has no room for waits here, up to
 * BACKLOG packets, and then packets are lost, as on any wire. When all is done the loop goes round
 * for a while before it sleeps (linger.h), which lets everybody speak, not only who spoke last.
 *
 * What is lost. libumad2sim has no time-outs, so what a client sends and what comes to nothing goes
 * back to it at once with status 110, as ibsim does it: the bytes of its own request, only that the
 * TID is stamped. (A request that a fault held for a while is not at hand any more when it is lost
 * as its answer; it is made from that, as a Get if it was a Get or a Set.)
 *
 * The dead. Nobody tells when a process that had datagram sockets is gone. Sending fails then, and
 * so does connecting once more, which is tried for each client every second.
 */

#include "tests/sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/macros.h"
#include "tests/sim/client.h"

enum {
	BATCH = 64,
	BACKLOG = 65536,
	BUFFERS = 8 << 20, /* bytes of a socket, if we may */
	NODE_AT = 12,      /* in the data of CONNECT */
};

struct control {
	uint32_t magic;
	uint32_t client;
	uint32_t type;
	uint32_t length;
	uint8_t data[IBSIM_CTL_DATA];
};

static_assert(sizeof(struct control) == 80, "as in ibsim.h");

/* A client's place. */
struct seat {
	struct guest guest;
	struct sim_server *server;
	int fd;
	struct loop_watch *watch;
	bool dead;                    /* to be freed once nobody is at it */
	struct sockaddr_storage from; /* its control socket */
	socklen_t from_length;
	struct sockaddr_storage to; /* its data socket */
	socklen_t to_length;
	struct ibsim_packet *queue; /* a ring */
	uint32_t head;
	uint32_t n_queued;
	uint32_t room; /* a power of two */
};

struct sim_server {
	struct guests *guests;
	struct loop *loop;
	char base[64];
	bool remote;
	uint16_t port;
	int control;
	struct loop_watch *control_watch;
	struct loop_timer *look;             /* for the dead */
	struct seat *seats[SIM_CLIENTS_MAX]; /* by number of the client */
	/* What is being sent right now, to give it back. */
	const struct seat *sender;
	const struct ibsim_packet *sent;

	struct ibsim_packet in[BATCH];
	struct mmsghdr in_headers[BATCH];
	struct iovec in_vectors[BATCH];
};

/* ---- addresses ------------------------------------------------------------------------------- */

/* "<base>:<what><number>" in the abstract namespace; the 0 at its end is part of the name. */
static socklen_t unix_address(const struct sim_server *server, const char *what, long number,
			      struct sockaddr_storage *ret)
{
	struct sockaddr_un *address = (struct sockaddr_un *)ret;
	int length;

	*ret = (struct sockaddr_storage){ .ss_family = AF_UNIX };
	length = number < 0 ? snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1,
				       "%s:%s", server->base, what)
			    : snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1,
				       "%s:%s%ld", server->base, what, number);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length + 1);
}

static socklen_t udp_address(uint32_t host, unsigned port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *address = (struct sockaddr_in *)ret;

	*ret = (struct sockaddr_storage){ .ss_family = AF_INET };
	address->sin_addr.s_addr = host;
	address->sin_port = htons((uint16_t)port);
	return sizeof(*address);
}

/* A socket of the server's with a name: control, or "out" of a client. -errno. */
static int open_socket(const struct sim_server *server, const char *what, long number)
{
	struct sockaddr_storage address;
	socklen_t length = server->remote
				   ? udp_address(htonl(INADDR_ANY),
						 server->port + (unsigned)(number + 1), &address)
				   : unix_address(server, what, number, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int size = BUFFERS;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, length) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	/* As much as this user gets. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

/* ---- to a client ----------------------------------------------------------------------------- */

static void free_seat(struct seat *seat)
{
	struct sim_server *server = seat->server;

	if (seat->guest.client.port)
		server->seats[seat->guest.client.id] = NULL;
	guest_detach(&seat->guest);
	loop_watch_free(seat->watch);
	if (seat->fd >= 0)
		close(seat->fd);
	free(seat->queue);
	free(seat);
}

/* Not here and now: whoever called may be about to go on with it. */
static void dies(struct seat *seat)
{
	if (!seat->dead)
		log_info("client %u (pid %d) is gone", seat->guest.client.id, seat->guest.pid);
	seat->dead = true;
	seat->n_queued = 0;
	loop_watch_set(seat->watch, 0);
	loop_timer_set(seat->server->look, loop_now(seat->server->loop));
}

static void kick(struct guest *guest)
{
	dies(CONTAINER_OF(guest, struct seat, guest));
}

static bool tells_end(int error)
{
	return error == ECONNREFUSED || error == ENOTCONN || error == EPIPE ||
	       error == ECONNRESET || error == ENOENT;
}

/* Nobody has that address any more. */
static bool is_gone(struct guest *guest)
{
	struct seat *seat = CONTAINER_OF(guest, struct seat, guest);

	if (seat->dead)
		return true;
	return !seat->server->remote &&
	       connect(seat->fd, (struct sockaddr *)&seat->to, seat->to_length) < 0 &&
	       tells_end(errno);
}

/* The first of what waits: packets sent, or -1 and errno. */
static int send_some(struct seat *seat)
{
	struct mmsghdr headers[BATCH];
	struct iovec vectors[BATCH];
	unsigned n = MIN(seat->n_queued, (uint32_t)BATCH);

	if (n == 1)
		return send(seat->fd, &seat->queue[seat->head], sizeof(seat->queue[0]),
			    MSG_NOSIGNAL) < 0
			       ? -1
			       : 1;
	memset(headers, 0, n * sizeof(headers[0]));
	for (unsigned i = 0; i < n; i++) {
		vectors[i].iov_base = &seat->queue[(seat->head + i) & (seat->room - 1)];
		vectors[i].iov_len = sizeof(seat->queue[0]);
		headers[i].msg_hdr.msg_iov = &vectors[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	return sendmmsg(seat->fd, headers, n, MSG_NOSIGNAL);
}

/* What it is watched for now. */
static void wait(struct guest *guest)
{
	struct seat *seat = CONTAINER_OF(guest, struct seat, guest);

	if (!seat->dead)
		loop_watch_set(seat->watch, (guest_is_hot(guest) ? 0 : LOOP_READ) |
						    (seat->n_queued ? LOOP_WRITE : 0));
}

static void flush(struct guest *guest)
{
	struct seat *seat = CONTAINER_OF(guest, struct seat, guest);

	while (seat->n_queued) {
		int n = send_some(seat);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && tells_end(errno)) {
			dies(seat);
			return;
		}
		if (n < 0) {
			wait(guest);
			return;
		}
		seat->head = (seat->head + (unsigned)n) & (seat->room - 1);
		seat->n_queued -= (unsigned)n;
	}
}

static bool widen(struct seat *seat)
{
	uint32_t room = seat->room ? 2 * seat->room : BATCH;
	struct ibsim_packet *queue;

	if (room > BACKLOG)
		return false;
	queue = calloc(room, sizeof(*queue));
	if (!queue)
		return false;
	for (uint32_t i = 0; i < seat->n_queued; i++)
		queue[i] = seat->queue[(seat->head + i) & (seat->room - 1)];
	free(seat->queue);
	seat->queue = queue;
	seat->head = 0;
	seat->room = room;
	return true;
}

/* The next place in the queue, NULL if there is none. */
static struct ibsim_packet *next_place(struct seat *seat)
{
	if (seat->dead)
		return NULL;
	if (seat->n_queued == seat->room && !widen(seat)) {
		seat->guest.n_lost++;
		return NULL;
	}
	return &seat->queue[(seat->head + seat->n_queued++) & (seat->room - 1)];
}

static void receive(void *user, const struct sim_packet *packet)
{
	struct seat *seat = user;
	struct ibsim_packet *place = next_place(seat);

	if (!place)
		return;
	guest_encode(packet, place);
	guest_touch(&seat->guest);
}

/* ---- what comes to nothing ------------------------------------------------------------------- */

static ib_net64_t tid_of(const uint8_t *mad)
{
	ib_net64_t tid;

	memcpy(&tid, mad + 8, sizeof(tid));
	return tid;
}

static void stamp(const struct seat *seat, uint8_t *mad)
{
	mad[8] = (uint8_t)(seat->guest.client.id >> 8);
	mad[9] = (uint8_t)seat->guest.client.id;
}

/* Is @packet, or what it answers, the request that is being sent? */
static bool is_of(const struct seat *seat, const struct sim_packet *packet)
{
	struct ibsim_packet sent;

	if (seat->server->sender != seat)
		return false;
	sent = *seat->server->sent;
	stamp(seat, sent.mad);
	return tid_of(sent.mad) == packet->mad.trans_id;
}

/* The request that @packet is the answer to, as far as that shows. */
static void make_request(struct sim_packet *packet)
{
	if (!sim_is_response(packet))
		return;
	packet->mad.method = (uint8_t)(packet->mad.method & 0x7f);
	packet->mad.status = 0;
	sim_turn_around(packet);
}

static bool is_answer(const struct ibsim_packet *packet)
{
	return packet->mad[3] & 0x80 || packet->mad[3] == SIM_TRAP_REPRESS;
}

static void dropped(void *user, const struct sim_packet *packet, enum sim_drop why)
{
	struct seat *seat = user;
	struct sim_packet copy = *packet;
	struct ibsim_packet *place;
	bool at_hand = is_of(seat, packet);

	(void)why;
	/* Nobody waits for an answer to an answer, and a multicast may have got elsewhere. */
	if (at_hand ? is_answer(seat->server->sent)
		    : be64toh(copy.mad.trans_id) >> 48 != copy.client)
		return;
	if (copy.dlid >= SIM_LID_MULTICAST && copy.dlid != SIM_LID_PERMISSIVE)
		return;
	place = next_place(seat);
	if (!place)
		return;
	make_request(&copy);
	if (at_hand)
		*place = *seat->server->sent;
	else
		guest_encode(&copy, place);
	stamp(seat, place->mad);
	memcpy(place->status, &(uint32_t){ htobe32(GUEST_ETIMEDOUT) }, sizeof(place->status));
	guest_touch(&seat->guest);
}

/* ---- from a client --------------------------------------------------------------------------- */

static void send_one(struct seat *seat, const struct ibsim_packet *packet)
{
	struct sim_server *server = seat->server;
	struct sim_packet decoded;

	if (!guest_decode(packet, &decoded))
		return;
	server->sender = seat;
	server->sent = packet;
	sim_client_send(&seat->guest.client, &decoded);
	server->sender = NULL;
}

/* How many there were, at most what there are buffers for. */
static unsigned read_packets(struct seat *seat)
{
	struct sim_server *server = seat->server;
	int n;

	for (unsigned i = 0; i < BATCH; i++)
		server->in_headers[i].msg_hdr.msg_flags = 0;
	n = recvmmsg(seat->fd, server->in_headers, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) {
		if (tells_end(errno))
			dies(seat);
		return 0;
	}
	for (int i = 0; i < n; i++)
		if (server->in_headers[i].msg_len == sizeof(server->in[0]) &&
		    !(server->in_headers[i].msg_hdr.msg_flags & MSG_TRUNC))
			send_one(seat, &server->in[i]);
	return (unsigned)n;
}

/* Until no more has come; but whoever sends without end is not all that there is. */
static bool read_all(struct guest *guest)
{
	struct seat *seat = CONTAINER_OF(guest, struct seat, guest);
	unsigned n_all = 0, n_held = 0, n = 1;

	guests_begin(guest->guests);
	for (unsigned i = 0; i < GUEST_MOST_READS && n && !seat->dead; i++) {
		n = read_packets(seat);
		n_all += n;
		n_held += n;
		if (n_held < BATCH)
			continue;
		n_held = 0;
		guests_end(guest->guests);
		guests_begin(guest->guests);
	}
	guests_end(guest->guests);
	if (n_all)
		guest_count(guest, n_all);
	return n_all;
}

static void on_data(void *user, unsigned ready)
{
	struct seat *seat = user;

	if (ready & LOOP_WRITE) {
		flush(&seat->guest);
		wait(&seat->guest);
	}
	if (ready & LOOP_READ && read_all(&seat->guest))
		guest_heard(&seat->guest);
}

/* ---- control --------------------------------------------------------------------------------- */

/* Where packets for the client are to go: its number is its process, or its UDP port. */
static void set_to(struct seat *seat, uint32_t number)
{
	const struct sockaddr_in *from = (struct sockaddr_in *)&seat->from;

	if (seat->server->remote)
		seat->to_length = udp_address(from->sin_addr.s_addr, number, &seat->to);
	else
		seat->to_length = unix_address(seat->server, "in", number, &seat->to);
	seat->guest.pid = seat->server->remote ? 0 : (pid_t)number;
}

static int open_seat(struct seat *seat)
{
	int r;

	seat->fd = open_socket(seat->server, "out", seat->guest.client.id);
	if (seat->fd < 0)
		return seat->fd;
	if (connect(seat->fd, (struct sockaddr *)&seat->to, seat->to_length) < 0)
		return -errno;
	r = loop_watch_new(seat->server->loop, seat->fd, LOOP_READ, on_data, seat, &seat->watch);
	return r;
}

/* A client that comes again without having said good-bye. */
static void free_same(struct sim_server *server, const struct seat *seat)
{
	for (unsigned i = 0; i < SIM_CLIENTS_MAX; i++) {
		struct seat *other = server->seats[i];

		if (other && other->to_length == seat->to_length &&
		    !memcmp(&other->to, &seat->to, seat->to_length))
			free_seat(other);
	}
}

static int seat_new(struct sim_server *server, const struct sockaddr_storage *from,
		    socklen_t from_length, uint32_t number, struct seat **ret)
{
	struct seat *seat = calloc(1, sizeof(*seat));

	if (!seat)
		return -ENOMEM;
	seat->server = server;
	seat->fd = -1;
	seat->from = *from;
	seat->from_length = from_length;
	set_to(seat, number);
	seat->guest.kind = server->remote ? "UDP" : "datagrams";
	seat->guest.flush = flush;
	seat->guest.kick = kick;
	seat->guest.is_gone = is_gone;
	seat->guest.read = read_all;
	seat->guest.wait = wait;
	seat->guest.client.takes_all = true;
	seat->guest.client.receive = receive;
	seat->guest.client.dropped = dropped;
	seat->guest.client.user = seat;
	*ret = seat;
	return 0;
}

static int attach_seat(struct seat *seat, const char *node, bool is_sm)
{
	struct guests *guests = seat->server->guests;
	unsigned vf;
	struct sim_port *port = guests_find(guests, node, &vf);
	int r;

	if (!port) {
		log_warning("a client (pid %d) wants to be at \"%s\": there is no such port",
			    seat->guest.pid, node);
		return -ENOENT;
	}
	free_same(seat->server, seat);
	r = guest_attach(guests, &seat->guest, port, vf);
	if (!r && is_sm)
		r = guest_set_is_sm(&seat->guest, true);
	if (!r)
		r = open_seat(seat);
	return r;
}

static void tell_connected(const struct seat *seat, struct control *c)
{
	const struct sim_client *client = &seat->guest.client;
	char name[IBSIM_NODE_SIZE] = { 0 };

	memcpy(name, client->port->node->name, strnlen(client->port->node->name, sizeof(name) - 1));
	memcpy(c->data, &client->id, sizeof(client->id));
	memcpy(c->data + NODE_AT, name, sizeof(name));
	c->client = client->id;
	log_info("client %u (pid %d) is at \"%s\"[%d]", client->id, seat->guest.pid,
		 client->port->node->name, client->port->number);
}

static int on_connect(struct sim_server *server, struct control *c,
		      const struct sockaddr_storage *from, socklen_t from_length)
{
	uint32_t numbers[3]; /* its process or UDP port, its QP, whether it is an SM */
	char node[IBSIM_NODE_SIZE + 1] = { 0 };
	struct seat *seat;
	int r;

	memcpy(numbers, c->data, sizeof(numbers));
	memcpy(node, c->data + NODE_AT, IBSIM_NODE_SIZE);
	if (numbers[0] > INT32_MAX || (server->remote && numbers[0] > UINT16_MAX))
		return -EINVAL;
	r = seat_new(server, from, from_length, numbers[0], &seat);
	if (r < 0)
		return r;
	seat->guest.client.qpn = numbers[1];
	r = attach_seat(seat, node, numbers[2] != 0);
	if (r < 0) {
		free_seat(seat);
		return r;
	}
	server->seats[seat->guest.client.id] = seat;
	tell_connected(seat, c);
	return 0;
}

/* Only who connected may ask for a client. */
static struct seat *find_seat(const struct sim_server *server, uint32_t number,
			      const struct sockaddr_storage *from, socklen_t from_length)
{
	struct seat *seat = number < SIM_CLIENTS_MAX ? server->seats[number] : NULL;

	if (!seat || seat->dead || seat->from_length != from_length ||
	    memcmp(&seat->from, from, from_length) != 0)
		return NULL;
	return seat;
}

static int answer(struct sim_server *server, struct control *c, const struct sockaddr_storage *from,
		  socklen_t from_length)
{
	struct seat *seat;

	if (c->type == IBSIM_CTL_CONNECT)
		return on_connect(server, c, from, from_length);
	seat = find_seat(server, c->client, from, from_length);
	if (!seat)
		return -ENOTCONN;
	if (c->type == IBSIM_CTL_DISCONNECT) {
		free_seat(seat);
		return 0;
	}
	return guest_control(&seat->guest, c->type, c->data);
}

static void on_control(void *user, unsigned ready)
{
	struct sim_server *server = user;
	struct sockaddr_storage from = { 0 };
	socklen_t from_length = sizeof(from);
	struct control c;
	ssize_t n = recvfrom(server->control, &c, sizeof(c), MSG_DONTWAIT | MSG_TRUNC,
			     (struct sockaddr *)&from, &from_length);

	(void)ready;
	/* No answer at all to what is no question, as in ibsim. */
	if (n != (ssize_t)sizeof(c) || c.magic != IBSIM_CTL_MAGIC || from_length > sizeof(from))
		return;
	guests_begin(server->guests);
	if (answer(server, &c, &from, from_length) < 0)
		c.type = IBSIM_CTL_ERROR;
	guests_end(server->guests);
	sendto(server->control, &c, sizeof(c), MSG_DONTWAIT | MSG_NOSIGNAL,
	       (struct sockaddr *)&from, from_length);
}

/* ---- the dead -------------------------------------------------------------------------------- */

static void look(void *user)
{
	struct sim_server *server = user;

	for (unsigned i = 0; i < SIM_CLIENTS_MAX; i++) {
		struct seat *seat = server->seats[i];

		if (seat && !seat->dead && is_gone(&seat->guest))
			dies(seat);
		if (seat && seat->dead)
			free_seat(seat);
	}
	loop_timer_set(server->look, loop_now(server->loop) + LOOP_SEC);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int start(struct sim_server *server, char why[static 128])
{
	int r;

	server->control = open_socket(server, "ctl", -1);
	if (server->control == -EADDRINUSE) {
		snprintf(why, 128, "another simulator %s %s already",
			 server->remote ? "listens on UDP port" : "has the name", server->base);
		return server->control;
	}
	if (server->control < 0) {
		snprintf(why, 128, "cannot make a socket: %s", strerror(-server->control));
		return server->control;
	}
	r = loop_watch_new(server->loop, server->control, LOOP_READ, on_control, server,
			   &server->control_watch);
	if (!r)
		r = loop_timer_new(server->loop, look, server, &server->look);
	if (r < 0) {
		snprintf(why, 128, "cannot watch a socket: %s", strerror(-r));
		return r;
	}
	loop_timer_set(server->look, loop_now(server->loop) + LOOP_SEC);
	return 0;
}

int sim_server_new(struct guests *guests, const struct sim_server_options *options,
		   struct sim_server **ret, char why[static 128])
{
	struct sim_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server) {
		snprintf(why, 128, "out of memory");
		return -ENOMEM;
	}
	server->control = -1;
	server->guests = guests;
	server->loop = guests->fabric->loop;
	server->remote = options->remote;
	server->port = options->port;
	snprintf(server->base, sizeof(server->base), "%s", options->base);
	for (unsigned i = 0; i < BATCH; i++) {
		server->in_vectors[i] = (struct iovec){ &server->in[i], sizeof(server->in[i]) };
		server->in_headers[i].msg_hdr.msg_iov = &server->in_vectors[i];
		server->in_headers[i].msg_hdr.msg_iovlen = 1;
	}
	r = start(server, why);
	if (r < 0) {
		sim_server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void sim_server_free(struct sim_server *server)
{
	if (!server)
		return;
	for (unsigned i = 0; i < SIM_CLIENTS_MAX; i++)
		if (server->seats[i])
			free_seat(server->seats[i]);
	loop_timer_free(server->look);
	loop_watch_free(server->control_watch);
	if (server->control >= 0)
		close(server->control);
	free(server);
}
