/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The floor under every bring-up: the SMPs of a recorded one, in the same order and with the same
 * contents and paths, sent blindly through libibumad. Nothing is learned from an answer but that
 * one more may be sent. What a subnet manager takes beyond this is its own.
 *
 * Usage: replay FILE WINDOW; the environment chooses the simulator. Prints one line of JSON.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <infiniband/umad.h>

#include "tests/bench/recorded-smp.h"

enum {
	CLASS_AT = 1,
	TID_AT = 8,
	CLASS_BY_LID = 0x01,
	CLASS_DIRECTED = 0x81,
	WINDOW_MOST = 300, /* libumad2sim and ibsim block each other with more than some 330 */
	TIMEOUT_MS = 2000,
};

struct replay {
	const struct recorded_smp *smps;
	size_t n_smps;
	size_t sent;
	size_t returned;
	size_t undelivered;
	size_t window;
	int port;
	int directed; /* agents */
	int by_lid;
	void *umad;
};

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int map_file(struct replay *r, const char *path)
{
	struct stat st;
	void *map;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r->n_smps = (size_t)st.st_size / sizeof(struct recorded_smp);
	if (r->n_smps == 0)
		return -ENODATA;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -errno;
	r->smps = map;

	return 0;
}

static int open_port(struct replay *r)
{
	if (umad_init() < 0)
		return -ENODEV;
	/* Not umad_size(): libumad2sim fills in all of the record. */
	r->umad = umad_alloc(1, sizeof(ib_user_mad_t) + SMP_SIZE);
	r->port = umad_open_port(NULL, 0);
	if (!r->umad || r->port < 0)
		return -ENODEV;
	r->directed = umad_register(r->port, CLASS_DIRECTED, 1, 0, NULL);
	r->by_lid = umad_register(r->port, CLASS_BY_LID, 1, 0, NULL);

	return r->directed < 0 || r->by_lid < 0 ? -EBUSY : 0;
}

static int send_next(struct replay *r)
{
	const struct recorded_smp *smp = &r->smps[r->sent];
	uint8_t *mad = umad_get_mad(r->umad);
	uint64_t tid = htobe64(r->sent & 0xffffffff);
	int agent = smp->mad[CLASS_AT] == CLASS_DIRECTED ? r->directed : r->by_lid;

	memcpy(mad, smp->mad, SMP_SIZE);
	memcpy(mad + TID_AT, &tid, sizeof(tid));
	umad_set_addr_net(r->umad, smp->lid, 0, 0, 0);
	if (umad_send(r->port, agent, r->umad, SMP_SIZE, TIMEOUT_MS, 0) < 0)
		return -EIO;
	r->sent++;

	return 0;
}

static int receive_one(struct replay *r, int wait_ms)
{
	int length = SMP_SIZE;

	if (umad_recv(r->port, r->umad, &length, wait_ms) < 0)
		return -ETIMEDOUT;
	r->undelivered += umad_status(r->umad) != 0;
	r->returned++;

	return 0;
}

/* By turns all that fits, and all that has come: fewer changes between the threads of
 * libumad2sim. */
static int replay_all(struct replay *r)
{
	int error = 0;

	while (error == 0 && r->returned < r->n_smps) {
		while (error == 0 && r->sent < r->n_smps && r->sent - r->returned < r->window)
			error = send_next(r);
		if (error == 0)
			error = receive_one(r, TIMEOUT_MS);
		while (r->returned < r->sent && receive_one(r, 0) == 0)
			;
	}

	return error;
}

static void report(const struct replay *r, double seconds)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("{\"smps\": %zu, \"undelivered\": %zu, \"seconds\": %.6f, \"cpu\": %.6f}\n",
	       r->returned, r->undelivered, seconds,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

int main(int argc, char **argv)
{
	double began = seconds_now();
	struct replay r = { 0 };
	int error;

	if (argc != 3) {
		fputs("usage: replay FILE WINDOW\n", stderr);
		return 2;
	}
	r.window = strtoul(argv[2], NULL, 10);
	if (r.window < 1 || r.window > WINDOW_MOST) {
		fprintf(stderr, "replay: the window is a number from 1 to %d\n", WINDOW_MOST);
		return 2;
	}
	error = map_file(&r, argv[1]);
	if (error == 0)
		error = open_port(&r);
	if (error == 0)
		error = replay_all(&r);
	if (error < 0) {
		fprintf(stderr, "replay: %s after %zu of %zu SMPs\n", strerror(-error), r.returned,
			r.n_smps);
		return 1;
	}
	report(&r, seconds_now() - began);

	return 0;
}
