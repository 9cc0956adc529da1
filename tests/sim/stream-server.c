/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The server's side of tests/sim/stream.h. A read takes as much as there is; all frames in it are
 * done, and what they lead to, for whichever client, leaves with one write each.
 *
 * Never waits: what a client does not read waits in its buffer, and when that has OUT_MOST bytes,
 * packets are lost. An answer to a question is never lost: who asks for more of them than fit is
 * disconnected, as is everybody who does not keep to the protocol.
 */

#include "tests/sim/stream-server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/macros.h"
#include "tests/sim/client.h"

enum {
	IN_ROOM = 1 << 16,
	OUT_MOST = 16 << 20,        /* of packets */
	OUT_END = OUT_MOST + 65536, /* of answers */
	AGENTS_MAX = 256,           /* of one client */
	CONNECTIONS_MAX = 2 * STREAM_CLIENTS,
};

struct agent {
	struct sim_agent agent; /* its list is the client's */
	struct agent *next;
	uint32_t id;
};

struct connection {
	struct guest guest;
	struct stream_server *server;
	struct list of_server;
	int fd;
	struct loop_watch *watch;
	bool greeted; /* its HELLO came */
	bool dead;
	struct agent *agents;
	unsigned n_agents;
	size_t n_in;
	size_t out_start; /* what was written already */
	size_t n_out;
	size_t out_room;
	uint8_t *out;
	uint8_t in[IN_ROOM];
};

struct stream_server {
	struct guests *guests;
	struct loop *loop;
	int fds[2]; /* Unix, TCP */
	struct loop_watch *watches[2];
	struct listener {
		struct stream_server *server;
		int fd;
	} listeners[2];
	struct loop_timer *bury;
	struct list connections;
	unsigned n_connections;
};

/* ---- life of a connection -------------------------------------------------------------------- */

static void forget_agents(struct connection *c)
{
	while (c->agents) {
		struct agent *agent = c->agents;

		c->agents = agent->next;
		sim_unregister(&agent->agent);
		free(agent);
	}
}

static void connection_free(struct connection *c)
{
	if (c->guest.client.port)
		forget_agents(c);
	guest_detach(&c->guest);
	list_remove(&c->of_server);
	c->server->n_connections--;
	loop_watch_free(c->watch);
	close(c->fd);
	free(c->out);
	free(c);
}

/* Freed later: whoever called may be about to go on with it. */
static void dies(struct connection *c, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	if (c->guest.client.port)
		log_info("client %u (pid %d) is gone: %s", c->guest.client.id, c->guest.pid, why);
	else
		log_info("a connection ends: %s", why);
	c->n_out = 0;
	c->out_start = 0;
	loop_watch_set(c->watch, 0);
	loop_timer_set(c->server->bury, loop_now(c->server->loop));
}

static void kick(struct guest *guest)
{
	dies(CONTAINER_OF(guest, struct connection, guest), "disconnected by command");
}

static bool is_gone(struct guest *guest)
{
	const struct connection *c = CONTAINER_OF(guest, struct connection, guest);
	struct pollfd fd = { .fd = c->fd, .events = POLLRDHUP };

	return c->dead || (poll(&fd, 1, 0) > 0 && fd.revents);
}

static void bury(void *user)
{
	struct stream_server *server = user;

	for (struct list *l = server->connections.next, *next; l != &server->connections;
	     l = next) {
		struct connection *c = CONTAINER_OF(l, struct connection, of_server);

		next = l->next;
		if (c->dead)
			connection_free(c);
	}
}

/* ---- to a client ----------------------------------------------------------------------------- */

static void flush(struct guest *guest)
{
	struct connection *c = CONTAINER_OF(guest, struct connection, guest);

	while (!c->dead && c->out_start < c->n_out) {
		ssize_t n = send(c->fd, c->out + c->out_start, c->n_out - c->out_start,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			loop_watch_set(c->watch, LOOP_READ | LOOP_WRITE);
			return;
		}
		if (n < 0) {
			dies(c, strerror(errno));
			return;
		}
		c->out_start += (size_t)n;
	}
	c->out_start = 0;
	c->n_out = 0;
	if (c->out_room > IN_ROOM) { /* it was slow for once */
		free(TAKE(c->out));
		c->out_room = 0;
	}
}

static bool make_room(struct connection *c, size_t size)
{
	size_t room = c->out_room ? c->out_room : IN_ROOM;
	uint8_t *out;

	if (c->n_out + size <= c->out_room)
		return true;
	if (c->out_start >= c->out_room / 2 && c->out_start) {
		memmove(c->out, c->out + c->out_start, c->n_out - c->out_start);
		c->n_out -= c->out_start;
		c->out_start = 0;
		return make_room(c, size);
	}
	while (room < c->n_out + size)
		room *= 2;
	out = realloc(c->out, room);
	if (!out)
		return false;
	c->out = out;
	c->out_room = room;
	return true;
}

/* Room for a frame of @length bytes, its header written; NULL: none. */
static void *begin_frame(struct connection *c, enum stream_kind kind, uint32_t length, size_t most)
{
	struct stream_header header = { .length = length, .kind = kind };
	uint8_t *at;

	if (c->dead || c->n_out - c->out_start + sizeof(header) + length > most ||
	    !make_room(c, sizeof(header) + length))
		return NULL;
	at = c->out + c->n_out;
	memcpy(at, &header, sizeof(header));
	c->n_out += sizeof(header) + length;
	return at + sizeof(header);
}

static void touch(struct connection *c)
{
	if (c->guest.client.port)
		guest_touch(&c->guest);
	else
		flush(&c->guest);
}

static void answer(struct connection *c, uint32_t type, const void *data, uint32_t length)
{
	struct stream_control control = { .magic = IBSIM_CTL_MAGIC, .type = type, .len = length };
	uint8_t *at = begin_frame(c, STREAM_CONTROL, (uint32_t)sizeof(control) + length, OUT_END);

	if (!at) {
		dies(c, "it does not read the answers to its questions");
		return;
	}
	memcpy(at, &control, sizeof(control));
	memcpy(at + sizeof(control), data, length);
	touch(c);
}

static void answer_error(struct connection *c, int error)
{
	uint32_t number = (uint32_t)-error;

	answer(c, IBSIM_CTL_ERROR, &number, sizeof(number));
}

static unsigned find_pkey(const struct guest *guest, uint16_t pkey)
{
	const struct sim_port *port = guest->client.port;

	for (unsigned i = 0; i < sim_pkey_cap(port); i++) {
		uint16_t own = be16toh(guest_pkey(guest, port, i));

		if (own & 0x7fff && !((own ^ pkey) & 0x7fff))
			return i;
	}
	return 0;
}

static unsigned find_gid(const struct sim_port *port, const uint8_t gid[16])
{
	unsigned n = port->guids ? port->info.guid_cap : 0;

	for (unsigned i = 0; i < n; i++)
		if (!memcmp(&port->guids[i], gid + 8, 8))
			return i;
	return 0;
}

static void encode_extras(const struct guest *guest, const struct sim_packet *p,
			  struct stream_extras *ret)
{
	const struct sim_port *port = guest->client.port;

	*ret = (struct stream_extras){ .grh = p->has_grh, .sl = p->sl, .lmc = sim_lmc(port) };
	ret->path_bits = (uint8_t)(p->dlid & ((1u << sim_lmc(port)) - 1));
	if (p->dqpn)
		ret->pkey_index = (uint16_t)find_pkey(guest, p->pkey);
	if (!p->has_grh)
		return;
	ret->gid_index = (uint8_t)(guest->client.vf ? 0 : find_gid(port, p->dgid));
	ret->hop_limit = p->hop_limit;
	ret->traffic_class = p->traffic_class;
	memcpy(ret->sgid, p->sgid, sizeof(ret->sgid));
	memcpy(ret->dgid, p->dgid, sizeof(ret->dgid));
	memcpy(ret->flow_label, &(uint32_t){ htobe32(p->flow_label) }, sizeof(ret->flow_label));
}

static void receive(void *user, const struct sim_packet *packet)
{
	struct connection *c = user;
	struct stream_packet to;
	void *at = begin_frame(c, STREAM_PACKET, sizeof(to), OUT_MOST);

	if (!at) {
		c->guest.n_lost++;
		return;
	}
	guest_encode(packet, &to.packet);
	encode_extras(&c->guest, packet, &to.extras);
	memcpy(at, &to, sizeof(to));
	touch(c);
}

/* ---- packets of a client --------------------------------------------------------------------- */

static void get_gid(const struct sim_port *port, unsigned index, uint8_t ret[static 16])
{
	uint64_t guid = 0;

	memset(ret, 0, 16);
	if (index >= port->info.guid_cap)
		return;
	if (index == 0)
		guid = port->guid;
	else if (port->guids)
		guid = be64toh(port->guids[index]);
	guid = htobe64(guid);
	memcpy(ret, &port->info.subnet_prefix, 8);
	memcpy(ret + 8, &guid, 8);
}

static void decode_extras(const struct guest *guest, const struct stream_extras *from,
			  struct sim_packet *ret)
{
	const struct sim_port *port = guest->client.port;
	uint32_t flow_label;

	ret->sl = from->sl & 0x0f;
	if (!sim_is_directed(ret))
		ret->slid =
			(uint16_t)(sim_lid(port) + (from->path_bits & ((1u << sim_lmc(port)) - 1)));
	if (ret->dqpn)
		ret->pkey = be16toh(guest_pkey(guest, port, from->pkey_index));
	if (!from->grh)
		return;
	memcpy(&flow_label, from->flow_label, sizeof(flow_label));
	ret->has_grh = true;
	ret->hop_limit = from->hop_limit;
	ret->traffic_class = from->traffic_class;
	ret->flow_label = be32toh(flow_label) & 0xfffff;
	memcpy(ret->dgid, from->dgid, sizeof(ret->dgid));
	get_gid(port, from->gid_index, ret->sgid);
}

static void on_packet(struct connection *c, const uint8_t *data)
{
	struct stream_packet from; /* frames may lie anywhere */
	struct sim_packet packet;

	memcpy(&from, data, sizeof(from));
	if (!guest_decode(&from.packet, &packet))
		return;
	decode_extras(&c->guest, &from.extras, &packet);
	sim_client_send(&c->guest.client, &packet);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void on_connect(struct connection *c, struct stream_connect *ask)
{
	struct sim_port *port;
	char where[sizeof(ask->node) + 8];
	unsigned vf;
	int r;

	ask->node[sizeof(ask->node) - 1] = 0;
	if (ask->port)
		snprintf(where, sizeof(where), "%s[%u]", ask->node, ask->port);
	else
		snprintf(where, sizeof(where), "%s", ask->node);
	port = guests_find(c->server->guests, ask->port ? where : ask->node, &vf);
	if (!port) {
		answer_error(c, guests_find(c->server->guests, ask->node, &vf) ? -ENODEV : -ENOENT);
		return;
	}
	c->guest.pid = (pid_t)ask->pid;
	r = guest_attach(c->server->guests, &c->guest, port, ask->vf ? ask->vf : vf);
	if (r < 0) {
		answer_error(c, r == -ENOENT ? -ENODEV : -EAGAIN);
		return;
	}
	snprintf(ask->node, sizeof(ask->node), "%s", port->node->name);
	ask->port = port->number;
	ask->vf = c->guest.client.vf;
	ask->client = c->guest.client.id;
	log_info("client %u (pid %d) is at \"%s\"[%d]", c->guest.client.id, c->guest.pid,
		 port->node->name, port->number);
	answer(c, STREAM_CTL_CONNECT, ask, sizeof(*ask));
}

static enum stream_smi smi_of(const struct sim_client *client)
{
	if (!client->vf)
		return STREAM_SMI_SENT;
	return client->port->shared ? STREAM_SMI_LOST : STREAM_SMI_REFUSED;
}

static void on_get_node(struct connection *c)
{
	const struct sim_port *port = c->guest.client.port;
	const struct sim_node *node = port->node;
	struct guest_view view;
	struct stream_node told = {
		.n_ports = node->n_ports,
		.type = (uint8_t)node->type,
		.vf = c->guest.client.vf,
		.smi = (uint8_t)smi_of(&c->guest.client),
	};

	guest_look(&c->guest, &view);
	told.guid = view.guid;

	memcpy(told.description, node->desc.description, sizeof(told.description));
	memcpy(told.name, node->name, sizeof(told.name));
	answer(c, STREAM_CTL_GET_NODE, &told, sizeof(told));
}

/* A virtual function has one GID, its own, whatever else the port's table holds. */
static void only_gid_of_vf(struct connection *c, struct stream_table *table)
{
	struct guest_view view;
	ib_net64_t guid;

	guest_look(&c->guest, &view);
	guid = htobe64(view.guid);
	memset(table->gids, 0, sizeof(table->gids));
	table->size = 1;
	if (table->first)
		return;
	memcpy(table->gids[0], &c->guest.client.port->info.subnet_prefix, 8);
	memcpy(table->gids[0] + 8, &guid, 8);
}

static void on_get_table(struct connection *c, uint32_t type, struct stream_table *ask)
{
	struct sim_port *port = c->guest.client.port;
	struct sim_port *of = ask->port ? sim_port(port->node, ask->port) : port;

	if (!of || !sim_is_end_port(of)) {
		answer_error(c, -ENODEV);
		return;
	}
	memset(ask->pkeys, 0, sizeof(ask->pkeys));
	ask->size = (uint16_t)(type == STREAM_CTL_GET_GIDS ? of->info.guid_cap : sim_pkey_cap(of));
	if (type == STREAM_CTL_GET_GIDS) {
		for (unsigned i = 0; i < COUNT(ask->gids); i++)
			get_gid(of, ask->first + i, ask->gids[i]);
		if (of == port && c->guest.client.vf)
			only_gid_of_vf(c, ask);
	} else {
		for (unsigned i = 0; i < COUNT(ask->pkeys); i++) {
			unsigned index = ask->first * (unsigned)COUNT(ask->pkeys) + i;
			ib_net16_t pkey = guest_pkey(&c->guest, of, index);

			memcpy(ask->pkeys[i], &pkey, sizeof(pkey));
		}
	}
	answer(c, type, ask, sizeof(*ask));
}

static void on_register(struct connection *c, const struct stream_agent *ask)
{
	struct agent *agent = c->n_agents < AGENTS_MAX ? calloc(1, sizeof(*agent)) : NULL;
	uint64_t methods[2] = { 0 };

	if (!agent) {
		answer_error(c, -ENOMEM);
		return;
	}
	for (unsigned i = 0; i < sizeof(ask->methods); i++)
		methods[i / 8] |= (uint64_t)ask->methods[i] << i % 8 * 8;
	agent->id = ask->id;
	agent->agent = (struct sim_agent){
		.mgmt_class = ask->class,
		.version = ask->version,
		.qpn = ask->qp,
		.oui = (uint32_t)ask->oui[0] << 16 | (uint32_t)ask->oui[1] << 8 | ask->oui[2],
		.methods = { methods[0], methods[1] },
	};
	list_init(&agent->agent.of_client);
	if (sim_register(&c->guest.client, &agent->agent) < 0) {
		free(agent);
		answer_error(c, -EINVAL);
		return;
	}
	agent->next = c->agents;
	c->agents = agent;
	c->n_agents++;
	answer(c, STREAM_CTL_REGISTER, ask, sizeof(*ask));
}

static void on_unregister(struct connection *c, const struct stream_agent *ask)
{
	for (struct agent **at = &c->agents; *at; at = &(*at)->next) {
		struct agent *agent = *at;

		if (agent->id != ask->id)
			continue;
		*at = agent->next;
		c->n_agents--;
		sim_unregister(&agent->agent);
		free(agent);
		answer(c, STREAM_CTL_UNREGISTER, ask, sizeof(*ask));
		return;
	}
	answer_error(c, -EINVAL);
}

/* The size of the data of a question; UINT32_MAX: there is no such question. */
static uint32_t size_of(uint32_t type)
{
	switch (type) {
	case IBSIM_CTL_GET_PORT:
	case IBSIM_CTL_GET_VENDOR:
	case IBSIM_CTL_GET_GID:
	case IBSIM_CTL_GET_GUID:
	case IBSIM_CTL_GET_NODEINFO:
	case IBSIM_CTL_GET_PORTINFO:
	case IBSIM_CTL_SET_ISSM:
	case IBSIM_CTL_GET_PKEYS:
		return IBSIM_CTL_DATA;
	case STREAM_CTL_CONNECT:
		return sizeof(struct stream_connect);
	case STREAM_CTL_GET_NODE:
		return 0;
	case STREAM_CTL_GET_GIDS:
	case STREAM_CTL_GET_PKEYS:
		return sizeof(struct stream_table);
	case STREAM_CTL_REGISTER:
	case STREAM_CTL_UNREGISTER:
		return sizeof(struct stream_agent);
	}
	return UINT32_MAX;
}

/*
 * What only asks may come with room for the answer, or without; what tells something comes whole.
 */
static bool fits(uint32_t type, uint32_t length)
{
	if (type < STREAM_CTL_CONNECT)
		return length <= IBSIM_CTL_DATA;
	if (type == STREAM_CTL_GET_NODE)
		return length <= sizeof(struct stream_node);
	return length == size_of(type);
}

union question {
	uint8_t bytes[STREAM_FRAME_MAX];
	struct stream_connect connect;
	struct stream_table table;
	struct stream_agent agent;
};

static void on_question(struct connection *c, uint32_t type, union question *ask)
{
	int r;

	switch (type) {
	case STREAM_CTL_GET_NODE:
		on_get_node(c);
		return;
	case STREAM_CTL_GET_GIDS:
	case STREAM_CTL_GET_PKEYS:
		on_get_table(c, type, &ask->table);
		return;
	case STREAM_CTL_REGISTER:
		on_register(c, &ask->agent);
		return;
	case STREAM_CTL_UNREGISTER:
		on_unregister(c, &ask->agent);
		return;
	}
	r = guest_control(&c->guest, type, ask->bytes);
	if (r < 0)
		answer_error(c, r);
	else
		answer(c, type, ask->bytes, IBSIM_CTL_DATA);
}

/* A CONTROL frame. NULL, or what is wrong with it. */
static const char *on_control(struct connection *c, const uint8_t *frame, uint32_t length)
{
	struct stream_control control;
	union question ask = { 0 };
	bool attached = c->guest.client.port != NULL;

	if (length < sizeof(control))
		return "a question is too short";
	memcpy(&control, frame, sizeof(control));
	if (control.magic != IBSIM_CTL_MAGIC || control.len != length - sizeof(control))
		return "a question is malformed";
	if (size_of(control.type) == UINT32_MAX) {
		answer_error(c, -EINVAL);
		return NULL;
	}
	if (!fits(control.type, control.len))
		return "a question has the wrong length";
	memcpy(&ask, frame + sizeof(control), control.len);
	if (attached == (control.type == STREAM_CTL_CONNECT))
		return attached ? "it connects twice" : "it asks before it is connected";
	if (attached)
		on_question(c, control.type, &ask);
	else
		on_connect(c, &ask.connect);
	return NULL;
}

static const char *on_hello(struct connection *c, const uint8_t *frame, uint32_t length)
{
	struct stream_hello hello;

	if (length != sizeof(hello))
		return "its HELLO has the wrong length";
	memcpy(&hello, frame, sizeof(hello));
	if (hello.magic != STREAM_MAGIC || hello.version != STREAM_VERSION)
		return "it speaks another protocol";
	c->greeted = true;
	return NULL;
}

static const char *on_frame(struct connection *c, const struct stream_header *header,
			    const uint8_t *frame)
{
	if (!c->greeted)
		return header->kind == STREAM_HELLO ? on_hello(c, frame, header->length)
						    : "it did not say HELLO";
	if (header->kind == STREAM_CONTROL)
		return on_control(c, frame, header->length);
	if (header->kind != STREAM_PACKET)
		return "a frame is of an unknown kind";
	if (header->length != sizeof(struct stream_packet))
		return "a packet has the wrong length";
	if (!c->guest.client.port)
		return "it sends before it is connected";
	on_packet(c, frame);
	return NULL;
}

/* All whole frames that have come. */
static void do_frames(struct connection *c)
{
	size_t at = 0;

	while (!c->dead && c->n_in - at >= sizeof(struct stream_header)) {
		struct stream_header header;
		const char *wrong;

		memcpy(&header, c->in + at, sizeof(header));
		if (header.length > STREAM_FRAME_MAX) {
			dies(c, "a frame is too long");
			return;
		}
		if (c->n_in - at < sizeof(header) + header.length)
			break;
		wrong = on_frame(c, &header, c->in + at + sizeof(header));
		if (wrong)
			dies(c, wrong);
		at += sizeof(header) + header.length;
	}
	memmove(c->in, c->in + at, c->n_in - at);
	c->n_in -= at;
}

/* What has come, and is done; false: nothing had. */
static bool read_frames(struct connection *c)
{
	ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		dies(c, n ? strerror(errno) : "it closed the connection");
		return false;
	}
	c->n_in += (size_t)n;
	guests_begin(c->server->guests);
	do_frames(c);
	guests_end(c->server->guests);
	return true;
}

static void on_ready(void *user, unsigned ready)
{
	struct connection *c = user;

	if (ready & LOOP_WRITE) {
		loop_watch_set(c->watch, LOOP_READ);
		flush(&c->guest);
	}
	if (!(ready & LOOP_READ))
		return;
	for (unsigned n = 0; n < GUEST_MOST_READS && read_frames(c) && !c->dead; n++)
		;
	guests_heard(c->server->guests);
}

/* ---- those who come -------------------------------------------------------------------------- */

static int connection_new(struct stream_server *server, int fd)
{
	const struct stream_hello hello = { .magic = STREAM_MAGIC, .version = STREAM_VERSION };
	struct connection *c = calloc(1, sizeof(*c));
	void *at;

	if (!c || loop_watch_new(server->loop, fd, LOOP_READ, on_ready, c, &c->watch) < 0) {
		free(c);
		return -ENOMEM;
	}
	c->server = server;
	c->fd = fd;
	c->guest.guests = server->guests;
	c->guest.kind = "stream";
	c->guest.flush = flush;
	c->guest.kick = kick;
	c->guest.is_gone = is_gone;
	c->guest.client.receive = receive;
	c->guest.client.user = c;
	list_init(&c->of_server);
	list_add_tail(&server->connections, &c->of_server);
	server->n_connections++;
	at = begin_frame(c, STREAM_HELLO, sizeof(hello), OUT_END);
	if (at)
		memcpy(at, &hello, sizeof(hello));
	touch(c);
	return 0;
}

static void on_come(void *user, unsigned ready)
{
	struct listener *listener = user;
	struct stream_server *server = listener->server;
	int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)ready;
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* if it is TCP */
	if (server->n_connections >= CONNECTIONS_MAX)
		bury(server);
	if (server->n_connections >= CONNECTIONS_MAX || connection_new(server, fd) < 0)
		close(fd);
}

static int listen_at(struct stream_server *server, unsigned which, const void *address,
		     socklen_t length)
{
	int family = ((const struct sockaddr *)address)->sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	server->fds[which] = fd;
	server->listeners[which] = (struct listener){ server, fd };
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(fd, address, length) < 0 || listen(fd, 128) < 0)
		return -errno;
	return loop_watch_new(server->loop, fd, LOOP_READ, on_come, &server->listeners[which],
			      &server->watches[which]);
}

static int listen_unix(struct stream_server *server, const char *base)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s" STREAM_SUFFIX,
			 base);

	/* With the 0 at its end. */
	return listen_at(server, 0, &address,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n + 1));
}

static int listen_tcp(struct stream_server *server, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	return listen_at(server, 1, &address, sizeof(address));
}

int stream_server_new(struct guests *guests, const char *base, uint16_t port,
		      struct stream_server **ret, char why[static 128])
{
	struct stream_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server) {
		snprintf(why, 128, "out of memory");
		return -ENOMEM;
	}
	server->guests = guests;
	server->loop = guests->fabric->loop;
	server->fds[0] = -1;
	server->fds[1] = -1;
	list_init(&server->connections);
	r = loop_timer_new(server->loop, bury, server, &server->bury);
	if (!r)
		r = listen_unix(server, base);
	if (!r && port)
		r = listen_tcp(server, port);
	if (r < 0) {
		snprintf(why, 128, "cannot listen for streams: %s", strerror(-r));
		stream_server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void stream_server_free(struct stream_server *server)
{
	if (!server)
		return;
	while (!list_is_empty(&server->connections))
		connection_free(
			CONTAINER_OF(server->connections.next, struct connection, of_server));
	for (unsigned i = 0; i < COUNT(server->fds); i++) {
		loop_watch_free(server->watches[i]);
		if (server->fds[i] >= 0)
			close(server->fds[i]);
	}
	loop_timer_free(server->bury);
	free(server);
}
