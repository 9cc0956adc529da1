/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What devices told us, and what they are known to hold: nodes, ports, links, tables. The fabric
 * and the ledger are one structure, because a PortInfo that a device answered is both.
 *
 * Nodes and ports are numbers into two flat arrays (they move when they grow: keep numbers, not
 * pointers, across anything that may add a node). The ports of a node stand together, number 0 to
 * n_ports: port 0 is a switch's management port and unused on others. Numbers in host order.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/guid-map.h"
#include "base/list.h"
#include "mad/request.h"
#include "mad/wire.h"
#include "sm/damping.h"
#include "sm/mft.h"
#include "sm/port-set.h"

#define NO_NODE   UINT32_MAX
#define NO_PORT   UINT32_MAX
#define NO_SWITCH UINT32_MAX

#define FABRIC_MAX_NODES 65536u
#define FABRIC_MAX_PKEYS 2048u /* of one port that are planned and looked at */

#define SHARP_DEVICE_ID 0xcf09 /* aggregation node in a Mellanox switch */

enum reason {
#define REASON(name, key, sentence, remedy) REASON_##name,
#include "sm/reason.def"
#undef REASON
	REASON_COUNT,
};

const char *reason_key(enum reason reason);
const char *reason_sentence(enum reason reason);
const char *reason_remedy(enum reason reason);

/* The P_Key table of a port as the device holds it; entries past what was read are not known. */
struct pkey_table {
	uint16_t n_known; /* a multiple of PKEY_BLOCK */
	bool rest_empty;  /* but that the device came up without any */
	uint16_t keys[];
};

/* Something that a device does not do as asked, see fault.c. */
struct fault {
	uint32_t again;   /* sweep from which it is tried again */
	uint8_t reason;   /* enum reason; NONE: no fault */
	uint8_t failures; /* in a row */
};

/* The vendor's ExtendedPortInfo of a port, see fdr10.c. */
struct fdr10 {
	bool known;        /* info is what the device holds */
	bool wanted;       /* to be read */
	bool asked;        /* a request for it is in flight */
	bool given_up;     /* it is left alone */
	uint8_t losses[2]; /* in a row, of Gets and of Sets */
	uint8_t told;      /* Sets that it acknowledged as done, and no Get has shown since */
	uint8_t info[SMP_DATA_SIZE];
};

/* First what every reconcile looks at of all ports: a cache line or two of each. */
struct port {
	uint32_t node;
	uint32_t peer; /* port at the far end, or NO_PORT */
	uint32_t home; /* the last peer, which it may have lost; or NO_PORT */
	uint16_t lid;  /* planned base LID; 0: none */
	uint8_t number;
	uint8_t reason;    /* enum reason: why it is not Active, or what else is wrong */
	uint64_t guid;     /* CA and router ports, and switch port 0; else 0, or not known yet */
	uint8_t barred;    /* of a VF: enum reason: see vf-rules.c */
	uint8_t lmc : 3;   /* planned */
	bool told_gid : 1; /* that it is in service, see gids.c */
	bool known : 1;    /* info is what the device holds */
	bool present : 1;  /* seen in the last sweep */
	bool probe_silent : 1;   /* the link is up and nobody answers behind it */
	bool sm : 1;             /* another SM lives there */
	bool stale : 1;          /* to be read again */
	bool busy : 1;           /* a PortInfo of it is in flight */
	bool relink : 1;         /* what is behind the link is to be asked again */
	bool fresh : 1;          /* Active since its far end was last asked, see discover.c */
	bool guids_read : 1;     /* its GUIDInfo was, or need not be; see alias.c */
	bool successor : 1;      /* another was at its cable before, and it has restarted */
	bool fdr10 : 1;          /* the link runs at FDR10, where PortInfo says QDR */
	bool register_again : 1; /* the driver is still to be told, see settings.c, */
	bool unsure : 1;         /* and may be what that was refused for: it is tried without */
	bool raised : 1; /* of a switch: what hangs there was armed, and it was not asked since */
	bool info_twin : 1;          /* a late Set of its PortInfo may yet arrive, see twin.c, */
	bool keys_twin : 1;          /* of its P_Key table, */
	bool fdr10_twin : 1;         /* or of the vendor's ExtendedPortInfo */
	uint8_t info[SMP_DATA_SIZE]; /* PortInfo: read it with wire_get(port->info, PORT_INFO_...)
				      */
	uint32_t checked;            /* walk in which the link was last found to be as it is */
	struct pkey_table *pkeys;    /* NULL: not known */
	struct vfs *vfs;             /* its virtual functions, see vf.h; NULL: none */
	uint64_t since;              /* loop_now() when the state or the reason last changed */
	uint64_t mkey;               /* of end ports: what to ask with, see mkey.c */
	uint64_t other_mkey;         /* or 0 */
	uint64_t far_mkey;           /* with which somebody behind it answered too late; or 0 */
	uint32_t fits;          /* walk after which nothing was to be set; 0: read or set since */
	uint16_t status;        /* of the last refused Set */
	uint8_t refusals;       /* Sets of PortInfo refused in a row */
	uint8_t times_held;     /* in quarantine, since it was last well for long: see held_until */
	uint64_t held_until;    /* in quarantine; 0: is not. See quarantine.c */
	struct damping flaps;   /* that its link fell */
	struct fault set_fault; /* they are refused again and again */
	struct fault table_fault; /* its P_Key table is refused, or not answered for */
	struct fault tell_fault;  /* that its clients register again is */
};

/* Why a switch is asked for its SwitchPortStateTable. */
enum port_states_why {
	PORT_STATES_SWEEP,   /* as by every sweep */
	PORT_STATES_TOLD,    /* a trap told of a change, which may have been looked at already */
	PORT_STATES_CHANGED, /* PortStateChange is set */
};

/* See port-states.c. */
struct port_states {
	uint8_t table[2 * SMP_DATA_SIZE]; /* as last read */
	uint32_t walk;                    /* in which all of it was; 0: none */
	uint8_t waits;                    /* for so many blocks */
	uint8_t failures;                 /* in a row: it was of no use */
	enum port_states_why why;         /* it was asked for last */
	bool proven;                      /* it was as the ports themselves say */
	bool given_up;                    /* it is left alone */
};

/* What only switches have. */
struct sw {
	uint8_t info[SMP_DATA_SIZE];  /* SwitchInfo as read or acknowledged */
	uint8_t *lft;                 /* ledger: as read or acknowledged, lft_size bytes */
	uint32_t lft_size;            /* a multiple of LFT_BLOCK */
	uint64_t lft_known[768 / 64]; /* bit per block: lft is what the device holds */
	uint64_t lft_bad[768 / 64];   /* bit per block: not written while lft_fault waits */
	uint64_t lft_twins[768 / 64]; /* bit per block: a late Set may yet arrive, see twin.c */
	struct fault lft_fault;       /* Sets of LFT blocks, */
	struct fault info_fault;      /* or of SwitchInfo, are refused or not answered */
	uint32_t index;               /* row in the current tables, or NO_SWITCH */
	bool info_twin;               /* a late Set of SwitchInfo may */
	bool cold;          /* its tables are not read: it came up without, or does not tell them */
	bool mft_empty;     /* it came up without multicast, but for what mft has */
	bool mft_top_fixed; /* MulticastFDBTop stays as it is */
	uint8_t mft_in_flight;  /* requests */
	struct mft *mft;        /* ledger of multicast, see mft.h; NULL: there is none yet */
	struct fault mft_fault; /* requests for it are refused or not answered */
	struct port_states states;
};

#define WORK_KINDS 24 /* of enum todo */

/* What is to be asked of a node now; sm/work.c's own business. */
struct node_work {
	uint32_t todo; /* bits of enum todo */
	struct cursor {
		uint16_t port;  /* next to be looked at */
		uint16_t block; /* next of its table */
	} cursor[WORK_KINDS];
	uint8_t in_flight; /* requests that the phase waits for */
	uint8_t losses;    /* requests lost in a row */
	uint8_t unheard;   /* the same, not counting those that every device answers */
	bool clearing;     /* PortStateChange; until that is answered no port is read */
	bool busy;         /* counted in sm->n_busy */
};

struct node {
	struct sma sma;
	uint64_t guid;
	uint64_t system_guid;
	uint64_t since;       /* loop_now() when it appeared, went or changed its reason */
	uint64_t twins_until; /* Sets may arrive late until then, see twin.c; 0: none */
	struct sw *sw;        /* switches; else NULL */
	struct list absent;   /* in the fabric's, while it is not there */
	uint32_t first_port;  /* ports[first_port + n] is port n */
	uint32_t seen;        /* walk in which it last answered */
	uint32_t via;         /* port that sma.route leads out of last; NO_PORT: it is our own */
	uint64_t included;    /* reconcile (sm->sweeps) that is about it, if it is a local one; */
	uint64_t rerouted;    /* or in which its forwarding table changes, if that is all */
	uint32_t entry;       /* number of the end port that sma.route leads to */
	uint32_t vendor_id;
	uint32_t revision;
	uint16_t device_id;
	uint16_t partition_cap;
	uint8_t type;            /* NODE_TYPE_* */
	uint8_t n_ports;         /* external ports */
	uint8_t room;            /* external ports that its numbers have room for */
	uint8_t reason;          /* enum reason; NONE if it takes part */
	uint8_t depth;           /* links from us */
	bool present : 1;        /* seen in the last sweep */
	bool extended : 1;       /* PortInfo is asked with MODIFIER_EXTENDED_SPEEDS */
	bool described : 1;      /* description is known */
	bool naming : 1;         /* and is being asked for */
	bool name_asked : 1;     /* it was, if without an answer */
	bool trusted : 1;        /* all was read: what did not change need not be read again */
	bool told : 1;           /* a switch, of a change that no sweep has looked for yet */
	bool unsaved : 1;        /* not_kept is newer than the store's */
	bool lanes_refused : 1;  /* it does not take its virtual lanes, see lanes.c */
	bool too_small : 1;      /* a switch whose forwarding table has no room for all LIDs */
	struct fault fault;      /* it does not tell what it is: left out */
	struct damping traps;    /* that came from it, see watch.c */
	struct fault mkey_fault; /* Sets of PortInfo are not answered: it is told nothing else */
	char description[SMP_DATA_SIZE + 1]; /* NodeDescription: printable, ends with 0 */
	struct node_work work;
	struct not_kept *not_kept; /* see not-kept.h; NULL: none */
	struct fdr10 *fdr10;       /* by port; NULL: nothing was to be read */
	struct lane_tables *lanes; /* see lanes.c; NULL: nothing is known of them */
};

struct fabric {
	struct node *nodes;
	uint32_t n_nodes; /* used or free */
	struct port *ports;
	uint32_t n_ports;
	uint32_t ports_room;
	struct port_set ends;         /* see fabric_next_end(), */
	struct port_set with_vfs;     /* and fabric_next_with_vfs() */
	struct guid_map by_node_guid; /* node numbers */
	struct guid_map by_port_guid; /* port numbers */
	struct guid_map by_vf_guid;   /* vf_number()s, see vf.h */
	struct list absent;           /* nodes that are known and not there, as they went */
	uint32_t n_vfs;               /* ports that have vfs, */
	uint32_t n_vport_ports;       /* and of these those whose VFs may have LIDs */
	uint32_t
		*by_lid; /* LID_UNICAST_LAST + 1 port numbers: who has (or is planned to have) it */
	uint32_t local_port; /* the port that we use, or NO_PORT */
	uint32_t sweep;      /* number of the current or last sweep, */
	uint32_t walk;       /* and of the current or last walk, which may be a look as well */
	uint32_t free_node;  /* unused, see fabric.c */
};

int fabric_init(struct fabric *f);
void fabric_done(struct fabric *f);

/* 0, -ENOMEM, or -ENOSPC beyond FABRIC_MAX_NODES. @n_ports external ports. */
int fabric_add_node(struct fabric *f, uint64_t guid, uint8_t type, uint8_t n_ports, uint32_t *ret);

/* A node is not there until it has come, and when it has gone. */
void fabric_node_came(struct node *node);
void fabric_node_went(struct fabric *f, struct node *node);

/* What is gone for good is forgotten here; its numbers may be used again. */
void fabric_forget_node(struct fabric *f, uint32_t node);

static inline struct node *node_of(const struct fabric *f, uint32_t port)
{
	return &f->nodes[f->ports[port].node];
}

/* Port @number of @node, which must have it. */
static inline uint32_t port_at(const struct node *node, unsigned number)
{
	return node->first_port + number;
}

/* The first end port, of nodes that are known, from number @port on; NO_PORT past the last. */
static inline uint32_t fabric_next_end(const struct fabric *f, uint32_t port)
{
	return port_set_next(&f->ends, port);
}

/* The same of those that have virtual functions. */
static inline uint32_t fabric_next_with_vfs(const struct fabric *f, uint32_t port)
{
	return port_set_next(&f->with_vfs, port);
}

uint32_t fabric_find_node(const struct fabric *f, uint64_t guid);
uint32_t fabric_find_port(const struct fabric *f, uint64_t guid);

/* The port that owns @lid, its LMC range included, or NO_PORT. */
uint32_t fabric_find_lid(const struct fabric *f, unsigned lid);

/* What was last at this port, if nothing else is there now, and was since; or NO_PORT. */
uint32_t fabric_last_at(const struct fabric *f, uint32_t port);

void fabric_connect(struct fabric *f, uint32_t a, uint32_t b);
void fabric_disconnect(struct fabric *f, uint32_t port);

static inline bool node_is_switch(const struct node *node)
{
	return node->sw != NULL;
}

/* May a port have a LID: CA and router ports, and switch port 0? */
static inline bool port_is_end(const struct fabric *f, uint32_t port)
{
	return node_is_switch(node_of(f, port)) == (f->ports[port].number == 0);
}

/* Is it in quarantine? */
static inline bool port_is_held(const struct port *port)
{
	return port->held_until != 0;
}

/* As last told by the device; PORT_DOWN if nothing is known. */
static inline enum port_state port_state(const struct port *port)
{
	uint64_t state = wire_get(port->info, PORT_INFO_STATE);

	return state >= PORT_DOWN && state <= PORT_ACTIVE ? (enum port_state)state : PORT_DOWN;
}

static inline unsigned port_phys_state(const struct port *port)
{
	return (unsigned)wire_get(port->info, PORT_INFO_PHYS_STATE);
}

/* Its LID as the device holds it now, 0 if none. */
uint16_t port_held_lid(const struct port *port);
/* The endport's, also for switch ports (then that of port 0). */
uint16_t port_lid(const struct fabric *f, uint32_t port);

/* Lanes in use, 0 if unknown; and the speed, "SDR" to "NDR", "" if unknown. */
unsigned port_width(const struct port *port);
const char *port_speed_name(const struct port *port);
/* IBA rate code of the link (IBA 15.2.5.16 Rate); 0 if none. */
unsigned port_rate(const struct port *port);

/* Do both ends support more width or speed than the link has? */
bool port_could_be_faster(const struct port *port, const struct port *far);

/* Copy what a device calls itself, made printable. */
void copy_description(char ret[static SMP_DATA_SIZE + 1],
		      const uint8_t bytes[static SMP_DATA_SIZE]);
void node_set_description(struct node *node, const uint8_t bytes[static SMP_DATA_SIZE]);

/* What the device holds; *table may be NULL. Returns 0 or -ENOMEM. */
int pkey_table_set_block(struct pkey_table **table, unsigned block,
			 const uint8_t bytes[static SMP_DATA_SIZE]);
