/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The table of options and what is done with it in memory: defaults, overrides from the command
 * line, what changed between two configurations. options.def is included twice here: for the table
 * each line becomes a row, for the defaults each line becomes an assignment. So an option is one
 * line, and cannot be half there.
 *
 * Knows no file and no libconfig: conf-file.c reads, conf-print.c writes.
 */

#include "conf/conf.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "conf/input.h"
#include "conf/qos-tables.h"
#include "conf/value.h"

#ifndef VSM_STATE_DIR
#define VSM_STATE_DIR "/var/lib/vsm"
#endif
#ifndef VSM_RUN_DIR
#define VSM_RUN_DIR "/run/vsm"
#endif

/* clang-format off */
const struct conf_name conf_engines[] = {
	{ "auto", CONF_ENGINE_AUTO },
	{ "minhop", CONF_ENGINE_MINHOP },
	{ "updn", CONF_ENGINE_UPDN },
	{ "ftree", CONF_ENGINE_FTREE },
	{ "lanes", CONF_ENGINE_LANES },
	{ NULL, 0 },
};

const struct conf_name conf_enforcements[] = {
	{ "both", CONF_ENFORCEMENT_BOTH },
	{ "in", CONF_ENFORCEMENT_IN },
	{ "out", CONF_ENFORCEMENT_OUT },
	{ "off", CONF_ENFORCEMENT_OFF },
	{ NULL, 0 },
};

static const struct conf_name conf_mtus[] = {
	{ "256", CONF_MTU_256 },
	{ "512", CONF_MTU_512 },
	{ "1024", CONF_MTU_1024 },
	{ "2048", CONF_MTU_2048 },
	{ "4096", CONF_MTU_4096 },
	{ NULL, 0 },
};

static const struct conf_name conf_widths[] = {
	{ "1x", CONF_WIDTH_1X },
	{ "2x", CONF_WIDTH_2X },
	{ "4x", CONF_WIDTH_4X },
	{ "8x", CONF_WIDTH_8X },
	{ "12x", CONF_WIDTH_12X },
	{ NULL, 0 },
};

/* Each value of LinkSpeedEnabled that is not reserved has SDR (IBA 14.2.5.6), hence the second bit. */
static const struct conf_name conf_speeds[] = {
	{ "sdr", CONF_SPEED_SDR },
	{ "ddr", CONF_SPEED_SDR | CONF_SPEED_DDR },
	{ "qdr", CONF_SPEED_SDR | CONF_SPEED_QDR },
	{ "fdr", CONF_SPEED_SDR | CONF_SPEED_FDR },
	{ "edr", CONF_SPEED_SDR | CONF_SPEED_EDR },
	{ "hdr", CONF_SPEED_SDR | CONF_SPEED_HDR },
	{ "ndr", CONF_SPEED_SDR | CONF_SPEED_NDR },
	{ "xdr", CONF_SPEED_SDR | CONF_SPEED_XDR },
	{ NULL, 0 },
};

static const struct conf_name conf_virtualizations[] = {
	{ "ignore", CONF_VIRTUALIZATION_IGNORE },
	{ "disable", CONF_VIRTUALIZATION_DISABLE },
	{ "enable", CONF_VIRTUALIZATION_ENABLE },
	{ NULL, 0 },
};

static const struct conf_name conf_alias_guids_names[] = {
	{ "own", CONF_ALIAS_GUIDS_OWN },
	{ "trusted", CONF_ALIAS_GUIDS_TRUSTED },
	{ "any", CONF_ALIAS_GUIDS_ANY },
	{ NULL, 0 },
};

static const struct conf_name conf_log_levels[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "notice", LOG_LEVEL_NOTICE },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
	{ NULL, 0 },
};

#define RELOAD true
#define RESTART false
#define ROW(member, path_, type_, when, sentence_, ...)                                            \
	{ .path = (path_), .sentence = (sentence_), .type = (type_), .reload = (when),             \
	  .offset = offsetof(struct conf, member), __VA_ARGS__ },

const struct conf_option conf_options[] = {
#define OPTION_BOOL(member, path, value, when, sentence) \
	ROW(member, path, CONF_TYPE_BOOL, when, sentence)
#define OPTION_UINT(member, path, value, low, high, when, sentence) \
	ROW(member, path, CONF_TYPE_UINT, when, sentence, .least = (low), .most = (high))
#define OPTION_HEX64(member, path, value, when, sentence) \
	ROW(member, path, CONF_TYPE_HEX64, when, sentence)
#define OPTION_TEXT(member, path, value, longest, when, sentence) \
	ROW(member, path, CONF_TYPE_TEXT, when, sentence, .most = (longest))
#define OPTION_CHOICE(member, path, choice, choices, value, when, sentence) \
	ROW(member, path, CONF_TYPE_CHOICE, when, sentence, .names = (choices))
#define OPTION_SET(member, path, choices, when, sentence) \
	ROW(member, path, CONF_TYPE_SET, when, sentence, .names = (choices))
#define OPTION_GUIDS(member, path, when, sentence) \
	ROW(member, path, CONF_TYPE_GUIDS, when, sentence)
#define OPTION_VF_POLICIES(member, path, when, sentence) \
	ROW(member, path, CONF_TYPE_VF_POLICIES, when, sentence)
#include "conf/options.def"
	{ .path = NULL },
};
/* clang-format on */

void conf_init_defaults(struct conf *ret)
{
	memset(ret, 0, sizeof(*ret));
	/* clang-format off */
#define OPTION_BOOL(member, path, value, ...)			    ret->member = (value);
#define OPTION_UINT(member, path, value, ...)			    ret->member = (value);
#define OPTION_HEX64(member, path, value, ...)			    ret->member = (value);
#define OPTION_TEXT(member, path, value, longest, ...)                                             \
	static_assert(sizeof(value) <= (longest) + 1, path);                                       \
	memcpy(ret->member, (value), sizeof(value));
#define OPTION_CHOICE(member, path, choice, names, value, ...)	    ret->member = (value);
#include "conf/options.def"
	/* clang-format on */
}

const struct conf_option *conf_option_find(const char *path)
{
	for (const struct conf_option *option = conf_options; option->path; option++)
		if (!strcmp(option->path, path))
			return option;
	return NULL;
}

const char *conf_name_of(const struct conf_name *names, unsigned value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

static int set_guids(const struct conf_option *option, const char *text, struct conf *conf,
		     char why[VALUE_WHY_SIZE])
{
	AUTO(freep) char *copy = strdup(text);
	char *rest = copy, *guid;

	if (!copy)
		return -ENOMEM;

	((struct conf_guids *)((char *)conf + option->offset))->n = 0;
	while (*text && (guid = strsep(&rest, ",")) != NULL) {
		int r = value_assign(option, guid, VALUE_ANY, conf, why);

		if (r < 0)
			return r;
	}
	return 0;
}

int conf_set(struct conf *conf, const char *path, const char *value, struct conf_error *reterr)
{
	const struct conf_option *option = conf_option_find(path);
	char why[VALUE_WHY_SIZE] = "out of memory", shown[INPUT_SHOWN_SIZE];
	AUTO(freep) struct conf *changed = NULL;
	int r;

	if (!option)
		return input_complain(reterr, -ENOENT, input_show(path, strlen(path), shown), 0,
				      "there is no such option");

	changed = malloc(sizeof(*changed));
	if (!changed)
		return input_complain(reterr, -ENOMEM, path, 0, "out of memory");
	*changed = *conf;

	if (option->type == CONF_TYPE_GUIDS)
		r = set_guids(option, value, changed, why);
	else
		r = value_assign(option, value, VALUE_ANY, changed, why);
	if (r < 0)
		return input_complain(reterr, r, path, 0, "%s", why);

	*conf = *changed;
	return 0;
}

static const char *check_virtualization(const struct conf *conf, const char **ret_path)
{
	*ret_path = "virtualization.guid_pool_first";
	if (!conf->guid_pool_first && conf->guid_pool_last)
		return "is 0, which is no GUID, and virtualization.guid_pool_last is not";
	if (conf->guid_pool_first > conf->guid_pool_last)
		return "is above virtualization.guid_pool_last";

	*ret_path = "virtualization.trusted_guids";
	if (conf->trusted_guids.n > 0 && conf->alias_guids != CONF_ALIAS_GUIDS_TRUSTED)
		return "means nothing unless virtualization.alias_guids is \"trusted\"";

	return NULL;
}

const char *value_check(const struct conf *conf, const char **ret_path)
{
	const char *why;

	*ret_path = "security.m_key_protection";
	if (conf->m_key_protection && !conf->m_key)
		return "protects nothing without security.m_key";

	*ret_path = "timing.first_timeout_ms";
	if (conf->first_timeout_ms < conf->min_timeout_ms)
		return "is shorter than timing.min_timeout_ms";

	why = qos_tables_check(conf, ret_path);
	if (why)
		return why;

	why = check_virtualization(conf, ret_path);
	if (!why)
		*ret_path = NULL;
	return why;
}

int conf_check(const struct conf *conf, struct conf_error *reterr)
{
	const char *path, *why = value_check(conf, &path);

	return why ? input_complain(reterr, -EINVAL, path, 0, "%s", why) : 0;
}

static bool same_guids(const struct conf_guids *a, const struct conf_guids *b)
{
	return a->n == b->n && !memcmp(a->guid, b->guid, a->n * sizeof(*a->guid));
}

static bool same_value(const struct conf_option *option, const struct conf *old,
		       const struct conf *new)
{
	const void *a = (const char *)old + option->offset;
	const void *b = (const char *)new + option->offset;

	switch (option->type) {
	case CONF_TYPE_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case CONF_TYPE_UINT:
	case CONF_TYPE_CHOICE:
	case CONF_TYPE_SET:
		return *(const unsigned *)a == *(const unsigned *)b;
	case CONF_TYPE_HEX64:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	case CONF_TYPE_TEXT:
		return !strcmp(a, b);
	case CONF_TYPE_GUIDS:
		return same_guids(a, b);
	case CONF_TYPE_VF_POLICIES:
		return vf_policies_are_same(a, b);
	}
	return false;
}

size_t conf_compare(const struct conf *old, const struct conf *new, conf_change_fn fn, void *user)
{
	size_t n = 0;

	for (const struct conf_option *option = conf_options; option->path; option++) {
		if (same_value(option, old, new))
			continue;
		n++;
		if (fn)
			fn(option, user);
	}
	return n;
}
