/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Faults, probes, virtual functions and states of all ports on the console. ibsim's Error means
 * what arrives, not what passes: a node, or a node for one attribute, ignores requests; at a port,
 * packets that come in are lost.
 */

#include "tests/sim/console-extra.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "tests/sim/endpoint.h"
#include "tests/sim/faults.h"
#include "tests/sim/probe.h"
#include "tests/sim/vf.h"

static bool do_fault(struct console *console, char *rest, FILE *out)
{
	char why[SIM_FAULT_WHY];

	if (sim_fault_command(console->fabric, rest, out, why) < 0) {
		fprintf(out, "# fault: %s\n", why);
		return false;
	}
	return true;
}

/* Where the node (and its port) ends that @text begins with. */
static char *behind_node(char *text)
{
	char *end = *text == '"' ? strchr(text + 1, '"') : text + strcspn(text, " \t[");

	if (!end || end == text)
		return NULL;
	end += *text == '"';
	if (*end == '[')
		end += strcspn(end, "]") + 1;
	return end;
}

/* Error "node"[port] 50 [attribute] */
static bool do_error(struct console *console, char *rest, FILE *out)
{
	char *end = behind_node(rest);
	char line[256];
	char why[SIM_FAULT_WHY];
	char *rate_end;
	long rate;
	unsigned long attribute;

	rate = end ? strtol(end, &rate_end, 10) : 0;
	if (!end || rate_end == end) {
		fprintf(out, "# error rate is missing\n");
		return false;
	}
	if (rate < 0 || rate > 100) {
		fprintf(out, "# error rate must be in [0..100] range (%ld)\n", rate);
		return false;
	}
	attribute = strtoul(rate_end, NULL, 0);
	*end = 0;
	if (!rate)
		snprintf(line, sizeof(line), "clear %s", rest);
	else if (attribute)
		snprintf(line, sizeof(line), "silent %.*s 0x%04lx %ld%%", (int)strcspn(rest, "["),
			 rest, attribute & 0xffff, rate);
	else if (strchr(rest, '['))
		snprintf(line, sizeof(line), "loss %s %ld%% in", rest, rate);
	else
		snprintf(line, sizeof(line), "silent %s %ld%%", rest, rate);
	if (sim_fault_parse(console->fabric, line, why) < 0) {
		fprintf(out, "# error: %s\n", why);
		return false;
	}
	return true;
}

static void show_hop(void *user, const struct sim_port *in, const struct sim_port *out, unsigned vl)
{
	(void)in;
	fprintf(user, "\"%s\"[%d] -> \"%s\"[%d] on VL %u\n", out->node->name, out->number,
		out->far->node->name, out->far->number, vl);
}

static char *next_word(char **rest)
{
	char *word;

	while (isspace((unsigned char)**rest))
		(*rest)++;
	word = *rest;
	if (!*word)
		return NULL;
	if (*word == '"') {
		word++;
		*rest += 1 + strcspn(word, "\"");
		if (**rest) /* what follows the quote belongs to the word */
			memmove(*rest, *rest + 1, strlen(*rest));
	}
	*rest += strcspn(*rest, " \t");
	if (**rest)
		*(*rest)++ = 0;
	return word;
}

static bool find_end(struct console *console, char **rest, struct sim_endpoint *ret, FILE *out)
{
	const char *word = next_word(rest);
	unsigned vf = 0;
	struct sim_port *port = word ? guests_find(console->guests, word, &vf) : NULL;

	if (!word) {
		fprintf(out, "# a port is missing\n");
		return false;
	}
	if (!port) {
		fprintf(out, "# port \"%s\" not found\n", word);
		return false;
	}
	if (vf > sim_vfs_count(port)) {
		fprintf(out, "# there is no such VF\n");
		return false;
	}
	*ret = (struct sim_endpoint){ .port = port, .vf = (uint16_t)vf };
	return true;
}

/* A VF behind a virtual switch is an end port by itself. */
static void be_own_port(struct sim_endpoint *e)
{
	unsigned vf = e->vf;

	e->port = sim_vf_port(e->port, &vf);
	e->vf = (uint16_t)vf;
}

/* probe FROM TO [P_Key] [SL] */
static bool do_probe(struct console *console, char *rest, FILE *out)
{
	struct sim_probe probe = { .trace = show_hop, .user = out };
	struct sim_probe_result result;
	struct sim_endpoint to;
	char name[SIM_ENDPOINT_NAME];
	const char *word;

	if (!find_end(console, &rest, &probe.from, out) || !find_end(console, &rest, &to, out))
		return false;
	be_own_port(&probe.from);
	be_own_port(&to);
	word = next_word(&rest);
	probe.pkey = (uint16_t)(word ? strtoul(word, NULL, 0) : 0);
	word = next_word(&rest);
	probe.sl = (uint8_t)(word ? strtoul(word, NULL, 0) & 0x0f : 0);
	probe.dlid = sim_endpoint_lid(&to);
	probe.has_grh = sim_endpoint_needs_grh(&to, probe.dgid);
	if (!probe.dlid) {
		fprintf(out, "# it has no LID\n");
		return false;
	}
	sim_probe(&probe, &result);
	if (result.why != SIM_PASSED)
		fprintf(out, "# lost at \"%s\"[%d]: %s\n", result.at->node->name, result.at->number,
			sim_drop_text(result.why));
	else
		fprintf(out, "it reached %s\n", sim_endpoint_name(&result.reached, name));
	return result.why == SIM_PASSED;
}

/* ---- virtual functions ----------------------------------------------------------------------- */

static void show_vf(const struct sim_port *port, unsigned vf, FILE *out)
{
	static const char *const models[] = {
		[SIM_VF_VIRTUAL_SWITCH] = "vswitch",
		[SIM_VF_SHARED_PORT] = "shared",
		[SIM_VF_VPORT] = "vport",
	};
	static const char *const states[] = { "?", "Down", "Init", "Armed", "Active" };
	struct sim_vf_info info;

	if (sim_vf_look(port, vf, &info) < 0)
		return;
	fprintf(out, "%s[%d]/%u\t%s\t%s\tGUID 0x%llx\tLID %u%s\t%s%s%s\n", port->node->name,
		port->number, vf, models[info.model], info.started ? "started" : "stopped",
		(unsigned long long)info.guid, info.lid, info.own_lid ? "" : " (the port's)",
		(unsigned)info.state < COUNT(states) ? states[info.state] : "?",
		info.reason ? ": " : "", info.reason ? info.reason : "");
}

static void list_vfs(struct console *console, FILE *out)
{
	struct sim_fabric *fabric = console->fabric;

	for (uint32_t i = 0; i < fabric->n_nodes; i++)
		for (unsigned n = 1; n <= fabric->nodes[i]->n_ports; n++)
			for (unsigned vf = 1; vf <= sim_vfs_count(&fabric->nodes[i]->ports[n]);
			     vf++)
				show_vf(&fabric->nodes[i]->ports[n], vf, out);
}

/* NODE[PORT]/VF */
static bool find_vf(struct console *console, char **rest, struct sim_endpoint *ret, FILE *out)
{
	if (!find_end(console, rest, ret, out))
		return false;
	if (ret->vf)
		return true;
	fprintf(out, "# a VF is missing: NODE[PORT]/VF\n");
	return false;
}

/* In hexadecimal, all of the word: with colons, as ip(8) has it, it would be read as its first
 * byte. */
static int set_guid(struct sim_endpoint *vf, const char *word)
{
	uint64_t guid;
	char *end;

	if (!word || !isxdigit((unsigned char)*word))
		return -EINVAL;
	errno = 0;
	guid = strtoull(word, &end, 16);

	return *end || errno ? -EINVAL : sim_vf_set_guid(vf->port, vf->vf, guid);
}

static bool is_done_to_vfs(const char *what)
{
	return !strcasecmp(what, "start") || !strcasecmp(what, "stop") ||
	       !strcasecmp(what, "move") || !strcasecmp(what, "guid");
}

/* -EINVAL: no such thing to do with one; what was said already comes back as -ENODATA. */
static int do_to_vf(struct console *console, const char *what, char *rest, FILE *out)
{
	struct sim_endpoint vf;
	struct sim_endpoint to;

	if (!is_done_to_vfs(what))
		return -EINVAL;
	if (!find_vf(console, &rest, &vf, out))
		return -ENODATA;
	if (!strcasecmp(what, "start"))
		return sim_vf_start(vf.port, vf.vf);
	if (!strcasecmp(what, "stop"))
		return sim_vf_stop(vf.port, vf.vf);
	if (!strcasecmp(what, "move"))
		return find_vf(console, &rest, &to, out)
			       ? sim_vf_move(vf.port, vf.vf, to.port, to.vf)
			       : -ENODATA;
	return set_guid(&vf, next_word(&rest));
}

/* vf [list] | start|stop VF | move VF VF | guid VF GUID */
static bool do_vf(struct console *console, char *rest, FILE *out)
{
	const char *what = next_word(&rest);
	int r;

	if (!what || !strcasecmp(what, "list")) {
		list_vfs(console, out);
		return true;
	}
	r = do_to_vf(console, what, rest, out);
	if (r == -ENOENT)
		fprintf(out, "# vf: there is no such VF\n");
	else if (r == -EBUSY)
		fprintf(out, "# vf: that one runs already\n");
	else if (r < 0 && r != -ENODATA)
		fprintf(out, "# vf: list, start VF, stop VF, move VF VF or guid VF GUID; VF: "
			     "NODE[PORT]/N\n");
	return r >= 0;
}

int console_add_vfs(const struct sim_net *net, const struct sim_net_vfs **ret_wrong)
{
	static const enum sim_vf_model models[] = {
		[SIM_NET_VSWITCH] = SIM_VF_VIRTUAL_SWITCH,
		[SIM_NET_SHARED] = SIM_VF_SHARED_PORT,
		[SIM_NET_VPORT] = SIM_VF_VPORT,
	};

	for (size_t i = 0; i < net->n_vfs; i++) {
		const struct sim_net_vfs *v = &net->vfs[i];
		const struct sim_vf_spec spec = {
			.first_guid = v->guid,
			.up = v->up,
			.lid_required = v->own_lid,
		};
		int r = sim_vfs_add(v->port, models[v->model], v->count, &spec);

		*ret_wrong = v;
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- states of all ports --------------------------------------------------------------------- */

static bool is_linked(const struct sim_port *port)
{
	return port->number && port->far && !port->cut && !port->node->off && !port->far->node->off;
}

/* How many ports with a cable are in which state: what a bench asks again and again. */
static bool do_ports(struct console *console, char *rest, FILE *out)
{
	const struct sim_fabric *fabric = console->fabric;
	unsigned linked = 0, in_state[SIM_ACTIVE + 1] = { 0 };

	(void)rest;
	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		for (unsigned n = 1; n <= fabric->nodes[i]->n_ports; n++) {
			const struct sim_port *port = &fabric->nodes[i]->ports[n];

			if (!is_linked(port))
				continue;
			linked++;
			in_state[MIN(sim_state(port), SIM_ACTIVE)]++;
		}
	}
	fprintf(out, "linked %u down %u init %u armed %u active %u\n", linked, in_state[SIM_DOWN],
		in_state[SIM_INIT], in_state[SIM_ARMED], in_state[SIM_ACTIVE]);
	return in_state[SIM_ACTIVE] == linked;
}

const struct console_extra console_extras[] = {
	{ "Error", do_error, "Error \"node\"[port] PERCENT [ATTRIBUTE]: lose packets" },
	{ "Fault", do_fault, "Fault ...: what goes wrong; \"fault help\", \"fault list\"" },
	{ "Probe", do_probe, "Probe FROM TO [P_KEY] [SL]: does a data packet arrive" },
	{ "Ports", do_ports, "Ports: how many with a cable there are, and in which states" },
	{ "Vf", do_vf, "Vf [list] | start VF | stop VF | move VF VF | guid VF GUID" },
	{ 0 },
};
