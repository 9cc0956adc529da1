/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The transport reads requests with the accessors of mad/wire.h: what is tested with it is the
 * request engine, not the wire. Every answer under way is a timer, and arrives alone.
 */

#include "tests/unit/agents.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"

#define PORTS 200 /* of the switches that a route counts with */

struct post {
	struct agents agents;
	struct list deliveries; /* under way */
};

struct delivery {
	struct list link;
	struct loop_timer *timer;
	struct post *post;
	struct agent *from; /* counted as waiting until it arrives, or NULL */
	struct arrival arrival;
};

void agents_route(unsigned i, uint8_t ports[static AGENTS_HOPS])
{
	ports[0] = 1;
	ports[1] = (uint8_t)(1 + i / PORTS);
	ports[2] = (uint8_t)(1 + i % PORTS);
}

static unsigned agent_at(const struct datagram *d, const struct address *to)
{
	if (!wire_is_directed(d))
		return to->lid - 1u;

	return (wire_route_port(d, 2) - 1u) * PORTS + wire_route_port(d, 3) - 1u;
}

static bool happens(struct agents *agents, unsigned of_1000)
{
	return of_1000 && loop_random(agents->loop) % 1000 < of_1000;
}

static void free_delivery(struct delivery *delivery)
{
	list_remove(&delivery->link);
	loop_timer_free(delivery->timer);
	free(delivery);
}

static void take_out(struct agents *agents, struct delivery *delivery)
{
	if (delivery->from) {
		delivery->from->waiting--;
		agents->waiting--;
	}
	free_delivery(delivery);
}

static void deliver(void *user)
{
	struct delivery *delivery = user;
	struct agents *agents = &delivery->post->agents;
	struct arrival arrival = delivery->arrival;

	take_out(agents, delivery);
	agents->transport.fn(agents->transport.user, &arrival, 1, NULL);
}

static void post(struct agents *agents, struct agent *from, const struct arrival *arrival,
		 uint64_t delay)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (!delivery || loop_timer_new(agents->loop, deliver, delivery, &delivery->timer) < 0)
		abort();
	delivery->post = CONTAINER_OF(agents, struct post, agents);
	delivery->from = from;
	delivery->arrival = *arrival;
	list_add_tail(&delivery->post->deliveries, &delivery->link);
	loop_timer_set(delivery->timer, loop_now(agents->loop) + delay);
}

void agents_deliver(struct agents *agents, const struct arrival *arrival, uint64_t delay)
{
	post(agents, NULL, arrival, delay);
}

static uint64_t round_trip(struct agents *agents, struct agent *agent)
{
	uint64_t delay = agent->delay;

	if (agent->delay_of_try) {
		delay = agent->delay_of_try;
		agent->delay_of_try = 0;
	}
	if (agent->jitter)
		delay += loop_random(agents->loop) % agent->jitter;
	if (agent->service) {
		agent->free_at = MAX(agent->free_at, loop_now(agents->loop)) + agent->service;
		delay += agent->free_at - loop_now(agents->loop);
	}

	return delay;
}

static void answer(struct agents *agents, struct agent *agent, const struct datagram *d)
{
	struct arrival arrival = { .datagram = *d, .from = { .lid = LID_PERMISSIVE } };
	bool ours = agent == &agents->self;
	bool busy = agent->busy > 0;

	agent->busy -= busy;
	wire_make_response(&arrival.datagram, busy ? STATUS_BUSY : agent->status);
	if (agents->change && !ours &&
	    !agents->change(agents, (unsigned)(agent - agents->agent), &arrival.datagram))
		return;
	if (happens(agents, agent->repetition)) {
		agents->repeated++;
		post(agents, NULL, &arrival, round_trip(agents, agent));
	}
	agent->waiting++;
	agents->waiting++;
	agent->most_waiting = MAX(agent->most_waiting, agent->waiting);
	agents->most_waiting = MAX(agents->most_waiting, agents->waiting);
	post(agents, agent, &arrival, round_trip(agents, agent));
}

/* VL15 has no flow control: what finds no buffer is dropped. */
static bool overflows(const struct agents *agents, const struct agent *agent)
{
	return (agent->room && agent->waiting >= agent->room) ||
	       (agents->room && agent != &agents->self && agents->waiting >= agents->room);
}

static int send_request(struct transport *t, const struct datagram *d, const struct address *to,
			unsigned timeout_ms)
{
	struct agents *agents = CONTAINER_OF(t, struct agents, transport);
	bool ours = wire_is_directed(d) && wire_get(d, SMP_HOP_COUNT) == 0;
	unsigned i = ours ? 0 : agent_at(d, to);
	struct agent *agent = ours ? &agents->self : &agents->agent[i];

	if (i >= agents->n || timeout_ms == 0)
		return -EINVAL;
	if (agents->send_error)
		return agents->send_error;
	agents->sent++;
	agent->asked++;
	if (agents->see && !ours)
		agents->see(agents, i, d, to);
	if (agent->silent || (agent->deaf_to_lids && !wire_is_directed(d)))
		return 0;
	if (happens(agents, agent->loss) || overflows(agents, agent))
		agents->lost++;
	else
		answer(agents, agent, d);

	return 0;
}

static int set_is_sm(struct transport *t, bool is_sm)
{
	(void)t;
	(void)is_sm;

	return 0;
}

static void free_transport(struct transport *t)
{
	agents_free(CONTAINER_OF(t, struct agents, transport));
}

int agents_new(struct loop *loop, unsigned n, struct agents **ret)
{
	static const struct transport_ops ops = { .send = send_request,
						  .set_is_sm = set_is_sm,
						  .free = free_transport };
	struct post *post = calloc(1, sizeof(*post));

	if (!post)
		return -ENOMEM;
	post->agents.transport.ops = &ops;
	post->agents.loop = loop;
	post->agents.n = n;
	post->agents.agent = calloc(n, sizeof(struct agent));
	list_init(&post->deliveries);
	if (!post->agents.agent) {
		free(post);
		return -ENOMEM;
	}
	*ret = &post->agents;

	return 0;
}

void agents_lose_all(struct agents *agents)
{
	struct post *post = CONTAINER_OF(agents, struct post, agents);

	while (!list_is_empty(&post->deliveries))
		take_out(agents, LIST_ENTRY(post->deliveries.next, struct delivery, link));
}

void agents_free(struct agents *agents)
{
	if (!agents)
		return;
	agents_lose_all(agents);
	free(agents->agent);
	free(CONTAINER_OF(agents, struct post, agents));
}
