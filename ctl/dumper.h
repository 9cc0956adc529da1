/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* When the dumps are to be written. */

#include <stdbool.h>

struct dumper;
struct loop;
struct sm;

/* 0 or -ENOMEM. */
int dumper_new(struct loop *loop, struct dumper **ret);
/* Before the loop is. Takes NULL. */
void dumper_free(struct dumper *d);

/*
 * A reconcile has ended, or all names have come: writes dumps into @dir if it is time. @dir may be
 * empty (none are wanted) and may change, both stay the caller's; before they go, and when @sm is
 * about to, look at no @sm (NULL).
 */
void dumper_look(struct dumper *d, const struct sm *sm, const char *dir);

/* They are due, and only names are missing: the next look will be soon. */
bool dumper_is_waiting(const struct dumper *d);
