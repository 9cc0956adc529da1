/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Commands. Their names, arguments and answers are ibsim's, as far as ibsim has them, so that what
 * drives ibsim drives this. As there, a complaint begins with '#', and what a node is called is its
 * name in the net file, its description, or its GUID, in quotes where it has blanks.
 *
 * What differs on purpose: commands are whole words in any case; the dump of the whole fabric
 * leaves out forwarding tables, which on a large one are gigabytes (dump "node" has them); links
 * train, so that ReLink on a fabric with a training time takes that long.
 */

#include "tests/sim/console.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/file.h"
#include "base/macros.h"
#include "tests/sim/forward.h"

enum { SCRIPT_MOST = 16 << 20, HOPS_MOST = 64 };

/* One command being done. */
struct command {
	struct console *console;
	char *at; /* what is left of the line */
	FILE *out;
	struct console_next *next;
};

/* It cannot be done, or came to nothing: @format says why. */
__attribute__((format(printf, 2, 3))) static void refuse(struct command *c, const char *format, ...)
{
	va_list arguments;

	c->next->refused = true;
	va_start(arguments, format);
	vfprintf(c->out, format, arguments);
	va_end(arguments);
}

/* ---- words ----------------------------------------------------------------------------------- */

static void skip_spaces(struct command *c)
{
	while (isspace((unsigned char)*c->at))
		c->at++;
}

/* The next word, or what is in quotes; NULL at the end. A '[' ends a word. */
static char *take_name(struct command *c)
{
	char *start;
	char *end;

	skip_spaces(c);
	start = c->at;
	if (*start == '"') {
		end = strchr(++start, '"');
		if (!end)
			return NULL;
		*end = 0;
		c->at = end + 1;
		return start;
	}
	end = start + strcspn(start, " \t\r\n[");
	if (end == start)
		return NULL;
	/* The rest begins at a mark that a 0 would take away. */
	c->at = end;
	return strndup(start, (size_t)(end - start));
}

static bool take_number(struct command *c, int base, uint64_t *ret)
{
	char *end;

	skip_spaces(c);
	if (!isxdigit((unsigned char)*c->at))
		return false;
	errno = 0;
	*ret = strtoull(c->at, &end, base);
	if (errno || end == c->at || (*end && !isspace((unsigned char)*end) && *end != ']'))
		return false;
	c->at = end;
	return true;
}

static bool take_word(struct command *c, const char *word)
{
	size_t length = strlen(word);

	skip_spaces(c);
	if (strncasecmp(c->at, word, length) != 0 ||
	    (c->at[length] && !isspace((unsigned char)c->at[length])))
		return false;
	c->at += length;
	return true;
}

/* "node" or "node"[3]; *@ret_port is -1 without. A complaint was made if NULL. */
static struct sim_node *take_node(struct command *c, int *ret_port)
{
	char *quote;
	char *name;
	struct sim_node *node;
	uint64_t number;

	skip_spaces(c);
	quote = *c->at == '"' ? c->at : NULL;
	name = take_name(c);
	*ret_port = -1;
	if (!name) {
		refuse(c, "# a node is missing\n");
		return NULL;
	}
	node = sim_find(c->console->fabric, name);
	if (!node)
		refuse(c, "# nodeid \"%s\" not found\n", name);
	if (!quote)
		free(name);
	if (!node || *c->at != '[')
		return node;
	c->at++;
	if (!take_number(c, 10, &number) || *c->at != ']' || number > node->n_ports) {
		refuse(c, "# bad port number at nodeid \"%s\": ports are 1 to %d\n", node->name,
		       node->n_ports);
		return NULL;
	}
	c->at++;
	*ret_port = (int)number;
	return node;
}

/* A port, which has to be told. */
static struct sim_port *take_port(struct command *c)
{
	int number;
	struct sim_node *node = take_node(c, &number);

	if (!node)
		return NULL;
	if (number < 0 || (!number && !node->sw)) {
		refuse(c, "# a port is missing: \"%s\"[1 to %d]\n", node->name, node->n_ports);
		return NULL;
	}
	return &node->ports[number];
}

/* Calls @fn for the port, or for all ports of the node without one. */
static void each_port(struct command *c,
		      void (*fn)(struct command *c, struct sim_port *port, bool alone))
{
	int number;
	struct sim_node *node = take_node(c, &number);

	if (!node)
		return;
	if (number >= 0) {
		fn(c, &node->ports[number], true);
		return;
	}
	for (unsigned n = 1; n <= node->n_ports; n++)
		fn(c, &node->ports[n], false);
}

/* ---- looking --------------------------------------------------------------------------------- */

static const char *state_text(enum sim_state state)
{
	static const char *const texts[] = { "NoChange", "Down", "Init", "Armed", "Active" };

	return state < COUNT(texts) ? texts[state] : "?";
}

static const char *phys_text(enum sim_phys phys)
{
	static const char *const texts[] = { "NoChange", "Sleep",  "Polling",  "Disabled",
					     "Training", "LinkUp", "Recovery", "PhyTest" };

	return (unsigned)phys < COUNT(texts) ? texts[phys] : "?";
}

static const char *width_text(const struct sim_port *port)
{
	switch (port->info.link_width_active) {
	case 1:
		return " 1x";
	case 2:
		return " 4x";
	case 4:
		return " 8x";
	case 8:
		return "12x";
	case 16:
		return " 2x";
	}
	return " ?x";
}

static const char *speed_text(const struct sim_port *port)
{
	switch (port->info.link_speed_ext >> 4) {
	case 1:
		return " 14G";
	case 2:
		return " 25G";
	case 4:
		return " 50G";
	case 8:
		return "100G";
	}
	switch (port->info.link_speed >> 4) {
	case 1:
		return " 2.5G";
	case 2:
		return " 5.0G";
	case 4:
		return "10.0G";
	}
	return "   ?G";
}

static const char *type_text(enum sim_type type)
{
	static const char *const texts[] = { "?", "Ca", "Switch", "Router" };

	return texts[type];
}

static void dump_port(FILE *out, const struct sim_port *port)
{
	uint64_t guid = port->guid ? port->guid : be64toh(port->node->info.node_guid);

	fprintf(out, "%" PRIx64 "\t[%d]\t", guid, port->number);
	if (!port->number)
		fprintf(out, "\"Sma Port\"[0]\t");
	else if (port->far && !port->cut)
		fprintf(out, "\"%s\"[%d]\t", port->far->node->name, port->far->number);
	else
		fprintf(out, "\t\t");
	if (sim_is_end_port(port))
		fprintf(out, " lid %u lmc %u smlid %u", sim_lid(port), sim_lmc(port),
			be16toh(port->info.master_sm_base_lid));
	fprintf(out, " %s %s %s/%s\n", width_text(port), speed_text(port),
		state_text(sim_state(port)), phys_text(sim_phys(port)));
}

static void dump_tables(FILE *out, const struct sim_switch *sw)
{
	unsigned top = be16toh(sw->info.lin_top);

	if (!top)
		return;
	fprintf(out, "#\tForwarding table 0-%u:", top);
	for (unsigned lid = 0; lid <= top; lid++)
		fprintf(out, " [%u]%X", lid, lid < sw->lft_size ? sw->lft[lid] : SIM_LFT_NONE);
	fprintf(out, "\n");
}

static void dump_node(FILE *out, const struct sim_node *node, bool tables)
{
	fprintf(out, "\n%s %d \"%s\"\tnodeguid %" PRIx64 "\tsysimgguid %" PRIx64 "%s\n",
		type_text(node->type), node->n_ports, node->name, be64toh(node->info.node_guid),
		be64toh(node->info.sys_guid), node->off ? "\t# no power" : "");
	if (node->sw) {
		fprintf(out, "#\tlinearcap %u FDBtop %u portchange %d\n",
			be16toh(node->sw->info.lin_cap), be16toh(node->sw->info.lin_top),
			node->sw->info.life_state >> 2 & 1);
		if (tables)
			dump_tables(out, node->sw);
	}
	for (unsigned n = node->sw ? 0 : 1; n <= node->n_ports; n++)
		dump_port(out, &node->ports[n]);
}

static void do_dump(struct command *c)
{
	const struct sim_fabric *fabric = c->console->fabric;
	time_t now = time(NULL);
	char text[32];
	int port;
	struct sim_node *node;

	fprintf(c->out, "# Net status - %s", ctime_r(&now, text));
	skip_spaces(c);
	if (*c->at) {
		node = take_node(c, &port);
		if (node)
			dump_node(c->out, node, true);
		if (node)
			fprintf(c->out, "#  dumped 1 nodes\n");
		return;
	}
	for (uint32_t i = 0; i < fabric->n_nodes; i++)
		dump_node(c->out, fabric->nodes[i], false);
	fprintf(c->out, "#  dumped %u nodes\n", fabric->n_nodes);
}

static struct sim_port *find_lid(const struct sim_fabric *fabric, uint64_t lid)
{
	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		struct sim_node *node = fabric->nodes[i];
		unsigned first = node->sw ? 0 : 1;

		for (unsigned n = first; n <= (first ? node->n_ports : 0); n++)
			if (lid < SIM_LID_MULTICAST && sim_has_lid(&node->ports[n], (uint16_t)lid))
				return &node->ports[n];
	}
	return NULL;
}

/* From port to port; where it ended, and why if not at its end. */
static const struct sim_port *walk(struct command *c, struct sim_port *at, uint16_t lid,
				   enum sim_drop *ret)
{
	const struct sim_packet packet = { .dlid = lid, .length = 64, .pkey = 0xffff };

	for (unsigned hop = 0; hop < HOPS_MOST; hop++) {
		struct sim_port *out = at;

		*ret = SIM_PASSED;
		if (hop && sim_has_lid(sim_end_port(at), lid))
			return at;
		if (at->node->sw)
			*ret = sim_route(at, &packet, &out);
		else if (hop)
			*ret = SIM_DROP_NOT_FOR_US;
		if (*ret == SIM_PASSED && !sim_link_is_up(out))
			*ret = SIM_DROP_LINK_DOWN;
		if (*ret == SIM_PASSED &&
		    (sim_state(out) != SIM_ACTIVE || sim_state(out->far) != SIM_ACTIVE))
			*ret = SIM_DROP_NOT_ACTIVE;
		if (*ret != SIM_PASSED)
			return out;
		at = out->far;
		fprintf(c->out, "[%d] -> \"%s\"[%d]\n", out->number, at->node->name, at->number);
	}
	*ret = SIM_DROP_HOPS;
	return at;
}

static void do_route(struct command *c)
{
	uint64_t from_lid;
	uint64_t to_lid;
	struct sim_port *from;
	struct sim_port *to;
	const struct sim_port *end;
	enum sim_drop why;

	if (!take_number(c, 0, &from_lid) || !take_number(c, 0, &to_lid)) {
		refuse(c, "# bad lid value. Usage: route from-lid to-lid\n");
		return;
	}
	from = find_lid(c->console->fabric, from_lid);
	to = find_lid(c->console->fabric, to_lid);
	if (!from || !to) {
		refuse(c, "to/from lid unconfigured. Usage: route from-lid to-lid\n");
		return;
	}
	fprintf(c->out, "From node \"%s\" port %d lid %u\n", from->node->name, from->number,
		(unsigned)from_lid);
	end = from;
	why = SIM_PASSED;
	if (from != to)
		end = walk(c, from, (uint16_t)to_lid, &why);
	if (why != SIM_PASSED)
		refuse(c, "# no route: \"%s\"[%d]: %s\n", end->node->name, end->number,
		       sim_drop_text(why));
	else
		fprintf(c->out, "To node \"%s\" port %d lid %u\n", end->node->name, end->number,
			(unsigned)to_lid);
}

static void do_attached(struct command *c)
{
	struct guests *guests = c->console->guests;

	for (struct list *l = guests->all.next; l != &guests->all; l = l->next) {
		const struct guest *guest = CONTAINER_OF(l, struct guest, of_all);
		const struct sim_client *client = &guest->client;

		fprintf(c->out,
			"Client %u: pid %d connected at \"%s\" port 0x%" PRIx64
			", lid %u, qp %u %s(%s",
			client->id, (int)guest->pid, client->port->node->name, client->port->guid,
			sim_lid(client->port), client->qpn, client->is_sm ? "SM " : "",
			guest->kind);
		if (client->vf)
			fprintf(c->out, ", VF %u", client->vf);
		if (guest->n_lost)
			fprintf(c->out, ", %" PRIu64 " packets lost as it reads too slowly",
				guest->n_lost);
		fprintf(c->out, ")\n");
	}
}

static void do_time(struct command *c)
{
	const struct sim_fabric *fabric = c->console->fabric;
	uint64_t ns = loop_now(fabric->loop) - c->console->started;

	fprintf(c->out, "%" PRIu64 ".%06" PRIu64 " s, %" PRIu64 " packets sent\n", ns / LOOP_SEC,
		ns % LOOP_SEC / LOOP_USEC, fabric->n_packets);
	for (unsigned i = 1; i < SIM_DROP_N; i++)
		if (fabric->drops[i])
			fprintf(c->out, "%" PRIu64 " lost: %s\n", fabric->drops[i],
				sim_drop_text((enum sim_drop)i));
}

/* ---- cables and power ------------------------------------------------------------------------ */

static void unlink_port(struct command *c, struct sim_port *port, bool alone)
{
	if (port->far && !port->cut)
		sim_cable_pull(port);
	else if (alone)
		refuse(c, "# port %d at nodeid \"%s\" is not linked\n", port->number,
		       port->node->name);
}

static void relink_port(struct command *c, struct sim_port *port, bool alone)
{
	if (port->far && port->cut)
		sim_cable_plug(port);
	else if (alone)
		refuse(c, "# can't relink port %d at nodeid \"%s\": %s\n", port->number,
		       port->node->name, port->far ? "it is linked" : "it had no link");
}

static void do_unlink(struct command *c)
{
	each_port(c, unlink_port);
}

static void do_relink(struct command *c)
{
	each_port(c, relink_port);
}

static void clear_port(struct command *c, struct sim_port *port, bool alone)
{
	if (port->far && !port->cut)
		sim_cable_pull(port);
	if (!alone)
		return;
	(void)c;
	port->counters = (struct sim_counters){ 0 };
	if (!sim_is_end_port(port))
		return;
	port->info.base_lid = 0;
	port->info.mkey_lmc &= 0xf8;
	port->info.master_sm_base_lid = 0;
}

/* A node loses its power for a moment, so that all of it is as at the start. */
static void do_clear(struct command *c)
{
	char *start = c->at;
	int number;
	struct sim_node *node;
	char *copy = strdup(start);

	if (!copy)
		return;
	each_port(c, clear_port);
	c->at = copy;
	node = take_node(c, &number);
	if (node && number < 0 && !node->off) {
		sim_power(node, false);
		sim_power(node, true);
	}
	c->at = strchr(start, 0);
	free(copy);
}

/* A cable that was pulled is forgotten for a new one. */
static void forget_cable(struct sim_port *port)
{
	if (!port->far || !port->cut)
		return;
	port->far->far = NULL;
	port->far->cut = false;
	port->far = NULL;
	port->cut = false;
}

static void do_link(struct command *c)
{
	struct sim_port *a = take_port(c);
	struct sim_port *b = a ? take_port(c) : NULL;

	if (!a || !b)
		return;
	forget_cable(a);
	forget_cable(b);
	if (a == b || sim_cable(a, b) < 0)
		refuse(c, "# can't link: local/remote port are already connected\n");
}

static void switch_on(struct command *c, struct sim_node *node)
{
	sim_power(node, true);
	if (node->off)
		refuse(c, "# \"%s\" is a part of \"%s\", which is off\n", node->name,
		       node->part_of->name);
}

static void do_power(struct command *c)
{
	int port;
	struct sim_node *node = take_node(c, &port);

	if (!node)
		return;
	if (take_word(c, "on"))
		switch_on(c, node);
	else if (take_word(c, "off"))
		sim_power(node, false);
	else if (*c->at)
		refuse(c, "# power is on or off\n");
	else
		fprintf(c->out, "\"%s\" is %s\n", node->name, node->off ? "off" : "on");
}

/* ---- values ---------------------------------------------------------------------------------- */

static void do_guid(struct command *c)
{
	int number;
	struct sim_node *node = take_node(c, &number);
	uint64_t guid;

	if (!node)
		return;
	if (!take_number(c, 16, &guid) || !guid) {
		refuse(c, "# set_guid: a GUID is missing\n");
		return;
	}
	if (number < 0)
		node->info.node_guid = htobe64(guid);
	else if (sim_is_end_port(&node->ports[number]))
		sim_set_port_guid(&node->ports[number], guid);
	else
		refuse(c, "# set_guid: only port 0 of a switch has one\n");
}

static void do_baselid(struct command *c)
{
	struct sim_port *port = take_port(c);
	uint64_t lid;
	uint64_t lmc;

	if (!port)
		return;
	if (!sim_is_end_port(port) || !take_number(c, 0, &lid) || lid >= SIM_LID_MULTICAST) {
		refuse(c, "# change baselid: bad lid, or a port that has none\n");
		return;
	}
	if (!take_number(c, 0, &lmc))
		lmc = sim_lmc(port);
	if (lmc > 7) {
		refuse(c, "# change baselid: bad lmc\n");
		return;
	}
	port->info.base_lid = htobe16((uint16_t)lid);
	port->info.mkey_lmc = (uint8_t)((port->info.mkey_lmc & 0xf8) | lmc);
}

#define COUNTER(name, member)                                                                      \
	{                                                                                          \
		name, offsetof(struct sim_counters, member),                                       \
			sizeof(((struct sim_counters *)NULL)->member)                              \
	}

/* Names as in MADs (IBA 16.1.3.5); one counter, whichever attribute shows it. */
static const struct {
	const char *name;
	size_t offset;
	size_t size;
} counters[] = {
	COUNTER("SymbolErrorCounter", symbol_errors),
	COUNTER("LinkErrorRecoveryCounter", link_recovers),
	COUNTER("LinkDownedCounter", link_downed),
	COUNTER("PortRcvErrors", rcv_errors),
	COUNTER("PortRcvRemotePhysicalErrors", rcv_remote_errors),
	COUNTER("PortRcvSwitchRelayErrors", switch_relay_errors),
	COUNTER("PortXmitDiscards", xmit_discards),
	COUNTER("PortXmitConstraintErrors", xmit_constraint_errors),
	COUNTER("PortRcvConstraintErrors", rcv_constraint_errors),
	COUNTER("LocalLinkIntegrityErrors", link_integrity_errors),
	COUNTER("ExcessiveBufferOverrunErrors", overrun_errors),
	COUNTER("QP1Dropped", qp1_dropped),
	COUNTER("VL15Dropped", vl15_dropped),
	COUNTER("PortXmitWait", xmit_wait),
	COUNTER("PortXmitData", xmit_data),
	COUNTER("PortRcvData", rcv_data),
	COUNTER("PortXmitPkts", xmit_pkts),
	COUNTER("PortRcvPkts", rcv_pkts),
	COUNTER("PortUnicastXmitPkts", unicast_xmit),
	COUNTER("PortUnicastRcvPkts", unicast_rcv),
	COUNTER("PortMulticastXmitPkts", multicast_xmit),
	COUNTER("PortMulticastRcvPkts", multicast_rcv),
};

static uint64_t get_counter(const struct sim_port *port, size_t i)
{
	const uint8_t *at = (const uint8_t *)&port->counters + counters[i].offset;
	uint32_t narrow;
	uint64_t wide;

	if (counters[i].size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static bool set_counter(struct sim_port *port, size_t i, uint64_t value)
{
	uint8_t *at = (uint8_t *)&port->counters + counters[i].offset;
	uint32_t narrow = (uint32_t)value;

	if (counters[i].size == sizeof(value)) {
		memcpy(at, &value, sizeof(value));
		return true;
	}
	memcpy(at, &narrow, sizeof(narrow));
	return value <= UINT32_MAX;
}

/* PerformanceSet "node"[1] PortCounters.SymbolErrorCounter=5 */
static void do_performance_set(struct command *c)
{
	struct sim_port *port = take_port(c);
	char *dot;
	char *equals;
	uint64_t value;

	if (!port)
		return;
	skip_spaces(c);
	dot = strchr(c->at, '.');
	equals = strchr(c->at, '=');
	if (!dot || !equals || equals < dot) {
		refuse(c, "# command does not match: PerformanceSet \"nodeid\"[port] "
			  "[attribute].[field]=[value]\n");
		return;
	}
	*dot = 0;
	*equals = 0;
	for (size_t i = 0; i < COUNT(counters); i++) {
		char *attribute = c->at;

		if (strcasecmp(counters[i].name, dot + 1) != 0)
			continue;
		c->at = equals + 1;
		if (!take_number(c, 0, &value) || !set_counter(port, i, value))
			refuse(c, "# value '%s' is not valid integer\n", equals + 1);
		else
			fprintf(c->out, "%s[%d] %s.%s has been set to %" PRIu64 "\n",
				port->node->name, port->number, attribute, dot + 1, value);
		return;
	}
	refuse(c, "# field %s cannot be found in attribute %s\n", dot + 1, c->at);
}

static void show_counters(struct command *c, struct sim_port *port, bool alone)
{
	(void)alone;
	fprintf(c->out, "\"%s\"[%d]\n", port->node->name, port->number);
	for (size_t i = 0; i < COUNT(counters); i++)
		if (get_counter(port, i))
			fprintf(c->out, "\t%s %" PRIu64 "\n", counters[i].name,
				get_counter(port, i));
}

static void do_counters(struct command *c)
{
	each_port(c, show_counters);
}

/* ---- the simulator itself -------------------------------------------------------------------- */

static void do_verbose(struct command *c)
{
	uint64_t level;

	if (take_number(c, 10, &level)) {
		c->console->verbose = (unsigned)MIN(level, (uint64_t)9);
		if (c->console->set_verbose)
			c->console->set_verbose(c->console->user, c->console->verbose);
	}
	fprintf(c->out, "simulator verbose level is %u\n", c->console->verbose);
}

static void do_wait(struct command *c)
{
	double seconds = strtod(c->at, NULL);

	if (!(seconds > 0 && seconds < 1e6))
		refuse(c, "# wait: bad param\n");
	else
		c->next->wait = (uint64_t)(seconds * 1e9);
}

static void do_disconnect(struct command *c)
{
	struct guests *guests = c->console->guests;
	uint64_t id;

	if (!take_number(c, 10, &id))
		id = UINT64_MAX;
	for (struct list *l = guests->all.next; l != &guests->all; l = l->next) {
		struct guest *guest = CONTAINER_OF(l, struct guest, of_all);

		if (guest->client.id == id) {
			guest->kick(guest);
			return;
		}
	}
	refuse(c, "# disconnect client: bad clientid %" PRId64 "\n", (int64_t)id);
}

static void do_run(struct command *c)
{
	size_t length;
	int r;

	skip_spaces(c);
	r = file_read(c->at, SCRIPT_MOST, &c->next->run, &length);
	if (r < 0)
		refuse(c, "# cannot open file '%s': %s\n", c->at, file_reason(r));
}

static void do_start(struct command *c)
{
	fprintf(c->out, "# the network has started already\n");
}

static void do_result(struct command *c)
{
	fputs(c->next->refused_before ? CONSOLE_REFUSED : CONSOLE_DONE, c->out);
}

static void do_quit(struct command *c)
{
	fputs(CONSOLE_GOODBYE, c->out);
	c->next->quit = true;
}

static void do_help(struct command *c);

static const struct {
	const char *word;
	void (*run)(struct command *c);
	const char *help;
} commands[] = {
	{ "!", do_run, "!FILE: run commands from the file" },
	{ "Start", do_start, "Start: nothing, the network always runs" },
	{ "Dump", do_dump, "Dump [\"node\"]: nodes and ports; of one node also its routes" },
	{ "Route", do_route, "Route FROM-LID TO-LID: the way that packets take" },
	{ "Link", do_link, "Link \"node\"[port] \"node\"[port]: a new cable" },
	{ "ReLink", do_relink,
	  "ReLink \"node\"[port]: put a pulled cable back; without a port: all" },
	{ "Unlink", do_unlink, "Unlink \"node\"[port]: pull the cable; without a port: all" },
	{ "Clear", do_clear,
	  "Clear \"node\"[port]: pull the cable and reset; without a port: all" },
	{ "Power", do_power, "Power \"node\" [on|off]" },
	{ "Guid", do_guid, "Guid \"node\"[port] GUID: of a port, without a port of the node" },
	{ "Baselid", do_baselid, "Baselid \"node\"[port] LID [LMC]" },
	{ "PerformanceSet", do_performance_set,
	  "PerformanceSet \"node\"[port] PortCounters.FIELD=VALUE" },
	{ "Counters", do_counters, "Counters \"node\"[port]: those that are not 0" },
	{ "Time", do_time, "Time: since the start, and what became of all packets" },
	{ "Attached", do_attached, "Attached: the clients" },
	{ "X", do_disconnect, "X CLIENT: disconnect it" },
	{ "Verbose", do_verbose, "Verbose [LEVEL]: show or set what is logged, 0 to 2" },
	{ "Wait", do_wait, "Wait SECONDS: before the next command of this console" },
	{ "Result", do_result, "Result: was the last command of this console done or refused" },
	{ "Help", do_help, "Help, ?: this" },
	{ "?", do_help, NULL },
	{ "Quit", do_quit, "Quit: end the simulator" },
};

static void do_help(struct command *c)
{
	fprintf(c->out, "Commands:\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		if (commands[i].help)
			fprintf(c->out, "\t%s\n", commands[i].help);
	for (const struct console_extra *e = c->console->extras; e && e->word; e++)
		fprintf(c->out, "\t%s\n", e->help);
}

static bool do_extra(struct command *c)
{
	for (const struct console_extra *e = c->console->extras; e && e->word; e++) {
		if (!take_word(c, e->word))
			continue;
		skip_spaces(c);
		c->next->refused = !e->run(c->console, c->at, c->out);
		return true;
	}
	return false;
}

static bool do_own(struct command *c)
{
	for (size_t i = 0; i < COUNT(commands); i++) {
		if (!take_word(c, commands[i].word))
			continue;
		commands[i].run(c);
		return true;
	}
	return false;
}

static void cut_line(char *line)
{
	char *end = line + strlen(line);

	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	*end = 0;
}

void console_do(struct console *console, char *line, FILE *out, struct console_next *next)
{
	struct command c = { .console = console, .at = line, .out = out, .next = next };

	*next = (struct console_next){ .refused_before = next->refused_before };
	cut_line(line);
	skip_spaces(&c);
	if (!*c.at || *c.at == '#')
		return;
	if (*c.at == '!') {
		c.at++;
		do_run(&c);
		return;
	}
	guests_begin(console->guests);
	if (!do_own(&c) && !do_extra(&c))
		refuse(&c, "command '%.*s' unknown - skipped\n", (int)strcspn(c.at, " \t"), c.at);
	guests_end(console->guests);
}
