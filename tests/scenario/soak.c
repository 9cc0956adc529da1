/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One fabric, one subnet manager that never restarts, and whatever can befall a fabric for as long
 * as it is let: the memory is as much at the end as when the fabric was warm. Looked at is the
 * heap, now and then, when all has been made whole and is at rest: the same fabric each time, so
 * that it needs the same.
 *
 * Usage: soak [events [seed]]. Without arguments so few that it is a test; "make soak" is a million
 * of them. The simulator and the story are in the same heap, and are held to the same.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <malloc.h>

#include "base/macros.h"
#include "tests/scenario/walk.h"
#include "tests/unit/loop-virtual.h"

enum {
	EVENTS = 10000,
	BURST = 6,
	WARM_UP = 8000, /* events after which arrays and queues have been as long as they get */
	LOOKS = 10,
	KILOBYTE = 1024,
};

/* Arrays that grow once more; not what each hundredth of a million events would leave behind. */
#define SLACK (128 * KILOBYTE)

static uint64_t n_wanted = EVENTS;
static uint64_t seed = 1;

/* No stories of the past, and nothing set aside by the transport. */
static size_t heap_at_rest(struct scenario *s)
{
	struct mallinfo2 info;

	walk_make_whole(s);
	scenario_forget_lines(s);
	transport_sim_trim(s->first.transport);
	info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

/* Kilobytes of the process. */
static unsigned long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (file && fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE) / KILOBYTE;
}

static size_t look(struct scenario *s, uint64_t n_events)
{
	size_t heap = heap_at_rest(s);

	print_message("# %8" PRIu64 " events, %7.1f hours there, %10" PRIu64
		      " SMPs: heap %zu KB, resident %lu KB\n",
		      n_events,
		      (double)(loop_now(s->loop) - LOOP_VIRTUAL_START) / 3600.0 / LOOP_SEC,
		      requests_totals(sm_requests(s->first.sm))->sent, heap / KILOBYTE, resident());
	return heap;
}

static struct scenario *begin(void)
{
	struct scenario *s = scenario_new(seed);

	s->fabric->train_time = 50 * LOOP_MSEC;
	scenario_build(s, graph_make_ft2(6));
	walk_make_vfs(s);
	walk_make_vports(s);
	walk_make_shared(s);
	scenario_start_sm(s);
	return s;
}

/* A burst; how many events. */
static uint64_t something_happens(struct scenario *s)
{
	uint64_t n = 1 + scenario_random(s, BURST);

	for (uint64_t i = 0; i < n; i++) {
		walk_event(s, true);
		walk_pause(s);
	}
	walk_let_it_work(s);
	scenario_settle(s);
	return n;
}

/* With a sanitizer's allocator all numbers are 0, and it looks for leaks itself. */
static void however_much_happens_memory_does_not_grow(void **state)
{
	uint64_t n_events = 0, next = WARM_UP, end = WARM_UP + n_wanted;
	struct scenario *s = begin();
	size_t warm = 0;

	(void)state;
	while (next <= end) {
		size_t heap;

		while (n_events < next)
			n_events += something_happens(s);
		heap = look(s, n_events);
		warm = warm ? warm : heap;
		if (heap > warm + SLACK)
			scenario_fail(s, "%zu bytes grew to %zu in %" PRIu64 " events", warm, heap,
				      n_events - WARM_UP);
		next += MAX(n_wanted / LOOKS, 1);
	}
	scenario_free(s);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(however_much_happens_memory_does_not_grow),
	};

	if (argc > 1)
		n_wanted = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}
