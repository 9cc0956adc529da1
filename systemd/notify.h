/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the service manager is told, sd_notify(3). Nothing happens without NOTIFY_SOCKET, and a
 * failure is nobody's business: a daemon does not stop because it could not say how it is.
 */

/* Start-up, or a reload, is over. */
void notify_ready(void);

/* One line for "systemctl status"; line breaks in it become spaces. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A reload begins; notify_ready() ends it. */
void notify_reloading(void);

void notify_stopping(void);

/*
 * Feed the watchdog: loop_set_watchdog() does, when there is progress. Start-up may then take
 * longer too: a large or slow fabric is no reason to be killed before it is up.
 */
void notify_watchdog(void);
