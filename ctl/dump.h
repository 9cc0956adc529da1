/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The fabric and its routes as files in opensm's formats, for tools that read those. */

struct sm;

/*
 * Write opensm-subnet.lst, opensm-lfts.dump, opensm.fdbs and opensm.mcfdbs into @dir, which must
 * exist; each replaces the former one at once. On -errno a line has been logged, and the files that
 * were not written yet are the former ones.
 *
 * Blocks while it writes, about 100 bytes per switch and LID: 4 MB for 648 hosts, but 2 GB and some
 * seconds for 11,664 hosts. It is for looking at a fabric, not to be left on at that size.
 */
int dump_fabric(const struct sm *sm, const char *dir);
