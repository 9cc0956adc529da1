/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Any bytes as vsm.conf: refused with a line of the file and a sentence, the struct untouched; or
 * taken, and then what is printed of it loads as the same.
 */

#include <string.h>

#include "base/macros.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets a text in quotes that a syntax error comes right after. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static unsigned count_lines(const uint8_t *data, size_t size)
{
	unsigned n = 1;

	for (size_t i = 0; i < size; i++)
		n += data[i] == '\n';
	return n;
}

static void check_refusal(const uint8_t *data, size_t size, const struct conf *conf,
			  const struct conf_error *error)
{
	static const struct conf untouched;

	if (memcmp(conf, &untouched, sizeof(*conf)) != 0)
		abort();
	if (error->line > count_lines(data, size) || strlen(error->text) < 10)
		abort();
	for (const char *c = error->text; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
}

static void check_printed(const struct conf *conf)
{
	AUTO(freep) struct conf *again = malloc(sizeof(*again));
	AUTO(freep) char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!again || !out)
		abort();
	conf_print_file(out, conf);
	if (fclose(out) != 0 || conf_parse(text, length, "printed", again, NULL) < 0)
		abort();
	if (conf_compare(conf, again, NULL, NULL) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(freep) struct conf *conf = calloc(1, sizeof(*conf));
	struct conf_error error = { 0 };

	if (!conf)
		abort();
	if (conf_parse((const char *)data, size, "fuzz", conf, &error) < 0)
		check_refusal(data, size, conf, &error);
	else
		check_printed(conf);

	return 0;
}
