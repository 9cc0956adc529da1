/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * kill -9 at any moment of a bring-up or a repair: the subnet manager is gone between two events of
 * the loop, what was not committed is lost, and another starts where the first was. In the end all
 * is good, and everybody has the LID and the very P_Key table that the same story ends with when
 * nobody is killed.
 *
 * So each story is told once without a kill, which also shows how many events of the loop it has
 * until the last request; the moments are drawn from those. Agents take their time for an SMP and
 * the disk for a commit, so that much is between two events.
 */

#include "tests/scenario/timed-rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/vf.h"
#include "tests/unit/loop-virtual.h"

enum {
	MOMENTS = 25, /* of each story */
	PKEY = 0x123,
};

#define A_WHILE   (8 * LOOP_SEC) /* in which all is sent that a story takes */
#define LONG_DOWN (20 * LOOP_SEC)

/* ---- stories --------------------------------------------------------------------------------- */

/* Host 0 is where the subnet manager runs; 1 to 6 have VFs, two hosts for each kind. */
enum { BEHIND_SWITCH = 1, VPORTS = 3, SHARED = 5, PLAIN = 9 };

static void comes_up(struct scenario *s)
{
	scenario_start_sm(s);
}

static void starts_again(struct scenario *s)
{
	scenario_stop_sm(s);
	scenario_start_sm(s);
}

static struct sim_port *uplink(struct scenario *s)
{
	return scenario_link(s, 7);
}

static void cable_is_pulled(struct scenario *s)
{
	scenario_pull(s, uplink(s));
}

static void cable_is_put_back(struct scenario *s)
{
	scenario_plug(s, uplink(s));
}

/* A spine. */
static struct sim_node *one_switch(struct scenario *s)
{
	return uplink(s)->far->node;
}

static void switch_goes_off(struct scenario *s)
{
	scenario_power_off(s, one_switch(s));
}

static void switch_comes_on(struct scenario *s)
{
	scenario_power_on(s, one_switch(s));
}

static void host_reboots(struct scenario *s)
{
	scenario_reboot(s, s->hosts[PLAIN]);
}

static void vf_moves(struct scenario *s)
{
	scenario_move_vf(s, scenario_host(s, BEHIND_SWITCH), 1, scenario_host(s, BEHIND_SWITCH + 1),
			 2);
}

static void vport_moves(struct scenario *s)
{
	scenario_move_vport(s, scenario_host(s, VPORTS), 1, scenario_host(s, VPORTS + 1), 2);
}

static void alias_moves(struct scenario *s)
{
	scenario_move_shared(s, scenario_host(s, SHARED), 1, scenario_host(s, SHARED + 1), 2);
}

static void partitions_are_edited(struct scenario *s)
{
	scenario_leave_all(s);
	for (uint32_t i = 1; i < s->n_hosts; i += 2)
		scenario_join(s, scenario_host(s, i), PKEY + 1, true);
	scenario_apply_partitions(s);
}

/* At run time: it is killed after it has said that this is kept. */
static void member_is_added(struct scenario *s)
{
	scenario_add(s, scenario_host(s, PLAIN), PKEY + 2, true);
}

static const struct story {
	const char *name;
	void (*before)(struct scenario *s); /* and all comes to rest; NULL: nothing has run */
	void (*happens)(struct scenario *s);
} stories[] = {
	{ "it comes up", NULL, comes_up },
	{ "it starts again", comes_up, starts_again },
	{ "a cable is pulled", comes_up, cable_is_pulled },
	{ "a cable is put back", cable_is_pulled, cable_is_put_back },
	{ "a switch goes off", comes_up, switch_goes_off },
	{ "a switch comes on", switch_goes_off, switch_comes_on },
	{ "a host reboots", comes_up, host_reboots },
	{ "a VF moves", comes_up, vf_moves },
	{ "a vport moves", comes_up, vport_moves },
	{ "an alias GUID moves", comes_up, alias_moves },
	{ "partitions are edited", comes_up, partitions_are_edited },
	{ "a member is added", comes_up, member_is_added },
};

static void add_vfs(struct scenario *s)
{
	for (unsigned i = 0; i < 2; i++) {
		scenario_add_vfs(s, scenario_host(s, BEHIND_SWITCH + i), 2, false);
		scenario_add_vports(s, scenario_host(s, VPORTS + i), 2, false, true);
		scenario_add_shared(s, scenario_host(s, SHARED + i), 2, false, false);
	}
	scenario_power_on(s, scenario_vf(scenario_host(s, BEHIND_SWITCH), 1)->node);
	scenario_start_vport(s, scenario_host(s, VPORTS), 1);
	scenario_start_shared(s, scenario_host(s, SHARED), 1);
}

/* Until the story itself. */
static struct scenario *begin(const struct story *story, uint64_t seed)
{
	struct scenario *s = scenario_new(seed);

	scenario_build(s, graph_make_ft2(6));
	add_vfs(s);
	timed_serve(s);
	for (uint32_t i = 0; i < s->n_hosts; i += 2)
		scenario_join(s, scenario_host(s, i), PKEY, i % 4 == 0);
	if (!story->before)
		return s;
	if (story->before != comes_up) {
		scenario_start_sm(s);
		scenario_settle(s);
	}
	story->before(s);
	scenario_settle(s);
	return s;
}

/* ---- how it ends ----------------------------------------------------------------------------- */

static void write_keys(const struct sim_endpoint *e, FILE *out)
{
	for (unsigned i = 0; i < sim_pkey_cap(e->port); i++)
		if (sim_vf_pkey(e->port, e->vf, i))
			fprintf(out, " %u:%04x", i, sim_vf_pkey(e->port, e->vf, i));
}

/* A line for each endpoint: GUIDs, LID, P_Keys by their index. */
static char *end_of(struct scenario *s)
{
	struct sim_endpoint e = { .port = NULL };
	char name[SIM_ENDPOINT_NAME];
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	scenario_settle(s);
	scenario_expect_all_good(s);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	while (sim_endpoint_next(s->fabric, &e)) {
		if (e.port->node->off)
			continue;
		fprintf(out, "%s", sim_endpoint_name(&e, name));
		for (unsigned i = 0; i < sim_endpoint_n_guids(&e); i++)
			if (sim_endpoint_guid(&e, i))
				fprintf(out, " 0x%" PRIx64, sim_endpoint_guid(&e, i));
		fprintf(out, " LID %u", sim_endpoint_lid(&e));
		write_keys(&e, out);
		fprintf(out, "\n");
	}
	fclose(out);
	return text;
}

/* The first line in which they differ. */
static void expect_same(struct scenario *s, const char *text, const char *expected)
{
	size_t n = 0, line = 0;

	if (!strcmp(text, expected))
		return;
	for (; text[n] == expected[n]; n++)
		if (text[n] == '\n')
			line = n + 1;
	scenario_fail(s, "it ends with %.*s instead of %.*s", (int)strcspn(text + line, "\n"),
		      text + line, (int)strcspn(expected + line, "\n"), expected + line);
}

/* ---- kills ----------------------------------------------------------------------------------- */

static uint64_t n_sent(const struct scenario *s)
{
	return transport_sim_counts(s->first.transport)->requests;
}

/* Tells the story without a kill: events until the last request, and how it ends. */
static char *tell(const struct story *story, uint64_t *ret_n_events)
{
	struct scenario *s = begin(story, 1);
	uint64_t until, sent, n = 0;
	char *end;

	story->happens(s);
	until = loop_now(s->loop) + A_WHILE;
	sent = n_sent(s);
	*ret_n_events = 1;
	while (loop_virtual_next(s->loop) <= until && loop_virtual_step(s->loop)) {
		n++;
		if (n_sent(s) != sent)
			*ret_n_events = n;
		sent = n_sent(s);
	}
	end = end_of(s);
	scenario_free(s);
	return end;
}

/* After so many events; and it is back at once or later. */
static void kill_after(struct scenario *s, uint64_t n_events)
{
	for (uint64_t n = 0; n < n_events; n++)
		loop_virtual_step(s->loop);
	scenario_kill_sm(s);
	if (scenario_random(s, 2))
		scenario_run(s, scenario_random(s, LONG_DOWN));
	scenario_start_sm(s);
}

/* One in three is killed once more while it puts right what the first left. */
static void tell_with_a_kill(const struct story *story, uint64_t seed, uint64_t n_events,
			     const char *expected)
{
	struct scenario *s = begin(story, seed);
	char *end;

	story->happens(s);
	kill_after(s, scenario_random(s, n_events + 1));
	if (!scenario_random(s, 3))
		kill_after(s, scenario_random(s, n_events + 1));
	end = end_of(s);
	expect_same(s, end, expected);
	free(end);
	scenario_free(s);
}

static void killed_at_any_moment_it_ends_as_if_it_had_not_been(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		uint64_t n_events;
		char *expected = tell(&stories[i], &n_events);

		print_message("# %s: killed at %u of %" PRIu64 " moments\n", stories[i].name,
			      MOMENTS, n_events);
		for (unsigned n = 0; n < MOMENTS; n++)
			tell_with_a_kill(&stories[i], seed++, n_events, expected);
		free(expected);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_moment_it_ends_as_if_it_had_not_been),
	};

	return cmocka_run_group_tests_name("kill", tests, NULL, NULL);
}
