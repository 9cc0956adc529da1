# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The simulated fabric: base/ and OpenSM's <iba/ib_types.h>, nothing else of vsm. A test is two lines:
#	check_PROGRAMS += tests/sim/test-x
#	tests_sim_test_x_CPPFLAGS = $(sim_cppflags)

noinst_LIBRARIES += libsim.a
libsim_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSM_CFLAGS)
libsim_a_SOURCES = tests/sim/packet.h tests/sim/quirks.h tests/sim/agent.h
libsim_a_SOURCES += tests/sim/fabric.c tests/sim/fabric.h
libsim_a_SOURCES += tests/sim/forward.c tests/sim/forward.h
libsim_a_SOURCES += tests/sim/link.c tests/sim/link.h
libsim_a_SOURCES += tests/sim/client.c tests/sim/client.h
libsim_a_SOURCES += tests/sim/faults.c tests/sim/faults.h
libsim_a_SOURCES += tests/sim/sma.c tests/sim/sma.h tests/sim/sma-port.c
libsim_a_SOURCES += tests/sim/sma-vport.c
libsim_a_SOURCES += tests/sim/sma-switch.c tests/sim/sma-routes.c
libsim_a_SOURCES += tests/sim/sma-tables.c tests/sim/sma-lanes.c tests/sim/tables.h
libsim_a_SOURCES += tests/sim/shared-port.c tests/sim/shared-port.h
libsim_a_SOURCES += tests/sim/faults-lies.c tests/sim/faults-timed.c tests/sim/faults-text.c
libsim_a_SOURCES += tests/sim/faults-rules.c
libsim_a_SOURCES += tests/sim/faults-words.c tests/sim/faults-words.h
libsim_a_SOURCES += tests/sim/mkey.c tests/sim/mkey.h
libsim_a_SOURCES += tests/sim/trap.c tests/sim/trap.h
libsim_a_SOURCES += tests/sim/pma.c
libsim_a_SOURCES += tests/sim/vf.c tests/sim/vf.h
libsim_a_SOURCES += tests/sim/virtual-switch.c tests/sim/virtual-switch.h
libsim_a_SOURCES += tests/sim/shared-inside.h
libsim_a_SOURCES += tests/sim/shared-guids.c tests/sim/shared-groups.c
libsim_a_SOURCES += tests/sim/vport.c tests/sim/vport.h
libsim_a_SOURCES += tests/sim/endpoint.c tests/sim/endpoint.h
libsim_a_SOURCES += tests/sim/probe.c tests/sim/probe.h
libsim_a_SOURCES += tests/sim/check.c tests/sim/check.h
libsim_a_SOURCES += tests/sim/check-graph.c tests/sim/check-graph.h
libsim_a_SOURCES += tests/sim/check-routes.c tests/sim/check-credits.c tests/sim/check-multicast.c

sim_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(OPENSM_CFLAGS)
check_PROGRAMS += tests/sim/test-enforcement
tests_sim_test_enforcement_CPPFLAGS = $(sim_cppflags)
check_PROGRAMS += tests/sim/test-directed
tests_sim_test_directed_CPPFLAGS = $(sim_cppflags)
tests_sim_test_directed_SOURCES = tests/sim/test-directed.c tests/sim/line.c tests/sim/line.h

check_PROGRAMS += tests/sim/test-forward
tests_sim_test_forward_CPPFLAGS = $(sim_cppflags)
tests_sim_test_forward_SOURCES = tests/sim/test-forward.c tests/sim/line.c tests/sim/line.h
tests_sim_test_forward_LDFLAGS = -Wl,--wrap=sim_trap_pkey,--wrap=sim_trap_qkey
tests_sim_test_forward_LDFLAGS += -Wl,--wrap=sim_trap_switch_pkey

check_PROGRAMS += tests/sim/test-multicast
tests_sim_test_multicast_CPPFLAGS = $(sim_cppflags)
tests_sim_test_multicast_SOURCES = tests/sim/test-multicast.c tests/sim/line.c tests/sim/line.h

check_PROGRAMS += tests/sim/test-sma
tests_sim_test_sma_SOURCES = tests/sim/test-sma.c tests/sim/test-bench.h
tests_sim_test_sma_CPPFLAGS = $(sim_cppflags)
tests_sim_test_sma_LDFLAGS = -Wl,--wrap=sim_fault_request,--wrap=sim_fault_answer
tests_sim_test_sma_LDFLAGS += -Wl,--wrap=sim_fault_forgets

check_PROGRAMS += tests/sim/test-port-info
tests_sim_test_port_info_CPPFLAGS = $(sim_cppflags)
tests_sim_test_port_info_LDFLAGS = -Wl,--wrap=sim_shared_port_event

check_PROGRAMS += tests/sim/test-mkey
tests_sim_test_mkey_CPPFLAGS = $(sim_cppflags)

check_PROGRAMS += tests/sim/test-trap
tests_sim_test_trap_CPPFLAGS = $(sim_cppflags)
check_PROGRAMS += tests/sim/test-tables
tests_sim_test_tables_CPPFLAGS = $(sim_cppflags)
tests_sim_test_tables_LDFLAGS = -Wl,--wrap=sim_shared_port_event

check_PROGRAMS += tests/sim/test-switch-info
tests_sim_test_switch_info_CPPFLAGS = $(sim_cppflags)

check_PROGRAMS += tests/sim/test-pma
tests_sim_test_pma_CPPFLAGS = $(sim_cppflags)

check_PROGRAMS += tests/sim/test-probe
tests_sim_test_probe_SOURCES = tests/sim/test-probe.c tests/sim/test-tree.h
tests_sim_test_probe_CPPFLAGS = $(sim_cppflags)

check_PROGRAMS += tests/sim/test-check
tests_sim_test_check_SOURCES = tests/sim/test-check.c tests/sim/test-tree.h
tests_sim_test_check_CPPFLAGS = $(sim_cppflags)

check_PROGRAMS += tests/sim/test-faults
tests_sim_test_faults_SOURCES = tests/sim/test-faults.c tests/sim/test-tree.h
tests_sim_test_faults_CPPFLAGS = $(sim_cppflags)

# The server around it.
libsim_a_SOURCES += tests/sim/net-file.c tests/sim/net-file.h
check_PROGRAMS += tests/sim/test-net-file
tests_sim_test_net_file_CPPFLAGS = $(sim_cppflags)
libsim_a_SOURCES += tests/sim/guests.c tests/sim/guests.h tests/sim/linger.h
check_PROGRAMS += tests/sim/test-linger
tests_sim_test_linger_CPPFLAGS = $(sim_cppflags)
tests_sim_test_linger_LDFLAGS = -Wl,--wrap=sched_yield,--wrap=clock_gettime
libsim_a_SOURCES += tests/sim/server.c tests/sim/server.h
libsim_a_SOURCES += tests/sim/stream-server.c tests/sim/stream-server.h
libsim_a_SOURCES += tests/sim/console.c tests/sim/console.h
libsim_a_SOURCES += tests/sim/console-extra.c tests/sim/console-extra.h
libsim_a_SOURCES += tests/sim/session.c tests/sim/tell.c tests/sim/session.h
bin_PROGRAMS += tests/sim/vsm-sim
tests_sim_vsm_sim_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSM_CFLAGS)
tests_sim_vsm_sim_LDADD = libsim.a $(VSM_LIBS)

check_PROGRAMS += tests/sim/test-vport
tests_sim_test_vport_CPPFLAGS = $(sim_cppflags)
tests_sim_test_vport_SOURCES = tests/sim/test-vport.c tests/sim/vf-rig.c tests/sim/vf-rig.h
check_PROGRAMS += tests/sim/test-virtual-switch
tests_sim_test_virtual_switch_CPPFLAGS = $(sim_cppflags)
tests_sim_test_virtual_switch_SOURCES = tests/sim/test-virtual-switch.c tests/sim/vf-rig.c tests/sim/vf-rig.h
check_PROGRAMS += tests/sim/test-shared-port
tests_sim_test_shared_port_CPPFLAGS = $(sim_cppflags)
tests_sim_test_shared_port_SOURCES = tests/sim/test-shared-port.c tests/sim/vf-rig.c tests/sim/vf-rig.h
