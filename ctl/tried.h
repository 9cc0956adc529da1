/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What was tried with something that is not as planned, and when the next try is.
 */

#include "ctl/rpc.h"

/*
 * "failures" in a row, "status" of the last Set that was refused, "retry_in" sweeps (0: no try is
 * due), and "next_try" (or null: not known) with "next_try_seconds". @fault may be none. The end of
 * a quarantine waits for no sweep: "next_try" alone says when.
 */
json_t *tried_make(const struct call *call, const struct fault *fault, unsigned status);

/* The same of a port that has a reason, with "what" was tried, or null. NULL: it has none. */
json_t *tried_make_of_port(const struct call *call, uint32_t port);
