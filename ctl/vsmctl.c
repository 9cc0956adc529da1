/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * vsmctl: asks the daemon, and shows what it says. The table of verbs (vsmctl-verbs.c) says what a
 * verb takes, which method answers it and who shows the answer; names, GUIDs and LIDs are resolved
 * by the daemon, so that they mean the same to everybody who asks.
 */

#include "ctl/vsmctl-verbs.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"

#define DEFAULT_SOCKET  VSM_RUN_DIR "/vsm.sock"
#define DEFAULT_TIMEOUT 30
#define FOLLOW_LAST     10 /* events that have happened, before those that happen */

struct order {
	const char *socket;
	unsigned timeout_s;
	bool json;
	bool no_color;
	bool help;
	bool version;
	unsigned options; /* given */
	json_t *params;
	const struct verb *verb;
};

/* -- reading the command line -------------------------------------------------------------------
 */

static bool is_hexadecimal(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

static bool parse_number(const char *text, unsigned long most, unsigned long *ret)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, is_hexadecimal(text) ? 16 : 10);
	if (errno || text[0] < '0' || text[0] > '9' || *end || value > most)
		return false;
	*ret = value;

	return true;
}

static enum result set_timeout(struct order *order, const char *text)
{
	unsigned long value;

	if (!parse_number(text, 86400, &value)) {
		complain("--timeout: %s is not a number of seconds up to 86400", text);
		return RESULT_USAGE;
	}
	order->timeout_s = (unsigned)value;

	return RESULT_OK;
}

/* What was given before, and @text: 'l' in rpc.c. NULL if it is not UTF-8. */
static json_t *append_text(const struct order *order, const char *param, const char *text)
{
	json_t *before = json_object_get(order->params, param);
	json_t *list = before ? json_incref(before) : json_array();

	if (json_array_append_new(list, json_string(text)) == 0)
		return list;
	json_decref(list);

	return NULL;
}

static enum result set_verb_option(struct order *order, size_t i, const char *text)
{
	unsigned long number = 0;
	json_t *value = NULL;

	if (verb_options[i].type == 'n' && !parse_number(text, INT64_MAX, &number)) {
		complain("--%s: %s is not a number", verb_options[i].name, text);
		return RESULT_USAGE;
	}
	order->options |= verb_options[i].bit;
	if (!verb_options[i].param)
		return RESULT_OK;
	if (verb_options[i].type == 'b')
		value = json_true();
	else if (verb_options[i].type == 'n')
		value = json_integer((json_int_t)number);
	else if (verb_options[i].type == 'l')
		value = append_text(order, verb_options[i].param, text);
	else
		value = json_string(text);
	if (json_object_set_new(order->params, verb_options[i].param, value) < 0) {
		complain("--%s: %s is not UTF-8", verb_options[i].name, text);
		return RESULT_USAGE;
	}

	return RESULT_OK;
}

#define VERB_OPTION 0x100 /* + its row */

static enum result set_option(struct order *order, int option, const char *text)
{
	if (option >= VERB_OPTION)
		return set_verb_option(order, (size_t)(option - VERB_OPTION), text);
	switch (option) {
	case 's':
		order->socket = text;
		return RESULT_OK;
	case 'j':
		order->json = true;
		return RESULT_OK;
	case 'n':
		order->no_color = true;
		return RESULT_OK;
	case 't':
		return set_timeout(order, text);
	case 'h':
		order->help = true;
		return RESULT_OK;
	default:
		return RESULT_USAGE;
	}
}

/* getopt_long() says what is wrong. */
static enum result parse_options(struct order *order, int argc, char **argv)
{
	struct option options[8 + N_VERB_OPTIONS] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "no-color", no_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
	};
	int option;

	for (size_t i = 0; i < N_VERB_OPTIONS; i++)
		options[6 + i] = (struct option){ verb_options[i].name, verb_options[i].type != 'b',
						  NULL, VERB_OPTION + (int)i };
	while ((option = getopt_long(argc, argv, "s:jt:hV", options, NULL)) != -1) {
		if (option == 'V') {
			order->version = true;
			return RESULT_OK;
		}
		if (set_option(order, option, optarg) != RESULT_OK)
			return RESULT_USAGE;
	}

	return RESULT_OK;
}

static enum result check_options(const struct order *order)
{
	for (size_t i = 0; i < N_VERB_OPTIONS; i++) {
		if (!(order->options & ~order->verb->options & verb_options[i].bit))
			continue;
		complain("%s has no option --%s", order->verb->name, verb_options[i].name);
		return RESULT_USAGE;
	}

	return RESULT_OK;
}

/* --full is a parameter of its own elsewhere. */
static enum result set_membership(struct order *order)
{
	unsigned given = order->options & order->verb->options & OPTION_MEMBERSHIP;

	if (!(order->verb->options & OPTION_LIMITED))
		return RESULT_OK;
	json_object_del(order->params, "full");
	if (given & (given - 1)) {
		complain("either --full, --limited or --both");
		return RESULT_USAGE;
	}
	if (given)
		json_object_set_new(order->params, "membership",
				    json_string(given == OPTION_FULL      ? "full"
						: given == OPTION_LIMITED ? "limited"
									  : "both"));

	return RESULT_OK;
}

static enum result set_argument(struct order *order, const char *name, const char *text)
{
	if (json_object_set_new(order->params, name, json_string(text)) == 0)
		return RESULT_OK;
	complain("%s is not UTF-8", text);

	return RESULT_USAGE;
}

/* All that are left, as one parameter; none if there are none. */
static enum result set_rest(struct order *order, int argc, char **argv)
{
	json_t *list = argc > 0 ? json_array() : NULL;

	if (argc > 0)
		json_object_set_new(order->params, order->verb->rest, list);
	for (int i = 0; i < argc; i++) {
		if (json_array_append_new(list, json_string(argv[i])) == 0)
			continue;
		complain("%s is not UTF-8", argv[i]);
		return RESULT_USAGE;
	}

	return RESULT_OK;
}

static enum result parse_arguments(struct order *order, int argc, char **argv)
{
	const struct verb *verb = order->verb;
	unsigned most = 0;

	while (most < COUNT(verb->params) && verb->params[most])
		most++;
	if (argc < (int)verb->needs || (argc > (int)most && !verb->rest)) {
		complain("usage: vsmctl %s%s%s", verb->name, *verb->arguments ? " " : "",
			 verb->arguments);
		return RESULT_USAGE;
	}
	for (int i = 0; i < argc && i < (int)most; i++)
		if (set_argument(order, verb->params[i], argv[i]) != RESULT_OK)
			return RESULT_USAGE;

	return verb->rest ? set_rest(order, MAX(argc - (int)most, 0), argv + most) : RESULT_OK;
}

/* How many of the arguments are its name: 0 if it is another verb. */
static int count_words(const struct verb *verb, int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "status";
	size_t length = strlen(name);

	if (!strcmp(verb->name, name))
		return 1;
	if (argc < 2 || strncmp(verb->name, name, length) || verb->name[length] != ' ')
		return 0;

	return !strcmp(verb->name + length + 1, argv[1]) ? 2 : 0;
}

/* The first of two words alone, or with another second one. */
static enum result refuse_verb(const char *name)
{
	size_t length = strlen(name);
	char seconds[160] = "";
	size_t used = 0;

	for (size_t i = 0; i < N_VERBS && used < sizeof(seconds) / 2; i++)
		if (!strncmp(verbs[i].name, name, length) && verbs[i].name[length] == ' ')
			used += (size_t)snprintf(seconds + used, sizeof(seconds) - used, "%s%s",
						 used ? ", " : "", verbs[i].name);
	if (used)
		complain("\"%s\" is half a verb: %s", name, seconds);
	else
		complain("there is no verb \"%s\"; vsmctl --help lists them", name);

	return RESULT_USAGE;
}

static bool is_asked_about(const struct verb *verb, int argc, char **argv)
{
	size_t length = strlen(argv[0]);

	if (argc == 1 && !strncmp(verb->name, argv[0], length) && verb->name[length] == ' ')
		return true;

	return count_words(verb, argc, argv) > 0;
}

static enum result print_self(const struct order *order, int argc, char **argv)
{
	bool found = false;

	if (order->version) {
		printf("vsmctl %s\n", PACKAGE_VERSION);
		return RESULT_OK;
	}
	for (size_t i = 0; i < N_VERBS && argc > 0; i++)
		found = found || is_asked_about(&verbs[i], argc, argv);
	if (argc > 0 && !found)
		return refuse_verb(argv[0]);
	help_begin(found);
	for (size_t i = 0; i < N_VERBS; i++)
		if (!found || is_asked_about(&verbs[i], argc, argv))
			help_show_verb(found, verbs[i].name, verbs[i].arguments, verbs[i].sentence);
	help_end(found, DEFAULT_SOCKET, DEFAULT_TIMEOUT);

	return RESULT_OK;
}

static enum result parse_verb(struct order *order, int argc, char **argv)
{
	int words = 0;

	for (size_t i = 0; i < N_VERBS && words == 0; i++) {
		words = count_words(&verbs[i], argc, argv);
		if (words > 0)
			order->verb = &verbs[i];
	}
	if (!order->verb)
		return refuse_verb(argv[0]);
	if (check_options(order) != RESULT_OK || set_membership(order) != RESULT_OK)
		return RESULT_USAGE;

	return parse_arguments(order, MAX(argc - words, 0), argv + words);
}

/* -- doing it -----------------------------------------------------------------------------------
 */

static bool wants_colour(const struct order *order)
{
	const char *term = getenv("TERM");

	return !order->no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO) && term &&
	       strcmp(term, "dumb") != 0;
}

/* JSON writes control characters as escapes, but to a terminal also those above ASCII. */
static void print_json(const json_t *result, size_t flags)
{
	json_dumpf(result, stdout, flags | (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0));
	printf("\n");
}

static void show_followed(const struct order *order, const json_t *event, const struct view *view)
{
	if (order->json)
		print_json(event, JSON_COMPACT);
	else
		show_event(event, view);
}

static enum result follow(struct client *client, const struct order *order, const struct view *view)
{
	enum result r = RESULT_OK;
	json_t *event;

	/* Nobody has to be told of what cannot be written: see finish(). */
	while (!ferror(stdout) && (r = client_next_event(client, &event)) == RESULT_OK) {
		show_followed(order, event, view);
		fflush(stdout);
		json_decref(event);
	}

	return r;
}

/* Events that one follows are a line each from the start, also as JSON. */
static void show(const struct order *order, const json_t *result, const struct view *view)
{
	json_t *event;
	size_t i;

	if (order->options & OPTION_FOLLOW) {
		json_array_foreach(json_object_get(result, "events"), i, event)
			show_followed(order, event, view);
	} else if (order->json) {
		print_json(result, JSON_INDENT(2));
	} else if (order->options & OPTION_NAMES) {
		show_names(json_object_get(result, order->verb->list));
	} else {
		order->verb->show(result, view);
	}
	fflush(stdout);
}

/* A list of partitions has pages of another list than the members of one. */
static const char *list_of(const struct order *order)
{
	if (order->verb->show != show_partitions && order->verb->show != show_partition)
		return order->verb->list;
	if (order->options & OPTION_PORT)
		return NULL;

	return json_object_get(order->params, "partition") ? "members" : "partitions";
}

/* A verb of two words is a method with a hyphen. */
static const char *method_of(const struct verb *verb, char ret[static 32])
{
	snprintf(ret, 32, "%s", verb->name);
	for (char *c = ret; *c; c++)
		*c = *c == ' ' ? '-' : *c;

	return ret;
}

/* Of two versions the daemon knows one. */
static void add_own_version(json_t *result)
{
	json_object_set_new(result, "vsmctl", json_string(PACKAGE_VERSION));
}

static enum result ask(struct client *client, const struct order *order, json_t **ret)
{
	const char *list = list_of(order);
	json_t *params = json_incref(order->params);
	char method[32];

	method_of(order->verb, method);
	/* Who wants to see what happens does not want to read all that has happened. */
	if ((order->options & (OPTION_FOLLOW | OPTION_FROM | OPTION_LAST)) == OPTION_FOLLOW)
		json_object_set_new(params, "last", json_integer(FOLLOW_LAST));
	if (list)
		return client_call_all(client, method, params, list, ret);

	return client_call(client, method, params, ret);
}

/* What is not there cannot be shown as nothing: the reader would believe it. */
static enum result check_members(const struct verb *verb, const json_t *result)
{
	for (const char *word = verb->members ? verb->members : ""; *word;) {
		size_t length = strcspn(word, " ");
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)length, word);
		if (!json_object_get(result, name)) {
			complain("what answers is not vsm: its answer to \"%s\" has no \"%s\"",
				 verb->name, name);
			return RESULT_FAILED;
		}
		word += length + (word[length] == ' ');
	}

	return RESULT_OK;
}

/* Problems that were asked for, or those of the subnet manager itself. */
static bool has_trouble(const struct order *order, const json_t *result)
{
	if (order->options & (OPTION_PROBLEMS | OPTION_NOT_ACTIVE))
		return json_array_size(json_object_get(result, order->verb->list)) > 0;

	return json_is_string(json_object_get(result, "trouble")) ||
	       json_is_string(json_object_get(result, "store_trouble"));
}

static enum result obey(const struct order *order)
{
	struct view view = { .colour = wants_colour(order),
			     .problems = order->options & (OPTION_PROBLEMS | OPTION_NOT_ACTIVE),
			     .some = json_object_get(order->params, "of") ||
				     json_object_get(order->params, "guid") };
	struct client *client;
	json_t *result = NULL;
	enum result r;

	r = client_open(order->socket, order->timeout_s, &client);
	if (r != RESULT_OK)
		return r;
	r = ask(client, order, &result);
	if (r == RESULT_OK)
		r = check_members(order->verb, result);
	if (r == RESULT_OK && order->verb->show == show_version)
		add_own_version(result);
	if (r == RESULT_OK && (order->options & OPTION_WAIT))
		r = wait_applied(client, result);
	if (result && (r == RESULT_OK || r == RESULT_DEGRADED))
		show(order, result, &view);
	if (r == RESULT_OK && has_trouble(order, result))
		r = RESULT_DEGRADED;
	if (r == RESULT_OK && (order->options & OPTION_FOLLOW))
		r = follow(client, order, &view);
	json_decref(result);
	client_close(client);

	return r;
}

/* A full disk or a reader that has gone is a failure too. */
static enum result finish(enum result r)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return r;
	complain("cannot write: %s", strerror(errno));

	return RESULT_FAILED;
}

int main(int argc, char **argv)
{
	const char *socket = getenv("VSM_SOCKET");
	struct order order = { .socket = socket && socket[0] ? socket : DEFAULT_SOCKET,
			       .timeout_s = DEFAULT_TIMEOUT,
			       .params = json_object() };
	enum result r = RESULT_FAILED;

	if (file_fill_standard() == 0)
		r = parse_options(&order, argc, argv);
	if (r == RESULT_OK && (order.help || order.version))
		r = print_self(&order, argc - optind, argv + optind);
	else if (r == RESULT_OK)
		r = parse_verb(&order, argc - optind, argv + optind);
	if (r == RESULT_OK && order.verb)
		r = obey(&order);
	json_decref(order.params);

	return (int)finish(r);
}
