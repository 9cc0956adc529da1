/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What becomes of answers to what nodes were asked (work.c), and of what is not answered.
 *
 * A lost request (the engine has tried several times) is asked again at once: that was bad luck. If
 * it is one of those that every device answers (SwitchInfo, PortInfo), and nothing at all has been
 * answered since another was lost, the node is silent, and left out; where much is lost it takes
 * more than one other, until that is no bad luck either. After any other, such a one is asked to
 * see whether it still lives. If it does and does not hear the other again, that counts as
 * refused, with status 0. What then becomes of it is told in fault.c. What is optional says nothing
 * of a device if it is lost.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/work-inside.h"

#define LOSSES_TO_BE_SILENT 2 /* or deaf, to what is not vital */

/* A device that does not answer it is as good as another. */
static bool is_optional(unsigned todo)
{
	return work_is_later(todo) || todo == TODO_FDR10_SET || todo == TODO_PORT_STATES;
}

/* Every device answers it; without the answer nothing can be done with one. */
static bool is_vital(enum todo kind)
{
	return kind == TODO_SWITCH_INFO || kind == TODO_PORT_INFO;
}

static void take_switch_info(struct sm *sm, struct node *node, const struct answer *answer)
{
	if (answer->result == REQUEST_ANSWERED)
		discover_take_switch_info(sm, node->sma.owner, answer->data);
	else if (answer->result == REQUEST_REFUSED)
		fault_leave_out(sm, node, &node->fault, REASON_BAD_SWITCH_INFO);
	else
		work_add(sm, node->sma.owner, TODO(TODO_SWITCH_INFO));
}

/* If it is lost, look again, and decide then. */
static void take_clear_change(struct sm *sm, struct node *node, const struct answer *answer)
{
	node->work.clearing = false;
	if (answer->result == REQUEST_LOST)
		work_add(sm, node->sma.owner, TODO(TODO_SWITCH_INFO));
	else
		tables_take_cleared(sm, node, answer);
}

/*
 * A device that does not know extended speeds may refuse the modifier's bit 31, or not answer at
 * all: then it is asked without.
 */
static void take_port_info(struct sm *sm, struct node *node, const struct answer *answer)
{
	uint32_t number = TAG_PORT(answer->request->tag);
	struct port *port = &sm->fabric.ports[number];

	port->busy = false;
	if (answer->result == REQUEST_ANSWERED) {
		discover_take_port_info(sm, number, answer);
		return;
	}
	if (answer->request->modifier & MODIFIER_EXTENDED_SPEEDS) {
		node->extended = false;
	} else if (answer->result == REQUEST_REFUSED) {
		port->status = answer->status;
		port->stale = true; /* for the next sweep */
		reason_set_port(sm, number, REASON_BAD_PORT_INFO);
		return;
	}
	port->stale = true;
	work_add(sm, node->sma.owner, TODO(TODO_PORT_INFO));
}

static void take_description(struct sm *sm, struct node *node, const struct answer *answer)
{
	char former[sizeof(node->description)];
	bool is_first = !node->name_asked;

	memcpy(former, node->description, sizeof(former));
	if (answer->result == REQUEST_ANSWERED)
		node_set_description(node, answer->data);
	node->name_asked = true;
	if (strcmp(former, node->description) != 0)
		sm->names++;
	if (is_first || strcmp(former, node->description) != 0)
		vf_rules_take_name(sm, node);
	work_set_naming(sm, node, node->work.todo & TODO(TODO_DESCRIPTION));
}

static void take_kind(struct sm *sm, struct node *node, enum todo kind, const struct answer *answer)
{
	switch (kind) {
	case TODO_SWITCH_INFO:
		take_switch_info(sm, node, answer);
		break;
	case TODO_CLEAR_CHANGE:
		take_clear_change(sm, node, answer);
		break;
	case TODO_PORT_STATES:
		port_states_take(sm, node, answer);
		break;
	case TODO_PORT_INFO:
		take_port_info(sm, node, answer);
		break;
	case TODO_SM_INFO:
		election_take(sm, node, answer);
		break;
	case TODO_VPORT_READ:
		vports_take_read(sm, TAG_PORT(answer->request->tag), answer);
		break;
	case TODO_VPORT_KEYS:
		vports_take_keys(sm, TAG_PORT(answer->request->tag), answer);
		break;
	case TODO_VPORT_SET:
		vports_take_set(sm, TAG_PORT(answer->request->tag), answer);
		break;
	case TODO_VPORT_NAME:
		vports_take_name(sm, TAG_PORT(answer->request->tag), answer);
		break;
	case TODO_PKEY_READ:
	case TODO_PKEY_WRITE:
		tables_take_pkeys(sm, node, answer);
		break;
	case TODO_LANES:
		lanes_take(sm, node, answer);
		break;
	case TODO_LFT_READ:
	case TODO_LFT_WITHDRAW:
	case TODO_LFT_WRITE:
		lft_take(sm, node, answer);
		break;
	case TODO_MFT:
		multicast_take(sm, node, answer);
		break;
	case TODO_GUID_READ:
	case TODO_GUID_WRITE:
		aliases_take(sm, TAG_PORT(answer->request->tag), answer);
		break;
	case TODO_SWITCH_SET:
		tables_take_switch_set(sm, node, answer);
		break;
	case TODO_PORT_SET:
	case TODO_ACTIVATE:
		settings_take_set(sm, TAG_PORT(answer->request->tag), answer);
		break;
	case TODO_FDR10_READ:
	case TODO_FDR10_SET:
		fdr10_take(sm, TAG_PORT(answer->request->tag), answer);
		break;
	case TODO_DESCRIPTION:
		take_description(sm, node, answer);
		break;
	case TODO_COUNT:
		break;
	}
}

/* Who wants to know whether it is back asks who is behind its cables, and waits for no answer. */
static void doubt_links(struct fabric *f, const struct node *node)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		uint32_t peer = f->ports[port_at(node, i)].peer;

		if (peer != NO_PORT)
			f->ports[peer].relink = true;
	}
}

/* Our own device is waited for, see sm.c. */
static void leave_out_silent(struct sm *sm, struct node *node)
{
	doubt_links(&sm->fabric, node);
	if (fault_leave_out(sm, node, &node->fault, REASON_SILENT)) {
		sm_sweep_again(sm, false);
		faults_sweep_early(sm);
	}
	if (node == node_of(&sm->fabric, sm->fabric.local_port))
		sm->discovery.failed = REASON_SILENT;
	work_drop(sm, node->sma.owner);
}

static void count_answer(struct node *node, enum todo kind, const struct answer *answer)
{
	struct node_work *work = &node->work;

	if (answer->result == REQUEST_LOST) {
		work->losses = (uint8_t)MIN(work->losses + 1, UINT8_MAX);
		if (!is_vital(kind))
			work->unheard = (uint8_t)MIN(work->unheard + 1, UINT8_MAX);
		return;
	}
	work->losses = 0;
	if (!is_vital(kind))
		work->unheard = 0;
}

unsigned work_losses_to_be_silent(const struct sm *sm)
{
	unsigned tries = MAX(sm->conf.tries, 1);

	return MAX((requests_patience(sm->requests) + tries - 1) / tries, LOSSES_TO_BE_SILENT);
}

/* It lives, for it has answered something else since the first of these was lost. */
static bool is_deaf_to(const struct sm *sm, const struct node *node, enum todo kind)
{
	return !is_vital(kind) && node->work.unheard >= work_losses_to_be_silent(sm) &&
	       node->work.losses < node->work.unheard;
}

/* Ask something that every device answers. */
static void ask_for_life(struct sm *sm, struct node *node, const struct request *request)
{
	if (TAG_KIND(request->tag) != TODO_CLEAR_CHANGE)
		settings_look_again(sm, node_is_switch(node) ? node->first_port
							     : TAG_PORT(request->tag));
}

/*
 * What a sweep hears from a fabric that is as it was: that its switches are, and that our own port
 * is. Who else is there, what nodes are called, and where multicast goes, is nothing to plan for;
 * what a table of port states shows is told by the ports that are read then.
 */
static bool is_news(const struct sm *sm, const struct node *node, enum todo kind,
		    const struct answer *answer)
{
	uint32_t own = sm->fabric.local_port;

	if (kind == TODO_DESCRIPTION || kind == TODO_VPORT_NAME || kind == TODO_PORT_STATES)
		return false;
	if (answer->result != REQUEST_ANSWERED)
		return true;
	if (answer->request->attr == ATTR_VIRTUALIZATION_INFO)
		return vports_is_news(sm, TAG_PORT(answer->request->tag), answer);
	if (kind == TODO_SWITCH_INFO)
		return !node->trusted || node->told ||
		       memcmp(node->sw->info, answer->data, SMP_DATA_SIZE) != 0;
	if (kind == TODO_PORT_INFO)
		return TAG_PORT(answer->request->tag) != own ||
		       memcmp(sm->fabric.ports[own].info, answer->data, SMP_DATA_SIZE) != 0;

	return kind != TODO_SM_INFO && kind != TODO_MFT;
}

static void done_of_node(struct sm *sm, struct node *node, const struct answer *answer)
{
	enum todo kind = TAG_KIND(answer->request->tag);
	struct answer taken = *answer;

	sm->news = sm->news || is_news(sm, node, kind, answer);
	twin_note_inherited(sm, node, answer->request);
	if (answer->request->method == METHOD_SET && answer->result == REQUEST_ANSWERED)
		story_note_acknowledged(sm);
	if (!work_is_later(kind))
		node->work.in_flight--;
	if (is_optional(kind)) {
		take_kind(sm, node, kind, answer);
		work_update(sm, node->sma.owner);
		return;
	}
	count_answer(node, kind, answer);
	if (answer->result == REQUEST_LOST) {
		look_give_up(sm);
		mkey_lost(sm, work_arrives_at(node, answer->request));
	}
	if (answer->result == REQUEST_LOST && is_deaf_to(sm, node, kind))
		taken.result = REQUEST_REFUSED;
	if (taken.result != REQUEST_ANSWERED)
		sm_include(sm, node->first_port); /* it may have been about its table alone */
	take_kind(sm, node, kind, &taken);
	if (taken.result == REQUEST_LOST && !is_vital(kind))
		ask_for_life(sm, node, answer->request);
	else if (taken.result == REQUEST_LOST && node->work.losses >= work_losses_to_be_silent(sm))
		leave_out_silent(sm, node);
	work_update(sm, node->sma.owner);
}

void work_done(void *user, struct sma *sma, const struct answer *answer)
{
	struct sm *sm = user;

	if (sma->owner & PROBE_OWNER)
		discover_take_probe(sm, &sm->discovery.probes[sma->owner & ~PROBE_OWNER], answer);
	else if (sma->owner & WATCH_OWNER)
		watch_take(sm, &sm->watch.all[sma->owner & ~WATCH_OWNER], answer);
	else
		done_of_node(sm, &sm->fabric.nodes[sma->owner], answer);
}

void work_late(void *user, struct sma *sma, unsigned tries)
{
	struct sm *sm = user;
	struct probe *probe;

	if (sma->lid != 0)
		sm->by_lid = false;
	if (sma->owner & WATCH_OWNER)
		return;
	if (!(sma->owner & PROBE_OWNER)) {
		if (tries > 1 && sm->fabric.nodes[sma->owner].seen == sm->fabric.walk)
			look_give_up(sm);
		return;
	}
	probe = &sm->discovery.probes[sma->owner & ~PROBE_OWNER];
	if (!discover_is_silent(sm, probe, tries))
		return;
	if (!probe->late && probe->port != NO_PORT) {
		probe->late = true;
		sm->discovery.n_late++;
		faults_sweep_early(sm);
	}
}

void work_twin(void *user, struct sma *sma, const struct request *request, uint64_t sent_at)
{
	struct sm *sm = user;

	/* Probes and watchers ask, and set nothing. */
	if (!(sma->owner & (PROBE_OWNER | WATCH_OWNER)))
		twin_note(sm, &sm->fabric.nodes[sma->owner], request, sent_at);
}

void work_settle(void *user)
{
	struct sm *sm = user;

	if (sm->registrations.n_blocks > 0)
		registrations_answer(sm);
	aliases_settle(sm);
	multicast_settle(sm);
	sm_advance(sm);
	if (!sm->tell_named)
		return;
	sm->tell_named = false;
	if (sm->listener.named)
		sm->listener.named(sm->user);
}
