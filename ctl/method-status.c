/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How the subnet manager is: status, stats and version; and the two orders, sweep and reload.
 * Members of "status" are what scripts wait for: they keep their names.
 */

#include "ctl/rpc.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/loop.h"
#include "base/macros.h"
#include "ctl/dumper.h"
#include "ctl/find.h"
#include "ctl/place.h"
#include "ctl/vf-row.h"

/* -- smps ---------------------------------------------------------------------------------------
 */

static const char *attribute_name(uint16_t attr, char buffer[static 8])
{
	static const struct {
		uint16_t attr;
		const char *name;
	} names[] = {
		{ ATTR_NOTICE, "Notice" },
		{ ATTR_NODE_DESCRIPTION, "NodeDescription" },
		{ ATTR_NODE_INFO, "NodeInfo" },
		{ ATTR_SWITCH_INFO, "SwitchInfo" },
		{ ATTR_GUID_INFO, "GUIDInfo" },
		{ ATTR_PORT_INFO, "PortInfo" },
		{ ATTR_PKEY_TABLE, "P_KeyTable" },
		{ ATTR_SLTOVL, "SLtoVLMappingTable" },
		{ ATTR_VL_ARBITRATION, "VLArbitrationTable" },
		{ ATTR_LFT, "LinearForwardingTable" },
		{ ATTR_MFT, "MulticastForwardingTable" },
		{ ATTR_SM_INFO, "SMInfo" },
		{ ATTR_MLNX_PORT_INFO, "MlnxExtPortInfo" },
		{ ATTR_VIRTUALIZATION_INFO, "VirtualizationInfo" },
		{ ATTR_VPORT_INFO, "VPortInfo" },
		{ ATTR_VNODE_INFO, "VNodeInfo" },
		{ ATTR_VPORT_STATE, "VPortState" },
		{ ATTR_VNODE_DESCRIPTION, "VNodeDescription" },
		{ ATTR_VPORT_GUID_INFO, "VPortGUIDInfo" },
		{ ATTR_VPORT_PKEY_TABLE, "VPortP_KeyTable" },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].attr == attr)
			return names[i].name;
	snprintf(buffer, 8, "0x%04x", attr);

	return buffer;
}

static const char *method_name(uint8_t method, char buffer[static 8])
{
	if (method == METHOD_GET || method == METHOD_SET)
		return method == METHOD_GET ? "get" : "set";
	snprintf(buffer, 8, "0x%02x", method);

	return buffer;
}

static json_t *make_counts(const struct request_counts *counts)
{
	struct row row = row_start();

	row_number(&row, "sent", counts->sent);
	row_number(&row, "answered", counts->answered);
	row_number(&row, "retried", counts->retried);
	row_number(&row, "timed_out", counts->timed_out);
	row_number(&row, "refused", counts->refused);

	return row_end(&row);
}

/* { "PortInfo": { "get": { "sent": 1, ... }, "set": { ... } }, ... } */
static json_t *make_smps(const struct requests *requests)
{
	struct row smps = row_start();
	struct request_counts counts;
	uint16_t attr;
	uint8_t method;

	for (unsigned n = 0; requests_count(requests, n, &attr, &method, &counts); n++) {
		char attr_buffer[8], method_buffer[8];
		const char *name = attribute_name(attr, attr_buffer);
		struct row by_method = { json_incref(json_object_get(smps.object, name)) };

		if (!by_method.object)
			by_method = row_start();
		row_put(&by_method, method_name(method, method_buffer), make_counts(&counts));
		row_put(&smps, name, row_end(&by_method));
	}

	return row_end(&smps);
}

/* -- status -------------------------------------------------------------------------------------
 */

static uint32_t count_gone_nodes(const struct fabric *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n_nodes; i++)
		n += node_exists(f, i) && !f->nodes[i].present;

	return n;
}

/* Those that "ports" lists if it is asked for problems. */
static uint32_t count_ports_with_problems(const struct fabric *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n_ports; i++)
		n += port_exists(f, i) && port_has_problem(f, i);

	return n;
}

static void put_counts(struct row *row, const struct sm_status *s, const struct vf_counts *vfs,
		       uint32_t problems, uint64_t dumped)
{
	row_number(row, "generation", s->generation);
	row_number(row, "applied", s->applied);
	row_number(row, "dumped", dumped);
	row_bool(row, "came_up", s->came_up);
	row_number(row, "nodes", s->nodes);
	row_number(row, "switches", s->switches);
	row_number(row, "cas", s->hcas);
	row_number(row, "routers", s->routers);
	row_number(row, "ports_active", s->ports_active);
	row_number(row, "ports_not_active", s->ports_not_active);
	row_number(row, "ports_with_problems", problems);
	row_number(row, "vfs_active", vfs->active);
	row_number(row, "vfs_not_active", vfs->problems);
	row_number(row, "lids_used", s->lids_used);
	row_number(row, "lids_spare", s->lids_spare);
	row_number(row, "lids_free", s->lids_free);
	row_number(row, "lids_total", s->lids_total);
	row_number(row, "sweeps", s->sweeps);
}

static void put_dump_failure(struct call *call)
{
	const struct control_setup *setup = &call->rpc->setup;
	uint64_t now = loop_now(call->rpc->loop);
	struct dump_failure failure;
	struct row row;

	if (!setup->dump_failed || !setup->dump_failed(setup->user, &failure)) {
		row_put(&call->result, "dump_failure", json_null());
		return;
	}
	row = row_start();
	row_text(&row, "dir", failure.dir);
	row_text(&row, "file", failure.file);
	row_text(&row, "error", strerror(-failure.error));
	if (failure.again == 0) {
		row_put(&row, "again", json_null());
	} else {
		row_time(&row, "again", rpc_unix_time(call->rpc, failure.again));
		row_number(&row, "again_in_seconds",
			   failure.again > now ? (failure.again - now) / LOOP_SEC : 0);
	}
	row_put(&call->result, "dump_failure", row_end(&row));
}

static void put_last_sweep(struct call *call, const struct sm_status *s)
{
	uint64_t now = loop_now(call->rpc->loop);
	struct row row;

	if (s->sweep_started == 0) {
		row_put(&call->result, "last_sweep", json_null());
		return;
	}
	row = row_start();
	row_time(&row, "started", rpc_unix_time(call->rpc, s->sweep_started));
	row_number(&row, "seconds_ago",
		   now > s->sweep_started ? (now - s->sweep_started) / LOOP_SEC : 0);
	row_put(&row, "took_ms", json_real((double)(s->sweep_took / LOOP_USEC) / 1000.0));
	row_put(&call->result, "last_sweep", row_end(&row));
}

static void put_peers(struct call *call)
{
	json_t *peers = json_array();
	struct sm_peer peer;

	for (unsigned n = 0; sm_peer(call->sm, n, &peer); n++) {
		struct row row = row_start();
		uint32_t port = fabric_find_port(call->fabric, peer.guid);
		char buffer[GUID_TEXT_SIZE];

		row_guid(&row, "guid", peer.guid);
		row_text(&row, "name",
			 port == GUID_MAP_NONE
				 ? NULL
				 : place_name(call->rpc, node_of(call->fabric, port), buffer));
		row_number(&row, "lid", peer.lid);
		row_number(&row, "priority", peer.priority);
		row_text(&row, "state", sm_state_name(peer.state));
		json_array_append_new(peers, row_end(&row));
	}
	row_put(&call->result, "other_sms", peers);
}

static void put_place(struct call *call)
{
	const struct fabric *f = call->fabric;

	row_put(&call->result, "port", place_end(call->rpc, f, f->local_port));
	row_guid(&call->result, "port_guid",
		 f->local_port == NO_PORT ? 0 : f->ports[f->local_port].guid);
}

/* What is wrong with ourselves; NULL: nothing. */
static const char *find_trouble(const struct call *call, const struct sm_status *s)
{
	if (!call->sm)
		return call->rpc->setup.trouble;

	return requests_stand_still(sm_requests(call->sm))
		       ? "Nothing is answered, not even by our own device."
		       : s->trouble;
}

void method_status(struct call *call)
{
	const struct control_setup *setup = &call->rpc->setup;
	struct sm_status s = { .state = SM_NOT_ACTIVE };
	struct vf_counts vfs = { 0 };
	struct row *row = &call->result;
	uint32_t problems = 0;

	if (call->sm) {
		sm_status(call->sm, &s);
		vfs = vf_count(call->fabric);
		problems = count_ports_with_problems(call->fabric);
	}
	row_text(row, "state", sm_state_name(s.state));
	row_text(row, "phase", call->sm ? sm_phase_name(s.phase) : NULL);
	row_text(row, "trouble", find_trouble(call, &s));
	put_counts(row, &s, &vfs, problems, setup->dumped ? setup->dumped(setup->user) : 0);
	row_number(row, "nodes_gone", call->sm ? count_gone_nodes(call->fabric) : 0);
	row_text(row, "store_trouble",
		 setup->store_trouble ? setup->store_trouble(setup->user) : NULL);
	put_dump_failure(call);
	put_last_sweep(call, &s);
	row_text(row, "engine", s.engine);
	row_number(row, "virtual_lanes", s.lanes);
	row_text(row, "routing", s.routing_why);
	row_guid(row, "master_guid", s.state == SM_MASTER ? 0 : s.peer_guid);
	if (!call->sm) {
		row_put(row, "smps", json_object());
		return;
	}
	put_place(call);
	put_peers(call);
	row_put(row, "smps", make_smps(sm_requests(call->sm)));
}

/* -- stats, version -----------------------------------------------------------------------------
 */

static json_t *ms_value(uint64_t ns)
{
	return json_real((double)(ns / LOOP_USEC) / 1000.0);
}

static json_t *make_trap_numbers(const struct sm_traps *traps)
{
	struct row row = row_start();

	for (unsigned i = 0; i < traps->n_numbers; i++) {
		char number[12];

		snprintf(number, sizeof(number), "%u", traps->number[i].number);
		row_number(&row, number, traps->number[i].n);
	}
	row_number(&row, "others", traps->others);

	return row_end(&row);
}

static json_t *make_trap_sources(const struct call *call, const struct sm_traps *traps)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < traps->n_sources; i++) {
		uint32_t port = fabric_find_lid(call->fabric, traps->source[i].lid);
		struct row row = row_start();
		char buffer[GUID_TEXT_SIZE];

		row_number(&row, "lid", traps->source[i].lid);
		row_text(&row, "name",
			 port == NO_PORT
				 ? NULL
				 : place_name(call->rpc, node_of(call->fabric, port), buffer));
		row_number(&row, "traps", traps->source[i].n);
		json_array_append_new(list, row_end(&row));
	}

	return list;
}

static void put_traps(struct call *call)
{
	const struct sm_traps *traps = sm_traps(call->sm);
	struct row impossible = row_start();

	for (unsigned i = 0; i < SM_TRAP_LIE_COUNT; i++)
		row_number(&impossible, sm_trap_lie_name((enum sm_trap_lie)i),
			   traps->impossible[i]);
	row_put(&call->result, "traps", make_trap_numbers(traps));
	row_put(&call->result, "traps_impossible", row_end(&impossible));
	row_put(&call->result, "trap_sources", make_trap_sources(call, traps));
}

/* Of each phase but rest. */
static json_t *make_phase_times(const struct sm *sm)
{
	const struct sm_phase_time *times = sm_phase_times(sm);
	struct row phases = row_start();

	for (unsigned i = PHASE_REST + 1; i < PHASE_COUNT; i++) {
		struct row row = row_start();

		row_put(&row, "last_ms", ms_value(times[i].last));
		row_put(&row, "longest_ms", ms_value(times[i].longest));
		row_put(&phases, sm_phase_name((enum sm_phase)i), row_end(&row));
	}

	return row_end(&phases);
}

static json_t *make_last_change(const struct call *call)
{
	const struct sm_change *change = sm_last_change(call->sm);
	struct row row = row_start(), took = row_start();

	if (!change) {
		json_decref(row_end(&row));
		json_decref(row_end(&took));
		return json_null();
	}
	row_number(&row, "reconcile", change->reconcile);
	row_put(&row, "cause",
		change->cause ? json_integer((json_int_t)change->cause) : json_null());
	row_text(&row, "why", change->what);
	row_time(&row, "began", rpc_unix_time(call->rpc, change->at));
	row_number(&row, "smps", change->smps);
	row_number(&row, "sets", change->sets);
	row_number(&row, "lft_blocks", change->blocks);
	row_put(&row, "until_last_set_ms", ms_value(change->until_set));
	for (unsigned i = PHASE_REST + 1; i < PHASE_COUNT; i++)
		row_put(&took, sm_phase_name((enum sm_phase)i), ms_value(change->took[i]));
	row_put(&row, "took_ms", row_end(&took));

	return row_end(&row);
}

static json_t *make_reports(const struct sm *sm)
{
	struct row row = row_start();
	struct sm_reports reports;

	sm_reports(sm, &reports);
	row_number(&row, "sent", reports.sent);
	row_number(&row, "acknowledged", reports.acknowledged);
	row_number(&row, "lost", reports.lost);
	row_number(&row, "ended", reports.ended);
	row_number(&row, "waiting", reports.waiting);

	return row_end(&row);
}

void method_stats(struct call *call)
{
	const struct requests *requests = sm_requests(call->sm);
	const struct request_totals *totals = requests_totals(requests);
	struct row *row = &call->result;
	struct rusage usage = { 0 };
	struct sm_status s;

	getrusage(RUSAGE_SELF, &usage);
	sm_status(call->sm, &s);
	row_number(row, "sent", totals->sent);
	row_number(row, "by_lid", totals->by_lid);
	row_number(row, "in_flight", requests_in_flight(requests));
	row_number(row, "window", requests_window(requests));
	row_number(row, "malformed", totals->malformed);
	row_number(row, "stray", totals->stray);
	row_number(row, "undelivered", totals->undelivered);
	row_number(row, "send_errors", totals->send_errors);
	row_number(row, "traps_ignored", s.traps_ignored);
	row_number(row, "routes_made", s.routes_made);
	row_number(row, "routes_again", s.routes_again);
	put_traps(call);
	row_put(row, "reports", make_reports(call->sm));
	row_put(row, "phases", make_phase_times(call->sm));
	row_put(row, "last_change", make_last_change(call));
	row_put(row, "longest_step_ms", ms_value(loop_longest_step(call->rpc->loop)));
	row_put(row, "smps", make_smps(requests));
	row_number(row, "clients", call->rpc->n_clients);
	row_number(row, "requests", call->rpc->n_requests);
	row_number(row, "memory_peak_kb", (uint64_t)usage.ru_maxrss);
	row_number(row, "cpu_user_ms",
		   (uint64_t)usage.ru_utime.tv_sec * 1000 +
			   (uint64_t)usage.ru_utime.tv_usec / 1000);
	row_number(row, "cpu_system_ms",
		   (uint64_t)usage.ru_stime.tv_sec * 1000 +
			   (uint64_t)usage.ru_stime.tv_usec / 1000);
}

void method_version(struct call *call)
{
	row_text(&call->result, "version", call->rpc->setup.version);
}

/* -- orders -------------------------------------------------------------------------------------
 */

void method_sweep(struct call *call)
{
	struct sm_status s;
	bool full = call_flag(call, "full");

	sm_status(call->sm, &s);
	if (s.state == SM_STANDBY || s.state == SM_NOT_ACTIVE) {
		call_fail(call, PROTOCOL_NOT_MASTER,
			  "this subnet manager is not master, and changes nothing");
		return;
	}
	sm_sweep(call->sm, full);
	row_bool(&call->result, "full", full);
	row_number(&call->result, "sweeps", s.sweeps);
	row_number(&call->result, "generation", s.generation);
}

struct told {
	json_t *changes;
	json_t *warnings;
};

static void add_change(void *user, const struct conf_change *change)
{
	const struct told *told = user;
	struct row row = row_start();

	row_text(&row, "option", change->path);
	row_text(&row, "before", change->before);
	row_text(&row, "after", change->after);
	row_bool(&row, "needs_restart", change->restart);
	json_array_append_new(told->changes, row_end(&row));
}

static void add_warning(void *user, const char *sentence)
{
	const struct told *told = user;

	json_array_append_new(told->warnings, text_value(sentence));
}

void method_reload(struct call *call)
{
	char text[CONTROL_TEXT_SIZE] = "";
	struct told told = { json_array(), json_array() };
	int r;

	r = call->rpc->setup.reload(call->rpc->setup.user, text,
				    &(struct reload_teller){ .change = add_change,
							     .doubt = add_warning,
							     .user = &told });
	if (r < 0)
		call_fail(call, PROTOCOL_FAILED, "%s", text[0] ? text : strerror(-r));
	row_text(&call->result, "text", text);
	row_put(&call->result, "changes", told.changes);
	row_put(&call->result, "warnings", told.warnings);
}
