#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Shows vsm at work on a simulated fabric, on a fresh Debian 12 too: sh tests/demo.sh
# Installs what is missing (as root) and builds. First, virtual functions in the three forms that they
# come in, which opensm brings up in part and vsm all: one has no GUID and is explained, one moves.
# Then eight hosts on four leaves and two spines come up, a cable is pulled and put back, and vsm is
# restarted. Other people's tools look on.
#
# Every step is checked, and the first that did not do what it shows ends the demo with exit code 1.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${VSM_BUILD:-$top/build-check}
PATH=$PATH:/usr/sbin:/sbin

# The second half runs in a network namespace of its own: nobody else's ibsim is there, and
# datagram queues can be longer than the kernel's 10, which the preload library needs (README.md).
if [ $# -eq 0 ]; then
	sh "$top/tests/setup.sh"
	if unshare -n true 2>/dev/null; then
		exec unshare -n sh "$0" --in-namespace
	fi
	exec sh "$0" --as-it-is
fi

title() {
	printf '\n== %s\n\n' "$*"
}

say() {
	printf '   %s\n' "$@"
}

die() {
	printf '\ndemo: %s\n' "$*" >&2
	for log in "$dir"/*.log; do
		[ ! -s "$log" ] || tail -n 5 "$log" >&2
	done
	exit 1
}

# ---- the fabric ---------------------------------------------------------------------------------

# Leaf n: hosts on ports 1 and 2, spines on ports 3 and 4.
print_fabric() {
	for spine in 1 2; do
		echo "Switch 4 \"spine-$spine\""
		for leaf in 1 2 3 4; do
			echo "[$leaf] \"leaf-$leaf\"[$((2 + spine))]"
		done
		echo
	done
	for leaf in 1 2 3 4; do
		echo "Switch 4 \"leaf-$leaf\""
		echo "[1] \"host-$((2 * leaf - 1))\"[1]"
		echo "[2] \"host-$((2 * leaf))\"[1]"
		echo "[3] \"spine-1\"[$leaf]"
		echo "[4] \"spine-2\"[$leaf]"
		echo
	done
	for host in 1 2 3 4 5 6 7 8; do
		echo "Hca 1 \"host-$host\""
		echo "[1] \"leaf-$(((host + 1) / 2))\"[$((2 - host % 2))]"
		echo
	done
}

hosts=8
ports=32 # at the ends of 16 cables

# Three adapters with four virtual functions each, of the three kinds, and one without.
print_lab() {
	cat <<-END
		Switch 8 "leaf"
		[1] "admin"[1]
		[2] "connectx-6"[1]
		[3] "connectx-3"[1]
		[4] "virtual-switch"[1]
		[5] "connectx-5"[1]

		Hca 1 "admin"
		[1] "leaf"[1]

		Hca 1 "connectx-6"
		[1] "leaf"[2]
		vf 4 model=vport lid=own guid=1200000000000601 state=up

		Hca 1 "connectx-3"
		[1] "leaf"[3]
		vf 4 model=shared guid=1200000000000301 state=up

		Hca 1 "virtual-switch"
		[1] "leaf"[4]
		vf 4 model=vswitch guid=1200000000000101 state=up

		Hca 1 "connectx-5"
		[1] "leaf"[5]
		vf 1 model=vport lid=own guid=1200000000000501 state=down
	END
}

# ---- processes ----------------------------------------------------------------------------------

simulator=
daemon=
cleanup() {
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || true
	[ -z "$simulator" ] || kill -KILL "$simulator" 2>/dev/null || true
	rm -rf "$dir"
}

# In the place of a process that dies with this script. The preload is for it alone.
become() { # NAME=VALUE..., command...
	exec setpriv --pdeathsig KILL env IBSIM_SOCKNAME="vsm-demo-$$" "$@"
}

on_fabric() {
	(become SIM_HOST=host-1 LD_PRELOAD="$preload" "$@")
}

wait_for() { # sentence, command...
	sentence=$1
	shift
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || die "$sentence: not within 20 seconds"
		sleep 0.1
	done
}

start_simulator() {
	print_fabric >"$dir/fabric.net"
	mkfifo "$dir/console"
	exec 3<>"$dir/console" # never at its end: ibsim would spin
	(become ibsim -s "$dir/fabric.net" <"$dir/console" >"$dir/ibsim.log" 2>&1) &
	simulator=$!
	wait_for "ibsim listens" grep -q "@vsm-demo-$$:out9" /proc/net/unix
}

start_vsm() {
	(become SIM_HOST=host-1 LD_PRELOAD="$preload" "$build/vsm" -c "$dir/vsm.conf" \
		--state-dir "$dir/state" --socket "$dir/socket" 2>"$dir/vsm.log") &
	daemon=$!
	wait_for "vsm comes up" is_up $ports
}

stop_vsm() {
	kill -TERM "$daemon"
	code=0
	wait "$daemon" || code=$?
	daemon=
	[ $code -eq 0 ] || die "vsm ended with exit code $code"
}

# vsm-sim with the lab; what it does is told to it by vsm-sim --tell.
start_lab() {
	print_lab >"$dir/lab.net"
	(become "$build/tests/sim/vsm-sim" -s "$dir/lab.net" >"$dir/vsm-sim.log" 2>&1) &
	simulator=$!
	wait_for "vsm-sim listens" lab Vf >/dev/null
}

lab() { # command
	(become "$build/tests/sim/vsm-sim" --tell "$*" 2>/dev/null)
}

in_lab() { # node, VF, command...
	node=$1 vf=$2
	shift 2
	(become "$build/vsm-run" -n "$node" -v "$vf" "$@")
}

start_vsm_in_lab() {
	(become "$build/vsm-run" -n admin "$build/vsm" --state-dir "$dir/lab-state" \
		--socket "$dir/socket" 2>"$dir/vsm.log") &
	daemon=$!
}

has_active_vfs() { # of each kind: vports, shared, behind a virtual switch
	[ "$(active_of connectx-6) $(active_of connectx-3) $(active_of virtual-switch)" = "$1 $2 $3" ]
}

active_of() { # host
	lab Vf | awk -F '\t' -v host="$1[" 'index($1, host) == 1 && $NF == "Active"' | wc -l
}

end_lab() {
	kill -TERM "$simulator"
	wait "$simulator" || true
	simulator=
}

# ---- looking ------------------------------------------------------------------------------------

# A member of what "vsmctl --json status" says, at the outermost level.
status() {
	VSM_SOCKET=$dir/socket "$build/vsmctl" --json status 2>/dev/null |
		sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"
}

vsmctl() {
	printf '$ vsmctl %s\n' "$*"
	VSM_SOCKET=$dir/socket "$build/vsmctl" "$@" || die "vsmctl $*: exit code $?"
	echo
}

# So many ports are Active, all others known to be down; nothing is left to do.
is_up() { # ports
	kill -0 "$daemon" 2>/dev/null || die "vsm has ended"
	[ "$(status state) $(status phase)" = "master rest" ] &&
		[ "$(status ports_active) $(status ports_not_active)" = "$1 0" ] &&
		[ "$(status applied)" = "$(status generation)" ]
}

lid_of() { # host
	VSM_SOCKET=$dir/socket "$build/vsmctl" nodes "$1" | awk -v name="$1" '$1 == name { print $4 }'
}

# Of virtual functions.
reason_is() { # key
	VSM_SOCKET=$dir/socket "$build/vsmctl" --json vfs 2>/dev/null | grep -q "\"reason\": \"$1\""
}

knows_names() {
	! VSM_SOCKET=$dir/socket "$build/vsmctl" vfs 2>/dev/null | grep -q '^0x'
}

lid_of_vf() { # GUID
	VSM_SOCKET=$dir/socket "$build/vsmctl" --json vfs "$1" |
		sed -n 's/^ *"lid": \([0-9]*\),$/\1/p' | head -n 1
}

moved() {
	[ "$(active_of connectx-5)" -eq 1 ] &&
		VSM_SOCKET=$dir/socket "$build/vsmctl" vfs connectx-5 2>/dev/null | grep -q 'active'
}

trace() { # host host
	on_fabric ibtracert "$(lid_of "$1")" "$(lid_of "$2")" 2>/dev/null
}

# Every host reaches every other host.
check_routes() {
	lids=
	for host in $(seq $hosts); do
		lids="$lids $(lid_of "host-$host")"
	done
	pairs=0
	for from in $lids; do
		for to in $lids; do
			[ "$from" != "$to" ] || continue
			on_fabric ibtracert "$from" "$to" >"$dir/trace.log" 2>&1 ||
				die "ibtracert finds no way from LID $from to LID $to"
			pairs=$((pairs + 1))
		done
	done
	say "ibtracert finds a way between all $pairs pairs of hosts."
}

check_links() { # ports
	active=$(on_fabric iblinkinfo -l 2>/dev/null | grep -c 'Active/ *LinkUp')
	[ "$active" -eq "$1" ] || die "iblinkinfo sees $active Active ports instead of $1"
	say "iblinkinfo sees $active Active ports, as it should."
}

# The spine that a way leads over.
spine_of() {
	sed -n 's/.*"\(spine-[0-9]\)".*/\1/p' "$1" | head -n 1
}

dir=$(mktemp -d)
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

preload=$(find /usr/lib /usr/lib64 /usr/local/lib -name libumad2sim.so 2>/dev/null | head -n 1)
[ -n "$preload" ] || die "libumad2sim.so is not there"
queue=/proc/sys/net/unix/max_dgram_qlen
[ "$1" != --in-namespace ] || { echo 512 >$queue; } 2>/dev/null || true
if [ "$(cat $queue)" -lt 256 ]; then
	echo 'timing = { max_smps = 4; };' >"$dir/vsm.conf"
else
	: >"$dir/vsm.conf"
fi

# ---- virtual functions --------------------------------------------------------------------------

title "1. Virtual functions under opensm"
start_lab
(become "$build/vsm-run" -n admin opensm -f "$dir/opensm.log" -d 0 >"$dir/opensm-out.log" 2>&1) &
daemon=$!
wait_for "opensm brings up what it can" has_active_vfs 0 4 4
lab Vf | grep -v '^connectx-5'
say "" "Alias GUIDs (ConnectX-3) and virtual switches come up. Virtual ports (ConnectX-4 and later) stay" \
	"down, as opensm does not know of them."
kill -TERM "$daemon"
wait "$daemon" || true
daemon=
end_lab

title "2. The same under vsm"
start_lab
start_vsm_in_lab
wait_for "all come up" has_active_vfs 4 4 4
wait_for "vsm knows their names" knows_names
vsmctl vfs
say "A program in the guest of the second one sees:"
printf '$ cat /sys/class/infiniband/ibsim0/ports/1/{gids/0,lid,state}\n'
port=/sys/class/infiniband/ibsim0/ports/1
in_lab connectx-6 2 cat $port/gids/0 $port/lid $port/state || die "no port in the guest"

title "3. One has no GUID"
lab 'Vf guid connectx-6[1]/3 0' || die "vsm-sim does not do it"
wait_for "vsm explains it" reason_is vf-no-guid
vsmctl vfs connectx-6
vsmctl explain connectx-6/1/vf3
lab 'Vf guid connectx-6[1]/3 1200000000000603' || die "vsm-sim does not do it"
wait_for "it comes up" has_active_vfs 4 4 4

title "4. One moves to another host, with its GUID and its LID"
before=$(lid_of_vf 0x1200000000000604)
lab 'Vf move connectx-6[1]/4 connectx-5[1]/1' || die "vsm-sim does not do it"
wait_for "it comes up there" moved
vsmctl vfs 0x1200000000000604
[ "$(lid_of_vf 0x1200000000000604)" = "$before" ] || die "its LID is another"
vsmctl path 0x1200000000000604 0x1200000000000301
stop_vsm
end_lab

# ---- a fabric -----------------------------------------------------------------------------------

title "5. A cold fabric"
start_simulator
say "ibsim simulates 8 hosts on 4 leaves and 2 spines, 16 cables. Nobody has given LIDs or routes:"
on_fabric ibstat 2>/dev/null | grep -E 'State|Physical|Base lid' | sed 's/^[[:space:]]*/   /'
on_fabric ibstat 2>/dev/null | grep -q 'State: Initializing' || die "the fabric is not cold"

title "6. vsm brings it up"
start_vsm
vsmctl status
vsmctl nodes
vsmctl ports leaf-1
vsmctl links
say "(\"slow\" is right: ibsim's ports run at 4X SDR and say that they can 12X QDR.)"

title "7. What others see: infiniband-diags"
printf '$ iblinkinfo\n'
on_fabric iblinkinfo 2>/dev/null
check_links $ports
printf '\n$ sminfo\n'
on_fabric sminfo || die "sminfo finds no subnet manager"
printf '\n$ ibtracert host-1 host-8   (by LID)\n'
trace host-1 host-8 >"$dir/before" || die "ibtracert finds no way from host-1 to host-8"
cat "$dir/before"
check_routes

spine=$(spine_of "$dir/before")
port=$((2 + ${spine#spine-}))
title "8. A cable is pulled: leaf-1, port $port, to $spine"
generation=$(status generation)
echo "Unlink \"leaf-1\"[$port]" >&3
wait_for "vsm repairs it" is_up $((ports - 2))
[ "$(status generation)" -gt "$generation" ] || die "the generation has not changed"
vsmctl events --last 4
vsmctl links leaf-1
vsmctl ports "leaf-1/$port"
vsmctl path host-1 host-8
trace host-1 host-8 >"$dir/after" || die "ibtracert finds no way from host-1 to host-8"
printf '$ ibtracert host-1 host-8\n'
cat "$dir/after"
[ "$(spine_of "$dir/after")" != "$spine" ] || die "the way still leads over $spine"
say "The way now leads over $(spine_of "$dir/after")."
check_links $((ports - 2))
check_routes

title "9. The cable is put back"
echo "ReLink \"leaf-1\"[$port]" >&3
wait_for "vsm brings the cable up" is_up $ports
vsmctl events --last 4
trace host-1 host-8 >"$dir/again" || die "ibtracert finds no way from host-1 to host-8"
cmp -s "$dir/before" "$dir/again" || die "the way is not the one from before"
say "host-1 and host-8 talk over $spine again."
check_links $ports
check_routes

title "10. vsm is restarted, and finds the fabric in order"
stop_vsm
start_vsm
vsmctl status
vsmctl events
sets=$(VSM_SOCKET=$dir/socket "$build/vsmctl" status | awk '$2 == "set" { n += $3 } END { print n + 0 }')
[ "$sets" -eq 0 ] || die "vsm has written $sets values to a fabric that was in order"
say "Not one value was written to any device."

stop_vsm
title "All of it worked. Next: README.md, \"On a lab fabric\"."
