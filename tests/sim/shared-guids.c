/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How mlx4 comes to its alias GUIDs. For each block of eight entries the driver knows what it wants
 * there, and which of them are pending: wanted, and not seen in the table yet. It asks the SA, one
 * GuidInfoRecord at a time:
 *
 *	Set	with the GUIDs of all that are pending in the block; 0 asks the SM to assign one
 *	Delete	if what is pending is to go
 *
 * 100 ms for an answer, 11 times, then a second's rest, as after an answer with a status. In the
 * answer an entry that is 0, or not what was asked for, was declined: asked for again after 1, 2, 4
 * and at last every 60 s. What the SM assigned is asked for by that value from then on.
 *
 * An answer alone does not bring a VF up: the entry must be in GUIDInfo, where only the SM's SMP
 * puts it. Whichever comes second does (quirk alias_guid_by_answer: the answer is enough).
 *
 * The port must be Active to ask, which is looked at every 5 s. When it becomes Active, and when
 * the SM sets ClientReregister, all is pending again, which takes no VF down.
 */

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/forward.h"
#include "tests/sim/shared-inside.h"

enum {
	ATTR_GUIDINFO_RECORD = 0x30,
	METHOD_DELETE = 0x15,
	MASK_LID_BLOCK = 3, /* component mask: LID and BlockNum, GUIDs from bit 4 on */
	MASK_GUID_SHIFT = 4,
	TRIES = 11,
	WAIT_MAX = 60, /* s */
};

#define TRY_TIME      (100 * LOOP_MSEC)
#define REST          LOOP_SEC
#define INACTIVE_TIME (5 * LOOP_SEC)
/* What the driver does at once still takes it the time of a round trip. */
#define AT_ONCE LOOP_MSEC

static uint64_t now(const struct sim_shared_port *shared)
{
	return loop_now(shared->port->node->fabric->loop);
}

/* ---- what is pending ------------------------------------------------------------------------- */

static struct shared_block *block_of(struct sim_shared_port *shared, unsigned vf, unsigned *bit)
{
	*bit = vf % SIM_GUID_BLOCK;
	return &shared->blocks[vf / SIM_GUID_BLOCK];
}

/* The block that has waited longest; NULL: nothing to ask for. */
static struct shared_block *next_block(struct sim_shared_port *shared)
{
	struct shared_block *best = NULL;

	for (unsigned i = 0; i < SHARED_BLOCKS; i++) {
		struct shared_block *block = &shared->blocks[i];

		if (block->idle && block->pending && (!best || block->due < best->due))
			best = block;
	}
	return best;
}

static void schedule(struct sim_shared_port *shared)
{
	const struct shared_block *block = next_block(shared);

	if (!shared->query.running && block)
		loop_timer_set(shared->work, MAX(block->due, now(shared)));
}

/* Entry 0 is the PF's, which nobody ever wants otherwise. */
static void pend_all(struct sim_shared_port *shared, unsigned index)
{
	struct shared_block *block = &shared->blocks[index];

	for (unsigned i = 0; i < SIM_GUID_BLOCK; i++)
		if (block->wanted[i] != SHARED_DELETE)
			block->pending |= (uint8_t)(1u << i);
	block->idle = block->pending != 0;
}

static void want(struct sim_shared_port *shared, unsigned vf, uint64_t guid)
{
	unsigned bit;
	struct shared_block *block = block_of(shared, vf, &bit);

	block->wanted[bit] = guid;
	block->pending |= (uint8_t)(1u << bit);
	block->idle = true;
	block->due = 0;
	block->wait[bit] = 0;
	schedule(shared);
}

void shared_guids_start(struct sim_shared_port *shared, unsigned vf)
{
	uint64_t admin = shared->vfs[vf].admin;

	if (shared->asks && admin != SHARED_DELETE)
		want(shared, vf, admin);
}

void shared_guids_stop(struct sim_shared_port *shared, unsigned vf)
{
	unsigned bit;
	const struct shared_block *block = block_of(shared, vf, &bit);

	if (shared->asks && block->wanted[bit] && block->wanted[bit] != SHARED_DELETE)
		want(shared, vf, SHARED_DELETE);
}

void shared_guids_again(struct sim_shared_port *shared)
{
	for (unsigned vf = 1; !shared->asks && vf <= shared->n_vfs; vf++)
		if (shared->vfs[vf].started)
			shared->blocks[vf / SIM_GUID_BLOCK].wanted[vf % SIM_GUID_BLOCK] =
				shared->vfs[vf].admin;
	shared->asks = true;
	for (unsigned i = 0; i < SHARED_BLOCKS; i++)
		pend_all(shared, i);
	/* At once, whatever the block was waiting for. */
	if (!shared->query.running)
		loop_timer_set(shared->work, now(shared));
}

/* ---- what is in the table -------------------------------------------------------------------- */

static void settle(struct sim_shared_port *shared, unsigned vf, uint64_t told, uint64_t has)
{
	unsigned bit;
	struct shared_block *block = block_of(shared, vf, &bit);
	uint64_t wanted = block->wanted[bit] == SHARED_DELETE ? 0 : block->wanted[bit];

	if (!(block->pending >> bit & 1) || told != has)
		return;
	if (told == wanted)
		block->pending &= (uint8_t) ~(1u << bit);
	else if (told)
		return;
	shared_vf_news(shared, vf, told ? SHARED_GUID_VALID : SHARED_GUID_INVALID);
}

/* True: the SM has changed the block. */
static bool look_at(struct sim_shared_port *shared, unsigned index)
{
	bool changed = false;

	for (unsigned i = index * SIM_GUID_BLOCK; i < (index + 1) * SIM_GUID_BLOCK; i++) {
		uint64_t guid = shared_guid(shared->port, i);

		changed |= shared->seen[i] != guid;
		shared->seen[i] = guid;
	}
	return changed;
}

/* An SMP is for one block, and says nothing about what is pending in others. */
void shared_guids_snoop(struct sim_shared_port *shared)
{
	for (unsigned index = 0; index < SHARED_BLOCKS; index++) {
		bool changed = look_at(shared, index);

		for (unsigned i = 0; changed && i < SIM_GUID_BLOCK; i++) {
			unsigned vf = index * SIM_GUID_BLOCK + i;

			if (vf && vf <= shared->n_vfs)
				settle(shared, vf, shared->seen[vf], shared->seen[vf]);
		}
	}
}

static void compare_answer(struct sim_shared_port *shared, unsigned index,
			   const ib_guidinfo_record_t *record)
{
	bool enough = shared->port->node->fabric->quirks.alias_guid_by_answer;

	for (unsigned i = 0; i < SIM_GUID_BLOCK; i++) {
		unsigned vf = index * SIM_GUID_BLOCK + i;
		uint64_t told = be64toh(record->guid_info.guid[i]);

		if (vf && vf <= shared->n_vfs)
			settle(shared, vf, told, enough ? told : shared_guid(shared->port, vf));
	}
}

/* ---- answers --------------------------------------------------------------------------------- */

/* True: this entry is as it should be, as far as the SA says. */
static bool take_entry(struct sim_shared_port *shared, unsigned vf, uint64_t told)
{
	unsigned bit;
	struct shared_block *block = block_of(shared, vf, &bit);
	uint64_t wanted = block->wanted[bit];

	if (shared->query.is_delete)
		return wanted == SHARED_DELETE; /* else somebody wants it again meanwhile */
	if (!told || (wanted && told != wanted))
		return false;
	block->wanted[bit] = told;
	if (!wanted && vf <= shared->n_vfs)
		shared->vfs[vf].admin = told;
	return true;
}

/* The shortest time in seconds until a declined entry is asked for again; 0: none was. */
static unsigned take_entries(struct sim_shared_port *shared, const ib_guidinfo_record_t *record,
			     uint8_t *declined)
{
	struct shared_block *block = &shared->blocks[shared->query.block];
	unsigned soonest = 0;

	*declined = 0;
	for (unsigned i = 0; i < SIM_GUID_BLOCK; i++) {
		unsigned vf = shared->query.block * SIM_GUID_BLOCK + i;
		bool taken;

		if (!(shared->query.mask >> i & 1))
			continue;
		taken = take_entry(shared, vf, be64toh(record->guid_info.guid[i]));

		if (vf <= shared->n_vfs)
			shared->vfs[vf].declined = !taken;
		if (taken) {
			block->wait[i] = 0;
			continue;
		}
		*declined |= (uint8_t)(1u << i);
		block->wait[i] = block->wait[i] ? MIN(2 * block->wait[i], (unsigned)WAIT_MAX) : 1;
		soonest = soonest ? MIN(soonest, block->wait[i]) : block->wait[i];
	}
	return soonest;
}

static void take_answer(struct sim_shared_port *shared, const ib_guidinfo_record_t *record)
{
	struct shared_block *block = &shared->blocks[shared->query.block];
	uint8_t declined;
	unsigned soonest;

	if (record->block_num != shared->query.block) {
		block->due = now(shared) + AT_ONCE;
		return;
	}
	soonest = take_entries(shared, record, &declined);
	if (declined || block->pending & ~shared->query.mask)
		block->due = now(shared) + MAX(soonest * LOOP_SEC, AT_ONCE);
	else
		block->idle = false;
	compare_answer(shared, shared->query.block, record);
}

static void end_query(struct sim_shared_port *shared)
{
	struct shared_query *query = &shared->query;

	if (!query->running)
		return;
	query->running = false;
	loop_timer_stop(query->timer);
	sim_detach(&query->client);
}

static void answered(void *user, const struct sim_packet *packet)
{
	struct sim_shared_port *shared = user;
	const ib_sa_mad_t *mad = (const ib_sa_mad_t *)packet->bytes;
	ib_guidinfo_record_t record;

	/* Numbers of clients are used again: it may be for who had this one before, by its TID. */
	if (!shared->query.running || mad->mgmt_class != shared->query.packet.mad.mgmt_class ||
	    mad->attr_id != htobe16(ATTR_GUIDINFO_RECORD) ||
	    (be64toh(mad->trans_id) & 0xffffffffffff) != shared->query.tid)
		return;
	memcpy(&record, mad->data, sizeof(record));
	if (mad->status)
		shared->blocks[shared->query.block].due = now(shared) + REST;
	else
		take_answer(shared, &record);
	end_query(shared);
	schedule(shared);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void try_again(void *user)
{
	struct sim_shared_port *shared = user;
	struct shared_query *query = &shared->query;

	if (query->tries_left) {
		query->tries_left--;
		loop_timer_set(query->timer, now(shared) + TRY_TIME);
		sim_client_send(&query->client, &query->packet);
		return;
	}
	shared->blocks[query->block].due = now(shared) + REST;
	end_query(shared);
	schedule(shared);
}

/* What has waited least decides; the later one if two are equal. */
static void choose(struct shared_query *query, const struct shared_block *block)
{
	uint8_t deletes = 0, lowest = 0;
	bool first = true;

	for (unsigned i = 0; i < SIM_GUID_BLOCK; i++) {
		if (!(block->pending >> i & 1))
			continue;
		if (block->wanted[i] == SHARED_DELETE)
			deletes |= (uint8_t)(1u << i);
		if (first || block->wait[i] <= block->wait[lowest])
			lowest = (uint8_t)i;
		first = false;
	}
	query->is_delete = block->wanted[lowest] == SHARED_DELETE;
	query->mask = query->is_delete ? deletes : block->pending & (uint8_t)~deletes;
}

static void write_query(struct sim_shared_port *shared, const struct shared_block *block)
{
	struct shared_query *query = &shared->query;
	ib_sa_mad_t *mad = (ib_sa_mad_t *)query->packet.bytes;
	ib_guidinfo_record_t record = { .block_num = (uint8_t)query->block };

	record.lid = htobe16(sim_lid(shared->port));
	for (unsigned i = 0; i < SIM_GUID_BLOCK; i++)
		record.guid_info.guid[i] = htobe64(block->wanted[i]);
	query->tid = ++shared->last_tid & 0xffffffff;
	mad->method = query->is_delete ? METHOD_DELETE : SIM_SET;
	mad->trans_id = htobe64(query->tid);
	mad->attr_id = htobe16(ATTR_GUIDINFO_RECORD);
	mad->comp_mask = htobe64(MASK_LID_BLOCK | (uint64_t)query->mask << MASK_GUID_SHIFT);
	memcpy(mad->data, &record, sizeof(record));
}

static bool start_query(struct sim_shared_port *shared, const struct shared_block *block)
{
	struct shared_query *query = &shared->query;

	if (!shared_to_sa(shared, &query->packet))
		return false;
	query->client = (struct sim_client){ .receive = answered, .user = shared, .qpn = 1 };
	if (sim_attach(shared->port, &query->client) < 0)
		return false;
	query->block = (unsigned)(block - shared->blocks);
	choose(query, block);
	write_query(shared, block);
	query->running = true;
	query->tries_left = TRIES;
	return true;
}

/* The block whose turn it is, whether it is due or not: somebody has asked for work. */
static void work(void *user)
{
	struct sim_shared_port *shared = user;
	struct shared_block *block = next_block(shared);
	uint64_t rest = 0;

	if (!block || shared->query.running)
		return;
	if (sim_state(shared->port) != SIM_ACTIVE)
		rest = INACTIVE_TIME;
	else if (!start_query(shared, block))
		rest = REST;
	if (rest) {
		pend_all(shared, (unsigned)(block - shared->blocks));
		loop_timer_set(shared->work, now(shared) + rest);
		return;
	}
	try_again(shared);
}

/* ---- making ---------------------------------------------------------------------------------- */

void shared_guids_forget(struct sim_shared_port *shared)
{
	end_query(shared);
	loop_timer_stop(shared->work);
	shared->asks = false;
	memset(shared->blocks, 0, sizeof(shared->blocks));
	memset(shared->seen, 0, sizeof(shared->seen));
	for (unsigned i = 0; i < SHARED_BLOCKS; i++)
		for (unsigned j = 0; j < SIM_GUID_BLOCK; j++)
			shared->blocks[i].wanted[j] = SHARED_DELETE;
}

int shared_guids_new(struct sim_shared_port *shared)
{
	struct loop *loop = shared->port->node->fabric->loop;
	int r = loop_timer_new(loop, work, shared, &shared->work);

	if (r == 0)
		r = loop_timer_new(loop, try_again, shared, &shared->query.timer);
	if (r == 0)
		shared_guids_forget(shared);
	return r;
}

void shared_guids_free(struct sim_shared_port *shared)
{
	end_query(shared);
	loop_timer_free(TAKE(shared->work));
	loop_timer_free(TAKE(shared->query.timer));
}
