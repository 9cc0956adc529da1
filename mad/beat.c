/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "mad/beat.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/macros.h"

#define FIRST (100 * LOOP_MSEC)
#define MOST  (8 * LOOP_SEC)

void beat_init(struct beat *beat)
{
	*beat = (struct beat){ .wait = FIRST };
}

bool beat_has_stopped(const struct beat *beat)
{
	return beat->lost > 1;
}

void beat_answered(struct beat *beat)
{
	if (beat_has_stopped(beat))
		log_notice("There are answers again");
	beat->lost = 0;
	beat->wait = FIRST;
}

void beat_lost(struct beat *beat, uint64_t now)
{
	if (++beat->lost == 2)
		log_warning("Nothing is answered, not even by our own device: waiting");
	beat->wait = MIN(2 * beat->wait, MOST);
	beat->not_before = now + beat->wait;
}
