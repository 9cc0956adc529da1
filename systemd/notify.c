/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Words to the service manager, each a datagram of lines. A status may quote names that devices
 * gave themselves; a line break in one would be an order to the manager, so there are none.
 */

#include "systemd/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#define STATUS_MAX     512
#define MORE_TIME_USEC 60000000u /* well above the time between two calls */

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void notify_status(const char *format, ...)
{
	char status[STATUS_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(status, sizeof(status), format, args);
	va_end(args);
	make_one_line(status);
	sd_notifyf(0, "STATUS=%s", status);
}

/* The time is what tells this reload from an earlier one; systemd 253 and later want it. */
void notify_reloading(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_watchdog(void)
{
	sd_notifyf(0, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%u", MORE_TIME_USEC);
}
