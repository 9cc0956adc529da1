/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How datagrams leave and arrive. One port of one device; QP0 for the SM classes, QP1 for the SA.
 * transport-umad.c does it with libibumad, tests with a fabric of their own.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mad/wire.h"

struct loop;
struct transport;

/* The other side: where a datagram goes, or where it came from. */
struct address {
	uint32_t qpn; /* 0 or 1, or any for SA clients */
	uint16_t lid; /* LID_PERMISSIVE for directed routes */
	uint16_t pkey_index;
	uint8_t sl;
	uint8_t path_bits;
	bool has_grh;
	uint8_t hop_limit;
	uint8_t traffic_class;
	uint8_t gid_index;
	uint32_t flow_label;
	uint8_t gid[16]; /* of the other side */
};

/*
 * A datagram that arrived. @undelivered: not an answer but our own request, given back because the
 * local stack gave up on it (the kernel's ETIMEDOUT, ibsim's drop).
 */
struct arrival {
	struct datagram datagram;
	struct address from;
	bool undelivered;
};

/*
 * Called on the loop with what has arrived since the last call, in order. @why is NULL, or says why
 * the port is gone: then nothing more will arrive and the transport is to be freed (not from
 * within).
 */
typedef void (*transport_fn)(void *user, const struct arrival *arrivals, unsigned n,
			     const char *why);

struct transport_ops {
	int (*send)(struct transport *t, const struct datagram *d, const struct address *to,
		    unsigned timeout_ms);
	int (*set_is_sm)(struct transport *t, bool is_sm);
	void (*free)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
	transport_fn fn;
	void *user;
	uint64_t port_guid; /* of the local port, host order */
	uint8_t port;       /* its number; 0 on a switch */
	char device[32];
};

/*
 * Send one datagram. A request must say for how long an answer is of use (the kernel forgets it
 * after that); a response has @timeout_ms 0. 0 or -errno; nothing is queued on failure.
 */
static inline int transport_send(struct transport *t, const struct datagram *d,
				 const struct address *to, unsigned timeout_ms)
{
	return t->ops->send(t, d, to, timeout_ms);
}

/* Set or clear PortInfo.CapabilityMask.IsSM of the local port. */
static inline int transport_set_is_sm(struct transport *t, bool is_sm)
{
	return t->ops->set_is_sm(t, is_sm);
}

static inline void transport_free(struct transport *t)
{
	if (t)
		t->ops->free(t);
}

/* Which port to use: all empty means the first that is usable. */
struct transport_choice {
	const char *device; /* "mlx5_0", or "" */
	unsigned port;      /* 0: any */
	uint64_t port_guid; /* 0: any */
};

/*
 * Open a port with libibumad and register for the SM and SA classes. On failure -errno, and @why
 * says what is missing in one sentence (-ENODEV: no such port yet; -EBUSY: another SM holds the
 * classes).
 */
int transport_umad_open(struct loop *loop, const struct transport_choice *choice,
			char why[static 256], struct transport **ret);
