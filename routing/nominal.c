/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A switch that loses one of 18 cables upward has 17 exits, and "target number mod exits" becomes
 * another one for nearly all targets: a whole table to write, and again when the cable is back. If
 * it goes on counting 18 slots, only what used the lost one moves. So the lost one must be known.
 * Memory would do, but then tables would depend on what was, and a restart would change them.
 * Instead, look at others: the leaves of a pod have the same parents, the middle switches of a
 * plane the same cores. What more than half of those have that are connected much like this switch,
 * this switch would have, too.
 *
 * Connected much alike: at the same height, with more than half of the upper neighbours in common,
 * counted from both. Fabrics that are no tree have no heights to go by, and no slots.
 *
 * The share of a switch says which remainder it takes of the number of a target: a leaf takes the
 * number itself, a parent divides by what its children have told apart already. They count lost
 * slots, so it does, too. Without levels there is nothing to divide by.
 *
 * From the slots follows who is sent up to whom, too: by the i-th slot of a leaf go the hosts whose
 * numbers leave the remainder i, by the j-th of a middle switch those of these that leave j when
 * divided by what leaves have told apart. So each switch has one remainder by its share, or counts
 * all hosts where those below do not agree with it on how many are told apart.
 *
 * In a fabric of 1,620 switches there are 54 sets of upper neighbours, so what is found for a
 * switch is kept for its twins, which have the same cables to the same ones.
 */

#include "routing/nominal.h"

#include "base/array.h"
#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum {
	SLOTS_MAX = 254,
	SHARE_MAX = 1 << 24, /* numbers of targets are below, and more would tell nothing apart */
	NOBODY = UINT32_MAX,
};

/* What a switch's likes say of one upper neighbour. */
struct votes {
	uint32_t n;     /* of how many it is a neighbour, */
	uint32_t lanes; /* with how many cables in all */
};

/* A fan that leads up. */
struct rising {
	uint32_t to;
	uint8_t n_ports;
	uint8_t fan; /* which of the fans of its switch */
};

struct search {
	const struct graph *graph;
	const struct ranking *ranking;
	const struct numbering *numbering;
	const struct fans *fans;
	uint32_t *first_upper; /* of switch s: rising[first_upper[s]] to the next one's */
	struct rising *rising;
	uint32_t *common; /* with the switch that is looked at; 0 between looks */
	uint32_t *alike;  /* those that it has anything in common with */
	uint32_t n_alike;
	struct votes *votes; /* of each switch; 0 between looks */
	uint32_t *upper;     /* those that have a vote, or are its neighbours */
	uint32_t n_found;
	uint32_t *example; /* of each switch one whose first upper neighbour it is, or NOBODY */
};

void nominal_clear(struct nominal *nominal)
{
	free(nominal->first);
	free(nominal->slot);
	free(nominal->remainder);
	*nominal = (struct nominal){ 0 };
}

static void search_clear(const struct search *search)
{
	free(search->first_upper);
	free(search->rising);
	free(search->common);
	free(search->alike);
	free(search->votes);
	free(search->upper);
	free(search->example);
}

static int search_alloc(struct search *search)
{
	size_t n = search->graph->n_switches + (size_t)1;

	search->first_upper = calloc(n, sizeof(*search->first_upper));
	search->rising = malloc((search->fans->first[n - 1] + (size_t)1) * sizeof(*search->rising));
	search->common = calloc(n, sizeof(*search->common));
	search->alike = calloc(n, sizeof(*search->alike));
	search->votes = calloc(n, sizeof(*search->votes));
	search->upper = calloc(n, sizeof(*search->upper));
	search->example = malloc(n * sizeof(*search->example));
	if (!search->first_upper || !search->rising || !search->common || !search->alike ||
	    !search->votes || !search->upper || !search->example)
		return -ENOMEM;
	memset(search->example, 0xff, n * sizeof(*search->example));

	return 0;
}

/* Fans of @s: those from *ret_end on are not its. */
static const struct fan *fans_of(const struct search *search, uint32_t s,
				 const struct fan **ret_end)
{
	*ret_end = search->fans->fan + search->fans->first[s + 1];
	return search->fans->fan + search->fans->first[s];
}

/* The same of those that lead up. */
static const struct rising *rising_of(const struct search *search, uint32_t s,
				      const struct rising **ret_end)
{
	*ret_end = search->rising + search->first_upper[s + 1];
	return search->rising + search->first_upper[s];
}

static uint32_t count_upper(const struct search *search, uint32_t s)
{
	return search->first_upper[s + 1] - search->first_upper[s];
}

static void list_rising(struct search *search)
{
	const uint32_t *height = search->ranking->height;
	uint32_t n = 0;

	for (uint32_t s = 0; s < search->graph->n_switches; s++) {
		const struct fan *end, *first = fans_of(search, s, &end);

		for (const struct fan *fan = first; fan < end; fan++)
			if (height[fan->to] > height[s])
				search->rising[n++] =
					(struct rising){ fan->to, (uint8_t)fan_n_ports(fan),
							 (uint8_t)(fan - first) };
		search->first_upper[s + 1] = n;
	}
}

/* ---- who is connected alike ----------------------------------------------------------------- */

static void meet_neighbours(struct search *search, uint32_t upper, uint32_t s)
{
	const uint32_t *height = search->ranking->height;
	const struct fan *end;

	for (const struct fan *fan = fans_of(search, upper, &end); fan < end; fan++)
		if (height[fan->to] == height[s] && fan->to != s && !search->common[fan->to]++)
			search->alike[search->n_alike++] = fan->to;
}

/* All that have anything in common with @s, and how much; then those that are much alike. */
static void find_alike(struct search *search, uint32_t s)
{
	const struct rising *end;
	uint32_t n = 0;

	search->n_alike = 0;
	for (const struct rising *up = rising_of(search, s, &end); up < end; up++)
		meet_neighbours(search, up->to, s);
	for (uint32_t i = 0; i < search->n_alike; i++) {
		uint32_t other = search->alike[i];
		uint32_t common = search->common[other];

		search->common[other] = 0;
		if (2 * common >= count_upper(search, s) &&
		    2 * common >= count_upper(search, other))
			search->alike[n++] = other;
	}
	search->n_alike = n;
}

/* ---- what they have ------------------------------------------------------------------------- */

static void vote(struct search *search, uint32_t upper, uint32_t n_lanes)
{
	struct votes *votes = &search->votes[upper];

	if (!votes->n++)
		search->upper[search->n_found++] = upper;
	votes->lanes += n_lanes;
}

/* Of all that are alike, @s among them. */
static void gather_votes(struct search *search, uint32_t s)
{
	search->n_found = 0;
	search->alike[search->n_alike++] = s;
	for (uint32_t i = 0; i < search->n_alike; i++) {
		const struct rising *end;

		for (const struct rising *up = rising_of(search, search->alike[i], &end); up < end;
		     up++)
			vote(search, up->to, up->n_ports);
	}
}

struct upper {
	uint32_t key;   /* exits are counted by rising key */
	uint32_t lanes; /* that there would be */
	uint32_t there; /* that there are */
	uint8_t fan;
};

static int compare_uppers(const void *a, const void *b)
{
	const struct upper *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* The fan of @s to @upper, or NULL. */
static const struct rising *find_fan(const struct search *search, uint32_t s, uint32_t upper)
{
	const struct rising *end;

	for (const struct rising *up = rising_of(search, s, &end); up < end; up++)
		if (up->to == upper)
			return up;

	return NULL;
}

/* False: less than half of those who are alike have it, and @s has not. */
static bool judge(const struct search *search, uint32_t s, uint32_t upper, struct upper *ret)
{
	const struct votes *votes = &search->votes[upper];
	const struct rising *up = find_fan(search, s, upper);
	uint32_t usual = (2 * votes->lanes + votes->n) / (2 * votes->n);

	*ret = (struct upper){
		.key = search->numbering->exit_key[upper],
		.lanes = up ? MAX(up->n_ports, usual) : usual,
		.there = up ? up->n_ports : 0,
		.fan = up ? up->fan : NOMINAL_LOST,
	};
	return up || 2 * votes->n >= search->n_alike;
}

/* ---- slots ---------------------------------------------------------------------------------- */

/* What would be above @s, by key; if that is too much, one more than SLOTS_MAX. Uses up the votes.
 */
static uint32_t list_upper(const struct search *search, uint32_t s, struct upper *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < search->n_found; i++) {
		if (n <= SLOTS_MAX && judge(search, s, search->upper[i], &ret[n]))
			n++;
		search->votes[search->upper[i]] = (struct votes){ 0 };
	}
	qsort(ret, n, sizeof(*ret), compare_uppers);

	return n;
}

static uint32_t count_lanes(const struct upper *upper, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += upper[i].lanes;

	return sum;
}

/* As exits are counted: the first cables of all, then the second ones. */
static uint32_t put_slots(const struct upper *upper, uint32_t n, struct nominal_slot *ret)
{
	uint32_t n_slots = 0;
	bool more = n > 0;

	for (uint32_t lane = 0; more; lane++) {
		more = false;
		for (uint32_t i = 0; i < n; i++) {
			if (lane >= upper[i].lanes)
				continue;
			ret[n_slots++] = (struct nominal_slot){
				.fan = lane < upper[i].there ? upper[i].fan : NOMINAL_LOST,
				.lane = (uint8_t)lane,
			};
			more = true;
		}
	}

	return n_slots;
}

static uint32_t find_slots(struct search *search, uint32_t s, struct nominal_slot *ret)
{
	struct upper upper[SLOTS_MAX + 1];
	uint32_t n;

	find_alike(search, s);
	gather_votes(search, s);
	n = list_upper(search, s, upper);

	return count_lanes(upper, n) <= SLOTS_MAX ? put_slots(upper, n, ret) : 0;
}

/* ---- twins ----------------------------------------------------------------------------------- */

/* Have both the same upper neighbours? Then @ret_mine is the fan of @s for each of @twin. */
static bool are_twins(const struct search *search, uint32_t twin, uint32_t s,
		      uint8_t ret_mine[static SLOTS_MAX + 1])
{
	const struct rising *end, *a = rising_of(search, twin, &end),
				  *b = rising_of(search, s, &end);
	uint32_t n = count_upper(search, s);

	if (count_upper(search, twin) != n ||
	    search->ranking->height[twin] != search->ranking->height[s])
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (a[i].to != b[i].to || a[i].n_ports != b[i].n_ports)
			return false;
		ret_mine[a[i].fan] = b[i].fan;
	}

	return true;
}

/* The slots of switch @s, by those of a twin that came before, if there was one. */
static uint32_t take_slots(struct search *search, const struct nominal *nominal, uint32_t s,
			   struct nominal_slot *ret)
{
	uint32_t *example = &search->example[search->rising[search->first_upper[s]].to];
	uint8_t mine[SLOTS_MAX + 1];
	const struct nominal_slot *slot;
	uint32_t n;

	if (*example == NOBODY || !are_twins(search, *example, s, mine)) {
		*example = s;
		return find_slots(search, s, ret);
	}
	slot = nominal->slot + nominal->first[*example];
	n = nominal->first[*example + 1] - nominal->first[*example];
	for (uint32_t i = 0; i < n; i++) {
		ret[i] = slot[i];
		if (slot[i].fan != NOMINAL_LOST)
			ret[i].fan = mine[slot[i].fan];
	}

	return n;
}

/* ---- slots of all ---------------------------------------------------------------------------- */

static int find_all_slots(struct search *search, struct nominal *ret)
{
	uint32_t room = 0;

	for (uint32_t s = 0; s < search->graph->n_switches; s++) {
		uint32_t n = ret->first[s];

		/* As many as there may be. */
		if (array_make_room(&ret->slot, n + SLOTS_MAX, &room, 8192, sizeof(*ret->slot)) < 0)
			return -ENOMEM;
		if (count_upper(search, s) > 0)
			n += take_slots(search, ret, s, ret->slot + n);
		ret->first[s + 1] = n;
	}

	return 0;
}

/* ---- who is sent up to whom ---------------------------------------------------------------------
 */

/* The first slots are of different neighbours, then the second cables of these follow. */
static uint32_t count_neighbours(const struct nominal_slot *slot, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && slot[i].lane == 0)
		i++;

	return i;
}

/* How many @s tells apart: those that it would send up to different neighbours. */
static uint32_t count_told_apart(const struct search *search, const struct nominal *nominal,
				 uint32_t s)
{
	uint32_t first = nominal->first[s];
	uint32_t n = count_neighbours(nominal->slot + first, nominal->first[s + 1] - first);

	return n > 0 ? n : count_upper(search, s);
}

/* Those below come first. */
static void find_shares(const struct search *search, const struct nominal *nominal, uint32_t *share)
{
	const struct ranking *ranking = search->ranking;

	for (uint32_t p = 0; ranking->tree && p < search->graph->n_switches; p++) {
		uint32_t s = ranking->by_place[p];
		uint64_t above = share[s] * (uint64_t)count_told_apart(search, nominal, s);
		const struct rising *end;

		above = MIN(above, SHARE_MAX);
		for (const struct rising *up = rising_of(search, s, &end); up < end; up++)
			share[up->to] = MAX(share[up->to], (uint32_t)above);
	}
}

/*
 * To each upper neighbour, from @s: those that leave by its slot, as many that are told apart as
 * the neighbour takes to be. If @s is short of cables others are asked; if all are, nobody is.
 */
static void set_remainders_above(const struct search *search, uint32_t s, struct nominal *ret)
{
	const uint32_t *share = search->fans->share;
	const struct fan *fan = search->fans->fan + search->fans->first[s];
	const struct nominal_slot *slot = ret->slot + ret->first[s];
	uint32_t n = count_neighbours(slot, ret->first[s + 1] - ret->first[s]);

	for (uint32_t i = 0; ret->remainder[s] != REMAINDER_ANY && i < n; i++) {
		uint32_t to;

		if (slot[i].fan == NOMINAL_LOST)
			continue;
		to = fan[slot[i].fan].to;
		if (ret->remainder[to] == REMAINDER_ANY && share[to] == share[s] * (uint64_t)n)
			ret->remainder[to] = ret->remainder[s] + share[s] * i;
	}
}

static int find_remainders(const struct search *search, struct nominal *ret)
{
	const struct ranking *ranking = search->ranking;
	uint32_t n = search->graph->n_switches;

	ret->remainder = malloc((n + (size_t)1) * sizeof(*ret->remainder));
	if (!ret->remainder)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++)
		ret->remainder[s] = ranking->tree && ranking->height[s] == 0 ? 0 : REMAINDER_ANY;
	for (uint32_t p = 0; ranking->tree && p < n; p++)
		set_remainders_above(search, ranking->by_place[p], ret);

	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

int nominal_make(const struct graph *graph, const struct ranking *ranking,
		 const struct numbering *numbering, struct fans *fans, struct nominal *ret)
{
	AUTO(search_clear)
	struct search search = {
		.graph = graph, .ranking = ranking, .numbering = numbering, .fans = fans
	};
	int r;

	ret->first = calloc(graph->n_switches + (size_t)2, sizeof(*ret->first));
	if (!ret->first || search_alloc(&search) < 0)
		return -ENOMEM;
	if (ranking->tree)
		list_rising(&search);

	r = find_all_slots(&search, ret);
	if (r < 0)
		return r;
	find_shares(&search, ret, fans->share);

	return find_remainders(&search, ret);
}

/* Of the fans of @s: the one to the same switch, or NOMINAL_LOST. Both lists are by exit key. */
static void match_fans(const struct fans *whole, const struct fans *fans, uint32_t s, uint8_t *ret)
{
	const struct fan *fan = fans->fan + fans->first[s];
	const struct fan *end = fans->fan + fans->first[s + 1];
	const struct fan *old = whole->fan + whole->first[s];
	uint32_t n = whole->first[s + 1] - whole->first[s];
	uint8_t next = 0;

	for (uint32_t f = 0; f < n; f++) {
		bool is_there = fan + next < end && fan[next].to == old[f].to;

		ret[f] = is_there ? next++ : NOMINAL_LOST;
	}
}

int nominal_copy(const struct nominal *whole, const struct fans *whole_fans,
		 const struct fans *fans, uint32_t n, struct nominal *ret)
{
	uint8_t now[SLOTS_MAX];

	ret->first = array_copy(whole->first, n + (size_t)1, sizeof(*ret->first));
	ret->slot = array_copy(whole->slot, whole->first[n], sizeof(*ret->slot));
	ret->remainder = array_copy(whole->remainder, n, sizeof(*ret->remainder));
	if (!ret->first || !ret->slot || !ret->remainder)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++) {
		match_fans(whole_fans, fans, s, now);
		for (uint32_t i = ret->first[s]; i < ret->first[s + 1]; i++)
			if (ret->slot[i].fan != NOMINAL_LOST)
				ret->slot[i].fan = now[ret->slot[i].fan];
	}

	return 0;
}
