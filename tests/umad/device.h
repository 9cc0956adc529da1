/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What a process has of the simulator: connections, ports, a thread; and the files that it opened.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/umad/link.h"

enum {
	DEVICE_PORTS = 9, /* that libibumad can cope with, port 0 aside */
};

/* What a device is; what changes is asked for again each time. */
struct device_info {
	char name[32];
	uint8_t type; /* 1 HCA, 2 switch, 3 router */
	uint8_t first_port;
	uint8_t n_ports;
	enum stream_smi smi; /* of the port that we are attached to */
	uint8_t node_info[64];
	char description[65];
	uint64_t port_guid; /* of the port that we are attached to */
};

/* Under the lock, from here to device_unlock(). */
void device_lock(void);
void device_unlock(void);

/* Attaches if that is still to be done; false: there is no device. */
bool device_attach(void);
const struct device_info *device_info(void);

/* 64 bytes as on the wire. 0 or -errno */
int device_port_info(unsigned port, uint8_t ret[64]);
/* GID number @index and how many there are; the same for P_Keys. */
int device_gid(unsigned port, unsigned index, uint8_t ret_gid[16], unsigned *ret_size);
int device_pkey(unsigned port, unsigned index, uint16_t *ret_pkey, unsigned *ret_size);

/* ---- files: these lock by themselves --------------------------------------------------------- */

struct open_file;

/* A descriptor, or -errno. */
int file_open_umad(unsigned number, int flags);
int file_open_issm(unsigned number, int flags);

/* Whose it is, with a reference to be given back; NULL: not ours. */
struct open_file *file_get(int fd);
void file_put(struct open_file *file);
/* Ours, and not in a child that only borrows our memory. */
bool file_is_here(int fd);

ssize_t file_read(struct open_file *file, int fd, void *buffer, size_t count);
/* poll() of this descriptor alone, for POLLIN: sets revents. -errno instead of -1. */
int file_poll(struct open_file *file, struct pollfd *p, int msec);
ssize_t file_write(struct open_file *file, const void *buffer, size_t count);
int file_ioctl(struct open_file *file, unsigned long request, void *argument);

/* Another descriptor for it. */
void file_duplicated(struct open_file *file, int fd);
/* A descriptor is about to be closed, or to be replaced. */
void file_forget(int fd);
void file_forget_range(unsigned first, unsigned last);
