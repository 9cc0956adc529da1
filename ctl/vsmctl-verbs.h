/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What vsmctl can be asked, as data: help, the command line and the call go by it.
 */

#include "ctl/vsmctl.h"

enum option_bit {
	OPTION_PROBLEMS = 1,
	OPTION_FOLLOW = 2,
	OPTION_FULL = 4,
	OPTION_FROM = 8,
	OPTION_LAST = 16,
	OPTION_PORT = 32,
	OPTION_NAMES = 64,
	OPTION_NOT_ACTIVE = 128,
	OPTION_LID = 256,
	OPTION_PLACE = 512,
	OPTION_NAME = 1024,
	OPTION_LIMITED = 2048,
	OPTION_BOTH = 4096,
	OPTION_INDEX0 = 8192,
	OPTION_WAIT = 16384,
	OPTION_CANCEL = 32768,
};

#define OPTION_MEMBERSHIP (OPTION_FULL | OPTION_LIMITED | OPTION_BOTH)

struct verb {
	const char *name;      /* one word or two; what the method is called, but for the blank */
	const char *arguments; /* for --help */
	const char *sentence;
	const char *params[2]; /* what its arguments are called; NULL: it has none */
	unsigned needs;        /* so many of them */
	const char *rest;      /* what all further ones are called together, or NULL */
	const char *list;      /* its result has pages of this */
	const char *members;   /* and always these besides, or NULL */
	unsigned options;      /* that it knows */
	void (*show)(const json_t *result, const struct view *view);
};

#define N_VERBS 25
extern const struct verb verbs[];

struct verb_option {
	const char *name;
	unsigned bit;
	const char *param; /* what the method calls it, or NULL */
	char type;         /* as in rpc.c */
};

#define N_VERB_OPTIONS 16
extern const struct verb_option verb_options[];
