/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The table of verbs: what each takes, which method answers it and who shows the answer; and the
 * options that some of them have. vsmctl(1) and the completion of bash say the same, which
 * tests/check-pages.py looks at.
 */

#include "ctl/vsmctl-verbs.h"

#include "base/macros.h"

/* clang-format off */
const struct verb verbs[] = {
	{ "status", "", "How the subnet manager and the subnet are.", { 0 }, 0, NULL, NULL,
	  "state generation applied nodes switches ports_active ports_not_active", 0, show_status },
	{ "nodes", "[WHAT] [--names]", "Nodes.", { "of" }, 0, NULL, "nodes", NULL, OPTION_NAMES, show_nodes },
	{ "ports", "[WHAT] [--problems]", "Ports, and why those that are not active are not.",
	  { "of" }, 0, NULL, "ports", NULL, OPTION_PROBLEMS, show_ports },
	{ "links", "[WHAT] [--problems]", "Links, and which are slow.", { "of" }, 0, NULL, "links", NULL,
	  OPTION_PROBLEMS, show_links },
	{ "vfs", "[WHAT] [--not-active]", "Virtual functions, and why those that are not active are not.",
	  { "of" }, 0, NULL, "vfs", NULL, OPTION_NOT_ACTIVE, show_vfs },
	{ "groups", "[WHAT]", "Multicast groups, or those that a port or virtual function is member of.",
	  { "of" }, 0, NULL, "groups", NULL, 0, show_groups },
	{ "group show", "MGID|LID", "A multicast group and its members, and why some are not reached.",
	  { "group" }, 1, NULL, "members", "mgid mlid", 0, show_group },
	{ "partitions", "[PARTITION | --port WHAT]", "Partitions, the members of one, or the P_Keys of a port.",
	  { "partition" }, 0, NULL, NULL, NULL, OPTION_PORT, show_partitions },
	{ "partition add", "PKEY [GUID...] [--full | --limited | --both] [--index0] [--name NAME] [--wait]",
	  "Add members to a partition, whether their ports are there or not.", { "pkey" }, 1, "guids",
	  NULL, "generation", OPTION_MEMBERSHIP | OPTION_INDEX0 | OPTION_NAME | OPTION_WAIT,
	  show_partition_change },
	{ "partition remove", "PKEY [GUID...] [--wait]",
	  "Remove members that were added; without GUIDs all of them.", { "pkey" }, 1, "guids", NULL,
	  "generation", OPTION_WAIT, show_partition_change },
	{ "partition show", "[PARTITION]",
	  "What the file and run time say about partitions, and whether devices hold it.",
	  { "partition" }, 0, NULL, NULL, NULL, 0, show_partition },
	{ "routes", "SWITCH", "The forwarding table of a switch.", { "switch" }, 1, NULL, "routes", "name",
	  0, show_routes },
	{ "path", "FROM TO", "The way from one port to another.", { "source", "destination" }, 2, NULL,
	  NULL, "hops complete", 0, show_path },
	{ "services", "", "Services that hosts have registered.", { 0 }, 0, NULL, "services", NULL, 0,
	  show_services },
	{ "subscriptions", "", "Who is told of what happens, and how that goes.", { 0 }, 0, NULL,
	  "subscriptions", NULL, 0, show_subscriptions },
	{ "events", "[--from NUMBER] [--last NUMBER] [--follow]", "What has happened, and what happens.",
	  { 0 }, 0, NULL, "events", NULL, OPTION_FOLLOW | OPTION_FROM | OPTION_LAST, show_events },
	{ "explain", "WHAT", "All about one node, port or virtual function: how it is, why, and what to type.",
	  { "what" }, 1, NULL, NULL, "name ports", 0, show_explain },
	{ "sweep", "[--full]", "Look for changes now; --full: trust nothing that was known.",
	  { 0 }, 0, NULL, NULL, "full", OPTION_FULL, show_sweep },
	{ "reload", "", "Read the configuration again.", { 0 }, 0, NULL, NULL, "text", 0, show_reload },
	{ "stats", "", "Counters.", { 0 }, 0, NULL, NULL, "sent", 0, show_stats },
	{ "version", "", "Versions of daemon and client.", { 0 }, 0, NULL, NULL, "version", 0,
	  show_version },
	{ "vf add", "GUID [--lid NUMBER] [--place PORT]... [--name TEXT]",
	  "Reserve a LID and places for the GUID of a virtual function.", { "guid" }, 1, NULL, NULL,
	  "guid", OPTION_LID | OPTION_PLACE | OPTION_NAME, show_vf_add },
	{ "vf move", "GUID|NAME [PORT | --cancel]",
	  "Make a physical port ready for a virtual function that is to move there.",
	  { "guid", "port" }, 1, NULL, NULL, "guid", OPTION_CANCEL, show_vf_move },
	{ "vf remove", "GUID|NAME", "Take back what is reserved for a GUID.", { "guid" }, 1, NULL, NULL,
	  "guid", 0, show_vf_remove },
	{ "vf show", "[GUID|NAME] [--names]", "What is reserved.", { "guid" }, 0, NULL, "reservations", NULL,
	  OPTION_NAMES, show_vf_show },
};

const struct verb_option verb_options[] = {
	{ "problems", OPTION_PROBLEMS, "problems", 'b' },
	{ "follow", OPTION_FOLLOW, "follow", 'b' },
	{ "full", OPTION_FULL, "full", 'b' },
	{ "from", OPTION_FROM, "from", 'n' },
	{ "last", OPTION_LAST, "last", 'n' },
	{ "port", OPTION_PORT, "port", 't' },
	{ "names", OPTION_NAMES, NULL, 'b' },
	{ "not-active", OPTION_NOT_ACTIVE, "not_active", 'b' },
	{ "lid", OPTION_LID, "lid", 'n' },
	{ "place", OPTION_PLACE, "place", 'l' },
	{ "name", OPTION_NAME, "name", 't' },
	{ "limited", OPTION_LIMITED, NULL, 'b' },
	{ "both", OPTION_BOTH, NULL, 'b' },
	{ "index0", OPTION_INDEX0, "index0", 'b' },
	{ "wait", OPTION_WAIT, NULL, 'b' },
	{ "cancel", OPTION_CANCEL, "cancel", 'b' },
};
/* clang-format on */

_Static_assert(COUNT(verbs) == N_VERBS, "vsmctl-verbs.h says how many");
_Static_assert(COUNT(verb_options) == N_VERB_OPTIONS, "vsmctl-verbs.h says how many");
