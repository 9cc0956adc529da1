/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Where the sources disagree, or nobody could verify: one switch each. All zero is what most
 * devices do. Sections by the file that reads them.
 */

#include <stdbool.h>
#include <stdint.h>

struct sim_quirks {
	/* forward.c */
	bool smp_needs_active; /* LID-routed SMPs stop where a port is not Active, as in ibsim */
	bool armed_receives_nothing; /* no data packet is taken in Armed (pib) */

	/*
	 * link.c: a SubnSet takes a port down, and that it comes up again is PortStateChange at its
	 * own switch as well: training is the link's doing.
	 */
	bool bounce_is_news;

	/* sma.c */
	bool sm_info_needs_mkey; /* SMInfo too is refused without the M_Key (qib) */

	/* mkey.c */
	bool lease_clears_key; /* the M_Key itself becomes 0 when its lease is over (ibutils) */

	/* trap.c */
	bool local_changes_with_mask; /* trap 144 has CapabilityMask also for these (opensm) */

	/* sma-port.c */
	uint8_t other_port_set;   /* Set of another port of a CA. 1: ignored (qib); 2: done (pib) */
	bool base_port0_has_link; /* fields of links are not 0 on a base port 0 (ibsim, hardware) */
	bool speeds_ext_unasked;  /* extended speeds also without bit 31 of the modifier (ibsim) */
	bool speeds_ext_any;      /* enabled ones that it has not: ignored, status 0 (ibsim) */
	bool any_lid;             /* LIDs are not checked (ibsim) */
	bool mtu_above_cap_ignored; /* status 0 (qib) */
	bool violations_are_stored; /* key violation counters take any value (ibutils) */
	bool reregister_stays;      /* ClientReregister reads as written (pib, pibnetd) */
	bool reregister_refused;    /* and nothing of that Set is done, capability or not */
	bool same_state_refused;    /* Armed on Armed, Active on Active (ibsim) */
	bool skipped_state_ignored; /* Active on Initialize or Down: not done, status 0 (qib) */
	bool state_needs_peer;      /* refused if the peer is more than a step away (ibsim) */
	bool qkey_silent;           /* a wrong Q_Key is neither counted nor trapped (qib) */

	/* sma-switch.c */
	bool any_fdb_top;         /* tops are not checked (ibsim, pibnetd) */
	bool default_ports_fixed; /* DefaultPort and its kin stay 0 (ibsim) */

	/* sma-routes.c */
	bool lft_zero_above_top; /* a Get shows 0 above LinearFDBTop (pibnetd) */
	bool mft_beyond_is_zero; /* blocks and positions beyond read 0, no error (ibsim) */

	/* sma-tables.c */
	bool pkey_one_membership; /* the second of full and limited becomes 0 (qib) */
	bool guids_read_only;     /* Set of GUIDInfo is 0x0008, with data (ibsim) */

	/* sma-lanes.c */
	bool lanes_bad_method; /* SLtoVL or VLArb that it has not is 0x0008, not 0x000c (qib) */

	/* pma.c */
	bool wide_error_counters; /* PortCountersExtended has the errors too, CapabilityMask2 */

	/* vport.c, sma-vport.c: all that nobody has written down */
	bool virtualization_info_by_port; /* AM of VirtualizationInfo is the port, else 0 */
	bool vport_block_is_high;         /* AM of 0xFFB5, 0xFFB6: block<<16|vport */
	bool vports_start_enabled;        /* VirtualizationEnable is on at power-up */
	bool vport_change_clears_by_get;  /* VPortStateChange, else by writing 1 */
	bool vport_change_by_set;         /* what the SM sets raises it too */
	bool vport_traps_every_change;    /* 1146 also while VPortStateChange is up already */
	bool vport_skips_armed;           /* Active is taken from Initialize */
	bool vport_refuses_down;          /* Down cannot be set, else the vport starts anew */
	bool vport_needs_active_port;     /* no vport is further than a port that is not Active */
	bool vport_takes_any_lid;      /* vport_lid is taken without LidRequired, which it sets */
	bool vport_lid_index_writable; /* lid_by_vport_index, else read-only */
	bool vport_guid_writable;      /* port_guid, else read-only */
	bool vport_lid_takes_smps;     /* the port's SMA answers at the LIDs of its vports */
	bool no_vport_guid_info;       /* GeneralInfo has no bit 22, and 0xFFB5 is unknown */
	/* trap.c */
	bool vendor_traps_anonymous; /* VendorID and DeviceID are 0 in 1144, 1146, 1257, 1258 */

	/* shared-port.c */
	bool alias_guid_by_answer; /* a VF is up by the SA's answer, without GUIDInfo by SMP */
};
