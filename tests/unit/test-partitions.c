/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * partitions.conf: what each element of opensm's grammar means, and that a file with anything else
 * in it changes nothing and is answered with its line.
 */

#include "conf/partitions.h"

#include "base/macros.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct partitions *got;

/* From a buffer without anything behind it, so that a sanitizer sees who reads on. */
static int parse(const char *text, bool allow_both, struct conf_error *reterr)
{
	struct partition_options options = { .allow_both = allow_both };
	size_t length = strlen(text);
	char *copy = malloc(length ? length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, length);
	r = partitions_parse(copy, length, "p.conf", &options, &got, reterr);
	free(copy);
	return r;
}

static void accept_both(const char *text, bool allow_both)
{
	struct conf_error error = { 0 };

	partitions_free(got);
	got = NULL;
	if (parse(text, allow_both, &error) < 0)
		fail_msg("%s: %s", text, error.text);
}

static void accept(const char *text)
{
	accept_both(text, false);
}

static int forget(void **unused)
{
	(void)unused;
	partitions_free(got);
	got = NULL;
	return 0;
}

static const struct partition *find(uint16_t pkey)
{
	const struct partition *partition = partitions_find(got, pkey);

	assert_non_null(partition);
	return partition;
}

#define CA 0x123456

static enum partition_membership of_ca(uint16_t pkey, uint64_t guid)
{
	return partition_membership(find(pkey), PARTITION_CAS, guid, false);
}

static enum partition_membership of_self(uint16_t pkey)
{
	return partition_membership(find(pkey), PARTITION_CAS, 0x5e1f, true);
}

static enum partition_membership of_switch(uint16_t pkey)
{
	return partition_membership(find(pkey), PARTITION_SWITCHES, 0x51, false);
}

static enum partition_membership of_router(uint16_t pkey)
{
	return partition_membership(find(pkey), PARTITION_ROUTERS, 0x52, false);
}

/* ---- the default partition ------------------------------------------------------------------- */

static void without_a_file_everybody_is_a_full_member_of_the_default_partition(void **unused)
{
	(void)unused;
	assert_int_equal(partitions_default(&got), 0);
	assert_int_equal(got->n, 1);
	assert_string_equal(got->partitions[0].name, "Default");
	assert_int_equal(got->partitions[0].pkey, 0x7fff);
	assert_true(got->partitions[0].ipoib);
	assert_int_equal(got->partitions[0].params.mtu, 4);
	assert_int_equal(got->partitions[0].params.rate, 3);
	assert_true(got->partitions[0].params.q_key == 0x0b1b);
	assert_int_equal(of_ca(0x7fff, CA), PARTITION_FULL);
	assert_int_equal(of_switch(0xffff), PARTITION_FULL);
	assert_int_equal(of_self(0x7fff), PARTITION_FULL);
}

static void with_a_file_everybody_is_a_limited_member_of_the_default_partition(void **unused)
{
	(void)unused;
	accept("storage=0x10 : ALL=full;");
	assert_int_equal(got->n, 2);
	assert_string_equal(got->partitions[0].name, "Default");
	assert_false(got->partitions[0].ipoib);
	assert_int_equal(got->partitions[0].line, 0);
	assert_int_equal(of_ca(0x7fff, CA), PARTITION_LIMITED);
	assert_int_equal(of_switch(0x7fff), PARTITION_LIMITED);
	assert_int_equal(of_self(0x7fff), PARTITION_FULL);
	assert_int_equal(of_ca(0x10, CA), PARTITION_FULL);
}

static void what_the_file_says_about_the_default_partition_comes_on_top(void **unused)
{
	(void)unused;
	accept("Default=0x7fff,ipoib : 0x123456=full;");
	assert_int_equal(got->n, 1);
	assert_true(got->partitions[0].ipoib);
	assert_int_equal(got->partitions[0].line, 1);
	assert_int_equal(of_ca(0x7fff, CA), PARTITION_FULL);
	assert_int_equal(of_ca(0x7fff, CA + 1), PARTITION_LIMITED);

	accept("Default=0xffff : ALL=full;");
	assert_int_equal(of_ca(0x7fff, CA), PARTITION_FULL);
	accept("Default : ALL=full;");
	assert_int_equal(got->n, 1);
	assert_int_equal(of_ca(0x7fff, CA), PARTITION_FULL);
	accept("everybody=0x7fff : ALL=full;");
	assert_string_equal(got->partitions[0].name, "Default");
	assert_int_equal(of_ca(0x7fff, CA), PARTITION_FULL);
}

static void the_subnet_manager_is_always_a_full_member_of_the_default_partition(void **unused)
{
	(void)unused;
	accept("Default=0x7fff : SELF=full, ALL=limited;");
	assert_int_equal(of_self(0x7fff), PARTITION_FULL);
	accept("Default=0x7fff : 0x5e1f=limited;");
	assert_int_equal(of_self(0x7fff), PARTITION_FULL);
	accept("a=0x5 : ALL=limited;");
	assert_int_equal(of_self(0x5), PARTITION_LIMITED);
}

/* ---- names and keys -------------------------------------------------------------------------- */

static void keys_are_taken_without_the_membership_bit(void **unused)
{
	(void)unused;
	accept("a=0x8005 : ALL;\nb = 6 : ALL;\n0x7 : ALL;\n =0x8 : ALL;\n9:ALL;");
	assert_int_equal(got->n, 6);
	assert_string_equal(find(5)->name, "a");
	assert_string_equal(find(6)->name, "b");
	assert_string_equal(find(7)->name, "0x0007");
	assert_string_equal(find(8)->name, "0x0008");
	assert_string_equal(find(9)->name, "0x0009");
	assert_int_equal(find(7)->line, 3);
	assert_false(find(7)->generated);
}

static void missing_keys_are_generated_from_1_up(void **unused)
{
	(void)unused;
	accept("two=0x2 : ALL;\na : ALL;\nb=0 : ALL;\nc=0x8000 : ALL;");
	assert_string_equal(find(1)->name, "a");
	assert_true(find(1)->generated);
	assert_string_equal(find(3)->name, "b");
	assert_string_equal(find(4)->name, "c");
	assert_true(find(4)->generated);
}

static void a_known_name_without_a_key_is_the_same_partition(void **unused)
{
	(void)unused;
	accept("a=0x10 : 0x1=full;\na : 0x2=full;\nb : 0x1;\nb : 0x2;");
	assert_int_equal(got->n, 3);
	assert_int_equal(of_ca(0x10, 1), PARTITION_FULL);
	assert_int_equal(of_ca(0x10, 2), PARTITION_FULL);
	assert_int_equal(find(1)->n_members, 2);
}

static void a_repeated_key_merges_and_the_first_name_stays(void **unused)
{
	(void)unused;
	accept("ShareIO = 0x80 , defmember=full : 0x123451, 0x123452;\n"
	       "# 0x123453, 0x123454 will be limited\n"
	       "Other = 0x80 , indx0 : 0x123453, 0x123454, 0x123455=full;\n"
	       "x = 0x8080 , ipoib , defmember=full : 0x12345b, 0x12345c=limited;");
	assert_int_equal(got->n, 2);
	assert_string_equal(find(0x80)->name, "ShareIO");
	assert_int_equal(find(0x80)->line, 1);
	assert_true(find(0x80)->indx0);
	assert_true(find(0x80)->ipoib);
	assert_int_equal(find(0x80)->n_members, 7);
	assert_int_equal(of_ca(0x80, 0x123451), PARTITION_FULL);
	assert_int_equal(of_ca(0x80, 0x123453), PARTITION_LIMITED);
	assert_int_equal(of_ca(0x80, 0x123455), PARTITION_FULL);
	assert_int_equal(of_ca(0x80, 0x12345b), PARTITION_FULL);
	assert_int_equal(of_ca(0x80, 0x12345c), PARTITION_LIMITED);
	assert_int_equal(of_ca(0x80, 0x12345d), PARTITION_NO_MEMBER);
}

static void names_may_have_blanks_and_be_63_long(void **unused)
{
	char text[128];

	(void)unused;
	accept(" my storage  = 0x5:ALL;");
	assert_string_equal(find(5)->name, "my storage");
	snprintf(text, sizeof(text), "%063d=5:ALL;", 7);
	accept(text);
	assert_int_equal(strlen(find(5)->name), 63);
}

/* ---- members --------------------------------------------------------------------------------- */

static void members_are_limited_unless_the_file_says_otherwise(void **unused)
{
	(void)unused;
	accept("a=1 : 0x1, 2=full, 0x3=limited, 0xffffffffffffffff=full;"
	       "b=2, defmember=full : 0x1, 0x2=full, 0x3=limited;"
	       "c=3, defmember=limited : 0x1;");
	assert_int_equal(of_ca(1, 1), PARTITION_LIMITED);
	assert_int_equal(of_ca(1, 2), PARTITION_FULL);
	assert_int_equal(of_ca(1, 3), PARTITION_LIMITED);
	assert_int_equal(of_ca(1, 4), PARTITION_NO_MEMBER);
	assert_int_equal(of_ca(1, UINT64_MAX), PARTITION_FULL);
	assert_int_equal(of_ca(2, 1), PARTITION_FULL);
	assert_int_equal(of_ca(2, 3), PARTITION_LIMITED);
	assert_int_equal(of_ca(3, 1), PARTITION_LIMITED);
}

static void groups_of_members_are_by_kind_of_port(void **unused)
{
	(void)unused;
	accept("a=1 : ALL_CAS=full;b=2 : ALL_SWITCHES;c=3 : ALL_ROUTERS=full;d=4 : SELF=full;"
	       "e=5 : ALL=full;");
	assert_int_equal(of_ca(1, CA), PARTITION_FULL);
	assert_int_equal(of_switch(1), PARTITION_NO_MEMBER);
	assert_int_equal(of_router(1), PARTITION_NO_MEMBER);
	assert_int_equal(of_self(1), PARTITION_FULL);
	assert_int_equal(of_switch(2), PARTITION_LIMITED);
	assert_int_equal(of_ca(2, CA), PARTITION_NO_MEMBER);
	assert_int_equal(of_router(3), PARTITION_FULL);
	assert_int_equal(of_switch(3), PARTITION_NO_MEMBER);
	assert_int_equal(of_self(4), PARTITION_FULL);
	assert_int_equal(of_ca(4, CA), PARTITION_NO_MEMBER);
	assert_int_equal(of_ca(5, CA), PARTITION_FULL);
	assert_int_equal(of_switch(5), PARTITION_FULL);
	assert_int_equal(of_router(5), PARTITION_FULL);
}

static void of_two_statements_about_a_port_the_later_holds(void **unused)
{
	(void)unused;
	accept("a=1 : ALL=limited, 0x123456=full, ALL_SWITCHES=full, SELF=full;"
	       "b=2 : 0x123456=full, ALL=limited;"
	       "c=3 : 0x123456=full, 0x123456=limited;"
	       "d=4 : ALL_CAS=full, ALL=limited, 0x5e1f=full, SELF=limited;"
	       "a=1 : 0x123456=limited;");
	assert_int_equal(of_ca(1, CA), PARTITION_LIMITED);
	assert_int_equal(of_switch(1), PARTITION_FULL);
	assert_int_equal(of_self(1), PARTITION_FULL);
	assert_int_equal(of_ca(1, 1), PARTITION_LIMITED);
	assert_int_equal(of_ca(2, CA), PARTITION_LIMITED);
	assert_int_equal(of_ca(3, CA), PARTITION_LIMITED);
	assert_int_equal(find(3)->n_members, 1);
	assert_int_equal(of_ca(4, CA), PARTITION_LIMITED);
	assert_int_equal(of_self(4), PARTITION_LIMITED);
}

static void any_beginning_of_a_keyword_stands_for_it(void **unused)
{
	(void)unused;
	accept("a=1, d=f : A=l, ALL_C=fu, ALL_S=full, ALL_R=ful, S=f, N, NO=full;"
	       "b=2, ip, m=5, r=4, sc=5, Q=7, T=8, F=9, defm=limi : AL=f;"
	       "c=3, ipoib, s=5 : ALL_=full;"
	       "d=4, i, sl=5 : NONE;");
	assert_int_equal(of_ca(1, CA), PARTITION_FULL);
	assert_int_equal(of_switch(1), PARTITION_FULL);
	assert_int_equal(of_router(1), PARTITION_FULL);
	assert_int_equal(of_self(1), PARTITION_FULL);
	assert_int_equal(find(1)->n_members, 5);

	assert_true(find(2)->ipoib);
	assert_int_equal(find(2)->params.mtu, 5);
	assert_int_equal(find(2)->params.rate, 4);
	assert_int_equal(find(2)->params.scopes, 1 << 5);
	assert_int_equal(find(2)->params.q_key, 7);
	assert_int_equal(find(2)->params.tclass, 8);
	assert_int_equal(find(2)->params.flow_label, 9);
	assert_int_equal(of_switch(2), PARTITION_FULL);

	/* opensm tries scope before sl. */
	assert_int_equal(find(3)->params.scopes, 1 << 5);
	assert_int_equal(find(3)->params.sl, 0);
	assert_int_equal(of_ca(3, CA), PARTITION_FULL);
	assert_int_equal(of_switch(3), PARTITION_NO_MEMBER);
	assert_int_equal(find(4)->params.sl, 5);
	assert_int_equal(find(4)->n_members, 0);
}

static void a_port_may_be_full_and_limited_member_if_that_is_allowed(void **unused)
{
	(void)unused;
	accept_both("a=1, defmember=both : 0x1, 0x2=full; Default=0x7fff : ALL=both;", true);
	assert_int_equal(of_ca(1, 1), PARTITION_BOTH);
	assert_int_equal(of_ca(1, 2), PARTITION_FULL);
	assert_int_equal(of_self(0x7fff), PARTITION_BOTH);
}

static void a_partition_may_be_empty(void **unused)
{
	(void)unused;
	accept("a=1 : ;b=2:;c=3 : NONE;d=4:\n\n;");
	assert_int_equal(got->n, 5);
	for (size_t i = 1; i < got->n; i++)
		assert_int_equal(got->partitions[i].n_members, 0);
}

/* ---- layout ---------------------------------------------------------------------------------- */

static void definitions_may_have_many_lines_and_comments(void **unused)
{
	(void)unused;
	accept("# first ; : line\r\n"
	       "a=0x1 ,\tindx0 : # the head, ends here;\r\n"
	       "\t0x1 = full , # one\r\n"
	       "\t0x2\r\n"
	       "\t,0x3=full,,\r\n"
	       "\r\n"
	       "; b=0x2:ALL;c=0x3:ALL=full; # no end of line");
	assert_int_equal(got->n, 4);
	assert_true(find(1)->indx0);
	assert_int_equal(find(1)->n_members, 3);
	assert_int_equal(of_ca(1, 1), PARTITION_FULL);
	assert_int_equal(of_ca(1, 2), PARTITION_LIMITED);
	assert_int_equal(of_ca(1, 3), PARTITION_FULL);
	assert_int_equal(find(2)->line, 7);
	assert_int_equal(of_ca(3, CA), PARTITION_FULL);
}

static void a_line_may_be_longer_than_opensm_reads(void **unused)
{
	AUTO(freep) char *text = malloc(64 * 20000);
	size_t used;

	(void)unused;
	assert_non_null(text);
	used = (size_t)sprintf(text, "a=1:");
	for (unsigned i = 1; i <= 20000; i++)
		used += (size_t)sprintf(text + used, "0x%x=full,", 20001 - i);
	strcpy(text + used, ";");
	accept(text);
	assert_int_equal(find(1)->n_members, 20000);
	for (unsigned i = 1; i <= 20000; i++)
		assert_int_equal(of_ca(1, i), PARTITION_FULL);
	assert_int_equal(of_ca(1, 20001), PARTITION_NO_MEMBER);
}

static void there_may_be_as_many_partitions_as_keys(void **unused)
{
	AUTO(freep) char *text = malloc(32 * 32768);
	struct conf_error error = { 0 };
	size_t used = 0;

	(void)unused;
	assert_non_null(text);
	for (unsigned i = 1; i <= 32766; i++)
		used += (size_t)sprintf(text + used, "p%u:ALL;\n", i);
	accept(text);
	assert_int_equal(got->n, 32767);
	assert_string_equal(find(0x7ffe)->name, "p32766");

	sprintf(text + used, "more:ALL;");
	assert_int_equal(parse(text, false, &error), -EINVAL);
	assert_string_equal(error.text,
			    "p.conf:32767: all P_Keys are taken, none is left for \"more\"");
}

/* ---- flags and groups ------------------------------------------------------------------------ */

static void flags_of_a_partition_are_those_of_its_broadcast_group(void **unused)
{
	const struct partition_params *params;

	(void)unused;
	accept("a=1, ipoib, mtu=5, rate=12, scope=5, scope=0xe, Q_Key=0x12345678, TClass=255, "
	       "sl=15,"
	       " FlowLabel=0xfffff : ALL;"
	       "b=2, ipoib : ALL;");
	params = &find(1)->params;
	assert_int_equal(params->mtu, 5);
	assert_int_equal(params->rate, 12);
	assert_int_equal(params->scopes, 1 << 5 | 1 << 14);
	assert_true(params->q_key == 0x12345678);
	assert_int_equal(params->tclass, 255);
	assert_int_equal(params->sl, 15);
	assert_int_equal(params->flow_label, 0xfffff);
	assert_int_equal(params->given, 127);

	params = &find(2)->params;
	assert_int_equal(params->mtu, 4);
	assert_int_equal(params->rate, 3);
	assert_int_equal(params->scopes, 0);
	assert_int_equal(params->q_key, 0x0b1b);
	assert_int_equal(params->given, 0);

	accept("a=1, ipoib, indx0, mtu=5, Q_Key=8 : ALL; a=1, mtu=3, sl=2 : ALL;"
	       "a=1, ipoib, mtu=5, Q_Key=8, scope=3 : ALL; c=3, sl=3, mtu=5 : ALL;"
	       "d=4, ipoib, Q_Key=0 : ALL;");
	assert_true(find(1)->ipoib);
	assert_true(find(1)->indx0);
	assert_int_equal(find(1)->params.mtu, 5);
	assert_int_equal(find(1)->params.sl, 2);
	assert_int_equal(find(1)->params.q_key, 8);
	assert_int_equal(find(1)->params.scopes, 1 << 3);
	assert_false(find(3)->ipoib);
	assert_int_equal(find(3)->params.sl, 3);
	assert_int_equal(find(3)->params.mtu, 4);
	assert_int_equal(find(4)->params.q_key, 0x0b1b);
}

static void groups_of_ip_get_the_key_of_their_partition(void **unused)
{
	static const uint8_t igmp[16] = { 0xff, 0x12, 0x40, 0x1b, 0x80, 0x05, [15] = 0x16 };
	static const uint8_t mld[16] = { 0xff, 0x12, 0x60, 0x1b, 0x80, 0x05, [15] = 0x16 };
	const struct partition *partition;

	(void)unused;
	accept("a=5,ipoib:\n"
	       "\tmgid=ff12:401b::16,sl=1 # IGMP\n"
	       "\tmgid = ff12:601b:8005::16\n"
	       "\tmgid=ff12:401b:5::17\n"
	       "\tmgid=ff12:401b:ffff::ffff:ffff\n"
	       "\tALL=full;");
	partition = find(5);
	assert_int_equal(partition->n_groups, 4);
	assert_memory_equal(partition->groups[0].mgid, igmp, 16);
	assert_int_equal(partition->groups[0].params.sl, 1);
	assert_int_equal(partition->groups[0].params.q_key, 0x0b1b);
	assert_int_equal(partition->groups[0].params.mtu, 4);
	assert_int_equal(partition->groups[0].line, 2);
	assert_memory_equal(partition->groups[1].mgid, mld, 16);
	assert_int_equal(partition->groups[1].params.sl, 0);
	assert_int_equal(partition->groups[2].mgid[4], 0x80);
	assert_int_equal(partition->groups[3].mgid[5], 5);
	assert_int_equal(of_ca(5, CA), PARTITION_FULL);
}

static void groups_start_with_the_flags_of_the_head(void **unused)
{
	const struct partition_group *groups;

	(void)unused;
	accept("a=5,mtu=5,rate=6,sl=7,Q_Key=8,TClass=9,FlowLabel=10,scope=3 : mgid=ff12::1;\n"
	       "b=6 : "
	       "mgid=ff12::2,mtu=1,rate=2,sl=3,Q_Key=0xDEADBEEF,TClass=4,Fl=5,scope=2,scope=6\n"
	       "mgid=ff15::2; c=7:ALL; d=8:mgid=ff12:401c:5::2\nmgid=ff12:501b:5::2;");
	assert_int_equal(find(8)->groups[0].mgid[5], 5);
	assert_int_equal(find(8)->groups[1].mgid[5], 5);
	groups = find(5)->groups;
	assert_int_equal(groups[0].params.mtu, 5);
	assert_int_equal(groups[0].params.rate, 6);
	assert_int_equal(groups[0].params.sl, 7);
	assert_int_equal(groups[0].params.q_key, 8);
	assert_int_equal(groups[0].params.tclass, 0);
	assert_int_equal(groups[0].params.flow_label, 10);
	assert_int_equal(groups[0].params.scopes, 1 << 3);
	assert_false(groups[0].params.given & PARTITION_PARAM_TCLASS);

	groups = find(6)->groups;
	assert_int_equal(find(6)->n_groups, 2);
	assert_int_equal(groups[0].params.mtu, 1);
	assert_true(groups[0].params.q_key == 0xdeadbeef);
	assert_int_equal(groups[0].params.tclass, 4);
	assert_int_equal(groups[0].params.flow_label, 5);
	assert_int_equal(groups[0].params.scopes, 1 << 2 | 1 << 6);
	assert_int_equal(groups[1].params.scopes, 0);
	assert_int_equal(groups[1].params.mtu, 4);
	assert_int_equal(groups[1].params.q_key, 0);
	assert_int_equal(find(7)->n_groups, 0);
}

static void groups_stay_with_their_partition_in_the_order_of_the_file(void **unused)
{
	(void)unused;
	accept("a=5:mgid=ff12::3;b=6:mgid=ff12::2;a=5:mgid=ff12::1\nmgid=ff12::4;b=6:ALL;");
	assert_int_equal(find(5)->n_groups, 3);
	assert_int_equal(find(5)->groups[0].mgid[15], 3);
	assert_int_equal(find(5)->groups[1].mgid[15], 1);
	assert_int_equal(find(5)->groups[2].mgid[15], 4);
	assert_int_equal(find(6)->n_groups, 1);
	assert_int_equal(find(6)->groups[0].mgid[15], 2);
}

static void the_example_of_opensm_is_understood(void **unused)
{
	(void)unused;
	accept("Default=0x7fff : ALL, SELF=full ;\n"
	       "Default=0x7fff : ALL, ALL_SWITCHES=full, SELF=full ;\n"
	       "NewPartition , ipoib : 0x123456=full, 0x3456789034=limi, 0x2134af2306 ;\n"
	       "YetAnotherOne = 0x300 : SELF=full ;\n"
	       "YetAnotherOne = 0x300 : ALL=limited ;\n"
	       "Default=0x7fff,ipoib:\n"
	       "       mgid=ff12:401b::0707,sl=1 # random IPv4 group\n"
	       "       mgid=ff12:601b::16    # MLDv2-capable routers\n"
	       "       mgid=ff12:401b::16    # IGMP\n"
	       "       mgid=ff12:601b::2     # All routers\n"
	       "       mgid=ff12::1,sl=1,Q_Key=0xDEADBEEF,rate=3,mtu=2 # random group\n"
	       "       ALL=full;\n");
	assert_int_equal(got->n, 3);
	assert_int_equal(got->partitions[0].n_groups, 5);
	assert_int_equal(of_switch(0x7fff), PARTITION_FULL);
	assert_int_equal(of_ca(0x7fff, CA), PARTITION_FULL);
	assert_string_equal(find(1)->name, "NewPartition");
	assert_int_equal(of_ca(1, 0x3456789034), PARTITION_LIMITED);
	assert_int_equal(of_ca(0x300, CA), PARTITION_LIMITED);
}

/* ---- broken files ---------------------------------------------------------------------------- */

static const struct {
	const char *text, *sentence;
} broken[] = {
	{ "", "p.conf: no partition is defined here" },
	{ "# only\n# comments\n", "p.conf: no partition is defined here" },
	{ "a=1 : ALL", "p.conf:1: the definition that begins here does not end with ';'" },
	{ "a=1 : ALL;\n\nb=2 : ALL,\n0x5\n",
	  "p.conf:3: the definition that begins here does not end with ';'" },
	{ "a=1 : ALL # ;", "p.conf:1: the definition that begins here does not end with ';'" },
	{ "a=1 : 0x1\nb=2 : 0x2;",
	  "p.conf:2: \"b=2 : 0x2\" is not a member; is a ';' missing before it?" },
	{ "a=1 : 0x1\nb : 0x2;",
	  "p.conf:2: \"b : 0x2\" is not a member; is a ';' missing before it?" },
	{ "a=1 ALL;", "p.conf:1: after \"a=1 ALL\" there is no ':' on this line" },
	{ "a=1\n: ALL;", "p.conf:1: after \"a=1\" there is no ':' on this line" },
	{ ";", "p.conf:1: after \"\" there is no ':' on this line" },
	{ ": ALL;", "p.conf:1: a partition needs a name or a P_Key" },
	{ "a=0x10000 : ALL;", "p.conf:1: \"0x10000\" is not a P_Key, a number up to 0xffff" },
	{ "a=storage : ALL;", "p.conf:1: \"storage\" is not a P_Key, a number up to 0xffff" },
	{ "a= : ALL;", "p.conf:1: \"\" is not a P_Key, a number up to 0xffff" },
	{ "a=0x1 ipoib : ALL;", "p.conf:1: \"0x1 ipoib\" is not a P_Key, a number up to 0xffff" },
	{ "a=010 : ALL;", "p.conf:1: \"010\" is not a P_Key, a number up to 0xffff" },
	{ "1a : ALL;", "p.conf:1: \"1a\" is not a P_Key, a number up to 0xffff" },
	{ "Default=0x10 : ALL;",
	  "p.conf:1: Default is the name of the partition 0x7fff, not 0x0010" },
	{ "Default=0x7fff : SELF=limited;",
	  "p.conf:1: the subnet manager's own port (SELF) is always a full member of the default "
	  "partition" },
	{ "a : ALL;\nb=1 : ALL;", "p.conf:2: P_Key 0x0001 was generated for \"a\" in line 1, which "
				  "has none of its own" },
	{ "a=1 : ALL;a=2 : ALL;\na : ALL;",
	  "p.conf:2: more than one partition is called \"a\": say its P_Key" },
	{ "0123456789012345678901234567890123456789012345678901234567890123=1:ALL;",
	  "p.conf:1: the name \"012345678901234567890123456789012345678901234567890123456789...\" "
	  "is "
	  "longer than 63 characters" },
	{ "a\xc3\xa4=1:ALL;", "p.conf:1: the name \"a??\" is not all printable ASCII" },
	{ "a=1, ipob : ALL;", "p.conf:1: there is no flag \"ipob\"" },
	{ "a=1, ipoibx : ALL;", "p.conf:1: there is no flag \"ipoibx\"" },
	{ "a=1, indx : ALL;", "p.conf:1: there is no flag \"indx\"" },
	{ "a=1, : ALL;", "p.conf:1: there is no flag after a comma" },
	{ "a=1, ipoib=1 : ALL;", "p.conf:1: ipoib takes no value" },
	{ "a=1, indx0=0 : ALL;", "p.conf:1: indx0 takes no value" },
	{ "a=1, mtu : ALL;", "p.conf:1: mtu needs a value" },
	{ "a=1, mtu=2048 : ALL;", "p.conf:1: mtu=\"2048\" is not a number from 1 to 5" },
	{ "a=1, mtu=0 : ALL;", "p.conf:1: mtu=\"0\" is not a number from 1 to 5" },
	{ "a=1, mtu=4, mtu=5 : ALL;", "p.conf:1: mtu is given twice" },
	{ "a=1, rate=1 : ALL;", "p.conf:1: rate=\"1\" is not a number from 2 to 25" },
	{ "a=1, scope=16 : ALL;", "p.conf:1: scope=\"16\" is not a number from 1 to 15" },
	{ "a=1, sl=16 : ALL;", "p.conf:1: sl=\"16\" is not a number from 0 to 15" },
	{ "a=1, sl=-1 : ALL;", "p.conf:1: sl=\"-1\" is not a number from 0 to 15" },
	{ "a=1, sl= : ALL;", "p.conf:1: sl=\"\" is not a number from 0 to 15" },
	{ "a=1, TClass=256 : ALL;", "p.conf:1: TClass=\"256\" is not a number from 0 to 255" },
	{ "a=1, Flow=0x100000 : ALL;",
	  "p.conf:1: FlowLabel=\"0x100000\" is not a number from 0 to 1048575" },
	{ "a=1, Q_Key=0x100000000 : ALL;",
	  "p.conf:1: Q_Key=\"0x100000000\" is not a number from 0 to 4294967295" },
	{ "a=1, defmember : ALL;", "p.conf:1: defmember needs a value: full, limited or both" },
	{ "a=1, defmember=part : ALL;",
	  "p.conf:1: \"part\" is not a membership: full, limited or both" },
	{ "a=1,ipoib,mtu=4 : ALL;\na=1,ipoib,mtu=5 : ALL;",
	  "p.conf:2: mtu of \"a\" had another value before" },
	{ "a=1,ipoib,mtu=4 : ALL;a=1,ipoib,rate=5 : ALL;\na=1,ipoib,mtu=5 : ALL;",
	  "p.conf:2: mtu of \"a\" had another value before" },
	{ "a=1,sl=4 : ALL;\na=1,sl=5 : ALL;", "p.conf:2: sl of \"a\" had another value before" },
	{ "a=1,ipoib,rate=4 : ALL;\na=1,ipoib,rate=5 : ALL;",
	  "p.conf:2: rate of \"a\" had another value before" },
	{ "a=1,ipoib,Q_Key=4 : ALL;\na=1,ipoib,Q_Key=5 : ALL;",
	  "p.conf:2: Q_Key of \"a\" had another value before" },
	{ "a=1,ipoib,TClass=4 : ALL;\na=1,ipoib,TClass=5 : ALL;",
	  "p.conf:2: TClass of \"a\" had another value before" },
	{ "a=1,ipoib,FlowLabel=4 : ALL;\na=1,ipoib,FlowLabel=5 : ALL;",
	  "p.conf:2: FlowLabel of \"a\" had another value before" },
	{ "a=1 : ALL,\n0x5=ful1;",
	  "p.conf:2: \"ful1\" is not a membership: full, limited or both" },
	{ "a=1 : 0x5=;", "p.conf:1: \"\" is not a membership: full, limited or both" },
	{ "a=1 : =full;", "p.conf:1: there is no member before '='" },
	{ "a=1 : ALL_HCAS;", "p.conf:1: there is no member \"ALL_HCAS\"" },
	{ "a=1 : all;", "p.conf:1: there is no member \"all\"" },
	{ "a=1 : defmember=full : 0x5;",
	  "p.conf:1: \"defmember=full : 0x5\" is not a member; is a ';' missing before it?" },
	{ "a=1 : ALL,\n\n0x12g4;",
	  "p.conf:3: \"0x12g4\" is not a port GUID such as 0x0002c90300000001" },
	{ "a=1 : 0;", "p.conf:1: \"0\" is not a port GUID such as 0x0002c90300000001" },
	{ "a=1 : 0x10000000000000000;",
	  "p.conf:1: \"0x10000000000000000\" is not a port GUID such as 0x0002c90300000001" },
	{ "a=1 : 0002c90300000001;",
	  "p.conf:1: \"0002c90300000001\" is not a port GUID such as 0x0002c90300000001" },
	{ "a=1 : 0x1 0x2;", "p.conf:1: \"0x1 0x2\" is not a port GUID such as 0x0002c90300000001" },
	{ "a=1 : ALL=both;", "p.conf:1: membership both needs partitions.allow_both_pkeys = true" },
	{ "a=1, defmember=b : ALL;",
	  "p.conf:1: membership both needs partitions.allow_both_pkeys = true" },
	{ "a=1 :\nmgid=10.0.0.1\n;", "p.conf:2: \"10.0.0.1\" is not an MGID such as ff12:401b::1" },
	{ "a=1 :\nmgid=\n;", "p.conf:2: \"\" is not an MGID such as ff12:401b::1" },
	{ "a=1 : mgid;", "p.conf:1: there is no member \"mgid\"" },
	{ "a=1 :\nmgid=fe80::1\n;",
	  "p.conf:2: \"fe80::1\" is not a multicast GID, which begins with ff" },
	{ "a=1 :\nmgid=ff12:401b:8002::1\n;",
	  "p.conf:2: the MGID has P_Key 0x8002 in it, the partition is 0x0001" },
	{ "a=1,mtu=5 :\nmgid=ff12:401b::1,mtu=4\n;",
	  "p.conf:2: the mtu of an IP group is that of its partition, 5" },
	{ "a=1 :\nmgid=ff12:601b::1,rate=4\n;",
	  "p.conf:2: the rate of an IP group is that of its partition, 3" },
	{ "a=1 :\nmgid=ff12::1,ipoib\n;",
	  "p.conf:2: ipoib is a flag of partitions, not of groups" },
	{ "a=1 :\nmgid=ff12::1,ALL=full;", "p.conf:2: there is no flag \"ALL\"" },
	{ "a=1 :\nmgid=ff12::1\nmgid=ff15::1,scope=2;",
	  "p.conf:3: this group is already there from line 2" },
	{ "a=1 : mgid=ff12:401b::1;b=2 : mgid=ff12:401b::1;\na=1 : mgid=ff12:401b:1::1;",
	  "p.conf:2: this group is already there from line 1" },
};

static void whatever_is_broken_is_refused_whole_with_line_and_sentence(void **unused)
{
	struct partitions *before;

	(void)unused;
	accept("a=1 : ALL;");
	before = got;
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct conf_error error = { 0 };

		if (parse(broken[i].text, false, &error) != -EINVAL)
			fail_msg("accepted: %s", broken[i].text);
		assert_string_equal(error.text, broken[i].sentence);
		assert_ptr_equal(got, before);
	}
}

static void a_good_file_is_refused_if_cut_short_anywhere(void **unused)
{
	static const char text[] = "storage=0x10,ipoib,mtu=5 : ALL_SWITCHES=full,\n0x123456=full\n"
				   "mgid=ff12:401b::1,sl=3\n, SELF=limited ;";
	struct partition_options options = { 0 };

	(void)unused;
	accept(text);
	for (size_t length = 0; length < sizeof(text) - 2; length++)
		assert_int_equal(partitions_parse(text, length, "p.conf", &options, &got, NULL),
				 -EINVAL);
}

static void a_zero_byte_is_no_text(void **unused)
{
	struct partition_options options = { 0 };
	struct conf_error error = { 0 };

	(void)unused;
	assert_int_equal(partitions_parse("a=1:ALL;\0", 9, "p.conf", &options, &got, &error),
			 -EINVAL);
	assert_string_equal(error.text, "p.conf: this is not a text file, it has a zero byte");
}

static void too_many_groups_are_refused(void **unused)
{
	AUTO(freep) char *text = malloc(32 * 5000);
	struct conf_error error = { 0 };
	size_t used;

	(void)unused;
	assert_non_null(text);
	used = (size_t)sprintf(text, "a=1:\n");
	for (unsigned i = 1; i <= PARTITIONS_GROUPS_MAX; i++)
		used += (size_t)sprintf(text + used, "mgid=ff12::%x\n", i);
	strcpy(text + used, ";");
	accept(text);
	assert_int_equal(find(1)->n_groups, PARTITIONS_GROUPS_MAX);

	strcpy(text + used, "mgid=ff12::ffff;");
	assert_int_equal(parse(text, false, &error), -EINVAL);
	assert_string_equal(error.text, "p.conf:4098: more than 4096 groups");
}

static void a_configured_file_that_is_missing_is_an_error(void **unused)
{
	struct partition_options options = { 0 };
	struct conf_error error = { 0 };

	(void)unused;
	assert_int_equal(partitions_load("no-such-file", &options, &got, &error), -ENOENT);
	assert_string_equal(error.text, "no-such-file: Cannot read: No such file or directory");
	assert_null(got);
}

static void a_file_is_read_from_disk(void **unused)
{
	char path[] = "test-partitions.XXXXXX";
	struct partition_options options = { 0 };
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a=5:ALL=full;\n", 14), 14);
	close(fd);
	assert_int_equal(partitions_load(path, &options, &got, NULL), 0);
	unlink(path);
	assert_int_equal(of_ca(5, CA), PARTITION_FULL);
}

/* By name, separated by spaces. */
static void assert_walked(uint64_t guid, const char *names)
{
	struct partition_walk walk = partition_walk_start(got, guid);
	const struct partition *partition;
	char text[256] = "";

	while ((partition = partition_walk_next(&walk)) && strlen(text) < 128) {
		strcat(text, text[0] ? " " : "");
		strcat(text, partition->name);
	}
	assert_string_equal(text, names);
}

static void a_port_asks_only_partitions_that_may_have_it(void **unused)
{
	(void)unused;
	accept("Default=0x7fff : 0x10=full ;\n"
	       "a=1 : 0x10, 0x30=full ;\n"
	       "b=2 : ALL_SWITCHES=full, 0x20 ;\n"
	       "c=3 : 0x10=full ;\n"
	       "d=4 : ;\n"
	       "e=5 : SELF, 0x10 ;\n");
	assert_walked(0x10, "Default a b c e");
	assert_walked(0x20, "Default b e");
	assert_walked(0x30, "Default a b e");
	assert_walked(0x0f, "Default b e");
	assert_walked(UINT64_MAX, "Default b e");
}

static void without_a_file_there_is_the_default_partition_to_ask(void **unused)
{
	(void)unused;
	partitions_free(got);
	got = NULL;
	assert_int_equal(partitions_default(&got), 0);
	assert_walked(0x10, "Default");
}

#define TEST(name) cmocka_unit_test_teardown(name, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_file_everybody_is_a_full_member_of_the_default_partition),
		TEST(with_a_file_everybody_is_a_limited_member_of_the_default_partition),
		TEST(what_the_file_says_about_the_default_partition_comes_on_top),
		TEST(the_subnet_manager_is_always_a_full_member_of_the_default_partition),
		TEST(keys_are_taken_without_the_membership_bit),
		TEST(missing_keys_are_generated_from_1_up),
		TEST(a_known_name_without_a_key_is_the_same_partition),
		TEST(a_repeated_key_merges_and_the_first_name_stays),
		TEST(names_may_have_blanks_and_be_63_long),
		TEST(members_are_limited_unless_the_file_says_otherwise),
		TEST(groups_of_members_are_by_kind_of_port),
		TEST(of_two_statements_about_a_port_the_later_holds),
		TEST(any_beginning_of_a_keyword_stands_for_it),
		TEST(a_port_may_be_full_and_limited_member_if_that_is_allowed),
		TEST(a_partition_may_be_empty),
		TEST(definitions_may_have_many_lines_and_comments),
		TEST(a_line_may_be_longer_than_opensm_reads),
		TEST(there_may_be_as_many_partitions_as_keys),
		TEST(flags_of_a_partition_are_those_of_its_broadcast_group),
		TEST(groups_of_ip_get_the_key_of_their_partition),
		TEST(groups_start_with_the_flags_of_the_head),
		TEST(groups_stay_with_their_partition_in_the_order_of_the_file),
		TEST(the_example_of_opensm_is_understood),
		TEST(whatever_is_broken_is_refused_whole_with_line_and_sentence),
		TEST(a_good_file_is_refused_if_cut_short_anywhere),
		TEST(a_zero_byte_is_no_text),
		TEST(too_many_groups_are_refused),
		TEST(a_configured_file_that_is_missing_is_an_error),
		TEST(a_file_is_read_from_disk),
		TEST(a_port_asks_only_partitions_that_may_have_it),
		TEST(without_a_file_there_is_the_default_partition_to_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
