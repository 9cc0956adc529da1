# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Graphs in, tables out.

libvsm_a_SOURCES += routing/engine.h
libvsm_a_SOURCES += routing/proof.c
libvsm_a_SOURCES += routing/cycle.c routing/cycle.h
