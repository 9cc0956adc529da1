/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Notices: what happened, told to those who have subscribed to it and may know
 * (IBA 13.4.8, 14.2.5.1).
 *
 * Some are of our own making: a GID is in service or no longer (64, 65: gids.c says when), a
 * multicast group is created or deleted (66, 67). Others are traps of devices, told on as they
 * came, with the GID of who issued them: 128, 129 to 131, 144, 145 and 256 to 259, and a vendor's.
 * opensm keeps 129 to 131 to itself, which are the only word that there is of a cable that begins
 * to fail; here they are told on like any, for what they can do to a subscriber is bounded like all
 * else.
 *
 * Who may hear of it can talk to the port that it is about, by P_Keys; of a group, whoever is in
 * its partition. What keys were tried where (256 to 259) is for those alone whom the operator
 * trusts, as it says who scans whom. A subscription is not refused or ended because nothing of what
 * it asks for may be told now: partitions change.
 *
 * A notice is held against all subscriptions in a step of its own, one after the other, so that a
 * thousand hosts that come up at once hold up nobody else; a subscriber gets it once, however many
 * of its subscriptions it fits. Devices that send too many traps are not told on (trap-count.c).
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/sa/keys.h"

#define NOTICES_MAX 32768u /* that wait */

enum {
	TYPE_INFORMATION = 3,
	PRODUCER_CLASS_MANAGER = 4,
};

void notice_put(struct notice *notice)
{
	if (--notice->refs == 0)
		free(notice);
}

/* ---- who may hear of it ---------------------------------------------------------------------- */

/* The operator may have another key by now. */
static bool knows_key(const struct sm *sm, const struct subscriber *to)
{
	return sm->conf.sa_key != 0 && to->sa_key == sm->conf.sa_key;
}

static bool is_trusted(const struct sm *sm, const struct subscriber *to, struct endpoint e)
{
	return knows_key(sm, to) || e.port == sm->fabric.local_port ||
	       admin_trusts(&sm->conf, to->by.port);
}

static bool shares_key(const struct notice *notice, uint16_t key)
{
	for (unsigned i = 0; i < notice->n_keys; i++) {
		uint16_t other = notice->keys[i];

		if (((key ^ other) & KEY_BASE_MASK) == 0 && (key & KEY_BASE_MASK) != 0 &&
		    (notice->is_of_group || (key | other) & KEY_FULL))
			return true;
	}

	return false;
}

static bool may_hear(const struct sm *sm, const struct notice *notice, const struct subscriber *to,
		     struct endpoint e)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n;

	if (notice->is_secret)
		return is_trusted(sm, to, e);
	if (knows_key(sm, to) || (to->by.port == notice->port && e.index == 0))
		return true;
	n = MIN(pkeys_of_endpoint(sm, e, keys, FABRIC_MAX_PKEYS), FABRIC_MAX_PKEYS);
	for (unsigned i = 0; i < n; i++)
		if (shares_key(notice, keys[i]))
			return true;

	return false;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void offer(struct sm *sm, struct notice *notice, struct subscription *s)
{
	struct subscriber *to = s->to;
	struct endpoint e;

	if (to->last_notice == notice->number || !inform_info_fits(s->info, notice->bytes))
		return;
	e = endpoint_find(&sm->fabric, to->by.guid);
	if (e.port == NO_PORT || !may_hear(sm, notice, to, e))
		return;
	to->last_notice = notice->number;
	reports_add(sm, to, notice);
}

static void tell_one(struct sm *sm)
{
	struct notice *notice =
		LIST_ENTRY(list_take_first(&sm->notices.waiting), struct notice, link);
	uint16_t trap = (uint16_t)wire_get(notice->bytes, NOTICE_TRAP);
	struct subscription *s = NULL;

	sm->notices.n--;
	while ((s = subscriptions_next(&sm->subscriptions, s)))
		if (s->trap == trap || s->trap == 0xffff)
			offer(sm, notice, s);
	notice_put(notice);
}

static void on_step(void *user)
{
	struct sm *sm = user;

	if (!list_is_empty(&sm->notices.waiting))
		tell_one(sm);
	if (!list_is_empty(&sm->notices.waiting))
		loop_timer_set(sm->notices.timer, loop_now(sm->loop));
	reports_pump(sm);
}

/* NULL: nobody wants to know, or there is no room. */
static struct notice *make(struct sm *sm, unsigned n_keys)
{
	struct notice *notice;

	if (sm->subscriptions.n == 0 || sm->state != SM_MASTER || sm->stopping)
		return NULL;
	if (sm->notices.n >= NOTICES_MAX) {
		sm->notices.lost++;
		return NULL;
	}
	notice = calloc(1, sizeof(*notice) + n_keys * sizeof(notice->keys[0]));
	if (!notice)
		return NULL;
	notice->refs = 1;
	notice->number = ++sm->notices.last;
	notice->n_keys = (uint16_t)n_keys;

	return notice;
}

static void add(struct sm *sm, struct notice *notice)
{
	if (list_is_empty(&sm->notices.waiting))
		loop_timer_set(sm->notices.timer, loop_now(sm->loop));
	list_add_tail(&sm->notices.waiting, &notice->link);
	sm->notices.n++;
}

static void set_issuer(const struct sm *sm, struct notice *notice, uint64_t guid, unsigned lid)
{
	wire_set(notice->bytes, NOTICE_ISSUER_LID, lid);
	wire_set64(notice->bytes + NOTICE_ISSUER_GID_OFFSET, 0, sm->conf.subnet_prefix);
	wire_set64(notice->bytes + NOTICE_ISSUER_GID_OFFSET, 1, guid);
}

/* ---- our own --------------------------------------------------------------------------------- */

static struct notice *make_own(struct sm *sm, unsigned trap, unsigned n_keys)
{
	struct notice *notice = make(sm, n_keys);
	const struct port *own = &sm->fabric.ports[sm->fabric.local_port];

	if (!notice)
		return NULL;
	wire_set(notice->bytes, NOTICE_GENERIC, 1);
	wire_set(notice->bytes, NOTICE_TYPE, TYPE_INFORMATION);
	wire_set(notice->bytes, NOTICE_PRODUCER, PRODUCER_CLASS_MANAGER);
	wire_set(notice->bytes, NOTICE_TRAP, trap);
	set_issuer(sm, notice, own->guid, own->lid);

	return notice;
}

void notices_gid(struct sm *sm, bool in_service, uint64_t guid, uint64_t port, const uint16_t *keys,
		 unsigned n_keys)
{
	struct notice *notice =
		make_own(sm, in_service ? TRAP_GID_IN_SERVICE : TRAP_GID_OUT_OF_SERVICE, n_keys);

	if (!notice)
		return;
	wire_set64(notice->bytes + NOTICE_GID_OFFSET, 0, sm->conf.subnet_prefix);
	wire_set64(notice->bytes + NOTICE_GID_OFFSET, 1, guid);
	notice->port = port;
	if (n_keys > 0)
		memcpy(notice->keys, keys, n_keys * sizeof(*keys));
	add(sm, notice);
}

void notices_group(struct sm *sm, bool created, const uint8_t mgid[static 16], uint16_t pkey)
{
	struct notice *notice = make_own(sm, created ? TRAP_GROUP_CREATED : TRAP_GROUP_DELETED, 1);

	if (!notice)
		return;
	memcpy(notice->bytes + NOTICE_GID_OFFSET, mgid, 16);
	notice->is_of_group = true;
	notice->keys[0] = pkey;
	add(sm, notice);
}

/* ---- traps of devices ------------------------------------------------------------------------ */

static bool is_secret(const uint8_t *bytes)
{
	bool generic = wire_get(bytes, NOTICE_GENERIC);
	uint64_t trap = wire_get(bytes, generic ? NOTICE_TRAP : NOTICE_VENDOR_TRAP);

	return generic ? trap >= TRAP_MKEY && trap <= TRAP_SWITCH_PKEY
		       : trap == TRAP_VPORT_PKEY || trap == TRAP_VPORT_QKEY;
}

/* The port that a trap comes from may be any of a switch: its P_Keys are those of port 0. */
void notices_forward(struct sm *sm, uint32_t port, const struct arrival *trap)
{
	const struct node *node = node_of(&sm->fabric, port);
	uint32_t end = node_is_switch(node) ? node->first_port : port;
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n = pkeys_of_endpoint(sm, endpoint_of_port(end), keys, FABRIC_MAX_PKEYS);
	struct notice *notice = make(sm, MIN(n, FABRIC_MAX_PKEYS));

	if (!notice)
		return;
	memcpy(notice->bytes, smp_data_in(&trap->datagram), SMP_DATA_SIZE);
	set_issuer(sm, notice, sm->fabric.ports[end].guid, trap->from.lid);
	notice->is_secret = is_secret(notice->bytes);
	notice->port = sm->fabric.ports[end].guid;
	memcpy(notice->keys, keys, notice->n_keys * sizeof(*keys));
	add(sm, notice);
}

/* ---- coming and going ------------------------------------------------------------------------ */

int notices_start(struct sm *sm)
{
	return loop_timer_new(sm->loop, on_step, sm, &sm->notices.timer);
}

void notices_init(struct sm *sm)
{
	list_init(&sm->notices.waiting);
}

void notices_drop(struct sm *sm)
{
	struct list *l;

	while ((l = list_take_first(&sm->notices.waiting)))
		notice_put(LIST_ENTRY(l, struct notice, link));
	sm->notices.n = 0;
}

void notices_done(struct sm *sm)
{
	notices_drop(sm);
	loop_timer_free(sm->notices.timer);
}
