/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Sweeps and what happens in the middle of them: answers that come late or not at all, changes that
 * come at the wrong moment.
 */

#include "tests/unit/world.h"

/* -- changes in the middle ------------------------------------------------------------------------
 */

/* When east gets that Set again. */
static void see_and_plug(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	if (smp->device != w->east || smp->method != METHOD_SET || smp->attr != ATTR_SWITCH_INFO ||
	    !w->east->port[1].unplugged)
		return;
	if (w->east->loses.count == 0)
		fake_plug(w->east, 1);
}

/* The Set that clears PortStateChange is lost, and clears another change when it is repeated. */
static void no_change_is_lost_when_its_clearing_is_lost_and_repeated(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	world_start(w);
	fake_unplug(w->east, 1);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	w->f->see = see_and_plug;
	w->f->user = w;
	fake_unplug(w->east, 2);
	w->east->loses = (struct fake_fault){
		.method = METHOD_SET, .attr = ATTR_SWITCH_INFO, .count = 1, .undone = true
	};
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_true(fake_is_up(w->east, 1));
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_change_is_lost_when_its_clearing_is_lost_and_repeated),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
