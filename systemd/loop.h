/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What only the one who makes the loop needs; base/loop.h is for everybody. Results are 0 or
 * -errno.
 */

#include "base/loop.h"

int loop_new(struct loop **ret);

/*
 * After all that was made with it is freed, jobs excepted: those are waited for. Takes NULL. Not
 * from within a callback.
 */
void loop_free(struct loop *loop);

/* Until loop_exit(): its code, or -errno. May be called again. */
int loop_run(struct loop *loop);

/* Let loop_run() return @code (not negative) after the callback that runs now, or at once. */
void loop_exit(struct loop *loop, int code);

/*
 * SIGTERM, SIGINT and SIGHUP, once per loop, before any thread is made: they are blocked from then
 * on and come as calls of @fn. Before descriptors and timers.
 */
typedef void (*loop_signal_fn)(void *user, int number);
int loop_watch_signals(struct loop *loop, loop_signal_fn fn, void *user);

/*
 * Feed systemd's watchdog, if it watches us (WatchdogSec=): twice in its interval @progress is
 * asked, on the loop, and only if it is content systemd hears of us.
 */
typedef bool (*loop_progress_fn)(void *user);
int loop_set_watchdog(struct loop *loop, loop_progress_fn progress, void *user);
