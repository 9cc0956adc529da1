/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Virtual functions of an HCA port (SR-IOV), as whoever runs the host sees them, in the three
 * models. VFs have numbers from 1; 0 is the physical function. What a model does is in
 * virtual-switch.c, shared-port.c and vport.c.
 */

#include "tests/sim/fabric.h"
#include "tests/sim/shared-port.h"

enum sim_vf_model {
	SIM_VF_VIRTUAL_SWITCH, /* each is an HCA of its own, behind a switch */
	SIM_VF_SHARED_PORT,    /* ConnectX-2 and -3: alias GUIDs */
	SIM_VF_VPORT,          /* ConnectX-4 on; not run against ConnectX hardware */
};

/* The most that a port can have. */
enum {
	SIM_VFS_VIRTUAL_SWITCH = SIM_PORTS_MAX - 2, /* ports beside the uplink and the PF's */
	SIM_VFS_SHARED_PORT = 127,                  /* entries of GUIDInfo beside the PF's */
	SIM_VFS_VPORT = 256,
};

struct sim_vf_spec {
	uint64_t first_guid; /* of VF 1, and so on upwards; 0: made up from the port's */
	bool no_guid;        /* they have 0; of a shared port: the SM is to assign them */
	bool up;             /* started at once */
	bool lid_required;   /* vports: each asks for a LID of its own */
};

/*
 * The port gets VFs 1 to @count. -EINVAL: not an HCA port, or too many; -EBUSY: has some; -ENOMEM.
 */
int sim_vfs_add(struct sim_port *port, enum sim_vf_model model, unsigned count,
		const struct sim_vf_spec *spec);
unsigned sim_vfs_count(const struct sim_port *port);

/* What an administrator does. 0, or -ENOENT: there is no such VF. */
int sim_vf_start(struct sim_port *port, unsigned vf);
int sim_vf_stop(struct sim_port *port, unsigned vf);
int sim_vf_set_guid(struct sim_port *port, unsigned vf, uint64_t guid);

/*
 * A guest moves: VF @vf stops, and VF @to_vf at @to starts with its GUID, which VF @vf gets the
 * other's for. -EBUSY: that one runs already.
 */
int sim_vf_move(struct sim_port *port, unsigned vf, struct sim_port *to, unsigned to_vf);

/* Software in the guest: sim_attach() as this VF. Also as VF 0. */
int sim_vf_attach(struct sim_port *port, unsigned vf, struct sim_client *client);

enum { SIM_PKEY_INDEX_NONE = 0xffff };

/*
 * Shared ports: what the PF's sysfs does. Index @index of the VF's P_Key table is index @physical
 * of the port's, or none. -EINVAL: another model, or no such index.
 */
int sim_vf_set_pkey_index(struct sim_port *port, unsigned vf, unsigned index, unsigned physical);

struct sim_vf_info {
	enum sim_vf_model model;
	bool started;
	enum sim_state state; /* as the guest sees it */
	uint16_t lid;         /* its own or the one that it uses; 0: none */
	bool own_lid;
	uint64_t guid;
	uint64_t asked;     /* shared ports: what its driver is to ask for; 0: what the SM gives, */
	bool asks;          /* and whether the driver goes on asking until it has it */
	const char *reason; /* why it is not Active, NULL if it is */
};

int sim_vf_look(const struct sim_port *port, unsigned vf, struct sim_vf_info *ret);

/* ---- for the core ---------------------------------------------------------------------------- */

/* Ports whose packets may be for one of several. */
static inline bool sim_has_vfs(const struct sim_port *port)
{
	return port->shared || port->vports;
}

/* Does @p, whose LID may be none of @port's own, reach one of its VFs, and which (0: none of)? */
enum sim_drop sim_vf_takes(const struct sim_port *port, const struct sim_packet *p, unsigned *ret);

/* A vport's LID. */
bool sim_vf_has_lid(const struct sim_port *port, uint16_t lid);

/*
 * The port that VF *@vf is, or is at: behind a virtual switch a VF is a port of its own, and no
 * longer a VF (*@vf is 0 then).
 */
struct sim_port *sim_vf_port(struct sim_port *port, unsigned *vf);

/* Entry @index of the P_Key table as VF @vf has it, 0: as the port has it. 0 beyond its end. */
uint16_t sim_vf_pkey(const struct sim_port *port, unsigned vf, unsigned index);

/* The P_Keys of VF @vf of a port that has VFs of its own: it can send with, or takes @pkey. */
bool sim_vf_has_pkey(const struct sim_port *port, unsigned vf, uint16_t pkey);
bool sim_vf_pkey_fits(const struct sim_port *port, unsigned vf, uint16_t pkey);

/* The P_Key check of QP1 where a vport has a table of its own; false: refused, counted, told. */
bool sim_vf_takes_pkey(struct sim_port *port, const struct sim_packet *p);

/* sim_client_give() and sim_client_send() of ports with VFs; TID and LID are in it. */
bool sim_vf_give(struct sim_port *at, const struct sim_packet *p);
int sim_vf_send(struct sim_client *client, struct sim_packet *p);

/* To all that is at @port. */
void sim_vf_event(struct sim_port *port, enum sim_port_event event);

/* The state of @port has changed. */
void sim_vf_port_state(struct sim_port *port, enum sim_state before);

void sim_vfs_free(struct sim_port *port);

/* To fabric->on_vf. */
void sim_vf_tell(struct sim_port *port, unsigned vf, enum sim_port_event event);
