/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Words to the service manager, each a datagram of lines. A status may quote names that devices
 * gave themselves; a line break in one would be an order to the manager, so there are none.
 *
 * sd_notify() waits for as long as the manager does not read, and the fabric would wait with it. So
 * this is our own, and a word that does not get through is left out: the next one, after a sweep at
 * the latest, tells how we are then.
 */

#include "systemd/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/macros.h"

#define WORD_MAX       600
#define STATUS_MAX     512
#define MORE_TIME_USEC 60000000u /* well above the time between two calls */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	char word[WORD_MAX];
	va_list args;

	if (fd < 0 || length == 0 || length > sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, length);
	if (path[0] == '@') /* no file, a name without one */
		to.sun_path[0] = 0;
	va_start(args, format);
	vsnprintf(word, sizeof(word), format, args);
	va_end(args);
	sendto(fd, word, strlen(word), MSG_NOSIGNAL, (struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

void notify_ready(void)
{
	say("READY=1");
}

static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void notify_status(const char *format, ...)
{
	char status[STATUS_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(status, sizeof(status), format, args);
	va_end(args);
	make_one_line(status);
	say("STATUS=%s", status);
}

/* The time is what tells this reload from an earlier one; systemd 253 and later want it. */
void notify_reloading(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	say("RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
}

void notify_stopping(void)
{
	say("STOPPING=1");
}

void notify_watchdog(void)
{
	say("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%u", MORE_TIME_USEC);
}
