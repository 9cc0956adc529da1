/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Virtual functions (SR-IOV) behind a physical port, as the device told them and holds them, and
 * what is planned for each. Two of the three models need it: shared ports, whose VFs are alias
 * GUIDs in the port's GUIDInfo table, and virtual ports, which have an index of their own in
 * everything. The third, the virtual switch, needs nothing: its VFs are adapters behind a switch,
 * and nodes like any.
 *
 * A VF is named by (port, index), index 0 being the physical function, and packed into one number
 * where one is needed. Its GUID, like that of a port, is in one map of the fabric: who has it is
 * found in one look-up, whatever it is. Numbers in host order.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sm/fabric.h"

/* Index 0 to VFS_MAX - 1. Devices have up to 256 VFs on a port, and a GUID table 255 entries. */
#define VFS_MAX    512u
#define VFS_BLOCKS (VFS_MAX / VPORT_STATE_BLOCK) /* of VPortState */

enum vf_model {
	VF_VSWITCH, /* an adapter behind a switch in the adapter */
	VF_SHARED,  /* an alias GUID: the LID, state and P_Key table are those of the port */
	VF_VPORT,   /* ConnectX-4 and later */
	VF_MODELS,
};

/* "vswitch", "shared", "vport" */
const char *vf_model_name(enum vf_model model);

/* Somebody with a GID: a port (index 0) or a VF of it. */
struct endpoint {
	uint32_t port; /* or NO_PORT */
	uint16_t index;
};

struct vf {
	uint64_t guid;    /* that the device holds: VPortInfo, or its entry of GUIDInfo; 0: none */
	uint64_t wanted;  /* shared: what the entry should be, see alias.c */
	uint64_t refused; /* shared: what it was last refused, of which the operator was told */
	uint64_t node_guid;       /* vports: VNodeInfo */
	uint64_t since;           /* loop_now() when the state or the reason last changed */
	struct pkey_table *pkeys; /* vports: the ledger of its own table; NULL: not known */
	struct fault set_fault;   /* Sets of VPortInfo, */
	struct fault table_fault; /* or of its P_Key table, are refused or not kept */
	uint32_t ways;            /* vports: the port whose ways its LID has; 0: not known */
	uint16_t lid;             /* vports: planned, its own; 0: it uses that of another */
	uint16_t partition_cap;   /* vports: 0 is not known */
	uint16_t status;          /* of the last Set that was refused */
	uint8_t had_blocks;       /* of its table that were known before it came up again */
	uint8_t state;            /* vports: enum port_state as last told */
	uint8_t reason;           /* enum reason: why it is not Active, or what else is wrong */
	uint8_t refusal;     /* shared: enum reason why; NONE: nothing since it was given one */
	uint8_t barred;      /* vports: enum reason: see vf-rules.c */
	uint8_t losses;      /* requests about it that were not answered, see vport_is_deaf(), */
	uint8_t lost;        /* the last of them, */
	uint32_t lost_at;    /* and when, in seconds of loop_now() */
	bool known : 1;      /* info is what the device holds */
	bool stale : 1;      /* VPortInfo is to be read */
	bool unnamed : 1;    /* VNodeInfo is to be read */
	bool naming : 1;     /* VNodeDescription is to be read */
	bool busy : 1;       /* a Set of VPortInfo, or a request for its table, is under way */
	bool twin : 1;       /* a late Set of VPortInfo or of its P_Keys may yet arrive */
	bool offered : 1;    /* its LID was given for an offer that it may not take, see vport.c */
	bool duplicate : 1;  /* its GUID is another's: it is told nothing */
	bool resettled : 1;  /* that has just become so, or has ended */
	bool told_gid : 1;   /* that its GID is in service, see gids.c */
	bool denied_lid : 1; /* it asks for a LID of its own, and rules give it none */
	uint8_t info[SMP_DATA_SIZE];         /* VPortInfo: VPORT_INFO_... */
	char description[SMP_DATA_SIZE + 1]; /* VNodeDescription, printable; empty: not known */
};

/* How a vport and a block share an attribute modifier: found out once for each port. */
enum vport_modifier {
	MODIFIER_UNKNOWN,    /* the vport above is to be tried, */
	MODIFIER_TRY_LOW,    /* or the other way round */
	MODIFIER_VPORT_HIGH, /* what is known, or assumed where it cannot be known */
	MODIFIER_VPORT_LOW,
};

/* The virtual functions of a port. */
struct vfs {
	uint8_t model; /* VF_SHARED or VF_VPORT */
	uint16_t n;    /* of vf: the highest index that was seen, and 1 */
	struct vf *vf;

	/* Shared ports */
	uint64_t guids_known; /* bit per block of GUIDInfo: guid of its entries is what it holds */
	uint64_t guids_fresh; /* bit per block: just read, and not decided on */
	uint64_t guids_bad;   /* bit per block: not written while guids_fault waits */
	struct fault guids_fault; /* Sets of GUIDInfo are refused or not kept */
	struct damping refusals;  /* that were told of */
	struct damping gids;      /* the same, of GIDs that came into service: see gids.c */

	/* Vports; first, that a block of VPortState is not told */
	struct fault states_fault[VFS_BLOCKS];
	uint8_t info[SMP_DATA_SIZE]; /* VirtualizationInfo as told: VIRT_INFO_... */
	struct fault info_fault;     /* it is refused, or says what cannot be */
	struct fault tell_fault;     /* reregister is refused */
	uint64_t looked;             /* reconcile (sm->sweeps) in which states were last read, */
	uint64_t told;               /* and in which info was; */
	uint8_t n_told;              /* how often it was told in that one */
	uint16_t blocks_wanted;      /* bit per block of VPortState that is to be read */
	uint8_t modifier;            /* enum vport_modifier */
	bool known : 1;              /* info was told */
	bool info_wanted : 1;        /* VirtualizationInfo is to be read */
	bool set_wanted : 1;         /* and is to be set */
	bool asking : 1;             /* one of these is under way */
	bool by_number : 1;          /* its modifier is the number of the port, not 0 */
	bool clears_by_get : 1;      /* VPortStateChange goes when read, not when 1 is written */
	bool was_changed : 1;        /* it was up when it was last read */
	bool info_twin : 1;          /* a late Set of info may yet arrive */
	bool no_own_lids : 1;        /* who does not ask for a LID of its own takes none */
	bool loses : 1;              /* shared: some entry, and its guest does not know */
	bool reregister : 1;         /* all vports are to be told to register again with the SA */
};

/* Of the block in which the state of vport @index is told. */
static inline const struct fault *vfs_states_fault(const struct vfs *vfs, unsigned index)
{
	return &vfs->states_fault[index / VPORT_STATE_BLOCK];
}

/* As a number has 32 bits, and UINT32_MAX is no VF. A fabric may have more ports than that. */
#define VFS_PORT_MAX (UINT32_MAX / VFS_MAX)

static inline uint32_t vf_number(uint32_t port, unsigned index)
{
	return port * VFS_MAX + index;
}

static inline struct endpoint vf_of_number(uint32_t number)
{
	return (struct endpoint){ number / VFS_MAX, (uint16_t)(number % VFS_MAX) };
}

/* NULL: the port has none of this index. */
struct vf *vf_at(const struct fabric *f, uint32_t port, unsigned index);

/* Of an endpoint that is known to be one. */
static inline struct vf *vf_of(const struct fabric *f, struct endpoint e)
{
	return &f->ports[e.port].vfs->vf[e.index];
}

/*
 * Room for indices 0 to @n - 1, new ones zero. 0, -ENOMEM, or -ENOSPC beyond VFS_MAX, or at a port
 * beyond VFS_PORT_MAX.
 */
int vfs_make(struct fabric *f, uint32_t port, enum vf_model model, unsigned n);
/* Its GUIDs are no longer in the map. */
void vfs_forget(struct fabric *f, uint32_t port);

/* What the device holds, or 0. vfs_settle_guids() or vf_settle_guid() is to follow. */
void vf_set_guid(struct fabric *f, struct endpoint e, uint64_t guid);

/* Does a vport say that it cannot do without a LID of its own? */
static inline bool vf_asks_for_lid(const struct vf *vf)
{
	return wire_get(vf->info, VPORT_INFO_LID_REQUIRED);
}

/* Of a vport: has it, or is it to have, a LID that is no other's? */
static inline bool vf_has_own_lid(const struct vf *vf)
{
	if (vf_asks_for_lid(vf))
		return true;

	return vf->lid != 0 && wire_get(vf->info, VPORT_INFO_LID) == vf->lid;
}

/* Do rules keep it from coming up? Who is Active already stays so. */
static inline bool vf_is_barred(const struct vf *vf)
{
	return vf->barred != REASON_NONE && vf->state != PORT_ACTIVE;
}

/* Is it there: an entry that has a GUID, a vport that somebody has started? */
bool vf_is_here(const struct fabric *f, struct endpoint e);

/*
 * See who has which GUID, after any of them may have changed: who had one keeps it as long as it is
 * there and not barred, and of others that show up with it, or with that of a port, duplicate is
 * set. 0 or -ENOMEM.
 */
int vfs_settle_guids(struct fabric *f);
/* The same of one VF alone, before that of others. */
int vf_settle_guid(struct fabric *f, struct endpoint e);

/*
 * Who has @guid: a port that is there, or a VF that is, as last settled. Port NO_PORT: nobody.
 */
struct endpoint endpoint_find(const struct fabric *f, uint64_t guid);

/* The vport, or else the port, that has @lid of its own; the index is 0 for LIDs of ports. */
struct endpoint endpoint_of_lid(const struct fabric *f, unsigned lid);

/* What it is known by, now; 0: none. A vport without a LID of its own has that which it uses. */
uint64_t endpoint_guid(const struct fabric *f, struct endpoint e);
uint16_t endpoint_lid(const struct fabric *f, struct endpoint e);

/*
 * Whose LID that is: the index of a vport, maybe its own, or 0 for the port. -1: vports refer to
 * each other in a circle, or to one that is not there.
 */
int endpoint_lid_owner(const struct fabric *f, struct endpoint e);

/*
 * Does it share its LID with others that are told apart by GID: are packets to it to have a GRH?
 * (Vports; the VFs of a shared port sort that out in the driver.)
 */
bool endpoint_needs_grh(const struct fabric *f, struct endpoint e);

/* Is it there, and may packets go to it: an Active port, and an Active vport? */
bool endpoint_is_active(const struct fabric *f, struct endpoint e);

/* The n-th VF of the fabric that has a GUID, is started, or was asked for; false past the last. */
struct vf_walk {
	uint32_t port;
	unsigned index;
};
bool vf_walk_next(const struct fabric *f, struct vf_walk *walk, struct endpoint *ret);

static inline struct endpoint endpoint_of_port(uint32_t port)
{
	return (struct endpoint){ port, 0 };
}

static inline bool endpoint_is(struct endpoint a, struct endpoint b)
{
	return a.port == b.port && a.index == b.index;
}
