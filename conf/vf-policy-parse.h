/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * virtual_functions of vsm.conf, for conf-file.c.
 */

#include <libconfig.h>

#include "conf/conf.h"

/* All of @list, of @file. -EINVAL with the sentence in @reterr, after which *ret is anything. */
int vf_policies_load(const config_setting_t *list, const char *file, struct vf_policies *ret,
		     struct conf_error *reterr);
