#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# All tests, on a fresh Debian 12 as well as on a developer's machine: sh tests/check.sh
# Installs what is missing (as root), builds, runs "make check", then the test programs once more
# built with the address and undefined behaviour sanitizers and with warnings as errors.
#
# One line per test, and the last line counts them: "N passed, N failed"; the line before it those
# that cannot run here, if there are any. Exit code 0 if none failed. VSM_FABRICS=DIR adds the
# fabrics in DIR (*.net) to the ibsim tests.

set -u
top=$(cd "$(dirname "$0")/.." && pwd)
build=${VSM_BUILD:-$top/build-check}
passed=0
failed=0
skipped=0

# Adds up the results of the build in $1. That a program exited with a failure is news only if it
# did not say what failed.
count_results() {
	counts=$(find "$1" -name '*.trs' -exec awk '
		FNR == 1 { flush(); log_file = FILENAME; sub(/trs$/, "log", log_file) }
		/^:test-result: (PASS|XFAIL)/ { passed++ }
		/^:test-result: (FAIL|XPASS|ERROR)/ { bad++ }
		/^:test-result: SKIP/ { skipped++ }
		function flush(    line) {
			while (bad > 1 && (getline line < log_file) > 0)
				if (line ~ /^ERROR: .* - exited with status/)
					bad--
			failed += bad
			bad = 0
		}
		END { flush(); print passed + 0, failed + 0, skipped + 0 }' {} +)
	# shellcheck disable=SC2086
	set -- ${counts:-0 0 0}
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

# The whole story of each test program that failed in the build directory $1.
show_failures() {
	find "$1" -name '*.trs' -exec grep -lE '^:test-result: (FAIL|ERROR|XPASS)' {} + |
		while read -r results; do
			printf '\n-- %s\n' "${results%.trs}"
			grep -vE "$lines|^ok " "${results%.trs}.log" | tail -n 60
		done
}

# Builds in the directory $1, configured with $3..., and makes $2 there. What fails without a test
# that says so (it did not compile) counts as one failure.
run_tests() {
	where=$1
	target=$2
	shift 2
	before=$failed

	if VSM_BUILD=$where sh "$top/tests/setup.sh" "$@"; then
		say "make $target in $where"
		find "$where" -name '*.trs' -exec rm -f {} +
		{ make -k -C "$where" -j2 "$target" 2>&1; echo "exit $?"; } |
			tee "$where/check.log" | grep --line-buffered -E "$lines"
		count_results "$where"
		show_failures "$where"
		! tail -n 1 "$where/check.log" | grep -qx 'exit 0' || return 0
		[ "$failed" -eq "$before" ] || return 0
		grep -E -A4 'error:|undefined reference|\*\*\*' "$where/check.log" | head -n 40
	fi
	echo "FAIL: make $target in $where"
	failed=$((failed + 1))
}

say() {
	echo "== $*"
}

lines='^(PASS|FAIL|SKIP|XFAIL|XPASS|ERROR): '
mkdir -p "$build"
exec 8>"$build/check.lock"
flock 8 # two runs would count each other's tests

run_tests "$build" check
run_tests "$build-sanitized" check-programs --enable-sanitizers --enable-werror

say "the logs are in $build and $build-sanitized"
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
