/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Faults as lines of text. A table has every verb with its arguments and a sentence; a line is read
 * word by word by the verb's function, and nothing is done before the line has been read to its
 * end, so that a line with a mistake changes nothing. What sim_fault_list() prints can be read
 * back.
 */

#include "tests/sim/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/faults-words.h"

struct verb {
	const char *name;
	const char *arguments;
	const char *sentence;
	int (*read)(struct words *t); /* NULL: a rule, of ... */
	enum sim_lie lie;
};

/* ---- links ----------------------------------------------------------------------------------- */

struct links {
	struct sim_node *node;
	int number; /* -1: all of them */
	bool out, in;
};

static int links(struct words *t, struct links *ret)
{
	int r = words_node_and_port(t, &ret->node, &ret->number);

	if (r == 0 && ret->number == 0)
		return words_wrong(t, "port 0 has no link");
	return r;
}

/* The end of the line: which direction, none being both. */
static int directions(struct words *t, struct links *l)
{
	l->out = words_accept(t, "out");
	l->in = !l->out && words_accept(t, "in");
	if (!l->out && !l->in)
		l->out = l->in = true;
	return words_end(t);
}

enum rate { LOSS, DUPLICATE, REORDER, DELAY };

static int set_rate(struct sim_port *port, enum rate what, const struct sim_rates *rates)
{
	struct sim_rates *of = port ? sim_fault_rates(port) : NULL;

	if (!port)
		return 0; /* no cable there */
	if (!of)
		return -ENOMEM;
	switch (what) {
	case LOSS:
		of->loss = rates->loss;
		break;
	case DUPLICATE:
		of->duplicate = rates->duplicate;
		break;
	case REORDER:
		of->reorder = rates->reorder;
		of->reorder_by = rates->reorder_by;
		break;
	case DELAY:
		of->delay = rates->delay;
		of->jitter = rates->jitter;
		break;
	}
	return 0;
}

static int set_rates(struct words *t, const struct links *l, enum rate what,
		     const struct sim_rates *rates)
{
	unsigned first = l->number < 0 ? 1 : (unsigned)l->number;
	unsigned last = l->number < 0 ? l->node->n_ports : first;

	for (unsigned n = first; n <= last; n++) {
		struct sim_port *p = &l->node->ports[n];

		if ((l->out && set_rate(p, what, rates) < 0) ||
		    (l->in && set_rate(p->far, what, rates) < 0))
			return words_no_memory(t);
	}
	return 0;
}

static int read_loss(struct words *t)
{
	struct sim_rates rates = { 0 };
	struct links l;
	int r = links(t, &l);

	if (r < 0 || (r = words_chance(t, &rates.loss)) < 0 || (r = directions(t, &l)) < 0)
		return r;
	return set_rates(t, &l, LOSS, &rates);
}

static int read_duplicate(struct words *t)
{
	struct sim_rates rates = { 0 };
	struct links l;
	int r = links(t, &l);

	if (r < 0 || (r = words_chance(t, &rates.duplicate)) < 0 || (r = directions(t, &l)) < 0)
		return r;
	return set_rates(t, &l, DUPLICATE, &rates);
}

static int read_reorder(struct words *t)
{
	struct sim_rates rates = { 0 };
	struct links l;
	int r = links(t, &l);

	if (r < 0 || (r = words_chance(t, &rates.reorder)) < 0 || (r = words_expect(t, "by")) < 0 ||
	    (r = words_duration(t, &rates.reorder_by)) < 0 || (r = directions(t, &l)) < 0)
		return r;
	return set_rates(t, &l, REORDER, &rates);
}

static int read_delay(struct words *t)
{
	struct sim_rates rates = { 0 };
	struct links l;
	int r = links(t, &l);

	if (r < 0 || (r = words_duration(t, &rates.delay)) < 0)
		return r;
	if (words_accept(t, "jitter") && (r = words_duration(t, &rates.jitter)) < 0)
		return r;
	r = directions(t, &l);
	return r < 0 ? r : set_rates(t, &l, DELAY, &rates);
}

/* ---- by the clock ---------------------------------------------------------------------------- */

static int read_flap(struct words *t)
{
	struct sim_flap flap = { .down = LOOP_SEC };
	struct sim_port *p;
	int r = words_port(t, &p);

	if (r < 0 || (r = words_duration(t, &flap.period)) < 0)
		return r;
	if (words_accept(t, "down") && (r = words_duration(t, &flap.down)) < 0)
		return r;
	if (words_accept(t, "jitter") && (r = words_duration(t, &flap.jitter)) < 0)
		return r;
	if ((r = words_times(t, &flap.times)) < 0 || (r = words_end(t)) < 0)
		return r;
	if (!p->far)
		return words_wrong(t, "\"%.64s\"[%u] has no cable", p->node->name, p->number);
	r = sim_fault_flap(p, &flap);
	if (r == -EINVAL)
		return words_wrong(t, "a link cannot flap in no time");
	return r < 0 ? words_no_memory(t) : 0;
}

static int number16(struct words *t, uint16_t *ret)
{
	uint64_t n;
	int r = words_number(t, UINT16_MAX, &n);

	if (r == 0)
		*ret = (uint16_t)n;
	return r;
}

/* trap N [vport N] */
static int read_notice(struct words *t, struct sim_notice *ret)
{
	int r = words_expect(t, "trap");

	if (r < 0 || (r = number16(t, &ret->trap)) < 0)
		return r;
	ret->of_vport = words_accept(t, "vport");
	return ret->of_vport ? number16(t, &ret->vport) : 0;
}

static int read_storm(struct words *t)
{
	struct sim_storm storm = { 0 };
	struct sim_port *p;
	int r = words_port(t, &p);

	if (r < 0 || (r = read_notice(t, &storm.notice)) < 0 ||
	    (r = words_expect(t, "every")) < 0 || (r = words_duration(t, &storm.every)) < 0 ||
	    (r = words_times(t, &storm.times)) < 0 || (r = words_end(t)) < 0)
		return r;
	r = sim_fault_storm(p, &storm);
	if (r == -EINVAL)
		return words_wrong(t, "a storm cannot be in no time");
	return r < 0 ? words_no_memory(t) : 0;
}

static int read_forge(struct words *t)
{
	struct sim_port *p;
	struct sim_notice notice = { 0 };
	uint16_t lid = 0;
	int r = words_port(t, &p);

	if (r < 0 || (r = read_notice(t, &notice)) < 0 || (r = words_expect(t, "lid")) < 0 ||
	    (r = number16(t, &lid)) < 0 || (r = words_end(t)) < 0)
		return r;
	sim_fault_forge(p, notice, lid);
	return 0;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static int read_service(struct words *t)
{
	struct sim_service service = { 0 };
	struct sim_node *n;
	uint64_t buffer = 0;
	int r = words_node(t, &n);

	if (r < 0 || (r = words_duration(t, &service.time)) < 0)
		return r;
	if (words_accept(t, "jitter") && (r = words_duration(t, &service.jitter)) < 0)
		return r;
	if (words_accept(t, "buffer") && (r = words_number(t, SIM_WAITING_MAX - 1, &buffer)) < 0)
		return r;
	r = words_end(t);
	if (r < 0)
		return r;
	service.buffer = (uint32_t)buffer;
	return sim_fault_service(n, &service) < 0 ? words_no_memory(t) : 0;
}

static int read_die(struct words *t)
{
	struct sim_node *n;
	uint64_t after;
	bool silent;
	int r = words_node(t, &n);

	if (r < 0 || (r = words_expect(t, "after")) < 0 ||
	    (r = words_number(t, UINT32_MAX, &after)) < 0)
		return r;
	silent = words_accept(t, "silent");
	r = words_end(t);
	if (r < 0)
		return r;
	return sim_fault_die(n, (uint32_t)after, silent) < 0 ? words_no_memory(t) : 0;
}

static int read_twin(struct words *t)
{
	struct sim_node *n, *other;
	int r = words_node(t, &n);

	if (r < 0 || (r = words_expect(t, "of")) < 0 || (r = words_node(t, &other)) < 0 ||
	    (r = words_end(t)) < 0)
		return r;
	return sim_fault_twin(n, other) < 0 ? words_no_memory(t) : 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

static int read_clear(struct words *t)
{
	struct words before = *t;
	struct sim_node *n;
	int number_of, r;

	if (!words_next(t)) {
		sim_fault_clear(t->fabric);
		return 0;
	}
	*t = before;
	r = words_node_and_port(t, &n, &number_of);
	if (r < 0 || (r = words_end(t)) < 0)
		return r;
	if (number_of < 0)
		sim_fault_clear_node(n);
	for (unsigned i = 0; i <= n->n_ports; i++) {
		if (number_of >= 0 && i != (unsigned)number_of)
			continue;
		sim_fault_clear_port(&n->ports[i]);
		if (n->ports[i].far)
			sim_fault_clear_port(n->ports[i].far);
	}
	return 0;
}

#define LINKS  "NODE[PORT] | NODE"
#define LIMITS "[get|set] [ATTRIBUTE] [modifier N] [CHANCE] [next N]"

static const struct verb verbs[] = {
	{ "loss", LINKS " CHANCE [out|in]", "packets of the link, or of all links, are lost",
	  read_loss, 0 },
	{ "duplicate", LINKS " CHANCE [out|in]", "they arrive twice", read_duplicate, 0 },
	{ "delay", LINKS " TIME [jitter TIME] [out|in]",
	  "they arrive later, by up to jitter more, in their order", read_delay, 0 },
	{ "reorder", LINKS " CHANCE by TIME [out|in]",
	  "they are held back for up to that time, and others overtake them", read_reorder, 0 },
	{ "flap", "NODE[PORT] TIME [down TIME] [jitter TIME] [next N]",
	  "the cable is pulled each time that the link has been whole for so long, and plugged",
	  read_flap, 0 },
	{ "storm", "NODE[PORT] trap N [vport N] every TIME [next N]",
	  "the device sends that trap all the time; with a vport, as the vendor's about it",
	  read_storm, 0 },
	{ "forge", "NODE[PORT] trap N [vport N] lid LID",
	  "the port sends one trap that claims to come from that LID", read_forge, 0 },
	{ "service", "NODE TIME [jitter TIME] [buffer N]",
	  "its agent takes so long for each SMP, and more than N waiting ones are dropped",
	  read_service, 0 },
	{ "silent", "NODE " LIMITS, "requests are ignored", NULL, SIM_LIE_SILENT },
	{ "mute", "NODE " LIMITS, "requests are done, and answers do not leave", NULL,
	  SIM_LIE_MUTE },
	{ "refuse", "NODE [status N] " LIMITS, "requests are not done, and the answer says so",
	  NULL, SIM_LIE_REFUSE },
	{ "status", "NODE [status N] " LIMITS,
	  "requests are done, and the answer says they are not", NULL, SIM_LIE_STATUS },
	{ "forget", "NODE [ATTRIBUTE] [modifier N] [CHANCE] [next N]",
	  "a Set is acknowledged and not done", NULL, SIM_LIE_FORGET },
	{ "lie", "NODE FIELD VALUE [get|set] [modifier N] [CHANCE] [next N]",
	  "answers have that value in that field", NULL, SIM_LIE_FIELD },
	{ "tid", "NODE " LIMITS, "answers have another TID", NULL, SIM_LIE_TID },
	{ "short", "NODE lft|mft|pkeys|guidinfo N",
	  "that table ends after N entries, whatever the device says", NULL, SIM_LIE_SHORT },
	{ "garble", "NODE [bytes|length|version] " LIMITS, "answers are malformed", NULL,
	  SIM_LIE_GARBLE },
	{ "die", "NODE after N [silent]",
	  "after N answers it does one more request, and loses power (or is silent)", read_die, 0 },
	{ "twin", "NODE of NODE", "it has the GUIDs of the other", read_twin, 0 },
	{ "clear", "[NODE[PORT] | NODE]", "all is well again, or with that link or node",
	  read_clear, 0 },
};

void sim_fault_help(FILE *out)
{
	for (unsigned i = 0; i < COUNT(verbs); i++)
		fprintf(out, "%s %s\n\t%s\n", verbs[i].name, verbs[i].arguments, verbs[i].sentence);
	sim_rule_help(out);
}

int sim_fault_parse(struct sim_fabric *fabric, const char *line, char why[static SIM_FAULT_WHY])
{
	struct words t = { .fabric = fabric, .at = line, .why = why };

	*why = 0;
	if (!words_next(&t))
		return words_wrong(&t, "there is nothing in this line");
	for (unsigned i = 0; i < COUNT(verbs); i++)
		if (words_is(&t, verbs[i].name))
			return verbs[i].read ? verbs[i].read(&t) : sim_rule_read(&t, verbs[i].lie);
	return words_wrong(&t, "\"%.60s\" is no fault that there is", t.word);
}

int sim_fault_command(struct sim_fabric *fabric, const char *line, FILE *out,
		      char why[static SIM_FAULT_WHY])
{
	struct words t = { .fabric = fabric, .at = line, .why = why };

	*why = 0;
	if (words_accept(&t, "list"))
		sim_fault_list(fabric, out);
	else if (words_accept(&t, "help"))
		sim_fault_help(out);
	else
		return sim_fault_parse(fabric, line, why);
	return 0;
}

/* ---- what there is --------------------------------------------------------------------------- */

static void print_verb(FILE *out, const char *verb, const struct sim_port *p)
{
	fprintf(out, "%s \"%s\"[%u]", verb, p->node->name, p->number);
}

static void list_rates(FILE *out, const struct sim_port *p, const struct sim_rates *rates)
{
	if (rates->loss) {
		print_verb(out, "loss", p);
		words_print_chance(out, rates->loss);
		fputs(" out\n", out);
	}
	if (rates->duplicate) {
		print_verb(out, "duplicate", p);
		words_print_chance(out, rates->duplicate);
		fputs(" out\n", out);
	}
	if (rates->delay || rates->jitter) {
		print_verb(out, "delay", p);
		words_print_time(out, " ", rates->delay);
		words_print_time(out, " jitter ", rates->jitter);
		fputs(" out\n", out);
	}
	if (rates->reorder) {
		print_verb(out, "reorder", p);
		words_print_chance(out, rates->reorder);
		words_print_time(out, " by ", rates->reorder_by);
		fputs(" out\n", out);
	}
}

static void list_port(FILE *out, const struct sim_port *p)
{
	const struct sim_link_faults *f = p->faults;

	list_rates(out, p, &f->rates);
	if (f->flap.period) {
		print_verb(out, "flap", p);
		words_print_time(out, " ", f->flap.period);
		words_print_time(out, " down ", f->flap.down);
		words_print_time(out, " jitter ", f->flap.jitter);
		words_print_times(out, f->flap.times);
	}
	if (f->storm.every) {
		print_verb(out, "storm", p);
		fprintf(out, " trap %u", f->storm.notice.trap);
		if (f->storm.notice.of_vport)
			fprintf(out, " vport %u", f->storm.notice.vport);
		words_print_time(out, " every ", f->storm.every);
		words_print_times(out, f->storm.times);
	}
}

static void list_node(FILE *out, const struct sim_node *n)
{
	const struct sim_node_faults *f = n->faults;

	for (unsigned i = 0; i < f->n_rules; i++)
		sim_rule_list(out, n, &f->rules[i]);
	if (f->service.time) {
		fprintf(out, "service \"%s\"", n->name);
		words_print_time(out, " ", f->service.time);
		words_print_time(out, " jitter ", f->service.jitter);
		fprintf(out, " buffer %u\n", f->service.buffer);
	}
	if (f->dies)
		fprintf(out, "die \"%s\" after %u%s\n", n->name, f->dies_after,
			f->dies_silent ? " silent" : "");
	if (f->own)
		fprintf(out, "twin \"%s\" of \"%s\"\n", n->name, f->own->twin->name);
}

void sim_fault_list(const struct sim_fabric *fabric, FILE *out)
{
	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		const struct sim_node *n = fabric->nodes[i];

		if (n->faults)
			list_node(out, n);
		for (unsigned p = 0; p <= n->n_ports; p++)
			if (n->ports[p].faults)
				list_port(out, &n->ports[p]);
	}
}
