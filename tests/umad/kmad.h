/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The kernel's MAD layer and its umad files, as a library: no descriptor, no thread, no clock.
 *
 * A kmad_port is what the kernel has for a port: agents, sends that wait, messages that are being
 * put together. A kmad_file is an open umad%d: up to 32 agents and a queue of records to read.
 * Packets go out through @send, come in through kmad_receive(), and time passes when
 * kmad_run_timers() says so. Nothing is locked here: one caller at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/timer-queue.h"
#include "tests/sim/stream.h"
#include "tests/umad/wire.h"

#define KMAD_MSEC UINT64_C(1000000)

enum {
	KMAD_AGENTS = 32,          /* of a file */
	KMAD_HEADER = 64,          /* of a record */
	KMAD_OLD_HEADER = 56,      /* without a P_Key index */
	KMAD_OUIS = 8,             /* of a vendor class */
	KMAD_QUEUE_MAX = 200000,   /* received records of a file */
	KMAD_WINDOW = 64,          /* segments that may come without our ACK */
	KMAD_ACK_MSEC = 2000,      /* for an ACK */
	KMAD_MESSAGE_MSEC = 40000, /* for a whole message */
	KMAD_REACK_MSEC = 10000,   /* that a message is remembered for */
	KMAD_MESSAGES = 8192, /* of an agent: under way, or remembered. The kernel has no limit */
	KMAD_BUCKETS = 256,
	KMAD_SEGMENTS_MAX = 1 << 20 /* of a message. The kernel has no limit */
};

/* Offsets in a record's header. */
enum {
	AT_ID = 0,
	AT_STATUS = 4,
	AT_TIMEOUT = 8,
	AT_RETRIES = 12,
	AT_LENGTH = 16,
	AT_QPN = 20,
	AT_LID = 28,
	AT_SL = 30,
	AT_PATH_BITS = 31,
	AT_GRH = 32,
	AT_GID_INDEX = 33,
	AT_HOP_LIMIT = 34,
	AT_TRAFFIC_CLASS = 35,
	AT_GID = 36,
	AT_FLOW_LABEL = 52,
	AT_PKEY_INDEX = 56,
};

/* A MAD on its way, with what the address handle or the work completion says about it. */
struct kmad_packet {
	uint16_t lid;     /* of the other side */
	uint32_t qp;      /* of the other side */
	uint8_t qp_index; /* our own: 0 or 1 */
	uint8_t sl;
	uint8_t path_bits;
	uint8_t lmc; /* received: that many path bits count */
	uint8_t grh; /* 0 or 1 */
	uint8_t gid_index;
	uint8_t hop_limit;
	uint8_t traffic_class;
	uint16_t pkey_index;
	uint32_t flow_label;
	uint8_t gid[16]; /* of the other side */
	uint8_t mad[WIRE_SIZE];
};

struct kmad_agent;

struct kmad_ops {
	uint64_t (*now)(void *user); /* nanoseconds */
	void (*send)(void *user, const struct kmad_packet *packet);
	/* Methods that an agent wants: the other programs on the port must not have them. 0 or
	 * -errno */
	int (*claim)(void *user, uint32_t id, const struct kmad_agent *agent);
	void (*unclaim)(void *user, uint32_t id);
};

struct kmad_port {
	const struct kmad_ops *ops;
	void *user;
	uint8_t number;
	bool is_switch;
	enum stream_smi smi;
	bool gone;          /* as if the device had been removed */
	uint16_t client;    /* bits 63 to 48 of our TIDs */
	uint16_t serial;    /* last agent's, bits 47 to 32 */
	uint32_t gids;      /* in the port's table */
	uint32_t queue_max; /* KMAD_QUEUE_MAX, or less in tests */
	struct list agents; /* kmad_agent.link */
	struct timer_queue timers;
};

/* Something that is due at a time. */
struct kmad_timer {
	struct timer_entry entry;
	void (*expired)(struct kmad_timer *timer);
};

/* One for each registration. */
struct kmad_agent {
	struct list link; /* in the port */
	struct kmad_port *port;
	struct kmad_file *file;
	uint32_t id; /* in the file */
	uint32_t hi_tid;
	uint8_t qp_index;
	uint8_t class; /* 0: sends only */
	uint8_t version;
	uint8_t oui[3];
	uint8_t rmpp_version;
	bool user_rmpp;
	bool claimed;
	uint8_t methods[16];
	struct list sends;                 /* kmad_send.agent_link */
	struct list messages;              /* kmad_message.link, the oldest first */
	struct list buckets[KMAD_BUCKETS]; /* kmad_message.same_bucket, by TID */
	uint32_t n_messages;
};

struct kmad_file {
	struct kmad_port *port;
	bool used;       /* an agent was registered, or P_Key indices enabled */
	bool pkey_index; /* the header is KMAD_HEADER long */
	struct kmad_agent *agents[KMAD_AGENTS];
	struct list records; /* kmad_record.link */
	uint32_t n_received;
	void (*readable)(void *user, bool yes); /* the queue is not empty any more, or is */
	void *user;
};

/* To be read. */
struct kmad_record {
	struct list link;
	bool timed_out;
	uint32_t length; /* of the MAD */
	uint8_t header[KMAD_HEADER];
	uint8_t mad[];
};

/* A send that waits: for a response, or for ACKs. */
struct kmad_send {
	struct list agent_link;
	struct kmad_agent *agent;
	struct kmad_timer timer;
	struct kmad_packet packet; /* address; for RMPP: the segment sent last */
	uint8_t header[KMAD_HEADER];
	uint64_t tid;
	uint32_t timeout_ms;
	uint32_t retries;
	uint32_t retries_left;

	bool rmpp;
	uint8_t *message; /* the data of all segments, padded */
	uint32_t length;  /* of the data, not padded */
	uint32_t data_at;
	uint32_t data_size;
	uint32_t segments;
	uint32_t segment; /* sent last */
	uint32_t last_ack;
	uint32_t window;
};

/* A message that is being put together, or was, in the last 10 s. */
struct kmad_message {
	struct list link;
	struct list same_bucket;
	struct kmad_agent *agent;
	struct kmad_timer timer;
	struct kmad_packet first; /* also what ACKs and ABORTs are addressed by */
	bool complete;
	uint32_t segment; /* all up to this one are here */
	uint32_t window;
	uint32_t reply_window; /* that the other side announced for our answer */
	uint8_t *data;         /* of segments 1 to @segment */
	size_t reserved;
	struct kmad_packet *early[KMAD_WINDOW]; /* segment n at n % KMAD_WINDOW */
};

/* ---- ports ----------------------------------------------------------------------------------- */

void kmad_port_init(struct kmad_port *port, const struct kmad_ops *ops, void *user);

void kmad_port_done(struct kmad_port *port);

/* A packet for this port has come. */
void kmad_receive(struct kmad_port *port, const struct kmad_packet *packet);

/* Does what is due. The time of the next, UINT64_MAX if there is none. */
uint64_t kmad_run_timers(struct kmad_port *port);

/* When the next timer is due, UINT64_MAX if there is none. */
uint64_t kmad_next_timer(const struct kmad_port *port);

/* ---- files: what a program does -------------------------------------------------------------- */

void kmad_file_init(struct kmad_file *file, struct kmad_port *port,
		    void (*readable)(void *user, bool yes), void *user);

/* Takes back all agents, drops all records. */
void kmad_file_done(struct kmad_file *file);

/* What read(), write() and ioctl() return, or -errno. -EAGAIN: nothing to read. */
long kmad_file_read(struct kmad_file *file, uint8_t *buffer, size_t count);
long kmad_file_write(struct kmad_file *file, const uint8_t *buffer, size_t count);
int kmad_file_ioctl(struct kmad_file *file, unsigned long request, void *argument);

/* ---- between the parts ----------------------------------------------------------------------- */

/* What an agent is asked for with. */
struct kmad_registration {
	uint32_t qpn;
	uint8_t class;
	uint8_t version;
	uint8_t oui[3];
	uint8_t rmpp_version;
	bool user_rmpp;
	uint8_t methods[16];
};

int agent_register(struct kmad_file *file, const struct kmad_registration *r, uint32_t *ret_id);
int agent_unregister(struct kmad_file *file, uint32_t id);
void agent_free(struct kmad_agent *agent);

/* Whose is it? NULL: nobody's. */
struct kmad_agent *agent_by_tid(struct kmad_port *port, const uint8_t *mad);
struct kmad_agent *agent_by_method(struct kmad_port *port, const uint8_t *mad);

static inline bool agent_has_method(const struct kmad_agent *agent, uint8_t method)
{
	return agent->methods[(method & 0x7f) / 8] >> (method % 8) & 1;
}

/* The kernel cuts up and puts together for it. */
static inline bool agent_has_kernel_rmpp(const struct kmad_agent *agent)
{
	return agent->rmpp_version && !agent->user_rmpp;
}

/* Puts a MAD into the queue of the agent's file. */
void kmad_deliver(struct kmad_agent *agent, const struct kmad_packet *packet, const uint8_t *mad,
		  uint32_t length);

/* The send that this is the response to (or, for RMPP, an ACK of), or NULL. */
struct kmad_send *kmad_match(struct kmad_agent *agent, const struct kmad_packet *packet);

void kmad_send_free(struct kmad_send *send);
void kmad_set_timer(struct kmad_port *port, struct kmad_timer *timer, uint64_t msec);
void kmad_stop_timer(struct kmad_port *port, struct kmad_timer *timer);

/* A MAD, or a whole message, has come for an agent: a response ends the request. */
void kmad_complete(struct kmad_agent *agent, const struct kmad_packet *packet, const uint8_t *mad,
		   uint32_t length);

/* A new send takes part; NULL: no memory. */
struct kmad_send *kmad_send_new(struct kmad_agent *agent);

/* rmpp-send.c */
int rmpp_start(struct kmad_send *send, const uint8_t *message, size_t length);
/* Sends again from what is not acknowledged; false: there is nothing more to send. */
bool rmpp_send_again(struct kmad_send *send);
void rmpp_acknowledged(struct kmad_agent *agent, const struct kmad_packet *packet);
void rmpp_stopped(struct kmad_agent *agent, const struct kmad_packet *packet, bool abort);
/* The other side did wrong: the send that it is about ends, and it is told. */
void rmpp_reject(struct kmad_agent *agent, const struct kmad_packet *packet, uint8_t status);

/* rmpp-receive.c. True: @packet goes on to the agent as it is. */
bool rmpp_receive(struct kmad_agent *agent, const struct kmad_packet *packet);
void rmpp_message_free(struct kmad_message *message);
struct kmad_message *rmpp_find(struct kmad_agent *agent, const struct kmad_packet *packet);
/* How many segments of an answer may be sent before the first ACK. */
uint32_t rmpp_first_window(struct kmad_agent *agent, const struct kmad_packet *packet);
/* A reply of the protocol's own: the method is turned, there is no data. */
void rmpp_reply(struct kmad_agent *agent, const struct kmad_packet *to, uint8_t type,
		uint8_t status, uint32_t segment, uint32_t window);

enum rmpp {
	RMPP_DATA = 1,
	RMPP_ACK = 2,
	RMPP_STOP = 3,
	RMPP_ABORT = 4,

	RMPP_ACTIVE = 1,
	RMPP_FIRST = 2,
	RMPP_LAST = 4,

	RMPP_PAYLOAD = 220, /* from WIRE_RMPP_HEADER to the end */

	RMPP_NO_RESOURCES = 1, /* of a STOP */
	RMPP_TOO_LONG = 118,
	RMPP_BAD_SEGMENT = 120,
	RMPP_BAD_TYPE = 121,
	RMPP_WINDOW_TOO_SMALL = 122,
	RMPP_SEGMENT_TOO_BIG = 123,
	RMPP_BAD_STATUS = 124,
	RMPP_BAD_VERSION = 125,
	RMPP_ABORT_MAX = 127,
};
