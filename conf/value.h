/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * One value into one member of struct conf: what the file and the command line share.
 */

#include "conf/conf.h"

/* How the user wrote it. The command line knows no quotes. */
enum value_form {
	VALUE_BARE,
	VALUE_QUOTED,
	VALUE_ANY,
};

#define VALUE_WHY_SIZE 256

/*
 * Check @text and write it to the member of @option; a GUID is appended to its list. -EINVAL with
 * the reason in @ret_why, after which the member is as before.
 */
int value_assign(const struct conf_option *option, const char *text, enum value_form form,
		 struct conf *conf, char ret_why[VALUE_WHY_SIZE]);

/* What @option wants to be given, as a clause: "must be true or false". */
void value_expect(const struct conf_option *option, char ret[VALUE_WHY_SIZE]);

/* The rule that @conf breaks: the option that is to blame, and a sentence. NULL: none. */
const char *value_check(const struct conf *conf, const char **ret_path);
