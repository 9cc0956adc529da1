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
 * it learns that there is an SA (ClassPortInfo) and nothing about the fabric. SM_Keys do not change
 * that: opensm shows M_Keys to whoever sends its SM_Key, which is 1 unless someone changed it; here
 * no record ever has an M_Key or SM_Key.
 *
 * Tables fit one packet, or the answer is that there are not the resources: longer ones come with
 * RMPP transfers, later. The exception says so in its admin_attribute.
 */

#include "sm/sa/admin.h"

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

static const struct admin_attribute *const attributes[] = {
	&admin_class_info, &admin_node_record, &admin_port_record,
	&admin_sm_record,  &admin_path_record, &admin_guid_record,
};

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
static bool is_of_requester(const struct admin_query *query, struct endpoint e)
{
	const struct vfs *vfs = query->view->fabric->ports[e.port].vfs;

	return query->requester.port == e.port &&
	       (query->requester.index == e.index || query->requester.index == 0 || !vfs ||
		vfs->model == VF_SHARED);
}

bool admin_sees_endpoint(const struct admin_query *query, struct endpoint e)
{
	if (query->requester.port == NO_PORT)
		return false;

	return is_of_requester(query, e) || admin_keys_shared(query->view, query->visible, e) != 0;
}

bool admin_sees(const struct admin_query *query, uint32_t port)
{
	return admin_sees_endpoint(query, endpoint_of_port(port));
}

bool admin_offer(struct admin_query *query, struct endpoint subject, const uint8_t *record)
{
	unsigned size = query->attribute->record_size;

	if (!fits(query, record) ||
	    (!endpoint_is(subject, FOR_EVERYBODY) && !admin_sees_endpoint(query, subject)))
		return true;
	if (query->n == query->room) {
		query->overflow = true;
		return false;
	}
	memcpy(query->records + query->n * size, record, size);
	query->n++;

	return true;
}

/* Is it a port, or a vport that is there and has a LID of its own? */
static bool has_own_lid(const struct fabric *f, struct endpoint e)
{
	if (e.port == NO_PORT || e.index == 0)
		return e.port != NO_PORT;

	return f->ports[e.port].vfs->model == VF_VPORT && vf_of(f, e)->lid != 0 &&
	       vf_is_here(f, e) && !vf_of(f, e)->duplicate;
}

void admin_offer_ends(struct admin_query *query, unsigned want_lid, enum wire_field lid,
		      bool (*offer)(struct admin_query *query, struct endpoint e))
{
	const struct fabric *f = query->view->fabric;
	struct vf_walk walk = { 0 };
	struct endpoint e;

	if (admin_has(query, want_lid)) {
		e = endpoint_of_lid(f, (unsigned)wire_get(query->wanted, lid));
		if (has_own_lid(f, e))
			offer(query, e);
		return;
	}
	for (uint32_t port = 0; port < f->n_ports; port++) {
		if (!offer(query, endpoint_of_port(port)))
			return;
	}
	while (f->n_vfs > 0 && vf_walk_next(f, &walk, &e)) {
		if (has_own_lid(f, e) && !offer(query, e))
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

/* ---- the answer -------------------------------------------------------------------------------
 */

static const struct admin_attribute *find_attribute(uint64_t id)
{
	for (size_t i = 0; i < COUNT(attributes); i++) {
		if (attributes[i]->id == id)
			return attributes[i];
	}

	return NULL;
}

static const struct admin_attribute *find_served(const struct datagram *request)
{
	const struct admin_attribute *attribute = find_attribute(wire_get(request, MAD_ATTR));
	uint64_t method = wire_get(request, MAD_METHOD);

	if (!attribute || method == METHOD_GET)
		return attribute;
	if (method == METHOD_SET || method == METHOD_DELETE)
		return attribute->change ? attribute : NULL;

	return method == METHOD_GET_TABLE && attribute->has_table ? attribute : NULL;
}

static uint16_t status_of(const struct admin_query *query)
{
	if (query->status != STATUS_OK)
		return query->status;
	if (query->overflow && !query->is_table)
		return STATUS_SA_TOO_MANY_RECORDS;
	if (query->overflow && !query->attribute->may_be_partial)
		return STATUS_SA_NO_RESOURCES;
	if (query->n == 0 && !query->is_table)
		return STATUS_SA_NO_RECORDS;

	return STATUS_OK;
}

/* IBA 13.6.2: PayloadLength of the only segment counts the SA header behind RMPP's, 20 bytes. */
static void write_rmpp(struct datagram *ret, unsigned bytes)
{
	wire_set(ret, SA_RMPP_TYPE, RMPP_TYPE_DATA);
	wire_set(ret, SA_RMPP_RESPONSE_TIME, 0x1f); /* not given */
	wire_set(ret, SA_RMPP_FLAGS, RMPP_ACTIVE | RMPP_FIRST | RMPP_LAST);
	wire_set(ret, SA_RMPP_SEGMENT, 1);
	wire_set(ret, SA_RMPP_LENGTH, 20 + bytes);
}

static bool is_change(const struct admin_query *query)
{
	return query->method == METHOD_SET || query->method == METHOD_DELETE;
}

static void change(struct admin_query *query)
{
	const struct admin_view *view = query->view;

	if (view->admit)
		query->status = view->admit(view->changer, query->request, &query->later);
	if (query->status == STATUS_OK && !query->later)
		query->attribute->change(query);
}

/* False: it is to be answered later. */
static bool write_records(const struct admin_view *view, const struct arrival *request,
			  const struct admin_attribute *attribute, struct datagram *ret,
			  uint16_t *ret_status)
{
	const struct datagram *d = &request->datagram;
	struct admin_keys visible;
	struct admin_query query = {
		.view = view,
		.attribute = attribute,
		.request = request,
		.method = (uint8_t)wire_get(d, MAD_METHOD),
		.wanted = sa_data_in(d),
		.mask = wire_get(d, SA_COMP_MASK),
		.modifier = (uint32_t)wire_get(d, MAD_MODIFIER),
		.requester = find_requester(view, &request->from),
		.is_table = wire_get(d, MAD_METHOD) == METHOD_GET_TABLE,
		.records = sa_data_of(ret),
		.visible = &visible,
	};

	query.room = query.is_table ? SA_DATA_SIZE / attribute->record_size : 1;
	if (query.requester.port != NO_PORT)
		admin_keys_read(view, query.requester, &visible);
	if (is_change(&query))
		change(&query);
	else
		attribute->each(&query);
	if (query.later)
		return false;

	*ret_status = status_of(&query);
	if (*ret_status != STATUS_OK) {
		memset(query.records, 0, SA_DATA_SIZE);
		return true;
	}
	wire_set(ret, SA_ATTR_OFFSET, attribute->record_size / 8u);
	if (query.is_table)
		write_rmpp(ret, query.n * attribute->record_size);

	return true;
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

enum admin_result admin_answer(const struct admin_view *view, const struct arrival *request,
			       struct datagram *ret)
{
	const struct datagram *d = &request->datagram;
	const struct admin_attribute *attribute;
	uint16_t status = STATUS_BAD_METHOD_ATTR;
	struct datagram answer;

	if (!is_request(request))
		return ADMIN_SILENT;

	start_answer(d, &answer);
	if (wire_get(d, MAD_CLASS_VERSION) != CLASS_SA_VERSION) {
		wire_make_response(&answer, STATUS_BAD_VERSION);
		*ret = answer;
		return ADMIN_ANSWERED;
	}
	wire_set(&answer, SA_RMPP_VERSION, RMPP_VERSION);
	wire_set(&answer, SA_COMP_MASK, wire_get(d, SA_COMP_MASK));
	attribute = find_served(d);
	if (attribute && !write_records(view, request, attribute, &answer, &status))
		return ADMIN_LATER;
	wire_make_response(&answer, status);
	*ret = answer;

	return ADMIN_ANSWERED;
}
