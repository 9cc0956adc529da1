#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Fails on an include that the picture of the rooms does not have (doc/architecture.md). The two
# tables below are the picture; an exception is a line in them, with its reason. Then it tries
# itself: each wrong include that it must notice is put into a tree of one file. Last, files that no
# local.mk lists, those that the page about it does not name, and those that are spoken of and are
# not there.
#
# shellcheck disable=SC2086 # $places is meant to be split

set -u
tree=${srcdir:-$(dirname "$0")/..}

# Room (or one file): the rooms whose headers it may include besides its own.
rooms='
base
mad               base
routing           base
conf              base
sm                mad routing conf base
store             sm base
ctl               sm conf base
systemd           base
systemd/vsm.c     ctl store sm conf mad routing base
systemd/options.c conf base
systemd/options.h conf base
tests             ctl store sm conf mad routing base systemd
tests/sim         base tests/unit/loop-virtual.h
tests/sim/vsm-sim.c base systemd
tests/umad        tests/umad tests/sim/stream.h tests/sim/linger.h base
'

# The preload (tests/umad) is a stranger to all of vsm: it only shares the stream with the simulator.
# systemd/vsm.c is main(), and sees everything; systemd/options.[ch] read its command line into the
# configuration.

# Header, the longest prefix counts: the only places that may include it.
libraries='
infiniband/             mad tests/oracle
infiniband/umad         mad/transport-umad.c tests/bench tests/sim
iba/                    mad tests/oracle tests/sim tests/scenario
complib/                mad tests/oracle tests/sim
opensm/
systemd/                systemd
sqlite3.h               store tests/unit
libconfig.h             conf
jansson.h               ctl tests/unit
cmocka.h                tests
'
# tests/bench has the floor: a program that replays SMPs blindly through libibumad.
# tests/sim reads the wire by itself, so that it shares no mistake with mad/; its preload is a umad.
# tests/unit looks into the database and into JSON replies from outside.

places='base mad routing conf sm store systemd ctl tests'

# Prints "file:line: sentence" for each wrong include in the tree $1.
wrong_includes() {
	(cd "$1" && find $places -type f \
		\( -name '*.[ch]' -o -name '*.def' \) 2>/dev/null | LC_ALL=C sort |
		xargs grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null) |
	awk -v rooms="$rooms" -v libraries="$libraries" '
	# The longest key of table that path begins with, as a whole word of a path.
	function longest(table, path, whole,    key, best) {
		best = ""
		for (key in table)
			if (index(whole ? path "/" : path, whole ? key "/" : key) == 1 &&
			    length(key) > length(best))
				best = key
		return best
	}
	function among(list, path,    n, i, word) {
		n = split(list, word, " ")
		for (i = 1; i <= n; i++)
			if (index(path "/", word[i] "/") == 1)
				return 1
		return 0
	}
	function say(what) {
		printf "%s:%s: %s\n", file, line, what
	}
	function read_table(text, table,    n, i, rows, key) {
		n = split(text, rows, "\n")
		for (i = 1; i <= n; i++) {
			key = rows[i]
			sub(/ .*/, "", key)
			if (key != "")
				table[key] = substr(rows[i], length(key) + 1)
		}
	}
	BEGIN {
		read_table(rooms, may)
		read_table(libraries, only)
	}
	{
		file = $0; sub(/:.*/, "", file)
		line = substr($0, length(file) + 2); sub(/:.*/, "", line)
		name = $0; sub(/^[^<"]*[<"]/, "", name); sub(/[>"].*/, "", name)
		home = file; sub(/\/.*/, "", home)
		if ($0 ~ /include[[:space:]]*"/) {
			key = longest(may, file, 1)
			if (name !~ /\//)
				say("\"" name "\" is named without its room")
			else if (!among(home " " may[key], name))
				say(key "/ may not know \"" name "\"")
		} else {
			key = longest(only, name, 0)
			if (key != "" && !among(only[key], file))
				say("<" name "> is not for this place")
		}
	}'
}

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

# Reads lines of "file include"; prints those of which wrong_includes() says something else than $1.
misjudged() {
	while read -r file include; do
		rm -rf "$scratch/tree"
		mkdir -p "$scratch/tree/$(dirname "$file")"
		printf '#include <stdio.h>\n#include %s\n' "$include" >"$scratch/tree/$file"
		if [ -n "$(wrong_includes "$scratch/tree")" ]; then found=wrong; else found=right; fi
		[ "$found" = "$1" ] || echo "$include in $file is found $found"
	done
}

# Source files that no local.mk names: nobody compiles or distributes them. A test program's name
# stands for its source. What is not committed yet is not asked for.
unlisted() {
	cd "$tree" || exit 1
	{ git ls-files -- $places 2>/dev/null || find $places -type f; } |
		grep -E '\.(c|h|def)$' | LC_ALL=C sort >"$scratch/files"
	cat ./*/local.mk ./*/*/local.mk | grep -v '^[[:space:]]*#' | tr -s ' \t\\' '\n' >"$scratch/listed"
	sed 's/$/.c/' "$scratch/listed" >>"$scratch/listed.c"
	cat "$scratch/listed.c" >>"$scratch/listed"
	grep -vxFf "$scratch/listed" "$scratch/files" | sed 's/$/ is in no local.mk/'
}

# Source files whose name, without its end, is not in the paragraph of its room.
unnamed() {
	cd "$tree" || exit 1
	sed -n '/^## Every file/,/^## How/p' doc/architecture.md >"$scratch/page"
	grep -v '^tests/' "$scratch/files" | while read -r file; do
		room=$(dirname "$file")
		name=$(basename "$file")
		awk -v RS= -v room="**\`$room/\`**" 'index($0, room) == 1' "$scratch/page" |
			grep -qF -e "\`${name%.*}\`" -e "\`$name\`" || echo "$file is not in doc/architecture.md"
	done
}

# What files say of others: "file: name is not there" for sources and pages that nobody can look at.
strangers() {
	cd "$tree" || exit 1
	{ cat "$scratch/files" && ls ./*.md doc/*.md; } | sed 's:.*/::' >"$scratch/names"
	# shellcheck disable=SC2046 # no name has a blank
	grep -owE '[a-z0-9][a-z0-9-]*\.(c|md)' $(cat "$scratch/files") | sort -u |
		awk -F: 'NR == FNR { there[$0] } NR > FNR && !($2 in there) \
			{ print $1 ": " $2 " is not there" }' "$scratch/names" -
}

echo 1..6
result 1 "every include is in the picture of the rooms" "$(wrong_includes "$tree")"
result 2 "includes that are not in the picture are noticed" "$(misjudged wrong <<'END'
base/a.c "mad/wire.h"
tests/umad/a.c "mad/wire.h"
mad/a.c "sm/fabric.h"
mad/a.c "routing/engine.h"
routing/a.c "mad/wire.h"
routing/a.c "conf/conf.h"
conf/a.c "sm/fabric.h"
sm/a.c "store/store.h"
sm/a.c "systemd/notify.h"
sm/a.c "ctl/socket.h"
store/a.c "conf/conf.h"
ctl/a.c "store/store.h"
systemd/loop.c "sm/fabric.h"
systemd/loop.c "conf/conf.h"
systemd/options.c "sm/sm.h"
sm/a.c "fabric.h"
sm/a.c "../mad/wire.h"
sm/a.c <infiniband/mad.h>
sm/a.def <iba/ib_types.h>
mad/a.c <infiniband/umad.h>
mad/a.c <infiniband/umad_types.h>
mad/a.c <opensm/osm_subnet.h>
tests/unit/a.c <infiniband/mad.h>
sm/a.c <systemd/sd-daemon.h>
conf/a.c <sqlite3.h>
ctl/a.c <libconfig.h>
sm/a.c <jansson.h>
END
)"
result 3 "includes that are in the picture are left alone" "$(misjudged right <<'END'
base/a.h "base/list.h"
mad/a.c <iba/ib_types.h>
mad/transport-umad.c <infiniband/umad.h>
sm/a.c "mad/request.h"
store/a.c "sm/identity.h"
ctl/a.c "conf/conf.h"
systemd/vsm.c "sm/fabric.h"
systemd/options.c "conf/conf.h"
tests/oracle/a.c <infiniband/mad.h>
tests/unit/a.c "systemd/notify.h"
END
)"
result 4 "every source file is listed in a local.mk" "$(unlisted)"
result 5 "every source file is named in doc/architecture.md" "$(unnamed)"
result 6 "every source file and page that a source file speaks of is there" "$(strangers)"
exit $failed
