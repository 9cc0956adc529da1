/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the store remembers of devices: read at the start, given to nodes as they appear, written
 * when it changes. LIDs go to identity.c at once; M_Keys (for mkey.c) and what devices did not keep
 * wait here until the device is found, because nodes exist only for what has been seen.
 *
 * Both stay when their device has gone, as it has its M_Key still; but virtual functions come and
 * go under ever new GUIDs. So at KEEP_DEVICES_MAX one that is not there is forgotten for one that
 * is: one that has no M_Key but the configured one, if there is any, as that is tried with whoever
 * is not known, and what it did not keep is found out again. Else it is little the worse for that:
 * its key is tried with who does not answer to its own (mkey.c), until we restart. What a device
 * did not keep goes when the fabric forgets it, too.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/macros.h"
#include "sm/machine.h"

struct memory_entry *memory_find(const struct sm *sm, uint64_t guid)
{
	uint32_t i = guid_map_get(&sm->memory.map, guid);

	return i == GUID_MAP_NONE ? NULL : &sm->memory.entries[i];
}

/* -- room ---------------------------------------------------------------------------------------
 */

static struct memory_entry *add(struct memory *m, uint64_t guid)
{
	if (m->n == KEEP_DEVICES_MAX ||
	    array_make_room(&m->entries, m->n, &m->room, 64, sizeof(*m->entries)) < 0 ||
	    guid_map_put(&m->map, guid, m->n) < 0)
		return NULL;
	m->entries[m->n] = (struct memory_entry){ .guid = guid };

	return &m->entries[m->n++];
}

static bool is_there(const struct fabric *f, uint64_t guid)
{
	uint32_t port = fabric_find_port(f, guid);
	uint32_t node = fabric_find_node(f, guid);

	return (port != NO_PORT && node_of(f, port)->present) ||
	       (node != NO_NODE && f->nodes[node].present);
}

/* Those of a fabric are one or two; more come of changes while devices were away. */
static void note_mkey(struct memory *m, uint64_t mkey)
{
	for (unsigned i = 0; i < m->n_mkeys; i++)
		if (m->mkeys[i] == mkey)
			return;
	if (mkey != 0 && m->n_mkeys < MAX_MKEYS)
		m->mkeys[m->n_mkeys++] = mkey;
}

static void drop_quirks(struct sm *sm, struct memory_entry *entry)
{
	if (entry->has_quirks)
		keep_quirks(sm->keeper, &(struct kept_quirks){ .guid = entry->guid });
	entry->has_quirks = false;
}

static void forget(struct sm *sm, struct memory_entry *entry)
{
	uint32_t node = fabric_find_node(&sm->fabric, entry->guid);

	note_mkey(&sm->memory, entry->mkey);
	note_mkey(&sm->memory, entry->other_mkey);
	if (entry->mkey)
		keep_mkey(sm->keeper, &(struct kept_mkey){ .guid = entry->guid });
	if (node != NO_NODE)
		memory_forget_quirks(sm, &sm->fabric.nodes[node]);
	drop_quirks(sm, entry);
	not_kept_free(entry->not_kept);
	guid_map_remove(&sm->memory.map, entry->guid);
}

/* No key is lost with it: a device that is not known is asked like this one. */
static bool is_as_any(const struct sm *sm, const struct memory_entry *entry)
{
	return (entry->mkey == 0 || entry->mkey == sm->conf.m_key) && entry->other_mkey == 0;
}

/* Who came first, of those that are not there, or was passed over last; m->n if all are. */
static uint32_t find_absent(const struct sm *sm, bool as_any)
{
	const struct memory *m = &sm->memory;

	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t at = (m->oldest + i) % m->n;

		if ((!as_any || is_as_any(sm, &m->entries[at])) &&
		    !is_there(&sm->fabric, m->entries[at].guid))
			return at;
	}

	return m->n;
}

static struct memory_entry *replace(struct sm *sm, uint64_t guid)
{
	struct memory *m = &sm->memory;
	uint32_t at = find_absent(sm, true);

	if (at == m->n)
		at = find_absent(sm, false);
	if (at == m->n)
		return NULL;
	forget(sm, &m->entries[at]);
	m->entries[at] = (struct memory_entry){ .guid = guid };
	guid_map_put(&m->map, guid, at); /* where one was removed there is room */
	m->oldest = (at + 1) % m->n;

	return &m->entries[at];
}

struct memory_entry *memory_find_or_add(struct sm *sm, uint64_t guid)
{
	struct memory_entry *entry = memory_find(sm, guid);

	if (entry)
		return entry;

	return sm->memory.n < KEEP_DEVICES_MAX ? add(&sm->memory, guid) : replace(sm, guid);
}

/* -- at the start -------------------------------------------------------------------------------
 */

/* Nobody is there yet. */
static struct memory_entry *find_or_read(struct sm *sm, uint64_t guid)
{
	struct memory_entry *entry = memory_find(sm, guid);

	return entry ? entry : add(&sm->memory, guid);
}

static void read_identity(void *user, const struct kept_identity *kept)
{
	struct sm *sm = user;
	uint32_t i;

	if (identity_claim(sm->identities, kept->guid, kept->lid, kept->lmc) < 0) {
		log_warning("LID %u of 0x%016llx in the state directory is not valid, or taken",
			    kept->lid, (unsigned long long)kept->guid);
		return;
	}
	i = identity_index(sm->identities, kept->guid);
	identity_at(sm->identities, i)->kept = true;
}

/* What there is no room for stays in the store. */
static void read_mkey(void *user, const struct kept_mkey *kept)
{
	struct sm *sm = user;
	struct memory_entry *entry = find_or_read(sm, kept->guid);

	note_mkey(&sm->memory, kept->mkey);
	note_mkey(&sm->memory, kept->other);
	if (!entry)
		return;
	entry->mkey = kept->mkey;
	entry->other_mkey = kept->other;
}

/* A row that nobody knows would stay for ever. Without memory it does, until the next start. */
static void refuse_quirks(struct memory *m, uint64_t guid)
{
	if (m->n == KEEP_DEVICES_MAX && array_make_room(&m->refused, m->n_refused, &m->refused_room,
							64, sizeof(*m->refused)) == 0)
		m->refused[m->n_refused++] = guid;
}

static void drop_refused(struct sm *sm)
{
	struct memory *m = &sm->memory;

	for (uint32_t i = 0; i < m->n_refused; i++)
		keep_quirks(sm->keeper, &(struct kept_quirks){ .guid = m->refused[i] });
	free(TAKE(m->refused));
	m->n_refused = m->refused_room = 0;
}

static void read_quirks(void *user, const struct kept_quirks *kept)
{
	struct sm *sm = user;
	struct memory_entry *entry = find_or_read(sm, kept->guid);

	if (!entry) {
		refuse_quirks(&sm->memory, kept->guid);
		return;
	}
	entry->has_quirks = true;
	not_kept_free(entry->not_kept);
	entry->not_kept = NULL;
	not_kept_from_bytes(kept->blob, kept->size, &entry->not_kept);
}

static void read_reservation(void *user, const struct kept_reservation *kept)
{
	struct sm *sm = user;

	if (reservations_put(&sm->reservations, kept) < 0)
		log_warning("There is no room for what is reserved for 0x%016llx",
			    (unsigned long long)kept->guid);
}

static void read_alias(void *user, const struct kept_alias *kept)
{
	aliases_load(user, kept);
}

static void read_spares(void *user, const struct kept_spares *kept)
{
	spares_load(user, kept);
}

static void read_move(void *user, const struct kept_move *kept)
{
	moves_load(user, kept);
}

void memory_load(struct sm *sm)
{
	static const struct keep_reader reader = { .identity = read_identity,
						   .mkey = read_mkey,
						   .quirks = read_quirks,
						   .reservation = read_reservation,
						   .alias = read_alias,
						   .spares = read_spares,
						   .move = read_move,
						   .partition = partition_read_name,
						   .member = partition_read_member,
						   .registration = registrations_load };

	keep_read(sm->keeper, &reader, sm);
	drop_refused(sm);
	registrations_loaded(sm);
	reserve_load(sm);
	spares_claim(sm);
}

void memory_done(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->memory.n; i++)
		not_kept_free(sm->memory.entries[i].not_kept);
	free(sm->memory.entries);
	guid_map_done(&sm->memory.map);
}

/* -- what devices did not keep ------------------------------------------------------------------
 */

void memory_give(struct sm *sm, struct node *node)
{
	struct memory_entry *entry = memory_find(sm, node->guid);

	if (entry && !node->not_kept)
		node->not_kept = TAKE(entry->not_kept);
}

void memory_forget_quirks(struct sm *sm, struct node *node)
{
	struct memory_entry *entry = memory_find(sm, node->guid);

	if (!node->not_kept)
		return;
	not_kept_free(node->not_kept);
	node->not_kept = NULL;
	node->unsaved = false;
	if (entry)
		drop_quirks(sm, entry);
}

/* Where all rows are of devices that are there, it is found out again after a restart. */
static void keep_quirks_of(struct sm *sm, const struct node *node)
{
	struct memory_entry *entry = memory_find_or_add(sm, node->guid);
	struct kept_quirks kept = { .guid = node->guid };
	size_t size;

	if (!entry)
		return;
	kept.blob = not_kept_bytes(node->not_kept, &size);
	kept.size = (uint32_t)size;
	entry->has_quirks = true;
	keep_quirks(sm->keeper, &kept);
}

void memory_keep_quirks(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		struct node *node = &sm->fabric.nodes[i];

		if (!node->unsaved)
			continue;
		node->unsaved = false;
		keep_quirks_of(sm, node);
	}
}
