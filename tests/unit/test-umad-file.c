/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * read() and write() of the preload: every row of errors, and what is left untouched by them.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/umad-fixture.h"

enum {
	SA,
	PM,
	SMP,
	DIRECTED,
	USER_RMPP,
};

static int setup(void **state)
{
	static const uint8_t get_table[] = { 0x12, 0 };
	struct host *h = host_new();
	uint8_t a[40];

	*state = h;
	host_register(h, 3, 2, 1, get_table);
	host_register(h, 4, 1, 0, NULL);
	host_register(h, 1, 1, 0, NULL);
	host_register(h, 0x81, 1, 0, NULL);
	host_registration(a, 1, 3, 2, 1);
	put_host32(a + 12, 1);
	return kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a);
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static void what_cannot_be_sent_is_refused(void **state)
{
	struct host *h = *state;

	host_record(h, SA, 3, 1, 1, 256);
	assert_int_equal(host_write(h, 99), -EINVAL);  /* too short for any */
	assert_int_equal(host_write(h, 119), -EINVAL); /* for this class */
	assert_int_equal(host_write(h, 120), 120);
	assert_int_equal(kmad_file_write(&h->file, NULL, 320), -EFAULT);
	host_record(h, SA, 3, 1, 2, 300);
	assert_int_equal(host_write(h, 64 + 257), -EINVAL); /* long, and no RMPP */
	host_record(h, 32, 3, 1, 1, 256);
	assert_int_equal(host_write(h, 320), -EINVAL); /* no such number */
	host_record(h, 9, 3, 1, 1, 256);
	assert_int_equal(host_write(h, 320), -EIO); /* nobody has it */
	host_record(h, SA, 4, 1, 3, 256);
	assert_int_equal(host_write(h, 320), -EINVAL); /* an RMPP agent, a class without */
	host_record(h, PM, 4, 1, 3, 256);
	h->buffer[AT_SL] = 16;
	assert_int_equal(host_write(h, 320), -EINVAL);
	h->buffer[AT_SL] = 0;
	h->buffer[AT_GRH] = 1;
	h->buffer[AT_GID_INDEX] = 1;
	assert_int_equal(host_write(h, 320), -EINVAL); /* a GID that is not there */
	h->buffer[AT_GID_INDEX] = 0;
	assert_int_equal(host_write(h, 320), 320);
	assert_int_equal(h->n_sent, 2);
}

static void a_short_mad_is_filled_with_zeros(void **state)
{
	struct host *h = *state;

	host_record(h, PM, 4, 1, 1, 256);
	memset(host_mad(h) + 36, 0xee, 220);
	assert_int_equal(host_write(h, 64 + 36), 100);
	assert_int_equal(host_last(h)->mad[36], 0);
	assert_int_equal(host_last(h)->mad[255], 0);
}

static void the_upper_half_of_a_tid_is_ours_unless_it_answers(void **state)
{
	struct host *h = *state;

	host_record(h, PM, 4, 1, 5, 256);
	host_write(h, 320);
	assert_int_equal(get32(host_last(h)->mad + WIRE_TID), h->file.agents[PM]->hi_tid);
	assert_int_equal(get32(host_last(h)->mad + WIRE_TID + 4), 5);
	host_record(h, SMP, 1, METHOD_TRAP_REPRESS, 5, 256);
	host_write(h, 320);
	assert_int_equal(get32(host_last(h)->mad + WIRE_TID), 0xdeadbeef);
	host_record(h, PM, 4, 0x81, 5, 256);
	host_write(h, 320);
	assert_int_equal(get32(host_last(h)->mad + WIRE_TID), 0xdeadbeef);
}

static void what_is_outstanding_is_not_sent_twice(void **state)
{
	struct host *h = *state;

	host_record(h, PM, 4, 1, 5, 256);
	host_timeout(h, 100, 0);
	assert_int_equal(host_write(h, 320), 320);
	assert_int_equal(host_write(h, 320), -EINVAL);
	host_mad(h)[WIRE_METHOD] = 0x81; /* an answer is something else */
	assert_int_equal(host_write(h, 320), 320);
	host_mad(h)[WIRE_METHOD] = 1;
	host_wait(h, 100);
	assert_int_equal(host_write(h, 320), 320);
}

static void answers_to_different_lids_are_not_the_same(void **state)
{
	struct host *h = *state;

	host_record(h, SA, 3, 0x92, 5, 56 + 400);
	host_mad(h)[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	assert_int_equal(host_write(h, 64 + 456), 64 + 456);
	assert_int_equal(host_write(h, 64 + 456), -EINVAL);
	put16(h->buffer + AT_LID, HOST_LID + 1);
	assert_int_equal(host_write(h, 64 + 456), 64 + 456);
	h->buffer[AT_GRH] = 1;
	assert_int_equal(host_write(h, 64 + 456), 64 + 456);
	put16(h->buffer + AT_LID, HOST_LID);
	assert_int_equal(host_write(h, 64 + 456), -EINVAL); /* the same GID */
}

static void user_rmpp_is_sent_as_it_is(void **state)
{
	struct host *h = *state;

	host_record(h, USER_RMPP, 3, 0x92, 5, 256);
	host_mad(h)[WIRE_RMPP_FLAGS] = RMPP_ACTIVE | RMPP_FIRST;
	host_mad(h)[WIRE_RMPP_TYPE] = RMPP_STOP;
	assert_int_equal(host_write(h, 320), 320);
	assert_int_equal(host_write(h, 320), 320);
	assert_int_equal(host_last(h)->mad[WIRE_RMPP_TYPE], RMPP_STOP);
	assert_int_equal(host_write(h, 321), -EINVAL);
}

/* Puts one record into the queue. */
static void arrive(struct host *h, unsigned agent, uint32_t length)
{
	static uint8_t bytes[2048];
	struct kmad_packet p = { .lid = 9, .qp = 1, .sl = 2, .path_bits = 1, .pkey_index = 4 };

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	kmad_deliver(h->file.agents[agent], &p, bytes, length);
}

static void a_buffer_that_is_too_small_stays_as_it_is(void **state)
{
	struct host *h = *state;

	assert_int_equal(kmad_file_read(&h->file, h->buffer, 63), -EINVAL);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), -EAGAIN);
	assert_false(h->readable);
	arrive(h, SA, 256);
	assert_true(h->readable);
	memset(h->buffer, 0xaa, 320);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 319), -EINVAL);
	assert_int_equal(h->buffer[0], 0xaa);
	assert_int_equal(h->buffer[64], 0xaa);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 320);
	assert_false(h->readable);
	assert_int_equal(host32(h->buffer + AT_LENGTH), 320);
	assert_int_equal(get16(h->buffer + AT_LID), 9);
	assert_int_equal(get32(h->buffer + AT_QPN), 1);
	assert_int_equal(h->buffer[AT_SL], 2);
	assert_int_equal(host16(h->buffer + AT_PKEY_INDEX), 4);
}

static void a_long_message_shows_its_length_first(void **state)
{
	struct host *h = *state;

	arrive(h, SA, 1000);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 319), -EINVAL);
	memset(h->buffer, 0xaa, 2000);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), -ENOSPC);
	assert_int_equal(host32(h->buffer + AT_LENGTH), 1064);
	assert_int_equal(h->buffer[64 + 255], 255);
	assert_int_equal(h->buffer[64 + 256], 0xaa);
	assert_true(h->readable);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 1063), -ENOSPC);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 1064), 1064);
	assert_int_equal(h->buffer[64 + 999], 999 & 255);
	arrive(h, SA, 56); /* an empty table is shorter than a MAD */
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 119), -EINVAL);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 120), 120);
}

static void a_full_queue_loses_what_arrives_but_no_timeout(void **state)
{
	struct host *h = *state;

	h->port.queue_max = 2;
	for (int i = 0; i < 3; i++)
		arrive(h, SA, 256);
	host_record(h, PM, 4, 1, 5, 256);
	host_timeout(h, 10, 0);
	host_write(h, 320);
	host_wait(h, 10);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 320);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 320);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 88);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), -EAGAIN);
}

static void records_outlive_their_agent(void **state)
{
	struct host *h = *state;
	uint8_t id[4];

	arrive(h, PM, 256);
	host_record(h, PM, 4, 1, 5, 256);
	host_timeout(h, 10, 0);
	host_write(h, 320);
	put_host32(id, PM);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_UNREGISTER_AGENT, id), 0);
	host_wait(h, 100); /* what it had sent is forgotten */
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 320);
	assert_int_equal(host32(h->buffer), PM);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), -EAGAIN);
}

static void old_records_are_eight_bytes_shorter(void **state)
{
	struct host *h = *state;

	h->file.pkey_index = false;
	arrive(h, SA, 256);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 311), -EINVAL);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 312), 312);
	assert_int_equal(host32(h->buffer + AT_LENGTH), 312);
	assert_int_equal(h->buffer[56 + 255], 255);
}

static void a_device_that_is_gone_says_so(void **state)
{
	struct host *h = *state;

	arrive(h, SA, 256);
	h->port.gone = true;
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), -EIO);
	host_record(h, PM, 4, 1, 5, 256);
	assert_int_equal(host_write(h, 320), -EIO);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_sent_is_refused),
		TEST(a_short_mad_is_filled_with_zeros),
		TEST(the_upper_half_of_a_tid_is_ours_unless_it_answers),
		TEST(what_is_outstanding_is_not_sent_twice),
		TEST(answers_to_different_lids_are_not_the_same),
		TEST(user_rmpp_is_sent_as_it_is),
		TEST(a_buffer_that_is_too_small_stays_as_it_is),
		TEST(a_long_message_shows_its_length_first),
		TEST(a_full_queue_loses_what_arrives_but_no_timeout),
		TEST(records_outlive_their_agent),
		TEST(old_records_are_eight_bytes_shorter),
		TEST(a_device_that_is_gone_says_so),
	};

	return cmocka_run_group_tests_name("umad-file", tests, NULL, NULL);
}
