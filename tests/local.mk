# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Unit tests: the source of tests/unit/test-x is tests/unit/test-x.c. Makefile.am tells the rest.

check_PROGRAMS += tests/unit/test-base

# Two loops, one list of promises. Whoever is linked with libtest.a has the one on virtual time.
libtest_a_SOURCES += tests/unit/loop-virtual.c tests/unit/loop-virtual.h
check_PROGRAMS += tests/unit/test-loop tests/unit/test-loop-virtual
tests_unit_test_loop_SOURCES = tests/unit/test-loop.c \
	tests/unit/loop-promises.c tests/unit/loop-promises.h \
	tests/unit/manager.c tests/unit/manager.h
tests_unit_test_loop_LDADD = $(VSM_LIBS) $(CMOCKA_LIBS)
tests_unit_test_loop_virtual_SOURCES = tests/unit/test-loop-virtual.c \
	tests/unit/loop-promises.c tests/unit/loop-promises.h

libtest_a_SOURCES += tests/unit/agents.c tests/unit/agents.h
check_PROGRAMS += tests/unit/test-request

libtest_a_SOURCES += tests/unit/manager.c tests/unit/manager.h
check_PROGRAMS += tests/unit/test-systemd

# The control socket over a subnet manager that does nothing, on a loop with descriptors.
check_PROGRAMS += tests/unit/test-control
tests_unit_test_control_SOURCES = tests/unit/test-control.c \
	tests/unit/fake-sm.c tests/unit/fake-sm.h tests/unit/loop-poll.c tests/unit/loop-poll.h
check_PROGRAMS += tests/unit/test-control-vf
tests_unit_test_control_vf_SOURCES = tests/unit/test-control-vf.c \
	tests/unit/fake-sm.c tests/unit/fake-sm.h tests/unit/loop-poll.c tests/unit/loop-poll.h
check_PROGRAMS += tests/unit/test-vsmctl
tests_unit_test_vsmctl_SOURCES = tests/unit/test-vsmctl.c \
	tests/unit/fake-sm.c tests/unit/fake-sm.h tests/unit/loop-poll.c tests/unit/loop-poll.h
EXTRA_DIST += tests/unit/vsmctl-says
check_PROGRAMS += tests/unit/test-dump
tests_unit_test_dump_SOURCES = tests/unit/test-dump.c \
	tests/unit/fake-sm.c tests/unit/fake-sm.h tests/unit/loop-poll.c tests/unit/loop-poll.h
EXTRA_DIST += tests/unit/dump-says
check_PROGRAMS += tests/unit/test-dumper
tests_unit_test_dumper_SOURCES = tests/unit/test-dumper.c tests/unit/fake-sm.c tests/unit/fake-sm.h

# Other readings of the same bytes, which see the headers that only mad/ sees.
check_PROGRAMS += tests/oracle/test-wire
tests_oracle_test_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(OPENSM_CFLAGS)

# ---- benches ------------------------------------------------------------------------------------
EXTRA_PROGRAMS += tests/bench/bench-routing
benches += tests/bench/bench-routing
tests_bench_bench_routing_SOURCES = tests/bench/bench-routing.c \
	tests/bench/quality.c tests/bench/quality.h

# vsm and opensm side by side, and the floor under both.
benches += tests/bench/bench.py
EXTRA_PROGRAMS += tests/bench/replay
tests_bench_replay_SOURCES = tests/bench/replay.c tests/bench/recorded-smp.h
tests_bench_replay_LDADD = $(UMAD_LIBS)
bench: tests/bench/replay$(EXEEXT) tests/bench/count-smps.so
EXTRA_DIST += tests/bench/bench.py tests/bench/rivals.py
# The same two on vsm-sim, whose agents take their time, whose cables lose packets, and whose tables
# are judged.
benches += tests/bench/bench-agents.py tests/bench/bench-loss.py tests/bench/bench-tables.py
benches += tests/bench/bench-sa.py
EXTRA_PROGRAMS += tests/bench/judge
tests_bench_judge_SOURCES = tests/bench/judge.c tests/bench/quality.c tests/bench/quality.h
bench: tests/bench/judge$(EXEEXT)
EXTRA_DIST += tests/bench/bench-agents.py tests/bench/bench-loss.py tests/bench/bench-tables.py
EXTRA_DIST += tests/bench/bench-sa.py
# vsm-sim and ibsim side by side.
benches += tests/bench/bench-sim.py
EXTRA_PROGRAMS += tests/bench/smp-rate
tests_bench_smp_rate_SOURCES = tests/bench/smp-rate.c
tests_bench_smp_rate_LDADD = $(UMAD_LIBS)
bench: tests/bench/smp-rate$(EXEEXT)
EXTRA_DIST += tests/bench/bench-sim.py
CLEANFILES += tests/bench/bench.json tests/bench/bench-agents.json tests/bench/bench-loss.json \
	tests/bench/bench-tables.json tests/bench/bench-sa.json

# ---- store: a scratch directory and what the log said ------------------------------------------
store_fixture = tests/unit/store-fixture.c tests/unit/store-fixture.h
check_PROGRAMS += tests/unit/test-guid2lid tests/unit/test-store
tests_unit_test_store_SOURCES = tests/unit/test-store.c $(store_fixture)
check_PROGRAMS += tests/unit/test-store-faults
tests_unit_test_store_faults_SOURCES = tests/unit/test-store-faults.c \
	tests/unit/bad-disk.c tests/unit/bad-disk.h $(store_fixture)
# On the real loop, so without libtest.a.
check_PROGRAMS += tests/unit/test-store-kill
tests_unit_test_store_kill_SOURCES = tests/unit/test-store-kill.c $(store_fixture)
tests_unit_test_store_kill_LDADD = $(VSM_LIBS) $(CMOCKA_LIBS)

# ---- helpers of several tests -------------------------------------------------------------------
libtest_a_SOURCES += tests/common/graphs.c tests/common/graphs.h tests/common/graphs-inside.h
libtest_a_SOURCES += tests/common/graph-lids.c tests/common/graph-shapes.c
libtest_a_SOURCES += tests/common/net-file.c
libtest_a_SOURCES += tests/common/plain-tables.c tests/common/plain-tables.h
check_PROGRAMS += tests/unit/test-graphs tests/unit/test-proof
check_PROGRAMS += tests/unit/test-engines tests/unit/test-transition tests/unit/test-lanes
check_PROGRAMS += tests/unit/test-nominal tests/unit/test-blocks tests/unit/test-again
check_PROGRAMS += tests/unit/test-spread tests/unit/test-trees
check_PROGRAMS += tests/unit/test-lanes-again
tests_unit_test_lanes_again_LDFLAGS = -Wl,--wrap=patch_add,--wrap=past_take_lanes
tests_unit_test_again_LDFLAGS = -Wl,--wrap=patch_add,--wrap=filler_new

libtest_a_SOURCES += tests/common/small-fabric.c tests/common/small-fabric.h
check_PROGRAMS += tests/unit/test-sa tests/unit/test-gather
check_PROGRAMS += tests/unit/test-sa-path tests/unit/test-outstanding tests/unit/test-sa-match
check_PROGRAMS += tests/unit/test-sa-path-match tests/unit/test-sa-trace
check_PROGRAMS += tests/unit/test-sa-independent tests/unit/test-sa-mask
tests_unit_test_sa_mask_SOURCES = tests/unit/test-sa-mask.c tests/unit/sa-ask.h
tests_unit_test_sa_independent_SOURCES = tests/unit/test-sa-independent.c tests/unit/sa-ask.h
tests_unit_test_sa_trace_SOURCES = tests/unit/test-sa-trace.c tests/unit/sa-ask.h
tests_unit_test_sa_path_match_SOURCES = tests/unit/test-sa-path-match.c tests/unit/sa-ask.h
check_PROGRAMS += tests/unit/test-sa-member-match tests/unit/test-sa-multi-match
tests_unit_test_sa_member_match_SOURCES = tests/unit/test-sa-member-match.c tests/unit/sa-ask.h
tests_unit_test_sa_multi_match_SOURCES = tests/unit/test-sa-multi-match.c tests/unit/sa-ask.h
tests_unit_test_sa_match_SOURCES = tests/unit/test-sa-match.c tests/unit/sa-ask.h
check_PROGRAMS += tests/unit/test-sa-guid tests/unit/test-sa-path-vf tests/unit/test-sa-qos
tests_unit_test_sa_qos_SOURCES = tests/unit/test-sa-qos.c tests/unit/sa-ask.h
tests_unit_test_sa_guid_SOURCES = tests/unit/test-sa-guid.c tests/unit/sa-ask.h
tests_unit_test_sa_path_vf_SOURCES = tests/unit/test-sa-path-vf.c tests/unit/sa-ask.h
tests_unit_test_sa_SOURCES = tests/unit/test-sa.c tests/unit/sa-ask.h
check_PROGRAMS += tests/unit/test-sa-service
tests_unit_test_sa_service_SOURCES = tests/unit/test-sa-service.c tests/unit/sa-ask.h
check_PROGRAMS += tests/unit/test-sa-inform
tests_unit_test_sa_inform_SOURCES = tests/unit/test-sa-inform.c tests/unit/sa-ask.h
tests_unit_test_sa_path_SOURCES = tests/unit/test-sa-path.c tests/unit/sa-ask.h

check_PROGRAMS += tests/unit/test-loss tests/unit/test-pace tests/unit/test-damping

# ---- the subnet manager, part by part ------------------------------------------------------------
check_PROGRAMS += tests/unit/test-fabric
check_PROGRAMS += tests/unit/test-vf tests/unit/test-vswitch
tests_unit_test_vf_LDFLAGS = -Wl,--wrap=calloc
check_PROGRAMS += tests/unit/test-reservations
check_PROGRAMS += tests/unit/test-alias-book
check_PROGRAMS += tests/unit/test-identity
check_PROGRAMS += tests/unit/test-link-state
check_PROGRAMS += tests/unit/test-progress
check_PROGRAMS += tests/unit/test-not-kept

# And the whole of it, over a few devices on virtual time.
libtest_a_SOURCES += tests/unit/fake-fabric.c tests/unit/fake-fabric.h tests/unit/fake-keeper.c
libtest_a_SOURCES += tests/unit/world.c tests/unit/world.h
check_PROGRAMS += tests/unit/test-sm
check_PROGRAMS += tests/unit/test-sm-election tests/unit/test-sm-trap tests/unit/test-sm-story
check_PROGRAMS += tests/unit/test-sm-lid tests/unit/test-sm-link
check_PROGRAMS += tests/unit/test-sm-routes tests/unit/test-sm-by-lid
tests_unit_test_sm_routes_LDFLAGS = -Wl,--wrap=routes_add_vports
check_PROGRAMS += tests/unit/test-sm-mkey tests/unit/test-sm-name tests/unit/test-sm-partition
check_PROGRAMS += tests/unit/test-sm-fault tests/unit/test-sm-sweep tests/unit/test-sm-away
check_PROGRAMS += tests/unit/test-sm-log tests/unit/test-sm-fdr10
check_PROGRAMS += tests/unit/test-sm-reserve tests/unit/test-sm-port-states
check_PROGRAMS += tests/unit/test-sm-twin
check_PROGRAMS += tests/unit/test-fair tests/unit/test-held
check_PROGRAMS += tests/unit/test-sm-restart tests/unit/test-sm-reload

# ---- the umad preload ---------------------------------------------------------------------------
# Like count-smps.so it is no part of vsm and not built as the rest of it is. What has no descriptor
# and no clock in it is also an archive, for tests.
kmad_sources = tests/umad/kmad.c tests/umad/kmad.h tests/umad/wire.h \
	tests/umad/agent.c tests/umad/file.c tests/umad/file.h tests/umad/smi.c tests/umad/smi.h \
	tests/umad/rmpp-send.c tests/umad/rmpp-receive.c
preload_sources = $(kmad_sources) base/timer-queue.c base/timer-queue.h base/list.h base/macros.h \
	tests/sim/stream.h tests/sim/linger.h tests/umad/link.c tests/umad/link.h \
	tests/umad/link-stream.c tests/umad/link-datagram.c \
	tests/umad/device.c tests/umad/device.h tests/umad/device-inside.h \
	tests/umad/device-ask.c tests/umad/open-file.c tests/umad/sysfs.c tests/umad/sysfs.h \
	tests/umad/interpose.c tests/umad/interpose.h tests/umad/real.h
umaddir = $(pkglibdir)
umad_DATA = libvsm-umad.so
CLEANFILES += libvsm-umad.so vsm-run
EXTRA_DIST += $(preload_sources) tests/umad/vsm-run.in
libvsm-umad.so: $(preload_sources)
	$(AM_V_CCLD)$(CC) -D_GNU_SOURCE -U_FORTIFY_SOURCE -I$(top_srcdir) $(CPPFLAGS) $(CFLAGS) \
		-Wall -Wextra -std=gnu11 -pthread -fno-strict-aliasing -fexceptions -fvisibility=hidden -fPIC \
		-shared -Wl,-z,relro,-z,now -o $@ $(filter %.c,$^)
bin_SCRIPTS = vsm-run
vsm-run: tests/umad/vsm-run.in Makefile
	$(AM_V_GEN)sed 's|@pkglibdir[@]|$(pkglibdir)|g; s|@PACKAGE_VERSION[@]|$(PACKAGE_VERSION)|' $(srcdir)/tests/umad/vsm-run.in >$@.new && \
		chmod +x $@.new && mv $@.new $@

check_LIBRARIES += libkmad.a
libkmad_a_SOURCES = $(kmad_sources)
umad_fixture = tests/unit/umad-fixture.c tests/unit/umad-fixture.h
check_PROGRAMS += tests/unit/test-umad-agent tests/unit/test-umad-file
check_PROGRAMS += tests/unit/test-umad-mad tests/unit/test-umad-rmpp
check_PROGRAMS += tests/unit/test-umad-stream
tests_unit_test_umad_stream_SOURCES = tests/unit/test-umad-stream.c tests/sim/stream.h \
	tests/umad/link.c tests/umad/link.h tests/umad/link-stream.c tests/umad/link-datagram.c
tests_unit_test_umad_agent_SOURCES = tests/unit/test-umad-agent.c $(umad_fixture)
tests_unit_test_umad_agent_LDADD = libkmad.a $(LDADD)
tests_unit_test_umad_file_SOURCES = tests/unit/test-umad-file.c $(umad_fixture)
tests_unit_test_umad_file_LDADD = libkmad.a $(LDADD)
tests_unit_test_umad_mad_SOURCES = tests/unit/test-umad-mad.c $(umad_fixture)
tests_unit_test_umad_mad_LDADD = libkmad.a $(LDADD)
tests_unit_test_umad_rmpp_SOURCES = tests/unit/test-umad-rmpp.c $(umad_fixture)
tests_unit_test_umad_rmpp_LDADD = libkmad.a $(LDADD)

# ---- scripts ------------------------------------------------------------------------------------
dist_check_SCRIPTS += tests/check-layers.sh
dist_check_SCRIPTS += tests/check-symbols.sh
dist_check_SCRIPTS += tests/check-pages.py
dist_check_SCRIPTS += tests/check-units.sh

# ---- the real daemon on stock ibsim -------------------------------------------------------------
dist_check_SCRIPTS += tests/ibsim/run.py tests/ibsim/run-on-vsm-sim.sh
# One after the other: each keeps both processors busy.
tests/ibsim/run-on-vsm-sim.log: tests/ibsim/run.log
EXTRA_DIST += tests/ibsim/lib.py tests/ibsim/fabrics.py tests/ibsim/checks.py tests/ibsim/suite.py
EXTRA_DIST += tests/demo.sh
EXTRA_DIST += tests/ibsim/test_up.py tests/ibsim/test_faults.py tests/ibsim/test_kills.py
EXTRA_DIST += tests/ibsim/test_input.py
EXTRA_DIST += tests/ibsim/test_peers.py tests/ibsim/test_sim.py tests/ibsim/test_vports.py
EXTRA_DIST += tests/ibsim/test_vf.py tests/ibsim/test_reserve.py tests/ibsim/test_alias.py tests/ibsim/test_sa.py tests/ibsim/test_saquery.py tests/ibsim/test_multicast.py
EXTRA_DIST += tests/ibsim/test_registrations.py
EXTRA_DIST += tests/ibsim/test_vf_rules.py tests/ibsim/test_tools.py tests/ibsim/test_reload.py
EXTRA_DIST += tests/ibsim/test_qos.py
EXTRA_DIST += tests/ibsim/test_umad.py tests/umad/client.py tests/umad/bridge.py

# A preload: no part of vsm, so not built as the rest of it is (sanitizers).
check_DATA = tests/bench/count-smps.so
EXTRA_DIST += tests/bench/count-smps.c
CLEANFILES += tests/bench/count-smps.so
tests/bench/count-smps.so: tests/bench/count-smps.c tests/bench/recorded-smp.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(CC) -D_GNU_SOURCE -I$(top_srcdir) $(UMAD_CFLAGS) $(CPPFLAGS) $(CFLAGS) \
		-Wall -Wextra -std=gnu11 -pthread -fPIC -shared -o $@ $(srcdir)/tests/bench/count-smps.c

# ---- fuzz targets: three lines each -------------------------------------------------------------
#	fuzz_programs += tests/fuzz/fuzz-x
#	tests_fuzz_fuzz_x_LDADD = $(fuzz_ldadd)
#	EXTRA_DIST += tests/fuzz/fuzz-x.in		(a folder of inputs, past crashes among them)
# Linked with libFuzzer they explore ("make fuzz"), linked with replay.c they are tests.
fuzz_programs =

fuzz_programs += tests/fuzz/fuzz-answer
tests_fuzz_fuzz_answer_LDADD = libtest.a $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-answer.in

fuzz_programs += tests/fuzz/fuzz-conf
tests_fuzz_fuzz_conf_LDADD = $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-conf.in

fuzz_programs += tests/fuzz/fuzz-guid2lid
tests_fuzz_fuzz_guid2lid_LDADD = $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-guid2lid.in

fuzz_programs += tests/fuzz/fuzz-partitions
tests_fuzz_fuzz_partitions_LDADD = $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-partitions.in

fuzz_programs += tests/fuzz/fuzz-qos-policy
tests_fuzz_fuzz_qos_policy_LDADD = $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-qos-policy.in

fuzz_programs += tests/fuzz/fuzz-sa
tests_fuzz_fuzz_sa_SOURCES = tests/fuzz/fuzz-sa.c tests/common/small-fabric.c
tests_fuzz_fuzz_sa_LDADD = $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-sa.in

fuzz_programs += tests/fuzz/fuzz-control
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz-control.c \
	tests/unit/fake-sm.c tests/unit/fake-sm.h tests/unit/loop-poll.c tests/unit/loop-poll.h
tests_fuzz_fuzz_control_LDADD = $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-control.in

fuzz_programs += tests/fuzz/fuzz-umad
tests_fuzz_fuzz_umad_SOURCES = tests/fuzz/fuzz-umad.c $(umad_fixture) $(kmad_sources)
tests_fuzz_fuzz_umad_LDADD = $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-umad.in
fuzz_programs += tests/fuzz/fuzz-net-file
tests_fuzz_fuzz_net_file_SOURCES = tests/fuzz/fuzz-net-file.c
tests_fuzz_fuzz_net_file_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSM_CFLAGS)
tests_fuzz_fuzz_net_file_LDADD = libtest.a libsim.a $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-net-file.in
fuzz_programs += tests/fuzz/fuzz-sim-packet
tests_fuzz_fuzz_sim_packet_SOURCES = tests/fuzz/fuzz-sim-packet.c
tests_fuzz_fuzz_sim_packet_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSM_CFLAGS)
tests_fuzz_fuzz_sim_packet_LDADD = libtest.a libsim.a $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-sim-packet.in
fuzz_programs += tests/fuzz/fuzz-vport
tests_fuzz_fuzz_vport_SOURCES = tests/fuzz/fuzz-vport.c
tests_fuzz_fuzz_vport_CPPFLAGS = $(sim_cppflags)
tests_fuzz_fuzz_vport_LDADD = libscenario.a libtest.a libsim.a $(fuzz_ldadd)
EXTRA_DIST += tests/fuzz/fuzz-vport.in
fuzz_programs += tests/fuzz/fuzz-groups
tests_fuzz_fuzz_groups_SOURCES = tests/fuzz/fuzz-groups.c
tests_fuzz_fuzz_groups_CPPFLAGS = $(sim_cppflags)
tests_fuzz_fuzz_groups_LDADD = libscenario.a libtest.a libsim.a $(fuzz_ldadd) $(CMOCKA_LIBS)
EXTRA_DIST += tests/fuzz/fuzz-groups.in

if FUZZERS
fuzz_ldadd = $(VSM_LIBS) $(FUZZ_LDFLAGS)
noinst_PROGRAMS = $(fuzz_programs)
else
fuzz_ldadd = libreplay.a $(VSM_LIBS)
check_LIBRARIES += libreplay.a
libreplay_a_SOURCES = tests/fuzz/replay.c
check_PROGRAMS += $(fuzz_programs)
endif
