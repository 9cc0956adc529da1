#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The tests of vsm on ibsim, unchanged, on our own simulator: where both agree that vsm does right,
# neither's oddities have made it so.

VSM_TEST_SIM=vsm-sim exec python3 "${srcdir:-.}/tests/ibsim/run.py" --vsm "$@"
