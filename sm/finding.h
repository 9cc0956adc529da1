/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Finding out what is there, who else would manage it, and what is wrong with it.
 * By the file that does it; machine.h includes this.
 */

#include "sm/machine.h"

/* watch.c: who sends too many traps. */
int watch_init(struct sm *sm);
/* True: this trap of @port's device leads to nothing by itself. */
bool watch_takes_trap(struct sm *sm, uint32_t port);
bool watch_ask(struct sm *sm, struct watcher *w, struct request *ret);
void watch_take(struct sm *sm, struct watcher *w, const struct answer *answer);

/* quarantine.c: links that do not stop going down and up. */
int quarantine_init(struct sm *sm);
/* The link of @port, whose far end is known, has fallen; true: it is quarantined now. */
bool quarantine_note_fall(struct sm *sm, uint32_t port);
/* Is a port of @node? */
bool quarantine_is_at(const struct sm *sm, const struct node *node);
/* All are let back, and nothing is held against anybody. */
void quarantine_forget(struct sm *sm);

/* discover.c: sweeps, ring by ring. */
int discover_init(struct sm *sm);
void discover_done(struct sm *sm);
void discover_start(struct sm *sm, bool full);
/* True when the sweep has seen all that answers. */
bool discover_advance(struct sm *sm);
void discover_pump(struct sm *sm);
void discover_end(struct sm *sm);

/* discover-look.c: looks at some switches. */
/* The next look is at this one, too. False: that takes a sweep. */
bool discover_touch(struct sm *sm, uint32_t node);
/* It is part of the look that is under way, and was not asked yet. */
bool discover_takes_along(struct sm *sm, uint32_t node);
/* It was asked. */
void discover_untouch(struct sm *sm, uint32_t node);
void discover_start_look(struct sm *sm);
/* False: it has given up, and a sweep is to follow. */
bool discover_end_look(struct sm *sm);
/* If this walk is a look: it finds more than it can tell. */
void look_give_up(struct sm *sm);

/* discover-node.c: who is behind a link. */
/* Our own port, as far as it was read, has no link: nobody else is seen, or sees us. */
bool discover_has_no_link(const struct sm *sm);

/* discover-probe.c: asking for it. */
void discover_take_probe(struct sm *sm, struct probe *probe, const struct answer *answer);
/* Nobody waits for one any more after so many tries of its last request. */
bool discover_is_silent(const struct sm *sm, const struct probe *probe, unsigned tries);

/* discover-port.c: what switches and ports say of themselves. */
void discover_take_switch_info(struct sm *sm, uint32_t node, const uint8_t *data);
void discover_take_port_info(struct sm *sm, uint32_t port, const struct answer *answer);
/* PortInfo of all ports of this switch is to be read. */
void discover_read_ports(struct sm *sm, uint32_t node);
/* PortStateChange of this switch was cleared, and nobody has looked what it stood for. */
void discover_doubt_ends(struct sm *sm, const struct node *node);

/* port-states.c: the states of all ports of a switch in one answer. */
/*
 * The switch is asked for it, and then those of its ports that it shows to be otherwise. False: it
 * has none, or none that can be relied on for @why.
 */
bool port_states_look(struct sm *sm, uint32_t node, enum port_states_why why);
bool port_states_ask(struct node *node, struct request *ret);
void port_states_take(struct sm *sm, struct node *node, const struct answer *answer);
/* All that this walk was to read has been. */
void port_states_judge(struct sm *sm, struct node *node);
/* What it did not do is tried again. */
void port_states_forget(struct node *node);

/* election.c: other subnet managers, IBA 14.4. */
bool election_ask(struct sm *sm, struct node *node, struct request *ret);
void election_take(struct sm *sm, struct node *node, const struct answer *answer);
void election_request(struct sm *sm, const struct arrival *arrival);
void election_find_peers(struct sm *sm);
/* After discovery: are we to be master? */
void election_decide(struct sm *sm);
/* We are stopping: once, and then again until sm_is_idle(). */
void election_leave(struct sm *sm);
void election_resign(struct sm *sm);
/* Somebody else may have written: what we know is worth nothing, all is read again first. */
void election_doubt_all(struct sm *sm);
void election_set_state(struct sm *sm, enum sm_state state, const char *why);

/* trap-count.c: how many came. */
/* Returns the place of its source, for the next. */
unsigned trap_count(struct sm *sm, uint16_t lid, unsigned number);
void trap_count_impossible(struct sm *sm, enum sm_trap_lie lie);
/* Is there room for an event about it? Then it is used. */
bool trap_may_be_told(struct sm *sm, unsigned source);
/* The same, to subscribers. */
bool trap_may_be_forwarded(struct sm *sm, unsigned source);

/* trap.c */
void trap_receive(struct sm *sm, const struct arrival *arrival);

static inline struct log_where where_of_node(const struct node *node)
{
	return (struct log_where){ .guid = node->guid, .port = -1 };
}

static inline struct log_where where_of_port(const struct sm *sm, uint32_t port)
{
	return (struct log_where){ .guid = node_of(&sm->fabric, port)->guid,
				   .lid = port_lid(&sm->fabric, port),
				   .port = sm->fabric.ports[port].number };
}

/* mkey.c: the M_Key that an end port may have, and with which to ask who is behind a link. */
void mkey_give(struct sm *sm, uint32_t port, uint64_t heard);
void mkey_give_probe(struct sm *sm, struct probe *probe);
/* PortInfo was read or set, or nobody answered a request. */
void mkey_take(struct sm *sm, uint32_t port, uint64_t asked);
void mkey_lost(struct sm *sm, uint32_t port);
/* Before anything is set: what the store should know. */
void mkey_keep(struct sm *sm, uint32_t port);
/* The port shows the key that it was given. */
void mkey_confirm(struct sm *sm, uint32_t port);
/* What it should be. */
uint64_t mkey_planned(const struct sm *sm, uint32_t port);

/* memory.c: what the store knows of devices. */
struct memory_entry *memory_find(const struct sm *sm, uint64_t guid);
/* NULL without memory, or if as many as there may be are there. */
struct memory_entry *memory_find_or_add(struct sm *sm, uint64_t guid);
void memory_load(struct sm *sm);
void memory_done(struct sm *sm);
void memory_give(struct sm *sm, struct node *node);
/* What it did not keep may be tried again. */
void memory_forget_quirks(struct sm *sm, struct node *node);
void memory_keep_quirks(struct sm *sm);

/* reasons.c: why ports are as they are. */
void reasons_update(struct sm *sm);
/* The same of switches alone, for who finds out at rest. */
void reasons_update_switches(struct sm *sm);
void reason_set_port(struct sm *sm, uint32_t port, enum reason reason);
/* That only a new look at the device behind the port can take away, which is left out till then. */
bool reason_is_lasting(enum reason reason);

/* fault.c: what a device does not do is tried again, less and less often. */
/* Something has not been answered that may be: look again early, see fault.c. */
void faults_sweep_early(struct sm *sm);
/* Time until the next sweep, which is to be after @ordinary; both 0: never. */
uint64_t faults_next_sweep(struct sm *sm, uint64_t ordinary);
/* Is this a fault that is not to be tried in this sweep? */
bool fault_waits(const struct sm *sm, const struct fault *fault);
/*
 * It was tried and failed, and waits. @number is the port that it is about (port 0: the device).
 * True if it was no such fault before.
 */
bool fault_note(struct sm *sm, uint32_t number, struct fault *fault, const char *what,
		enum reason reason, uint16_t status);
/* The same, of a whole node, which from now on takes no part in the sweep. */
bool fault_leave_out(struct sm *sm, struct node *node, struct fault *fault, enum reason reason);
/* Try it now all the same. */
void fault_hurry(const struct sm *sm, struct fault *fault);
/* At the end of a reconcile: what was tried and did not fail is over. */
void faults_settle(struct sm *sm);
/* Is there any, and so something to try again some time? */
bool faults_any(const struct sm *sm);
/* Of all nodes; but not that one has no FDR10, which is no fault. */
void faults_forget(struct sm *sm);
void faults_forget_node(struct sm *sm, struct node *node);
/* What depends on the cable at this port, at both of its ends. */
void faults_forget_link(struct sm *sm, uint32_t number);
