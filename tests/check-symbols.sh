#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the linker sees of us. A function of ours that has the name of one in a library is called by
# that library instead of its own, without a word from anybody: hence no name may collide. And a
# room that promises to have no clock, thread, socket or randomness of its own may not ask for one.
# Then it tries itself on an archive that does wrong.

set -u
build=${top_builddir:-.}
cc=${CC:-cc}
libraries='libibumad libibmad libconfig libsqlite3 libjansson libsystemd libc libm'

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

# "name library" for all that the libraries export.
exports() {
	for library in $libraries; do
		file=$($cc -print-file-name="$library.so")
		[ "$library" != libc ] || file=$($cc -print-file-name=libc.so.6)
		[ "$library" != libm ] || file=$($cc -print-file-name=libm.so.6)
		nm -D --defined-only "$file" |
			awk -v library="$library" '$2 ~ /^[A-Zu]$/ && $2 != "A" \
				{ sub(/@.*/, "", $3); print $3, library }'
	done | sort -u
}

collisions() { # archive
	nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u |
		join - "$scratch/exports" | sed 's/\(.*\) \(.*\)/\1 is also a symbol of \2/'
}

# Prefixes that libraries we load, or are likely to be loaded with, have for themselves.
taken_prefixes() { # archive
	nm -g --defined-only "$1" 2>/dev/null |
		awk 'NF == 3 && $3 ~ /^(mad|umad|smp|sa|ib|osm|cl|config|sd|sqlite3|json)_/ \
			{ print $3 " has a prefix that belongs to a library" }'
}

# Clock, thread, socket, randomness, and asking the environment: base/loop.h is there for them.
impure='clock_gettime|gettimeofday|time|sleep|usleep|nanosleep|pthread_create|socket|connect|poll'
impure="$impure|epoll_wait|select|random|rand|srandom|getrandom|arc4random|getenv|open|fopen|exit|abort"

impurities() { # objects
	nm -u -A "$@" 2>/dev/null | awk -v impure="^($impure)\$" '
		{ name = $NF; sub(/@.*/, "", name) }
		name ~ impure { sub(/:.*/, "", $1); print $1 " uses " name "()" }'
}

# Variables that can be written. base/log.c has its level and its sink.
writables() { # objects
	objdump -t "$@" 2>/dev/null | awk '
		/file format/ { file = $1; sub(/:$/, "", file) }
		/ O / && $0 ~ / O \.(bss|data|data\.rel|data\.rel\.local|tbss|tdata)\t/ &&
			$NF !~ /^(__asan|__odr_asan|__ubsan|__gcov|\.L|__sancov)/ {
			print file ": " $NF " can be written"
		}'
}

pure_objects() {
	find "$build/sm" "$build/routing" "$build/mad" -name '*.o' ! -name '*transport-umad.o' \
		2>/dev/null | sort
}

# A sanitizer or gcov adds variables and calls of its own; what it says is not about us.
instrumented=no
if nm "$build/libvsm.a" 2>/dev/null | grep -qE '__(asan|ubsan|gcov|sanitizer)_'; then
	instrumented=yes
fi

exports >"$scratch/exports"
echo 1..6
result 1 "the libraries' symbols are known" \
	"$(for library in $libraries; do
		grep -q " $library\$" "$scratch/exports" || echo "$library has none"
	done)"
result 2 "no symbol of ours is a symbol of a library" "$(collisions "$build/libvsm.a")"
result 3 "no symbol of ours has a prefix of a library" "$(taken_prefixes "$build/libvsm.a")"

if [ $instrumented = yes ]; then
	echo "ok 4 # SKIP instrumented build"
	echo "ok 5 # SKIP instrumented build"
else
	objects=$(pure_objects)
	# shellcheck disable=SC2086
	result 4 "sm, routing and mad have no clock, thread, socket or randomness of their own" \
		"$([ -z "$objects" ] || impurities $objects)"
	# shellcheck disable=SC2086
	result 5 "nothing but the log has variables that can be written" \
		"$([ -z "$objects" ] || writables $objects)"
fi

cat >"$scratch/wrong.c" <<'END'
#include <time.h>
int mad_send(void);
int mad_send(void)
{
	static int calls;
	return ++calls + (int)time(0);
}
const char *json_object(void);
const char *json_object(void)
{
	return "";
}
int sleep(void);
int sleep(void)
{
	return 0;
}
END
$cc -O2 -w -fno-builtin -c -o "$scratch/wrong.o" "$scratch/wrong.c"
ar cr "$scratch/wrong.a" "$scratch/wrong.o"
result 6 "what is forbidden is noticed" "$({
	collisions "$scratch/wrong.a" | grep -q '^json_object.*libjansson' || echo "json_object"
	collisions "$scratch/wrong.a" | grep -q '^sleep.*libc' || echo "sleep"
	taken_prefixes "$scratch/wrong.a" | grep -q '^mad_send ' || echo "mad_send"
	impurities "$scratch/wrong.o" | grep -q 'uses time()' || echo "time()"
	writables "$scratch/wrong.o" | grep -q 'calls' || echo "calls"
} | sed 's/$/ was not noticed/')"
exit $failed
