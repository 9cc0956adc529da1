/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The files of /sys/class/infiniband, /sys/class/infiniband_mad and /dev/infiniband, as real files
 * in a directory of this process alone: whatever way a program has to read a directory or a file,
 * it finds them. What can change (LID, state, GIDs, P_Keys and so on) is written anew each time
 * that it is opened.
 *
 * The directory is removed at the end of the process. One that was killed leaves it behind; the
 * next process that starts removes it, which knows by the name whose it was: namespace of
 * processes, process, and when it started. The formats are those of the kernel.
 */

#include "tests/umad/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/umad/device.h"
#include "tests/umad/real.h"

#define CLASS      "/sys/class/infiniband"
#define CLASS_MAD  "/sys/class/infiniband_mad"
#define DEV        "/dev/infiniband"
#define TREE_START "vsm-umad-"

enum {
	SHOWN_MAX = 256, /* GIDs, or P_Keys, of a port */
};

static struct {
	pid_t pid; /* of the process that made it */
	char path[PATH_MAX / 2];
	bool filled; /* with a device */
	bool failed; /* something in it: the disk may be full */
	char device[32];
	uint8_t node_info[64];
} tree;

/* ---- paths ----------------------------------------------------------------------------------- */

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return !strncmp(path, folder, n) && (!path[n] || path[n] == '/');
}

bool sysfs_is_ours(const char *path)
{
	if (!path || path[0] != '/' || (path[1] != 's' && path[1] != 'd'))
		return false;
	if (strstr(path, "/../"))
		return false;

	return is_below(path, CLASS) || is_below(path, CLASS_MAD) || is_below(path, DEV);
}

char sysfs_device(const char *path, unsigned *ret_number)
{
	unsigned number;
	char kind;
	int end = 0;

	if (!path || strncmp(path, DEV "/", strlen(DEV "/")))
		return 0;
	path += strlen(DEV "/");
	kind = *path;
	if (sscanf(path, kind == 'u' ? "umad%u%n" : "issm%u%n", &number, &end) != 1 || path[end])
		return 0;
	*ret_number = number;

	return kind;
}

/* ---- the names of directories, and what the dead left behind --------------------------------- */

static const char *temporary(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder == '/' ? folder : "/tmp";
}

/* When the process started, in clock ticks since the boot; 0: there is none. */
static unsigned long long start_time(long pid)
{
	unsigned long long started = 0;
	char path[64], text[1024];
	const char *at;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	at = strrchr(text, ')'); /* the name of the program may hold anything */
	if (at && sscanf(at + 1,
			 " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			 "%*s %*s %*s %*s %llu",
			 &started) != 1)
		started = 0;

	return started;
}

/* The inode of our namespace of processes. */
static unsigned long long pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *unused)
{
	(void)st;
	(void)kind;
	(void)unused;
	remove(path);

	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Of a process that is no more, or of this one before an exec. */
static bool is_left_behind(const char *name)
{
	unsigned long long namespace, started;
	long pid;

	if (sscanf(name, TREE_START "%llu-%ld-%llu-", &namespace, &pid, &started) != 3)
		return false;
	if (!namespace || namespace != pid_namespace())
		return false;

	return pid == getpid() || start_time(pid) != started;
}

static void clean_up(void)
{
	DIR *folder = opendir(temporary());
	struct dirent *entry;
	struct stat st;
	char path[PATH_MAX];

	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		if (!is_left_behind(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", temporary(), entry->d_name);
		if (!lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
			remove_tree(path);
	}
	closedir(folder);
}

static bool make_tree(void)
{
	if (tree.pid == getpid())
		return true;
	clean_up();
	snprintf(tree.path, sizeof(tree.path), "%s/" TREE_START "%llu-%ld-%llu-XXXXXX", temporary(),
		 pid_namespace(), (long)getpid(), start_time(getpid()));
	if (!mkdtemp(tree.path)) {
		fprintf(stderr, "vsm-umad: %s: %s\n", tree.path, strerror(errno));
		return false;
	}
	tree.pid = getpid();
	tree.filled = false;

	return true;
}

__attribute__((destructor)) static void sysfs_end(void)
{
	if (tree.pid && tree.pid == getpid())
		remove_tree(tree.path);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* A directory in the tree, and those above it. */
static void make_folder(const char *path)
{
	char full[PATH_MAX];
	char *at;

	snprintf(full, sizeof(full), "%s%s", tree.path, path);
	for (at = full + strlen(tree.path) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(full, 0700);
		*at = '/';
	}
	mkdir(full, 0700);
}

/* Replaced in one step: who reads it meanwhile reads the old one. */
__attribute__((format(printf, 2, 3))) static void put(const char *path, const char *format, ...)
{
	char text[256], full[PATH_MAX], new[PATH_MAX];
	va_list arguments;
	int n, fd;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	snprintf(full, sizeof(full), "%s%s", tree.path, path);
	snprintf(new, sizeof(new), "%s/new", tree.path);
	n = MIN(n, (int)sizeof(text) - 1);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || real_write(fd, text, (size_t)n) != n || rename(new, full) < 0) {
		tree.failed = true;
		unlink(new);
	}
	if (fd >= 0)
		real_close(fd);
}

/* "0002:c903:00a1:b2c3", or twice as long. */
static const char *colons(const uint8_t *bytes, size_t n, char ret[40])
{
	size_t at = 0;

	for (size_t i = 0; i < n; i += 2)
		at += (size_t)snprintf(ret + at, 40 - at, "%s%04x", i ? ":" : "", get16(bytes + i));

	return ret;
}

/* ---- what a port shows ----------------------------------------------------------------------- */

static const char *state_name(unsigned state)
{
	static const char *const names[] = { "NOP",   "DOWN",   "INIT",
					     "ARMED", "ACTIVE", "ACTIVE_DEFER" };

	return state < COUNT(names) ? names[state] : "UNKNOWN";
}

static const char *physical_name(unsigned state)
{
	static const char *const names[] = { "<unknown>",
					     "Sleep",
					     "Polling",
					     "Disabled",
					     "PortConfigurationTraining",
					     "LinkUp",
					     "LinkErrorRecovery",
					     "Phy Test" };

	return state < COUNT(names) ? names[state] : "<unknown>";
}

static void put_rate(const char *path, const uint8_t *info)
{
	unsigned width = info[31] == 2    ? 4
			 : info[31] == 4  ? 8
			 : info[31] == 8  ? 12
			 : info[31] == 16 ? 2
					  : 1;
	unsigned extended = info[62] >> 4;
	unsigned speed = info[35] >> 4;
	const char *name = " SDR";
	unsigned rate = 25; /* of a lane, in 100 Mb/s */

	if (extended & 8)
		rate = 1000, name = " NDR";
	else if (extended & 4)
		rate = 500, name = " HDR";
	else if (extended & 2)
		rate = 250, name = " EDR";
	else if (extended & 1)
		rate = 140, name = " FDR";
	else if (speed & 4)
		rate = 100, name = " QDR";
	else if (speed & 2)
		rate = 50, name = " DDR";
	rate *= width;
	put(path, "%u%s Gb/sec (%uX%s)\n", rate / 10, rate % 10 ? ".5" : "", width, name);
}

static void put_attribute(const char *path, const char *name, const uint8_t *info)
{
	if (!strcmp(name, "state"))
		put(path, "%u: %s\n", info[32] & 15, state_name(info[32] & 15));
	else if (!strcmp(name, "phys_state"))
		put(path, "%u: %s\n", info[33] >> 4, physical_name(info[33] >> 4));
	else if (!strcmp(name, "lid"))
		put(path, "0x%x\n", get16(info + 16));
	else if (!strcmp(name, "sm_lid"))
		put(path, "0x%x\n", get16(info + 18));
	else if (!strcmp(name, "lid_mask_count"))
		put(path, "%u\n", info[34] & 7);
	else if (!strcmp(name, "sm_sl"))
		put(path, "%u\n", info[36] & 15);
	else if (!strcmp(name, "cap_mask"))
		put(path, "0x%08x\n", get32(info + 20));
	else if (!strcmp(name, "rate"))
		put_rate(path, info);
	else if (!strcmp(name, "link_layer"))
		put(path, "InfiniBand\n");
}

static const char *const attributes[] = { "state",    "phys_state",     "lid",
					  "sm_lid",   "lid_mask_count", "sm_sl",
					  "cap_mask", "rate",           "link_layer" };

static void put_gid(const char *path, unsigned port, unsigned index)
{
	uint8_t gid[16];
	unsigned size;
	char text[40];

	if (!device_gid(port, index, gid, &size))
		put(path, "%s\n", colons(gid, sizeof(gid), text));
}

static void put_pkey(const char *path, unsigned port, unsigned index)
{
	unsigned size;
	uint16_t pkey;

	if (!device_pkey(port, index, &pkey, &size))
		put(path, "0x%04x\n", pkey);
}

/* ---- filling the tree ------------------------------------------------------------------------ */

/* @size files that say the same until they are opened: names of one file, made in no time. */
static void put_table(const char *folder, unsigned size, const char *text)
{
	char path[256], first[PATH_MAX], full[PATH_MAX];

	make_folder(folder);
	snprintf(path, sizeof(path), "%s/0", folder);
	put(path, "%s\n", text);
	snprintf(first, sizeof(first), "%s%s", tree.path, path);
	for (unsigned i = 1; i < MIN(size, (unsigned)SHOWN_MAX); i++) {
		snprintf(full, sizeof(full), "%s%s/%u", tree.path, folder, i);
		if (link(first, full) < 0)
			return;
	}
}

static void fill_tables(const char *base, unsigned port)
{
	uint8_t gid[16];
	uint16_t pkey;
	char path[256];
	unsigned size = 1;

	if (device_gid(port, 0, gid, &size))
		size = 1;
	snprintf(path, sizeof(path), "%s/gids", base);
	put_table(path, size, "0000:0000:0000:0000:0000:0000:0000:0000");
	if (device_pkey(port, 0, &pkey, &size))
		size = 1;
	snprintf(path, sizeof(path), "%s/pkeys", base);
	put_table(path, size, "0x0000");
}

static void fill_port(const struct device_info *info, unsigned port)
{
	uint8_t port_info[64] = { 0 };
	char base[128], path[256];

	snprintf(base, sizeof(base), CLASS "/%s/ports/%u", info->name, port);
	make_folder(base);
	device_port_info(port, port_info);
	for (size_t i = 0; i < COUNT(attributes); i++) {
		snprintf(path, sizeof(path), "%s/%s", base, attributes[i]);
		put_attribute(path, attributes[i], port_info);
	}
	fill_tables(base, port);
}

static void fill_device(const struct device_info *info)
{
	static const char *const types[] = { "unknown", "CA", "switch", "router" };
	const uint8_t *node = info->node_info;
	char base[128], path[256], text[40];

	snprintf(base, sizeof(base), CLASS "/%s", info->name);
	make_folder(base);
#define PUT(name, ...)                                                                             \
	do {                                                                                       \
		snprintf(path, sizeof(path), "%s/" name, base);                                    \
		put(path, __VA_ARGS__);                                                            \
	} while (0)
	PUT("node_type", "%u: %s\n", info->type, types[info->type < COUNT(types) ? info->type : 0]);
	PUT("node_guid", "%s\n", colons(node + 12, 8, text));
	PUT("sys_image_guid", "%s\n", colons(node + 4, 8, text));
	PUT("node_desc", "%.64s\n", info->description);
	PUT("fw_ver", "1.0.0\n");
	PUT("hw_rev", "0x%x\n", get32(node + 32));
	PUT("hca_type", "MT%u\n", get16(node + 30));
	PUT("board_id", "SIM0000000001\n");
#undef PUT
}

/* umad%u and issm%u, with the device and the port that they are for. */
static void fill_mad(const struct device_info *info, unsigned number)
{
	static const char *const kinds[] = { "umad", "issm" };
	char path[256];

	for (size_t i = 0; i < COUNT(kinds); i++) {
		snprintf(path, sizeof(path), CLASS_MAD "/%s%u", kinds[i], number);
		make_folder(path);
		snprintf(path, sizeof(path), CLASS_MAD "/%s%u/ibdev", kinds[i], number);
		put(path, "%s\n", info->name);
		snprintf(path, sizeof(path), CLASS_MAD "/%s%u/port", kinds[i], number);
		put(path, "%u\n", info->first_port + number);
		snprintf(path, sizeof(path), DEV "/%s%u", kinds[i], number);
		put(path, "%s", "");
	}
}

static void fill(void)
{
	const struct device_info *info = device_info();
	char path[PATH_MAX];

	/* Another device than last time: the simulator is another. */
	if (tree.filled && !strcmp(tree.device, info->name) &&
	    !memcmp(tree.node_info, info->node_info, sizeof(tree.node_info)))
		return;
	tree.failed = false;
	snprintf(path, sizeof(path), "%s/sys", tree.path);
	remove_tree(path);
	snprintf(path, sizeof(path), "%s/dev", tree.path);
	remove_tree(path);
	make_folder(CLASS);
	make_folder(CLASS_MAD);
	make_folder(DEV);
	put(CLASS_MAD "/abi_version", "5\n");
	fill_device(info);
	for (unsigned i = 0; i < info->n_ports; i++) {
		fill_port(info, info->first_port + i);
		fill_mad(info, i);
	}
	tree.filled = !tree.failed; /* else the next one tries again */
	memcpy(tree.device, info->name, sizeof(tree.device));
	memcpy(tree.node_info, info->node_info, sizeof(tree.node_info));
}

/* ---- on the way to a file -------------------------------------------------------------------- */

static bool has_port(unsigned port)
{
	const struct device_info *info = device_info();

	return port >= info->first_port && port < info->first_port + info->n_ports;
}

/* "gids/12": 12. */
static bool entry_of(const char *name, const char *table, unsigned *ret_index)
{
	size_t n = strlen(table);
	int end = 0;

	return !strncmp(name, table, n) && sscanf(name + n, "/%u%n", ret_index, &end) == 1 &&
	       !name[n + (size_t)end] && *ret_index < SHOWN_MAX;
}

/* What may have changed is written anew, if it is a file that there is. */
static void refresh(const char *path)
{
	char device[32], full[PATH_MAX];
	unsigned port, index;
	uint8_t info[64];
	int end = 0;

	if (sscanf(path, CLASS "/%31[^/]/ports/%u/%n", device, &port, &end) != 2 || !end)
		return;
	snprintf(full, sizeof(full), "%s%s", tree.path, path);
	if (strcmp(device, tree.device) || !has_port(port) || access(full, F_OK))
		return;
	if (entry_of(path + end, "gids", &index))
		put_gid(path, port, index);
	else if (entry_of(path + end, "pkeys", &index))
		put_pkey(path, port, index);
	else if (!strchr(path + end, '/') && !device_port_info(port, info))
		put_attribute(path, path + end, info);
}

const char *sysfs_translate(const char *path, char ret[PATH_MAX])
{
	int saved = errno;

	if (!sysfs_is_ours(path))
		return path;
	device_lock();
	if (make_tree() && device_attach()) {
		fill();
		refresh(path);
		snprintf(ret, PATH_MAX, "%s%s", tree.path, path);
	} else {
		snprintf(ret, PATH_MAX, "/proc/none%s", path); /* where nobody can put it */
	}
	device_unlock();
	errno = saved;

	return ret;
}
