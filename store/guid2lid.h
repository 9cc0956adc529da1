/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * OpenSM's file guid2lid: which LIDs it gave to which port GUID, host byte order. Lines are
 * "GUID LIDMIN LIDMAX", in hexadecimal with 0x or in decimal, and empty ones between them.
 */

#include <stdint.h>

/* 49,151 LIDs at 34 bytes a line are less than a tenth. */
#define GUID2LID_FILE_MAX (16 * 1024 * 1024)

struct guid2lid_counts {
	uint32_t taken;
	uint32_t refused;
};

/*
 * @lid_min to @lid_max: 1, 2, 4, ... or 128 unicast LIDs, the first of which is a multiple of their
 * number. No GUID and no LID comes twice. Other results than 0 end the import, which returns them.
 */
typedef int (*guid2lid_fn)(void *user, uint64_t guid, uint16_t lid_min, uint16_t lid_max);

/*
 * Calls @fn for each good line of @path, and logs and counts the others. 0; or -errno if the file
 * cannot be read, also if it is no regular file (-EINVAL) or of an impossible size (-EFBIG).
 */
int guid2lid_import(const char *path, guid2lid_fn fn, void *user, struct guid2lid_counts *ret);
