/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The heart of the kernel's MAD layer: what becomes of a packet that arrives, which request a
 * response belongs to, and what happens when none comes.
 *
 * A request waits in its agent's list, in the order of sending, until a response matches it or its
 * tries are over; then it becomes a record that says ETIMEDOUT. A response that nobody waits
 * for is dropped without a word, and so is what is sent with a time-out of 0 once it is out. Only
 * what the kernel compares is compared: the TID and the class, never the LID that answered.
 */

#include "tests/umad/kmad.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/umad/smi.h"

/* ---- ports ----------------------------------------------------------------------------------- */

void kmad_port_init(struct kmad_port *port, const struct kmad_ops *ops, void *user)
{
	*port = (struct kmad_port){ .ops = ops, .user = user, .number = 1, .gids = 1 };
	port->queue_max = KMAD_QUEUE_MAX;
	list_init(&port->agents);
}

void kmad_port_done(struct kmad_port *port)
{
	while (!list_is_empty(&port->agents))
		agent_free(LIST_ENTRY(port->agents.next, struct kmad_agent, link));
	timer_queue_done(&port->timers);
}

/* ---- timers ---------------------------------------------------------------------------------- */

void kmad_set_timer(struct kmad_port *port, struct kmad_timer *timer, uint64_t msec)
{
	timer_queue_set(&port->timers, &timer->entry,
			port->ops->now(port->user) + msec * KMAD_MSEC);
}

void kmad_stop_timer(struct kmad_port *port, struct kmad_timer *timer)
{
	timer_queue_remove(&port->timers, &timer->entry);
}

uint64_t kmad_next_timer(const struct kmad_port *port)
{
	struct timer_entry *first = timer_queue_first(&port->timers);

	return first ? first->when : UINT64_MAX;
}

uint64_t kmad_run_timers(struct kmad_port *port)
{
	uint64_t now = port->ops->now(port->user);
	struct timer_entry *first;

	while ((first = timer_queue_first(&port->timers)) && first->when <= now) {
		struct kmad_timer *timer = CONTAINER_OF(first, struct kmad_timer, entry);

		timer_queue_remove(&port->timers, first);
		timer->expired(timer);
	}

	return kmad_next_timer(port);
}

/* ---- sends that wait ------------------------------------------------------------------------- */

static void queue_record(struct kmad_file *file, struct kmad_record *record)
{
	bool was_empty = list_is_empty(&file->records);

	list_add_tail(&file->records, &record->link);
	if (was_empty)
		file->readable(file->user, true);
}

static struct kmad_record *record_new(uint32_t length, bool timed_out)
{
	struct kmad_record *record = calloc(1, sizeof(*record) + length);

	if (!record)
		return NULL;
	list_init(&record->link);
	record->length = length;
	record->timed_out = timed_out;

	return record;
}

/* The header as it was written, and the first bytes of what was sent. */
static void report_timeout(struct kmad_send *send)
{
	struct kmad_record *record = record_new(WIRE_HEADER, true);

	if (!record)
		return;
	memcpy(record->header, send->header, sizeof(record->header));
	put_host32(record->header + AT_ID, send->agent->id);
	put_host32(record->header + AT_STATUS, ETIMEDOUT);
	memcpy(record->mad, send->packet.mad, WIRE_HEADER);
	queue_record(send->agent->file, record);
}

static void send_expired(struct kmad_timer *timer)
{
	struct kmad_send *send = CONTAINER_OF(timer, struct kmad_send, timer);
	struct kmad_port *port = send->agent->port;
	bool again = send->retries_left > 0;

	if (again)
		send->retries_left--;
	if (again && send->rmpp)
		again = rmpp_send_again(send);
	else if (again) {
		port->ops->send(port->user, &send->packet);
		kmad_set_timer(port, &send->timer, send->timeout_ms);
	}
	if (again)
		return;
	report_timeout(send);
	kmad_send_free(send);
}

struct kmad_send *kmad_send_new(struct kmad_agent *agent)
{
	struct kmad_send *send = calloc(1, sizeof(*send));

	if (!send || timer_queue_reserve(&agent->port->timers) < 0) {
		free(send);
		return NULL;
	}
	send->agent = agent;
	send->timer.expired = send_expired;
	list_init(&send->agent_link);

	return send;
}

void kmad_send_free(struct kmad_send *send)
{
	kmad_stop_timer(send->agent->port, &send->timer);
	timer_queue_release(&send->agent->port->timers);
	list_remove(&send->agent_link);
	free(send->message);
	free(send);
}

/* A GRH on both or on neither; with one, our GID; without one, those path bits that count. */
static bool same_path(const struct kmad_packet *sent, const struct kmad_packet *packet)
{
	if (sent->grh != packet->grh)
		return false;
	if (sent->grh)
		return sent->gid_index == packet->gid_index;

	return !((sent->path_bits ^ packet->path_bits) & ((1U << packet->lmc) - 1));
}

struct kmad_send *kmad_match(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	uint64_t tid = get64(packet->mad + WIRE_TID);
	uint8_t class = packet->mad[WIRE_CLASS];
	bool response = wire_is_response(packet->mad);

	for (struct list *l = agent->sends.next; l != &agent->sends; l = l->next) {
		struct kmad_send *send = LIST_ENTRY(l, struct kmad_send, agent_link);

		if (send->tid != tid || send->packet.mad[WIRE_CLASS] != class)
			continue;
		if (class == CLASS_SMP_DIRECTED)
			return send;
		if (wire_is_response(send->packet.mad) != response &&
		    same_path(&send->packet, packet))
			return send;
	}

	return NULL;
}

/* ---- what arrives ---------------------------------------------------------------------------- */

static void fill_header(uint8_t *header, const struct kmad_packet *packet)
{
	put32(header + AT_QPN, packet->qp);
	put16(header + AT_LID, packet->lid);
	header[AT_SL] = packet->sl;
	header[AT_PATH_BITS] = packet->path_bits;
	put_host16(header + AT_PKEY_INDEX, packet->pkey_index);
	if (!packet->grh)
		return;
	header[AT_GRH] = 1;
	header[AT_GID_INDEX] = packet->gid_index;
	header[AT_HOP_LIMIT] = packet->hop_limit;
	header[AT_TRAFFIC_CLASS] = packet->traffic_class;
	memcpy(header + AT_GID, packet->gid, sizeof(packet->gid));
	put32(header + AT_FLOW_LABEL, packet->flow_label);
}

void kmad_deliver(struct kmad_agent *agent, const struct kmad_packet *packet, const uint8_t *mad,
		  uint32_t length)
{
	struct kmad_file *file = agent->file;
	uint32_t header = file->pkey_index ? KMAD_HEADER : KMAD_OLD_HEADER;
	struct kmad_record *record;

	if (file->n_received >= agent->port->queue_max)
		return;
	record = record_new(length, false);
	if (!record)
		return;
	put_host32(record->header + AT_ID, agent->id);
	put_host32(record->header + AT_LENGTH, header + length);
	fill_header(record->header, packet);
	memcpy(record->mad, mad, length);
	file->n_received++;
	queue_record(file, record);
}

/* The answer of one's own SMA comes without anybody waiting for it. */
static bool is_local_reply(const uint8_t *mad)
{
	return mad[WIRE_CLASS] == CLASS_SMP_DIRECTED && mad[WIRE_HOP_CNT] == 0;
}

void kmad_complete(struct kmad_agent *agent, const struct kmad_packet *packet, const uint8_t *mad,
		   uint32_t length)
{
	struct kmad_send *send;

	if (!wire_is_response(packet->mad) || is_local_reply(packet->mad)) {
		kmad_deliver(agent, packet, mad, length);
		return;
	}
	send = kmad_match(agent, packet);
	if (send) {
		kmad_deliver(agent, packet, mad, length);
		kmad_send_free(send);
	} else if (agent->user_rmpp && class_has_rmpp(mad[WIRE_CLASS]) &&
		   (mad[WIRE_RMPP_FLAGS] & RMPP_ACTIVE)) {
		kmad_deliver(agent, packet, mad, length);
	}
}

/* The queue pairs take only their own classes; of CM only what it knows. */
static bool is_acceptable(const struct kmad_packet *packet)
{
	const uint8_t *mad = packet->mad;

	if (mad[WIRE_BASE_VERSION] != 1 || packet->qp_index > 1)
		return false;
	if (class_is_smp(mad[WIRE_CLASS]) != (packet->qp_index == 0))
		return false;
	if (class_is_smp(mad[WIRE_CLASS]) && mad[WIRE_METHOD] == METHOD_TRAP_REPRESS)
		return false; /* firmware keeps it */

	return mad[WIRE_CLASS] != CLASS_CM || mad[WIRE_METHOD] == METHOD_SEND ||
	       get16(mad + WIRE_ATTRIBUTE) == ATTRIBUTE_CLASS_PORT_INFO;
}

/* Nobody here wants it: the kernel says so to a Get and a Set. */
static void refuse(struct kmad_port *port, const struct kmad_packet *packet)
{
	struct kmad_packet reply = *packet;
	uint16_t status = STATUS_UNSUPPORTED;

	if (packet->mad[WIRE_METHOD] != METHOD_GET && packet->mad[WIRE_METHOD] != METHOD_SET)
		return;
	reply.mad[WIRE_METHOD] = METHOD_GET_RESP;
	if (packet->mad[WIRE_CLASS] == CLASS_SMP_DIRECTED)
		status |= STATUS_DIRECTION;
	put16(reply.mad + WIRE_STATUS, status);
	port->ops->send(port->user, &reply);
}

void kmad_receive(struct kmad_port *port, const struct kmad_packet *packet)
{
	struct kmad_packet p = *packet;
	struct kmad_agent *agent;
	bool response;

	if (port->gone || !is_acceptable(&p))
		return;
	p.lmc &= 7;
	p.grh = p.grh != 0;
	if (p.mad[WIRE_CLASS] == CLASS_SMP_DIRECTED &&
	    !smi_receive(p.mad, port->number, port->is_switch))
		return;

	response = wire_is_response(p.mad);
	agent = response ? agent_by_tid(port, p.mad) : agent_by_method(port, p.mad);
	if (!agent) {
		if (!response)
			refuse(port, &p);
		return;
	}
	if (agent_has_kernel_rmpp(agent) && class_has_rmpp(p.mad[WIRE_CLASS]) &&
	    !rmpp_receive(agent, &p))
		return;
	kmad_complete(agent, &p, p.mad, WIRE_SIZE);
}
