/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Partitions at run time: what is added to those of the file, by whoever may. A change is checked,
 * goes to the disk, then is used, then is answered; so who has an answer will find the change after
 * a restart, and who has an error will not. One at a time: the next is looked at when the one
 * before it is used or refused, and may build on it.
 *
 * What is used is composed of both once for each change (conf/partition-compose.c), before it goes
 * to the disk, so that nothing can go wrong behind that. Then a reconcile that forgets nothing, and
 * looks for no devices, plans the P_Keys again: it costs the blocks that differ.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/macros.h"
#include "conf/additions.h"
#include "sm/machine.h"

#define PKEYS 0x8000

static_assert(KEPT_LIMITED == (int)PARTITION_LIMITED, "the store's numbers are ours");
static_assert(KEPT_FULL == (int)PARTITION_FULL, "the store's numbers are ours");
static_assert(KEPT_BOTH == (int)PARTITION_BOTH, "the store's numbers are ours");
static_assert(KEEP_PARTITION_NAME_MAX == PARTITION_NAME_SIZE - 1, "the store's names are ours");

/* A change that was asked for. */
struct wish {
	struct list link;
	sm_partition_fn fn;
	void *user;
	struct sm_partition_result result;
	bool remove;
	uint16_t pkey;
	char name[PARTITION_NAME_SIZE]; /* empty: none was given */
	size_t n;
	struct addition members[];
};

struct run_time {
	struct sm *sm;
	struct partitions *given; /* by the file */
	struct additions *added;
	uint64_t
		changed_in[PKEYS]; /* the generation with the last change; 0: not since the start */

	struct list wishes;
	unsigned n_wishes;
	struct loop_timer *timer;
	struct wish *wish;         /* that is on its way to the disk, or NULL */
	struct additions *next;    /* what it makes of added, */
	struct partitions *in_use; /* and of what is used: NULL: to be composed */

	/* While the store is read. */
	struct addition *members;
	size_t n_members, room;
	struct addition_name *names;
	size_t n_names;
	uint64_t n_left_out;
	int error;
};

/* -- composing ------------------------------------------------------------------------------------
 */

static bool adds_nothing(const struct additions *added)
{
	return added->n == 0 && added->n_names == 0;
}

/* A key that the file does not name may come to be that of somebody else. */
static void warn_of_generated(const struct partitions *given, const struct additions *added)
{
	for (size_t i = 0; i < given->n; i++) {
		const struct partition *p = &given->partitions[i];
		size_t first;

		if (p->generated &&
		    (additions_of(added, p->pkey, &first) > 0 || additions_name(added, p->pkey)))
			log_warning("Partition \"%s\" of the partition file gets P_Key 0x%04x, to "
				    "which members were added at run time: give it a P_Key in the "
				    "file if they are not the same",
				    p->name, p->pkey);
	}
}

/* @ret is @given itself if there is nothing to add. */
static int compose(struct partitions *given, const struct additions *added, struct partitions **ret)
{
	if (adds_nothing(added)) {
		*ret = given;
		return 0;
	}

	return partitions_compose(given, added, ret);
}

static void free_in_use(struct sm *sm, struct partitions *in_use)
{
	if (in_use != sm->run_time->given)
		partitions_free(in_use);
}

int partition_replace(struct sm *sm, struct partitions *given)
{
	struct run_time *t = sm->run_time;
	struct partitions *in_use;
	int r = compose(given, t->added, &in_use);

	if (r < 0) {
		log_error("There is no memory for the new partitions: the former ones stay");
		partitions_free(given);
		return r;
	}
	warn_of_generated(given, t->added);
	free_in_use(sm, sm->partitions);
	free_in_use(sm, TAKE(t->in_use));
	partitions_free(t->given);
	t->given = given;
	sm->partitions = in_use;
	sm->planned_keys.stale = true;
	multicast_use_partitions(sm);

	return 0;
}

/* -- what may be changed --------------------------------------------------------------------------
 */

static int refuse(struct wish *wish, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct wish *wish, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(wish->result.why, sizeof(wish->result.why), format, args);
	va_end(args);

	return error;
}

/* By which statement; NULL: by none. What is absent may be of any kind. */
static const struct partition_member *given_by(const struct sm *sm,
					       const struct partition *partition, uint64_t guid)
{
	struct endpoint e = endpoint_find(&sm->fabric, guid);
	bool self = e.port == sm->fabric.local_port && e.index == 0;

	if (e.port == NO_PORT)
		return partition_deciding(partition, PARTITION_ALL, guid, false);

	return partition_deciding(partition, pkeys_kind_of(node_of(&sm->fabric, e.port)), guid,
				  self);
}

/* The entry of virtual_functions, from 1 on, that has @guid in it; 0: none has. */
static unsigned entry_with(const struct sm *sm, uint16_t pkey, uint64_t guid)
{
	struct endpoint e = endpoint_find(&sm->fabric, guid);
	const struct vf_policy *rule = e.port == NO_PORT ? NULL : pkeys_rule_of(sm, e);

	return rule && rule->partition == pkey
		       ? (unsigned)(rule - sm->conf.virtual_functions.policy) + 1
		       : 0;
}

static int check_name(const struct sm *sm, struct wish *wish, const struct partition *given)
{
	const struct partitions *all = sm->partitions;

	if (given && strcmp(given->name, wish->name) != 0)
		return refuse(wish, -EEXIST,
			      "partition 0x%04x has the name \"%s\" from the partition file",
			      wish->pkey, given->name);
	for (size_t i = 0; i < all->n; i++)
		if (all->partitions[i].pkey != wish->pkey &&
		    !strcmp(all->partitions[i].name, wish->name))
			return refuse(wish, -EEXIST, "partition 0x%04x has the name \"%s\" already",
				      all->partitions[i].pkey, wish->name);

	return 0;
}

static int check_addition(const struct sm *sm, struct wish *wish, const struct partition *given)
{
	for (size_t i = 0; i < wish->n; i++)
		if (wish->members[i].membership == PARTITION_BOTH && !sm->conf.allow_both_pkeys)
			return refuse(wish, -EINVAL,
				      "membership both needs partitions.allow_both_pkeys = true");

	return wish->name[0] ? check_name(sm, wish, given) : 0;
}

/* Nobody is taken out of it. */
static int refuse_default(const struct sm *sm, struct wish *wish)
{
	if (!sm->conf.partition_file[0])
		return refuse(wish, -EPERM,
			      "every port is a full member of the default partition (0x%04x), as "
			      "there is no partition file: to have limited members, name one "
			      "(partition_file in vsm.conf)",
			      wish->pkey);

	return refuse(wish, -EPERM,
		      "every port is in the default partition (0x%04x), at least as a limited "
		      "member: say who is a full one in the partition file, then: vsmctl reload",
		      wish->pkey);
}

static int refuse_given(const struct sm *sm, struct wish *wish, uint64_t guid,
			const struct partition_member *by)
{
	const char *kind = partition_kind_name((enum partition_kind)by->kind);

	if (wish->pkey == PARTITION_DEFAULT_PKEY)
		return refuse_default(sm, wish);
	if (!kind)
		return refuse(wish, -EPERM,
			      "0x%016" PRIx64
			      " is in partition 0x%04x by its GUID in the partition "
			      "file: take it out there, then: vsmctl reload",
			      guid, wish->pkey);

	return refuse(wish, -EPERM,
		      "0x%016" PRIx64 " is in partition 0x%04x as one of %s in the partition file: "
		      "name its members one by one there instead, then: vsmctl reload",
		      guid, wish->pkey, kind);
}

static int check_member_removal(const struct sm *sm, struct wish *wish,
				const struct partition *given, uint64_t guid)
{
	const struct partition_member *by = given ? given_by(sm, given, guid) : NULL;
	unsigned entry = entry_with(sm, wish->pkey, guid);

	if (additions_find(sm->run_time->added, wish->pkey, guid))
		return 0;
	if (by)
		return refuse_given(sm, wish, guid, by);
	if (entry)
		return refuse(wish, -EPERM,
			      "0x%016" PRIx64 " is in partition 0x%04x by entry %u of "
			      "virtual_functions in vsm.conf: change that, then: vsmctl reload",
			      guid, wish->pkey, entry);

	return 0;
}

static int check_removal(const struct sm *sm, struct wish *wish, const struct partition *given)
{
	const struct additions *added = sm->run_time->added;
	size_t first;
	int r = 0;

	if (given && wish->n == 0 && additions_of(added, wish->pkey, &first) == 0 &&
	    !additions_name(added, wish->pkey)) {
		if (wish->pkey == PARTITION_DEFAULT_PKEY)
			return refuse_default(sm, wish);
		return refuse(wish, -EPERM,
			      "partition 0x%04x is from the partition file, and nothing was added "
			      "to it at run time: change the file, then: vsmctl reload",
			      wish->pkey);
	}
	for (size_t i = 0; r == 0 && i < wish->n; i++)
		r = check_member_removal(sm, wish, given, wish->members[i].guid);

	return r;
}

/* -- making it ------------------------------------------------------------------------------------
 */

/* What is to become of the name; NULL: it stays. */
static const char *new_name(const struct sm *sm, const struct wish *wish, bool is_from_file)
{
	const char *name = additions_name(sm->run_time->added, wish->pkey);

	if (wish->remove)
		return wish->n == 0 && name ? "" : NULL;
	if (!wish->name[0] || is_from_file || (name && !strcmp(name, wish->name)))
		return NULL;

	return wish->name;
}

static struct addition_change plan_change(const struct sm *sm, struct wish *wish, bool is_from_file)
{
	const struct additions *added = sm->run_time->added;
	struct addition_change change = { .pkey = wish->pkey,
					  .name = new_name(sm, wish, is_from_file),
					  .members = wish->members };
	size_t first, n = additions_of(added, wish->pkey, &first);

	change.clear = wish->remove && wish->n == 0 && n > 0;
	wish->n = additions_reduce(added, wish->members, wish->n);
	change.n = wish->n;
	wish->result.n_changed = (uint32_t)(change.clear ? n : wish->n);

	return change;
}

static int keep(const struct sm *sm, const struct addition_change *change)
{
	struct kept_member *members = calloc(change->n + 1, sizeof(*members));
	int r;

	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < change->n; i++)
		members[i] = (struct kept_member){ .guid = change->members[i].guid,
						   .pkey = change->pkey,
						   .membership = change->members[i].membership,
						   .index0 = change->members[i].index0 };
	r = keep_change(sm->keeper, &(struct kept_change){ .pkey = change->pkey,
							   .name = change->name,
							   .clear = change->clear,
							   .members = members,
							   .n_members = (uint32_t)change->n });
	free(members);

	return r;
}

static void drop_next(struct sm *sm)
{
	free_in_use(sm, TAKE(sm->run_time->in_use));
	additions_free(TAKE(sm->run_time->next));
}

static void on_kept(void *user, int result);

/* 1: it is on its way to the disk. */
static int make_next(struct sm *sm, struct wish *wish, const struct addition_change *change)
{
	struct run_time *t = sm->run_time;
	int r = additions_change(t->added, change, &t->next);

	if (r == -E2BIG)
		return refuse(wish, r, "there is room for %d members that are added at run time",
			      ADDITIONS_MAX);
	if (r == 0)
		r = compose(t->given, t->next, &t->in_use);
	if (r == 0)
		r = keep(sm, change);
	if (r == 0)
		r = keep_after(sm->keeper, on_kept, t);
	if (r == 0)
		return 1;
	drop_next(sm);

	return refuse(wish, r, "there is no memory for it");
}

/* 0: there is nothing to change, 1: it is on its way, -errno with a sentence. */
static int begin(struct sm *sm, struct wish *wish)
{
	const struct partition *given = partitions_find(sm->run_time->given, wish->pkey);
	struct addition_change change;
	int r = wish->remove ? check_removal(sm, wish, given) : check_addition(sm, wish, given);

	if (r < 0)
		return r;
	change = plan_change(sm, wish, given != NULL);
	wish->result.changed = change.n > 0 || change.clear || change.name;

	return wish->result.changed ? make_next(sm, wish, &change) : 0;
}

/* -- using it -------------------------------------------------------------------------------------
 */

/* Its table may be refused for what was in it: it is tried anew. */
static void hurry(const struct sm *sm, uint64_t guid)
{
	const struct fabric *f = &sm->fabric;
	struct endpoint e = endpoint_find(f, guid);

	if (e.port == NO_PORT)
		return;
	fault_hurry(sm, e.index ? &vf_of(f, e)->table_fault : &f->ports[e.port].table_fault);
	if (f->ports[e.port].peer != NO_PORT)
		fault_hurry(sm, &f->ports[f->ports[e.port].peer].table_fault);
}

/*
 * The walk that begins now plans with it and counts a generation. One that is under way may have
 * planned already; it counts one in any case, and the next one another.
 */
static uint64_t reconcile(struct sm *sm)
{
	unsigned walks = sm->phase == PHASE_REST ? 1 : 2;

	sm->intent_changed = true;
	sm->changed = sm->changed || walks == 2;
	sm_look_again(sm);

	return sm->generation + walks;
}

static void tell(const struct sm *sm, const struct wish *wish)
{
	event_add(sm->events, EVENT_CONFIG, 0, 0, -1, "partition 0x%04x: %u member%s %s",
		  wish->pkey, wish->result.n_changed, wish->result.n_changed == 1 ? "" : "s",
		  wish->remove ? "removed" : "added or changed");
}

static int use(struct sm *sm, struct wish *wish)
{
	struct run_time *t = sm->run_time;
	size_t first, n = additions_of(t->added, wish->pkey, &first);

	/* The file was read again meanwhile. */
	if (!t->in_use && compose(t->given, t->next, &t->in_use) < 0)
		return refuse(wish, -ENOMEM,
			      "it is stored, but there is no memory to use it before a restart");
	for (size_t i = 0; wish->remove && wish->n == 0 && i < n; i++)
		hurry(sm, t->added->by_pkey[first + i].guid);
	for (size_t i = 0; i < wish->n; i++)
		hurry(sm, wish->members[i].guid);
	free_in_use(sm, sm->partitions);
	sm->partitions = TAKE(t->in_use);
	additions_free(t->added);
	t->added = TAKE(t->next);
	multicast_use_partitions(sm);
	tell(sm, wish);
	t->changed_in[wish->pkey] = reconcile(sm);

	return 0;
}

static void answer(struct sm *sm, struct wish *wish, int error)
{
	wish->result.error = error;
	wish->result.generation = MAX(sm->generation, sm->run_time->changed_in[wish->pkey]);
	wish->fn(wish->user, &wish->result);
	sm->run_time->n_wishes--;
	free(wish);
}

static void on_kept(void *user, int result)
{
	struct run_time *t = user;
	struct sm *sm = t->sm;
	struct wish *wish = TAKE(t->wish);

	if (result < 0)
		refuse(wish, result, "the state directory cannot be written: %s",
		       strerror(-result));
	else
		result = use(sm, wish);
	drop_next(sm);
	loop_timer_set(t->timer, loop_now(sm->loop));
	answer(sm, wish, result);
}

static void on_time(void *user)
{
	struct run_time *t = user;
	struct list *link;

	while (!t->wish && (link = list_take_first(&t->wishes))) {
		struct wish *wish = LIST_ENTRY(link, struct wish, link);
		int r = begin(t->sm, wish);

		if (r == 1)
			t->wish = wish;
		else
			answer(t->sm, wish, r);
	}
}

int sm_change_partition(struct sm *sm, const struct sm_partition_change *change, sm_partition_fn fn,
			void *user)
{
	struct run_time *t = sm->run_time;
	struct wish *wish;

	if (t->n_wishes >= SM_PARTITION_CHANGES_MAX)
		return -EBUSY;
	wish = calloc(1, sizeof(*wish) + change->n_guids * sizeof(*wish->members));
	if (!wish)
		return -ENOMEM;
	wish->fn = fn;
	wish->user = user;
	wish->remove = change->remove;
	wish->pkey = change->pkey;
	wish->n = change->n_guids;
	if (change->name)
		snprintf(wish->name, sizeof(wish->name), "%s", change->name);
	for (size_t i = 0; i < wish->n; i++)
		wish->members[i] = (struct addition){
			.guid = change->guids[i],
			.pkey = change->pkey,
			.membership = (uint8_t)(change->remove ? PARTITION_NO_MEMBER
							       : change->membership),
			.index0 = !change->remove && change->index0,
		};
	list_add_tail(&t->wishes, &wish->link);
	t->n_wishes++;
	loop_timer_set(t->timer, loop_now(sm->loop));

	return 0;
}

uint64_t sm_partition_generation(const struct sm *sm, uint16_t pkey)
{
	uint64_t generation = sm->run_time->changed_in[pkey & 0x7fff];

	return generation ? generation : sm->generation;
}

/* -- life -----------------------------------------------------------------------------------------
 */

int partition_init(struct sm *sm)
{
	struct run_time *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	sm->run_time = t;
	t->sm = sm;
	list_init(&t->wishes);
	r = additions_make(NULL, 0, NULL, 0, &t->added);
	if (r == 0)
		r = loop_timer_new(sm->loop, on_time, t, &t->timer);

	return r;
}

void partition_read_name(void *user, const struct kept_partition *partition)
{
	struct run_time *t = ((struct sm *)user)->run_time;
	struct addition_name *bigger = reallocarray(t->names, t->n_names + 1, sizeof(*t->names));

	if (!bigger) {
		t->error = -ENOMEM;
		return;
	}
	t->names = bigger;
	t->names[t->n_names] = (struct addition_name){ .pkey = partition->pkey };
	snprintf(t->names[t->n_names++].name, PARTITION_NAME_SIZE, "%s", partition->name);
}

void partition_read_member(void *user, const struct kept_member *member)
{
	struct run_time *t = ((struct sm *)user)->run_time;

	if (t->n_members == ADDITIONS_MAX) {
		t->n_left_out++;
		return;
	}
	if (t->n_members == t->room) {
		size_t room = MAX(2 * t->room, (size_t)64);
		struct addition *bigger = reallocarray(t->members, room, sizeof(*bigger));

		if (!bigger) {
			t->error = -ENOMEM;
			return;
		}
		t->members = bigger;
		t->room = room;
	}
	t->members[t->n_members++] = (struct addition){ .guid = member->guid,
							.pkey = member->pkey,
							.membership = member->membership,
							.index0 = member->index0 };
}

/* Without memory for all of it nothing is started: to start without it would take keys away. */
int partition_start(struct sm *sm, struct partitions *given)
{
	struct run_time *t = sm->run_time;
	struct additions *added = NULL;
	int r = t->error;

	if (r == 0)
		r = additions_make(t->members, t->n_members, t->names, t->n_names, &added);
	if (r == 0)
		r = compose(given, added, &sm->partitions);
	free(TAKE(t->members));
	free(TAKE(t->names));
	if (r < 0) {
		additions_free(added);
		return r;
	}
	if (t->n_left_out > 0)
		log_error("%" PRIu64 " members of partitions in the state directory are left out: "
			  "there is room for %d",
			  t->n_left_out, ADDITIONS_MAX);
	warn_of_generated(given, added);
	additions_free(t->added);
	t->added = added;
	t->given = given;
	multicast_use_partitions(sm);

	return 0;
}

struct partitions *partition_take_given(struct sm *sm)
{
	struct run_time *t = sm->run_time;

	if (sm->partitions == t->given)
		sm->partitions = NULL;
	if (t->in_use == t->given)
		t->in_use = NULL;

	return TAKE(t->given);
}

static void cancel_all(struct run_time *t)
{
	struct list *link;

	if (t->wish) {
		struct wish *wish = TAKE(t->wish);

		refuse(wish, -ECANCELED,
		       "the port is gone; ask again when it is back whether it was done");
		answer(t->sm, wish, -ECANCELED);
	}
	while ((link = list_take_first(&t->wishes))) {
		struct wish *wish = LIST_ENTRY(link, struct wish, link);

		refuse(wish, -ECANCELED, "the port is gone; nothing has changed");
		answer(t->sm, wish, -ECANCELED);
	}
}

void partition_done(struct sm *sm)
{
	struct run_time *t = sm->run_time;

	if (!t)
		return;
	if (t->wish)
		keep_cancel(sm->keeper, t);
	cancel_all(t);
	drop_next(sm);
	free_in_use(sm, TAKE(sm->partitions));
	partitions_free(t->given);
	additions_free(t->added);
	loop_timer_free(t->timer);
	free(t->members);
	free(t->names);
	free(t);
}
