/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * An open umad%d: what write(), read() and ioctl() do, and every way in which they refuse.
 *
 * The order of the checks is the kernel's, because a program sees the first that fails. Two sizes
 * of header are alive: a program that registers an agent in the old way, without asking for P_Key
 * indices first, gets and gives 8 bytes less.
 */

#include "tests/umad/file.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/umad/smi.h"

void kmad_file_init(struct kmad_file *file, struct kmad_port *port,
		    void (*readable)(void *user, bool yes), void *user)
{
	*file = (struct kmad_file){ .port = port, .readable = readable, .user = user };
	list_init(&file->records);
}

void kmad_file_done(struct kmad_file *file)
{
	struct list *l;

	for (uint32_t id = 0; id < KMAD_AGENTS; id++)
		if (file->agents[id])
			agent_free(file->agents[id]);
	while ((l = list_take_first(&file->records)))
		free(LIST_ENTRY(l, struct kmad_record, link));
}

static size_t header_size(const struct kmad_file *file)
{
	return file->pkey_index ? KMAD_HEADER : KMAD_OLD_HEADER;
}

/* ---- read ------------------------------------------------------------------------------------ */

static void take_record(struct kmad_file *file, struct kmad_record *record)
{
	list_remove(&record->link);
	if (!record->timed_out)
		file->n_received--;
	free(record);
	if (list_is_empty(&file->records))
		file->readable(file->user, false);
}

long kmad_file_read(struct kmad_file *file, uint8_t *buffer, size_t count)
{
	size_t header = header_size(file);
	struct kmad_record *record;
	size_t first;
	long size;

	if (count < header)
		return -EINVAL;
	if (file->port->gone)
		return -EIO;
	if (list_is_empty(&file->records))
		return -EAGAIN;
	record = LIST_ENTRY(file->records.next, struct kmad_record, link);
	first = MIN(record->length, (size_t)WIRE_SIZE);
	if (count < header + first)
		return -EINVAL;
	if (!buffer)
		return -EFAULT;

	size = (long)(header + record->length);
	memcpy(buffer, record->header, header);
	if (count < (size_t)size) {
		memcpy(buffer + header, record->mad, first);
		return -ENOSPC;
	}
	memcpy(buffer + header, record->mad, record->length);
	take_record(file, record);

	return size;
}

/* ---- write ----------------------------------------------------------------------------------- */

static bool same_destination(const uint8_t *a, const uint8_t *b)
{
	if (!a[AT_GRH] != !b[AT_GRH])
		return false;
	if (a[AT_GRH])
		return !memcmp(a + AT_GID, b + AT_GID, 16);

	return get16(a + AT_LID) == get16(b + AT_LID);
}

/* Among what this file has sent and has not finished. */
static bool is_duplicate(const struct kmad_file *file, const uint8_t *header, const uint8_t *mad)
{
	bool response = wire_is_response(mad);
	uint64_t tid = get64(mad + WIRE_TID);

	for (uint32_t id = 0; id < KMAD_AGENTS; id++) {
		const struct kmad_agent *agent = file->agents[id];

		for (struct list *l = agent ? agent->sends.next : NULL; l && l != &agent->sends;
		     l = l->next) {
			struct kmad_send *sent = LIST_ENTRY(l, struct kmad_send, agent_link);

			if (sent->tid == tid && sent->packet.mad[WIRE_CLASS] == mad[WIRE_CLASS] &&
			    wire_is_response(sent->packet.mad) == response &&
			    (!response || same_destination(sent->header, header)))
				return true;
		}
	}

	return false;
}

/* What the kernel makes an address handle of. */
static int address(const struct kmad_agent *agent, const uint8_t *header, struct kmad_packet *ret)
{
	if (header[AT_SL] > 15 || header[AT_PATH_BITS] > 127)
		return -EINVAL;
	if (header[AT_GRH] && header[AT_GID_INDEX] >= agent->port->gids)
		return -EINVAL;
	ret->lid = get16(header + AT_LID);
	ret->qp = get32(header + AT_QPN) & 0xffffff;
	ret->qp_index = agent->qp_index;
	ret->sl = header[AT_SL];
	ret->path_bits = header[AT_PATH_BITS];
	ret->pkey_index = host16(header + AT_PKEY_INDEX);
	if (!header[AT_GRH])
		return 0;
	ret->grh = 1;
	ret->gid_index = header[AT_GID_INDEX];
	ret->hop_limit = header[AT_HOP_LIMIT];
	ret->traffic_class = header[AT_TRAFFIC_CLASS];
	ret->flow_label = get32(header + AT_FLOW_LABEL) & 0xfffff;
	memcpy(ret->gid, header + AT_GID, sizeof(ret->gid));

	return 0;
}

/* One that nobody waits for: out, and done. */
static long send_and_forget(struct kmad_agent *agent, const struct kmad_packet *packet)
{
	agent->port->ops->send(agent->port->user, packet);

	return 0;
}

static long send_and_wait(struct kmad_agent *agent, const struct kmad_packet *packet,
			  const uint8_t *header, const uint8_t *message, size_t length)
{
	struct kmad_send *send = kmad_send_new(agent);
	int error = 0;

	if (!send)
		return -ENOMEM;
	memcpy(send->header, header, sizeof(send->header));
	send->packet = *packet;
	send->tid = get64(packet->mad + WIRE_TID);
	send->timeout_ms = host32(header + AT_TIMEOUT);
	send->retries = host32(header + AT_RETRIES);
	send->retries_left = send->retries;
	if (message) {
		error = rmpp_start(send, message, length);
	} else {
		list_add_tail(&agent->sends, &send->agent_link);
		agent->port->ops->send(agent->port->user, &send->packet);
		kmad_set_timer(agent->port, &send->timer, send->timeout_ms);
	}
	if (error)
		kmad_send_free(send);

	return error;
}

/* The sizes that the class and the agent allow. */
static int check_length(const struct kmad_agent *agent, const uint8_t *mad, size_t length,
			bool active)
{
	size_t data_at = class_data_at(mad[WIRE_CLASS]);

	if (length < data_at || (!active && length > WIRE_SIZE))
		return -EINVAL;
	if ((length - data_at) / (WIRE_SIZE - data_at) > KMAD_SEGMENTS_MAX)
		return -ENOMEM;

	return agent->rmpp_version && !class_has_rmpp(mad[WIRE_CLASS]) ? -EINVAL : 0;
}

/* Of a virtual function without QP0: its own SMA is as closed to it as the wire is. */
static int check_smi(const struct kmad_port *port, const uint8_t *mad, enum smi route)
{
	if (port->smi == STREAM_SMI_SENT || !class_is_smp(mad[WIRE_CLASS]))
		return 0;
	if (route == SMI_LOCAL)
		return -EINVAL;

	return port->smi == STREAM_SMI_REFUSED ? -EPERM : 0;
}

static long post(struct kmad_agent *agent, struct kmad_packet *packet, const uint8_t *header,
		 const uint8_t *message, size_t length)
{
	struct kmad_port *port = agent->port;
	enum smi route = SMI_SEND;
	int error;

	if (packet->mad[WIRE_CLASS] == CLASS_SMP_DIRECTED)
		route = smi_write(packet->mad, port->number, port->is_switch);
	if (route == SMI_DISCARD)
		return -EINVAL;
	error = check_smi(port, packet->mad, route);
	if (error)
		return error;
	if (!message &&
	    (!host32(header + AT_TIMEOUT) || route == SMI_LOCAL || wire_is_response(packet->mad)))
		return send_and_forget(agent, packet);

	return send_and_wait(agent, packet, header, message, length);
}

static long write_mad(struct kmad_agent *agent, const uint8_t *header, const uint8_t *mad,
		      size_t length)
{
	bool rmpp_class = class_has_rmpp(mad[WIRE_CLASS]);
	bool rmpp_flag = rmpp_class && (mad[WIRE_RMPP_FLAGS] & RMPP_ACTIVE);
	bool active = rmpp_flag && agent_has_kernel_rmpp(agent);
	struct kmad_packet packet = { 0 };
	int error;

	error = address(agent, header, &packet);
	if (!error)
		error = check_length(agent, mad, length, active);
	if (error)
		return error;
	memcpy(packet.mad, mad, MIN(length, (size_t)WIRE_SIZE));
	if (!wire_is_response(packet.mad))
		put32(packet.mad + WIRE_TID, agent->hi_tid);
	if ((!rmpp_flag || agent_has_kernel_rmpp(agent)) &&
	    is_duplicate(agent->file, header, packet.mad))
		return -EINVAL;

	return post(agent, &packet, header, active ? mad : NULL, length);
}

long kmad_file_write(struct kmad_file *file, const uint8_t *buffer, size_t count)
{
	uint8_t header[KMAD_HEADER] = { 0 };
	size_t size = header_size(file);
	uint32_t id;
	long error;

	if (file->port->gone)
		return -EIO;
	if (count < size + WIRE_RMPP_HEADER)
		return -EINVAL;
	if (!buffer)
		return -EFAULT;
	memcpy(header, buffer, size);
	id = host32(header + AT_ID);
	if (id >= KMAD_AGENTS)
		return -EINVAL;
	if (!file->agents[id])
		return -EIO;
	error = write_mad(file->agents[id], header, buffer + size, count - size);

	return error ? error : (long)count;
}

/* ---- ioctl ----------------------------------------------------------------------------------- */

static int finish_register(struct kmad_file *file, const struct kmad_registration *r,
			   uint8_t *argument, bool pkey_index)
{
	uint32_t id;
	int error = agent_register(file, r, &id);

	if (error)
		return error;
	put_host32(argument, id);
	if (!file->used && pkey_index)
		file->pkey_index = true;
	file->used = true;

	return 0;
}

static int register_agent(struct kmad_file *file, uint8_t *a)
{
	struct kmad_registration r = {
		.qpn = a[20],
		.class = a[21],
		.version = a[22],
		.oui = { a[23], a[24], a[25] },
		.rmpp_version = a[26],
	};

	if (r.qpn > 1)
		return -EINVAL;
	memcpy(r.methods, a + 4, sizeof(r.methods));

	return finish_register(file, &r, a, false);
}

static int register_agent2(struct kmad_file *file, uint8_t *a)
{
	uint32_t flags = host32(a + 12);
	uint32_t oui = host32(a + 32);
	struct kmad_registration r = {
		.qpn = host32(a + 4),
		.class = a[8],
		.version = a[9],
		.oui = { (uint8_t)(oui >> 16), (uint8_t)(oui >> 8), (uint8_t)oui },
		.rmpp_version = a[36],
		.user_rmpp = flags & UMAD_USER_RMPP,
	};

	if (r.qpn > 1)
		return -EINVAL;
	if (flags & ~(uint32_t)UMAD_USER_RMPP) {
		put_host32(a + 12, UMAD_USER_RMPP);
		return -EINVAL;
	}
	if (r.class && oui >> 24)
		return -EINVAL;
	memcpy(r.methods, a + 16, sizeof(r.methods));

	return finish_register(file, &r, a, true);
}

int kmad_file_ioctl(struct kmad_file *file, unsigned long request, void *argument)
{
	uint32_t number = (uint32_t)request;

	if (number == UMAD_ENABLE_PKEY) {
		if (file->used)
			return -EINVAL;
		file->used = true;
		file->pkey_index = true;
		return 0;
	}
	if (number != UMAD_REGISTER_AGENT && number != UMAD_REGISTER_AGENT2 &&
	    number != UMAD_UNREGISTER_AGENT)
		return -ENOTTY;
	if (file->port->gone && number != UMAD_UNREGISTER_AGENT)
		return -EPIPE;
	if (!argument)
		return -EFAULT;
	if (number == UMAD_REGISTER_AGENT)
		return register_agent(file, argument);
	if (number == UMAD_REGISTER_AGENT2)
		return register_agent2(file, argument);

	return agent_unregister(file, host32(argument));
}
