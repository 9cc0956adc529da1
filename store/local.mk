# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What survives a restart: libvsm_a_SOURCES, one line per pair of files.

libvsm_a_SOURCES += store/batch.c store/batch.h
libvsm_a_SOURCES += store/database.c store/database.h
libvsm_a_SOURCES += store/database-inside.h
libvsm_a_SOURCES += store/guid2lid.c store/guid2lid.h
libvsm_a_SOURCES += store/keeper.c
libvsm_a_SOURCES += store/rows.c
libvsm_a_SOURCES += store/state-dir.c store/state-dir.h
libvsm_a_SOURCES += store/store.c store/store.h store/store-inside.h
libvsm_a_SOURCES += store/to-row.c store/to-row.h
libvsm_a_SOURCES += store/writer.c store/writer.h
