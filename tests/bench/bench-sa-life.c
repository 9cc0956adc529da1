/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How soon the subnet administrator answers while the fabric of 11,664 hosts and 1,620 switches
 * comes up and changes, and how soon all hosts are told what they have subscribed to. In process
 * and on virtual time: agents take 300 microseconds for an SMP, as switches were measured at, and
 * the disk 3 ms to commit.
 *
 *   questions  Hosts in several places ask all the while, each at the next full millisecond after
 *              it had its answer: paths, NodeRecords, PortInfoRecords, a table of those with some
 *              bit, ClassPortInfo, joins and leaves of a group. While the fabric comes up, while a
 *              cable is out, while a switch is away and comes back, during a sweep, and while the
 *              subnet manager is started again. It counts from when a question was due until its
 *              answer was sent; what was lost on the way, and what came before somebody was master,
 *              does not count. Apart, and not asserted: questions about a path that there was not
 * when they came, as its cable was lost; they are put off until tables with one are made.
 *
 *              Virtual time does not pass while the processor works: so it is what the subnet
 *              manager waits for, or lets wait. Asserted: 10 ms at most.
 *
 *   the same, with the processor: virtual time waits as long as each step took of it, so questions
 *              come late where the loop is busy. Jobs are other threads, and take no time; what the
 *              simulated agents take beside the sending is in it, so it is an upper bound. Not
 *              asserted: it depends on the machine.
 *
 *   reports    All hosts but two have subscribed to everything, and acknowledge. A group is made,
 *              which is told of at once, and a host is lost, which is found first: time until the
 *              last has heard, and processor time without the simulator's. The way to a host and
 *              back takes 100 microseconds. Asserted: everybody hears it once.
 *
 * Usage: bench-sa-life [radix], 36 if it is not given.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "tests/scenario/joiner.h"
#include "tests/scenario/sa-client.h"
#include "tests/sim/client.h"
#include "tests/sim/faults.h"
#include "tests/unit/loop-virtual.h"

#define ASKERS      16u
#define MOST        (10 * LOOP_MSEC)
#define AGAIN_AFTER (100 * LOOP_MSEC)
#define SERVICE     (300 * LOOP_USEC)
#define ROUND_TRIP  (100 * LOOP_USEC)

enum { GET_TABLE = 0x12, DELETE = 0x15, TRAP_ANY = 0xffff };

/* ---- the processor -----------------------------------------------------------------------------
 */

static uint64_t in_simulator; /* ns, and so are all of these */
static uint64_t in_jobs;
static uint64_t longest_job;
static uint64_t longest_step;  /* without both */
static const char *longest_in; /* the phase that it began in */
static bool is_charged;        /* time passes with it */
static const struct transport_ops *simulator;

int __real_loop_job(struct loop *loop, loop_fn run, loop_fn done, void *user);
int __wrap_loop_job(struct loop *loop, loop_fn run, loop_fn done, void *user);

static void hear(const struct datagram *d, const struct address *to);

static uint64_t processor(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * LOOP_SEC + (uint64_t)t.tv_nsec;
}

int __wrap_loop_job(struct loop *loop, loop_fn run, loop_fn done, void *user)
{
	uint64_t began = processor();
	int r = __real_loop_job(loop, run, done, user);

	in_jobs += processor() - began;
	longest_job = MAX(longest_job, processor() - began);
	return r;
}

static int send_timed(struct transport *t, const struct datagram *d, const struct address *to,
		      unsigned timeout_ms)
{
	uint64_t began = processor();
	int r = 0;

	if (wire_get(d, MAD_CLASS) == CLASS_SA && wire_get(d, MAD_METHOD) == METHOD_REPORT)
		hear(d, to);
	else
		r = simulator->send(t, d, to, timeout_ms);
	in_simulator += processor() - began;
	return r;
}

/* ---- questions ---------------------------------------------------------------------------------
 */

enum kind { PATH, FAR_PATH, NODE, PORT, PORTS, CLASS, JOIN, LEAVE, KINDS };

static const char *const names[KINDS] = {
	"path to itself", "path to another", "NodeRecord", "PortInfoRecord",
	"table of ports", "ClassPortInfo",   "a join",     "a leave",
};

struct asker {
	struct sim_client client;
	const struct sim_port *other;
	uint64_t tid;
	enum kind kind;
	bool waits;
	uint64_t due;     /* when it was to be sent */
	bool has_arrived; /* at the subnet manager */
	bool is_put_off;  /* until there is a way */
	bool is_answered;
};

struct slowest {
	uint64_t n;
	uint64_t took;
};

static struct bench {
	struct scenario *s;
	transport_fn receive; /* the subnet manager's */
	struct asker askers[ASKERS];
	struct slowest slowest[KINDS];
	struct slowest put_off; /* not among these */
	uint64_t n_lost;        /* they or their answers, on the way, or while nobody was there */
	struct loop_timer *timer;
	uint64_t due; /* what that is set to */
} bench;

static bool ask_path(struct asker *a, const struct sim_port *to)
{
	ib_path_rec_t r = { .num_path = 1 };

	r.sgid.unicast.prefix = r.dgid.unicast.prefix = a->client.port->info.subnet_prefix;
	r.sgid.unicast.interface_id = htobe64(a->client.port->guid);
	r.dgid.unicast.interface_id = htobe64(to->guid);
	return sa_send_raw(&a->client, a->tid, SIM_GET, ATTR_SA_PATH_RECORD, 0x100c, &r, sizeof(r));
}

static bool ask_member(struct asker *a, uint8_t method)
{
	ib_member_rec_t r = joiner_broadcast(a->client.port, a->client.port->guid, 0x7fff, 1);

	return sa_send_raw(&a->client, a->tid, method, ATTR_SA_MC_MEMBER_RECORD,
			   method == SIM_SET ? MCM_MASK_BROADCAST : MCM_MASK_LEAVE, &r, sizeof(r));
}

static bool ask_ports(struct asker *a)
{
	ib_portinfo_record_t r = { 0 };

	r.port_info.capability_mask = htobe32(UINT32_C(1) << 31);
	return sa_send_raw(&a->client, a->tid, GET_TABLE, ATTR_SA_PORT_RECORD, 0x80, &r, sizeof(r));
}

static bool ask_lid(struct asker *a, uint16_t attr)
{
	uint16_t lid = htobe16(sim_lid(a->client.port));

	return sa_send_raw(&a->client, a->tid, SIM_GET, attr, 1, &lid, sizeof(lid));
}

/* False: it does not know yet whom. */
static bool ask(struct asker *a)
{
	switch (a->kind) {
	case PATH:
		return ask_path(a, a->client.port);
	case FAR_PATH:
		return ask_path(a, a->other);
	case NODE:
		return ask_lid(a, ATTR_SA_NODE_RECORD);
	case PORT:
		return ask_lid(a, ATTR_SA_PORT_RECORD);
	case PORTS:
		return ask_ports(a);
	case CLASS:
		return sa_send_raw(&a->client, a->tid, SIM_GET, ATTR_CLASS_PORT_INFO, 0, "", 1);
	case JOIN:
		return ask_member(a, SIM_SET);
	case LEAVE:
		return ask_member(a, DELETE);
	case KINDS:
		break;
	}
	return false;
}

static void next_question(struct asker *a)
{
	bool is_late = bench.due - a->due >= AGAIN_AFTER;

	/* What arrived has to be answered; that, too, may be lost on the way. */
	if (a->waits && a->has_arrived && !a->is_answered && !a->is_put_off && is_late &&
	    !is_charged)
		scenario_fail(bench.s, "%s has no answer", names[a->kind]);
	if (a->waits && (!is_late || (a->has_arrived && !a->is_answered)))
		return;
	bench.n_lost += a->waits;
	a->tid += ASKERS;
	a->kind = (enum kind)((a->tid / ASKERS + a->tid) % KINDS);
	a->due = bench.due;
	a->has_arrived = a->is_put_off = false;
	a->is_answered = false;
	a->waits = ask(a);
}

static void tick(void *user)
{
	(void)user;
	for (unsigned i = 0; i < ASKERS; i++)
		next_question(&bench.askers[i]);
	bench.due += LOOP_MSEC;
	loop_timer_set(bench.timer, bench.due);
}

static void take_answer(void *user, const struct sim_packet *packet)
{
	struct asker *a = user;

	if ((be64toh(packet->mad.trans_id) & 0xffffffff) == a->tid)
		a->waits = false;
}

/* Whose question is that, or its answer? NULL: something else. */
static struct asker *asker_of(const struct datagram *d)
{
	uint32_t tid = (uint32_t)wire_get(d, MAD_TID);
	struct asker *a = &bench.askers[tid % ASKERS];

	return wire_get(d, MAD_CLASS) == CLASS_SA && a->tid == tid ? a : NULL;
}

/* Questions about paths are answered at once, or when tables are made that have one. */
static void note_put_off(const struct datagram *d)
{
	struct asker *a = asker_of(d);

	if (a && a->has_arrived && !a->is_answered && (a->kind == PATH || a->kind == FAR_PATH))
		a->is_put_off = true;
}

static void note_arrivals(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	/* Others are not answered by who is not master, as by nobody. */
	for (unsigned i = 0; i < n && bench.s->first.sm->state == SM_MASTER; i++) {
		struct asker *a = asker_of(&arrivals[i].datagram);

		if (a && !wire_is_response(&arrivals[i].datagram))
			a->has_arrived = true;
	}
	bench.receive(user, arrivals, n, why);
	for (unsigned i = 0; i < n; i++)
		note_put_off(&arrivals[i].datagram);
}

/* Shown all that is sent. */
static void note_sent(void *user, const struct datagram *d)
{
	struct asker *a = asker_of(d);
	struct slowest *s;

	(void)user;
	if (!a || !a->has_arrived || a->is_answered || !wire_is_response(d))
		return;
	s = a->is_put_off ? &bench.put_off : &bench.slowest[a->kind];
	s->n++;
	s->took = MAX(s->took, loop_now(bench.s->loop) - a->due);
	a->is_answered = true;
}

/* ---- time passes -------------------------------------------------------------------------------
 */

static void step(void)
{
	uint64_t elsewhere = in_simulator + in_jobs, began = processor();
	const char *phase = sm_phase_name(bench.s->first.sm->phase);
	uint64_t took;

	if (!loop_virtual_step(bench.s->loop))
		abort();
	took = processor() - began - (in_simulator + in_jobs - elsewhere);
	if (took > longest_step) {
		longest_step = took;
		longest_in = phase;
	}
	if (is_charged)
		loop_virtual_stall(bench.s->loop, took);
}

static void pass(uint64_t duration)
{
	uint64_t end = loop_now(bench.s->loop) + duration;

	while (loop_virtual_next(bench.s->loop) <= end)
		step();
}

/* Until a reconcile has ended since, and nothing is under way. */
static void rest(void)
{
	unsigned settled = bench.s->first.settled;

	while (bench.s->first.settled == settled ||
	       scenario_status(&bench.s->first).phase != PHASE_REST)
		step();
	pass(LOOP_SEC);
}

/* What happened since the last call; false: something took too long, or nothing was asked. */
static bool report(const char *what, uint64_t began)
{
	uint64_t n = 0, took = 0;
	bool good;

	for (unsigned k = 0; k < KINDS; k++) {
		n += bench.slowest[k].n;
		took = MAX(took, bench.slowest[k].took);
	}
	good = n > 0 && (is_charged || took <= MOST);
	printf("%-28s %5.1f s, %6" PRIu64 " answers, slowest %7.3f ms%s, %4" PRIu64
	       " lost; longest step %5.1f ms (%s), job %5.1f\n   ",
	       what, (double)(loop_now(bench.s->loop) - began) / LOOP_SEC, n,
	       (double)took / LOOP_MSEC, good ? "" : " (TOO SLOW)", bench.n_lost,
	       (double)longest_step / LOOP_MSEC, longest_in, (double)longest_job / LOOP_MSEC);
	for (unsigned k = 0; k < KINDS; k++)
		printf(" %s %.3f;", names[k], (double)bench.slowest[k].took / LOOP_MSEC);
	printf("\n");
	fflush(stdout);
	if (bench.put_off.n)
		printf("    put off until there was a way: %" PRIu64 ", at most for %.3f ms\n",
		       bench.put_off.n, (double)bench.put_off.took / LOOP_MSEC);
	memset(bench.slowest, 0, sizeof(bench.slowest));
	bench.put_off = (struct slowest){ 0 };
	bench.n_lost = longest_step = longest_job = 0;
	return good;
}

static void start_sm(void)
{
	static struct transport_ops timed;

	scenario_start_sm(bench.s);
	simulator = bench.s->first.transport->ops;
	timed = *simulator;
	timed.send = send_timed;
	bench.s->first.transport->ops = &timed;
	bench.receive = bench.s->first.transport->fn;
	bench.s->first.transport->fn = note_arrivals;
}

static void open_askers(void)
{
	uint32_t n = bench.s->n_hosts;

	for (unsigned i = 0; i < ASKERS; i++) {
		struct asker *a = &bench.askers[i];

		*a = (struct asker){ .client = { .receive = take_answer, .user = a, .qpn = 1 },
				     .other = scenario_host(bench.s, (n / 2 + i * 97) % n),
				     .tid = i };
		assert_int_equal(
			sim_attach(scenario_host(bench.s, 1 + i * (n / ASKERS)), &a->client), 0);
	}
	assert_int_equal(loop_timer_new(bench.s->loop, tick, NULL, &bench.timer), 0);
	bench.due = loop_now(bench.s->loop);
	tick(NULL);
}

static void build(unsigned radix)
{
	memset(&bench, 0, sizeof(bench));
	struct sim_service service = { .time = SERVICE };

	bench.s = scenario_new(1);
	scenario_build(bench.s, graph_make_ft3(radix, radix));
	bench.s->fabric->on_routes = NULL;
	bench.s->fabric->on_multicast = NULL;
	bench.s->sent = note_sent;
	for (uint32_t i = 0; i < bench.s->fabric->n_nodes; i++)
		assert_int_equal(sim_fault_service(bench.s->fabric->nodes[i], &service), 0);
	printf("%" PRIu32 " hosts, %" PRIu32 " switches, %u of the hosts ask\n", bench.s->n_hosts,
	       bench.s->n_switches, ASKERS);
}

/* A switch at whose ports there is no host. */
static struct sim_node *spine(void)
{
	for (uint32_t i = bench.s->n_switches; i-- > 0;) {
		struct sim_node *sw = bench.s->switches[i];
		bool has_host = false;

		for (unsigned p = 1; p <= sw->n_ports; p++)
			has_host = has_host ||
				   (sw->ports[p].far &&
				    sw->ports[p].far->node->info.node_type != IB_NODE_TYPE_SWITCH);
		if (!has_host)
			return sw;
	}
	abort();
}

static bool ask_through_changes(void)
{
	struct scenario *s = bench.s;
	uint64_t began = loop_now(s->loop);
	struct sim_port *cable = &spine()->ports[1];
	bool good;

	start_sm();
	open_askers();
	rest();
	good = report("bring-up", began);
	began = loop_now(s->loop);
	scenario_pull(s, cable);
	rest();
	scenario_plug(s, cable);
	rest();
	good &= report("a cable is out and in again", began);
	began = loop_now(s->loop);
	scenario_power_off(s, spine());
	rest();
	scenario_power_on(s, spine());
	rest();
	good &= report("a switch goes and comes back", began);
	began = loop_now(s->loop);
	sm_sweep(s->first.sm, true);
	rest();
	good &= report("a full sweep", began);
	began = loop_now(s->loop);
	scenario_kill_sm(s);
	for (unsigned i = 0; i < ASKERS; i++)
		bench.askers[i].waits = false; /* for nobody */
	start_sm();
	rest();
	return report("kill -9, and a start", began) && good;
}

static void close_askers(void)
{
	for (unsigned i = 0; i < ASKERS; i++)
		sim_detach(&bench.askers[i].client);
	loop_timer_free(bench.timer);
	bench.s->sent = NULL;
	transport_sim_watch(bench.s->first.transport, NULL, NULL);
}

/* ---- reports -----------------------------------------------------------------------------------
 */

#define ACKS_MAX 1024u /* more than can be under way */

/* Hosts are what comes back for them: a report is acknowledged when it has gone there and back. */
static struct {
	uint32_t n; /* hosts that have subscribed */
	uint16_t trap;
	uint32_t n_heard;
	uint64_t last; /* loop_now() */
	bool twice;
	bool heard[UINT16_MAX + 1]; /* by LID */
	struct arrival acks[ACKS_MAX];
	uint64_t due[ACKS_MAX];
	unsigned first, end; /* of these, modulo ACKS_MAX */
	struct loop_timer *timer;
} audience;

static void acknowledge(void *user)
{
	uint64_t now = loop_now(bench.s->loop);

	(void)user;
	while (audience.first != audience.end && audience.due[audience.first] <= now) {
		sm_receive(bench.s->first.sm, &audience.acks[audience.first], 1);
		audience.first = (audience.first + 1) % ACKS_MAX;
	}
	if (audience.first != audience.end)
		loop_timer_set(audience.timer, audience.due[audience.first]);
}

static void hear(const struct datagram *d, const struct address *to)
{
	struct arrival *ack = &audience.acks[audience.end];

	*ack = (struct arrival){ .datagram = *d, .from = *to };
	wire_set(&ack->datagram, MAD_METHOD, METHOD_REPORT_RESPONSE);
	audience.due[audience.end] = loop_now(bench.s->loop) + ROUND_TRIP;
	if (audience.first == audience.end)
		loop_timer_set(audience.timer, audience.due[audience.end]);
	audience.end = (audience.end + 1) % ACKS_MAX;
	if (wire_get(sa_data_in(d), NOTICE_TRAP) != audience.trap)
		return;
	audience.twice = audience.twice || audience.heard[to->lid];
	audience.heard[to->lid] = true;
	audience.n_heard++;
	audience.last = audience.due[(audience.end + ACKS_MAX - 1) % ACKS_MAX];
}

static void subscribe(const struct sim_port *port, uint64_t tid)
{
	struct arrival a = { .from = { .lid = sim_lid(port), .qpn = 1 } };
	uint8_t *info = sa_data_of(&a.datagram);

	wire_start(&a.datagram, CLASS_SA, METHOD_SET, ATTR_SA_INFORM_INFO, 0);
	wire_set(&a.datagram, MAD_TID, tid);
	wire_set(info, INFORM_LID_BEGIN, UINT16_MAX);
	wire_set(info, INFORM_GENERIC, 1);
	wire_set(info, INFORM_SUBSCRIBE, 1);
	wire_set(info, INFORM_TYPE, UINT16_MAX);
	wire_set(info, INFORM_TRAP, TRAP_ANY);
	wire_set(info, INFORM_PRODUCER, 0xffffff);
	sm_receive(bench.s->first.sm, &a, 1);
}

static void subscribe_all(void)
{
	audience.n = bench.s->n_hosts - 2; /* but ours, and the one that is lost */
	audience.first = audience.end = 0;
	assert_int_equal(loop_timer_new(bench.s->loop, acknowledge, NULL, &audience.timer), 0);
	for (uint32_t i = 0; i < audience.n; i++) {
		subscribe(scenario_host(bench.s, 1 + i), 1 + i);
		if (i % 256 == 0)
			pass(10 * LOOP_MSEC);
	}
	pass(LOOP_SEC);
	if (bench.s->first.sm->subscriptions.n != audience.n)
		scenario_fail(bench.s, "%u hosts have subscribed",
			      (unsigned)bench.s->first.sm->subscriptions.n);
}

struct mark {
	uint64_t at;
	uint64_t processor;
	uint64_t elsewhere;
};

static struct mark expect(uint16_t trap)
{
	audience.trap = trap;
	audience.n_heard = 0;
	audience.twice = false;
	memset(audience.heard, 0, sizeof(audience.heard));
	return (struct mark){ loop_now(bench.s->loop), processor(), in_simulator + in_jobs };
}

static bool report_heard(const char *what, struct mark before)
{
	uint64_t end = before.at + 60 * LOOP_SEC, took;
	bool good;

	while (audience.n_heard < audience.n && loop_now(bench.s->loop) < end)
		step();
	took = processor() - before.processor - (in_simulator + in_jobs - before.elsewhere);
	pass(5 * LOOP_SEC); /* nobody hears it again */
	good = audience.n_heard == audience.n && !audience.twice;
	printf("%s: %" PRIu32 " of %" PRIu32 " subscribers have heard%s, the last after %.1f ms; "
	       "%.1f ms of the processor\n",
	       what, audience.n_heard, audience.n, audience.twice ? ", some twice" : "",
	       (double)(audience.last - before.at) / LOOP_MSEC, (double)took / LOOP_MSEC);
	return good;
}

static bool tell_all(void)
{
	struct sim_port *lost = scenario_host(bench.s, bench.s->n_hosts - 1);
	ib_member_rec_t r = joiner_other(lost, lost->guid, 0x7fff, 0x77, 1);
	struct joiner j;
	struct mark before;
	bool good;

	subscribe_all();
	before = expect(66);
	joiner_open(&j, lost);
	if (!joiner_send(&j, SIM_SET, &r, MCM_MASK_OTHER))
		scenario_fail(bench.s, "a host cannot join");
	good = report_heard("a group is made (trap 66)", before);
	joiner_close(&j);
	before = expect(65);
	scenario_pull(bench.s, lost);
	good &= report_heard("a host is lost (trap 65)", before);
	loop_timer_free(audience.timer);
	return good;
}

int main(int argc, char **argv)
{
	unsigned radix = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 36;
	bool good;

	build(radix);
	printf("on virtual time\n");
	good = ask_through_changes();
	close_askers();
	good &= tell_all();
	scenario_free(bench.s);
	build(radix);
	printf("the same, with the processor\n");
	is_charged = true;
	good &= ask_through_changes();
	close_askers();
	scenario_free(bench.s);

	return good ? 0 : 1;
}
