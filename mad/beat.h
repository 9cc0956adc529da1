/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Does anything move at all? Our own device is asked when nobody else has answered for long, and
 * less and less often while it does not answer either: then it is not the fabric's doing. Any
 * answer, whoever it is from, shows that there is life. Times in nanoseconds, as loop_now() has
 * them.
 */

#include <stdbool.h>
#include <stdint.h>

struct beat {
	uint64_t not_before; /* the next */
	uint64_t wait;       /* after that, if it is not answered */
	unsigned lost;       /* in a row */
};

void beat_init(struct beat *beat);

void beat_answered(struct beat *beat);
/* Also what others have asked our own device. */
void beat_lost(struct beat *beat, uint64_t now);

/* Nothing is answered, not even by our own device. */
bool beat_has_stopped(const struct beat *beat);
