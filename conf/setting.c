/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What libconfig made of a value, as text again: so one check serves for values of the file and
 * for those of the command line, and numbers and quoted numbers are the same. Knows no option.
 */

#include "conf/setting.h"

#include <errno.h>
#include <stdio.h>

#include "conf/input.h"

const char *setting_text(const config_setting_t *setting, char buffer[SETTING_NUMBER_SIZE])
{
	long long value;

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(setting) ? "true" : "false";
	case CONFIG_TYPE_STRING:
		return config_setting_get_string(setting);
	case CONFIG_TYPE_INT64:
		value = config_setting_get_int64(setting);
		if (config_setting_get_format(setting) == CONFIG_FORMAT_HEX)
			snprintf(buffer, SETTING_NUMBER_SIZE, "0x%llx", (unsigned long long)value);
		else
			snprintf(buffer, SETTING_NUMBER_SIZE, "%lld", value);
		return buffer;
	default: /* libconfig's enum, not ours */
		return NULL;
	}
}

int setting_refuse(const char *file, const config_setting_t *setting, const char *path,
		   const char *why, struct conf_error *reterr)
{
	return input_complain(reterr, -EINVAL, file, (unsigned)config_setting_source_line(setting),
			      "%s: %s", path, why);
}
