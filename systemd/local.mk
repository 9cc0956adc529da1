# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The daemon's surroundings: the loop, the journal, the units, and vsm.c with main().
