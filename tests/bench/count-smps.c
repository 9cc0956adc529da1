/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a subnet manager sends, counted from outside: a preload that stands between it and
 * libibumad. vsm and opensm are counted by the same few lines, so that nobody's own statistics
 * have to be believed.
 *
 * SMP_COUNTS=FILE: counts, as they grow; 64-bit numbers [method][attribute], where method is 0 for
 * Get, 1 for Set, 2 for all else, and attribute < 256. Behind them [attribute], when the last
 * answer to a Set came in, in nanoseconds of CLOCK_MONOTONIC. SMP_RECORD=FILE: each Get and Set in
 * the order of sending, a struct recorded_smp, for replay.c.
 *
 * Only classes 0x01 and 0x81 count. A try that is sent again counts again.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <infiniband/umad.h>

#include "tests/bench/recorded-smp.h"

enum {
	ATTRIBUTES = 256,
	KINDS = 3,
	CLASS_AT = 1,
	METHOD_AT = 3,
	STATUS_AT = 4,
	TID_AT = 14, /* its last two bytes, which no driver changes */
	ATTRIBUTE_AT = 16,
	GET_RESP = 0x81,
	DIRECTION = 0x80, /* of directed routes, in the status */
	COUNTS_SIZE = (KINDS + 1) * ATTRIBUTES * sizeof(uint64_t),
};

typedef int send_fn(int port, int agent, void *umad, int length, int timeout, int retries);
typedef int recv_fn(int port, void *umad, int *length, int timeout);

static struct {
	pthread_once_t once;
	send_fn *send;
	recv_fn *recv;
	uint64_t *counts;
	FILE *record;
	bool is_set[1 << 16]; /* by what of the TID is at TID_AT: the last one sent */
} counter = { .once = PTHREAD_ONCE_INIT };

static uint64_t *map_counts(const char *path)
{
	void *counts;
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		return NULL;
	counts = ftruncate(fd, COUNTS_SIZE)
			 ? MAP_FAILED
			 : mmap(NULL, COUNTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return counts == MAP_FAILED ? NULL : counts;
}

static void counter_init(void)
{
	const char *counts = getenv("SMP_COUNTS");
	const char *path = getenv("SMP_RECORD");
	void *real = dlsym(RTLD_NEXT, "umad_send");

	memcpy(&counter.send, &real, sizeof(real));
	real = dlsym(RTLD_NEXT, "umad_recv");
	memcpy(&counter.recv, &real, sizeof(real));
	if (counts)
		counter.counts = map_counts(counts);
	if (path)
		counter.record = fopen(path, "we");
}

static void record(void *umad)
{
	struct recorded_smp smp = { .lid = umad_get_mad_addr(umad)->lid };

	memcpy(smp.mad, umad_get_mad(umad), SMP_SIZE);
	fwrite(&smp, sizeof(smp), 1, counter.record);
}

static bool is_smp(const uint8_t *mad)
{
	return mad[CLASS_AT] == 0x01 || mad[CLASS_AT] == 0x81;
}

static unsigned attribute_of(const uint8_t *mad)
{
	unsigned attribute = (unsigned)mad[ATTRIBUTE_AT] << 8 | mad[ATTRIBUTE_AT + 1];

	return attribute < ATTRIBUTES ? attribute : ATTRIBUTES - 1;
}

static unsigned tid_of(const uint8_t *mad)
{
	return (unsigned)mad[TID_AT] << 8 | mad[TID_AT + 1];
}

static void count(void *umad)
{
	const uint8_t *mad = umad_get_mad(umad);
	unsigned attribute = attribute_of(mad);
	unsigned kind = mad[METHOD_AT] == 1 ? 0 : mad[METHOD_AT] == 2 ? 1 : 2;

	__atomic_store_n(&counter.is_set[tid_of(mad)], kind == 1, __ATOMIC_RELAXED);
	if (counter.counts)
		__atomic_add_fetch(&counter.counts[kind * ATTRIBUTES + attribute], 1,
				   __ATOMIC_RELAXED);
	if (counter.record && kind < 2)
		record(umad);
}

/* If it answers a Set. */
static void note_answer(const uint8_t *mad)
{
	struct timespec now;

	if (!is_smp(mad) || mad[METHOD_AT] != GET_RESP || (mad[STATUS_AT] & ~DIRECTION) ||
	    mad[STATUS_AT + 1] || !__atomic_load_n(&counter.is_set[tid_of(mad)], __ATOMIC_RELAXED))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	__atomic_store_n(&counter.counts[KINDS * ATTRIBUTES + attribute_of(mad)],
			 (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
			 __ATOMIC_RELAXED);
}

int umad_recv(int port, void *umad, int *length, int timeout)
{
	int r;

	pthread_once(&counter.once, counter_init);
	if (!counter.recv)
		return -1;
	r = counter.recv(port, umad, length, timeout);
	if (r >= 0 && counter.counts && *length >= SMP_SIZE && !umad_status(umad))
		note_answer(umad_get_mad(umad));
	return r;
}

int umad_send(int port, int agent, void *umad, int length, int timeout, int retries)
{
	const uint8_t *mad = umad_get_mad(umad);

	pthread_once(&counter.once, counter_init);
	if (!counter.send)
		return -1;
	if (length == SMP_SIZE && is_smp(mad))
		count(umad);
	return counter.send(port, agent, umad, length, timeout, retries);
}
