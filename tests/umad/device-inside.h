/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What device.c, device-ask.c and open-file.c share. A process has one device and one table of
 * descriptors, and the functions that are called have no argument to carry them: hence variables.
 */

#include <pthread.h>

#include "tests/sim/linger.h"
#include "tests/umad/device.h"

enum {
	BUSY_MSEC = 2,
	FILES = 1 << 16, /* the highest descriptor that can be ours, and one */
};

struct device_port {
	struct device_port *next_old;
	struct link *link;
	struct kmad_port kmad;
	unsigned users;   /* files */
	unsigned pollers; /* threads that wait for packets by themselves */
	bool polled;      /* that has been so a moment ago */
	struct linger_state linger;
	bool issm;
};

struct open_file {
	struct kmad_file kmad;
	struct device_port *port;
	struct list dirty; /* its event has to be set or taken back */
	unsigned references;
	unsigned unanswered; /* records read and none written for, since it last waited */
	int event;
	pid_t pid;
	bool issm;
	bool readable; /* what the event says */
	bool wanted;   /* what it must say */
};

struct device {
	pthread_mutex_t lock;
	int cancel_state; /* of the thread that has the lock */
	pid_t pid;
	bool attached;
	bool complained;
	bool threaded;
	int wake; /* an event that the thread looks at */
	uint64_t sleeps_until;
	uint64_t busy_until; /* programs that read are believed to come back before that */
	struct link_place place;
	struct device_info info;
	struct device_port *ports[DEVICE_PORTS + 1]; /* by number */
	struct device_port *old; /* of connections that broke, while files are open */
	struct list dirty;
	pthread_cond_t issm_free;
};

extern struct device device;
extern struct open_file *open_files[FILES];

uint64_t device_now(void);
void device_wake(void);

/* A program has got something to read, or is about to: now and for BUSY_MSEC. */
void device_is_busy(void);

/* The port of umad number @number, connected. 0 or -errno */
int device_find_port(unsigned number, struct device_port **ret);

/* IsSM off, and the next one may have it. */
void device_release_issm(struct device_port *port);

/* A port of a connection that is over, and no file needs it any more. */
void device_drop_port(struct device_port *port);

/* What it is that the connection leads to. 0 or -errno */
int device_ask(struct link *link, struct device_info *ret);

/* Its event must say that there is something to read, or nothing; done before the lock is free. */
void file_readable(void *user, bool yes);
void file_set_event(struct open_file *file);
