/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Who is at the other end of a socket, and what it may do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum role {
	ROLE_NONE,
	ROLE_READER, /* may look */
	ROLE_ADMIN,  /* may look and change */
};

struct role_rules {
	uid_t own; /* the uid of this process: admin, as root is */
	gid_t reader, admin;
	bool has_reader, has_admin; /* the groups exist */
};

#define ROLE_READER_GROUP "vsm"
#define ROLE_ADMIN_GROUP  "vsm-admin"

/* Looks the groups up, which may ask a network: do it once. */
void role_rules_init(struct role_rules *ret);

/* @groups: the primary one and all others. */
enum role role_decide(const struct role_rules *rules, uid_t uid, const gid_t *groups, size_t n);

/* Of the process that made or connected @fd, a unix socket. ROLE_NONE also if it cannot be told. */
enum role role_of_peer(const struct role_rules *rules, int fd);
