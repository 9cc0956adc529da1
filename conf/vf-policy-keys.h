/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How an entry of virtual_functions is written: for the files of conf/ that read, write and check
 * them.
 */

#include "conf/conf.h"

enum vf_key {
	VF_KEY_PORTS,
	VF_KEY_PORT_GUIDS,
	VF_KEY_GUIDS,
	VF_KEY_MAX,
	VF_KEY_LID,
	VF_KEY_SPARE_LIDS,
	VF_KEY_PARTITION,
	VF_KEY_MEMBERSHIP,
	VF_KEY_COUNT,
};

/* That is valid, and fits on a line. */
#define VF_POLICY_EXAMPLE                                                                          \
	"virtual_functions = ( { ports = \"node* mlx5_*\"; max = 8; lid = \"own\"; spare_lids = "  \
	"8; } );"

struct vf_key_about {
	const char *name;
	const char *type;     /* "number, 0 to 1024, default 0" */
	const char *sentence; /* what it is for */
};

extern const struct vf_key_about vf_keys[VF_KEY_COUNT];

extern const struct conf_name vf_lids[];
extern const struct conf_name vf_memberships[];

/* The first rule between the keys of @policy that is broken, and the key; NULL: none. */
const char *vf_policy_check(const struct vf_policy *policy, enum vf_key *ret_key);

/* What is wrong with @pattern as ports, or NULL. */
const char *vf_pattern_check(const char *pattern);
