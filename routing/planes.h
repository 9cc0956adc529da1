/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Which of 64 bytes have a given value, as a word, for many values of the same 64 bytes: those that
 * a switch forwards by each of its ports. The bytes are turned into eight words, one per bit of a
 * byte, and these into the 20 words of which any value needs three. That is about two operations
 * per byte and five per value, where setting one bit per byte in the word of its value waits for
 * memory.
 *
 * Bytes are numbered as it falls out: byte i is bit planes_bit(i), and byte planes_bit(b) is bit b.
 */

#include <endian.h>
#include <stdint.h>
#include <string.h>

struct planes {
	uint64_t low[8];    /* bytes whose bits 2 to 0 are the index */
	uint64_t middle[4]; /* bits 4 to 3 */
	uint64_t high[8];   /* bits 7 to 5 */
};

static inline unsigned planes_bit(unsigned i)
{
	return i % 8 * 8 + i / 8;
}

/* In each of eight bytes: bits of @a that @mask << @shift has change places with @b's of @mask. */
static inline void planes_swap(uint64_t *a, uint64_t *b, unsigned shift, uint64_t mask)
{
	uint64_t differ = (*a >> shift ^ *b) & mask;

	*b ^= differ;
	*a ^= differ << shift;
}

/* Eight words, each of eight bytes: bit c of all bytes of word r to bit r of those of word c. */
static inline void planes_transpose(uint64_t w[8])
{
	for (unsigned r = 0; r < 4; r++)
		planes_swap(&w[r], &w[r + 4], 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
	for (unsigned r = 0; r < 8; r += 4) {
		planes_swap(&w[r], &w[r + 2], 2, UINT64_C(0x3333333333333333));
		planes_swap(&w[r + 1], &w[r + 3], 2, UINT64_C(0x3333333333333333));
	}
	for (unsigned r = 0; r < 8; r += 2)
		planes_swap(&w[r], &w[r + 1], 1, UINT64_C(0x5555555555555555));
}

static inline void planes_load(const uint8_t bytes[64], struct planes *ret)
{
	uint64_t w[8];

	memcpy(w, bytes, sizeof(w));
	for (unsigned r = 0; r < 8; r++)
		w[r] = le64toh(w[r]);
	planes_transpose(w);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t both = (i & 1 ? w[0] : ~w[0]) & (i & 2 ? w[1] : ~w[1]);

		ret->low[i] = both & ~w[2];
		ret->low[i + 4] = both & w[2];
		ret->middle[i] = (i & 1 ? w[3] : ~w[3]) & (i & 2 ? w[4] : ~w[4]);
		both = (i & 1 ? w[5] : ~w[5]) & (i & 2 ? w[6] : ~w[6]);
		ret->high[i] = both & ~w[7];
		ret->high[i + 4] = both & w[7];
	}
}

/* The bytes that are @value. */
static inline uint64_t planes_equal(const struct planes *planes, uint8_t value)
{
	return planes->low[value & 7] & planes->middle[value >> 3 & 3] & planes->high[value >> 5];
}
