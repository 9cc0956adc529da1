/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Any bytes as a net file: refused with a line of the file and a sentence that can be printed; or
 * taken, and then cables have two ends that know each other, names and GUIDs are there once, and
 * VFs belong to HCAs. Lines "do" are kept and not done.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/net-file.h"
#include "tests/unit/loop-virtual.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_refusal(const uint8_t *data, size_t size, const struct sim_net *net,
			  const struct sim_net_error *error)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	demand(!net->n_vfs && !net->n_commands && error->line <= lines);
	demand(strlen(error->text) > 10 && !strcmp(error->file, "fuzz"));
	for (const char *c = error->text; *c; c++)
		demand(*c >= ' ' && *c <= '~');
}

static void check_port(const struct sim_port *port)
{
	if (!port->far)
		return;
	demand(port->far != port && port->far->far == port && port->number);
	demand(port->number <= port->node->n_ports && !port->cut);
	demand(sim_state(port) == SIM_INIT && sim_link_is_up(port));
	demand(port->info.link_width_active == port->far->info.link_width_active);
}

static void check_node(const struct sim_fabric *fabric, const struct sim_node *node)
{
	demand(node->n_ports >= 1 && node->name[0] && node->info.node_guid);
	demand(strlen(node->name) < sizeof(node->name));
	if (fabric->n_nodes < 100) /* it searches */
		demand(sim_find(fabric, node->name));
	for (unsigned n = 0; n <= node->n_ports; n++)
		check_port(&node->ports[n]);
}

static void check_result(const struct sim_fabric *fabric, const struct sim_net *net)
{
	demand(fabric->n_nodes);
	for (uint32_t i = 0; i < fabric->n_nodes; i++)
		check_node(fabric, fabric->nodes[i]);
	for (size_t i = 0; i < net->n_vfs; i++)
		demand(net->vfs[i].port->node->type == SIM_CA && net->vfs[i].count >= 1 &&
		       net->vfs[i].count <= SIM_NET_VFS && net->vfs[i].port->number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sim_net_options options;
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_net net;
	struct sim_net_error error;

	demand(!loop_virtual_new(1, &loop) && !sim_fabric_new(loop, 1, &fabric));
	if (sim_net_parse(fabric, (const char *)data, size, "fuzz", &options, &net, &error) < 0)
		check_refusal(data, size, &net, &error);
	else
		check_result(fabric, &net);
	sim_net_done(&net);
	sim_fabric_free(fabric);
	loop_virtual_free(loop);

	return 0;
}
