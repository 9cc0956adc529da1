/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How datagrams leave and arrive. One port of one device; QP0 for the SM classes, QP1 for the SA.
 * transport-umad.c does it with libibumad, tests with a fabric of their own.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
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
 * local stack gave up on it (the kernel's ETIMEDOUT, ibsim's drop), or a message, see
 * transport_send_message(); then only the MAD header, 24 bytes, need be there.
 *
 * A question that RMPP has put together from several datagrams (IBA 13.6) is @message, header and
 * data; @datagram is its beginning. It is there until the callback returns. NULL with a @length: it
 * was more than there is room for. Both are 0 of a datagram.
 */
struct arrival {
	struct datagram datagram;
	struct address from;
	bool undelivered;
	uint32_t length;
	uint8_t *message;
};

/* Of a message that is taken; the longest question there is, a MultiPathRecord of 510 GIDs, has
 * half of it. */
#define TRANSPORT_MAX_MESSAGE 16384u

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
	/* NULL: it cannot */
	int (*send_message)(struct transport *t, uint8_t *message, size_t length,
			    const struct address *to);
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
	unsigned awaited; /* packets out with their answers to come; kept by who sends them */
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

/* Bytes before a message, for who sends it. */
#define TRANSPORT_HEADROOM 64u

/*
 * Send an answer of the SA that is longer than a datagram: header (SA_DATA_OFFSET bytes) and
 * records, for RMPP to cut up. The TRANSPORT_HEADROOM bytes before it are written to; it is the
 * caller's when this returns. When all of it has been acknowledged, or given up, it
 * may come back as undelivered; not every stack tells. 0 or -errno, and nothing comes back; -EINVAL
 * also if an answer to the same question is still under way.
 */
static inline int transport_send_message(struct transport *t, uint8_t *message, size_t length,
					 const struct address *to)
{
	return t->ops->send_message ? t->ops->send_message(t, message, length, to) : -EOPNOTSUPP;
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
