/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The functions of libc that this preload stands in front of, the only names that it exports.
 *
 * Those that take a path look at its first characters and go on as always, unless it is one of a
 * machine with InfiniBand. Those that take a descriptor look it up in a table. select(), epoll and
 * poll() need nothing, as our descriptors are real ones; poll() is here for speed.
 *
 * What a program does by system calls of its own, or by stdio on a descriptor of ours, goes past
 * this.
 */

#include "tests/umad/interpose.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/umad/device.h"
#include "tests/umad/real.h"
#include "tests/umad/sysfs.h"

#define EXPORT __attribute__((visibility("default")))

/* next(name): libc's, found once. */
static void *look_up(void **known, const char *name)
{
	void *f = __atomic_load_n(known, __ATOMIC_RELAXED);

	if (!f) {
		f = dlsym(RTLD_NEXT, name);
		if (!f)
			abort();
		__atomic_store_n(known, f, __ATOMIC_RELAXED);
	}

	return f;
}

#define NEXT(name)                                                                                 \
	({                                                                                         \
		static void *known_;                                                               \
		(__typeof__(&name))look_up(&known_, #name);                                        \
	})

static long result(long r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;

	return -1;
}

ssize_t real_read(int fd, void *buffer, size_t count)
{
	return NEXT(read)(fd, buffer, count);
}

ssize_t real_write(int fd, const void *buffer, size_t count)
{
	return NEXT(write)(fd, buffer, count);
}

int real_close(int fd)
{
	return NEXT(close)(fd);
}

int real_poll(struct pollfd *polls, nfds_t n, int msec)
{
	return NEXT(poll)(polls, n, msec);
}

/* ---- open ------------------------------------------------------------------------------------ */

/* True: a device of ours, and @ret_fd is what open() returns. */
static bool open_device(const char *path, int flags, int *ret_fd)
{
	unsigned number;
	char kind = sysfs_is_ours(path) ? sysfs_device(path, &number) : 0;

	if (!kind)
		return false;
	if (kind == 'u')
		*ret_fd = (int)result(file_open_umad(number, flags));
	else
		*ret_fd = (int)result(file_open_issm(number, flags));

	return true;
}

static mode_t mode_of(int flags, va_list arguments)
{
	return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
	EXPORT int name(const char *path, int flags, ...)                                          \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
		va_list arguments;                                                                 \
		mode_t mode;                                                                       \
		int fd;                                                                            \
                                                                                                   \
		va_start(arguments, flags);                                                        \
		mode = mode_of(flags, arguments);                                                  \
		va_end(arguments);                                                                 \
		if (open_device(path, flags, &fd))                                                 \
			return fd;                                                                 \
		return NEXT(name)(sysfs_translate(path, place), flags, mode);                      \
	}

OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
	EXPORT int name(int folder, const char *path, int flags, ...)                              \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
		va_list arguments;                                                                 \
		mode_t mode;                                                                       \
		int fd;                                                                            \
                                                                                                   \
		va_start(arguments, flags);                                                        \
		mode = mode_of(flags, arguments);                                                  \
		va_end(arguments);                                                                 \
		if (open_device(path, flags, &fd))                                                 \
			return fd;                                                                 \
		return NEXT(name)(folder, sysfs_translate(path, place), flags, mode);              \
	}

OPENAT(openat)
OPENAT(openat64)

/* What the fortified headers make of open() without a mode. */
#define OPEN_2(name)                                                                               \
	EXPORT int name(const char *path, int flags)                                               \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
		int fd;                                                                            \
                                                                                                   \
		if (open_device(path, flags, &fd))                                                 \
			return fd;                                                                 \
		return NEXT(name)(sysfs_translate(path, place), flags);                            \
	}

OPEN_2(__open_2)
OPEN_2(__open64_2)

#define OPENAT_2(name)                                                                             \
	EXPORT int name(int folder, const char *path, int flags)                                   \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
		int fd;                                                                            \
                                                                                                   \
		if (open_device(path, flags, &fd))                                                 \
			return fd;                                                                 \
		return NEXT(name)(folder, sysfs_translate(path, place), flags);                    \
	}

OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

#define FOPEN(name)                                                                                \
	EXPORT FILE *name(const char *path, const char *mode)                                      \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
                                                                                                   \
		return NEXT(name)(sysfs_translate(path, place), mode);                             \
	}

FOPEN(fopen)
FOPEN(fopen64)

/* ---- other functions of paths ---------------------------------------------------------------- */

EXPORT DIR *opendir(const char *path)
{
	char place[PATH_MAX];

	return NEXT(opendir)(sysfs_translate(path, place));
}

EXPORT int scandir(const char *path, struct dirent ***names, int (*wanted)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **))
{
	char place[PATH_MAX];

	return NEXT(scandir)(sysfs_translate(path, place), names, wanted, compare);
}

EXPORT int scandir64(const char *path, struct dirent64 ***names,
		     int (*wanted)(const struct dirent64 *),
		     int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
	char place[PATH_MAX];

	return NEXT(scandir64)(sysfs_translate(path, place), names, wanted, compare);
}

EXPORT int access(const char *path, int how)
{
	char place[PATH_MAX];

	return NEXT(access)(sysfs_translate(path, place), how);
}

EXPORT int faccessat(int folder, const char *path, int how, int flags)
{
	char place[PATH_MAX];

	return NEXT(faccessat)(folder, sysfs_translate(path, place), how, flags);
}

#define STAT(name, type)                                                                           \
	EXPORT int name(const char *path, struct type *st)                                         \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
                                                                                                   \
		return NEXT(name)(sysfs_translate(path, place), st);                               \
	}

STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)

#define FSTATAT(name, type)                                                                        \
	EXPORT int name(int folder, const char *path, struct type *st, int flags)                  \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
                                                                                                   \
		return NEXT(name)(folder, sysfs_translate(path, place), st, flags);                \
	}

FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

/* What programs call that were built with an older libc. Their struct is the same on 64 bits. */
#define XSTAT(name, plain, type)                                                                   \
	EXPORT int name(int version, const char *path, struct type *st)                            \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
                                                                                                   \
		(void)version;                                                                     \
		return NEXT(plain)(sysfs_translate(path, place), st);                              \
	}

XSTAT(__xstat, stat, stat)
XSTAT(__xstat64, stat64, stat64)
XSTAT(__lxstat, lstat, stat)
XSTAT(__lxstat64, lstat64, stat64)

#define FXSTATAT(name, plain, type)                                                                \
	EXPORT int name(int version, int folder, const char *path, struct type *st, int flags)     \
	{                                                                                          \
		char place[PATH_MAX];                                                              \
                                                                                                   \
		(void)version;                                                                     \
		return NEXT(plain)(folder, sysfs_translate(path, place), st, flags);               \
	}

FXSTATAT(__fxstatat, fstatat, stat)
FXSTATAT(__fxstatat64, fstatat64, stat64)

EXPORT int statx(int folder, const char *path, int flags, unsigned mask, struct statx *st)
{
	char place[PATH_MAX];

	return NEXT(statx)(folder, sysfs_translate(path, place), flags, mask, st);
}

EXPORT ssize_t readlink(const char *path, char *buffer, size_t size)
{
	char place[PATH_MAX];

	return NEXT(readlink)(sysfs_translate(path, place), buffer, size);
}

EXPORT ssize_t readlinkat(int folder, const char *path, char *buffer, size_t size)
{
	char place[PATH_MAX];

	return NEXT(readlinkat)(folder, sysfs_translate(path, place), buffer, size);
}

/* Also when the thread is cancelled: this is compiled with -fexceptions. */
static void file_putp(struct open_file **file)
{
	int saved = errno;

	file_put(*file);
	errno = saved;
}

/* ---- functions of descriptors ---------------------------------------------------------------- */

EXPORT ssize_t read(int fd, void *buffer, size_t count)
{
	AUTO(file_putp) struct open_file *file = file_get(fd);

	if (!file)
		return real_read(fd, buffer, count);

	return result(file_read(file, fd, buffer, count));
}

EXPORT ssize_t __read_chk(int fd, void *buffer, size_t count, size_t size)
{
	if (count > size)
		abort();

	return read(fd, buffer, count);
}

EXPORT ssize_t write(int fd, const void *buffer, size_t count)
{
	struct open_file *file = file_get(fd);
	ssize_t n;

	if (!file)
		return real_write(fd, buffer, count);
	n = file_write(file, buffer, count);
	file_put(file);

	return result(n);
}

/* The headers tell the compiler that poll() only writes there: hide where the pointer is from. */
static short events_of(const struct pollfd *p)
{
	__asm__("" : "+r"(p) : : "memory");

	return p->events;
}

/* libibumad waits for one descriptor, and that can be done quicker. All else is as it is. */
EXPORT int poll(struct pollfd *polls, nfds_t n, int msec)
{
	AUTO(file_putp) struct open_file *file = NULL;

	if (n == 1 && events_of(polls) == POLLIN)
		file = file_get(polls->fd);
	if (!file)
		return real_poll(polls, n, msec);

	return (int)result(file_poll(file, polls, msec));
}

EXPORT int __poll_chk(struct pollfd *polls, nfds_t n, int msec, size_t size)
{
	if (size / sizeof(*polls) < n)
		abort();

	return poll(polls, n, msec);
}

EXPORT int close(int fd)
{
	file_forget(fd);

	return real_close(fd);
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	if (!(flags & CLOSE_RANGE_CLOEXEC))
		file_forget_range(first, last);

	return NEXT(close_range)(first, last, flags);
}

EXPORT void closefrom(int first)
{
	file_forget_range((unsigned)MAX(first, 0), UINT_MAX);
	NEXT(closefrom)(first);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	struct open_file *file = file_get(fd);
	void *argument;
	va_list arguments;
	int r;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (!file)
		return NEXT(ioctl)(fd, request, argument);
	r = file_ioctl(file, request, argument);
	file_put(file);

	return (int)result(r);
}

/* After @fd became the same as @old; nothing if that failed or @old is not ours. */
static int duplicated(int old, int fd)
{
	int saved = errno;
	struct open_file *file = fd >= 0 && file_is_here(old) ? file_get(old) : NULL;

	if (file) {
		file_duplicated(file, fd);
		file_put(file);
	}
	errno = saved;

	return fd;
}

EXPORT int dup(int fd)
{
	return duplicated(fd, NEXT(dup)(fd));
}

/* Before @as becomes @fd, if it will: what fails leaves @as as it is. */
static void forget_for(int fd, int as)
{
	int saved = errno;

	if (fd != as && NEXT(fcntl)(fd, F_GETFD) >= 0)
		file_forget(as);
	errno = saved;
}

EXPORT int dup2(int fd, int as)
{
	forget_for(fd, as);

	return fd == as ? NEXT(dup2)(fd, as) : duplicated(fd, NEXT(dup2)(fd, as));
}

EXPORT int dup3(int fd, int as, int flags)
{
	if (!(flags & ~O_CLOEXEC))
		forget_for(fd, as);

	return duplicated(fd, NEXT(dup3)(fd, as, flags));
}

#define FCNTL(name)                                                                                \
	EXPORT int name(int fd, int command, ...)                                                  \
	{                                                                                          \
		void *argument;                                                                    \
		va_list arguments;                                                                 \
		int r;                                                                             \
                                                                                                   \
		va_start(arguments, command);                                                      \
		argument = va_arg(arguments, void *);                                              \
		va_end(arguments);                                                                 \
		r = NEXT(name)(fd, command, argument);                                             \
		return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? duplicated(fd, r) : r;   \
	}

FCNTL(fcntl)
FCNTL(fcntl64)
