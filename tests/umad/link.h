/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A connection to the simulator: one attachment to one port, by vsm-sim's stream or by ibsim's
 * datagrams. Nothing is locked here, and nothing waits but link_open() and link_control(), and they
 * not for long.
 */

#include "tests/sim/stream.h"
#include "tests/umad/kmad.h"

#define LINK_PATIENCE_MSEC 5000 /* for the answer to a control message */

struct link_place {
	char base[64];   /* $IBSIM_SOCKNAME */
	char server[64]; /* $IBSIM_SERVER_NAME; "": this machine */
	unsigned server_port;
	char node[64]; /* $SIM_HOST */
	unsigned port; /* 0: the first */
	unsigned vf;
	bool issm; /* $SIM_SET_ISSM */
};

struct link_buffer {
	uint8_t *bytes;
	size_t from;
	size_t to;
	size_t size;
};

struct link {
	bool stream;
	bool broken;
	int fd;      /* packets; of a stream also control messages */
	int control; /* of datagrams, otherwise -1 */
	uint32_t client;
	uint8_t port; /* that we are attached to, of a stream */
	struct link_buffer in;
	struct link_buffer out;

	void (*received)(void *user, const struct kmad_packet *packet);
	void *user;

	struct stream_control answer; /* that has arrived */
	uint8_t answer_data[STREAM_FRAME_MAX];
	bool answered;
	uint32_t probe; /* lower half of the TID of a question of our own; 0: none */
	uint8_t probe_data[64];
	bool probe_answered;
};

/* The place that the environment names. */
void link_place_init(struct link_place *place);

/*
 * Attaches. -ECONNREFUSED: no simulator is there; what one said that is there: -ENOENT, -ENODEV,
 * -EAGAIN and others.
 */
int link_open(const struct link_place *place,
	      void (*received)(void *user, const struct kmad_packet *packet), void *user,
	      struct link **ret);
void link_close(struct link *link);

/* Puts a packet into the buffer. */
void link_send(struct link *link, const struct kmad_packet *packet);

/* Sends what the socket takes. False: something is left, wait for POLLOUT. */
bool link_flush(struct link *link);
bool link_has_output(const struct link *link);

/* Reads what is there and hands it to @received. False: the connection is over. */
bool link_receive(struct link *link);

/*
 * A question and its answer: @data is sent, and what comes back, @size bytes, is written over it.
 * Packets that come meanwhile are handed to @received.
 */
int link_control(struct link *link, uint32_t type, void *data, size_t size);

/* Asks the SMA of our own port, by a directed route of no hops: 64 bytes of an attribute. */
int link_ask_sma(struct link *link, uint16_t attribute, uint32_t modifier, uint8_t ret[64]);

/* ---- between the parts ----------------------------------------------------------------------- */

int stream_open(const struct link_place *place, struct link *link);
int stream_control(struct link *link, uint32_t type, void *data, size_t size);
bool stream_flush(struct link *link);
bool stream_receive(struct link *link);
int datagram_open(const struct link_place *place, struct link *link);
void datagram_close(struct link *link);
int datagram_control(struct link *link, uint32_t type, void *data, size_t size);
bool datagram_flush(struct link *link);
bool datagram_receive(struct link *link);

/* An answer to us, or the port's. */
void link_take(struct link *link, const struct kmad_packet *packet);

bool buffer_reserve(struct link_buffer *buffer, size_t size);

/* Milliseconds of a clock that never goes back. */
int64_t link_msec(void);
