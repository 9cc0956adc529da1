/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* See port-set.h. A word is 64 ports, so those that are in no set cost next to nothing. */

#include "sm/port-set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

enum { WORD = 64 };

void port_set_done(struct port_set *set)
{
	free(set->words);
	*set = (struct port_set){ .n_words = 0 };
}

static int make_room(struct port_set *set, uint32_t n_words)
{
	uint32_t room = MAX(n_words, set->n_words + set->n_words / 2);
	uint64_t *words;

	if (n_words <= set->n_words)
		return 0;
	words = reallocarray(set->words, room, sizeof(*words));
	if (!words)
		return -ENOMEM;
	memset(words + set->n_words, 0, (room - set->n_words) * sizeof(*words));
	*set = (struct port_set){ words, room };

	return 0;
}

int port_set_add(struct port_set *set, uint32_t port)
{
	int r = make_room(set, port / WORD + 1);

	if (r == 0)
		set->words[port / WORD] |= UINT64_C(1) << port % WORD;

	return r;
}

void port_set_remove(struct port_set *set, uint32_t port)
{
	if (port / WORD < set->n_words)
		set->words[port / WORD] &= ~(UINT64_C(1) << port % WORD);
}

uint32_t port_set_next(const struct port_set *set, uint32_t port)
{
	uint64_t rest = UINT64_MAX << port % WORD;

	for (uint32_t i = port / WORD; i < set->n_words; i++, rest = UINT64_MAX)
		if (set->words[i] & rest)
			return i * WORD + (uint32_t)__builtin_ctzll(set->words[i] & rest);

	return UINT32_MAX;
}
