/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What <iba/ib_types.h> does not know. For wire.def only.
 *
 * The attributes of virtual ports, 0xffb0 to 0xffb6, and the notices of those who have them. Never
 * run against ConnectX hardware.
 */

#include <stdint.h>

struct virtualization_info {
	uint16_t vport_cap;
	uint16_t vport_index_top;
	uint8_t flags;
	uint8_t reserved1;
	uint8_t virt_revision;
	uint8_t cap_mask;
	uint8_t reserved2[56];
};

struct vport_info {
	uint8_t state;
	uint8_t guid_cap;
	uint16_t cap_mask;
	uint16_t pkey_violations;
	uint16_t qkey_violations;
	uint16_t vport_lid;
	uint16_t lid_by_vport_index;
	uint8_t port_guid[8];
	uint8_t port_profile[8];
	uint8_t reserved[36];
};

struct vnode_info {
	uint16_t partition_cap;
	uint8_t local_port_num;
	uint8_t num_ports;
	uint8_t vnode_guid[8];
	uint8_t reserved[52];
};

/* A Notice whose producer is a vendor: 10 bytes before the details, the trap number at their end.
 */
struct vport_notice {
	uint8_t before[10];
	uint8_t resv;
	uint8_t resv2;
	uint16_t lid;
	uint8_t resv3;
	uint8_t local_changes;
	uint16_t cap_mask;
	uint16_t change_flags;
	uint16_t resv4;
	uint16_t vport_index;
	uint8_t resv5[38];
	uint16_t trap;
};

_Static_assert(sizeof(struct virtualization_info) == 64, "");
_Static_assert(sizeof(struct vport_info) == 64, "");
_Static_assert(sizeof(struct vnode_info) == 64, "");
_Static_assert(sizeof(struct vport_notice) == 64, "");

/* TraceRecord (IBA 15.2.5.19), as Intel's FastFabric tools read it. */
struct trace_record {
	uint8_t gid_prefix[8];
	uint8_t id_generation[2];
	uint8_t reserved1;
	uint8_t node_type;
	uint8_t node_id[8];
	uint8_t chassis_id[8];
	uint8_t entry_port_id[8];
	uint8_t exit_port_id[8];
	uint8_t entry_port;
	uint8_t exit_port;
	uint8_t reserved2[2];
};
