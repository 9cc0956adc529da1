/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * vsm.conf. What is true of every option is tested on every row of the table: a new option is
 * tested by being there. Errors are compared whole, since the sentence is what the operator gets.
 */

#include "conf/changes.h"

#include "base/macros.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct conf conf, other;

/* From a buffer without anything behind it, so that a sanitizer sees who reads on. */
static int parse(const char *text, struct conf *ret, struct conf_error *reterr)
{
	size_t length = strlen(text);
	char *copy = malloc(length ? length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, length);
	r = conf_parse(copy, length, "vsm.conf", ret, reterr);
	free(copy);
	return r;
}

static void accept(const char *text)
{
	struct conf_error error = { 0 };

	if (parse(text, &conf, &error) < 0)
		fail_msg("%s: %s", text, error.text);
}

/* @text is refused with @sentence, and a configuration that was there is not touched. */
static void refuse(const char *text, const char *sentence)
{
	struct conf_error error = { 0 };
	AUTO(freep) struct conf *before = malloc(sizeof(*before));

	assert_non_null(before);
	memset(&conf, 0xa5, sizeof(conf));
	*before = conf;
	assert_int_equal(parse(text, &conf, &error), -EINVAL);
	assert_string_equal(error.text, sentence);
	assert_memory_equal(before, &conf, sizeof(conf));
}

static const char *group_of(const struct conf_option *option, char group[32])
{
	size_t length = strcspn(option->path, ".");

	memcpy(group, option->path, length);
	group[length] = 0;
	return group;
}

/* "group = { key = VALUE };", or "key = VALUE;" for an option without a group. */
static const char *write_option(const struct conf_option *option, const char *value,
				char text[4096])
{
	const char *dot = strchr(option->path, '.');
	char group[32];

	if (dot)
		snprintf(text, 4096, "\n%s = {\n%s = %s; };", group_of(option, group), dot + 1,
			 value);
	else
		snprintf(text, 4096, "\n\n%s = %s;", option->path, value);
	return text;
}

static void refuse_value(const struct conf_option *option, const char *value, const char *why)
{
	char text[4096], sentence[512];

	snprintf(sentence, sizeof(sentence), "vsm.conf:3: %s: %s", option->path, why);
	refuse(write_option(option, value, text), sentence);
}

static const void *member(const struct conf_option *option)
{
	return (const char *)&conf + option->offset;
}

/* ---- files ----------------------------------------------------------------------------------- */

static void an_empty_file_is_the_defaults(void **unused)
{
	(void)unused;
	conf_init_defaults(&other);
	accept("");
	assert_int_equal(conf_compare(&other, &conf, NULL, NULL), 0);
	accept("# nothing\n/*/ 0x \"*//* \" **/ // at all \"");
	assert_int_equal(conf_compare(&other, &conf, NULL, NULL), 0);
}

static void defaults_are_those_of_the_field(void **unused)
{
	(void)unused;
	conf_init_defaults(&conf);
	assert_true(conf.subnet_prefix == 0xfe80000000000000);
	assert_true(conf.sm_key == 1);
	assert_true(conf.m_key == 0);
	assert_int_equal(conf.subnet_timeout, 18);
	assert_int_equal(conf.hoq_life, 0x12);
	assert_int_equal(conf.leaf_hoq_life, 0x10);
	assert_int_equal(conf.packet_life_time, 0x12);
	assert_int_equal(conf.max_mtu, CONF_MTU_4096);
	assert_int_equal(conf.link_width, CONF_SUPPORTED);
	assert_int_equal(conf.sweep_interval, 10);
	assert_int_equal(conf.enforcement, CONF_ENFORCEMENT_BOTH);
	assert_string_equal(conf.partition_file, "");
	assert_int_equal(conf.virtualization, CONF_VIRTUALIZATION_ENABLE);
	assert_int_equal(conf.alias_guids, CONF_ALIAS_GUIDS_OWN);
	assert_int_equal(conf.virtual_hop_limit, 64);
	assert_int_equal(conf.virtual_functions.n, 0);
}

/* IEEE 802: of the first byte the lowest bit is for groups, and the next for what no vendor has. */
static void guids_of_the_pool_are_of_no_vendor(void **unused)
{
	(void)unused;
	conf_init_defaults(&conf);
	assert_int_equal(conf.guid_pool_first >> 56 & 3, 2);
	assert_int_equal(conf.guid_pool_first >> 56, conf.guid_pool_last >> 56);
	assert_int_not_equal(conf.guid_pool_first >> 56, 2); /* ib-kubernetes */
}

/* Every option at another value than its default, where there is one. */
#define LEVELS "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"

/* Text that is a list: see conf/qos-tables.h. */
static bool is_list(const struct conf_option *option)
{
	return !strncmp(option->path, "qos", 3) && option->type == CONF_TYPE_TEXT &&
	       strcmp(option->path, "qos.policy_file") != 0;
}

static void change_everything(struct conf *changed)
{
	conf_init_defaults(changed);
	changed->virtual_functions.n = 1;
	vf_policy_init(&changed->virtual_functions.policy[0]);
	strcpy(changed->virtual_functions.policy[0].ports, "a \"b\" \\c*");
	for (const struct conf_option *option = conf_options; option->path; option++) {
		char number[32];
		const char *value = "";

		if (option->type == CONF_TYPE_VF_POLICIES)
			continue; /* not from the command line */

		switch (option->type) {
		case CONF_TYPE_BOOL:
			value = *(bool *)((char *)changed + option->offset) ? "false" : "true";
			break;
		case CONF_TYPE_UINT:
			snprintf(number, sizeof(number), "%" PRIu64, option->least);
			if (*(unsigned *)((char *)changed + option->offset) == option->least)
				snprintf(number, sizeof(number), "%" PRIu64, option->most);
			value = number;
			break;
		case CONF_TYPE_HEX64:
			value = "0x8123456789abcdef";
			break;
		case CONF_TYPE_TEXT:
			value = is_list(option)
					? strstr(option->path, "sl2vl") ? LEVELS : "3:4, 5:6"
					: "/a \"b\" \\c#d//e\xc3\xa4";
			break;
		case CONF_TYPE_CHOICE:
			value = option->names[1].name;
			break;
		case CONF_TYPE_SET:
			value = option->names[2].name;
			break;
		case CONF_TYPE_GUIDS:
			value = "0x8000000000000001,0x2,3";
			break;
		case CONF_TYPE_VF_POLICIES:
			break;
		}
		assert_int_equal(conf_set(changed, option->path, value, NULL), 0);
	}
	changed->first_timeout_ms = changed->min_timeout_ms = 7;
}

static char *print_file(const struct conf *from)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	conf_print_file(out, from);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void the_sample_loads_as_the_defaults_and_names_every_option(void **unused)
{
	AUTO(freep) char *text = NULL;

	(void)unused;
	conf_init_defaults(&other);
	text = print_file(&other);
	accept(text);
	assert_int_equal(conf_compare(&other, &conf, NULL, NULL), 0);

	for (const struct conf_option *option = conf_options; option->path; option++) {
		const char *dot = strchr(option->path, '.');
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "\n%s%s = ", dot ? "\t" : "",
			 dot ? dot + 1 : option->path);
		assert_non_null(strstr(text, wanted));
	}
}

static void what_is_printed_loads_as_it_was(void **unused)
{
	AUTO(freep) char *text = NULL;
	struct conf defaults;

	(void)unused;
	change_everything(&other);
	conf_init_defaults(&defaults);
	assert_int_equal(conf_compare(&defaults, &other, NULL, NULL),
			 conf_option_find("log.level") - conf_options + 1);
	text = print_file(&other);
	accept(text);
	assert_int_equal(conf_compare(&other, &conf, NULL, NULL), 0);
}

static void the_manual_has_every_option_with_its_range(void **unused)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)unused;
	assert_non_null(out);
	conf_print_man(out);
	assert_int_equal(fclose(out), 0);
	for (const struct conf_option *option = conf_options; option->path; option++) {
		char wanted[80];

		snprintf(wanted, sizeof(wanted), ".TP\n\\fB%s\\fR\n", option->path);
		assert_non_null(strstr(text, wanted));
	}
	assert_non_null(strstr(text, "\\fInumber, 0 to 86400, default 10\\fR"));
	free(text);
}

static void a_file_is_read_from_disk_and_named_in_errors(void **unused)
{
	char path[] = "test-conf.XXXXXX", sentence[128];
	struct conf_error error = { 0 };
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "sweep = { interval = 7; };\n", 27), 27);
	assert_int_equal(conf_load(path, &conf, &error), 0);
	assert_int_equal(conf.sweep_interval, 7);

	assert_int_equal(write(fd, "swep = 1;\n", 10), 10);
	assert_int_equal(conf_load(path, &conf, &error), -EINVAL);
	snprintf(sentence, sizeof(sentence), "%s:2: swep: there is no such option", path);
	assert_string_equal(error.text, sentence);
	assert_int_equal(error.line, 2);

	close(fd);
	unlink(path);
	assert_int_equal(conf_load(path, &conf, &error), -ENOENT);
	snprintf(sentence, sizeof(sentence), "%s: Cannot read: No such file or directory", path);
	assert_string_equal(error.text, sentence);
}

static void a_file_may_be_as_long_as_its_limit(void **unused)
{
	char path[] = "test-conf.XXXXXX";
	AUTO(freep) char *text = malloc(CONF_FILE_MAX + 1);
	int fd = mkstemp(path);

	(void)unused;
	assert_true(text && fd >= 0);
	memset(text, '\n', CONF_FILE_MAX + 1);
	assert_int_equal(write(fd, text, CONF_FILE_MAX), CONF_FILE_MAX);
	assert_int_equal(conf_load(path, &conf, NULL), 0);
	assert_int_equal(write(fd, text, 1), 1);
	assert_int_equal(conf_load(path, &conf, NULL), -EFBIG);
	assert_int_equal(conf_parse(text, CONF_FILE_MAX + 1, path, &conf, NULL), -EFBIG);
	close(fd);
	unlink(path);
}

/* Nor does any of them let us wait. */
static void what_is_no_regular_file_is_refused(void **unused)
{
	static const char sentence[] = "test-conf.fifo: Cannot read: it is not a regular file";
	char path[CONF_TEXT_SIZE];
	struct conf_error error = { 0 };

	(void)unused;
	assert_int_equal(conf_load("/", &conf, &error), -EINVAL);
	assert_string_equal(error.text, "/: Cannot read: it is not a regular file");
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	assert_int_equal(conf_load(path, &conf, &error), -EINVAL);
	assert_ptr_equal(strstr(error.text, path), error.text);
	assert_string_equal(error.text + strlen(path), ": Cannot read: it is not a regular file");
	assert_int_equal(conf_load("/dev/zero", &conf, &error), -EINVAL);
	assert_int_equal(conf_load("/dev/ptmx", &conf, &error), -EINVAL);
	unlink("test-conf.fifo");
	assert_int_equal(mkfifo("test-conf.fifo", 0600), 0);
	alarm(10);
	assert_int_equal(conf_load("test-conf.fifo", &conf, &error), -EINVAL);
	alarm(0);
	assert_string_equal(error.text, sentence);
	unlink("test-conf.fifo");
}

/* ---- every option ---------------------------------------------------------------------------- */

static void every_option_is_found_by_name(void **unused)
{
	(void)unused;
	for (const struct conf_option *option = conf_options; option->path; option++) {
		assert_ptr_equal(conf_option_find(option->path), option);
		assert_true(strlen(option->sentence) > 10);
	}
	assert_null(conf_option_find("sweep"));
	assert_null(conf_option_find(""));
}

static void every_number_takes_both_ends_of_its_range_and_nothing_beyond(void **unused)
{
	(void)unused;
	for (const struct conf_option *option = conf_options; option->path; option++) {
		char text[4096], value[32], why[128];

		if (option->type != CONF_TYPE_UINT)
			continue;
		snprintf(value, sizeof(value), "0x%" PRIx64, option->most);
		if (!strncmp(option->path, "timing.", 7) ||
		    !strcmp(option->path, "security.m_key_protection"))
			assert_int_equal(conf_set(&conf, option->path, value, NULL), 0);
		else
			accept(write_option(option, value, text));
		assert_int_equal(*(const unsigned *)member(option), option->most);

		snprintf(value, sizeof(value), "%" PRIu64, option->least);
		if (strcmp(option->path, "timing.first_timeout_ms") != 0)
			accept(write_option(option, value, text));
		else
			assert_int_equal(conf_set(&conf, option->path, value, NULL), 0);
		assert_int_equal(*(const unsigned *)member(option), option->least);

		snprintf(value, sizeof(value), "%" PRIu64, option->most + 1);
		snprintf(why, sizeof(why),
			 "%s is out of range, %" PRIu64 " to %" PRIu64 " is allowed", value,
			 option->least, option->most);
		refuse_value(option, value, why);

		snprintf(value, sizeof(value), "%" PRId64, (int64_t)option->least - 1);
		snprintf(why, sizeof(why),
			 "%s is out of range, %" PRIu64 " to %" PRIu64 " is allowed", value,
			 option->least, option->most);
		refuse_value(option, value, why);
	}
}

static void every_number_refuses_what_would_wrap_into_its_range(void **unused)
{
	(void)unused;
	for (const struct conf_option *option = conf_options; option->path; option++) {
		char value[32], text[4096];

		if (option->type != CONF_TYPE_UINT)
			continue;
		snprintf(value, sizeof(value), "%" PRIu64, option->least + (UINT64_C(1) << 32));
		assert_int_equal(parse(write_option(option, value, text), &conf, NULL), -EINVAL);
		snprintf(value, sizeof(value), "0x%" PRIx64, option->least + (UINT64_C(1) << 32));
		assert_int_equal(parse(write_option(option, value, text), &conf, NULL), -EINVAL);
	}
}

static void every_switch_takes_true_and_false(void **unused)
{
	(void)unused;
	for (const struct conf_option *option = conf_options; option->path; option++) {
		char text[4096];

		if (option->type != CONF_TYPE_BOOL)
			continue;
		accept(write_option(option, "true", text));
		assert_true(*(const bool *)member(option));
		accept(write_option(option, "FALSE", text));
		assert_false(*(const bool *)member(option));
		refuse_value(option, "1", "must be true or false");
		refuse_value(option, "\"true\"", "must be true or false");
	}
}

/* With the other end of the range where it is one. */
static const char *write_key(const struct conf_option *option, const char *value, char text[4096])
{
	write_option(option, value, text);
	if (!strcmp(option->path, "virtualization.guid_pool_first"))
		snprintf(text, 4096,
			 "virtualization = { guid_pool_first = %s; guid_pool_last = %s; };", value,
			 value);
	return text;
}

static void every_key_takes_64_bits_in_any_spelling(void **unused)
{
	static const char *const spellings[] = { "0xfedcba9876543210", "\"0xfedcba9876543210\"",
						 "0xFEDCBA9876543210L",
						 "\"18364758544493064720\"" };

	(void)unused;
	for (const struct conf_option *option = conf_options; option->path; option++) {
		char text[4096];

		if (option->type != CONF_TYPE_HEX64)
			continue;
		for (size_t i = 0; i < COUNT(spellings); i++) {
			accept(write_key(option, spellings[i], text));
			assert_true(*(const uint64_t *)member(option) == 0xfedcba9876543210);
		}
		refuse_value(option, "\"0xfedcba98765432100\"",
			     "must be a number of 64 bits such as 0x1234abcd");
		refuse_value(option, "\"0002c90200404a01\"",
			     "must be a number of 64 bits such as 0x1234abcd");
		refuse_value(option, "-1", "must be a number of 64 bits such as 0x1234abcd");
		refuse_value(option, "true", "must be a number of 64 bits such as 0x1234abcd");
	}
}

static void every_text_ends_at_its_limit(void **unused)
{
	(void)unused;
	for (const struct conf_option *option = conf_options; option->path; option++) {
		char text[4096], value[CONF_TEXT_SIZE + 8], why[64];

		if (option->type != CONF_TYPE_TEXT || is_list(option))
			continue;
		assert_true(option->most < CONF_TEXT_SIZE);
		memset(value, 'x', sizeof(value));
		value[0] = value[option->most + 1] = '"';
		value[option->most + 2] = 0;
		accept(write_option(option, value, text));
		assert_int_equal(strlen(member(option)), option->most);

		value[option->most + 1] = 'x';
		value[option->most + 2] = '"';
		value[option->most + 3] = 0;
		snprintf(why, sizeof(why), "is longer than %" PRIu64 " bytes", option->most);
		refuse_value(option, value, why);
		refuse_value(option, "5", "must be a text in double quotes");
		refuse_value(option, "[ \"x\" ]", "must be a text in double quotes");
		refuse_value(option, "\"a\\nb\"", "has a control character");
	}
}

static void every_choice_takes_its_names_only(void **unused)
{
	(void)unused;
	for (const struct conf_option *option = conf_options; option->path; option++) {
		char text[4096], value[32];

		if (option->type != CONF_TYPE_CHOICE)
			continue;
		for (const struct conf_name *name = option->names; name->name; name++) {
			snprintf(value, sizeof(value), "\"%s\"", name->name);
			accept(write_option(option, value, text));
			assert_int_equal(*(const unsigned *)member(option), name->value);
		}
		assert_int_equal(parse(write_option(option, "\"\"", text), &conf, NULL), -EINVAL);
		assert_int_equal(parse(write_option(option, "true", text), &conf, NULL), -EINVAL);
	}
	refuse("routing = { engine = \"lash\"; };", "vsm.conf:1: routing.engine: \"lash\" is not "
						    "one of auto, minhop, updn, ftree, lanes");
	refuse("link = { max_mtu = 1500; };",
	       "vsm.conf:1: link.max_mtu: \"1500\" is not one of 256, 512, 1024, 2048, 4096");
}

/* ---- single options -------------------------------------------------------------------------- */

static void widths_and_speeds_are_lists(void **unused)
{
	(void)unused;
	accept("link = { width = \"1x, 4x ,12x\"; speed = \"edr,hdr\"; max_mtu = 2048; };");
	assert_int_equal(conf.link_width, CONF_WIDTH_1X | CONF_WIDTH_4X | CONF_WIDTH_12X);
	assert_int_equal(conf.link_speed, CONF_SPEED_SDR | CONF_SPEED_EDR | CONF_SPEED_HDR);
	assert_int_equal(conf.max_mtu, CONF_MTU_2048);
	accept("link = { width = \"supported\"; };");
	assert_int_equal(conf.link_width, CONF_SUPPORTED);

	refuse("link = { width = \"4x,\"; };",
	       "vsm.conf:1: link.width: \"\" is not one of supported, 1x, 2x, 4x, 8x, 12x");
	refuse("link = { width = \"4x 8x\"; };",
	       "vsm.conf:1: link.width: must be \"supported\", or "
	       "some of 1x, 2x, 4x, 8x, 12x");
	refuse("link = { width = \"supported,4x\"; };",
	       "vsm.conf:1: link.width: \"supported\" is not one of supported, 1x, 2x, 4x, 8x, "
	       "12x");
}

static void roots_are_a_list_of_guids(void **unused)
{
	(void)unused;
	accept("routing = { root_guids = [ 0x0002c90200404a01, 0x5 ]; };");
	assert_int_equal(conf.root_guids.n, 2);
	assert_true(conf.root_guids.guid[0] == 0x0002c90200404a01);
	assert_true(conf.root_guids.guid[1] == 5);
	accept("routing = { root_guids = ( \"0x8000000000000001\", 0x5 ); };");
	assert_true(conf.root_guids.guid[0] == 0x8000000000000001);
	accept("routing = { root_guids = []; };");
	assert_int_equal(conf.root_guids.n, 0);

	refuse("routing = { root_guids = [ \"0x5\",\n\"0005\" ]; };",
	       "vsm.conf:2: routing.root_guids: \"0005\" is not a GUID such as 0x0002c90200404a01");
	refuse("routing = { root_guids = [ 0x0 ]; };",
	       "vsm.conf:1: routing.root_guids: \"0x0\" is not a GUID such as 0x0002c90200404a01");
	refuse("routing = { root_guids = ( 0x5, \"5\" ); };",
	       "vsm.conf:1: routing.root_guids: 5 is there twice");
	refuse("routing = { root_guids = 0x5; };",
	       "vsm.conf:1: routing.root_guids: must be a list of GUIDs such as "
	       "[ \"0x0002c90200404a01\", \"0x0002c90200404a02\" ]");
}

static void a_list_of_guids_has_a_limit(void **unused)
{
	AUTO(freep) char *text = malloc(32 * (CONF_GUIDS_MAX + 2));
	size_t used;

	(void)unused;
	assert_non_null(text);
	used = (size_t)sprintf(text, "routing = { root_guids = [ 1");
	for (unsigned i = 2; i <= CONF_GUIDS_MAX; i++)
		used += (size_t)sprintf(text + used, ", %u", i);
	strcpy(text + used, " ]; };");
	accept(text);
	assert_int_equal(conf.root_guids.n, CONF_GUIDS_MAX);

	strcpy(text + used, ", 0xffff ]; };");
	refuse(text, "vsm.conf:1: routing.root_guids: more than 2048 GUIDs");
}

static void rules_between_options_are_held(void **unused)
{
	struct conf_error error = { 0 };

	(void)unused;
	accept("security = { m_key_protection = 2; m_key = 0x5; };");
	refuse("security = {\nm_key_protection = 2; };",
	       "vsm.conf:2: security.m_key_protection: protects nothing without security.m_key");
	refuse("timing = {\nmin_timeout_ms = 300; };",
	       "vsm.conf: timing.first_timeout_ms: is shorter than timing.min_timeout_ms");

	refuse("virtualization = {\n guid_pool_first = 0x5;\n guid_pool_last = 0x4; };",
	       "vsm.conf:2: virtualization.guid_pool_first: is above "
	       "virtualization.guid_pool_last");
	refuse("virtualization = {\n guid_pool_first = 0x0; };",
	       "vsm.conf:2: virtualization.guid_pool_first: is 0, which is no GUID, and "
	       "virtualization.guid_pool_last is not");
	accept("virtualization = { guid_pool_first = 0x0; guid_pool_last = 0x0; };");
	accept("virtualization = { guid_pool_first = 0x5; guid_pool_last = 0x5; };");
	refuse("virtualization = {\n trusted_guids = [ 0x5 ]; };",
	       "vsm.conf:2: virtualization.trusted_guids: means nothing unless "
	       "virtualization.alias_guids is \"trusted\"");
	accept("virtualization = { trusted_guids = [ 0x5 ]; alias_guids = \"trusted\"; };");

	conf_init_defaults(&conf);
	assert_int_equal(conf_check(&conf, &error), 0);
	assert_int_equal(conf_set(&conf, "security.m_key_protection", "1", &error), 0);
	assert_int_equal(conf_check(&conf, &error), -EINVAL);
	assert_string_equal(error.text,
			    "security.m_key_protection: protects nothing without security.m_key");
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static void unknown_keys_are_refused_with_their_line(void **unused)
{
	(void)unused;
	refuse("sweep = {\n\tinterval = 5;\n\tintervall = 6;\n};",
	       "vsm.conf:3: sweep.intervall: there is no such option");
	refuse("\n\nSweep = { };", "vsm.conf:3: Sweep: there is no such group of options");
	refuse("interval = 5;", "vsm.conf:1: interval: there is no such option");
	refuse("link = { width = { };\n };",
	       "vsm.conf:1: link.width: must be \"supported\", or some "
	       "of 1x, 2x, 4x, 8x, 12x");
	refuse("link = { link = { }; };", "vsm.conf:1: link.link: there is no such option");
	refuse("\nlink = 5;", "vsm.conf:2: link: is a group of options: name = { ... };");
	refuse("link = [ 1 ];", "vsm.conf:1: link: is a group of options: name = { ... };");
	refuse("partition_file = { };",
	       "vsm.conf:1: partition_file: there is no such group of options");
}

static void a_key_given_twice_is_refused_with_its_line(void **unused)
{
	(void)unused;
	refuse("sweep = {\n interval = 5;\n interval = 6;\n};",
	       "vsm.conf:3: sweep.interval: is given twice");
	refuse("sweep = { interval = 5; };\n\nsweep = { on_trap = true; };",
	       "vsm.conf:3: sweep: is given twice");
	refuse("partition_file = \"a\";\npartition_file = \"b\";",
	       "vsm.conf:2: partition_file: is given twice");
}

static void broken_syntax_is_refused_with_its_line(void **unused)
{
	(void)unused;
	refuse("sweep = {\n\tinterval = 5;\n\ton_trap yes;\n};",
	       "vsm.conf:3: syntax error at or just before \"on_trap yes;\"");
	refuse("sweep = {\n", "vsm.conf:2: syntax error at or just before \"\"");
	refuse("sweep = {", "vsm.conf:1: syntax error at or just before \"sweep = {\"");
	refuse("sweep.interval = 5;", "vsm.conf:1: syntax error at or just before \"sweep.interval "
				      "= 5;\"");
	refuse("\npartition_file = \"x;\n\n",
	       "vsm.conf:2: the text in quotes that begins here does not end");
	refuse("sweep = { interval = 1.5; };",
	       "vsm.conf:1: sweep.interval: must be a number from 0 to 86400");
	refuse("sweep = { interval = 1e3; };",
	       "vsm.conf:1: sweep.interval: must be a number from 0 to 86400");
	refuse("sweep = { interval = \"5\"; };",
	       "vsm.conf:1: sweep.interval: must be a number from 0 to 86400");
	refuse("\nsweep = { interval = 010; };",
	       "vsm.conf:2: a decimal number does not begin with 0");
	refuse("sweep = { interval = 0x; };", "vsm.conf:1: 0x is not a number");
}

static void what_libconfig_would_not_see_is_refused(void **unused)
{
	struct conf_error error = { 0 };

	(void)unused;
	refuse("/*\n*/ security = { m_key = 0x10000000000000000; };",
	       "vsm.conf:2: this number has more than 64 bits");
	refuse("security = { m_key = 9223372036854775808; };",
	       "vsm.conf:1: this number has more than 64 bits");
	refuse("\n  @include \"/etc/passwd\"\n",
	       "vsm.conf:2: @include is not supported, all options are in one file");
	refuse("a=((((((((((1))))))))));", "vsm.conf:1: brackets are nested too deep");

	assert_int_equal(conf_parse("\0", 1, "vsm.conf", &conf, &error), -EINVAL);
	assert_string_equal(error.text, "vsm.conf:1: this is not a text file, it has a zero byte");
	assert_int_equal(conf_parse("partition_file = \"a\0b\";", 23, "vsm.conf", &conf, &error),
			 -EINVAL);
	assert_string_equal(error.text, "vsm.conf:1: this is not a text file, it has a zero byte");
}

static void numbers_in_texts_comments_and_names_stay_as_they_are(void **unused)
{
	(void)unused;
	accept("# 0x1 5\n// 5 /* \n/* 5 \" 0x */ port = { device = \"mlx5_0 5 \\\" 0x\"; };"
	       "partition_file = \"5\" /* 99999999999999999999 */ \"6\";");
	assert_string_equal(conf.device, "mlx5_0 5 \" 0x");
	assert_string_equal(conf.partition_file, "56");
	accept("partition_file = /**/\"6\";//");
	assert_string_equal(conf.partition_file, "6");
	refuse("a = 5", "vsm.conf:1: a: there is no such option");
	refuse("a = 0x5", "vsm.conf:1: a: there is no such option");
	refuse("a", "vsm.conf:1: syntax error at or just before \"a\"");
	refuse("a = /* 5", "vsm.conf:1: syntax error at or just before \"a = /* 5\"");
	refuse("a-b = 5;\na-b = 6;", "vsm.conf:2: duplicate setting name at or just before "
				     "\"a-b = 6;\"");
	refuse("log = {}; log", "vsm.conf:1: log: is given twice");
}

static void what_is_shown_of_a_file_is_printable(void **unused)
{
	(void)unused;
	refuse("a\033[2J\x80 b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h",
	       "vsm.conf:1: syntax error at or just before "
	       "\"a?[2J? b c d e f g h i j k l m n o p q r s t u v w x y z a b...\"");
}

/* ---- the command line, and changes ----------------------------------------------------------- */

static void the_command_line_sets_single_options(void **unused)
{
	struct conf_error error = { 0 };

	(void)unused;
	conf_init_defaults(&conf);
	assert_int_equal(conf_set(&conf, "sweep.interval", "30", &error), 0);
	assert_int_equal(conf_set(&conf, "port.guid", "0x8000000000000001", &error), 0);
	assert_int_equal(conf_set(&conf, "routing.engine", "updn", &error), 0);
	assert_int_equal(conf_set(&conf, "routing.root_guids", "0x1,0x2", &error), 0);
	assert_int_equal(conf_set(&conf, "link.cautious", "true", &error), 0);
	assert_int_equal(conf.sweep_interval, 30);
	assert_true(conf.port_guid == 0x8000000000000001);
	assert_int_equal(conf.engine, CONF_ENGINE_UPDN);
	assert_string_equal(conf_name_of(conf_engines, conf.engine), "updn");
	assert_int_equal(conf.root_guids.n, 2);
	assert_true(conf.cautious);

	other = conf;
	assert_int_equal(conf_set(&conf, "routing.root_guids", "0x3,x", &error), -EINVAL);
	assert_string_equal(error.text, "routing.root_guids: \"x\" is not a GUID such as "
					"0x0002c90200404a01");
	assert_int_equal(conf_set(&conf, "sweep.interval", "x", &error), -EINVAL);
	assert_string_equal(error.text, "sweep.interval: must be a number from 0 to 86400");
	assert_int_equal(conf_set(&conf, "sweep.nothing", "x", &error), -ENOENT);
	assert_string_equal(error.text, "sweep.nothing: there is no such option");
	assert_int_equal(conf_compare(&other, &conf, NULL, NULL), 0);

	assert_int_equal(conf_set(&conf, "routing.root_guids", "", &error), 0);
	assert_int_equal(conf.root_guids.n, 0);
}

static void collect(const struct conf_option *option, void *user)
{
	char *text = user;

	sprintf(text + strlen(text), "%s %s;", option->path, option->reload ? "reload" : "restart");
}

static void a_comparison_names_what_changed(void **unused)
{
	char text[512] = "";

	(void)unused;
	conf_init_defaults(&conf);
	conf_init_defaults(&other);
	/* What is behind the end of a text or list does not count. */
	memcpy(other.device, "\0x", 2);
	other.root_guids.guid[5] = 5;
	assert_int_equal(conf_compare(&conf, &other, NULL, NULL), 0);
	other.sweep_interval = 5;
	other.root_guids.n = 1;
	strcpy(other.socket, "/tmp/s");
	assert_int_equal(conf_compare(&conf, &other, collect, text), 3);
	assert_string_equal(text, "routing.root_guids reload;sweep.interval reload;"
				  "files.socket restart;");
}

/* -- changes ------------------------------------------------------------------------------------
 */

struct told {
	unsigned n;
	char text[8][3 * CONF_VALUE_SIZE];
};

static void take_told(void *user, const struct conf_change *change)
{
	struct told *told = user;

	assert_true(told->n < COUNT(told->text));
	snprintf(told->text[told->n++], sizeof(told->text[0]), "%s: %s to %s%s", change->path,
		 change->before, change->after, change->restart ? ", restart" : "");
}

static void changes_are_told_with_both_values_but_no_keys(void **state)
{
	static struct conf old, new;
	struct told told = { 0 };

	(void)state;
	conf_init_defaults(&old);
	new = old;
	conf_tell_changes(&old, &new, take_told, &told);
	assert_int_equal(told.n, 0);
	new.sweep_interval = 20;
	strcpy(new.device, "mlx5_1");
	new.engine = CONF_ENGINE_UPDN;
	new.m_key = 0x5ec4e7;
	new.sm_key = 0x5ec4e8;
	new.sa_key = 0x5ec4e9;
	conf_tell_changes(&old, &new, take_told, &told);
	assert_int_equal(told.n, 6);
	assert_string_equal(told.text[0], "port.device: \"\" to \"mlx5_1\", restart");
	assert_string_equal(told.text[1], "sm.sm_key: (not told) to (not told)");
	assert_string_equal(told.text[2], "sm.sa_key: (not told) to (not told)");
	assert_string_equal(told.text[5], "sweep.interval: 10 to 20");
	assert_string_equal(told.text[3], "security.m_key: (not told) to (not told), restart");
	assert_string_equal(told.text[4], "routing.engine: \"auto\" to \"updn\"");
}

static void a_long_list_is_told_by_its_beginning(void **state)
{
	static struct conf old, new;
	struct told told = { 0 };

	(void)state;
	conf_init_defaults(&old);
	new = old;
	new.root_guids.n = CONF_GUIDS_MAX;
	for (size_t i = 0; i < CONF_GUIDS_MAX; i++)
		new.root_guids.guid[i] = i + 1;
	conf_tell_changes(&old, &new, take_told, &told);
	assert_int_equal(told.n, 1);
	assert_in_range(strlen(told.text[0]), CONF_VALUE_SIZE, CONF_VALUE_SIZE + 64);
	assert_string_equal(told.text[0] + strlen(told.text[0]) - 3, "...");
	assert_null(strchr(told.text[0], '\n'));
}

static void what_needs_a_restart_stays_until_then(void **state)
{
	static struct conf old, new;
	struct told told = { 0 };

	(void)state;
	conf_init_defaults(&old);
	new = old;
	new.sweep_interval = 20;
	strcpy(new.device, "mlx5_1");
	conf_keep_restart(&old, &new);
	conf_tell_changes(&old, &new, take_told, &told);
	assert_int_equal(told.n, 1);
	assert_string_equal(told.text[0], "sweep.interval: 10 to 20");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_is_the_defaults),
		cmocka_unit_test(defaults_are_those_of_the_field),
		cmocka_unit_test(guids_of_the_pool_are_of_no_vendor),
		cmocka_unit_test(the_sample_loads_as_the_defaults_and_names_every_option),
		cmocka_unit_test(what_is_printed_loads_as_it_was),
		cmocka_unit_test(the_manual_has_every_option_with_its_range),
		cmocka_unit_test(a_file_is_read_from_disk_and_named_in_errors),
		cmocka_unit_test(a_file_may_be_as_long_as_its_limit),
		cmocka_unit_test(what_is_no_regular_file_is_refused),
		cmocka_unit_test(every_option_is_found_by_name),
		cmocka_unit_test(every_number_takes_both_ends_of_its_range_and_nothing_beyond),
		cmocka_unit_test(every_number_refuses_what_would_wrap_into_its_range),
		cmocka_unit_test(every_switch_takes_true_and_false),
		cmocka_unit_test(every_key_takes_64_bits_in_any_spelling),
		cmocka_unit_test(every_text_ends_at_its_limit),
		cmocka_unit_test(every_choice_takes_its_names_only),
		cmocka_unit_test(widths_and_speeds_are_lists),
		cmocka_unit_test(roots_are_a_list_of_guids),
		cmocka_unit_test(a_list_of_guids_has_a_limit),
		cmocka_unit_test(rules_between_options_are_held),
		cmocka_unit_test(unknown_keys_are_refused_with_their_line),
		cmocka_unit_test(a_key_given_twice_is_refused_with_its_line),
		cmocka_unit_test(broken_syntax_is_refused_with_its_line),
		cmocka_unit_test(what_libconfig_would_not_see_is_refused),
		cmocka_unit_test(numbers_in_texts_comments_and_names_stay_as_they_are),
		cmocka_unit_test(what_is_shown_of_a_file_is_printable),
		cmocka_unit_test(the_command_line_sets_single_options),
		cmocka_unit_test(a_comparison_names_what_changed),
		cmocka_unit_test(changes_are_told_with_both_values_but_no_keys),
		cmocka_unit_test(a_long_list_is_told_by_its_beginning),
		cmocka_unit_test(what_needs_a_restart_stays_until_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
