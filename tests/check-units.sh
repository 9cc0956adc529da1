#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The unit as systemd sees it: no complaint, and locked up so well that "systemd-analyze security"
# gives an exposure of at most 0.7 of 10 (opensm's is 9.6). The figure is printed.

set -u
build=${top_builddir:-.}
source=${srcdir:-$(dirname "$0")/..}

if ! command -v systemd-analyze >/dev/null; then
	echo "1..0 # SKIP systemd-analyze is not there"
	exit 0
fi

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=0

result() { # number, sentence, what is wrong or nothing
	[ -z "$3" ] || printf '%s\n' "$3" | sed 's/^/# /'
	if [ -z "$3" ]; then
		echo "ok $1 - $2"
	else
		failed=1
		echo "not ok $1 - $2"
	fi
}

# The line that counts, if the exposure of the unit $1 is over 0.7.
too_exposed() {
	systemd-analyze security --offline=true --no-pager --threshold=7 "$1" \
		>"$scratch/security" 2>&1 || tail -n 2 "$scratch/security"
}

# systemd asks for a program that exists: vsm is not installed yet.
sed 's|^ExecStart=[^ ]*|ExecStart=/bin/sh|' "$build/systemd/vsm.service" >"$scratch/vsm.service"

complaints() { # unit
	systemd-analyze verify --man=no "$1" 2>&1 | grep -F vsm.service
}

mkdir -p "$scratch/weak" "$scratch/misspelt" "$scratch/root/etc"
grep -v '^Capability\|^Protect\|^User' "$scratch/vsm.service" >"$scratch/weak/vsm.service"
sed 's/^PrivateTmp/PrivatTmp/' "$scratch/vsm.service" >"$scratch/misspelt/vsm.service"

echo 1..4
result 1 "systemd-analyze finds the unit exposed by at most 0.7" \
	"$(too_exposed "$scratch/vsm.service")"
sed -n 's/.*\(Overall exposure level.*[0-9]\).*/# \1/p' "$scratch/security"
result 2 "systemd-analyze has no complaint about the unit" "$(complaints "$scratch/vsm.service")"
result 3 "a weaker unit and a misspelt one would be noticed" "$(
	[ -n "$(too_exposed "$scratch/weak/vsm.service")" ] || echo "the weaker one was not"
	[ -n "$(complaints "$scratch/misspelt/vsm.service")" ] || echo "the misspelt one was not")"
result 4 "systemd-sysusers makes the user vsm and the group vsm-admin" "$(
	systemd-sysusers --root="$scratch/root" - <"$source/systemd/vsm.sysusers" 2>&1 |
		grep -v '^Creating'
	grep -q '^vsm:.*:/var/lib/vsm:' "$scratch/root/etc/passwd" || echo "no user vsm"
	grep -q '^vsm-admin:' "$scratch/root/etc/group" || echo "no group vsm-admin")"
exit $failed
