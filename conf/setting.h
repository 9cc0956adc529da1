/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A setting of libconfig's tree, for the files that read vsm.conf.
 */

#include <libconfig.h>

#include "conf/conf.h"

#define SETTING_NUMBER_SIZE 32

/* The scalar @setting as text: itself, or put into @buffer. NULL if it is none that we take. */
const char *setting_text(const config_setting_t *setting, char buffer[SETTING_NUMBER_SIZE]);

/* -EINVAL, and "file:line: path: why" with the line of @setting. */
int setting_refuse(const char *file, const config_setting_t *setting, const char *path,
		   const char *why, struct conf_error *reterr);
