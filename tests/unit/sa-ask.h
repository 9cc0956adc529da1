/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Asking the subnet administrator of the small fabric, for tests: fill in ask.arrival, then ask()
 * and look at the answer.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/common/small-fabric.h"

#define TID UINT64_C(0xff00beef12345678)

struct asking {
	struct small_fabric small;
	struct arrival arrival;
	struct datagram answer;    /* all of it, or its header */
	struct admin_answer whole; /* of the last question */
};

static inline int asking_setup(void **state)
{
	struct asking *a = calloc(1, sizeof(*a));

	if (!a || small_fabric_init(&a->small) < 0) {
		free(a);
		return -1;
	}
	*state = a;

	return 0;
}

static inline int asking_teardown(void **state)
{
	struct asking *a = *state;

	admin_answer_done(&a->whole);
	small_fabric_done(&a->small);
	free(a);

	return 0;
}

/* Start a question of @who. */
static inline uint8_t *question(struct asking *a, enum small_port who, uint8_t method,
				uint16_t attr)
{
	struct datagram *d = &a->arrival.datagram;

	wire_start(d, CLASS_SA, method, attr, 0);
	wire_set(d, MAD_TID, TID);
	a->arrival.from = (struct address){ .qpn = 1, .lid = a->small.lid[who] };
	a->arrival.undelivered = false;
	a->arrival.message = NULL;
	a->arrival.length = 0;

	return sa_data_of(d);
}

static inline void want(struct asking *a, unsigned bit)
{
	struct datagram *d = &a->arrival.datagram;

	wire_set(d, SA_COMP_MASK, wire_get(d, SA_COMP_MASK) | UINT64_C(1) << bit);
}

/* What becomes of the question; there may be an answer then. */
static inline enum admin_result put_question(struct asking *a)
{
	enum admin_result result;

	admin_answer_done(&a->whole);
	memset(&a->whole.datagram, 0xee, sizeof(a->whole.datagram));
	result = admin_answer(&a->small.view, &a->arrival, &a->whole);
	a->answer = a->whole.datagram;

	return result;
}

/* The status of the answer, which must be there and be one to the question. */
static inline unsigned ask(struct asking *a)
{
	const struct datagram *d = &a->arrival.datagram;

	assert_int_equal(put_question(a), ADMIN_ANSWERED);
	assert_true(wire_get(&a->answer, MAD_TID) == wire_get(d, MAD_TID));
	if (wire_get(d, MAD_METHOD) != METHOD_GET_MULTI)
		assert_int_equal(wire_get(&a->answer, MAD_ATTR), wire_get(d, MAD_ATTR));
	assert_true(wire_is_response(&a->answer));

	return (unsigned)wire_get(&a->answer, MAD_STATUS);
}

/* A question that is longer than a datagram: @size bytes of data, all of @message but its header.
 */
static inline void set_message(struct asking *a, uint8_t *message, size_t size)
{
	memcpy(message, &a->arrival.datagram, SA_DATA_OFFSET);
	memcpy(sa_data_of(&a->arrival.datagram), message + SA_DATA_OFFSET, SA_DATA_SIZE);
	a->arrival.message = message;
	a->arrival.length = (uint32_t)(SA_DATA_OFFSET + size);
}

/* How many records the table has that came as answer. */
static inline unsigned n_records(const struct asking *a)
{
	unsigned size = (unsigned)wire_get(&a->answer, SA_ATTR_OFFSET) * 8;
	unsigned length = (unsigned)wire_get(&a->answer, SA_RMPP_LENGTH);

	assert_int_equal(wire_get(&a->answer, MAD_METHOD),
			 wire_get(&a->arrival.datagram, MAD_METHOD) | METHOD_RESPONSE);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_VERSION), RMPP_VERSION);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_TYPE), RMPP_TYPE_DATA);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_FLAGS), RMPP_ACTIVE | RMPP_FIRST | RMPP_LAST);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_SEGMENT), 1);
	assert_true(size != 0 && length >= 20 && (length - 20) % size == 0);

	return (length - 20) / size;
}

/* The n-th record of the answer. */
static inline const uint8_t *record_at(const struct asking *a, unsigned n)
{
	const uint8_t *records =
		a->whole.message ? a->whole.message + SA_DATA_OFFSET : sa_data_in(&a->answer);

	return records + n * wire_get(&a->answer, SA_ATTR_OFFSET) * 8;
}

#define asking_test(function)                                                                      \
	cmocka_unit_test_setup_teardown(function, asking_setup, asking_teardown)

/* A component of a record, @n bytes from @at on, read and written the slow way. */
static inline uint64_t field_get(const uint8_t *bytes, unsigned at, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n; i++)
		value = value << 8 | bytes[at + i];

	return value;
}

static inline void field_put(uint8_t *bytes, unsigned at, unsigned n, uint64_t value)
{
	while (n-- > 0) {
		bytes[at + n] = (uint8_t)value;
		value >>= 8;
	}
}
