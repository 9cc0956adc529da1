/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whose registrations they are. Hosts register with one subnet administration: if another was
 * master meanwhile, they have registered with that, and ended there what we still have. So a master
 * that follows another has all hosts register again, as has one that finds a fabric and nothing in
 * its store; and they do not see by themselves that there is another, on this host as well. A
 * restart with nobody in between asks nobody.
 *
 * That another was master our own port says: it has the LID of whoever was master last; and when
 * its own link was lost, where nobody came to it, the next port behind that. (Not at every restart:
 * it is a device of somebody else, and may hold what it likes.) Who was it and did not come to
 * write that has had no registrations either.
 *
 * What was there before stays for as long as hosts need to register it again, so that nobody who
 * does lacks anything; and what was not registered again is over then. (How long somebody is member
 * of a multicast group is told in multicast-lapse.c.) Until then we are not the registrar: whoever
 * is killed meanwhile, or was cut off, begins anew. That somebody seems to have set a device is no
 * reason: one that lies would have all hosts told without end. Where hosts are not to be told
 * (link.client_reregister), all stays.
 *
 * Who is away keeps what it has registered, and the LIDs that it had. When these have gone to
 * others, it is not expected any more, and a new master, which has seen who is there, ends what it
 * has.
 */

#include "base/log.h"
#include "base/macros.h"
#include "sm/machine.h"

void registrar_restore(struct sm *sm, const struct kept_registration *kept)
{
	sm->registrar.state = kept->size > 0 ? REGISTRAR_IS : REGISTRAR_IS_NOT;
}

static void keep(struct sm *sm, bool is_registrar)
{
	static const uint8_t yes = 1;

	registration_keep(sm,
			  &(struct kept_registration){ .kind = KEPT_REGISTRAR,
						       .id = 1,
						       .blob = is_registrar ? &yes : NULL,
						       .size = is_registrar },
			  NULL);
}

static void lose_all(struct sm *sm)
{
	if (sm->registrar.state == REGISTRAR_IS)
		keep(sm, false);
	sm->registrar.state = REGISTRAR_IS_NOT;
	loop_timer_stop(sm->registrar.timer);
}

/* The port that our own leads to, of a switch its port 0; or NO_PORT. */
static uint32_t neighbour(const struct sm *sm)
{
	const struct fabric *f = &sm->fabric;
	uint32_t peer = f->ports[f->local_port].peer;

	return peer != NO_PORT && node_is_switch(node_of(f, peer)) ? node_of(f, peer)->first_port
								   : peer;
}

static bool another_was_last(const struct sm *sm)
{
	uint32_t next = neighbour(sm);

	if (!sm->inherited)
		return false;
	if (sm->adopting && settings_has_another_master(sm, sm->fabric.local_port))
		return true;

	return sm->registrar.was_cut_off && next != NO_PORT &&
	       settings_has_another_master(sm, next);
}

void registrar_claim(struct sm *sm)
{
	struct registrar *r = &sm->registrar;

	if (r->state == REGISTRAR_IS && another_was_last(sm))
		lose_all(sm);
	r->was_cut_off = discover_has_no_link(sm);
	if (r->state != REGISTRAR_IS_NOT || r->was_cut_off)
		return;
	r->state = REGISTRAR_TELLS;
	r->since = loop_now(sm->loop);
	if (sm->inherited)
		settings_register_all(sm);
}

static void be_registrar(struct sm *sm)
{
	sm->registrar.state = REGISTRAR_IS;
	keep(sm, true);
}

void registrar_settle(struct sm *sm)
{
	struct registrar *r = &sm->registrar;

	if (r->state != REGISTRAR_TELLS)
		return;
	if (!sm->inherited || !sm->conf.client_reregister ||
	    (sm->services.n == 0 && sm->subscriptions.n == 0)) {
		be_registrar(sm);
		return;
	}
	r->state = REGISTRAR_WAITS;
	loop_timer_set(r->timer, loop_now(sm->loop) + REGISTER_FOR);
}

static void on_time(void *user)
{
	struct sm *sm = user;
	uint64_t since = sm->registrar.since;
	unsigned n_services, n_subscriptions;

	n_services = services_end_before(sm, since);
	n_subscriptions = subscriptions_end_before(sm, since);
	if (n_services + n_subscriptions > 0)
		event_add(sm->events, EVENT_PEER, 0, 0, -1,
			  "another subnet manager was master: %u services and %u subscriptions of "
			  "before are over, as nobody has registered them again",
			  n_services, n_subscriptions);
	be_registrar(sm);
}

bool registrar_knows(const struct sm *sm, uint64_t guid)
{
	return endpoint_find(&sm->fabric, guid).port != NO_PORT ||
	       fabric_find_port(&sm->fabric, guid) != NO_PORT ||
	       identity_find(sm->identities, guid) != NULL;
}

void registrar_end_forgotten(struct sm *sm)
{
	unsigned n_services = services_end_forgotten(sm);
	unsigned n_subscriptions = subscriptions_end_forgotten(sm);

	if (n_services + n_subscriptions > 0)
		log_notice("%u services and %u subscriptions are over: their ports are gone, and "
			   "others have their LIDs",
			   n_services, n_subscriptions);
}

void registrar_cut_off(struct sm *sm)
{
	sm->registrar.was_cut_off = true;
	registrar_doubt(sm);
}

void registrar_doubt(struct sm *sm)
{
	if (sm->registrar.state != REGISTRAR_IS)
		lose_all(sm);
}

int registrar_start(struct sm *sm)
{
	return loop_timer_new(sm->loop, on_time, sm, &sm->registrar.timer);
}
