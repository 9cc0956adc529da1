/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Fabrics from files: those that ibsim reads, written by hand, and what ibnetdiscover prints. The
 * essay in net-file.c has the grammar; doc/vsm-sim.1 tells it to users.
 */

#include <stddef.h>

#include "tests/sim/fabric.h"

enum {
	SIM_NET_DEPTH = 16, /* files that include each other */
	SIM_NET_FILES = 4096,
	SIM_NET_BYTES = 256 << 20,
	SIM_NET_VFS = 1024, /* of one port */
};

struct sim_net_options {
	uint16_t lft_cap; /* of all switches; 0: the default of struct sim_node_spec */
	uint16_t mft_cap;
	bool ignore_duplicates; /* several nodes may have one GUID */
};

/* Where and why not. @line 0: about the file as a whole. */
struct sim_net_error {
	char file[128];
	unsigned line;
	char text[200];
};

enum sim_net_vf_model { SIM_NET_VSWITCH, SIM_NET_SHARED, SIM_NET_VPORT };

/* A line "vf": so many VFs of a port of an HCA. */
struct sim_net_vfs {
	struct sim_port *port;
	enum sim_net_vf_model model;
	unsigned count;
	uint64_t guid; /* of the first; 0: not said */
	bool own_lid;  /* only of SIM_NET_VPORT, and always of SIM_NET_VSWITCH */
	bool up;       /* running from the start */
	unsigned line;
};

/* What a file asks for besides the fabric itself, in its order. */
struct sim_net {
	struct sim_net_vfs *vfs;
	size_t n_vfs;
	char **commands; /* of lines "do", for the console */
	size_t n_commands;
};

void sim_net_done(struct sim_net *net);

/*
 * Adds the nodes and cables of a file to @fabric. 0; -EINVAL, -ENOMEM or what opening it gave, and
 * why in @error; the fabric is then of no use.
 */
int sim_net_read(struct sim_fabric *fabric, const char *path, const struct sim_net_options *options,
		 struct sim_net *ret, struct sim_net_error *error);

/* The same from memory, for tests; @name stands for the path. Includes nothing. */
int sim_net_parse(struct sim_fabric *fabric, const char *text, size_t length, const char *name,
		  const struct sim_net_options *options, struct sim_net *ret,
		  struct sim_net_error *error);
