/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The fabric and its routes as files in opensm's formats, for tools that read those. */

struct picture;

/*
 * Write opensm-subnet.lst, opensm-lfts.dump, opensm.fdbs, opensm.mcfdbs and opensm.psl into @dir,
 * which must exist; each replaces the former one at once. On -errno the files from @ret_failed on,
 * which has the name of one, are the former ones.
 *
 * About 100 bytes per switch and LID: 4 MB for 648 hosts, but 2 GB and some seconds or minutes for
 * 11,664 hosts. So it looks at nothing but the picture, and is for another thread.
 */
int dump_write(const struct picture *p, const char *dir, const char **ret_failed);
