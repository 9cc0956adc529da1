/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The file is looked at (stat) whenever names are wanted and read when it has changed, so that
 * nobody has to tell the daemon that a switch has been given a name. The names stay where they are
 * in the file's text; an array sorted by GUID points to them.
 */

#include "ctl/names.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"

static const char *const usual_paths[] = {
	"/etc/infiniband-diags/ib-node-name-map",
	"/etc/opensm/ib-node-name-map",
};

void names_done(struct names *names)
{
	free(names->names);
	free(names->text);
	*names = (struct names){ 0 };
}

/* Up to a double quote, or if it does not begin with one, up to white space or '#'. */
static char *cut_name(char *text)
{
	char *end;

	if (*text == '"') {
		end = strchr(++text, '"');
		if (!end)
			return NULL;
	} else {
		end = text + strcspn(text, " \t\r#");
	}
	*end = 0;

	return text[0] ? text : NULL;
}

static void blank_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

/* One line, which is cut up: 1 if it has a name, 0 if it is empty, -EINVAL. */
static int parse_line(char *line, struct name *ret)
{
	char *end, *name;
	uint64_t guid;

	line += strspn(line, " \t\r");
	if (*line == 0 || *line == '#')
		return 0;
	if (!isxdigit((unsigned char)*line))
		return -EINVAL;
	guid = strtoull(line, &end, 16);
	if (guid == 0 || !isspace((unsigned char)*end))
		return -EINVAL;
	name = cut_name(end + strspn(end, " \t\r"));
	if (!name)
		return -EINVAL;
	blank_controls(name);
	*ret = (struct name){ guid, name };

	return 1;
}

static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return (x->guid > y->guid) - (x->guid < y->guid);
}

/* By GUID, and then as in the file. */
static int compare_places(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = compare(a, b);

	return order ? order : (x->text > y->text) - (x->text < y->text);
}

/* Of names for the same GUID the first stays, as with infiniband-diags. */
static void sort(struct names *names)
{
	size_t kept = 0;

	qsort(names->names, names->n, sizeof(names->names[0]), compare_places);
	for (size_t i = 0; i < names->n; i++)
		if (kept == 0 || names->names[kept - 1].guid != names->names[i].guid)
			names->names[kept++] = names->names[i];
	names->n = kept;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		n++;
	}

	return n;
}

/* One word about a file of any number of bad lines: it may be no such file at all. */
static void complain(const char *path, unsigned first, unsigned n)
{
	if (n == 1)
		log_warning("%s:%u: not a GUID and a name; the line is left out", path, first);
	else if (n > 1)
		log_warning("%s:%u: not a GUID and a name; this line and %u more are left out",
			    path, first, n - 1);
}

static int parse(struct names *names, const char *path)
{
	unsigned number = 0, first_bad = 0, n_bad = 0;
	char *next = names->text;

	names->names = calloc(count_lines(names->text), sizeof(names->names[0]));
	if (!names->names)
		return -ENOMEM;
	for (char *line = strsep(&next, "\n"); line; line = strsep(&next, "\n")) {
		int r = parse_line(line, &names->names[names->n]);

		number++;
		if (r >= 0)
			names->n += (size_t)r;
		else if (n_bad++ == 0)
			first_bad = number;
	}
	complain(path, first_bad, n_bad);
	sort(names);

	return 0;
}

/* A zero byte, which no text has, must not hide what comes behind it. */
static int read_names(struct names *names, const char *path)
{
	size_t length;
	int r = file_read(path, NAMES_FILE_MAX, &names->text, &length);

	if (r < 0)
		return r;
	for (size_t i = 0; i < length; i++)
		if (names->text[i] == 0)
			names->text[i] = '?';

	return parse(names, path);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What there is to be read; zero if nothing. */
static const char *choose(const char *path, struct stat *ret)
{
	if (path[0] && stat(path, ret) == 0)
		return path;
	for (size_t i = 0; !path[0] && i < COUNT(usual_paths); i++)
		if (stat(usual_paths[i], ret) == 0)
			return usual_paths[i];
	*ret = (struct stat){ 0 };

	return NULL;
}

void names_refresh(struct names *names, const char *path)
{
	struct stat now;
	const char *chosen = choose(path, &now);
	int r;

	if (is_same(&now, &names->seen))
		return;

	names_done(names);
	names->seen = now;
	if (!chosen)
		return;
	r = read_names(names, chosen);
	if (r < 0) {
		log_warning("%s: cannot read names from it: %s", chosen, file_reason(r));
		names_done(names);
		names->seen = now;
	}
}

const char *names_get(const struct names *names, uint64_t guid)
{
	struct name key = { .guid = guid };
	const struct name *found = NULL;

	if (names->n > 0)
		found = bsearch(&key, names->names, names->n, sizeof(key), compare);

	return found ? found->text : NULL;
}
