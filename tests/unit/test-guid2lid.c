/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What OpenSM left: good files as it writes them, and files that no OpenSM ever wrote.
 */

#include "store/guid2lid.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"

/* What the importer gave, a line each, and what the log said. */
struct result {
	char path[32];
	size_t n_given;
	size_t n_said;
	char given[4096];
	char said[8192];
	struct guid2lid_counts counts;
};

static void hear(enum log_level level, const struct log_where *where, const char *text, void *user)
{
	struct result *result = user;

	(void)level;
	(void)where;
	result->n_said += (size_t)snprintf(result->said + result->n_said,
					   sizeof(result->said) - result->n_said, "%s\n", text);
	assert_true(result->n_said < sizeof(result->said));
}

static int give(void *user, uint64_t guid, uint16_t lid_min, uint16_t lid_max)
{
	struct result *result = user;
	unsigned n = lid_max - lid_min + 1U;

	assert_true(guid != 0 && lid_min >= 1 && lid_max <= 0xbfff);
	assert_true(n <= 128 && (n & (n - 1)) == 0 && lid_min % n == 0);
	result->n_given += (size_t)snprintf(result->given + result->n_given,
					    sizeof(result->given) - result->n_given,
					    "%" PRIx64 " %x %x\n", guid, lid_min, lid_max);
	assert_true(result->n_given < sizeof(result->given));

	return 0;
}

static int begin(void **state)
{
	struct result *result = calloc(1, sizeof(*result));
	int fd;

	if (!result)
		return -1;
	strcpy(result->path, "/tmp/vsm-guid2lid-XXXXXX");
	fd = mkstemp(result->path);
	if (fd < 0)
		return -1;
	close(fd);
	log_set_sink(hear, result);
	*state = result;

	return 0;
}

static int end(void **state)
{
	struct result *result = *state;

	log_set_sink(NULL, NULL);
	unlink(result->path);
	free(result);

	return 0;
}

static void write_bytes(struct result *result, const void *data, size_t size)
{
	FILE *file = fopen(result->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* The file with @size bytes, imported; what was found before is forgotten. */
static void import_bytes(struct result *result, const void *data, size_t size)
{
	write_bytes(result, data, size);
	result->n_given = 0;
	result->given[0] = '\0';
	result->n_said = 0;
	result->said[0] = '\0';
	assert_int_equal(guid2lid_import(result->path, give, result, &result->counts), 0);
}

static void import_text(struct result *result, const char *text)
{
	import_bytes(result, text, strlen(text));
}

static void what_opensm_writes_is_taken(void **state)
{
	struct result *result = *state;

	import_text(result, "0x0002c90300000001 0x0001 0x0001\n\n"
			    "0x0002c90300000002 0x0080 0x00ff\n\n"
			    "0xffffffffffffffff 0xbfff 0xbfff\n\n");
	assert_string_equal(result->given, "2c90300000001 1 1\n"
					   "2c90300000002 80 ff\n"
					   "ffffffffffffffff bfff bfff\n");
	assert_int_equal(result->counts.taken, 3);
	assert_int_equal(result->counts.refused, 0);
	assert_string_equal(result->said, "");
}

static void what_an_editor_leaves_is_taken(void **state)
{
	struct result *result = *state;

	import_text(result, "  0xA\t0X2   3 \r\n\r\n   \n0xB 0x5 5");
	assert_string_equal(result->given, "a 2 3\nb 5 5\n");
	assert_int_equal(result->counts.refused, 0);
}

static void an_empty_file_is_no_mistake(void **state)
{
	struct result *result = *state;

	import_text(result, "");
	assert_int_equal(result->counts.taken + result->counts.refused, 0);
	import_text(result, "\n\n\n");
	assert_int_equal(result->counts.taken + result->counts.refused, 0);
	assert_string_equal(result->said, "");
}

/* Each is put between two good lines, which have to be taken. */
static void a_bad_line_is_said_and_left_out(void **state)
{
	static const struct {
		const char *line;
		const char *why;
	} bad[] = {
		{ "garbage", "not a GUID and two LIDs" },
		{ "0x10", "not a GUID and two LIDs" },
		{ "0x10 0x10", "not a GUID and two LIDs" },
		{ "0x10 0x10 0x10 0x10", "not a GUID and two LIDs" },
		{ "0x10 0x10 0x10 # mine", "not a GUID and two LIDs" },
		{ "0x10,0x10,0x10", "not a GUID and two LIDs" },
		{ "0x 0x10 0x10", "not a GUID and two LIDs" },
		{ "0x10 0x10 ten", "not a GUID and two LIDs" },
		{ "10g 0x10 0x10", "not a GUID and two LIDs" },
		{ "-1 0x10 0x10", "not a GUID and two LIDs" },
		{ "+1 0x10 0x10", "not a GUID and two LIDs" },
		{ "0x10 -1 0x10", "not a GUID and two LIDs" },
		{ "0x0x10 0x10 0x10", "not a GUID and two LIDs" },
		{ "0x10000000000000000 0x10 0x10", "not a GUID and two LIDs" },
		{ "0x10 0x10000000000000001 0x10", "not a GUID and two LIDs" },
		{ "0x0 0x10 0x10", "the GUID is zero" },
		{ "0x10 0x0 0x0", "a LID is not from 0x1 to 0xbfff" },
		{ "0x10 0x0 0x1", "a LID is not from 0x1 to 0xbfff" },
		{ "0x10 0xc000 0xc000", "a LID is not from 0x1 to 0xbfff" },
		{ "0x10 0xbfff 0xc000", "a LID is not from 0x1 to 0xbfff" },
		{ "0x10 0xffff 0xffff", "a LID is not from 0x1 to 0xbfff" },
		{ "0x10 0x10010 0x10010", "a LID is not from 0x1 to 0xbfff" },
		{ "0x10 0x10 0xffffffffffffffff", "a LID is not from 0x1 to 0xbfff" },
		{ "0x10 0x11 0x10", "the first LID is higher" },
		{ "0x10 0xbfff 0x1", "the first LID is higher" },
		{ "0x10 0x10 0x12", "a port has 1, 2, 4" },
		{ "0x10 0x100 0x1ff", "a port has 1, 2, 4" },
		{ "0x10 0x1 0xbfff", "a port has 1, 2, 4" },
		{ "0x10 0x11 0x12", "not a multiple of the number of LIDs" },
		{ "0x10 0x12 0x15", "not a multiple of the number of LIDs" },
		{ "0xa 0x10 0x10", "the GUID is already in line 1" },
		{ "0xa 0x2 0x2", "the GUID is already in line 1" },
		{ "0x10 0x2 0x2", "a LID is already in line 1" },
		{ "0x10 0x0 0x3", "a LID is not from 0x1" },
		{ "0x10 0x2 0x3", "a LID is already in line 1" },
	};
	struct result *result = *state;
	char text[256];

	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(text, sizeof(text), "0xa 0x2 0x2\n%s\n0xb 0x5 0x5\n", bad[i].line);
		import_text(result, text);
		if (strcmp(result->given, "a 2 2\nb 5 5\n") != 0)
			fail_msg("with \"%s\" there is given: %s", bad[i].line, result->given);
		if (!strstr(result->said, bad[i].why) || !strstr(result->said, ":2: "))
			fail_msg("of \"%s\" it is said: %s", bad[i].line, result->said);
		assert_int_equal(result->counts.refused, 1);
	}
}

static void lines_of_any_length_are_one_line(void **state)
{
	struct result *result = *state;
	char text[5000];

	for (size_t n = 100; n < 4096; n += 13) {
		memset(text, '1', n);
		strcpy(text + n, "\n0xb 0x5 0x5\n");
		import_text(result, text);
		assert_string_equal(result->given, "b 5 5\n");
		assert_non_null(strstr(result->said, ":1: "));
		assert_int_equal(result->counts.refused, 1);
	}
}

static void zero_bytes_do_not_hide_what_follows(void **state)
{
	struct result *result = *state;

	import_bytes(result, "0xa 0x2 0x2\0 0x9\n0xb 0x5 0x5\n\0", 31);
	assert_string_equal(result->given, "b 5 5\n");
	assert_int_equal(result->counts.refused, 2);
}

static void random_bytes_give_nothing_that_is_wrong(void **state)
{
	static const char letters[] = "0123456789abcdefx \t\r\n\n\n-";
	struct result *result = *state;
	uint64_t random = 88172645463325252;
	char text[2000];

	log_set_level(LOG_LEVEL_ERROR);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(text); i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			text[i] =
				round % 2 ? (char)random : letters[random % (sizeof(letters) - 1)];
		}
		import_bytes(result, text, sizeof(text));
	}
	log_set_level(LOG_LEVEL_INFO);
}

static void a_thousand_bad_lines_are_not_a_thousand_messages(void **state)
{
	struct result *result = *state;
	char text[4000];

	for (size_t i = 0; i < 1000; i++)
		memcpy(text + 4 * i, "bad\n", 4);
	import_bytes(result, text, sizeof(text));
	assert_int_equal(result->counts.refused, 1000);
	assert_non_null(strstr(result->said, ":20: "));
	assert_null(strstr(result->said, ":21: "));
	assert_non_null(strstr(result->said, "1000 lines in all are left out"));
}

static void what_cannot_be_read_is_an_error(void **state)
{
	struct result *result = *state;

	assert_int_equal(guid2lid_import("/nowhere/guid2lid", give, result, &result->counts),
			 -ENOENT);
	assert_int_equal(guid2lid_import("/tmp", give, result, &result->counts), -EINVAL);
	assert_int_equal(guid2lid_import("/dev/zero", give, result, &result->counts), -EINVAL);

	unlink(result->path);
	assert_int_equal(mkfifo(result->path, 0600), 0);
	assert_int_equal(guid2lid_import(result->path, give, result, &result->counts), -EINVAL);
	unlink(result->path);

	write_bytes(result, "0xa 0x2 0x2\n", 12);
	assert_int_equal(truncate(result->path, 1 << 30), 0);
	assert_int_equal(guid2lid_import(result->path, give, result, &result->counts), -EFBIG);
	assert_string_equal(result->given, "");
}

static int refuse_the_second(void *user, uint64_t guid, uint16_t lid_min, uint16_t lid_max)
{
	unsigned *calls = user;

	(void)guid;
	(void)lid_min;
	(void)lid_max;

	return ++*calls == 2 ? -ENOMEM : 0;
}

static void the_taker_can_end_the_import(void **state)
{
	static const char text[] = "1 1 1\n2 2 2\n3 3 3\n";
	struct result *result = *state;
	unsigned calls = 0;

	write_bytes(result, text, sizeof(text) - 1);
	assert_int_equal(guid2lid_import(result->path, refuse_the_second, &calls, &result->counts),
			 -ENOMEM);
	assert_int_equal(calls, 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_opensm_writes_is_taken),
		TEST(what_an_editor_leaves_is_taken),
		TEST(an_empty_file_is_no_mistake),
		TEST(a_bad_line_is_said_and_left_out),
		TEST(lines_of_any_length_are_one_line),
		TEST(zero_bytes_do_not_hide_what_follows),
		TEST(random_bytes_give_nothing_that_is_wrong),
		TEST(a_thousand_bad_lines_are_not_a_thousand_messages),
		TEST(what_cannot_be_read_is_an_error),
		TEST(the_taker_can_end_the_import),
	};

	return cmocka_run_group_tests_name("guid2lid", tests, NULL, NULL);
}
