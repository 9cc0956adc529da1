/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What a configuration that was read again changes, for whoever has to say so.
 */

#include "conf/conf.h"

#define CONF_VALUE_SIZE 1024 /* of a value that is told; what is longer ends with "..." */

struct conf_change {
	const char *path;   /* of the option */
	const char *before; /* as vsm.conf has it, in one line; of a key it is not told */
	const char *after;
	bool restart; /* takes effect with the next start */
};

typedef void (*conf_tell_fn)(void *user, const struct conf_change *change);

/* @fn for each option that differs. */
void conf_tell_changes(const struct conf *old, const struct conf *new, conf_tell_fn fn, void *user);

/* What only a restart can change is in @new as it is in @old. */
void conf_keep_restart(const struct conf *old, struct conf *new);
