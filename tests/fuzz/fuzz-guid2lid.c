/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Any bytes as guid2lid: whatever lines are taken hold what store/guid2lid.h promises (1, 2, 4, ...
 * or 128 unicast LIDs, aligned; no GUID and no LID twice), every line is counted at most once, and
 * what was taken, written as OpenSM writes it, is taken again as the same.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "store/guid2lid.h"

#define LIDS      0xc000
#define GIVEN_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct given {
	uint64_t guid;
	uint16_t lid_min;
	uint16_t lid_max;
};

struct taking {
	struct given given[GIVEN_MAX];
	unsigned n;
	bool is_used[LIDS];
};

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static int take(void *user, uint64_t guid, uint16_t lid_min, uint16_t lid_max)
{
	struct taking *taking = user;
	unsigned n = lid_max - lid_min + 1u;

	demand(guid != 0 && lid_min >= 1 && lid_max < LIDS && lid_max >= lid_min);
	demand(n <= 128 && (n & (n - 1)) == 0 && lid_min % n == 0);
	for (unsigned lid = lid_min; lid <= lid_max; lid++) {
		demand(!taking->is_used[lid]);
		taking->is_used[lid] = true;
	}
	for (unsigned i = 0; i < taking->n; i++)
		demand(taking->given[i].guid != guid);
	if (taking->n == GIVEN_MAX)
		return 1; /* of the test, not of the import */
	taking->given[taking->n++] =
		(struct given){ .guid = guid, .lid_min = lid_min, .lid_max = lid_max };

	return 0;
}

static int import(const void *data, size_t size, struct taking *taking,
		  struct guid2lid_counts *counts)
{
	AUTO(closep) int fd = memfd_create("guid2lid", MFD_CLOEXEC);
	char path[32];

	demand(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	return guid2lid_import(path, take, taking, counts);
}

static bool is_same(const struct given *a, const struct given *b)
{
	return a->guid == b->guid && a->lid_min == b->lid_min && a->lid_max == b->lid_max;
}

static void check_written(const struct taking *taking, struct taking *again)
{
	AUTO(freep) char *text = NULL;
	struct guid2lid_counts counts;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	demand(out != NULL);
	for (unsigned i = 0; i < taking->n; i++)
		fprintf(out, "0x%016" PRIx64 " 0x%04x 0x%04x\n\n", taking->given[i].guid,
			taking->given[i].lid_min, taking->given[i].lid_max);
	demand(fclose(out) == 0 && import(text, length, again, &counts) == 0);
	demand(counts.taken == taking->n && counts.refused == 0 && again->n == taking->n);
	for (unsigned i = 0; i < taking->n; i++)
		demand(is_same(&again->given[i], &taking->given[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(freep) struct taking *taking = calloc(1, sizeof(*taking));
	AUTO(freep) struct taking *again = calloc(1, sizeof(*again));
	struct guid2lid_counts counts;
	unsigned lines = 1;

	demand(taking && again);
	log_set_level(LOG_LEVEL_ERROR); /* bad lines are warnings */
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (import(data, size, taking, &counts) != 0)
		return 0;
	demand(counts.taken == taking->n && counts.taken + counts.refused <= lines);
	check_written(taking, again);

	return 0;
}
