/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Words of a line, and what they mean: numbers, times, chances, nodes, ports. Whatever the line
 * has in it, no more than a word's room is kept of a word.
 */

#include "tests/sim/faults-words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

int words_wrong(struct words *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t->why, SIM_FAULT_WHY, format, args);
	va_end(args);
	return -EINVAL;
}

int words_no_memory(struct words *t)
{
	words_wrong(t, "there is no memory for it");
	return -ENOMEM;
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Up to a blank, and so that `S-1[3]` is two: `S-1` and `[3]`. False: the line is at its end. */
bool words_next(struct words *t)
{
	size_t n = 0;
	char end = 0;

	while (is_blank(*t->at))
		t->at++;
	t->is_quoted = *t->at == '"';
	if (t->is_quoted)
		end = *t->at++;
	while (*t->at && (end ? *t->at != end : !is_blank(*t->at) && (*t->at != '[' || !n))) {
		if (n < WORD - 1)
			t->word[n++] = *t->at;
		t->at++;
		if (!end && t->at[-1] == ']')
			break;
	}
	t->word[n] = 0;
	if (end && *t->at == end)
		t->at++;
	return n || t->is_quoted;
}

bool words_is(const struct words *t, const char *word)
{
	return !t->is_quoted && !strcmp(t->word, word);
}

/* Takes the next word if it is @word. */
bool words_accept(struct words *t, const char *word)
{
	struct words before = *t;

	if (words_next(t) && words_is(t, word))
		return true;
	*t = before;
	return false;
}

int words_expect(struct words *t, const char *word)
{
	return words_accept(t, word) ? 0 : words_wrong(t, "\"%s\" is missing", word);
}

int words_end(struct words *t)
{
	return words_next(t) ? words_wrong(t, "\"%.80s\" has no meaning here", t->word) : 0;
}

bool words_to_number(const char *word, uint64_t *ret)
{
	char *end;

	if (*word < '0' || *word > '9')
		return false;
	errno = 0;
	*ret = strtoull(word, &end, 0);
	return !*end && !errno;
}

int words_number(struct words *t, uint64_t most, uint64_t *ret)
{
	if (!words_next(t))
		return words_wrong(t, "a number is missing");
	if (!words_to_number(t->word, ret) || *ret > most)
		return words_wrong(t, "\"%.60s\" is no number up to %llu", t->word,
				   (unsigned long long)most);
	return 0;
}

struct unit {
	const char *name;
	uint64_t ns;
};

static const struct unit units[] = {
	{ "h", 3600 * LOOP_SEC }, { "min", 60 * LOOP_SEC }, { "s", LOOP_SEC },
	{ "ms", LOOP_MSEC },      { "us", LOOP_USEC },      { "ns", 1 },
};

int words_duration(struct words *t, uint64_t *ret)
{
	char *end;

	if (!words_next(t))
		return words_wrong(t, "a time is missing, such as 300us");
	errno = 0;
	*ret = strtoull(t->word, &end, 10);
	for (unsigned i = 0; end != t->word && !errno && i < COUNT(units); i++)
		if (!strcmp(end, units[i].name) &&
		    *ret <= 365 * 24 * 3600 * LOOP_SEC / units[i].ns) {
			*ret *= units[i].ns;
			return *t->word == '-' ? words_wrong(t, "\"%.60s\" is no time", t->word)
					       : 0;
		}
	return words_wrong(t, "\"%.60s\" is no time, such as 300us", t->word);
}

bool words_to_chance(const char *word, uint32_t *ret)
{
	char *end;
	double value = strtod(word, &end);

	if (end == word || (strcmp(end, "%") && strcmp(end, "ppm")))
		return false;
	if (*end == '%')
		value *= 10000;
	if (!(value >= 0 && value <= SIM_ALWAYS))
		return false;
	*ret = (uint32_t)(value + 0.5);
	return true;
}

int words_chance(struct words *t, uint32_t *ret)
{
	if (!words_next(t))
		return words_wrong(t, "a chance is missing, such as 10%%");
	return words_to_chance(t->word, ret)
		       ? 0
		       : words_wrong(t, "\"%.60s\" is no chance, such as 10%%", t->word);
}

int words_node(struct words *t, struct sim_node **ret)
{
	if (!words_next(t))
		return words_wrong(t, "a node is missing");
	*ret = sim_find(t->fabric, t->word);
	if (*ret)
		return 0;
	words_wrong(t, "there is no node \"%.80s\"", t->word);
	return -ENOENT;
}

/* *@ret_number: -1 if none was given. */
int words_node_and_port(struct words *t, struct sim_node **ret, int *ret_number)
{
	int r = words_node(t, ret);
	char *end;
	unsigned long n;

	*ret_number = -1;
	while (is_blank(*t->at))
		t->at++;
	if (r < 0 || *t->at != '[')
		return r;
	words_next(t);
	n = strtoul(t->word + 1, &end, 10);
	if (end == t->word + 1 || strcmp(end, "]"))
		return words_wrong(t, "\"%.60s\" is no port, such as [3]", t->word);
	if (n > (*ret)->n_ports || (!n && !(*ret)->sw)) {
		words_wrong(t, "\"%.64s\" has no port %lu", (*ret)->name, n);
		return -ENOENT;
	}
	*ret_number = (int)n;
	return 0;
}

int words_port(struct words *t, struct sim_port **ret)
{
	struct sim_node *n;
	int number_of;
	int r = words_node_and_port(t, &n, &number_of);

	if (r < 0)
		return r;
	if (number_of < 0)
		return words_wrong(t, "a port is missing, such as \"%.64s\"[1]", n->name);
	*ret = &n->ports[number_of];
	return 0;
}

int words_times(struct words *t, uint32_t *ret)
{
	uint64_t n;
	int r;

	if (!words_accept(t, "next"))
		return 0;
	r = words_number(t, UINT32_MAX, &n);
	if (r == 0 && !n)
		return words_wrong(t, "the next 0 are none");
	if (r == 0)
		*ret = (uint32_t)n;
	return r;
}

/* ---- and back -------------------------------------------------------------------------------- */

void words_print_time(FILE *out, const char *before, uint64_t ns)
{
	unsigned i = 0;

	while (ns % units[i].ns || ns < units[i].ns) {
		if (units[i].ns == 1)
			break;
		i++;
	}
	fprintf(out, "%s%llu%s", before, (unsigned long long)(ns / units[i].ns), units[i].name);
}

void words_print_chance(FILE *out, uint32_t of)
{
	if (of % 10000)
		fprintf(out, " %uppm", of);
	else
		fprintf(out, " %u%%", of / 10000);
}

void words_print_times(FILE *out, uint32_t n)
{
	if (n)
		fprintf(out, " next %u", n);
	fputc('\n', out);
}
