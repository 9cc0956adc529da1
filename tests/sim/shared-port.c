/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The shared port of ConnectX-2 and -3: the fabric sees one HCA with one port, and VFs are entries
 * of its GUIDInfo. The entry's number is the VF's; 0 is the PF's. All that VFs do with the subnet
 * goes through the PF's driver, mlx4 of Linux, which this is:
 *
 *	QP0	is the PF's. What a VF sends there nobody ever sees.
 *	QP1	of SA, CM, and Get and Set of device management, is sent by the PF from its LID. The
 *		top byte of the TID becomes the VF's number, and 0 again in the answer. A GRH gets
 *		the VF's GID, and what comes in with the VF's GID is the VF's. All else is dropped.
 *	P_Keys	are the port's; the VF sees those that the PF has put into its table, by index.
 *	joins	are the PF's: shared-groups.c.
 *	GUIDs	are asked for by the driver: shared-guids.c. A VF's port is Down until the VF has
 *		its GUID, and is Active from then on: what is between is never seen.
 *
 * What the VF's number is in the TID is 0xff in the driver's own multicast requests. Connection
 * identifiers of CM, which the driver rewrites too, are left alone: who needs them finds the VF by
 * the GRH.
 */

#include "tests/sim/shared-port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/forward.h"
#include "tests/sim/shared-inside.h"

enum {
	CLASS_SA = 0x03,
	CLASS_DEVICE = 0x06,
	CLASS_CM = 0x07,
	METHOD_GET_TABLE = 0x12,
	METHOD_GET_TRACE = 0x13,
	METHOD_GET_MULTI = 0x14,
	METHOD_DELETE = 0x15,
	TID_SHIFT = 56,
};

uint64_t shared_guid(const struct sim_port *port, unsigned index)
{
	if (!index)
		return port->guid;
	return port->guids && index < port->info.guid_cap ? be64toh(port->guids[index]) : 0;
}

uint16_t shared_pkey(const struct sim_port *port, unsigned index)
{
	if (index >= sim_pkey_cap(port))
		return 0;
	if (!port->pkeys)
		return index ? 0 : 0xffff;
	return be16toh(port->pkeys[index]);
}

bool shared_to_sa(const struct sim_shared_port *shared, struct sim_packet *ret)
{
	const ib_port_info_t *info = &shared->port->info;

	*ret = (struct sim_packet){
		.slid = sim_lid(shared->port),
		.dlid = be16toh(info->master_sm_base_lid),
		.sqpn = 1,
		.dqpn = 1,
		.qkey = SIM_QKEY_MAD,
		.pkey = shared_pkey(shared->port, 0),
		.sl = info->mtu_smsl & 0x0f,
		.length = SIM_MAD_SIZE,
		.client = SIM_CLIENT_NONE,
	};
	ret->mad.base_ver = 1;
	ret->mad.mgmt_class = CLASS_SA;
	ret->mad.class_ver = 2;
	return ret->dlid && ret->dlid < SIM_LID_MULTICAST;
}

/* ---- VFs ------------------------------------------------------------------------------------- */

static void become(struct sim_shared_port *shared, unsigned vf, enum shared_state state)
{
	struct shared_vf *v = &shared->vfs[vf];
	enum shared_state before = v->state;

	v->state = state;
	if (state == SHARED_UP)
		sim_vf_tell(shared->port, vf, SIM_EVENT_ACTIVE);
	else if (before == SHARED_UP)
		sim_vf_tell(shared->port, vf, SIM_EVENT_DOWN);
}

void shared_vf_news(struct sim_shared_port *shared, unsigned vf, enum shared_news news)
{
	struct shared_vf *v = &shared->vfs[vf];

	if (!v->started || !vf)
		return;
	if (news == SHARED_PORT_UP && v->state == SHARED_DOWN)
		become(shared, vf, SHARED_PENDING);
	else if (news == SHARED_PORT_DOWN && v->state != SHARED_DOWN)
		become(shared, vf, SHARED_DOWN);
	else if (news == SHARED_GUID_VALID && v->state == SHARED_PENDING)
		become(shared, vf, SHARED_UP);
	else if (news == SHARED_GUID_INVALID && v->state == SHARED_UP)
		become(shared, vf, SHARED_PENDING);
}

static void tell_vfs(struct sim_shared_port *shared, enum sim_port_event event)
{
	for (unsigned vf = 1; vf <= shared->n_vfs; vf++)
		if (shared->vfs[vf].started)
			sim_vf_tell(shared->port, vf, event);
}

static void port_news(struct sim_shared_port *shared, enum shared_news news)
{
	for (unsigned vf = 1; vf <= shared->n_vfs; vf++)
		shared_vf_news(shared, vf, news);
}

static void power_up(struct sim_shared_port *shared)
{
	port_news(shared, SHARED_PORT_DOWN);
	shared_groups_free(shared);
	shared_guids_forget(shared);
}

void sim_shared_port_event(struct sim_port *port, enum sim_port_event event)
{
	struct sim_shared_port *shared = port->shared;

	switch (event) {
	case SIM_EVENT_REREGISTER:
		shared_guids_again(shared);
		shared_groups_flush(shared);
		tell_vfs(shared, event);
		break;
	case SIM_EVENT_ACTIVE:
		port_news(shared, SHARED_PORT_UP);
		shared_guids_again(shared);
		break;
	case SIM_EVENT_DOWN:
		port_news(shared, SHARED_PORT_DOWN);
		break;
	case SIM_EVENT_GUIDS:
		shared_guids_snoop(shared);
		break;
	case SIM_EVENT_POWER:
		power_up(shared);
		break;
	case SIM_EVENT_LID:
	case SIM_EVENT_SM:
	case SIM_EVENT_PKEYS:
		tell_vfs(shared, event);
		break;
	case SIM_EVENT_INIT:
		break;
	}
}

void sim_shared_port_start(struct sim_port *port, unsigned vf, bool start)
{
	struct sim_shared_port *shared = port->shared;
	struct shared_vf *v = &shared->vfs[vf];

	if (v->started == start)
		return;
	if (!start) {
		shared_groups_leave(shared, vf);
		shared_guids_stop(shared, vf);
		shared_vf_news(shared, vf, SHARED_PORT_DOWN);
		v->started = false;
		return;
	}
	v->started = true;
	if (sim_state(port) == SIM_ACTIVE)
		shared_vf_news(shared, vf, SHARED_PORT_UP);
	shared_guids_start(shared, vf);
}

void sim_shared_port_set_guid(struct sim_port *port, unsigned vf, uint64_t guid)
{
	port->shared->vfs[vf].admin = guid;
	if (port->shared->vfs[vf].started)
		shared_guids_start(port->shared, vf);
}

/* ---- P_Keys ---------------------------------------------------------------------------------- */

uint16_t sim_shared_port_pkey(const struct sim_port *port, unsigned vf, unsigned index)
{
	const struct sim_shared_port *shared = port->shared;

	return shared_pkey(port, vf ? shared->pkey_index[vf * shared->n_pkeys + index] : index);
}

int sim_shared_port_set_pkey_index(struct sim_port *port, unsigned vf, unsigned index,
				   unsigned physical)
{
	struct sim_shared_port *shared = port->shared;

	if (!vf || index >= shared->n_pkeys ||
	    (physical >= shared->n_pkeys && physical != SIM_PKEY_INDEX_NONE))
		return -EINVAL;
	/* None is the last index, where no SM is expected to have anything. */
	if (physical == SIM_PKEY_INDEX_NONE)
		physical = shared->n_pkeys - 1;
	shared->pkey_index[vf * shared->n_pkeys + index] = (uint16_t)physical;
	sim_vf_tell(port, vf, SIM_EVENT_PKEYS);
	return 0;
}

/* ---- in -------------------------------------------------------------------------------------- */

/* The entry of GUIDInfo that a DGID is, of the PF or a VF. */
static bool find_guid(const struct sim_shared_port *shared, uint64_t guid, unsigned *ret)
{
	*ret = 0;
	if (guid == shared->port->guid || guid == SIM_SA_GUID)
		return true;
	for (unsigned vf = 1; guid && vf <= shared->n_vfs; vf++)
		if (shared_guid(shared->port, vf) == guid) {
			*ret = vf;
			return true;
		}
	return false;
}

static bool is_up(const struct sim_shared_port *shared, unsigned vf)
{
	return !vf || (vf <= shared->n_vfs && shared->vfs[vf].state == SHARED_UP);
}

enum sim_drop sim_shared_port_takes(const struct sim_port *port, const struct sim_packet *p,
				    unsigned *ret)
{
	*ret = 0;
	if (p->dlid >= SIM_LID_MULTICAST && p->dlid != SIM_LID_PERMISSIVE)
		return SIM_PASSED;
	if (!sim_has_lid(port, p->dlid))
		return SIM_DROP_NOT_FOR_US;
	if (sim_is_smp(p) || !p->has_grh)
		return SIM_PASSED;
	if (!find_guid(port->shared, sim_dgid_guid(p), ret))
		return SIM_DROP_GRH;
	return is_up(port->shared, *ret) ? SIM_PASSED : SIM_DROP_NOT_ACTIVE;
}

static bool may_come_in(const struct sim_packet *p)
{
	switch (p->mad.mgmt_class) {
	case CLASS_SA:
	case CLASS_CM:
		return true;
	case CLASS_DEVICE:
		return p->mad.method == SIM_GET_RESP;
	default:
		return false;
	}
}

static bool vf_gets(struct sim_shared_port *shared, unsigned vf, const struct sim_packet *p)
{
	struct sim_port *port = shared->port;
	enum sim_drop why = SIM_PASSED;

	if (vf > shared->n_vfs || !shared->vfs[vf].started || !may_come_in(p))
		why = SIM_DROP_NOBODY;
	else if (!is_up(shared, vf))
		why = SIM_DROP_NOT_ACTIVE;
	else if (!sim_vf_pkey_fits(port, vf, p->pkey))
		why = SIM_DROP_PKEY;
	if (why == SIM_PASSED)
		return sim_client_give_vf(port, vf, p);
	sim_lose(port, p, why);
	return true;
}

/* An answer is whose number is in its TID; with a GRH all is whose GID that has. */
bool sim_shared_port_give(struct sim_port *at, const struct sim_packet *packet)
{
	struct sim_shared_port *shared = at->shared;
	struct sim_packet p = *packet;
	uint64_t tid = be64toh(p.mad.trans_id);
	unsigned vf = 0;

	if (sim_is_smp(&p))
		return sim_client_give_vf(at, 0, &p);
	if (p.mad.method & 0x80) {
		vf = (unsigned)(tid >> TID_SHIFT);
		if (vf == SHARED_TID_PROXY)
			return shared_groups_answer(shared, &p);
		p.mad.trans_id = htobe64(tid & ~(UINT64_C(0xff) << TID_SHIFT));
	}
	if (p.has_grh && !find_guid(shared, sim_dgid_guid(&p), &vf)) {
		sim_lose(at, &p, SIM_DROP_GRH);
		return true;
	}
	return vf ? vf_gets(shared, vf, &p) : sim_client_give_vf(at, 0, &p);
}

/* ---- out ------------------------------------------------------------------------------------- */

static bool may_go_out(const struct sim_packet *p)
{
	switch (p->mad.mgmt_class) {
	case CLASS_SA:
	case CLASS_CM:
		return true;
	case CLASS_DEVICE:
		return p->mad.method == SIM_GET || p->mad.method == SIM_SET;
	default:
		return false;
	}
}

static bool has_tid_rewritten(const struct sim_packet *p)
{
	switch (p->mad.method) {
	case SIM_GET:
	case SIM_SET:
	case SIM_REPORT:
	case METHOD_GET_TABLE:
	case METHOD_GET_TRACE:
	case METHOD_GET_MULTI:
	case METHOD_DELETE:
		return true;
	default:
		return false;
	}
}

static void set_source(const struct sim_shared_port *shared, unsigned vf, struct sim_packet *p)
{
	const struct sim_port *port = shared->port;
	ib_net64_t guid = htobe64(shared_guid(port, vf));

	if (!sim_has_lid(port, p->slid))
		p->slid = sim_lid(port);
	if (!p->has_grh)
		return;
	memcpy(p->sgid, &port->info.subnet_prefix, sizeof(guid));
	memcpy(p->sgid + sizeof(guid), &guid, sizeof(guid));
}

static int vf_sends(struct sim_shared_port *shared, unsigned vf, struct sim_packet *p)
{
	if (vf > shared->n_vfs || !shared->vfs[vf].started)
		return -EINVAL;
	if (sim_is_smp(p) || !may_go_out(p)) {
		sim_lose(shared->port, p, SIM_DROP_NOBODY);
		return 0;
	}
	if (!is_up(shared, vf)) {
		sim_lose(shared->port, p, SIM_DROP_NOT_ACTIVE);
		return 0;
	}
	if (!sim_vf_has_pkey(shared->port, vf, p->pkey))
		return -EINVAL;
	if (shared_groups_request(shared, vf, p))
		return 0;
	if (has_tid_rewritten(p))
		p->mad.trans_id |= htobe64((uint64_t)vf << TID_SHIFT);
	set_source(shared, vf, p);
	sim_send(shared->port, p);
	return 0;
}

int sim_shared_port_send(struct sim_client *client, struct sim_packet *p)
{
	struct sim_shared_port *shared = client->port->shared;

	if (client->vf)
		return vf_sends(shared, client->vf, p);
	if (!sim_is_smp(p) && shared_groups_request(shared, 0, p))
		return 0;
	sim_client_address(client, p);
	sim_send(client->port, p);
	return 0;
}

/* ---- making and looking ---------------------------------------------------------------------- */

/* Index 0 is the port's, the rest is unassigned until somebody does. */
static void make_vf(struct sim_shared_port *shared, unsigned vf, const struct sim_vf_spec *spec)
{
	struct shared_vf *v = &shared->vfs[vf];
	uint16_t *index = shared->pkey_index + (size_t)vf * shared->n_pkeys;

	for (unsigned i = 1; i < shared->n_pkeys; i++)
		index[i] = (uint16_t)(shared->n_pkeys - 1);
	v->started = !vf || spec->up;
	v->state = vf ? SHARED_DOWN : SHARED_UP;
	v->admin = spec->no_guid ? 0 : spec->first_guid + vf - 1;
}

/* A table of more GUIDs than before. */
static int widen(struct sim_port *port)
{
	ib_net64_t *guids;

	if (port->guids) {
		guids = calloc(SHARED_GUIDS, sizeof(guids[0]));
		if (!guids)
			return -ENOMEM;
		memcpy(guids, port->guids,
		       MIN(port->info.guid_cap, (unsigned)SHARED_GUIDS) * sizeof(guids[0]));
		free(port->guids);
		port->guids = guids;
	}
	port->info.guid_cap = SHARED_GUIDS;
	return 0;
}

static int make(struct sim_shared_port *shared, const struct sim_vf_spec *spec)
{
	int r;

	shared->pkey_index = calloc((size_t)(shared->n_vfs + 1) * shared->n_pkeys,
				    sizeof(shared->pkey_index[0]));
	if (!shared->pkey_index)
		return -ENOMEM;
	r = shared_guids_new(shared);
	if (r < 0)
		return r;
	for (unsigned vf = 0; vf <= shared->n_vfs; vf++)
		make_vf(shared, vf, spec);
	return widen(shared->port);
}

int sim_shared_port_add(struct sim_port *port, unsigned count, const struct sim_vf_spec *spec)
{
	struct sim_shared_port *shared;
	int r;

	if (count > SIM_VFS_SHARED_PORT)
		return -EINVAL;
	shared = calloc(1, sizeof(*shared) + (count + 1) * sizeof(shared->vfs[0]));
	if (!shared)
		return -ENOMEM;
	shared->port = port;
	shared->n_vfs = count;
	shared->n_pkeys = sim_pkey_cap(port);
	list_init(&shared->groups);
	port->shared = shared;
	r = make(shared, spec);
	if (r < 0)
		sim_shared_port_free(port);
	else if (sim_state(port) == SIM_ACTIVE)
		sim_shared_port_event(port, SIM_EVENT_ACTIVE);
	return r;
}

unsigned sim_shared_port_count(const struct sim_port *port)
{
	return port->shared->n_vfs;
}

static const char *why_not(const struct sim_port *port, const struct shared_vf *v)
{
	if (v->state == SHARED_UP)
		return NULL;
	if (!v->started)
		return "nobody has started it";
	if (v->state == SHARED_DOWN)
		return "its port is not Active";
	if (v->declined)
		return "the SM has declined its GUID";
	return sim_lid(port) && port->info.master_sm_base_lid
		       ? "its GUID is not in GUIDInfo"
		       : "there is no SM to ask for its GUID";
}

void sim_shared_port_look(const struct sim_port *port, unsigned vf, struct sim_vf_info *ret)
{
	const struct shared_vf *v = &port->shared->vfs[vf];
	uint64_t guid = shared_guid(port, vf);

	ret->started = v->started;
	ret->state = v->state == SHARED_UP ? SIM_ACTIVE : SIM_DOWN;
	ret->lid = sim_lid(port);
	ret->own_lid = false;
	ret->guid = guid ? guid : v->admin;
	ret->asked = v->admin;
	ret->asks = port->shared->blocks[vf / SIM_GUID_BLOCK].pending >> vf % SIM_GUID_BLOCK & 1;
	ret->reason = why_not(port, v);
}

void sim_shared_port_free(struct sim_port *port)
{
	struct sim_shared_port *shared = port->shared;

	shared_groups_free(shared);
	shared_guids_free(shared);
	free(shared->pkey_index);
	free(shared);
	port->shared = NULL;
}
