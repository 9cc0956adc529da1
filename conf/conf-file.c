/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * vsm.conf, read with libconfig. libconfig does the syntax; which keys there are and what they may
 * hold, the table of options says. Everything that the table does not know is an error, because a
 * misspelt key that is passed over in silence is a setting that somebody believes in.
 *
 * libconfig 1.5 is kept from three things before it sees the text. It cuts numbers to 32 bits
 * without a word unless they end in L, so every number gets its L here (an M_Key or GUID would be
 * another one otherwise), and those that 64 bits cannot hold are refused. It follows @include,
 * which would make the file that an error names a guess. And it calls itself for every bracket.
 */

#include "conf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <string.h>

#include "base/macros.h"
#include "conf/input.h"
#include "conf/setting.h"
#include "conf/value.h"
#include "conf/vf-policy-parse.h"

#define NESTING_MAX 8
#define PATH_SIZE   128

/* ---- before libconfig: a copy of the text in which numbers have 64 bits ---------------------- */

struct scan {
	const char *at, *end;
	const char *name;
	struct conf_error *reterr;
	char *out;
	unsigned line;
	unsigned nesting;
	bool binary;
};

static int scan_refuse(const struct scan *scan, const char *why)
{
	return input_complain(scan->reterr, -EINVAL, scan->name, scan->line, "%s", why);
}

static bool scan_sees(const struct scan *scan, const char *what)
{
	size_t length = strlen(what);

	return (size_t)(scan->end - scan->at) >= length && !memcmp(scan->at, what, length);
}

static void scan_copy(struct scan *scan)
{
	if (!*scan->at)
		scan->binary = true;
	if (*scan->at == '\n')
		scan->line++;
	*scan->out++ = *scan->at++;
}

static void scan_copy_line(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		scan_copy(scan);
}

static void scan_copy_comment(struct scan *scan)
{
	scan_copy(scan);
	scan_copy(scan);
	while (scan->at < scan->end && !scan_sees(scan, "*/"))
		scan_copy(scan);
	for (int i = 0; i < 2 && scan->at < scan->end; i++)
		scan_copy(scan);
}

static int scan_copy_string(struct scan *scan)
{
	const unsigned begin = scan->line;

	scan_copy(scan);
	while (scan->at < scan->end && *scan->at != '"') {
		if (*scan->at == '\\' && scan->end - scan->at > 1)
			scan_copy(scan);
		scan_copy(scan);
	}
	if (scan->at == scan->end) {
		scan->line = begin;
		return scan_refuse(scan, "the text in quotes that begins here does not end");
	}
	scan_copy(scan);
	return 0;
}

static void scan_copy_name(struct scan *scan)
{
	while (scan->at < scan->end && (isalnum((unsigned char)*scan->at) || *scan->at == '_' ||
					*scan->at == '-' || *scan->at == '*'))
		scan_copy(scan);
}

/* A number that is not an integer has no option that takes it: as it is, to be refused by name. */
static int scan_copy_number(struct scan *scan)
{
	const char *start = scan->at;
	size_t length = 0, left = (size_t)(scan->end - start);
	bool hex = left > 1 && start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
	uint64_t value;
	int r;

	if (hex)
		length = 2;
	while (length < left && (hex ? isxdigit((unsigned char)start[length])
				     : isdigit((unsigned char)start[length])))
		length++;

	if (!hex && length < left && strchr(".eE", start[length])) {
		while (scan->at < scan->end &&
		       (isalnum((unsigned char)*scan->at) || strchr(".+-", *scan->at)))
			scan_copy(scan);
		return 0;
	}

	r = input_parse_number(start, length, hex ? UINT64_MAX : INT64_MAX, &value);
	if (r == -ERANGE)
		return scan_refuse(scan, "this number has more than 64 bits");
	if (r < 0 && hex)
		return scan_refuse(scan, "0x is not a number");
	if (r < 0)
		return scan_refuse(scan, "a decimal number does not begin with 0");

	while (length--)
		scan_copy(scan);
	*scan->out++ = 'L';
	while (scan->at < scan->end && *scan->at == 'L')
		scan->at++;
	return 0;
}

static int scan_copy_bracket(struct scan *scan)
{
	bool open = strchr("{[(", *scan->at);

	if (open && ++scan->nesting > NESTING_MAX)
		return scan_refuse(scan, "brackets are nested too deep");
	if (!open && scan->nesting)
		scan->nesting--;
	scan_copy(scan);
	return 0;
}

static int scan_step(struct scan *scan)
{
	if (scan_sees(scan, "@include"))
		return scan_refuse(scan, "@include is not supported, all options are in one file");

	if (*scan->at == '#' || scan_sees(scan, "//"))
		scan_copy_line(scan);
	else if (scan_sees(scan, "/*"))
		scan_copy_comment(scan);
	else if (*scan->at == '"')
		return scan_copy_string(scan);
	else if (isdigit((unsigned char)*scan->at))
		return scan_copy_number(scan);
	else if (isalpha((unsigned char)*scan->at))
		scan_copy_name(scan);
	else if (strchr("{[()]}", *scan->at))
		return scan_copy_bracket(scan);
	else
		scan_copy(scan);
	return 0;
}

static int widen_numbers(const char *text, size_t length, const char *name, char **ret,
			 struct conf_error *reterr)
{
	/* "1" becomes "1L": twice the size is enough, and the end. */
	AUTO(freep) char *out = malloc(2 * length + 2);
	struct scan scan = { text, text + length, name, reterr, out, 1, 0, false };

	if (!out)
		return input_complain(reterr, -ENOMEM, name, 0, "out of memory");

	while (scan.at < scan.end) {
		int r = scan_step(&scan);

		if (r < 0)
			return r;
		if (scan.binary)
			return scan_refuse(&scan, "this is not a text file, it has a zero byte");
	}
	/* A comment ends with its line, says libconfig, and is a syntax error where there is no
	 * end. */
	if (length && text[length - 1] != '\n')
		*scan.out++ = '\n';
	*scan.out = 0;

	*ret = TAKE(out);
	return 0;
}

/* ---- after libconfig: its tree against the table --------------------------------------------- */

struct load {
	const char *name;
	const char *text; /* as the user wrote it */
	size_t length;
	struct conf *conf;
	struct conf_error *reterr;
};

static int refuse(const struct load *load, const config_setting_t *setting, const char *path,
		  const char *why)
{
	return setting_refuse(load->name, setting, path, why, load->reterr);
}

static int load_scalar(const struct load *load, const struct conf_option *option,
		       const config_setting_t *setting)
{
	char why[VALUE_WHY_SIZE], buffer[SETTING_NUMBER_SIZE];
	const char *text = setting_text(setting, buffer);
	bool quoted = config_setting_type(setting) == CONFIG_TYPE_STRING;

	if (!text) {
		value_expect(option, why);
		return refuse(load, setting, option->path, why);
	}
	if (value_assign(option, text, quoted ? VALUE_QUOTED : VALUE_BARE, load->conf, why) < 0)
		return refuse(load, setting, option->path, why);
	return 0;
}

static int load_list(const struct load *load, const struct conf_option *option,
		     const config_setting_t *setting)
{
	for (int i = 0; i < config_setting_length(setting); i++) {
		int r = load_scalar(load, option, config_setting_get_elem(setting, (unsigned)i));

		if (r < 0)
			return r;
	}
	return 0;
}

static int load_option(const struct load *load, const config_setting_t *setting, const char *path)
{
	const struct conf_option *option = conf_option_find(path);
	bool list = config_setting_is_array(setting) || config_setting_is_list(setting);
	char why[VALUE_WHY_SIZE];

	if (!option)
		return refuse(load, setting, path, "there is no such option");
	if (list && option->type == CONF_TYPE_GUIDS)
		return load_list(load, option, setting);
	if (option->type == CONF_TYPE_VF_POLICIES)
		return vf_policies_load(setting, load->name, &load->conf->virtual_functions,
					load->reterr);
	if (option->type == CONF_TYPE_GUIDS) {
		value_expect(option, why);
		return refuse(load, setting, path, why);
	}
	return load_scalar(load, option, setting);
}

static bool is_group(const char *name)
{
	size_t length = strlen(name);

	for (const struct conf_option *option = conf_options; option->path; option++)
		if (!strncmp(option->path, name, length) && option->path[length] == '.')
			return true;
	return false;
}

static int load_group(const struct load *load, const config_setting_t *group, const char *name)
{
	char path[PATH_SIZE];

	if (!config_setting_is_group(group))
		return refuse(load, group, name, "is a group of options: name = { ... };");

	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		int r;

		snprintf(path, sizeof(path), "%s.%.64s", name, config_setting_name(setting));
		r = load_option(load, setting, path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Somebody who has one entry may forget the parentheses around it: not "no such group". */
static bool is_policies(const char *name)
{
	const struct conf_option *option = conf_option_find(name);

	return option && option->type == CONF_TYPE_VF_POLICIES;
}

static int load_root(const struct load *load, const config_setting_t *root)
{
	char name[PATH_SIZE];

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
		int r;

		snprintf(name, sizeof(name), "%.64s", config_setting_name(setting));
		if (is_group(name))
			r = load_group(load, setting, name);
		else if (config_setting_is_group(setting) && !is_policies(name))
			r = refuse(load, setting, name, "there is no such group of options");
		else
			r = load_option(load, setting, name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_rules(const struct load *load, const config_t *file)
{
	const char *path, *why = value_check(load->conf, &path);
	const config_setting_t *setting;

	if (!why)
		return 0;

	setting = config_lookup(file, path);
	if (!setting)
		return input_complain(load->reterr, -EINVAL, load->name, 0, "%s: %s", path, why);
	return refuse(load, setting, path, why);
}

/* ---- what libconfig refused ------------------------------------------------------------------ */

/* Line *@line of the text, or its last; returns its length without blanks around. */
static size_t find_line(const struct load *load, unsigned *line, const char **ret)
{
	const char *at = load->text, *end = load->text + load->length, *stop;
	unsigned number = 1;

	while (number < *line) {
		const char *next = memchr(at, '\n', (size_t)(end - at));

		if (!next)
			break;
		at = next + 1;
		number++;
	}
	*line = number;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
	if (!stop)
		stop = end;
	while (stop > at && isspace((unsigned char)stop[-1]))
		stop--;

	*ret = at;
	return (size_t)(stop - at);
}

static config_setting_t *last_element(const config_setting_t *group)
{
	int n = config_setting_length(group);

	return n ? config_setting_get_elem(group, (unsigned)n - 1) : NULL;
}

/* Where in the tree that libconfig left unfinished @name is there already; false: nowhere. */
static bool find_twice(const config_t *file, const char *name, char path[PATH_SIZE])
{
	const config_setting_t *root = config_root_setting(file);
	const config_setting_t *group = last_element(root);

	if (group && config_setting_is_group(group) && config_setting_get_member(group, name)) {
		snprintf(path, PATH_SIZE, "%.60s.%.60s", config_setting_name(group), name);
		return true;
	}
	if (!config_setting_get_member(root, name))
		return false;
	snprintf(path, PATH_SIZE, "%.120s", name);
	return true;
}

/* libconfig names the line of a second definition; the last key of the line that is there is it. */
static bool find_duplicate(const config_t *file, const char *line, size_t length,
			   char path[PATH_SIZE])
{
	bool found = false;

	for (size_t i = 0; i < length;) {
		char name[PATH_SIZE];
		size_t n = 0;

		while (i + n < length &&
		       (isalnum((unsigned char)line[i + n]) || line[i + n] == '_'))
			n++;
		if (n) {
			snprintf(name, sizeof(name), "%.*s", (int)MIN(n, sizeof(name) - 1),
				 line + i);
			found |= find_twice(file, name, path);
		}
		i += n ? n : 1;
	}
	return found;
}

static int explain(const struct load *load, const config_t *file)
{
	unsigned number = (unsigned)MAX(config_error_line(file), 0);
	char shown[INPUT_SHOWN_SIZE], path[PATH_SIZE] = "";
	const char *what = config_error_text(file), *line;
	size_t length = find_line(load, &number, &line);

	if (!what)
		what = "cannot be read";
	if (!strncmp(what, "duplicate", 9) && find_duplicate(file, line, length, path))
		return input_complain(load->reterr, -EINVAL, load->name, number,
				      "%s: is given twice", path);

	return input_complain(load->reterr, -EINVAL, load->name, number,
			      "%s at or just before \"%s\"", what, input_show(line, length, shown));
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int load_text(const struct load *load, const char *widened)
{
	AUTO(config_destroy) config_t file;
	int r;

	config_init(&file);
	if (config_read_string(&file, widened) != CONFIG_TRUE)
		return explain(load, &file);

	r = load_root(load, config_root_setting(&file));
	if (r < 0)
		return r;
	return check_rules(load, &file);
}

int conf_parse(const char *text, size_t length, const char *name, struct conf *ret,
	       struct conf_error *reterr)
{
	AUTO(freep) struct conf *conf = malloc(sizeof(*conf));
	AUTO(freep) char *widened = NULL;
	struct load load = { name, text, length, conf, reterr };
	int r;

	if (!conf)
		return input_complain(reterr, -ENOMEM, name, 0, "out of memory");
	if (length > CONF_FILE_MAX)
		return input_complain(reterr, -EFBIG, name, 0, "Longer than %d bytes",
				      CONF_FILE_MAX);

	r = widen_numbers(text, length, name, &widened, reterr);
	if (r < 0)
		return r;

	conf_init_defaults(conf);
	r = load_text(&load, widened);
	if (r < 0)
		return r;

	*ret = *conf;
	return 0;
}

int conf_load(const char *path, struct conf *ret, struct conf_error *reterr)
{
	AUTO(freep) char *text = NULL;
	size_t length = 0;
	int r;

	r = input_read_file(path, CONF_FILE_MAX, &text, &length, reterr);
	if (r < 0)
		return r;
	return conf_parse(text, length, path, ret, reterr);
}
