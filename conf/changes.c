/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Values are told as vsm.conf has them, each in one line and not without end: lists of GUIDs and
 * rules for virtual functions can be long. Keys are told to nobody, as a journal has many readers.
 */

#include "conf/changes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

static bool is_secret(const struct conf_option *option)
{
	return option->offset == offsetof(struct conf, m_key) ||
	       option->offset == offsetof(struct conf, sm_key) ||
	       option->offset == offsetof(struct conf, sa_key);
}

/* Runs of white space become one blank. */
static void copy_line(const char *text, char ret[static CONF_VALUE_SIZE])
{
	size_t n = 0;

	for (; *text && n < CONF_VALUE_SIZE - 1; text++) {
		bool blank = isspace((unsigned char)*text);

		if (!blank || (n > 0 && ret[n - 1] != ' '))
			ret[n++] = blank ? ' ' : *text;
	}
	ret[n] = 0;
	if (*text)
		strcpy(ret + n - 3, "...");
}

static void print(const struct conf_option *option, const struct conf *conf,
		  char ret[static CONF_VALUE_SIZE])
{
	AUTO(freep) char *text = NULL;
	size_t size;
	FILE *out;

	if (is_secret(option)) {
		strcpy(ret, "(not told)");
		return;
	}
	strcpy(ret, "?");
	out = open_memstream(&text, &size);
	if (!out)
		return;
	conf_print_value(out, option, conf);
	if (fclose(out) == 0)
		copy_line(text, ret);
}

struct telling {
	const struct conf *old, *new;
	conf_tell_fn fn;
	void *user;
};

static void tell(const struct conf_option *option, void *user)
{
	const struct telling *t = user;
	char before[CONF_VALUE_SIZE], after[CONF_VALUE_SIZE];

	print(option, t->old, before);
	print(option, t->new, after);
	t->fn(t->user, &(struct conf_change){ .path = option->path,
					      .before = before,
					      .after = after,
					      .restart = !option->reload });
}

void conf_tell_changes(const struct conf *old, const struct conf *new, conf_tell_fn fn, void *user)
{
	struct telling telling = { .old = old, .new = new, .fn = fn, .user = user };

	conf_compare(old, new, tell, &telling);
}

void conf_keep_restart(const struct conf *old, struct conf *new)
{
	for (const struct conf_option *o = conf_options; o->path; o++) {
		static const size_t sizes[] = {
			[CONF_TYPE_BOOL] = sizeof(bool),
			[CONF_TYPE_UINT] = sizeof(unsigned),
			[CONF_TYPE_HEX64] = sizeof(uint64_t),
			[CONF_TYPE_TEXT] = CONF_TEXT_SIZE,
			[CONF_TYPE_CHOICE] = sizeof(unsigned),
			[CONF_TYPE_SET] = sizeof(unsigned),
			[CONF_TYPE_GUIDS] = sizeof(struct conf_guids),
			[CONF_TYPE_VF_POLICIES] = sizeof(struct vf_policies),
		};

		if (!o->reload)
			memcpy((char *)new + o->offset, (const char *)old + o->offset,
			       sizes[o->type]);
	}
}
