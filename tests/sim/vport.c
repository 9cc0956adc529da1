/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Virtual ports: one HCA port, and behind it a table of vports, each with a GUID, a P_Key table and
 * a state of its own, and a LID if it asks for one. Vport 0 is the physical function's. Nobody has
 * run this against ConnectX hardware: it is a reading of headers, and what these leave open is a
 * constant here or a switch in quirks.h.
 *
 * States. While virtualization is off (VirtualizationEnable, as at power-up) vport 0 is the port
 * and follows it, and all others are Down. On, a vport that somebody on the host has started is
 * Initialize once the port has a link, and the SM takes it to Armed and Active as it does a port;
 * when the link goes, they go. What changes without the SM raises VPortStateChange, which raises
 * trap 1146.
 *
 * Packets. A vport with a LID of its own has what comes there. One without is told by the DGID
 * among all that use that LID; without GRH it is the one that the LID belongs to. QP0 is the
 * physical port's alone. QP1 of a vport checks P_Keys by its own table, and that of vport 0 is the
 * port's.
 */

#include "tests/sim/vport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/forward.h"
#include "tests/sim/trap.h"

enum {
	TRAP_VPORT_CHANGE = 1144,
	TRAP_VPORT_STATE = 1146,
	TRAP_VPORT_PKEY = 1257,
	CHANGED_DESCRIPTION = 0x0001, /* ChangeFlags of 1144 */
	LOCAL_CHANGES = 0x01,         /* that ChangeFlags count */
	CAP_MASK_2_VALID = 1u << 15,  /* of PortInfo */
	CAP_2_VIRTUALIZATION = 1u << 2,
};

static const struct sim_quirks *quirks(const struct sim_vports *vports)
{
	return &vports->port->node->fabric->quirks;
}

struct sim_vport *sim_vport(const struct sim_port *port, unsigned index)
{
	struct sim_vports *vports = port->vports;

	return vports && index < vports->count ? &vports->vports[index] : NULL;
}

uint16_t sim_vport_lid(const struct sim_vports *vports, unsigned index)
{
	for (unsigned steps = 0; index < vports->count && steps < vports->count; steps++) {
		const struct sim_vport *vport = &vports->vports[index];

		if (!index)
			return sim_lid(vports->port);
		if (vport->lid_required)
			return vport->lid;
		index = vport->lid_index;
	}
	return 0;
}

/* ---- what is told ---------------------------------------------------------------------------- */

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A change that the SM did not make. */
static void note_change(struct sim_vports *vports)
{
	uint8_t details[54] = { 0 };
	bool news = !vports->changed || quirks(vports)->vport_traps_every_change;

	vports->changed = true;
	if (!news)
		return;
	put16(details + 2, sim_lid(vports->port));
	sim_trap_vendor(vports->port, TRAP_VPORT_STATE, details);
}

static void tell_properties(struct sim_vports *vports, unsigned index, unsigned flags)
{
	uint8_t details[54] = { 0 };

	put16(details + 2, sim_lid(vports->port));
	details[5] = flags ? LOCAL_CHANGES : 0;
	put16(details + 6, vports->vports[index].capabilities);
	put16(details + 8, flags);
	put16(details + 12, index);
	sim_trap_vendor(vports->port, TRAP_VPORT_CHANGE, details);
}

int sim_vport_set_description(struct sim_port *port, unsigned index, const char *text)
{
	struct sim_vport *vport = sim_vport(port, index);

	if (!vport)
		return -ENOENT;
	memset(vport->description, 0, sizeof(vport->description));
	memcpy(vport->description, text, strnlen(text, sizeof(vport->description)));
	tell_properties(port->vports, index, CHANGED_DESCRIPTION);
	return 0;
}

int sim_vport_set_capabilities(struct sim_port *port, unsigned index, uint16_t capabilities)
{
	struct sim_vport *vport = sim_vport(port, index);

	if (!vport)
		return -ENOENT;
	vport->capabilities = capabilities;
	tell_properties(port->vports, index, 0);
	return 0;
}

/* ---- states ---------------------------------------------------------------------------------- */

static void move(struct sim_vports *vports, unsigned index, enum sim_state state)
{
	struct sim_vport *vport = &vports->vports[index];
	enum sim_state before = vport->state;

	vport->state = state;
	if (before != SIM_ACTIVE && state == SIM_ACTIVE)
		sim_vf_tell(vports->port, index, SIM_EVENT_ACTIVE);
	else if (before == SIM_ACTIVE && state != SIM_ACTIVE)
		sim_vf_tell(vports->port, index, SIM_EVENT_DOWN);
}

/* What a vport comes to without the SM; those that the SM has taken further stay there. */
static enum sim_state natural(const struct sim_vports *vports, unsigned index)
{
	const struct sim_vport *vport = &vports->vports[index];
	enum sim_state of_port = sim_state(vports->port);

	if (!index && !vports->enabled)
		return of_port;
	if (!vports->enabled || !vport->started || of_port == SIM_DOWN)
		return SIM_DOWN;
	return vport->state == SIM_DOWN ? SIM_INIT : vport->state;
}

static void settle(struct sim_vports *vports)
{
	bool changed = false;

	for (unsigned i = 0; i < vports->count; i++) {
		enum sim_state state = natural(vports, i);

		if (state == vports->vports[i].state)
			continue;
		move(vports, i, state);
		/* Vport 0 of a port without virtualization is no news beside the port's. */
		changed |= i || vports->enabled;
	}
	if (changed)
		note_change(vports);
}

void sim_vport_enable(struct sim_vports *vports, bool enable)
{
	if (vports->enabled == enable)
		return;
	vports->enabled = enable;
	if (enable)
		vports->vports[0].state = SIM_DOWN; /* it begins anew, on its own */
	settle(vports);
}

static enum sim_status restart(struct sim_vports *vports, unsigned index)
{
	if (quirks(vports)->vport_refuses_down)
		return SIM_BAD_FIELD;
	move(vports, index, SIM_DOWN);
	move(vports, index, natural(vports, index));
	if (quirks(vports)->vport_change_by_set)
		note_change(vports);
	return SIM_OK;
}

static bool may_become(const struct sim_vports *vports, enum sim_state before, unsigned state)
{
	const struct sim_quirks *q = quirks(vports);

	if (q->vport_needs_active_port && sim_state(vports->port) != SIM_ACTIVE)
		return false;
	if (state == SIM_ARMED)
		return before == SIM_INIT;
	return before == SIM_ARMED || (before == SIM_INIT && q->vport_skips_armed);
}

/*
 * As for ports: no change twice, Active to Armed ignored, what may not be is 0x1C.
 */
enum sim_status sim_vport_set_state(struct sim_vports *vports, unsigned index, unsigned state)
{
	enum sim_state before = vports->vports[index].state;

	if (!state || (!index && !vports->enabled))
		return SIM_OK;
	if (state == SIM_DOWN)
		return restart(vports, index);
	if (state != SIM_ARMED && state != SIM_ACTIVE)
		return SIM_BAD_FIELD;
	if (before == state || before == SIM_ACTIVE)
		return SIM_OK;
	if (!may_become(vports, before, state))
		return SIM_BAD_FIELD;
	move(vports, index, state);
	if (quirks(vports)->vport_change_by_set)
		note_change(vports);
	return SIM_OK;
}

static void forget(struct sim_vports *vports)
{
	vports->enabled = quirks(vports)->vports_start_enabled;
	vports->changed = false;
	for (unsigned i = 0; i < vports->count; i++) {
		struct sim_vport *vport = &vports->vports[i];

		free(TAKE(vport->pkeys));
		free(TAKE(vport->guids));
		vport->state = SIM_DOWN;
		vport->lid = 0;
		vport->pkey_violations = 0;
		vport->qkey_violations = 0;
	}
}

void sim_vport_event(struct sim_port *port, enum sim_port_event event)
{
	if (event == SIM_EVENT_POWER)
		forget(port->vports);
	settle(port->vports);
}

void sim_vports_start(struct sim_port *port, unsigned vf, bool start)
{
	port->vports->vports[vf].started = start;
	settle(port->vports);
}

/* A running one starts anew with it. */
void sim_vports_set_guid(struct sim_port *port, unsigned vf, uint64_t guid)
{
	struct sim_vport *vport = &port->vports->vports[vf];
	bool started = vport->started;

	sim_vports_start(port, vf, false);
	vport->guid = guid;
	vport->node_guid = guid;
	if (vport->guids)
		vport->guids[0] = htobe64(guid);
	sim_vports_start(port, vf, started);
}

/* ---- packets --------------------------------------------------------------------------------- */

static bool has_guid(const struct sim_vport *vport, uint64_t guid)
{
	if (vport->guid == guid)
		return true;
	for (unsigned i = 1; vport->guids && i < SIM_VPORT_GUIDS; i++)
		if (be64toh(vport->guids[i]) == guid)
			return true;
	return false;
}

static bool port_has_guid(const struct sim_port *port, uint64_t guid)
{
	if (guid == port->guid || guid == SIM_SA_GUID)
		return true;
	for (unsigned i = 1; port->guids && i < port->info.guid_cap; i++)
		if (be64toh(port->guids[i]) == guid)
			return true;
	return false;
}

static bool uses_lid(const struct sim_port *port, unsigned index, uint16_t lid)
{
	uint16_t own = sim_vport_lid(port->vports, index);

	return own && (own == lid || (own == sim_lid(port) && sim_has_lid(port, lid)));
}

/* The vport with the DGID, among those that the LID leads to; of two the one that is up. */
static enum sim_drop find_by_gid(const struct sim_port *port, const struct sim_packet *p,
				 unsigned *ret)
{
	const struct sim_vports *vports = port->vports;
	uint64_t guid = sim_dgid_guid(p);

	*ret = 0;
	if (!guid)
		return SIM_DROP_GRH;
	if (port_has_guid(port, guid) && sim_has_lid(port, p->dlid))
		return SIM_PASSED;
	for (unsigned i = 1; i < vports->count; i++)
		if (has_guid(&vports->vports[i], guid) && uses_lid(port, i, p->dlid) &&
		    (!*ret || vports->vports[*ret].state < SIM_ARMED))
			*ret = i;
	return *ret ? SIM_PASSED : SIM_DROP_GRH;
}

/* One that is Down is not there: what comes for its LID, which may be another's now, is not for it.
 */
static bool owns(const struct sim_vport *vport, uint16_t lid)
{
	return vport->lid_required && vport->lid && vport->lid == lid && vport->state > SIM_DOWN;
}

/*
 * One that was stopped and starts with another GUID has its LID still, until the SM gives it one;
 * the guest that had the LID may run beside it, as another vport.
 */
static unsigned find_owner(const struct sim_vports *vports, uint16_t lid)
{
	unsigned owner = 0;

	for (unsigned i = 1; i < vports->count; i++)
		if (owns(&vports->vports[i], lid) &&
		    (!owner || vports->vports[owner].state < SIM_ARMED))
			owner = i;
	return owner;
}

static enum sim_drop find_by_lid(const struct sim_port *port, const struct sim_packet *p,
				 unsigned *ret)
{
	*ret = 0;
	if (sim_has_lid(port, p->dlid) || p->dlid == SIM_LID_PERMISSIVE)
		return SIM_PASSED;
	*ret = find_owner(port->vports, p->dlid);
	return *ret ? SIM_PASSED : SIM_DROP_NOT_FOR_US;
}

static enum sim_drop find(const struct sim_port *port, const struct sim_packet *p, unsigned *ret)
{
	enum sim_drop why;

	if (p->dlid >= SIM_LID_MULTICAST && p->dlid != SIM_LID_PERMISSIVE) {
		*ret = 0;
		return SIM_PASSED;
	}
	why = find_by_lid(port, p, ret);
	if (why != SIM_PASSED || !p->has_grh || sim_is_smp(p))
		return why;
	return find_by_gid(port, p, ret);
}

enum sim_drop sim_vports_take(const struct sim_port *port, const struct sim_packet *p,
			      unsigned *ret)
{
	const struct sim_vports *vports = port->vports;
	enum sim_drop why = find(port, p, ret);

	if (why != SIM_PASSED)
		return why;
	if (sim_is_smp(p)) {
		if (*ret && !quirks(vports)->vport_lid_takes_smps)
			return SIM_DROP_NOT_FOR_US;
		*ret = 0;
		return SIM_PASSED;
	}
	/*
	 * To a group all of the port belong, whoever of them joined. Without virtualization vport 0
	 * is the port, which sim_may_enter() has asked.
	 */
	if (p->dlid >= SIM_LID_MULTICAST)
		return SIM_PASSED;
	if ((*ret || vports->enabled) && vports->vports[*ret].state < SIM_ARMED)
		return SIM_DROP_NOT_ACTIVE;
	return SIM_PASSED;
}

/* What goes to the LID of one that is not up may be for a guest who has left: it goes out. */
bool sim_vports_have_lid(const struct sim_port *port, uint16_t lid)
{
	const struct sim_vports *vports = port->vports;

	unsigned owner = find_owner(vports, lid);

	return owner && vports->vports[owner].state >= SIM_ARMED;
}

uint16_t sim_vports_pkey(const struct sim_port *port, unsigned vf, unsigned index)
{
	const ib_net16_t *table = vf ? port->vports->vports[vf].pkeys : port->pkeys;

	if (table)
		return be16toh(table[index]);
	return index ? 0 : 0xffff; /* as at power-up */
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static void tell_pkey(struct sim_port *port, unsigned index, const struct sim_packet *p)
{
	uint8_t details[54] = { 0 };

	put16(details + 2, p->slid);
	put16(details + 4, p->dlid);
	put32(details + 6, p->pkey);
	put32(details + 10, (uint32_t)p->sl << 28 | (p->sqpn & 0xffffff));
	put32(details + 14, p->dqpn & 0xffffff);
	memcpy(details + 18, p->sgid, sizeof(p->sgid));
	memcpy(details + 34, p->dgid, sizeof(p->dgid));
	put16(details + 50, index);
	sim_trap_vendor(port, TRAP_VPORT_PKEY, details);
}

bool sim_vports_take_pkey(struct sim_port *port, const struct sim_packet *p)
{
	struct sim_vport *vport;
	unsigned index;

	if (find(port, p, &index) != SIM_PASSED || sim_vf_pkey_fits(port, index, p->pkey))
		return true;
	vport = &port->vports->vports[index];
	if (vport->pkey_violations != 0xffff)
		vport->pkey_violations++;
	sim_lose(port, p, SIM_DROP_PKEY);
	if (index) {
		tell_pkey(port, index, p);
		return false;
	}
	port->info.p_key_violations = htobe16(vport->pkey_violations);
	sim_trap_pkey(port, p);
	return false;
}

static void set_sgid(const struct sim_port *port, const struct sim_vport *vport,
		     struct sim_packet *p)
{
	ib_net64_t guid = htobe64(vport->guid);

	memcpy(p->sgid, &port->info.subnet_prefix, sizeof(guid));
	memcpy(p->sgid + sizeof(guid), &guid, sizeof(guid));
}

static int send_as(struct sim_port *port, unsigned index, struct sim_packet *p)
{
	uint16_t lid = sim_vport_lid(port->vports, index);

	if (sim_is_smp(p)) {
		sim_lose(port, p, SIM_DROP_NOBODY);
		return 0;
	}
	if (!sim_vf_has_pkey(port, index, p->pkey))
		return -EINVAL;
	if (!uses_lid(port, index, p->slid))
		p->slid = lid;
	if (p->has_grh)
		set_sgid(port, &port->vports->vports[index], p);
	return 1;
}

int sim_vports_send(struct sim_client *client, struct sim_packet *p)
{
	struct sim_port *port = client->port;
	const struct sim_vport *vport = sim_vport(port, client->vf);
	int r = 1;

	if (!vport)
		return -EINVAL;
	if (client->vf)
		r = send_as(port, client->vf, p);
	else
		sim_client_address(client, p);
	if (r <= 0)
		return r;
	if (!sim_is_smp(p) && (client->vf || port->vports->enabled) && vport->state != SIM_ACTIVE)
		sim_lose(port, p, SIM_DROP_NOT_ACTIVE);
	else
		sim_send(port, p);
	return 0;
}

/* ---- making and looking ---------------------------------------------------------------------- */

static void make_vport(struct sim_port *port, unsigned index, const struct sim_vf_spec *spec)
{
	struct sim_vport *vport = &port->vports->vports[index];

	vport->state = SIM_DOWN;
	vport->started = !index || spec->up;
	vport->lid_required = index && spec->lid_required;
	vport->capabilities = SIM_VPORT_CAP_CM | SIM_VPORT_CAP_VENDOR;
	if (index)
		vport->guid = spec->no_guid ? 0 : spec->first_guid + index - 1;
	else
		vport->guid = port->guid;
	vport->node_guid = index ? vport->guid : be64toh(port->node->info.node_guid);
	snprintf(vport->description, sizeof(vport->description), "%.40s vport %u", port->node->name,
		 index);
}

int sim_vports_add(struct sim_port *port, unsigned count, const struct sim_vf_spec *spec)
{
	struct sim_vports *vports;

	if (count > SIM_VFS_VPORT)
		return -EINVAL;
	vports = calloc(1, sizeof(*vports) + (count + 1) * sizeof(vports->vports[0]));
	if (!vports)
		return -ENOMEM;
	vports->port = port;
	vports->enabled = port->node->fabric->quirks.vports_start_enabled;
	vports->revision = SIM_VPORT_REVISION;
	vports->cap = (uint16_t)(count + 1);
	vports->top = (uint16_t)count;
	vports->count = count + 1;
	port->vports = vports;
	for (unsigned i = 0; i <= count; i++)
		make_vport(port, i, spec);
	port->info.capability_mask |= htobe32(CAP_MASK_2_VALID);
	port->info.capability_mask2 |= htobe16(CAP_2_VIRTUALIZATION);
	settle(vports);
	return 0;
}

static const char *why_not(const struct sim_port *port, unsigned vf)
{
	const struct sim_vport *vport = &port->vports->vports[vf];

	if (vport->state == SIM_ACTIVE && sim_state(port) == SIM_ACTIVE)
		return NULL;
	if (!vport->started)
		return "nobody has started it";
	if (sim_state(port) == SIM_DOWN)
		return "the link of its port is down";
	if (!port->vports->enabled)
		return "no SM has enabled virtualization";
	if (vport->lid_required && !vport->lid)
		return "no SM has given it a LID";
	return vport->state == SIM_ACTIVE ? "its port is not Active" : "no SM has made it Active";
}

void sim_vports_look(const struct sim_port *port, unsigned vf, struct sim_vf_info *ret)
{
	const struct sim_vport *vport = &port->vports->vports[vf];

	ret->started = vport->started;
	ret->state = vport->state;
	ret->lid = sim_vport_lid(port->vports, vf);
	ret->own_lid = vport->lid_required;
	ret->guid = vport->guid;
	ret->reason = why_not(port, vf);
}

void sim_vports_free(struct sim_port *port)
{
	struct sim_vports *vports = port->vports;

	for (unsigned i = 0; i < vports->count; i++) {
		free(vports->vports[i].pkeys);
		free(vports->vports[i].guids);
	}
	free(vports);
	port->vports = NULL;
}
