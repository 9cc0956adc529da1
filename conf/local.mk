# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Options and partitions, and what users read about options, made from the table of options.

libvsm_a_SOURCES += conf/additions.c conf/additions.h
libvsm_a_SOURCES += conf/changes.c conf/changes.h
libvsm_a_SOURCES += conf/conf.c conf/conf.h conf/options.def
libvsm_a_SOURCES += conf/conf-file.c
libvsm_a_SOURCES += conf/conf-print.c
libvsm_a_SOURCES += conf/doubts.c conf/doubts.h
libvsm_a_SOURCES += conf/input.c conf/input.h
libvsm_a_SOURCES += conf/partition-compose.c
libvsm_a_SOURCES += conf/partition-index.c conf/partition-index.h
libvsm_a_SOURCES += conf/partition-draft.c conf/partition-draft.h
libvsm_a_SOURCES += conf/partition-flags.c
libvsm_a_SOURCES += conf/partition-parse.c conf/partition-parser.h
libvsm_a_SOURCES += conf/partitions.c conf/partitions.h
libvsm_a_SOURCES += conf/qos-tables.c conf/qos-tables.h
libvsm_a_SOURCES += conf/qos-policy.c conf/qos-policy-parse.c conf/qos-policy.h
libvsm_a_SOURCES += conf/qos-policy-groups.c conf/qos-policy-reader.h conf/qos-policy-ulps.c
libvsm_a_SOURCES += conf/qos-policy-words.c
libvsm_a_SOURCES += conf/setting.c conf/setting.h
libvsm_a_SOURCES += conf/span.h
libvsm_a_SOURCES += conf/value.c conf/value.h
libvsm_a_SOURCES += conf/vf-policy.c conf/vf-policy.h conf/vf-policy-keys.h
libvsm_a_SOURCES += conf/vf-policy-parse.c conf/vf-policy-parse.h

EXTRA_PROGRAMS += conf/gen-doc
conf_gen_doc_SOURCES = conf/gen-doc.c
conf_gen_doc_LDADD = libvsm.a $(LIBCONFIG_LIBS)

check_PROGRAMS += tests/unit/test-additions
check_PROGRAMS += tests/unit/test-conf
check_PROGRAMS += tests/unit/test-doubts
check_PROGRAMS += tests/unit/test-partitions
check_PROGRAMS += tests/unit/test-qos-policy tests/unit/test-qos-tables
check_PROGRAMS += tests/unit/test-vf-policy

doc_DATA += doc/vsm.conf.sample
doc/vsm.conf.sample: conf/gen-doc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc && conf/gen-doc$(EXEEXT) sample > $@.new && mv $@.new $@

man_MANS = doc/vsm.conf.5
EXTRA_DIST += doc/vsm.conf.5.in
doc/vsm.conf.5: doc/vsm.conf.5.in conf/gen-doc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc && conf/gen-doc$(EXEEXT) man $(srcdir)/doc/vsm.conf.5.in > $@.new && \
		mv $@.new $@

CLEANFILES += doc/vsm.conf.5 doc/vsm.conf.5.new
CLEANFILES += conf/gen-doc$(EXEEXT) doc/vsm.conf.sample doc/vsm.conf.sample.new
