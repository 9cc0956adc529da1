/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The kernel tells who connected (SO_PEERCRED, SO_PEERGROUPS): credentials of the moment of
 * connect(), which the peer cannot make up. Supplementary groups count, because "adduser alice vsm"
 * is how groups are given. Deciding is apart from asking, so that it can be tested without being
 * somebody else.
 */

#include "ctl/role.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

static bool find_group(const char *name, gid_t *ret)
{
	AUTO(freep) char *buffer = malloc(GROUPS_MAX);
	struct group group, *found = NULL;

	if (!buffer || getgrnam_r(name, &group, buffer, GROUPS_MAX, &found) != 0 || !found)
		return false;
	*ret = found->gr_gid;

	return true;
}

void role_rules_init(struct role_rules *ret)
{
	*ret = (struct role_rules){ .own = geteuid() };
	ret->has_reader = find_group(ROLE_READER_GROUP, &ret->reader);
	ret->has_admin = find_group(ROLE_ADMIN_GROUP, &ret->admin);
}

static bool is_among(gid_t group, const gid_t *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (groups[i] == group)
			return true;

	return false;
}

enum role role_decide(const struct role_rules *rules, uid_t uid, const gid_t *groups, size_t n)
{
	if (uid == 0 || uid == rules->own)
		return ROLE_ADMIN;
	if (rules->has_admin && is_among(rules->admin, groups, n))
		return ROLE_ADMIN;
	if (rules->has_reader && is_among(rules->reader, groups, n))
		return ROLE_READER;

	return ROLE_NONE;
}

enum role role_of_peer(const struct role_rules *rules, int fd)
{
	AUTO(freep) gid_t *groups = calloc(GROUPS_MAX + 1, sizeof(*groups));
	socklen_t size = GROUPS_MAX * sizeof(*groups);
	struct ucred who;
	socklen_t who_size = sizeof(who);

	if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size) < 0)
		return ROLE_NONE;
	groups[0] = who.gid;
	/* A kernel without it (before 4.13) leaves the primary group to decide. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, &groups[1], &size) < 0)
		size = 0;

	return role_decide(rules, who.uid, groups, 1 + size / sizeof(*groups));
}
