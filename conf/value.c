/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A value, as text, becomes a member of struct conf. The file's scalars come here as text too, so
 * there is one check and one sentence for each way to be wrong, wherever the value came from. The
 * only difference left is whether it stood in quotes: a text must, a number must not, and a key or
 * a GUID may, since libconfig's own numbers end at 32 bits without an L.
 *
 * Knows the types of options, and no option.
 */

#include "conf/value.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "conf/input.h"

static void *member_of(const struct conf_option *option, struct conf *conf)
{
	return (char *)conf + option->offset;
}

/* "auto, minhop, updn" appended to @text. */
static void append_names(const struct conf_name *names, char text[VALUE_WHY_SIZE])
{
	for (size_t i = 0; names[i].name; i++) {
		size_t used = strlen(text);

		snprintf(text + used, VALUE_WHY_SIZE - used, "%s%s", i ? ", " : "", names[i].name);
	}
}

void value_expect(const struct conf_option *option, char ret[VALUE_WHY_SIZE])
{
	switch (option->type) {
	case CONF_TYPE_BOOL:
		snprintf(ret, VALUE_WHY_SIZE, "must be true or false");
		break;
	case CONF_TYPE_UINT:
		snprintf(ret, VALUE_WHY_SIZE, "must be a number from %" PRIu64 " to %" PRIu64,
			 option->least, option->most);
		break;
	case CONF_TYPE_HEX64:
		snprintf(ret, VALUE_WHY_SIZE, "must be a number of 64 bits such as 0x1234abcd");
		break;
	case CONF_TYPE_TEXT:
		snprintf(ret, VALUE_WHY_SIZE, "must be a text in double quotes");
		break;
	case CONF_TYPE_CHOICE:
		snprintf(ret, VALUE_WHY_SIZE, "must be one of ");
		append_names(option->names, ret);
		break;
	case CONF_TYPE_SET:
		snprintf(ret, VALUE_WHY_SIZE, "must be \"supported\", or some of ");
		append_names(option->names, ret);
		break;
	case CONF_TYPE_GUIDS:
		snprintf(ret, VALUE_WHY_SIZE,
			 "must be a list of GUIDs such as "
			 "[ \"0x0002c90200404a01\", \"0x0002c90200404a02\" ]");
		break;
	case CONF_TYPE_VF_POLICIES:
		snprintf(ret, VALUE_WHY_SIZE,
			 "must be a list in vsm.conf such as ( { ports = \"*\"; max = 8; } )");
		break;
	}
}

static int refuse(const struct conf_option *option, char why[VALUE_WHY_SIZE])
{
	value_expect(option, why);
	return -EINVAL;
}

static int assign_bool(const struct conf_option *option, const char *text, struct conf *conf,
		       char why[VALUE_WHY_SIZE])
{
	bool yes = !strcmp(text, "true");

	if (!yes && strcmp(text, "false") != 0)
		return refuse(option, why);

	*(bool *)member_of(option, conf) = yes;
	return 0;
}

static int assign_uint(const struct conf_option *option, const char *text, struct conf *conf,
		       char why[VALUE_WHY_SIZE])
{
	uint64_t value = 0;
	char shown[INPUT_SHOWN_SIZE];
	int r;

	r = input_parse_number(text, strlen(text), option->most, &value);
	if (r == -EINVAL && text[0] != '-')
		return refuse(option, why);
	if (r < 0 || value < option->least) {
		snprintf(why, VALUE_WHY_SIZE,
			 "%s is out of range, %" PRIu64 " to %" PRIu64 " is allowed",
			 input_show(text, strlen(text), shown), option->least, option->most);
		return -EINVAL;
	}

	*(unsigned *)member_of(option, conf) = (unsigned)value;
	return 0;
}

static int assign_hex64(const struct conf_option *option, const char *text, struct conf *conf,
			char why[VALUE_WHY_SIZE])
{
	if (input_parse_number(text, strlen(text), UINT64_MAX, member_of(option, conf)) < 0)
		return refuse(option, why);

	return 0;
}

static int assign_text(const struct conf_option *option, const char *text, struct conf *conf,
		       char why[VALUE_WHY_SIZE])
{
	char *member = member_of(option, conf);
	size_t length = strlen(text);

	if (length > option->most) {
		snprintf(why, VALUE_WHY_SIZE, "is longer than %" PRIu64 " bytes", option->most);
		return -EINVAL;
	}
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
			snprintf(why, VALUE_WHY_SIZE, "has a control character");
			return -EINVAL;
		}
	}

	memset(member, 0, CONF_TEXT_SIZE);
	memcpy(member, text, length);
	return 0;
}

static const struct conf_name *find_name(const struct conf_name *names, const char *text,
					 size_t length)
{
	for (; names->name; names++)
		if (strlen(names->name) == length && !memcmp(names->name, text, length))
			return names;
	return NULL;
}

static int refuse_name(const struct conf_option *option, const char *text, size_t length,
		       char why[VALUE_WHY_SIZE])
{
	char shown[INPUT_SHOWN_SIZE];

	snprintf(why, VALUE_WHY_SIZE, "\"%s\" is not one of %s", input_show(text, length, shown),
		 option->type == CONF_TYPE_SET ? "supported, " : "");
	append_names(option->names, why);
	return -EINVAL;
}

static int assign_choice(const struct conf_option *option, const char *text, struct conf *conf,
			 char why[VALUE_WHY_SIZE])
{
	const struct conf_name *name = find_name(option->names, text, strlen(text));

	if (!name)
		return refuse_name(option, text, strlen(text), why);

	/* An enum without negative values is an unsigned int to gcc and clang. */
	*(unsigned *)member_of(option, conf) = name->value;
	return 0;
}

static int assign_set(const struct conf_option *option, const char *text, struct conf *conf,
		      char why[VALUE_WHY_SIZE])
{
	unsigned *member = member_of(option, conf);
	unsigned bits = 0;

	if (!strcmp(text, "supported")) {
		*member = CONF_SUPPORTED;
		return 0;
	}

	for (;;) {
		const struct conf_name *name;
		size_t length;

		text += strspn(text, " \t");
		length = strcspn(text, " \t,");
		name = find_name(option->names, text, length);
		if (!name)
			return refuse_name(option, text, length, why);
		bits |= name->value;

		text += length;
		text += strspn(text, " \t");
		if (!*text)
			break;
		if (*text++ != ',')
			return refuse(option, why);
	}

	*member = bits;
	return 0;
}

static int append_guid(const struct conf_option *option, const char *text, struct conf *conf,
		       char why[VALUE_WHY_SIZE])
{
	struct conf_guids *list = member_of(option, conf);
	char shown[INPUT_SHOWN_SIZE];
	uint64_t guid;

	input_show(text, strlen(text), shown);
	if (input_parse_number(text, strlen(text), UINT64_MAX, &guid) < 0 || !guid) {
		snprintf(why, VALUE_WHY_SIZE, "\"%s\" is not a GUID such as 0x0002c90200404a01",
			 shown);
		return -EINVAL;
	}
	for (size_t i = 0; i < list->n; i++) {
		if (list->guid[i] == guid) {
			snprintf(why, VALUE_WHY_SIZE, "%s is there twice", shown);
			return -EINVAL;
		}
	}
	if (list->n == CONF_GUIDS_MAX) {
		snprintf(why, VALUE_WHY_SIZE, "more than %d GUIDs", CONF_GUIDS_MAX);
		return -EINVAL;
	}

	list->guid[list->n++] = guid;
	return 0;
}

/* May a value for @option be written like that? */
static bool form_fits(const struct conf_option *option, const char *text, enum value_form form)
{
	if (form == VALUE_ANY)
		return true;

	switch (option->type) {
	case CONF_TYPE_BOOL:
	case CONF_TYPE_UINT:
		return form == VALUE_BARE;
	case CONF_TYPE_TEXT:
	case CONF_TYPE_SET:
		return form == VALUE_QUOTED;
	case CONF_TYPE_CHOICE:
		return form == VALUE_QUOTED || (*text >= '0' && *text <= '9');
	case CONF_TYPE_HEX64:
	case CONF_TYPE_GUIDS:
		return true;
	case CONF_TYPE_VF_POLICIES:
		return false;
	}
	return false;
}

int value_assign(const struct conf_option *option, const char *text, enum value_form form,
		 struct conf *conf, char ret_why[VALUE_WHY_SIZE])
{
	if (!form_fits(option, text, form))
		return refuse(option, ret_why);

	switch (option->type) {
	case CONF_TYPE_BOOL:
		return assign_bool(option, text, conf, ret_why);
	case CONF_TYPE_UINT:
		return assign_uint(option, text, conf, ret_why);
	case CONF_TYPE_HEX64:
		return assign_hex64(option, text, conf, ret_why);
	case CONF_TYPE_TEXT:
		return assign_text(option, text, conf, ret_why);
	case CONF_TYPE_CHOICE:
		return assign_choice(option, text, conf, ret_why);
	case CONF_TYPE_SET:
		return assign_set(option, text, conf, ret_why);
	case CONF_TYPE_GUIDS:
		return append_guid(option, text, conf, ret_why);
	case CONF_TYPE_VF_POLICIES: /* no text is one: vf-policy-parse.c */
		break;
	}
	return refuse(option, ret_why);
}
