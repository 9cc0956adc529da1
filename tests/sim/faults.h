/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What goes wrong, all drawn from the fabric's one seed: the same seed and the same calls give the
 * same run. forward.c asks the first part where a device or a link has faults at all; a NULL costs
 * nothing. The second part is for tests, and the third the same as lines of text, for the console
 * and for what a test that failed says.
 *
 * Faults of a link belong to a direction: to what leaves a port. Faults of a node are a device that
 * is slow, and rules by which its agents ignore, refuse, forget and lie.
 */

#include <stdio.h>

#include "base/list.h"
#include "tests/sim/fabric.h"

/* Chances are parts of this; they draw only if they are neither 0 nor all. */
enum { SIM_ALWAYS = 1000000 };

/* ---- asked by others ------------------------------------------------------------------------- */

struct sim_fate {
	uint64_t delay; /* ns */
	bool doubled;   /* a copy arrives at the same time */
};

/* @packet leaves by @out: SIM_PASSED, and what becomes of it; or SIM_DROP_LOST. */
enum sim_drop sim_fault_wire(struct sim_port *out, struct sim_packet *packet,
			     struct sim_fate *fate);

/*
 * A request for the agents of a device reached them. True: answer now. False: it was lost (and
 * counted), or is held until its turn comes, when sim_deliver() gets it.
 */
bool sim_fault_request(struct sim_port *at, struct sim_packet *packet);

/* The answer to a request of @method that would leave; false: none does. */
bool sim_fault_answer(struct sim_port *at, struct sim_packet *packet, uint8_t method);

/* Set and its kin are acknowledged but not done. Asked by sma.c before it does anything. */
bool sim_fault_forgets(struct sim_port *at, const struct sim_packet *packet);

/* The power of @node went off or on: what its agent had before it is gone. */
void sim_fault_power(struct sim_node *node);

void sim_faults_free(struct sim_node *node);

/* ---- links ----------------------------------------------------------------------------------- */

struct sim_rates {
	uint32_t loss;       /* chance that a packet is lost */
	uint32_t duplicate;  /* that it arrives twice */
	uint32_t reorder;    /* that it is held back, and others overtake it, ... */
	uint64_t reorder_by; /* ... by up to so many ns */
	uint64_t delay;      /* ns, of all packets */
	uint64_t jitter;     /* up to so much more; the order stays */
};

struct sim_flap {
	uint64_t period; /* from when the link is whole until it breaks */
	uint64_t down;   /* and from there until it is whole */
	uint64_t jitter; /* both up to so much longer */
	uint32_t times;  /* 0: for ever */
};

/* What a trap says of its sender. */
struct sim_notice {
	uint16_t trap;
	bool of_vport; /* 1144, 1146, 1257, 1258: a vendor's, and about vport @vport */
	uint16_t vport;
};

struct sim_storm {
	struct sim_notice notice;
	uint64_t every;
	uint32_t times; /* 0: for ever */
};

struct sim_link_faults {
	struct sim_rates rates;
	uint64_t last; /* when what left last arrives */

	struct sim_flap flap;
	bool is_pulled; /* by the flap */
	struct loop_timer *flap_timer;

	struct sim_storm storm;
	uint32_t storm_tid;
	struct loop_timer *storm_timer;
};

/* Of what leaves @port; to be written to. NULL: no memory. */
struct sim_rates *sim_fault_rates(struct sim_port *port);

/* The cable of @port is pulled and plugged. 0 or -ENOMEM; -EINVAL: period or down is 0. */
int sim_fault_flap(struct sim_port *port, const struct sim_flap *flap);

/*
 * The device of @port sends a trap over and over, whether or not it is repressed, and whatever the
 * state of its ports. 0 or -ENOMEM; -EINVAL: every 0.
 */
int sim_fault_storm(struct sim_port *port, const struct sim_storm *storm);

/* One trap to the SM of @port, that claims to come from @lid. */
void sim_fault_forge(struct sim_port *port, struct sim_notice notice, uint16_t lid);

void sim_fault_clear_port(struct sim_port *port);

/* ---- nodes ----------------------------------------------------------------------------------- */

enum sim_lie {
	SIM_LIE_SILENT, /* the request is not even looked at */
	SIM_LIE_MUTE,   /* it is done, and no answer leaves */
	SIM_LIE_REFUSE, /* it is not done, and the answer has status @value */
	SIM_LIE_STATUS, /* it is done, and the answer has status @value */
	SIM_LIE_FORGET, /* Set: it is acknowledged, and not done */
	SIM_LIE_FIELD,  /* @width bits of the data, from bit @bit on, are @value in the answer */
	SIM_LIE_TID,    /* the answer has another TID */
	SIM_LIE_SHORT,  /* the table that is @attribute ends after @value entries, whatever it says
			 */
	SIM_LIE_GARBLE, /* the answer is malformed; @value: enum sim_garble, 0: any of them */
	SIM_LIE_N,
};

enum sim_garble {
	SIM_GARBLE_BYTES = 1,   /* up to eight bytes, anywhere */
	SIM_GARBLE_LENGTH = 2,  /* it is cut */
	SIM_GARBLE_VERSION = 4, /* of the base or the class */
};

struct sim_rule {
	enum sim_lie lie;
	uint8_t mgmt_class; /* SIM_CLASS_LID: SMPs of both classes, SIM_CLASS_PERF; 0: both */
	uint8_t method;     /* SIM_GET, SIM_SET; 0: any */
	uint16_t attribute; /* 0: any */
	bool has_modifier;  /* only those with this one */
	uint32_t modifier;
	uint32_t chance;
	uint32_t times; /* 0: for ever */
	uint16_t bit;
	uint8_t width; /* 1 to 64 */
	uint64_t value;
};

enum {
	SIM_RULES_MAX = 64,
	SIM_WAITING_MAX = 65536, /* of a buffer that has no limit of its own */
};

struct sim_service {
	uint64_t time;   /* ns for each SMP, one at a time; 0: at once */
	uint64_t jitter; /* up to so much longer */
	uint32_t buffer; /* SMPs that may wait for it on VL15; more are dropped. 0: no limit */
};

/* What a node said before it had the GUIDs of another. */
struct sim_identity {
	const struct sim_node *twin;
	ib_net64_t node_guid;
	ib_net64_t system_guid;
	uint64_t guids[]; /* of ports */
};

struct sim_node_faults {
	struct sim_rule rules[SIM_RULES_MAX];
	unsigned n_rules;
	bool has_refused; /* the Set that is at work just now, by its TID */
	ib_net64_t refused;
	uint16_t refused_with;

	struct sim_service service;
	struct list waiting; /* struct sim_waiting; the first is being served */
	uint32_t n_waiting;
	struct loop_timer *timer;

	bool dies;
	bool dies_silent;    /* stays powered, with all its links */
	uint32_t dies_after; /* so many answers */

	struct sim_identity *own; /* NULL: it is itself */
};

/* Added to the others, which keep their order. -ENOSPC: SIM_RULES_MAX; -EINVAL, -ENOMEM. */
int sim_fault_rule(struct sim_node *node, const struct sim_rule *rule);

int sim_fault_service(struct sim_node *node, const struct sim_service *service);

/* After @n more answers one request is done, and then @node loses power (or is @silent) instead. */
int sim_fault_die(struct sim_node *node, uint32_t n, bool silent);

/* @node has the GUIDs of @other: of the node, the system, and of as many ports as both have. */
int sim_fault_twin(struct sim_node *node, const struct sim_node *other);

/* What waits for @node is served at once. Its links are left as they are. */
void sim_fault_clear_node(struct sim_node *node);

void sim_fault_clear(struct sim_fabric *fabric);

/* ---- as text --------------------------------------------------------------------------------- */

enum { SIM_FAULT_WHY = 128 };

/*
 * One fault: `loss "H-1"[1] 10%`. 0; otherwise -errno, and a sentence in @why. Nothing is done
 * then.
 */
int sim_fault_parse(struct sim_fabric *fabric, const char *line, char why[static SIM_FAULT_WHY]);

/* All faults there are, a line each that sim_fault_parse() takes. */
void sim_fault_list(const struct sim_fabric *fabric, FILE *out);

/* What there is to say, a line each. */
void sim_fault_help(FILE *out);

/* The same for a person: also `list` and `help`, which write to @out. */
int sim_fault_command(struct sim_fabric *fabric, const char *line, FILE *out,
		      char why[static SIM_FAULT_WHY]);

/* ---- among the files of faults --------------------------------------------------------------- */

bool sim_fault_draw(struct sim_fabric *fabric, uint32_t chance);
uint64_t sim_fault_up_to(struct sim_fabric *fabric, uint64_t most); /* 0 to @most */
struct sim_link_faults *sim_fault_of_link(struct sim_port *port);   /* NULL: no memory */
struct sim_node_faults *sim_fault_of_node(struct sim_node *node);

/* Rules: is it ignored, may its answer leave (perhaps changed), and what tables do to a Set. */
bool sim_fault_ignores(struct sim_port *at, const struct sim_packet *p);
void sim_fault_shorten(const struct sim_node_faults *f, struct sim_packet *p);
bool sim_fault_falsify(struct sim_port *at, struct sim_packet *p, uint8_t method);
void sim_fault_be_oneself(struct sim_node *node);
