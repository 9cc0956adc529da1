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
	struct turns turns;       /* of the tables, see routing/turns.h; some may be too much */
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
	struct not_kept *not_kept;
};

#define MAX_MKEYS 8u

struct memory {
	struct guid_map map;
	struct memory_entry *entries;
	uint32_t n;
	uint32_t room;
	uint64_t mkeys[MAX_MKEYS]; /* that the store had, each once */
	unsigned n_mkeys;
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

/* As many as a forwarding table has blocks, of 64 LIDs: a word each. */
#define LID_BLOCKS (LID_UNICAST_LAST / 64 + 1)

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
	uint64_t stranger_due; /* loop_now() from when on it matters who asks for SMInfo */
	uint64_t traps_ignored;
	struct traps traps;
	struct fair fair;
	struct outstanding outstanding;
	struct ways ways;               /* at rest only */
	uint64_t unwritten[LID_BLOCKS]; /* bit per LID: see tables_find_unwritten() */
	char trouble[256];              /* of our own port; empty: none */
};

/* story.c: why a reconcile is done, and what it takes. */

/* What is asked for now, until that is said of 0, is because of the event with this number. */
void story_because(struct sm *sm, uint64_t event);
/* Another one is wanted. */
void story_wanted(struct sm *sm);
void story_begin(struct sm *sm);
/* It may be in another phase than before. */
void story_turn(struct sm *sm);
void story_note_acknowledged(struct sm *sm);
void story_end(struct sm *sm, const struct sm_status *status);

/* sm.c: something was done; goes on to the next phase if this one is. */
void sm_advance(struct sm *sm);

/* wanted.c: what wants a reconcile, and when it may begin. */
int wanted_init(struct sm *sm);
bool sm_is_wanted(const struct sm *sm);
/* The fabric differs from what was found: sweep again when this is done. */
void sm_sweep_again(struct sm *sm, bool full);
/* The same, of links, and told by others than this walk itself: it is not held off for long. */
void sm_sweep_soon(struct sm *sm);
/* Something was told of one device, and is noted there: look at that alone. */
void sm_look_again(struct sm *sm);
/* The same, of a switch. */
void sm_look_at_switch(struct sm *sm, uint32_t node);
/* The same, of vports: whose they are is included when they are read. */
void sm_look_at_vports(struct sm *sm);
/*
 * This reconcile is about the node of @port, and about that at the far end of its link. When all
 * was as planned before, and only some switches are looked at, or vports, it is about no others:
 * what they should hold, and why they are as they are, is what it was.
 */
void sm_include(struct sm *sm, uint32_t port);
/* Is this reconcile about @node? */
static inline bool sm_includes(const struct sm *sm, const struct node *node)
{
	return !sm->local || node->included == sm->sweeps;
}

/* Does its forwarding table change, and this is not about it else? */
static inline bool sm_reroutes(const struct sm *sm, const struct node *node)
{
	return !sm_includes(sm, node) && node->rerouted == sm->sweeps;
}

/* receive.c: answer it once more, from what is known now, and change nothing. */
void sm_answer_again(struct sm *sm, const struct arrival *arrival);

/* work.c: what nodes are asked. */
extern const struct request_handler work_handler;
void work_add(struct sm *sm, uint32_t node, unsigned todo);
void work_drop(struct sm *sm, uint32_t node);
void work_update(struct sm *sm, uint32_t node);
/* All nodes that take part, and that this reconcile is about. */
void work_add_all(struct sm *sm, unsigned todo);
/* So many lost requests in a row, the tries of each, mean something. */
unsigned work_losses_to_be_silent(const struct sm *sm);
/* All switches that take part. */
void work_add_switches(struct sm *sm, unsigned todo);

/* twin.c: Sets that may arrive late, and so undo newer ones. */
int twins_init(struct sm *sm);
/* Copies of this Set, sent at @sent_at or before, may yet arrive. */
void twin_note(struct sm *sm, struct node *node, const struct request *request, uint64_t sent_at);
/* We have become master; this was done; and so was the first reconcile. */
void twins_inherit(struct sm *sm);
void twin_note_inherited(struct sm *sm, struct node *node, const struct request *request);
void twins_judge_predecessor(struct sm *sm);
/* At the beginning of PHASE_READ: what none can arrive for any more is to be read. */
void twins_look(struct sm *sm);

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
void discover_take_probe(struct sm *sm, struct probe *probe, const struct answer *answer);
/* Nobody waits for one any more after so many tries of its last request. */
bool discover_is_silent(const struct sm *sm, const struct probe *probe, unsigned tries);

/* discover-port.c: what switches and ports say of themselves. */
void discover_take_switch_info(struct sm *sm, uint32_t node, const uint8_t *data);
void discover_take_port_info(struct sm *sm, uint32_t port, const struct answer *answer);
/* PortStateChange of this switch was cleared, and nobody has looked what it stood for. */
void discover_doubt_ends(struct sm *sm, const struct node *node);

/* tables.c: what is read and written besides PortInfo; the next request of a kind, false: no more.
 */
bool tables_ask_pkey_read(struct sm *sm, struct node *node, struct request *ret);
bool tables_ask_lft_read(struct sm *sm, struct node *node, struct request *ret);
bool tables_ask_pkey_write(struct sm *sm, struct node *node, struct request *ret);
bool tables_ask_lft_write(struct sm *sm, struct node *node, struct request *ret);
bool tables_ask_switch_set(struct sm *sm, struct node *node, struct request *ret);
void tables_doubt_keys(struct sm *sm, uint32_t port, enum port_state before);
/* PortStateChange was read from this switch. */
void tables_doubt_neighbors(struct sm *sm, struct node *node, bool changed);
void tables_take_pkeys(struct sm *sm, struct node *node, const struct answer *answer);
void tables_take_lft(struct sm *sm, struct node *node, const struct answer *answer);
void tables_take_switch_set(struct sm *sm, struct node *node, const struct answer *answer);
void tables_take_cleared(struct sm *sm, struct node *node, const struct answer *answer);
/* Somebody else may have written: what the tables of this device hold is not known. */
void tables_doubt(struct sm *sm, struct node *node);
/* The same, of the P_Keys of one port. */
void tables_forget_keys(struct sm *sm, uint32_t port);
/* The switch holds nothing of what it did: it has restarted, or somebody cleared it. */
void tables_forget(struct sm *sm, struct node *node);

/* The switch refuses to hold this block as planned, and is not asked in this sweep. */
bool tables_leave_lft_block(const struct sm *sm, const struct sw *sw, unsigned block);

/* LinearFDBTop as it is; and as it should be: the last LID that the switch needs an entry for. */
unsigned tables_lft_top_now(const struct sw *sw);
unsigned tables_lft_top(const struct sm *sm, const struct sw *sw);
void tables_lft_set_known(struct sw *sw, unsigned block, bool known);
/* The exit for @lid, as was last heard. NULL has none. */
uint8_t tables_lft_held(const struct sw *sw, unsigned lid);

/* LIDs to which a switch, of those that take part, refuses to hold the route. */
void tables_find_unwritten(struct sm *sm);

/* withdraw.c: from the tables that switches hold to others. @switches: nodes, a row each. */
/* Although the tables in use are for this fabric, switches hold others: who else wrote them? */
bool withdraw_is_due(const struct sm *sm, const uint32_t *switches, uint32_t n);
/* A copy of what they hold that can matter to a plan for @max_lid; lft stays NULL if nothing. */
int withdraw_copy_held(const struct sm *sm, const uint32_t *switches, uint32_t n, uint16_t max_lid,
		       struct tables *ret);
bool withdraw_ask(struct sm *sm, struct node *node, struct request *ret);

/* multicast-plan.c: trees of multicast groups. */
/* What is to be planned is planned, and done: now, if it is the time; also at the end of each
   reconcile, and when its tables are in place. */
void multicast_begin(struct sm *sm);
/* While groups have members: can this switch be part of their trees? */
bool multicast_takes_part(const struct sm *sm, const struct node *node);
int multicast_plan_init(struct sm *sm);
void multicast_plan_done(struct sm *sm);

/* multicast-write.c: multicast forwarding tables. */
bool multicast_ask(struct sm *sm, struct node *node, struct request *ret);
void multicast_take(struct sm *sm, struct node *node, const struct answer *answer);
/* All that was asked may have been answered. */
void multicast_settle(struct sm *sm);
/* What the table holds is not known; it holds nothing; no request is under way any more. */
void multicast_doubt(struct sm *sm, struct node *node);
void multicast_forget(struct sm *sm, struct node *node);
void multicast_dropped(struct sm *sm, struct node *node);
/* Copies of this Set may arrive late; those that were noted are dead; what was read counts for
   nothing. See twin.c. */
void multicast_note_twin(struct node *node, const struct request *request);
void multicast_doubt_twins(struct sm *sm, struct node *node);
void multicast_doubt_read(struct sm *sm, struct node *node);
/* MulticastFDBTop as it should be. */
unsigned multicast_top(const struct sm *sm, const struct node *node);

/* multicast-join.c: requests to the SA. A status; @ret_record: MC_MEMBER_RECORD_SIZE bytes. */
uint16_t multicast_change(struct sm *sm, const struct member_change *change, uint8_t *ret_record);

/* multicast-life.c: groups and members. */
int multicast_init(struct sm *sm);
void multicast_stop(struct sm *sm);
void multicast_done(struct sm *sm);
/* There are other partitions: their groups are there, and keys may be others. */
void multicast_use_partitions(struct sm *sm);
/* multicast-level.c: other service levels are in force. */
void multicast_take_levels(struct sm *sm);
/* What the store says, see registration.c. */
void multicast_restore_group(struct sm *sm, const struct kept_registration *kept);
void multicast_restore_member(struct sm *sm, const struct kept_registration *kept);
/* The port was told that its clients have to register again. */
void multicast_told(struct sm *sm, uint32_t port);
/* @guid is in a group, or more. */
bool multicast_is_member(const struct sm *sm, uint64_t guid);
/* Where members are now. */
void multicast_look_for_members(struct sm *sm);

/* settings-plan.c: PortInfo as it should be; settings.c: the Sets that make it so. */
enum { SETTING_MAX = 31, SETTING_LIFE_TIME = 31 /* of SwitchInfo; port 0 */ };
unsigned settings_plan(const struct sm *sm, uint32_t port, uint8_t ret[static SMP_DATA_SIZE]);
/*
 * In what is to be sent, fields that say "no change" with 0, or must not be written back as they
 * were read, do no harm; @differ: settings_plan().
 */
void settings_make_neutral(uint8_t info[static SMP_DATA_SIZE], unsigned differ);
/* Which of the settings that were sent are not in the answer? */
void settings_note_not_kept(struct sm *sm, uint32_t port, const struct answer *answer);
bool settings_ask_set(struct sm *sm, struct node *node, bool activate, struct request *ret);
void settings_take_set(struct sm *sm, uint32_t port, const struct answer *answer);
/* Read this port again, and then decide. */
void settings_look_again(struct sm *sm, uint32_t port);
/* Clients of all adapters are to register again: what they did is not known here. */
void settings_register_all(struct sm *sm);
/* Those of this one, in this reconcile. */
void settings_register_again(struct sm *sm, uint32_t port);
/* Is the link Active with another MTU or other VLs than would be planned now? */
bool settings_is_otherwise(const struct sm *sm, uint32_t port);
/* OperationalVLs as they are, or will be when the link comes up: a code. */
uint64_t settings_operational_vls(const struct sm *sm, uint32_t port);
bool setting_is_of(const struct node *node, unsigned setting);
const char *setting_name(unsigned setting);
enum wire_field setting_field(unsigned setting);

/* fdr10.c: the vendor's link speed. */
/* PortInfo was read. */
void fdr10_look(struct sm *sm, uint32_t port);
/* Before anything else is set: give those work whose speed is not as wanted. */
void fdr10_plan(struct sm *sm);
bool fdr10_ask_read(struct sm *sm, struct node *node, struct request *ret);
bool fdr10_ask_set(struct sm *sm, struct node *node, struct request *ret);
void fdr10_take(struct sm *sm, uint32_t port, const struct answer *answer);
/* It has left, and may come back with other speeds. */
void fdr10_went(struct node *node);
/* What it is set to is not known. */
void fdr10_look_again(struct sm *sm, uint32_t port);
/* What it did not do is tried again. */
void fdr10_forget(struct node *node);

/* pkeys.c: the P_Key table of a port as it should be; how many entries, holes are 0. */
unsigned pkeys_plan(const struct sm *sm, uint32_t port, uint16_t *ret, unsigned room);
unsigned pkeys_capacity(const struct sm *sm, uint32_t port);
/* Has the table of this end port room for all that it should have? */
bool pkeys_fit(const struct sm *sm, uint32_t port);
/* The device behind a switch port whose keys that port enforces, or NO_PORT. */
uint32_t pkeys_enforced_port(const struct sm *sm, uint32_t port);
bool pkeys_enforces(const struct sm *sm, uint32_t port);
/* Does the switch port before @end, if it looks, let the keys of a VF with @guid through? */
bool pkeys_pass(const struct sm *sm, uint32_t end, uint64_t guid);
/* False: they depend on a rule for VFs, and which one that is, is not known yet. */
bool pkeys_are_known(const struct sm *sm, uint32_t port);

enum partition_kind pkeys_kind_of(const struct node *node);
/* What the table should hold is not what it holds, in this block; @ret is what it should hold. */
bool pkeys_differ(const struct pkey_table *held, const uint16_t *plan, unsigned n, unsigned block,
		  uint8_t ret[static SMP_DATA_SIZE]);
/* As pkeys_plan(), of a vport that has a table of its own. */
unsigned pkeys_plan_vf(const struct sm *sm, struct endpoint e, uint16_t *ret, unsigned room);

/* pkeys-published.c: the tables of all end ports, for the SA. */
int pkeys_publish(struct sm *sm);
unsigned pkeys_published(const struct sm *sm, uint32_t port, uint16_t *ret, unsigned room);
/* The same, of a port or VF. */
unsigned pkeys_of_endpoint(const struct sm *sm, struct endpoint e, uint16_t *ret, unsigned room);
void pkeys_done(struct sm *sm);

/* alias-intent.c: who is to have which alias GUID. */
/* Entries of its GUIDInfo, the first of them its own; 0: no aliases can be there. */
unsigned aliases_capacity(const struct sm *sm, uint32_t port);
/* Room in vfs for entry @index: 0, -ENOMEM, -ENOSPC, or -EEXIST if the port has virtual ports. */
int aliases_make_room(struct sm *sm, uint32_t port, unsigned index);
/* 0, -ENOSPC or -ENOMEM. */
int aliases_want(struct sm *sm, struct endpoint e, uint64_t guid);
int aliases_unwant(struct sm *sm, struct endpoint e);
/* Why entry @e cannot have @guid although it is to, or NONE; */
enum reason aliases_obstacle(const struct sm *sm, struct endpoint e, uint64_t guid);
/* why it is not to have it in the first place. */
enum reason aliases_refusal(const struct sm *sm, struct endpoint e, uint64_t guid);
bool aliases_have_room(const struct sm *sm, struct endpoint e);
/* Say so, once and not with each request or sweep. */
void aliases_tell(struct sm *sm, struct endpoint e, uint64_t guid, enum reason reason);
void aliases_load(struct sm *sm, const struct kept_alias *kept);

/* alias.c: what devices hold of it. */
/* PortInfo was read. */
void aliases_look(struct sm *sm, uint32_t port);
/*
 * The port came up without a LID, and so without aliases; or it may have restarted unnoticed; or
 * somebody else may have written.
 */
void aliases_forget(struct sm *sm, uint32_t port);
void aliases_doubt_held(struct sm *sm, uint32_t port);
void aliases_doubt(struct sm *sm, uint32_t port);
bool aliases_are_unread(const struct sm *sm, uint32_t port);
bool aliases_are_to_be_written(const struct sm *sm, uint32_t port, unsigned block);
int aliases_plan(struct sm *sm);
bool aliases_ask_read(struct sm *sm, struct node *node, struct request *ret);
bool aliases_ask_write(struct sm *sm, struct node *node, struct request *ret);
void aliases_take(struct sm *sm, uint32_t port, const struct answer *answer);
void aliases_update_reasons(struct sm *sm, uint32_t port);

/* alias-request.c: requests to the SA that change it. */
uint16_t aliases_change(struct sm *sm, const struct guids_change *change, bool *ret_later);
/* What has changed is on the disk, and is written to the device. */
void aliases_write(struct sm *sm, uint32_t number);
/* Nothing more is to come of this block. */
bool aliases_are_done(const struct sm *sm, uint32_t number, unsigned block);
/* Some of it may be done. */
void aliases_settle(struct sm *sm);

/* service.c: services that hosts register. */
int services_start(struct sm *sm);
/* Those that were last set before loop_now() was @time. How many that was. */
unsigned services_end_before(struct sm *sm, uint64_t time);
uint16_t services_change(struct sm *sm, const struct service_change *change, struct service *ret);
void services_restore(struct sm *sm, const struct kept_registration *kept);

/* subscription.c: who is to be told of what. */
uint16_t subscriptions_change(struct sm *sm, const struct inform_change *change);
/* It does not acknowledge anything any more: all that it has is ended, and said. */
void subscriptions_bury(struct sm *sm, struct subscriber *to);
/* Those that were last made before loop_now() was @time. How many that was. */
unsigned subscriptions_end_before(struct sm *sm, uint64_t time);
void subscriptions_restore(struct sm *sm, const struct kept_registration *kept);

/* notice.c: what subscribers are told. */
void notices_init(struct sm *sm);
int notices_start(struct sm *sm);
void notices_drop(struct sm *sm);
void notices_done(struct sm *sm);
/* A GID came or went, of @port (GUID of the physical port), with these P_Keys. */
void notices_gid(struct sm *sm, bool in_service, uint64_t guid, uint64_t port, const uint16_t *keys,
		 unsigned n_keys);
/* A multicast group of this partition has got its first full member, or lost its last. */
void notices_group(struct sm *sm, bool created, const uint8_t mgid[static 16], uint16_t pkey);
/* A trap of the device of @port. */
void notices_forward(struct sm *sm, uint32_t port, const struct arrival *trap);

/* report.c: on its way to them. */
void reports_init(struct sm *sm);
int reports_start(struct sm *sm);
void reports_done(struct sm *sm);
void reports_add(struct sm *sm, struct subscriber *to, struct notice *notice);
void reports_pump(struct sm *sm);
void reports_take(struct sm *sm, const struct arrival *arrival);
/* It has shown that it is there: what was not acknowledged is tried now. */
void reports_wake(struct sm *sm, struct subscriber *to);
/* Nothing is told to it any more. */
void reports_forget(struct sm *sm, struct subscriber *to);
/* Nor to anybody. */
void reports_drop(struct sm *sm);

/* gids.c: which GIDs are in service. */
int gids_start(struct sm *sm);
void gids_done(struct sm *sm);
bool gid_is_in_service(const struct sm *sm, struct endpoint e);
/* A reconcile has ended; or something of this port alone is otherwise. */
void gids_look(struct sm *sm);
void gids_look_at_port(struct sm *sm, uint32_t port);
/* We are no longer master: what others tell of is not known. */
void gids_forget(struct sm *sm);

/* vport.c: virtual ports: when they are looked at. */
bool vports_are_announced(const struct sm *sm, uint32_t port);
void vports_look(struct sm *sm, uint32_t port, enum port_state before);
/* At the beginning of PHASE_READ. */
void vports_ask_all(struct sm *sm);
/* What its vports hold, and whether they are, is not known. */
void vports_doubt(struct sm *sm, uint32_t port);
/* The same, and no request about them is under way any more. */
void vports_drop(struct sm *sm, uint32_t port);
/* Copies of this Set may arrive late; and those that were noted are dead, see twin.c. */
void vports_note_twin(struct sm *sm, uint32_t port, const struct request *request);
void vports_doubt_twins(struct sm *sm, uint32_t port);
/* A trap told of vport @index (@changed: of what it is) or of any. */
void vports_told(struct sm *sm, uint32_t port, unsigned index, bool changed);
/* The port was told of another SM, and its clients that they have to register again. */
void vports_reregister(struct sm *sm, uint32_t port);

/* vport-read.c: what they are, and what they are called. */
bool vports_ask_read(struct sm *sm, struct node *node, struct request *ret);
void vports_take_read(struct sm *sm, uint32_t port, const struct answer *answer);
/* Has VirtualizationInfo changed? */
bool vports_is_news(const struct sm *sm, uint32_t port, const struct answer *answer);
bool vports_ask_name(struct sm *sm, struct node *node, struct request *ret);
void vports_take_name(struct sm *sm, uint32_t port, const struct answer *answer);
/* @again: also those that have a name. */
void vports_name_all(struct sm *sm, bool again);

/* vport-keys.c: their P_Key tables. */
bool vports_ask_keys(struct sm *sm, struct node *node, struct request *ret);
void vports_take_keys(struct sm *sm, uint32_t port, const struct answer *answer);

/* vport-plan.c: what they should have, and why they have not. */
/* The next that holds a LID of its own and is to have one, see adopt.c; false past the last. */
bool vports_next_holder(const struct sm *sm, struct vf_walk *walk, struct lid_holder *ret);
int vports_plan_lids(struct sm *sm);
unsigned vports_count_lids(const struct sm *sm);
void vports_update_reasons(struct sm *sm);
/* Of a port that is Active: what is wrong with its virtualization, or with its own vport. */
enum reason vports_reason_of_port(const struct sm *sm, uint32_t port);

/* vport-set.c: bringing them up. */
bool vports_ask_set(struct sm *sm, struct node *node, struct request *ret);
void vports_take_set(struct sm *sm, uint32_t port, const struct answer *answer);

/* vf-rules.c: what the operator allows virtual functions. */
/* The rule for those of this physical port, or NULL. Valid until the next configuration. */
const struct vf_policy *vf_rule_of(const struct sm *sm, uint32_t port);
/* False: which one that is, depends on what the device calls itself, which is not known yet. */
bool vf_rule_is_known(const struct sm *sm, uint32_t port);
/* Before a plan: find who is barred. */
void vf_rules_apply(struct sm *sm);
/* The device calls itself otherwise than before, or has been asked for the first time. */
void vf_rules_take_name(struct sm *sm, struct node *node);
/* A VF behind a virtual switch that rules keep from coming up? Who is Active already stays so. */
static inline bool port_is_barred(const struct port *port)
{
	return port->barred != REASON_NONE && port_state(port) != PORT_ACTIVE;
}

/* vport-ways.c: by which ways LIDs of vports are reached. False past the last. */
/* Spare LIDs, and those of VFs that are to move or are absent, too. */
bool columns_next(const struct sm *sm, struct columns *columns, struct column *ret);
void columns_done(struct columns *columns);

/* partition.c: what run time adds to the partitions of the file. */
int partition_init(struct sm *sm);
/* What the store has; then @given is taken over and used, or nothing is done. */
void partition_read_name(void *user, const struct kept_partition *partition);
void partition_read_member(void *user, const struct kept_member *member);
int partition_start(struct sm *sm, struct partitions *given);
/* The file was read again. Taken over also on failure, after which all is as before. */
int partition_replace(struct sm *sm, struct partitions *given);
/* What the file says is the caller's again; only partition_done() may follow. */
struct partitions *partition_take_given(struct sm *sm);
void partition_done(struct sm *sm);

/* absent.c: who has a LID and is not there. Before each plan of routes: 0 or -ENOMEM. */
int absents_plan(struct sm *sm);
/* The port of a switch at which it was, if it may have been there; or NO_PORT. */
uint32_t absent_exit(const struct sm *sm, const struct absent *a);
void absents_done(struct sm *sm);

/* adopt.c: who has a LID already. */
/* When all is read for the first time, before anybody gets a LID: 0 or -ENOMEM. */
int lids_adopt(struct sm *sm);

/* lids.c: who gets which LID. */
/* Is this a port that is to have one; and with which LMC? */
bool lids_takes_part(const struct fabric *f, uint32_t port);
uint8_t lids_lmc_of(const struct sm *sm, uint32_t port);
int lids_plan(struct sm *sm);
/* One LID for @guid, if need be that of who has been away for longest. 0, -ENOSPC or -ENOMEM. */
int lids_assign(struct sm *sm, uint64_t guid, uint8_t lmc);
/* Is one of @lid to @lid + 2^@lmc - 1 beyond last_lid? */
bool lids_are_beyond(const struct sm *sm, unsigned lid, unsigned lmc);

/* spares.c: LIDs for VFs that are not there yet. */
void spares_load(struct sm *sm, const struct kept_spares *kept);
/* The store has told all: those that are nobody's are spare. */
void spares_claim(struct sm *sm);
void spares_done(struct sm *sm);
/* One for a VF at this physical port, and spare no longer; 0: there is none. */
uint16_t spares_take(struct sm *sm, uint32_t port);
/* A device has these LIDs: if they are spare, they are its own. */
void spares_yield(struct sm *sm, unsigned lid, unsigned lmc);
/* One is free now; false: there is none. */
bool spares_give_up(struct sm *sm);
/* GUID of the port that @lid is spare for; 0: it is not. */
uint64_t spares_owner(const struct sm *sm, unsigned lid);
/*
 * For a plan: none beyond the forwarding tables; then, when all others have theirs, as many as
 * rules say; and what the store should know.
 */
void spares_fit(struct sm *sm);
int spares_plan(struct sm *sm);
void spares_keep(struct sm *sm);
/* At rest: what was taken is filled up again. */
void spares_refill(struct sm *sm);

/* moves.c: VFs that are to be elsewhere. */
void moves_load(struct sm *sm, const struct kept_move *kept);
/* May a VF with @guid come up at this physical port, as far as it is not to be elsewhere? */
bool moves_may_be_at(const struct sm *sm, uint64_t guid, uint32_t port);
/* For a plan: their LIDs are not given to others. */
void moves_see(struct sm *sm);
/* Where the way to its LID leads while it is away, though it was elsewhere last; or NO_PORT. */
uint32_t moves_way(const struct sm *sm, uint64_t guid);
/* At rest: who is Active at its new place has moved. */
void moves_settle(struct sm *sm);
/* In the store: where it is to be, or 0. That can be done once more without any room. */
int moves_keep(struct sm *sm, uint64_t guid, uint64_t to);
/* The store knows already: it is not to move any more. */
void moves_forget(struct sm *sm, uint64_t guid);

/* reserve.c: what the operator reserved. */
/* 0, or -EPERM: we are not to change anything. */
int reserve_check_master(const struct sm *sm, char why[static SM_WHY_SIZE]);
void reserve_init(struct sm *sm);
/* Those who wait are told that it will not be. */
void reserve_done(struct sm *sm);
/* The store has told all: their LIDs are theirs. */
void reserve_load(struct sm *sm);
/* Those that got a LID since keep it. */
void reserve_mark(struct sm *sm);
/* Has @guid a LID that the operator chose? */
bool reserve_has_lid(const struct sm *sm, uint64_t guid);

/* routes.c: forwarding tables, computed on another thread. */
/* 0: nothing to compute, 1: a job was started and sm_advance() will follow, -errno. */
int routes_plan(struct sm *sm);
/*
 * When there are tables: LIDs of vports, and spare ones, lead where those of their ports lead. 0; 1
 * if that is not as before, and new_columns is set; or -ENOMEM.
 */
int routes_add_vports(struct sm *sm);
/* Such a LID leads nowhere any more. */
void routes_drop(struct sm *sm, uint16_t lid);
/* There can be no plan now; sentence: see struct routing. */
void routes_fail(struct sm *sm, const char *trouble);
void routes_done(struct sm *sm);

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
/* NULL without memory. */
struct memory_entry *memory_find_or_add(struct sm *sm, uint64_t guid);
void memory_load(struct sm *sm);
void memory_done(struct sm *sm);
void memory_give(struct sm *sm, struct node *node);
/* What it did not keep may be tried again. */
void memory_forget_quirks(struct sm *sm, struct node *node);
void memory_keep_quirks(struct sm *sm);

/* reasons.c: why ports are as they are. */
void reasons_update(struct sm *sm);
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
