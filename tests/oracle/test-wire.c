/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A second reading of the wire: every field of wire.def that libibmad knows is read and written by
 * both, over random bytes, and must agree. libibmad keeps some fields relative to the attribute and
 * the header fields relative to the datagram, as we do.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <infiniband/mad.h>

#include "base/macros.h"
#include "mad/wire.h"

#define NONE   IB_FIELD_LAST_
#define ROUNDS 2000

struct twin {
	const char *name;
	enum wire_field ours;
	enum MAD_FIELDS theirs;
	unsigned width;
};

static const struct twin twins[] = {
#define FIELD(name, type, member, bit, width, libibmad) { #name, name, libibmad, width },
#include "mad/wire.def"
#undef FIELD
};

static void fill(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)rand();
}

static uint64_t read_theirs(void *bytes, const struct twin *t)
{
	if (t->width == 64)
		return mad_get_field64(bytes, 0, t->theirs);

	return mad_get_field(bytes, 0, t->theirs);
}

static void write_theirs(void *bytes, const struct twin *t, uint64_t value)
{
	if (t->width == 64)
		mad_set_field64(bytes, 0, t->theirs, value);
	else
		mad_set_field(bytes, 0, t->theirs, (uint32_t)value);
}

static void both_libraries_read_the_same(void **state)
{
	uint8_t bytes[MAD_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(twins); i++) {
		if (twins[i].theirs == NONE)
			continue;
		for (int round = 0; round < ROUNDS; round++) {
			fill(bytes, sizeof(bytes));
			if (wire_get(bytes, twins[i].ours) != read_theirs(bytes, &twins[i]))
				fail_msg("%s is read otherwise by libibmad", twins[i].name);
		}
	}
}

static void both_libraries_write_the_same_bytes(void **state)
{
	uint8_t ours[MAD_SIZE], theirs[MAD_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(twins); i++) {
		if (twins[i].theirs == NONE)
			continue;
		for (int round = 0; round < ROUNDS; round++) {
			uint64_t value =
				(uint64_t)rand() << 33 ^ (uint64_t)rand() << 11 ^ (uint64_t)rand();

			if (twins[i].width < 64)
				value &= (UINT64_C(1) << twins[i].width) - 1;
			fill(ours, sizeof(ours));
			memcpy(theirs, ours, sizeof(ours));
			wire_set(ours, twins[i].ours, value);
			write_theirs(theirs, &twins[i], value);
			if (memcmp(ours, theirs, sizeof(ours)) != 0)
				fail_msg("%s is written otherwise by libibmad", twins[i].name);
		}
	}
}

/* Also for the fields that libibmad does not have: what is written is read, and nothing else moves.
 */
static void every_field_keeps_its_neighbours(void **state)
{
	uint8_t before[MAD_SIZE], after[MAD_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(twins); i++) {
		for (int round = 0; round < ROUNDS; round++) {
			uint64_t old;

			fill(before, sizeof(before));
			memcpy(after, before, sizeof(before));
			old = wire_get(before, twins[i].ours);
			wire_set(after, twins[i].ours, ~old);
			assert_int_not_equal(wire_get(after, twins[i].ours), old);
			wire_set(after, twins[i].ours, old);
			assert_memory_equal(before, after, sizeof(before));
		}
	}
}

/* Offsets that the specification prints, for the fields that only one library has. */
static void records_lie_where_the_specification_puts_them(void **state)
{
	uint8_t bytes[MAD_SIZE] = { 0 };

	(void)state;
	wire_set(bytes, PATH_DLID, 0x1234);
	assert_int_equal(bytes[40], 0x12);
	wire_set(bytes, PATH_PKEY, 0xabcd);
	assert_int_equal(bytes[50], 0xab);
	wire_set(bytes, PATH_MTU, 4);
	assert_int_equal(bytes[54], 4);
	wire_set(bytes, PATH_RATE_SELECTOR, 2);
	assert_int_equal(bytes[55], 0x80);
	wire_set(bytes, NOTICE_144_FLAGS, 1);
	assert_int_equal(bytes[21], 1);
	wire_set(bytes, PORT_RECORD_PORT, 7);
	assert_int_equal(bytes[2], 7);
}

static void a_response_has_the_direction_bit_of_its_class(void **state)
{
	struct datagram d;

	(void)state;
	wire_start(&d, CLASS_SM_DIRECTED, METHOD_SET, ATTR_PORT_INFO, 3);
	wire_make_response(&d, STATUS_BAD_FIELD);
	assert_int_equal(wire_get(&d, MAD_METHOD), METHOD_GET_RESPONSE);
	assert_int_equal(wire_get(&d, MAD_STATUS), 0x801c);

	wire_start(&d, CLASS_SA, METHOD_DELETE, ATTR_SA_PATH_RECORD, 0);
	wire_make_response(&d, STATUS_BAD_METHOD);
	assert_int_equal(wire_get(&d, MAD_METHOD), 0x95);
	assert_int_equal(wire_get(&d, MAD_STATUS), STATUS_BAD_METHOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_libraries_read_the_same),
		cmocka_unit_test(both_libraries_write_the_same_bytes),
		cmocka_unit_test(every_field_keeps_its_neighbours),
		cmocka_unit_test(records_lie_where_the_specification_puts_them),
		cmocka_unit_test(a_response_has_the_direction_bit_of_its_class),
	};

	srand(1);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
