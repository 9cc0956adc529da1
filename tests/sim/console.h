/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The console: ibsim's commands and more (doc/vsm-sim.1). Where lines come from and answers go to
 * is session.c's business.
 */

#include <stdio.h>

#include "tests/sim/guests.h"

struct console;

/* A command of another file; the last of a list has no word. */
struct console_extra {
	const char *word;
	/* False: it cannot be done, or came to nothing, and why was said. */
	bool (*run)(struct console *console, char *rest, FILE *out);
	const char *help;
};

struct console {
	struct sim_fabric *fabric;
	struct guests *guests;
	unsigned verbose;
	uint64_t started;                   /* loop_now() */
	const struct console_extra *extras; /* NULL: none */
	void (*quit)(void *user);
	void (*set_verbose)(void *user, unsigned level);
	void *user;
};

/* What the one who reads the lines has to do before the next one. */
struct console_next {
	uint64_t wait; /* ns */
	char *run;     /* lines of a file that come first; the caller frees it */
	bool quit;
	bool refused;        /* it cannot be done, or came to nothing */
	bool refused_before; /* told by who reads the lines: that of the last line, for "Result" */
};

/* What ends the answer to Quit; and the answers to Result. */
#define CONSOLE_GOODBYE "Exiting network simulator.\n"
#define CONSOLE_DONE    "done\n"
#define CONSOLE_REFUSED "refused\n"

/* Do @line, which is changed; what there is to say goes to @out. @next->refused_before is read.
 */
void console_do(struct console *console, char *line, FILE *out, struct console_next *next);
