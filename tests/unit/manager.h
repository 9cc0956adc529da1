/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A service manager of the test's own: a datagram socket at an abstract address, which
 * NOTIFY_SOCKET names as long as it is open.
 */

#include <stdbool.h>
#include <stddef.h>

/* The socket, or -errno. */
int manager_open(void);
void manager_close(int fd);

/* The next that it was told, or false. */
bool manager_hear(int fd, char text[static 1024]);
