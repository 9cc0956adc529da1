/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Names of libc that its headers declare under conditions only, or not any more. */

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

#define CLOSE_RANGE_CLOEXEC (1U << 2)

struct stat;
struct stat64;

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
ssize_t __read_chk(int fd, void *buffer, size_t count, size_t size);
int __poll_chk(struct pollfd *polls, nfds_t n, int msec, size_t size);
int __xstat(int version, const char *path, struct stat *st);
int __xstat64(int version, const char *path, struct stat64 *st);
int __lxstat(int version, const char *path, struct stat *st);
int __lxstat64(int version, const char *path, struct stat64 *st);
int __fxstatat(int version, int folder, const char *path, struct stat *st, int flags);
int __fxstatat64(int version, int folder, const char *path, struct stat64 *st, int flags);
int ioctl(int fd, unsigned long request, ...);
int fcntl64(int fd, int command, ...);
