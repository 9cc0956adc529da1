/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Does the subnet manager get on? That is what the watchdog is fed for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How it is now. */
struct progress_sample {
	uint64_t now;       /* loop_now() */
	uint64_t reconcile; /* number of it */
	unsigned phase;
	bool rests;
	bool computes;  /* in a phase in which nothing is asked */
	uint64_t sent;  /* SMPs so far */
	uint64_t heard; /* answers to them */
};

/* Zero at first. */
struct progress {
	struct progress_sample last;
	uint64_t phase_at; /* since when it is in that phase */
	uint64_t sent_at;
	uint64_t heard_at;
};

/* NULL: it gets on. Or a sentence. */
const char *progress_look(struct progress *p, const struct progress_sample *now);
