/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The main() of a fuzz target where there is no libFuzzer, so that targets never rot: every file in
 * the target's corpus (the folder NAME.in beside its source, or the files named as arguments) is
 * fed as it is, cut off at every length, and with bytes changed in ways that are the same in every
 * run. One line of TAP per file.
 *
 * The target says that it found something by dying, as under libFuzzer; the buffer is allocated at
 * its exact length, so that a sanitizer or valgrind sees a read beyond its end.
 */

#include "base/macros.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX    (1u << 20)
#define CUTS_MAX     1024u
#define CHANGED_RUNS 2000u

static int feed(const uint8_t *bytes, size_t size)
{
	AUTO(freep) uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return -ENOMEM;

	memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	return 0;
}

/* xorshift64: good enough to choose bytes, and the same everywhere. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int feed_changed(uint8_t *bytes, size_t size)
{
	uint64_t random = 0x9e3779b97f4a7c15 + size;
	int r = 0;

	for (unsigned run = 0; size && !r && run < CHANGED_RUNS; run++) {
		size_t first = random_next(&random) % size;
		size_t second = random_next(&random) % size;
		uint8_t was[2] = { bytes[first], bytes[second] };

		bytes[first] = (uint8_t)random_next(&random);
		bytes[second] ^= (uint8_t)(1u << (random_next(&random) % 8));
		r = feed(bytes, size);
		bytes[second] = was[1];
		bytes[first] = was[0];
	}

	return r;
}

static int feed_all(uint8_t *bytes, size_t size)
{
	int r = feed(bytes, size);

	for (size_t cut = 0; !r && cut < size && cut < CUTS_MAX; cut++)
		r = feed(bytes, cut);

	return r ? r : feed_changed(bytes, size);
}

static int replay(const char *path)
{
	AUTO(freep) uint8_t *bytes = malloc(INPUT_MAX);
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!bytes || !file) {
		if (file)
			fclose(file);
		return bytes ? -errno : -ENOMEM;
	}

	size = fread(bytes, 1, INPUT_MAX, file);
	fclose(file);
	return feed_all(bytes, size);
}

static int report(unsigned number, const char *path)
{
	const char *slash = strrchr(path, '/');
	int r = replay(path);

	printf("%s %u - %s%s%s\n", r ? "not ok" : "ok", number, slash ? slash + 1 : path,
	       r ? ": " : "", r ? strerror(-r) : "");
	fflush(stdout);
	return r;
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_input, alphasort);
	int failed = 0;

	if (n <= 0) {
		printf("1..1\nnot ok 1 - %s holds no input\n", folder);
		return 1;
	}

	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		int length = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);

		failed += length >= PATH_MAX || report((unsigned)i + 1, path) != 0;
		free(entries[i]);
	}
	free(entries);

	return failed != 0;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	const char *name = strrchr(argv[0], '/');
	char folder[PATH_MAX];
	int failed = 0;

	if (argc > 1) {
		printf("1..%d\n", argc - 1);
		for (int i = 1; i < argc; i++)
			failed += report((unsigned)i, argv[i]) != 0;
		return failed != 0;
	}

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/%s.in", srcdir ? srcdir : ".",
		 name ? name + 1 : argv[0]);
	return replay_folder(folder);
}
