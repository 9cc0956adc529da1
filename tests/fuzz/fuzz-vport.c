/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whatever a host answers about its virtual ports, and whatever traps say of them: the subnet
 * manager comes to rest, asks no more than there is to ask, and brings up everybody else; and when
 * the host tells the truth again, its virtual ports too.
 *
 * Three hosts are at a switch: that of the subnet manager, an honest one with virtual ports, and
 *one that lies. Input: how many rules there are, the rules, and then what befalls one answer after
 *the other. A rule is about an attribute (counted from the first) and a modifier (its bits 0 to 7
 *and 16 to 23; 0xff, 0xff: any), and holds until the liar becomes honest.
 *
 *	0		nothing
 *	1 n (at value)	of the answer's data n bytes are others
 *	2 status	it is refused
 *	3		it is lost
 *	4 trap vport at	and a trap says something of a vport: in whose name, says @at
 *	5 what vf	its guest @vf starts, stops, or has another GUID
 *	6 what		the port announces vports or not, and room for so many alias GUIDs
 *	7 n		a sweep that trusts nothing begins
 */

#include <arpa/inet.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "sm/sm.h"
#include "sm/vf.h"
#include "tests/scenario/keeper.h"
#include "tests/scenario/transport-sim.h"
#include "tests/sim/fabric.h"
#include "tests/sim/faults.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"
#include "tests/unit/loop-virtual.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MANAGER, HONEST, LIAR, HOSTS };
enum { VFS = 3, RULES_MAX = 8, ANNOUNCES = 0x0004 };

/* Seconds; and datagrams, of a fabric that has 4 devices and 6 vports. */
enum { LYING = 20, PATIENCE = 60, SENT_MOST = 10000 };

static const uint64_t FIRST_GUID[HOSTS] = { 0, 0x0200000000000100, 0x0200000000000200 };

struct deed {
	uint8_t what;
	uint8_t n;
	uint8_t at[4], value[4];
};

struct rule {
	uint8_t attr, low, high;
	struct deed deed;
};

struct play {
	struct transport transport; /* what the subnet manager sees */
	struct transport *inner;
	unsigned n_sent;
	const uint8_t *next;
	size_t left;
	struct rule rules[RULES_MAX];
	unsigned n_rules;
	bool lies;
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *sw;
	struct sim_port *hosts[HOSTS];
	struct memory_keeper *keeper;
	struct conf conf;
	struct sm *sm;
};

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t take(struct play *p)
{
	if (!p->left)
		return 0;
	p->left--;
	return *p->next++;
}

static struct deed take_deed(struct play *p)
{
	struct deed deed = { .what = take(p) % 8 };

	switch (deed.what) {
	case 1:
		deed.n = take(p) % 5;
		for (unsigned i = 0; i < deed.n; i++) {
			deed.at[i] = take(p) % SMP_DATA_SIZE;
			deed.value[i] = take(p);
		}
		break;
	case 4:
		deed.at[0] = take(p);
		deed.at[1] = take(p);
		deed.at[2] = take(p);
		break;
	case 5:
		deed.at[0] = take(p);
		deed.at[1] = take(p);
		break;
	case 2:
	case 6:
	case 7:
		deed.at[0] = take(p);
		break;
	default:
		break;
	}
	return deed;
}

/* ---- what the liar does ---------------------------------------------------------------------- */

/* In the name of everybody there is, or of nobody. */
static void cry(struct play *p, const struct deed *deed)
{
	static const uint16_t traps[] = { 1144, 1146, 1257, 1258 };
	const uint16_t lids[] = {
		sim_lid(p->hosts[LIAR]),
		sim_vport(p->hosts[LIAR], 1)->lid,
		sim_lid(p->hosts[HONEST]),
		sim_vport(p->hosts[HONEST], 1)->lid,
		sim_lid(p->hosts[MANAGER]),
		sim_lid(&p->sw->ports[0]),
		0,
		0xbfff,
	};
	struct sim_notice notice = { .trap = traps[deed->at[0] % COUNT(traps)],
				     .of_vport = true,
				     .vport = deed->at[1] };

	if (deed->at[2] & 0x80)
		notice.vport = (uint16_t)(notice.vport * 257);
	sim_fault_forge(p->hosts[LIAR], notice, lids[deed->at[2] % COUNT(lids)]);
}

static void guest_does(struct play *p, const struct deed *deed)
{
	struct sim_port *port = p->hosts[LIAR];
	unsigned vf = 1 + deed->at[1] % VFS;
	const uint64_t guids[] = {
		0,
		port->guid,
		p->hosts[MANAGER]->guid,
		FIRST_GUID[LIAR],
		FIRST_GUID[LIAR] + VFS + deed->at[1],
	};

	if (deed->at[0] % 8 == 0)
		sim_vf_start(port, vf);
	else if (deed->at[0] % 8 == 1)
		sim_vf_stop(port, vf);
	else
		sim_vf_set_guid(port, vf, guids[deed->at[0] % COUNT(guids)]);
}

static void announce(struct play *p, unsigned what)
{
	ib_port_info_t *info = &p->hosts[LIAR]->info;

	info->capability_mask2 = htons(what & 1 ? ANNOUNCES : 0);
	info->guid_cap = (uint8_t)(what & ~1u);
}

/* False: the answer is lost. */
static bool befalls(struct play *p, const struct deed *deed, struct datagram *answer)
{
	switch (deed->what) {
	case 1:
		for (unsigned i = 0; i < deed->n; i++)
			smp_data_of(answer)[deed->at[i]] = deed->value[i];
		return true;
	case 2:
		wire_set(answer, MAD_STATUS, (unsigned)deed->at[0] << 2);
		return true;
	case 3:
		return false;
	case 4:
		cry(p, deed);
		return true;
	case 5:
		guest_does(p, deed);
		return true;
	case 6:
		announce(p, deed->at[0]);
		return true;
	case 7:
		sm_sweep(p->sm, deed->at[0] & 1);
		return true;
	default:
		return true;
	}
}

static bool fits(const struct rule *rule, const struct datagram *answer, uint64_t modifier)
{
	bool any = rule->low == 0xff && rule->high == 0xff;

	return rule->attr == wire_get(answer, MAD_ATTR) - ATTR_VIRTUALIZATION_INFO &&
	       (any || (rule->low == (modifier & 0xff) && rule->high == (modifier >> 16 & 0xff)));
}

/* Answers say which way the question went; the liar is behind port LIAR + 1 of the switch. */
static bool is_of_liar(const struct datagram *d)
{
	uint64_t attr = wire_get(d, MAD_ATTR);

	return wire_is_directed(d) && wire_is_response(d) && attr >= ATTR_VIRTUALIZATION_INFO &&
	       attr <= ATTR_VPORT_PKEY_TABLE && wire_get(d, SMP_HOP_COUNT) == 2 &&
	       wire_route_port(d, 2) == LIAR + 1;
}

static bool comes_in(struct play *p, struct datagram *answer)
{
	uint64_t modifier = wire_get(answer, MAD_MODIFIER);
	struct deed deed;

	for (unsigned i = 0; i < p->n_rules; i++)
		if (fits(&p->rules[i], answer, modifier) && !befalls(p, &p->rules[i].deed, answer))
			return false;
	deed = take_deed(p);
	return befalls(p, &deed, answer);
}

/* ---- between the subnet manager and the fabric ----------------------------------------------- */

static void on_arrival(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct play *p = user;

	demand(!why);
	for (unsigned i = 0; i < n; i++) {
		struct arrival arrival = arrivals[i];

		if (!p->lies || !is_of_liar(&arrival.datagram) || comes_in(p, &arrival.datagram))
			sm_receive(p->sm, &arrival, 1);
	}
}

static int send_on(struct transport *t, const struct datagram *d, const struct address *to,
		   unsigned timeout_ms)
{
	struct play *p = CONTAINER_OF(t, struct play, transport);

	demand(++p->n_sent < SENT_MOST);
	return transport_send(p->inner, d, to, timeout_ms);
}

static int set_is_sm(struct transport *t, bool is_sm)
{
	return transport_set_is_sm(CONTAINER_OF(t, struct play, transport)->inner, is_sm);
}

static void open_transport(struct play *p)
{
	static const struct transport_ops ops = { .send = send_on, .set_is_sm = set_is_sm };

	demand(transport_sim_open(p->hosts[MANAGER], &p->inner) == 0);
	p->transport = *p->inner;
	p->transport.ops = &ops;
	p->inner->fn = on_arrival;
	p->inner->user = p;
}

/* ---- the fabric ------------------------------------------------------------------------------ */

static struct sim_node *make(struct play *p, enum sim_type type, unsigned n_ports)
{
	const struct sim_node_spec spec = { .type = type, .n_ports = n_ports };
	struct sim_node *node;

	demand(sim_node_new(p->fabric, &spec, &node) == 0);
	return node;
}

static void make_host(struct play *p, unsigned n)
{
	const struct sim_vf_spec spec = {
		.first_guid = FIRST_GUID[n],
		.up = true,
		.lid_required = n == HONEST || p->left & 1,
	};

	p->hosts[n] = &make(p, SIM_CA, 1)->ports[1];
	demand(sim_cable(p->hosts[n], &p->sw->ports[n + 1]) == 0);
	if (n != MANAGER)
		demand(sim_vfs_add(p->hosts[n], SIM_VF_VPORT, VFS, &spec) == 0);
}

static void start(struct play *p)
{
	struct sm_setup setup = { .loop = p->loop,
				  .transport = &p->transport,
				  .keeper = memory_keeper_keeper(p->keeper),
				  .conf = &p->conf };

	demand(partitions_default(&setup.partitions) == 0);
	demand(sm_new(&setup, &p->sm) == 0);
	p->transport.user = p->sm;
	sm_start(p->sm);
}

static void begin(struct play *p)
{
	demand(loop_virtual_new(1, &p->loop) == 0);
	demand(sim_fabric_new(p->loop, 1, &p->fabric) == 0);
	demand(memory_keeper_new(p->loop, &p->keeper) == 0);
	conf_init_defaults(&p->conf);
	p->sw = make(p, SIM_SWITCH, HOSTS);
	for (unsigned n = 0; n < HOSTS; n++)
		make_host(p, n);
	open_transport(p);
	p->n_rules = take(p) % (RULES_MAX + 1);
	for (unsigned i = 0; i < p->n_rules; i++) {
		p->rules[i] = (struct rule){ .attr = take(p) % 7, .low = take(p), .high = take(p) };
		p->rules[i].deed = take_deed(p);
	}
	start(p);
}

static void end(struct play *p)
{
	sm_free(p->sm);
	transport_free(p->inner);
	memory_keeper_free(p->keeper);
	sim_fabric_free(p->fabric);
	loop_virtual_free(p->loop);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static bool is_at_rest(const struct play *p)
{
	struct sm_status status;

	sm_status(p->sm, &status);
	return status.phase == PHASE_REST && status.state == SM_MASTER &&
	       requests_in_flight(sm_requests(p->sm)) == 0;
}

static void comes_to_rest(struct play *p)
{
	uint64_t limit = loop_now(p->loop) + PATIENCE * LOOP_SEC;

	while (!is_at_rest(p) && loop_now(p->loop) < limit)
		demand(loop_virtual_step(p->loop));
	demand(is_at_rest(p));
}

static bool is_active(const struct sim_port *port, unsigned vf)
{
	struct sim_vf_info info;

	demand(sim_vf_look(port, vf, &info) == 0);
	return info.state == SIM_ACTIVE;
}

/* That somebody has the GUID of another, a liar may say: there nobody can tell who lies. */
static bool has_reason(const struct play *p, const struct sim_port *port, unsigned vf)
{
	const struct fabric *f = sm_fabric(p->sm);
	const struct vf *known = vf_at(f, fabric_find_port(f, port->guid), vf);

	return known && known->reason == REASON_VF_DUPLICATE_GUID;
}

static void others_are_up(struct play *p)
{
	for (unsigned n = 0; n < HOSTS; n++)
		demand(sim_state(p->hosts[n]) == SIM_ACTIVE);
	for (unsigned vf = 1; vf <= VFS; vf++)
		demand(is_active(p->hosts[HONEST], vf) || has_reason(p, p->hosts[HONEST], vf));
}

static void becomes_honest(struct play *p)
{
	p->lies = false;
	announce(p, ANNOUNCES | 1);
	p->hosts[LIAR]->info.guid_cap = 1;
	for (unsigned vf = 1; vf <= VFS; vf++) {
		sim_vf_set_guid(p->hosts[LIAR], vf, FIRST_GUID[LIAR] + vf);
		sim_vf_start(p->hosts[LIAR], vf);
	}
}

static void all_are_up(const struct play *p)
{
	for (unsigned n = HONEST; n < HOSTS; n++)
		for (unsigned vf = 1; vf <= VFS; vf++)
			demand(is_active(p->hosts[n], vf));
}

static void say_nothing(enum log_level level, const struct log_where *where, const char *text,
			void *user)
{
	(void)level;
	(void)where;
	(void)text;
	(void)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(freep) struct play *p = calloc(1, sizeof(*p));

	demand(p != NULL);
	/* Room for a whole subnet costs nothing as long as it is taken anew, and not cleared. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	log_set_sink(say_nothing, NULL);
	p->next = data;
	p->left = size;
	begin(p);
	p->lies = true;
	loop_virtual_run_for(p->loop, LYING * LOOP_SEC);
	comes_to_rest(p);
	others_are_up(p);
	becomes_honest(p);
	for (unsigned i = 0; i < 2; i++) {
		sm_sweep(p->sm, true);
		loop_virtual_run_for(p->loop, 6 * LOOP_SEC);
	}
	comes_to_rest(p);
	all_are_up(p);
	end(p);

	return 0;
}
