# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Unit tests: the source of tests/unit/test-x is tests/unit/test-x.c. Makefile.am tells the rest.

check_PROGRAMS += tests/unit/test-base

# Other readings of the same bytes, which see the headers that only mad/ sees.
check_PROGRAMS += tests/oracle/test-wire
tests_oracle_test_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(OPENSM_CFLAGS)

# ---- helpers of several tests -------------------------------------------------------------------
libtest_a_SOURCES += tests/common/graphs.c tests/common/graphs.h tests/common/graphs-inside.h
libtest_a_SOURCES += tests/common/graph-shapes.c tests/common/net-file.c

# ---- scripts ------------------------------------------------------------------------------------
dist_check_SCRIPTS += tests/check-layers.sh
dist_check_SCRIPTS += tests/check-symbols.sh
dist_check_SCRIPTS += tests/check-units.sh

# ---- fuzz targets: three lines each -------------------------------------------------------------
#	fuzz_programs += tests/fuzz/fuzz-x
#	tests_fuzz_fuzz_x_LDADD = $(fuzz_ldadd)
#	EXTRA_DIST += tests/fuzz/fuzz-x.in		(a folder of inputs, past crashes among them)
# Linked with libFuzzer they explore ("make fuzz"), linked with replay.c they are tests.
fuzz_programs =

if FUZZERS
fuzz_ldadd = $(VSM_LIBS) $(FUZZ_LDFLAGS)
noinst_PROGRAMS = $(fuzz_programs)
else
fuzz_ldadd = libreplay.a $(VSM_LIBS)
check_LIBRARIES += libreplay.a
libreplay_a_SOURCES = tests/fuzz/replay.c
check_PROGRAMS += $(fuzz_programs)
endif
