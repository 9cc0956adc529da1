/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Somebody who has subscribed to GIDs that come and go for a whole walk, and believes what it is
 * told; and what must hold of that, and of what is registered, whenever all is at rest.
 */

#include "tests/scenario/scenario.h"

/* At the port of the first subnet manager. */
void scenario_listen(struct scenario *s);
void scenario_listen_no_more(struct scenario *s);

/*
 * At rest: what was told since it was last so is what has changed, if it is the same subnet manager
 * and nothing had to be left out; and what it has in memory is what its store has. Time goes by.
 */
void scenario_expect_told(struct scenario *s);
