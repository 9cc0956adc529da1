/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Sets that arrive late. A Set that was not answered in time is sent again, and the first one, its
 * twin, may be in the buffer of some agent all the same: it arrives after the second, and perhaps
 * after a newer Set of the same place, which it undoes unnoticed. So does one that nobody waits for
 * any more, and one of a subnet manager that was killed. What such a place holds is therefore not
 * known before its twins are dead; then it is read once more, and the reconcile mends what differs.
 *
 * Twins are dead two seconds after the last was sent: the packet life time that is announced, and
 * that switches drop what is older by, is one second unless somebody wants it otherwise, and no
 * time-out of ours is longer unless the whole fabric is as slow as that. What is slower still is
 * found out by a full sweep that somebody asks for.
 *
 * To hold the newer Set back until then would be as safe and ask nothing. But it would have routes
 * wait for seconds just where packets get lost, which is where cables were pulled; would need the
 * same notes of which places have twins; and would help neither against a predecessor nor where a
 * device restarts and its twin finds the place empty. To read costs one Get for each Set that was
 * repeated, and nothing where none is. (That most twins say what the newest Set says, and do no
 * harm, is not looked at: it would take the contents of both.)
 *
 * What is noted is a bit where the ledger has what the Set was of: the block of a forwarding table,
 * the P_Key table of a port, a PortInfo. A node has one time for all its bits, when the last of its
 * twins is dead, so that as long as its Sets go on being repeated nothing is read in vain. When the
 * time has come the ledger forgets what has a bit, and what it does not know is read.
 *
 * A twin of SwitchInfo may have cleared the PortStateChange of a change that nobody has seen, so
 * that the ports are looked at as if the switch had told of one.
 *
 * A new master has a predecessor, if devices have LIDs, and cannot know since when it writes no
 * more. To wait until its Sets are dead would have the fabric wait. So what we write in the first
 * two seconds is read once more, as if it had twins of its own. And if the first reconcile had
 * anything to write, all tables that were read in it are: it may be that a predecessor was killed
 * just as it began to change what we found right. If there was nothing to write, not even a
 * PortStateChange to clear, then the fabric is the one that the predecessor saw, and what it may
 * have under way says what is there: a healthy restart costs nothing more, and any other at most
 * what it has cost.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"

#define TWIN_LIFE (2 * LOOP_SEC)
#define TWIN_TICK (250 * LOOP_MSEC) /* what is due soon after each other is read together */

/* Times are rounded up, so that those of one moment are one. */
static uint64_t round_up(uint64_t time)
{
	return (time / TWIN_TICK + 1) * TWIN_TICK;
}

static void set_timer(struct sm *sm, uint64_t at)
{
	if (sm->twins_at && sm->twins_at <= at)
		return;
	sm->twins_at = at;
	loop_timer_set(sm->twin_timer, at);
}

static void note_place(struct sm *sm, struct node *node, const struct request *request)
{
	struct port *port = &sm->fabric.ports[TAG_PORT(request->tag)];
	unsigned block = TAG_BLOCK(request->tag);

	switch (request->attr) {
	case ATTR_LFT:
		node->sw->lft_twins[block / 64] |= UINT64_C(1) << block % 64;
		break;
	case ATTR_MFT:
		multicast_note_twin(node, request);
		break;
	case ATTR_SWITCH_INFO:
		node->sw->info_twin = true;
		break;
	case ATTR_PORT_INFO:
		port->info_twin = true;
		break;
	case ATTR_PKEY_TABLE:
	case ATTR_GUID_INFO: /* both tables of the port are read then */
		port->keys_twin = true;
		break;
	case ATTR_SLTOVL:
	case ATTR_VL_ARBITRATION:
		lanes_note_twin(node);
		break;
	case ATTR_MLNX_PORT_INFO:
		port->fdr10_twin = true;
		break;
	default:
		vports_note_twin(sm, TAG_PORT(request->tag), request);
		break;
	}
}

void twin_note(struct sm *sm, struct node *node, const struct request *request, uint64_t sent_at)
{
	uint64_t dead_at = sent_at + TWIN_LIFE;

	if (dead_at <= loop_now(sm->loop))
		return;
	note_place(sm, node, request);
	node->twins_until = MAX(node->twins_until, round_up(dead_at));
	set_timer(sm, node->twins_until);
}

void twins_inherit(struct sm *sm)
{
	sm->inherited_until = sm->inherited ? round_up(loop_now(sm->loop) + TWIN_LIFE) : 0;
}

void twins_judge_predecessor(struct sm *sm)
{
	sm->inherited_doubt = sm->inherited && sm->wrote;
	if (!sm->inherited_doubt)
		return;
	set_timer(sm, MAX(sm->inherited_until, loop_now(sm->loop)));
}

void twin_note_inherited(struct sm *sm, struct node *node, const struct request *request)
{
	if (request->method == METHOD_SET && loop_now(sm->loop) < sm->inherited_until)
		twin_note(sm, node, request, sm->inherited_until - TWIN_LIFE);
}

/* -- when they are dead -------------------------------------------------------------------------
 */

/* It came up without tables, and what it has it has from us. Not so any more. */
static void doubt_blocks(struct sw *sw)
{
	for (unsigned i = 0; i < COUNT(sw->lft_twins); i++) {
		if (sw->lft_twins[i])
			sw->cold = false;
		sw->lft_known[i] &= ~sw->lft_twins[i];
		sw->lft_twins[i] = 0;
	}
}

static void doubt_port(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	bool present = port->present && node_of(&sm->fabric, number)->present;

	if (port->info_twin && present)
		settings_look_again(sm, number);
	if (port->keys_twin)
		tables_forget_keys(sm, number);
	if (port->fdr10_twin && present)
		fdr10_look_again(sm, number);
	port->info_twin = port->keys_twin = port->fdr10_twin = false;
	vports_doubt_twins(sm, number);
}

static void doubt(struct sm *sm, struct node *node)
{
	node->twins_until = 0;
	sm->news = true;
	sm->local = false;
	for (unsigned i = 0; i <= node->n_ports; i++)
		doubt_port(sm, port_at(node, i));
	lanes_doubt_twins(node);
	if (!node->sw)
		return;
	doubt_blocks(node->sw);
	multicast_doubt_twins(sm, node);
	if (!node->sw->info_twin)
		return;
	node->sw->info_twin = false;
	node->told = true;
	sm_sweep_again(sm, false);
}

/* What came up empty meanwhile has what we wrote, which is noted. */
static void doubt_what_was_read(struct sm *sm, struct node *node)
{
	if (node->sw && !node->sw->cold)
		memset(node->sw->lft_known, 0, sizeof(node->sw->lft_known));
	multicast_doubt_read(sm, node);
	lanes_doubt(node);
	for (unsigned i = 0; i <= node->n_ports; i++) {
		const struct pkey_table *keys = sm->fabric.ports[port_at(node, i)].pkeys;

		if (keys && !keys->rest_empty)
			tables_forget_keys(sm, port_at(node, i));
		vports_doubt(sm, port_at(node, i));
	}
}

static void doubt_predecessor(struct sm *sm)
{
	if (!sm->inherited_doubt || loop_now(sm->loop) < sm->inherited_until)
		return;
	sm->inherited_doubt = false;
	sm->news = true;
	sm->local = false;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		doubt_what_was_read(sm, &sm->fabric.nodes[i]);
}

void twins_look(struct sm *sm)
{
	doubt_predecessor(sm);
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		struct node *node = &sm->fabric.nodes[i];

		if (node->twins_until && node->twins_until <= loop_now(sm->loop))
			doubt(sm, node);
	}
}

/* A reconcile may have looked already, as it began to read. */
static void on_time(void *user)
{
	struct sm *sm = user;
	bool due = sm->inherited_doubt && sm->inherited_until <= loop_now(sm->loop);
	uint64_t next = sm->inherited_doubt && !due ? sm->inherited_until : UINT64_MAX;

	sm->twins_at = 0;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		uint64_t until = sm->fabric.nodes[i].twins_until;

		if (until && until <= loop_now(sm->loop))
			due = true;
		else if (until)
			next = MIN(next, until);
	}
	if (next != UINT64_MAX)
		set_timer(sm, next);
	/* Who is not master any more reads all when it is again. */
	if (!due || sm->state != SM_MASTER)
		return;
	sm_look_again(sm);
	sm_advance(sm);
	requests_pump(sm->requests);
}

int twins_init(struct sm *sm)
{
	return loop_timer_new(sm->loop, on_time, sm, &sm->twin_timer);
}
