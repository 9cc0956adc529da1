/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The libc's own functions, behind those that we stand in front of. */

#include <poll.h>
#include <sys/types.h>

ssize_t real_read(int fd, void *buffer, size_t count);
ssize_t real_write(int fd, const void *buffer, size_t count);
int real_close(int fd);
int real_poll(struct pollfd *polls, nfds_t n, int msec);
