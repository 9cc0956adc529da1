/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Where the console's lines come from: the standard input, and a Unix stream socket for scripts.
 * Each line is answered by what there is to say and the prompt "sim> ", so that one knows where an
 * answer ends.
 */

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/sim/console.h"

struct sessions;

/*
 * @path: of the socket; NULL: the abstract name "<base>:console". @use_stdin: also listen there.
 * @commands (n of them) are done first. -errno, and a sentence in @why.
 */
struct sessions_options {
	const char *path;
	const char *base;
	bool use_stdin;
	char *const *commands;
	size_t n_commands;
};
int sessions_new(struct loop *loop, struct console *console, const struct sessions_options *options,
		 struct sessions **ret, char why[static 128]);
void sessions_free(struct sessions *sessions); /* takes NULL */

/* Of the socket: 0, or -ENAMETOOLONG. */
int sessions_address(const struct sessions_options *options, struct sockaddr_un *ret,
		     socklen_t *ret_length);

/*
 * The other side: have the simulator that listens there do @command, and write what it says to
 * @out. 0: done; 1: refused, or it came to nothing; -errno: nobody is there, or (-EPIPE) it went
 * away.
 */
int sessions_tell(const struct sessions_options *options, const char *command, FILE *out);
