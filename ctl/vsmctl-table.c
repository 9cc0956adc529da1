/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Columns as wide as their widest cell, two spaces between them. Colours are outside of the
 * padding, so that they change no width.
 */

#include "ctl/vsmctl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define CELL_SIZE 1024

static void *check_memory(void *memory)
{
	if (memory)
		return memory;
	complain("there is no memory");
	exit(RESULT_FAILED);
}

struct table table_start(const char *const *heads)
{
	struct table table = { .heads = heads };

	while (heads[table.n_columns])
		table.n_columns++;

	return table;
}

void table_add(struct table *table, enum paint paint, const char *format, ...)
{
	char text[CELL_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_printable(text);

	if (table->n_cells == table->room) {
		table->room = table->room ? 2 * table->room : 256;
		table->cells = check_memory(
			reallocarray(table->cells, table->room, sizeof(table->cells[0])));
		table->paints = check_memory(realloc(table->paints, table->room));
	}
	table->cells[table->n_cells] = check_memory(strdup(text));
	table->paints[table->n_cells] = (uint8_t)paint;
	table->n_cells++;
}

/* Characters of UTF-8: bytes that do not continue one. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;

	return width;
}

static bool is_right(const struct table *table, size_t column)
{
	return table->heads[column][0] == '>';
}

static const char *head_text(const struct table *table, size_t column)
{
	return table->heads[column] + (is_right(table, column) ? 1 : 0);
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = width_of(head_text(table, column));

	for (size_t i = column; i < table->n_cells; i += table->n_columns)
		width = MAX(width, width_of(table->cells[i]));

	return width;
}

void print_painted(bool colour, enum paint paint, const char *text)
{
	static const char *const codes[] = { [PAINT_NONE] = "",
					     [PAINT_GOOD] = "\033[32m",
					     [PAINT_WARN] = "\033[33m",
					     [PAINT_BAD] = "\033[1;31m",
					     [PAINT_DIM] = "\033[2m" };

	if (colour && paint != PAINT_NONE)
		printf("%s%s\033[0m", codes[paint], text);
	else
		fputs(text, stdout);
}

static void print_cell(const struct table *table, size_t column, size_t width, const char *text,
		       enum paint paint)
{
	bool is_last = column + 1 == table->n_columns;
	int padding = (int)(width - width_of(text));

	if (is_right(table, column))
		printf("%*s", padding, "");
	print_painted(paint != PAINT_NONE, paint, text);
	if (!is_right(table, column) && !is_last)
		printf("%*s", padding, "");
	fputs(is_last ? "\n" : "  ", stdout);
}

static void print_all(const struct table *table, const size_t *widths, bool colour)
{
	for (size_t i = 0; i < table->n_columns; i++)
		print_cell(table, i, widths[i], head_text(table, i),
			   colour ? PAINT_DIM : PAINT_NONE);
	for (size_t i = 0; i < table->n_cells; i++)
		print_cell(table, i % table->n_columns, widths[i % table->n_columns],
			   table->cells[i], colour ? (enum paint)table->paints[i] : PAINT_NONE);
}

void table_end(struct table *table, bool colour)
{
	AUTO(freep) size_t *widths = check_memory(calloc(table->n_columns, sizeof(widths[0])));

	for (size_t i = 0; i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	if (table->n_cells > 0)
		print_all(table, widths, colour);
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->paints);
}
