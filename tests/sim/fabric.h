/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The simulated fabric: nodes, ports, cables, and who sits at a port and talks. What devices hold
 * is kept as they would put it on the wire (struct ib_port_info and so on, big-endian), so that
 * answering is copying; GUIDs that the simulator itself looks up are in host order beside it.
 *
 * Who does what: link.c trains links and moves port states, forward.c carries packets hop by hop,
 * sma*.c and pma.c are the agents that every device has, trap.c what devices say unasked, faults.c
 * what goes wrong, vf.c and its models virtual functions, probe.c what a user would feel.
 *
 * Ownership: the fabric owns everything; nodes stay until it is freed (a node that is off is dark,
 * not gone), so that pointers to nodes and ports last. One thread.
 */

#include <endian.h>
#include <iba/ib_types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/xoshiro.h"
#include "tests/sim/packet.h"
#include "tests/sim/quirks.h"

struct sim_fabric;
struct sim_node;
struct sim_port;

enum sim_type { SIM_CA = 1, SIM_SWITCH = 2, SIM_ROUTER = 3 }; /* IBA 14.2.5.3 */

/* IBA 14.2.5.6 */
enum sim_state { SIM_DOWN = 1, SIM_INIT = 2, SIM_ARMED = 3, SIM_ACTIVE = 4 };
enum sim_phys {
	SIM_SLEEP = 1,
	SIM_POLLING = 2,
	SIM_DISABLED = 3,
	SIM_TRAINING = 4,
	SIM_LINK_UP = 5
};

enum {
	SIM_PORTS_MAX = 254,
	SIM_LFT_BLOCK = 64,
	SIM_LFT_NONE = 255,
	SIM_PKEY_BLOCK = 32,
	SIM_MFT_BLOCK = 32,
	SIM_GUID_BLOCK = 8,
	SIM_CLIENTS_MAX = 256,
	SIM_CLIENT_NONE = SIM_CLIENTS_MAX,
};

/* Counters of the PMA (IBA 16.1.3.5), 64 bits wide; what is read is cut to the field. */
struct sim_counters {
	uint64_t xmit_data; /* words of 4 bytes */
	uint64_t rcv_data;
	uint64_t xmit_pkts;
	uint64_t rcv_pkts;
	uint64_t unicast_xmit;
	uint64_t unicast_rcv;
	uint64_t multicast_xmit;
	uint64_t multicast_rcv;
	uint32_t symbol_errors;
	uint32_t link_recovers;
	uint32_t link_downed;
	uint32_t rcv_errors;
	uint32_t rcv_remote_errors;
	uint32_t switch_relay_errors;
	uint32_t xmit_discards;
	uint32_t xmit_constraint_errors;
	uint32_t rcv_constraint_errors;
	uint32_t link_integrity_errors;
	uint32_t overrun_errors;
	uint32_t qp1_dropped;
	uint32_t vl15_dropped;
	uint32_t xmit_wait;
};

/* ExtendedPortInfo of Mellanox: bit 0 is FDR10, which PortInfo shows as QDR. All 0: has it not. */
struct sim_fdr10 {
	uint8_t supported;
	uint8_t enabled;
	uint8_t active;
	uint8_t state_change;
};

struct sim_port {
	struct sim_node *node;
	struct sim_port *far; /* at the other end of the cable; NULL: none plugged in */
	uint64_t guid;        /* of an end port; 0 on external switch ports */
	uint8_t number;
	uint32_t cast;               /* struct sim_packet.cast that last came in */
	bool cut;                    /* the cable is pulled, or broken: true at both ends */
	ib_port_info_t info;         /* LocalPortNum and M_Key are filled in when it is read */
	struct loop_timer *training; /* NULL: never took time */
	struct loop_timer *bounce;   /* told by its SM, and to come; NULL: never took time */
	bool told;                   /* by its own SM, link.c */
	struct sim_fdr10 fdr10;

	/* Tables, wire form; NULL: as at power-up (sma-tables.c). */
	ib_net16_t *pkeys;    /* sim_pkey_cap() of them */
	ib_net64_t *guids;    /* GUIDCap of them; entry 0 is the port GUID */
	uint8_t (*sl2vl)[8];  /* of switch ports by input port, 0 to n_ports; else one row */
	uint8_t (*vlarb)[64]; /* four: low 0-31, low 32-63, high 0-31, high 32-63 */

	struct sim_counters counters;
	struct sim_lease *lease;        /* of the M_Key, mkey.c; NULL: never violated */
	struct sim_trapper *trapper;    /* what it has to say, trap.c; NULL: nothing so far */
	struct sim_link_faults *faults; /* of what leaves here, faults.c; NULL: none */
	struct sim_vports *vports;      /* vport.c; NULL: has none */
	struct sim_shared_port *shared; /* shared-port.c; NULL: is none */
	struct sim_virtual_switch *virtual_switch; /* virtual-switch.c; NULL: has none */
	struct list clients; /* struct sim_client.at_port; next NULL: none ever */
};

struct sim_switch {
	ib_switch_info_t info;
	uint8_t *lft;       /* of lft_size bytes; beyond: SIM_LFT_NONE */
	uint32_t lft_size;  /* a multiple of 64 */
	uint64_t (*mft)[4]; /* by MLID - 0xc000: a bit for each port; NULL: empty */
	uint32_t mft_size;
};

struct sim_node {
	struct sim_fabric *fabric;
	uint32_t index; /* in fabric->nodes */
	enum sim_type type;
	uint8_t n_ports;
	bool off; /* no power: its own switch, or that of what it is a part of */
	bool switched_off;
	struct sim_node *part_of; /* an HCA that this is inside of, virtual-switch.c; NULL: none */
	bool led;                 /* LedInfo: it is lit */
	char name[64];            /* "H-0002c90300000001": node identifier of a net file */
	ib_node_info_t info;
	ib_node_desc_t desc;
	struct sim_switch *sw;          /* NULL: no switch */
	struct sim_node_faults *faults; /* faults.c; NULL: an honest and quick device */
	struct sim_port ports[];        /* 0 to n_ports; 0 only on switches in use */
};

/* Why a packet came to nothing. */
enum sim_drop {
	SIM_PASSED,
	SIM_DROP_LINK_DOWN,  /* no cable, no power, or the link is not up */
	SIM_DROP_NOT_ACTIVE, /* data, and a port is not Active */
	SIM_DROP_NO_ROUTE,   /* LFT 255, above the top, a port that the switch has not, DLID 0 */
	SIM_DROP_LOOPING,    /* would leave where it came in */
	SIM_DROP_HOPS,       /* more hops than any fabric has: the tables have a loop */
	SIM_DROP_DIRECTED_ROUTE, /* against the rules of IBA 14.2.2 */
	SIM_DROP_NOT_FOR_US,     /* an end port has another LID */
	SIM_DROP_PKEY_IN,        /* enforcement of a switch port */
	SIM_DROP_PKEY_OUT,
	SIM_DROP_PKEY, /* of an end port */
	SIM_DROP_QKEY, /* of QP1 */
	SIM_DROP_MTU,
	SIM_DROP_VL,        /* SLtoVL says 15, or a lane that is not operational */
	SIM_DROP_GRH,       /* no such GID there, or a GRH is missing, or no hops left */
	SIM_DROP_MALFORMED, /* version, length, QP and class do not fit */
	SIM_DROP_MKEY,      /* refused, IBA 14.2.4 */
	SIM_DROP_NOBODY,    /* no agent for it */
	SIM_DROP_LOST,      /* by a fault of the link */
	SIM_DROP_SILENT,    /* by a fault of the device */
	SIM_DROP_VL15_FULL, /* VL15 buffer overflowed */
	SIM_DROP_N,
};

/* "the link is down" */
const char *sim_drop_text(enum sim_drop drop);

/*
 * Somebody at a port who sends and receives MADs: the umad side. Answers come back by the TID,
 * whose upper 16 bits are @id in every request that it sends (as ibsim does; the kernel's are
 * machine-wide numbers too). Requests go to who registered for class, version and method, or, for
 * clients that cannot register (stock umad2sim), to all-takers.
 */
struct sim_client {
	struct list at_port;
	struct sim_port *port;
	uint32_t id;    /* from 1, below SIM_CLIENTS_MAX, unique on the fabric */
	uint16_t vf;    /* 0: the port itself; else attached as this VF of it */
	bool is_sm;     /* holds IsSM */
	bool takes_all; /* requests of all kinds, if it is_sm or the QP is @qpn */
	uint32_t qpn;
	void (*receive)(void *user, const struct sim_packet *packet);
	/* A packet of its own came to nothing; may be NULL. */
	void (*dropped)(void *user, const struct sim_packet *packet, enum sim_drop why);
	void *user;
	struct list agents; /* struct sim_agent */
};

struct sim_agent {
	struct list of_client;
	uint8_t mgmt_class; /* 0x81 counts as 0x01 in its own table */
	uint8_t version;
	uint8_t qpn;         /* 0 or 1 */
	uint32_t oui;        /* vendor classes 0x30 to 0x4f; else 0 */
	uint64_t methods[2]; /* bit n: method n */
};

struct sim_fabric {
	struct loop *loop;
	struct xoshiro random;
	struct sim_node **nodes;
	uint32_t n_nodes;
	uint32_t n_reserved;
	struct sim_client *clients[SIM_CLIENTS_MAX];
	struct sim_quirks quirks;

	/* What is on its way at this very moment, forward.c. */
	struct sim_flight *first;
	struct sim_flight *last;
	struct sim_flight *spare;
	struct list held; /* packets that a fault delays, or an agent works on */
	bool running;

	uint64_t train_time; /* ns from Polling to LinkUp; 0: at once */
	uint64_t n_packets;  /* that were sent */
	uint32_t n_casts;    /* multicasts that switches have passed on */
	uint64_t drops[SIM_DROP_N];
	/* For tests and logs: called for every packet that came to nothing. */
	void (*on_drop)(void *user, const struct sim_port *at, const struct sim_packet *packet,
			enum sim_drop why);
	void *on_drop_user;
	/* And for every change of a port's state. */
	void (*on_state)(void *user, struct sim_port *port, enum sim_state before);
	void *on_state_user;
	/* And whenever its SM asks the clients of an end port to register again. */
	void (*on_reregister)(void *user, struct sim_port *port);
	void *on_reregister_user;
	/* And for what a guest with a VF is told; enum sim_port_event of shared-port.h. */
	void (*on_vf)(void *user, struct sim_port *port, unsigned vf, unsigned event);
	void *on_vf_user;
	/* And before and after every write that changes where a switch sends unicast packets. */
	void (*on_routes)(void *user, struct sim_node *node, bool before);
	void (*on_multicast)(void *user, struct sim_node *node, bool before); /* the same */
	void *on_routes_user;
};

/* ---- making ---------------------------------------------------------------------------------- */

struct sim_node_spec {
	enum sim_type type;
	unsigned n_ports;        /* external ones, 1 to SIM_PORTS_MAX */
	uint64_t guid;           /* 0: made up from the index */
	uint64_t system_guid;    /* 0: as @guid */
	uint64_t port_guid;      /* 0: switches as @guid, others guid + port number */
	const char *name;        /* NULL: "S-", "H-" or "R-" and the GUID */
	const char *description; /* NULL: as @name */
	uint32_t vendor;         /* 0: as ibsim's */
	uint16_t device;
	bool base_port0;        /* of a switch; else enhanced */
	uint16_t lft_cap;       /* 0: 49152 */
	uint16_t mft_cap;       /* 0: 1024 */
	uint16_t partition_cap; /* of end ports; 0: 64 */
	uint16_t enforce_cap;   /* of external switch ports; 0: 64 */
	uint8_t guid_cap;       /* of end ports that are no switch's; 0: 32, as ibsim's */
	uint8_t mtu_cap;        /* enum 1 to 5; 0: 5, 4096 */
	uint8_t vl_cap;         /* enum 1 to 5; 0: 4, eight data lanes */
	bool no_sl_mapping;     /* no SLtoVL table */
	bool optimised_slvl;    /* of a switch: SLtoVL for all ports at once */
	bool mcast_top;         /* of a switch: MulticastFDBTop */
	bool fdr10;             /* ExtendedPortInfo of Mellanox */
};

/* -errno or 0. The loop outlives the fabric. Same seed, same calls: same fabric. */
int sim_fabric_new(struct loop *loop, uint64_t seed, struct sim_fabric **ret);
void sim_fabric_free(struct sim_fabric *fabric); /* takes NULL; clients must be detached before */

int sim_node_new(struct sim_fabric *fabric, const struct sim_node_spec *spec,
		 struct sim_node **ret);

/* It has a SwitchPortStateTable from now on, if it is a switch. */
void sim_give_port_states(struct sim_node *node);
bool sim_has_port_states(const struct sim_node *node);

/* Another GUID than the made-up one; both change what NodeInfo and GUIDInfo say. */
void sim_set_port_guid(struct sim_port *port, uint64_t guid);

/* A new cable: 0, or -EBUSY if either port has one. Links train at once (or after train_time). */
int sim_cable(struct sim_port *a, struct sim_port *b);

/* Pull the cable of @port out at both ends, which remember each other; and put it back. */
void sim_cable_pull(struct sim_port *port);
void sim_cable_plug(struct sim_port *port);

/*
 * Power off and on: all that is not in NVRAM is as at power-up again. What is a part of the node
 * goes and comes with it, unless it is switched off itself.
 */
void sim_power(struct sim_node *node, bool on);

/* ---- looking --------------------------------------------------------------------------------- */

static inline struct sim_port *sim_port(struct sim_node *node, unsigned number)
{
	return number <= node->n_ports ? &node->ports[number] : NULL;
}

/* The port whose LID, M_Key and GUIDs count for @port: port 0 of a switch, else itself. */
static inline struct sim_port *sim_end_port(struct sim_port *port)
{
	return port->node->type == SIM_SWITCH ? &port->node->ports[0] : port;
}

static inline bool sim_is_end_port(const struct sim_port *port)
{
	return port->number == 0 || port->node->type != SIM_SWITCH;
}

static inline enum sim_state sim_state(const struct sim_port *port)
{
	return port->info.state_info1 & 0x0f;
}

static inline enum sim_phys sim_phys(const struct sim_port *port)
{
	return port->info.state_info2 >> 4;
}

/* VL15 passes: both ends are LinkUp. Port 0 of a switch always is. */
static inline bool sim_link_is_up(const struct sim_port *port)
{
	return sim_phys(port) == SIM_LINK_UP;
}

static inline uint16_t sim_lid(const struct sim_port *port)
{
	return be16toh(port->info.base_lid);
}

static inline uint8_t sim_lmc(const struct sim_port *port)
{
	return port->info.mkey_lmc & 0x07;
}

/* One of the 2^LMC LIDs of an end port. */
static inline bool sim_has_lid(const struct sim_port *port, uint16_t lid)
{
	uint16_t base = sim_lid(port);

	return base && base < SIM_LID_MULTICAST && (uint16_t)(lid - base) >> sim_lmc(port) == 0;
}

static inline uint8_t sim_mtu(const struct sim_port *port) /* enum, IBA 14.2.5.6 */
{
	return port->info.mtu_smsl >> 4;
}

/* P_Keys that the table of @port holds: PartitionCap, or PartitionEnforcementCap (may be 0). */
unsigned sim_pkey_cap(const struct sim_port *port);

/* By GUID, name or description; NULL if nobody has it. Walks all nodes. */
struct sim_node *sim_find(const struct sim_fabric *fabric, const char *name);

/* ---- what is at a port ----------------------------------------------------------------------- */

/* 0; -EBUSY: no identifier is free. @client is the caller's, until sim_detach(). */
int sim_attach(struct sim_port *port, struct sim_client *client);
void sim_detach(struct sim_client *client);

/* The caller owns @agent; it is in no list. -EBUSY: a method is taken at this port already. */
int sim_register(struct sim_client *client, struct sim_agent *agent);
void sim_unregister(struct sim_agent *agent);

/* CapabilityMask.IsSM, with the trap that goes with it. */
void sim_set_is_sm(struct sim_client *client, bool is_sm);
