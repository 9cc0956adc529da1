/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Names that the operator gave to node GUIDs: the node-name-map of infiniband-diags and opensm,
 * lines such as
 *
 *	0x0002c90200404a01 "spine 1"	# comment
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define NAMES_FILE_MAX (8 << 20) /* bytes; 50,000 names of the usual length are 3 MB */

struct name {
	uint64_t guid;
	const char *text;
};

/* A zeroed struct has no names. */
struct names {
	struct name *names; /* sorted by GUID */
	size_t n;
	char *text;       /* of the file; the names point into it */
	struct stat seen; /* of the file when it was read; zero: there was none */
};

/*
 * Look whether the file at @path has changed and read it if so; if @path is empty, the first that
 * exists of those where infiniband-diags and opensm look. Lines that are wrong are left out, with
 * one warning for all of them; a file that cannot be read is logged and leaves no names.
 */
void names_refresh(struct names *names, const char *path);
void names_done(struct names *names);

/* NULL if it has none. */
const char *names_get(const struct names *names, uint64_t guid);
