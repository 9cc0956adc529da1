/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Virtual ports of ConnectX-4 and later. Not run against ConnectX hardware.
 *
 * A device that lies about itself is made by writing into these structs.
 */

#include "tests/sim/vf.h"

enum {
	SIM_VPORTS_MAX = 1 + SIM_VFS_VPORT, /* 0 is the physical function's */
	SIM_VPORT_GUIDS = 16,               /* entries of VPortGUIDInfo */
	SIM_VPORT_STATES = 128,             /* in a block of VPortState */
	SIM_VPORT_REVISION = 1,             /* values in the field are not known */
};

/* VPortInfo.CapabilityMask, IsSM of which no vport can be. */
enum { SIM_VPORT_CAP_CM = 0x0001, SIM_VPORT_CAP_VENDOR = 0x0008 };

struct sim_vport {
	bool started; /* by whoever runs the host */
	bool lid_required;
	enum sim_state state;
	uint16_t lid;       /* its own, of the SM */
	uint16_t lid_index; /* the vport whose LID it uses if it needs none of its own */
	uint16_t capabilities;
	uint16_t pkey_violations;
	uint16_t qkey_violations;
	uint64_t guid;
	uint64_t node_guid;
	uint64_t profile;
	ib_net16_t *pkeys; /* as many as the port has; NULL: as at power-up */
	ib_net64_t *guids; /* SIM_VPORT_GUIDS; NULL: none but its own */
	char description[64];
};

struct sim_vports {
	struct sim_port *port;
	bool enabled;
	bool changed; /* VPortStateChange */
	uint8_t revision;
	uint8_t capabilities;
	uint16_t cap;   /* of VirtualizationInfo: how many there can be, */
	uint16_t top;   /* and the highest that there is */
	unsigned count; /* that are here, with 0 */
	struct sim_vport vports[];
};

/* Something happened to a @port whose ->vports is set. */
void sim_vport_event(struct sim_port *port, enum sim_port_event event);

/* NULL: there is none of this number. */
struct sim_vport *sim_vport(const struct sim_port *port, unsigned index);

/* Its own LID or the one that it uses; 0: none. Ends where vports refer to each other in a circle.
 */
uint16_t sim_vport_lid(const struct sim_vports *vports, unsigned index);

/* As VirtualizationInfo and VPortInfo set them, sma-vport.c. */
void sim_vport_enable(struct sim_vports *vports, bool enable);
enum sim_status sim_vport_set_state(struct sim_vports *vports, unsigned index, unsigned state);

/* What firmware or the guest changes, with trap 1144. 0 or -ENOENT. */
int sim_vport_set_description(struct sim_port *port, unsigned index, const char *text);
int sim_vport_set_capabilities(struct sim_port *port, unsigned index, uint16_t capabilities);

/* ---- for vf.c -------------------------------------------------------------------------------- */

int sim_vports_add(struct sim_port *port, unsigned count, const struct sim_vf_spec *spec);
void sim_vports_start(struct sim_port *port, unsigned vf, bool start);
void sim_vports_set_guid(struct sim_port *port, unsigned vf, uint64_t guid);
void sim_vports_look(const struct sim_port *port, unsigned vf, struct sim_vf_info *ret);
enum sim_drop sim_vports_take(const struct sim_port *port, const struct sim_packet *p,
			      unsigned *ret);
bool sim_vports_have_lid(const struct sim_port *port, uint16_t lid);
uint16_t sim_vports_pkey(const struct sim_port *port, unsigned vf, unsigned index);
bool sim_vports_take_pkey(struct sim_port *port, const struct sim_packet *p);
int sim_vports_send(struct sim_client *client, struct sim_packet *p);
void sim_vports_free(struct sim_port *port);
