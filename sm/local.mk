# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The subnet manager: libvsm_a_SOURCES, one line per pair of files.

libvsm_a_SOURCES += sm/discover.c
libvsm_a_SOURCES += sm/election.c
libvsm_a_SOURCES += sm/event.c sm/event.h
libvsm_a_SOURCES += sm/fabric.c sm/fabric.h
libvsm_a_SOURCES += sm/fault.c
libvsm_a_SOURCES += sm/fdr10.c
libvsm_a_SOURCES += sm/identity.c sm/identity.h
libvsm_a_SOURCES += sm/keep.h sm/machine.h sm/reason.def sm/sm.h
libvsm_a_SOURCES += sm/lids.c
libvsm_a_SOURCES += sm/link-state.c sm/link-state.h
libvsm_a_SOURCES += sm/memory.c
libvsm_a_SOURCES += sm/mkey.c
libvsm_a_SOURCES += sm/names.c
libvsm_a_SOURCES += sm/not-kept.c sm/not-kept.h
libvsm_a_SOURCES += sm/pkeys.c
libvsm_a_SOURCES += sm/reasons.c
libvsm_a_SOURCES += sm/routes.c
libvsm_a_SOURCES += sm/settings.c
libvsm_a_SOURCES += sm/sm.c
libvsm_a_SOURCES += sm/tables.c
libvsm_a_SOURCES += sm/trap.c
libvsm_a_SOURCES += sm/vf.c sm/vf.h
libvsm_a_SOURCES += sm/vport.c
libvsm_a_SOURCES += sm/vswitch.c sm/vswitch.h
libvsm_a_SOURCES += sm/work.c
libvsm_a_SOURCES += sm/sa/admin.c sm/sa/admin.h sm/sa/attribute.h
libvsm_a_SOURCES += sm/sa/class-info.c
libvsm_a_SOURCES += sm/sa/keys.c sm/sa/keys.h
libvsm_a_SOURCES += sm/sa/node-record.c
libvsm_a_SOURCES += sm/sa/path-record.c
libvsm_a_SOURCES += sm/sa/path-walk.c sm/sa/path-walk.h
libvsm_a_SOURCES += sm/sa/port-record.c
libvsm_a_SOURCES += sm/sa/rate.c sm/sa/rate.h
libvsm_a_SOURCES += sm/sa/sm-record.c
