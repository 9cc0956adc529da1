/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Options, and the configuration that they lead to. What is given on the command line comes on top
 * of the file, at the start and at every reload, so both go through here.
 */

#include "systemd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"

#define EXIT_USAGE   2
#define DEFAULT_CONF VSM_CONF_DIR "/vsm.conf"

enum {
	OPT_STATE_DIR = 256,
	OPT_SOCKET,
	OPT_PORT_GUID,
	OPT_DEVICE,
	OPT_ONCE,
	OPT_CHECK_CONFIG,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "port-guid", required_argument, NULL, OPT_PORT_GUID },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static const char help[] =
	"Usage: vsm [OPTION]...\n"
	"Manage the InfiniBand subnet behind a port of this machine, in the foreground.\n"
	"\n"
	"  -c, --config FILE        configuration (default " DEFAULT_CONF ")\n"
	"      --device NAME[:PORT] use this RDMA device, for example mlx5_0:1\n"
	"      --port-guid GUID     use the port with this GUID\n"
	"      --state-dir DIR      where LIDs are kept (default " VSM_STATE_DIR ")\n"
	"      --socket PATH        socket for vsmctl (default " VSM_RUN_DIR "/vsm.sock)\n"
	"      --once               bring the subnet up and exit: 0 all up, 1 not all\n"
	"      --check-config       say whether the configuration is valid, and exit\n"
	"  -v, --verbose            say more\n"
	"      --version            print the version\n"
	"      --help               print this help\n"
	"\n"
	"Exit status: 0 done, 1 failed or not all up, 2 usage or configuration, 3 no device.\n"
	"See vsm(8), vsm.conf(5), vsm-partitions(5), vsm-qos-policy(5) and vsmctl(1).\n";

static void split_device(char *text, struct options *ret)
{
	char *colon = strchr(text, ':');

	ret->device = text;
	if (!colon)
		return;
	*colon = 0;
	ret->port = colon + 1;
}

/* -1 to go on, or an exit code. */
static int take(int option, struct options *ret)
{
	switch (option) {
	case 'c':
		ret->conf_path = optarg;
		return -1;
	case 'v':
		ret->verbose = true;
		return -1;
	case OPT_STATE_DIR:
		ret->state_dir = optarg;
		return -1;
	case OPT_SOCKET:
		ret->socket = optarg;
		return -1;
	case OPT_PORT_GUID:
		ret->port_guid = optarg;
		return -1;
	case OPT_DEVICE:
		split_device(optarg, ret);
		return -1;
	case OPT_ONCE:
		ret->once = true;
		return -1;
	case OPT_CHECK_CONFIG:
		ret->check_config = true;
		return -1;
	case OPT_VERSION:
		puts("vsm " PACKAGE_VERSION);
		return 0;
	case OPT_HELP:
		fputs(help, stdout);
		return 0;
	default: /* getopt has said what is wrong */
		fputs("Try 'vsm --help'.\n", stderr);
		return EXIT_USAGE;
	}
}

int options_parse(int argc, char **argv, struct options *ret)
{
	int option;

	*ret = (struct options){ 0 };
	while ((option = getopt_long(argc, argv, "c:v", long_options, NULL)) != -1) {
		int code = take(option, ret);

		if (code >= 0)
			return code;
	}
	if (optind < argc) {
		fprintf(stderr, "vsm: '%s' is not an option.\nTry 'vsm --help'.\n", argv[optind]);
		return EXIT_USAGE;
	}

	return -1;
}

static int load_file(const struct options *options, struct conf *ret, struct conf_error *reterr)
{
	if (options->conf_path)
		return conf_load(options->conf_path, ret, reterr);
	if (access(DEFAULT_CONF, F_OK) == 0 || errno != ENOENT)
		return conf_load(DEFAULT_CONF, ret, reterr);
	conf_init_defaults(ret);

	return 0;
}

struct override {
	const char *path;
	const char *value; /* NULL: the command line says nothing of it */
	const char *by;
};

enum { OVERRIDES = 6 };

/* A device that is named here is meant, whichever port the file gives the GUID of. */
static void list_overrides(const struct options *options, struct override ret[static OVERRIDES])
{
	const char *no_guid = options->device ? "0" : NULL;
	const struct override all[OVERRIDES] = {
		{ "port.device", options->device, "--device" },
		{ "port.number", options->port, "--device" },
		{ "port.guid", options->port_guid ? options->port_guid : no_guid,
		  options->port_guid ? "--port-guid" : "--device" },
		{ "files.state_dir", options->state_dir, "--state-dir" },
		{ "files.socket", options->socket, "--socket" },
		{ "log.level", options->verbose ? "debug" : NULL, "--verbose" },
	};

	memcpy(ret, all, sizeof(all));
}

int options_load_conf(const struct options *options, struct conf *ret, struct conf_error *reterr)
{
	struct override overrides[OVERRIDES];
	int r = load_file(options, ret, reterr);

	list_overrides(options, overrides);
	for (size_t i = 0; i < COUNT(overrides) && r == 0; i++)
		if (overrides[i].value)
			r = conf_set(ret, overrides[i].path, overrides[i].value, reterr);

	return r == 0 ? conf_check(ret, reterr) : r;
}

struct overridden {
	struct override overrides[OVERRIDES];
	doubts_fn fn;
	void *user;
};

/* @option is in the file, and not as it would be without. */
static void tell_if_overridden(const struct conf_option *option, void *user)
{
	const struct overridden *o = user;
	char sentence[128];

	for (size_t i = 0; i < COUNT(o->overrides); i++) {
		const struct override *override = &o->overrides[i];

		if (!override->value || strcmp(override->path, option->path) != 0)
			continue;
		snprintf(sentence, sizeof(sentence), "%s means nothing beside %s", option->path,
			 override->by);
		o->fn(o->user, sentence);
	}
}

void options_tell_overridden(const struct options *options, doubts_fn fn, void *user)
{
	AUTO(freep) struct conf *defaults = malloc(sizeof(*defaults));
	AUTO(freep) struct conf *file = malloc(sizeof(*file));
	struct overridden o = { .fn = fn, .user = user };

	if (!defaults || !file || load_file(options, file, NULL) < 0)
		return;
	conf_init_defaults(defaults);
	list_overrides(options, o.overrides);
	conf_compare(defaults, file, tell_if_overridden, &o);
}

static int check_dir(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;

	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* As who reads it opens it. */
static int check_file(const char *path, size_t most)
{
	AUTO(closep) int fd = -1;

	return file_open(path, most, &fd);
}

unsigned options_check_files(const struct conf *conf, const struct options_limits *limits,
			     doubts_fn fn, void *user)
{
	const struct {
		const char *option;
		const char *path;
		size_t most; /* 0: a directory */
	} files[] = {
		{ "files.node_name_map", conf->node_name_map, limits->names },
		{ "files.dump_dir", conf->dump_dir, 0 },
		{ "files.import_guid2lid", conf->import_guid2lid, limits->guid2lid },
	};
	char sentence[CONF_TEXT_SIZE + 128];
	unsigned n = 0;

	for (size_t i = 0; i < COUNT(files); i++) {
		int r;

		if (files[i].path[0] == 0)
			continue;
		r = files[i].most ? check_file(files[i].path, files[i].most)
				  : check_dir(files[i].path);
		if (r == 0)
			continue;
		snprintf(sentence, sizeof(sentence), "%s: %s: %s", files[i].option, files[i].path,
			 file_reason(r));
		fn(user, sentence);
		n++;
	}

	return n;
}
