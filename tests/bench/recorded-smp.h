/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <stdint.h>

enum { SMP_SIZE = 256 };

/* An SMP as it was handed to umad_send(), from count-smps.c to replay.c. */
struct recorded_smp {
	uint16_t lid; /* network order; 0xffff: by directed route */
	uint8_t mad[SMP_SIZE];
};
