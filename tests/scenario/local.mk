# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The whole subnet manager on the simulated fabric, in process, on virtual time.

check_LIBRARIES += libscenario.a
libscenario_a_CPPFLAGS = $(sim_cppflags)
libscenario_a_SOURCES = tests/scenario/transport-sim.c tests/scenario/transport-sim.h
libscenario_a_SOURCES += tests/scenario/keeper.c tests/scenario/keeper.h
libscenario_a_SOURCES += tests/scenario/scenario.c tests/scenario/scenario.h
libscenario_a_SOURCES += tests/scenario/at-rest.c
libscenario_a_SOURCES += tests/scenario/vfs.c
libscenario_a_SOURCES += tests/scenario/vports.c
libscenario_a_SOURCES += tests/scenario/look.h tests/scenario/invariants.c
libscenario_a_SOURCES += tests/scenario/invariants-vports.c tests/scenario/invariants-routes.c
libscenario_a_SOURCES += tests/scenario/alias-rig.c tests/scenario/alias-rig.h
libscenario_a_SOURCES += tests/scenario/vport-rig.c tests/scenario/vport-rig.h
scenario_ldadd = libscenario.a $(LDADD)

check_PROGRAMS += tests/scenario/test-transport
tests_scenario_test_transport_CPPFLAGS = $(sim_cppflags)
tests_scenario_test_transport_LDADD = $(scenario_ldadd)
check_PROGRAMS += tests/scenario/test-scenario
tests_scenario_test_scenario_CPPFLAGS = $(sim_cppflags)
tests_scenario_test_scenario_LDADD = $(scenario_ldadd)
check_PROGRAMS += tests/scenario/test-vports
tests_scenario_test_vports_CPPFLAGS = $(sim_cppflags)
tests_scenario_test_vports_LDADD = $(scenario_ldadd)
check_PROGRAMS += tests/scenario/test-vport-lies
tests_scenario_test_vport_lies_CPPFLAGS = $(sim_cppflags)
tests_scenario_test_vport_lies_LDADD = $(scenario_ldadd)
check_PROGRAMS += tests/scenario/test-vport-crowds
tests_scenario_test_vport_crowds_CPPFLAGS = $(sim_cppflags)
tests_scenario_test_vport_crowds_LDADD = $(scenario_ldadd)
check_PROGRAMS += tests/scenario/test-alias tests/scenario/test-alias-ask
tests_scenario_test_alias_CPPFLAGS = $(sim_cppflags)
tests_scenario_test_alias_ask_CPPFLAGS = $(sim_cppflags)
tests_scenario_test_alias_ask_LDADD = $(scenario_ldadd)
tests_scenario_test_alias_LDADD = $(scenario_ldadd)
check_PROGRAMS += tests/scenario/test-vf-rules
tests_scenario_test_vf_rules_CPPFLAGS = $(sim_cppflags)
tests_scenario_test_vf_rules_LDADD = $(scenario_ldadd)
check_PROGRAMS += tests/scenario/random-walk
tests_scenario_random_walk_CPPFLAGS = $(sim_cppflags)
tests_scenario_random_walk_LDADD = $(scenario_ldadd)

EXTRA_PROGRAMS += tests/bench/bench-sim-inside
tests_bench_bench_sim_inside_CPPFLAGS = $(sim_cppflags)
tests_bench_bench_sim_inside_LDADD = $(scenario_ldadd)
benches += tests/bench/bench-sim-inside
EXTRA_PROGRAMS += tests/bench/bench-vports
tests_bench_bench_vports_CPPFLAGS = $(sim_cppflags)
tests_bench_bench_vports_LDADD = $(scenario_ldadd)
benches += tests/bench/bench-vports
