/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Devices that do not do what they say, or do not say what they do. A rule names requests (class,
 * method, attribute), how often it strikes, and the lie; rules are tried in their order, and each
 * that strikes has its way.
 *
 * Of a Set that is refused or forgotten two moments matter: sma.c asks before it does anything, and
 * that is when chance decides; the answer then only has to say so. What is drawn is remembered by
 * the TID in between. A table that is shorter than it says loses what is beyond its end when it is
 * written, and shows nothing there when it is read.
 */

#include "tests/sim/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* ---- rules ----------------------------------------------------------------------------------- */

static bool is_sane(const struct sim_rule *rule)
{
	if ((unsigned)rule->lie >= SIM_LIE_N)
		return false;
	return rule->lie != SIM_LIE_FIELD ||
	       (rule->width >= 1 && rule->width <= 64 && rule->bit + rule->width <= 64 * 8);
}

int sim_fault_rule(struct sim_node *node, const struct sim_rule *rule)
{
	struct sim_node_faults *f = sim_fault_of_node(node);

	if (!is_sane(rule))
		return -EINVAL;
	if (!f)
		return -ENOMEM;
	if (f->n_rules == SIM_RULES_MAX)
		return -ENOSPC;
	f->rules[f->n_rules++] = *rule;
	return 0;
}

static bool is_about(const struct sim_rule *rule, const struct sim_packet *p, uint8_t method)
{
	uint8_t mgmt_class = sim_is_smp(p) ? SIM_CLASS_LID : p->mad.mgmt_class;

	return (!rule->mgmt_class || rule->mgmt_class == mgmt_class) &&
	       (!rule->method || rule->method == method) &&
	       (!rule->attribute || rule->attribute == be16toh(p->mad.attr_id)) &&
	       (!rule->has_modifier || rule->modifier == be32toh(p->mad.attr_mod));
}

/* A rule that has struck for the last time goes. */
static void wear_out(struct sim_node_faults *f, unsigned i)
{
	struct sim_rule *rule = &f->rules[i];

	if (!rule->times || --rule->times)
		return;
	f->n_rules--;
	memmove(rule, rule + 1, (f->n_rules - i) * sizeof(*rule));
}

/*
 * The first rule from *@i on that has one of @lies (a bit each), is about @p, and strikes; false:
 * none. *@ret is it; *@i is where the next one would be.
 */
static bool strikes(struct sim_node *node, unsigned lies, const struct sim_packet *p,
		    uint8_t method, unsigned *i, struct sim_rule *ret)
{
	struct sim_node_faults *f = node->faults;

	for (; *i < f->n_rules; ++*i) {
		const struct sim_rule *rule = &f->rules[*i];
		unsigned before = f->n_rules;

		if (!(lies >> rule->lie & 1) || !is_about(rule, p, method) ||
		    !sim_fault_draw(node->fabric, rule->chance))
			continue;
		*ret = *rule;
		wear_out(f, *i);
		*i += f->n_rules == before;
		return true;
	}
	return false;
}

/* ---- before it is done ----------------------------------------------------------------------- */

bool sim_fault_ignores(struct sim_port *at, const struct sim_packet *p)
{
	struct sim_rule rule;
	unsigned i = 0;

	return strikes(at->node, 1 << SIM_LIE_SILENT, p, p->mad.method, &i, &rule);
}

bool sim_fault_forgets(struct sim_port *at, const struct sim_packet *packet)
{
	struct sim_node_faults *f = at->node->faults;
	struct sim_rule rule;
	unsigned i = 0;

	if (!f)
		return false;
	f->has_refused = false;
	if (!strikes(at->node, 1 << SIM_LIE_FORGET | 1 << SIM_LIE_REFUSE, packet,
		     packet->mad.method, &i, &rule))
		return false;
	if (rule.lie == SIM_LIE_REFUSE) {
		f->has_refused = true;
		f->refused = packet->mad.trans_id;
		f->refused_with = (uint16_t)rule.value;
	}
	return true;
}

/* ---- tables that are shorter than they say --------------------------------------------------- */

struct table_shape {
	uint16_t attribute;
	uint8_t entry; /* bytes */
	uint8_t nothing;
	uint32_t block_mask; /* of the modifier */
};

static const struct table_shape *find_shape(uint16_t attribute)
{
	static const struct table_shape shapes[] = {
		{ 0x14, 8, 0x00, 0xffffffff },
		{ 0x16, 2, 0x00, 0x0000ffff },
		{ 0x19, 1, SIM_LFT_NONE, 0xffffffff },
		{ 0x1b, 2, 0x00, 0x000001ff },
	};

	for (unsigned i = 0; i < COUNT(shapes); i++)
		if (shapes[i].attribute == attribute)
			return &shapes[i];
	return NULL;
}

static void cut_table(const struct sim_rule *rule, struct sim_packet *p)
{
	const struct table_shape *shape = find_shape(be16toh(p->mad.attr_id));
	unsigned n = shape ? 64u / shape->entry : 0;
	uint64_t first = shape ? (uint64_t)(be32toh(p->mad.attr_mod) & shape->block_mask) * n : 0;

	for (unsigned i = 0; i < n; i++)
		if (first + i >= rule->value)
			memset(p->smp.data + i * shape->entry, shape->nothing, shape->entry);
}

void sim_fault_shorten(const struct sim_node_faults *f, struct sim_packet *p)
{
	for (unsigned i = 0; i < f->n_rules; i++)
		if (f->rules[i].lie == SIM_LIE_SHORT && sim_is_smp(p) &&
		    is_about(&f->rules[i], p, p->mad.method))
			cut_table(&f->rules[i], p);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void set_status(struct sim_packet *p, uint64_t status)
{
	p->mad.status = htobe16((uint16_t)((be16toh(p->mad.status) & 0x8000) | (status & 0x7fff)));
}

static void set_bits(uint8_t *data, const struct sim_rule *rule)
{
	for (unsigned i = 0; i < rule->width; i++) {
		unsigned bit = rule->bit + i;
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		if (rule->value >> (rule->width - 1 - i) & 1)
			data[bit / 8] |= mask;
		else
			data[bit / 8] &= (uint8_t)~mask;
	}
}

/* Its asker's number, in the upper half, stays, so that it gets there. */
static void change_tid(struct sim_fabric *fabric, struct sim_packet *p)
{
	uint64_t other = 1 + sim_fault_up_to(fabric, UINT32_MAX - 1);

	p->mad.trans_id ^= htobe64(other);
}

static void garble_bytes(struct sim_fabric *fabric, struct sim_packet *p)
{
	for (uint64_t n = 1 + sim_fault_up_to(fabric, 7); n; n--) {
		uint64_t at = sim_fault_up_to(fabric, SIM_MAD_SIZE - 1);

		p->bytes[at] = (uint8_t)sim_fault_up_to(fabric, UINT8_MAX);
	}
}

static void garble(struct sim_fabric *fabric, const struct sim_rule *rule, struct sim_packet *p)
{
	static const uint8_t kinds[] = { SIM_GARBLE_BYTES, SIM_GARBLE_LENGTH, SIM_GARBLE_VERSION };
	uint64_t kind = rule->value ? rule->value : kinds[sim_fault_up_to(fabric, 2)];

	if (kind & SIM_GARBLE_BYTES)
		garble_bytes(fabric, p);
	if (kind & SIM_GARBLE_LENGTH)
		p->length = (uint16_t)sim_fault_up_to(fabric, SIM_MAD_SIZE - 1);
	if (!(kind & SIM_GARBLE_VERSION))
		return;
	if (sim_fault_up_to(fabric, 1))
		p->mad.base_ver = (uint8_t)(2 + sim_fault_up_to(fabric, 253));
	else
		p->mad.class_ver = (uint8_t)(2 + sim_fault_up_to(fabric, 253));
}

/* False: it does not leave. */
static bool apply(struct sim_fabric *fabric, const struct sim_rule *rule, struct sim_packet *p)
{
	switch (rule->lie) {
	case SIM_LIE_MUTE:
		return false;
	case SIM_LIE_REFUSE:
	case SIM_LIE_STATUS:
		set_status(p, rule->value);
		break;
	case SIM_LIE_FIELD:
		set_bits(p->smp.data, rule);
		break;
	case SIM_LIE_TID:
		change_tid(fabric, p);
		break;
	case SIM_LIE_GARBLE:
		garble(fabric, rule, p);
		break;
	case SIM_LIE_SILENT:
	case SIM_LIE_FORGET:
	case SIM_LIE_SHORT:
	case SIM_LIE_N:
		break;
	}
	return true;
}

bool sim_fault_falsify(struct sim_port *at, struct sim_packet *p, uint8_t method)
{
	struct sim_node *node = at->node;
	struct sim_node_faults *f = node->faults;
	unsigned lies = 1 << SIM_LIE_MUTE | 1 << SIM_LIE_STATUS | 1 << SIM_LIE_FIELD |
			1 << SIM_LIE_TID | 1 << SIM_LIE_GARBLE;
	struct sim_rule rule;
	unsigned i = 0;

	sim_fault_shorten(f, p);
	if (f->has_refused && f->refused == p->mad.trans_id)
		set_status(p, f->refused_with);
	f->has_refused = false;
	/* Of a Set SMP that has been decided, see sim_fault_forgets(). */
	if (method != SIM_SET || !sim_is_smp(p))
		lies |= 1 << SIM_LIE_REFUSE;
	while (strikes(node, lies, p, method, &i, &rule))
		if (!apply(node->fabric, &rule, p))
			return false;
	return true;
}

/* ---- duplicate GUIDs ------------------------------------------------------------------------- */

static int remember(struct sim_node *node)
{
	struct sim_node_faults *f = sim_fault_of_node(node);

	if (!f)
		return -ENOMEM;
	if (f->own)
		return 0;
	f->own = calloc(1, sizeof(*f->own) + (node->n_ports + 1u) * sizeof(f->own->guids[0]));
	if (!f->own)
		return -ENOMEM;
	f->own->node_guid = node->info.node_guid;
	f->own->system_guid = node->info.sys_guid;
	for (unsigned n = 0; n <= node->n_ports; n++)
		f->own->guids[n] = node->ports[n].guid;
	return 0;
}

int sim_fault_twin(struct sim_node *node, const struct sim_node *other)
{
	unsigned first = node->sw ? 0 : 1;
	unsigned last = node->sw ? 0 : node->n_ports;
	unsigned others = other->sw ? 0 : 1;
	int r = remember(node);

	if (r < 0)
		return r;
	node->faults->own->twin = other;
	node->info.node_guid = other->info.node_guid;
	node->info.sys_guid = other->info.sys_guid;
	for (unsigned n = first; n <= last && others <= other->n_ports; n++, others++) {
		if (other->sw && others)
			break;
		sim_set_port_guid(&node->ports[n], other->ports[others].guid);
	}
	return 0;
}

void sim_fault_be_oneself(struct sim_node *node)
{
	struct sim_identity *own = TAKE(node->faults->own);

	if (!own)
		return;
	node->info.node_guid = own->node_guid;
	node->info.sys_guid = own->system_guid;
	for (unsigned n = 0; n <= node->n_ports; n++)
		sim_set_port_guid(&node->ports[n], own->guids[n]);
	free(own);
}
