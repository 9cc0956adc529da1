/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <limits.h>
#include <stdbool.h>

/* Is it one that a machine with InfiniBand has, and are we to answer? */
bool sysfs_is_ours(const char *path);

/*
 * Where the file is for now, brought up to date, in @ret; it may not exist. A path that is not ours
 * is itself.
 */
const char *sysfs_translate(const char *path, char ret[PATH_MAX]);

/* "/dev/infiniband/umad3": kind 'u', number 3; issm: 'i'; anything else: 0. */
char sysfs_device(const char *path, unsigned *ret_number);
