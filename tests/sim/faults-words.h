/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A line that is read word by word: for faults-text.c. A node is its name, its GUID or its
 * description, in quotes if there are blanks in it; a port is that and its number in brackets.
 * Times have a unit, chances a percent sign or ppm.
 *
 * Readers return 0; or -errno, with a sentence in @why.
 */

#include <stdio.h>

#include "tests/sim/faults.h"

enum { WORD = 80 };

struct words {
	struct sim_fabric *fabric;
	const char *at;
	char *why; /* SIM_FAULT_WHY bytes */
	char word[WORD];
	bool is_quoted;
};

/* Says why: -EINVAL, -ENOMEM. */
int words_wrong(struct words *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
int words_no_memory(struct words *t);

/* The next word; `S-1[3]` is two. False: there is none. */
bool words_next(struct words *t);

/* The word just read is @word, without quotes. */
bool words_is(const struct words *t, const char *word);

/* Takes the next word if it is @word. */
bool words_accept(struct words *t, const char *word);
int words_expect(struct words *t, const char *word);
int words_end(struct words *t);

bool words_to_number(const char *word, uint64_t *ret);
bool words_to_chance(const char *word, uint32_t *ret);
int words_number(struct words *t, uint64_t most, uint64_t *ret);
int words_duration(struct words *t, uint64_t *ret);
int words_chance(struct words *t, uint32_t *ret);
int words_node(struct words *t, struct sim_node **ret);
int words_port(struct words *t, struct sim_port **ret);

/* [next N] */
int words_times(struct words *t, uint32_t *ret);

/* *@ret_number: -1 if none was given. */
int words_node_and_port(struct words *t, struct sim_node **ret, int *ret_number);

/* As they are read. */
void words_print_time(FILE *out, const char *before, uint64_t ns);
void words_print_chance(FILE *out, uint32_t of);
void words_print_times(FILE *out, uint32_t n); /* and the end of the line */

/* ---- faults-rules.c -------------------------------------------------------------------------- */

/* The rest of a line that makes a rule; and the line that would make it. */
int sim_rule_read(struct words *t, enum sim_lie lie);
void sim_rule_list(FILE *out, const struct sim_node *n, const struct sim_rule *rule);
void sim_rule_help(FILE *out);
