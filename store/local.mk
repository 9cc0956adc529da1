# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What survives a restart: libvsm_a_SOURCES, one line per pair of files.
