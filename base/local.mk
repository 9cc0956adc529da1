# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Knows no InfiniBand and no systemd.

libvsm_a_SOURCES += base/array.c base/array.h
libvsm_a_SOURCES += base/file.c base/file.h
libvsm_a_SOURCES += base/forest.h
libvsm_a_SOURCES += base/guid-map.c base/guid-map.h
libvsm_a_SOURCES += base/list.h
libvsm_a_SOURCES += base/log.c base/log.h
libvsm_a_SOURCES += base/loop.h
libvsm_a_SOURCES += base/macros.h
libvsm_a_SOURCES += base/timer-queue.c base/timer-queue.h
libvsm_a_SOURCES += base/wheel.c base/wheel.h
libvsm_a_SOURCES += base/xoshiro.h
