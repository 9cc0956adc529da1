/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the service manager and the journal are told. The manager is a socket of the test's own; of
 * the journal the test sees the fields and the lines, and who is chosen to write them.
 */

#include "systemd/journal.h"
#include "systemd/notify.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/manager.h"

/* ---- notify ---------------------------------------------------------------------------------- */

static void assert_heard(int fd, const char *expected)
{
	char text[1024];

	assert_true(manager_hear(fd, text));
	assert_string_equal(text, expected);
	assert_false(manager_hear(fd, text));
}

static void the_manager_hears_each_word(void **unused)
{
	int fd = manager_open();

	(void)unused;
	assert_true(fd >= 0);
	notify_ready();
	assert_heard(fd, "READY=1");
	notify_status("%u ports active, %u not", 140, 2);
	assert_heard(fd, "STATUS=140 ports active, 2 not");
	notify_stopping();
	assert_heard(fd, "STOPPING=1");
	notify_watchdog();
	assert_heard(fd, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000");
	manager_close(fd);
}

static void a_reload_says_when_it_began(void **unused)
{
	int fd = manager_open();
	char text[1024];
	unsigned long long usec;

	(void)unused;
	assert_true(fd >= 0);
	notify_reloading();
	assert_true(manager_hear(fd, text));
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	assert_true(usec > 0);
	manager_close(fd);
}

static void a_status_cannot_give_orders(void **unused)
{
	int fd = manager_open();

	(void)unused;
	assert_true(fd >= 0);
	notify_status("node \"%s\" is silent", "x\nSTOPPING=1\n\033[2J");
	assert_heard(fd, "STATUS=node \"x STOPPING=1  [2J\" is silent");
	manager_close(fd);
}

static void a_long_status_is_cut(void **unused)
{
	int fd = manager_open();
	char status[2000];
	char text[1024];

	(void)unused;
	assert_true(fd >= 0);
	memset(status, 'x', sizeof(status) - 1);
	status[sizeof(status) - 1] = '\0';
	notify_status("%s", status);
	assert_true(manager_hear(fd, text));
	assert_in_range(strlen(text), 100, 600);
	manager_close(fd);
}

static void a_manager_that_does_not_read_holds_up_nobody(void **unused)
{
	int fd = manager_open();

	(void)unused;
	assert_true(fd >= 0);
	alarm(10);
	for (unsigned i = 0; i < 10000; i++)
		notify_ready();
	notify_status("busy");
	notify_watchdog();
	alarm(0);
	manager_close(fd);
}

static void a_manager_may_have_a_socket_in_a_folder(void **unused)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "test-systemd.socket" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	(void)unused;
	unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	notify_ready();
	assert_heard(fd, "READY=1");
	manager_close(fd);
	unlink(address.sun_path);
}

static void without_a_manager_nothing_happens(void **unused)
{
	(void)unused;
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
	notify_status("on my own");
	notify_reloading();
	notify_stopping();
	notify_watchdog();
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	notify_ready();
	unsetenv("NOTIFY_SOCKET");
}

/* ---- journal --------------------------------------------------------------------------------- */

static const struct log_where port_3 = { .guid = 0x2c903000a1b2c, .lid = 17, .port = 3 };

static void assert_field(const struct journal_entry *entry, int i, const char *expected)
{
	assert_true(i < entry->n);
	assert_int_equal(entry->fields[i].iov_len, strlen(expected));
	assert_memory_equal(entry->fields[i].iov_base, expected, strlen(expected));
}

static void an_entry_has_the_place_as_fields(void **unused)
{
	struct journal_entry entry;

	(void)unused;
	journal_make_entry(LOG_LEVEL_WARNING, &port_3, "the link is slow", &entry);
	assert_int_equal(entry.n, 6);
	assert_field(&entry, 0, "MESSAGE=the link is slow");
	assert_field(&entry, 1, "PRIORITY=4");
	assert_field(&entry, 2, "SYSLOG_IDENTIFIER=vsm");
	assert_field(&entry, 3, "VSM_GUID=0x0002c903000a1b2c");
	assert_field(&entry, 4, "VSM_PORT=3");
	assert_field(&entry, 5, "VSM_LID=17");
}

static void an_entry_has_no_field_of_what_is_not_known(void **unused)
{
	struct log_where node = { .guid = 1, .port = -1 };
	struct log_where lid = { .lid = 0xbfff, .port = -1 };
	struct journal_entry entry;

	(void)unused;
	journal_make_entry(LOG_LEVEL_INFO, NULL, "hello", &entry);
	assert_int_equal(entry.n, 3);
	journal_make_entry(LOG_LEVEL_INFO, &node, "hello", &entry);
	assert_int_equal(entry.n, 4);
	assert_field(&entry, 3, "VSM_GUID=0x0000000000000001");
	journal_make_entry(LOG_LEVEL_INFO, &lid, "hello", &entry);
	assert_int_equal(entry.n, 4);
	assert_field(&entry, 3, "VSM_LID=49151");
}

static void a_line_names_level_and_place(void **unused)
{
	struct log_where node = { .guid = 1, .port = -1 };
	char line[JOURNAL_LINE_MAX];

	(void)unused;
	journal_line(JOURNAL_PLAIN, LOG_LEVEL_ERROR, NULL, "no device", line);
	assert_string_equal(line, "error: no device\n");
	journal_line(JOURNAL_PLAIN, LOG_LEVEL_NOTICE, &port_3, "is up", line);
	assert_string_equal(line, "notice: 0x0002c903000a1b2c/3: is up\n");
	journal_line(JOURNAL_PLAIN, LOG_LEVEL_DEBUG, &node, "is new", line);
	assert_string_equal(line, "debug: 0x0000000000000001: is new\n");
	journal_line(JOURNAL_PREFIX, LOG_LEVEL_WARNING, &port_3, "is slow", line);
	assert_string_equal(line, "<4>0x0002c903000a1b2c/3: is slow\n");
	assert_int_equal(journal_line(JOURNAL_PREFIX, LOG_LEVEL_INFO, NULL, "", line), 4);
}

static void control_characters_do_not_reach_a_terminal(void **unused)
{
	struct journal_entry entry;
	char line[JOURNAL_LINE_MAX];

	(void)unused;
	journal_line(JOURNAL_PLAIN, LOG_LEVEL_INFO, NULL, "\"a\033[31m\r\nerror: b\x7f\" \xc3\xa9",
		     line);
	assert_string_equal(line, "info: \"a?[31m??error: b?\" \xc3\xa9\n");
	journal_make_entry(LOG_LEVEL_INFO, NULL, "a\nPRIORITY=0", &entry);
	assert_field(&entry, 0, "MESSAGE=a?PRIORITY=0");
}

static void a_long_text_is_cut_and_still_ends_its_line(void **unused)
{
	char text[3000];
	char line[JOURNAL_LINE_MAX];
	struct journal_entry entry;
	size_t length;

	(void)unused;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	length = journal_line(JOURNAL_PLAIN, LOG_LEVEL_WARNING, &port_3, text, line);
	assert_int_equal(length, strlen(line));
	assert_in_range(length, JOURNAL_TEXT_MAX, JOURNAL_LINE_MAX - 1);
	assert_int_equal(line[length - 1], '\n');
	journal_make_entry(LOG_LEVEL_WARNING, &port_3, text, &entry);
	assert_in_range(entry.fields[0].iov_len, JOURNAL_TEXT_MAX, JOURNAL_TEXT_MAX + 8);
}

static void the_journal_is_used_only_if_it_is_standard_error(void **unused)
{
	char stream[64];
	char pid[16];
	struct stat st;
	int fd[2];

	(void)unused;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fstat(fd[1], &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	snprintf(pid, sizeof(pid), "%d", getpid());

	assert_int_equal(journal_choose(fd[1], stream, NULL), JOURNAL_FIELDS);
	assert_int_equal(journal_choose(fd[1], stream, pid), JOURNAL_FIELDS);
	assert_int_equal(journal_choose(STDIN_FILENO, stream, NULL), JOURNAL_PLAIN);
	assert_int_equal(journal_choose(fd[1], "1:1", pid), JOURNAL_PREFIX);
	assert_int_equal(journal_choose(fd[1], "nonsense", "nonsense"), JOURNAL_PLAIN);
	assert_int_equal(journal_choose(fd[1], NULL, "1"), JOURNAL_PLAIN);
	assert_int_equal(journal_choose(-1, stream, NULL), JOURNAL_PLAIN);
	close(fd[0]);
	close(fd[1]);
}

/* Standard error for a while; what was written to it is in @text. */
static void write_to_pipe(bool unfinished, char text[static 1024])
{
	struct log_where where = { .guid = 0xabc, .port = 1 };
	int saved = dup(STDERR_FILENO);
	ssize_t length;
	int fd[2];

	assert_true(saved >= 0);
	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], STDERR_FILENO);
	journal_start(&unfinished);
	log_say(LOG_LEVEL_NOTICE, &where, "is %s", "up");
	assert_false(unfinished);
	log_set_sink(NULL, NULL);
	dup2(saved, STDERR_FILENO);
	length = read(fd[0], text, 1023);
	assert_true(length >= 0);
	text[length] = '\0';
	close(saved);
	close(fd[0]);
	close(fd[1]);
}

static void messages_reach_standard_error_as_lines(void **unused)
{
	char text[1024];
	char pid[16];

	(void)unused;
	unsetenv("JOURNAL_STREAM");
	unsetenv("SYSTEMD_EXEC_PID");
	write_to_pipe(false, text);
	assert_string_equal(text, "notice: 0x0000000000000abc/1: is up\n");

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("SYSTEMD_EXEC_PID", pid, 1);
	write_to_pipe(false, text);
	assert_string_equal(text, "<5>0x0000000000000abc/1: is up\n");
	unsetenv("SYSTEMD_EXEC_PID");
}

/* As of a progress that is shown in one line. */
static void a_message_takes_the_place_of_an_unfinished_line(void **unused)
{
	char text[1024];

	(void)unused;
	unsetenv("JOURNAL_STREAM");
	unsetenv("SYSTEMD_EXEC_PID");
	write_to_pipe(true, text);
	assert_string_equal(text, "\r\033[Knotice: 0x0000000000000abc/1: is up\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_hears_each_word),
		cmocka_unit_test(a_reload_says_when_it_began),
		cmocka_unit_test(a_status_cannot_give_orders),
		cmocka_unit_test(a_long_status_is_cut),
		cmocka_unit_test(a_manager_that_does_not_read_holds_up_nobody),
		cmocka_unit_test(a_manager_may_have_a_socket_in_a_folder),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(an_entry_has_the_place_as_fields),
		cmocka_unit_test(an_entry_has_no_field_of_what_is_not_known),
		cmocka_unit_test(a_line_names_level_and_place),
		cmocka_unit_test(control_characters_do_not_reach_a_terminal),
		cmocka_unit_test(a_long_text_is_cut_and_still_ends_its_line),
		cmocka_unit_test(the_journal_is_used_only_if_it_is_standard_error),
		cmocka_unit_test(messages_reach_standard_error_as_lines),
		cmocka_unit_test(a_message_takes_the_place_of_an_unfinished_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
