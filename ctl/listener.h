/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A listening unix socket in the file system.
 */

#include <sys/stat.h>

struct role_rules;

struct listener {
	int fd; /* non-blocking; -1: none */
	char path[108];
	struct stat made; /* the file as it was made */
};

/*
 * The file is the readers' group's, if there is one. -EADDRINUSE if another process answers at
 * @path; @why has the sentence for any failure.
 */
int listener_open(struct listener *listener, const char *path, const struct role_rules *roles,
		  char why[static 256]);

/* Closes it, and removes the file if it is still ours. */
void listener_close(struct listener *listener);
