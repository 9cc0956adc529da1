/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The whole subnet manager on virtual time over a fabric of a few devices:
 *
 *	a --1-- west --8====8-- east --1-- c
 *	b --2--  "               "   --2-- d
 *
 * vsm runs on a. What counts is what devices hold in the end and what they were asked on the way;
 * nobody looks into the machine, but for the reasons that it gives.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "sm/sm.h"
#include "tests/unit/fake-fabric.h"
#include "tests/unit/loop-virtual.h"

#define TRUNK 8
#define HOSTS 4

struct world {
	struct loop *loop;
	struct fake_fabric *f;
	struct fake_keeper keeper;
	struct sm *sm;
	struct conf conf;
	struct partitions *partitions; /* for the next start; NULL: the default */
	struct fake_device *west, *east;
	struct fake_device *host[HOSTS];
	unsigned settled;
	unsigned named;
};

/* Nothing runs yet, and no sweep comes by itself: conf.sweep_interval is 0. */
struct world *world_new(uint64_t seed);
void world_free(struct world *w);

/* Each test has a world of its own. */
int world_make(void **state);
int world_done(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_done)

/* A new subnet manager, at its very beginning; or five seconds later, when it should rest. */
void world_begin(struct world *w);
void world_start(struct world *w);
void world_stop(struct world *w);
void world_run(struct world *w, unsigned seconds);

struct partitions *world_parse(const char *text);

/* Requests from now on: the @from of the next two. */
size_t world_mark(const struct world *w);
/* Requests since @from; @device NULL: to anybody, @attr 0: of any kind. */
unsigned world_count(const struct world *w, size_t from, const struct fake_device *device,
		     uint8_t method, uint16_t attr);
unsigned world_sets(const struct world *w, size_t from);

enum sm_state world_state(const struct world *w);
uint64_t world_sweeps(const struct world *w);
const struct port *world_port(const struct world *w, const struct fake_device *device,
			      unsigned port);
/* The key of the reason there. */
const char *world_reason(const struct world *w, const struct fake_device *device, unsigned port);

/* All cables between others than @except carry packets. */
void assert_active(const struct world *w, const struct fake_device *except);
/* @from reaches each LID of @to port @to_port. */
void assert_reaches(const struct fake_device *from, uint8_t port, const struct fake_device *to,
		    uint8_t to_port);
void assert_all_reach_all(const struct world *w, const struct fake_device *except);
/* At rest, master, and both of these. */
void assert_up(const struct world *w, const struct fake_device *except);
/* The same, and no reason anywhere. */
void assert_good(const struct world *w, const struct fake_device *except);
