/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The inside of the subnet manager, for the files of sm/ only. sm.c owns the phases; each other
 * file does one thing with this struct, and says at its head what.
 */

#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/macros.h"
#include "conf/qos-tables.h"
#include "routing/past.h"
#include "routing/transition.h"
#include "sm/alias-book.h"
#include "sm/away.h"
#include "sm/fair.h"
#include "sm/identity.h"
#include "sm/link-state.h"
#include "sm/not-kept.h"
#include "sm/notice.h"
#include "sm/path-wait.h"
#include "sm/registration.h"
#include "sm/reservations.h"
#include "sm/sa/admin.h"
#include "sm/sa/outstanding.h"
#include "sm/sa/ways.h"
#include "sm/services.h"
#include "sm/sm.h"
#include "sm/subscriptions.h"
#include "sm/vf.h"

/*
 * What is to be asked of a node, a bit each; request.tag says of which kind a request was. Lower
 * bits come first. A node is busy while it has such a bit (TODO_LATER aside) or a request of one in
 * flight.
 */
enum todo {
	TODO_SWITCH_INFO,
	TODO_CLEAR_CHANGE,
	TODO_PORT_STATES,
	TODO_PORT_INFO,
	TODO_SM_INFO,
	TODO_VPORT_READ,
	TODO_PKEY_READ,
	TODO_LFT_READ,
	TODO_LANES,
	TODO_LFT_WITHDRAW,
	TODO_GUID_READ,
	TODO_SWITCH_SET,
	TODO_PKEY_WRITE,
	TODO_GUID_WRITE,
	TODO_VPORT_KEYS,
	TODO_FDR10_SET,
	TODO_PORT_SET,
	TODO_LFT_WRITE,
	TODO_MFT,
	TODO_ACTIVATE,
	TODO_VPORT_SET,
	TODO_FDR10_READ,
	TODO_DESCRIPTION,
	TODO_VPORT_NAME,
	TODO_COUNT,
};

#define TODO(kind) (1u << (kind))
#define TODO_LATER (TODO(TODO_DESCRIPTION) | TODO(TODO_FDR10_READ) | TODO(TODO_VPORT_NAME))
#define TODO_SETS                                                                                  \
	(TODO(TODO_CLEAR_CHANGE) | TODO(TODO_SWITCH_SET) | TODO(TODO_PKEY_WRITE) |                 \
	 TODO(TODO_GUID_WRITE) | TODO(TODO_VPORT_KEYS) | TODO(TODO_FDR10_SET) |                    \
	 TODO(TODO_PORT_SET) | TODO(TODO_LANES) | TODO(TODO_LFT_WITHDRAW) | TODO(TODO_LFT_WRITE) | \
	 TODO(TODO_MFT) | TODO(TODO_ACTIVATE) | TODO(TODO_VPORT_SET))

/* request.tag: what kind of work it is, about which port (a number in fabric.ports) and block. */
#define TAG_KIND(tag)          ((enum todo)((tag)&0xff))
#define TAG_PORT(tag)          ((uint32_t)((tag) >> 8 & 0x7ffffff))
#define TAG_BLOCK(tag)         ((unsigned)((tag) >> 40))
#define TAG(kind, port, block) ((uint64_t)(block) << 40 | (uint64_t)(port) << 8 | (kind))

/* NodeInfo across one link: the agent of a device that is not known yet. */
struct probe {
	struct sma sma;
	uint64_t mkey, other_mkey;
	uint32_t port; /* out of this port, or NO_PORT for our own device */
	uint32_t walk;
	uint8_t losses; /* requests without an answer */
	bool late;      /* nobody waits for it any more */
	bool used;
	bool sent;
};

#define PROBE_OWNER UINT32_C(0x80000000) /* sma.owner of probes: this | number */
#define MAX_PROBES  1024u
#define MAX_TOUCHED 256u

/* SwitchInfo of a switch that has much to tell, or the turn of somebody else: see watch.c. */
struct watcher {
	struct sma sma;
	uint64_t guid;
	uint64_t ask_at; /* not before */
	uint64_t act_at; /* on what it told */
	uint64_t act_wait;
	uint64_t told; /* number of the event that tells of its beginning */
	uint32_t node;
	bool used;
	bool wants;  /* to ask */
	bool untold; /* something was told, and is not looked at yet */
};

#define WATCH_OWNER  UINT32_C(0x40000000) /* sma.owner of watchers: this | number */
#define MAX_WATCHERS 64u

struct watch {
	struct watcher all[MAX_WATCHERS];
	unsigned n; /* used */
	struct loop_timer *timer;
};

/* Node numbers in the order they were found. */
struct frontier {
	uint32_t *nodes;
	uint32_t n;
	uint32_t room;
};

struct discovery {
	struct frontier now;
	struct frontier next;
	struct probe *probes; /* MAX_PROBES */
	uint32_t next_probe;  /* where to look for a free one, modulo MAX_PROBES */
	uint32_t n_probes;    /* used */
	uint32_t n_late;      /* used, but not waited for */
	uint32_t node;        /* of the frontier, from which probes are sent now */
	unsigned port;        /* its next port */
	struct frontier looked_at;
	uint32_t touched[MAX_TOUCHED]; /* switches that the next look begins at */
	unsigned n_touched;
	bool look; /* this walk is one, see discover-look.c, */
	bool lost; /* has to give up, */
	bool cut;  /* and found that a branch of the tree of routes is gone */
	bool full;
	bool expanding;     /* probes are being sent, else the frontier is being read */
	enum reason failed; /* our own device cannot be used; NONE: it can */
};

/* As many as a forwarding table has blocks, of 64 LIDs: a word each. */
#define LID_BLOCKS (LID_UNICAST_LAST / 64 + 1)

/*
 * The service levels that packets go by: those that the SA tells and agents send on. They belong to
 * certain tables, and change when the last entry of others is gone and before the first of these is
 * written.
 */
struct levels {
	struct lanes lanes;
	uint32_t *rows; /* node: row of lanes, or NO_SWITCH; NULL: all is on level 0 */
	uint32_t n_nodes;
	uint8_t n_there; /* lanes that routes could use: as many levels have their own */
};

/*
 * Tables in use, and how they came about. They stay in use, for whoever asks for a way, while
 * others are computed and if there are none that can be proven; they are programmed only while they
 * are those of the fabric as it is.
 */
struct routing {
	struct tables tables; /* of a switch: row sw->index; lft NULL: none are in use */
	uint32_t n_rows;
	uint16_t max_lid;
	/* By LID: that whose column it has a copy of, see struct column; 0: it is not one. */
	uint16_t copied[LID_UNICAST_LAST + 1];
	bool valid; /* may be programmed: proven for the fabric as it is, or there is no switch */
	const char *trouble; /* sentence: why they are not, or NULL */
	struct route_result result;
	struct route_job *job;    /* runs on another thread, or NULL */
	bool twice;               /* this reconcile has planned again, for ways of vports */
	uint64_t signature;       /* of the graph that the tables are for */
	struct turns turns;       /* of the tables, see routing/turns.h; */
	bool turns_are_old;       /* some may be too much, of tables before */
	struct past past;         /* of the engine, or empty */
	uint64_t n_made, n_again; /* see struct sm_status */
	uint64_t *withdrawn;      /* LIDs, a bit each, to be withdrawn before they are programmed;
				     NULL: none, see routing/transition.h */
	struct levels levels;
	struct levels next_levels; /* of the tables that are planned, */
	bool has_next_levels;      /* if they are not in force yet */
	bool preparing;            /* that, or virtual lanes, has to be done before */
	struct rounds rounds;      /* in which they are programmed; those of PHASE_PROGRAM: */
	uint8_t round;             /* blocks of later ones wait */
	/*
	 * This plan differs from the last, which all switches hold, in these blocks and at switches
	 * that are noted (node.rerouted) alone. False: that is not known.
	 */
	bool patched;
	uint64_t patched_blocks[LID_BLOCKS / 64 + 1];
	uint64_t refused; /* of the graph for which the trouble is that proofs fail, or 0 */
};

/* A vport's LID, which is reached by the ways of another as far as the leaf, see vport-ways.c. */
struct column {
	uint16_t to;
	uint16_t from;
	uint16_t own;  /* that of its port; 0: it has none */
	uint32_t leaf; /* a node; NO_NODE: the column is as that of @own, which @from is */
	uint8_t exit;  /* of the leaf, for @own and so for @to */
};

/* All of them, one after the other; zero at first. */
struct columns {
	struct vf_walk walk;    /* of vports; then of */
	uint32_t stock;         /* spare LIDs, */
	unsigned spare;         /* of the stock, */
	unsigned move;          /* of who is to move, */
	uint32_t absent;        /* and of who is absent */
	const struct sw **rows; /* once they are needed */
};

/* P_Keys of end ports as last planned: what the SA goes by. Of port n keys[first[n]] and on. */
struct planned_keys {
	uint32_t *first; /* n_ports + 1 */
	uint16_t *keys;
	uint32_t n_ports;
	bool stale; /* there are other partitions now */
};

/* LIDs that lead to a physical port, for VFs that are not there yet: see spares.c. */
struct spare_stock {
	uint64_t guid; /* of the port */
	uint16_t *lid; /* the first is given first */
	uint16_t n;
	uint16_t room;
	bool kept;     /* it is as the store has it */
	bool is_short; /* there are fewer than the rule says; it was said */
};

struct spares {
	struct guid_map map;
	struct spare_stock *all;
	uint32_t n;
	uint32_t room;
	unsigned n_lids; /* of all stocks */
	bool taken;      /* one was, in this reconcile: they are filled up in the next */
};

/* VFs that are to be elsewhere: see moves.c. */
#define MOVES_MAX 1024u

struct moves {
	struct kept_move all[MOVES_MAX];
	uint64_t since[MOVES_MAX]; /* loop_now() when it was said; 0: before we were started */
	unsigned n;
};

/* Who has a LID and was not there when we started: see absent.c. */
struct absent {
	uint64_t guid;
	uint64_t leaf; /* the switch to which its LID leads, */
	uint16_t lid;
	uint16_t beside; /* @shares: the LID of who is absent there and does not; 0: nobody */
	uint16_t from;   /* @shares: the LID whose ways its own has; 0: not known */
	uint8_t lmc;
	uint8_t exit; /* and there out of this port, */
	bool shares;  /* where somebody else is, or was */
};

struct absents {
	struct absent *all;
	uint32_t n;
	uint32_t room;
};

/* What the store told, for devices that have not appeared yet. */
struct memory_entry {
	uint64_t guid;
	uint64_t mkey; /* see mkey.c; 0: none */
	uint64_t other_mkey;
	struct not_kept *not_kept; /* as read, until the node is found */
	bool has_quirks;           /* the store has a row of what it did not keep */
};

#define MAX_MKEYS 8u

struct memory {
	struct guid_map map;
	struct memory_entry *entries;
	uint32_t n;
	uint32_t room;
	uint32_t oldest;           /* where to look for one to forget */
	uint64_t mkeys[MAX_MKEYS]; /* that the store had, or that were forgotten, each once */
	unsigned n_mkeys;
	uint64_t *refused; /* rows of quirks that there was no room for, while the store is read */
	uint32_t n_refused;
	uint32_t refused_room;
};

/* A device that has LIDs already, and where it hangs. */
struct lid_holder {
	uint64_t guid;
	uint32_t port; /* of the physical device */
	uint16_t lid;
	uint8_t lmc;
	bool up;       /* Armed or Active */
	bool unproven; /* a vport that is not up: its GUID may be another by now */
};

/* Another subnet manager. */
struct peer {
	struct sm_peer said;
	uint32_t port;       /* at which it answered */
	uint32_t sweep;      /* in which it last did */
	unsigned unanswered; /* sweeps since then */
};

#define MAX_PEERS 64u

struct aliases {
	struct alias_book book;
	uint64_t next_of_pool;
	bool changed; /* at rest, and so no reconcile tells of it */
};

/* Why a reconcile is wanted: an event, or in words. */
struct cause {
	uint64_t event; /* its number, or 0 */
	uint64_t at;    /* loop_now() when it was first known */
	const char *what;
	bool given; /* else nothing is wanted */
};

struct tally {
	uint64_t sent, sets, blocks;
};

/* See story.c. */
struct story {
	struct cause now;  /* of this reconcile, or the last */
	struct cause next; /* of the one that is wanted */
	uint64_t told;     /* what is done now is because of this event; 0: see the newest */
	enum sm_phase phase;
	uint64_t at; /* when that began */
	uint64_t took[PHASE_COUNT];
	struct tally before;
	uint64_t acknowledged; /* when the last Set was; 0: none, in this reconcile */
	struct sm_phase_time times[PHASE_COUNT];
	struct sm_change last;
};

struct traps {
	struct sm_traps counts;
	/* Those that were told of as events; and the number of the last. */
	struct damping said[SM_TRAP_SOURCES], said_in_all;
	struct damping forwarded[SM_TRAP_SOURCES], forwarded_in_all;
	uint64_t told[SM_TRAP_SOURCES];
};

/* What subscribers are to be told, and is held against subscriptions: see notice.c. */
struct notices {
	struct list waiting;
	unsigned n;
	uint64_t last; /* number */
	uint64_t lost; /* for which there was no room */
	struct loop_timer *timer;
};

/* A report that is under way, see report.c. */
struct report {
	struct subscriber *to; /* NULL: none */
	struct address way;
	uint32_t tid;
	unsigned tries;
	uint64_t due; /* the next try */
	bool failing; /* its subscriber has not acknowledged the one before */
};

#define REPORTS_WINDOW 64u

struct reports {
	struct report under_way[REPORTS_WINDOW];
	unsigned n_under_way, n_failing;
	struct list ready, ready_failing, waits; /* subscribers */
	uint64_t waits_due;                      /* the first of those, or before */
	unsigned n_pending;
	uint32_t last_tid;
	struct loop_timer *timer;
	uint64_t sent, acknowledged, lost, buried;
};

/* That a GID is in service, as subscribers were told: see gids.c. */
struct gid_told {
	uint64_t guid;
	uint64_t port; /* GUID of its physical port, */
	uint32_t at;   /* and its number, which may be another's when it has gone */
	uint16_t index;
	uint16_t keys; /* number of a set */
};

struct gid_keys {
	uint16_t *key;
	uint16_t n;
	uint32_t refs;
};

#define GID_KEY_SETS 4096u

struct gids {
	struct gid_told *told;
	uint32_t n;
	uint32_t room;
	struct gid_keys *set; /* GID_KEY_SETS */
	unsigned n_sets;
	bool known; /* what is there was looked at, and is told from then on */
	bool owed;  /* something was not told yet */
};

struct sm {
	struct loop *loop;
	struct transport *transport;
	struct keeper *keeper;
	struct conf conf;
	struct partitions *partitions; /* in use: see partition.c */
	struct qos_tables qos_tables[QOS_CLASS_COUNT];
	const struct qos_policy *qos; /* the daemon's; NULL: there is none */
	struct run_time *run_time;
	bool intent_changed; /* the next walk counts as one that has made a change */
	struct sm_listener listener;
	void *user;

	struct fabric fabric;
	struct requests *requests;
	struct event_log *events;
	struct identities *identities;
	struct reservations reservations;
	struct spares spares;
	struct moves moves;
	struct absents absents;
	struct list kept_waiters; /* see reserve.c */
	struct memory memory;
	struct discovery discovery;
	struct watch watch;
	enum reason own_reason; /* why our own device cannot be used, as was said */
	struct routing routing;
	struct planned_keys planned_keys;
	struct aliases aliases;
	struct registrations registrations;
	struct registrar registrar;
	struct path_wait path_wait;
	struct away_places away; /* as the store has them, see away.c */
	bool away_adopted;
	struct services services;
	struct subscriptions subscriptions;
	struct notices notices;
	struct reports reports;
	struct gids gids;
	struct loop_timer *lease_timer; /* see service.c */
	uint64_t services_due;          /* it is set to; 0: it is not */
	uint64_t services_looked;       /* when it last came */
	struct multicast *multicast;    /* see multicast-inside.h */

	enum sm_state state;
	enum sm_phase phase;
	uint32_t n_busy;   /* nodes that the phase waits for */
	bool sweep_wanted; /* another sweep when this one is done */
	bool full_wanted;
	bool look_wanted;  /* the same, but at what was told of only */
	bool look_wide;    /* and it is not noted at which nodes: at all */
	bool narrow;       /* this reconcile is such a one: it does not sweep */
	bool local;        /* and is about some nodes only, see sm_include() */
	bool new_columns;  /* tables are others than before, for vports at least */
	bool complete;     /* after the last one nothing was left to do that could be done, and no
			      forwarding table was found to be other than it was held to be since */
	bool doubt_wanted; /* tables are to be read again with it */
	bool names_wanted; /* and names at its end */
	bool changed;      /* since the last reconcile: another fabric, or another plan */
	bool wrote;        /* this reconcile has set something */
	bool news;         /* since the last reconcile: what may want another plan, see work.c */
	bool still;        /* the last plan had nothing to ask or set, and nothing to wait for */
	bool came_up;
	bool inherited; /* devices have LIDs of somebody before us */
	bool adopting; /* the fabric is not, or no longer, of our making: read all, keep its LIDs */
	bool giving_way;   /* this is to be told to @heir */
	uint32_t heir;     /* a port */
	bool contested;    /* we are master, and so was another one when it was last heard of */
	bool cut_off;      /* our own port had no link when this was last at rest */
	bool stopping;     /* ask nothing more, but tell the heir */
	bool leaves;       /* it was master, and nobody has taken over yet */
	uint64_t leave_at; /* until then it waits for what was asked, or for the heir */
	bool by_lid;       /* nothing is known against the tables in use: see work.c */
	uint16_t last_lid; /* that the forwarding tables of all switches have room for */
	uint64_t generation;
	uint64_t applied;
	uint64_t sweeps;
	uint64_t sweep_started;
	uint64_t sweep_took;
	uint64_t sweep_due;
	struct story story;
	uint64_t sent_before; /* requests, before devices were read */
	struct loop_timer *sweep_timer;
	struct loop_timer *soon_timer;
	struct loop_timer *twin_timer;    /* see twin.c */
	struct loop_timer *release_timer; /* see quarantine.c */
	uint64_t release_at;              /* it is set to; 0: it is not, and nobody is held */
	uint64_t twins_at;                /* it is set to; 0: it is not */
	uint64_t inherited_until;         /* Sets of a predecessor may arrive */
	bool inherited_doubt;             /* and may be of anything */
	uint32_t n_naming;                /* nodes whose description is being asked for */
	uint64_t names;                   /* that came and were new */
	bool tell_named;                  /* the last of those has just ended */
	bool faulty;                      /* there were faults at the end of the last one */
	bool unkept;                      /* something was handed to the store in this reconcile */
	bool keeping;                     /* and is not on disk yet */
	uint64_t hold_off;                /* between sweeps that changes ask for */
	uint64_t asked_at;                /* when the last change asked for one */
	uint64_t restless_since;          /* changes have asked for them, without a longer pause */
	uint64_t next_sweep_from;         /* not before */
	unsigned early_sweeps;            /* to come, see fault.c */
	uint64_t no_series_before;        /* of them */

	struct peer peers[MAX_PEERS];
	unsigned n_peers;
	uint64_t stranger_due;   /* loop_now() from when on it matters who asks for SMInfo, */
	uint64_t stranger_pause; /* so long after it last did */
	uint64_t traps_ignored;
	struct traps traps;
	struct fair fair;
	struct outstanding outstanding;
	struct ways ways;               /* at rest only */
	uint64_t unwritten[LID_BLOCKS]; /* bit per LID: see lft_find_unwritten() */
	char trouble[256];              /* of our own port; empty: none */
};

/* What its parts do for each other. */
#include "sm/finding.h"
#include "sm/lids.h"
#include "sm/registered.h"
#include "sm/steps.h"
#include "sm/tables.h"
#include "sm/vports.h"
