/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Sessions of the console. Each has a buffer of lines to do: those that it read, and in front of
 * them those of a file that "!" named. "Wait" stops one session, not the simulator.
 *
 * The socket is for the user that runs the simulator (and root): whoever can pull cables here can
 * stop a subnet manager's tests, and abstract names have no permissions.
 *
 * No session keeps others waiting. It does some lines and then lets the loop go round, because a
 * file of commands may be long, or name itself. A session that does not read its answers is not
 * listened to meanwhile; the standard output is waited for, as programs do, until the simulator is
 * told to end. What was sent before the other end said that there is no more is done, and answered
 * to who still reads.
 */

#include "tests/sim/session.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/macros.h"

#define PROMPT "sim> "

enum {
	LINE_MOST = 1 << 16,
	READ_SIZE = 1 << 14,
	IN_FULL = 4 * LINE_MOST, /* no more is read */
	IN_MOST = 20 << 20,      /* with the files that were named */
	OUT_FULL = 1 << 20,      /* no more is done */
	OUT_MOST = 1 << 30,      /* one answer may be long */
	LINES_AT_ONCE = 64,
	SESSIONS_MAX = 64,
	OUT_LOOK_MS = 100, /* for a signal, while the standard output takes nothing */
};

struct session {
	struct sessions *sessions;
	struct list of_sessions;
	int fd; /* -1: never was one */
	bool is_std;
	bool no_more; /* comes */
	bool ended;   /* to be freed */
	struct loop_watch *watch;
	struct loop_timer *timer; /* when lines go on */
	bool waiting;             /* as it was told to */
	bool refused;             /* the last line, or one of the file that it named */
	char *in;
	size_t n_in;
	size_t in_start;
	size_t in_room;
	size_t n_quiet; /* of them come from files: the prompt comes when they are done */
	char *out;      /* of a socket, what is not written yet */
	size_t n_out;
	size_t out_start;
};

struct sessions {
	struct loop *loop;
	struct console *console;
	int fd;
	char *path; /* to unlink at the end */
	struct loop_watch *watch;
	struct loop_timer *bury;
	struct list all;
	unsigned n;
};

static void session_free(struct session *s)
{
	list_remove(&s->of_sessions);
	s->sessions->n--;
	loop_watch_free(s->watch);
	loop_timer_free(s->timer);
	if (s->fd >= 0 && !s->is_std)
		close(s->fd);
	free(s->in);
	free(s->out);
	free(s);
}

static void ends(struct session *s)
{
	s->ended = true;
	if (s->watch)
		loop_watch_set(s->watch, 0);
	loop_timer_set(s->sessions->bury, loop_now(s->sessions->loop));
}

static void bury(void *user)
{
	struct sessions *sessions = user;

	for (struct list *l = sessions->all.next, *next; l != &sessions->all; l = next) {
		struct session *s = CONTAINER_OF(l, struct session, of_sessions);

		next = l->next;
		if (s->ended)
			session_free(s);
	}
}

/* ---- answers --------------------------------------------------------------------------------- */

static size_t unwritten(const struct session *s)
{
	return s->n_out - s->out_start;
}

static void listen_and_talk(struct session *s)
{
	unsigned io = 0;

	if (!s->watch || s->ended)
		return;
	if (!s->no_more && s->n_in < IN_FULL)
		io |= LOOP_READ;
	if (unwritten(s))
		io |= LOOP_WRITE;
	loop_watch_set(s->watch, io);
}

static void flush(struct session *s)
{
	while (unwritten(s)) {
		ssize_t n = send(s->fd, s->out + s->out_start, unwritten(s),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			ends(s);
			return;
		}
		s->out_start += (size_t)n;
	}
	free(TAKE(s->out));
	s->n_out = 0;
	s->out_start = 0;
}

/* The loop has these blocked, and hears of them only when it has a turn. */
static bool is_told_to_end(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && (sigismember(&set, SIGTERM) || sigismember(&set, SIGINT));
}

static void say_std(const char *text, size_t length)
{
	struct pollfd out = { .fd = fileno(stdout), .events = POLLOUT };

	while (length > 0) {
		bool ending = is_told_to_end();
		ssize_t n = 0;

		if (poll(&out, 1, ending ? 0 : OUT_LOOK_MS) > 0)
			n = write(out.fd, text, MIN(length, PIPE_BUF));
		else if (ending)
			return;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		text += MAX(n, 0);
		length -= (size_t)MAX(n, 0);
	}
}

static void say(struct session *s, const char *text, size_t length)
{
	char *more;

	if (s->is_std) {
		say_std(text, length);
		return;
	}
	if (s->ended)
		return;
	if (s->out_start) {
		memmove(s->out, s->out + s->out_start, unwritten(s));
		s->n_out -= s->out_start;
		s->out_start = 0;
	}
	more = s->n_out + length < OUT_MOST ? realloc(s->out, s->n_out + length) : NULL;
	if (!more) {
		ends(s);
		return;
	}
	memcpy(more + s->n_out, text, length);
	s->out = more;
	s->n_out += length;
	flush(s);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* @text comes before what waits already. */
static void put_first(struct session *s, const char *text)
{
	static const char refusal[] = "# there is too much to do already\n";
	size_t length = strlen(text);
	size_t room = length + 1 + s->n_in;
	char *in = room < IN_MOST ? malloc(room) : NULL;

	if (!in) {
		say(s, refusal, strlen(refusal));
		s->refused = true;
		return;
	}
	memcpy(in, text, length);
	in[length] = '\n';
	if (s->n_in)
		memcpy(in + length + 1, s->in + s->in_start, s->n_in);
	free(s->in);
	s->in = in;
	s->in_start = 0;
	s->in_room = room;
	s->n_in = room;
	s->n_quiet += length + 1;
}

/* @from_file: it belongs to a line before, which named the file. */
static void do_line(struct session *s, char *line, bool from_file)
{
	struct sessions *sessions = s->sessions;
	struct console_next next = { .refused_before = s->refused };
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return;
	console_do(sessions->console, line, out, &next);
	s->refused = next.refused || (from_file && s->refused);
	if (!next.wait && !next.run && !next.quit && !s->n_quiet)
		fputs(PROMPT, out);
	fclose(out);
	say(s, text, length);
	free(text);
	if (next.run) {
		put_first(s, next.run);
		free(next.run);
	}
	if (next.wait) {
		s->waiting = true;
		loop_timer_set(s->timer, loop_now(sessions->loop) + next.wait);
	}
	if (next.quit)
		sessions->console->quit(sessions->console->user);
}

/* The next whole line, in place; NULL: there is none. */
static char *take_line(struct session *s)
{
	char *line;
	char *newline;
	size_t length;

	if (!s->n_in)
		return NULL;
	line = s->in + s->in_start;
	newline = memchr(line, '\n', s->n_in);
	if (!newline)
		return NULL;
	*newline = 0;
	length = (size_t)(newline + 1 - line);
	s->in_start += length;
	s->n_in -= length;
	s->n_quiet -= MIN(s->n_quiet, length);
	return line;
}

/* Up to @most lines; the loop goes round before the rest. */
static void do_lines(struct session *s, size_t most)
{
	char *line = NULL;

	while (!s->waiting && !s->ended && unwritten(s) < OUT_FULL && most--) {
		bool from_file = s->n_quiet > 0;

		line = take_line(s);
		if (!line)
			break;
		do_line(s, line, from_file);
	}
	if (s->waiting || s->ended || unwritten(s) >= OUT_FULL)
		return;
	if (line)
		loop_timer_set(s->timer, loop_now(s->sessions->loop));
	else if (s->n_in > LINE_MOST || (s->no_more && !unwritten(s)))
		ends(s);
}

static void on_time(void *user)
{
	struct session *s = user;

	if (s->waiting && !s->n_quiet)
		say(s, PROMPT, strlen(PROMPT));
	s->waiting = false;
	do_lines(s, LINES_AT_ONCE);
	listen_and_talk(s);
}

static bool add_input(struct session *s, const char *text, size_t length)
{
	if (s->in_start)
		memmove(s->in, s->in + s->in_start, s->n_in);
	s->in_start = 0;
	if (s->n_in + length > s->in_room) {
		size_t room = 2 * (s->n_in + length);
		char *in = realloc(s->in, room);

		if (!in)
			return false;
		s->in = in;
		s->in_room = room;
	}
	memcpy(s->in + s->n_in, text, length);
	s->n_in += length;
	return true;
}

/* Did it not only stop to write, but is gone? */
static bool is_gone(const struct session *s)
{
	struct pollfd fd = { .fd = s->fd };

	return poll(&fd, 1, 0) > 0 && fd.revents & (POLLHUP | POLLERR);
}

/* The last line may lack its end. */
static void no_more(struct session *s)
{
	s->no_more = true;
	if (s->n_in && s->in[s->in_start + s->n_in - 1] != '\n')
		add_input(s, "\n", 1);
	if (s->is_std && isatty(s->fd)) /* Control-D */
		s->sessions->console->quit(s->sessions->console->user);
	if (!s->is_std && is_gone(s))
		ends(s);
}

static void read_some(struct session *s)
{
	char text[READ_SIZE];
	ssize_t n = read(s->fd, text, sizeof(text));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		no_more(s);
	else if (!add_input(s, text, (size_t)n))
		ends(s);
}

static void on_ready(void *user, unsigned ready)
{
	struct session *s = user;

	if (ready & LOOP_WRITE)
		flush(s);
	if (ready & LOOP_READ && !s->ended)
		read_some(s);
	do_lines(s, LINES_AT_ONCE);
	listen_and_talk(s);
}

/* ---- life ------------------------------------------------------------------------------------ */

static struct session *session_new(struct sessions *sessions, int fd, bool is_std)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sessions = sessions;
	s->fd = fd;
	s->is_std = is_std;
	s->no_more = fd < 0;
	if (loop_timer_new(sessions->loop, on_time, s, &s->timer) < 0) {
		free(s);
		return NULL;
	}
	list_add_tail(&sessions->all, &s->of_sessions);
	sessions->n++;
	return s;
}

/* A file cannot be watched: it is read at once, as far as there is room. */
static void read_whole(struct session *s)
{
	char text[READ_SIZE];
	ssize_t n;

	while (s->n_in < IN_MOST && (n = read(s->fd, text, sizeof(text))) > 0)
		if (!add_input(s, text, (size_t)n))
			break;
	no_more(s);
}

/* Of the net file: nobody typed it, so that there is no prompt behind. */
static void add_command(struct session *s, const char *command)
{
	if (add_input(s, command, strlen(command)) && add_input(s, "\n", 1))
		s->n_quiet = s->n_in;
}

static int start_std(struct sessions *sessions, const struct sessions_options *options)
{
	struct session *s = session_new(sessions, options->use_stdin ? STDIN_FILENO : -1, true);
	int r = 0;

	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < options->n_commands; i++)
		add_command(s, options->commands[i]);
	if (options->use_stdin)
		r = loop_watch_new(sessions->loop, s->fd, LOOP_READ, on_ready, s, &s->watch);
	if (r == -EPERM) {
		read_whole(s);
		r = 0;
	}
	if (options->use_stdin && !s->n_quiet)
		say(s, PROMPT, strlen(PROMPT));
	do_lines(s, SIZE_MAX); /* nobody comes before */
	listen_and_talk(s);
	return r;
}

static bool may_come(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) &&
	       (who.uid == geteuid() || who.uid == 0);
}

static void on_come(void *user, unsigned ready)
{
	struct sessions *sessions = user;
	int fd = accept4(sessions->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct session *s = NULL;

	(void)ready;
	if (fd < 0)
		return;
	if (sessions->n < SESSIONS_MAX && may_come(fd))
		s = session_new(sessions, fd, false);
	if (!s) {
		close(fd);
		return;
	}
	if (loop_watch_new(sessions->loop, fd, LOOP_READ, on_ready, s, &s->watch) < 0) {
		session_free(s);
		return;
	}
	say(s, PROMPT, strlen(PROMPT));
	listen_and_talk(s);
}

/* A socket that nobody listens at any more may be replaced; nothing else. */
static bool is_left_over(const struct sockaddr_un *address, socklen_t length)
{
	struct stat st;
	int fd;
	bool refused;

	if (!address->sun_path[0] || lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, length) < 0 &&
		  errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return refused;
}

int sessions_address(const struct sessions_options *options, struct sockaddr_un *ret,
		     socklen_t *ret_length)
{
	bool named = options->path != NULL;
	char *path = ret->sun_path;
	size_t room = sizeof(ret->sun_path);
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = named ? snprintf(path, room, "%s", options->path)
		  : snprintf(path + 1, room - 1, "%s:console", options->base);
	*ret_length =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + (named ? 1u : 2u) + (size_t)n);

	return (size_t)n + 2 > room ? -ENAMETOOLONG : 0;
}

static int listen_at(struct sessions *sessions, const struct sessions_options *options)
{
	struct sockaddr_un address;
	bool named = options->path != NULL;
	socklen_t length;
	int r = sessions_address(options, &address, &length);

	if (r < 0)
		return r;
	sessions->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sessions->fd < 0)
		return -errno;
	if (is_left_over(&address, length))
		unlink(address.sun_path);
	if (bind(sessions->fd, (struct sockaddr *)&address, length) < 0)
		return -errno;
	if (named) {
		sessions->path = strdup(options->path);
		chmod(options->path, 0600);
	}
	if (listen(sessions->fd, 16) < 0)
		return -errno;
	return loop_watch_new(sessions->loop, sessions->fd, LOOP_READ, on_come, sessions,
			      &sessions->watch);
}

int sessions_new(struct loop *loop, struct console *console, const struct sessions_options *options,
		 struct sessions **ret, char why[static 128])
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	int r;

	if (!sessions) {
		snprintf(why, 128, "out of memory");
		return -ENOMEM;
	}
	sessions->loop = loop;
	sessions->console = console;
	sessions->fd = -1;
	list_init(&sessions->all);
	r = loop_timer_new(loop, bury, sessions, &sessions->bury);
	if (!r)
		r = listen_at(sessions, options);
	if (!r)
		r = start_std(sessions, options);
	if (r < 0) {
		snprintf(why, 128, "cannot open the console: %s", strerror(-r));
		sessions_free(sessions);
		return r;
	}
	*ret = sessions;
	return 0;
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	while (!list_is_empty(&sessions->all))
		session_free(CONTAINER_OF(sessions->all.next, struct session, of_sessions));
	loop_watch_free(sessions->watch);
	loop_timer_free(sessions->bury);
	if (sessions->fd >= 0)
		close(sessions->fd);
	if (sessions->path)
		unlink(sessions->path);
	free(sessions->path);
	free(sessions);
}
