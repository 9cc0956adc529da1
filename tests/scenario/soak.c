/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One subnet manager that never restarts, and whatever can befall a fabric for as long as it is
 * let: the memory is as much at the end as when the fabric was warm. Looked at is the heap, now and
 * then, when all has been made whole and is at rest: the same fabric each time, so that it needs
 * the same. So it does where nothing happens but sweeps and questions, to the byte; and where
 * virtual functions come that were never there and never come again, once there have been more of
 * them than anything is remembered of.
 *
 * Usage: soak [events [seed]]. Without arguments so few that it is a test; "make soak" is a million
 * of them, a year in which nothing happens, and 300,000 strangers. The simulator and the
 * story are in the same heap, and are held to the same.
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
#include "sm/keep.h"
#include "tests/scenario/path-asker.h"
#include "tests/scenario/sa-client.h"
#include "tests/scenario/walk.h"
#include "tests/sim/forward.h"
#include "tests/sim/vf.h"
#include "tests/unit/loop-virtual.h"

enum {
	EVENTS = 10000,
	BURST = 6,
	WARM_UP = 8000, /* events after which arrays and queues have been as long as they get */
	LOOKS = 10,
	KILOBYTE = 1024,
};

/* Arrays that grow once more; not what each hundredth of a million events would leave behind. */
#define SLACK (64 * KILOBYTE)

static uint64_t n_wanted = EVENTS;
static uint64_t seed = 1;

/* What it was when warm, and where. */
struct heap {
	struct scenario *s;
	size_t slack;
	size_t warm; /* 0: it is not yet */
	uint64_t since;
};

/* No stories of the past, and nothing set aside by the transport and the fabric. */
static size_t heap_at_rest(struct scenario *s)
{
	struct mallinfo2 info;

	scenario_forget_lines(s);
	transport_sim_trim(s->first.transport);
	sim_forward_trim(s->fabric);
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

/* With a sanitizer's allocator all numbers are 0, and it looks for leaks itself. */
static void look(struct heap *h, bool is_warm, uint64_t n, const char *what)
{
	struct scenario *s = h->s;
	size_t heap = heap_at_rest(s);

	print_message("# %8" PRIu64 " %s, %7.1f hours there, %10" PRIu64
		      " SMPs: heap %zu bytes, resident %lu KB\n",
		      n, what, (double)(loop_now(s->loop) - LOOP_VIRTUAL_START) / 3600.0 / LOOP_SEC,
		      requests_totals(sm_requests(s->first.sm))->sent, heap, resident());
	if (is_warm && h->warm && heap > h->warm + h->slack)
		scenario_fail(s, "%zu bytes grew to %zu in %" PRIu64 " %s", h->warm, heap,
			      n - h->since, what);
	if (is_warm && !h->warm)
		*h = (struct heap){ s, h->slack, heap, n };
}

/* ---- whatever can ---------------------------------------------------------------------------- */

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

static void however_much_happens_memory_does_not_grow(void **state)
{
	uint64_t n_events = 0, next = WARM_UP, end = WARM_UP + n_wanted;
	struct heap h = { .s = begin(), .slack = SLACK };

	(void)state;
	while (next <= end) {
		while (n_events < next)
			n_events += something_happens(h.s);
		walk_make_whole(h.s);
		look(&h, true, n_events, "events");
		next += MAX(n_wanted / LOOKS, 1);
	}
	scenario_free(h.s);
}

/* ---- nothing --------------------------------------------------------------------------------- */

enum {
	HOSTS = 6, /* of the small fabric; the subnet manager is on the first, three have VFs */
	GET_TABLE = 0x12,
	NODE_RECORD = 0x11,
	WARM_HOURS = 24,
	EVENTS_PER_HOUR = 114, /* a million: a year */
	ROUNDING = 64, /* a piece whose rest is too small to be another one is given whole */
};

static struct scenario *begin_small(unsigned n_vfs, unsigned behind_switch)
{
	struct scenario *s = scenario_new(seed);

	scenario_build(s, graph_make_star(2, HOSTS / 2));
	scenario_add_vfs(s, scenario_host(s, 1), behind_switch, true);
	scenario_add_vports(s, scenario_host(s, 2), n_vfs, true, true);
	scenario_add_shared(s, scenario_host(s, 3), n_vfs, true, false);
	return s;
}

/* From everybody to everybody, and who there is; that answer is so long that it is given up on. */
static void hosts_ask(struct scenario *s)
{
	for (uint32_t i = 0; i < HOSTS; i++) {
		struct sim_port *port = scenario_host(s, i);
		ib_node_record_t all = { 0 };
		struct path_asker asker;
		struct sa_client client;

		path_asker_open(&asker, port);
		for (uint32_t j = 0; j < HOSTS; j++)
			if (!path_asker_ask(&asker, scenario_own_guid(port),
					    scenario_own_guid(scenario_host(s, j))))
				scenario_fail(s, "host %u cannot ask", (unsigned)i);
		scenario_run(s, LOOP_SEC);
		path_asker_close(&asker);
		sa_client_open(&client, port, 0, 1);
		sa_client_send(&client, GET_TABLE, NODE_RECORD, 0, &all, sizeof(all));
		scenario_run(s, LOOP_SEC);
		sa_client_close(&client);
	}
}

static void an_hour_passes(struct scenario *s)
{
	uint64_t end = loop_now(s->loop) + 3600 * LOOP_SEC;

	sm_sweep(s->first.sm, true);
	hosts_ask(s);
	scenario_run(s, end - loop_now(s->loop));
}

static void when_nothing_happens_memory_does_not_grow(void **state)
{
	uint64_t hours = 0, next = WARM_HOURS, n_hours = n_wanted / EVENTS_PER_HOUR;
	struct heap h = { .s = begin_small(4, 4), .slack = ROUNDING };

	(void)state;
	scenario_start_sm(h.s);
	scenario_is_good_again(h.s);
	while (next <= WARM_HOURS + n_hours) {
		for (; hours < next; hours++)
			an_hour_passes(h.s);
		look(&h, true, hours, "hours");
		next += MAX(n_hours / LOOKS, 1);
	}
	scenario_free(h.s);
}

/* ---- who never comes again ------------------------------------------------------------------- */

enum {
	BEHIND_SWITCH = 250, /* at once, of each of two hosts */
	OTHERS = 50,         /* vports, and VFs of a shared port */
	AT_ONCE = 2 * BEHIND_SWITCH + 2 * OTHERS,
};

/* All VFs have GUIDs that nobody had before. */
static void strangers_come(struct scenario *s, uint64_t *last_guid)
{
	for (unsigned vf = 1; vf <= BEHIND_SWITCH; vf++)
		if (sim_vf_set_guid(scenario_host(s, 1), vf, ++*last_guid) < 0 ||
		    sim_vf_set_guid(scenario_host(s, 4), vf, ++*last_guid) < 0)
			scenario_fail(s, "the scenario itself: there is no such VF");
	for (unsigned vf = 1; vf <= OTHERS; vf++) {
		scenario_set_vport_guid(s, scenario_host(s, 2), vf, ++*last_guid);
		scenario_ask_guid(s, scenario_host(s, 3), vf, ++*last_guid);
	}
	scenario_happens(s, "strangers come");
	scenario_settle(s);
}

/* More is remembered of nothing than of KEEP_DEVICES_MAX. */
static void who_never_comes_again_is_forgotten(void **state)
{
	uint64_t last_guid = UINT64_C(0x0700000000000000), n = 0, next = 0;
	uint64_t n_strangers = 3 * n_wanted / 10;
	struct heap h = { .s = begin_small(OTHERS, BEHIND_SWITCH), .slack = SLACK };

	(void)state;
	scenario_add_vfs(h.s, scenario_host(h.s, 4), BEHIND_SWITCH, true);
	h.s->fabric->on_routes = NULL; /* with so many ports each write takes long to look at */
	h.s->first.conf.m_key = 0x5eed;
	scenario_start_sm(h.s);
	scenario_is_good_again(h.s);
	for (; n < n_strangers; n += AT_ONCE) {
		strangers_come(h.s, &last_guid);
		if (n < next)
			continue;
		scenario_is_good_again(h.s);
		look(&h, n > KEEP_DEVICES_MAX / 2 * 3, n, "strangers");
		next += MAX(n_strangers / LOOKS, 1);
	}
	scenario_free(h.s);
}

/* What malloc() has set aside for the thread counts as used: nothing is to be set aside. */
static void start_exact(char **argv)
{
	if (!getenv("GLIBC_TUNABLES") &&
	    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 0) == 0)
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_nothing_happens_memory_does_not_grow),
		cmocka_unit_test(who_never_comes_again_is_forgotten),
		cmocka_unit_test(however_much_happens_memory_does_not_grow),
	};

	start_exact(argv);
	if (argc > 1)
		n_wanted = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}
