/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Files that people name. Such a name may lead to a pipe that nobody writes to, a terminal, a
 * device or half a gigabyte: only regular files up to a size are opened, and nothing is waited for.
 */

#include <stddef.h>

/* For reading. -errno; -EINVAL: not a regular file; -EFBIG: more than @most bytes. */
int file_open(const char *path, size_t most, int *ret);

/* All of it and a 0 behind it, also if it grows meanwhile; free() it. */
int file_read(const char *path, size_t most, char **ret, size_t *ret_length);

/* What the -errno of one of them means, to follow "cannot read: ". */
const char *file_reason(int error);

/*
 * Call it first in main(). Whoever starts a program may have closed descriptors 0 to 2; the next
 * files that it opens would get these numbers, and what is said on standard error be written into
 * one of them. So they lead to nowhere from then on, and using them fails as it would have. 0 or
 * -errno.
 */
int file_fill_standard(void);
