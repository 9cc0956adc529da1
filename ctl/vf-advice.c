/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Most virtual functions that do not come up lack something that only their host can give them, and
 * the lines that do it are hard to remember. They differ by the driver: mlx5 is told a GUID by
 * netlink, and gives it to the function when its driver is bound anew; mlx4 has files in sysfs. The
 * kernel counts functions from 0 where the adapter counts from 1.
 *
 * What is not known here has a name in capitals: IFACE, NAME, the X of mlx4_X. A GUID that is
 * proposed is that of the physical port with another beginning: 0x12, which says that an
 * administrator gave it (and that programs which take GUIDs from 02:00:00:00:00:00:00:00 on did
 * not), and the index. If somebody on the fabric has it already, the next beginning of this kind is
 * taken.
 */

#include "ctl/vf-advice.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/macros.h"
#include "ctl/group-row.h"
#include "ctl/place.h"
#include "ctl/reserved.h"
#include "ctl/tried.h"
#include "sm/reservations.h"

#define LINE_SIZE   400
#define FIRST_BYTE  0x12u /* locally administered, and no group: the low digit is 2 */
#define LAST_BYTE   0xf2u
#define MLX5_DRIVER "/sys/bus/pci/drivers/mlx5_core"

/* -- lines --------------------------------------------------------------------------------------
 */

static void add_line(json_t *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_line(json_t *lines, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(lines, text_value(text));
}

static bool is_taken(const struct fabric *f, uint64_t guid)
{
	return endpoint_find(f, guid).port != NO_PORT ||
	       fabric_find_node(f, guid) != GUID_MAP_NONE ||
	       fabric_find_port(f, guid) != GUID_MAP_NONE;
}

static uint64_t propose_guid(const struct fabric *f, const struct vf_place *place)
{
	uint64_t rest = (uint64_t)place->index << 40 | (f->ports[place->pf].guid & 0xffffffffff);

	for (uint64_t byte = FIRST_BYTE; byte < LAST_BYTE; byte += 0x10)
		if (!is_taken(f, byte << 56 | rest))
			return byte << 56 | rest;

	return (uint64_t)LAST_BYTE << 56 | rest;
}

/* 02:00:00:00:00:00:00:01, as ip-link(8) wants it. */
static const char *colon_text(uint64_t guid, char ret[static 24])
{
	for (unsigned i = 0; i < 8; i++)
		snprintf(ret + 3 * i, i < 7 ? 4 : 3, i < 7 ? "%02x:" : "%02x",
			 (unsigned)(guid >> (56 - 8 * i) & 0xff));

	return ret;
}

/* By GUID: the name is the device's own choice, and this line is meant for a shell. */
static void say_where(const struct call *call, const struct vf_place *place, json_t *lines,
		      const char *what)
{
	add_line(lines, "# as root on the host of the port with GUID 0x%016llx; %s",
		 (unsigned long long)call->fabric->ports[place->pf].guid, what);
}

static void say_mlx5(const struct call *call, const struct vf_place *place, json_t *lines)
{
	char what[100];

	snprintf(what, sizeof(what), "IFACE is its interface, and VF %u there is number %u here",
		 place->index - 1u, place->index);
	say_where(call, place, lines, what);
}

static void add_bind(json_t *lines, unsigned vf, bool unbind)
{
	add_line(lines, "VF=$(basename $(readlink /sys/class/net/IFACE/device/virtfn%u))", vf);
	if (unbind)
		add_line(lines, "echo $VF >" MLX5_DRIVER "/unbind");
	add_line(lines, "echo $VF >" MLX5_DRIVER "/bind");
}

/* -- by reason ----------------------------------------------------------------------------------
 */

static void give_mlx4_guid(const struct call *call, const struct vf_place *place, json_t *lines)
{
	say_where(call, place, lines, "mlx4_X is the adapter; 0 asks vsm for a GUID");
	add_line(lines, "echo 0 >/sys/class/infiniband/mlx4_X/iov/ports/%u/admin_guids/%u",
		 call->fabric->ports[place->pf].number, place->index);
}

static void give_guid(const struct call *call, const struct vf_place *place, json_t *lines)
{
	unsigned vf = place->index - 1u;
	char guid[24];

	if (place->model == VF_SHARED) {
		give_mlx4_guid(call, place, lines);
		return;
	}
	colon_text(propose_guid(call->fabric, place), guid);
	say_mlx5(call, place, lines);
	add_line(lines, "ip link set dev IFACE vf %u node_guid %s", vf, guid);
	add_line(lines, "ip link set dev IFACE vf %u port_guid %s", vf, guid);
	add_bind(lines, vf, true);
}

/* Not where it comes from, if it is to move. */
static void start(const struct call *call, const struct vf_place *place, json_t *lines)
{
	uint64_t guid = vf_look(call->fabric, place).guid;
	uint64_t to = sm_moving_to(call->sm, guid);
	unsigned vf = place->index - 1u;

	if (place->model != VF_VPORT || (to && to != call->fabric->ports[place->pf].guid))
		return;
	if (guid) {
		say_mlx5(call, place, lines);
		add_line(lines, "ip link set dev IFACE vf %u state auto", vf);
		add_bind(lines, vf, false);
	} else {
		give_guid(call, place, lines);
		add_line(lines, "ip link set dev IFACE vf %u state auto", vf);
	}
}

static void join_partition(const struct call *call, const struct vf_place *place, json_t *lines)
{
	const char *file = sm_conf(call->sm)->partition_file;

	if (!file[0])
		return;
	add_line(lines, "# here; NAME is the partition that it is to be in");
	add_line(lines, "echo 'NAME : 0x%016llx=full ;' >>%s",
		 (unsigned long long)vf_look(call->fabric, place).guid, file);
	add_line(lines, "vsmctl reload");
}

static void look_at_other(const struct call *call, const struct vf_place *place, json_t *lines)
{
	const struct vf *vf = vf_at(call->fabric, place->pf, place->index);
	unsigned long long pf = call->fabric->ports[place->pf].guid;
	unsigned index = vf ? (unsigned)wire_get(vf->info, VPORT_INFO_LID_INDEX) : 0;

	if (place->model == VF_VPORT && index > 0 && index < VFS_MAX)
		add_line(lines, "vsmctl explain 0x%016llx/vf%u", pf, index);
}

static bool is_reserved_elsewhere(const struct call *call, uint64_t guid, uint64_t pf)
{
	return !reservation_may_be_at(sm_reservation_of(call->sm, guid), pf);
}

/* It may be no rule of vsm.conf that keeps it away, but what was said here of its GUID. */
static void look_at_places(const struct call *call, const struct vf_place *place, json_t *lines)
{
	unsigned long long guid = vf_look(call->fabric, place).guid;
	unsigned long long pf = call->fabric->ports[place->pf].guid;
	unsigned long long to = sm_moving_to(call->sm, guid);

	if (to && to != pf) {
		add_line(lines, "# here; it is to move to the port with GUID 0x%016llx", to);
		add_line(lines, "vsmctl vf move 0x%016llx --cancel", guid);
	} else if (is_reserved_elsewhere(call, guid, pf)) {
		add_line(lines, "# here; it is reserved for other ports");
		add_line(lines, "vsmctl vf show 0x%016llx", guid);
	}
}

static json_t *make_commands(const struct call *call, const struct vf_place *place)
{
	enum reason reason = vf_look(call->fabric, place).reason;
	json_t *lines = json_array();

	if (reason == REASON_VF_NO_GUID || reason == REASON_VF_DUPLICATE_GUID)
		give_guid(call, place, lines);
	else if (reason == REASON_VF_NOT_STARTED)
		start(call, place, lines);
	else if (reason == REASON_VF_NO_PARTITION)
		join_partition(call, place, lines);
	else if (reason == REASON_VF_NOT_ALLOWED)
		look_at_places(call, place, lines);
	else if (reason == REASON_VF_BAD_LID_INDEX)
		look_at_other(call, place, lines);
	else if (reason == REASON_VF_PF_DOWN)
		add_line(lines, "vsmctl explain 0x%016llx",
			 (unsigned long long)call->fabric->ports[place->pf].guid);
	else if (reason == REASON_VF_REFUSED)
		add_line(lines, "vsmctl sweep --full # tries again now");

	return lines;
}

/* -- others with the same GUID ------------------------------------------------------------------
 */

static void add_port_with(const struct call *call, const struct vf_place *place, uint64_t guid,
			  json_t *list)
{
	uint32_t port = fabric_find_port(call->fabric, guid);
	struct row row = row_start();
	char buffer[GUID_TEXT_SIZE];

	if (port == NO_PORT || port == place->port || !node_of(call->fabric, port)->present) {
		json_decref(row_end(&row));
		return;
	}
	row_text(&row, "model", NULL);
	row_guid(&row, "pf", guid);
	row_text(&row, "pf_name", place_name(call->rpc, node_of(call->fabric, port), buffer));
	row_number(&row, "pf_port", call->fabric->ports[port].number);
	row_number(&row, "index", 0);
	row_bool(&row, "stopped", false);
	json_array_append_new(list, row_end(&row));
}

static bool is_same(const struct vf_place *a, const struct vf_place *b)
{
	return a->port == b->port && a->index == b->index && a->model == b->model;
}

static json_t *make_same_guid(const struct call *call, const struct vf_place *place)
{
	uint64_t guid = vf_look(call->fabric, place).guid;
	json_t *list = json_array();
	struct vf_place other;

	if (guid == 0)
		return list;
	add_port_with(call, place, guid, list);
	for (uint64_t n = 0; vf_place_next(call->fabric, &n, &other); n++) {
		struct row row;

		if (other.model == VF_VSWITCH || is_same(place, &other) ||
		    vf_look(call->fabric, &other).guid != guid)
			continue;
		row = row_start();
		vf_put_place(&row, call, &other);
		row_bool(&row, "stopped",
			 vf_look(call->fabric, &other).reason == REASON_VF_NOT_STARTED);
		json_array_append_new(list, row_end(&row));
	}

	return list;
}

/* -- all together -------------------------------------------------------------------------------
 */

static const struct fault *fault_of(const struct fabric *f, const struct vf_place *place)
{
	const struct vf *vf = vf_at(f, place->pf, place->index);
	const struct vfs *vfs = f->ports[place->pf].vfs;

	if (place->model == VF_VSWITCH)
		return &f->ports[place->port].set_fault;
	if (place->model == VF_SHARED)
		return &vfs->guids_fault;
	if (vfs_states_fault(vfs, place->index)->reason != REASON_NONE)
		return vfs_states_fault(vfs, place->index);

	return vf->set_fault.reason != REASON_NONE ? &vf->set_fault : &vf->table_fault;
}

static json_t *make_tried(const struct call *call, const struct vf_place *place)
{
	const struct fabric *f = call->fabric;
	const struct fault *fault = fault_of(f, place);
	const struct vf *vf = vf_at(f, place->pf, place->index);
	bool is_own = vf && (fault == &vf->set_fault || fault == &vf->table_fault);
	unsigned status = is_own ? vf->status : f->ports[place->port].status;

	return tried_make(call, fault, status);
}

static json_t *make_pf_problem(const struct call *call, const struct vf_place *place)
{
	const struct port *pf = &call->fabric->ports[place->pf];
	struct row row;

	if (port_state(pf) == PORT_ACTIVE)
		return json_null();
	row = row_start();
	row_text(&row, "state", port_state_name(port_state(pf)));
	place_put_reason(&row, call->rpc, pf->reason, pf->since);

	return row_end(&row);
}

static void put_vport(struct row *row, const struct fabric *f, const struct vf_place *place)
{
	const struct vfs *vfs = f->ports[place->pf].vfs;
	const uint8_t *info = vfs->vf[place->index].info;

	if (!wire_get(info, VPORT_INFO_LID_REQUIRED))
		row_number(row, "lid_index", wire_get(info, VPORT_INFO_LID_INDEX));
	row_number(row, "revision", wire_get(vfs->info, VIRT_INFO_REVISION));
}

/* How many there may be, and by which rule; null if there are not too many. */
static json_t *make_limit(const struct call *call, const struct vf_place *place)
{
	const struct vf_policies *policies = &sm_conf(call->sm)->virtual_functions;
	const char *ports = "";
	struct row row;
	unsigned entry, max;

	if (vf_look(call->fabric, place).reason != REASON_VF_TOO_MANY)
		return json_null();
	max = sm_vf_limit(call->sm, place->pf, &entry);
	if (entry)
		ports = policies->policy[entry - 1].ports;
	row = row_start();
	row_number(&row, "max", max);
	row_number(&row, "entry", entry);
	row_text(&row, "ports", ports[0] ? ports : NULL);

	return row_end(&row);
}

json_t *vf_explain(const struct call *call, const struct vf_place *place)
{
	struct row row = vf_row_start(call, place);

	row_put(&row, "tried", make_tried(call, place));
	row_put(&row, "move", reserved_make_move(call, vf_look(call->fabric, place).guid));
	row_put(&row, "same_guid", make_same_guid(call, place));
	row_put(&row, "pf_problem", make_pf_problem(call, place));
	row_put(&row, "limit", make_limit(call, place));
	if (place->model == VF_VPORT)
		put_vport(&row, call->fabric, place);
	group_put_all_of(&row, call, vf_look(call->fabric, place).guid);
	row_put(&row, "commands", make_commands(call, place));

	return row_end(&row);
}

static bool has_obstacle(const struct fabric *f, uint32_t pf)
{
	const struct vfs *vfs = f->ports[pf].vfs;

	return vfs && vfs->model == VF_VPORT && vfs->info_fault.reason != REASON_NONE;
}

/* What keeps all of them down, of which there may be none to see because of it. */
static void put_obstacle(struct row *row, const struct call *call, uint32_t pf)
{
	const struct port *port = &call->fabric->ports[pf];

	if (!has_obstacle(call->fabric, pf))
		return;
	row_text(row, "reason", reason_key(port->vfs->info_fault.reason));
	row_text(row, "sentence", reason_sentence(port->vfs->info_fault.reason));
	row_text(row, "remedy", reason_remedy(port->vfs->info_fault.reason));
	row_number(row, "revision", wire_get(port->vfs->info, VIRT_INFO_REVISION));
	row_number(row, "status", port->status);
}

json_t *vf_explain_all_of(const struct call *call, uint32_t pf)
{
	unsigned top = vf_place_top(call->fabric, pf);
	json_t *problems = json_array();
	struct vf_counts counts = { 0 };
	struct row row = row_start();

	for (unsigned i = 1; i <= top; i++) {
		struct vf_place place;
		struct vf_look look;
		struct row one;

		if (!vf_place_find(call->fabric, pf, i, &place))
			continue;
		look = vf_look(call->fabric, &place);
		vf_add_to_counts(&counts, &look);
		if (!look.problem)
			continue;
		one = vf_row_start(call, &place);
		json_array_append_new(problems, row_end(&one));
	}
	put_obstacle(&row, call, pf);
	row_number(&row, "active", counts.active);
	row_number(&row, "not_active", counts.problems);
	row_number(&row, "not_started", counts.idle);
	row_put(&row, "problems", problems);
	if (counts.active + counts.problems + counts.idle > 0 || has_obstacle(call->fabric, pf))
		return row_end(&row);
	json_decref(row_end(&row));

	return NULL;
}
