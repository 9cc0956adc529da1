# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The wire. The only room with <iba/...> and <infiniband/...>: hence libmad_a_SOURCES.
# libmad_a_SOURCES += one line per pair of files
