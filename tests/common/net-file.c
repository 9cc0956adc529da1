/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Net files as graphs: what ibnetdiscover prints, and the handwritten kind that ibsim reads. A line
 * "Switch 8 "name"" (or Ca, Hca, Rt) starts a node, "[3] "peer"[4]" names one of its cables; GUIDs
 * in parentheses, comments and lines of other kinds say nothing about the shape.
 *
 * A cable may be told by either end or by both. Two passes: collect all lines, then sort the nodes
 * by identifier and look the peers up.
 */

#include "tests/common/graphs.h"
#include "tests/common/graphs-inside.h"

#include "base/macros.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum node_kind { NODE_SWITCH, NODE_HOST, NODE_ROUTER, NODE_AGGREGATION };

enum { ID_MAX = 64, NAME_MAX_LENGTH = 128, PORT_MAX = 254 };

struct node {
	char id[ID_MAX];
	char name[NAME_MAX_LENGTH];
	enum node_kind kind;
	uint32_t at;     /* NODE_SWITCH: its number in the graph */
	uint32_t device; /* others */
	uint32_t place;  /* in the file */
};

struct wire {
	char peer[ID_MAX];
	uint32_t owner; /* place of the node in the file */
	unsigned line;
	uint8_t port;
	uint8_t peer_port;
};

struct net {
	struct node *nodes;
	struct wire *wires;
	uint32_t n_nodes;
	uint32_t n_wires;
	unsigned line;
	struct node **by_id; /* sorted */
};

static void net_clear(struct net *net)
{
	free(net->nodes);
	free(net->wires);
	free(net->by_id);
}

/* Room for one more; 0 or -ENOMEM. */
static int net_grow(void **array, uint32_t n, size_t size)
{
	void *more;

	if (n && (n & (n - 1)))
		return 0;
	more = realloc(*array, (n ? 2 * (size_t)n : 1) * size);
	if (!more)
		return -ENOMEM;
	*array = more;
	return 0;
}

static const char *skip_spaces(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

/* "text" at *at into @ret, cut to its size if @may_cut; *at moves behind. */
static bool read_quoted(const char **at, char *ret, size_t size, bool may_cut)
{
	const char *end = **at == '"' ? strchr(*at + 1, '"') : NULL;
	size_t length;

	if (!end)
		return false;
	length = (size_t)(end - *at - 1);
	if (length >= size && !may_cut)
		return false;
	length = MIN(length, size - 1);
	memcpy(ret, *at + 1, length);
	ret[length] = 0;
	*at = end + 1;
	return true;
}

/* "[12]" at *at. */
static bool read_port(const char **at, uint8_t *ret)
{
	char *end;
	unsigned long port;

	if (**at != '[' || !isdigit((unsigned char)(*at)[1]))
		return false;
	port = strtoul(*at + 1, &end, 10);
	if (*end != ']' || port < 1 || port > PORT_MAX)
		return false;
	*ret = (uint8_t)port;
	*at = end + 1;
	return true;
}

/* A word that starts a node; true and its kind, *at behind it. */
static bool read_kind(const char **at, enum node_kind *ret)
{
	static const struct {
		const char *word;
		enum node_kind kind;
	} words[] = {
		{ "Switch", NODE_SWITCH }, { "Ca", NODE_HOST },       { "Hca", NODE_HOST },
		{ "Rt", NODE_ROUTER },     { "Router", NODE_ROUTER },
	};
	size_t length = strcspn(*at, " \t\r\n");

	for (size_t i = 0; i < COUNT(words); i++) {
		if (strlen(words[i].word) != length || memcmp(*at, words[i].word, length))
			continue;
		*ret = words[i].kind;
		*at += length;
		return true;
	}
	return false;
}

/* The description that ibnetdiscover puts behind '#', or the identifier. */
static void read_name(const char *at, struct node *node)
{
	const char *comment = strchr(at, '#');

	if (comment)
		comment = skip_spaces(comment + 1);
	if (!comment || !read_quoted(&comment, node->name, sizeof(node->name), true))
		snprintf(node->name, sizeof(node->name), "%s", node->id);
	if (node->kind == NODE_HOST && strstr(node->name, "Aggregation Node"))
		node->kind = NODE_AGGREGATION;
}

/* @at: behind the word, which said @kind. */
static int read_node(struct net *net, const char *at, enum node_kind kind)
{
	struct node node = { .kind = kind, .place = net->n_nodes };
	char *end;
	int r;

	at = skip_spaces(at);
	if (!isdigit((unsigned char)*at))
		return -EINVAL;
	strtoul(at, &end, 10);
	at = skip_spaces(end);
	if (!read_quoted(&at, node.id, sizeof(node.id), false))
		return -EINVAL;
	read_name(at, &node);

	r = net_grow((void **)&net->nodes, net->n_nodes, sizeof(*net->nodes));
	if (r)
		return r;
	net->nodes[net->n_nodes++] = node;
	return 0;
}

static const char *skip_parentheses(const char *at)
{
	const char *end = *at == '(' ? strchr(at, ')') : NULL;

	return skip_spaces(end ? end + 1 : at);
}

static int read_wire(struct net *net, const char *at)
{
	struct wire wire = { .line = net->line };
	int r;

	if (!net->n_nodes || !read_port(&at, &wire.port))
		return -EINVAL;
	at = skip_parentheses(at);
	if (!read_quoted(&at, wire.peer, sizeof(wire.peer), false))
		return -EINVAL;
	at = skip_spaces(at);
	if (!read_port(&at, &wire.peer_port))
		return -EINVAL;
	wire.owner = net->n_nodes - 1;

	r = net_grow((void **)&net->wires, net->n_wires, sizeof(*net->wires));
	if (r)
		return r;
	net->wires[net->n_wires++] = wire;
	return 0;
}

static int read_line(struct net *net, const char *text)
{
	enum node_kind kind;

	net->line++;
	if (*text == '[')
		return read_wire(net, text);
	if (read_kind(&text, &kind))
		return read_node(net, text, kind);
	return 0;
}

static int read_lines(struct net *net, FILE *file)
{
	AUTO(freep) char *text = NULL;
	size_t size = 0;
	int r = 0;

	while (!r && getline(&text, &size, file) >= 0)
		r = read_line(net, text);
	if (!r && ferror(file))
		return -EIO;
	return r;
}

/* ---- nodes by identifier --------------------------------------------------------------------- */

static int compare_nodes(const void *a, const void *b)
{
	const struct node *const *left = a;
	const struct node *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

/* -EINVAL if two have the same. */
static int sort_nodes(struct net *net)
{
	net->by_id = calloc(net->n_nodes + 1, sizeof(*net->by_id));
	if (!net->by_id)
		return -ENOMEM;
	for (uint32_t i = 0; i < net->n_nodes; i++)
		net->by_id[i] = &net->nodes[i];
	qsort(net->by_id, net->n_nodes, sizeof(struct node *), compare_nodes);
	for (uint32_t i = 1; i < net->n_nodes; i++)
		if (!strcmp(net->by_id[i - 1]->id, net->by_id[i]->id))
			return -EINVAL;
	return 0;
}

static struct node *find_node(const struct net *net, const char *id)
{
	uint32_t low = 0;
	uint32_t high = net->n_nodes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(id, net->by_id[middle]->id);

		if (!order)
			return net->by_id[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* ---- the graph ------------------------------------------------------------------------------- */

static int add_switches(struct net *net, struct made_graph *made)
{
	for (uint32_t i = 0; i < net->n_nodes; i++) {
		struct node *node = &net->nodes[i];

		node->device = made->n_devices + i;
		if (node->kind != NODE_SWITCH)
			continue;
		node->at = graph_add_switch(made);
		made->switches[node->at].name = strdup(node->name);
		if (!made->switches[node->at].name)
			return -ENOMEM;
	}
	made->n_devices += net->n_nodes;
	for (uint32_t i = 0; i < net->n_nodes; i++)
		if (net->by_id[i]->kind == NODE_SWITCH)
			made->switches[net->by_id[i]->at].order_key = i;
	return 0;
}

static enum end_kind end_kind_of(enum node_kind kind)
{
	switch (kind) {
	case NODE_SWITCH:
		return END_SWITCH;
	case NODE_HOST:
		return END_HOST;
	case NODE_ROUTER:
		return END_ROUTER;
	case NODE_AGGREGATION:
		return END_AGGREGATION;
	}
	return END_HOST;
}

/* Between two switches, one of which tells. */
static int add_cable(struct made_graph *made, const struct plug *a, const struct plug *b)
{
	struct cable cable = { { *a, *b } };

	if (!graph_take_port(made, a->at, a->port) || !graph_take_port(made, b->at, b->port))
		return -EINVAL;
	graph_put_cable(made, &cable);
	return 0;
}

static int add_end(struct made_graph *made, const struct plug *plug, const struct node *node)
{
	struct end end = { .at = plug->at,
			   .port = plug->port,
			   .device = node->device,
			   .kind = (uint8_t)end_kind_of(node->kind) };

	if (!graph_take_port(made, plug->at, plug->port))
		return -EINVAL;
	graph_put_end(made, &end);
	return 0;
}

/* What is plugged into each port of each switch, to know a cable that both of its ends tell. */
struct told {
	uint32_t peer; /* place in the file + 1 */
	uint8_t port;
};

static struct told *told_at(struct told *told, const struct node *node, unsigned port)
{
	return &told[(size_t)node->place * (PORT_MAX + 1) + port];
}

static int add_wire(struct net *net, struct made_graph *made, struct told *told,
		    const struct wire *wire)
{
	const struct node *a = &net->nodes[wire->owner];
	const struct node *b = find_node(net, wire->peer);
	struct told *a_told = told_at(told, a, wire->port);
	struct told *b_told;

	if (!b)
		return -EINVAL;
	b_told = told_at(told, b, wire->peer_port);
	if (a_told->peer == b->place + 1 && a_told->port == wire->peer_port)
		return 0;
	if (a_told->peer || b_told->peer)
		return -EINVAL;
	*a_told = (struct told){ b->place + 1, wire->peer_port };
	*b_told = (struct told){ a->place + 1, wire->port };

	if (a == b || (a->kind != NODE_SWITCH && b->kind != NODE_SWITCH))
		return 0;
	if (a->kind != NODE_SWITCH)
		return add_end(made, &(struct plug){ b->at, wire->peer_port }, a);
	if (b->kind != NODE_SWITCH)
		return add_end(made, &(struct plug){ a->at, wire->port }, b);
	return add_cable(made, &(struct plug){ a->at, wire->port },
			 &(struct plug){ b->at, wire->peer_port });
}

static int add_wires(struct net *net, struct made_graph *made)
{
	AUTO(freep)
	struct told *told = calloc((size_t)net->n_nodes * (PORT_MAX + 1) + 1, sizeof(*told));
	int r = 0;

	if (!told)
		return -ENOMEM;
	for (uint32_t i = 0; !r && i < net->n_wires; i++) {
		net->line = net->wires[i].line;
		r = add_wire(net, made, told, &net->wires[i]);
	}
	return r;
}

static int make_graph(struct net *net, struct made_graph **ret)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_empty();
	int r;

	net->line = 0;
	r = sort_nodes(net);
	if (!r)
		r = add_switches(net, made);
	if (!r)
		r = add_wires(net, made);
	if (!r)
		*ret = TAKE(made);
	return r;
}

int graph_read_net(const char *path, struct made_graph **ret, unsigned *ret_line)
{
	AUTO(net_clear) struct net net = { 0 };
	FILE *file = fopen(path, "re");
	int r;

	*ret_line = 0;
	if (!file)
		return -errno;
	r = read_lines(&net, file);
	fclose(file);
	if (!r)
		r = make_graph(&net, ret);
	if (r)
		*ret_line = net.line;
	return r;
}
