/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A handful of switches and channel adapters on virtual time, behind a transport: each has the
 * attributes that the subnet manager reads and writes, links with state, and faults of its own.
 * Everything that reaches an agent is written down. And a keeper that keeps in memory.
 *
 * Directed routes are walked along the cables, LIDs through the tables, there and back. GUIDs and
 * LIDs in host order, attributes as on the wire. Whatever cannot be had (memory, a cable where one
 * is) ends the test by abort().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "mad/transport.h"
#include "mad/wire.h"
#include "sm/keep.h"

#define FAKE_PORTS 8
#define FAKE_LIDS  1024 /* LinearFDBCap */
#define FAKE_KEYS  64   /* of each table */

struct fake_device;

struct fake_port {
	struct fake_device *far; /* NULL: no cable */
	uint8_t far_port;
	bool unplugged;
	uint64_t lease_ends; /* of the M_Key's protection; 0: nobody came with a wrong one */
	uint8_t info[SMP_DATA_SIZE];
	uint8_t mlnx_info[SMP_DATA_SIZE]; /* the vendor's; where FDR10 is not supported: none */
	uint16_t keys[FAKE_KEYS];
};

/* For so many requests of one kind, beginning with the @from-th (0: the next). */
struct fake_fault {
	uint8_t method;
	uint16_t attr;
	unsigned from;
	unsigned count;
	uint16_t status; /* refused with */
	bool undone;     /* lost is not the answer but the request */
	uint64_t late;   /* if not 0, that arrives all the same, so much later */
};

struct fake_device {
	const char *name;
	uint64_t guid;
	uint64_t port_guid; /* of port 1, or port 0 of a switch; the others' follow */
	uint32_t vendor_id;
	uint16_t device_id;
	uint8_t type;
	uint8_t n_ports;
	struct fake_port port[FAKE_PORTS + 1];
	uint8_t switch_info[SMP_DATA_SIZE];
	uint8_t lft[FAKE_LIDS];
	uint8_t sm_priority;
	uint8_t sm_state; /* enum sm_state, if the port's capabilities say IsSM */

	bool silent;
	bool trains_slowly;        /* a port told to go down is up again with fake_plug() alone */
	bool no_extended;          /* refuses MODIFIER_EXTENDED_SPEEDS */
	unsigned busy;             /* says so to so many requests */
	struct fake_fault refuses; /* and does nothing */
	struct fake_fault loses;   /* does it, and the answer is lost */
	enum wire_field forgets;   /* of PortInfo, if forgets_something */
	bool forgets_something;
	bool keeps_fdr10; /* as it is, whatever it acknowledges */
	void (*lies)(struct fake_device *device, struct datagram *answer);
};

/* What an agent got. */
struct fake_smp {
	struct fake_device *device;
	uint8_t in_port;
	uint8_t method;
	uint16_t attr;
	uint32_t modifier;
	uint16_t status; /* of the answer */
	bool by_lid;     /* and not by a directed route */
	uint64_t mkey;
	uint8_t data[SMP_DATA_SIZE]; /* as asked */
};

struct fake_fabric {
	struct transport transport; /* fn and user are yours */
	struct loop *loop;
	struct fake_device *device[64];
	unsigned n_devices;
	struct fake_device *self; /* the one with the subnet manager, on port self_port */
	uint8_t self_port;
	unsigned loss;    /* of 1000 requests, and of 1000 answers */
	uint64_t latency; /* of an answer */
	struct fake_smp *smps;
	size_t n_smps;
	size_t room;
	unsigned n_answers; /* that the subnet manager sent itself */
	struct datagram last_answer;
	struct address last_answer_to;
	/* If set: called with what an agent got, before it acts. */
	void (*see)(struct fake_fabric *f, const struct fake_smp *smp);
	void *user;
	struct fake_post *posts; /* under way */
};

struct fake_fabric *fake_fabric_new(struct loop *loop);
void fake_fabric_free(struct fake_fabric *f);

/* Adapters and switches as they come out of the box. @guid is the node's; ports get guid + 1 on. */
struct fake_device *fake_add(struct fake_fabric *f, const char *name, uint8_t type, uint64_t guid,
			     uint8_t n_ports);
/* A new cable, plugged in. */
void fake_link(struct fake_device *a, uint8_t a_port, struct fake_device *b, uint8_t b_port);
/* Pull the cable out at this end and put it back. Switches note it as PortStateChange. */
void fake_unplug(struct fake_device *device, uint8_t port);
void fake_plug(struct fake_device *device, uint8_t port);
/* Power off and on: it forgets what it was told, and its links train again. */
void fake_restart(struct fake_device *device);

/* Is there a cable, plugged in? */
bool fake_is_up(const struct fake_device *device, uint8_t port);
enum port_state fake_state(const struct fake_device *device, uint8_t port);
uint16_t fake_lid(const struct fake_device *device, uint8_t port);

/* Follow @lid from @device out of @port through the tables: who gets it, or NULL. */
const struct fake_device *fake_follow(const struct fake_device *device, uint8_t port, uint16_t lid,
				      uint8_t *ret_in_port);

/* From now on there is a subnet manager on port 1 of @device. */
void fake_add_sm(struct fake_device *device, enum sm_state state, uint8_t priority);

/* Let a datagram arrive at the subnet manager soon. */
void fake_deliver(struct fake_fabric *f, const struct arrival *arrival);
/* Trap @number about @port of this device, as it sends it: to be changed, and delivered. */
#define FAKE_TRAP_TID 0x77
struct arrival fake_make_trap(const struct fake_device *device, uint8_t port, unsigned number);
/* The same, from a switch and about it; delivered. */
void fake_trap(struct fake_fabric *f, const struct fake_device *device, unsigned number);

/* -- keeper ------------------------------------------------------------------------------------ */

#define FAKE_KEPT    1024
#define FAKE_WAITERS 16

struct fake_keeper {
	struct keeper keeper;
	struct loop *loop;
	struct kept_identity identities[FAKE_KEPT];
	struct kept_mkey mkeys[FAKE_KEPT];
	struct kept_quirks quirks[FAKE_KEPT]; /* with blobs of its own */
	struct kept_reservation reservations[FAKE_KEPT];
	struct kept_alias aliases[FAKE_KEPT];
	unsigned n_identities, n_mkeys, n_quirks, n_reservations, n_aliases;
	struct kept_mkey safe_mkeys[FAKE_KEPT];
	unsigned n_safe_mkeys;                 /* that the subnet manager knows to be on disk */
	struct kept_member members[FAKE_KEPT]; /* membership 0: it was taken out */
	unsigned n_members;
	char names[FAKE_KEPT][KEEP_PARTITION_NAME_MAX + 1]; /* by P_Key */
	unsigned n_writes;
	struct kept_registration registrations[FAKE_KEPT]; /* with blobs of its own */
	unsigned n_registrations;
	struct kept_move move; /* the last */
	bool is_full;          /* takes no reservation, and no move */
	bool no_lids;          /* takes no identity */
	uint64_t delay;        /* of the disk */
	int result;            /* 0, or what befalls those who wait and their changes */
	struct loop_timer *timer;
	struct fake_waiter {
		void (*fn)(void *user, int result);
		void *user;
	} waiters[FAKE_WAITERS];
	unsigned n_waiters;
	struct kept_member undo[FAKE_KEPT]; /* the members as the disk has them */
	unsigned n_undo;
};

void fake_keeper_init(struct fake_keeper *k, struct loop *loop);
void fake_keeper_done(struct fake_keeper *k);
/* The subnet manager is killed: of M_Keys only what it knows to be on disk is left. */
void fake_keeper_kill(struct fake_keeper *k);
/* Everything that was kept is lost. */
void fake_keeper_clear(struct fake_keeper *k);
