/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * An answer of many datagrams leaves as fast as its receiver acknowledges them, and until then the
 * local stack keeps it. Whoever asks for much and acknowledges slowly would fill that memory. So
 * each may have under way as much as is left for all others: one alone half of what there is, two
 * a third each, and who has nothing yet always finds something. Beyond that the answer is BUSY, and
 * is made when what is under way has been taken.
 *
 * The stack tells when a message is over (transport_send_message()). Not of those that the other
 * side has broken off, so they count for a minute, longer than any receiver waits (RMPP's of the
 * kernel: 40 s). Stacks that cut nothing up, and hold nothing, never tell; so nobody is refused
 * before the first has been told of.
 */

#include "sm/sa/outstanding.h"

#include <string.h>

#include "base/loop.h"
#include "base/macros.h"

#define LIFE (60 * LOOP_SEC)

static void forget(struct outstanding *o, unsigned first, unsigned n)
{
	o->n -= n;
	memmove(&o->message[first], &o->message[first + n], (o->n - first) * sizeof(*o->message));
}

static void forget_old(struct outstanding *o, uint64_t now)
{
	unsigned n = 0;

	while (n < o->n && o->message[n].until <= now)
		n++;
	forget(o, 0, n);
}

size_t outstanding_room(struct outstanding *o, uint16_t lid, uint64_t now)
{
	size_t bytes = 0, own_bytes = 0;
	unsigned own = 0;

	forget_old(o, now);
	if (!o->told)
		return OUTSTANDING_MAX_BYTES;
	for (unsigned i = 0; i < o->n; i++) {
		bool is_own = o->message[i].lid == lid;

		bytes += o->message[i].bytes;
		own_bytes += is_own ? o->message[i].bytes : 0;
		own += is_own;
	}
	if (own >= OUTSTANDING_MAX - o->n || bytes + own_bytes >= OUTSTANDING_MAX_BYTES)
		return 0;

	return OUTSTANDING_MAX_BYTES - bytes - own_bytes;
}

void outstanding_sent(struct outstanding *o, uint16_t lid, uint64_t tid, size_t bytes, uint64_t now)
{
	if (o->n == OUTSTANDING_MAX)
		forget(o, 0, 1);
	o->message[o->n++] = (struct outstanding_message){
		.tid = tid,
		.until = now + LIFE,
		.bytes = (uint32_t)MIN(bytes, UINT32_MAX),
		.lid = lid,
	};
}

void outstanding_over(struct outstanding *o, uint16_t lid, uint64_t tid)
{
	o->told = true;
	for (unsigned i = 0; i < o->n; i++) {
		if (o->message[i].tid == tid && o->message[i].lid == lid) {
			forget(o, i, 1);
			return;
		}
	}
}
