/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The console from outside, for scripts: one command, one answer, and whether it was done. The
 * prompt tells where an answer ends: one greets, the next one follows what the command had to say.
 * What that says is for people, so the console is asked for the result. "Quit" is answered by a
 * last word and the end of the connection; who only ends has died.
 */

#include "tests/sim/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

static const char prompt[] = "sim> ";
static const char goodbye[] = CONSOLE_GOODBYE;

enum { PROMPT = sizeof(prompt) - 1, GOODBYE = sizeof(goodbye) - 1 };
static_assert(GOODBYE >= PROMPT, "the end of an answer is as long as the longer");

static int open_console(const struct sessions_options *options)
{
	struct sockaddr_un address;
	socklen_t length;
	int r = sessions_address(options, &address, &length);
	int fd;

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, length) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static bool ends_with(const char *text, size_t length, const char *end)
{
	size_t n = strlen(end);

	return length >= n && !memcmp(text + length - n, end, n);
}

/*
 * To @out (or nowhere) up to the prompt: 0. 1: it ended with a good-bye; -EPIPE: without one; or
 * -errno. The last bytes are held back until it shows what they are.
 */
static int copy_answer(int fd, FILE *out)
{
	char buffer[4096 + GOODBYE];
	size_t held = 0;

	for (;;) {
		ssize_t n = read(fd, buffer + held, sizeof(buffer) - held);
		bool prompted;
		size_t keep;

		if (n < 0 && errno == EINTR)
			continue;
		held += n > 0 ? (size_t)n : 0;
		prompted = ends_with(buffer, held, prompt);
		keep = prompted ? PROMPT : n > 0 ? MIN(held, (size_t)GOODBYE) : 0;
		if (out)
			fwrite(buffer, 1, held - keep, out);
		if (prompted)
			return 0;
		if (n <= 0)
			return n < 0 ? -errno : ends_with(buffer, held, goodbye) ? 1 : -EPIPE;
		memmove(buffer, buffer + held - keep, keep);
		held = keep;
	}
}

static int ask(int fd, const char *line, FILE *out)
{
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		return -errno;
	return copy_answer(fd, out);
}

/* 0: the last command was done; 1: it was not; or -errno. */
static int ask_result(int fd)
{
	AUTO(freep) char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	int r;

	if (!out)
		return -ENOMEM;
	r = ask(fd, "result", out);
	fclose(out);
	if (r)
		return r < 0 ? r : -EPIPE;
	return strcmp(text, CONSOLE_DONE) != 0;
}

int sessions_tell(const struct sessions_options *options, const char *command, FILE *out)
{
	AUTO(closep) int fd = open_console(options);
	int r;

	if (fd < 0)
		return fd;
	r = copy_answer(fd, NULL);
	if (r)
		return r < 0 ? r : -EPIPE;
	r = ask(fd, command, out);
	if (r)
		return r < 0 ? r : 0;
	return ask_result(fd);
}
