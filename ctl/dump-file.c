/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Millions of short lines: numbers are put into a buffer digit by digit, since printf would take
 * ten times as long. No fsync: after a crash the files are written again, and nobody relies on them
 * to know the fabric.
 */

#include "ctl/dump-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

#define BUFFER_SIZE (256u << 10)
#define DIGITS_MAX  20u

struct dump_file {
	char path[PATH_MAX];
	char temporary[PATH_MAX];
	int fd;
	int error;
	size_t used;
	char buffer[BUFFER_SIZE];
};

static int name_paths(struct dump_file *file, const char *dir, const char *name)
{
	int n = snprintf(file->temporary, sizeof(file->temporary), "%s/.%s.new", dir, name);
	int m = snprintf(file->path, sizeof(file->path), "%s/%s", dir, name);

	return n < 0 || m < 0 || MAX(n, m) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int dump_file_open(const char *dir, const char *name, struct dump_file **ret)
{
	AUTO(freep) struct dump_file *file = malloc(sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	file->error = 0;
	file->used = 0;
	r = name_paths(file, dir, name);
	if (r < 0)
		return r;
	/* What a killed one left behind, or somebody put there to have us write elsewhere. */
	unlink(file->temporary);
	file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (file->fd < 0)
		return -errno;
	*ret = TAKE(file);

	return 0;
}

static void flush(struct dump_file *file)
{
	for (size_t at = 0; at < file->used && !file->error;) {
		ssize_t n = write(file->fd, file->buffer + at, file->used - at);

		if (n >= 0)
			at += (size_t)n;
		else if (errno != EINTR)
			file->error = -errno;
	}
	file->used = 0;
}

int dump_file_close(struct dump_file *file)
{
	int error;

	flush(file);
	if (!file->error && rename(file->temporary, file->path) < 0)
		file->error = -errno;
	error = file->error;
	if (error)
		unlink(file->temporary);
	close(file->fd);
	free(file);

	return error;
}

void dump_file_drop(struct dump_file *file)
{
	file->error = -ECANCELED;
	dump_file_close(file);
}

static char *room_for(struct dump_file *file, size_t size)
{
	if (BUFFER_SIZE - file->used < size)
		flush(file);

	return file->buffer + file->used;
}

void dump_text(struct dump_file *file, const char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		size_t n = MIN(left, BUFFER_SIZE);

		memcpy(room_for(file, n), text, n);
		file->used += n;
		text += n;
		left -= n;
	}
}

static void put_digits(struct dump_file *file, uint64_t value, const char *alphabet,
		       unsigned digits)
{
	unsigned base = (unsigned)strlen(alphabet);
	char *end = room_for(file, DIGITS_MAX) + DIGITS_MAX;
	char *p = end;

	while (value > 0 || end - p < (ptrdiff_t)digits) {
		*--p = alphabet[value % base];
		value /= base;
	}
	memmove(end - DIGITS_MAX, p, (size_t)(end - p));
	file->used += (size_t)(end - p);
}

void dump_hex(struct dump_file *file, uint64_t value, unsigned digits)
{
	put_digits(file, value, "0123456789abcdef", digits);
}

void dump_hex_upper(struct dump_file *file, uint64_t value, unsigned digits)
{
	put_digits(file, value, "0123456789ABCDEF", digits);
}

void dump_decimal(struct dump_file *file, uint64_t value, unsigned digits)
{
	put_digits(file, value, "0123456789", digits);
}
