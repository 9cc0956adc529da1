/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * An SQLite VFS over the usual one. What a power failure leaves is modelled at its worst: a file is
 * in the shadow directory as it was when it was last synchronized, and not at all before. Files
 * that are removed are gone at once, for the worst is then that they are missing.
 */

#include "tests/unit/bad-disk.h"

#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/macros.h"

struct file {
	sqlite3_file base;
	const char *path;
	sqlite3_file *real; /* behind this struct */
};

static struct bad_disk disk;
static sqlite3_vfs *real_vfs;

static sqlite3_file *real(sqlite3_file *file)
{
	return ((struct file *)file)->real;
}

static bool shadow_path(const char *path, char ret[static PATH_MAX])
{
	const char *name = path ? strrchr(path, '/') : NULL;

	if (!name || !disk.shadow)
		return false;

	return snprintf(ret, PATH_MAX, "%s%s", disk.shadow, name) < PATH_MAX;
}

static int copy(const char *from, const char *to)
{
	AUTO(closep) int in = open(from, O_RDONLY | O_CLOEXEC);
	AUTO(closep) int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (in < 0 || out < 0)
		return SQLITE_IOERR;
	for (;;) {
		ssize_t n = sendfile(out, in, NULL, 1 << 20);

		if (n <= 0)
			return n == 0 ? SQLITE_OK : SQLITE_IOERR;
	}
}

/* ---- files ----------------------------------------------------------------------------------- */

static int file_close(sqlite3_file *file)
{
	return real(file)->pMethods->xClose(real(file));
}

static int file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 at)
{
	if (disk.read_result != SQLITE_OK)
		return disk.read_result;

	return real(file)->pMethods->xRead(real(file), data, size, at);
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
	disk.n_writes++;
	if (disk.write_result != SQLITE_OK && disk.writes_left == 0)
		return disk.write_result;
	if (disk.writes_left > 0)
		disk.writes_left--;

	return real(file)->pMethods->xWrite(real(file), data, size, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	const char *path = ((struct file *)file)->path;
	char shadow[PATH_MAX];

	disk.n_syncs++;
	if (disk.sync_result != SQLITE_OK)
		return disk.sync_result;
	if (shadow_path(path, shadow))
		return copy(path, shadow);

	return real(file)->pMethods->xSync(real(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return real(file)->pMethods->xFileSize(real(file), ret);
}

static int file_lock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xLock(real(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xUnlock(real(file), level);
}

static int file_check_lock(sqlite3_file *file, int *ret)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), ret);
}

static int file_control(sqlite3_file *file, int op, void *argument)
{
	if (op == SQLITE_FCNTL_LAST_ERRNO && disk.system_errno) {
		*(int *)argument = disk.system_errno;
		return SQLITE_OK;
	}

	return real(file)->pMethods->xFileControl(real(file), op, argument);
}

static int file_sector_size(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

/* None, so that SQLite relies on nothing but synchronization. */
static int file_characteristics(sqlite3_file *file)
{
	(void)file;

	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
};

/* ---- the disk -------------------------------------------------------------------------------- */

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
		     int *ret_flags)
{
	struct file *ours = (struct file *)file;
	int rc;

	(void)vfs;
	*ours = (struct file){ .path = path, .real = (sqlite3_file *)(ours + 1) };
	if (disk.open_result != SQLITE_OK)
		return disk.open_result;
	rc = real_vfs->xOpen(real_vfs, path, ours->real, flags, ret_flags);
	if (rc == SQLITE_OK)
		ours->base.pMethods = &methods;

	return rc;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	char shadow[PATH_MAX];

	(void)vfs;
	if (shadow_path(path, shadow))
		unlink(shadow);

	return real_vfs->xDelete(real_vfs, path, sync);
}

static int disk_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret)
{
	(void)vfs;

	return real_vfs->xAccess(real_vfs, path, flags, ret);
}

static int disk_full_path(sqlite3_vfs *vfs, const char *path, int size, char *ret)
{
	(void)vfs;

	return real_vfs->xFullPathname(real_vfs, path, size, ret);
}

static int disk_last_error(sqlite3_vfs *vfs, int size, char *ret)
{
	(void)vfs;
	if (disk.system_errno)
		return disk.system_errno;

	return real_vfs->xGetLastError(real_vfs, size, ret);
}

struct bad_disk *bad_disk_get(void)
{
	static sqlite3_vfs vfs;

	if (real_vfs)
		return &disk;
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "bad-disk";
	vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
	vfs.xOpen = disk_open;
	vfs.xDelete = disk_delete;
	vfs.xAccess = disk_access;
	vfs.xFullPathname = disk_full_path;
	vfs.xGetLastError = disk_last_error;
	sqlite3_vfs_register(&vfs, 1);

	return &disk;
}
