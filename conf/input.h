/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the readers of vsm.conf and partitions.conf share. Text has a length and need not end with
 * 0.
 */

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define INPUT_SHOWN_SIZE 64

/*
 * All of @path, at most @most bytes, and a 0 after it; free() it. -errno, -EFBIG if there is more;
 * *reterr has the sentence.
 */
int input_read_file(const char *path, size_t most, char **ret, size_t *ret_length,
		    struct conf_error *reterr);

/*
 * A number, decimal or hexadecimal with 0x, and nothing else. -EINVAL: none (017 is none, for it is
 * 15 to some and 17 to others); -ERANGE: above @most.
 */
int input_parse_number(const char *text, size_t length, uint64_t most, uint64_t *ret);

/* @text fit to be shown: printable ASCII, cut short with dots. Returns @ret. */
const char *input_show(const char *text, size_t length, char ret[INPUT_SHOWN_SIZE]);

/* Write "file:line: ..." into @reterr, if there is one; line 0 is left out. Returns @code. */
int input_complain(struct conf_error *reterr, int code, const char *file, unsigned line,
		   const char *format, ...) __attribute__((format(printf, 5, 6)));
