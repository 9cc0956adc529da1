/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * virtual_functions of vsm.conf: what each key takes and refuses, with the sentence that the
 * operator gets, which entry decides, and that what is printed is read as the same.
 */

#include "conf/conf.h"
#include "conf/vf-policy-keys.h"

#include "base/macros.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct conf conf, other;

static const struct vf_policy *first(void)
{
	return &conf.virtual_functions.policy[0];
}

static void accept(const char *text)
{
	struct conf_error error = { 0 };

	if (conf_parse(text, strlen(text), "vsm.conf", &conf, &error) < 0)
		fail_msg("%s: %s", text, error.text);
}

static void refuse(const char *text, const char *sentence)
{
	struct conf_error error = { 0 };

	assert_int_equal(conf_parse(text, strlen(text), "vsm.conf", &conf, &error), -EINVAL);
	assert_string_equal(error.text, sentence);
}

/* An entry with @keys, for all ports. */
static void accept_keys(const char *keys)
{
	char text[4096];

	snprintf(text, sizeof(text), "virtual_functions = ( { ports = \"*\"; %s } );", keys);
	accept(text);
}

static void refuse_keys(const char *keys, const char *why)
{
	char text[4096], sentence[512];

	snprintf(text, sizeof(text), "virtual_functions = (\n{ ports = \"*\";\n %s } );", keys);
	snprintf(sentence, sizeof(sentence), "vsm.conf:3: virtual_functions%s", why);
	refuse(text, sentence);
}

/* Does an entry with this pattern get a port of this description? */
static bool fits(const char *pattern, const char *description)
{
	static struct vf_policies policies;

	assert_null(vf_pattern_check(pattern));
	policies.n = 1;
	vf_policy_init(&policies.policy[0]);
	strcpy(policies.policy[0].ports, pattern);
	return vf_policy_for(&policies, 1, description) != NULL;
}

/* ---- what is taken --------------------------------------------------------------------------- */

static void an_entry_that_says_nothing_else_leaves_all_free(void **unused)
{
	(void)unused;
	accept("virtual_functions = ( { ports = \"*\"; } );");
	assert_int_equal(conf.virtual_functions.n, 1);
	assert_string_equal(first()->ports, "*");
	assert_int_equal(first()->max, 65535);
	assert_int_equal(first()->lid, VF_LID_AS_ASKED);
	assert_int_equal(first()->spare_lids, 0);
	assert_int_equal(first()->partition, 0);
	assert_int_equal(first()->membership, VF_MEMBERSHIP_FULL);
	assert_true(vf_policy_allows(first(), 1));
	assert_true(vf_policy_allows(first(), UINT64_MAX));

	accept("virtual_functions = ( );");
	assert_int_equal(conf.virtual_functions.n, 0);
	accept("");
	assert_int_equal(conf.virtual_functions.n, 0);
}

static void every_key_is_read(void **unused)
{
	(void)unused;
	accept("virtual_functions = ( { port_guids = ( \"0x8000000000000001\", 0x2 );\n"
	       "guids = ( [ \"0x10\", \"0x1f\" ], ( 0x8000000000000000, \"0xffffffffffffffff\" ) );"
	       "max = 16; lid = \"own\"; spare_lids = 16;"
	       "partition = \"0x21\"; membership = \"limited\"; },\n"
	       "{ ports = \"a\"; lid = \"shared\"; max = 0; partition = 0x7fff;"
	       "membership = \"both\"; } );");
	assert_int_equal(conf.virtual_functions.n, 2);
	assert_int_equal(first()->n_port_guids, 2);
	assert_true(first()->port_guid[0] == 0x8000000000000001);
	assert_true(first()->port_guid[1] == 2);
	assert_int_equal(first()->n_ranges, 2);
	assert_true(first()->range[1].last == UINT64_MAX);
	assert_int_equal(first()->max, 16);
	assert_int_equal(first()->lid, VF_LID_OWN);
	assert_int_equal(first()->spare_lids, 16);
	assert_int_equal(first()->partition, 0x21);
	assert_int_equal(first()->membership, VF_MEMBERSHIP_LIMITED);
	assert_int_equal(first()[1].lid, VF_LID_SHARED);
	assert_int_equal(first()[1].max, 0);
	assert_int_equal(first()[1].partition, 0x7fff);
	assert_int_equal(first()[1].membership, VF_MEMBERSHIP_BOTH);
}

static void the_example_of_the_manual_is_valid(void **unused)
{
	(void)unused;
	accept(VF_POLICY_EXAMPLE);
	assert_ptr_equal(vf_policy_for(&conf.virtual_functions, 1, "node7 mlx5_0"), first());
	assert_int_equal(first()->spare_lids, 8);
}

static void ranges_of_two_ports_may_overlap(void **unused)
{
	(void)unused;
	accept("virtual_functions = ( { ports = \"a\"; guids = ( [ 0x1, 0x9 ], [ 0x5, 0x6 ] ); },"
	       "{ ports = \"b\"; guids = ( [ 0x5, 0xc ] ); } );");
	assert_true(vf_policy_allows(&first()[0], 5));
	assert_true(vf_policy_allows(&first()[1], 5));
}

/* ---- what it means --------------------------------------------------------------------------- */

static void the_first_entry_that_names_a_port_decides(void **unused)
{
	const struct vf_policies *policies = &conf.virtual_functions;

	(void)unused;
	accept("virtual_functions = ( { port_guids = [ 0x7 ]; }, { ports = \"node1*\"; },"
	       "{ ports = \"node*\"; }, { port_guids = [ 0x8, 0x9 ]; } );");
	assert_ptr_equal(vf_policy_for(policies, 7, "node1 mlx5_0"), &first()[0]);
	assert_ptr_equal(vf_policy_for(policies, 8, "node1 mlx5_0"), &first()[1]);
	assert_ptr_equal(vf_policy_for(policies, 8, "node2 mlx5_0"), &first()[2]);
	assert_ptr_equal(vf_policy_for(policies, 9, "other"), &first()[3]);
	assert_null(vf_policy_for(policies, 10, "other"));
}

static void a_port_without_a_name_yet_fits_no_pattern(void **unused)
{
	(void)unused;
	accept("virtual_functions = ( { ports = \"*\"; }, { port_guids = [ 0x8 ]; } );");
	assert_null(vf_policy_for(&conf.virtual_functions, 7, NULL));
	assert_ptr_equal(vf_policy_for(&conf.virtual_functions, 8, NULL), &first()[1]);
	assert_ptr_equal(vf_policy_for(&conf.virtual_functions, 8, ""), &first()[0]);
}

static void a_range_has_both_its_ends(void **unused)
{
	(void)unused;
	accept_keys("guids = ( [ 0x10, 0x1f ], [ 0x30, 0x30 ] );");
	assert_false(vf_policy_allows(first(), 0xf));
	assert_true(vf_policy_allows(first(), 0x10));
	assert_true(vf_policy_allows(first(), 0x1f));
	assert_false(vf_policy_allows(first(), 0x20));
	assert_true(vf_policy_allows(first(), 0x30));
	assert_false(vf_policy_allows(first(), 0x31));
}

static void no_guid_is_allowed_nowhere(void **unused)
{
	(void)unused;
	accept_keys("");
	assert_false(vf_policy_allows(first(), 0));
	assert_false(vf_policy_allows(NULL, 0));
	assert_true(vf_policy_allows(NULL, 1));
}

static void a_pattern_fits_the_whole_description(void **unused)
{
	(void)unused;
	assert_true(fits("node1 mlx5_0", "node1 mlx5_0"));
	assert_false(fits("node1", "node1 mlx5_0"));
	assert_false(fits("node1 mlx5_0", "node1"));
	assert_false(fits("a", ""));
	assert_true(fits("*", ""));
	assert_true(fits("**", "x"));
	assert_true(fits("node* mlx5_?", "node17 mlx5_1"));
	assert_false(fits("node* mlx5_?", "node17 mlx5_"));
	assert_true(fits("*a*b*c", "xaxxbxxabc"));
	assert_false(fits("*a*b*c", "xaxxbxxabcd"));
	assert_true(fits("*ab", "aab"));
}

static void a_pattern_may_have_sets_of_characters(void **unused)
{
	(void)unused;
	assert_true(fits("n[0-9]", "n5"));
	assert_true(fits("n[0-9]", "n9"));
	assert_false(fits("n[0-9]", "na"));
	assert_false(fits("n[0-9]", "n"));
	assert_true(fits("n[!0-9]", "na"));
	assert_false(fits("n[!0-9]", "n0"));
	assert_true(fits("[]x]", "]"));
	assert_true(fits("[!]x]", "a"));
	assert_false(fits("[!]x]", "]"));
	assert_true(fits("[a-]", "-"));
	assert_true(fits("[*]", "*"));
	assert_false(fits("[*]", "x"));
	assert_true(fits("*[b-d]x", "aabxcx"));
	assert_true(fits("[\xc3-\xc4]*", "\xc3\xa4"));
}

static void a_pattern_full_of_stars_takes_no_time(void **unused)
{
	char text[VF_PATTERN_MAX + 1] = "", pattern[VF_PATTERN_MAX + 1] = "";

	(void)unused;
	for (unsigned i = 0; i < VF_PATTERN_MAX; i++) {
		text[i] = 'a';
		pattern[i] = i % 2 ? 'a' : '*';
	}
	pattern[VF_PATTERN_MAX - 1] = 'b';
	alarm(10);
	assert_false(fits(pattern, text));
	alarm(0);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void what_is_no_list_of_groups_is_refused(void **unused)
{
	static const char list[] = "vsm.conf:2: virtual_functions: must be a list such as "
				   "( { ports = \"*\"; max = 8; } )";

	(void)unused;
	refuse("\nvirtual_functions = 5;", list);
	refuse("\nvirtual_functions = \"*\";", list);
	refuse("\nvirtual_functions = [ 5 ];", list);
	refuse("\nvirtual_functions = { ports = \"*\"; };", list);
	refuse("virtual_functions = (\n5 );", "vsm.conf:2: virtual_functions: an entry is a group: "
					      "{ ports = \"*\"; max = 8; }");
	refuse("virtual_functions = (\n( { } ) );",
	       "vsm.conf:2: virtual_functions: an entry is a group: { ports = \"*\"; max = 8; }");
}

static void an_entry_is_for_some_port(void **unused)
{
	(void)unused;
	refuse("virtual_functions = ( { ports = \"*\"; },\n{ max = 5; } );",
	       "vsm.conf:2: virtual_functions: this entry is for no port, it needs ports or "
	       "port_guids");
	refuse("virtual_functions = (\n{ } );",
	       "vsm.conf:2: virtual_functions: this entry is for no port, it needs ports or "
	       "port_guids");
	refuse("virtual_functions = ( { port_guids = [ 0x1 ];\nports = \"*\"; } );",
	       "vsm.conf:2: virtual_functions.ports: an entry has ports or port_guids, not both");
}

static void unknown_and_repeated_keys_are_refused(void **unused)
{
	(void)unused;
	refuse_keys("maximum = 5;", ": an entry has no \"maximum\"");
	refuse("virtual_functions = ( { ports = \"*\";\nmax = 5;\nmax = 6; } );",
	       "vsm.conf:3: duplicate setting name at or just before \"max = 6; } );\"");
}

static void patterns_are_checked(void **unused)
{
	(void)unused;
	refuse("virtual_functions = ( {\nports = \"\"; } );",
	       "vsm.conf:2: virtual_functions.ports: is empty, and so fits no port; \"*\" fits "
	       "all");
	refuse("virtual_functions = ( {\nports = 5; } );",
	       "vsm.conf:2: virtual_functions.ports: must be a text in double quotes");
	refuse("virtual_functions = ( {\nports = [ \"a\" ]; } );",
	       "vsm.conf:2: virtual_functions.ports: must be a text in double quotes");
	refuse("virtual_functions = ( {\nports = \"a\\nb\"; } );",
	       "vsm.conf:2: virtual_functions.ports: has a control character");
	refuse("virtual_functions = ( {\nports = \"a[b\"; } );",
	       "vsm.conf:2: virtual_functions.ports: has a [ without a ]");
	refuse("virtual_functions = ( {\nports = \"[!]\"; } );",
	       "vsm.conf:2: virtual_functions.ports: has a [ without a ]");
	refuse("virtual_functions = ( {\nports = \"[\"; } );",
	       "vsm.conf:2: virtual_functions.ports: has a [ without a ]");
}

static void a_pattern_is_as_long_as_a_description(void **unused)
{
	char text[256], name[VF_PATTERN_MAX + 2];

	(void)unused;
	memset(name, 'x', sizeof(name));
	name[VF_PATTERN_MAX] = 0;
	snprintf(text, sizeof(text), "virtual_functions = ( { ports = \"%s\"; } );", name);
	accept(text);
	assert_int_equal(strlen(first()->ports), VF_PATTERN_MAX);
	snprintf(text, sizeof(text), "virtual_functions = ( { ports = \"%sx\"; } );", name);
	refuse(text, "vsm.conf:1: virtual_functions.ports: is longer than 64 bytes");
}

static void port_guids_are_checked(void **unused)
{
	static const char list[] = "vsm.conf:2: virtual_functions.port_guids: must be a list of "
				   "GUIDs such as [ \"0x0002c90200404a01\" ]";

	(void)unused;
	refuse("virtual_functions = ( {\nport_guids = 0x5; } );", list);
	refuse("virtual_functions = ( {\nport_guids = []; } );", list);
	refuse("virtual_functions = ( {\nport_guids = [ 0x1, 0x0 ]; } );",
	       "vsm.conf:2: virtual_functions.port_guids: \"0x0\" is not a GUID such as "
	       "0x0002c90200404a01");
	refuse("virtual_functions = ( {\nport_guids = ( ( 0x1 ) ); } );",
	       "vsm.conf:2: virtual_functions.port_guids: must be a GUID such as "
	       "\"0x0002c90200404a01\"");
	refuse("virtual_functions = ( {\nport_guids = ( 0x1, \"1\" ); } );",
	       "vsm.conf:2: virtual_functions.port_guids: 0x0000000000000001 is there twice");
}

static void ranges_are_checked(void **unused)
{
	static const char pair[] = ".guids: a range is a pair, first and last GUID: "
				   "[ \"0x1\", \"0x8\" ]";

	(void)unused;
	refuse_keys("guids = [ 0x1, 0x8 ];",
		    ".guids: must be a list of ranges such as ( [ \"0x1\", \"0x8\" ] )");
	refuse_keys("guids = 5;",
		    ".guids: must be a list of ranges such as ( [ \"0x1\", \"0x8\" ] )");
	refuse_keys("guids = ( 0x1, 0x8 );", pair);
	refuse_keys("guids = ( [ 0x1 ] );", pair);
	refuse_keys("guids = ( [ 0x1, 0x2, 0x3 ] );", pair);
	refuse_keys("guids = ( [ 0x1, 0x2 ], [ ] );", pair);
	refuse_keys("guids = ( [ 0x0, 0x8 ] );",
		    ".guids: \"0x0\" is not a GUID such as 0x0002c90200404a01");
	refuse_keys("guids = ( [ \"0x1\", \"host\" ] );",
		    ".guids: \"host\" is not a GUID such as 0x0002c90200404a01");
	refuse_keys("guids = ( [ 0x2, 0x1 ] );",
		    ".guids: the range from 0x0000000000000002 to 0x0000000000000001 ends before "
		    "it begins");
	refuse_keys("guids = ( [ 0x8000000000000000, 0x1 ] );",
		    ".guids: the range from 0x8000000000000000 to 0x0000000000000001 ends before "
		    "it begins");
}

static void numbers_are_checked(void **unused)
{
	(void)unused;
	accept_keys("max = 65535; spare_lids = 1024;");
	refuse_keys("max = 65536;", ".max: 65536 is out of range, 0 to 65535 is allowed");
	refuse_keys("max = -1;", ".max: -1 is out of range, 0 to 65535 is allowed");
	refuse_keys("max = \"5\";", ".max: must be a number from 0 to 65535");
	refuse_keys("max = \"-5\";", ".max: must be a number from 0 to 65535");
	refuse_keys("max = 1.5;", ".max: must be a number from 0 to 65535");
	refuse_keys("max = true;", ".max: must be a number from 0 to 65535");
	refuse_keys("spare_lids = 1025;",
		    ".spare_lids: 1025 is out of range, 0 to 1024 is allowed");
	refuse_keys("spare_lids = 4294967297;",
		    ".spare_lids: 4294967297 is out of range, 0 to 1024 is allowed");
}

static void choices_are_checked(void **unused)
{
	(void)unused;
	refuse_keys("lid = \"mine\";", ".lid: \"mine\" is not one of as-asked, shared, own");
	refuse_keys("lid = 5;", ".lid: must be one of as-asked, shared, own");
	refuse_keys("membership = \"Full\";",
		    ".membership: \"Full\" is not one of full, limited, both");
	refuse_keys("membership = true;", ".membership: must be one of full, limited, both");
}

static void partitions_are_checked(void **unused)
{
	static const char why[] = ".partition: must be a P_Key without its membership bit, 0x0001 "
				  "to 0x7fff";

	(void)unused;
	refuse_keys("partition = \"0x0\";", why);
	refuse_keys("partition = \"0x8001\";", why);
	refuse_keys("partition = 0x10001;", why);
	refuse_keys("partition = \"blue\";", why);
	refuse_keys("partition = [ 0x1 ];", why);
	refuse_keys("partition = true;", why);
}

static void keys_that_contradict_each_other_are_refused(void **unused)
{
	(void)unused;
	refuse_keys("lid = \"shared\"; spare_lids = 1;",
		    ".spare_lids: nobody takes a spare LID where lid is \"shared\"");
	refuse_keys("max = 3; spare_lids = 4;", ".spare_lids: is more than max");
	accept_keys("max = 4; spare_lids = 4;");
	refuse_keys("membership = \"limited\";", ".membership: means nothing without partition");
	accept_keys("membership = \"full\";");
}

static size_t repeat(char *text, unsigned n, const char *what)
{
	size_t used = 0;

	for (unsigned i = 0; i < n; i++)
		used += (size_t)sprintf(text + used, "%s%s", i ? ", " : "", what);
	return used;
}

static void lists_have_limits(void **unused)
{
	static char list[16384], text[20000];
	size_t used = 0;

	(void)unused;
	repeat(list, VF_POLICIES_MAX, "{ ports = \"*\"; }");
	snprintf(text, sizeof(text), "virtual_functions = ( %s );", list);
	accept(text);
	assert_int_equal(conf.virtual_functions.n, VF_POLICIES_MAX);
	snprintf(text, sizeof(text), "virtual_functions = ( %s,\n{ } );", list);
	refuse(text, "vsm.conf:2: virtual_functions: more than 128 entries");

	repeat(list, VF_RANGES_MAX, "[ 0x1, 0x2 ]");
	snprintf(text, sizeof(text), "guids = ( %s );", list);
	accept_keys(text);
	assert_int_equal(first()->n_ranges, VF_RANGES_MAX);
	snprintf(text, sizeof(text), "guids = ( %s, [ 0x1, 0x2 ] );", list);
	refuse_keys(text, ".guids: more than 16 ranges");

	for (unsigned i = 1; i <= VF_PORTS_MAX; i++)
		used += (size_t)sprintf(list + used, "0x%x, ", i);
	snprintf(text, sizeof(text), "virtual_functions = ( { port_guids = ( %s\"0xff\" ); } );",
		 list);
	refuse(text, "vsm.conf:1: virtual_functions.port_guids: more than 16 GUIDs");
	list[used - 2] = 0;
	snprintf(text, sizeof(text), "virtual_functions = ( { port_guids = [ %s ]; } );", list);
	accept(text);
	assert_int_equal(first()->n_port_guids, VF_PORTS_MAX);
}

static void the_command_line_has_no_list(void **unused)
{
	struct conf_error error = { 0 };

	(void)unused;
	conf_init_defaults(&conf);
	assert_int_equal(conf_set(&conf, "virtual_functions", "*", &error), -EINVAL);
	assert_string_equal(error.text, "virtual_functions: must be a list in vsm.conf such as "
					"( { ports = \"*\"; max = 8; } )");
}

/* ---- printed and compared -------------------------------------------------------------------- */

static char *print_file(const struct conf *from)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	conf_print_file(out, from);
	assert_int_equal(fclose(out), 0);
	return text;
}

static uint32_t random_below(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % n;
}

static void make_ports(struct vf_policy *policy, uint64_t *seed)
{
	static const char letters[] = "ab*?\"\\ #/;[a]\xc3\xa4";
	unsigned n = 1 + random_below(seed, VF_PATTERN_MAX);

	if (random_below(seed, 2)) {
		policy->n_port_guids = 1 + random_below(seed, VF_PORTS_MAX);
		for (unsigned i = 0; i < policy->n_port_guids; i++)
			policy->port_guid[i] = *seed - i;
		return;
	}
	do {
		for (unsigned i = 0; i < n; i++)
			policy->ports[i] = letters[random_below(seed, sizeof(letters) - 1)];
		policy->ports[n] = 0;
	} while (vf_pattern_check(policy->ports));
}

/* Anything that the rules allow. */
static void make_policy(struct vf_policy *policy, uint64_t *seed)
{
	enum vf_key key;

	do {
		vf_policy_init(policy);
		make_ports(policy, seed);
		policy->n_ranges = random_below(seed, VF_RANGES_MAX + 1);
		for (unsigned i = 0; i < policy->n_ranges; i++) {
			policy->range[i].first = 1 + random_below(seed, 1000);
			policy->range[i].last = policy->range[i].first + (*seed >> 1);
		}
		policy->max = random_below(seed, 3) ? random_below(seed, 2000) : VF_NUMBER_MAX;
		policy->lid = (enum vf_lid)random_below(seed, 3);
		policy->spare_lids = random_below(seed, 2) * random_below(seed, VF_SPARE_LIDS_MAX);
		policy->partition = (uint16_t)(random_below(seed, 2) * random_below(seed, 0x8000));
		policy->membership = (enum vf_membership)random_below(seed, 3);
	} while (vf_policy_check(policy, &key));
}

static void what_is_printed_is_read_as_the_same(void **unused)
{
	uint64_t seed = 4711;

	(void)unused;
	for (unsigned round = 0; round < 200; round++) {
		AUTO(freep) char *text = NULL;

		conf_init_defaults(&other);
		other.virtual_functions.n = random_below(&seed, round == 0 ? 1 : 6);
		if (round == 1)
			other.virtual_functions.n = VF_POLICIES_MAX;
		for (size_t i = 0; i < other.virtual_functions.n; i++)
			make_policy(&other.virtual_functions.policy[i], &seed);
		text = print_file(&other);
		accept(text);
		assert_true(
			vf_policies_are_same(&conf.virtual_functions, &other.virtual_functions));
		assert_int_equal(conf_compare(&conf, &other, NULL, NULL), 0);
	}
}

#define CHANGE(what)                                                                               \
	do {                                                                                       \
		accept(text);                                                                      \
		other = conf;                                                                      \
		assert_int_equal(conf_compare(&conf, &other, NULL, NULL), 0);                      \
		what;                                                                              \
		assert_int_equal(conf_compare(&conf, &other, NULL, NULL), 1);                      \
	} while (0)

static void a_comparison_sees_every_key(void **unused)
{
	static const char text[] = "virtual_functions = ( { port_guids = [ 0x1 ]; "
				   "guids = ( [ 0x1, 0x2 ] ); }, { ports = \"a\"; } );";
	struct vf_policy *policy = other.virtual_functions.policy;

	(void)unused;
	CHANGE(policy->port_guid[0]++);
	CHANGE(policy->n_port_guids++);
	CHANGE(policy->range[0].last++);
	CHANGE(policy->n_ranges--);
	CHANGE(policy->max--);
	CHANGE(policy->lid = VF_LID_OWN);
	CHANGE(policy->spare_lids++);
	CHANGE(policy->partition++);
	CHANGE(policy->membership = VF_MEMBERSHIP_BOTH);
	CHANGE(policy[1].ports[0]++);
	CHANGE(other.virtual_functions.n--);
	accept(text);
	other = conf;
	other.virtual_functions.policy[2].max++; /* beyond the end */
	other.virtual_functions.policy[0].port_guid[1]++;
	assert_int_equal(conf_compare(&conf, &other, NULL, NULL), 0);
}

static void the_manual_and_the_sample_have_every_key(void **unused)
{
	AUTO(freep) char *sample = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)unused;
	assert_non_null(out);
	conf_print_man(out);
	assert_int_equal(fclose(out), 0);
	conf_init_defaults(&other);
	sample = print_file(&other);
	for (unsigned key = 0; key < VF_KEY_COUNT; key++) {
		char wanted[80];

		snprintf(wanted, sizeof(wanted), ".TP\n\\fB%s\\fR\n", vf_keys[key].name);
		assert_non_null(strstr(text, wanted));
		snprintf(wanted, sizeof(wanted), "\n# %s (", vf_keys[key].name);
		assert_non_null(strstr(sample, wanted));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_that_says_nothing_else_leaves_all_free),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(the_example_of_the_manual_is_valid),
		cmocka_unit_test(ranges_of_two_ports_may_overlap),
		cmocka_unit_test(the_first_entry_that_names_a_port_decides),
		cmocka_unit_test(a_port_without_a_name_yet_fits_no_pattern),
		cmocka_unit_test(a_range_has_both_its_ends),
		cmocka_unit_test(no_guid_is_allowed_nowhere),
		cmocka_unit_test(a_pattern_fits_the_whole_description),
		cmocka_unit_test(a_pattern_may_have_sets_of_characters),
		cmocka_unit_test(a_pattern_full_of_stars_takes_no_time),
		cmocka_unit_test(what_is_no_list_of_groups_is_refused),
		cmocka_unit_test(an_entry_is_for_some_port),
		cmocka_unit_test(unknown_and_repeated_keys_are_refused),
		cmocka_unit_test(patterns_are_checked),
		cmocka_unit_test(a_pattern_is_as_long_as_a_description),
		cmocka_unit_test(port_guids_are_checked),
		cmocka_unit_test(ranges_are_checked),
		cmocka_unit_test(numbers_are_checked),
		cmocka_unit_test(choices_are_checked),
		cmocka_unit_test(partitions_are_checked),
		cmocka_unit_test(keys_that_contradict_each_other_are_refused),
		cmocka_unit_test(lists_have_limits),
		cmocka_unit_test(the_command_line_has_no_list),
		cmocka_unit_test(what_is_printed_is_read_as_the_same),
		cmocka_unit_test(a_comparison_sees_every_key),
		cmocka_unit_test(the_manual_and_the_sample_have_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
