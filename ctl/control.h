/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The control socket: other programs of this machine look at the subnet manager and tell it to
 * sweep or reload. The protocol is in protocol.h, the methods are listed in rpc.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/changes.h"
#include "conf/doubts.h"

struct control;
struct dump_failure;
struct loop;
struct sm;

#define CONTROL_TEXT_SIZE (CONF_ERROR_SIZE + 64)

/* Who wants to know of each option that changed, and of each thing to be warned of. */
struct reload_teller {
	conf_tell_fn change;
	doubts_fn doubt;
	void *user;
};

struct control_setup {
	/* Where the subnet manager is; there is none (NULL) while no port is there to use. */
	struct sm **sm;
	/* Why there is none, as a sentence; or NULL, or empty. Looked at while there is none. */
	const char *trouble;
	/* Read the configuration again: 0 or -errno, and in both cases a sentence about it. */
	int (*reload)(void *user, char ret_text[static CONTROL_TEXT_SIZE],
		      const struct reload_teller *teller);
	/* The generation that the dump files show, or 0: see dumper_shows(). May be NULL. */
	uint64_t (*dumped)(void *user);
	/* Could they not be written: see dumper_failed(). May be NULL. */
	bool (*dump_failed)(void *user, struct dump_failure *ret);
	/* Why what is kept does not reach the disk, a sentence, or NULL. May be NULL. */
	const char *(*store_trouble)(void *user);
	void *user;
	const char *version; /* "0.1.0" */
	/* Unix time in ns when loop_now() was 0; 0: it is found out from the clock. */
	uint64_t unix_at_zero;
};

/*
 * Listen on @socket_path. @setup is copied; what it points to must outlive the socket. -EADDRINUSE
 * if another process answers there (what nobody answers on any more is replaced). On failure @why
 * has the sentence.
 */
int control_new(struct loop *loop, const char *socket_path, const struct control_setup *setup,
		char why[static 256], struct control **ret);

/* Hangs up on everybody and removes the socket. Takes NULL. */
void control_free(struct control *control);

/* The event log has grown: call it for every event. Those who follow are told soon. */
void control_notify(struct control *control);
