/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Rules of faults-lies.c as text: attributes and fields by their names, or by numbers where a name
 * would be news to nobody. What is printed has numbers for fields, and can be read back.
 */

#include "tests/sim/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/faults-words.h"

struct name {
	const char *name;
	uint8_t mgmt_class;
	uint16_t attribute;
};

static const struct name attributes[] = {
	{ "sma", SIM_CLASS_LID, 0 },
	{ "pma", SIM_CLASS_PERF, 0 },
	{ "nodedescription", SIM_CLASS_LID, 0x10 },
	{ "nodeinfo", SIM_CLASS_LID, 0x11 },
	{ "switchinfo", SIM_CLASS_LID, 0x12 },
	{ "guidinfo", SIM_CLASS_LID, 0x14 },
	{ "portinfo", SIM_CLASS_LID, 0x15 },
	{ "pkeys", SIM_CLASS_LID, 0x16 },
	{ "sl2vl", SIM_CLASS_LID, 0x17 },
	{ "vlarb", SIM_CLASS_LID, 0x18 },
	{ "lft", SIM_CLASS_LID, 0x19 },
	{ "mft", SIM_CLASS_LID, 0x1b },
	{ "sminfo", SIM_CLASS_LID, 0x20 },
	{ "classportinfo", SIM_CLASS_PERF, 0x01 },
	{ "portcounters", SIM_CLASS_PERF, 0x12 },
	{ "portcountersext", SIM_CLASS_PERF, 0x1d },
};

/* By name, or an SMP's by number. */
static bool to_attribute(const char *word, struct sim_rule *rule)
{
	uint64_t n;

	for (unsigned i = 0; i < COUNT(attributes); i++) {
		if (strcmp(attributes[i].name, word))
			continue;
		rule->mgmt_class = attributes[i].mgmt_class;
		rule->attribute = attributes[i].attribute;
		return true;
	}
	if (!words_to_number(word, &n) || !n || n > UINT16_MAX)
		return false;
	rule->mgmt_class = SIM_CLASS_LID;
	rule->attribute = (uint16_t)n;
	return true;
}

static bool to_method(const char *word, struct sim_rule *rule)
{
	if (!strcmp(word, "get"))
		rule->method = SIM_GET;
	else if (!strcmp(word, "set"))
		rule->method = SIM_SET;
	else
		return false;
	return true;
}

static int modifier_of(struct words *t, struct sim_rule *rule)
{
	uint64_t n;
	int r = words_number(t, UINT32_MAX, &n);

	if (r < 0)
		return r;
	rule->has_modifier = true;
	rule->modifier = (uint32_t)n;
	return 0;
}

/*
 * [get|set] [ATTRIBUTE] [modifier N] [status N] [CHANCE] [next N], in any order, to the end of the
 * line.
 */
static int limits(struct words *t, struct sim_rule *rule)
{
	uint64_t status = rule->value;
	int r = 0;

	while (r == 0) {
		struct words before = *t;

		if (!words_next(t))
			break;
		if (words_is(t, "next")) {
			*t = before;
			r = words_times(t, &rule->times);
		} else if (words_is(t, "modifier")) {
			r = modifier_of(t, rule);
		} else if (words_is(t, "status") &&
			   (rule->lie == SIM_LIE_REFUSE || rule->lie == SIM_LIE_STATUS)) {
			r = words_number(t, 0x7fff, &status);
			rule->value = status;
		} else if (!to_method(t->word, rule) && !words_to_chance(t->word, &rule->chance) &&
			   (rule->lie == SIM_LIE_FIELD || !to_attribute(t->word, rule))) {
			r = words_wrong(t, "\"%.80s\" has no meaning here", t->word);
		}
	}
	return r;
}

static int add_rule(struct words *t, struct sim_node *n, const struct sim_rule *rule)
{
	int r = sim_fault_rule(n, rule);

	if (r == -ENOSPC)
		words_wrong(t, "\"%.64s\" has %u rules already", n->name, SIM_RULES_MAX);
	else if (r == -ENOMEM)
		words_no_memory(t);
	return r;
}

static const struct name garbles[] = {
	{ "bytes", SIM_GARBLE_BYTES, 0 },
	{ "length", SIM_GARBLE_LENGTH, 0 },
	{ "version", SIM_GARBLE_VERSION, 0 },
};

static void garbles_of(struct words *t, struct sim_rule *rule)
{
	for (unsigned i = 0; i < COUNT(garbles); i++)
		if (words_accept(t, garbles[i].name))
			rule->value = garbles[i].mgmt_class;
}

static int table_of(struct words *t, struct sim_rule *rule)
{
	static const char *const tables[] = { "lft", "mft", "pkeys", "guidinfo" };
	unsigned i = 0;

	while (i < COUNT(tables) && !words_accept(t, tables[i]))
		i++;
	if (i == COUNT(tables))
		return words_wrong(t, "a table is missing: lft, mft, pkeys or guidinfo");
	to_attribute(tables[i], rule);
	return words_number(t, UINT32_MAX, &rule->value);
}

/* Fields that are worth a name: attribute, first bit, bits. */
static const struct field {
	const char *name;
	uint16_t attribute;
	uint16_t bit;
	uint8_t width;
} fields[] = {
	{ "nodeinfo.version", 0x11, 0, 8 },
	{ "nodeinfo.type", 0x11, 2 * 8, 8 },
	{ "nodeinfo.ports", 0x11, 3 * 8, 8 },
	{ "nodeinfo.systemguid", 0x11, 4 * 8, 64 },
	{ "nodeinfo.nodeguid", 0x11, 12 * 8, 64 },
	{ "nodeinfo.portguid", 0x11, 20 * 8, 64 },
	{ "nodeinfo.partitioncap", 0x11, 28 * 8, 16 },
	{ "nodeinfo.localport", 0x11, 36 * 8, 8 },
	{ "switchinfo.lftcap", 0x12, 0, 16 },
	{ "switchinfo.mftcap", 0x12, 4 * 8, 16 },
	{ "switchinfo.top", 0x12, 6 * 8, 16 },
	{ "switchinfo.statechange", 0x12, 11 * 8 + 5, 1 },
	{ "switchinfo.enforcecap", 0x12, 14 * 8, 16 },
	{ "portinfo.mkey", 0x15, 0, 64 },
	{ "portinfo.lid", 0x15, 16 * 8, 16 },
	{ "portinfo.smlid", 0x15, 18 * 8, 16 },
	{ "portinfo.capabilities", 0x15, 20 * 8, 32 },
	{ "portinfo.localport", 0x15, 28 * 8, 8 },
	{ "portinfo.width", 0x15, 31 * 8, 8 },
	{ "portinfo.state", 0x15, 32 * 8 + 4, 4 },
	{ "portinfo.phys", 0x15, 33 * 8, 4 },
	{ "portinfo.lmc", 0x15, 34 * 8 + 5, 3 },
	{ "portinfo.speed", 0x15, 35 * 8, 4 },
	{ "portinfo.mtu", 0x15, 36 * 8, 4 },
	{ "portinfo.vlcap", 0x15, 37 * 8, 4 },
	{ "portinfo.mtucap", 0x15, 41 * 8 + 4, 4 },
	{ "portinfo.guidcap", 0x15, 50 * 8, 8 },
};

/* A name, or `0x19@8:16`: 16 bits of attribute 0x19 from bit 8 on. */
static int field(struct words *t, struct sim_rule *rule)
{
	unsigned attribute, bit, width;
	char more;

	if (!words_next(t))
		return words_wrong(t, "a field is missing, such as nodeinfo.ports");
	rule->mgmt_class = SIM_CLASS_LID;
	for (unsigned i = 0; i < COUNT(fields); i++) {
		if (strcmp(fields[i].name, t->word))
			continue;
		rule->attribute = fields[i].attribute;
		rule->bit = fields[i].bit;
		rule->width = fields[i].width;
		return 0;
	}
	if (sscanf(t->word, "%8x@%3u:%3u%c", &attribute, &bit, &width, &more) != 3 || !attribute ||
	    attribute > UINT16_MAX || bit >= 512 || !width || width > 64 || bit + width > 512)
		return words_wrong(t, "\"%.60s\" is no field, such as nodeinfo.ports", t->word);
	rule->attribute = (uint16_t)attribute;
	rule->bit = (uint16_t)bit;
	rule->width = (uint8_t)width;
	return 0;
}

static int value_of(struct words *t, struct sim_rule *rule)
{
	int r = field(t, rule);

	return r < 0 ? r : words_number(t, UINT64_MAX >> (64 - rule->width), &rule->value);
}

int sim_rule_read(struct words *t, enum sim_lie lie)
{
	struct sim_rule rule = { .lie = lie, .chance = SIM_ALWAYS };
	struct sim_node *n;
	int r = words_node(t, &n);

	if (r < 0)
		return r;
	if (lie == SIM_LIE_REFUSE || lie == SIM_LIE_STATUS)
		rule.value = SIM_BAD_FIELD;
	else if (lie == SIM_LIE_GARBLE)
		garbles_of(t, &rule);
	else if (lie == SIM_LIE_FIELD)
		r = value_of(t, &rule);
	else if (lie == SIM_LIE_SHORT)
		r = table_of(t, &rule);
	if (r == 0)
		r = lie == SIM_LIE_SHORT ? words_end(t) : limits(t, &rule);
	return r < 0 ? r : add_rule(t, n, &rule);
}

/* ---- and back -------------------------------------------------------------------------------- */

static const char *const lies[SIM_LIE_N] = {
	[SIM_LIE_SILENT] = "silent", [SIM_LIE_MUTE] = "mute",     [SIM_LIE_REFUSE] = "refuse",
	[SIM_LIE_STATUS] = "status", [SIM_LIE_FORGET] = "forget", [SIM_LIE_FIELD] = "lie",
	[SIM_LIE_TID] = "tid",       [SIM_LIE_SHORT] = "short",   [SIM_LIE_GARBLE] = "garble",
};

static void print_attribute(FILE *out, const struct sim_rule *rule)
{
	for (unsigned i = 0; i < COUNT(attributes); i++)
		if (attributes[i].mgmt_class == rule->mgmt_class &&
		    attributes[i].attribute == rule->attribute) {
			fprintf(out, " %s", attributes[i].name);
			return;
		}
	if (rule->attribute)
		fprintf(out, " 0x%x", rule->attribute);
}

static void print_what(FILE *out, const struct sim_rule *rule)
{
	if (rule->lie == SIM_LIE_FIELD) {
		fprintf(out, " 0x%x@%u:%u 0x%llx", rule->attribute, rule->bit, rule->width,
			(unsigned long long)rule->value);
		return;
	}
	for (unsigned i = 0; rule->lie == SIM_LIE_GARBLE && i < COUNT(garbles); i++)
		if (rule->value == garbles[i].mgmt_class)
			fprintf(out, " %s", garbles[i].name);
	if (rule->lie == SIM_LIE_REFUSE || rule->lie == SIM_LIE_STATUS)
		fprintf(out, " status 0x%llx", (unsigned long long)rule->value);
	print_attribute(out, rule);
}

void sim_rule_list(FILE *out, const struct sim_node *n, const struct sim_rule *rule)
{
	fprintf(out, "%s \"%s\"", lies[rule->lie], n->name);
	print_what(out, rule);
	if (rule->lie == SIM_LIE_SHORT) {
		fprintf(out, " %llu\n", (unsigned long long)rule->value);
		return;
	}
	if (rule->method)
		fputs(rule->method == SIM_GET ? " get" : " set", out);
	if (rule->has_modifier)
		fprintf(out, " modifier 0x%x", rule->modifier);
	if (rule->chance != SIM_ALWAYS)
		words_print_chance(out, rule->chance);
	words_print_times(out, rule->times);
}

void sim_rule_help(FILE *out)
{
	fputs("attributes:", out);
	for (unsigned i = 0; i < COUNT(attributes); i++)
		fprintf(out, " %s", attributes[i].name);
	fputs(", or a number\nfields:", out);
	for (unsigned i = 0; i < COUNT(fields); i++)
		fprintf(out, " %s", fields[i].name);
	fputs(", or ATTRIBUTE@BIT:BITS such as 0x19@8:8\n", out);
}
