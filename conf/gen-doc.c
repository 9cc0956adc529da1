/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Runs at build time and prints what users read about options, so that it cannot be out of date:
 *
 *	gen-doc sample		vsm.conf.sample
 *	gen-doc man TEMPLATE	the man page, with the options where the line .\" OPTIONS stands
 */

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "conf/conf.h"

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static int print_sample(void)
{
	struct conf defaults;

	conf_init_defaults(&defaults);
	conf_print_file(stdout, &defaults);
	return 0;
}

static int print_man(const char *path)
{
	AUTO(fclosep) FILE *template = fopen(path, "re");
	bool filled = false;
	char line[512];

	if (!template) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), template)) {
		if (strcmp(line, ".\\\" OPTIONS\n") != 0) {
			fputs(line, stdout);
			continue;
		}
		conf_print_man(stdout);
		filled = true;
	}
	if (!filled)
		fprintf(stderr, "%s: there is no line .\\\" OPTIONS\n", path);
	return filled ? 0 : 1;
}

int main(int argc, char **argv)
{
	int r = 2;

	if (argc == 2 && !strcmp(argv[1], "sample"))
		r = print_sample();
	else if (argc == 3 && !strcmp(argv[1], "man"))
		r = print_man(argv[2]);
	else
		fprintf(stderr, "usage: gen-doc sample | man TEMPLATE\n");

	return fflush(stdout) || ferror(stdout) ? 1 : r;
}
