/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The subnet administrator answers from what the subnet manager knows at this moment. It keeps
 * nothing, waits for nothing and sends nothing: a request and a look at the fabric make an answer.
 * So the same request twice (kernels send it up to eleven times) gets the same answer twice, and
 * nobody can make it hold memory. Requests to change something are no exception: the plan changes,
 * which is the subnet manager's, and when that is done a look at the fabric makes the answer.
 *
 * Here is what all attributes share: who is answered at all, which component of a question is
 * compared, who may see what, how many records there may be, and every status. The attributes
 * themselves are tables and enumerators, in files of their own.
 *
 * Whoever asks is the port that has the source LID of the request. It sees what shares a P_Key with
 * it, and itself. Both come from the plan, which is made before any device is told: a host that has
 * just got its LID is known here before it can ask. A source LID that nobody has is a stranger's;
 * it learns that there is an SA (ClassPortInfo) and nothing about the fabric. Who sends the key
 * that the operator has set (sa_key) is trusted and sees everything, but for M_Keys and SM_Keys:
 * they are 0 in every record. Who sends another one, where there is one, is not answered, as with
 * opensm: a key that is guessed is never known to be wrong.
 *
 * Whatever else is well-formed is answered, if only by a status. A table that one datagram has no
 * room for becomes a message, which RMPP cuts up (IBA 13.6); it grows as records are found, up to a
 * limit, and who asks for more than that is told that there are not the resources.
 */

#include "sm/sa/admin.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

/* What a message begins with; then it doubles. */
#define FIRST_ROOM 4096u

/* clang-format off */
static const struct admin_attribute *const attributes[] = {
	&admin_path_record,
	&admin_class_info,
	&admin_node_record,
	&admin_port_record,
	&admin_switch_record,
	&admin_lft_record,
	&admin_mft_record,
	&admin_sltovl_record,
	&admin_vl_arbitration_record,
	&admin_sm_record,
	&admin_link_record,
	&admin_guid_record,
	&admin_service_record,
	&admin_inform_info,
	&admin_inform_record,
	&admin_pkey_record,
	&admin_multi_path,
	&admin_trace_record,
	&admin_mc_member_record,
};
/* clang-format on */

/* ---- records ----------------------------------------------------------------------------------
 */

static bool component_fits(const struct admin_query *query, const struct admin_component *component,
			   const uint8_t *record)
{
	const uint8_t *wanted = query->wanted + component->offset;
	const uint8_t *found = record + component->offset;
	enum wire_field field = (enum wire_field)component->field;
	uint64_t bits;

	switch ((enum admin_match)component->match) {
	case MATCH_NOT:
		return true;
	case MATCH_FIELD:
		return wire_get(wanted, field) == wire_get(found, field);
	case MATCH_BYTES:
		return memcmp(wanted, found, component->bytes) == 0;
	case MATCH_BITS:
		bits = wire_get(found, field);
		if (query->modifier & MODIFIER_CONTAINS)
			bits &= wire_get(wanted, field);
		return wire_get(wanted, field) == bits;
	}

	return false;
}

/* Bits of the mask beyond the components are clients' business with newer administrators. */
static bool fits(const struct admin_query *query, const uint8_t *record)
{
	for (unsigned i = 0; i < query->attribute->n_components; i++) {
		if (admin_has(query, i) &&
		    !component_fits(query, &query->attribute->components[i], record))
			return false;
	}

	return true;
}

/* A physical function may know of its virtual ones; those of a shared port are all the port. */
bool admin_is_own(const struct admin_query *query, struct endpoint e)
{
	const struct vfs *vfs = query->view->fabric->ports[e.port].vfs;

	return query->requester.port == e.port &&
	       (query->requester.index == e.index || query->requester.index == 0 || !vfs ||
		vfs->model == VF_SHARED);
}

bool admin_sees_endpoint(const struct admin_query *query, struct endpoint e)
{
	if (query->trusted)
		return true;
	if (query->requester.port == NO_PORT)
		return false;

	return admin_is_own(query, e) || admin_keys_shared(query->view, query->visible, e) != 0;
}

bool admin_sees(const struct admin_query *query, uint32_t port)
{
	return admin_sees_endpoint(query, endpoint_of_port(port));
}

static size_t most_room(const struct admin_query *query)
{
	return MIN(query->view->room, ADMIN_MAX_RECORDS);
}

/* Records of a table that is too long for the datagram go on in a message. */
static bool grow(struct admin_query *query, size_t least)
{
	struct admin_answer *answer = query->answer;
	size_t room = MIN(MAX(2 * answer->room, FIRST_ROOM), most_room(query));
	uint8_t *message;

	if (room < least)
		return false;
	message = realloc(answer->message ? answer->message - TRANSPORT_HEADROOM : NULL,
			  TRANSPORT_HEADROOM + SA_DATA_OFFSET + room);
	if (!message)
		return false;
	message += TRANSPORT_HEADROOM;
	if (!answer->message)
		memcpy(message + SA_DATA_OFFSET, sa_data_in(&answer->datagram), SA_DATA_SIZE);
	answer->message = message;
	answer->room = room;

	return true;
}

bool admin_give(struct admin_query *query, const uint8_t *record)
{
	struct admin_answer *answer = query->answer;
	size_t size = query->attribute->record_size;
	size_t used = query->n * size;
	uint8_t *records;

	if ((query->n > 0 && !query->is_table) ||
	    (used + size > answer->room && !grow(query, used + size))) {
		query->overflow = true;
		return false;
	}
	records =
		answer->message ? answer->message + SA_DATA_OFFSET : sa_data_of(&answer->datagram);
	memcpy(records + used, record, size);
	query->n++;

	return true;
}

bool admin_offer(struct admin_query *query, struct endpoint subject, const uint8_t *record)
{
	if (++query->n_offered > ADMIN_MAX_CANDIDATES) {
		query->status = STATUS_SA_NO_RESOURCES;
		return false;
	}
	if (!fits(query, record) ||
	    (!endpoint_is(subject, FOR_EVERYBODY) && !admin_sees_endpoint(query, subject)))
		return true;

	return admin_give(query, record);
}

/* Is it a port, or a vport that is there and has a LID of its own? */
static bool has_own_lid(const struct fabric *f, struct endpoint e)
{
	if (e.port == NO_PORT || e.index == 0)
		return e.port != NO_PORT;

	return f->ports[e.port].vfs->model == VF_VPORT && vf_of(f, e)->lid != 0 &&
	       vf_is_here(f, e) && !vf_of(f, e)->duplicate;
}

bool admin_walk_next(const struct fabric *f, struct admin_walk *walk, struct endpoint *ret)
{
	while (walk->port < f->n_ports) {
		*ret = endpoint_of_port(walk->port++);
		if (admin_is_end(f, ret->port))
			return true;
	}
	while (f->n_vfs > 0 && vf_walk_next(f, &walk->vf, ret)) {
		if (has_own_lid(f, *ret) && admin_is_end(f, ret->port))
			return true;
	}

	return false;
}

void admin_offer_ends(struct admin_query *query, unsigned want_lid, enum wire_field lid,
		      bool (*offer)(struct admin_query *query, struct endpoint e))
{
	const struct fabric *f = query->view->fabric;
	struct admin_walk walk = { 0 };
	struct endpoint e;

	if (admin_has(query, want_lid)) {
		e = endpoint_of_lid(f, (unsigned)wire_get(query->wanted, lid));
		if (has_own_lid(f, e))
			offer(query, e);
		return;
	}
	while (admin_walk_next(f, &walk, &e)) {
		if (!offer(query, e))
			return;
	}
}

static const struct node *switch_at(const struct fabric *f, uint32_t port)
{
	const struct node *node = port != NO_PORT ? node_of(f, port) : NULL;

	return node && node_is_switch(node) && admin_is_end(f, port) ? node : NULL;
}

void admin_offer_switches(struct admin_query *query, unsigned want_lid, enum wire_field lid,
			  bool (*offer)(struct admin_query *query, const struct node *node,
					uint16_t lid))
{
	const struct fabric *f = query->view->fabric;
	const struct node *node;

	if (admin_has(query, want_lid)) {
		uint32_t port = fabric_find_lid(f, (unsigned)wire_get(query->wanted, lid));

		node = switch_at(f, port);
		if (node)
			offer(query, node, f->ports[port].lid);
		return;
	}
	for (uint32_t i = 0; i < f->n_nodes; i++) {
		if (!node_is_switch(&f->nodes[i]))
			continue;
		node = switch_at(f, port_at(&f->nodes[i], 0));
		if (node && !offer(query, node, f->ports[port_at(node, 0)].lid))
			return;
	}
}

bool admin_is_end(const struct fabric *f, uint32_t port)
{
	const struct port *p = &f->ports[port];

	return p->guid != 0 && p->lid != 0 && port_is_end(f, port) && node_of(f, port)->present;
}

/*
 * By the source LID; who shares it with others is told by the GID that it sends from. A wrong one
 * is that of nobody behind this LID, and then it is the port that asks.
 */
static struct endpoint find_requester(const struct admin_view *view, const struct address *from)
{
	struct endpoint by_lid = endpoint_of_lid(view->fabric, from->lid);
	struct endpoint by_gid = { NO_PORT, 0 };

	if (from->has_grh && by_lid.port != NO_PORT && by_lid.index == 0)
		by_gid = endpoint_find(view->fabric, wire_get64(from->gid, 1));

	return by_gid.port == by_lid.port ? by_gid : by_lid;
}

bool admin_trusts(const struct conf *conf, uint64_t guid)
{
	for (size_t i = 0; i < conf->trusted_guids.n; i++)
		if (conf->trusted_guids.guid[i] == guid)
			return true;

	return false;
}

bool admin_is_trusted(const struct admin_query *query)
{
	const struct fabric *f = query->view->fabric;
	uint32_t port = query->requester.port;

	if (port == NO_PORT || port == f->local_port)
		return port != NO_PORT;

	return admin_trusts(query->view->conf, f->ports[port].guid);
}

struct registrant admin_registrant(const struct admin_query *query)
{
	const struct fabric *f = query->view->fabric;
	struct endpoint e = query->requester;
	uint64_t tid = wire_get(&query->request->datagram, MAD_TID);

	return (struct registrant){ .guid = endpoint_guid(f, e),
				    .port = f->ports[e.port].guid,
				    .vf = e.index == 0 ? (uint8_t)(tid >> 56) : 0 };
}

/* ---- the answer -------------------------------------------------------------------------------
 */

/* The bit of a method of requests, 0: no SA has it. IBA 15.2.2 */
static unsigned method_bit(uint64_t method)
{
	switch (method) {
	case METHOD_GET:
		return ADMIN_GET;
	case METHOD_GET_TABLE:
		return ADMIN_GET_TABLE;
	case METHOD_GET_TRACE_TABLE:
		return ADMIN_GET_TRACE;
	case METHOD_GET_MULTI:
		return ADMIN_GET_MULTI;
	case METHOD_SET:
		return ADMIN_SET;
	case METHOD_DELETE:
		return ADMIN_DELETE;
	default:
		return 0;
	}
}

/* Or NULL, and *ret_status says why. */
static const struct admin_attribute *find_served(const struct datagram *request,
						 uint16_t *ret_status)
{
	unsigned method = method_bit(wire_get(request, MAD_METHOD));
	uint64_t id = wire_get(request, MAD_ATTR);

	*ret_status = method ? STATUS_BAD_METHOD_ATTR : STATUS_BAD_METHOD;
	for (size_t i = 0; i < COUNT(attributes); i++) {
		if (attributes[i]->id == id && (attributes[i]->methods & method))
			return attributes[i];
	}

	return NULL;
}

static uint16_t status_of(const struct admin_query *query)
{
	if (query->status != STATUS_OK)
		return query->status;
	if (query->overflow && !query->is_table)
		return STATUS_SA_TOO_MANY_RECORDS;
	if (query->overflow)
		return most_room(query) < ADMIN_MAX_RECORDS ? STATUS_BUSY : STATUS_SA_NO_RESOURCES;
	if (query->n == 0 && !query->is_table)
		return STATUS_SA_NO_RECORDS;

	return STATUS_OK;
}

static void change(struct admin_query *query)
{
	const struct admin_view *view = query->view;

	if (view->admit)
		query->status = view->admit(view->changer, query->request, &query->later);
	if (query->status == STATUS_OK && !query->later)
		query->attribute->change(query);
}

/* Is it to wait, or refused? */
static bool waits(struct admin_query *query, bool found_none)
{
	const struct admin_view *view = query->view;

	if (!view->wait || !query->attribute->by_routes)
		return false;
	query->status = view->wait(view->waiter, query->request, found_none, &query->later);

	return query->later || query->status != STATUS_OK;
}

static void look_up(struct admin_query *query)
{
	if (waits(query, false))
		return;
	query->attribute->each(query);
	if (query->n == 0 && query->status == STATUS_OK && !query->overflow)
		waits(query, true);
}

static void ask_attribute(struct admin_query *query)
{
	unsigned method = method_bit(query->method);

	if (query->attribute->only_trusted && !query->trusted)
		query->status = STATUS_SA_REQ_INVALID;
	else if (query->request->length > 0 && !query->request->message)
		query->status = STATUS_SA_NO_RESOURCES;
	else if (method & (ADMIN_SET | ADMIN_DELETE))
		change(query);
	else
		look_up(query);
}

/* IBA 13.6.2: PayloadLength of the only segment counts the SA header behind RMPP's, 20 bytes. */
static void write_rmpp(struct datagram *ret, size_t bytes)
{
	wire_set(ret, SA_RMPP_TYPE, RMPP_TYPE_DATA);
	wire_set(ret, SA_RMPP_RESPONSE_TIME, 0x1f); /* not given */
	wire_set(ret, SA_RMPP_FLAGS, RMPP_ACTIVE | RMPP_FIRST | RMPP_LAST);
	wire_set(ret, SA_RMPP_SEGMENT, 1);
	wire_set(ret, SA_RMPP_LENGTH, 20 + bytes);
}

/* No records, and no message that had some. */
static void empty(struct admin_answer *answer)
{
	admin_answer_done(answer);
	memset(sa_data_of(&answer->datagram), 0, SA_DATA_SIZE);
}

static void describe_records(const struct admin_query *query, struct admin_answer *answer)
{
	const struct admin_attribute *attribute = query->attribute;
	size_t bytes = (size_t)query->n * attribute->record_size;

	wire_set(&answer->datagram, SA_ATTR_OFFSET, attribute->record_size / 8u);
	if (attribute->answer_id)
		wire_set(&answer->datagram, MAD_ATTR, attribute->answer_id);
	if (query->is_table)
		write_rmpp(&answer->datagram, bytes);
	if (answer->message)
		answer->length = SA_DATA_OFFSET + bytes;
}

/* May it see everything? The key of nobody is 0. */
static bool is_trusted(const struct admin_view *view, const struct datagram *request)
{
	return view->conf->sa_key != 0 && wire_get(request, SA_KEY) == view->conf->sa_key;
}

static bool has_wrong_key(const struct admin_view *view, const struct datagram *request)
{
	return view->conf->sa_key != 0 && wire_get(request, SA_KEY) != 0 &&
	       !is_trusted(view, request);
}

/* False: it is to be answered later. */
static bool write_records(const struct admin_view *view, const struct arrival *request,
			  const struct admin_attribute *attribute, struct admin_answer *ret,
			  uint16_t *ret_status)
{
	const struct datagram *d = &request->datagram;
	struct admin_keys visible;
	struct admin_query query = {
		.view = view,
		.attribute = attribute,
		.request = request,
		.method = (uint8_t)wire_get(d, MAD_METHOD),
		.wanted = request->message ? request->message + SA_DATA_OFFSET : sa_data_in(d),
		.wanted_size = request->message ? request->length - SA_DATA_OFFSET : SA_DATA_SIZE,
		.mask = wire_get(d, SA_COMP_MASK),
		.modifier = (uint32_t)wire_get(d, MAD_MODIFIER),
		.requester = find_requester(view, &request->from),
		.trusted = is_trusted(view, d),
		.answer = ret,
		.visible = &visible,
	};

	query.is_table =
		method_bit(query.method) & (ADMIN_GET_TABLE | ADMIN_GET_TRACE | ADMIN_GET_MULTI);
	ret->room = SA_DATA_SIZE;
	visible.n = 0;
	if (query.requester.port != NO_PORT)
		admin_keys_read(view, query.requester, &visible);
	ask_attribute(&query);
	*ret_status = status_of(&query);
	if (*ret_status != STATUS_OK || query.later)
		empty(ret);
	else
		describe_records(&query, ret);

	return !query.later;
}

/* The head of the question, all 64 bits of the TID: proxies keep a number of theirs in it. */
static void start_answer(const struct datagram *request, struct datagram *ret)
{
	/* clang-format off */
	static const enum wire_field echoed[] = {
		MAD_BASE_VERSION, MAD_CLASS, MAD_CLASS_VERSION, MAD_METHOD, MAD_TID, MAD_ATTR,
		MAD_MODIFIER,
	};
	/* clang-format on */

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < COUNT(echoed); i++)
		wire_set(ret, echoed[i], wire_get(request, echoed[i]));
}

/*
 * Answers are not answered, nor are methods that have no answer (Send, Trap), RMPP's own packets,
 * and what came back because nobody took it. With another base version nothing is where we look.
 */
static bool is_request(const struct arrival *request)
{
	enum { METHOD_SEND = 0x03 };
	const struct datagram *d = &request->datagram;
	uint64_t method = wire_get(d, MAD_METHOD);

	if (request->undelivered || wire_get(d, MAD_BASE_VERSION) != 1 ||
	    wire_get(d, MAD_CLASS) != CLASS_SA || wire_is_response(d))
		return false;
	if (method == METHOD_TRAP || method == METHOD_SEND)
		return false;

	return !(wire_get(d, SA_RMPP_FLAGS) & RMPP_ACTIVE) ||
	       wire_get(d, SA_RMPP_TYPE) == RMPP_TYPE_DATA;
}

/* RMPP takes it with its header at the beginning. */
static void complete_message(struct admin_answer *answer)
{
	if (answer->message)
		memcpy(answer->message, answer->datagram.bytes, SA_DATA_OFFSET);
}

enum admin_result admin_answer(const struct admin_view *view, const struct arrival *request,
			       struct admin_answer *ret)
{
	const struct datagram *d = &request->datagram;
	const struct admin_attribute *attribute;
	struct admin_answer answer = { .message = NULL };
	uint16_t status = STATUS_BAD_VERSION;

	if (!is_request(request) || has_wrong_key(view, d))
		return ADMIN_SILENT;

	start_answer(d, &answer.datagram);
	if (wire_get(d, MAD_CLASS_VERSION) == CLASS_SA_VERSION) {
		wire_set(&answer.datagram, SA_RMPP_VERSION, RMPP_VERSION);
		wire_set(&answer.datagram, SA_COMP_MASK, wire_get(d, SA_COMP_MASK));
		attribute = find_served(d, &status);
		if (attribute && !write_records(view, request, attribute, &answer, &status))
			return ADMIN_LATER;
	}
	wire_make_response(&answer.datagram, status);
	complete_message(&answer);
	*ret = answer;

	return ADMIN_ANSWERED;
}

void admin_answer_done(struct admin_answer *answer)
{
	if (answer->message)
		free(answer->message - TRANSPORT_HEADROOM);
	answer->message = NULL;
	answer->length = 0;
}
