/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a directed route says about a MAD that is written. */
enum smi {
	SMI_SEND,
	SMI_LOCAL, /* for this port's own SMA: never on the wire, and nobody waits for the answer */
	SMI_DISCARD, /* write() fails */
};

/* @mad: class 0x81. The hop pointer moves as it does in the kernel. */
enum smi smi_write(uint8_t *mad, uint8_t port, bool is_switch);

/* A class 0x81 MAD that has arrived; false: dropped. */
bool smi_receive(uint8_t *mad, uint8_t port, bool is_switch);
