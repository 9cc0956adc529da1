# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The subnet manager: libvsm_a_SOURCES, one line per pair of files.

libvsm_a_SOURCES += sm/event.h sm/keep.h sm/reason.def sm/sm.h
libvsm_a_SOURCES += sm/fabric.h
