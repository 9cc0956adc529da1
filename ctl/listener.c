/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A socket file outlives the process that made it, so one that is there says nothing: whoever wants
 * the name knocks first, and takes it only if nobody answers. The file is moved away and knocked at
 * again before it is removed, so that of two processes that do this at once none removes the
 * other's new socket.
 *
 * The file's mode lets the group in; who may do what is decided later, by the credentials of the
 * peer.
 */

#include "ctl/listener.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "ctl/role.h"

#define BACKLOG  32
#define TRIES    4
#define BOX_MODE 0660

static void make_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path);
}

/*
 * Only these two errors mean that nobody is there. A full backlog (EAGAIN), or a socket of another
 * type (EPROTOTYPE), is somebody's.
 */
static bool answers(const char *path)
{
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;

	make_address(path, &address);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return true;

	return errno != ECONNREFUSED && errno != ENOENT;
}

static int refuse_used(const char *path, char why[static 256])
{
	snprintf(why, 256, "%.100s is in use: another program has its socket there", path);

	return -EADDRINUSE;
}

/* What nobody listens on is taken out of the way. 0: the name may be free now. */
static int remove_stale(const char *path, char why[static 256])
{
	struct stat found;
	char aside[128];

	if (lstat(path, &found) < 0)
		return 0;
	if (!S_ISSOCK(found.st_mode)) {
		snprintf(why, 256, "%.100s exists and is not a socket", path);
		return -EEXIST;
	}
	if (answers(path))
		return refuse_used(path, why);

	snprintf(aside, sizeof(aside), "%s.%ld", path, (long)getpid());
	if (rename(path, aside) < 0)
		return 0;
	if (strlen(aside) < sizeof(((struct sockaddr_un *)0)->sun_path) && answers(aside)) {
		if (link(aside, path) == 0)
			unlink(aside);
		return refuse_used(path, why);
	}
	unlink(aside);

	return 0;
}

/* If the group does not exist, or is not ours to give, our own user and root remain. */
static void give_to_group(const char *path, const struct role_rules *roles)
{
	if (roles->has_reader && lchown(path, (uid_t)-1, roles->reader) < 0)
		log_warning("cannot give %s to group " ROLE_READER_GROUP ": %s", path,
			    strerror(errno));
}

/* Nobody can connect before listen(); by then the file is as it should be. */
static int try_bind(int fd, const char *path, const struct role_rules *roles)
{
	struct sockaddr_un address;

	make_address(path, &address);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	give_to_group(path, roles);
	if (chmod(path, BOX_MODE) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;

	return 0;
}

static int bind_to(int fd, const char *path, const struct role_rules *roles, char why[static 256])
{
	int r = -EADDRINUSE;

	for (int i = 0; i < TRIES && r == -EADDRINUSE; i++) {
		r = try_bind(fd, path, roles);
		if (r == -EADDRINUSE) {
			int removed = remove_stale(path, why);

			if (removed < 0)
				return removed;
		}
	}
	if (r < 0)
		snprintf(why, 256, "cannot listen on %.100s: %s", path, strerror(-r));

	return r;
}

int listener_open(struct listener *listener, const char *path, const struct role_rules *roles,
		  char why[static 256])
{
	AUTO(closep) int fd = -1;
	int r;

	if (path[0] == 0 || strlen(path) >= sizeof(listener->path)) {
		snprintf(why, 256, "the path of the socket must have 1 to %zu bytes: %.100s",
			 sizeof(listener->path) - 1, path);
		return -ENAMETOOLONG;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		r = -errno;
		snprintf(why, 256, "cannot make a socket: %s", strerror(-r));
		return r;
	}
	r = bind_to(fd, path, roles, why);
	if (r < 0)
		return r;

	*listener = (struct listener){ .fd = fd };
	fd = -1;
	snprintf(listener->path, sizeof(listener->path), "%s", path);
	if (lstat(path, &listener->made) < 0)
		listener->path[0] = 0;

	return 0;
}

void listener_close(struct listener *listener)
{
	struct stat now;

	if (listener->fd < 0)
		return;
	close(listener->fd);
	listener->fd = -1;
	if (listener->path[0] && lstat(listener->path, &now) == 0 &&
	    now.st_dev == listener->made.st_dev && now.st_ino == listener->made.st_ino)
		unlink(listener->path);
}
