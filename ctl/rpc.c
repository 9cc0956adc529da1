/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * JSON-RPC 2.0: a line becomes a call, a call becomes a line. The table of methods says who may
 * call what with which parameters, so that all of that has been checked before a method runs; a
 * parameter that nobody knows is refused, because it is a mistake of whoever wrote it.
 *
 * Batches (an array of requests) are refused: a second line does the same.
 */

#include "ctl/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/loop.h"
#include "base/macros.h"
#include "ctl/later.h"

#define PAGE_ROWS 256u

struct method {
	const char *name;
	enum role role;
	bool needs_sm;
	const char *params; /* "name:type ", with t a text, n a number from 0 on, b a bool,
			     * l a list of texts */
	void (*run)(struct call *call);
};

/* clang-format off */
static const struct method methods[] = {
	{ "status",     ROLE_READER, false, "", method_status },
	{ "nodes",      ROLE_READER, true,  "from:n limit:n of:t ", method_nodes },
	{ "ports",      ROLE_READER, true,  "from:n limit:n of:t problems:b ", method_ports },
	{ "links",      ROLE_READER, true,  "from:n limit:n of:t problems:b ", method_links },
	{ "vfs",        ROLE_READER, true,  "from:n limit:n of:t not_active:b ", method_vfs },
	{ "groups",     ROLE_READER, true,  "from:n limit:n of:t ", method_groups },
	{ "group-show", ROLE_READER, true,  "from:n limit:n group:t ", method_group_show },
	{ "partitions", ROLE_READER, true,  "from:n limit:n partition:t port:t ", method_partitions },
	{ "partition-show",   ROLE_READER, true, "from:n limit:n partition:t ", method_partition_show },
	{ "partition-check",  ROLE_READER, true, "pkey:t generation:n ", method_partition_check },
	{ "partition-add",    ROLE_ADMIN,  true, "pkey:t guids:l membership:t index0:b name:t ",
	  method_partition_add },
	{ "partition-remove", ROLE_ADMIN,  true, "pkey:t guids:l ", method_partition_remove },
	{ "routes",     ROLE_READER, true,  "from:n limit:n switch:t ", method_routes },
	{ "path",       ROLE_READER, true,  "source:t destination:t ", method_path },
	{ "services",      ROLE_READER, true, "from:n limit:n ", method_services },
	{ "subscriptions", ROLE_READER, true, "from:n limit:n ", method_subscriptions },
	{ "events",     ROLE_READER, true,  "from:n limit:n last:n follow:b ", method_events },
	{ "explain",    ROLE_READER, true,  "what:t ", method_explain },
	{ "stats",      ROLE_READER, true,  "", method_stats },
	{ "version",    ROLE_READER, false, "", method_version },
	{ "sweep",      ROLE_ADMIN,  true,  "full:b ", method_sweep },
	{ "reload",     ROLE_ADMIN,  false, "", method_reload },
	{ "vf-add",     ROLE_ADMIN,  true,  "guid:t lid:n place:l name:t ", method_vf_add },
	{ "vf-remove",  ROLE_ADMIN,  true,  "guid:t ", method_vf_remove },
	{ "vf-move",    ROLE_ADMIN,  true,  "guid:t port:t cancel:b ", method_vf_move },
	{ "vf-show",    ROLE_READER, true,  "from:n limit:n guid:t ", method_vf_show },
};
/* clang-format on */

/* -- calls --------------------------------------------------------------------------------------
 */

void call_fail(struct call *call, enum protocol_error code, const char *format, ...)
{
	va_list args;

	if (call->error)
		return;
	call->error = code;
	va_start(args, format);
	vsnprintf(call->why, sizeof(call->why), format, args);
	va_end(args);
}

const char *call_text(const struct call *call, const char *name)
{
	return json_string_value(json_object_get(call->params, name));
}

uint64_t call_number(const struct call *call, const char *name, uint64_t otherwise)
{
	const json_t *value = json_object_get(call->params, name);

	return value ? (uint64_t)json_integer_value(value) : otherwise;
}

bool call_flag(const struct call *call, const char *name)
{
	return json_is_true(json_object_get(call->params, name));
}

const json_t *call_list(const struct call *call, const char *name)
{
	return json_object_get(call->params, name);
}

struct page page_start(const struct call *call, unsigned most)
{
	uint64_t limit = call_number(call, "limit", PAGE_ROWS);

	return (struct page){ .rows = json_array(),
			      .from = call_number(call, "from", 0),
			      .room = (unsigned)MAX(MIN(limit, MIN(most, PAGE_ROWS)), 1) };
}

void page_add(struct page *page, json_t *row)
{
	if (page->room > 0)
		page->room--;
	if (!page->rows) {
		json_decref(row);
		return;
	}
	if (json_array_append_new(page->rows, row) < 0) {
		json_decref(page->rows);
		page->rows = NULL;
	}
}

void page_end(struct call *call, struct page *page, const char *key, uint64_t next)
{
	row_put(&call->result, key, TAKE(page->rows));
	if (next > 0)
		row_number(&call->result, "next", next);
}

/* -- checking -----------------------------------------------------------------------------------
 */

/* The type that @method wants of the parameter @name, or 0 if it has no such parameter. */
static char param_type(const struct method *method, const char *name)
{
	size_t length = strlen(name);

	for (const char *p = method->params; *p; p = strchr(p, ' ') + 1)
		if (!strncmp(p, name, length) && p[length] == ':')
			return p[length + 1];

	return 0;
}

static bool are_texts(const json_t *value)
{
	const json_t *text;
	size_t i;

	json_array_foreach(value, i, text) if (!json_is_string(text)) return false;

	return json_is_array(value);
}

static bool is_of_type(const json_t *value, char type)
{
	if (type == 't')
		return json_is_string(value);
	if (type == 'b')
		return json_is_boolean(value);
	if (type == 'l')
		return are_texts(value);

	return json_is_integer(value) && json_integer_value(value) >= 0;
}

static const char *type_sentence(char type)
{
	if (type == 't')
		return "a text";
	if (type == 'l')
		return "a list of texts";

	return type == 'b' ? "true or false" : "a number from 0 on";
}

static void check_params(struct call *call, const struct method *method, json_t *params)
{
	const char *name;
	json_t *value;

	if (params && !json_is_object(params)) {
		call_fail(call, PROTOCOL_BAD_PARAMS, "params must be an object: give them by name");
		return;
	}
	json_object_foreach(params, name, value)
	{
		char type = param_type(method, name);

		if (!type)
			call_fail(call, PROTOCOL_BAD_PARAMS, "%s has no parameter \"%.100s\"",
				  method->name, name);
		else if (!is_of_type(value, type))
			call_fail(call, PROTOCOL_BAD_PARAMS, "parameter \"%s\" must be %s", name,
				  type_sentence(type));
	}
	call->params = params;
}

static const struct method *find_method(struct call *call, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "method"));

	for (size_t i = 0; i < COUNT(methods); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];

	call_fail(call, PROTOCOL_NO_METHOD, "there is no method \"%.100s\"", name);
	return NULL;
}

static void check_role(struct call *call, enum role needed)
{
	if (call->client->role >= needed)
		return;
	if (call->client->role == ROLE_NONE)
		call_fail(call, PROTOCOL_DENIED,
			  "you are neither root nor in group " ROLE_READER_GROUP
			  " or " ROLE_ADMIN_GROUP);
	else
		call_fail(call, PROTOCOL_DENIED,
			  "only root and members of group " ROLE_ADMIN_GROUP " may do that");
}

static void check_sm(struct call *call)
{
	const char *trouble = call->rpc->setup.trouble;

	if (!call->sm)
		call_fail(call, PROTOCOL_NO_PORT, "no subnet is managed yet%s%s",
			  trouble && trouble[0] ? ": " : "", trouble ? trouble : "");
}

static void run(struct call *call, const json_t *request)
{
	const struct method *method;

	if (call->client->role == ROLE_NONE)
		check_role(call, ROLE_READER);
	method = call->error ? NULL : find_method(call, request);
	if (!method)
		return;
	check_role(call, method->role);
	check_params(call, method, json_object_get(request, "params"));
	if (method->needs_sm && !call->error)
		check_sm(call);
	if (call->error)
		return;

	char schema[64];

	snprintf(schema, sizeof(schema), "vsm.%s.v1", method->name);
	row_text(&call->result, "schema", schema);
	method->run(call);
}

/* -- lines --------------------------------------------------------------------------------------
 */

char *rpc_dump_line(json_t *object)
{
	size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);
	char *line = size > 0 ? malloc(size + 2) : NULL;

	if (line && json_dumpb(object, line, size, JSON_COMPACT) == size) {
		line[size] = '\n';
		line[size + 1] = 0;
	} else {
		free(line);
		line = NULL;
	}
	json_decref(object);

	return line;
}

static json_t *make_error(int code, const char *why, json_t *details)
{
	struct row error = row_start();

	row_put(&error, "code", json_integer(code));
	row_text(&error, "message", why);
	if (details)
		row_put(&error, "data", details);

	return row_end(&error);
}

static char *make_answer(json_t *id, const char *key, json_t *value)
{
	struct row answer = row_start();

	row_text(&answer, "jsonrpc", "2.0");
	row_put(&answer, "id", id ? json_incref(id) : json_null());
	row_put(&answer, key, value);

	return rpc_dump_line(row_end(&answer));
}

char *rpc_refuse(enum protocol_error code, const char *why)
{
	return make_answer(NULL, "error", make_error(code, why, NULL));
}

static bool is_id(const json_t *id)
{
	return json_is_string(id) || json_is_number(id) || json_is_null(id);
}

static const char *wrong_request(const json_t *request)
{
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const json_t *id = json_object_get(request, "id");

	if (json_is_array(request))
		return "batches are not taken: send one request a line";
	if (!json_is_object(request))
		return "a request is an object";
	if (!version || strcmp(version, "2.0") != 0)
		return "member \"jsonrpc\" must be \"2.0\"";
	if (!json_is_string(json_object_get(request, "method")))
		return "member \"method\" must be a text";
	if (id && !is_id(id))
		return "member \"id\" must be a text, a number or null";

	return NULL;
}

char *rpc_end_call(struct call *call, json_t *id)
{
	char *line = NULL;

	if (!call->error && !call->result.object)
		call_fail(call, PROTOCOL_INTERNAL, "there is no memory for the answer");
	if (!id)
		json_decref(call->details);
	else if (call->error)
		line = make_answer(id, "error", make_error(call->error, call->why, call->details));
	else
		line = make_answer(id, "result", json_incref(call->result.object));
	json_decref(call->result.object);

	return line;
}

static char *answer_request(struct rpc *rpc, struct rpc_client *client, json_t *request)
{
	json_t *id = json_object_get(request, "id");
	struct call call = {
		.rpc = rpc, .client = client, .sm = *rpc->setup.sm, .result = row_start()
	};

	if (call.sm) {
		call.fabric = sm_fabric(call.sm);
		names_refresh(&rpc->names, sm_conf(call.sm)->node_name_map);
	}
	run(&call, request);
	if (call.later) {
		later_put_off(&call, id);
		return NULL;
	}

	return rpc_end_call(&call, id);
}

char *rpc_answer(struct rpc *rpc, struct rpc_client *client, const char *line, size_t length)
{
	json_error_t error;
	json_t *request =
		json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	const char *wrong;
	char why[256], *answer;

	rpc->n_requests++;
	if (!request) {
		snprintf(why, sizeof(why), "not JSON: %s (column %d)", error.text, error.column);
		return rpc_refuse(PROTOCOL_NOT_JSON, why);
	}
	wrong = wrong_request(request);
	if (wrong)
		answer = rpc_refuse(PROTOCOL_NOT_REQUEST, wrong);
	else
		answer = answer_request(rpc, client, request);
	json_decref(request);

	return answer;
}

/* -- life ---------------------------------------------------------------------------------------
 */

void rpc_init(struct rpc *rpc, struct loop *loop, const struct control_setup *setup)
{
	struct timespec t;

	*rpc = (struct rpc){ .loop = loop, .setup = *setup };
	list_init(&rpc->laters);
	if (rpc->setup.unix_at_zero)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	rpc->setup.unix_at_zero =
		(uint64_t)t.tv_sec * LOOP_SEC + (uint64_t)t.tv_nsec - loop_now(loop);
}

void rpc_client_done(struct rpc *rpc, const struct rpc_client *client)
{
	later_forget(rpc, client);
}

void rpc_done(struct rpc *rpc)
{
	later_forget(rpc, NULL);
	names_done(&rpc->names);
}

uint64_t rpc_unix_time(const struct rpc *rpc, uint64_t moment)
{
	return rpc->setup.unix_at_zero + moment;
}
