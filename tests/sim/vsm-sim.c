/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * vsm-sim: the simulated fabric as a program (doc/vsm-sim.1). Options, the parts in their order,
 * and the loop; all else is in the library.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "systemd/loop.h"
#include "tests/sim/console-extra.h"
#include "tests/sim/faults.h"
#include "tests/sim/net-file.h"
#include "tests/sim/server.h"
#include "tests/sim/session.h"
#include "tests/sim/stream-server.h"

enum {
	EXIT_USAGE = 2,
	EXIT_REFUSED = 3,
	OPT_SEED = 256,
	OPT_TRAIN_TIME,
	OPT_SERVICE_TIME,
	OPT_PORT_STATES,
	OPT_TELL,
	OPT_VERSION,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "console", required_argument, NULL, 'C' },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "train-time", required_argument, NULL, OPT_TRAIN_TIME },
	{ "service-time", required_argument, NULL, OPT_SERVICE_TIME },
	{ "port-states", no_argument, NULL, OPT_PORT_STATES },
	{ "tell", required_argument, NULL, OPT_TELL },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static const char help[] =
	"Usage: vsm-sim [OPTION]... FILE\n"
	"       vsm-sim [-C PATH] --tell COMMAND\n"
	"Simulate the InfiniBand fabric that FILE tells of, for programs that use libibumad.\n"
	"\n"
	"  -n                    no console on the standard input\n"
	"  -C, --console PATH    socket of the console (default: abstract, NAME:console)\n"
	"  -r                    serve clients on other machines (UDP and TCP), not those here\n"
	"  -l PORT               first port for them (default 7070)\n"
	"  -f FILE               write what is said and logged to FILE\n"
	"  -v                    say more; twice: still more\n"
	"  -I                    GUIDs may be there twice\n"
	"  -L N, -M N            capacity of linear and multicast forwarding tables\n"
	"      --seed N          of all that is random (default 1)\n"
	"      --train-time MS   how long links take to come up (default 0)\n"
	"      --service-time US how long the agent of a device takes for an SMP (default 0)\n"
	"      --port-states     switches have a SwitchPortStateTable\n"
	"      --tell COMMAND    to the console of the simulator that runs, and print what it "
	"says\n"
	"      --version         print the version\n"
	"      --help            print this help\n"
	"\n"
	"-s, -d, -p, -N, -S and -P are taken as ibsim's, and do nothing. IBSIM_SOCKNAME in the\n"
	"environment is the NAME of the sockets (default \"sim\").\n"
	"Exit status: 0 told to quit, 1 failed, 2 usage or net file. With --tell: 0 done, 1 no\n"
	"simulator is there, 2 usage, 3 the command is unknown, refused, or came to nothing.\n";

struct options {
	const char *file;
	const char *output;
	const char *tell;
	struct sim_net_options net;
	struct sim_server_options server;
	struct sessions_options console;
	unsigned verbose;
	uint64_t seed;
	uint64_t train_time;
	uint64_t service_time;
	bool port_states;
};

/* What is made, in this order. */
struct program {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_net net;
	struct guests guests;
	struct sim_server *server;
	struct stream_server *streams;
	struct console console;
	struct sessions *sessions;
};

static bool to_number(const char *text, uint64_t most, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	return !errno && end != text && !*end && *text != '-' && *ret <= most;
}

static int usage(const char *what)
{
	fprintf(stderr, "vsm-sim: %s; see vsm-sim --help\n", what);
	return EXIT_USAGE;
}

/* -1 to go on, or an exit code. */
static int take(int option, struct options *ret)
{
	uint64_t value = 0;

	switch (option) {
	case 's': /* ibsim's, which have nothing to say here */
	case 'd':
	case 'p':
	case 'N':
	case 'S':
	case 'P':
		return -1;
	case 'n':
		ret->console.use_stdin = false;
		return -1;
	case 'r':
		ret->server.remote = true;
		return -1;
	case 'I':
		ret->net.ignore_duplicates = true;
		return -1;
	case 'v':
		ret->verbose++;
		return -1;
	case 'f':
		ret->output = optarg;
		return -1;
	case 'C':
		ret->console.path = optarg;
		return -1;
	case 'l':
		if (!to_number(optarg, 65000, &value) || !value)
			return usage("-l wants a port, 1 to 65000");
		ret->server.port = (uint16_t)value;
		return -1;
	case 'L':
		if (!to_number(optarg, 49152, &value) || !value)
			return usage("-L wants 1 to 49152");
		ret->net.lft_cap = (uint16_t)value;
		return -1;
	case 'M':
		if (!to_number(optarg, 16384, &value) || !value)
			return usage("-M wants 1 to 16384");
		ret->net.mft_cap = (uint16_t)value;
		return -1;
	case OPT_SEED:
		return to_number(optarg, UINT64_MAX, &ret->seed) ? -1
								 : usage("--seed wants a number");
	case OPT_TRAIN_TIME:
		if (!to_number(optarg, 3600000, &value))
			return usage("--train-time wants milliseconds, at most an hour");
		ret->train_time = value * LOOP_MSEC;
		return -1;
	case OPT_SERVICE_TIME:
		if (!to_number(optarg, 1000000, &value))
			return usage("--service-time wants microseconds, at most a second");
		ret->service_time = value * LOOP_USEC;
		return -1;
	case OPT_PORT_STATES:
		ret->port_states = true;
		return -1;
	case OPT_TELL:
		ret->tell = optarg;
		return -1;
	case OPT_VERSION:
		printf("vsm-sim %s\n", PACKAGE_VERSION);
		return EXIT_SUCCESS;
	case 'h':
	case OPT_HELP:
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	fputs("Try 'vsm-sim --help'.\n", stderr); /* getopt has said what is wrong */
	return EXIT_USAGE;
}

static int parse(int argc, char **argv, struct options *ret)
{
	const char *base = getenv("IBSIM_SOCKNAME");
	int option;
	int r;

	*ret = (struct options){ .seed = 1 };
	ret->server.base = base && *base ? base : IBSIM_BASE;
	ret->server.port = IBSIM_PORT;
	ret->console.use_stdin = true;
	while ((option = getopt_long(argc, argv, "sdpnrIvhf:C:l:L:M:N:S:P:", long_options, NULL)) !=
	       -1) {
		r = take(option, ret);
		if (r >= 0)
			return r;
	}
	if (optind + !ret->tell != argc)
		return usage(ret->tell ? "what it is told is one word: put the command in quotes"
				       : "it wants one net file");
	if (strlen(ret->server.base) > 40)
		return usage("IBSIM_SOCKNAME has more than 40 characters");
	ret->console.base = ret->server.base;
	ret->file = argv[optind];
	return -1;
}

static void set_verbose(void *user, unsigned level)
{
	(void)user;
	log_set_level(level > 1 ? LOG_LEVEL_DEBUG : level ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING);
}

static void quit(void *user)
{
	struct program *program = user;

	loop_exit(program->loop, EXIT_SUCCESS);
}

static void on_signal(void *user, int number)
{
	(void)number;
	quit(user);
}

static void on_drop(void *user, const struct sim_port *at, const struct sim_packet *packet,
		    enum sim_drop why)
{
	struct program *program = user;

	if (program->console.verbose > 1)
		log_debug("lost at \"%s\"[%d]: class 0x%02x, method 0x%02x, attribute 0x%04x: %s",
			  at->node->name, at->number, packet->mad.mgmt_class, packet->mad.method,
			  be16toh(packet->mad.attr_id), sim_drop_text(why));
}

/* Of each device. False: no memory. */
static bool set_service_time(const struct sim_fabric *fabric, uint64_t time)
{
	const struct sim_service service = { .time = time };

	for (uint32_t i = 0; time && i < fabric->n_nodes; i++)
		if (sim_fault_service(fabric->nodes[i], &service) < 0)
			return false;
	return true;
}

static void give_port_states(const struct sim_fabric *fabric)
{
	for (uint32_t i = 0; i < fabric->n_nodes; i++)
		sim_give_port_states(fabric->nodes[i]);
}

static int read_net(struct program *program, const struct options *options)
{
	const struct sim_net_vfs *vfs = NULL;
	struct sim_net_error error;
	int r = sim_fabric_new(program->loop, options->seed, &program->fabric);

	if (r < 0) {
		log_error("cannot make a fabric: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	r = sim_net_read(program->fabric, options->file, &options->net, &program->net, &error);
	if (!r) {
		r = console_add_vfs(&program->net, &vfs);
		if (!r)
			return -1;
		log_error("%s:%u: these VFs are too many for the port, or of no use to it",
			  options->file, vfs->line);
		return EXIT_USAGE;
	}
	if (error.line)
		log_error("%s:%u: %s", error.file, error.line, error.text);
	else
		log_error("%s: %s", options->file, error.text);
	return EXIT_USAGE;
}

static int start(struct program *program, struct options *options)
{
	char why[128];
	int r;

	program->fabric->train_time = options->train_time;
	/* Devices show extended speeds to tools that do not ask for them: a capture of
	 * ibnetdiscover, which does not, has them. */
	program->fabric->quirks.speeds_ext_unasked = true;
	if (options->port_states)
		give_port_states(program->fabric);
	program->fabric->on_drop = on_drop;
	program->fabric->on_drop_user = program;
	r = guests_init(&program->guests, program->fabric);
	if (r < 0 || !set_service_time(program->fabric, options->service_time)) {
		log_error("out of memory");
		return EXIT_FAILURE;
	}
	program->console = (struct console){
		.fabric = program->fabric,
		.guests = &program->guests,
		.verbose = options->verbose,
		.started = loop_now(program->loop),
		.extras = console_extras,
		.quit = quit,
		.set_verbose = set_verbose,
		.user = program,
	};
	options->console.commands = program->net.commands;
	options->console.n_commands = program->net.n_commands;
	r = sim_server_new(&program->guests, &options->server, &program->server, why);
	if (!r)
		r = stream_server_new(&program->guests, options->server.base,
				      options->server.remote
					      ? (uint16_t)(options->server.port + STREAM_TCP_OFFSET)
					      : 0,
				      &program->streams, why);
	if (!r)
		r = sessions_new(program->loop, &program->console, &options->console,
				 &program->sessions, why);
	if (r < 0) {
		log_error("%s", why);
		return EXIT_FAILURE;
	}
	return -1;
}

static void done(struct program *program)
{
	sessions_free(program->sessions);
	stream_server_free(program->streams);
	sim_server_free(program->server);
	guests_done(&program->guests);
	sim_net_done(&program->net);
	sim_fabric_free(program->fabric);
	loop_free(program->loop);
}

static int run(struct program *program, struct options *options)
{
	int r = loop_new(&program->loop);

	if (!r)
		r = loop_watch_signals(program->loop, on_signal, program);
	if (r < 0) {
		log_error("cannot make an event loop: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	r = read_net(program, options);
	if (r < 0)
		r = start(program, options);
	return r < 0 ? loop_run(program->loop) : r;
}

/* As programs do that people start; the journal has other needs. */
static void say(enum log_level level, const struct log_where *where, const char *text, void *user)
{
	(void)level;
	(void)where;
	(void)user;
	fprintf(stderr, "vsm-sim: %s\n", text);
}

static int tell(const struct options *options)
{
	int r;

	if (strchr(options->tell, '\n'))
		return usage("--tell wants one command");
	r = sessions_tell(&options->console, options->tell, stdout);
	if (r >= 0)
		return r ? EXIT_REFUSED : EXIT_SUCCESS;
	if (r == -ECONNREFUSED || r == -ENOENT)
		log_error("no simulator listens at %s%s",
			  options->console.path ? options->console.path : options->console.base,
			  options->console.path ? "" : ":console");
	else if (r == -EPIPE || r == -ECONNRESET)
		log_error("the simulator went away, or lets nobody else in");
	else
		log_error("the simulator cannot be told: %s", strerror(-r));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	AUTO(done) struct program program = { 0 };
	struct options options;
	int r;

	if (file_fill_standard() < 0)
		return EXIT_FAILURE;
	log_set_sink(say, NULL);
	r = parse(argc, argv, &options);
	if (r >= 0)
		return r;
	if (options.tell)
		return tell(&options);
	if (options.output &&
	    (!freopen(options.output, "we", stdout) || dup2(fileno(stdout), STDERR_FILENO) < 0))
		return usage("cannot write to the file of -f");
	set_verbose(NULL, options.verbose);
	r = run(&program, &options);
	return r < 0 ? EXIT_FAILURE : r;
}
