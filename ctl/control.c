/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The control socket on the loop. No client can make it wait or grow: lines, answers and clients
 * have limits; a client's next request is not read before its last answer is nearly gone; one that
 * takes nothing of its answer for a while is hung up on; events wait in the event log and not here.
 *
 * Nor can anybody lock others out by holding connections: one client too many takes the place of
 * the one that has been idle for longest, though of nobody who follows events or may do more than
 * it does; and a few places are kept for those who may change something.
 *
 * Some answers come later, from a disk. Such a client waits for its own as long as it takes, and
 * nobody else does.
 *
 * A client that is to go is marked, and freed by the timer soon after, so that nothing vanishes
 * under the feet of whoever is still using it.
 */

#include "ctl/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/macros.h"
#include "ctl/listener.h"
#include "ctl/later.h"
#include "ctl/rpc.h"

#define CLIENTS_MAX    32u
#define ADMINS_ONLY    4u /* of these places */
#define READ_SIZE      4096u
#define OUT_ENOUGH     (64u * 1024) /* with more than this to send, nothing new is begun */
#define PATROL         (5 * LOOP_SEC)
#define PATIENCE       (30 * LOOP_SEC) /* for a client that takes nothing of what is for it */
#define ACCEPT_AT_ONCE 16

struct client {
	struct list link;
	struct control *control;
	struct loop_watch *watch;
	struct rpc_client rpc;
	int fd;
	char *in; /* in_used bytes, the beginning of a request */
	size_t in_used, in_room;
	char *out; /* out_used bytes, of which out_sent are gone */
	size_t out_used, out_sent;
	uint64_t moved_at; /* loop_now() when it came, last took something, or there was nothing */
	bool ended;        /* says nothing more, or is not heard: freed when it has its answers */
	bool dead;         /* to be freed */
};

struct control {
	struct loop *loop;
	struct rpc rpc;
	struct role_rules roles;
	struct listener listener;
	struct loop_watch *watch;
	struct loop_timer *soon;
	struct loop_timer *patrol;
	struct list clients;
	bool deaf; /* no descriptor was left: not accepting until the next patrol */
};

/* -- clients ------------------------------------------------------------------------------------
 */

static void client_free(struct client *c)
{
	rpc_client_done(&c->control->rpc, &c->rpc);
	loop_watch_free(c->watch);
	list_remove(&c->link);
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static void client_kill(struct client *c)
{
	if (!c->dead)
		c->control->rpc.n_clients--;
	c->dead = true;
	if (c->watch)
		loop_watch_set(c->watch, 0);
	loop_timer_set(c->control->soon, 0);
}

static size_t client_pending(const struct client *c)
{
	return c->out_used - c->out_sent;
}

static bool client_is_full(const struct client *c)
{
	return client_pending(c) >= OUT_ENOUGH;
}

/* Behind what is not sent yet. 0, -ENOMEM, or -E2BIG for more than any answer has. */
static int client_append(struct client *c, const char *text, size_t length)
{
	size_t pending = client_pending(c);
	char *bigger;

	if (pending + length > PROTOCOL_ANSWER_MAX + OUT_ENOUGH)
		return -E2BIG;
	if (c->out_sent > 0 && pending > 0)
		memmove(c->out, c->out + c->out_sent, pending);
	c->out_sent = 0;
	c->out_used = pending;
	bigger = realloc(c->out, pending + length);
	if (!bigger)
		return -ENOMEM;
	c->out = bigger;
	memcpy(c->out + pending, text, length);
	c->out_used += length;

	return 0;
}

/* @line is freed. NULL: there was nothing to say. */
static void client_say(struct client *c, char *line)
{
	if (!line)
		return;
	if (client_pending(c) == 0)
		c->moved_at = loop_now(c->control->loop);
	if (client_append(c, line, strlen(line)) < 0)
		client_kill(c);
	free(line);
}

static void client_send(struct client *c)
{
	ssize_t n;

	if (c->dead || client_pending(c) == 0)
		return;
	n = send(c->fd, c->out + c->out_sent, client_pending(c), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_kill(c);
		return;
	}
	c->out_sent += (size_t)n;
	c->moved_at = loop_now(c->control->loop);
	if (client_pending(c) == 0) {
		free(c->out);
		c->out = NULL;
		c->out_used = c->out_sent = 0;
	}
}

/* -- requests -----------------------------------------------------------------------------------
 */

/* Who may nothing is told so once. */
static void client_answer(struct client *c, const char *line, size_t length)
{
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (length == 0)
		return;
	client_say(c, rpc_answer(&c->control->rpc, &c->rpc, line, length));
	if (c->rpc.role == ROLE_NONE)
		c->ended = true;
}

static bool has_line(const struct client *c)
{
	return c->in_used > 0 && memchr(c->in, '\n', c->in_used) != NULL;
}

/* The first @size bytes of what has arrived are done with. */
static void client_consume(struct client *c, size_t size)
{
	c->in_used -= size;
	memmove(c->in, c->in + size, c->in_used);
	if (c->in_used > 0)
		return;
	free(c->in);
	c->in = NULL;
	c->in_room = 0;
}

/* It has asked for so much that is not on disk that it has to wait. */
static bool must_wait(const struct client *c)
{
	return c->rpc.n_later >= LATER_MAX;
}

/* One request at a time: others have their turn before the next. */
static void client_work(struct client *c)
{
	size_t length;

	if (c->dead || client_is_full(c) || must_wait(c) || c->in_used == 0)
		return;
	if (has_line(c)) {
		length = (size_t)((char *)memchr(c->in, '\n', c->in_used) - c->in);
		client_answer(c, c->in, length);
		client_consume(c, c->rpc.role == ROLE_NONE ? c->in_used : length + 1);
	} else if (c->in_used == PROTOCOL_LINE_MAX) {
		client_say(c, rpc_refuse(PROTOCOL_NOT_REQUEST,
					 "a request has at most 65536 bytes with its line feed"));
		c->ended = true;
		client_consume(c, c->in_used);
	}
}

/* Room for more bytes of a line; never more than PROTOCOL_LINE_MAX in all. */
static bool make_room(struct client *c)
{
	size_t wanted = MIN(MAX(c->in_room * 2, READ_SIZE), PROTOCOL_LINE_MAX);
	char *bigger;

	if (c->in_used < c->in_room)
		return true;
	bigger = realloc(c->in, wanted);
	if (!bigger)
		return false;
	c->in = bigger;
	c->in_room = wanted;

	return true;
}

static void client_receive(struct client *c)
{
	ssize_t n;

	if (!make_room(c)) {
		client_kill(c);
		return;
	}
	n = recv(c->fd, c->in + c->in_used, c->in_room - c->in_used, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_kill(c);
		return;
	}
	if (n == 0)
		c->ended = true;
	c->in_used += (size_t)n;
}

/* -- what next ----------------------------------------------------------------------------------
 */

static void client_tell_events(struct client *c)
{
	char *line;

	while (c->rpc.follow && !c->dead && !client_is_full(c) &&
	       (line = rpc_next_event(&c->control->rpc, &c->rpc)) != NULL)
		client_say(c, line);
}

static bool wants_to_read(const struct client *c)
{
	return !c->ended && !client_is_full(c) && c->in_used < PROTOCOL_LINE_MAX;
}

/*
 * A round of work. Whatever is left to do although nothing is left to send also waits for the
 * socket to be writable, which it then is.
 */
static void client_advance(struct client *c)
{
	bool more;

	client_work(c);
	client_tell_events(c);
	more = client_is_full(c) || (has_line(c) && !must_wait(c));
	client_send(c);

	if (!c->dead && c->ended && !more && client_pending(c) == 0 && c->rpc.n_later == 0)
		client_kill(c);
	if (!c->dead)
		loop_watch_set(c->watch, (wants_to_read(c) ? LOOP_READ : 0u) |
						 (more || client_pending(c) > 0 ? LOOP_WRITE : 0u));
}

/* An answer that had to wait. */
static void client_say_later(struct rpc_client *rpc, char *line)
{
	struct client *c = CONTAINER_OF(rpc, struct client, rpc);

	if (c->dead) {
		free(line);
		return;
	}
	client_say(c, line);
	client_advance(c);
}

static void on_client(void *user, unsigned ready)
{
	struct client *c = user;

	if (c->dead)
		return;
	if ((ready & LOOP_READ) && wants_to_read(c))
		client_receive(c);
	client_send(c);
	if (!c->dead)
		client_advance(c);
}

/* -- accepting ----------------------------------------------------------------------------------
 */

/* Of those that may make room for a newcomer with @role; NULL: none. */
static struct client *find_idlest(struct control *control, enum role role)
{
	struct client *idlest = NULL;

	for (struct list *l = control->clients.next; l != &control->clients; l = l->next) {
		struct client *c = LIST_ENTRY(l, struct client, link);

		if (!c->dead && !c->rpc.follow && c->rpc.n_later == 0 && c->rpc.role <= role &&
		    (!idlest || c->moved_at < idlest->moved_at))
			idlest = c;
	}

	return idlest;
}

/* False: there is none to be had. */
static bool make_place(struct control *control, enum role role)
{
	unsigned places = role == ROLE_ADMIN ? CLIENTS_MAX : CLIENTS_MAX - ADMINS_ONLY;
	struct client *idlest;

	if (control->rpc.n_clients < places)
		return true;
	idlest = find_idlest(control, role);
	if (!idlest)
		return false;
	client_kill(idlest);

	return true;
}

static int client_new(struct control *control, int fd, enum role role)
{
	struct client *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	*c = (struct client){ .control = control, .fd = fd };
	list_init(&c->link);
	c->rpc.role = role;
	c->rpc.say = client_say_later;
	c->moved_at = loop_now(control->loop);
	r = loop_watch_new(control->loop, fd, LOOP_READ, on_client, c, &c->watch);
	if (r < 0) {
		client_free(c);
		return r;
	}
	list_add_tail(&control->clients, &c->link);
	control->rpc.n_clients++;

	return 0;
}

/* What fits into the socket's buffer; there is nobody to wait for the rest. */
static void send_off(int fd)
{
	AUTO(freep)
	char *line = rpc_refuse(PROTOCOL_BUSY, "there are too many clients; try again later");

	if (line && send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("a client too many has gone");
	close(fd);
}

/* False: nobody more is there. */
static bool accept_one(struct control *control)
{
	int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	enum role role;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
		log_warning("cannot take a client of the control socket: %s", strerror(errno));
		control->deaf = true;
		loop_watch_set(control->watch, 0);
	}
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	role = role_of_peer(&control->roles, fd);
	if (make_place(control, role))
		client_new(control, fd, role);
	else
		send_off(fd);

	return true;
}

static void on_connect(void *user, unsigned ready)
{
	struct control *control = user;

	(void)ready;
	for (int i = 0; i < ACCEPT_AT_ONCE && accept_one(control); i++)
		;
}

/* -- timers -------------------------------------------------------------------------------------
 */

static void on_soon(void *user)
{
	struct control *control = user;
	struct list *next;

	for (struct list *l = control->clients.next; l != &control->clients; l = next) {
		struct client *c = LIST_ENTRY(l, struct client, link);

		next = l->next;
		if (!c->dead && c->rpc.follow)
			client_advance(c);
		if (c->dead)
			client_free(c);
	}
}

static void on_patrol(void *user)
{
	struct control *control = user;
	uint64_t now = loop_now(control->loop);

	for (struct list *l = control->clients.next; l != &control->clients; l = l->next) {
		struct client *c = LIST_ENTRY(l, struct client, link);

		if ((client_pending(c) > 0 || c->rpc.role == ROLE_NONE) &&
		    now - c->moved_at >= PATIENCE)
			client_kill(c);
	}
	if (control->deaf) {
		control->deaf = false;
		loop_watch_set(control->watch, LOOP_READ);
	}
	loop_timer_set(control->patrol, now + PATROL);
}

void control_notify(struct control *control)
{
	for (struct list *l = control->clients.next; l != &control->clients; l = l->next) {
		if (LIST_ENTRY(l, struct client, link)->rpc.follow) {
			loop_timer_set(control->soon, 0);
			return;
		}
	}
}

/* -- life ---------------------------------------------------------------------------------------
 */

static int make_watches(struct control *control)
{
	struct loop *loop = control->loop;
	int r = loop_timer_new(loop, on_soon, control, &control->soon);

	if (r == 0)
		r = loop_timer_new(loop, on_patrol, control, &control->patrol);
	if (r == 0)
		r = loop_watch_new(loop, control->listener.fd, LOOP_READ, on_connect, control,
				   &control->watch);
	if (r == 0)
		loop_timer_set(control->patrol, loop_now(loop) + PATROL);

	return r;
}

static void control_freep(struct control **control)
{
	control_free(*control);
}

int control_new(struct loop *loop, const char *socket_path, const struct control_setup *setup,
		char why[static 256], struct control **ret)
{
	AUTO(control_freep) struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control) {
		strcpy(why, "there is no memory for the control socket");
		return -ENOMEM;
	}
	control->loop = loop;
	control->listener.fd = -1;
	list_init(&control->clients);
	rpc_init(&control->rpc, loop, setup);
	role_rules_init(&control->roles);
	r = listener_open(&control->listener, socket_path, &control->roles, why);
	if (r < 0)
		return r;
	r = make_watches(control);
	if (r < 0) {
		snprintf(why, 256, "cannot watch the control socket: %s", strerror(-r));
		return r;
	}
	*ret = TAKE(control);

	return 0;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	while (!list_is_empty(&control->clients))
		client_free(LIST_ENTRY(control->clients.next, struct client, link));
	loop_watch_free(control->watch);
	loop_timer_free(control->soon);
	loop_timer_free(control->patrol);
	listener_close(&control->listener);
	rpc_done(&control->rpc);
	free(control);
}
