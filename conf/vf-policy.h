/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What virtual functions may be and get: the list virtual_functions of vsm.conf. An entry names
 * physical ports and says which GUIDs the VFs behind each may have, how many there may be, whether
 * they get LIDs of their own, and in which partition they start. The first entry that names a port
 * decides.
 *
 * Plain data like all of struct conf, of fixed size: copied by assignment, owned by nobody. What
 * was looked up is valid as long as the struct conf that it is in.
 *
 * Nothing here knows what a vport, an alias GUID or a virtual switch is: this is what is lawful
 * behind a port. Who is who is said elsewhere, by others, and at other times:
 *
 *	who		GUID, LID or none, places, name		sm/reservations.h, vsmctl vf add
 *	what it joins	P_Keys by GUID				partitions.conf
 *	where it is	port and index				the fabric
 *	what is lawful	ranges, number, LID, partition		here
 *
 * An orchestrator reserves a GUID and its LID long before the device exists that will have them;
 * its partitions may be edited while it is away; a rule is written once for many ports. So what was
 * reserved for a GUID wins over what a rule says of LIDs, but not over its ranges: a GUID that is
 * out of range at a port is a stranger there, however well known elsewhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VF_POLICIES_MAX   128   /* entries of the list */
#define VF_PORTS_MAX      16    /* GUIDs in port_guids of an entry */
#define VF_RANGES_MAX     16    /* ranges in guids of an entry */
#define VF_PATTERN_MAX    64    /* bytes of ports: as long as a NodeDescription */
#define VF_NUMBER_MAX     65535 /* a vport index has 16 bits */
#define VF_SPARE_LIDS_MAX 1024

enum vf_lid {
	VF_LID_AS_ASKED, /* whatever the device says that it needs */
	VF_LID_SHARED,   /* the LID of the physical port */
	VF_LID_OWN,
};

enum vf_membership {
	VF_MEMBERSHIP_FULL,
	VF_MEMBERSHIP_LIMITED,
	VF_MEMBERSHIP_BOTH,
};

/* GUIDs, both ends among them; first is not 0 and not above last. */
struct vf_range {
	uint64_t first, last;
};

struct vf_policy {
	/* Either a pattern (*, ?, [a-z], [!a-z]) that a NodeDescription has to fit as a whole, */
	char ports[VF_PATTERN_MAX + 1];
	/* or port GUIDs. */
	unsigned n_port_guids;
	uint64_t port_guid[VF_PORTS_MAX];

	unsigned n_ranges; /* that their GUIDs may be from; 0: any */
	struct vf_range range[VF_RANGES_MAX];
	unsigned max; /* VFs at one port */
	enum vf_lid lid;
	unsigned
		spare_lids; /* of each port, routed beforehand: a VF that takes one writes no LFT */
	uint16_t partition; /* P_Key without its highest bit; 0: none besides partitions.conf */
	enum vf_membership membership; /* of that partition */
};

struct vf_policies {
	size_t n;
	struct vf_policy policy[VF_POLICIES_MAX];
};

/* An entry that says nothing. */
void vf_policy_init(struct vf_policy *ret);

/*
 * The entry for the port with this GUID and NodeDescription (NULL while that is not known: no
 * pattern fits it); NULL if none names it.
 */
const struct vf_policy *vf_policy_for(const struct vf_policies *policies, uint64_t port_guid,
				      const char *description);

/* May a VF there have @guid? Without a policy (NULL) any but 0. */
bool vf_policy_allows(const struct vf_policy *policy, uint64_t guid);

bool vf_policies_are_same(const struct vf_policies *a, const struct vf_policies *b);
