/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Software at a port that uses the subnet administration: sends requests made of raw bytes, keeps
 * the last answer, and takes reports of what it has subscribed to, which it acknowledges.
 */

#include "tests/scenario/scenario.h"

enum { SA_REPORTS = 256 };

struct sa_report {
	uint64_t tid;
	uint64_t at; /* loop_now() */
	ib_mad_notice_attr_t notice;
};

struct sa_client {
	struct sim_client client; /* sa_client_close() it in the end */
	struct sim_agent agent;
	uint64_t tid;
	uint64_t sa_key; /* to be trusted; at first none */
	unsigned n_answers;
	struct sim_packet answer; /* the last */
	bool deaf;                /* to reports, which it counts and does not acknowledge */
	unsigned n_reports;       /* that came, also again; the first SA_REPORTS are kept */
	struct sa_report report[SA_REPORTS];
};

/* @qpn 1, or any other for a QP of its own. As VF @vf of the port, or 0. */
void sa_client_open(struct sa_client *c, struct sim_port *port, unsigned vf, uint32_t qpn);
void sa_client_close(struct sa_client *c);

/* A key of the default partition, which nearly everybody has. */
uint16_t sa_default_pkey(const struct sim_port *port);

/* One request of any client. False: its port does not know whom to ask, or may not. */
bool sa_send_raw(struct sim_client *client, uint64_t tid, uint8_t method, uint16_t attr,
		 uint64_t mask, const void *record, size_t size);

/* One request; @size bytes of the attribute. Nothing is waited for. */
void sa_client_send(struct sa_client *c, uint8_t method, uint16_t attr, uint64_t mask,
		    const void *record, size_t size);
/* The same with an attribute modifier. */
void sa_client_send_modified(struct sa_client *c, uint8_t method, uint16_t attr, uint32_t modifier,
			     uint64_t mask, const void *record, size_t size);
/* The last once more, with the TID that it had. */
void sa_client_send_again(struct sa_client *c, uint8_t method, uint16_t attr, uint64_t mask,
			  const void *record, size_t size);
/* The same, and the status of the answer, of which there is one. A second passes, or three. */
unsigned sa_client_ask(struct scenario *s, struct sa_client *c, uint8_t method, uint16_t attr,
		       uint64_t mask, const void *record, size_t size);

/* The record in the last answer. */
static inline const uint8_t *sa_client_record(const struct sa_client *c)
{
	return c->answer.bytes + 56;
}

/* Distinct reports of this trap, and of the GID in it if @guid is not 0. */
unsigned sa_client_count(const struct sa_client *c, unsigned trap, uint64_t guid);
