/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The control socket over a made-up fabric: what it answers, to whom, and what it does with clients
 * that misbehave. Everything goes through a real socket.
 */

#include "ctl/control.h"
#include "ctl/dumper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"
#include "base/macros.h"
#include "ctl/names.h"
#include "ctl/later.h"
#include "ctl/protocol.h"
#include "ctl/role.h"
#include "ctl/rpc.h"
#include "tests/unit/fake-sm.h"
#include "tests/unit/loop-poll.h"

#define ANSWER_SIZE (PROTOCOL_ANSWER_MAX + 1)

struct fixture {
	struct loop *loop;
	struct fake *fake;
	struct sm *sm;
	struct control *control;
	char folder[64];
	char path[108];
	int fd; /* of one client */
	json_t *answer;
	int reload_result;
	unsigned reloads;
	uint64_t dumped;
	struct dump_failure failure; /* error 0: none */
	const char *store_trouble;   /* NULL: none */
	char buffer[ANSWER_SIZE];
};

static int reload(void *user, char ret_text[static CONTROL_TEXT_SIZE],
		  const struct reload_teller *teller)
{
	struct fixture *f = user;

	f->reloads++;
	strcpy(ret_text, f->reload_result ? "vsm.conf:7: no such option" : "Nothing has changed.");

	if (f->reload_result == 0) {
		teller->change(teller->user,
			       &(struct conf_change){ "sweep.interval", "10", "20", false });
		teller->change(teller->user,
			       &(struct conf_change){ "port.device", "\"\"", "\"mlx5_1\"", true });
		teller->doubt(teller->user, "qos.enable is false: nothing of it is \033used");
	}

	return f->reload_result;
}

static uint64_t dumped(void *user)
{
	const struct fixture *f = user;

	return f->dumped;
}

static bool dump_failed(void *user, struct dump_failure *ret)
{
	const struct fixture *f = user;

	*ret = f->failure;

	return f->failure.error != 0;
}

static const char *store_trouble(void *user)
{
	const struct fixture *f = user;

	return f->store_trouble;
}

static struct control_setup setup_of(struct fixture *f)
{
	return (struct control_setup){ .sm = &f->sm,
				       .trouble = "no RDMA device",
				       .reload = reload,
				       .dumped = dumped,
				       .dump_failed = dump_failed,
				       .store_trouble = store_trouble,
				       .user = f,
				       .version = "1.2.3",
				       .unix_at_zero = 1699900000 * LOOP_SEC };
}

static void be_silent(enum log_level level, const struct log_where *where, const char *text,
		      void *user)
{
	(void)level;
	(void)where;
	(void)text;
	(void)user;
}

static int connect_to(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -errno;
	}

	return fd;
}

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct control_setup setup;
	char why[256];

	assert_non_null(f);
	log_set_sink(be_silent, NULL);
	f->loop = loop_poll_new();
	f->fake = fake_new(f->loop);
	f->sm = f->fake->sm;
	strcpy(f->folder, "/tmp/test-control-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/vsm.sock", f->folder);
	setup = setup_of(f);
	assert_int_equal(control_new(f->loop, f->path, &setup, why, &f->control), 0);
	f->fd = connect_to(f->path);
	assert_true(f->fd >= 0);
	*state = f;

	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	json_decref(f->answer);
	if (f->fd >= 0)
		close(f->fd);
	control_free(f->control);
	fake_free(f->fake);
	loop_poll_free(f->loop);
	unlink(f->path);
	assert_int_equal(rmdir(f->folder), 0);
	free(f);

	return 0;
}

/* -- talking ------------------------------------------------------------------------------------
 */

/* All at once, while the server takes what it takes. */
static void say_bytes(struct fixture *f, int fd, const char *bytes, size_t size)
{
	for (int idle = 0; size > 0 && idle < 1000;) {
		ssize_t n = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
		idle = loop_poll_step(f->loop, 0) || n > 0 ? 0 : idle + 1;
		if (n < 0 && errno == EPIPE)
			return;
	}
}

static void say_text(struct fixture *f, int fd, const char *bytes)
{
	say_bytes(f, fd, bytes, strlen(bytes));
}

static void say(struct fixture *f, const char *line)
{
	say_text(f, f->fd, line);
	say_text(f, f->fd, "\n");
}

/* Up to the first line feed among what has arrived; 0: hung up, -1: nothing is there. */
static ssize_t hear_part(int fd, char *line, size_t room)
{
	ssize_t n = recv(fd, line, room, MSG_DONTWAIT | MSG_PEEK);
	const char *end = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;

	if (end)
		n = end - line + 1;

	return n > 0 ? recv(fd, line, (size_t)n, MSG_DONTWAIT) : n;
}

/* One line from @fd without its line feed; NULL if the server hung up or says nothing. */
static char *hear_line(struct fixture *f, int fd)
{
	char *line = f->buffer;
	size_t used = 0;

	for (int idle = 0; used < ANSWER_SIZE - 1 && idle < 3;) {
		ssize_t n = hear_part(fd, line + used, ANSWER_SIZE - 1 - used);

		if (n == 0)
			break;
		if (n < 0) {
			idle = loop_poll_step(f->loop, 0) ? 0 : idle + 1;
			continue;
		}
		used += (size_t)n;
		if (line[used - 1] == '\n') {
			line[used - 1] = 0;
			return line;
		}
	}

	return NULL;
}

static json_t *hear(struct fixture *f, int fd)
{
	const char *line = hear_line(f, fd);

	json_decref(f->answer);
	f->answer = line ? json_loads(line, 0, NULL) : NULL;

	return f->answer;
}

static bool is_hung_up(struct fixture *f, int fd)
{
	char byte;

	loop_poll_run(f->loop);

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* The result of a method, whose answer belongs to the fixture. */
static json_t *ask(struct fixture *f, const char *method, const char *params)
{
	char line[1024];
	json_t *result;

	snprintf(line, sizeof(line),
		 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":%s}", method, params);
	say(f, line);
	hear(f, f->fd);
	if (!f->answer)
		fail_msg("no answer to %s", line);
	assert_int_equal(json_integer_value(json_object_get(f->answer, "id")), 7);
	result = json_object_get(f->answer, "result");
	if (!result)
		fail_msg("%s: %s", line, json_dumps(f->answer, 0));

	return result;
}

static void expect_error(struct fixture *f, enum protocol_error code, const char *part)
{
	json_t *error = json_object_get(f->answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	assert_non_null(f->answer);
	assert_non_null(message);
	if (json_integer_value(json_object_get(error, "code")) != code || !strstr(message, part))
		fail_msg("%d with \"%s\" was expected: %s", code, part, json_dumps(error, 0));
}

static void ask_wrongly(struct fixture *f, const char *method, const char *params,
			enum protocol_error code, const char *part)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":%s}", method, params);
	say(f, line);
	hear(f, f->fd);
	expect_error(f, code, part);
}

static void refuse_line(struct fixture *f, const char *line, enum protocol_error code,
			const char *part)
{
	say(f, line);
	hear(f, f->fd);
	expect_error(f, code, part);
	assert_true(json_is_null(json_object_get(f->answer, "id")));
}

static json_int_t number(const json_t *object, const char *key)
{
	if (!json_is_integer(json_object_get(object, key)))
		fail_msg("%s is not a number", key);

	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	if (!value)
		fail_msg("%s is not a text", key);

	return value;
}

static bool truth(const json_t *object, const char *key)
{
	if (!json_is_boolean(json_object_get(object, key)))
		fail_msg("%s is not a bool", key);

	return json_is_true(json_object_get(object, key));
}

/* Rows of all pages of a list; how many pages. */
static unsigned read_pages(struct fixture *f, const char *method, const char *list,
			   json_t *ret_rows)
{
	json_int_t from = 0;
	unsigned pages = 0;

	do {
		char params[64];
		json_t *result;

		snprintf(params, sizeof(params), "{\"from\":%lld}", (long long)from);
		result = ask(f, method, params);
		assert_int_equal(json_array_extend(ret_rows, json_object_get(result, list)), 0);
		from = json_integer_value(json_object_get(result, "next"));
		pages++;
	} while (from != 0);

	return pages;
}

/* -- the protocol -------------------------------------------------------------------------------
 */

static void what_is_not_json_is_refused(void **state)
{
	refuse_line(*state, "hello", PROTOCOL_NOT_JSON, "not JSON");
	refuse_line(*state, "{\"jsonrpc\":\"2.0\",", PROTOCOL_NOT_JSON, "not JSON");
	refuse_line(*state, "{} {}", PROTOCOL_NOT_JSON, "not JSON");
	refuse_line(*state, "{\"a\":\"\xff\"}", PROTOCOL_NOT_JSON, "not JSON");
	refuse_line(*state, "{\"a\":1,\"a\":2}", PROTOCOL_NOT_JSON, "not JSON");
	refuse_line(*state, "{\"a\":\"\\u0000\"}", PROTOCOL_NOT_JSON, "not JSON");
}

static void what_is_not_a_request_is_refused(void **state)
{
	refuse_line(*state, "17", PROTOCOL_NOT_REQUEST, "object");
	refuse_line(*state, "[]", PROTOCOL_NOT_REQUEST, "batches");
	refuse_line(*state, "{}", PROTOCOL_NOT_REQUEST, "jsonrpc");
	refuse_line(*state, "{\"jsonrpc\":\"1.0\",\"method\":\"version\"}", PROTOCOL_NOT_REQUEST,
		    "jsonrpc");
	refuse_line(*state, "{\"jsonrpc\":\"2.0\",\"id\":1}", PROTOCOL_NOT_REQUEST, "method");
	refuse_line(*state, "{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"version\"}",
		    PROTOCOL_NOT_REQUEST, "id");
}

static void wrong_methods_and_parameters_are_refused(void **state)
{
	ask_wrongly(*state, "shutdown", "{}", PROTOCOL_NO_METHOD, "shutdown");
	ask_wrongly(*state, "ports", "[1]", PROTOCOL_BAD_PARAMS, "object");
	ask_wrongly(*state, "ports", "{\"form\":1}", PROTOCOL_BAD_PARAMS, "form");
	ask_wrongly(*state, "ports", "{\"from\":\"1\"}", PROTOCOL_BAD_PARAMS, "from");
	ask_wrongly(*state, "ports", "{\"from\":-1}", PROTOCOL_BAD_PARAMS, "from");
	ask_wrongly(*state, "ports", "{\"problems\":1}", PROTOCOL_BAD_PARAMS, "problems");
	ask_wrongly(*state, "path", "{\"source\":\"4\"}", PROTOCOL_BAD_PARAMS, "destination");
	ask_wrongly(*state, "routes", "{}", PROTOCOL_BAD_PARAMS, "switch");
	ask_wrongly(*state, "explain", "{}", PROTOCOL_BAD_PARAMS, "what");
}

static void a_request_without_id_gets_no_answer(void **state)
{
	struct fixture *f = *state;

	say(f, "{\"jsonrpc\":\"2.0\",\"method\":\"sweep\"}");
	say(f, "{\"jsonrpc\":\"2.0\",\"method\":\"nonsense\"}");
	assert_int_equal(number(ask(f, "sweep", "{}"), "sweeps"), 3);
	assert_int_equal(f->fake->sweeps, 2);
}

static void the_id_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;

	say(f, "{\"jsonrpc\":\"2.0\",\"id\":\"a\\nb\",\"method\":\"version\"}");
	assert_string_equal(text(hear(f, f->fd), "id"), "a\nb");
	say(f, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"version\"}");
	hear(f, f->fd);
	assert_true(json_is_null(json_object_get(f->answer, "id")));
}

static void a_line_may_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	const char *line = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"version\"}\r\n";

	for (const char *c = line; *c; c++) {
		assert_null(hear_line(f, f->fd));
		say_bytes(f, f->fd, c, 1);
	}
	assert_non_null(json_object_get(hear(f, f->fd), "result"));
}

static void many_requests_at_once_are_all_answered_in_order(void **state)
{
	struct fixture *f = *state;
	char line[100];

	for (int i = 0; i < 200; i++) {
		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ports\"}\n", i);
		assert_int_equal(send(f->fd, line, strlen(line), MSG_DONTWAIT), strlen(line));
	}
	for (int i = 0; i < 200; i++)
		assert_int_equal(number(hear(f, f->fd), "id"), i);
}

static void requests_before_a_half_close_are_answered_and_then_it_hangs_up(void **state)
{
	struct fixture *f = *state;

	say_text(f, f->fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n{\"jsonrpc");
	shutdown(f->fd, SHUT_WR);
	assert_int_equal(number(hear(f, f->fd), "id"), 1);
	assert_true(is_hung_up(f, f->fd));
}

static void a_line_that_is_too_long_is_refused_and_the_client_dropped(void **state)
{
	struct fixture *f = *state;
	AUTO(freep) char *line = malloc(2 * PROTOCOL_LINE_MAX);

	assert_non_null(line);
	memset(line, ' ', 2 * PROTOCOL_LINE_MAX);
	say_bytes(f, f->fd, line, 2 * PROTOCOL_LINE_MAX);
	hear(f, f->fd);
	expect_error(f, PROTOCOL_NOT_REQUEST, "65536");
	loop_poll_run(f->loop);
	assert_null(hear_line(f, f->fd));
}

static void the_longest_line_is_answered(void **state)
{
	struct fixture *f = *state;
	AUTO(freep) char *line = malloc(PROTOCOL_LINE_MAX);
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"version\"}";

	assert_non_null(line);
	memset(line, ' ', PROTOCOL_LINE_MAX);
	memcpy(line, request, sizeof(request) - 1);
	line[PROTOCOL_LINE_MAX - 1] = '\n';
	say_bytes(f, f->fd, line, PROTOCOL_LINE_MAX);
	assert_non_null(json_object_get(hear(f, f->fd), "result"));
}

/* -- clients ------------------------------------------------------------------------------------
 */

#define CLIENTS 32 /* at once, as vsmctl(1) says */

static const char version_line[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"version\"}\n";

static bool is_answered(struct fixture *f, int fd)
{
	say_text(f, fd, version_line);

	return json_object_get(hear(f, fd), "result") != NULL;
}

static int connect_later(struct fixture *f)
{
	int fd;

	loop_poll_pass(f->loop, LOOP_SEC);
	fd = connect_to(f->path);
	assert_true(fd >= 0);
	loop_poll_run(f->loop);

	return fd;
}

static void a_client_too_many_takes_the_place_of_the_idlest(void **state)
{
	struct fixture *f = *state;
	int fds[CLIENTS];

	ask(f, "events", "{\"follow\":true}");
	for (int i = 0; i < CLIENTS - 1; i++)
		fds[i] = connect_later(f);
	assert_true(is_answered(f, fds[0]));
	fds[CLIENTS - 1] = connect_later(f);
	assert_true(is_answered(f, fds[CLIENTS - 1]));
	assert_true(is_hung_up(f, fds[1]));
	assert_true(is_answered(f, fds[0]));
	assert_true(is_answered(f, fds[2]));
	ask(f, "version", "{}");
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

static void a_client_too_many_is_told_so_if_all_follow(void **state)
{
	struct fixture *f = *state;
	int fds[CLIENTS];

	ask(f, "events", "{\"follow\":true}");
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connect_later(f);
		say_text(f, fds[i],
			 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"events\","
			 "\"params\":{\"follow\":true}}\n");
		hear(f, fds[i]);
	}
	expect_error(f, PROTOCOL_BUSY, "too many clients");
	assert_true(is_hung_up(f, fds[CLIENTS - 1]));

	close(fds[0]);
	loop_poll_run(f->loop);
	fds[0] = connect_later(f);
	assert_true(is_answered(f, fds[0]));
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

/* With a client that sends requests and takes no answers: what it got in at most. */
static void a_client_that_takes_no_answers_is_not_read_and_then_dropped(void **state)
{
	struct fixture *f = *state;
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ports\"}\n";
	size_t sent = 0;
	ssize_t n;

	fake_grow(f->fake, 2000);
	for (int idle = 0; idle < 3;) {
		n = send(f->fd, request, strlen(request), MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		idle = loop_poll_step(f->loop, 0) || n > 0 ? 0 : idle + 1;
	}
	assert_true(sent < 2 << 20);
	assert_false(is_hung_up(f, f->fd));

	loop_poll_pass(f->loop, 29 * LOOP_SEC);
	loop_poll_run(f->loop);
	assert_int_equal(send(f->fd, "", 0, MSG_NOSIGNAL), 0);
	loop_poll_pass(f->loop, 10 * LOOP_SEC);
	loop_poll_run(f->loop);
	while ((n = recv(f->fd, &(char[4096]){ 0 }, 4096, MSG_DONTWAIT)) > 0)
		;
	assert_true(n == 0 || errno == ECONNRESET);
}

static void an_idle_client_stays(void **state)
{
	struct fixture *f = *state;

	ask(f, "version", "{}");
	loop_poll_pass(f->loop, 86400 * LOOP_SEC);
	loop_poll_run(f->loop);
	ask(f, "version", "{}");
}

static void a_client_that_goes_in_the_middle_does_no_harm(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->path);

	say_text(f, fd, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ports\"}\n{");
	close(fd);
	loop_poll_run(f->loop);
	fd = connect_to(f->path);
	close(fd);
	loop_poll_run(f->loop);
	assert_int_equal(number(ask(f, "stats", "{}"), "clients"), 1);
}

/* -- the socket ---------------------------------------------------------------------------------
 */

static void a_socket_that_answers_is_in_use(void **state)
{
	struct fixture *f = *state;
	struct control_setup setup = setup_of(f);
	struct control *other = NULL;
	char why[256];

	assert_int_equal(control_new(f->loop, f->path, &setup, why, &other), -EADDRINUSE);
	assert_non_null(strstr(why, "in use"));
	ask(f, "version", "{}");
}

/* Whatever it is for: who connects to it as to a stream is told that it is none. */
static void a_socket_of_another_type_is_in_use(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct fixture *f = *state;
	struct control_setup setup = setup_of(f);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *other = NULL;
	struct stat before, after;
	char why[256];

	snprintf(address.sun_path, sizeof(address.sun_path), "%.64s/other", f->folder);
	for (size_t i = 0; i < COUNT(types); i++) {
		int fd = socket(AF_UNIX, types[i], 0);

		assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		if (types[i] != SOCK_DGRAM)
			assert_int_equal(listen(fd, 1), 0);
		assert_int_equal(stat(address.sun_path, &before), 0);
		assert_int_equal(control_new(f->loop, address.sun_path, &setup, why, &other),
				 -EADDRINUSE);
		assert_non_null(strstr(why, "another program"));
		assert_int_equal(stat(address.sun_path, &after), 0);
		assert_int_equal(before.st_ino, after.st_ino);
		close(fd);
		unlink(address.sun_path);
	}
}

static void a_socket_that_nobody_answers_on_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control_setup setup = setup_of(f);
	struct control *other = NULL;
	char why[256], path[108];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof(path), "%.64s/stale", f->folder);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(control_new(f->loop, path, &setup, why, &other), 0);
	fd = connect_to(path);
	assert_true(fd >= 0);
	close(fd);
	control_free(other);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct control_setup setup = setup_of(f);
	struct control *other = NULL;
	char why[256], path[108];

	snprintf(path, sizeof(path), "%.64s/file", f->folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(control_new(f->loop, path, &setup, why, &other), -EEXIST);
	assert_non_null(strstr(why, "not a socket"));
	assert_int_equal(unlink(path), 0);
}

static void a_path_that_cannot_be_is_refused_with_a_sentence(void **state)
{
	struct fixture *f = *state;
	struct control_setup setup = setup_of(f);
	struct control *other = NULL;
	char why[256], path[200];

	memset(path, 'x', sizeof(path));
	path[108] = 0;
	assert_int_equal(control_new(f->loop, path, &setup, why, &other), -ENAMETOOLONG);
	assert_non_null(strstr(why, "107"));
	assert_int_equal(control_new(f->loop, "/nonexistent/s", &setup, why, &other), -ENOENT);
	assert_non_null(strstr(why, "/nonexistent/s"));
}

static void a_socket_of_another_is_not_removed_at_the_end(void **state)
{
	struct fixture *f = *state;
	struct control_setup setup = setup_of(f);
	struct control *other = NULL;
	char why[256], path[108];

	snprintf(path, sizeof(path), "%.64s/other", f->folder);
	assert_int_equal(control_new(f->loop, path, &setup, why, &other), 0);
	assert_int_equal(unlink(path), 0);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	control_free(other);
	assert_int_equal(unlink(path), 0);
}

static void the_socket_lets_in_its_group_and_nobody_else(void **state)
{
	struct fixture *f = *state;
	struct stat s;

	assert_int_equal(stat(f->path, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0660);
}

/* -- roles --------------------------------------------------------------------------------------
 */

static void roles_follow_from_user_and_groups(void **state)
{
	const struct role_rules rules = {
		.own = 900, .reader = 50, .admin = 51, .has_reader = true, .has_admin = true
	};
	const struct role_rules none = { .own = 900 };
	const gid_t reader[] = { 1000, 50 }, admin[] = { 51 }, both[] = { 50, 51 },
		    other[] = { 7, 0 };

	(void)state;
	assert_int_equal(role_decide(&rules, 0, other, 2), ROLE_ADMIN);
	assert_int_equal(role_decide(&rules, 900, other, 2), ROLE_ADMIN);
	assert_int_equal(role_decide(&rules, 1000, reader, 2), ROLE_READER);
	assert_int_equal(role_decide(&rules, 1000, admin, 1), ROLE_ADMIN);
	assert_int_equal(role_decide(&rules, 1000, both, 2), ROLE_ADMIN);
	assert_int_equal(role_decide(&rules, 1000, other, 2), ROLE_NONE);
	assert_int_equal(role_decide(&rules, 1000, NULL, 0), ROLE_NONE);
	assert_int_equal(role_decide(&none, 1000, other, 2), ROLE_NONE);
}

/* The code of the error that a client with @role gets, 0 for a result. */
static json_int_t code_for(struct rpc *rpc, enum role role, const char *method)
{
	struct rpc_client client = { .role = role };
	char line[100];
	json_t *answer;
	json_int_t code;

	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}", method);
	AUTO(freep) char *text = rpc_answer(rpc, &client, line, strlen(line));

	answer = json_loads(text, 0, NULL);
	code = json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
	json_decref(answer);

	return code;
}

static void readers_look_and_admins_change_and_others_learn_nothing(void **state)
{
	static const char *const looks[] = { "status", "ports", "events", "version", "stats" };
	static const char *const orders[] = { "sweep", "reload" };
	struct fixture *f = *state;
	struct control_setup setup = setup_of(f);
	struct rpc rpc;

	rpc_init(&rpc, f->loop, &setup);
	for (size_t i = 0; i < COUNT(looks); i++) {
		assert_int_equal(code_for(&rpc, ROLE_NONE, looks[i]), PROTOCOL_DENIED);
		assert_int_equal(code_for(&rpc, ROLE_READER, looks[i]), 0);
		assert_int_equal(code_for(&rpc, ROLE_ADMIN, looks[i]), 0);
	}
	for (size_t i = 0; i < COUNT(orders); i++) {
		assert_int_equal(code_for(&rpc, ROLE_NONE, orders[i]), PROTOCOL_DENIED);
		assert_int_equal(code_for(&rpc, ROLE_READER, orders[i]), PROTOCOL_DENIED);
		assert_int_equal(f->fake->sweeps + f->reloads, i);
		assert_int_equal(code_for(&rpc, ROLE_ADMIN, orders[i]), 0);
	}
	assert_int_equal(code_for(&rpc, ROLE_NONE, "nonsense"), PROTOCOL_DENIED);
	rpc_done(&rpc);
}

/* As user 65534 with the groups @groups: connects and asks; the status says what went wrong. */
static void be_somebody(const char *path, const char *line, const gid_t *groups, size_t n)
{
	char answer[1024] = "";
	int fd;

	if (setgroups(n, groups) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		_exit(1);
	fd = connect_to(path);
	if (fd < 0 || send(fd, line, strlen(line), 0) < 0)
		_exit(2);
	if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0 || !strstr(answer, "-32001"))
		_exit(3);
	if (recv(fd, answer, sizeof(answer) - 1, 0) != 0)
		_exit(4);
	_exit(0);
}

static int run_child(struct fixture *f, pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, WNOHANG) == 0)
		loop_poll_step(f->loop, 10);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* As user 65534: opens more connections than there are places for it, until @until is written to.
 */
static void be_a_crowd(const char *path, int until)
{
	char byte;

	if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(1);
	for (int i = 0; i < 2 * CLIENTS; i++)
		if (connect_to(path) < 0)
			_exit(2);
	_exit(read(until, &byte, 1) == 1 ? 0 : 3);
}

static void who_may_do_less_does_not_take_the_place_of_who_may_do_more(void **state)
{
	struct fixture *f = *state;
	int ends[2], fds[3];
	pid_t child;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(f->folder, 0755), 0);
	assert_int_equal(chmod(f->path, 0666), 0);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0)
		be_a_crowd(f->path, ends[0]);
	for (int i = 0; i < 100; i++)
		loop_poll_step(f->loop, 10);

	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = connect_later(f);
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_true(is_answered(f, fds[i]));
	assert_int_equal(number(ask(f, "stats", "{}"), "clients"), CLIENTS - 1);
	assert_int_equal(write(ends[1], "", 1), 1);
	assert_int_equal(run_child(f, child), 0);
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	close(ends[0]);
	close(ends[1]);
}

static void somebody_else_is_refused_and_dropped(void **state)
{
	struct fixture *f = *state;
	const gid_t groups[] = { 65533 };
	pid_t child;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(f->folder, 0755), 0);
	assert_int_equal(chmod(f->path, 0666), 0);
	child = fork();
	if (child == 0)
		be_somebody(f->path, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"version\"}\n",
			    groups, 1);
	assert_int_equal(run_child(f, child), 0);
}

/* -- what is answered ---------------------------------------------------------------------------
 */

static void status_has_what_scripts_wait_for(void **state)
{
	struct fixture *f = *state;
	json_t *status = ask(f, "status", "{}");
	json_t *smps = json_object_get(json_object_get(status, "smps"), "PortInfo");

	assert_string_equal(text(status, "schema"), "vsm.status.v1");
	assert_string_equal(text(status, "state"), "master");
	assert_int_equal(number(status, "generation"), 12);
	assert_int_equal(number(status, "applied"), 12);
	assert_int_equal(number(status, "nodes"), 9);
	assert_int_equal(number(status, "switches"), 3);
	assert_int_equal(number(status, "ports_active"), 10);
	assert_int_equal(number(status, "ports_not_active"), 3);
	assert_int_equal(number(status, "ports_with_problems"), 3);
	assert_int_equal(number(status, "vfs_active"), 0);
	assert_int_equal(number(status, "vfs_not_active"), 0);
	assert_int_equal(number(status, "lids_used"), 7);
	assert_int_equal(number(status, "lids_spare"), 20);
	assert_int_equal(number(status, "lids_free"), 49124);
	assert_int_equal(number(status, "lids_total"), 49151);
	assert_int_equal(number(json_object_get(status, "last_sweep"), "seconds_ago"), 12);
	assert_int_equal(number(json_object_get(smps, "get"), "sent"), 1);
	assert_int_equal(number(json_object_get(smps, "get"), "answered"), 1);
	assert_int_equal(number(json_object_get(smps, "get"), "retried"), 0);
	assert_int_equal(number(json_object_get(smps, "get"), "timed_out"), 0);
	assert_int_equal(number(json_object_get(smps, "get"), "refused"), 0);
}

static void status_says_which_generation_the_dumps_show(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(number(ask(f, "status", "{}"), "dumped"), 0);
	f->dumped = 11;
	assert_int_equal(number(ask(f, "status", "{}"), "dumped"), 11);
	f->sm = NULL;
	assert_int_equal(number(ask(f, "status", "{}"), "dumped"), 11);
}

static void status_says_which_dump_could_not_be_written_why_and_what_then(void **state)
{
	struct fixture *f = *state;
	const json_t *failure;

	assert_true(json_is_null(json_object_get(ask(f, "status", "{}"), "dump_failure")));
	f->failure = (struct dump_failure){ .dir = "/dumps",
					    .file = "opensm.fdbs",
					    .error = -ENOSPC,
					    .again = loop_now(f->loop) + 42 * LOOP_SEC };
	failure = json_object_get(ask(f, "status", "{}"), "dump_failure");
	assert_string_equal(text(failure, "dir"), "/dumps");
	assert_string_equal(text(failure, "file"), "opensm.fdbs");
	assert_string_equal(text(failure, "error"), "No space left on device");
	assert_int_equal(number(failure, "again_in_seconds"), 42);
	assert_int_equal(strlen(text(failure, "again")), strlen("2026-11-22T17:43:46Z"));
	f->failure.again = LOOP_SEC; /* was its time, and it is not the master's turn */
	failure = json_object_get(ask(f, "status", "{}"), "dump_failure");
	assert_int_equal(number(failure, "again_in_seconds"), 0);
	f->failure.again = 0;
	f->failure.file = NULL;
	failure = json_object_get(ask(f, "status", "{}"), "dump_failure");
	assert_true(json_is_null(json_object_get(failure, "again")));
	assert_true(json_is_null(json_object_get(failure, "file")));
}

/* Of Active ports too, and as many as "ports" lists. */
static void status_counts_ports_with_problems(void **state)
{
	struct fixture *f = *state;
	uint32_t host1 = fabric_find_port(f->fake->fabric, 0x101);

	f->fake->fabric->ports[host1].reason = REASON_NO_ROUTE;
	assert_int_equal(number(ask(f, "status", "{}"), "ports_with_problems"), 4);
	assert_int_equal(
		json_array_size(json_object_get(ask(f, "ports", "{\"problems\":true}"), "ports")),
		4);
	f->sm = NULL;
	assert_int_equal(number(ask(f, "status", "{}"), "ports_with_problems"), 0);
}

static void status_says_why_the_store_is_not_written(void **state)
{
	struct fixture *f = *state;

	assert_true(json_is_null(json_object_get(ask(f, "status", "{}"), "store_trouble")));
	f->store_trouble = "Cannot write to vsm.db in /state: the disk is full";
	assert_string_equal(text(ask(f, "status", "{}"), "store_trouble"), f->store_trouble);
	f->sm = NULL;
	assert_string_equal(text(ask(f, "status", "{}"), "store_trouble"), f->store_trouble);
}

static void before_there_is_a_port_only_status_version_and_reload_answer(void **state)
{
	struct fixture *f = *state;
	json_t *status;

	f->sm = NULL;
	status = ask(f, "status", "{}");
	assert_string_equal(text(status, "state"), "not-active");
	assert_string_equal(text(status, "trouble"), "no RDMA device");
	assert_string_equal(text(ask(f, "version", "{}"), "version"), "1.2.3");
	ask(f, "reload", "{}");
	ask_wrongly(f, "ports", "{}", PROTOCOL_NO_PORT, "no RDMA device");
	ask_wrongly(f, "sweep", "{}", PROTOCOL_NO_PORT, "no RDMA device");
}

static void every_method_says_its_schema(void **state)
{
	static const char *const methods[][2] = {
		{ "status", "{}" },
		{ "nodes", "{}" },
		{ "ports", "{}" },
		{ "links", "{}" },
		{ "vfs", "{}" },
		{ "groups", "{}" },
		{ "group-show", "{\"group\":\"0xc000\"}" },
		{ "partitions", "{}" },
		{ "routes", "{\"switch\":\"leaf1\"}" },
		{ "path", "{\"source\":\"4\",\"destination\":\"5\"}" },
		{ "services", "{}" },
		{ "subscriptions", "{}" },
		{ "events", "{}" },
		{ "explain", "{\"what\":\"4\"}" },
		{ "stats", "{}" },
		{ "version", "{}" },
		{ "sweep", "{}" },
		{ "reload", "{}" },
	};
	json_t *vfs = json_object_get(ask(*state, "vfs", "{}"), "vfs");
	struct fixture *f = *state;
	char schema[64];

	fake_add_groups(f->fake);
	assert_true(json_is_array(vfs));
	for (size_t i = 0; i < COUNT(methods); i++) {
		snprintf(schema, sizeof(schema), "vsm.%s.v1", methods[i][0]);
		assert_string_equal(text(ask(*state, methods[i][0], methods[i][1]), "schema"),
				    schema);
	}
}

/* -- what is reserved ---------------------------------------------------------------------------
 */

#define VF        "\"guid\":\"0x0200000000000001\""
#define ADD(more) "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"vf-add\",\"params\":{" VF more "}}"

static json_t *shown(struct fixture *f, size_t n)
{
	return json_array_get(json_object_get(ask(f, "vf-show", "{}"), "reservations"), n);
}

static void what_is_reserved_is_shown_until_it_is_taken_back(void **state)
{
	struct fixture *f = *state;
	json_t *row;

	row = ask(f, "vf-add",
		  "{" VF
		  ",\"lid\":50,\"place\":[\"0x101\",\"0000000000000201\"],\"name\":\"vm 1\"}");
	assert_int_equal(number(row, "lid"), 50);
	row = shown(f, 0);
	assert_string_equal(text(row, "guid"), "0x0200000000000001");
	assert_int_equal(number(row, "lid"), 50);
	assert_int_equal(number(row, "reserved_lid"), 50);
	assert_string_equal(text(row, "name"), "vm 1");
	assert_int_equal(json_array_size(json_object_get(row, "places")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(row, "places"), 1)),
			    "0x0000000000000201");
	assert_true(json_is_null(json_object_get(row, "at")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(row, "pkeys"), 0)),
			    "0xffff");
	assert_null(shown(f, 1));
	ask(f, "vf-remove", "{" VF "}");
	ask(f, "vf-remove", "{" VF "}");
	assert_null(shown(f, 0));
}

static void a_name_is_that_of_one(void **state)
{
	struct fixture *f = *state;

	ask(f, "vf-add", "{" VF ",\"name\":\"vm 1\"}");
	ask(f, "vf-add", "{" VF ",\"name\":\"vm 1\"}"); /* its own */
	ask_wrongly(f, "vf-add", "{\"guid\":\"0x0200000000000002\",\"name\":\"vm 1\"}",
		    PROTOCOL_REFUSED, "0x0200000000000001 has the name \"vm 1\" already");
	ask(f, "vf-add", "{\"guid\":\"0x0200000000000002\",\"name\":\"vm 2\"}");
	ask(f, "vf-remove", "{\"guid\":\"vm 1\"}");
	ask_wrongly(f, "vf-remove", "{\"guid\":\"vm 1\"}", PROTOCOL_NOT_FOUND, "\"vm 1\"");
	ask_wrongly(f, "vf-move", "{\"guid\":\"vm 1\",\"port\":\"0x301\"}", PROTOCOL_NOT_FOUND,
		    "\"vm 1\"");
}

static void who_is_to_move_is_shown_until_it_has(void **state)
{
	struct fixture *f = *state;
	json_t *row;

	row = ask(f, "vf-move", "{" VF ",\"port\":\"0x301\"}");
	assert_string_equal(text(row, "moving_to"), "0x0000000000000301");
	/* Nothing is reserved for it; others have no place to go to. */
	ask(f, "vf-add", "{\"guid\":\"0x201\"}");
	assert_true(json_is_null(json_object_get(shown(f, 0), "moving_to")));
	assert_string_equal(text(shown(f, 1), "guid"), "0x0200000000000001");
	assert_string_equal(text(shown(f, 1), "moving_to"), "0x0000000000000301");
	assert_null(shown(f, 2));
	row = json_object_get(ask(f, "vf-show", "{" VF "}"), "reservations");
	assert_int_equal(json_array_size(row), 1);
	row = json_object_get(ask(f, "vf-show", "{\"from\":1,\"limit\":1}"), "reservations");
	assert_int_equal(json_array_size(row), 1);
	/* And once if something is. */
	ask(f, "vf-add", "{" VF "}");
	assert_string_equal(text(shown(f, 1), "moving_to"), "0x0000000000000301");
	assert_null(shown(f, 2));
	row = json_object_get(ask(f, "vf-show", "{" VF "}"), "reservations");
	assert_int_equal(json_array_size(row), 1);
	row = ask(f, "vf-move", "{" VF ",\"cancel\":true}");
	assert_true(json_is_null(json_object_get(row, "moving_to")));
	assert_true(json_is_null(json_object_get(shown(f, 1), "moving_to")));
}

/* Of whom it is said goes by GUID, where to by what people call it. */
static void a_port_to_move_to_goes_by_any_of_its_names(void **state)
{
	static const char *const names[] = { "0x301", "host3/1", "host3 HCA-1/1",
					     "00:00:00:00:00:00:03:01" };
	struct fixture *f = *state;
	json_t *row;

	for (size_t i = 0; i < COUNT(names); i++) {
		char params[128];

		ask(f, "vf-move", "{" VF ",\"cancel\":true}");
		snprintf(params, sizeof(params), "{" VF ",\"port\":\"%s\"}", names[i]);
		row = ask(f, "vf-move", params);
		assert_string_equal(text(row, "moving_to"), "0x0000000000000301");
	}
	ask(f, "vf-add", "{" VF ",\"place\":[\"host3/1\"]}");
	row = json_object_get(shown(f, 0), "places");
	assert_string_equal(json_string_value(json_array_get(row, 0)), "0x0000000000000301");
	ask_wrongly(f, "vf-move", "{" VF ",\"port\":\"leaf1/1\"}", PROTOCOL_BAD_PARAMS,
		    "leaf1/1 is a switch");
	ask_wrongly(f, "vf-move", "{" VF ",\"port\":\"leaf1\"}", PROTOCOL_BAD_PARAMS,
		    "leaf1 is a switch");
	ask_wrongly(f, "vf-move", "{" VF ",\"port\":\"host3\"}", PROTOCOL_BAD_PARAMS,
		    "host3 has several ports; say which: host3/1");
	ask_wrongly(f, "vf-move", "{" VF ",\"port\":\"x\"}", PROTOCOL_NOT_FOUND, "\"x\"");
	ask_wrongly(f, "vf-move", "{" VF ",\"port\":\"host3/7\"}", PROTOCOL_NOT_FOUND, "host3");
}

static void one_that_is_there_is_shown_with_its_place_and_keys(void **state)
{
	struct fixture *f = *state;
	json_t *row;

	ask(f, "vf-add", "{\"guid\":\"00:00:00:00:00:00:02:01\"}");
	ask(f, "vf-add", "{" VF "}");
	row = json_object_get(ask(f, "vf-show", "{\"guid\":\"0x201\"}"), "reservations");
	assert_int_equal(json_array_size(row), 1);
	row = json_array_get(row, 0);
	assert_int_equal(number(row, "lid"), 5);
	assert_true(json_is_null(json_object_get(row, "reserved_lid")));
	assert_string_equal(text(json_object_get(row, "at"), "name"), "host2 HCA-1");
	assert_int_equal(number(json_object_get(row, "at"), "port"), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(row, "pkeys"), 1)),
			    "0x0002");
}

/* 2 uses the LID of its port. */
static void virtual_functions_are_shown_with_their_index(void **state)
{
	struct fixture *f = *state;
	char params[64];
	json_t *row;

	fake_add_vfs(f->fake);
	snprintf(params, sizeof(params), "{\"guid\":\"0x%llx\"}", (unsigned long long)FAKE_VF(2));
	ask(f, "vf-add", params);
	row = shown(f, 0);
	assert_string_equal(text(json_object_get(row, "at"), "name"), "host1 HCA-1");
	assert_int_equal(number(json_object_get(row, "at"), "index"), 2);
	assert_int_equal(number(row, "lid"), 4);
	assert_true(json_is_null(json_object_get(row, "reserved_lid")));
}

static void reservations_come_in_pages(void **state)
{
	struct fixture *f = *state;
	json_t *rows = json_array();

	for (unsigned i = 1; i <= 130; i++) {
		char params[64];

		snprintf(params, sizeof(params), "{\"guid\":\"0x%x\"}", 0x100000 + i);
		ask(f, "vf-add", params);
	}
	assert_int_equal(read_pages(f, "vf-show", "reservations", rows), 3);
	assert_int_equal(json_array_size(rows), 130);
	json_decref(rows);
}

static void what_cannot_be_reserved_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *params;
		enum protocol_error code;
		const char *part;
	} bad[] = {
		{ "{}", PROTOCOL_BAD_PARAMS, "parameter \"guid\" is missing" },
		{ "{\"guid\":\"0x0\"}", PROTOCOL_BAD_PARAMS, "\"0x0\" is not a GUID such as" },
		{ "{\"guid\":\"5\"}", PROTOCOL_BAD_PARAMS, "\"5\" is not a GUID such as" },
		{ "{\"guid\":\"\"}", PROTOCOL_BAD_PARAMS, "\"\" is not a GUID such as" },
		{ "{\"guid\":\"0x\"}", PROTOCOL_BAD_PARAMS, "\"0x\" is not a GUID such as" },
		{ "{\"guid\":\"0x10000000000000000\"}", PROTOCOL_BAD_PARAMS, "is not a GUID" },
		{ "{\"guid\":\"02:00:00:00:00:00:00-01\"}", PROTOCOL_BAD_PARAMS, "is not a GUID" },
		{ "{\"guid\":\"02:00:00:00:00:00:0g:01\"}", PROTOCOL_BAD_PARAMS, "is not a GUID" },
		{ "{\"guid\":\"02:00:00:00:00:00:00:01:02\"}", PROTOCOL_BAD_PARAMS, "not a GUID" },
		{ "{" VF ",\"lid\":0}", PROTOCOL_BAD_PARAMS, "LID 0 is not unicast" },
		{ "{" VF ",\"lid\":49152}", PROTOCOL_BAD_PARAMS,
		  "LID 49152 is not unicast, which is 1 to 49151" },
		{ "{" VF ",\"lid\":65541}", PROTOCOL_BAD_PARAMS, "LID 65541 is not unicast" },
		{ "{" VF ",\"lid\":\"5\"}", PROTOCOL_BAD_PARAMS, "must be a number from 0 on" },
		{ "{" VF ",\"lid\":5}", PROTOCOL_FAILED, "LID 5 belongs to" },
		{ "{" VF ",\"place\":\"0x101\"}", PROTOCOL_BAD_PARAMS, "must be a list of texts" },
		{ "{" VF ",\"place\":[5]}", PROTOCOL_BAD_PARAMS, "must be a list of texts" },
		{ "{" VF ",\"place\":[\"leaf1\"]}", PROTOCOL_BAD_PARAMS, "leaf1 is a switch" },
		{ "{" VF ",\"place\":[\"0x1\",\"0x2\",\"0x3\",\"0x4\",\"0x5\",\"0x6\",\"0x7\","
		  "\"0x8\",\"0x9\",\"0xa\",\"0xb\",\"0xc\",\"0xd\",\"0xe\",\"0xf\",\"0x10\","
		  "\"0x11\"]}",
		  PROTOCOL_BAD_PARAMS, "there are at most 16 places" },
		{ "{" VF ",\"name\":\"a\\nb\"}", PROTOCOL_BAD_PARAMS, "has a control character" },
		{ "{" VF ",\"name\":\"0123456789012345678901234567890123456789012345678901234567890"
		  "1234\"}",
		  PROTOCOL_BAD_PARAMS, "a name has at most 64 bytes" },
		{ "{" VF ",\"pkey\":5}", PROTOCOL_BAD_PARAMS, "vf-add has no parameter \"pkey\"" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bad); i++)
		ask_wrongly(f, "vf-add", bad[i].params, bad[i].code, bad[i].part);
	ask_wrongly(f, "vf-remove", "{}", PROTOCOL_BAD_PARAMS, "parameter \"guid\" is missing");
	ask_wrongly(f, "vf-show", "{\"guid\":\"x\"}", PROTOCOL_NOT_FOUND, "is not a GUID");
	ask_wrongly(f, "vf-move", "{" VF "}", PROTOCOL_BAD_PARAMS, "say where to");
	ask_wrongly(f, "vf-move", "{" VF ",\"port\":\"0x301\",\"cancel\":true}",
		    PROTOCOL_BAD_PARAMS, "say where to");
	ask_wrongly(f, "vf-move", "{" VF ",\"port\":\"0x77\"}", PROTOCOL_BAD_PARAMS,
		    "no such port");
	f->fake->status->state = SM_STANDBY;
	ask_wrongly(f, "vf-add", "{" VF "}", PROTOCOL_NOT_MASTER, "not master");
	ask_wrongly(f, "vf-remove", "{" VF "}", PROTOCOL_NOT_MASTER, "not master");
	ask_wrongly(f, "vf-move", "{" VF ",\"port\":\"0x301\"}", PROTOCOL_NOT_MASTER, "not master");
	assert_null(shown(f, 0));
}

static void only_admins_reserve(void **state)
{
	struct fixture *f = *state;
	struct control_setup setup = setup_of(f);
	struct rpc rpc;

	rpc_init(&rpc, f->loop, &setup);
	assert_int_equal(code_for(&rpc, ROLE_READER, "vf-add"), PROTOCOL_DENIED);
	assert_int_equal(code_for(&rpc, ROLE_READER, "vf-remove"), PROTOCOL_DENIED);
	assert_int_equal(code_for(&rpc, ROLE_READER, "vf-move"), PROTOCOL_DENIED);
	assert_int_equal(code_for(&rpc, ROLE_READER, "vf-show"), 0);
	assert_int_equal(code_for(&rpc, ROLE_ADMIN, "vf-add"), PROTOCOL_BAD_PARAMS);
	rpc_done(&rpc);
}

/* -- waiting for the disk -----------------------------------------------------------------------
 */

static void the_answer_comes_when_it_is_on_disk_and_others_meanwhile(void **state)
{
	struct fixture *f = *state;

	f->fake->disk_waits = true;
	say(f, ADD(""));
	assert_null(hear_line(f, f->fd));
	say(f, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"version\"}");
	hear(f, f->fd);
	assert_int_equal(number(f->answer, "id"), 8);
	assert_null(hear_line(f, f->fd));
	fake_keep(f->fake, 0);
	hear(f, f->fd);
	assert_int_equal(number(f->answer, "id"), 7);
	assert_string_equal(text(json_object_get(f->answer, "result"), "schema"), "vsm.vf-add.v1");
	assert_null(hear_line(f, f->fd));
}

static void a_disk_that_fails_is_said(void **state)
{
	struct fixture *f = *state;

	f->fake->disk_waits = true;
	say(f, ADD(""));
	loop_poll_run(f->loop);
	fake_keep(f->fake, -ENOSPC);
	hear(f, f->fd);
	expect_error(f, PROTOCOL_FAILED,
		     "it is done, but not on disk, and lost if vsm ends now: No space left");
	assert_int_equal(number(f->answer, "id"), 7);
	say(f, ADD(""));
	loop_poll_run(f->loop);
	fake_keep(f->fake, -ECANCELED);
	hear(f, f->fd);
	expect_error(f, PROTOCOL_FAILED, "vsm lost its port before this was on disk; ask again");
}

static void who_says_no_more_is_answered_all_the_same(void **state)
{
	struct fixture *f = *state;

	f->fake->disk_waits = true;
	say(f, ADD(""));
	shutdown(f->fd, SHUT_WR);
	loop_poll_run(f->loop);
	assert_false(is_hung_up(f, f->fd));
	fake_keep(f->fake, 0);
	hear(f, f->fd);
	assert_int_equal(number(f->answer, "id"), 7);
	assert_true(is_hung_up(f, f->fd));
}

static void who_goes_away_is_forgotten_and_its_wish_done(void **state)
{
	struct fixture *f = *state;

	f->fake->disk_waits = true;
	say(f, ADD(""));
	loop_poll_run(f->loop);
	close(f->fd);
	loop_poll_run(f->loop);
	control_free(f->control);
	f->control = NULL;
	fake_keep(f->fake, 0);
	f->fd = -1;
	assert_non_null(sm_reservation(f->sm, 0));
}

static void who_waits_for_much_is_not_listened_to(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	f->fake->disk_waits = true;
	for (unsigned i = 0; i < 40; i++) {
		char line[200];

		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"vf-add\",\"params\":"
			 "{\"guid\":\"0x%x\"}}",
			 i, 0x100000 + i);
		say(f, line);
	}
	loop_poll_run(f->loop);
	while (sm_reservation(f->sm, n))
		n++;
	assert_int_equal(n, LATER_MAX);
	f->fake->disk_waits = false;
	fake_keep(f->fake, 0);
	for (unsigned i = 0; i < 40; i++) {
		assert_non_null(hear(f, f->fd));
		assert_int_equal(number(f->answer, "id"), i);
	}
}

static void a_request_without_id_waits_for_nothing(void **state)
{
	struct fixture *f = *state;

	f->fake->disk_waits = true;
	say(f, "{\"jsonrpc\":\"2.0\",\"method\":\"vf-add\",\"params\":{" VF "}}");
	ask(f, "version", "{}");
	assert_non_null(sm_reservation(f->sm, 0));
	fake_keep(f->fake, 0);
	assert_null(hear_line(f, f->fd));
}

static void a_list_of_any_length_comes_in_small_pages(void **state)
{
	struct fixture *f = *state;
	json_t *rows = json_array();
	size_t ports = 5 + 9 + 9 + 1 + 1 + 2 + 1 + 1 + 1 + 3000;

	fake_grow(f->fake, 3000);
	assert_int_equal(read_pages(f, "nodes", "nodes", rows), 12);
	assert_int_equal(json_array_size(rows), 3009);
	json_array_clear(rows);
	assert_true(read_pages(f, "ports", "ports", rows) >= ports / 256);
	assert_int_equal(json_array_size(rows), ports);
	json_decref(rows);
}

static void a_page_is_as_short_as_wanted_and_goes_on_where_it_ended(void **state)
{
	json_t *result = ask(*state, "nodes", "{\"limit\":2}");

	assert_int_equal(json_array_size(json_object_get(result, "nodes")), 2);
	assert_int_equal(number(result, "next"), 2);
	result = ask(*state, "nodes", "{\"limit\":1,\"from\":2}");
	assert_string_equal(text(json_array_get(json_object_get(result, "nodes"), 0), "name"),
			    "leaf2");
	result = ask(*state, "nodes", "{\"from\":1000000000000}");
	assert_int_equal(json_array_size(json_object_get(result, "nodes")), 0);
	assert_null(json_object_get(result, "next"));
	result = ask(*state, "nodes", "{\"limit\":0}");
	assert_int_equal(json_array_size(json_object_get(result, "nodes")), 1);
}

static void problems_are_ports_that_are_not_as_planned(void **state)
{
	json_t *ports = json_object_get(ask(*state, "ports", "{\"problems\":true}"), "ports");

	assert_int_equal(json_array_size(ports), 3);
	assert_string_equal(text(json_array_get(ports, 0), "reason"), "waiting-for-neighbor");
	assert_string_equal(text(json_array_get(ports, 1), "reason"), "neighbor-silent");
	assert_string_equal(text(json_array_get(ports, 2), "reason"), "set-refused");
	assert_string_equal(text(json_array_get(ports, 2), "state"), "init");
	assert_int_equal(number(json_array_get(ports, 2), "since_seconds"), 7265);
	assert_string_equal(text(json_array_get(ports, 2), "since"), "2023-11-14T20:12:15Z");
}

static void ports_of_one_node_or_one_port(void **state)
{
	json_t *ports = json_object_get(ask(*state, "ports", "{\"of\":\"leaf1\"}"), "ports");

	assert_int_equal(json_array_size(ports), 9);
	ports = json_object_get(ask(*state, "ports", "{\"of\":\"leaf1/7\"}"), "ports");
	assert_int_equal(json_array_size(ports), 1);
	assert_int_equal(number(json_array_get(ports, 0), "port"), 7);
	assert_string_equal(text(json_object_get(json_array_get(ports, 0), "peer"), "name"),
			    "MF0;spine:MSB7700/U1");
}

static void a_link_is_there_once_and_a_slow_one_is_marked(void **state)
{
	json_t *links = json_object_get(ask(*state, "links", "{}"), "links");
	json_t *link;

	assert_int_equal(json_array_size(links), 6);
	links = json_object_get(ask(*state, "links", "{\"of\":\"host3\"}"), "links");
	assert_int_equal(json_array_size(links), 1);
	link = json_array_get(links, 0);
	assert_true(truth(link, "slow"));
	assert_int_equal(number(link, "width"), 1);
	assert_string_equal(text(link, "speed"), "QDR");
	assert_int_equal(number(link, "can_width"), 4);
	assert_string_equal(text(link, "can_speed"), "EDR");
	links = json_object_get(ask(*state, "links", "{\"of\":\"host1\"}"), "links");
	assert_false(truth(json_array_get(links, 0), "slow"));
	links = json_object_get(ask(*state, "links", "{\"problems\":true}"), "links");
	assert_int_equal(json_array_size(links), 2);
}

static void the_lid_of_a_switch_means_all_its_links(void **state)
{
	struct fixture *f = *state;
	const struct fabric *fabric = sm_fabric(f->sm);
	uint32_t leaf = fabric_find_node(fabric, 0x20);
	char by_lid[32];

	snprintf(by_lid, sizeof(by_lid), "{\"of\":\"%u\"}",
		 port_lid(fabric, fabric->nodes[leaf].first_port));
	assert_true(json_array_size(json_object_get(ask(f, "links", by_lid), "links")) > 1);
	assert_int_equal(json_array_size(json_object_get(ask(f, "links", by_lid), "links")),
			 json_array_size(json_object_get(
				 ask(f, "links", "{\"of\":\"0x0000000000000020\"}"), "links")));
}

/* What @what is found as: the GUID of its node. */
static void find(void **state, const char *what, const char *guid)
{
	char params[200];

	snprintf(params, sizeof(params), "{\"what\":\"%s\"}", what);
	assert_string_equal(text(ask(*state, "explain", params), "node_guid"), guid);
}

static void things_are_found_by_guid_lid_and_name(void **state)
{
	find(state, "0x00000000000100", "0x0000000000000100");
	find(state, "0x0000000000000101", "0x0000000000000100");
	find(state, "0000000000000301", "0x0000000000000300");
	find(state, "6", "0x0000000000000300");
	find(state, "0x6", "0x0000000000000300");
	find(state, "host1 HCA-1", "0x0000000000000100");
	find(state, "host1", "0x0000000000000100");
	find(state, "MF0;spine:MSB7700/U1", "0x0000000000000010");
	find(state, "MF0;spine:MSB7700/U1/2", "0x0000000000000010");
	find(state, "0x0000000000000020/7", "0x0000000000000020");
}

static void what_is_not_found_is_said(void **state)
{
	ask_wrongly(*state, "explain", "{\"what\":\"host\"}", PROTOCOL_NOT_FOUND, "\"host\"");
	ask_wrongly(*state, "explain", "{\"what\":\"\"}", PROTOCOL_NOT_FOUND, "\"\"");
	ask_wrongly(*state, "explain", "{\"what\":\"7\"}", PROTOCOL_NOT_FOUND, "LID 7");
	ask_wrongly(*state, "explain", "{\"what\":\"65535\"}", PROTOCOL_NOT_FOUND, "65535");
	ask_wrongly(*state, "explain", "{\"what\":\"0xabcdef\"}", PROTOCOL_NOT_FOUND,
		    "0x0000000000abcdef");
	ask_wrongly(*state, "explain", "{\"what\":\"leaf1/9\"}", PROTOCOL_NOT_FOUND, "port 9");
	ask_wrongly(*state, "explain", "{\"what\":\"host1/0\"}", PROTOCOL_NOT_FOUND, "port 0");
	ask_wrongly(*state, "explain", "{\"what\":\"a/1/2/3\"}", PROTOCOL_NOT_FOUND, "a/1/2/3");
	ask_wrongly(*state, "routes", "{\"switch\":\"host1\"}", PROTOCOL_NOT_FOUND, "not a switch");
	ask_wrongly(*state, "path", "{\"source\":\"leaf1\",\"destination\":\"0x500\"}",
		    PROTOCOL_NOT_FOUND, "LID 1280");
}

static void a_name_of_several_lists_them(void **state)
{
	struct fixture *f = *state;
	json_t *error;

	ask_wrongly(f, "explain", "{\"what\":\"twin\"}", PROTOCOL_AMBIGUOUS,
		    "2 nodes are called \"twin\": 0x0000000000000500, 0x0000000000000600");
	error = json_object_get(f->answer, "error");
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(error, "data"), "candidates")), 2);
	fake_grow(f->fake, 100);
	ask_wrongly(f, "explain", "{\"what\":\"one\"}", PROTOCOL_AMBIGUOUS, "100 nodes");
}

static void explain_tells_why_and_what_to_do(void **state)
{
	json_t *result = ask(*state, "explain", "{\"what\":\"host4\"}");
	json_t *port = json_array_get(json_object_get(result, "ports"), 0);

	assert_string_equal(text(port, "reason"), "set-refused");
	assert_non_null(strstr(text(port, "remedy"), "firmware"));
	assert_int_equal(number(port, "status"), 0x1c);
	assert_string_equal(text(port, "gid"), "fe80:0000:0000:0000:0000:0000:0000:0401");
	assert_string_equal(text(json_object_get(port, "peer"), "name"), "leaf2");
	assert_int_equal(number(json_object_get(port, "peer"), "port"), 2);
}

static void explain_tells_the_last_peer_of_who_is_gone(void **state)
{
	struct fixture *f = *state;
	struct fabric *fabric = f->fake->fabric;
	uint32_t port = fabric_find_port(fabric, 0x401), near = fabric->ports[port].peer;
	const char *ask_host4 = "{\"what\":\"host4\"}";
	json_t *ports = json_object_get(ask(f, "explain", ask_host4), "ports");
	json_t *last;

	assert_true(json_is_null(json_object_get(json_array_get(ports, 0), "last_peer")));
	node_of(fabric, port)->present = false;
	fabric_disconnect(fabric, port);
	fabric->ports[near].reason = REASON_NEIGHBOR_SILENT;
	ports = json_object_get(ask(f, "explain", ask_host4), "ports");
	last = json_object_get(json_array_get(ports, 0), "last_peer");
	assert_string_equal(text(last, "name"), "leaf2");
	assert_string_equal(text(last, "type"), "switch");
	assert_int_equal(number(last, "port"), 2);
	assert_true(json_is_true(json_object_get(last, "present")));
	assert_true(json_is_null(json_object_get(last, "peer")));
	assert_string_equal(text(last, "reason"), "neighbor-silent");
}

static void explain_tells_what_was_not_kept_but_no_key(void **state)
{
	json_t *result = ask(*state, "explain", "{\"what\":\"host4\"}");
	json_t *list =
		json_object_get(json_array_get(json_object_get(result, "ports"), 0), "not_kept");
	json_t *key = json_array_get(list, 1);

	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text(json_array_get(list, 0), "setting"), "subnet timeout");
	assert_int_equal(number(json_array_get(list, 0), "wanted"), 18);
	assert_int_equal(number(json_array_get(list, 0), "held"), 0);
	assert_string_equal(text(key, "setting"), "M_Key");
	assert_true(json_is_null(json_object_get(key, "wanted")));
	assert_true(json_is_null(json_object_get(key, "held")));
}

/* The fake's next sweep comes in 5 s, and then one every 10 s. */
static void explain_tells_what_was_tried_and_when_it_is_tried_again(void **state)
{
	json_t *ports = json_object_get(ask(*state, "explain", "{\"what\":\"host4\"}"), "ports");
	json_t *tried = json_object_get(json_array_get(ports, 0), "tried");

	assert_string_equal(text(tried, "what"), "its settings");
	assert_int_equal(number(tried, "failures"), 2);
	assert_int_equal(number(tried, "status"), STATUS_BAD_FIELD);
	assert_int_equal(number(tried, "retry_in"), 4);
	assert_int_equal(number(tried, "next_try_seconds"), 35);
	assert_true(json_is_string(json_object_get(tried, "next_try")));
}

/* Of one that waits for the far end what is tried there; of one with nobody behind it a question.
 */
static void explain_of_a_switch_tells_what_is_tried_behind_its_ports(void **state)
{
	struct fixture *f = *state;
	json_t *ports = json_object_get(ask(f, "explain", "{\"what\":\"leaf2\"}"), "ports");
	json_t *waits = json_object_get(json_array_get(ports, 1), "tried");
	json_t *silent = json_object_get(json_array_get(ports, 2), "tried");

	assert_true(json_is_null(json_object_get(json_array_get(ports, 0), "tried")));
	assert_string_equal(text(waits, "what"), "its settings");
	assert_int_equal(number(waits, "retry_in"), 4);
	assert_true(json_is_null(json_object_get(silent, "what")));
	assert_int_equal(number(silent, "failures"), 0);
	assert_int_equal(number(silent, "retry_in"), 1);
	assert_int_equal(number(silent, "next_try_seconds"), 5);

	f->fake->status->sweep_due = 0;
	ports = json_object_get(ask(f, "explain", "{\"what\":\"host4\"}"), "ports");
	waits = json_object_get(json_array_get(ports, 0), "tried");
	assert_int_equal(number(waits, "retry_in"), 4);
	assert_true(json_is_null(json_object_get(waits, "next_try")));
}

/* Whatever sweeps do. */
static void explain_tells_when_a_quarantine_ends(void **state)
{
	struct fixture *f = *state;
	struct port *port = &f->fake->fabric->ports[fabric_find_port(f->fake->fabric, 0x401)];
	const json_t *tried;

	port->reason = REASON_QUARANTINED;
	port->times_held = 2;
	port->held_until = loop_now(f->loop) + 43 * LOOP_SEC - 1;
	tried = json_object_get(
		json_array_get(json_object_get(ask(f, "explain", "{\"what\":\"host4\"}"), "ports"),
			       0),
		"tried");
	assert_string_equal(text(tried, "what"), "the link");
	assert_int_equal(number(tried, "failures"), 2);
	assert_int_equal(number(tried, "retry_in"), 0);
	assert_in_range(number(tried, "next_try_seconds"), 40, 42);
	assert_true(json_is_string(json_object_get(tried, "next_try")));
}

static void explain_of_a_switch_lists_its_problems(void **state)
{
	json_t *ports = json_object_get(ask(*state, "explain", "{\"what\":\"leaf2\"}"), "ports");

	assert_int_equal(json_array_size(ports), 3);
	assert_int_equal(number(json_array_get(ports, 0), "port"), 0);
	assert_int_equal(number(json_array_get(ports, 1), "port"), 2);
	assert_int_equal(number(json_array_get(ports, 2), "port"), 3);
}

static void partitions_count_members_that_are_there_and_that_are_not(void **state)
{
	json_t *list = json_object_get(ask(*state, "partitions", "{}"), "partitions");
	json_t *blue = json_array_get(list, 1);

	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text(json_array_get(list, 0), "pkey"), "0x7fff");
	assert_string_equal(text(blue, "name"), "blue");
	assert_string_equal(text(blue, "pkey"), "0x0002");
	assert_int_equal(number(blue, "full"), 1);
	assert_int_equal(number(blue, "limited"), 1);
	assert_int_equal(number(blue, "absent"), 1);
}

/* As discovery leaves a host that is gone. */
static void members_that_are_gone_are_absent_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	uint32_t port = fabric_find_port(f->fake->fabric, 0x101);
	json_t *list, *members;

	node_of(f->fake->fabric, port)->present = false;
	list = json_object_get(ask(f, "partitions", "{}"), "partitions");
	assert_int_equal(number(json_array_get(list, 1), "full"), 0);
	assert_int_equal(number(json_array_get(list, 1), "limited"), 1);
	assert_int_equal(number(json_array_get(list, 1), "absent"), 2);
	members = json_object_get(ask(f, "partitions", "{\"partition\":\"blue\"}"), "members");
	assert_int_equal(json_array_size(members), 3);
	assert_string_equal(text(json_array_get(members, 0), "guid"), "0x0000000000000201");
	assert_string_equal(text(json_array_get(members, 1), "guid"), "0x0000000000000101");
	assert_false(truth(json_array_get(members, 1), "present"));
}

static void members_of_a_partition_by_its_name_or_key(void **state)
{
	static const char *const names[] = { "blue", "0x2", "8002", "0x8002" };

	for (size_t i = 0; i < COUNT(names); i++) {
		char params[64];
		json_t *members;

		snprintf(params, sizeof(params), "{\"partition\":\"%s\"}", names[i]);
		members = json_object_get(ask(*state, "partitions", params), "members");
		assert_int_equal(json_array_size(members), 3);
		assert_string_equal(text(json_array_get(members, 0), "membership"), "full");
		assert_string_equal(text(json_array_get(members, 1), "membership"), "limited");
		assert_false(truth(json_array_get(members, 2), "present"));
		assert_string_equal(text(json_array_get(members, 2), "guid"), "0x000000000000dead");
	}
	ask_wrongly(*state, "partitions", "{\"partition\":\"green\"}", PROTOCOL_NOT_FOUND, "green");
}

static void members_come_in_pages_across_present_and_absent(void **state)
{
	json_int_t from = 0;
	unsigned rows = 0;

	do {
		char params[100];
		json_t *result;

		snprintf(params, sizeof(params),
			 "{\"partition\":\"blue\",\"limit\":1,\"from\":%lld}", (long long)from);
		result = ask(*state, "partitions", params);
		rows += (unsigned)json_array_size(json_object_get(result, "members"));
		from = json_integer_value(json_object_get(result, "next"));
	} while (from != 0);
	assert_int_equal(rows, 3);
}

/* The fake has 4 vports with GUIDs of their own that are started, and an alias GUID. */
static void virtual_functions_are_members_too(void **state)
{
	struct fixture *f = *state;
	json_t *list = json_object_get(ask(f, "partitions", "{}"), "partitions");
	json_int_t before = number(json_array_get(list, 0), "full"), from = 0, full;
	unsigned n_vfs = 0, n_rows = 0;

	fake_add_vfs(f->fake);
	list = json_object_get(ask(f, "partitions", "{}"), "partitions");
	full = number(json_array_get(list, 0), "full");
	do {
		char params[100];
		const json_t *rows, *row;
		json_t *result;
		size_t i;

		snprintf(params, sizeof(params),
			 "{\"partition\":\"0x7fff\",\"limit\":2,\"from\":%lld}", (long long)from);
		result = ask(f, "partitions", params);
		rows = json_object_get(result, "members");
		n_rows += (unsigned)json_array_size(rows);
		json_array_foreach(rows, i, row) n_vfs += json_object_get(row, "vf") != NULL;
		from = json_integer_value(json_object_get(result, "next"));
	} while (from != 0);
	assert_int_equal(n_vfs, 5);
	assert_int_equal(n_rows, full);
	assert_true(n_rows > before + 5);
}

static void planned_pkeys_of_a_port_keep_their_index(void **state)
{
	json_t *result = ask(*state, "partitions", "{\"port\":\"host1\"}");
	json_t *key = json_array_get(json_object_get(result, "pkeys"), 1);

	assert_int_equal(json_array_size(json_object_get(result, "pkeys")), 2);
	assert_int_equal(number(key, "index"), 2);
	assert_string_equal(text(key, "pkey"), "0x8002");
	assert_string_equal(text(key, "partition"), "blue");
	assert_int_equal(json_array_size(json_object_get(result, "pkeys_held")), 1);
}

static void routes_are_runs_of_lids(void **state)
{
	json_t *routes = json_object_get(ask(*state, "routes", "{\"switch\":\"leaf1\"}"), "routes");
	json_t *none = json_array_get(routes, 5);

	assert_int_equal(json_array_size(routes), 7);
	assert_int_equal(number(json_array_get(routes, 0), "lid"), 1);
	assert_int_equal(number(json_array_get(routes, 0), "port"), 7);
	assert_int_equal(number(none, "lid"), 6);
	assert_true(json_is_null(json_object_get(none, "port")));
	assert_int_equal(number(json_array_get(routes, 6), "lid"), 8);
}

static void a_path_goes_hop_by_hop(void **state)
{
	json_t *path = ask(*state, "path", "{\"source\":\"host3\",\"destination\":\"host1\"}");
	json_t *hops = json_object_get(path, "hops");

	assert_true(truth(path, "complete"));
	assert_int_equal(json_array_size(hops), 4);
	assert_string_equal(text(json_array_get(hops, 1), "name"), "leaf2");
	assert_int_equal(number(json_array_get(hops, 1), "in_port"), 1);
	assert_int_equal(number(json_array_get(hops, 1), "out_port"), 7);
	assert_string_equal(text(json_array_get(hops, 2), "name"), "MF0;spine:MSB7700/U1");
	assert_int_equal(number(path, "mtu"), 2048);
	assert_int_equal(number(path, "rate_mbps"), 10000);
	assert_int_equal(json_array_size(json_object_get(path, "shared_pkeys")), 1);
	path = ask(*state, "path", "{\"source\":\"host1\",\"destination\":\"host2\"}");
	assert_int_equal(json_array_size(json_object_get(path, "shared_pkeys")), 2);
}

static void a_path_has_the_service_level_of_its_record(void **state)
{
	static const char params[] = "{\"source\":\"host3\",\"destination\":\"host1\"}";
	struct fixture *f = *state;

	f->fake->level = 5;
	assert_int_equal(number(ask(f, "path", params), "service_level"), 5);
	f->fake->level = -ENOENT;
	assert_true(json_is_null(json_object_get(ask(f, "path", params), "service_level")));
}

static void expect_end(void **state, const char *from, const char *to, const char *part)
{
	char params[100];
	json_t *path;

	snprintf(params, sizeof(params), "{\"source\":\"%s\",\"destination\":\"%s\"}", from, to);
	path = ask(*state, "path", params);
	assert_false(truth(path, "complete"));
	if (!strstr(text(path, "end"), part))
		fail_msg("%s: %s", params, text(path, "end"));
}

static void a_path_ends_where_a_packet_would(void **state)
{
	struct fixture *f = *state;

	expect_end(state, "host1", "host3", "no port for LID 6");
	expect_end(state, "host1", "host4", "not active");
	fake_route(f->fake, 0x20, 6, 2);
	expect_end(state, "host1", "host3", "wrong device");
	fake_route(f->fake, 0x20, 6, 5);
	expect_end(state, "host1", "host3", "nothing is connected");
	fake_route(f->fake, 0x20, 6, 7);
	fake_route(f->fake, 0x10, 6, 1);
	expect_end(state, "host1", "host3", "circle");
	fake_route(f->fake, 0x20, 6, 200);
	expect_end(state, "host1", "host3", "no port for LID 6");
}

static void a_path_to_itself_or_to_a_switch_is_complete(void **state)
{
	json_t *path = ask(*state, "path", "{\"source\":\"4\",\"destination\":\"4\"}");

	assert_true(truth(path, "complete"));
	assert_int_equal(json_array_size(json_object_get(path, "hops")), 0);
	path = ask(*state, "path", "{\"source\":\"leaf1\",\"destination\":\"leaf2\"}");
	assert_true(truth(path, "complete"));
	assert_int_equal(json_array_size(json_object_get(path, "hops")), 2);
}

/* -- orders -------------------------------------------------------------------------------------
 */

static void sweep_sweeps(void **state)
{
	struct fixture *f = *state;

	ask(f, "sweep", "{}");
	ask(f, "sweep", "{\"full\":true}");
	assert_int_equal(f->fake->sweeps, 1);
	assert_int_equal(f->fake->full_sweeps, 1);
}

static void who_is_not_master_does_not_sweep_and_has_no_routes(void **state)
{
	struct fixture *f = *state;

	f->fake->status->state = SM_STANDBY;
	f->fake->status->engine = NULL;
	ask_wrongly(f, "sweep", "{}", PROTOCOL_NOT_MASTER, "not master");
	ask_wrongly(f, "routes", "{\"switch\":\"leaf1\"}", PROTOCOL_NOT_MASTER, "not master");
	ask_wrongly(f, "path", "{\"source\":\"4\",\"destination\":\"5\"}", PROTOCOL_NOT_MASTER,
		    "not master");
	/* Who is not master has not given LIDs either: that is why, and not that they have none. */
	f->fake->fabric->ports[fabric_find_port(f->fake->fabric, 0x101)].lid = 0;
	ask_wrongly(f, "path", "{\"source\":\"host1\",\"destination\":\"5\"}", PROTOCOL_NOT_MASTER,
		    "not master");
	assert_int_equal(f->fake->sweeps, 0);
}

static void reload_says_what_changed_and_what_needs_a_restart(void **state)
{
	json_t *changes = json_object_get(ask(*state, "reload", "{}"), "changes");
	json_t *first = json_array_get(changes, 0), *second = json_array_get(changes, 1);

	assert_int_equal(json_array_size(changes), 2);
	assert_string_equal(text(first, "option"), "sweep.interval");
	assert_string_equal(text(first, "before"), "10");
	assert_string_equal(text(first, "after"), "20");
	assert_true(json_is_false(json_object_get(first, "needs_restart")));
	assert_string_equal(text(second, "after"), "\"mlx5_1\"");
	assert_true(json_is_true(json_object_get(second, "needs_restart")));
}

static void reload_warns_of_what_has_no_effect(void **state)
{
	json_t *warnings = json_object_get(ask(*state, "reload", "{}"), "warnings");

	assert_int_equal(json_array_size(warnings), 1);
	assert_string_equal(json_string_value(json_array_get(warnings, 0)),
			    "qos.enable is false: nothing of it is \033used");
}

static void reload_says_what_came_of_it(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(text(ask(f, "reload", "{}"), "text"), "Nothing has changed.");
	f->reload_result = -EINVAL;
	ask_wrongly(f, "reload", "{}", PROTOCOL_FAILED, "vsm.conf:7: no such option");
	assert_int_equal(f->reloads, 2);
}

/* -- partitions at run time ---------------------------------------------------------------------
 */

/* Says it; there is no answer before the disk has it. */
static void order(struct fixture *f, const char *method, const char *params)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"%s\",\"params\":%s}", method, params);
	say(f, line);
	assert_null(hear(f, f->fd));
	if (!f->fake->fn)
		fail_msg("%s was not asked for", line);
}

static json_t *finish(struct fixture *f)
{
	fake_finish_change(f->fake, 0, NULL);
	hear(f, f->fd);
	assert_non_null(f->answer);
	assert_int_equal(json_integer_value(json_object_get(f->answer, "id")), 8);

	return json_object_get(f->answer, "result");
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void members_are_added_and_the_answer_comes_from_the_disk(void **state)
{
	struct fixture *f = *state;
	const struct sm_partition_change *change = &f->fake->change;
	json_t *result;

	order(f, "partition-add",
	      "{\"pkey\":\"0x7AB1\",\"guids\":[\"0200000000000001\",\"0xa\",\"0XFFFFFFFFFFFFFFFF\"]"
	      ","
	      "\"membership\":\"limited\",\"index0\":true,\"name\":\"tenant 7\"}");
	assert_false(change->remove);
	assert_int_equal(change->pkey, 0x7ab1);
	assert_int_equal(change->membership, PARTITION_LIMITED);
	assert_true(change->index0);
	assert_string_equal(change->name, "tenant 7");
	assert_int_equal(change->n_guids, 3);
	assert_true(change->guids[0] == 0x0200000000000001);
	assert_true(change->guids[1] == 0xa);
	assert_true(change->guids[2] == UINT64_MAX);
	result = finish(f);
	assert_true(is_true(result, "changed"));
	assert_int_equal(json_integer_value(json_object_get(result, "members_changed")), 3);
	assert_int_equal(json_integer_value(json_object_get(result, "generation")), 13);
	assert_false(is_true(result, "applied"));
	f->fake->status->generation = f->fake->status->applied = 13;
	assert_true(is_true(ask(f, "partition-check", "{\"pkey\":\"0x7ab1\"}"), "applied"));
}

static void members_are_removed_one_by_one_or_all(void **state)
{
	struct fixture *f = *state;

	order(f, "partition-add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\",\"0x2\"]}");
	assert_int_equal(f->fake->change.membership, PARTITION_FULL);
	finish(f);
	order(f, "partition-remove", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\"]}");
	assert_true(f->fake->change.remove);
	assert_int_equal(f->fake->change.n_guids, 1);
	finish(f);
	order(f, "partition-remove", "{\"pkey\":\"0x3\"}");
	assert_int_equal(f->fake->change.n_guids, 0);
	finish(f);
	say(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"partition-show\","
	       "\"params\":{\"partition\":\"0x3\"}}");
	hear(f, f->fd);
	expect_error(f, PROTOCOL_NOT_FOUND, "no partition");
}

static void refuse_change(struct fixture *f, int error, const char *why, enum protocol_error code)
{
	order(f, "partition-remove", "{\"pkey\":\"0x2\",\"guids\":[\"0x101\"]}");
	fake_finish_change(f->fake, error, why);
	hear(f, f->fd);
	expect_error(f, code, why);
}

static void a_change_that_is_refused_says_why(void **state)
{
	struct fixture *f = *state;

	refuse_change(f, -EPERM, "the file says so", PROTOCOL_REFUSED);
	refuse_change(f, -EEXIST, "that name is taken", PROTOCOL_REFUSED);
	refuse_change(f, -E2BIG, "there is room for 7", PROTOCOL_LIMIT);
	refuse_change(f, -EINVAL, "both needs", PROTOCOL_BAD_PARAMS);
	refuse_change(f, -ENOSPC, "the disk is full", PROTOCOL_FAILED);
	refuse_change(f, -ECANCELED, "the port is gone", PROTOCOL_FAILED);
}

static void words_that_mean_no_change_are_refused(void **state)
{
	static const struct {
		const char *method, *params, *part;
	} wrong[] = {
		{ "add", "{}", "\"pkey\" is missing" },
		{ "add", "{\"pkey\":\"3\"}", "0x and up to 4" },
		{ "add", "{\"pkey\":\"0x\"}", "0x and up to 4" },
		{ "add", "{\"pkey\":\"0x00003\"}", "0x and up to 4" },
		{ "add", "{\"pkey\":\"0x3g\"}", "0x and up to 4" },
		{ "add", "{\"pkey\":\"0x-1\"}", "0x and up to 4" },
		{ "add", "{\"pkey\":3}", "must be a text" },
		{ "add", "{\"pkey\":\"0x8003\"}", "has the membership bit: say 0x0003" },
		{ "add", "{\"pkey\":\"0xffff\"}", "has the membership bit" },
		{ "add", "{\"pkey\":\"0x0\"}", "P_Key 0 is none" },
		{ "add", "{\"pkey\":\"0x3\"}", "nothing to add" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[]}", "nothing to add" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":\"0x1\"}", "a list of texts" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[1]}", "a list of texts" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\",null]}", "a list of texts" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\",\"0x0\"]}", "is no GUID" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\",\"1\"]}", "\"1\" is no GUID" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[\"0x11111111111111111\"]}", "is no GUID" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[\"0x 1\"]}", "is no GUID" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[\"host1\"]}", "is no GUID" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\"],\"membership\":\"none\"}",
		  "membership is" },
		{ "add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\"],\"index0\":1}", "true or false" },
		{ "add", "{\"pkey\":\"0x3\",\"name\":\"\"}", "1 to 63 characters" },
		{ "add", "{\"pkey\":\"0x3\",\"name\":\" x\"}", "the first no space" },
		{ "add", "{\"pkey\":\"0x3\",\"name\":\"a\\nb\"}", "printable" },
		{ "add", "{\"pkey\":\"0x3\",\"name\":\"\u00fc\"}", "printable" },
		{ "add", "{\"pkey\":\"0x3\",\"name\":\"beef\"}", "looks like a P_Key" },
		{ "add", "{\"pkey\":\"0x3\",\"name\":\"0xblue\"}", "looks like a P_Key" },
		{ "remove", "{\"pkey\":\"0x3\",\"guids\":[]}", "\"guids\" is empty" },
		{ "remove", "{\"pkey\":\"0x3\",\"name\":\"x\"}", "no parameter" },
		{ "check", "{\"pkey\":\"blue\"}", "0x and up to 4" },
	};
	struct fixture *f = *state;
	char line[512];

	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"partition-%s\",\"params\":%s}",
			 wrong[i].method, wrong[i].params);
		say(f, line);
		hear(f, f->fd);
		expect_error(f, PROTOCOL_BAD_PARAMS, wrong[i].part);
		assert_null(f->fake->fn);
	}
}

/* The longest that a line has room for. */
static void thousands_of_guids_are_one_change(void **state)
{
	struct fixture *f = *state;
	AUTO(freep) char *line = malloc(PROTOCOL_LINE_MAX);
	size_t used = 0;

	assert_non_null(line);
	used += (size_t)sprintf(line, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":"
				      "\"partition-add\",\"params\":{\"pkey\":\"0x9\",\"guids\":[");
	for (unsigned i = 1; i <= 3000; i++)
		used += (size_t)sprintf(line + used, "\"%016x\",", i);
	sprintf(line + used - 1, "]}}");
	say(f, line);
	assert_null(hear(f, f->fd));
	assert_int_equal(f->fake->change.n_guids, 3000);
	assert_true(is_true(finish(f), "changed"));
	assert_int_equal(json_array_size(json_object_get(
				 ask(f, "partition-show", "{\"partition\":\"0x9\"}"), "members")),
			 256);
}

static void readers_change_no_partitions(void **state)
{
	struct fixture *f = *state;
	struct control_setup setup = setup_of(f);
	struct rpc rpc;

	rpc_init(&rpc, f->loop, &setup);
	assert_int_equal(code_for(&rpc, ROLE_READER, "partition-add"), PROTOCOL_DENIED);
	assert_int_equal(code_for(&rpc, ROLE_READER, "partition-remove"), PROTOCOL_DENIED);
	assert_int_equal(code_for(&rpc, ROLE_READER, "partition-show"), 0);
	assert_int_equal(code_for(&rpc, ROLE_ADMIN, "partition-add"), PROTOCOL_BAD_PARAMS);
	rpc_done(&rpc);
}

static void who_is_not_master_changes_no_partitions(void **state)
{
	static const char *const methods[] = { "add", "remove", "check" };
	struct fixture *f = *state;
	char line[256];

	f->fake->status->state = SM_STANDBY;
	for (size_t i = 0; i < COUNT(methods); i++) {
		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"partition-%s\",\"params\":"
			 "{\"pkey\":\"0x3\"%s}}",
			 methods[i], i < 2 ? ",\"guids\":[\"0x1\"]" : "");
		say(f, line);
		hear(f, f->fd);
		expect_error(f, PROTOCOL_NOT_MASTER, "not master");
	}
	assert_null(f->fake->fn);
}

/* Its next request waits, and is answered after the one before it. */
static void who_waits_for_a_disk_is_answered_other_things_meanwhile(void **state)
{
	struct fixture *f = *state;
	int other = connect_to(f->path);

	order(f, "partition-add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\"]}");
	say(f, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"version\"}");
	assert_non_null(hear(f, f->fd));
	assert_int_equal(json_integer_value(json_object_get(f->answer, "id")), 9);
	say_text(f, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n");
	assert_non_null(hear(f, other));
	finish(f);
	close(other);
}

static void who_closes_its_half_gets_the_answer_and_then_it_hangs_up(void **state)
{
	struct fixture *f = *state;

	order(f, "partition-add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\"]}");
	shutdown(f->fd, SHUT_WR);
	loop_poll_run(f->loop);
	assert_true(is_true(finish(f), "changed"));
	assert_true(is_hung_up(f, f->fd));
}

static void a_change_without_id_is_made_and_not_answered(void **state)
{
	struct fixture *f = *state;

	say(f, "{\"jsonrpc\":\"2.0\",\"method\":\"partition-add\",\"params\":"
	       "{\"pkey\":\"0x3\",\"guids\":[\"0x1\"]}}");
	assert_null(hear(f, f->fd));
	assert_non_null(f->fake->fn);
	fake_finish_change(f->fake, 0, NULL);
	assert_null(hear(f, f->fd));
	assert_non_null(ask(f, "partition-show", "{\"partition\":\"0x3\"}"));
}

/* The change is made all the same; also after the whole server has gone. */
static void who_hangs_up_before_the_answer_does_no_harm(void **state)
{
	struct fixture *f = *state;

	order(f, "partition-add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\"]}");
	close(f->fd);
	for (unsigned i = 0; i < 40; i++) {
		close(connect_to(f->path));
		loop_poll_run(f->loop);
	}
	fake_finish_change(f->fake, 0, NULL);
	f->fd = connect_to(f->path);
	assert_non_null(ask(f, "partition-show", "{\"partition\":\"0x3\"}"));
	order(f, "partition-remove", "{\"pkey\":\"0x3\"}");
	control_free(TAKE(f->control));
	fake_finish_change(f->fake, -ECANCELED, "the port is gone");
}

static void too_many_changes_are_refused(void **state)
{
	struct fixture *f = *state;
	int other = connect_to(f->path);

	order(f, "partition-add", "{\"pkey\":\"0x3\",\"guids\":[\"0x1\"]}");
	say_text(f, other,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"partition-remove\","
		 "\"params\":{\"pkey\":\"0x3\"}}\n");
	hear(f, other);
	expect_error(f, PROTOCOL_BUSY, "try again");
	finish(f);
	close(other);
}

static void what_is_said_of_a_partition_is_shown_with_its_source(void **state)
{
	struct fixture *f = *state;
	json_t *result, *rows, *row;

	order(f, "partition-add", "{\"pkey\":\"0x2\",\"guids\":[\"0x201\",\"0xbeef\"]}");
	finish(f);
	result = ask(f, "partition-show", "{\"partition\":\"blue\"}");
	assert_string_equal(json_string_value(json_object_get(result, "source")), "file");
	assert_int_equal(json_integer_value(json_object_get(result, "generation")), 13);
	rows = json_object_get(result, "members");
	assert_int_equal(json_array_size(rows), 4);
	row = json_array_get(rows, 0);
	assert_string_equal(json_string_value(json_object_get(row, "guid")), "0x0000000000000101");
	assert_string_equal(json_string_value(json_object_get(row, "source")), "file");
	assert_true(is_true(row, "present"));
	row = json_array_get(rows, 1);
	assert_string_equal(json_string_value(json_object_get(row, "guid")), "0x0000000000000201");
	assert_string_equal(json_string_value(json_object_get(row, "source")), "runtime");
	assert_string_equal(json_string_value(json_object_get(row, "membership")), "full");
	row = json_array_get(rows, 2);
	assert_string_equal(json_string_value(json_object_get(row, "guid")), "0x000000000000beef");
	assert_false(is_true(row, "present"));

	result = ask(f, "partition-show", "{\"partition\":\"0x7fff\"}");
	row = json_array_get(json_object_get(result, "members"), 0);
	assert_true(json_is_null(json_object_get(row, "guid")));
	assert_string_equal(json_string_value(json_object_get(row, "ports")), "ALL");
}

static void the_list_counts_what_the_file_and_run_time_say(void **state)
{
	struct fixture *f = *state;
	json_t *rows, *row;

	order(f, "partition-add", "{\"pkey\":\"0x2\",\"guids\":[\"0x201\",\"0xbeef\"]}");
	finish(f);
	order(f, "partition-add", "{\"pkey\":\"0x1000\",\"name\":\"green\"}");
	finish(f);
	rows = json_object_get(ask(f, "partition-show", "{}"), "partitions");
	assert_int_equal(json_array_size(rows), 3);
	row = json_array_get(rows, 1);
	assert_int_equal(json_integer_value(json_object_get(row, "members_file")), 2);
	assert_int_equal(json_integer_value(json_object_get(row, "members_runtime")), 2);
	assert_int_equal(json_integer_value(json_object_get(row, "absent")), 2);
	assert_false(is_true(row, "applied"));
	row = json_array_get(rows, 2);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "green");
	assert_string_equal(json_string_value(json_object_get(row, "source")), "runtime");
	assert_true(is_true(row, "applied"));
}

static void a_port_that_does_not_hold_its_table_is_named(void **state)
{
	struct fixture *f = *state;
	json_t *result, *row;

	f->fake->status->generation = f->fake->status->applied = 13;
	assert_true(is_true(ask(f, "partition-check", "{\"pkey\":\"0x2\"}"), "applied"));
	f->fake->unapplied = 0x101;
	result = ask(f, "partition-check", "{\"pkey\":\"0x2\",\"generation\":13}");
	assert_true(is_true(result, "settled"));
	assert_false(is_true(result, "applied"));
	assert_int_equal(json_integer_value(json_object_get(result, "not_applied_count")), 1);
	row = json_array_get(json_object_get(result, "not_applied"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "guid")), "0x0000000000000101");
	assert_string_equal(json_string_value(json_object_get(row, "name")), "host1 HCA-1");
	assert_string_equal(json_string_value(json_object_get(row, "reason")), "pkeys-refused");
	result = ask(f, "partition-check", "{\"pkey\":\"0x2\",\"generation\":14}");
	assert_false(is_true(result, "settled"));
	f->fake->unapplied = 0;
	f->fake->status->state = SM_DISCOVERING;
	assert_false(is_true(ask(f, "partition-check", "{\"pkey\":\"0x2\"}"), "applied"));
}

static void add_vf_members(struct fixture *f)
{
	char params[200];

	fake_add_vfs(f->fake);
	snprintf(params, sizeof(params),
		 "{\"pkey\":\"0x2\",\"guids\":[\"0x%llx\",\"0x%llx\",\"0x1400010000000201\"]}",
		 (unsigned long long)FAKE_VF(2), (unsigned long long)FAKE_VF(5));
	order(f, "partition-add", params);
	finish(f);
	f->fake->status->generation = f->fake->status->applied = 13;
}

/* 5 is not started. */
static void a_virtual_function_that_is_there_is_a_member_that_is_present(void **state)
{
	struct fixture *f = *state;
	const json_t *row, *rows;
	unsigned n_present = 0;
	size_t i;

	add_vf_members(f);
	rows = json_object_get(ask(f, "partition-show", "{\"partition\":\"blue\"}"), "members");
	json_array_foreach(rows, i, row)
	{
		if (!json_object_get(row, "vf"))
			continue;
		assert_true(is_true(row, "present"));
		assert_true(is_true(row, "applied"));
		n_present++;
	}
	assert_int_equal(n_present, 2);
	row = json_array_get(json_object_get(ask(f, "partition-show", "{}"), "partitions"), 1);
	assert_int_equal(json_integer_value(json_object_get(row, "absent")), 2);
}

static void a_virtual_function_that_does_not_hold_its_table_is_named(void **state)
{
	static const struct {
		uint64_t guid;
		json_int_t vf; /* 0: nobody waits for it */
		const char *pkey;
	} cases[] = {
		{ FAKE_VF(2), 2, "0x2" },
		{ FAKE_VF(2), 2, "0x7fff" },
		{ FAKE_VF(5), 0, "0x2" },
		{ UINT64_C(0x1400010000000201), 1, "0x2" },
		{ UINT64_C(0x1400010000000201), 0, "0x7fff" }, /* nobody has named it there */
	};
	struct fixture *f = *state;

	add_vf_members(f);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char params[40];
		const json_t *result, *row;

		f->fake->unapplied = cases[i].guid;
		snprintf(params, sizeof(params), "{\"pkey\":\"%s\"}", cases[i].pkey);
		result = ask(f, "partition-check", params);
		row = json_array_get(json_object_get(result, "not_applied"), 0);
		assert_int_equal(is_true(result, "applied"), cases[i].vf == 0);
		assert_int_equal(json_integer_value(json_object_get(row, "vf")), cases[i].vf);
	}
}

/* -- events -------------------------------------------------------------------------------------
 */

static void happen(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		event_add(f->fake->events, EVENT_LINK_UP, 0x20, 2, 7, "event \xe9 of many");
		control_notify(f->control);
	}
}

static void events_are_read_from_a_number_on(void **state)
{
	struct fixture *f = *state;
	json_t *events = json_object_get(ask(f, "events", "{}"), "events");

	assert_int_equal(json_array_size(events), 0);
	happen(f, 5);
	events = json_object_get(ask(f, "events", "{\"from\":4}"), "events");
	assert_int_equal(json_array_size(events), 2);
	assert_string_equal(text(json_array_get(events, 0), "text"), "event ? of many");
	assert_string_equal(text(json_array_get(events, 0), "name"), "leaf1");
	assert_string_equal(text(json_array_get(events, 0), "at"), "2023-11-14T22:13:20Z");
	events = json_object_get(ask(f, "events", "{\"last\":3}"), "events");
	assert_int_equal(number(json_array_get(events, 0), "number"), 3);
	happen(f, 2 * EVENTS_KEPT);
	events = json_object_get(ask(f, "events", "{\"last\":2}"), "events");
	assert_int_equal(json_array_size(events), 2);
	assert_int_equal(number(json_array_get(events, 1), "number"), 2 * EVENTS_KEPT + 5);
}

static void who_follows_hears_every_event_once(void **state)
{
	struct fixture *f = *state;

	happen(f, 2);
	ask(f, "events", "{\"follow\":true,\"last\":1}");
	assert_null(hear(f, f->fd));
	happen(f, 600);
	for (unsigned i = 0; i < 600; i++) {
		json_t *params = json_object_get(hear(f, f->fd), "params");

		assert_string_equal(text(f->answer, "method"), "event");
		assert_null(json_object_get(f->answer, "id"));
		assert_int_equal(number(params, "number"), i + 3);
	}
	assert_null(hear(f, f->fd));
	assert_string_equal(text(ask(f, "version", "{}"), "version"), "1.2.3");
}

static void who_does_not_follow_hears_nothing(void **state)
{
	struct fixture *f = *state;

	ask(f, "events", "{}");
	happen(f, 3);
	assert_null(hear(f, f->fd));
}

static void who_follows_too_slowly_is_told_how_much_it_missed(void **state)
{
	struct fixture *f = *state;
	json_int_t expected = 1, missed = 0;

	ask(f, "events", "{\"follow\":true}");
	for (unsigned i = 0; i < 20; i++) {
		happen(f, EVENTS_KEPT);
		loop_poll_run(f->loop);
	}
	while (hear(f, f->fd)) {
		json_t *event = json_object_get(f->answer, "params");
		json_int_t here = json_integer_value(json_object_get(event, "missed"));

		missed += here;
		assert_int_equal(number(event, "number"), expected + here);
		expected += here + 1;
	}
	assert_int_equal(expected, 20 * EVENTS_KEPT + 1);
	assert_true(missed > 0);
}

static void who_follows_goes_on_with_another_subnet_manager(void **state)
{
	struct fixture *f = *state;
	struct fake *old = f->fake;

	ask(f, "events", "{\"follow\":true}");
	happen(f, 10);
	loop_poll_run(f->loop);
	f->sm = NULL;
	happen(f, 1);
	loop_poll_run(f->loop);
	f->fake = fake_new(f->loop);
	f->sm = f->fake->sm;
	fake_free(old);
	happen(f, 2);
	for (unsigned i = 0; i < 10; i++)
		hear(f, f->fd);
	assert_int_equal(number(json_object_get(hear(f, f->fd), "params"), "number"), 1);
	assert_int_equal(number(json_object_get(hear(f, f->fd), "params"), "number"), 2);
}

/* -- names --------------------------------------------------------------------------------------
 */

static void write_names(const struct fixture *f, const char *content)
{
	FILE *file = fopen(sm_conf(f->sm)->node_name_map, "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static const char *choose_names(const struct fixture *f)
{
	char *path = ((union {
			     const struct conf *in;
			     struct conf *out;
		     }){ sm_conf(f->sm) })
			     .out->node_name_map;

	snprintf(path, CONF_TEXT_SIZE, "%s/names", f->folder);

	return path;
}

static void names_of_the_map_are_shown_and_found(void **state)
{
	struct fixture *f = *state;
	const char *path = choose_names(f);

	write_names(f, "# names\n"
		       "0x20 \"first leaf\"\t# left\n"
		       "0x0000000000000030\tsecond\n"
		       "0x20 \"other\"\n"
		       "nonsense\n0x40\n0x50 \"open\n\n 0 \"zero\"\n");
	find(state, "first leaf", "0x0000000000000020");
	find(state, "second", "0x0000000000000030");
	find(state, "leaf1", "0x0000000000000020");
	assert_string_equal(text(ask(f, "explain", "{\"what\":\"leaf1\"}"), "name"), "first leaf");

	write_names(f, "0x20 \"renamed leaf\"\n");
	find(state, "renamed leaf", "0x0000000000000020");
	ask_wrongly(f, "explain", "{\"what\":\"second\"}", PROTOCOL_NOT_FOUND, "second");
	unlink(path);
	ask_wrongly(f, "explain", "{\"what\":\"renamed leaf\"}", PROTOCOL_NOT_FOUND, "renamed");
}

static void remember(enum log_level level, const struct log_where *where, const char *said,
		     void *user)
{
	char *all = user;
	size_t used = strlen(all);

	(void)level;
	(void)where;
	snprintf(all + used, 1024 - used, "%s\n", said);
}

static void a_wrong_map_is_warned_of_once(void **state)
{
	struct fixture *f = *state;
	const char *path = choose_names(f);
	char expected[2048], said[1024] = "";
	int fd;

	log_set_sink(remember, said);
	write_names(f, "# names\n0x20 first\nx\n\nx\n0x30 second\nx\n");
	find(state, "second", "0x0000000000000030");
	find(state, "first", "0x0000000000000020");
	snprintf(expected, sizeof(expected),
		 "%s:3: not a GUID and a name; this line and 2 more are left out\n", path);
	assert_string_equal(said, expected);

	said[0] = 0;
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "x\0x\n0x30 third\n", 15), 15);
	close(fd);
	find(state, "third", "0x0000000000000030");
	snprintf(expected, sizeof(expected), "%s:1: not a GUID and a name; the line is left out\n",
		 path);
	assert_string_equal(said, expected);

	said[0] = 0;
	assert_int_equal(truncate(path, NAMES_FILE_MAX + 1), 0);
	ask(f, "nodes", "{}");
	ask(f, "nodes", "{}");
	snprintf(expected, sizeof(expected), "%s: cannot read names from it: it is too large\n",
		 path);
	assert_string_equal(said, expected);
	unlink(path);
	log_set_sink(be_silent, NULL);
}

/* clang-format off */
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_json_is_refused),
		TEST(what_is_not_a_request_is_refused),
		TEST(wrong_methods_and_parameters_are_refused),
		TEST(a_request_without_id_gets_no_answer),
		TEST(the_id_comes_back_as_it_was),
		TEST(a_line_may_come_in_pieces),
		TEST(many_requests_at_once_are_all_answered_in_order),
		TEST(requests_before_a_half_close_are_answered_and_then_it_hangs_up),
		TEST(a_line_that_is_too_long_is_refused_and_the_client_dropped),
		TEST(the_longest_line_is_answered),
		TEST(a_client_too_many_takes_the_place_of_the_idlest),
		TEST(a_client_too_many_is_told_so_if_all_follow),
		TEST(who_may_do_less_does_not_take_the_place_of_who_may_do_more),
		TEST(a_client_that_takes_no_answers_is_not_read_and_then_dropped),
		TEST(an_idle_client_stays),
		TEST(a_client_that_goes_in_the_middle_does_no_harm),
		TEST(a_socket_that_answers_is_in_use),
		TEST(a_socket_of_another_type_is_in_use),
		TEST(a_socket_that_nobody_answers_on_is_replaced),
		TEST(a_file_that_is_no_socket_is_left_alone),
		TEST(a_path_that_cannot_be_is_refused_with_a_sentence),
		TEST(a_socket_of_another_is_not_removed_at_the_end),
		TEST(the_socket_lets_in_its_group_and_nobody_else),
		cmocka_unit_test(roles_follow_from_user_and_groups),
		TEST(readers_look_and_admins_change_and_others_learn_nothing),
		TEST(somebody_else_is_refused_and_dropped),
		TEST(status_has_what_scripts_wait_for),
		TEST(status_says_which_generation_the_dumps_show),
		TEST(status_says_which_dump_could_not_be_written_why_and_what_then),
		TEST(status_counts_ports_with_problems),
		TEST(status_says_why_the_store_is_not_written),
		TEST(before_there_is_a_port_only_status_version_and_reload_answer),
		TEST(every_method_says_its_schema),
		TEST(what_is_reserved_is_shown_until_it_is_taken_back),
		TEST(a_name_is_that_of_one),
		TEST(one_that_is_there_is_shown_with_its_place_and_keys),
		TEST(virtual_functions_are_shown_with_their_index),
		TEST(who_is_to_move_is_shown_until_it_has),
		TEST(a_port_to_move_to_goes_by_any_of_its_names),
		TEST(reservations_come_in_pages),
		TEST(what_cannot_be_reserved_is_refused_with_a_sentence),
		TEST(only_admins_reserve),
		TEST(the_answer_comes_when_it_is_on_disk_and_others_meanwhile),
		TEST(a_disk_that_fails_is_said),
		TEST(who_says_no_more_is_answered_all_the_same),
		TEST(who_goes_away_is_forgotten_and_its_wish_done),
		TEST(who_waits_for_much_is_not_listened_to),
		TEST(a_request_without_id_waits_for_nothing),
		TEST(a_list_of_any_length_comes_in_small_pages),
		TEST(a_page_is_as_short_as_wanted_and_goes_on_where_it_ended),
		TEST(problems_are_ports_that_are_not_as_planned),
		TEST(ports_of_one_node_or_one_port),
		TEST(a_link_is_there_once_and_a_slow_one_is_marked),
		TEST(the_lid_of_a_switch_means_all_its_links),
		TEST(things_are_found_by_guid_lid_and_name),
		TEST(what_is_not_found_is_said),
		TEST(a_name_of_several_lists_them),
		TEST(explain_tells_why_and_what_to_do),
		TEST(explain_tells_the_last_peer_of_who_is_gone),
		TEST(explain_tells_what_was_not_kept_but_no_key),
		TEST(explain_tells_when_a_quarantine_ends),
		TEST(explain_of_a_switch_lists_its_problems),
		TEST(explain_tells_what_was_tried_and_when_it_is_tried_again),
		TEST(explain_of_a_switch_tells_what_is_tried_behind_its_ports),
		TEST(partitions_count_members_that_are_there_and_that_are_not),
		TEST(members_that_are_gone_are_absent_and_nothing_else),
		TEST(members_of_a_partition_by_its_name_or_key),
		TEST(virtual_functions_are_members_too),
		TEST(members_come_in_pages_across_present_and_absent),
		TEST(planned_pkeys_of_a_port_keep_their_index),
		TEST(routes_are_runs_of_lids),
		TEST(a_path_goes_hop_by_hop),
		TEST(a_path_has_the_service_level_of_its_record),
		TEST(a_path_ends_where_a_packet_would),
		TEST(a_path_to_itself_or_to_a_switch_is_complete),
		TEST(sweep_sweeps),
		TEST(who_is_not_master_does_not_sweep_and_has_no_routes),
		TEST(reload_warns_of_what_has_no_effect),
		TEST(reload_says_what_came_of_it),
		TEST(reload_says_what_changed_and_what_needs_a_restart),
		TEST(members_are_added_and_the_answer_comes_from_the_disk),
		TEST(members_are_removed_one_by_one_or_all),
		TEST(a_change_that_is_refused_says_why),
		TEST(words_that_mean_no_change_are_refused),
		TEST(thousands_of_guids_are_one_change),
		TEST(readers_change_no_partitions),
		TEST(who_is_not_master_changes_no_partitions),
		TEST(who_waits_for_a_disk_is_answered_other_things_meanwhile),
		TEST(who_closes_its_half_gets_the_answer_and_then_it_hangs_up),
		TEST(a_change_without_id_is_made_and_not_answered),
		TEST(who_hangs_up_before_the_answer_does_no_harm),
		TEST(too_many_changes_are_refused),
		TEST(what_is_said_of_a_partition_is_shown_with_its_source),
		TEST(a_virtual_function_that_is_there_is_a_member_that_is_present),
		TEST(a_virtual_function_that_does_not_hold_its_table_is_named),
		TEST(the_list_counts_what_the_file_and_run_time_say),
		TEST(a_port_that_does_not_hold_its_table_is_named),
		TEST(events_are_read_from_a_number_on),
		TEST(who_follows_hears_every_event_once),
		TEST(who_does_not_follow_hears_nothing),
		TEST(who_follows_too_slowly_is_told_how_much_it_missed),
		TEST(who_follows_goes_on_with_another_subnet_manager),
		TEST(names_of_the_map_are_shown_and_found),
		TEST(a_wrong_map_is_warned_of_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
