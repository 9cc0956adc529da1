/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The table of options as text: a vsm.conf that can be edited, and the options of the man page.
 * Both say the same because both say what the table says; neither is written by hand.
 */

#include "conf/conf.h"

#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "conf/vf-policy-keys.h"

#define COLUMNS 92

struct group {
	const char *name;
	const char *sentence;
};

/* clang-format off */
static const struct group groups[] = {
#define OPTION_GROUP(name, sentence) { name, sentence },
#include "conf/options.def"
};
/* clang-format on */

/* The group that @option is the first of, or NULL. */
static const struct group *group_begins(const struct conf_option *option)
{
	for (size_t i = 0; i < COUNT(groups); i++) {
		size_t length = strlen(groups[i].name);

		if (strncmp(option->path, groups[i].name, length) || option->path[length] != '.')
			continue;
		if (option > conf_options && !strncmp(option[-1].path, option->path, length + 1))
			return NULL;
		return &groups[i];
	}
	return NULL;
}

static const char *key_of(const struct conf_option *option)
{
	const char *dot = strchr(option->path, '.');

	return dot ? dot + 1 : option->path;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void print_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* A name that looks like a number is printed as one: 4096, not "4096". */
static void print_choice(FILE *out, const struct conf_name *names, unsigned value)
{
	const char *name = conf_name_of(names, value);

	if (!name)
		name = "";
	if (name[0] >= '0' && name[0] <= '9')
		fputs(name, out);
	else
		print_quoted(out, name);
}

static void print_set(FILE *out, const struct conf_name *names, unsigned bits)
{
	const char *comma = "";

	if (bits == CONF_SUPPORTED) {
		print_quoted(out, "supported");
		return;
	}
	fputc('"', out);
	for (; names->name; names++) {
		if ((bits & names->value) != names->value)
			continue;
		fprintf(out, "%s%s", comma, names->name);
		comma = ",";
	}
	fputc('"', out);
}

static void print_guids(FILE *out, const struct conf_guids *list)
{
	fputc('[', out);
	for (size_t i = 0; i < list->n; i++)
		fprintf(out, "%s\"0x%016" PRIx64 "\"", i ? ", " : " ", list->guid[i]);
	fputs(" ]", out);
}

static void print_ranges(FILE *out, const struct vf_policy *policy)
{
	fputs("guids = (", out);
	for (unsigned i = 0; i < policy->n_ranges; i++)
		fprintf(out, "%s[ \"0x%016" PRIx64 "\", \"0x%016" PRIx64 "\" ]", i ? ", " : " ",
			policy->range[i].first, policy->range[i].last);
	fputs(" ); ", out);
}

static void print_policy_ports(FILE *out, const struct vf_policy *policy)
{
	if (policy->ports[0]) {
		fputs("ports = ", out);
		print_quoted(out, policy->ports);
	} else {
		fputs("port_guids = [", out);
		for (unsigned i = 0; i < policy->n_port_guids; i++)
			fprintf(out, "%s\"0x%016" PRIx64 "\"", i ? ", " : " ",
				policy->port_guid[i]);
		fputs(" ]", out);
	}
	fputs("; ", out);
}

static void print_policy(FILE *out, const struct vf_policy *policy)
{
	fputs("\n\t{ ", out);
	print_policy_ports(out, policy);
	if (policy->n_ranges > 0)
		print_ranges(out, policy);
	if (policy->max != VF_NUMBER_MAX)
		fprintf(out, "max = %u; ", policy->max);
	if (policy->lid != VF_LID_AS_ASKED)
		fprintf(out, "lid = \"%s\"; ", conf_name_of(vf_lids, policy->lid));
	if (policy->spare_lids > 0)
		fprintf(out, "spare_lids = %u; ", policy->spare_lids);
	if (policy->partition)
		fprintf(out, "partition = \"0x%04x\"; membership = \"%s\"; ", policy->partition,
			conf_name_of(vf_memberships, policy->membership));
	fputc('}', out);
}

/* An entry a line, and what is not at its default. */
static void print_policies(FILE *out, const struct vf_policies *policies)
{
	fputc('(', out);
	for (size_t i = 0; i < policies->n; i++) {
		fputs(i ? "," : "", out);
		print_policy(out, &policies->policy[i]);
	}
	fputs(policies->n > 0 ? "\n)" : " )", out);
}

void conf_print_value(FILE *out, const struct conf_option *option, const struct conf *conf)
{
	const void *member = (const char *)conf + option->offset;

	switch (option->type) {
	case CONF_TYPE_BOOL:
		fputs(*(const bool *)member ? "true" : "false", out);
		break;
	case CONF_TYPE_UINT:
		fprintf(out, "%u", *(const unsigned *)member);
		break;
	case CONF_TYPE_HEX64:
		fprintf(out, "0x%016" PRIx64, *(const uint64_t *)member);
		break;
	case CONF_TYPE_TEXT:
		print_quoted(out, member);
		break;
	case CONF_TYPE_CHOICE:
		print_choice(out, option->names, *(const unsigned *)member);
		break;
	case CONF_TYPE_SET:
		print_set(out, option->names, *(const unsigned *)member);
		break;
	case CONF_TYPE_GUIDS:
		print_guids(out, member);
		break;
	case CONF_TYPE_VF_POLICIES:
		print_policies(out, member);
		break;
	}
}

/* What values there are, as the end of a sentence; nothing where the type says it all. */
static void print_range(FILE *out, const struct conf_option *option)
{
	switch (option->type) {
	case CONF_TYPE_UINT:
		fprintf(out, "%" PRIu64 " to %" PRIu64 ", ", option->least, option->most);
		break;
	case CONF_TYPE_CHOICE:
	case CONF_TYPE_SET:
		for (const struct conf_name *name = option->names; name->name; name++)
			fprintf(out, "%s, ", name->name);
		break;
	case CONF_TYPE_BOOL:
	case CONF_TYPE_HEX64:
	case CONF_TYPE_TEXT:
	case CONF_TYPE_GUIDS:
	case CONF_TYPE_VF_POLICIES:
		break;
	}
}

/* ---- vsm.conf -------------------------------------------------------------------------------- */

/* @text as a comment, broken between words. */
static void print_comment(FILE *out, const char *indent, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (!column || column + 1 + word > COLUMNS) {
			fprintf(out, "%s%s#", column ? "\n" : "", indent);
			column = strlen(indent) * 8 + 1;
		}
		fprintf(out, " %.*s", (int)word, text);
		column += word + 1;
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_facts(FILE *out, const char *indent, const struct conf_option *option,
			const struct conf *defaults)
{
	fprintf(out, "%s# (", indent);
	print_range(out, option);
	fputs("default ", out);
	conf_print_value(out, option, defaults);
	fprintf(out, "%s)\n", option->reload ? "" : "; needs a restart");
}

/* What an entry of the list may have. */
static void print_keys(FILE *out)
{
	char text[512];

	for (unsigned key = 0; key < VF_KEY_COUNT; key++) {
		snprintf(text, sizeof(text), "%s (%s): %s", vf_keys[key].name, vf_keys[key].type,
			 vf_keys[key].sentence);
		print_comment(out, "", text);
	}
	print_comment(out, "", VF_POLICY_EXAMPLE);
}

static void print_option(FILE *out, const struct conf_option *option, const struct conf *conf,
			 const struct conf *defaults)
{
	const char *indent = strchr(option->path, '.') ? "\t" : "";

	print_comment(out, indent, option->sentence);
	if (option->type == CONF_TYPE_VF_POLICIES)
		print_keys(out);
	print_facts(out, indent, option, defaults);
	fprintf(out, "%s%s = ", indent, key_of(option));
	conf_print_value(out, option, conf);
	fputs(";\n", out);
}

void conf_print_file(FILE *out, const struct conf *conf)
{
	struct conf defaults;
	bool open = false;

	conf_init_defaults(&defaults);
	fputs("# Configuration of vsm, see vsm.conf(5). What is left out is at its default. A "
	      "change\n"
	      "# takes effect with \"systemctl reload vsm\", where nothing else is said.\n",
	      out);

	for (const struct conf_option *option = conf_options; option->path; option++) {
		const struct group *group = group_begins(option);

		if (group) {
			fputs(open ? "};\n\n" : "\n", out);
			print_comment(out, "", group->sentence);
			fprintf(out, "%s = {\n", group->name);
			open = true;
		} else {
			fputc('\n', out);
		}
		print_option(out, option, conf, &defaults);
	}
	fputs("};\n", out);
}

/* ---- vsm.conf(5) ----------------------------------------------------------------------------- */

/* @text so that man(7) shows what it says; long lists may be broken after a comma. */
static void print_roff(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '^')
			fputs("\\(ha", out);
		else if (*text == '-')
			fputs("\\-", out);
		else if (*text == ',' && text[1] != ' ')
			fputs(",\\:", out);
		else
			fputc(*text, out);
	}
}

static const char *type_name(enum conf_type type)
{
	switch (type) {
	case CONF_TYPE_BOOL:
		return "true or false";
	case CONF_TYPE_UINT:
		return "number";
	case CONF_TYPE_HEX64:
		return "number of 64 bits";
	case CONF_TYPE_TEXT:
		return "text";
	case CONF_TYPE_CHOICE:
		return "one of";
	case CONF_TYPE_SET:
		return "\"supported\" or some of";
	case CONF_TYPE_GUIDS:
		return "list of GUIDs";
	case CONF_TYPE_VF_POLICIES:
		return "list of groups";
	}
	return "";
}

static void print_man_keys(FILE *out)
{
	fputs(".RS\n", out);
	for (unsigned key = 0; key < VF_KEY_COUNT; key++) {
		fprintf(out, ".TP\n\\fB%s\\fR\n", vf_keys[key].name);
		print_roff(out, vf_keys[key].sentence);
		fputs("\n.br\n\\fI", out);
		print_roff(out, vf_keys[key].type);
		fputs("\\fR\n", out);
	}
	fputs(".PP\nFor example:\n.PP\n.nf\n" VF_POLICY_EXAMPLE "\n.fi\n.RE\n", out);
}

static void print_man_default(FILE *out, const struct conf_option *option,
			      const struct conf *defaults)
{
	AUTO(freep) char *text = NULL;
	size_t size;
	FILE *buffer = open_memstream(&text, &size);

	if (!buffer)
		return;
	conf_print_value(buffer, option, defaults);
	if (fclose(buffer) == 0)
		print_roff(out, text);
}

static void print_man_option(FILE *out, const struct conf_option *option,
			     const struct conf *defaults)
{
	bool named = option->type == CONF_TYPE_CHOICE || option->type == CONF_TYPE_SET;

	fputs(".TP\n\\fB", out);
	print_roff(out, option->path);
	fputs("\\fR\n", out);
	print_roff(out, option->sentence);
	fprintf(out, "\n.br\n\\fI%s%s ", type_name(option->type), named ? "" : ",");
	print_range(out, option);
	fputs("default ", out);
	print_man_default(out, option, defaults);
	fprintf(out, "%s\\fR\n", option->reload ? "" : "; needs a restart");
	if (option->type == CONF_TYPE_VF_POLICIES)
		print_man_keys(out);
}

void conf_print_man(FILE *out)
{
	struct conf defaults;

	conf_init_defaults(&defaults);
	for (const struct conf_option *option = conf_options; option->path; option++) {
		const struct group *group = group_begins(option);

		if (group) {
			fprintf(out, ".SS Group %s\n", group->name);
			print_roff(out, group->sentence);
			fputc('\n', out);
		}
		print_man_option(out, option, &defaults);
	}
}
