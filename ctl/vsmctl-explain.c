/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One thing, explained in sentences: what and where it is, how it is, why, since when, what to do,
 * and what is planned for it. Sentences are collected in a paragraph, which is broken into lines
 * when it ends.
 */

#include "ctl/vsmctl.h"

#include <stdarg.h>
#include <string.h>

#define PARAGRAPH_SIZE 8192
#define LINE_WIDTH     78

struct paragraph {
	char text[PARAGRAPH_SIZE];
	size_t used;
};

static void say(struct paragraph *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What does not fit is left out. */
static void say(struct paragraph *p, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(p->text + p->used, sizeof(p->text) - p->used, format, args);
	va_end(args);
	if (n > 0)
		p->used += (size_t)n;
	if (p->used >= sizeof(p->text))
		p->used = sizeof(p->text) - 1;
}

static void print_paragraph(const struct paragraph *p)
{
	size_t column = 0;

	for (const char *word = p->text; *word;) {
		size_t length = strcspn(word, " ");

		if (column > 0 && column + 1 + length > LINE_WIDTH) {
			printf("\n");
			column = 0;
		}
		column += (size_t)printf("%s%.*s", column ? " " : "", (int)length, word);
		word += length;
		word += strspn(word, " ");
	}
	printf("\n");
}

/* -- what it is ---------------------------------------------------------------------------------
 */

static void say_node(struct paragraph *p, const json_t *r)
{
	const char *type = member_text(r, "type", "?");
	const char *name = member_text(r, "name", "?");
	const char *description = member_text(r, "description", "");
	long long ports = member_number(r, "n_ports");

	say(p, "%s is a %s with node GUID %s", name, strcmp(type, "ca") ? type : "channel adapter",
	    member_text(r, "node_guid", "?"));
	if (strcmp(name, description) && description[0])
		say(p, ", which calls itself \"%s\"", description);
	say(p, ". It has %lld %s", ports, ports == 1 ? "port" : "ports");
	if (member_is_true(r, "present"))
		say(p, " and is %lld %s away from this machine", member_number(r, "hops"),
		    member_number(r, "hops") == 1 ? "link" : "links");
	say(p, ".");
	say(p, " Vendor 0x%06llx, device 0x%04llx, revision 0x%llx.", member_number(r, "vendor_id"),
	    member_number(r, "device_id"), member_number(r, "revision"));
	if (!member_is_true(r, "present"))
		say(p, " It is gone: the last sweep did not find it.");
}

/* "why, since when, what to do", if there is something wrong. */
static void say_reason(struct paragraph *p, const json_t *r)
{
	char age[24];

	if (json_is_string(json_object_get(r, "sentence")))
		say(p, " %s %s", member_text(r, "sentence", ""), member_text(r, "remedy", ""));
	say(p, " It has been so for %s (since %s).",
	    age_text(member_number(r, "since_seconds"), age), member_text(r, "since", "?"));
}

static void say_failures(struct paragraph *p, const json_t *tried)
{
	long long failures = member_number(tried, "failures");
	const char *what = member_text(tried, "what", NULL);

	if (failures == 0)
		return;
	say(p, " vsm has tried %s%s%lld %s", what ? what : "", what ? " " : "", failures,
	    failures == 1 ? "time" : "times");
	if (member_number(tried, "status") > 0)
		say(p, ", the last was refused with status 0x%04llx",
		    member_number(tried, "status"));
}

/* A try, or a look where there is nothing to try. */
static void say_tried(struct paragraph *p, const json_t *tried)
{
	long long failures = member_number(tried, "failures");
	long long retry = member_number(tried, "retry_in");
	bool is_timed = json_is_string(json_object_get(tried, "next_try"));
	char age[24];

	say_failures(p, tried);
	if (retry == 0 && is_timed)
		say(p, "%s tries again in %s", failures ? "; it" : " vsm",
		    age_text(member_number(tried, "next_try_seconds"), age));
	if (retry > 0)
		say(p, "%s tries again in %lld %s", failures ? "; it" : " vsm", retry,
		    retry == 1 ? "sweep" : "sweeps");
	if (retry > 0 && is_timed)
		say(p, ", which is in %s at the latest",
		    age_text(member_number(tried, "next_try_seconds"), age));
	if (failures > 0 || retry > 0 || is_timed)
		say(p, ".");
	else if (json_object_get(tried, "what"))
		say(p, " There is nothing to try again until that changes.");
}

/* -- a port -------------------------------------------------------------------------------------
 */

/* Where somebody with a cable in the hand has to look. */
static void say_last_peer(struct paragraph *p, const json_t *last)
{
	bool is_switch = !strcmp(member_text(last, "type", ""), "switch");
	char end[320];

	if (!json_is_object(last)) {
		say(p, ".");
		return;
	}
	say(p, "; it was last connected to %s%s, port %lld", is_switch ? "switch " : "",
	    member_text(last, "name", "?"), member_number(last, "port"));
	if (!member_is_true(last, "present"))
		say(p, ", which is gone.");
	else if (json_is_object(json_object_get(last, "peer")))
		say(p, ", where %s is now.", end_text(json_object_get(last, "peer"), end));
	else if (json_is_string(json_object_get(last, "sentence")))
		say(p, ", of which vsm says: \"%s %s\"", member_text(last, "sentence", ""),
		    member_text(last, "remedy", ""));
	else
		say(p, ".");
}

static void say_place(struct paragraph *p, const json_t *port)
{
	const char *guid = member_text(port, "guid", NULL);
	char peer[320];

	say(p, "Port %lld", member_number(port, "port"));
	if (guid)
		say(p, ", GUID %s, GID %s,", guid, member_text(port, "gid", "?"));
	if (json_is_object(json_object_get(port, "peer"))) {
		say(p, " is connected to %s.", end_text(json_object_get(port, "peer"), peer));
	} else if (member_number(port, "port") == 0) {
		say(p, " is the switch itself.");
	} else {
		say(p, " is connected to nothing that vsm knows");
		say_last_peer(p, json_object_get(port, "last_peer"));
	}
}

static void say_state(struct paragraph *p, const json_t *port)
{
	char link[32], can[32];

	if (!member_is_true(port, "known"))
		say(p, " What it holds is not known at the moment.");
	say(p, " It is %s (%s)", member_text(port, "state", "?"),
	    member_text(port, "phys_state", "?"));
	link_text(port, "width", "speed", link);
	link_text(port, "can_width", "can_speed", can);
	if (member_number(port, "width") > 0)
		say(p, ", %s", link);
	if (member_number(port, "width") > 0 && member_number(port, "can_width") > 0)
		say(p, strcmp(link, can) ? " although both ends can %s" : " (both ends can %s)",
		    can);
	if (member_number(port, "mtu") > 0)
		say(p, ", MTU %lld", member_number(port, "mtu"));
	say(p, ".");
	if (member_number(port, "refusals") > 0)
		say(p, " It has refused %lld %s in a row, the last with status 0x%04llx.",
		    member_number(port, "refusals"),
		    member_number(port, "refusals") == 1 ? "Set" : "Sets",
		    member_number(port, "status"));
}

static void say_plan(struct paragraph *p, const json_t *port)
{
	long long lid = member_number(port, "lid"), held = member_number(port, "lid_held");
	long long last = lid + (1LL << (member_number(port, "lmc") & 7)) - 1;

	if (!json_object_get(port, "lid_held"))
		return;
	if (lid == 0)
		say(p, " No LID is planned for it.");
	else if (last > lid)
		say(p, " Its LIDs are %lld to %lld", lid, last);
	else
		say(p, " Its LID is %lld", lid);
	if (lid > 0 && held != lid && member_is_true(port, "known"))
		say(p, ", but the device has %lld", held);
	if (lid > 0)
		say(p, ".");
	if (member_is_true(port, "has_sm"))
		say(p, " Another subnet manager runs there.");
}

static void say_pkeys(struct paragraph *p, const json_t *port)
{
	json_t *key;
	size_t i;

	if (!json_object_get(port, "pkeys"))
		return;
	say(p, " Planned P_Keys:");
	json_array_foreach(json_object_get(port, "pkeys"), i, key)
		say(p, "%s %s (%s)", i ? "," : "", member_text(key, "pkey", "?"),
		    member_text(key, "partition", "no partition"));
	say(p, "%s.", i ? "" : " none");
	if (!json_is_array(json_object_get(port, "pkeys_held")) || !member_is_true(port, "known"))
		return;
	say(p, " The device holds:");
	json_array_foreach(json_object_get(port, "pkeys_held"), i, key)
		say(p, "%s %s", i ? "," : "", text_of(key) ? text_of(key) : "?");
	say(p, "%s.", i ? "" : " none");
}

static void say_not_kept(struct paragraph *p, const json_t *port)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(port, "not_kept"), i, one)
	{
		say(p, "%s %s", i ? "," : " The device acknowledged, but did not keep:",
		    member_text(one, "setting", "?"));
		if (json_is_integer(json_object_get(one, "wanted")))
			say(p, " %lld (it has %lld)", member_number(one, "wanted"),
			    member_number(one, "held"));
	}
	say(p, "%s", i ? "." : "");
}

static void say_groups(struct paragraph *p, const json_t *row)
{
	const json_t *groups = json_object_get(row, "groups"), *group;
	long long n = member_number(row, "groups_count");
	size_t i;

	if (n == 0)
		return;
	say(p, " It is member of %lld multicast %s:", n, n == 1 ? "group" : "groups");
	json_array_foreach(groups, i, group)
	{
		const char *sentence = member_text(group, "sentence", NULL);

		say(p, "%s %s (%s)", i ? "," : "", member_text(group, "mgid", "?"),
		    member_text(group, "mlid", "?"));
		if (sentence)
			say(p, ", which does not reach it: %s", sentence);
	}
	say(p, "%s", n > (long long)i ? " and more." : ".");
}

/* Of those that are not Active a table; all about one of them has "explain" again. */
static void show_vfs_of(const json_t *port, const struct view *view)
{
	const json_t *vfs = json_object_get(port, "vfs");
	const json_t *problems = json_object_get(vfs, "problems");
	struct paragraph p = { .used = 0 };

	if (!json_is_object(vfs))
		return;
	if (json_is_string(json_object_get(vfs, "sentence")))
		say(&p, "%s %s Its revision of virtualization is %lld. ",
		    member_text(vfs, "sentence", ""), member_text(vfs, "remedy", ""),
		    member_number(vfs, "revision"));
	say(&p, "It has virtual functions: %lld active, %lld not, and %lld that are not started.",
	    member_number(vfs, "active"), member_number(vfs, "not_active"),
	    member_number(vfs, "not_started"));
	printf("\n");
	print_paragraph(&p);
	if (json_array_size(problems) == 0)
		return;
	printf("\n");
	show_vf_rows(problems, view);
}

static void show_port(const json_t *port, const struct view *view)
{
	struct paragraph p = { .used = 0 };

	say_place(&p, port);
	say_state(&p, port);
	say_plan(&p, port);
	say_reason(&p, port);
	say_tried(&p, json_object_get(port, "tried"));
	say_pkeys(&p, port);
	say_groups(&p, port);
	say_not_kept(&p, port);
	print_paragraph(&p);
	show_vfs_of(port, view);
}

/* -- a virtual function -------------------------------------------------------------------------
 */

static const char *model_text(const json_t *vf)
{
	const char *model = member_text(vf, "model", "");

	if (!strcmp(model, "vswitch"))
		return "behind a virtual switch";
	if (!strcmp(model, "shared"))
		return "an alias GUID of a shared port";

	return !strcmp(model, "vport") ? "a vport" : "of an unknown kind";
}

static void say_vf(struct paragraph *p, const json_t *vf)
{
	const char *name = member_text(vf, "name", NULL);
	char buffer[320];

	say(p, "%s is virtual function %lld of port %lld of %s (port GUID %s), %s.",
	    vf_text(vf, buffer), member_number(vf, "index"), member_number(vf, "pf_port"),
	    member_text(vf, "pf_name", "?"), member_text(vf, "pf", "?"), model_text(vf));
	if (json_is_string(json_object_get(vf, "guid")))
		say(p, " Its GUID is %s, its GID %s.", member_text(vf, "guid", "?"),
		    member_text(vf, "gid", "?"));
	else
		say(p, " It has no GUID.");
	if (name)
		say(p, " It is called \"%s\".", name);
}

static void say_vf_lid(struct paragraph *p, const json_t *vf)
{
	const char *source = member_text(vf, "lid_source", "");

	say(p, " It is %s", member_text(vf, "state", "?"));
	if (member_number(vf, "lid") == 0)
		say(p, " and has no LID.");
	else if (!strcmp(source, "own"))
		say(p, " and has LID %lld of its own.", member_number(vf, "lid"));
	else
		say(p, " and uses LID %lld, that of %s%s.", member_number(vf, "lid"),
		    strcmp(source, "port") ? "" : "the physical ", source);
}

static void say_vf_pkeys(struct paragraph *p, const json_t *vf)
{
	const json_t *keys = json_object_get(vf, "pkeys");
	json_t *key;
	size_t i;

	if (!json_is_array(keys))
		return;
	say(p, !strcmp(member_text(vf, "model", ""), "shared")
		       ? " Its host gives it some of the P_Keys of the port:"
		       : " It holds the P_Keys");
	json_array_foreach(keys, i, key)
		say(p, "%s %s", i ? "," : "", text_of(key) ? text_of(key) : "?");
	say(p, "%s.", i ? "" : " none");
}

static void say_limit(struct paragraph *p, const json_t *limit)
{
	const char *ports = member_text(limit, "ports", "");

	if (member_number(limit, "entry") == 0) {
		say(p, " It has room for %lld.", member_number(limit, "max"));
		return;
	}
	say(p, " At most %lld are allowed there: max in entry %lld of virtual_functions",
	    member_number(limit, "max"), member_number(limit, "entry"));
	if (ports[0])
		say(p, " (ports = \"%s\")", ports);
	say(p, ".");
}

/* What the sentence of the reason speaks of, by number or name. */
static void say_details(struct paragraph *p, const json_t *vf)
{
	const char *reason = member_text(vf, "reason", "");
	const json_t *other;
	char buffer[320];
	size_t i;

	if (!strcmp(reason, "vf-unknown-revision"))
		say(p, " The revision is %lld.", member_number(vf, "revision"));
	if (!strcmp(reason, "vf-bad-lid-index"))
		say(p, " The other one is vport %lld.", member_number(vf, "lid_index"));
	if (json_is_object(json_object_get(vf, "limit")))
		say_limit(p, json_object_get(vf, "limit"));
	json_array_foreach(json_object_get(vf, "same_guid"), i, other)
		say(p, "%s %s%s", i ? "," : " The same GUID is at", vf_text(other, buffer),
		    json_is_true(json_object_get(other, "stopped")) ? " (which is stopped)" : "");
	say(p, "%s", i ? "." : "");
	other = json_object_get(vf, "pf_problem");
	if (!json_is_object(other))
		return;
	say(p, " The physical port is %s: %s %s", member_text(other, "state", "?"),
	    member_text(other, "sentence", "why is not known."), member_text(other, "remedy", ""));
}

static void say_since_move(struct paragraph *p, const json_t *move)
{
	char age[24];

	if (json_is_string(json_object_get(move, "since")))
		say(p, "; that was said %s ago (%s)",
		    age_text(member_number(move, "since_seconds"), age),
		    member_text(move, "since", "?"));
	else
		say(p, "; that was said before this vsm was started");
}

static void say_move(struct paragraph *p, const json_t *move)
{
	char end[320];

	if (!json_is_object(move))
		return;
	say(p, " It is to move to");
	if (json_is_object(json_object_get(move, "end")))
		say(p, " %s (port GUID %s)", end_text(json_object_get(move, "end"), end),
		    member_text(move, "to", "?"));
	else
		say(p, " the port with GUID %s", member_text(move, "to", "?"));
	say_since_move(p, move);
	say(p, member_is_true(move, "keys_ready") ? ". Its P_Keys are let through there,"
						  : ". Its P_Keys are not let through there yet,");
	if (member_is_true(move, "routes_ready"))
		say(p, " and packets to its LID are led there.");
	else if (member_is_true(move, "routes_later"))
		say(p, " and routes to it are not made before it is there.");
	else
		say(p, " and packets to its LID are not led there yet.");
	say(p, " %s", member_text(move, "sentence", ""));
}

static void say_places(struct paragraph *p, const json_t *away)
{
	json_t *place;
	size_t i;

	json_array_foreach(json_object_get(away, "places"), i, place)
		say(p, "%s %s", i ? " or" : " It may be at the port with GUID",
		    text_of(place) ? text_of(place) : "?");
	say(p, i ? "." : " It may be anywhere.");
}

/* Of a GUID that nobody has now. */
static void show_away(const json_t *away)
{
	const char *name = member_text(away, "name", "");
	struct paragraph p = { .used = 0 };
	json_t *key;
	size_t i;

	if (name[0])
		say(&p, "%s, GUID %s, is away: no port has this GUID now.", name,
		    member_text(away, "guid", "?"));
	else
		say(&p, "%s is away: no port has this GUID now.", member_text(away, "guid", "?"));
	if (json_is_integer(json_object_get(away, "lid")))
		say(&p, " LID %lld waits for it.", member_number(away, "lid"));
	else
		say(&p, " It gets a LID when it appears.");
	say_places(&p, away);
	say_move(&p, json_object_get(away, "move"));
	say(&p, " Partitions give it the P_Keys");
	json_array_foreach(json_object_get(away, "pkeys"), i, key)
		say(&p, "%s %s", i ? "," : "", text_of(key) ? text_of(key) : "?");
	say(&p, "%s.", i ? "" : " none");
	print_paragraph(&p);
}

static void show_commands(const json_t *commands)
{
	json_t *line;
	size_t i;

	if (json_array_size(commands) == 0)
		return;
	printf("\n");
	json_array_foreach(commands, i, line)
		printf("    %s\n", text_of(line) ? text_of(line) : "?");
}

static void show_vf(const json_t *vf)
{
	struct paragraph p = { .used = 0 };

	say_vf(&p, vf);
	say_vf_lid(&p, vf);
	say_reason(&p, vf);
	say_details(&p, vf);
	say_move(&p, json_object_get(vf, "move"));
	say_tried(&p, json_object_get(vf, "tried"));
	say_vf_pkeys(&p, vf);
	say_groups(&p, vf);
	print_paragraph(&p);
	show_commands(json_object_get(vf, "commands"));
}

/* -- all together -------------------------------------------------------------------------------
 */

void show_explain(const json_t *result, const struct view *view)
{
	const json_t *vf = json_object_get(result, "vf"), *away = json_object_get(result, "away");
	struct paragraph p = { .used = 0 };
	const json_t *port;
	size_t i;

	if (json_is_object(away)) {
		show_away(away);
		return;
	}
	if (json_is_object(vf))
		show_vf(vf);
	/* Unless it is a node itself, the rest is about its physical function. */
	if (json_is_object(vf) && strcmp(member_text(vf, "model", ""), "vswitch") != 0)
		return;
	if (json_is_object(vf))
		printf("\n");
	say_node(&p, result);
	if (json_is_string(json_object_get(result, "sentence")))
		say_reason(&p, result);
	print_paragraph(&p);
	json_array_foreach(json_object_get(result, "ports"), i, port)
	{
		printf("\n");
		show_port(port, view);
	}
}
