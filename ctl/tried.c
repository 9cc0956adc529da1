/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A device that does not do as asked is asked again by later sweeps, less and less often
 * (sm/fault.c). When that is in seconds, is known as far as sweeps come by the timer: a change
 * makes one sooner, and without the timer only a change does.
 *
 * What a port lacks may be the fault of the device at the far end: then that is what is tried.
 */

#include "ctl/tried.h"

#include "base/loop.h"
#include "base/macros.h"

struct trial {
	const struct fault *fault;
	const char *what;
};

/* loop_now() of the sweep that comes after @n - 1 others; 0: nobody knows. */
static uint64_t time_of_sweep(const struct call *call, uint64_t n)
{
	struct sm_status s;

	sm_status(call->sm, &s);
	if (s.sweep_due == 0)
		return 0;

	return s.sweep_due + (n - 1) * sm_conf(call->sm)->sweep_interval * LOOP_SEC;
}

/* @at: loop_now(); 0: not known. */
static void put_next_at(struct row *row, const struct call *call, uint64_t at)
{
	uint64_t now = loop_now(call->rpc->loop);

	if (at == 0) {
		row_put(row, "next_try", json_null());
		return;
	}
	row_time(row, "next_try", rpc_unix_time(call->rpc, at));
	row_number(row, "next_try_seconds", at > now ? (at - now) / LOOP_SEC : 0);
}

static void put_next(struct row *row, const struct call *call, uint64_t sweeps)
{
	row_number(row, "retry_in", sweeps);
	put_next_at(row, call, sweeps ? time_of_sweep(call, sweeps) : 0);
}

/* One that is due is tried by the next. */
static uint64_t sweeps_until(const struct fabric *f, const struct fault *fault)
{
	if (fault->reason == REASON_NONE)
		return 0;

	return fault->again > f->sweep ? fault->again - f->sweep : 1;
}

static void put_fault(struct row *row, const struct fault *fault, unsigned status)
{
	row_number(row, "failures", fault->reason == REASON_NONE ? 0 : fault->failures);
	row_number(row, "status", status);
}

json_t *tried_make(const struct call *call, const struct fault *fault, unsigned status)
{
	struct row row = row_start();

	put_fault(&row, fault, status);
	put_next(&row, call, sweeps_until(call->fabric, fault));

	return row_end(&row);
}

/* -- ports --------------------------------------------------------------------------------------
 */

/* The one with @reason, or else any. */
static struct trial find_trial(const struct fabric *f, uint32_t number, enum reason reason)
{
	const struct port *port = &f->ports[number];
	const struct node *node = node_of(f, number);
	const struct trial all[] = {
		{ &port->set_fault, "its settings" },
		{ &port->table_fault, "its P_Keys" },
		{ &port->tell_fault, "to have its clients register again" },
		{ &node->fault, "to ask the device what it is" },
		{ &node->mkey_fault, "to set anything at the device" },
		{ node->sw ? &node->sw->info_fault : NULL, "the settings of the switch" },
		{ node->sw ? &node->sw->lft_fault : NULL, "the routes of the switch" },
	};
	struct trial found = { NULL, NULL };

	for (size_t i = 0; i < COUNT(all); i++) {
		if (!all[i].fault || all[i].fault->reason == REASON_NONE)
			continue;
		if (all[i].fault->reason == reason)
			return all[i];
		if (!found.fault)
			found = all[i];
	}

	return found;
}

/* What sweeps ask for, each of them, until there is another answer. */
static bool is_asked_again(enum reason reason)
{
	return reason == REASON_NEIGHBOR_SILENT || reason == REASON_BAD_NODE_INFO ||
	       reason == REASON_BAD_PORT_INFO || reason == REASON_DUPLICATE_NODE_GUID ||
	       reason == REASON_DUPLICATE_PORT_GUID || reason == REASON_TOO_MANY_DEVICES ||
	       reason == REASON_OUT_OF_MEMORY || reason == REASON_IN_PROGRESS;
}

/* A quarantine has a time of its own, whatever sweeps do. */
static json_t *make_quarantine(const struct call *call, const struct port *port)
{
	struct row row = row_start();

	row_text(&row, "what", "the link");
	row_number(&row, "failures", port->times_held);
	row_number(&row, "status", 0);
	row_number(&row, "retry_in", 0);
	put_next_at(&row, call, port->held_until);

	return row_end(&row);
}

json_t *tried_make_of_port(const struct call *call, uint32_t number)
{
	const struct fabric *f = call->fabric;
	const struct port *port = &f->ports[number];
	enum reason reason = (enum reason)port->reason;
	struct trial trial = find_trial(f, number, reason);
	struct row row;

	if (port_is_held(port))
		return make_quarantine(call, port);
	if (reason == REASON_NONE)
		return NULL;
	if (!trial.fault && port->peer != NO_PORT)
		trial = find_trial(f, port->peer, reason);
	row = row_start();
	row_text(&row, "what", trial.what);
	if (trial.fault) {
		put_fault(&row, trial.fault, port->status);
		put_next(&row, call, sweeps_until(f, trial.fault));
	} else {
		put_fault(&row, &(struct fault){ .reason = REASON_NONE }, port->status);
		put_next(&row, call, is_asked_again(reason));
	}

	return row_end(&row);
}
