/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * vsmctl's end of the control socket: a call waits for its answer, for a time. Pages are put
 * together here, so nobody else knows that there are any. What the daemon says is checked as that
 * of a stranger: it may be another program that was told to sit on the socket. One that never ends,
 * line after line or page after page, is left when the time is over or the limit is reached.
 */

#include "ctl/vsmctl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "ctl/protocol.h"
#include "ctl/role.h"

#define LINE_MAX_SIZE (PROTOCOL_ANSWER_MAX + 64 * 1024)
#define ALL_MAX_SIZE  (256u << 20) /* bytes of all pages: all ports of a subnet are less */

struct client {
	int fd;
	long long deadline; /* of now_ms(), for all calls; 0: none */
	json_int_t id;
	char *in;
	size_t used, room;
	size_t line;     /* bytes of the line that was given out last */
	size_t received; /* bytes in all */
};

/* -- connecting ---------------------------------------------------------------------------------
 */

static enum result explain_connect(const char *path, int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		complain("vsm is not running (nobody answers at %s)", path);
		return RESULT_NOT_RUNNING;
	case EACCES:
	case EPERM:
		complain("you may not use %s: be root, or a member of group " ROLE_READER_GROUP,
			 path);
		return RESULT_DENIED;
	case EAGAIN:
		complain("vsm is too busy to answer at %s", path);
		return RESULT_TIMEOUT;
	default:
		complain("cannot connect to %s: %s", path, strerror(error));
		return RESULT_FAILED;
	}
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum result client_open(const char *path, unsigned timeout_s, struct client **ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct client *client;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		complain("the path of the socket is longer than %zu bytes: %s",
			 sizeof(address.sun_path) - 1, path);
		return RESULT_USAGE;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return explain_connect(path, error);
	}
	client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		complain("there is no memory");
		return RESULT_FAILED;
	}
	client->fd = fd;
	client->deadline = timeout_s ? now_ms() + 1000LL * timeout_s : 0;
	*ret = client;

	return RESULT_OK;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	close(client->fd);
	free(client->in);
	free(client);
}

/* -- waiting ------------------------------------------------------------------------------------
 */

static enum result wait_for(const struct client *client, short events, long long deadline)
{
	struct pollfd fd = { .fd = client->fd, .events = events };
	long long left = deadline ? deadline - now_ms() : -1;
	int r = 0;

	/* Somebody may talk without an end: that something is there is no reason to go on. */
	if (!deadline || left > 0)
		r = poll(&fd, 1, (int)MIN(left, 3600000));
	if (r > 0 || (r < 0 && errno == EINTR) || (r == 0 && !deadline))
		return RESULT_OK;
	complain("vsm does not answer in time");

	return RESULT_TIMEOUT;
}

static enum result send_all(const struct client *client, const char *text, size_t size)
{
	enum result r;

	while (size > 0) {
		ssize_t n = send(client->fd, text, size, MSG_NOSIGNAL);

		if (n >= 0) {
			text += n;
			size -= (size_t)n;
			continue;
		}
		/* It may have hung up with its reason said: then reading tells. */
		if (errno == EPIPE || errno == ECONNRESET)
			return RESULT_OK;
		if (errno != EAGAIN && errno != EINTR) {
			complain("cannot ask vsm: %s", strerror(errno));
			return RESULT_FAILED;
		}
		r = wait_for(client, POLLOUT, client->deadline);
		if (r != RESULT_OK)
			return r;
	}

	return RESULT_OK;
}

/* -- lines --------------------------------------------------------------------------------------
 */

static bool make_room(struct client *client)
{
	size_t wanted = client->room ? 2 * client->room : 65536;
	char *bigger;

	if (client->used < client->room)
		return true;
	if (client->used >= LINE_MAX_SIZE)
		return false;
	bigger = realloc(client->in, wanted);
	if (!bigger)
		return false;
	client->in = bigger;
	client->room = wanted;

	return true;
}

static enum result receive(struct client *client, long long deadline)
{
	enum result r = wait_for(client, POLLIN, deadline);
	ssize_t n;

	if (r != RESULT_OK)
		return r;
	if (!make_room(client)) {
		complain("the answer is too long");
		return RESULT_FAILED;
	}
	n = recv(client->fd, client->in + client->used, client->room - client->used, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return RESULT_OK;
	if (n <= 0) {
		complain("vsm has hung up");
		return RESULT_FAILED;
	}
	client->used += (size_t)n;
	client->received += (size_t)n;

	return RESULT_OK;
}

static void forget_line(struct client *client)
{
	if (client->line == 0)
		return;
	client->used -= client->line;
	memmove(client->in, client->in + client->line, client->used);
	client->line = 0;
}

/* The next line, an object. */
static enum result read_object(struct client *client, long long deadline, json_t **ret)
{
	size_t searched = 0;
	json_error_t error;
	char *end = NULL;
	enum result r;

	forget_line(client);
	while (client->used == searched ||
	       !(end = memchr(client->in + searched, '\n', client->used - searched))) {
		searched = client->used;
		r = receive(client, deadline);
		if (r != RESULT_OK)
			return r;
	}
	client->line = (size_t)(end - client->in) + 1;
	*ret = json_loadb(client->in, client->line, 0, &error);
	if (json_is_object(*ret))
		return RESULT_OK;

	json_decref(*ret);
	*ret = NULL;
	complain("what answers is not vsm: %s", error.text[0] ? error.text : "that is no object");

	return RESULT_FAILED;
}

/* -- calls --------------------------------------------------------------------------------------
 */

static enum result explain_error(const json_t *error)
{
	json_int_t code = json_integer_value(json_object_get(error, "code"));

	complain("%s", member_text(error, "message", "vsm refuses, and does not say why"));
	switch (code) {
	case PROTOCOL_BAD_PARAMS:
		return RESULT_USAGE;
	case PROTOCOL_NOT_FOUND:
	case PROTOCOL_AMBIGUOUS:
		return RESULT_NOT_FOUND;
	case PROTOCOL_DENIED:
		return RESULT_DENIED;
	case PROTOCOL_NOT_MASTER:
		return RESULT_NOT_MASTER;
	default:
		return RESULT_FAILED;
	}
}

static enum result send_request(struct client *client, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", ++client->id,
				    "method", method, "params", params);
	AUTO(freep) char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
	enum result r = RESULT_FAILED;

	json_decref(request);
	if (!line) {
		complain("this cannot be asked: it is not UTF-8, or there is no memory");
		return r;
	}
	if (strlen(line) >= PROTOCOL_LINE_MAX) {
		complain("this is too long to be asked");
		return RESULT_USAGE;
	}
	r = send_all(client, line, strlen(line));

	return r == RESULT_OK ? send_all(client, "\n", 1) : r;
}

static bool has_schema(const json_t *result, const char *method)
{
	const char *schema = json_string_value(json_object_get(result, "schema"));
	char expected[64];

	snprintf(expected, sizeof(expected), "vsm.%s.v1", method);

	return schema && !strcmp(schema, expected);
}

enum result client_call(struct client *client, const char *method, json_t *params, json_t **ret)
{
	enum result r = send_request(client, method, params);
	json_t *answer, *error, *result;

	if (r != RESULT_OK)
		return r;
	/* Events may come in between: who asks is not interested in them. */
	do {
		r = read_object(client, client->deadline, &answer);
		if (r != RESULT_OK)
			return r;
		if (!json_object_get(answer, "method"))
			break;
		json_decref(answer);
	} while (true);

	error = json_object_get(answer, "error");
	result = json_object_get(answer, "result");
	if (error) {
		r = explain_error(error);
	} else if (has_schema(result, method)) {
		*ret = json_incref(result);
	} else {
		complain("what answers is not vsm, or another version: that is no answer to \"%s\"",
			 method);
		r = RESULT_FAILED;
	}
	json_decref(answer);

	return r;
}

/* @page, which is taken over, is @*all or continues it. False: it has no such list. */
static bool add_page(json_t **all, json_t *page, const char *list)
{
	json_t *rows = json_object_get(page, list);
	bool fits = json_is_array(rows);

	if (!*all)
		*all = json_incref(page);
	else
		fits = fits && json_array_extend(json_object_get(*all, list), rows) == 0;
	json_decref(page);

	return fits;
}

static enum result refuse_list(const char *why)
{
	complain("what answers is not vsm: its list %s", why);

	return RESULT_FAILED;
}

/* The next page, behind @*from, which becomes where the one after it begins; 0: there is none. */
static enum result read_page(struct client *client, const char *method, json_t *params,
			     const char *list, json_t **all, json_int_t *from)
{
	json_int_t next;
	json_t *page;
	enum result r;

	r = client_call(client, method, json_incref(params), &page);
	if (r != RESULT_OK)
		return r;
	next = json_integer_value(json_object_get(page, "next"));
	json_object_del(page, "next");
	if (!add_page(all, page, list))
		return refuse_list("is missing");
	if (next != 0 && next <= *from)
		return refuse_list("goes round in a circle");
	if (client->received > ALL_MAX_SIZE)
		return refuse_list("has no end");
	*from = next;

	return RESULT_OK;
}

enum result client_call_all(struct client *client, const char *method, json_t *params,
			    const char *list, json_t **ret)
{
	json_t *all = NULL;
	json_int_t from = 0;
	enum result r;

	do {
		r = read_page(client, method, params, list, &all, &from);
		json_object_set_new(params, "from", json_integer(from));
	} while (r == RESULT_OK && from > 0);
	json_decref(params);

	if (r == RESULT_OK)
		*ret = all;
	else
		json_decref(all);

	return r;
}

enum result client_next_event(struct client *client, json_t **ret)
{
	json_t *notification, *params;
	enum result r;

	do {
		r = read_object(client, 0, &notification);
		if (r != RESULT_OK)
			return r;
		params = json_incref(json_object_get(notification, "params"));
		json_decref(notification);
	} while (!params);
	*ret = params;

	return RESULT_OK;
}
