/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * From text to a place on the fabric. Numbers go before names, so that a node that calls itself
 * "17" takes nobody's LID; and what an operator calls a GUID (vf add --name) goes before what a
 * device calls itself, which may be anything. A name is compared with all: that is once per
 * question of a person. It has to match one only; of several none is taken, and all are listed.
 *
 * A virtual function goes by its GUID also while it is down or somebody else has that GUID too: it
 * is then, more than ever, what one asks about. The maps know only who has a GUID rightly, so the
 * rest of them are looked through.
 */

#include "ctl/find.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ctl/vf-place.h"

#define CANDIDATES_MAX 16
#define NAME_SIZE      256 /* of a name with a port behind it */

#define MULTICAST_FIRST 0xc000u
#define MULTICAST_LAST  0xfffeu

bool node_exists(const struct fabric *f, uint32_t node)
{
	return node < f->n_nodes && f->nodes[node].guid != 0;
}

bool port_exists(const struct fabric *f, uint32_t port)
{
	const struct node *node;

	if (port >= f->n_ports || !node_exists(f, f->ports[port].node))
		return false;
	node = node_of(f, port);

	return port >= node->first_port && port - node->first_port <= node->n_ports;
}

/* -- numbers ------------------------------------------------------------------------------------
 */

static size_t count_digits(const char *text, int (*is_digit)(int c))
{
	size_t n = 0;

	while (is_digit((unsigned char)text[n]))
		n++;

	return text[n] == 0 ? n : 0;
}

/* The digits of @text without the colons between every two of them; false if there are others. */
static bool strip_colons(const char *text, char digits[static 17])
{
	if (strlen(text) != 23)
		return false;
	for (size_t i = 0; i < 23; i++) {
		if (i % 3 == 2 && text[i] != ':')
			return false;
		if (i % 3 != 2)
			digits[i / 3 * 2 + i % 3] = text[i];
	}
	digits[16] = 0;

	return true;
}

static bool has_prefix(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

bool find_guid_text(const char *text, uint64_t *ret)
{
	bool prefixed = has_prefix(text);
	char digits[17];
	size_t n;

	if (prefixed)
		text += 2;
	else if (strip_colons(text, digits))
		text = digits;
	n = count_digits(text, isxdigit);
	if (prefixed ? n == 0 || n > 16 : n != 16)
		return false;
	*ret = strtoull(text, NULL, 16);

	return true;
}

/* Up to four digits are a LID. */
static bool parse_guid(const char *text, uint64_t *ret)
{
	return !(has_prefix(text) && strlen(text) < 7) && find_guid_text(text, ret);
}

static bool parse_lid(const char *text, unsigned *ret)
{
	bool prefixed = has_prefix(text);
	size_t n = count_digits(text + (prefixed ? 2 : 0), prefixed ? isxdigit : isdigit);

	if (n == 0 || n > (prefixed ? 4 : 5))
		return false;
	*ret = (unsigned)strtoul(text, NULL, prefixed ? 16 : 10);

	return true;
}

static struct found found_of(const struct fabric *f, struct endpoint e)
{
	return (struct found){ .node = f->ports[e.port].node, .port = e.port, .index = e.index };
}

static bool has_guid(const struct fabric *f, const struct vf_place *place, uint64_t guid)
{
	const struct vf *vf = vf_at(f, place->pf, place->index);

	return place->model != VF_VSWITCH &&
	       (vf->guid == guid || vf->wanted == guid || vf->node_guid == guid);
}

static bool find_vf_guid(const struct fabric *f, uint64_t guid, struct found *ret)
{
	struct endpoint e = endpoint_find(f, guid);
	struct vf_place place;

	if (guid == 0)
		return false;
	if (e.port != NO_PORT) {
		*ret = found_of(f, e);
		return true;
	}
	for (uint64_t n = 0; f->n_vfs > 0 && vf_place_next(f, &n, &place); n++)
		if (has_guid(f, &place, guid)) {
			*ret = vf_place_found(f, &place);
			return true;
		}

	return false;
}

/* What has this GUID; false: nothing. */
static bool look_for_guid(const struct fabric *f, uint64_t guid, struct found *ret)
{
	uint32_t node = fabric_find_node(f, guid);
	uint32_t port = fabric_find_port(f, guid);

	if (node != GUID_MAP_NONE && node_exists(f, node)) {
		*ret = (struct found){ .node = node, .port = NO_PORT };
		return true;
	}
	if (port != GUID_MAP_NONE && port_exists(f, port)) {
		*ret = (struct found){ .node = f->ports[port].node, .port = port };
		return true;
	}

	return find_vf_guid(f, guid, ret);
}

static bool find_guid(struct call *call, uint64_t guid, struct found *ret)
{
	const struct kept_reservation *reserved;

	if (look_for_guid(call->fabric, guid, ret))
		return true;
	reserved = sm_reservation_of(call->sm, guid);
	if (reserved)
		call_fail(call, PROTOCOL_NOT_FOUND,
			  "no node, port or virtual function has the GUID 0x%016llx, which is "
			  "reserved%s%s",
			  (unsigned long long)guid, reserved->name[0] ? " for " : "",
			  reserved->name);
	else
		call_fail(call, PROTOCOL_NOT_FOUND,
			  "no node, port or virtual function has the GUID 0x%016llx",
			  (unsigned long long)guid);

	return false;
}

/* The port of somebody who has gone; NO_PORT: nobody had it. */
static uint32_t last_with_lid(const struct fabric *f, unsigned lid)
{
	uint32_t i = fabric_next_end(f, 0);

	while (i != NO_PORT &&
	       (node_of(f, i)->present || f->ports[i].lid == 0 || lid < f->ports[i].lid ||
		lid >= f->ports[i].lid + (1u << f->ports[i].lmc)))
		i = fabric_next_end(f, i + 1);

	return i;
}

static bool find_lid(struct call *call, unsigned lid, struct found *ret)
{
	struct endpoint e = endpoint_of_lid(call->fabric, lid);

	if (e.port == NO_PORT)
		e = (struct endpoint){ last_with_lid(call->fabric, lid), 0 };
	if (lid >= MULTICAST_FIRST && lid <= MULTICAST_LAST) {
		call_fail(call, PROTOCOL_NOT_FOUND,
			  "0x%04x is the LID of multicast groups: vsmctl group show 0x%04x", lid,
			  lid);
		return false;
	}
	if (e.port == NO_PORT || !port_exists(call->fabric, e.port)) {
		call_fail(call, PROTOCOL_NOT_FOUND, "no port has the LID %u", lid);
		return false;
	}
	*ret = found_of(call->fabric, e);
	ret->lid = (uint16_t)lid;

	return true;
}

/* -- names --------------------------------------------------------------------------------------
 */

enum match {
	MATCH_NONE,
	MATCH_FIRST_WORD, /* "host1" for "host1 HCA-1" */
	MATCH_WHOLE,
};

static enum match match_text(const char *name, const char *wanted, size_t length)
{
	if (!name || length == 0 || strncmp(name, wanted, length) != 0)
		return MATCH_NONE;
	if (name[length] == 0)
		return MATCH_WHOLE;

	return name[length] == ' ' ? MATCH_FIRST_WORD : MATCH_NONE;
}

static enum match match_node(const struct call *call, uint32_t number, const char *wanted,
			     size_t length)
{
	const struct node *node = &call->fabric->nodes[number];
	enum match a = match_text(names_get(&call->rpc->names, node->guid), wanted, length);
	enum match b = match_text(node->description, wanted, length);

	return MAX(a, b);
}

struct matches {
	enum match best;
	unsigned n;
	struct found first;
	uint64_t guids[CANDIDATES_MAX];
};

static void add_match(struct matches *matches, enum match match, struct found found, uint64_t guid)
{
	if (match < matches->best)
		return;
	if (match > matches->best)
		*matches = (struct matches){ .best = match };
	if (matches->n == 0)
		matches->first = found;
	if (matches->n < COUNT(matches->guids))
		matches->guids[matches->n] = guid;
	matches->n++;
}

static void find_matches(const struct call *call, const char *wanted, size_t length,
			 struct matches *ret)
{
	*ret = (struct matches){ .best = MATCH_FIRST_WORD };
	for (uint32_t i = 0; i < call->fabric->n_nodes; i++)
		if (node_exists(call->fabric, i))
			add_match(ret, match_node(call, i, wanted, length),
				  (struct found){ .node = i, .port = NO_PORT },
				  call->fabric->nodes[i].guid);
}

/* What vports call themselves. Those that are nodes have been looked at. */
static void find_vf_matches(const struct fabric *f, const char *wanted, size_t length,
			    struct matches *ret)
{
	struct vf_place place;

	*ret = (struct matches){ .best = MATCH_FIRST_WORD };
	for (uint64_t n = 0; f->n_vfs > 0 && vf_place_next(f, &n, &place); n++) {
		const struct vf *vf = vf_at(f, place.pf, place.index);

		if (place.model == VF_VPORT)
			add_match(ret, match_text(vf->description, wanted, length),
				  vf_place_found(f, &place), vf->guid);
	}
}

static void fail_ambiguous(struct call *call, const char *text, const char *what,
			   const struct matches *matches)
{
	json_t *candidates = json_array();
	struct row details = row_start();
	char list[256] = "";

	for (unsigned i = 0; i < MIN(matches->n, COUNT(matches->guids)); i++) {
		size_t used = strlen(list);
		char shown[GUID_TEXT_SIZE];

		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
			 guid_text(matches->guids[i], shown));
		json_array_append_new(candidates, row_guid_value(matches->guids[i]));
	}
	row_put(&details, "candidates", candidates);
	call->details = row_end(&details);
	call_fail(call, PROTOCOL_AMBIGUOUS, "%u %s are called \"%.64s\": %s%s", matches->n, what,
		  text, list, matches->n > COUNT(matches->guids) ? ", and more" : "");
}

int find_reserved(struct call *call, const char *name, uint64_t *ret)
{
	const struct kept_reservation *reserved;
	struct matches matches = { .best = MATCH_WHOLE };

	for (uint64_t i = 0; (reserved = sm_reservation(call->sm, i)); i++)
		if (reserved->name[0] && !strcmp(reserved->name, name))
			add_match(&matches, MATCH_WHOLE, (struct found){ .node = NO_NODE },
				  reserved->guid);
	if (matches.n > 1) {
		fail_ambiguous(call, name, "reserved GUIDs", &matches);
		return -1;
	}
	if (matches.n == 1)
		*ret = matches.guids[0];

	return (int)matches.n;
}

/* 1: found; 0: there is none; -1: several, and the call has failed. */
static int find_name(struct call *call, const char *text, size_t length, struct found *ret)
{
	const char *what = "nodes";
	struct matches matches;

	find_matches(call, text, length, &matches);
	if (matches.n == 0) {
		what = "virtual functions";
		find_vf_matches(call->fabric, text, length, &matches);
	}
	if (matches.n == 0)
		return 0;
	if (matches.n > 1) {
		fail_ambiguous(call, text, what, &matches);
		return -1;
	}
	*ret = matches.first;

	return 1;
}

/* -- all together -------------------------------------------------------------------------------
 */

/* As find_thing(), without a port behind it: 0 also if nothing is called so. */
static int find_plain(struct call *call, const char *text, struct found *ret)
{
	uint64_t guid;
	unsigned lid;
	int r;

	if (parse_guid(text, &guid))
		return find_guid(call, guid, ret) ? 1 : -1;
	if (parse_lid(text, &lid))
		return find_lid(call, lid, ret) ? 1 : -1;
	r = find_reserved(call, text, &guid);
	if (r != 0)
		return r > 0 && find_guid(call, guid, ret) ? 1 : -1;

	return find_name(call, text, strlen(text), ret);
}

/* The slash before a port number, or NULL. */
static const char *find_slash(const char *text)
{
	const char *slash = strrchr(text, '/');
	size_t digits = slash ? count_digits(slash + 1, isdigit) : 0;

	return digits > 0 && digits <= 3 ? slash : NULL;
}

/* The slash before "vf3", or NULL. */
static const char *find_vf_slash(const char *text)
{
	const char *slash = strrchr(text, '/');
	size_t digits = slash && !strncmp(slash, "/vf", 3) ? count_digits(slash + 3, isdigit) : 0;

	return digits > 0 && digits <= 3 ? slash : NULL;
}

/* False: it is longer than what has a name. */
static bool cut_off(const char *text, const char *slash, char ret[static NAME_SIZE])
{
	return snprintf(ret, NAME_SIZE, "%.*s", (int)(slash - text), text) < NAME_SIZE;
}

static int find_port_of(struct call *call, const char *text, const char *slash, struct found *ret)
{
	unsigned number = (unsigned)strtoul(slash + 1, NULL, 10);
	const struct node *node;
	char thing[NAME_SIZE];
	int r;

	if (!cut_off(text, slash, thing))
		return 0;
	r = find_plain(call, thing, ret);
	if (r <= 0)
		return r;
	node = &call->fabric->nodes[ret->node];
	if (number > node->n_ports || (number == 0 && !node_is_switch(node))) {
		call_fail(call, PROTOCOL_NOT_FOUND, "%s has no port %u", thing, number);
		return -1;
	}
	*ret = (struct found){ .node = ret->node, .port = port_at(node, number) };

	return 1;
}

/* A slash may also belong to a name: the whole text is tried first. */
static int find_with_port(struct call *call, const char *text, struct found *ret)
{
	const char *slash = find_slash(text);
	int r = find_plain(call, text, ret);

	return r == 0 && slash ? find_port_of(call, text, slash, ret) : r;
}

/* Of a node the first port that has virtual functions; NO_PORT: none has. */
static uint32_t choose_pf(const struct fabric *f, const struct found *found)
{
	const struct node *node = &f->nodes[found->node];

	if (found->port != NO_PORT)
		return found->port;
	for (unsigned i = 1; i <= node->n_ports; i++)
		if (vf_place_top(f, port_at(node, i)) > 0)
			return port_at(node, i);

	return NO_PORT;
}

static int find_vf_of(struct call *call, const char *text, const char *slash, struct found *ret)
{
	unsigned index = (unsigned)strtoul(slash + 3, NULL, 10);
	struct vf_place place;
	char thing[NAME_SIZE];
	uint32_t pf;
	int r;

	if (!cut_off(text, slash, thing))
		return 0;
	r = find_with_port(call, thing, ret);
	if (r <= 0)
		return r;
	pf = choose_pf(call->fabric, ret);
	if (pf == NO_PORT || !vf_place_find(call->fabric, pf, index, &place)) {
		call_fail(call, PROTOCOL_NOT_FOUND, "%s has no virtual function %u", thing, index);
		return -1;
	}
	*ret = vf_place_found(call->fabric, &place);

	return 1;
}

static bool is_mgid(const char *text)
{
	uint8_t mgid[16];

	return inet_pton(AF_INET6, text, mgid) == 1 && mgid[0] == 0xff;
}

static void fail_unknown(struct call *call, const char *text)
{
	if (is_mgid(text))
		call_fail(call, PROTOCOL_NOT_FOUND, "%s is an MGID: vsmctl group show %s", text,
			  text);
	else
		call_fail(call, PROTOCOL_NOT_FOUND, "nothing is called \"%.100s\"", text);
}

bool find_thing(struct call *call, const char *text, struct found *ret)
{
	const char *slash = find_vf_slash(text);
	int r = find_with_port(call, text, ret);

	if (r == 0 && slash)
		r = find_vf_of(call, text, slash, ret);
	if (r == 0)
		fail_unknown(call, text);

	return r > 0;
}

bool find_thing_or_away(struct call *call, const char *text, struct found *ret)
{
	unsigned lid;
	uint64_t guid;
	int r = parse_guid(text, &guid) ? 1 : 0;

	if (r == 0 && !parse_lid(text, &lid))
		r = find_reserved(call, text, &guid);
	if (r < 0)
		return false;
	if (r == 0 || look_for_guid(call->fabric, guid, ret) ||
	    (!sm_reservation_of(call->sm, guid) && !sm_moving_to(call->sm, guid)))
		return find_thing(call, text, ret);
	*ret = (struct found){ .node = NO_NODE, .port = NO_PORT, .away = guid };

	return true;
}

bool find_switch(struct call *call, const char *text, struct found *ret)
{
	if (!find_thing(call, text, ret))
		return false;
	if (node_is_switch(&call->fabric->nodes[ret->node]))
		return true;

	call_fail(call, PROTOCOL_NOT_FOUND, "%.100s is not a switch", text);
	return false;
}

static uint32_t choose_end(const struct fabric *f, const struct node *node)
{
	unsigned last = node_is_switch(node) ? 0 : node->n_ports;
	uint32_t chosen = NO_PORT;

	for (unsigned i = 0; i <= last; i++) {
		uint32_t port = port_at(node, i);

		if (!port_is_end(f, port) || f->ports[port].lid == 0)
			continue;
		if (node_is_switch(node) || port_state(&f->ports[port]) == PORT_ACTIVE)
			return port;
		if (chosen == NO_PORT)
			chosen = port;
	}

	return chosen;
}

bool find_end(struct call *call, const char *text, struct found *ret)
{
	const struct fabric *f = call->fabric;

	if (!find_thing(call, text, ret))
		return false;
	if (ret->port == NO_PORT || !port_is_end(f, ret->port))
		ret->port = choose_end(f, &f->nodes[ret->node]);
	if (ret->port != NO_PORT &&
	    endpoint_lid(f, (struct endpoint){ ret->port, ret->index }) != 0)
		return true;

	call_fail(call, PROTOCOL_NOT_FOUND, "%.100s has no LID", text);
	return false;
}

/* -- partitions ---------------------------------------------------------------------------------
 */

const struct partition *find_partition(struct call *call, const char *text)
{
	const struct partitions *partitions = sm_partitions(call->sm);
	const struct partition *found;
	unsigned pkey = 0;
	char rest;

	for (size_t i = 0; i < partitions->n; i++)
		if (!strcmp(partitions->partitions[i].name, text))
			return &partitions->partitions[i];
	if (strlen(text) <= 6 && sscanf(text, "%x%c", &pkey, &rest) == 1 && pkey <= 0xffff) {
		found = partitions_find(partitions, (uint16_t)pkey);
		if (found)
			return found;
	}
	call_fail(call, PROTOCOL_NOT_FOUND, "there is no partition \"%.100s\"", text);

	return NULL;
}
