/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The console from outside, for scripts: one command, one answer. The prompt tells where an answer
 * ends: one greets, the next one follows what the command had to say. "Quit" is answered by the end
 * of the connection.
 */

#include "tests/sim/session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

static const char prompt[] = "sim> ";

enum { PROMPT = sizeof(prompt) - 1 };

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

/* To @out (or nowhere) up to the prompt. 0, -EPIPE where the stream ends before, or -errno. */
static int copy_answer(int fd, FILE *out)
{
	char buffer[4096 + PROMPT];
	size_t held = 0; /* at the beginning: what may be the prompt's */

	for (;;) {
		ssize_t n = read(fd, buffer + held, sizeof(buffer) - PROMPT);
		size_t keep;

		if (n < 0 && errno == EINTR)
			continue;
		held += n > 0 ? (size_t)n : 0;
		if (held >= PROMPT && !memcmp(buffer + held - PROMPT, prompt, PROMPT)) {
			if (out)
				fwrite(buffer, 1, held - PROMPT, out);
			return 0;
		}
		keep = n > 0 ? MIN(held, (size_t)PROMPT) : 0;
		if (out)
			fwrite(buffer, 1, held - keep, out);
		memmove(buffer, buffer + held - keep, keep);
		held = keep;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
	}
}

int sessions_tell(const struct sessions_options *options, const char *command, FILE *out)
{
	AUTO(closep) int fd = open_console(options);
	int r;

	if (fd < 0)
		return fd;
	r = copy_answer(fd, NULL);
	if (r < 0)
		return r;
	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0 ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		return -errno;
	r = copy_answer(fd, out);
	return r == -EPIPE ? 0 : r;
}
