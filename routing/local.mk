# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Graphs in, tables out.

libvsm_a_SOURCES += routing/engine.h
libvsm_a_SOURCES += routing/proof.c routing/planes.h
libvsm_a_SOURCES += routing/cycle.c routing/cycle.h routing/turns.c routing/turns.h
libvsm_a_SOURCES += routing/forced.c
libvsm_a_SOURCES += routing/admission.c routing/admission.h
libvsm_a_SOURCES += routing/transition.c routing/transition.h
libvsm_a_SOURCES += routing/transition-rounds.c routing/change.h
libvsm_a_SOURCES += routing/trees.c routing/trees.h routing/trees-ways.c routing/trees-ways.h
libvsm_a_SOURCES += routing/trees-grow.c routing/room.c routing/room.h
libvsm_a_SOURCES += routing/rank.c routing/rank.h routing/apex.c
libvsm_a_SOURCES += routing/number.c routing/number.h routing/fan.c routing/fan.h
libvsm_a_SOURCES += routing/nominal.c routing/nominal.h
libvsm_a_SOURCES += routing/layout.c routing/layout.h
libvsm_a_SOURCES += routing/hops.c routing/hops.h routing/spread.c routing/spread.h
libvsm_a_SOURCES += routing/spread-row.c routing/spread-row.h
libvsm_a_SOURCES += routing/pages.c routing/pages.h
libvsm_a_SOURCES += routing/minhop.c routing/updn.c routing/auto.c
libvsm_a_SOURCES += routing/lanes.c routing/lanes-again.c routing/lanes-proof.c
libvsm_a_SOURCES += routing/weave.c routing/weave-assign.c
libvsm_a_SOURCES += routing/weave-repair.c routing/weave.h
libvsm_a_SOURCES += routing/product.c routing/product-sides.c routing/product.h
libvsm_a_SOURCES += routing/patch.c routing/patch.h routing/past.c routing/past.h
libvsm_a_SOURCES += routing/again.c routing/again-distances.c routing/again-rows.c
libvsm_a_SOURCES += routing/again.h
libvsm_a_SOURCES += routing/again-proof.c
