/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the SA says of a guest while it moves from one host to another, asked by a third again and
 * again, in each of the models: vports with LIDs of their own or with their port's, VFs behind
 * virtual switches, and alias GUIDs.
 *
 * Before the subnet manager has seen that the guest has gone it may say the old place. From then on
 * it says nothing, or a way that leads to the new place; and once it has said that, nothing else.
 * That a port or vport at the end of that way is not Active yet is no lie: it is asked for its way
 * as soon as it has a LID. A LID that the guest takes along is right in both places; but switches
 * must follow at once when it is said again.
 */

#include "tests/scenario/scenario.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/vf.h"
#include "tests/scenario/path-asker.h"
#include "tests/sim/probe.h"
#include "tests/sim/vf.h"
#include "tests/sim/virtual-switch.h"

enum { VFS = 3, FROM_VF = 1, TO_VF = 2 };

#define ANSWER_TIME   (20 * LOOP_USEC)
#define SWITCHES_TIME (2 * LOOP_MSEC)
/* A device may take so long until it tells of a second change (IBA 13.4.9). */
#define TRAP_PAUSE (5 * LOOP_SEC)

struct model {
	void (*add)(struct scenario *s, struct sim_port *port);
	void (*move)(struct scenario *s, struct sim_port *from, unsigned vf, struct sim_port *to,
		     unsigned to_vf);
	bool is_switch;
	bool has_own_lid;
	uint64_t seen_within;  /* until the subnet manager knows that it has gone, */
	uint64_t there_within; /* and until it is reached at its new place */
};

struct watch {
	struct scenario *s;
	const struct model *model;
	struct path_asker asker;
	struct sim_endpoint self; /* who asks */
	struct sim_port *from;
	struct sim_port *to;
	uint64_t guid;
	uint64_t began;
	bool is_seen;   /* that it has gone */
	bool is_there;  /* the new place was told */
	uint64_t early; /* since its LID is told again, and no packet gets to it; 0: is not */
	uint16_t old_lid;
	unsigned n_old; /* answers after the guest had gone */
	unsigned n_none;
	unsigned n_new;
};

/* ---- models ---------------------------------------------------------------------------------- */

static void add_own_lids(struct scenario *s, struct sim_port *port)
{
	scenario_add_vports(s, port, VFS, false, true);
	scenario_start_vport(s, port, 3);
}

static void add_shared_lids(struct scenario *s, struct sim_port *port)
{
	scenario_add_vports(s, port, VFS, false, false);
	scenario_start_vport(s, port, 3);
}

static void add_behind_switch(struct scenario *s, struct sim_port *port)
{
	scenario_add_vfs(s, port, VFS, false);
	scenario_power_on(s, scenario_vf(port, 3)->node);
}

static void add_aliases(struct scenario *s, struct sim_port *port)
{
	scenario_add_shared(s, port, VFS, false, false);
	scenario_start_shared(s, port, 3);
}

static const struct model own_lids = { add_own_lids, scenario_move_vport, false,
				       true,         10 * LOOP_MSEC,      100 * LOOP_MSEC };
static const struct model shared_lids = { add_shared_lids, scenario_move_vport, false,
					  false,           10 * LOOP_MSEC,      100 * LOOP_MSEC };
static const struct model behind_switch = { add_behind_switch, scenario_move_vf, true, true,
					    10 * LOOP_MSEC,    100 * LOOP_MSEC };
static const struct model aliases = { add_aliases, scenario_move_shared, false,
				      false,       10 * LOOP_MSEC,       5 * LOOP_SEC };

static struct sim_endpoint endpoint_at(const struct watch *w, struct sim_port *pf, unsigned vf)
{
	if (w->model->is_switch)
		return (struct sim_endpoint){ scenario_vf(pf, vf), 0 };
	return (struct sim_endpoint){ pf, (uint16_t)vf };
}

/* Does the subnet manager believe that the guest is at this port? */
static bool is_believed_at(const struct watch *w, const struct sim_port *pf)
{
	const struct fabric *f = sm_fabric(w->s->first.sm);
	struct endpoint e = endpoint_find(f, w->guid);
	uint32_t peer;

	if (e.port == NO_PORT)
		return false;
	if (!w->model->is_switch)
		return f->ports[e.port].guid == pf->guid;
	peer = f->ports[e.port].peer;
	return peer != NO_PORT &&
	       node_of(f, peer)->guid == be64toh(sim_virtual_switch(pf)->info.node_guid);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* As the answer says, does a packet get to the guest, or to its port that is not Active yet? */
static bool leads_to(const struct watch *w, const struct sim_endpoint *to)
{
	const struct path_answer *answer = &w->asker.answer;
	struct sim_probe probe = {
		.from = w->self, .dlid = answer->dlid, .pkey = answer->pkey, .length = 64
	};
	struct sim_probe_result result;

	probe.has_grh = sim_endpoint_needs_grh(to, probe.dgid);
	sim_probe(&probe, &result);
	if (result.why == SIM_PASSED)
		return result.reached.port == to->port && result.reached.vf == to->vf;
	return result.why == SIM_DROP_NOT_ACTIVE &&
	       (result.at == to->port || result.at == to->port->far);
}

static bool is_early(struct watch *w)
{
	uint64_t now = loop_now(w->s->loop);

	if (!w->model->has_own_lid || w->is_there || !is_believed_at(w, w->to))
		return false;
	w->early = w->early ? w->early : now;
	return now - w->early <= SWITCHES_TIME;
}

static void take_old(struct watch *w)
{
	if (w->asker.answer.dlid != w->old_lid)
		scenario_fail(w->s, "the SA says LID %u, where nobody is", w->asker.answer.dlid);
	if (is_early(w))
		return;
	if (w->is_seen || w->is_there)
		scenario_fail(w->s, "the SA says a place where the guest is not, and knows it");
	w->n_old++;
}

static void take_answer(struct watch *w, bool was_seen)
{
	struct sim_endpoint to = endpoint_at(w, w->to, TO_VF);

	w->is_seen = w->is_seen || was_seen;
	if (w->asker.answer.status == PATH_NO_RECORDS) {
		if (w->is_there)
			scenario_fail(w->s, "the SA knew the new place, and does so no longer");
		w->n_none++;
	} else if (w->asker.answer.status != PATH_OK) {
		scenario_fail(w->s, "the SA says status %#x", w->asker.answer.status);
	} else if (leads_to(w, &to)) {
		w->is_there = true;
		w->n_new++;
	} else {
		take_old(w);
	}
}

static void ask(struct watch *w)
{
	uint64_t limit = loop_now(w->s->loop) + 100 * ANSWER_TIME;

	if (!path_asker_ask(&w->asker, w->self.port->guid, w->guid))
		scenario_fail(w->s, "the SA cannot be asked");
	do
		scenario_run(w->s, ANSWER_TIME);
	while (!w->asker.answered && loop_now(w->s->loop) < limit);
	if (!w->asker.answered)
		scenario_fail(w->s, "the SA does not answer");
}

static void ask_and_look(struct watch *w)
{
	bool was_seen = !is_believed_at(w, w->from);

	ask(w);
	take_answer(w, was_seen);
}

/* Often at first. */
static uint64_t pause_after(const struct watch *w)
{
	uint64_t since = loop_now(w->s->loop) - w->began;

	if (since < 20 * LOOP_MSEC)
		return 0;
	return since < 2 * LOOP_SEC ? LOOP_MSEC : 50 * LOOP_MSEC;
}

/* ---- stories --------------------------------------------------------------------------------- */

static void open_watch(struct watch *w, struct scenario *s, const struct model *model,
		       uint32_t from, uint32_t to)
{
	struct sim_endpoint old;

	*w = (struct watch){ .s = s,
			     .model = model,
			     .self = { scenario_host(s, 7), 0 },
			     .from = scenario_host(s, from),
			     .to = scenario_host(s, to) };
	old = endpoint_at(w, w->from, FROM_VF);
	w->guid = sim_endpoint_guid(&old, 0);
	w->old_lid = sim_endpoint_lid(&old);
	path_asker_open(&w->asker, w->self.port);
	ask(w);
	assert_int_equal(w->asker.answer.status, PATH_OK);
	assert_true(leads_to(w, &old));
}

static void move_and_ask(struct scenario *s, const struct model *model, uint32_t from, uint32_t to)
{
	struct watch w;
	uint64_t seen = 0, there = 0, since;

	open_watch(&w, s, model, from, to);
	w.began = loop_now(s->loop);
	model->move(s, w.from, FROM_VF, w.to, TO_VF);
	do {
		ask_and_look(&w);
		since = loop_now(s->loop) - w.began;
		seen = w.is_seen && !seen ? since : seen;
		there = w.is_there && !there ? since : there;
		scenario_run(s, pause_after(&w));
	} while (since < 20 * LOOP_SEC);
	path_asker_close(&w.asker);
	scenario_happens(s, "seen after %" PRIu64 " us, there after %" PRIu64 " us: %u, %u, %u",
			 seen / LOOP_USEC, there / LOOP_USEC, w.n_old, w.n_none, w.n_new);
	if (!seen || seen > model->seen_within)
		scenario_fail(s, "that it has gone is not seen");
	if (!there || there > model->there_within)
		scenario_fail(s, "its new place is not told");
	scenario_settle(s);
	scenario_expect_all_good(s);
}

static void start(struct scenario *s, const struct model *model, struct sim_port *pf)
{
	if (model->is_switch)
		scenario_power_on(s, scenario_vf(pf, FROM_VF)->node);
	else
		assert_int_equal(sim_vf_start(pf, FROM_VF), 0);
}

/*
 * To another leaf and within one; hosts 2 and 3 are at the same. Where SMPs take long, more happens
 * between one and the next.
 */
static void moves(struct scenario *s, const struct model *model, uint64_t latency)
{
	scenario_build(s, graph_make_ft2(4));
	for (uint32_t i = 2; i <= 4; i++)
		model->add(s, scenario_host(s, i));
	start(s, model, scenario_host(s, 2));
	scenario_start_sm(s);
	transport_sim_set_latency(s->first.transport, latency);
	scenario_settle(s);
	scenario_run(s, TRAP_PAUSE);
	move_and_ask(s, model, 2, 4);
	start(s, model, scenario_host(s, 3));
	scenario_settle(s);
	scenario_run(s, TRAP_PAUSE);
	scenario_settle(s);
	model->move(s, scenario_host(s, 3), FROM_VF, scenario_host(s, 2), FROM_VF);
	scenario_run(s, TRAP_PAUSE);
	scenario_settle(s);
	scenario_run(s, TRAP_PAUSE);
	move_and_ask(s, model, 2, 3);
}

static void with_all_latencies(const struct model *model)
{
	static const uint64_t latencies[] = { 5 * LOOP_USEC, 50 * LOOP_USEC, 300 * LOOP_USEC };

	for (unsigned i = 0; i < COUNT(latencies); i++) {
		struct scenario *s = scenario_new(1);

		moves(s, model, latencies[i]);
		scenario_free(s);
	}
}

static void a_vport_with_a_lid_of_its_own(void **state)
{
	(void)state;
	with_all_latencies(&own_lids);
}

static void a_vport_with_the_lid_of_its_port(void **state)
{
	(void)state;
	with_all_latencies(&shared_lids);
}

static void a_vf_behind_a_virtual_switch(void **state)
{
	(void)state;
	with_all_latencies(&behind_switch);
}

static void an_alias_guid(void **state)
{
	(void)state;
	with_all_latencies(&aliases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vport_with_a_lid_of_its_own),
		cmocka_unit_test(a_vport_with_the_lid_of_its_port),
		cmocka_unit_test(a_vf_behind_a_virtual_switch),
		cmocka_unit_test(an_alias_guid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
