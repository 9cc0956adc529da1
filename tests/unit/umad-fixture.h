/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "tests/umad/file.h"

/*
 * A port of the preload's MAD layer with nothing around it: a clock that stands, and a wire that
 * ends in an array.
 */

enum {
	HOST_SENT_MAX = 4096,
	HOST_LID = 7, /* of the other side, unless a test says otherwise */
};

struct host {
	struct kmad_port port;
	struct kmad_file file;
	uint64_t now;
	bool readable;
	struct kmad_packet sent[HOST_SENT_MAX];
	unsigned n_sent;
	unsigned n_claims;
	int claim_result;
	uint8_t buffer[1 << 20];
};

struct host *host_new(void);
void host_free(struct host *h);

/* Moves the clock, stopping where a timer is due. */
void host_wait(struct host *h, uint64_t msec);

/* Registers an agent for methods (a list that ends with 0); its id, or -errno. */
int host_register(struct host *h, uint8_t class, uint8_t version, uint8_t rmpp,
		  const uint8_t *methods);

/* The 40 bytes of REGISTER_AGENT2. */
void host_registration(uint8_t *ret, uint32_t qpn, uint8_t class, uint8_t version, uint8_t rmpp);

/* A record to write: header and @length bytes of a MAD, zeros behind its header. */
size_t host_record(struct host *h, unsigned agent, uint8_t class, uint8_t method, uint32_t tid,
		   size_t length);
void host_timeout(struct host *h, uint32_t msec, uint32_t retries);
long host_write(struct host *h, size_t length);

/* The MAD of the record in the buffer. */
uint8_t *host_mad(struct host *h);

/* The packet sent last. */
const struct kmad_packet *host_last(const struct host *h);

/* What the other side would answer to @to. */
struct kmad_packet host_answer(const struct kmad_packet *to);
