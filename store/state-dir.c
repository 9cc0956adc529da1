/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What has to be right around the database before SQLite sees it. The lock is a file of its own,
 * because the decision to set the database aside must be one process's alone, and a lock on the
 * database would move away with it. flock() is gone with the process, however that ends.
 *
 * The database holds M_Keys, so its mode is put right even if somebody copied it with another one;
 * SQLite gives its companions the mode of the database. The directory may well be a symbolic link
 * (systemd makes it one for DynamicUser=), the database may not.
 */

#include "store/state-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/macros.h"

/* Whoever has so many damaged files has a disk to look at, and would only get more of them. */
#define DAMAGED_MAX 100

/* Of SQLite, which takes a file of a byte or two for an empty one. */
#define PAGE_MIN 512

static const char *const companions[] = { "", "-wal", "-journal" };

static int fail(char why[static WHY_SIZE], int error, const char *what, const char *dir,
		const char *name)
{
	snprintf(why, WHY_SIZE, "cannot %s %.150s%s%s: %s", what, dir, *name ? "/" : "", name,
		 strerror(error));

	return -error;
}

/* So that the new directory is there after a power failure. */
static int sync_parent(const char *dir)
{
	AUTO(closep) int fd = -1;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int make(const char *dir, char why[static WHY_SIZE])
{
	int r;

	if (mkdir(dir, 0700) < 0)
		return errno == EEXIST ? 0 : fail(why, errno, "make the directory", dir, "");
	r = sync_parent(dir);
	/* A parent that we may write to and not read cannot be synchronized; nothing is lost yet.
	 */
	if (r < 0 && r != -EACCES)
		return fail(why, -r, "make the directory", dir, "");

	return 0;
}

static int open_in(const char *dir, const char *name, int flags)
{
	AUTO(closep) int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = at < 0 ? -1 : openat(at, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

int state_dir_open(const char *dir, char why[static WHY_SIZE], int *ret_lock)
{
	AUTO(closep) int fd = -1;
	int r;

	r = make(dir, why);
	if (r < 0)
		return r;
	fd = open_in(dir, LOCK_NAME, O_RDWR | O_CREAT);
	if (fd < 0)
		return fail(why, -fd, "open", dir, LOCK_NAME);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return fail(why, errno, "lock", dir, LOCK_NAME);
		snprintf(why, WHY_SIZE, "%.150s is in use by another vsm", dir);
		return -EBUSY;
	}
	*ret_lock = fd;
	fd = -1;

	return 0;
}

/* Names are short and fixed, but the directory is the operator's. */
static int path_in(char path[static PATH_MAX], const char *dir, const char *name,
		   const char *suffix)
{
	return snprintf(path, PATH_MAX, "%s/%s%s", dir, name, suffix) < PATH_MAX ? 0
										 : -ENAMETOOLONG;
}

/* SQLite would drop the log of an empty database. */
static bool has_log(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	return path_in(path, dir, DATABASE_NAME, "-wal") == 0 && stat(path, &st) == 0 &&
	       st.st_size > 0;
}

static int check_file(int fd, const char *dir, char why[static WHY_SIZE])
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(why, errno, "look at", dir, DATABASE_NAME);
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, WHY_SIZE, "%.150s/" DATABASE_NAME " is not a regular file", dir);
		return -EINVAL;
	}
	if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
		return fail(why, errno, "restrict the mode of", dir, DATABASE_NAME);
	if (st.st_size == 0 && has_log(dir)) {
		snprintf(why, WHY_SIZE, "it is empty, but its log is not");
		return -EBADMSG;
	}

	if (st.st_size > 0 && st.st_size < PAGE_MIN) {
		snprintf(why, WHY_SIZE, "it is cut short");
		return -EBADMSG;
	}

	return 0;
}

/* Closing a descriptor drops the locks that SQLite has on the file, so: only while it has none. */
int state_dir_prepare_file(const char *dir, char why[static WHY_SIZE])
{
	AUTO(closep) int fd = open_in(dir, DATABASE_NAME, O_RDWR | O_CREAT);

	if (fd == -ELOOP || fd == -EISDIR || fd == -ENXIO) {
		snprintf(why, WHY_SIZE, "%.150s/" DATABASE_NAME " is not a regular file", dir);
		return -EINVAL;
	}
	if (fd < 0)
		return fail(why, -fd, "open", dir, DATABASE_NAME);

	return check_file(fd, dir, why);
}

/* Any of the three may be left from an attempt that was cut short. */
static bool is_taken(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < COUNT(companions); i++)
		if (path_in(path, dir, name, companions[i]) < 0 || lstat(path, &st) == 0)
			return true;

	return false;
}

static int move(const char *dir, const char *name, const char *suffix)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	if (path_in(from, dir, DATABASE_NAME, suffix) < 0 || path_in(to, dir, name, suffix) < 0)
		return -ENAMETOOLONG;

	return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

/* The database goes first: a log that is left behind by a crash is dropped with the next one. */
int state_dir_set_aside(const char *dir, char why[static WHY_SIZE], char ret[static WHY_SIZE])
{
	char name[32];
	int n = 1;
	int r;

	do
		snprintf(name, sizeof(name), DATABASE_NAME ".damaged-%d", n);
	while (is_taken(dir, name) && ++n <= DAMAGED_MAX);
	if (n > DAMAGED_MAX)
		return fail(why, EEXIST, "set aside one more damaged", dir, DATABASE_NAME);

	for (size_t i = 0; i < COUNT(companions); i++) {
		r = move(dir, name, companions[i]);
		if (r < 0)
			return fail(why, -r, "set aside the damaged", dir, DATABASE_NAME);
	}
	snprintf(ret, WHY_SIZE, "%s", name);

	return 0;
}
