/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Where the sources disagree, or nobody could verify: one switch each. All zero is what
 * reference/devices.md recommends (REC there), which is what most devices do. Sections by the file
 * that reads them.
 */

#include <stdbool.h>
#include <stdint.h>

struct sim_quirks {
	/* forward.c */
	bool smp_needs_active; /* LID-routed SMPs stop where a port is not Active, as in ibsim */
	bool armed_receives_nothing; /* no data packet is taken in Armed (pib) */

	/* sma.c */
	bool sm_info_needs_mkey; /* SMInfo too is refused without the M_Key (qib) */
};
