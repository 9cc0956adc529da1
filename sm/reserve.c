/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The operator reserves: what that does to LIDs and to the store. A LID that is reserved belongs to
 * its GUID from that moment on, so nobody else gets it, and a device that comes with the GUID gets
 * no other, even if the fabric knows it by another one. A LID that somebody has is not taken away:
 * that is refused, and says who has it. So nothing is reserved before it is known who has which,
 * which after a start is when the first plan has been carried out.
 *
 * Nothing here is sent to devices. If a device is there already and is to have another LID, the
 * next reconcile finds that it has the wrong one.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vf.h"
#include "sm/vswitch.h"

/* ---- waiting for the disk ---------------------------------------------------------------------
 */

struct kept_waiter {
	struct list link;
	void (*fn)(void *user, int result);
	void *user;
};

void reserve_init(struct sm *sm)
{
	list_init(&sm->kept_waiters);
}

static void tell_waiter(void *user, int result)
{
	struct kept_waiter *waiter = user;

	list_remove(&waiter->link);
	waiter->fn(waiter->user, result);
	free(waiter);
}

int sm_when_kept(struct sm *sm, void (*fn)(void *user, int result), void *user)
{
	AUTO(freep) struct kept_waiter *waiter = calloc(1, sizeof(*waiter));
	int r;

	if (!waiter)
		return -ENOMEM;
	waiter->fn = fn;
	waiter->user = user;
	r = keep_after(sm->keeper, tell_waiter, waiter);
	if (r < 0)
		return r;
	list_init(&waiter->link);
	list_add_tail(&sm->kept_waiters, &waiter->link);
	TAKE(waiter);

	return 0;
}

void reserve_done(struct sm *sm)
{
	while (!list_is_empty(&sm->kept_waiters)) {
		struct kept_waiter *waiter =
			LIST_ENTRY(sm->kept_waiters.next, struct kept_waiter, link);

		keep_cancel(sm->keeper, waiter);
		tell_waiter(waiter, -ECANCELED);
	}
	reservations_done(&sm->reservations);
}

/* ---- LIDs that are reserved -------------------------------------------------------------------
 */

bool reserve_has_lid(const struct sm *sm, uint64_t guid)
{
	const struct kept_reservation *reserved = reservations_find(&sm->reservations, guid);

	return reserved && reserved->lid != 0;
}

static int claim(struct sm *sm, uint64_t guid, uint16_t lid)
{
	const struct identity *id = identity_find(sm->identities, guid);

	if (id && id->lid == lid && id->lmc == sm->conf.lmc)
		return 0;

	return identity_claim(sm->identities, guid, lid, (uint8_t)sm->conf.lmc);
}

void reserve_mark(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->reservations.n; i++)
		identity_set_reserved(sm->identities, sm->reservations.all[i].guid, true);
}

/* They were kept together; but options, and the disk, may be other ones. */
void reserve_load(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->reservations.n; i++) {
		const struct kept_reservation *reserved = &sm->reservations.all[i];

		if (reserved->lid != 0 && claim(sm, reserved->guid, reserved->lid) < 0)
			log_warning("LID %u, which is reserved for 0x%016" PRIx64
				    ", is taken, or does not fit subnet.lmc",
				    reserved->lid, reserved->guid);
	}
}

/* ---- what may be reserved ---------------------------------------------------------------------
 */

/* A port or a virtual function, of whatever model. */
static bool is_present(const struct sm *sm, uint64_t guid)
{
	return endpoint_find(&sm->fabric, guid).port != NO_PORT;
}

/* Does a device have it, or is one to have it that did not get it? */
static bool is_news_to_somebody(const struct sm *sm, uint64_t guid)
{
	return is_present(sm, guid) || alias_book_find(&sm->aliases.book, guid);
}

/* Present, and no virtual function, also not one that is an adapter behind a virtual switch. */
static bool is_physical(const struct sm *sm, uint64_t guid)
{
	struct endpoint e = endpoint_find(&sm->fabric, guid);
	struct vswitch_vf vf;

	return e.port != NO_PORT && e.index == 0 && !vswitch_vf_at(&sm->fabric, e.port, &vf);
}

/* Of its node; NULL while that is not known: it is asked for last. */
static const char *description_of(const struct sm *sm, uint64_t guid)
{
	struct endpoint e = endpoint_find(&sm->fabric, guid);
	const char *description;

	if (e.port == NO_PORT)
		return NULL;
	description = node_of(&sm->fabric, e.port)->description;

	return description[0] ? description : NULL;
}

/* "0x... (name)" */
static void describe(const struct sm *sm, uint64_t guid, char ret[static 128])
{
	const char *description = description_of(sm, guid);

	if (!is_present(sm, guid))
		description = "away";
	snprintf(ret, 128, "0x%016" PRIx64 " (%.64s)", guid,
		 description ? description : "without a name yet");
}

int reserve_check_master(const struct sm *sm, char why[static SM_WHY_SIZE])
{
	if (sm->state != SM_STANDBY && sm->state != SM_NOT_ACTIVE)
		return 0;
	snprintf(why, SM_WHY_SIZE, "this subnet manager is not master, and changes nothing");

	return -EPERM;
}

/* Of the LIDs that a port with this one would have, none may be another's. */
static int check_owners(const struct sm *sm, const struct kept_reservation *wanted,
			char why[static SM_WHY_SIZE])
{
	char owner_text[128];

	for (unsigned lid = wanted->lid; lid < wanted->lid + (1u << sm->conf.lmc); lid++) {
		uint64_t owner = identity_owner(sm->identities, lid);

		if (owner == 0 && spares_owner(sm, lid)) {
			describe(sm, spares_owner(sm, lid), owner_text);
			snprintf(why, SM_WHY_SIZE,
				 "LID %u is spare, for virtual functions of %s that are to come",
				 lid, owner_text);
			return -EEXIST;
		}
		if (owner == 0 || owner == wanted->guid)
			continue;
		describe(sm, owner, owner_text);
		snprintf(why, SM_WHY_SIZE, "LID %u belongs to %s", lid, owner_text);
		return -EEXIST;
	}

	return 0;
}

static int check_lid(const struct sm *sm, const struct kept_reservation *wanted,
		     char why[static SM_WHY_SIZE])
{
	if (wanted->lid == 0)
		return 0;
	if (sm->adopting) {
		snprintf(why, SM_WHY_SIZE,
			 "the subnet is still being brought up, and it is not known who has which "
			 "LID; try again");
		return -EBUSY;
	}
	if (!identity_is_valid(wanted->lid, sm->conf.lmc)) {
		snprintf(why, SM_WHY_SIZE,
			 "LID %u is not a multiple of %u, or too high, where subnet.lmc is %u",
			 wanted->lid, 1u << sm->conf.lmc, sm->conf.lmc);
		return -EINVAL;
	}
	if (lids_are_beyond(sm, wanted->lid, sm->conf.lmc)) {
		snprintf(why, SM_WHY_SIZE,
			 "LID %u is beyond the forwarding tables, which end at %u", wanted->lid,
			 sm->last_lid);
		return -ERANGE;
	}

	return check_owners(sm, wanted, why);
}

/* The rules of vsm.conf for the places, as far as these are known. */
static int check_places(const struct sm *sm, const struct kept_reservation *wanted,
			char why[static SM_WHY_SIZE])
{
	for (unsigned i = 0; i < wanted->n_places; i++) {
		uint64_t place = wanted->place[i];
		const struct vf_policy *policy = vf_policy_for(&sm->conf.virtual_functions, place,
							       description_of(sm, place));
		bool allows_any = !policy || policy->max > 0;

		if (allows_any && vf_policy_allows(policy, wanted->guid))
			continue;
		snprintf(why, SM_WHY_SIZE,
			 "virtual_functions in vsm.conf does not allow GUID 0x%016" PRIx64
			 " at port 0x%016" PRIx64 "%s",
			 wanted->guid, place, allows_any ? "" : ", and no other: max is 0 there");
		return -EACCES;
	}

	return 0;
}

/* A port that came without being announced is no guest; who was announced may be said again. */
static int check_guid(const struct sm *sm, const struct kept_reservation *wanted,
		      char why[static SM_WHY_SIZE])
{
	char port_text[128];

	if (reservations_find(&sm->reservations, wanted->guid) || !is_physical(sm, wanted->guid))
		return 0;
	describe(sm, wanted->guid, port_text);
	snprintf(why, SM_WHY_SIZE, "%s is a port that is there already", port_text);

	return -EEXIST;
}

/* Who may be at one place only, and is to be at another, could come up nowhere. */
static int check_move(const struct sm *sm, const struct kept_reservation *wanted,
		      char why[static SM_WHY_SIZE])
{
	uint64_t to = sm_moving_to(sm, wanted->guid);

	if (to == 0 || reservation_may_be_at(wanted, to))
		return 0;
	snprintf(why, SM_WHY_SIZE,
		 "0x%016" PRIx64 " is to move to 0x%016" PRIx64 ": say vf move --cancel first",
		 wanted->guid, to);

	return -EINVAL;
}

static int check(const struct sm *sm, const struct kept_reservation *wanted,
		 char why[static SM_WHY_SIZE])
{
	int r;

	if (!reservation_is_valid(wanted)) {
		snprintf(why, SM_WHY_SIZE, "a GUID, LID, place or name is not valid");
		return -EINVAL;
	}
	r = check_guid(sm, wanted, why);
	if (r == 0)
		r = check_places(sm, wanted, why);
	if (r == 0)
		r = check_move(sm, wanted, why);

	return r == 0 ? check_lid(sm, wanted, why) : r;
}

/* ---- doing it ---------------------------------------------------------------------------------
 */

/* What was so of a GUID. */
struct former {
	struct kept_reservation reservation; /* guid 0: there was none, */
	struct identity identity;            /* and here: it had no LID */
};

/* The LID of @guid; none: it is forgotten. */
static int keep_lid(struct sm *sm, uint64_t guid, const struct identity *id)
{
	struct kept_identity kept = { .guid = guid };

	if (id && id->guid != 0) {
		kept.lid = id->lid;
		kept.lmc = id->lmc;
	}

	return keep_identity(sm->keeper, &kept);
}

/*
 * In one breath, so that the disk has all of it or nothing; and if only the LID was taken, that of
 * before takes its place, for which there is room.
 */
static int keep(struct sm *sm, const struct kept_reservation *reserved, const struct former *former)
{
	uint64_t guid = reserved->guid;
	const struct identity *id = identity_find(sm->identities, guid);
	bool differs = id ? !id->kept : reserved->gone;
	int r = differs ? keep_lid(sm, guid, id) : 0;

	if (r < 0)
		return r;
	r = keep_reservation(sm->keeper, reserved);
	if (r < 0 && differs)
		keep_lid(sm, guid, &former->identity);
	else if (r == 0 && id)
		identity_at(sm->identities, identity_index(sm->identities, guid))->kept = true;

	return r;
}

static int put(struct sm *sm, const struct kept_reservation *wanted, const struct former *former)
{
	int r = reservations_put(&sm->reservations, wanted);

	if (r == 0 && wanted->lid != 0)
		r = claim(sm, wanted->guid, wanted->lid);
	if (r < 0)
		return r;
	identity_set_reserved(sm->identities, wanted->guid, true);

	return keep(sm, wanted, former);
}

static struct former look(const struct sm *sm, uint64_t guid)
{
	const struct kept_reservation *reservation = reservations_find(&sm->reservations, guid);
	const struct identity *id = identity_find(sm->identities, guid);
	struct former ret = { .reservation = { .guid = 0 } };

	if (reservation)
		ret.reservation = *reservation;
	if (id)
		ret.identity = *id;

	return ret;
}

/* There was room for it, and is. */
static void restore(struct sm *sm, uint64_t guid, const struct former *former)
{
	const struct identity *id = &former->identity;

	if (former->reservation.guid != 0)
		reservations_put(&sm->reservations, &former->reservation);
	else
		reservations_remove(&sm->reservations, guid);
	if (id->guid == 0) {
		identity_forget(sm->identities, guid);
		return;
	}
	if (identity_claim(sm->identities, guid, id->lid, id->lmc) == 0)
		*identity_at(sm->identities, identity_index(sm->identities, guid)) = *id;
}

/* What could not be handed to the store is not so: who asks again would be told that it is. */
static int put_or_leave(struct sm *sm, const struct kept_reservation *wanted)
{
	struct former former = look(sm, wanted->guid);
	int r = put(sm, wanted, &former);

	if (r < 0)
		restore(sm, wanted->guid, &former);

	return r;
}

static void say(struct sm *sm, const struct kept_reservation *reserved, const char *what)
{
	char lid[24] = "";

	if (reserved->lid != 0)
		snprintf(lid, sizeof(lid), " with LID %u", reserved->lid);
	event_add(sm->events, EVENT_CONFIG, reserved->guid, reserved->lid, -1, "%s%s%s%s%s", what,
		  lid, reserved->name[0] ? " (" : "", reserved->name, reserved->name[0] ? ")" : "");
}

int sm_reserve(struct sm *sm, const struct kept_reservation *wanted, char why[static SM_WHY_SIZE])
{
	const struct kept_reservation *old = reservations_find(&sm->reservations, wanted->guid);
	int r = reserve_check_master(sm, why);

	if (r < 0 || (old && reservation_is_same(old, wanted)))
		return r;
	r = check(sm, wanted, why);
	if (r < 0)
		return r;
	r = put_or_leave(sm, wanted);
	if (r < 0) {
		snprintf(why, SM_WHY_SIZE, "there is no room for it: %s", strerror(-r));
		return r;
	}
	say(sm, wanted, "reserved");
	if (is_news_to_somebody(sm, wanted->guid))
		sm_sweep_again(sm, false);

	return 0;
}

/*
 * Does a device have it, or had it before it left? That is not known after a restart if all that is
 * left of it may be what was reserved.
 */
static bool is_or_was_here(const struct sm *sm, uint64_t guid)
{
	return is_present(sm, guid) || fabric_find_port(&sm->fabric, guid) != NO_PORT ||
	       guid_map_get(&sm->fabric.by_vf_guid, guid) != GUID_MAP_NONE ||
	       alias_book_find(&sm->aliases.book, guid) ||
	       (identity_find(sm->identities, guid) && !reserve_has_lid(sm, guid));
}

/* All of it or nothing. @to: where it was to be, which goes too; 0: it was not, or that stays. */
static int release(struct sm *sm, const struct kept_reservation *gone, uint64_t to)
{
	struct former former = look(sm, gone->guid);
	int r = to ? moves_keep(sm, gone->guid, 0) : 0;

	if (r < 0)
		return r;
	reservations_remove(&sm->reservations, gone->guid);
	if (is_present(sm, gone->guid) || (sm_moving_to(sm, gone->guid) && !to))
		identity_set_reserved(sm->identities, gone->guid, false);
	else
		identity_forget(sm->identities, gone->guid);
	r = keep(sm, gone, &former);
	if (r < 0)
		restore(sm, gone->guid, &former);
	if (r < 0 && to)
		moves_keep(sm, gone->guid, to);
	else if (to)
		moves_forget(sm, gone->guid);

	return r;
}

/* Who is on its way keeps its LID and is to move; who was never here has neither any more. */
int sm_release(struct sm *sm, uint64_t guid, char why[static SM_WHY_SIZE])
{
	const struct kept_reservation *old = reservations_find(&sm->reservations, guid);
	struct kept_reservation gone;
	int r = reserve_check_master(sm, why);

	if (r < 0 || !old)
		return r;
	gone = *old;
	gone.gone = true;
	r = release(sm, &gone, is_or_was_here(sm, guid) ? 0 : sm_moving_to(sm, guid));
	if (r < 0) {
		snprintf(why, SM_WHY_SIZE, "there is no room for it: %s", strerror(-r));
		return r;
	}
	say(sm, &gone, "no longer reserved");
	if (is_news_to_somebody(sm, guid))
		sm_sweep_again(sm, false);

	return 0;
}

const struct kept_reservation *sm_reservation(const struct sm *sm, uint64_t n)
{
	return n < sm->reservations.n ? &sm->reservations.all[n] : NULL;
}

const struct kept_reservation *sm_reservation_of(const struct sm *sm, uint64_t guid)
{
	return reservations_find(&sm->reservations, guid);
}

uint16_t sm_lid_of(const struct sm *sm, uint64_t guid)
{
	const struct identity *id = identity_find(sm->identities, guid);

	return id ? id->lid : 0;
}
