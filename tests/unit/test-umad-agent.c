/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Agents of the preload: who may register what, and every refusal.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/umad-fixture.h"

static int setup(void **state)
{
	*state = host_new();
	return 0;
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static int reg2(struct host *h, uint32_t qpn, uint8_t class, uint8_t version, uint8_t rmpp)
{
	uint8_t a[40];

	host_registration(a, qpn, class, version, rmpp);
	return kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a);
}

static void what_the_kernel_refuses_is_refused(void **state)
{
	struct host *h = *state;

	assert_int_equal(reg2(h, 2, 3, 2, 0), -EINVAL);    /* no such queue pair */
	assert_int_equal(reg2(h, 1, 3, 2, 2), -EINVAL);    /* no such RMPP */
	assert_int_equal(reg2(h, 1, 3, 0x83, 0), -EINVAL); /* version */
	assert_int_equal(reg2(h, 1, 0x50, 1, 0), -EINVAL); /* class */
	assert_int_equal(reg2(h, 1, 0x30, 1, 0), -EINVAL); /* no OUI */
	assert_int_equal(reg2(h, 1, 4, 1, 1), -EINVAL);    /* no RMPP in this class */
	assert_int_equal(reg2(h, 1, 1, 1, 0), -EINVAL);    /* SMPs are for queue pair 0 */
	assert_int_equal(reg2(h, 1, 0x81, 1, 0), -EINVAL);
	assert_int_equal(reg2(h, 0, 3, 2, 0), -EINVAL); /* and nothing else is */
	assert_false(h->file.used);
}

static void unknown_flags_are_answered_with_the_known(void **state)
{
	struct host *h = *state;
	uint8_t a[40];

	host_registration(a, 1, 3, 2, 1);
	put_host32(a + 12, 4);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a), -EINVAL);
	assert_int_equal(host32(a + 12), 1);
	put_host32(a + 12, 1);
	put_host32(a + 32, 0x01000000); /* an OUI has 24 bits */
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a), -EINVAL);
	put_host32(a + 32, 0);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a), 0);
	host_registration(a, 1, 0, 0, 1); /* one that only sends has no RMPP of its own */
	put_host32(a + 12, 1);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a), -EINVAL);
}

static void thirty_two_agents_and_the_lowest_free_number(void **state)
{
	struct host *h = *state;
	uint8_t id[4];

	for (int i = 0; i < KMAD_AGENTS; i++)
		assert_int_equal(host_register(h, 3, 2, 1, NULL), i);
	assert_int_equal(host_register(h, 3, 2, 1, NULL), -ENOMEM);
	put_host32(id, 5);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_UNREGISTER_AGENT, id), 0);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_UNREGISTER_AGENT, id), -EINVAL);
	put_host32(id, 32);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_UNREGISTER_AGENT, id), -EINVAL);
	assert_int_equal(host_register(h, 3, 2, 1, NULL), 5);
	assert_int_equal(kmad_file_ioctl(&h->file, 0x1b09, id), -ENOTTY);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT, NULL), -EFAULT);
}

static void a_method_belongs_to_one_agent(void **state)
{
	static const uint8_t get[] = { 1, 0 }, set[] = { 2, 0 }, both[] = { 1, 2, 0 };
	struct host *h = *state;

	assert_int_equal(host_register(h, 3, 2, 1, get), 0);
	assert_int_equal(host_register(h, 3, 2, 1, get), -EINVAL);
	assert_int_equal(host_register(h, 3, 2, 1, both), -EINVAL);
	assert_int_equal(host_register(h, 3, 2, 1, set), 1);
	assert_int_equal(host_register(h, 3, 1, 1, get), 2); /* another version */
	assert_int_equal(host_register(h, 0x01, 1, 0, get), 3);
	assert_int_equal(host_register(h, 0x81, 1, 0, get), 4); /* has methods of its own */
	assert_int_equal(h->n_claims, 5);
	h->claim_result = -EINVAL; /* another program on the port has it */
	assert_int_equal(host_register(h, 4, 1, 0, get), -EINVAL);
}

static int reg_oui(struct host *h, uint32_t oui)
{
	uint8_t a[40];

	host_registration(a, 1, 0x32, 1, 0);
	put_host32(a + 32, oui);
	a[16] = 2;
	return kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a);
}

static void a_vendor_class_has_eight_ouis(void **state)
{
	struct host *h = *state;

	for (uint32_t oui = 1; oui <= KMAD_OUIS; oui++)
		assert_int_equal(reg_oui(h, oui), 0);
	assert_int_equal(reg_oui(h, 100), -EINVAL);
	assert_int_equal(reg_oui(h, 1), -EINVAL);
}

static void old_and_new_headers(void **state)
{
	struct host *h = *state;
	uint8_t old[28] = { 0 };

	old[20] = 1;
	old[21] = 3;
	old[22] = 2;
	old[26] = 1;
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT, old), 0);
	assert_false(h->file.pkey_index);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_ENABLE_PKEY, NULL), -EINVAL);
	assert_int_equal(host_register(h, 3, 2, 1, NULL), 1);
	assert_false(h->file.pkey_index); /* too late */
	kmad_file_done(&h->file);
	kmad_file_init(&h->file, &h->port, h->file.readable, h);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_ENABLE_PKEY, NULL), 0);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT, old), 0);
	assert_true(h->file.pkey_index);
}

static void an_oui_counts_in_vendor_classes_only(void **state)
{
	struct host *h = *state;
	uint8_t a[40];

	host_registration(a, 1, 3, 2, 1);
	put_host32(a + 32, 0x123456);
	assert_int_equal(kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a), 0);
	assert_int_equal(h->file.agents[0]->oui[0], 0);
}

static void a_device_that_is_gone_takes_nobody(void **state)
{
	struct host *h = *state;

	h->port.gone = true;
	assert_int_equal(host_register(h, 3, 2, 1, NULL), -EPIPE);
}

static void upper_halves_of_tids_are_not_given_twice(void **state)
{
	struct host *h = *state;
	uint32_t first;

	h->port.serial = UINT16_MAX - 1;
	assert_int_equal(host_register(h, 3, 2, 1, NULL), 0);
	first = h->file.agents[0]->hi_tid;
	assert_int_equal(first, 3 << 16 | UINT16_MAX);
	h->port.serial = UINT16_MAX - 1;
	assert_int_equal(host_register(h, 3, 2, 1, NULL), 1);
	assert_int_equal(h->file.agents[1]->hi_tid, 3 << 16 | 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_kernel_refuses_is_refused),
		TEST(unknown_flags_are_answered_with_the_known),
		TEST(thirty_two_agents_and_the_lowest_free_number),
		TEST(a_method_belongs_to_one_agent),
		TEST(a_vendor_class_has_eight_ouis),
		TEST(old_and_new_headers),
		TEST(an_oui_counts_in_vendor_classes_only),
		TEST(a_device_that_is_gone_takes_nobody),
		TEST(upper_halves_of_tids_are_not_given_twice),
	};

	return cmocka_run_group_tests_name("umad-agent", tests, NULL, NULL);
}
