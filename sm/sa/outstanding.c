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

#include "base/loop.h"
#include "base/macros.h"

#define LIFE (60 * LOOP_SEC)

static struct outstanding_message *at(struct outstanding *o, unsigned i)
{
	return &o->message[(o->first + i) % OUTSTANDING_MAX];
}

static void end(struct outstanding *o, struct outstanding_message *message)
{
	if (message->over)
		return;
	message->over = true;
	o->live--;
	o->bytes -= message->bytes;
	o->live_of[message->lid]--;
	o->bytes_of[message->lid] -= message->bytes;
}

static void drop_first(struct outstanding *o)
{
	end(o, at(o, 0));
	o->first = (o->first + 1) % OUTSTANDING_MAX;
	o->n--;
}

size_t outstanding_room(struct outstanding *o, uint16_t lid, uint64_t now)
{
	size_t taken;

	while (o->n > 0 && (at(o, 0)->over || at(o, 0)->until <= now))
		drop_first(o);
	taken = o->bytes + o->bytes_of[lid];
	if (!o->told)
		return OUTSTANDING_MAX_BYTES;
	if (o->live + o->live_of[lid] >= OUTSTANDING_MAX || taken >= OUTSTANDING_MAX_BYTES)
		return 0;

	return OUTSTANDING_MAX_BYTES - taken;
}

void outstanding_sent(struct outstanding *o, uint16_t lid, uint64_t tid, size_t bytes, uint64_t now)
{
	struct outstanding_message *message;

	if (o->n == OUTSTANDING_MAX)
		drop_first(o);
	message = at(o, o->n++);
	*message = (struct outstanding_message){
		.tid = tid,
		.until = now + LIFE,
		.bytes = (uint32_t)MIN(bytes, OUTSTANDING_MAX_BYTES),
		.lid = lid,
	};
	o->live++;
	o->bytes += message->bytes;
	o->live_of[lid]++;
	o->bytes_of[lid] += message->bytes;
}

/* They end in about the order in which they were sent. */
void outstanding_over(struct outstanding *o, uint16_t lid, uint64_t tid)
{
	o->told = true;
	for (unsigned i = 0; i < o->n; i++) {
		struct outstanding_message *message = at(o, i);

		if (!message->over && message->tid == tid && message->lid == lid) {
			end(o, message);
			return;
		}
	}
}
