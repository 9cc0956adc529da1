/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Net files, line by line. Empty lines and lines of comments say nothing; the others:
 *
 *	Switch 8 "name"		begins a node with so many ports; also Ca, Hca, Rt, Router
 *	[3] "peer"[4]		a cable from its port 3 to port 4 of another node
 *	vf 4 model=vport	virtual functions of an HCA
 *	caguid=0x1234		of the next node; also switchguid, rtguid, sysimgguid, vendid, devid
 *	module="name"		what follows is a part of its own: its names begin with name#
 *	include "file"		read that file here
 *	do command		a line for the console, once all cables are there
 *
 * What ibnetdiscover puts into comments counts where it is about the fabric: node descriptions,
 * "enhanced port 0", LIDs (a snapshot of a fabric begins as it was, until its power goes) and the
 * width and speed of a link (which are then the best that this port can). GUIDs of ports in
 * parentheses count on HCAs. Without GUIDs they are ibsim's: hosts count up from 0x100000 with one
 * number for each port too, switches from 0x200000; a given one is where the counting goes on.
 *
 * A cable may be told by either end or by both; ibsim wants both. Names are looked up once all
 * files are read, in a table, because a fabric of 50,000 nodes names each of its 100,000 cables
 * twice. The text of the files stays until then: names are cut out of it in place.
 */

#include "tests/sim/net-file.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guid-map.h"
#include "base/macros.h"

enum {
	FIRST_HOST = 0x100000,
	FIRST_SWITCH = 0x200000,
	FIRST_ROUTER = 0x300000,
	NODES_MAX = 1 << 20,
	/* Supported, as bits, where nothing is said (IBA 14.2.5.6): 1X and 4X, SDR to QDR. */
	WIDTH_4X = 0x03,
	SPEED_QDR = 0x07,
};

struct place {
	unsigned file; /* in files */
	unsigned line;
};

struct cable {
	struct sim_port *from;
	const char *module; /* that the name is said in; "" is none */
	const char *peer;
	unsigned number;
	struct place place;
};

struct text {
	char *name;
	char *text;
};

struct reader {
	struct sim_fabric *fabric;
	const struct sim_net_options *options;
	struct sim_net *net;
	struct sim_net_error *error;

	struct text *files;
	size_t n_files;
	struct place at; /* what is read now */
	unsigned depth;
	bool may_include;

	const char *module;
	struct sim_node *node; /* the last one, that lines of ports belong to */
	uint64_t next_guid[4]; /* by enum sim_type */
	uint64_t system_guid;
	uint32_t vendor;
	uint16_t device;

	struct cable *cables;
	size_t n_cables;
	struct place *nodes; /* where they are told, by index */
	size_t n_nodes;
	uint32_t *slots; /* of the table of names: index + 1, 0: empty */
	uint32_t n_slots;
};

__attribute__((format(printf, 2, 3))) static int fail(struct reader *r, const char *format, ...)
{
	va_list args;

	snprintf(r->error->file, sizeof(r->error->file), "%s",
		 r->n_files ? r->files[r->at.file].name : "");
	r->error->line = r->at.line;
	va_start(args, format);
	vsnprintf(r->error->text, sizeof(r->error->text), format, args);
	va_end(args);
	for (char *c = r->error->text; *c; c++) /* parts of the file, whatever is in it */
		if (*c < ' ' || *c > '~')
			*c = '?';
	return -EINVAL;
}

static int no_memory(struct reader *r)
{
	fail(r, "out of memory");
	return -ENOMEM;
}

/* Room for one more at the end of an array that doubles. */
static int grow(struct reader *r, void **array, size_t n, size_t size)
{
	void *more;

	if (n && (n & (n - 1)))
		return 0;
	more = realloc(*array, (n ? 2 * n : 1) * size);
	if (!more)
		return no_memory(r);
	*array = more;
	return 0;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void skip_spaces(char **at)
{
	while (isspace((unsigned char)**at))
		(*at)++;
}

/* "text" at *at: cut out in place, *at moves behind it. NULL if there is none. */
static char *take_quoted(char **at)
{
	char *start = *at + 1;
	char *end;

	if (**at != '"')
		return NULL;
	end = strchr(start, '"');
	if (!end)
		return NULL;
	*end = 0;
	*at = end + 1;
	return start;
}

/* A number that begins with a digit, at most @most. */
static bool take_number(char **at, int base, uint64_t most, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	if (!isxdigit((unsigned char)**at) || (base == 10 && !isdigit((unsigned char)**at)))
		return false;
	errno = 0;
	value = strtoull(*at, &end, base);
	if (errno || value > most || end == *at)
		return false;
	*ret = value;
	*at = end;
	return true;
}

static bool take_word(char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncasecmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

/* "[12]", and what ibnetdiscover says of a chassis: "[ext 3]". */
static bool take_port(char **at, uint64_t *ret)
{
	if (**at != '[')
		return false;
	(*at)++;
	if (!take_number(at, 10, SIM_PORTS_MAX, ret) || **at != ']')
		return false;
	(*at)++;
	if (take_word(at, "[ext ")) {
		*at += strcspn(*at, "]");
		if (**at)
			(*at)++;
	}
	return true;
}

/* "(2c90300001234)", or nothing: 0. */
static bool take_guid(char **at, uint64_t *ret)
{
	*ret = 0;
	if (**at != '(')
		return true;
	(*at)++;
	if (!take_number(at, 16, UINT64_MAX, ret) || **at != ')')
		return false;
	(*at)++;
	return true;
}

static bool is_comment(const char *at)
{
	return *at == '#' || !*at;
}

/* The number behind @key in a comment: "lid 5". */
static unsigned find_number(const char *comment, const char *key)
{
	const char *at = strstr(comment, key);

	return at ? (unsigned)strtoul(at + strlen(key), NULL, 10) : 0;
}

/* ---- the table of names ---------------------------------------------------------------------- */

static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	return h ^ h >> 15;
}

/* Where @name is, or where it would go. */
static uint32_t *find_slot(const struct reader *r, const char *name)
{
	for (uint32_t i = hash(name);; i++) {
		uint32_t *slot = &r->slots[i & (r->n_slots - 1)];

		if (!*slot || !strcmp(r->fabric->nodes[*slot - 1]->name, name))
			return slot;
	}
}

static int widen_table(struct reader *r)
{
	uint32_t n = r->n_slots ? 2 * r->n_slots : 256;
	uint32_t *old = r->slots;
	uint32_t n_old = r->n_slots;

	r->slots = calloc(n, sizeof(*r->slots));
	if (!r->slots) {
		r->slots = old;
		return no_memory(r);
	}
	r->n_slots = n;
	for (uint32_t i = 0; i < n_old; i++)
		if (old[i])
			*find_slot(r, r->fabric->nodes[old[i] - 1]->name) = old[i];
	free(old);
	return 0;
}

static struct sim_node *find_node(const struct reader *r, const char *name)
{
	uint32_t *slot = r->slots ? find_slot(r, name) : NULL;

	return slot && *slot ? r->fabric->nodes[*slot - 1] : NULL;
}

/* "module#name" into @ret; false: too long. */
static bool full_name(const char *module, const char *name, char ret[64])
{
	int n = snprintf(ret, 64, "%s%s%s", module, *module ? "#" : "", name);

	return n > 0 && n < 64;
}

/* ---- links ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint8_t speed; /* LinkSpeed bits, IBA 14.2.5.6 */
	uint8_t ext;
} speeds
	[] = {
		{ "SDR", 1, 0 },  { "DDR", 3, 0 }, { "QDR", 7, 0 }, { "FDR10", 7, 0 },
		{ "FDR", 7, 1 },  { "EDR", 7, 3 }, { "HDR", 7, 7 }, { "NDR", 7, 15 },
		{ "XDR", 7, 15 }, /* has fields of its own, which the simulator's devices have not
				   */
	};

static const struct {
	unsigned lanes;
	uint8_t bits; /* LinkWidth: 1X 1, 4X 2, 8X 4, 12X 8, 2X 16 */
} widths[] = { { 1, 0x01 }, { 2, 0x11 }, { 4, 0x03 }, { 8, 0x07 }, { 12, 0x0b } };

static void set_width_bits(struct sim_port *port, uint8_t bits)
{
	port->info.link_width_supported = bits;
	port->info.link_width_enabled = bits;
}

static bool set_width(struct sim_port *port, unsigned lanes)
{
	for (size_t i = 0; i < COUNT(widths); i++) {
		if (widths[i].lanes != lanes)
			continue;
		set_width_bits(port, widths[i].bits);
		return true;
	}
	return false;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void set_lid(struct sim_port *port, const char *comment)
{
	unsigned lid = find_number(comment, "lid ");
	unsigned lmc = find_number(comment, "lmc ");

	if (lid >= SIM_LID_MULTICAST || lmc > 7)
		return;
	port->info.base_lid = htobe16((uint16_t)lid);
	port->info.mkey_lmc = (uint8_t)((port->info.mkey_lmc & 0xf8) | lmc);
}

static int add_node(struct reader *r, const struct sim_node_spec *spec, const char *comment)
{
	int ret = 0;

	if (2 * r->fabric->n_nodes >= r->n_slots)
		ret = widen_table(r);
	if (!ret)
		ret = grow(r, (void **)&r->nodes, r->n_nodes, sizeof(*r->nodes));
	if (ret)
		return ret;
	if (*find_slot(r, spec->name))
		return fail(r, "there is a node \"%s\" already", spec->name);
	if (r->fabric->n_nodes >= NODES_MAX)
		return fail(r, "more than %d nodes", NODES_MAX);
	if (sim_node_new(r->fabric, spec, &r->node) < 0)
		return no_memory(r);
	r->nodes[r->n_nodes++] = r->at;
	*find_slot(r, spec->name) = r->node->index + 1;
	for (unsigned n = 0; n <= r->node->n_ports; n++)
		set_width(&r->node->ports[n], 4); /* as ibsim has it, and most devices */
	if (spec->type == SIM_SWITCH)
		set_lid(&r->node->ports[0], comment);
	return 0;
}

/* What ibnetdiscover says behind '#': "description" and the rest. */
static const char *take_description(char **at, const char *otherwise)
{
	const char *description;

	if (**at == '#')
		(*at)++;
	skip_spaces(at);
	description = take_quoted(at);
	return description ? description : otherwise;
}

/* Of the next node, counting on from there; switches need one number, others one for each port. */
static uint64_t take_next_guid(struct reader *r, enum sim_type type, unsigned n_ports)
{
	uint64_t guid = r->next_guid[type];

	r->next_guid[type] += type == SIM_SWITCH ? 1 : n_ports + 1;
	return guid;
}

static int read_node(struct reader *r, char *at, enum sim_type type)
{
	struct sim_node_spec spec = { .type = type };
	char name[64];
	const char *id;
	uint64_t n_ports;

	skip_spaces(&at);
	if (!take_number(&at, 10, SIM_PORTS_MAX, &n_ports) || !n_ports)
		return fail(r, "a node has 1 to %d ports", SIM_PORTS_MAX);
	skip_spaces(&at);
	id = take_quoted(&at);
	if (!id || !*id)
		return fail(r, "a node needs a name in quotes behind its number of ports");
	if (!full_name(r->module, id, name))
		return fail(r, "the name of a node has at most 63 characters");
	skip_spaces(&at);
	spec.n_ports = (unsigned)n_ports;
	spec.name = name;
	spec.description = take_description(&at, id);
	spec.base_port0 = strstr(at, "base port 0") != NULL;
	spec.guid = take_next_guid(r, type, spec.n_ports);
	if (!spec.guid || spec.guid > UINT64_MAX - spec.n_ports)
		return fail(r, "a GUID is not 0, nor so large that those of ports have no place");
	spec.system_guid = r->system_guid;
	spec.vendor = r->vendor;
	spec.device = r->device;
	spec.lft_cap = r->options->lft_cap;
	spec.mft_cap = r->options->mft_cap;
	r->system_guid = 0;
	return add_node(r, &spec, at);
}

/* ---- cables ---------------------------------------------------------------------------------- */

/* What the capability masks have to say about speeds beyond QDR. */
static void set_ext_caps(struct sim_port *port, uint8_t ext)
{
	enum { EXTENDED = 1u << 14, HAS_MASK2 = 1u << 15 };
	enum { MASK2_WIDTH_2X = 1u << 4, MASK2_HDR = 1u << 5, MASK2_NDR = 1u << 10 };
	ib_port_info_t *info = &sim_end_port(port)->info;

	if (ext)
		info->capability_mask |= htobe32(EXTENDED);
	if (!(ext & 0x0c))
		return;
	info->capability_mask |= htobe32(HAS_MASK2);
	info->capability_mask2 |=
		htobe16((uint16_t)(MASK2_WIDTH_2X | MASK2_HDR | (ext & 8 ? MASK2_NDR : 0)));
}

static void set_speed_bits(struct sim_port *port, unsigned speed, unsigned ext)
{
	ib_port_info_t *info = &port->info;

	info->state_info1 = (uint8_t)((info->state_info1 & 0x0f) | speed << 4);
	info->link_speed = (uint8_t)((info->link_speed & 0xf0) | speed);
	info->link_speed_ext = (uint8_t)ext;
	info->link_speed_ext_enabled = (uint8_t)ext;
	set_ext_caps(port, (uint8_t)ext);
}

static bool set_speed(struct sim_port *port, const char *name, size_t length)
{
	for (size_t i = 0; i < COUNT(speeds); i++) {
		if (strlen(speeds[i].name) != length || memcmp(speeds[i].name, name, length) != 0)
			continue;
		set_speed_bits(port, speeds[i].speed, speeds[i].ext);
		return true;
	}
	return false;
}

/* "4xHDR" as the last word of a comment; other last words are just comments. */
static void read_rate(struct sim_port *port, char *comment)
{
	char *end = comment + strlen(comment);
	char *start;
	uint64_t lanes;

	while (end > comment && isspace((unsigned char)end[-1]))
		end--;
	start = end;
	while (start > comment && !isspace((unsigned char)start[-1]))
		start--;
	if (take_number(&start, 10, 12, &lanes) && *start == 'x' &&
	    set_speed(port, start + 1, (size_t)(end - start - 1)))
		set_width(port, (unsigned)lanes);
}

/* ibsim's "w=12" and "s=4", and speeds by name: the word at @at. */
static bool read_link_option(struct sim_port *port, char *at, size_t length)
{
	static const char *const by_number[] = { "", "SDR", "DDR", "", "QDR" };
	const char *speed = at + 2;
	uint64_t number;
	char *end = at + 2;

	if (take_word(&at, "w="))
		return take_number(&at, 10, 12, &number) && set_width(port, (unsigned)number);
	if (!take_word(&at, "s="))
		return false;
	if (!take_number(&end, 10, COUNT(by_number) - 1, &number))
		return set_speed(port, speed, length - 2);
	return set_speed(port, by_number[number], strlen(by_number[number]));
}

static int read_link_options(struct reader *r, struct sim_port *port, char **at)
{
	for (skip_spaces(at); !is_comment(*at); skip_spaces(at)) {
		size_t length = strcspn(*at, " \t\r#");

		if (!read_link_option(port, *at, length))
			return fail(r, "behind a cable there may be w=1, 2, 4, 8 or 12 and s=1, 2, "
				       "4 or SDR to NDR");
		*at += length;
	}
	return 0;
}

static int add_cable(struct reader *r, const struct cable *cable)
{
	int ret = grow(r, (void **)&r->cables, r->n_cables, sizeof(*r->cables));

	if (!ret)
		r->cables[r->n_cables++] = *cable;
	return ret;
}

static int read_peer(struct reader *r, char **at, struct cable *cable)
{
	uint64_t number;
	uint64_t guid;

	skip_spaces(at);
	cable->peer = take_quoted(at);
	if (!cable->peer)
		return fail(r, "a port names the other end of its cable: [1] \"peer\"[2]");
	skip_spaces(at);
	if (!take_port(at, &number) || !number || !take_guid(at, &guid))
		return fail(r, "the other end of a cable is a port: \"%s\"[1 to %d]", cable->peer,
			    SIM_PORTS_MAX);
	cable->number = (unsigned)number;
	return 0;
}

/* [3](guid) "peer"[4](guid) w=12 # lid 5 lmc 0 "description" lid 6 4xHDR */
static int read_port(struct reader *r, char *at)
{
	struct cable cable = { .module = r->module, .place = r->at };
	struct sim_port *port;
	uint64_t number;
	uint64_t guid;
	int ret;

	if (!r->node)
		return fail(r, "there is no node yet that this port could belong to");
	if (!take_port(&at, &number) || !number || number > r->node->n_ports)
		return fail(r, "\"%s\" has the ports [1] to [%d]", r->node->name, r->node->n_ports);
	if (!take_guid(&at, &guid))
		return fail(r, "the GUID of a port is a hexadecimal number in parentheses");
	port = &r->node->ports[number];
	if (guid && !r->node->sw)
		sim_set_port_guid(port, guid);
	cable.from = port;
	ret = read_peer(r, &at, &cable);
	for (skip_spaces(&at); !ret && *at == '('; skip_spaces(&at))
		if (!take_guid(&at, &guid))
			return fail(r, "the GUID of a port is a hexadecimal number in parentheses");
	if (!ret)
		ret = read_link_options(r, port, &at);
	if (ret)
		return ret;
	read_rate(port, at);
	if (!r->node->sw)
		set_lid(port, strncmp(at, "# lid ", 6) ? "" : at);
	return add_cable(r, &cable);
}

/* ---- virtual functions ----------------------------------------------------------------------- */

static bool is_word(const char *word, size_t length, const char *text)
{
	return strlen(text) == length && !memcmp(word, text, length);
}

static int read_vf_option(struct reader *r, char *at, size_t length, struct sim_net_vfs *vfs)
{
	static const char *const models[] = { "model=vswitch", "model=shared", "model=vport" };
	uint64_t value;

	for (size_t i = 0; i < COUNT(models); i++) {
		if (is_word(at, length, models[i])) {
			vfs->model = (enum sim_net_vf_model)i;
			return 0;
		}
	}
	if (is_word(at, length, "lid=own") || is_word(at, length, "lid=shared"))
		vfs->own_lid = at[4] == 'o';
	else if (is_word(at, length, "state=up") || is_word(at, length, "state=down"))
		vfs->up = at[6] == 'u';
	else if (take_word(&at, "guid=") && take_number(&at, 16, UINT64_MAX, &value) && value)
		vfs->guid = value;
	else if (take_word(&at, "port=") && take_number(&at, 10, r->node->n_ports, &value) && value)
		vfs->port = &r->node->ports[value];
	else
		return fail(r, "after the number of VFs there may be model=vswitch, shared or "
			       "vport, port=, guid=, lid=own or shared, state=up or down");
	return 0;
}

static int add_vfs(struct reader *r, const struct sim_net_vfs *vfs)
{
	struct sim_net *net = r->net;
	int ret;

	if (vfs->model == SIM_NET_SHARED && vfs->own_lid)
		return fail(r, "VFs of a shared port have no LIDs of their own");
	for (size_t i = net->n_vfs; i--;)
		if (net->vfs[i].port == vfs->port)
			return fail(r, "port %d of \"%s\" has VFs already", vfs->port->number,
				    r->node->name);
		else if (net->vfs[i].port->node != r->node)
			break;
	ret = grow(r, (void **)&net->vfs, net->n_vfs, sizeof(*net->vfs));
	if (!ret)
		net->vfs[net->n_vfs++] = *vfs;
	return ret;
}

/* vf 4 model=vport guid=1234 lid=own state=up */
static int read_vfs(struct reader *r, char *at)
{
	struct sim_net_vfs vfs = { .line = r->at.line, .model = (enum sim_net_vf_model) - 1 };
	uint64_t count;
	int ret = 0;

	if (!r->node || r->node->type != SIM_CA)
		return fail(r, "VFs belong to an HCA, and there is none above this line");
	vfs.port = &r->node->ports[1];
	skip_spaces(&at);
	if (!take_number(&at, 10, SIM_NET_VFS, &count) || !count)
		return fail(r, "a port has 1 to %d VFs", SIM_NET_VFS);
	vfs.count = (unsigned)count;
	for (skip_spaces(&at); !ret && !is_comment(at); skip_spaces(&at)) {
		size_t length = strcspn(at, " \t\r#");

		ret = read_vf_option(r, at, length, &vfs);
		at += length;
	}
	if (ret)
		return ret;
	if (vfs.model == (enum sim_net_vf_model) - 1)
		return fail(r, "VFs have a model: model=vswitch, shared or vport");
	vfs.own_lid |= vfs.model == SIM_NET_VSWITCH;
	return add_vfs(r, &vfs);
}

/* ---- other lines ----------------------------------------------------------------------------- */

static int read_value(struct reader *r, char **at, uint64_t most, uint64_t *ret)
{
	if (take_number(at, 16, most, ret))
		return 0;
	return fail(r, "behind '=' there is a hexadecimal number of at most 0x%llx",
		    (unsigned long long)most);
}

static int read_guid(struct reader *r, char *at, enum sim_type type)
{
	return read_value(r, &at, UINT64_MAX, &r->next_guid[type]);
}

static int read_host_guid(struct reader *r, char *at)
{
	return read_guid(r, at, SIM_CA);
}

static int read_switch_guid(struct reader *r, char *at)
{
	return read_guid(r, at, SIM_SWITCH);
}

static int read_router_guid(struct reader *r, char *at)
{
	return read_guid(r, at, SIM_ROUTER);
}

static int read_system_guid(struct reader *r, char *at)
{
	return read_value(r, &at, UINT64_MAX, &r->system_guid);
}

static int read_vendor(struct reader *r, char *at)
{
	uint64_t value;
	int ret = read_value(r, &at, 0xffffff, &value);

	if (!ret)
		r->vendor = (uint32_t)value;
	return ret;
}

static int read_device(struct reader *r, char *at)
{
	uint64_t value;
	int ret = read_value(r, &at, 0xffff, &value);

	if (!ret)
		r->device = (uint16_t)value;
	return ret;
}

static int read_module(struct reader *r, char *at)
{
	char *name;

	if (*at == '=')
		at++;
	skip_spaces(&at);
	name = take_quoted(&at);
	if (!name)
		return fail(r, "a module has a name in quotes: module=\"name\"");
	r->module = name;
	r->node = NULL;
	return 0;
}

static int read_do(struct reader *r, char *at)
{
	struct sim_net *net = r->net;
	int ret = grow(r, (void **)&net->commands, net->n_commands, sizeof(*net->commands));

	if (ret)
		return ret;
	skip_spaces(&at);
	net->commands[net->n_commands] = strdup(at);
	if (!net->commands[net->n_commands])
		return no_memory(r);
	net->n_commands++;
	return 0;
}

static int read_file(struct reader *r, const char *path);

static void cut_spaces(char *at)
{
	char *end = at + strlen(at);

	while (end > at && isspace((unsigned char)end[-1]))
		end--;
	*end = 0;
}

/* The rest of the line, in quotes, as ibsim wants it, or without. NULL: there is none. */
static char *take_path(char *at)
{
	char *quoted;

	skip_spaces(&at);
	cut_spaces(at);
	if (*at != '"')
		return *at ? at : NULL;
	quoted = take_quoted(&at);
	return quoted && *quoted && !*at ? quoted : NULL;
}

/* The path is as if from where the program runs, as ibsim has it; or from beside the file. */
static int read_include(struct reader *r, char *at)
{
	char *path = take_path(at);
	const char *own = r->files[r->at.file].name;
	const char *slash = strrchr(own, '/');
	struct place at_include = r->at;
	char *beside = NULL;
	int ret;

	if (!r->may_include)
		return fail(r, "nothing can be included here");
	if (!path)
		return fail(r, "include which file?");
	if (r->depth >= SIM_NET_DEPTH)
		return fail(r, "more than %d files include each other", SIM_NET_DEPTH);
	if (r->n_files >= SIM_NET_FILES)
		return fail(r, "more than %d files are included", SIM_NET_FILES);
	if (*path != '/' && slash && access(path, R_OK) < 0 &&
	    asprintf(&beside, "%.*s/%s", (int)(slash - own), own, path) < 0)
		return no_memory(r);
	ret = read_file(r, beside ? beside : path);
	free(beside);
	if (!ret)
		r->at = at_include;
	return ret;
}

/* Headings between the nodes of "ibnetdiscover -g". */
static bool is_heading(const char *at)
{
	static const char *const headings[] = { "Chassis", "Spine", "Line", "Non-Chassis",
						"DR path" };

	for (size_t i = 0; i < COUNT(headings); i++)
		if (!strncmp(at, headings[i], strlen(headings[i])))
			return true;
	return !strncmp(at, "(guid ", 6);
}

/* Lines that begin with a word for a node. */
static bool take_type(char **at, enum sim_type *ret)
{
	static const struct {
		const char *word;
		enum sim_type type;
	} types[] = {
		{ "Switch", SIM_SWITCH }, { "Ca", SIM_CA },         { "Hca", SIM_CA },
		{ "Rt", SIM_ROUTER },     { "Router", SIM_ROUTER },
	};
	size_t length = strcspn(*at, " \t");

	for (size_t i = 0; i < COUNT(types); i++) {
		if (strlen(types[i].word) != length || strncasecmp(*at, types[i].word, length) != 0)
			continue;
		*ret = types[i].type;
		*at += length;
		return true;
	}
	return false;
}

static int read_line(struct reader *r, char *at)
{
	static const struct {
		const char *word;
		int (*read)(struct reader *r, char *at);
	} words[] = {
		{ "vendid=", read_vendor },
		{ "devid=", read_device },
		{ "sysimgguid=", read_system_guid },
		{ "caguid=", read_host_guid },
		{ "caguids=", read_host_guid },
		{ "hcaguid=", read_host_guid },
		{ "hcaguids=", read_host_guid },
		{ "switchguid=", read_switch_guid },
		{ "switchguids=", read_switch_guid },
		{ "rtguid=", read_router_guid },
		{ "rtguids=", read_router_guid },
		{ "vf ", read_vfs },
		{ "vf\t", read_vfs },
		{ "module", read_module },
		{ "do ", read_do },
		{ "include ", read_include },
	};
	enum sim_type type;

	skip_spaces(&at);
	if (is_comment(at) || is_heading(at))
		return 0;
	if (*at == '[')
		return read_port(r, at);
	if (take_type(&at, &type))
		return read_node(r, at, type);
	for (size_t i = 0; i < COUNT(words); i++)
		if (take_word(&at, words[i].word))
			return words[i].read(r, at);
	return fail(r, "a line begins with Switch, Ca, Hca, Rt, a port like [1], vf, include, do, "
		       "module or one of vendid=, devid=, sysimgguid=, caguid=, switchguid=");
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Takes @text, which ends with a 0. */
static int read_text(struct reader *r, const char *name, char *text, size_t length)
{
	struct text file = { strdup(name), text };
	int ret = file.name ? grow(r, (void **)&r->files, r->n_files, sizeof(*r->files))
			    : no_memory(r);

	if (ret) {
		free(file.name);
		free(text);
		return ret;
	}
	r->at = (struct place){ .file = (unsigned)r->n_files };
	r->files[r->n_files++] = file;
	r->depth++;
	for (char *at = text, *end = text + length; !ret && at < end;) {
		char *newline = memchr(at, '\n', (size_t)(end - at));

		r->at.line++;
		if (newline)
			*newline = 0;
		ret = read_line(r, at);
		at = newline ? newline + 1 : end;
	}
	r->depth--;
	return ret;
}

static int read_file(struct reader *r, const char *path)
{
	char *text;
	size_t length;
	int ret = file_read(path, SIM_NET_BYTES, &text, &length);

	if (!ret)
		return read_text(r, path, text, length);
	if (r->n_files == 0) /* whoever says it has the name */
		fail(r, "cannot read it: %s", file_reason(ret));
	else
		fail(r, "cannot read %s: %s", path, file_reason(ret));
	return ret;
}

/* ---- when all is read ------------------------------------------------------------------------ */

static struct sim_node *find_peer(const struct reader *r, const struct cable *cable)
{
	char name[64];
	struct sim_node *node = NULL;

	if (full_name(cable->module, cable->peer, name))
		node = find_node(r, name);
	return node ? node : find_node(r, cable->peer);
}

/* What is said of a cable by one end alone is meant of both. */
static void match(struct sim_port *told, struct sim_port *other)
{
	if (other->info.link_width_supported == WIDTH_4X)
		set_width_bits(other, told->info.link_width_supported);
	if (!other->info.link_speed_ext && other->info.state_info1 >> 4 == SPEED_QDR)
		set_speed_bits(other, told->info.state_info1 >> 4,
			       told->info.link_speed_ext & 0x0f);
}

static int plug(struct reader *r, const struct cable *cable)
{
	struct sim_port *from = cable->from;
	struct sim_node *peer = find_peer(r, cable);
	struct sim_port *to;

	r->at = cable->place;
	if (!peer)
		return fail(r, "there is no node \"%s\"", cable->peer);
	to = sim_port(peer, cable->number);
	if (!to)
		return fail(r, "\"%s\" has the ports [1] to [%d]", peer->name, peer->n_ports);
	if (from->far == to)
		return 0;
	if (from == to)
		return fail(r, "a cable has two ends");
	if (from->far)
		return fail(r, "\"%s\"[%d] has a cable to \"%s\"[%d] already", from->node->name,
			    from->number, from->far->node->name, from->far->number);
	if (to->far)
		return fail(r, "\"%s\"[%d] has a cable to \"%s\"[%d] already", peer->name,
			    to->number, to->far->node->name, to->far->number);
	match(from, to);
	match(to, from);
	return sim_cable(from, to);
}

static int check_guid(struct reader *r, struct guid_map *map, uint64_t guid, uint32_t index)
{
	uint32_t other = guid_map_get(map, guid);

	if (other == GUID_MAP_NONE)
		return guid_map_put(map, guid, index) < 0 ? no_memory(r) : 0;
	r->at = r->nodes[index];
	if (other == index)
		return fail(r, "two ports of \"%s\" have the GUID 0x%llx",
			    r->fabric->nodes[index]->name, (unsigned long long)guid);
	return fail(r, "\"%s\" and \"%s\" have the same GUID 0x%llx", r->fabric->nodes[other]->name,
		    r->fabric->nodes[index]->name, (unsigned long long)guid);
}

/* Node GUIDs differ, and port GUIDs do; a port may have that of its node. */
static int check_guids(struct reader *r)
{
	AUTO(guid_map_done) struct guid_map nodes = { 0 };
	AUTO(guid_map_done) struct guid_map ports = { 0 };
	int ret = 0;

	for (uint32_t i = 0; !ret && i < r->fabric->n_nodes; i++) {
		struct sim_node *node = r->fabric->nodes[i];

		ret = check_guid(r, &nodes, be64toh(node->info.node_guid), i);
		for (unsigned n = 1; !ret && !node->sw && n <= node->n_ports; n++)
			if (node->ports[n].far) /* others' are made up */
				ret = check_guid(r, &ports, node->ports[n].guid, i);
	}
	return ret;
}

static int finish(struct reader *r)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < r->n_cables; i++)
		ret = plug(r, &r->cables[i]);
	r->at = (struct place){ 0 };
	if (!ret && !r->fabric->n_nodes)
		ret = fail(r, "there is no node in it");
	if (!ret && !r->options->ignore_duplicates)
		ret = check_guids(r);
	return ret;
}

static void reader_done(struct reader *r)
{
	for (size_t i = 0; i < r->n_files; i++) {
		free(r->files[i].name);
		free(r->files[i].text);
	}
	free(r->files);
	free(r->cables);
	free(r->nodes);
	free(r->slots);
}

static void reader_init(struct reader *r)
{
	r->module = "";
	r->next_guid[SIM_CA] = FIRST_HOST;
	r->next_guid[SIM_SWITCH] = FIRST_SWITCH;
	r->next_guid[SIM_ROUTER] = FIRST_ROUTER;
	*r->net = (struct sim_net){ 0 };
	*r->error = (struct sim_net_error){ 0 };
}

static int end(struct reader *r, int ret)
{
	if (!ret)
		ret = finish(r);
	if (ret)
		sim_net_done(r->net);
	return ret;
}

int sim_net_read(struct sim_fabric *fabric, const char *path, const struct sim_net_options *options,
		 struct sim_net *ret, struct sim_net_error *error)
{
	AUTO(reader_done)
	struct reader r = { .fabric = fabric, .options = options, .net = ret, .error = error };

	reader_init(&r);
	r.may_include = true;
	return end(&r, read_file(&r, path));
}

int sim_net_parse(struct sim_fabric *fabric, const char *text, size_t length, const char *name,
		  const struct sim_net_options *options, struct sim_net *ret,
		  struct sim_net_error *error)
{
	AUTO(reader_done)
	struct reader r = { .fabric = fabric, .options = options, .net = ret, .error = error };
	char *copy = malloc(length + 1);

	reader_init(&r);
	if (!copy)
		return no_memory(&r);
	memcpy(copy, text, length);
	copy[length] = 0;
	return end(&r, read_text(&r, name, copy, length));
}

void sim_net_done(struct sim_net *net)
{
	for (size_t i = 0; i < net->n_commands; i++)
		free(net->commands[i]);
	free(net->commands);
	free(net->vfs);
	*net = (struct sim_net){ 0 };
}
