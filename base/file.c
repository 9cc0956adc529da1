/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The file is looked at before it is opened, because opening alone can do something: a watchdog
 * begins to count, a pipe's writer goes on. It is looked at again when it is open, because by then
 * the name may be another file's. Files of /proc have no size before they are read, so the limit
 * also holds while they are.
 */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"

static int check(const struct stat *st, size_t most)
{
	if (!S_ISREG(st->st_mode))
		return -EINVAL;

	return (size_t)st->st_size > most ? -EFBIG : 0;
}

int file_open(const char *path, size_t most, int *ret)
{
	AUTO(closep) int fd = -1;
	struct stat st;
	int r;

	r = stat(path, &st) < 0 ? -errno : check(&st, most);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = check(&st, most);
	if (r < 0)
		return r;
	*ret = fd;
	fd = -1;

	return 0;
}

/* Read @fd to its end into *@buffer, which grows; at most @most bytes. */
static int read_all(int fd, size_t most, char **buffer, size_t *ret_length)
{
	size_t length = 0, room = 0;

	for (;;) {
		ssize_t n;

		if (room - length < 2) {
			char *more;

			room = MIN(MAX(2 * room, (size_t)16384), most + 2);
			more = realloc(*buffer, room);
			if (!more)
				return -ENOMEM;
			*buffer = more;
		}

		n = read(fd, *buffer + length, room - length - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > most)
			return -EFBIG;
	}

	(*buffer)[length] = 0;
	*ret_length = length;

	return 0;
}

int file_read(const char *path, size_t most, char **ret, size_t *ret_length)
{
	AUTO(freep) char *buffer = NULL;
	AUTO(closep) int fd = -1;
	int r = file_open(path, most, &fd);

	if (r == 0)
		r = read_all(fd, most, &buffer, ret_length);
	if (r < 0)
		return r;
	*ret = TAKE(buffer);

	return 0;
}

const char *file_reason(int error)
{
	switch (error) {
	case -EINVAL:
		return "it is not a regular file";
	case -EFBIG:
		return "it is too large";
	default:
		return strerror(-error);
	}
}

int file_fill_standard(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		int way = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", way) != fd)
			return -errno;
	}

	return 0;
}
