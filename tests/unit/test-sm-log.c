/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The log tells the story of each port: whatever is an event is a message about the same place,
 * once, at its level. What comes up for the first time does not fill it.
 */

#include <inttypes.h>

#include "tests/unit/world.h"

struct line {
	enum log_level level;
	struct log_where where;
	char text[256];
};

struct ears {
	struct world *w;
	struct line lines[512];
	unsigned n;
};

static void hear(enum log_level level, const struct log_where *where, const char *text, void *user)
{
	struct ears *e = user;
	struct line *line = &e->lines[e->n++];

	assert_true(e->n < COUNT(e->lines));
	line->level = level;
	line->where = where ? *where : (struct log_where){ .port = -1 };
	snprintf(line->text, sizeof(line->text), "%s", text);
}

static int listen_to_a_world(void **state)
{
	struct ears *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	e->w = world_new(1);
	log_set_level(LOG_LEVEL_INFO);
	log_set_sink(hear, e);
	*state = e;

	return 0;
}

static int stop_listening(void **state)
{
	struct ears *e = *state;

	log_set_sink(NULL, NULL);
	world_free(e->w);
	free(e);

	return 0;
}

/* The only message about this place with this text, or NULL. */
static const struct line *find_line(const struct ears *e, uint64_t guid, int port, const char *part)
{
	const struct line *found = NULL;

	for (unsigned i = 0; i < e->n; i++) {
		const struct line *line = &e->lines[i];

		if (line->where.guid != guid || line->where.port != port ||
		    !strstr(line->text, part))
			continue;
		assert_null(found);
		found = line;
	}

	return found;
}

static void assert_said(const struct ears *e, enum log_level level, uint64_t guid, int port,
			uint16_t lid, const char *part)
{
	const struct line *line = find_line(e, guid, port, part);

	if (!line)
		fail_msg("nothing of 0x%" PRIx64 "/%d says \"%s\"", guid, port, part);
	assert_int_equal(line->level, level);
	assert_int_equal(line->where.lid, lid);
}

static void coming_up_fills_no_log(void **state)
{
	struct ears *e = *state;

	world_start(e->w);
	assert_good(e->w, NULL);
	assert_in_range(e->n, 1, 4);
	for (unsigned i = 0; i < e->n; i++)
		assert_int_equal(e->lines[i].where.guid, 0);
}

static void roots_that_are_not_there_are_told(void **state)
{
	static const char part[] = "1 of the 2 switches in routing.root_guids is not there";
	struct ears *e = *state;

	e->w->conf.root_guids = (struct conf_guids){ 2, { e->w->east->guid, 0x77 } };
	world_start(e->w);
	assert_good(e->w, NULL);
	assert_said(e, LOG_LEVEL_WARNING, 0, -1, 0, part);
}

static void take_sentence(void *user, const char *sentence)
{
	char(*all)[512] = user;
	size_t used = strlen(*all);

	snprintf(*all + used, sizeof(*all) - used, "%s\n", sentence);
}

/* Also who has only gone is known. */
static void guids_that_are_not_there_are_told_to_who_asks(void **state)
{
	struct ears *e = *state;
	struct conf *conf = &e->w->conf;
	char said[512] = "";

	conf->root_guids = (struct conf_guids){ 3, { e->w->east->guid, 0x77, 0x78 } };
	conf->trusted_guids = (struct conf_guids){ 2, { e->w->host[3]->port_guid, 0x79 } };
	conf->virtual_functions.n = 1;
	vf_policy_init(&conf->virtual_functions.policy[0]);
	conf->virtual_functions.policy[0].n_port_guids = 2;
	conf->virtual_functions.policy[0].port_guid[0] = 0x7a;
	conf->virtual_functions.policy[0].port_guid[1] = e->w->host[2]->port_guid;
	world_start(e->w);
	fake_unplug(e->w->host[3], 1);
	world_run(e->w, 15);
	sm_tell_doubts(e->w->sm, take_sentence, &said);
	assert_string_equal(said, "routing.root_guids: 2 of 3 GUIDs not in the fabric: "
				  "0x0000000000000077 and others\n"
				  "virtualization.trusted_guids: 1 of 2 GUIDs not in the fabric: "
				  "0x0000000000000079\n"
				  "virtual_functions: 1 of 2 GUIDs not in the fabric: "
				  "0x000000000000007a\n");
}

static void roots_that_are_there_are_not_told(void **state)
{
	struct ears *e = *state;

	e->w->conf.root_guids = (struct conf_guids){ 1, { e->w->east->guid } };
	world_start(e->w);
	assert_null(find_line(e, 0, -1, "root_guids"));
}

static void what_goes_and_comes_is_noticed_at_its_place(void **state)
{
	struct ears *e = *state;
	struct fake_device *east = e->w->east, *d = e->w->host[3];
	char down[100];
	uint16_t lid;

	world_start(e->w);
	lid = fake_lid(d, 1);
	snprintf(down, sizeof(down), "link to 0x%016" PRIx64 " port 1 (%s) went down", d->guid,
		 d->name);
	e->n = 0;
	fake_unplug(d, 1);
	fake_trap(e->w->f, east, TRAP_LINK_STATE);
	world_run(e->w, 5);
	assert_said(e, LOG_LEVEL_NOTICE, east->guid, 2, fake_lid(east, 0), down);
	assert_said(e, LOG_LEVEL_NOTICE, d->guid, -1, lid, "is gone");
	e->n = 0;
	fake_plug(d, 1);
	fake_trap(e->w->f, east, TRAP_LINK_STATE);
	world_run(e->w, 5);
	assert_good(e->w, NULL);
	assert_said(e, LOG_LEVEL_NOTICE, east->guid, 2, fake_lid(east, 0), "link to");
	assert_said(e, LOG_LEVEL_NOTICE, d->guid, -1, lid, "appeared");
}

static void a_fault_is_a_warning_and_its_end_is_noticed(void **state)
{
	struct ears *e = *state;
	struct fake_device *d = e->w->host[3];

	e->w->conf.sweep_interval = 10;
	d->refuses = (struct fake_fault){ .method = METHOD_SET,
					  .attr = ATTR_PORT_INFO,
					  .count = 1000000,
					  .status = STATUS_BAD_FIELD };
	world_start(e->w);
	assert_said(e, LOG_LEVEL_WARNING, d->guid, 1, world_port(e->w, d, 1)->lid,
		    "PortInfo: The device refuses its settings.");
	assert_non_null(find_line(e, d->guid, 1, "0x001c"));
	e->n = 0;
	d->refuses.count = 0;
	world_run(e->w, 600);
	assert_good(e->w, NULL);
	assert_said(e, LOG_LEVEL_NOTICE, d->guid, 1, fake_lid(d, 1), "all is well again");
	assert_int_equal(e->n, 2); /* that and a sweep */
}

static void a_link_that_becomes_slow_is_a_warning_at_both_ends(void **state)
{
	struct ears *e = *state;
	struct fake_device *east = e->w->east, *d = e->w->host[3];

	world_start(e->w);
	e->n = 0;
	wire_set(d->port[1].info, PORT_INFO_WIDTH_ACTIVE, 1);
	wire_set(east->port[2].info, PORT_INFO_WIDTH_ACTIVE, 1);
	sm_sweep(e->w->sm, true);
	world_run(e->w, 5);
	assert_said(e, LOG_LEVEL_WARNING, east->guid, 2, fake_lid(east, 0), "below the width");
	assert_said(e, LOG_LEVEL_WARNING, d->guid, 1, fake_lid(d, 1), "below the width");
}

static void all_ports_of_a_switch_that_was_silent_are_well_in_one_message(void **state)
{
	struct ears *e = *state;
	struct fake_device *east = e->w->east;

	e->w->conf.sweep_interval = 10;
	world_start(e->w);
	east->loses = (struct fake_fault){ .method = METHOD_GET,
					   .attr = ATTR_SWITCH_INFO,
					   .count = 1000000 };
	world_run(e->w, 60);
	assert_non_null(find_line(e, east->guid, -1, "Left out"));
	e->n = 0;
	east->loses.count = 0;
	world_run(e->w, 600);
	assert_good(e->w, NULL);
	assert_in_range(e->n, 1, 20);
	for (uint8_t p = 1; p <= east->n_ports; p++)
		assert_null(find_line(e, east->guid, p, "all is well"));
}

/* The subnet is up, and ends at ourselves. */
static void our_own_port_without_a_link_is_trouble_and_said_once(void **state)
{
	struct ears *e = *state;
	struct fake_device *a = e->w->host[0];
	struct sm_status status;

	fake_unplug(a, 1);
	e->w->conf.sweep_interval = 10;
	world_start(e->w);
	world_run(e->w, 60);
	sm_status(e->w->sm, &status);
	assert_int_equal(status.nodes, 1);
	assert_non_null(status.trouble);
	assert_string_equal(status.trouble, "our own port fake0:1 has no link");
	assert_non_null(find_line(e, a->guid, 1, status.trouble));
	fake_plug(a, 1);
	world_run(e->w, 30);
	sm_status(e->w->sm, &status);
	assert_null(status.trouble);
	assert_good(e->w, NULL);
}

static void our_own_cable_is_no_news_of_others(void **state)
{
	struct ears *e = *state;
	struct fake_device *a = e->w->host[0];

	e->w->conf.sweep_interval = 10;
	fake_unplug(a, 1);
	world_start(e->w);
	for (unsigned i = 0; i < 2; i++) {
		e->n = 0;
		fake_plug(a, 1);
		world_run(e->w, 30);
		assert_good(e->w, NULL);
		fake_unplug(a, 1);
		world_run(e->w, 30);
		assert_said(e, LOG_LEVEL_WARNING, a->guid, 1, world_port(e->w, a, 1)->lid,
			    "has no link");
		for (unsigned line = 0; line < e->n; line++)
			assert_true(e->lines[line].where.guid == 0 ||
				    e->lines[line].where.guid == a->guid);
	}
}

int main(void)
{
#define TEST_LOG(name) cmocka_unit_test_setup_teardown(name, listen_to_a_world, stop_listening)
	const struct CMUnitTest tests[] = {
		TEST_LOG(coming_up_fills_no_log),
		TEST_LOG(roots_that_are_not_there_are_told),
		TEST_LOG(guids_that_are_not_there_are_told_to_who_asks),
		TEST_LOG(roots_that_are_there_are_not_told),
		TEST_LOG(what_goes_and_comes_is_noticed_at_its_place),
		TEST_LOG(a_fault_is_a_warning_and_its_end_is_noticed),
		TEST_LOG(a_link_that_becomes_slow_is_a_warning_at_both_ends),
		TEST_LOG(our_own_port_without_a_link_is_trouble_and_said_once),
		TEST_LOG(our_own_cable_is_no_news_of_others),
		TEST_LOG(all_ports_of_a_switch_that_was_silent_are_well_in_one_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
