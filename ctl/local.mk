# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The control socket (libvsm_a_SOURCES) and vsmctl, its client.
