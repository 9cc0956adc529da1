/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Registrations on their way to the disk. A host that was told that it has joined, or is
 * subscribed, will not ask again: so it is told when that is durable, and not before. Meanwhile the
 * change is in memory already, and others see it. The store's writer takes what has gathered while
 * it wrote the batch before, so nothing waits for company: an answer is one or two synchronizations
 * of the disk away, however many come at once.
 *
 * If the disk fails, what is not on it is taken back, last change first, and its requests are
 * answered with "no resources": a client knows what to do with that, while a registration that is
 * silently gone after the next restart is missed by nobody and lacks for ever. Alias GUIDs, which
 * wait in the same queue, are not taken back: devices have them.
 *
 * A row of which nothing can be made, damaged, or one more than there is room for, or of somebody
 * of whom there is another, leaves the store, where it would be met at each start for ever; the
 * journal is told how many these were. One for which there was only no memory stays.
 *
 * Numbers of rows are never used twice while one lives; what they mean is the business of who has
 * the kind.
 */

#include "sm/registration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/macros.h"
#include "sm/machine.h"

/* Makes in memory what a row says. NULL: nobody here knows that kind, its rows stay. */
typedef void (*restore_fn)(struct sm *sm, const struct kept_registration *kept);

static const restore_fn restore_of[KEPT_REGISTRATION_KIND_COUNT] = {
	[KEPT_SERVICE] = services_restore,           [KEPT_GROUP] = multicast_restore_group,
	[KEPT_REGISTRAR] = registrar_restore,        [KEPT_GROUP_MEMBER] = multicast_restore_member,
	[KEPT_SUBSCRIPTION] = subscriptions_restore, [KEPT_AWAY] = away_restore,
};

/* A disk that fails is said so often, however many want to register on it. */
#define SAY_AGAIN (60 * LOOP_SEC)

/* And the store, if there was no memory, so often whether all is on it. */
#define ASK_AGAIN (50 * LOOP_MSEC)

/* What was before a change, while that may still fail. */
struct undo {
	struct list link;
	uint64_t handed; /* the change itself */
	struct kept_registration former;
	uint8_t blob[];
};

/* -- to the store -------------------------------------------------------------------------------
 */

uint64_t registration_new_id(struct sm *sm, enum kept_registration_kind kind)
{
	return ++sm->registrations.last_id[kind];
}

static struct undo *make_undo(const struct kept_registration *former)
{
	struct undo *undo = malloc(sizeof(*undo) + former->size);

	if (!undo)
		return NULL;
	list_init(&undo->link);
	undo->former = *former;
	undo->former.blob = undo->blob;
	if (former->size > 0)
		memcpy(undo->blob, former->blob, former->size);

	return undo;
}

void registrations_note(struct sm *sm)
{
	sm->registrations.handed++;
}

int registration_keep(struct sm *sm, const struct kept_registration *now,
		      const struct kept_registration *former)
{
	struct registrations *r = &sm->registrations;
	struct undo *undo = former ? make_undo(former) : NULL;

	if ((former && !undo) || keep_registration(sm->keeper, now) < 0) {
		free(undo);
		return -ENOMEM;
	}
	registrations_note(sm);
	if (undo) {
		undo->handed = r->handed;
		list_add_tail(&r->undos, &undo->link);
	}
	registrations_wait(sm);

	return 0;
}

static void forget_undos(struct registrations *r)
{
	while (!list_is_empty(&r->undos)) {
		struct undo *undo = LIST_ENTRY(r->undos.next, struct undo, link);

		if (undo->handed > r->safe)
			return;
		list_remove(&undo->link);
		free(undo);
	}
}

/* Without memory for it a row stays until the next start. */
void registration_refuse(struct sm *sm, enum kept_registration_kind kind, uint64_t id)
{
	struct registrations *r = &sm->registrations;

	if (array_make_room(&r->refused, r->n_refused, &r->refused_room, 16, sizeof(*r->refused)) ==
	    0)
		r->refused[r->n_refused++] = (struct refused_row){ kind, id };
}

static void drop_refused(struct sm *sm)
{
	struct registrations *r = &sm->registrations;

	for (uint32_t i = 0; i < r->n_refused; i++)
		keep_registration(sm->keeper,
				  &(struct kept_registration){ .kind = r->refused[i].kind,
							       .id = r->refused[i].id });
	free(TAKE(r->refused));
	r->n_refused = r->refused_room = 0;
}

static void take_back(struct sm *sm)
{
	struct registrations *r = &sm->registrations;

	while (!list_is_empty(&r->undos)) {
		struct undo *undo = LIST_ENTRY(r->undos.prev, struct undo, link);

		list_remove(&undo->link);
		restore_of[undo->former.kind](sm, &undo->former);
		keep_registration(sm->keeper, &undo->former);
		free(undo);
	}
	drop_refused(sm);
}

/* -- answers ------------------------------------------------------------------------------------
 */

uint16_t registrations_admit(struct sm *sm, const struct arrival *arrival, bool *ret_later)
{
	const struct held *held = &sm->registrations.held;

	*ret_later = held_has(held, arrival);
	if (*ret_later || held_has_room(held, arrival))
		return STATUS_OK;

	return STATUS_BUSY;
}

static struct held_request *hold(struct sm *sm, const struct arrival *arrival)
{
	struct held_request *request = held_add(&sm->registrations.held, arrival);

	if (request)
		request->handed = sm->registrations.handed;
	registrations_wait(sm);

	return request;
}

/* Without memory to wait there is no answer: the client asks again, and finds it done. */
void registrations_hold(struct sm *sm, const struct arrival *arrival, const struct datagram *answer)
{
	struct held_request *request = hold(sm, arrival);

	if (!request)
		return;
	request->is_made = true;
	request->answer = *answer;
}

void registrations_hold_block(struct sm *sm, const struct arrival *arrival, uint32_t port,
			      unsigned block)
{
	struct held_request *request = hold(sm, arrival);

	if (!request)
		return;
	request->port = port;
	request->block = block;
	sm->registrations.n_blocks++;
}

static bool is_due(const struct sm *sm, const struct held_request *request)
{
	return sm->registrations.safe >= request->handed &&
	       (request->is_made || aliases_are_done(sm, request->port, request->block));
}

static void answer(struct sm *sm, struct held_request *request)
{
	if (request->is_made) {
		transport_send(sm->transport, &request->answer, &request->arrival.from, 0);
	} else {
		sm->registrations.n_blocks--;
		aliases_update_reasons(sm, request->port);
		gids_look_at_port(sm, request->port);
		sm_answer_again(sm, &request->arrival);
	}
	held_drop(&sm->registrations.held, request);
}

void registrations_answer(struct sm *sm)
{
	const struct list *all = &sm->registrations.held.all;

	for (struct list *l = all->next, *next; l != all; l = next) {
		struct held_request *request = LIST_ENTRY(l, struct held_request, link);

		next = l->next;
		if (is_due(sm, request))
			answer(sm, request);
	}
}

/* What devices are to be told is on the disk. */
static void tell_devices(struct sm *sm)
{
	const struct list *all = &sm->registrations.held.all;

	for (struct list *l = all->next; l != all && sm->registrations.n_blocks > 0; l = l->next) {
		struct held_request *request = LIST_ENTRY(l, struct held_request, link);

		if (request->is_made || request->is_told ||
		    sm->registrations.safe < request->handed)
			continue;
		request->is_told = true;
		aliases_write(sm, request->port);
	}
}

static void refuse_all(struct sm *sm)
{
	const struct list *all = &sm->registrations.held.all;

	for (struct list *l = all->next; l != all; l = l->next) {
		struct held_request *request = LIST_ENTRY(l, struct held_request, link);

		if (!request->is_made)
			continue;
		memset(sa_data_of(&request->answer), 0, SA_DATA_SIZE);
		wire_set(&request->answer, SA_ATTR_OFFSET, 0);
		wire_set(&request->answer, MAD_STATUS, STATUS_SA_NO_RESOURCES);
	}
}

static void say_failure(struct sm *sm, int error)
{
	struct registrations *r = &sm->registrations;
	uint64_t now = loop_now(sm->loop);

	if (r->said_at != 0 && now - r->said_at < SAY_AGAIN)
		return;
	r->said_at = now;
	log_error("The state directory cannot be written (%s): hosts cannot register, and alias "
		  "GUIDs may be forgotten with the next restart",
		  strerror(-error));
}

/* What was handed over since cannot be on it either. */
static void fail(struct sm *sm, int error)
{
	struct registrations *r = &sm->registrations;

	say_failure(sm, error);
	refuse_all(sm);
	take_back(sm);
	r->safe = r->handed;
}

static void kept(void *user, int result)
{
	struct registrations *r = user;
	struct sm *sm = CONTAINER_OF(r, struct sm, registrations);

	r->keeping = false;
	if (result < 0) {
		fail(sm, result);
	} else {
		r->safe = r->asked;
		forget_undos(r);
		registrations_wait(sm);
	}
	tell_devices(sm);
	registrations_answer(sm);
	aliases_settle(sm);
}

/* Without memory for its answer the store is asked again, so nobody waits for ever. */
void registrations_wait(struct sm *sm)
{
	struct registrations *r = &sm->registrations;

	if (r->keeping || registrations_are_safe(r))
		return;
	r->asked = r->handed;
	r->keeping = keep_after(sm->keeper, kept, r) == 0;
	if (!r->keeping)
		loop_timer_set(r->timer, loop_now(sm->loop) + ASK_AGAIN);
}

static void ask_again(void *user)
{
	registrations_wait(user);
}

/* -- coming and going ---------------------------------------------------------------------------
 */

void registrations_load(void *user, const struct kept_registration *kept)
{
	struct sm *sm = user;
	uint64_t *last = &sm->registrations.last_id[kept->kind];

	*last = MAX(*last, kept->id);
	if (restore_of[kept->kind])
		restore_of[kept->kind](sm, kept);
}

void registrations_loaded(struct sm *sm)
{
	const struct registrations *r = &sm->registrations;
	unsigned n[KEPT_REGISTRATION_KIND_COUNT] = { 0 };

	for (uint32_t i = 0; i < r->n_refused; i++)
		n[r->refused[i].kind]++;
	if (r->n_refused > 0)
		log_warning("Registrations in the state directory that make no sense, or are more "
			    "than there is room for, are dropped: %u services, %u subscriptions, "
			    "%u multicast groups, %u members, %u places",
			    n[KEPT_SERVICE], n[KEPT_SUBSCRIPTION], n[KEPT_GROUP],
			    n[KEPT_GROUP_MEMBER], n[KEPT_AWAY]);
	drop_refused(sm);
}

void registrations_init(struct sm *sm)
{
	held_init(&sm->registrations.held, (struct held_limits){ 4096, 1024, REGISTRATIONS_OF_VF });
	list_init(&sm->registrations.undos);
}

int registrations_start(struct sm *sm)
{
	return loop_timer_new(sm->loop, ask_again, sm, &sm->registrations.timer);
}

void registrations_done(struct sm *sm)
{
	struct registrations *r = &sm->registrations;

	if (r->keeping)
		keep_cancel(sm->keeper, r);
	loop_timer_free(r->timer);
	held_done(&r->held);
	free(r->refused);
	r->safe = UINT64_MAX;
	forget_undos(r);
}
