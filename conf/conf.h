/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the operator configured: vsm.conf (libconfig's syntax) as a struct. The options are the
 * lines of options.def, and vsm.conf(5) is made from them. struct conf is plain data: it owns
 * nothing, so it is copied by assignment and needs no destructor; it is some 100 KB, so do not pass
 * it by value.
 *
 * A file is taken whole or not at all. Results are 0 or -errno; on failure *ret is untouched and
 * *reterr (may be NULL) has the sentence to show to the operator.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "conf/vf-policy.h"

#define CONF_TEXT_SIZE  1024                   /* bytes of a text option with its final 0 */
#define CONF_ERROR_SIZE (CONF_TEXT_SIZE + 512) /* the path of a file, and a sentence */
#define CONF_GUIDS_MAX  2048                   /* GUIDs of a list */
#define CONF_FILE_MAX   (1 << 20)              /* bytes of vsm.conf */

/* MTU as the wire has it (IBA 14.2.5.6, NeighborMTU). */
enum conf_mtu {
	CONF_MTU_256 = 1,
	CONF_MTU_512 = 2,
	CONF_MTU_1024 = 3,
	CONF_MTU_2048 = 4,
	CONF_MTU_4096 = 5,
};

/* Bits of link_width, as LinkWidthEnabled has them. */
enum conf_width {
	CONF_WIDTH_1X = 1,
	CONF_WIDTH_4X = 2,
	CONF_WIDTH_8X = 4,
	CONF_WIDTH_12X = 8,
	CONF_WIDTH_2X = 16,
};

/* Bits of link_speed: 0 to 2 are those of LinkSpeedEnabled, 4 to 7 >> 4 of LinkSpeedExtEnabled. */
enum conf_speed {
	CONF_SPEED_SDR = 0x001,
	CONF_SPEED_DDR = 0x002,
	CONF_SPEED_QDR = 0x004,
	CONF_SPEED_FDR = 0x010,
	CONF_SPEED_EDR = 0x020,
	CONF_SPEED_HDR = 0x040,
	CONF_SPEED_NDR = 0x080,
	CONF_SPEED_XDR = 0x100,
};

/* link_width and link_speed: whatever both ends support. */
#define CONF_SUPPORTED 0u

enum conf_engine {
	CONF_ENGINE_AUTO,
	CONF_ENGINE_MINHOP,
	CONF_ENGINE_UPDN,
	CONF_ENGINE_FTREE,
	CONF_ENGINE_LANES,
};

enum conf_enforcement {
	CONF_ENFORCEMENT_BOTH,
	CONF_ENFORCEMENT_IN,
	CONF_ENFORCEMENT_OUT,
	CONF_ENFORCEMENT_OFF,
};

/* What becomes of VirtualizationEnable. */
enum conf_virtualization {
	CONF_VIRTUALIZATION_IGNORE,
	CONF_VIRTUALIZATION_DISABLE,
	CONF_VIRTUALIZATION_ENABLE,
};

/* Who may set the alias GUIDs of a port, by GuidInfoRecords. */
enum conf_alias_guids {
	CONF_ALIAS_GUIDS_OWN,
	CONF_ALIAS_GUIDS_TRUSTED,
	CONF_ALIAS_GUIDS_ANY,
};

struct conf_guids {
	size_t n;
	uint64_t guid[CONF_GUIDS_MAX]; /* host order, none 0, as listed */
};

/* One member an option, named and commented in options.def. */
/* clang-format off */
struct conf {
#define OPTION_BOOL(member, ...)		bool member;
#define OPTION_UINT(member, ...)		unsigned member;
#define OPTION_HEX64(member, ...)		uint64_t member;
#define OPTION_TEXT(member, ...)		char member[CONF_TEXT_SIZE];
#define OPTION_CHOICE(member, path, choice, ...) enum choice member;
#define OPTION_SET(member, ...)			unsigned member; /* CONF_SUPPORTED or bits */
#define OPTION_GUIDS(member, ...)		struct conf_guids member;
#define OPTION_VF_POLICIES(member, ...)		struct vf_policies member;
#include "conf/options.def"
};
/* clang-format on */

/* What is wrong: "vsm.conf:7: sweep.interval: 100000 is out of range, 0 to 86400 is allowed". */
struct conf_error {
	unsigned line; /* 0: not about a line */
	char text[CONF_ERROR_SIZE];
};

enum conf_type {
	CONF_TYPE_BOOL,
	CONF_TYPE_UINT,
	CONF_TYPE_HEX64,
	CONF_TYPE_TEXT,
	CONF_TYPE_CHOICE,
	CONF_TYPE_SET,
	CONF_TYPE_GUIDS,
	CONF_TYPE_VF_POLICIES,
};

/* A name that a choice or set may take, and what it stands for. */
struct conf_name {
	const char *name;
	unsigned value;
};

struct conf_option {
	const char *path;     /* "sweep.interval" */
	const char *sentence; /* what it is for */
	enum conf_type type;
	bool reload;   /* a change takes effect with the next reconcile; else with the next start */
	size_t offset; /* of the member in struct conf */
	uint64_t least, most;          /* uint: range; text: most bytes */
	const struct conf_name *names; /* choice and set: ends with a NULL name */
};

/* All of them in the order of options.def; the last has no path. */
extern const struct conf_option conf_options[];

/* The option that the user calls @path, or NULL. */
const struct conf_option *conf_option_find(const char *path);

/* The name of @value among @names, or NULL; for example the engine for route_fabric(). */
const char *conf_name_of(const struct conf_name *names, unsigned value);
extern const struct conf_name conf_engines[];
extern const struct conf_name conf_enforcements[];

void conf_init_defaults(struct conf *ret);

/*
 * Read @path: defaults, and what the file says. -ENOENT etc. if it cannot be read, -EFBIG if it is
 * longer than CONF_FILE_MAX, -EINVAL if it is not valid.
 */
int conf_load(const char *path, struct conf *ret, struct conf_error *reterr);

/* The same for @length bytes at @text; @name stands for the file in errors. */
int conf_parse(const char *text, size_t length, const char *name, struct conf *ret,
	       struct conf_error *reterr);

/*
 * Set one option from the command line: "sweep.interval" to "30". Lists are separated by commas.
 * -ENOENT if there is no such option, -EINVAL if the value is not for it. conf_check() when done.
 */
int conf_set(struct conf *conf, const char *path, const char *value, struct conf_error *reterr);

/* Options that only make sense, or make none, together: -EINVAL if they do not. */
int conf_check(const struct conf *conf, struct conf_error *reterr);

/* Call @fn (may be NULL) for each option that differs; how many do. */
typedef void (*conf_change_fn)(const struct conf_option *option, void *user);
size_t conf_compare(const struct conf *old, const struct conf *new, conf_change_fn fn, void *user);

/* The value of @option in @conf, as vsm.conf has it. */
void conf_print_value(FILE *out, const struct conf_option *option, const struct conf *conf);

/* A vsm.conf with every option and what it is for, that loads as @conf. */
void conf_print_file(FILE *out, const struct conf *conf);

/* The options as a section of a man page, in man(7) macros. */
void conf_print_man(FILE *out);
