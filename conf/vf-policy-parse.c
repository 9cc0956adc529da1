/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * virtual_functions of vsm.conf: a list of groups, each of which becomes one struct vf_policy. It
 * is no option like the others, because a key of an entry is there many times: hence a parser of
 * its own, with one function for each key. Whatever is not understood is refused with its line.
 */

#include "conf/vf-policy-parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/input.h"
#include "conf/setting.h"
#include "conf/vf-policy-keys.h"

#define LIST "virtual_functions"

struct reading {
	const char *file;
	struct conf_error *reterr;
	struct vf_policy *policy;
	const char *key; /* that is being read; NULL: none */
};

static int refuse(const struct reading *reading, const config_setting_t *at, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));

static int refuse(const struct reading *reading, const config_setting_t *at, const char *format,
		  ...)
{
	char path[64] = LIST, why[256];
	va_list args;

	if (reading->key)
		snprintf(path, sizeof(path), LIST ".%s", reading->key);
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return setting_refuse(reading->file, at, path, why, reading->reterr);
}

static bool is_quoted(const config_setting_t *setting)
{
	return config_setting_type(setting) == CONFIG_TYPE_STRING;
}

static bool is_many(const config_setting_t *setting)
{
	return config_setting_is_list(setting) || config_setting_is_array(setting);
}

/* ---- values ---------------------------------------------------------------------------------- */

static int read_number(const struct reading *reading, const config_setting_t *setting,
		       unsigned most, unsigned *ret)
{
	char buffer[SETTING_NUMBER_SIZE];
	const char *text = setting_text(setting, buffer);
	uint64_t value = 0;
	int r = -EINVAL;

	if (text && !is_quoted(setting))
		r = input_parse_number(text, strlen(text), most, &value);
	if (r == -ERANGE || (r < 0 && text && text[0] == '-' && !is_quoted(setting)))
		return refuse(reading, setting, "%s is out of range, 0 to %u is allowed", text,
			      most);
	if (r < 0)
		return refuse(reading, setting, "must be a number from 0 to %u", most);

	*ret = (unsigned)value;
	return 0;
}

static int read_guid(const struct reading *reading, const config_setting_t *setting, uint64_t *ret)
{
	char buffer[SETTING_NUMBER_SIZE], shown[INPUT_SHOWN_SIZE];
	const char *text = setting_text(setting, buffer);

	if (!text)
		return refuse(reading, setting, "must be a GUID such as \"0x0002c90200404a01\"");
	if (input_parse_number(text, strlen(text), UINT64_MAX, ret) < 0 || !*ret)
		return refuse(reading, setting, "\"%s\" is not a GUID such as 0x0002c90200404a01",
			      input_show(text, strlen(text), shown));
	return 0;
}

static int read_choice(const struct reading *reading, const config_setting_t *setting,
		       const struct conf_name *names, unsigned *ret)
{
	const char *text = is_quoted(setting) ? config_setting_get_string(setting) : NULL;
	char shown[INPUT_SHOWN_SIZE], all[64] = "";

	for (const struct conf_name *name = names; name->name; name++) {
		size_t used = strlen(all);

		if (text && !strcmp(name->name, text)) {
			*ret = name->value;
			return 0;
		}
		snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "", name->name);
	}
	if (!text)
		return refuse(reading, setting, "must be one of %s", all);
	return refuse(reading, setting, "\"%s\" is not one of %s",
		      input_show(text, strlen(text), shown), all);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int read_ports(const struct reading *reading, const config_setting_t *setting)
{
	const char *text = config_setting_get_string(setting), *why;

	if (!is_quoted(setting))
		return refuse(reading, setting, "must be a text in double quotes");
	why = vf_pattern_check(text);
	if (why)
		return refuse(reading, setting, "%s", why);

	memcpy(reading->policy->ports, text, strlen(text) + 1);
	return 0;
}

static int read_port_guids(const struct reading *reading, const config_setting_t *setting)
{
	struct vf_policy *policy = reading->policy;

	if (!is_many(setting) || config_setting_length(setting) == 0)
		return refuse(reading, setting,
			      "must be a list of GUIDs such as [ \"0x0002c90200404a01\" ]");
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *one = config_setting_get_elem(setting, (unsigned)i);
		uint64_t guid = 0;
		int r = read_guid(reading, one, &guid);

		if (r < 0)
			return r;
		for (unsigned k = 0; k < policy->n_port_guids; k++)
			if (policy->port_guid[k] == guid)
				return refuse(reading, one, "0x%016" PRIx64 " is there twice",
					      guid);
		if (policy->n_port_guids == VF_PORTS_MAX)
			return refuse(reading, one, "more than %d GUIDs", VF_PORTS_MAX);
		policy->port_guid[policy->n_port_guids++] = guid;
	}
	return 0;
}

static int read_range(const struct reading *reading, const config_setting_t *pair)
{
	struct vf_policy *policy = reading->policy;
	struct vf_range range = { 0, 0 };
	int r;

	if (!is_many(pair) || config_setting_length(pair) != 2)
		return refuse(reading, pair,
			      "a range is a pair, first and last GUID: [ \"0x1\", \"0x8\" ]");
	r = read_guid(reading, config_setting_get_elem(pair, 0), &range.first);
	if (r == 0)
		r = read_guid(reading, config_setting_get_elem(pair, 1), &range.last);
	if (r < 0)
		return r;
	if (range.first > range.last)
		return refuse(reading, pair,
			      "the range from 0x%016" PRIx64 " to 0x%016" PRIx64
			      " ends before it begins",
			      range.first, range.last);
	if (policy->n_ranges == VF_RANGES_MAX)
		return refuse(reading, pair, "more than %d ranges", VF_RANGES_MAX);

	policy->range[policy->n_ranges++] = range;
	return 0;
}

static int read_guids(const struct reading *reading, const config_setting_t *setting)
{
	int r = 0;

	if (!config_setting_is_list(setting))
		return refuse(reading, setting,
			      "must be a list of ranges such as ( [ \"0x1\", \"0x8\" ] )");
	for (int i = 0; r == 0 && i < config_setting_length(setting); i++)
		r = read_range(reading, config_setting_get_elem(setting, (unsigned)i));
	return r;
}

static int read_max(const struct reading *reading, const config_setting_t *setting)
{
	return read_number(reading, setting, VF_NUMBER_MAX, &reading->policy->max);
}

static int read_lid(const struct reading *reading, const config_setting_t *setting)
{
	unsigned value = 0;
	int r = read_choice(reading, setting, vf_lids, &value);

	if (r == 0)
		reading->policy->lid = (enum vf_lid)value;
	return r;
}

static int read_spare_lids(const struct reading *reading, const config_setting_t *setting)
{
	return read_number(reading, setting, VF_SPARE_LIDS_MAX, &reading->policy->spare_lids);
}

static int read_partition(const struct reading *reading, const config_setting_t *setting)
{
	char buffer[SETTING_NUMBER_SIZE];
	const char *text = setting_text(setting, buffer);
	uint64_t pkey = 0;

	if (!text || input_parse_number(text, strlen(text), 0x7fff, &pkey) < 0 || !pkey)
		return refuse(reading, setting,
			      "must be a P_Key without its membership bit, 0x0001 to 0x7fff");

	reading->policy->partition = (uint16_t)pkey;
	return 0;
}

static int read_membership(const struct reading *reading, const config_setting_t *setting)
{
	unsigned value = 0;
	int r = read_choice(reading, setting, vf_memberships, &value);

	if (r == 0)
		reading->policy->membership = (enum vf_membership)value;
	return r;
}

/* ---- entries --------------------------------------------------------------------------------- */

static int read_key(struct reading *reading, const config_setting_t *setting)
{
	static int (*const read[VF_KEY_COUNT])(const struct reading *, const config_setting_t *) = {
		[VF_KEY_PORTS] = read_ports,
		[VF_KEY_PORT_GUIDS] = read_port_guids,
		[VF_KEY_GUIDS] = read_guids,
		[VF_KEY_MAX] = read_max,
		[VF_KEY_LID] = read_lid,
		[VF_KEY_SPARE_LIDS] = read_spare_lids,
		[VF_KEY_PARTITION] = read_partition,
		[VF_KEY_MEMBERSHIP] = read_membership,
	};
	const char *name = config_setting_name(setting);
	int r;

	for (unsigned key = 0; key < VF_KEY_COUNT; key++) {
		if (strcmp(vf_keys[key].name, name) != 0)
			continue;
		reading->key = vf_keys[key].name;
		r = read[key](reading, setting);
		reading->key = NULL;
		return r;
	}
	return refuse(reading, setting, "an entry has no \"%.64s\"", name);
}

static int read_entry(struct reading *reading, const config_setting_t *entry)
{
	enum vf_key key;
	const config_setting_t *at;
	const char *why;

	vf_policy_init(reading->policy);
	if (!config_setting_is_group(entry))
		return refuse(reading, entry, "an entry is a group: { ports = \"*\"; max = 8; }");
	for (int i = 0; i < config_setting_length(entry); i++) {
		int r = read_key(reading, config_setting_get_elem(entry, (unsigned)i));

		if (r < 0)
			return r;
	}

	why = vf_policy_check(reading->policy, &key);
	if (!why)
		return 0;
	at = config_setting_get_member(entry, vf_keys[key].name);
	reading->key = at ? vf_keys[key].name : NULL;
	return refuse(reading, at ? at : entry, "%s", why);
}

int vf_policies_load(const config_setting_t *list, const char *file, struct vf_policies *ret,
		     struct conf_error *reterr)
{
	struct reading reading = { file, reterr, NULL, NULL };

	ret->n = 0;
	if (!config_setting_is_list(list))
		return refuse(&reading, list,
			      "must be a list such as ( { ports = \"*\"; max = 8; } )");
	for (int i = 0; i < config_setting_length(list); i++) {
		const config_setting_t *entry = config_setting_get_elem(list, (unsigned)i);
		int r;

		if (ret->n == VF_POLICIES_MAX)
			return refuse(&reading, entry, "more than %d entries", VF_POLICIES_MAX);
		reading.policy = &ret->policy[ret->n];
		r = read_entry(&reading, entry);
		if (r < 0)
			return r;
		ret->n++;
	}
	return 0;
}
