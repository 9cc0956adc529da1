/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A text file that is not there before it is whole: written under another name, then renamed. The
 * writers remember the first error, dump_file_close() tells it.
 */

#include <stdint.h>

struct dump_file;

/* 0 or -errno; ends with dump_file_close() or dump_file_drop(). */
int dump_file_open(const char *dir, const char *name, struct dump_file **ret);

/* 0: the file is in its place; -errno: there is what was there before. */
int dump_file_close(struct dump_file *file);
/* It is not to be. */
void dump_file_drop(struct dump_file *file);

void dump_text(struct dump_file *file, const char *text);
/* At least @digits, which are at most 20. */
void dump_hex(struct dump_file *file, uint64_t value, unsigned digits);
void dump_hex_upper(struct dump_file *file, uint64_t value, unsigned digits);
void dump_decimal(struct dump_file *file, uint64_t value, unsigned digits);
