#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# sh tests/cmocka-tap.sh PROGRAM [ARGUMENT...]: runs a test program and puts its TAP right.
#
# Of a test that called skip(), cmocka 1.1.5 prints "not ok 7 # SKIP name", which is a failure in
# TAP, and counts it as none in its exit code. It becomes "ok 7 - name # SKIP". All else, the exit
# code too, stays as it is.

set -u

# Descriptor 4 is our output, 3 carries the exit code past sed. The program has neither.
exec 4>&1
code=$({
	{
		"$@" 3>&- 4>&-
		echo $? >&3
	} | sed -u 's/^not ok \([0-9]*\) # SKIP \(.*\)/ok \1 - \2 # SKIP/' >&4 3>&-
} 3>&1)
exit "$code"
