/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * vsmctl as users run it: the program that was built, against a control socket over a made-up
 * fabric. What it prints is compared whole with the files in vsmctl-says, which are what a reader
 * of the manual sees; VSM_WRITE_GOLDEN=1 writes them anew. Exit codes are what scripts see.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/macros.h"
#include "ctl/control.h"
#include "sm/vf.h"
#include "ctl/dumper.h"
#include "ctl/place.h"
#include "tests/unit/fake-sm.h"
#include "tests/unit/loop-poll.h"

#define OUTPUT_SIZE   (1 << 20)
#define ARGS_MAX      12
#define FEED_PATIENCE 1500 /* rounds of 20 ms */

struct fixture {
	struct loop *loop;
	struct fake *fake;
	struct sm *sm;
	struct control *control;
	char folder[64];
	char path[108];
	char program[256];
	int reload_result;
	struct dump_failure failure; /* error 0: none */
	const char *store_trouble;   /* NULL: none */
	unsigned feed;               /* events to happen while vsmctl runs, then it is stopped */
	unsigned fed, fed_late;      /* so many have, and it was waited for so often */
	int change_error;            /* what comes of a change of partitions */
	unsigned apply_after;        /* so many rounds the devices have it; 0: never */
	char out[OUTPUT_SIZE];       /* what it wrote */
	char err[OUTPUT_SIZE];
};

static int reload(void *user, char ret_text[static CONTROL_TEXT_SIZE],
		  const struct reload_teller *teller)
{
	struct fixture *f = user;

	strcpy(ret_text, f->reload_result ? "vsm.conf:7: sweep.swep: no such option"
					  : "The configuration is as it was.");

	if (f->reload_result == 0) {
		teller->change(teller->user,
			       &(struct conf_change){ "sweep.interval", "10", "20", false });
		teller->change(teller->user,
			       &(struct conf_change){ "port.device", "\"\"", "\"mlx5_1\"", true });
		teller->doubt(teller->user, "qos.enable is false: nothing of it is \033used");
	}

	return f->reload_result;
}

static uint64_t dumped(void *user)
{
	const struct fixture *f = user;

	return f->sm ? 12 : 0;
}

static bool dump_failed(void *user, struct dump_failure *ret)
{
	const struct fixture *f = user;

	*ret = f->failure;

	return f->failure.error != 0;
}

static const char *store_trouble(void *user)
{
	const struct fixture *f = user;

	return f->store_trouble;
}

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *build = getenv("top_builddir");
	struct control_setup setup;
	char why[256];

	assert_non_null(f);
	f->loop = loop_poll_new();
	f->fake = fake_new(f->loop);
	f->sm = f->fake->sm;
	strcpy(f->folder, "/tmp/test-vsmctl-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/s", f->folder);
	snprintf(f->program, sizeof(f->program), "%s/vsmctl", build ? build : ".");
	setup = (struct control_setup){ .sm = &f->sm,
					.trouble = "No RDMA device is there yet.",
					.reload = reload,
					.dumped = dumped,
					.dump_failed = dump_failed,
					.store_trouble = store_trouble,
					.user = f,
					.version = "1.2.3",
					.unix_at_zero = 1699900000 * LOOP_SEC };
	assert_int_equal(control_new(f->loop, f->path, &setup, why, &f->control), 0);
	*state = f;

	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	control_free(f->control);
	fake_free(f->fake);
	loop_poll_free(f->loop);
	assert_int_equal(rmdir(f->folder), 0);
	free(f);

	return 0;
}

/* -- running it ---------------------------------------------------------------------------------
 */

/* Its output goes to files, so that it never waits for us. */
static void be_program(const struct fixture *f, const char *program, const char *const *args,
		       const int *out)
{
	const char *argv[ARGS_MAX + 2] = { "vsmctl" };

	for (size_t i = 0; i < ARGS_MAX && args[i]; i++)
		argv[i + 1] = args[i];
	setenv("VSM_SOCKET", f->path, 1);
	dup2(out[0], STDOUT_FILENO);
	dup2(out[1], STDERR_FILENO);
	execv(program, (char *const *)(uintptr_t)argv);
	_exit(99);
}

static int make_file(void)
{
	char path[] = "/tmp/test-vsmctl-out-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);

	return fd;
}

static void read_file(int fd, char *text)
{
	ssize_t n = pread(fd, text, OUTPUT_SIZE - 1, 0);

	text[n > 0 ? n : 0] = 0;
	close(fd);
}

static unsigned count_lines(struct fixture *f, int out)
{
	ssize_t n = pread(out, f->out, sizeof(f->out), 0);
	unsigned lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += f->out[i] == '\n';

	return lines;
}

/* Each when it has told of those before, however slow it is; and the end when it has of all. */
static void feed_events(struct fixture *f, pid_t child, int out)
{
	if (f->feed == 0 || (count_lines(f, out) < f->fed && ++f->fed_late < FEED_PATIENCE))
		return;
	if (f->fed++ == f->feed) {
		f->feed = 0;
		kill(child, SIGTERM);
		return;
	}
	event_add(f->fake->events, EVENT_LINK_DOWN, 0x20, 2, 7, "the link went down");
	control_notify(f->control);
}

/* What the subnet manager does meanwhile. */
static void make_changes(struct fixture *f)
{
	if (f->fake->fn)
		fake_finish_change(f->fake, f->change_error, "the file says otherwise");
	else if (f->apply_after > 0 && --f->apply_after == 0)
		f->fake->status->generation = f->fake->status->applied = 13;
}

/* The exit code, 128 and more for a signal. */
static int run(struct fixture *f, const char *program, const char *const *args)
{
	int out[2] = { make_file(), make_file() };
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		be_program(f, program, args, out);
	while (waitpid(child, &status, WNOHANG) == 0)
		if (!loop_poll_step(f->loop, 20)) {
			feed_events(f, child, out[0]);
			make_changes(f);
		}
	read_file(out[0], f->out);
	read_file(out[1], f->err);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define ARGS(...)   ((const char *const[ARGS_MAX]){ __VA_ARGS__ })
#define RUN(f, ...) run(f, (f)->program, ARGS(__VA_ARGS__))

static void expect(struct fixture *f, int code, int expected, const char *part)
{
	if (code == expected && strstr(f->err, part))
		return;
	fail_msg("%d with \"%s\" was expected, not %d with \"%s\"", expected, part, code, f->err);
}

/* -- what people see ----------------------------------------------------------------------------
 */

static void golden_path(const char *name, char path[static 300])
{
	const char *srcdir = getenv("srcdir");

	snprintf(path, 300, "%s/tests/unit/vsmctl-says/%s", srcdir ? srcdir : ".", name);
}

static void compare_with_file(struct fixture *f, const char *name)
{
	AUTO(freep) char *wanted = calloc(1, OUTPUT_SIZE);
	const char *write = getenv("VSM_WRITE_GOLDEN");
	char path[300];
	int fd;

	golden_path(name, path);
	fd = open(path, write ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0644);
	if (fd < 0 || !wanted)
		fail_msg("%s: %s", path, strerror(errno));
	if (write) {
		assert_int_equal(pwrite(fd, f->out, strlen(f->out), 0), strlen(f->out));
		close(fd);
		return;
	}
	read_file(fd, wanted);
	if (strcmp(wanted, f->out) != 0)
		fail_msg("%s is not what was printed:\n%s", name, f->out);
}

#define GOLDEN(state, code, name, ...)                                                             \
	do {                                                                                       \
		struct fixture *f_ = *(state);                                                     \
		int code_ = RUN(f_, __VA_ARGS__);                                                  \
                                                                                                   \
		expect(f_, code_, code, "");                                                       \
		compare_with_file(f_, name);                                                       \
	} while (0)

static void status_is_a_summary(void **state)
{
	GOLDEN(state, 0, "status", "status");
	GOLDEN(state, 0, "status", NULL);
}

static void status_before_there_is_a_port_says_why(void **state)
{
	struct fixture *f = *state;

	f->sm = NULL;
	GOLDEN(state, 7, "status-no-port", "status");
}

static void status_while_nothing_is_answered_says_so(void **state)
{
	struct fixture *f = *state;

	fake_stand_still(f->fake);
	for (unsigned i = 0; i < 100; i++) {
		loop_poll_pass(f->loop, 100 * LOOP_MSEC);
		loop_poll_run(f->loop);
	}
	assert_int_equal(RUN(f, "status"), 7);
	f->out[strcspn(f->out, ";")] = 0;
	assert_string_equal(f->out,
			    "master: Nothing is answered, not even by our own device.\n"
			    "as last seen: generation 12 (applied 12), 9 nodes, 3 switches");
}

static void expect_line(struct fixture *f, const char *line)
{
	assert_int_equal(RUN(f, "status"), 0);
	if (!strstr(f->out, line))
		fail_msg("\"%s\" is missing in:\n%s", line, f->out);
}

static void status_says_what_became_of_dumps_that_could_not_be_written(void **state)
{
	struct fixture *f = *state;

	f->failure = (struct dump_failure){ .dir = "/dumps",
					    .file = "opensm.fdbs",
					    .error = -ENOSPC,
					    .again = loop_now(f->loop) + 42 * LOOP_SEC };
	expect_line(f, "\ndumps could not be written to /dumps/opensm.fdbs: No space left on "
		       "device; tried again in 42s, or when the fabric changes\n");
	f->failure.again = LOOP_SEC;
	expect_line(f, "; tried again as soon as this is master and at rest\n");
	f->failure.file = NULL;
	f->failure.again = 0;
	expect_line(f, "\ndumps could not be written to /dumps: No space left on device; this is "
		       "just being tried again\n");
}

static void status_says_why_the_store_is_not_written(void **state)
{
	struct fixture *f = *state;

	f->store_trouble = "Cannot write to vsm.db in /state: the disk is full";
	assert_int_equal(RUN(f, "status"), 7);
	if (!strstr(f->out, "\nCannot write to vsm.db in /state: the disk is full\n"))
		fail_msg("it is missing in:\n%s", f->out);
	f->store_trouble = NULL;
	expect_line(f, "master, generation 12");
	assert_null(strstr(f->out, "vsm.db"));
}

static void status_says_how_many_ports_have_problems(void **state)
{
	struct fixture *f = *state;
	uint32_t host1 = fabric_find_port(f->fake->fabric, 0x101);

	f->fake->fabric->ports[host1].reason = REASON_NO_ROUTE;
	expect_line(f, "; 10 ports active, 3 not, 1 more with problems: run vsmctl ports "
		       "--problems\n");
	f->fake->status->ports_not_active = 0;
	expect_line(f, "; all 10 ports active, 4 with problems: run vsmctl ports --problems\n");
}

static void forget_ports_with_problems(struct fabric *fabric)
{
	for (uint32_t i = 0; i < fabric->n_ports; i++)
		if (port_has_problem(fabric, i))
			fabric->ports[i] = (struct port){ .node = fabric->ports[i].node,
							  .number = fabric->ports[i].number,
							  .peer = NO_PORT };
}

/* "all" at the end of a line would be read with the next one, which begins with a number. */
static void status_says_that_all_ports_are_active(void **state)
{
	struct fixture *f = *state;

	forget_ports_with_problems(f->fake->fabric);
	f->fake->status->ports_not_active = 0;
	expect_line(f, "3 switches; all 10 ports active\n");
	f->fake->status->generation = 0;
	expect_line(f, "3 switches; 10 ports active, and that is not all yet\n");
}

/* As discovery leaves a port whose cable was pulled. */
static void make_absent(struct fake *fake, uint64_t guid)
{
	struct port *port = &fake->fabric->ports[fabric_find_port(fake->fabric, guid)];

	fake->fabric->nodes[port->node].present = false;
	fabric_disconnect(fake->fabric, fabric_find_port(fake->fabric, guid));
	port->present = port->known = false;
	fake->fabric->by_lid[port->lid] = NO_PORT;
	memset(port->info, 0, sizeof(port->info));
}

/* What is left may be all as it should be. */
static void status_says_that_nodes_are_gone(void **state)
{
	struct fixture *f = *state;

	make_absent(f->fake, 0x101);
	expect_line(f, "\n1 node is gone that was there before: vsmctl nodes\n");
	make_absent(f->fake, 0x201);
	expect_line(f, "\n2 nodes are gone that were there before: vsmctl nodes\n");
	GOLDEN(state, 0, "nodes-gone", "nodes", "host1");
}

static void status_counts_one_as_one(void **state)
{
	struct fixture *f = *state;

	f->fake->status->nodes = f->fake->status->switches = 1;
	expect_line(f, ", 1 node, 1 switch; ");
}

/* A standby gives none: LID 0 would be read as what the port has. */
static void status_of_a_standby_names_no_lid(void **state)
{
	struct fixture *f = *state;

	f->fake->status->state = SM_STANDBY;
	f->fake->fabric->ports[fabric_find_port(f->fake->fabric, 0x101)].lid = 0;
	expect_line(f, "\non host1 HCA-1/1, port GUID 0x0000000000000101\n");
}

static void lists_are_tables(void **state)
{
	GOLDEN(state, 0, "nodes", "nodes");
	GOLDEN(state, 0, "nodes-names", "nodes", "--names");
	GOLDEN(state, 0, "ports-leaf2", "ports", "leaf2");
	GOLDEN(state, 0, "links", "links");
	GOLDEN(state, 0, "vfs", "vfs");
}

static void problems_come_with_remedies_and_exit_code_7(void **state)
{
	GOLDEN(state, 7, "ports-problems", "ports", "--problems");
	GOLDEN(state, 7, "links-problems", "links", "--problems");
	GOLDEN(state, 0, "ports-no-problems", "ports", "--problems", "host1");
	GOLDEN(state, 0, "links-no-problems", "links", "host1", "--problems");
	GOLDEN(state, 0, "links-none", "links", "leaf1/0");
}

static void partitions_in_three_views(void **state)
{
	GOLDEN(state, 0, "partitions", "partitions");
	GOLDEN(state, 0, "partitions-blue", "partitions", "blue");
	GOLDEN(state, 0, "partitions-port", "partitions", "--port", "host1");
	fake_add_vfs(((struct fixture *)*state)->fake);
	GOLDEN(state, 0, "partitions-port-vf", "partitions", "--port", "host1/vf1");
}

static void partitions_are_changed_and_shown(void **state)
{
	struct fixture *f = *state;

	GOLDEN(state, 0, "partition-add", "partition", "add", "0x2", "0x201", "0xbeef", "--limited",
	       "--index0");
	assert_int_equal(f->fake->change.pkey, 2);
	assert_int_equal(f->fake->change.n_guids, 2);
	assert_int_equal(f->fake->change.membership, PARTITION_LIMITED);
	assert_true(f->fake->change.index0);
	assert_int_equal(RUN(f, "partition", "add", "--name", "green", "0x20"), 0);
	assert_string_equal(f->fake->change.name, "green");
	assert_int_equal(RUN(f, "partition", "add", "0x20", "--both", "0x101"), 0);
	assert_int_equal(f->fake->change.membership, PARTITION_BOTH);
	f->fake->unapplied = 0x201;
	GOLDEN(state, 0, "partition-show", "partition", "show");
	GOLDEN(state, 0, "partition-show-blue", "partition", "show", "blue");
	GOLDEN(state, 0, "partition-show-default", "partition", "show", "0x7fff");
	GOLDEN(state, 0, "partition-remove", "partition", "remove", "0x20");
	assert_true(f->fake->change.remove);
	assert_int_equal(f->fake->change.n_guids, 0);
	assert_int_equal(RUN(f, "partition", "remove", "0x2", "0xbeef"), 0);
	assert_int_equal(f->fake->change.n_guids, 1);
}

static void a_change_waits_for_the_devices_if_told_to(void **state)
{
	struct fixture *f = *state;

	f->apply_after = 3;
	GOLDEN(state, 0, "partition-add-wait", "partition", "add", "0x2", "0x201", "--wait");
	assert_int_equal(f->apply_after, 0);
	f->fake->status->generation = f->fake->status->applied = 12;
	f->apply_after = 3;
	f->fake->unapplied = 0x201;
	expect(f, RUN(f, "partition", "remove", "0x2", "0x201", "--wait"), 7,
	       "host2 HCA-1/1 (0x0000000000000201): The device refuses its P_Key table");
	assert_non_null(strstr(f->err, " See the status; update its firmware.\n"));
	f->fake->status->generation = f->fake->status->applied = 12;
	f->fake->unapplied = 0;
	expect(f, RUN(f, "partition", "add", "0x2", "0x201", "--wait", "-t", "1"), 8,
	       "the change is stored, and not applied yet");
}

static void a_change_that_is_refused_is_said(void **state)
{
	struct fixture *f = *state;

	f->change_error = -EPERM;
	expect(f, RUN(f, "partition", "remove", "0x2", "0x101", "--wait"), 1,
	       "the file says otherwise");
	expect(f, RUN(f, "partition", "add", "0x8002", "0x101"), 2, "membership bit");
	expect(f, RUN(f, "partition", "add", "0x22"), 2,
	       "there is nothing to add: give GUIDs, or a name");
	f->fake->status->state = SM_STANDBY;
	expect(f, RUN(f, "partition", "add", "0x2", "0x101"), 6, "not master");
}

static void routes_and_paths(void **state)
{
	GOLDEN(state, 0, "routes", "routes", "leaf1");
	GOLDEN(state, 0, "path", "path", "host3", "host1");
	GOLDEN(state, 0, "path-broken", "path", "host1", "host3");
}

static void a_path_ends_where_a_neighbor_is_missing(void **state)
{
	struct fixture *f = *state;
	uint32_t here = fabric_find_port(f->fake->fabric, 0x101);
	struct port *out = &f->fake->fabric->ports[f->fake->fabric->ports[here].peer];

	f->fake->fabric->ports[here].peer = out->peer = NO_PORT;
	out->reason = REASON_NEIGHBOR_SILENT;
	GOLDEN(state, 0, "path-silent", "path", "host3", "host1");
	memset(out->info, 0, sizeof(out->info));
	out->reason = REASON_NO_LINK;
	GOLDEN(state, 0, "path-unplugged", "path", "host3", "host1");
}

static void explain_is_prose(void **state)
{
	GOLDEN(state, 0, "explain-host4", "explain", "host4");
	GOLDEN(state, 0, "explain-host1", "explain", "0x0000000000000101");
	GOLDEN(state, 0, "explain-leaf2", "explain", "leaf2");
	GOLDEN(state, 0, "explain-port", "explain", "leaf2/1");
}

/* Wherever lines are broken. */
static void expect_explained(struct fixture *f, const char *what, const char *part)
{
	expect(f, RUN(f, "explain", what), 0, "");
	for (char *c = f->out; *c; c++)
		if (*c == '\n')
			*c = ' ';
	if (!strstr(f->out, part))
		fail_msg("not in the output: %s\n%s", part, f->out);
}

/* Who has the cable in the hand asks where to put it. */
static void explain_says_where_who_is_gone_was_last(void **state)
{
	struct fixture *f = *state;
	struct fabric *fabric = f->fake->fabric;
	struct port *near = &fabric->ports[fabric->ports[fabric_find_port(fabric, 0x101)].peer];

	make_absent(f->fake, 0x101);
	near->reason = REASON_NO_LINK;
	GOLDEN(state, 0, "explain-gone", "explain", "host1");
	GOLDEN(state, 0, "explain-gone", "explain", "0x0000000000000100");
	GOLDEN(state, 0, "explain-gone", "explain", "0x0000000000000101");
	GOLDEN(state, 0, "explain-gone", "explain", "4");
	near->reason = REASON_NEIGHBOR_SILENT;
	GOLDEN(state, 0, "explain-gone-silent", "explain", "host1");
	GOLDEN(state, 0, "explain-port-left", "explain", "leaf1/1");
}

static void explain_says_who_is_where_who_is_gone_was(void **state)
{
	struct fixture *f = *state;
	struct fabric *fabric = f->fake->fabric;
	uint32_t near = fabric->ports[fabric_find_port(fabric, 0x101)].peer;

	make_absent(f->fake, 0x101);
	fabric_connect(fabric, near, fabric_find_port(fabric, 0x501));
	expect_explained(f, "host1", "switch leaf1, port 1, where twin/1 is now.");
}

static void explain_says_where_a_switch_that_is_gone_was(void **state)
{
	struct fixture *f = *state;
	struct fabric *fabric = f->fake->fabric;
	uint32_t leaf = fabric_find_node(fabric, 0x30);

	for (unsigned i = 1; i <= fabric->nodes[leaf].n_ports; i++)
		fabric_disconnect(fabric, port_at(&fabric->nodes[leaf], i));
	make_absent(f->fake, 0x30);
	expect_explained(f, "leaf2", "switch MF0;spine:MSB7700/U1, port 2.");
}

static void explain_of_a_quarantine_says_when_it_ends(void **state)
{
	struct fixture *f = *state;
	struct port *port = &f->fake->fabric->ports[fabric_find_port(f->fake->fabric, 0x401)];

	port->reason = REASON_QUARANTINED;
	port->times_held = 2;
	port->held_until = loop_now(f->loop) + 330 * LOOP_SEC;
	expect(f, RUN(f, "explain", "host4"), 0, "");
	if (!strstr(f->out, "vsm has tried the\nlink 2 times; it tries again in 5m."))
		fail_msg("%s", f->out);
}

static void virtual_functions_are_a_table_with_reasons(void **state)
{
	struct fixture *f = *state;

	fake_add_vfs(f->fake);
	GOLDEN(state, 0, "vfs-all", "vfs");
	GOLDEN(state, 7, "vfs-not-active", "vfs", "--not-active");
	GOLDEN(state, 0, "vfs-of-host2", "vfs", "host2");
	GOLDEN(state, 0, "vfs-none-not-active", "vfs", "--not-active", "host1/1/vf1");
	GOLDEN(state, 0, "vfs-none-of-host3", "vfs", "host3");
	GOLDEN(state, 0, "status-vfs", "status");
}

static void groups_are_a_table_and_so_are_their_members(void **state)
{
	struct fixture *f = *state;

	GOLDEN(state, 0, "groups-none", "groups");
	fake_add_groups(f->fake);
	GOLDEN(state, 0, "groups", "groups");
	GOLDEN(state, 0, "groups-of-host1", "groups", "host1");
	GOLDEN(state, 0, "groups-of-host4", "groups", "host4");
	GOLDEN(state, 0, "group-show", "group", "show", "ff12:401b:ffff::ffff:ffff");
	GOLDEN(state, 0, "explain-groups", "explain", "host1");
	expect(f, RUN(f, "group", "show", "0xc001"), 0, "");
	expect(f, RUN(f, "group", "show", "0xc009"), 4, "no multicast group has LID 0xc009");
	expect(f, RUN(f, "group", "show", "ff12::1"), 4, "there is no multicast group \"ff12::1\"");
	expect(f, RUN(f, "group", "show", "0xbad"), 2, "\"0xbad\" is no MGID");
	expect(f, RUN(f, "group", "show", "host1"), 2, "\"host1\" is no MGID");
}

static void what_hosts_registered_is_a_table(void **state)
{
	struct fixture *f = *state;

	GOLDEN(state, 0, "services-none", "services");
	GOLDEN(state, 0, "subscriptions-none", "subscriptions");
	fake_add_registrations(f->fake);
	GOLDEN(state, 0, "services", "services");
	GOLDEN(state, 0, "subscriptions", "subscriptions");
}

static void a_virtual_function_is_explained_with_what_to_type(void **state)
{
	struct fixture *f = *state;
	struct port *port;

	fake_add_vfs(f->fake);
	GOLDEN(state, 0, "explain-vf-active", "explain", "0x1200010000000101");
	GOLDEN(state, 0, "explain-vf-no-guid", "explain", "host1/vf3");
	GOLDEN(state, 0, "explain-vf-duplicate", "explain", "host1/1/vf4");
	GOLDEN(state, 0, "explain-vf-refused", "explain", "0x1200060000000101");
	GOLDEN(state, 0, "explain-vf-shared", "explain", "0x1400010000000201");
	GOLDEN(state, 0, "explain-vf-vswitch", "explain", "guest1");
	GOLDEN(state, 0, "explain-vf-nameless", "explain", "guesthost HCA-1/vf2");
	GOLDEN(state, 0, "explain-pf", "explain", "host1");
	port = &f->fake->fabric->ports[fabric_find_port(f->fake->fabric, 0x101)];
	port->vfs->info_fault.reason = REASON_VF_UNKNOWN_REVISION;
	GOLDEN(state, 0, "explain-pf-revision", "explain", "host1");
}

static void explain_says_how_many_there_may_be_and_by_which_rule(void **state)
{
	struct fixture *f = *state;
	struct vf_policies *policies = &f->fake->conf->virtual_functions;

	fake_add_vfs(f->fake);
	vf_at(f->fake->fabric, fabric_find_port(f->fake->fabric, 0x101), 6)->reason =
		REASON_VF_TOO_MANY;
	expect_explained(f, "host1/vf6", "It has room for 16.");
	policies->n = 1;
	vf_policy_init(&policies->policy[0]);
	policies->policy[0].max = 5;
	expect_explained(f, "host1/vf6",
			 "At most 5 are allowed there: max in entry 1 of virtual_functions.");
	strcpy(policies->policy[0].ports, "host*");
	GOLDEN(state, 0, "explain-vf-too-many", "explain", "host1/vf6");
}

static void a_path_may_begin_and_end_at_virtual_functions(void **state)
{
	struct fixture *f = *state;

	fake_add_vfs(f->fake);
	fake_route(f->fake, 0x30, 20, 7);
	fake_route(f->fake, 0x10, 20, 1);
	fake_route(f->fake, 0x20, 20, 1);
	GOLDEN(state, 0, "path-vfs", "path", "0x1200020000000101", "0x1200010000000101");
	GOLDEN(state, 0, "path-vf", "path", "host2", "vm1");
	GOLDEN(state, 0, "path-vf-by-lid", "path", "host3", "20");
}

static void events_are_lines(void **state)
{
	struct fixture *f = *state;

	event_add(f->fake->events, EVENT_SWEEP, 0, 0, -1, "sweep 1 began");
	event_add(f->fake->events, EVENT_LINK_UP, 0x20, 2, 7, "the link came up");
	event_log_set_cause(f->fake->events, 1);
	event_add(f->fake->events, EVENT_NODE_DOWN, 0x999, 0, -1, "the node has gone");
	GOLDEN(state, 0, "events", "events");
	GOLDEN(state, 0, "events-last", "events", "--last", "1");
	GOLDEN(state, 0, "events-last", "events", "--from", "3");
	GOLDEN(state, 0, "events-none", "events", "--from", "99");
}

static void stats_tell_of_phases_traps_and_the_last_change(void **state)
{
	static const char *const lines[] = {
		"the last change was reconcile 3, after event 2: 40 SMPs, 6 Sets, 4 LFT blocks; "
		"12.345 ms until the last Set was acknowledged\n",
		"discover    1.500       9.000\n",
		"257     1000\n",
		"impossible, of_nobody       5\n",
		"       4  host1 HCA-1   1000\n",
		"     900  -                5\n",
		"the longest step took 0.000 ms\n",
	};
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "stats"), 0);
	for (size_t i = 0; i < COUNT(lines); i++)
		if (!strstr(f->out, lines[i]))
			fail_msg("not in the output: %s\n%s", lines[i], f->out);
}

static void orders_are_confirmed(void **state)
{
	struct fixture *f = *state;

	GOLDEN(state, 0, "sweep", "sweep");
	GOLDEN(state, 0, "sweep-full", "sweep", "--full");
	GOLDEN(state, 0, "reload", "reload");
	assert_int_equal(f->fake->sweeps, 1);
	assert_int_equal(f->fake->full_sweeps, 1);
}

static void reservations_are_made_shown_and_taken_back(void **state)
{
	struct fixture *f = *state;

	GOLDEN(state, 0, "vf-show-none", "vf", "show");
	GOLDEN(state, 0, "vf-add", "vf", "add", "0x0200000000000001", "--lid", "50", "--place",
	       "0x101", "--place", "0x201", "--name", "vm 1");
	GOLDEN(state, 0, "vf-add-any", "vf", "add", "02:00:00:00:00:00:00:02");
	GOLDEN(state, 0, "vf-add-there", "vf", "add", "0x301");
	fake_add_vfs(f->fake);
	RUN(f, "vf", "add", "0x1200020000000101");
	GOLDEN(state, 0, "vf-show", "vf", "show");
	RUN(f, "vf", "show", "--names");
	assert_string_equal(f->out, "vm 1\n");
	/* Of another LID than the one that it has. */
	GOLDEN(state, 0, "vf-add-other", "vf", "add", "0x1200020000000101", "--lid", "0x4d");
	GOLDEN(state, 0, "vf-show-other", "vf", "show", "0x1200020000000101");
	RUN(f, "vf", "add", "0x1200020000000101");
	GOLDEN(state, 0, "vf-show-one", "vf", "show", "0x0200000000000001");
	GOLDEN(state, 0, "vf-move", "vf", "move", "0x1200020000000101", "0x301");
	GOLDEN(state, 0, "vf-show-moving", "vf", "show", "0x1200020000000101");
	GOLDEN(state, 0, "explain-moving", "explain", "0x1200020000000101");
	GOLDEN(state, 0, "vf-move-cancel", "vf", "move", "0x1200020000000101", "--cancel");
	GOLDEN(state, 0, "vf-remove", "vf", "remove", "0x0200000000000001");
	RUN(f, "vf", "show", "0x0200000000000001");
	assert_string_equal(f->out, "Nothing is reserved for that GUID.\n");
}

static void what_has_a_name_is_called_so(void **state)
{
	struct fixture *f = *state;

	fake_add_vfs(f->fake);
	RUN(f, "vf", "add", "0x0200000000000001", "--lid", "50", "--name", "vm 1");
	RUN(f, "vf", "add", "0x1200020000000101", "--place", "0x101", "--name", "vm 2");
	GOLDEN(state, 0, "explain-away", "explain", "vm 1");
	GOLDEN(state, 0, "vfs-named", "vfs", "vm 2");
	GOLDEN(state, 0, "explain-named", "explain", "vm 2");
	RUN(f, "vf", "move", "vm 1", "0x301");
	GOLDEN(state, 0, "explain-away-moving", "explain", "02:00:00:00:00:00:00:01");
	expect(f, RUN(f, "path", "host1", "vm 1"), 4,
	       "0x0200000000000001, which is reserved for vm 1");
	expect(f, RUN(f, "vf", "add", "0x0200000000000001", "--name", "vm 2"), 1,
	       "0x1200020000000101 has the name \"vm 2\" already");
	RUN(f, "vf", "remove", "vm 1");
	expect(f, RUN(f, "vf", "remove", "vm 1"), 4, "nothing is reserved with that name");
	RUN(f, "vf", "remove", "vm 2");
	assert_string_equal(f->out, "Nothing is reserved for 0x1200020000000101 now.\n");
}

static void wrong_words_about_reservations_are_refused(void **state)
{
	struct fixture *f = *state;

	expect(f, RUN(f, "vf", "add"), 2, "usage: vsmctl vf add GUID");
	expect(f, RUN(f, "vf"), 2, "\"vf\" is half a verb: vf add, vf move, vf remove, vf show");
	expect(f, RUN(f, "vf", "ad", "0x0200000000000001"), 2, "\"vf\" is half a verb");
	expect(f, RUN(f, "v"), 2, "there is no verb \"v\"");
	expect(f, RUN(f, ""), 2, "there is no verb \"\"");
	expect(f, RUN(f, "vf add", "0x0200000000000001", "5"), 2, "usage: vsmctl vf add GUID");
	expect(f, RUN(f, "vf", "show", "--lid", "5"), 2, "vf show has no option --lid");
	expect(f, RUN(f, "vf", "move"), 2, "usage: vsmctl vf move GUID|NAME");
	expect(f, RUN(f, "vf", "move", "0x0200000000000001"), 2,
	       "say where to (PORT), or --cancel, and not both");
	expect(f, RUN(f, "vf", "add", "0x0200000000000001", "--lid", "x"), 2,
	       "--lid: x is not a number");
	expect(f, RUN(f, "vf", "add", "0x0200000000000001", "--lid", "0x"), 2,
	       "--lid: 0x is not a number");
	expect(f, RUN(f, "vf", "add", "0x0200000000000001", "--place", "\xff"), 2,
	       "--place: \xff is not UTF-8");
	expect(f, RUN(f, "vf", "add", "0x0200000000000001", "--lid", "5"), 1, "LID 5 belongs to");
	expect(f, RUN(f, "vf", "add", "leaf1"), 2, "\"leaf1\" is not a GUID");
	f->fake->status->state = SM_STANDBY;
	expect(f, RUN(f, "vf", "remove", "0x0200000000000001"), 6, "not master");
}

static void following_goes_on_until_it_is_stopped(void **state)
{
	struct fixture *f = *state;
	int code;

	f->feed = 3;
	code = RUN(f, "events", "--follow");
	assert_int_equal(code, 128 + SIGTERM);
	compare_with_file(f, "events-follow");
}

static void there_is_no_colour_but_on_a_terminal(void **state)
{
	struct fixture *f = *state;

	RUN(f, "ports");
	assert_null(strchr(f->out, '\033'));
}

/* -- what programs see --------------------------------------------------------------------------
 */

static void json_is_one_object_with_its_schema(void **state)
{
	static const char *const verbs[] = { "status", "nodes",    "ports",         "links",
					     "vfs",    "services", "subscriptions", "events",
					     "stats",  "version" };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(verbs); i++) {
		json_t *json;
		char schema[64];

		assert_int_equal(RUN(f, "--json", verbs[i]), 0);
		snprintf(schema, sizeof(schema), "vsm.%s.v1", verbs[i]);
		json = json_loads(f->out, 0, NULL);
		assert_non_null(json);
		assert_string_equal(json_string_value(json_object_get(json, "schema")), schema);
		json_decref(json);
	}
}

static void json_has_both_versions(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	assert_int_equal(RUN(f, "--json", "version"), 0);
	json = json_loads(f->out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "version")), "1.2.3");
	assert_string_equal(json_string_value(json_object_get(json, "vsmctl")), PACKAGE_VERSION);
	json_decref(json);
}

static void json_has_all_pages_as_one_list(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	fake_grow(f->fake, 1100);
	assert_int_equal(RUN(f, "nodes", "--json"), 0);
	json = json_loads(f->out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "nodes")), 1109);
	assert_null(json_object_get(json, "next"));
	json_decref(json);
}

/* -- what scripts see ---------------------------------------------------------------------------
 */

static void wrong_usage_is_2(void **state)
{
	struct fixture *f = *state;

	expect(f, RUN(f, "frobnicate"), 2, "no verb \"frobnicate\"");
	expect(f, RUN(f, "--frobnicate"), 2, "--frobnicate");
	expect(f, RUN(f, "status", "now"), 2, "usage: vsmctl status");
	expect(f, RUN(f, "path", "host1"), 2, "usage: vsmctl path FROM TO");
	expect(f, RUN(f, "status", "--full"), 2, "status has no option --full");
	expect(f, RUN(f, "events", "--from", "x"), 2, "not a number");
	expect(f, RUN(f, "--timeout", "-1", "status"), 2, "not a number");
	expect(f, RUN(f, "explain", "\xff"), 2, "UTF-8");
	expect(f, RUN(f, "partitions", "blue", "--port", "host1"), 2, "not both");
	expect(f, RUN(f, "partition"), 2,
	       "\"partition\" is half a verb: partition add, partition remove, partition show");
	expect(f, RUN(f, "partition", "paint"), 2, "\"partition\" is half a verb");
	expect(f, RUN(f, "partition", "add"), 2, "usage: vsmctl partition add PKEY");
	expect(f, RUN(f, "partition", "show", "a", "b"), 2, "usage: vsmctl partition show");
	expect(f, RUN(f, "partition", "remove", "0x2", "--full"), 2, "no option --full");
	expect(f, RUN(f, "partition", "show", "--wait"), 2, "no option --wait");
	expect(f, RUN(f, "partition", "add", "0x2", "0x1", "--full", "--both"), 2, "either --full");
	expect(f, RUN(f, "partition", "add", "0x2", "\xff"), 2, "UTF-8");
}

static void no_daemon_is_3(void **state)
{
	struct fixture *f = *state;

	expect(f, RUN(f, "--socket", "/nonexistent/vsm.sock", "status"), 3, "not running");
}

static void not_found_is_4(void **state)
{
	struct fixture *f = *state;

	expect(f, RUN(f, "explain", "nobody"), 4, "nothing is called \"nobody\"");
	expect(f, RUN(f, "explain", "twin"), 4, "2 nodes are called \"twin\"");
	expect(f, RUN(f, "partitions", "green"), 4, "no partition \"green\"");
	expect(f, RUN(f, "groups", "0xc001"), 4, "vsmctl group show 0xc001");
	expect(f, RUN(f, "explain", "ff12:401b:ffff::1"), 4, "vsmctl group show ff12:401b:ffff::1");
	expect(f, RUN(f, "explain", "fe12::1"), 4, "nothing is called \"fe12::1\"");
}

static void denied_is_5(void **state)
{
	struct fixture *f = *state;
	int code;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(f->folder, 0755), 0);
	assert_int_equal(chmod(f->path, 0600), 0);
	/* The program may lie in a folder that others may not enter: they get it as a descriptor.
	 */
	int fd = open(f->program, O_RDONLY);
	int out[2] = { make_file(), make_file() };
	pid_t child = fork();

	if (child == 0) {
		const char *args[] = { "vsmctl", "--socket", f->path, "status", NULL };

		dup2(out[0], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		if (setgid(65534) == 0 && setuid(65534) == 0)
			fexecve(fd, (char *const *)(uintptr_t)args, environ);
		_exit(99);
	}
	while (waitpid(child, &code, WNOHANG) == 0)
		loop_poll_step(f->loop, 20);
	read_file(out[0], f->out);
	read_file(out[1], f->err);
	close(fd);
	expect(f, WEXITSTATUS(code), 5, "member of group vsm");
}

static void not_master_is_6(void **state)
{
	struct fixture *f = *state;

	f->fake->status->state = SM_STANDBY;
	f->fake->status->engine = NULL;
	expect(f, RUN(f, "sweep"), 6, "not master");
	expect(f, RUN(f, "path", "4", "5"), 6, "not master");
}

static void no_answer_in_time_is_8(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.64s/mute", f->folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	expect(f, RUN(f, "--timeout", "1", "--socket", address.sun_path, "status"), 8, "in time");
	unlink(address.sun_path);
	close(fd);
}

static void a_refused_reload_is_1(void **state)
{
	struct fixture *f = *state;

	f->reload_result = -EINVAL;
	expect(f, RUN(f, "reload"), 1, "vsm.conf:7: sweep.swep: no such option");
}

/* -- strangers ----------------------------------------------------------------------------------
 */

/* What sits on the socket instead of vsm: page @n is what it answers to the n-th request. */
struct stranger {
	const char *page;
	bool chatters; /* and says it over and over, whatever is asked */
};

static void be_stranger(int fd, const struct stranger *who)
{
	char request[4096], line[1024];
	int peer = accept(fd, NULL, NULL);

	for (int n = 1; who->chatters || recv(peer, request, sizeof(request), 0) > 0; n++) {
		const char *at = strstr(who->page, "%d");

		if (at)
			snprintf(line, sizeof(line), "%.*s%d%s\n", (int)(at - who->page), who->page,
				 n, at + 2);
		if (at && send(peer, line, strlen(line), MSG_NOSIGNAL) < 0)
			break;
		if (!at && (send(peer, who->page, strlen(who->page), MSG_NOSIGNAL) < 0 ||
			    send(peer, "\n", 1, MSG_NOSIGNAL) < 0))
			break;
	}
	_exit(0);
}

static int run_against(struct fixture *f, const struct stranger *who, const char *const *args)
{
	const char *all[ARGS_MAX] = { "--socket", NULL, "--timeout", "1" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code;
	pid_t child;

	for (size_t i = 0; i + 4 < ARGS_MAX; i++)
		all[4 + i] = args[i];
	snprintf(address.sun_path, sizeof(address.sun_path), "%.64s/other", f->folder);
	all[1] = address.sun_path;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	child = fork();
	if (child == 0)
		be_stranger(fd, who);
	close(fd);
	code = run(f, f->program, all);
	kill(child, SIGKILL); /* nobody came if there is no vsmctl to run */
	assert_int_equal(waitpid(child, NULL, 0), child);
	unlink(address.sun_path);

	return code;
}

#define ANSWER(result) "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":" result "}"

static void a_daemon_that_is_none_is_1(void **state)
{
	static const struct {
		struct stranger who;
		int code;
		const char *part;
	} cases[] = {
		{ { "220 ready", false }, 1, "not vsm" },
		{ { "[]", false }, 1, "not vsm" },
		{ { ANSWER("null"), false }, 1, "no answer to \"nodes\"" },
		{ { ANSWER("{}"), false }, 1, "no answer to \"nodes\"" },
		{ { ANSWER("{\"schema\":\"vsm.ports.v1\"}"), false }, 1, "no answer to \"nodes\"" },
		{ { ANSWER("{\"schema\":\"vsm.nodes.v1\"}"), false }, 1, "list is missing" },
		{ { ANSWER("{\"schema\":\"vsm.nodes.v1\",\"nodes\":[1],\"next\":7}"), false },
		  1,
		  "list goes round" },
		{ { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"schema\":\"vsm.nodes.v1\","
		    "\"nodes\":[1],\"next\":%d}}",
		    false },
		  8,
		  "in time" },
		{ { "{\"method\":\"event\",\"params\":{}}", true }, 8, "in time" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(cases); i++)
		expect(f, run_against(f, &cases[i].who, ARGS("nodes")), cases[i].code,
		       cases[i].part);
}

static void a_status_without_its_members_is_1(void **state)
{
	static const struct stranger who = {
		ANSWER("{\"schema\":\"vsm.status.v1\",\"state\":\"master\"}"), false
	};
	struct fixture *f = *state;

	expect(f, run_against(f, &who, ARGS("status")), 1, "no \"generation\"");
	assert_string_equal(f->out, "");
}

/* ESC, BEL, CR, a line feed, DEL, and CSI as one character. */
#define POISON "\033]0;x\a\r\n\177\302\2331m\303\274"

static void poison(json_t *json, bool nulls);

static json_t *poisoned(json_t *value, bool nulls)
{
	if (json_is_string(value) || (nulls && json_is_null(value)))
		return json_string(POISON);
	poison(value, nulls);

	return json_incref(value);
}

static void poison(json_t *json, bool nulls)
{
	const char *key;
	json_t *value;
	void *next;
	size_t i;

	json_array_foreach(json, i, value) json_array_set_new(json, i, poisoned(value, nulls));
	json_object_foreach_safe(json, next, key, value)
	{
		if (strcmp(key, "schema") != 0)
			json_object_set_new(json, key, poisoned(value, nulls));
	}
	if (json_is_object(json))
		json_object_set_new(json, POISON, json_integer(1));
}

static void assert_harmless(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if ((*c < 0x20 && *c != '\n') || *c == 0x7f ||
		    (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0))
			fail_msg("a control character in: %s", text);
}

/* What the daemon really answers, with every text in it replaced. */
static char *make_poisoned_answer(struct fixture *f, const char *const *args, bool nulls)
{
	const char *json_args[ARGS_MAX] = { "--json" };
	json_t *answer;
	char *line;

	for (size_t i = 0; i + 1 < ARGS_MAX; i++)
		json_args[i + 1] = args[i];
	assert_int_equal(run(f, f->program, json_args), 0);
	answer = json_pack("{s:o}", "result", json_loads(f->out, 0, NULL));
	assert_non_null(answer);
	poison(json_object_get(answer, "result"), nulls);
	line = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);

	return line;
}

static void nothing_that_steers_a_terminal_is_shown(void **state)
{
	static const char *const calls[][4] = {
		{ "status" },
		{ "nodes" },
		{ "nodes", "--names" },
		{ "vf", "show", "--names" },
		{ "ports" },
		{ "links" },
		{ "vfs" },
		{ "partitions" },
		{ "partitions", "blue" },
		{ "partitions", "--port", "host1" },
		{ "routes", "leaf1" },
		{ "path", "host1", "host4" },
		{ "path", "host1", "host2" },
		{ "services" },
		{ "subscriptions" },
		{ "events" },
		{ "explain", "host4" },
		{ "explain", "leaf2" },
		{ "sweep" },
		{ "reload" },
		{ "stats" },
		{ "version" },
	};
	struct fixture *f = *state;

	event_add(f->fake->events, EVENT_LINK_UP, 0x20, 2, 7, "the link came up");
	for (size_t i = 0; i < 2 * COUNT(calls); i++) {
		const char *args[ARGS_MAX] = { NULL };
		AUTO(freep) char *line = NULL;
		struct stranger who;

		memcpy(args, calls[i / 2], sizeof(calls[0]));
		line = make_poisoned_answer(f, args, i % 2);
		who = (struct stranger){ line, false };
		expect(f, run_against(f, &who, args), i == 1 ? 7 : 0, "");
		assert_harmless(f->out);
		assert_harmless(f->err);
	}
}

static void no_error_steers_a_terminal(void **state)
{
	static const struct stranger refuses = {
		"{\"error\":{\"code\":-32000,\"message\":\"a\\u001b[31m\\u009b1mb\\rc\"}}", false
	};
	static const struct stranger babbles = { "\033[31m\a", false };
	struct fixture *f = *state;

	expect(f, run_against(f, &refuses, ARGS("reload")), 1, "vsmctl: a?[31m?1mb?c\n");
	expect(f, run_against(f, &babbles, ARGS("reload")), 1, "not vsm");
	assert_harmless(f->err);
}

static void what_cannot_be_written_is_1(void **state)
{
	static const char *const redirections[] = { ">/dev/full", ">&-", ">&- <&-" };
	static const char *const words[] = { "status", "--json ports", "--help", "--version" };
	struct fixture *f = *state;
	char command[1024];

	for (size_t i = 0; i < COUNT(redirections); i++)
		for (size_t k = 0; k < COUNT(words); k++) {
			snprintf(command, sizeof(command), "exec %s %s %s", f->program, words[k],
				 redirections[i]);
			expect(f, run(f, "/bin/sh", ARGS("-c", command)), 1, "cannot write");
		}
}

static void help_names_every_verb_and_exit_code(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "--help"), 0);
	assert_non_null(strstr(f->out, "explain WHAT"));
	assert_non_null(strstr(f->out, "8 no answer in time"));
	assert_int_equal(RUN(f, "--version"), 0);
	assert_non_null(strstr(f->out, "vsmctl "));
}

static void help_with_a_verb_is_about_that(void **state)
{
	struct fixture *f = *state;

	GOLDEN(state, 0, "help-explain", "explain", "--help");
	GOLDEN(state, 0, "help-vf", "vf", "--help");
	assert_int_equal(RUN(f, "--help", "partition", "add", "0x21", "--wait"), 0);
	assert_non_null(strstr(f->out, "  vsmctl partition add PKEY"));
	assert_null(strstr(f->out, "partition remove"));
	expect(f, RUN(f, "frobnicate", "--help"), 2, "no verb \"frobnicate\"");
}

/* clang-format off */
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_is_a_summary),
		TEST(status_before_there_is_a_port_says_why),
		TEST(status_while_nothing_is_answered_says_so),
		TEST(status_says_what_became_of_dumps_that_could_not_be_written),
		TEST(status_says_why_the_store_is_not_written),
		TEST(status_says_how_many_ports_have_problems),
		TEST(status_says_that_all_ports_are_active),
		TEST(status_says_that_nodes_are_gone),
		TEST(status_counts_one_as_one),
		TEST(status_of_a_standby_names_no_lid),
		TEST(lists_are_tables),
		TEST(problems_come_with_remedies_and_exit_code_7),
		TEST(partitions_in_three_views),
		TEST(partitions_are_changed_and_shown),
		TEST(a_change_waits_for_the_devices_if_told_to),
		TEST(a_change_that_is_refused_is_said),
		TEST(routes_and_paths),
		TEST(a_path_ends_where_a_neighbor_is_missing),
		TEST(explain_is_prose),
		TEST(explain_says_where_who_is_gone_was_last),
		TEST(explain_says_who_is_where_who_is_gone_was),
		TEST(explain_says_where_a_switch_that_is_gone_was),
		TEST(explain_of_a_quarantine_says_when_it_ends),
		TEST(virtual_functions_are_a_table_with_reasons),
		TEST(groups_are_a_table_and_so_are_their_members),
		TEST(what_hosts_registered_is_a_table),
		TEST(a_virtual_function_is_explained_with_what_to_type),
		TEST(explain_says_how_many_there_may_be_and_by_which_rule),
		TEST(a_path_may_begin_and_end_at_virtual_functions),
		TEST(events_are_lines),
		TEST(stats_tell_of_phases_traps_and_the_last_change),
		TEST(orders_are_confirmed),
		TEST(reservations_are_made_shown_and_taken_back),
		TEST(what_has_a_name_is_called_so),
		TEST(wrong_words_about_reservations_are_refused),
		TEST(following_goes_on_until_it_is_stopped),
		TEST(there_is_no_colour_but_on_a_terminal),
		TEST(json_is_one_object_with_its_schema),
		TEST(json_has_both_versions),
		TEST(json_has_all_pages_as_one_list),
		TEST(wrong_usage_is_2),
		TEST(no_daemon_is_3),
		TEST(not_found_is_4),
		TEST(denied_is_5),
		TEST(not_master_is_6),
		TEST(no_answer_in_time_is_8),
		TEST(a_refused_reload_is_1),
		TEST(a_daemon_that_is_none_is_1),
		TEST(a_status_without_its_members_is_1),
		TEST(nothing_that_steers_a_terminal_is_shown),
		TEST(no_error_steers_a_terminal),
		TEST(what_cannot_be_written_is_1),
		TEST(help_names_every_verb_and_exit_code),
		TEST(help_with_a_verb_is_about_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
