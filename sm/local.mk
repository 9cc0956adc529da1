# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The subnet manager: libvsm_a_SOURCES, one line per pair of files.
