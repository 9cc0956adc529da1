/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which M_Key a port has; a switch has that of its port 0 for all.
 *
 * Who comes with another one gets no answer to a Set, and at protection 2 and 3 none to a Get; at 1
 * the key is shown only to who knows it, at 0 to everybody (IBA 14.2.4). A key is set by a Set, and
 * if its answer is lost, or we are killed before it comes, the port may have the old key or the new
 * one. So two keys may be in doubt: the store has both before the Set leaves, and requests come
 * with one and the other in turn (mad/request.h) until the port has shown which it has. While two
 * are in doubt no third one is set; first one of the two is set once more.
 *
 * The store is not the only one to know. What the configuration says is tried too, as another
 * subnet manager may have set it, and then what was kept for others, one by one. Who asks across a
 * link does not know who is there, and does the same. A key that a port shows to everybody is used,
 * and not kept.
 */

#include "base/macros.h"
#include "sm/machine.h"

static uint64_t shown(const struct port *port)
{
	return wire_get(port->info, PORT_INFO_MKEY);
}

static bool is_hidden(const struct port *port)
{
	return shown(port) == 0 && wire_get(port->info, PORT_INFO_MKEY_PROTECT) != 0;
}

static bool is_kept(const struct memory_entry *entry, uint64_t mkey)
{
	return mkey != 0 && (entry->mkey == mkey || entry->other_mkey == mkey);
}

/* -- which to try -------------------------------------------------------------------------------
 */

static void use(struct sm *sm, struct port *port, uint64_t mkey, uint64_t other)
{
	port->mkey = mkey;
	port->other_mkey = other == mkey ? 0 : other;
	if (port - sm->fabric.ports == sm->fabric.local_port)
		requests_set_own_mkey(sm->requests, mkey);
}

/* @heard: with this one the device answered before it was known who it is. */
void mkey_give(struct sm *sm, uint32_t number, uint64_t heard)
{
	struct port *port = &sm->fabric.ports[number];
	const struct memory_entry *entry = memory_find(sm, port->guid);
	uint64_t wanted = sm->conf.m_key;

	if (port->mkey != 0)
		return;
	if (entry && entry->mkey)
		use(sm, port, entry->mkey, entry->other_mkey ? entry->other_mkey : wanted);
	else
		use(sm, port, heard ? heard : wanted, wanted);
}

/*
 * Another of those that others have with every sweep; with a single try, it alone in every second.
 * But the one that was answered when nobody waited for it any more is tried again.
 */
void mkey_give_probe(struct sm *sm, struct probe *probe)
{
	struct port *port = probe->port == NO_PORT ? NULL : &sm->fabric.ports[probe->port];
	const struct memory *m = &sm->memory;
	bool alone = sm->conf.tries == 1;
	uint32_t turn = alone ? sm->fabric.sweep / 2 : sm->fabric.sweep;
	uint64_t wanted = sm->conf.m_key, other = 0;

	if (port && port->far_mkey) {
		probe->mkey = port->far_mkey;
		probe->other_mkey = wanted == probe->mkey ? 0 : wanted;
		port->far_mkey = 0;
		return;
	}
	for (unsigned i = 0; i < m->n_mkeys && !other; i++) {
		uint64_t mkey = m->mkeys[(turn + i) % m->n_mkeys];

		other = mkey == wanted ? 0 : mkey;
	}
	probe->mkey = alone && other && sm->fabric.sweep % 2 ? other : wanted;
	probe->other_mkey = other;
}

/* @asked: with which key. Who is not shown the key has not got it, and goes on with the other. */
void mkey_take(struct sm *sm, uint32_t number, uint64_t asked)
{
	struct port *port = &sm->fabric.ports[number];

	if (is_hidden(port) && asked == port->mkey && port->other_mkey)
		use(sm, port, port->other_mkey, port->mkey);
	else if (shown(port) != 0 && shown(port) != port->mkey)
		use(sm, port, shown(port), port->mkey);
}

static unsigned add(uint64_t *mkeys, unsigned n, uint64_t mkey)
{
	for (unsigned i = 0; i < n; i++)
		if (mkeys[i] == mkey)
			return n;
	if (mkey != 0)
		mkeys[n++] = mkey;

	return n;
}

/* Go on with the next two of all that it may be. */
void mkey_lost(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	const struct memory_entry *entry = memory_find(sm, port->guid);
	uint64_t mkeys[MAX_MKEYS + 5];
	unsigned n = 0, i = 0;

	if (entry) {
		n = add(mkeys, n, entry->mkey);
		n = add(mkeys, n, entry->other_mkey);
	}
	n = add(mkeys, n, sm->conf.m_key);
	for (unsigned k = 0; k < sm->memory.n_mkeys; k++)
		n = add(mkeys, n, sm->memory.mkeys[k]);
	n = add(mkeys, n, port->mkey);
	n = add(mkeys, n, port->other_mkey);
	if (n < 2)
		return;
	while (i < n && mkeys[i] != port->mkey)
		i++;
	use(sm, port, mkeys[(i + 1) % n], mkeys[(i + 2) % n]);
}

/* -- which to keep ------------------------------------------------------------------------------
 */

static void keep(struct sm *sm, struct memory_entry *entry, uint64_t mkey, uint64_t other)
{
	if (entry->mkey == mkey && entry->other_mkey == other)
		return;
	entry->mkey = mkey;
	entry->other_mkey = other;
	sm->unkept = true;
	keep_mkey(sm->keeper,
		  &(struct kept_mkey){ .guid = entry->guid, .mkey = mkey, .other = other });
}

/* It hides its key: what was kept stays, and the one that is wanted comes to it if there is room.
 */
static void keep_doubt(struct sm *sm, struct memory_entry *entry)
{
	if (entry->mkey == 0)
		keep(sm, entry, sm->conf.m_key, 0);
	else if (entry->other_mkey == 0 && entry->mkey != sm->conf.m_key)
		keep(sm, entry, entry->mkey, sm->conf.m_key);
}

/* Before anything is set: the store is to know what the port has, and what it is to have. */
void mkey_keep(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	uint64_t wanted = sm->conf.m_key;
	struct memory_entry *entry;

	if (wanted == 0)
		return;
	entry = memory_find_or_add(sm, port->guid);
	if (!entry)
		return; /* and so it is not set */
	if (is_hidden(port)) {
		keep_doubt(sm, entry);
		return;
	}
	use(sm, port, shown(port) ? shown(port) : wanted, wanted);
	if (is_kept(entry, port->mkey))
		keep(sm, entry, port->mkey, port->other_mkey);
	else
		keep(sm, entry, wanted, 0);
}

void mkey_confirm(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	struct memory_entry *entry = memory_find(sm, port->guid);

	if (!entry || !is_kept(entry, shown(port)))
		return;
	keep(sm, entry, shown(port), 0);
	use(sm, port, shown(port), 0);
}

/* Nothing that the store does not know. */
uint64_t mkey_planned(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	const struct memory_entry *entry;

	if (sm->conf.m_key == 0)
		return 0;
	entry = memory_find(sm, port->guid);
	if (!entry || !entry->mkey)
		return shown(port);

	return is_kept(entry, sm->conf.m_key) ? sm->conf.m_key : entry->mkey;
}
