/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Programs that are attached to the simulated fabric from outside: what server.c (ibsim's
 * datagrams) and stream-server.c (streams) have in common. Who they are, what the control messages
 * of both answer, how packets look there, and when what they are sent is written.
 */

#include <stddef.h>
#include <sys/types.h>

#include "tests/sim/fabric.h"
#include "tests/sim/linger.h"
#include "tests/sim/stream.h"

enum {
	GUEST_ETIMEDOUT = 110, /* the status of what could not be delivered */

	GUEST_MOST_READS = 16, /* in a row, while others wait */
};

struct guests {
	struct sim_fabric *fabric;
	struct list all;
	struct list dirty; /* that have something to be flushed */
	struct list hot;   /* that are read whenever the loop goes round; nobody waits for them */
	unsigned depth;
	struct linger_state linger;
	struct loop_timer *look; /* so that the loop goes round, and does not sleep */
};

struct guest {
	struct sim_client client;
	struct guests *guests;
	struct list of_all;
	struct list of_dirty;
	struct list of_hot;
	struct linger_flow flow;
	pid_t pid;        /* as it says; 0: from another machine */
	const char *kind; /* "datagrams" */
	uint64_t n_lost;  /* did not fit into its queue, as it reads too slowly */
	void (*flush)(struct guest *guest);
	void (*kick)(struct guest *guest);    /* disconnect it */
	bool (*is_gone)(struct guest *guest); /* its process, of which nobody has told yet */
	/* For guest_heard(): read what has come, false: nothing has; and wait for more or not, as
	 * guest_is_hot() says. */
	bool (*read)(struct guest *guest);
	void (*wait)(struct guest *guest);
};

int guests_init(struct guests *guests, struct sim_fabric *fabric); /* 0 or -errno */
void guests_done(struct guests *guests);                           /* takes zeros */

/*
 * The port that @where names: a node's name, description or GUID, "" for the first node, and behind
 * it perhaps "[port]" and "/vf". NULL if there is none.
 */
struct sim_port *guests_find(struct guests *guests, const char *where, unsigned *ret_vf);

/* @guest is zeroed but for its functions. -EBUSY: there are too many; -ENOENT:
 * no such VF. */
int guest_attach(struct guests *guests, struct guest *guest, struct sim_port *port, unsigned vf);
void guest_detach(struct guest *guest); /* also if it is not attached */

/*
 * What guests are sent is flushed when the outermost bracket ends, or, outside of all, at once. So
 * the answers to what came with one read leave with one write.
 */
void guests_begin(struct guests *guests);
void guests_end(struct guests *guests);
void guest_touch(struct guest *guest);

/* Something came from a guest: the loop does not sleep for a while, as linger.h has it. */
void guests_heard(struct guests *guests);

/*
 * @n packets came from @guest, which has read() and wait(). While the loop does not sleep for its
 * sake it is hot: read in each round, and not waited for. That costs its process less, which has to
 * tell each time that it has sent something to whom somebody waits.
 */
void guest_count(struct guest *guest, unsigned n);
void guest_heard(struct guest *guest); /* after it was read because it was waited for */
bool guest_is_hot(const struct guest *guest);

/* Its port as the guest sees it: of a virtual function, that one's. */
struct guest_view {
	uint64_t guid;
	uint16_t lid;
	enum sim_state state;
};

void guest_look(const struct guest *guest, struct guest_view *ret);

/* The same of an entry of the P_Key table of @of, a port of its node; in network order. */
ib_net16_t guest_pkey(const struct guest *guest, const struct sim_port *of, unsigned index);

/* One of ibsim's questions about the port of @guest; @data has the answer. 0 or -errno. */
int guest_control(struct guest *guest, unsigned type, uint8_t data[static IBSIM_CTL_DATA]);

/* -EBUSY: there is an SM at its port, and that one lives. */
int guest_set_is_sm(struct guest *guest, bool is_sm);

/* A packet of a guest; false: it is none. */
bool guest_decode(const struct ibsim_packet *from, struct sim_packet *ret);
void guest_encode(const struct sim_packet *from, struct ibsim_packet *ret);
