/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "tests/scenario/away-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scenario/vport-rig.h"
#include "tests/sim/vport.h"

uint64_t away_rig_sets(struct scenario *s)
{
	return transport_sim_counts(scenario_master(s)->transport)->sets;
}

uint64_t away_rig_lft_sets(struct scenario *s)
{
	return transport_sim_counts(scenario_master(s)->transport)->lft_sets;
}

void away_rig_restart(struct scenario *s, bool is_killed)
{
	if (is_killed)
		scenario_kill_sm(s);
	else
		scenario_stop_sm(s);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
}

void away_rig_restarts_in_silence(struct scenario *s, unsigned restarts)
{
	for (unsigned i = 0; i < restarts; i++) {
		away_rig_restart(s, i % 2);
		assert_int_equal(away_rig_sets(s), 0);
	}
}

void away_rig_goes_off(struct scenario *s, struct sim_node *node, unsigned restarts)
{
	scenario_power_off(s, node);
	rig_settles_and_is_good(s);
	away_rig_restarts_in_silence(s, restarts);
}

uint64_t away_rig_comes_on(struct scenario *s, struct sim_node *node)
{
	uint64_t before = away_rig_lft_sets(s);

	scenario_power_on(s, node);
	rig_settles_and_is_good(s);
	return away_rig_lft_sets(s) - before;
}

/* Who is stopped does not say its own after a restart. */
void away_rig_note_lids(struct scenario *s, struct away_lids *ret)
{
	ret->n = 0;
	for (uint32_t i = 0; i < s->n_hosts; i++)
		for (unsigned vf = 1; vf <= RIG_VFS; vf++)
			ret->lid[ret->n++] = rig_is_started(scenario_host(s, i), vf)
						     ? sim_vport(scenario_host(s, i), vf)->lid
						     : 0;
	assert_in_range(ret->n, 1, 256);
}

void away_rig_expect_lids(struct scenario *s, const struct away_lids *before)
{
	struct away_lids after;

	away_rig_note_lids(s, &after);
	assert_memory_equal(before->lid, after.lid, sizeof(after.lid[0]) * after.n);
}

static void guests_change_places(struct scenario *s, struct sim_port *a, struct sim_port *b,
				 unsigned vf)
{
	uint64_t guid = sim_vport(b, vf)->guid;

	scenario_stop_vport(s, b, vf);
	scenario_move_vport(s, a, vf, b, vf);
	scenario_set_vport_guid(s, a, vf, guid);
	scenario_start_vport(s, a, vf);
}

/* Within leaves, and from leaf to leaf; some are stopped. */
static void guests_move(struct scenario *s)
{
	for (uint32_t i = 0; i + 1 < s->n_hosts; i += 2) {
		struct sim_port *a = scenario_host(s, i);

		guests_change_places(s, a, scenario_host(s, i + 1), 1);
		guests_change_places(s, a, scenario_host(s, s->n_hosts - 1 - i), 2);
		rig_settles_and_is_good(s);
		scenario_stop_vport(s, a, 3);
	}
	rig_settles_and_is_good(s);
}

void away_rig_guests_moved(struct scenario *s, struct away_lids *ret)
{
	rig_build(s, graph_make_ft2(8), true, true);
	rig_comes_up(s);
	guests_move(s);
	away_rig_note_lids(s, ret);
}

struct reading {
	struct away_rows *rows;
	bool of_vports; /* and no others */
};

static void note_row(void *user, const struct kept_registration *kept)
{
	const struct reading *reading = user;
	struct away_rows *rows = reading->rows;

	if (kept->kind != KEPT_AWAY || rows->n == 256 ||
	    (reading->of_vports && kept->size != AWAY_VPORT_SIZE))
		return;
	memcpy(rows->blob[rows->n], kept->blob, kept->size);
	rows->id[rows->n++] = kept->id;
}

void away_rig_rows(struct scenario *s, bool of_vports, struct away_rows *ret)
{
	static const struct keep_reader reader = { .registration = note_row };
	struct reading reading = { ret, of_vports };

	ret->n = 0;
	memory_keeper_flush(s->first.keeper);
	keep_read(memory_keeper_keeper(s->first.keeper), &reader, &reading);
}
