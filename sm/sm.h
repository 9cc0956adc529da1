/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The subnet manager as a machine: what arrives, timers and changes of intent go in, datagrams and
 * events come out. Made and wired by systemd/vsm.c; looked at by ctl/.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/partitions.h"
#include "mad/request.h"
#include "mad/transport.h"
#include "routing/engine.h"
#include "sm/event.h"
#include "sm/fabric.h"
#include "sm/keep.h"
#include "sm/vf.h"

struct qos_policy;
struct sm;

/* What happens now; a reconcile goes through them in this order and ends at rest. */
enum sm_phase {
	PHASE_REST,     /* all is as planned, or has a reason */
	PHASE_DISCOVER, /* asking what is there */
	PHASE_ELECT,    /* asking other subnet managers who they are */
	PHASE_READ,     /* reading tables of devices that hold prior configuration */
	PHASE_PLAN,     /* LIDs, P_Keys; routes are computed and proven on another thread */
	PHASE_KEEP,     /* LIDs and M_Keys go to the disk before they go to the fabric */
	PHASE_WITHDRAW, /* ways that must not meet the planned ones are taken out of tables */
	PHASE_PROGRAM,  /* tables, settings, Armed */
	PHASE_ACTIVATE, /* Active */
	PHASE_COUNT,
};

const char *sm_phase_name(enum sm_phase phase);
/* enum sm_state, or what a peer says that it is in. */
const char *sm_state_name(unsigned state);

/* Numbers for status lines and ctl/. */
struct sm_status {
	enum sm_state state;
	enum sm_phase phase;
	uint64_t generation; /* counts up with every reconcile that found or made a change */
	uint64_t applied;    /* all of the plan up to this one is acknowledged by the devices */
	bool came_up;        /* the first bring-up has been completed */
	uint32_t nodes, switches, hcas, routers;
	uint32_t ports_active;     /* linked ports that are Active, switch port 0 not counted */
	uint32_t ports_not_active; /* linked ports that are not, each with a reason */
	uint32_t lids_used;
	uint32_t lids_spare; /* for virtual functions that are not there yet */
	uint32_t lids_free;
	uint32_t lids_total; /* unicast LIDs that forwarding tables have room for */
	uint32_t naming;     /* nodes whose description is being asked for, after they came up */
	uint64_t names;      /* descriptions that came and were new */
	uint64_t sweeps;
	uint64_t sweep_started;  /* loop_now() */
	uint64_t sweep_took;     /* ns, the last that ended */
	uint64_t sweep_due;      /* loop_now() of the next by the timer; 0: there is none */
	const char *engine;      /* of the tables in use, or NULL */
	const char *routing_why; /* sentence about it, or NULL */
	unsigned lanes;          /* virtual lanes that they use */
	uint64_t traps_ignored;  /* that said what cannot be */
	uint64_t routes_made;    /* how often routes were computed from scratch, */
	uint64_t routes_again;   /* and how often they were by what had changed alone */
	uint64_t peer_guid;      /* the master, while that is not us */
	const char *trouble;     /* why our own port reaches nobody, or NULL */
};

/* How long a phase took, in ns. */
struct sm_phase_time {
	uint64_t last; /* 0 also if the last reconcile had no such phase */
	uint64_t longest;
};

/* What a reconcile that changed something was about, and took: see story.c. */
struct sm_change {
	uint64_t reconcile;         /* its number, of sm_status.sweeps */
	uint64_t cause;             /* number of an event; or 0, and in words: */
	const char *what;           /* NULL: see that event */
	uint64_t at;                /* loop_now() when it began */
	uint64_t took[PHASE_COUNT]; /* ns */
	uint64_t smps, sets;        /* sent */
	uint64_t blocks;            /* of forwarding tables, acknowledged */
	uint64_t until_set;         /* ns from the cause to the last acknowledged Set; 0: none */
};

/* Traps since the start, see trap-count.c. */
#define SM_TRAP_NUMBERS 32u
#define SM_TRAP_SOURCES 64u

enum sm_trap_lie {
	SM_TRAP_OF_NOBODY,     /* its LID is not in use */
	SM_TRAP_OF_OTHER_KIND, /* of a switch, says who is none, and the like */
	SM_TRAP_ABOUT_OTHERS,  /* what it tells is not its sender's */
	SM_TRAP_OF_VENDOR, /* of virtual ports, of who has none; or a number that nobody knows */
	SM_TRAP_LIE_COUNT,
};

const char *sm_trap_lie_name(enum sm_trap_lie lie);

struct sm_traps {
	struct sm_trap_number {
		unsigned number;
		uint64_t n;
	} number[SM_TRAP_NUMBERS];
	unsigned n_numbers;
	uint64_t others; /* of further numbers */
	struct sm_trap_source {
		uint16_t lid;
		uint64_t n; /* at most */
	} source[SM_TRAP_SOURCES];
	unsigned n_sources;
	uint64_t impossible[SM_TRAP_LIE_COUNT];
};

/* What sm tells the one who runs it. Any member may be NULL. */
struct sm_listener {
	void (*settled)(void *user); /* a reconcile has ended: see sm_status() */
	void (*named)(void *user);   /* no description is being asked for any more */
	void (*event)(void *user, const struct event *event);
};

struct sm_setup {
	struct loop *loop;
	struct transport *transport;
	struct keeper *keeper;
	const struct conf *conf;       /* copied */
	struct partitions *partitions; /* taken over */
	const struct sm_listener *listener;
	void *user;
};

/* On failure partitions stay the caller's. */
int sm_new(const struct sm_setup *setup, struct sm **ret);
void sm_free(struct sm *sm);

/* The partitions of @setup, or of the last sm_reconfigure(), are the caller's again; only sm_free()
 * may follow. */
struct partitions *sm_take_partitions(struct sm *sm);

/* Give it what has arrived: see transport_fn. */
void sm_receive(struct sm *sm, const struct arrival *arrivals, unsigned n);

/*
 * Ask nothing more. When sm_is_idle(), all that was asked has been answered or given up, who stands
 * by has been told that it is master now, and the port may be closed; nothing on the fabric is
 * undone.
 */
void sm_stop(struct sm *sm);
bool sm_is_idle(const struct sm *sm);

/* Start to bring the subnet up. */
void sm_start(struct sm *sm);

/* New intent: applied with the next reconcile, which starts now. @partitions is taken over. */
void sm_reconfigure(struct sm *sm, const struct conf *conf, struct partitions *partitions);

/* What the configuration names and a fabric that is up has not: @fn gets a sentence each. */
void sm_tell_doubts(const struct sm *sm, void (*fn)(void *user, const char *sentence), void *user);

/* What services may ask for; NULL: nothing. It stays the caller's, until the next one is set. */
void sm_set_qos_policy(struct sm *sm, const struct qos_policy *policy);

/* A change of a partition at run time, to what the store has besides the file. */
struct sm_partition_change {
	bool remove;                          /* else add */
	uint16_t pkey;                        /* 0x0001 to 0x7fff */
	const char *name;                     /* add: what to call a partition, or NULL */
	enum partition_membership membership; /* add: of all of these */
	bool index0;                          /* add */
	const uint64_t *guids;                /* present or not */
	size_t n_guids;                       /* 0: just the name; remove: all that was added */
};

struct sm_partition_result {
	int error; /* 0, or -errno and nothing has changed: -EPERM: the file says so, -EEXIST: the
		      name, -EINVAL, -E2BIG: a limit, or of the disk; -ECANCELED: sm_free() came
		      first, and why says what is known */
	char why[256];       /* a sentence about the error, without a full stop */
	bool changed;        /* else all was as wanted already */
	uint32_t n_changed;  /* members that were added, changed or taken out */
	uint64_t generation; /* that has it, or will */
};

#define SM_PARTITION_CHANGES_MAX 64 /* that may wait at once */

typedef void (*sm_partition_fn)(void *user, const struct sm_partition_result *result);

/*
 * @fn is called once, and not from within: after the change is on disk and in use, or refused. All
 * of it or nothing. -ENOMEM, or -EBUSY if too many wait: it is not called.
 */
int sm_change_partition(struct sm *sm, const struct sm_partition_change *change, sm_partition_fn fn,
			void *user);

/* The generation that has the last change of this partition, or will; else the present one. */
uint64_t sm_partition_generation(const struct sm *sm, uint16_t pkey);

/*
 * Do the devices hold of @pkey, for the end port or VF @e, what its @partition (NULL: there is
 * none) gives it: in its own table, and in that of the switch port that enforces it? As far as they
 * have acknowledged; *ret says why not. An alias GUID has no table: that of its port has to have
 * the key.
 */
bool sm_key_is_applied(const struct sm *sm, struct endpoint e, uint16_t pkey,
		       const struct partition *partition, enum reason *ret);

/* Look for changes now. @full: trust nothing that was known, read everything again. */
void sm_sweep(struct sm *sm, bool full);

/*
 * Reserve what @wanted says for its GUID, in place of what was reserved for it: a LID (0: any) and
 * places, whether a device with that GUID is there or not. It takes effect at once in memory, and
 * with the next reconcile on the fabric; sm_when_kept() tells when it is on disk. 0, also if it is
 * so already, or with a sentence in @why: -EPERM, we are not master; -EBUSY, LIDs are not known
 * yet; -EACCES, the rules do not allow it; -EINVAL, -EEXIST, -ERANGE, it cannot be; -ENOSPC,
 * -ENOMEM.
 */
#define SM_WHY_SIZE 256
int sm_reserve(struct sm *sm, const struct kept_reservation *wanted, char why[static SM_WHY_SIZE]);

/*
 * Take it back; 0 also if there is none. The LID goes with it, unless the device is there: then it
 * keeps its LID, as any other does.
 */
int sm_release(struct sm *sm, uint64_t guid, char why[static SM_WHY_SIZE]);

/* What is reserved: the n-th, in no order; NULL past the last. Valid until the next change. */
const struct kept_reservation *sm_reservation(const struct sm *sm, uint64_t n);
/* Of this GUID, or NULL. */
const struct kept_reservation *sm_reservation_of(const struct sm *sm, uint64_t guid);

/*
 * The virtual function with @guid is to be at the physical port @to from now on, and the fabric is
 * made ready for it: see moves.c. sm_when_kept() tells when that is on disk. 0, also if it is there
 * or was said already, or with a sentence in @why: -EPERM, we are not master; -ENOENT, nobody has
 * that GUID; -EINVAL, it cannot be; -ENOSPC, -ENOMEM. And that this is no longer so: 0 also if it
 * was not.
 */
int sm_move(struct sm *sm, uint64_t guid, uint64_t to, char why[static SM_WHY_SIZE]);
int sm_move_cancel(struct sm *sm, uint64_t guid, char why[static SM_WHY_SIZE]);

/* The port that it is to be at, or 0; and all of them, NULL past the last. */
uint64_t sm_moving_to(const struct sm *sm, uint64_t guid);
const struct kept_move *sm_move_at(const struct sm *sm, uint64_t n);

/* What a move waits for. */
enum sm_move_wait {
	SM_MOVE_PORT,   /* its new port is not there, or not Active */
	SM_MOVE_LEAVE,  /* it is still at its former place */
	SM_MOVE_TABLES, /* devices are being told */
	SM_MOVE_START,  /* its host: all else is ready */
	SM_MOVE_ACTIVE, /* it is there, and not Active yet */
	SM_MOVE_WAIT_COUNT,
};

struct sm_move_state {
	uint64_t to;
	uint64_t since;    /* loop_now() when it was said; 0: before @sm was made */
	bool keys;         /* its P_Keys are let through there */
	bool routes;       /* all switches send there what is for its LID, */
	bool routes_later; /* or will when it is there, which is not prepared */
	enum sm_move_wait waits_for;
};

/*
 * How many virtual functions there may be at the physical port @pf: by which entry of
 * virtual_functions, from 1 on; 0: that is all that there is room for.
 */
unsigned sm_vf_limit(const struct sm *sm, uint32_t pf, unsigned *ret_entry);

/* How far the move of @guid is; false: it is not to move. */
bool sm_move_state(const struct sm *sm, uint64_t guid, struct sm_move_state *ret);

/* The first LID that @guid has, or that waits for it; 0: none. */
uint16_t sm_lid_of(const struct sm *sm, uint64_t guid);

/*
 * @fn(@user, 0) when all that was done so far is on disk; -errno if it cannot be written now, which
 * is tried again, or -ECANCELED if @sm is freed before. Once in any case, and never from here.
 * -ENOMEM.
 */
int sm_when_kept(struct sm *sm, void (*fn)(void *user, int result), void *user);

/* The subnet as it is. Valid until the next callback of the loop. */
const struct fabric *sm_fabric(const struct sm *sm);
const struct conf *sm_conf(const struct sm *sm);
const struct partitions *sm_partitions(const struct sm *sm);
const struct requests *sm_requests(const struct sm *sm);
const struct event_log *sm_events(const struct sm *sm);
void sm_status(const struct sm *sm, struct sm_status *ret);
const struct sm_traps *sm_traps(const struct sm *sm);
/* By phase. */
const struct sm_phase_time *sm_phase_times(const struct sm *sm);
/* The last one, or NULL. */
const struct sm_change *sm_last_change(const struct sm *sm);

/* Exit port of @sw (a node number) for @lid in the tables in use; ROUTE_NONE without a route. */
uint8_t sm_route(const struct sm *sm, uint32_t sw, unsigned lid);
/* All of @sw, by LID; NULL and none if there are no tables. Valid until the next phase. */
const uint8_t *sm_table(const struct sm *sm, uint32_t sw, unsigned *ret_size);

/* The service level on which two ports talk, forth and back, by the tables in use. */
uint8_t sm_service_level(const struct sm *sm, uint32_t a, uint32_t b);

/*
 * That of the path record of two ends, if it is asked for by nothing but them: by routes, or what
 * the operator says (qos.enable); 0 without either. -ENOENT: they share no P_Key, or none that the
 * operator's QoS policy allows, and so have no path.
 */
int sm_path_level(const struct sm *sm, struct endpoint from, struct endpoint to);

/* P_Keys planned for @port (in table order, holes are 0); how many entries; at most @room are
 * written. */
unsigned sm_planned_pkeys(const struct sm *sm, uint32_t port, uint16_t *ret, unsigned room);
/* The same of vport @index of it, which has a table of its own. */
unsigned sm_planned_pkeys_of_vf(const struct sm *sm, uint32_t port, unsigned index, uint16_t *ret,
				unsigned room);

/* The multicast groups: see multicast.h. Valid until the next callback of the loop. */
struct group;
struct group_book;
const struct group_book *sm_groups(const struct sm *sm);
/* Switches of its tree, as planned; and whether all of them hold their part of it. */
uint32_t sm_group_switches(const struct sm *sm, const struct group *group);
bool sm_group_is_written(const struct sm *sm, const struct group *group);
/*
 * Why does nothing of what is sent to @group come to the GUID, which is member of it? A sentence;
 * NULL: it does.
 */
const char *sm_group_obstacle(const struct sm *sm, const struct group *group, uint64_t guid);

/*
 * The n-th setting that the device of @port acknowledged for it and does not hold: false past the
 * last.
 */
bool sm_not_kept(const struct sm *sm, uint32_t port, unsigned n, const char **ret_setting,
		 uint64_t *ret_wanted, uint64_t *ret_held);

/* What hosts have registered: see services.h and subscriptions.h. Valid until the next callback. */
struct services;
struct subscriptions;
const struct services *sm_services(const struct sm *sm);
const struct subscriptions *sm_subscriptions(const struct sm *sm);

/* Reports to subscribers since the start. */
struct sm_reports {
	uint64_t sent; /* tries */
	uint64_t acknowledged;
	uint64_t lost;    /* notices for which there was no room in a queue */
	uint64_t ended;   /* subscribers that were given up */
	uint64_t waiting; /* notices that are in queues now */
};
void sm_reports(const struct sm *sm, struct sm_reports *ret);

/* Other subnet managers seen: the n-th; false past the last. */
struct sm_peer {
	uint64_t guid;
	uint16_t lid;
	uint8_t priority;
	uint8_t state; /* enum sm_state */
	uint64_t seen; /* loop_now() when it last answered */
};
bool sm_peer(const struct sm *sm, unsigned n, struct sm_peer *ret);
