/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Inside a shared port: shared-port.c has the VFs and what of them is on the wire, shared-guids.c
 * asks the SA for alias GUIDs, shared-groups.c joins multicast groups on the VFs' behalf.
 */

#include "tests/sim/vf.h"

enum {
	SHARED_GUIDS = 1 + SIM_VFS_SHARED_PORT, /* GUIDCap: the entry's number is the VF's */
	SHARED_BLOCKS = SHARED_GUIDS / SIM_GUID_BLOCK,
	SHARED_TID_PROXY = 0xff, /* top byte of the driver's own TIDs */
	SHARED_GROUPS_MAX = 4096,
	SHARED_PENDING_MAX = 4, /* joins and leaves of a VF that wait in a group */
};

#define SHARED_DELETE UINT64_MAX /* wanted: none */

enum shared_state {
	SHARED_DOWN,    /* the port is */
	SHARED_PENDING, /* waits for its GUID */
	SHARED_UP,
};

enum shared_news { SHARED_PORT_UP, SHARED_PORT_DOWN, SHARED_GUID_VALID, SHARED_GUID_INVALID };

struct shared_vf {
	bool started;
	bool declined; /* the SM refused its GUID the last time */
	enum shared_state state;
	uint64_t admin; /* 0: the SM assigns; SHARED_DELETE: none */
};

/* Eight entries of GUIDInfo as the driver wants them. */
struct shared_block {
	uint64_t wanted[SIM_GUID_BLOCK];
	uint8_t pending; /* bits: the table does not have it yet */
	bool idle;       /* to be asked for, at @due */
	uint64_t due;
	unsigned wait[SIM_GUID_BLOCK]; /* seconds, since it was declined */
};

struct shared_query {
	bool running;
	bool is_delete;
	uint8_t mask;
	unsigned block;
	unsigned tries_left;
	uint64_t tid;
	struct sim_packet packet;
	struct sim_client client; /* attached while it runs */
	struct loop_timer *timer;
};

struct sim_shared_port {
	struct sim_port *port;
	unsigned n_vfs;
	unsigned n_pkeys;
	uint16_t *pkey_index; /* of VF n at n * n_pkeys: the port's index, or SIM_PKEY_INDEX_NONE */

	bool asks; /* the port was Active once: the driver knows what to ask for */
	struct shared_block blocks[SHARED_BLOCKS];
	struct shared_query query;
	struct loop_timer *work;
	uint64_t seen[SHARED_GUIDS]; /* GUIDInfo, when the SM had last set it */
	uint64_t last_tid;

	struct list groups; /* struct group of shared-groups.c */
	unsigned n_groups;
	bool flushing; /* all groups are being left; no joins until then */
	uint64_t last_group_tid;

	struct shared_vf vfs[]; /* 0 to n_vfs; 0 is the PF, always up */
};

/* shared-port.c */
void shared_vf_news(struct sim_shared_port *shared, unsigned vf, enum shared_news news);
uint64_t shared_guid(const struct sim_port *port, unsigned index); /* as GUIDInfo has it */
uint16_t shared_pkey(const struct sim_port *port, unsigned index); /* as P_KeyTable has it */

/* A MAD of the PF to the SA at the SM's LID, but for what the SA is to do; false: there is no SM.
 */
bool shared_to_sa(const struct sim_shared_port *shared, struct sim_packet *ret);

/* shared-guids.c */
int shared_guids_new(struct sim_shared_port *shared);
void shared_guids_free(struct sim_shared_port *shared);
void shared_guids_start(struct sim_shared_port *shared, unsigned vf); /* or another GUID */
void shared_guids_stop(struct sim_shared_port *shared, unsigned vf);
void shared_guids_again(struct sim_shared_port *shared);  /* all are asked for anew */
void shared_guids_snoop(struct sim_shared_port *shared);  /* the SM has set GUIDInfo */
void shared_guids_forget(struct sim_shared_port *shared); /* power-up */

/* shared-groups.c; true: taken, goes no further */
bool shared_groups_request(struct sim_shared_port *shared, unsigned vf, const struct sim_packet *p);
bool shared_groups_answer(struct sim_shared_port *shared, const struct sim_packet *p);
void shared_groups_leave(struct sim_shared_port *shared, unsigned vf); /* the VF is gone */
void shared_groups_flush(struct sim_shared_port *shared);
void shared_groups_free(struct sim_shared_port *shared);
