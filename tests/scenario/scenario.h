/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Stories about the subnet manager on the simulated fabric: the whole of it in this process, on
 * virtual time, over devices that have everything that real ones have.
 *
 *	scenario_build(s, graph_make_ft2(8));
 *	scenario_start_sm(s);
 *	scenario_settle(s);
 *	scenario_pull(s, scenario_link(s, 3));
 *	scenario_settle(s);
 *	scenario_expect_all_good(s);
 *
 * A story that ends badly prints its seed, what befell the fabric and what the subnet manager said;
 * VSM_SCENARIO_SEED in the environment replays it. VSM_SCENARIO_LOG=1 prints all as it happens.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/guid-map.h"
#include "base/loop.h"
#include "base/xoshiro.h"
#include "sm/sm.h"
#include "tests/common/graphs.h"
#include "tests/scenario/keeper.h"
#include "tests/scenario/transport-sim.h"
#include "tests/sim/endpoint.h"
#include "tests/sim/fabric.h"

enum {
	SCENARIO_MEMBERS = 512,
	SCENARIO_LINES = 400,    /* of events, and of the log, that are kept */
	SCENARIO_PATIENCE = 300, /* seconds until a fabric should be at rest */
};

/* A subnet manager, and the machine that it runs on. */
struct scenario_sm {
	struct scenario *scenario;
	struct sim_port *port;
	struct memory_keeper *keeper;
	struct transport *transport;
	struct sm *sm;    /* NULL: it does not run */
	struct conf conf; /* for the next start */
	unsigned starts;
	unsigned settled; /* reconciles that ended */
	uint32_t sweep;   /* of the last that was a sweep, its number */
	uint64_t swept;   /* and when it began */
	unsigned n_events[EVENT_KIND_COUNT];
};

struct scenario_member {
	uint64_t guid;
	uint16_t pkey; /* without the membership bit */
	bool full;
	bool added; /* at run time, and not in the file */
};

/* An index of a VF's P_Key table is one of its port's, where that had @pkey. */
struct scenario_key_place {
	struct sim_port *port; /* shared; NULL: no longer, as the port has it no longer */
	uint16_t index;
	uint16_t pkey; /* without the membership bit */
};

struct scenario_lines {
	char *line[SCENARIO_LINES];
	uint64_t n; /* that were added; the last SCENARIO_LINES of them are there */
};

struct scenario {
	uint64_t seed;
	struct xoshiro random; /* of the story; the fabric and the loop have their own */
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node **switches;
	struct sim_node **hosts;      /* everything that is no switch */
	struct sim_port **links;      /* one end of each cable, the switch's */
	struct sim_port **pfs;        /* ports with VFs, which are among the hosts */
	struct sim_port **vport_pfs;  /* ports with vports, which are among nothing else */
	uint64_t *vport_guids;        /* that vports had at first, each once */
	struct sim_port **shared_pfs; /* shared ports, in whose GUIDInfo their VFs are */
	uint64_t *shared_guids;       /* that these VFs had at first, each once */
	struct scenario_key_place *key_places;
	uint32_t n_switches;
	uint32_t n_hosts;
	uint32_t n_links;
	uint32_t n_pfs;
	uint32_t n_vport_pfs;
	uint32_t n_vport_guids;
	uint32_t n_shared_pfs;
	uint32_t n_shared_guids;
	uint32_t n_key_places;
	struct scenario_sm first;
	struct scenario_sm rival;
	uint64_t changed;              /* when something last befell the fabric */
	unsigned masters;              /* bits, when that was last looked at */
	struct scenario_sm *looked_at; /* by the invariants, just now; or NULL */
	unsigned last_masters;
	unsigned n_takeovers; /* that others are master than who was it last */

	/* Who is to be member of what, beside the default partition. */
	bool has_rules; /* the operator's may keep VFs down */
	bool closed;    /* the default partition has all ports but the subnet manager's limited, */
	bool vports_limited;     /* or only the vports; */
	unsigned n_given_groups; /* of the default partition, beside the broadcast group */
	unsigned n_applied;      /* how often partitions were read again */
	bool vports_outside; /* or it has no vport at all, as no file can say but sm/ takes it */
	struct scenario_member members[SCENARIO_MEMBERS];
	unsigned n_members;

	transport_sim_watch_fn sent; /* is shown all that both send; NULL: nobody is */
	void *sent_user;

	struct listener *listener;   /* see listener.h; NULL: nobody listens */
	struct sim_snapshot *before; /* scenario_before_change() */

	/* What no write into a forwarding table may do: see scenario_watch_write(). */
	bool lies;          /* a device does not do as it says */
	bool lied;          /* or did not, since all was good */
	bool was_safe;      /* just before the write at hand */
	char spoilt[512];   /* by the first that did; empty: none has */
	uint64_t n_watched; /* writes */
	bool was_tree;      /* the same of multicast tables: see scenario_watch_multicast() */
	uint64_t n_watched_multicast;
	uint64_t n_excused;
	struct guid_map lids; /* that GUIDs had when all was good */
	struct scenario_lines events;
	struct scenario_lines log;
};

/* ---- beginning and end ----------------------------------------------------------------------- */

/* The seed of the environment if it has one, else @seed. */
struct scenario *scenario_new(uint64_t seed);
void scenario_free(struct scenario *s); /* takes NULL */
/* For cmocka: a scenario with seed 1; one with 8 lanes; one of a small tree that is up; and no
 * scenario any more. */
int scenario_set_up(void **state);
int scenario_set_up_lanes(void **state);
int scenario_set_up_running(void **state);
int scenario_tear_down(void **state);
bool scenario_seed_of_environment(uint64_t *ret);

/* The fabric of @graph, which is freed; the first host is where the subnet manager runs. */
void scenario_build(struct scenario *s, struct made_graph *graph);

/* This port of a host gets VFs 1 to @count behind a switch in the HCA; started if @up. */
void scenario_add_vfs(struct scenario *s, struct sim_port *port, unsigned count, bool up);

/* This port of a host gets vports 1 to @count, started if @up. */
void scenario_add_vports(struct scenario *s, struct sim_port *port, unsigned count, bool up,
			 bool own_lids);

/*
 * This port of a host is shared by VFs 1 to @count, started if @up; their GUIDs are the subnet
 * manager's to choose if @sm_gives.
 */
void scenario_add_shared(struct scenario *s, struct sim_port *port, unsigned count, bool up,
			 bool sm_gives);

/* ---- what happens ---------------------------------------------------------------------------- */

void scenario_start_sm(struct scenario *s);
/* In order, with all that it wanted to keep kept. */
void scenario_stop_sm(struct scenario *s);
/* kill -9: kept is what was committed. */
void scenario_kill_sm(struct scenario *s);

/* Another one, at @port. */
void scenario_start_rival(struct scenario *s, struct sim_port *port, unsigned priority);
void scenario_stop_rival(struct scenario *s);
void scenario_kill_rival(struct scenario *s);
/* If its machine has no power it does not run either; whatever happens asks first. */
void scenario_bury_rival(struct scenario *s);
/* Its options were changed. */
void scenario_reconfigure(struct scenario *s, struct scenario_sm *m);

void scenario_pull(struct scenario *s, struct sim_port *port);
void scenario_plug(struct scenario *s, struct sim_port *port);
void scenario_power_off(struct scenario *s, struct sim_node *node);
void scenario_power_on(struct scenario *s, struct sim_node *node);
void scenario_reboot(struct scenario *s, struct sim_node *node);

/* @port has a cable again, and what leads on from there has power. */
void scenario_mend_link(struct scenario *s, struct sim_port *port);

/* Its GUID, with all that was made of it, goes along. VF @to_vf does not run. */
void scenario_move_vf(struct scenario *s, struct sim_port *pf, unsigned vf, struct sim_port *to,
		      unsigned to_vf);
/* With @node: for scenario_power_off() and scenario_power_on(). */
void scenario_power_vfs(const struct sim_node *node, bool on);

/* What the host does with vport @vf of @port. The guest takes its GUID along to @to_vf. */
void scenario_start_vport(struct scenario *s, struct sim_port *port, unsigned vf);
void scenario_stop_vport(struct scenario *s, struct sim_port *port, unsigned vf);
void scenario_set_vport_guid(struct scenario *s, struct sim_port *port, unsigned vf, uint64_t guid);
void scenario_move_vport(struct scenario *s, struct sim_port *port, unsigned vf,
			 struct sim_port *to, unsigned to_vf);

/* The same of VFs of a shared port. @guid 0: that of the subnet manager's choice. */
void scenario_start_shared(struct scenario *s, struct sim_port *port, unsigned vf);
void scenario_stop_shared(struct scenario *s, struct sim_port *port, unsigned vf);
void scenario_ask_guid(struct scenario *s, struct sim_port *port, unsigned vf, uint64_t guid);
void scenario_move_shared(struct scenario *s, struct sim_port *port, unsigned vf,
			  struct sim_port *to, unsigned to_vf);
/* Index @index of the VF is @physical of the port, or none: SIM_PKEY_INDEX_NONE. */
void scenario_map_key(struct scenario *s, struct sim_port *port, unsigned vf, unsigned index,
		      unsigned physical);
/* Where the keys of @node, or of all, go is anew; or where this one of a port goes. */
void scenario_forget_key_places(struct scenario *s, const struct sim_node *node);
void scenario_forget_key_place(struct scenario *s, uint64_t guid, uint16_t pkey);

/* For the next scenario_apply_partitions(); a @pkey of 1 to 0x7ffe. */
void scenario_join(struct scenario *s, struct sim_port *port, uint16_t pkey, bool full);
void scenario_join_guid(struct scenario *s, uint64_t guid, uint16_t pkey, bool full);
/* The n-th member, whatever it is member of. */
void scenario_leave(struct scenario *s, unsigned n);
void scenario_leave_all(struct scenario *s);
/* At run time, of the one that runs; returns with its answer. Also again, and of who is not there.
 */
void scenario_add(struct scenario *s, struct sim_port *port, uint16_t pkey, bool full);
void scenario_remove(struct scenario *s, struct sim_port *port, uint16_t pkey);
void scenario_add_guid(struct scenario *s, uint64_t guid, uint16_t pkey, bool full);
void scenario_remove_guid(struct scenario *s, uint64_t guid, uint16_t pkey);
/* Ask for it and wait for nothing. */
void scenario_ask_to_add(struct scenario *s, struct sim_port *port, uint16_t pkey, bool full);
/* Also at once if it runs. */
void scenario_apply_partitions(struct scenario *s);

void scenario_run(struct scenario *s, uint64_t duration);
/* Until a sweep that began after the last that happened has ended, and no request is under way. */
void scenario_settle(struct scenario *s);
bool scenario_settles_within(struct scenario *s, unsigned seconds);

/* A line that sim_fault_parse() takes: `loss "S0"[1] 10%`; and all of them are over. */
void scenario_fault(struct scenario *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void scenario_clear_faults(struct scenario *s);
/* A fault too, @node restarts with the GUIDs of @other; and at its end as itself. */
void scenario_twin(struct scenario *s, struct sim_node *node, const struct sim_node *other);
bool scenario_is_twin(const struct sim_node *node);

/* Something that this file does not know happens now; also goes into the list of events. */
void scenario_happens(struct scenario *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- looking --------------------------------------------------------------------------------- */

uint64_t scenario_random(struct scenario *s, uint64_t below);
struct sim_port *scenario_link(struct scenario *s, uint32_t n); /* from the end if too many */
struct sim_port *scenario_host(struct scenario *s, uint32_t n); /* its first port */
struct sim_port *scenario_vf(const struct sim_port *pf, unsigned vf);

/* The one that is master, or NULL; and a bit for each that is, 1 the first and 2 the rival. */
struct scenario_sm *scenario_master(struct scenario *s);
unsigned scenario_masters(const struct scenario *s);
void scenario_note_masters(struct scenario *s); /* for n_takeovers */
struct sm_status scenario_status(const struct scenario_sm *sm);
/* Its GUID also while it goes by another. */
uint64_t scenario_own_guid(const struct sim_port *port);
/* Is it a member of anything? Only a vport may be of nothing. */
bool scenario_has_partition(const struct scenario *s, const struct sim_endpoint *e);
/* Is the port with @guid to have this key? */
bool scenario_is_member(const struct scenario *s, uint64_t guid, uint16_t pkey);
/* The key of the reason that the master gives for @port. */
const char *scenario_reason(struct scenario *s, const struct sim_port *port);

/* What the first subnet manager told last, of this kind. */
const char *scenario_last_event(const struct scenario *s, enum event_kind kind);

/* Are they to reach each other, as members go, and of VFs of a shared port the keys they see? */
bool scenario_may_talk(struct scenario *s, struct sim_port *a, struct sim_port *b);
bool scenario_endpoints_may_talk(struct scenario *s, const struct sim_endpoint *a,
				 const struct sim_endpoint *b);

/* What the master knows of vport @vf of @port, NULL: nothing; and the key of its reason. */
struct vf;
const struct vf *scenario_known_vport(struct scenario *s, const struct sim_port *port, unsigned vf);
const char *scenario_vport_reason(struct scenario *s, const struct sim_port *port, unsigned vf);
void scenario_print_shared(const struct scenario *s); /* as their devices and drivers have them */
/* The same of a VF of a shared port. */
const char *scenario_shared_reason(struct scenario *s, const struct sim_port *port, unsigned vf);
/* A GUID that a vport had and none has now; 0: there is none. */
uint64_t scenario_free_vport_guid(const struct scenario *s);
/* Is there one that is up, should not be, and does not let itself be told so? */
bool scenario_vports_refuse(struct scenario *s);
/* No port has a change of its vports that the master has not been told of. */
bool scenario_vports_are_told(struct scenario *s);

/* One way and the other of all that nobody has written down; NULL past the last. */
const struct sim_quirks *scenario_vport_reading(unsigned n);

/* What happened and was said so far takes memory. */
void scenario_forget_lines(struct scenario *s);

/* The end of the story. */
void scenario_fail(struct scenario *s, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* ---- what must hold: invariants.c ------------------------------------------------------------ */

/* All of it, or the story ends; a further sweep writes nothing either. */
void scenario_expect_all_good(struct scenario *s);
/* Once it has settled. */
void scenario_is_good_again(struct scenario *s);
/* A fabric of this graph with a subnet manager, and all is good. */
void scenario_comes_up(struct scenario *s, struct made_graph *graph);
/* All is good within so many seconds: something was given up on and is tried again ever less often.
 */
void scenario_expect_good_within(struct scenario *s, unsigned seconds);
/*
 * Routes may use as many virtual lanes; one, if nobody calls this. From the next start or reload
 * on.
 */
void scenario_allow_lanes(struct scenario *s, unsigned n);
/*
 * Tables change switch by switch and in any order: from those of scenario_before_change() to what
 * is there now, no links can have waited for each other in a circle.
 */
void scenario_before_change(struct scenario *s);
void scenario_expect_no_waiting(struct scenario *s);
/*
 * Before and after each write into a forwarding table: what was safe before, without a circle of
 * routes or of links that wait for each other, is so after it. Nobody can promise that while the
 * master does not know who sends, or what a switch holds: while somebody is left out as it does not
 * answer or has the GUID of another, or a switch does not do what it is told, and when one has lied
 * about it; nor while there are two masters, whose parts have just been joined. Then the write is
 * excused.
 */
void scenario_watch_write(struct scenario *s, bool before);
/* The same of multicast tables: no packet goes in a circle. */
void scenario_watch_multicast(struct scenario *s, bool before);
/* There is one master, and it knows all that sends. */
bool scenario_is_sure(struct scenario *s);
/* But for what is at or behind @port, which is bad. */
void scenario_expect_good_but(struct scenario *s, const struct sim_port *port);

/*
 * What the SA says of the ways between some of those that are up, asked as MADs: right, and nothing
 * of who must not be talked to. Time goes by.
 */
void scenario_expect_paths(struct scenario *s);

/* LIDs may be others now: a subnet manager without the memory of the one before gives them. */
void scenario_forget_lids(struct scenario *s);
/* Do SMPs get from @a to @b? */
bool scenario_is_connected(struct scenario *s, struct sim_port *a, const struct sim_port *b);

/* False, and the sentence in @why. */
bool scenario_is_good(struct scenario *s, const struct sim_port *but, char why[static 512]);
