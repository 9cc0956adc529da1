/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Other subnet managers, IBA 14.4. Ports whose CapabilityMask says IsSM are asked for SMInfo in
 * every sweep, and every sweep decides anew. While we are not master, one that is stays it,
 * whatever its rank; it is for the master to hand over. Among those that are master, or where
 * nobody is, the higher priority decides, and among equals the lower GUID. Whoever gives way writes
 * nothing from then on and watches; who was master says so with HANDOVER, so that the other, also
 * if it is master already and never saw that there were two, trusts in nothing that it knew. A
 * master that is asked for SMInfo and knows of no other looks for it.
 *
 * Who does not answer once may be busy, or have lost a packet: it is still there until it has not
 * answered several times, its port is gone or no longer says IsSM.
 *
 * A master that is stopped in order hands over to the one that would be next, and leaves when that
 * has been answered. (An ACKNOWLEDGE of its own, which not everybody sends, is not waited for.) Who
 * refuses, or does not answer soon, may be dead since it was last asked: then the next is told. If
 * the first has heard it after all, there are two, and they agree as ever.
 *
 * A master may disable us, and then we wait for its word (IBA 14.4.1). The specification has no end
 * to that if the master goes away; a fabric without a subnet manager is worse, so we then decide as
 * at the start.
 *
 * The states and what leads from one to the other are a table (the specification's figure,
 * restricted to what arrives from outside).
 */

#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define UNANSWERED_MOST 3 /* sweeps, and then it is gone */
#define STRANGER_FIRST  (60 * LOOP_SEC)
#define STRANGER_MOST   (600 * LOOP_SEC)

/* For what was asked when we are stopped, and then for each heir: vsm ends after 2 seconds. */
#define LEAVE_PATIENCE (500 * LOOP_MSEC)

/* What SubnSet(SMInfo) asks of us, by state; absent: refused with status 7 (IBA 14.4.1). */
/* clang-format off */
static const struct {
	bool allowed;
	enum sm_state next;
} controls[SM_MASTER + 1][SM_CONTROL_DISCOVER + 1] = {
	[SM_NOT_ACTIVE] = {
		[SM_CONTROL_STANDBY]  = { true, SM_STANDBY },
	},
	[SM_DISCOVERING] = {
		[SM_CONTROL_HANDOVER] = { true, SM_DISCOVERING },
	},
	[SM_STANDBY] = {
		[SM_CONTROL_DISABLE]  = { true, SM_NOT_ACTIVE },
		[SM_CONTROL_DISCOVER] = { true, SM_DISCOVERING },
		[SM_CONTROL_HANDOVER] = { true, SM_MASTER },
	},
	[SM_MASTER] = {
		[SM_CONTROL_HANDOVER]    = { true, SM_MASTER },
		[SM_CONTROL_ACKNOWLEDGE] = { true, SM_MASTER },
	},
};
/* clang-format on */

void election_doubt_all(struct sm *sm)
{
	sm->adopting = true;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		tables_doubt(sm, &sm->fabric.nodes[i]);
}

void election_set_state(struct sm *sm, enum sm_state state, const char *why)
{
	if (sm->state == state)
		return;
	/* From now on somebody else may write. */
	if (sm->state == SM_MASTER) {
		election_doubt_all(sm);
		registrar_doubt(sm);
		gids_forget(sm);
		notices_drop(sm);
		reports_drop(sm);
	}
	sm->state = state;
	if (state == SM_MASTER)
		twins_inherit(sm);
	event_add(sm->events, EVENT_STATE, 0, 0, -1, "now %s: %s", sm_state_name(state), why);
}

/*
 * Other subnet managers tell friend from foe by the SM_Key, so it is in the answer, unless our
 * M_Key says that keys are not for everybody (IBA 14.2.5.13).
 */
static void fill_sm_info(struct sm *sm, uint64_t mkey, uint8_t *info)
{
	memset(info, 0, SMP_DATA_SIZE);
	wire_set(info, SM_INFO_GUID, sm->transport->port_guid);
	if (sm->conf.m_key == 0 || mkey == sm->conf.m_key)
		wire_set(info, SM_INFO_KEY, sm->conf.sm_key);
	wire_set(info, SM_INFO_ACT_COUNT, requests_totals(sm->requests)->sent);
	wire_set(info, SM_INFO_PRIORITY, sm->conf.priority);
	wire_set(info, SM_INFO_STATE, sm->state);
}

/* -- asking others ------------------------------------------------------------------------------
 */

static void make_handover(struct sm *sm, struct request *ret)
{
	sm->giving_way = false;
	ret->method = METHOD_SET;
	ret->modifier = SM_CONTROL_HANDOVER;
	fill_sm_info(sm, sm->fabric.ports[sm->heir].mkey, ret->data);
	wire_set(ret->data, SM_INFO_STATE, SM_MASTER);
}

bool election_ask(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_SM_INFO];

	for (; at->port <= node->n_ports; at->port++) {
		uint32_t number = port_at(node, at->port);
		struct port *port = &sm->fabric.ports[number];

		if (!port->sm || !port->present)
			continue;
		if (sm->giving_way && number != sm->heir)
			continue;
		ret->method = METHOD_GET;
		ret->attr = ATTR_SM_INFO;
		ret->tag = TAG(TODO_SM_INFO, number, 0);
		if (sm->giving_way)
			make_handover(sm, ret);
		at->port++;
		return true;
	}
	node->work.todo &= ~TODO(TODO_SM_INFO);

	return false;
}

static struct peer *find_peer(struct sm *sm, uint64_t guid)
{
	for (unsigned i = 0; i < sm->n_peers; i++)
		if (sm->peers[i].said.guid == guid)
			return &sm->peers[i];

	return NULL;
}

static struct peer *peer_of(struct sm *sm, uint64_t guid)
{
	struct peer *peer = find_peer(sm, guid);

	if (peer || sm->n_peers == MAX_PEERS)
		return peer;
	sm->stranger_pause = sm->stranger_due = 0;

	return &sm->peers[sm->n_peers++];
}

static void forget_at(struct sm *sm, uint32_t port)
{
	for (unsigned i = sm->n_peers; i-- > 0;)
		if (sm->peers[i].port == port)
			sm->peers[i] = sm->peers[--sm->n_peers];
}

static void take_heir(struct sm *sm, const struct answer *answer)
{
	if (answer->result == REQUEST_ANSWERED)
		sm->leaves = false;
	else
		forget_at(sm, TAG_PORT(answer->request->tag));
}

void election_take(struct sm *sm, struct node *node, const struct answer *answer)
{
	uint32_t number = TAG_PORT(answer->request->tag);
	struct peer *peer;
	uint64_t guid;

	(void)node;
	if (sm->stopping && answer->request->method == METHOD_SET)
		take_heir(sm, answer);
	if (answer->result != REQUEST_ANSWERED || answer->request->method != METHOD_GET)
		return;
	guid = wire_get(answer->data, SM_INFO_GUID);
	/* Our own SM seen through a second port, or a lie. */
	if (guid == sm->transport->port_guid || guid == 0)
		return;
	peer = peer_of(sm, guid);
	if (!peer)
		return;
	*peer = (struct peer){
		.said = { .guid = guid,
			  .lid = port_held_lid(&sm->fabric.ports[number]),
			  .priority = (uint8_t)wire_get(answer->data, SM_INFO_PRIORITY),
			  .state = (uint8_t)wire_get(answer->data, SM_INFO_STATE),
			  .seen = loop_now(sm->loop) },
		.port = number,
		.sweep = sm->fabric.sweep,
	};
}

/* Ask those that say they are subnet managers. */
void election_find_peers(struct sm *sm)
{
	sm->giving_way = false;
	for (uint32_t i = 0; i < sm->fabric.n_ports; i++) {
		const struct port *port = &sm->fabric.ports[i];

		if (port->sm && port->present && node_of(&sm->fabric, i)->present)
			work_add(sm, port->node, TODO(TODO_SM_INFO));
	}
}

/* -- deciding -----------------------------------------------------------------------------------
 */

static bool outranks_us(const struct sm *sm, const struct sm_peer *peer)
{
	if (peer->state == SM_NOT_ACTIVE)
		return false;
	if (peer->state == SM_MASTER && sm->state != SM_MASTER)
		return true;
	if (peer->priority != sm->conf.priority)
		return peer->priority > sm->conf.priority;

	return peer->guid < sm->transport->port_guid;
}

static const struct peer *find_better(const struct sm *sm)
{
	const struct peer *best = NULL;

	for (unsigned i = 0; i < sm->n_peers; i++) {
		const struct peer *peer = &sm->peers[i];

		if (outranks_us(sm, &peer->said) && (!best || peer->said.state == SM_MASTER))
			best = peer;
	}

	return best;
}

static bool is_gone(const struct sm *sm, const struct peer *peer)
{
	const struct port *port = &sm->fabric.ports[peer->port];

	return !port->present || !port->sm || peer->unanswered >= UNANSWERED_MOST;
}

static void forget_peers(struct sm *sm)
{
	for (unsigned i = sm->n_peers; i-- > 0;) {
		struct peer *peer = &sm->peers[i];

		if (peer->sweep != sm->fabric.sweep)
			peer->unanswered++;
		if (is_gone(sm, peer))
			*peer = sm->peers[--sm->n_peers];
	}
}

/* Is there anybody who manages the subnet, or would? */
static bool is_managed(const struct sm *sm)
{
	for (unsigned i = 0; i < sm->n_peers; i++)
		if (sm->peers[i].said.state != SM_NOT_ACTIVE)
			return true;

	return false;
}

/*
 * Two were master, of two parts perhaps that have met, and now we alone are: what the other wrote
 * until it gave way, nobody has told us.
 */
static void look_at_contest(struct sm *sm)
{
	bool contested = false;

	for (unsigned i = 0; i < sm->n_peers; i++)
		contested = contested || sm->peers[i].said.state == SM_MASTER;
	if (sm->contested && !contested)
		election_doubt_all(sm);
	sm->contested = contested;
}

static void give_way(struct sm *sm, const struct peer *better)
{
	const struct sm_peer *said = &better->said;
	char why[160];

	if (sm->state == SM_MASTER) {
		sm->giving_way = true;
		sm->heir = better->port;
		work_add(sm, sm->fabric.ports[better->port].node, TODO(TODO_SM_INFO));
	}
	snprintf(why, sizeof(why),
		 "the subnet manager at port 0x%016" PRIx64
		 " (LID %u) is %s with priority %u, ours is %u",
		 said->guid, said->lid, sm_state_name(said->state), said->priority,
		 sm->conf.priority);
	sm->contested = false;
	election_set_state(sm, SM_STANDBY, why);
}

void election_decide(struct sm *sm)
{
	const struct peer *better;

	forget_peers(sm);
	if (sm->state == SM_NOT_ACTIVE && is_managed(sm))
		return;
	better = find_better(sm);
	if (better) {
		give_way(sm, better);
		return;
	}
	election_set_state(sm, SM_MASTER, "no other subnet manager outranks this one");
	look_at_contest(sm);
}

/* -- leaving ------------------------------------------------------------------------------------
 */

/* Who would be master next, among those that stand by or are about to. */
static const struct peer *find_heir(const struct sm *sm)
{
	const struct peer *best = NULL;

	for (unsigned i = 0; i < sm->n_peers; i++) {
		const struct sm_peer *said = &sm->peers[i].said;

		if (said->state != SM_STANDBY && said->state != SM_DISCOVERING)
			continue;
		if (!best || said->priority > best->said.priority ||
		    (said->priority == best->said.priority && said->guid < best->said.guid))
			best = &sm->peers[i];
	}

	return best;
}

static bool is_to_be_told(const struct sm *sm)
{
	return sm->giving_way && node_of(&sm->fabric, sm->heir)->work.todo & TODO(TODO_SM_INFO);
}

/* The timer is nobody else's when we are stopping, see wanted.c. */
static void wait_a_moment(struct sm *sm)
{
	sm->leave_at = loop_now(sm->loop) + LEAVE_PATIENCE;
	loop_timer_set(sm->soon_timer, sm->leave_at);
}

/* What is still under way to the one before is not repeated. */
static void tell_heir(struct sm *sm, const struct peer *heir)
{
	uint32_t node = sm->fabric.ports[heir->port].node;

	sm->giving_way = true;
	sm->heir = heir->port;
	work_drop(sm, node);
	work_add(sm, node, TODO(TODO_SM_INFO));
	election_set_state(sm, SM_NOT_ACTIVE, "it stops, and hands over");
	wait_a_moment(sm);
}

static void give_up_heir(struct sm *sm)
{
	work_drop(sm, sm->fabric.ports[sm->heir].node);
	forget_at(sm, sm->heir);
}

/*
 * We are stopping. When all that we asked has been answered, so that nobody else finds a fabric in
 * which something of ours is still under way, the next one is told that it is master. We answer
 * until it has heard that, but as one that is not active: whatever our rank, we do not come into
 * question.
 */
void election_resign(struct sm *sm)
{
	bool late = loop_now(sm->loop) >= sm->leave_at;
	const struct peer *heir;

	if (!late && (is_to_be_told(sm) || requests_in_flight(sm->requests) > 0))
		return;
	if (sm->state == SM_MASTER)
		sm->leaves = true;
	else if (sm->leaves && (late || sm->giving_way))
		give_up_heir(sm); /* it has not answered, or it has gone, and is not even asked */
	heir = sm->leaves ? find_heir(sm) : NULL;
	if (heir) {
		tell_heir(sm, heir);
		return;
	}
	sm->leaves = false;
	sm->giving_way = false;
	transport_set_is_sm(sm->transport, false);
}

void election_leave(struct sm *sm)
{
	wait_a_moment(sm);
	election_resign(sm);
}

/* -- answering ----------------------------------------------------------------------------------
 */

/* Who acknowledges has been standing by (IBA 14.4.1). */
static enum sm_state state_to_send(uint64_t control)
{
	return control == SM_CONTROL_ACKNOWLEDGE ? SM_STANDBY : SM_MASTER;
}

/*
 * Only the master may control others, only one that we have found ourselves, and only with our
 * SM_Key. Everything else is answered with an invalid field, and changes nothing. Who hands over to
 * a master, or to one that is still looking around, takes nothing from it: it may be one that was
 * not found yet.
 */
static bool may_control(struct sm *sm, uint64_t control, const uint8_t *info)
{
	if (sm->stopping || control > SM_CONTROL_DISCOVER ||
	    !controls[sm->state][control].allowed ||
	    wire_get(info, SM_INFO_STATE) != state_to_send(control) ||
	    wire_get(info, SM_INFO_KEY) != sm->conf.sm_key)
		return false;

	return (sm->state != SM_STANDBY && control == SM_CONTROL_HANDOVER) ||
	       find_peer(sm, wire_get(info, SM_INFO_GUID));
}

/*
 * Who hands over is master no more, whatever it said when it was asked. Without that we, still
 * discovering, would stand by for one that stands by for us.
 */
static void note_resigned(struct sm *sm, uint64_t guid)
{
	struct peer *peer = find_peer(sm, guid);

	if (peer && peer->said.state == SM_MASTER)
		peer->said.state = SM_STANDBY;
}

/* Only these are obeyed: controls[]. */
static const char *const control_names[] = {
	[SM_CONTROL_HANDOVER] = "HANDOVER", [SM_CONTROL_ACKNOWLEDGE] = "ACKNOWLEDGE",
	[SM_CONTROL_DISABLE] = "DISABLE",   [SM_CONTROL_STANDBY] = "STANDBY",
	[SM_CONTROL_DISCOVER] = "DISCOVER",
};

static uint16_t obey(struct sm *sm, const struct arrival *arrival)
{
	const uint8_t *info = smp_data_in(&arrival->datagram);
	uint64_t control = wire_get(&arrival->datagram, MAD_MODIFIER);
	uint64_t guid = wire_get(info, SM_INFO_GUID);

	if (!may_control(sm, control, info))
		return STATUS_BAD_FIELD;
	event_add(sm->events, EVENT_PEER, guid, arrival->from.lid, -1,
		  "another subnet manager says %s", control_names[control]);
	if (control == SM_CONTROL_HANDOVER)
		note_resigned(sm, guid);
	if (sm->state == SM_MASTER && control == SM_CONTROL_HANDOVER)
		election_doubt_all(sm);
	election_set_state(sm, controls[sm->state][control].next, "the master asked for it");
	sm_sweep_again(sm, sm->state == SM_MASTER);

	return STATUS_OK;
}

/*
 * A switch tells once that a link has come up: if it told another master, ours would never learn of
 * that link, nor of the other. But that one asks who we are, so who knows nobody then looks at
 * everything. Tools ask too, hence the pause, which is longer each time that nobody is found.
 */
static void look_for_stranger(struct sm *sm)
{
	uint64_t now = loop_now(sm->loop);

	if (sm->state != SM_MASTER || sm->n_peers > 0 || now < sm->stranger_due)
		return;
	sm->stranger_pause = MIN(MAX(2 * sm->stranger_pause, STRANGER_FIRST), STRANGER_MOST);
	sm->stranger_due = now + sm->stranger_pause;
	sm_sweep_again(sm, true);
}

void election_request(struct sm *sm, const struct arrival *arrival)
{
	struct datagram reply = arrival->datagram;
	uint8_t method = (uint8_t)wire_get(&reply, MAD_METHOD);
	uint16_t status = STATUS_BAD_METHOD_ATTR;

	if (method == METHOD_GET)
		status = STATUS_OK;
	else if (method == METHOD_SET)
		status = obey(sm, arrival);
	fill_sm_info(sm, wire_get(&reply, SMP_MKEY), smp_data_of(&reply));
	wire_make_response(&reply, status);
	transport_send(sm->transport, &reply, &arrival->from, 0);
	if (method == METHOD_GET)
		look_for_stranger(sm);
}
