/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The grammar of opensm's partitions.conf:
 *
 *	file       = { definition }
 *	definition = head ":" { item ( "," | newline ) } ";"
 *	head       = [ name ] [ "=" P_Key ] { "," flag [ "=" value ] }		on one line
 *	item       = member [ "=" membership ] | "mgid" "=" MGID { "," flag [ "=" value ] } newline
 *
 * with comments from # to the end of the line, and any keyword cut short at will. What a file means
 * to opensm it means here. The difference is what happens to a file that means nothing: opensm
 * passes over the flag or member that it does not know, takes a misspelt membership for limited and
 * an empty one for full, and when it cannot go on it makes everybody a full member of the default
 * partition. A partition is somebody's idea of who may talk to whom, so here the first thing that
 * is not understood ends it, and the caller keeps what it had.
 *
 * Knows no port: who is there, and which GUIDs are, is the planner's business.
 */

#include "conf/partition-parser.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/macros.h"

int parser_refuse(const struct parser *parser, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return input_complain(parser->reterr, -EINVAL, parser->name, parser->line, "%s", why);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* From where the parser is to the first of @stops or the end of the file. */
static struct span look_ahead(const struct parser *parser, const char *stops)
{
	struct span span = { parser->at, 0 };

	while (parser->at + span.length < parser->end && !strchr(stops, span.at[span.length]))
		span.length++;
	return span;
}

static void skip_comment(struct parser *parser)
{
	while (parser->at < parser->end && *parser->at != '\n')
		parser->at++;
}

/* Over blanks, lines and comments, and @more if it is not 0. False at the end of the file. */
static bool skip_blanks(struct parser *parser, char more)
{
	while (parser->at < parser->end) {
		char c = *parser->at;

		if (c == '#') {
			skip_comment(parser);
			continue;
		}
		if (c != '\n' && !span_blank(c) && (!more || c != more))
			return true;
		if (c == '\n')
			parser->line++;
		parser->at++;
	}
	return false;
}

/* ---- the head of a definition ---------------------------------------------------------------- */

static int take_pkey(const struct parser *parser, struct span text, struct head *head)
{
	uint64_t pkey;

	if (input_parse_number(text.at, text.length, 0xffff, &pkey) < 0)
		return parser_refuse(parser, "\"%s\" is not a P_Key, a number up to 0xffff",
				     SHOW(text));

	head->pkey = pkey & 0x7fff;
	return 0;
}

static int take_name(const struct parser *parser, struct span text, struct head *head)
{
	struct span value = text;
	bool has_pkey = span_cut(&value, '=', &head->name);

	if (!has_pkey && head->name.length && head->name.at[0] >= '0' && head->name.at[0] <= '9') {
		head->name.length = 0;
		return take_pkey(parser, span_trim(text), head);
	}
	if (head->name.length >= PARTITION_NAME_SIZE)
		return parser_refuse(parser, "the name \"%s\" is longer than %d characters",
				     SHOW(head->name), PARTITION_NAME_SIZE - 1);
	for (size_t i = 0; i < head->name.length; i++)
		if (head->name.at[i] < ' ' || head->name.at[i] > '~')
			return parser_refuse(parser, "the name \"%s\" is not all printable ASCII",
					     SHOW(head->name));
	return has_pkey ? take_pkey(parser, span_trim(value), head) : 0;
}

static int parse_head(struct parser *parser, struct head *head)
{
	struct span rest = look_ahead(parser, ":;#\n"), first;
	bool more;
	int r;

	*head = (struct head){
		.defmember = PARTITION_LIMITED,
		.params = { .mtu = 4, .rate = 3 },
		.line = parser->line,
	};
	parser->at += rest.length;
	if (parser->at == parser->end || *parser->at != ':')
		return parser_refuse(parser, "after \"%s\" there is no ':' on this line",
				     SHOW(span_trim(rest)));
	parser->at++;

	more = span_cut(&rest, ',', &first);
	r = take_name(parser, first, head);
	if (r < 0)
		return r;
	return more ? parser_take_flags(parser, rest, head, &head->params) : 0;
}

/* ---- the partition that a definition is about ------------------------------------------------ */

static int refuse_limit(const struct parser *parser, int code, const char *what, int most)
{
	if (code != -E2BIG)
		return input_complain(parser->reterr, code, parser->name, 0, "out of memory");
	return parser_refuse(parser, "more than %d %s", most, what);
}

static int new_partition(const struct parser *parser, const char *name, struct head *head,
			 bool generated)
{
	int r;

	r = draft_add_partition(parser->draft, name, head->pkey, &head->partition);
	if (r < 0)
		return refuse_limit(parser, r, "partitions", PARTITIONS_MAX);

	parser->draft->partitions[head->partition].generated = generated;
	return 0;
}

static int find_by_pkey(const struct parser *parser, const char *name, struct head *head)
{
	const struct partition *partition;

	if (!strcmp(name, "Default") && head->pkey != PARTITION_DEFAULT_PKEY)
		return parser_refuse(parser,
				     "Default is the name of the partition 0x7fff, not 0x%04x",
				     head->pkey);
	if (draft_find_pkey(parser->draft, head->pkey, &head->partition) < 0)
		return new_partition(parser, name, head, false);

	/* opensm would merge the two, and nobody meant them to be one. */
	partition = &parser->draft->partitions[head->partition];
	if (partition->generated)
		return parser_refuse(
			parser,
			"P_Key 0x%04x was generated for \"%s\" in line %u, which has none of "
			"its own",
			head->pkey, partition->name, partition->line);
	return 0;
}

static int find_by_name(const struct parser *parser, const char *name, struct head *head)
{
	int r;

	if (!*name)
		return parser_refuse(parser, "a partition needs a name or a P_Key");
	r = draft_find_name(parser->draft, name, &head->partition);
	if (r == -ENOTUNIQ)
		return parser_refuse(
			parser, "more than one partition is called \"%s\": say its P_Key", name);
	if (r == 0)
		return 0;
	if (draft_generate_pkey(parser->draft, &head->pkey) < 0)
		return parser_refuse(parser, "all P_Keys are taken, none is left for \"%s\"", name);
	return new_partition(parser, name, head, true);
}

/* Flags of a head without ipoib are for its mgid lines only; the SL is the partition's own. */
static int merge_head(const struct parser *parser, const struct head *head)
{
	struct partition *partition = &parser->draft->partitions[head->partition];
	struct partition_params params = head->params;
	const char *flag;

	if (!head->ipoib) {
		params.given &= PARTITION_PARAM_SL;
		params.scopes = 0;
	}
	flag = parser_merge_params(&partition->params, &params);
	if (flag)
		return parser_refuse(parser, "%s of \"%s\" had another value before", flag,
				     partition->name);

	partition->ipoib |= head->ipoib;
	partition->indx0 |= head->indx0;
	if (!partition->line)
		partition->line = head->line;
	return 0;
}

static int open_partition(const struct parser *parser, struct head *head)
{
	char name[PARTITION_NAME_SIZE];
	int r;

	memcpy(name, head->name.at ? head->name.at : "", head->name.length);
	name[head->name.length] = 0;

	r = head->pkey ? find_by_pkey(parser, name, head) : find_by_name(parser, name, head);
	if (r < 0)
		return r;
	return merge_head(parser, head);
}

/* ---- members --------------------------------------------------------------------------------- */

static int find_member(const struct parser *parser, struct span name, enum partition_kind *ret_kind,
		       uint64_t *ret_guid)
{
	/* In the order in which opensm tries them: "A" is ALL, "ALL_" is ALL_CAS. */
	static const struct {
		const char *name;
		enum partition_kind kind;
	} kinds[] = {
		{ "ALL", PARTITION_ALL },
		{ "ALL_CAS", PARTITION_CAS },
		{ "ALL_SWITCHES", PARTITION_SWITCHES },
		{ "ALL_ROUTERS", PARTITION_ROUTERS },
		{ "SELF", PARTITION_SELF },
	};

	*ret_guid = 0;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (span_abbreviates(name, kinds[i].name)) {
			*ret_kind = kinds[i].kind;
			return 0;
		}
	}

	*ret_kind = PARTITION_GUID;
	if (!input_parse_number(name.at, name.length, UINT64_MAX, ret_guid) && *ret_guid)
		return 0;
	if (name.at[0] >= '0' && name.at[0] <= '9')
		return parser_refuse(parser, "\"%s\" is not a port GUID such as 0x0002c90300000001",
				     SHOW(name));
	return parser_refuse(parser, "there is no member \"%s\"", SHOW(name));
}

static int take_member(const struct parser *parser, struct span text, const struct head *head)
{
	const struct draft *draft = parser->draft;
	enum partition_membership membership = head->defmember;
	struct span name, value = text;
	bool has_value = span_cut(&value, '=', &name);
	enum partition_kind kind;
	uint64_t guid;
	int r;

	if (memchr(text.at, ':', text.length))
		return parser_refuse(parser, "\"%s\" is not a member; is a ';' missing before it?",
				     SHOW(text));
	if (!name.length)
		return parser_refuse(parser, "there is no member before '='");
	r = has_value ? parser_take_membership(parser, span_trim(value), &membership) : 0;
	if (r < 0)
		return r;
	if (span_abbreviates(name, "NONE"))
		return 0;
	r = find_member(parser, name, &kind, &guid);
	if (r < 0)
		return r;
	if (kind == PARTITION_SELF && has_value && membership == PARTITION_LIMITED &&
	    draft->partitions[head->partition].pkey == PARTITION_DEFAULT_PKEY)
		return parser_refuse(parser,
				     "the subnet manager's own port (SELF) is always a full "
				     "member of the default partition");

	r = draft_add_member(parser->draft, head->partition, kind, guid, membership);
	return r < 0 ? refuse_limit(parser, r, "members", PARTITIONS_MEMBERS_MAX) : 0;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static bool is_ip(const uint8_t mgid[16])
{
	return (mgid[2] == 0x40 || mgid[2] == 0x60) && mgid[3] == 0x1b;
}

/* opensm's own name for "the broadcast group of this partition", P_Key and all. */
static const uint8_t broadcast[16] = { 0xff, 0x12, 0x40, 0x1b, 0xff, 0xff, 0,    0,
				       0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff };

/* The P_Key is part of an IP group's MGID: ours is put in, another one is an error. */
static int fit_ip_group(const struct parser *parser, const struct head *head,
			struct partition_group *group)
{
	uint16_t ours = parser->draft->partitions[head->partition].pkey;
	uint16_t theirs = (uint16_t)(group->mgid[4] << 8 | group->mgid[5]);

	if (theirs && (theirs & 0x7fff) != ours && memcmp(group->mgid, broadcast, 16) != 0)
		return parser_refuse(parser,
				     "the MGID has P_Key 0x%04x in it, the partition is 0x%04x",
				     theirs, ours);
	if (group->params.rate != head->params.rate)
		return parser_refuse(parser, "the rate of an IP group is that of its partition, %u",
				     head->params.rate);
	if (group->params.mtu != head->params.mtu)
		return parser_refuse(parser, "the mtu of an IP group is that of its partition, %u",
				     head->params.mtu);

	group->mgid[4] = (uint8_t)(ours >> 8 | 0x80);
	group->mgid[5] = (uint8_t)ours;
	if (!group->params.q_key)
		group->params.q_key = 0x0b1b;
	return 0;
}

static int take_mgid(const struct parser *parser, struct span text, uint8_t ret[16])
{
	char address[INET6_ADDRSTRLEN] = "";

	if (text.length < sizeof(address))
		memcpy(address, text.at, text.length);
	if (inet_pton(AF_INET6, address, ret) != 1)
		return parser_refuse(parser, "\"%s\" is not an MGID such as ff12:401b::1",
				     SHOW(text));
	if (ret[0] != 0xff)
		return parser_refuse(parser, "\"%s\" is not a multicast GID, which begins with ff",
				     SHOW(text));
	return 0;
}

static int add_group(const struct parser *parser, const struct head *head,
		     const struct partition_group *group)
{
	const struct partition_group *other = draft_find_group(parser->draft, group);
	int r;

	if (other)
		return parser_refuse(parser, "this group is already there from line %u",
				     other->line);
	r = draft_add_group(parser->draft, head->partition, group);
	return r < 0 ? refuse_limit(parser, r, "groups", PARTITIONS_GROUPS_MAX) : 0;
}

/* @rest: an mgid line after its '='. The group starts with the flags of the head, but TClass. */
static int take_group(const struct parser *parser, struct span rest, const struct head *head)
{
	struct partition_group group = { .params = head->params, .line = parser->line };
	struct span mgid;
	bool more;
	int r;

	group.params.tclass = 0;
	group.params.given &= (uint16_t)~PARTITION_PARAM_TCLASS;

	more = span_cut(&rest, ',', &mgid);
	r = take_mgid(parser, mgid, group.mgid);
	if (r < 0)
		return r;
	if (more) {
		r = parser_take_flags(parser, rest, NULL, &group.params);
		if (r < 0)
			return r;
	}
	if (is_ip(group.mgid)) {
		r = fit_ip_group(parser, head, &group);
		if (r < 0)
			return r;
	}
	return add_group(parser, head, &group);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int parse_item(struct parser *parser, const struct head *head)
{
	struct span text = look_ahead(parser, ",;#\n"), rest = text, name;

	if (span_cut(&rest, '=', &name) && span_is(name, "mgid")) {
		rest = look_ahead(parser, ";#\n");
		parser->at += rest.length;
		span_cut(&rest, '=', &name);
		return take_group(parser, rest, head);
	}

	parser->at += text.length;
	return take_member(parser, span_trim(text), head);
}

static int parse_definition(struct parser *parser)
{
	struct head head;
	int r;

	r = parse_head(parser, &head);
	if (r < 0)
		return r;
	r = open_partition(parser, &head);
	if (r < 0)
		return r;

	while (skip_blanks(parser, ',')) {
		if (*parser->at == ';') {
			parser->at++;
			return 0;
		}
		r = parse_item(parser, &head);
		if (r < 0)
			return r;
	}

	parser->line = head.line;
	return parser_refuse(parser, "the definition that begins here does not end with ';'");
}

/* Every port a limited member, the subnet manager's a full one, as opensm begins a file. */
static int begin_default(struct draft *draft)
{
	uint32_t partition;
	int r;

	r = draft_add_partition(draft, "Default", PARTITION_DEFAULT_PKEY, &partition);
	if (r < 0)
		return r;

	r = draft_add_member(draft, partition, PARTITION_ALL, 0, PARTITION_LIMITED);
	if (r < 0)
		return r;
	return draft_add_member(draft, partition, PARTITION_SELF, 0, PARTITION_FULL);
}

static int parse_file(struct parser *parser)
{
	bool defined = false;

	while (skip_blanks(parser, 0)) {
		int r = parse_definition(parser);

		if (r < 0)
			return r;
		defined = true;
	}
	if (!defined)
		return input_complain(parser->reterr, -EINVAL, parser->name, 0,
				      "no partition is defined here");
	return 0;
}

int partitions_parse(const char *text, size_t length, const char *name,
		     const struct partition_options *options, struct partitions **ret,
		     struct conf_error *reterr)
{
	AUTO(draft_done) struct draft draft = { 0 };
	struct parser parser = {
		.at = text,
		.end = text + length,
		.line = 1,
		.name = name,
		.allow_both = options->allow_both,
		.draft = &draft,
		.reterr = reterr,
	};
	int r;

	if (length > PARTITIONS_FILE_MAX)
		return input_complain(reterr, -EFBIG, name, 0, "Longer than %d bytes",
				      PARTITIONS_FILE_MAX);

	if (length && memchr(text, 0, length))
		return input_complain(reterr, -EINVAL, name, 0,
				      "this is not a text file, it has a zero byte");

	r = draft_init(&draft);
	if (r < 0 || begin_default(&draft) < 0)
		return input_complain(reterr, -ENOMEM, name, 0, "out of memory");
	r = parse_file(&parser);
	if (r < 0)
		return r;
	r = draft_finish(&draft, ret);
	return r < 0 ? input_complain(reterr, r, name, 0, "out of memory") : 0;
}
