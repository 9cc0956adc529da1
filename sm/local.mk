# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The subnet manager: libvsm_a_SOURCES, one line per pair of files.

libvsm_a_SOURCES += sm/event.c sm/event.h
libvsm_a_SOURCES += sm/fabric.c sm/fabric.h
libvsm_a_SOURCES += sm/identity.c sm/identity.h
libvsm_a_SOURCES += sm/keep.h sm/machine.h sm/reason.def sm/sm.h
libvsm_a_SOURCES += sm/link-state.c sm/link-state.h
libvsm_a_SOURCES += sm/not-kept.c sm/not-kept.h
