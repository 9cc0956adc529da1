/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Pseudo-random numbers: Blackman and Vigna's xoshiro256**. For spreading and jitter, not for
 * secrets. Every loop has one of its own; nobody else should need it.
 */

#include <stdint.h>

struct xoshiro {
	uint64_t state[4]; /* not all zero */
};

static inline uint64_t xoshiro_rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static inline uint64_t xoshiro_next(struct xoshiro *x)
{
	uint64_t *s = x->state;
	uint64_t result = xoshiro_rotate(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = xoshiro_rotate(s[3], 45);

	return result;
}

/* Any seed will do, also 0: splitmix64 spreads it over the state, as the authors advise. */
static inline void xoshiro_seed(struct xoshiro *x, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		x->state[i] = z ^ z >> 31;
	}
}
