/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Dumps of a made-up fabric, compared whole with the files in dump-says, which are what ibdmchk and
 * opensm's readers get; what happens when they cannot be written; and numbers as text.
 */

#include "ctl/dump.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "ctl/dump-file.h"
#include "ctl/dump-picture.h"
#include "tests/unit/fake-sm.h"
#include "tests/unit/loop-poll.h"

#define FILE_SIZE (64 << 10)

static const char *const names[] = { "opensm-subnet.lst", "opensm-lfts.dump", "opensm.fdbs",
				     "opensm.mcfdbs", "opensm.psl" };

struct fixture {
	struct loop *loop;
	struct fake *fake;
	char folder[64];
	char text[FILE_SIZE];
	char wanted[FILE_SIZE];
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->loop = loop_poll_new();
	f->fake = fake_new(f->loop);
	strcpy(f->folder, "/tmp/test-dump-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	*state = f;

	return 0;
}

static const char *path_of(const struct fixture *f, const char *name)
{
	static __thread char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->folder, name);

	return path;
}

static unsigned count_files(const struct fixture *f)
{
	DIR *dir = opendir(f->folder);
	unsigned n = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);

	return n;
}

static int end(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(names); i++)
		unlink(path_of(f, names[i]));
	unlink(path_of(f, "numbers"));
	assert_int_equal(count_files(f), 0);
	assert_int_equal(rmdir(f->folder), 0);
	fake_free(f->fake);
	loop_poll_free(f->loop);
	free(f);

	return 0;
}

static const char *read_text(const char *path, char text[static FILE_SIZE])
{
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	n = fread(text, 1, FILE_SIZE - 1, file);
	text[n] = 0;
	fclose(file);

	return text;
}

static int dump(const struct fixture *f, const char *dir)
{
	AUTO(picture_freep) struct picture *picture = NULL;
	const char *failed = NULL;
	int r;

	assert_int_equal(picture_take(f->fake->sm, &picture), 0);
	r = dump_write(picture, dir, &failed);
	assert_int_equal(failed != NULL, r < 0);

	return r;
}

static const char *dumped(struct fixture *f, const char *name)
{
	assert_int_equal(dump(f, f->folder), 0);

	return read_text(path_of(f, name), f->text);
}

static void the_files_are_those_that_others_read(void **state)
{
	struct fixture *f = *state;
	const char *srcdir = getenv("srcdir");

	for (size_t i = 0; i < COUNT(names); i++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/tests/unit/dump-says/%s", srcdir ? srcdir : ".",
			 names[i]);
		assert_string_equal(dumped(f, names[i]), read_text(path, f->wanted));
	}
	assert_int_equal(count_files(f), COUNT(names));
}

static void a_detour_is_not_optimal(void **state)
{
	struct fixture *f = *state;

	fake_route(f->fake, 0x20, 5, 7);
	fake_route(f->fake, 0x10, 5, 1);
	assert_non_null(strstr(dumped(f, "opensm.fdbs"), "0x0005 : UNREACHABLE"));
	fake_route(f->fake, 0x20, 5, 2);
	fake_route(f->fake, 0x20, 3, 1);
	assert_non_null(strstr(dumped(f, "opensm.fdbs"), "0x0003 : UNREACHABLE"));
	fabric_connect(f->fake->fabric, fabric_find_port(f->fake->fabric, 0x20) + 8,
		       fabric_find_port(f->fake->fabric, 0x30) + 8);
	fake_route(f->fake, 0x20, 3, 7);
	assert_non_null(strstr(dumped(f, "opensm.fdbs"), "0x0003 : 007  : 02   : no\n"));
}

static void a_route_in_a_circle_or_to_a_stranger_reaches_nothing(void **state)
{
	struct fixture *f = *state;
	const char *text;

	fake_route(f->fake, 0x10, 4, 2);
	fake_route(f->fake, 0x30, 4, 7);
	fake_route(f->fake, 0x20, 4, 2);
	text = dumped(f, "opensm.fdbs");
	for (unsigned i = 0; i < 3; i++) {
		text = strstr(text, "0x0004 : ");
		assert_non_null(text);
		assert_memory_equal(text, "0x0004 : UNREACHABLE\n", 21);
		text++;
	}
}

static void what_is_gone_is_not_in_the_dump(void **state)
{
	struct fixture *f = *state;
	uint32_t leaf2 = fabric_find_node(f->fake->fabric, 0x30);

	f->fake->fabric->nodes[leaf2].present = false;
	assert_null(strstr(dumped(f, "opensm-subnet.lst"), "leaf2"));
	assert_null(strstr(dumped(f, "opensm-lfts.dump"), "leaf2"));
	assert_null(strstr(dumped(f, "opensm.fdbs"), "Switch 0x0000000000000030"));
}

static void a_description_cannot_end_its_braces(void **state)
{
	struct fixture *f = *state;
	uint32_t node = fabric_find_node(f->fake->fabric, 0x100);

	strcpy(f->fake->fabric->nodes[node].description, "}{ LID:");
	assert_non_null(strstr(dumped(f, "opensm-subnet.lst"), "{__ LID:} LID:0004"));
}

static void fdr10_has_opensms_word(void **state)
{
	struct fixture *f = *state;

	assert_null(strstr(dumped(f, "opensm-subnet.lst"), "SPD=FDR10\n"));
	f->fake->fabric->ports[fabric_find_port(f->fake->fabric, 0x20) + 7].fdr10 = true;
	assert_non_null(strstr(dumped(f, "opensm-subnet.lst"), "SPD=FDR10\n"));
}

static void a_fabric_of_nothing_makes_empty_files(void **state)
{
	struct fixture *f = *state;
	struct stat status;

	for (uint32_t i = 0; i < f->fake->fabric->n_nodes; i++)
		f->fake->fabric->nodes[i].present = false;
	assert_int_equal(dump(f, f->folder), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(stat(path_of(f, names[i]), &status), 0);
		assert_int_equal(status.st_size, 0);
	}
}

static void without_its_directory_it_fails(void **state)
{
	assert_int_equal(dump(*state, "/nonexistent"), -ENOENT);
}

static void on_a_full_disk_the_former_file_stays(void **state)
{
	struct fixture *f = *state;
	struct rlimit former, little = { .rlim_cur = 100, .rlim_max = RLIM_INFINITY };
	int r;

	strcpy(f->wanted, dumped(f, "opensm-subnet.lst"));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &former), 0);
	little.rlim_max = former.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	r = dump(f, f->folder);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &former), 0);

	assert_int_equal(r, -EFBIG);
	assert_string_equal(read_text(path_of(f, "opensm-subnet.lst"), f->text), f->wanted);
	assert_int_equal(count_files(f), COUNT(names));
}

static void numbers_have_at_least_their_digits(void **state)
{
	struct fixture *f = *state;
	struct dump_file *file;

	assert_int_equal(dump_file_open(f->folder, "numbers", &file), 0);
	dump_decimal(file, 0, 1);
	dump_text(file, " ");
	dump_decimal(file, UINT64_MAX, 3);
	dump_text(file, " ");
	dump_hex(file, 0xbeef, 16);
	dump_text(file, " ");
	dump_hex_upper(file, 0xbeef, 2);
	assert_int_equal(dump_file_close(file), 0);
	assert_string_equal(read_text(path_of(f, "numbers"), f->text),
			    "0 18446744073709551615 000000000000beef BEEF");
}

/* clang-format off */
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_files_are_those_that_others_read),
		TEST(a_detour_is_not_optimal),
		TEST(a_route_in_a_circle_or_to_a_stranger_reaches_nothing),
		TEST(what_is_gone_is_not_in_the_dump),
		TEST(a_description_cannot_end_its_braces),
		TEST(fdr10_has_opensms_word),
		TEST(a_fabric_of_nothing_makes_empty_files),
		TEST(without_its_directory_it_fails),
		TEST(on_a_full_disk_the_former_file_stays),
		TEST(numbers_have_at_least_their_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
