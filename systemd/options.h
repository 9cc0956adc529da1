/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The command line of vsm, see vsm(8).
 */

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "conf/doubts.h"

struct options {
	const char *conf_path; /* NULL: the default one, if it is there */
	const char *device;    /* what overrides vsm.conf; NULL where not given */
	const char *port;
	const char *port_guid;
	const char *state_dir;
	const char *socket;
	bool once;
	bool check_config;
	bool verbose;
};

/*
 * What to do: -1, go on; else an exit code, and all that is to be said has been said (--help and
 * --version on standard output, mistakes on standard error).
 */
int options_parse(int argc, char **argv, struct options *ret);

/*
 * The configuration as file and command line have it. 0 or -errno with *reterr. The default file
 * may be missing, a named one may not.
 */
int options_load_conf(const struct options *options, struct conf *ret, struct conf_error *reterr);

/* What the file says and the command line overrides: @fn gets a sentence about each. */
void options_tell_overridden(const struct options *options, doubts_fn fn, void *user);

/* The most bytes that are read. */
struct options_limits {
	size_t names;
	size_t guid2lid;
};

/*
 * Files that @conf names and that cannot be read: @fn gets a sentence about each. How many. vsm can
 * do without, but whoever named them wants them.
 */
unsigned options_check_files(const struct conf *conf, const struct options_limits *limits,
			     doubts_fn fn, void *user);
