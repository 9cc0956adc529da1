/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Files that people write. They may be anything: a directory, a device, half a gigabyte, a binary.
 * So only a regular file is read, up to a limit, and whoever parses it works on bytes with a
 * length; what is shown of it in an error is made printable first, because errors go to terminals
 * and journals. Every error names file and line, because that is where the reader will look.
 *
 * Nothing here knows what the files are about.
 */

#include "conf/input.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "base/macros.h"

int input_complain(struct conf_error *reterr, int code, const char *file, unsigned line,
		   const char *format, ...)
{
	size_t used;
	va_list args;

	if (!reterr)
		return code;

	reterr->line = line;
	if (line)
		snprintf(reterr->text, sizeof(reterr->text), "%.*s:%u: ", CONF_TEXT_SIZE - 1, file,
			 line);
	else
		snprintf(reterr->text, sizeof(reterr->text), "%.*s: ", CONF_TEXT_SIZE - 1, file);

	used = strlen(reterr->text);
	va_start(args, format);
	vsnprintf(reterr->text + used, sizeof(reterr->text) - used, format, args);
	va_end(args);

	return code;
}

const char *input_show(const char *text, size_t length, char ret[INPUT_SHOWN_SIZE])
{
	size_t n = MIN(length, (size_t)INPUT_SHOWN_SIZE - 1);

	for (size_t i = 0; i < n; i++)
		ret[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	ret[n] = 0;
	if (n < length)
		memcpy(ret + n - 3, "...", 3);

	return ret;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

int input_parse_number(const char *text, size_t length, uint64_t most, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned base = 10;
	bool overflow = false;

	if (length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		length -= 2;
	} else if (length > 1 && text[0] == '0') {
		return -EINVAL;
	}
	if (!length)
		return -EINVAL;

	for (size_t i = 0; i < length; i++) {
		unsigned digit = (unsigned)digit_value(text[i]);

		if (digit >= base)
			return -EINVAL;
		overflow |= __builtin_mul_overflow(value, base, &value);
		overflow |= __builtin_add_overflow(value, digit, &value);
	}
	if (overflow || value > most)
		return -ERANGE;

	*ret = value;
	return 0;
}

int input_read_file(const char *path, size_t most, char **ret, size_t *ret_length,
		    struct conf_error *reterr)
{
	int r = file_read(path, most, ret, ret_length);

	if (r == -EFBIG)
		return input_complain(reterr, r, path, 0, "Longer than %zu bytes", most);
	if (r < 0)
		return input_complain(reterr, r, path, 0, "Cannot read: %s", file_reason(r));

	return 0;
}
