/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The kernel chooses the address (autobind, unix(7)): tests that run side by side do not meet.
 */

#include "tests/unit/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int bind_anywhere(int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(address);
	char name[sizeof(address.sun_path) + 1];

	if (bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	/* An abstract name begins with a zero byte, which the environment writes as @. */
	snprintf(name, sizeof(name), "@%.*s",
		 (int)(length - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);

	return setenv("NOTIFY_SOCKET", name, 1) < 0 ? -errno : 0;
}

int manager_open(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = bind_anywhere(fd);
	if (r < 0) {
		close(fd);
		return r;
	}

	return fd;
}

void manager_close(int fd)
{
	unsetenv("NOTIFY_SOCKET");
	close(fd);
}

bool manager_hear(int fd, char text[static 1024])
{
	ssize_t length = recv(fd, text, 1023, 0);

	if (length < 0)
		return false;
	text[length] = '\0';

	return true;
}
