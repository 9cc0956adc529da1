/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a subnet manager sends, counted from outside: a preload that stands between it and
 * libibumad. vsm and opensm are counted by the same few lines, so that nobody's own statistics
 * have to be believed.
 *
 * SMP_COUNTS=FILE: counts, as they grow; 64-bit numbers [method][attribute], where method is 0 for
 * Get, 1 for Set, 2 for all else, and attribute < 256. SMP_RECORD=FILE: each Get and Set
 * in the order of sending, a struct recorded_smp, for replay.c.
 *
 * Only classes 0x01 and 0x81 count. A try that is sent again counts again.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <infiniband/umad.h>

#include "tests/bench/recorded-smp.h"

enum {
	ATTRIBUTES = 256,
	KINDS = 3,
	CLASS_AT = 1,
	METHOD_AT = 3,
	ATTRIBUTE_AT = 16,
	COUNTS_SIZE = KINDS * ATTRIBUTES * sizeof(uint64_t),
};

typedef int send_fn(int port, int agent, void *umad, int length, int timeout, int retries);

static struct {
	pthread_once_t once;
	send_fn *send;
	uint64_t *counts;
	FILE *record;
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

static void count(void *umad)
{
	const uint8_t *mad = umad_get_mad(umad);
	unsigned attribute = (unsigned)mad[ATTRIBUTE_AT] << 8 | mad[ATTRIBUTE_AT + 1];
	unsigned kind = mad[METHOD_AT] == 1 ? 0 : mad[METHOD_AT] == 2 ? 1 : 2;

	if (attribute >= ATTRIBUTES)
		attribute = ATTRIBUTES - 1;
	if (counter.counts)
		__atomic_add_fetch(&counter.counts[kind * ATTRIBUTES + attribute], 1,
				   __ATOMIC_RELAXED);
	if (counter.record && kind < 2)
		record(umad);
}

int umad_send(int port, int agent, void *umad, int length, int timeout, int retries)
{
	const uint8_t *mad = umad_get_mad(umad);

	pthread_once(&counter.once, counter_init);
	if (!counter.send)
		return -1;
	if (length == SMP_SIZE && (mad[CLASS_AT] == 0x01 || mad[CLASS_AT] == 0x81))
		count(umad);
	return counter.send(port, agent, umad, length, timeout, retries);
}
