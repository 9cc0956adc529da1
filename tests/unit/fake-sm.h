/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A subnet manager that does nothing: sm/sm.h over a small made-up fabric, for tests of who looks
 *at it. Defines the functions of sm/ that ctl/ calls.
 *
 *	spine (LID 1)            1: leaf1/7   2: leaf2/7
 *	leaf1 (LID 2)            1: host1     2: host2
 *	leaf2 (LID 3)            1: host3/1   2: host4 (refuses its settings)  3: nobody answers
 *	host1 to host4           LIDs 4, 5, 6, 8; host3 has two ports, the second without link
 *	twin, twin               two nodes of one name, without link
 *
 * Node GUIDs are 0x...10, 20, 30 for switches, 0x...0100 to 0600 for the others, whose ports have
 * one and two more. host3's link is slow; host4 does not keep two of its settings. The table of
 *leaf1 has no way to LID 6.
 */

#include "sm/sm.h"

struct fake {
	struct sm *sm;
	struct sm_status *status; /* what sm_status() says: change it */
	struct conf *conf;        /* the same of sm_conf() */
	struct fabric *fabric;
	struct event_log *events;
	unsigned sweeps, full_sweeps; /* asked for */
	bool disk_waits;              /* for fake_keep(); else what is kept is on disk soon */

	/* The change that waits for fake_finish_change(); further ones are refused. */
	struct sm_partition_change change;
	uint64_t guids[8192]; /* of it */
	char name[PARTITION_NAME_SIZE];
	sm_partition_fn fn;
	void *user;
	int level;          /* what sm_path_level() says */
	uint64_t unapplied; /* a port GUID whose table is not as it should be; 0: all are */
};

/* It is on disk and in use, or refused with @error and @why. */
void fake_finish_change(struct fake *fake, int error, const char *why);

/* NULL without memory. */
struct fake *fake_new(struct loop *loop);
void fake_free(struct fake *fake);

/* @n more nodes, each of one port that is Active; GUIDs from 0x1000000 on. */
void fake_grow(struct fake *fake, unsigned n);

/*
 * Virtual functions. GUIDs of those of host1 are 0x12000N..., N the index:
 *	host1	vports: 1 has LID 20, called "vm1 HCA-1"; 2 uses the port's LID; 3 has no GUID; 4
 *has that of 1; 5 is not started; 6 refuses (twice); 7 uses the LID of 1 host2	shared: 1 has a
 *GUID, 2 waits for one guesthost  behind a virtual switch (0x700) at leaf1/3: PF 0x711 (LID 11), VF
 *1 (LID 12), and one without GUID, which is 2
 */
void fake_add_vfs(struct fake *fake);
#define FAKE_VF(index) (UINT64_C(0x1200000000000101) + ((uint64_t)(index) << 40))

/*
 * Multicast groups: the broadcast group of partitions.conf, LID 0xc000, with host1, host2 (by a
 * proxy), host3 and a GUID that is not there; and 0xc001 and 0xc002 of host1 alone.
 */
void fake_add_groups(struct fake *fake);

/* Three services and four subscriptions, of host1 to host3 and of one that is away. */
void fake_add_registrations(struct fake *fake);

/* The table of @node (by GUID): exit port for @lid. */
void fake_route(struct fake *fake, uint64_t node, unsigned lid, uint8_t port);

/* Those who wait for the disk are told. */
void fake_keep(struct fake *fake, int result);

/* Nobody answers any more, as it shows after some seconds. */
void fake_stand_still(struct fake *fake);
