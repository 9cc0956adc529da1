#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Makes a fresh Debian 12 ready and builds vsm, for tests/check.sh and tests/demo.sh: packages that
# are missing (as root), configure, make. Everything is built in build-check/ (or $VSM_BUILD); may
# be run again, and then does what is left to do. Arguments go to configure.
#
# Packages: what vsm is built from, groff, by which its man pages are looked at, and its peers in
# tests (ibsim, infiniband-diags, opensm, ibutils). opensm comes with a service; where it was not
# there before, it is not started and not enabled, because two subnet managers are not what a lab
# wants from a test.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${VSM_BUILD:-$top/build-check}

packages='gcc libc6-dev make autoconf automake pkg-config python3 systemd
	libibumad-dev libibmad-dev libopensm-dev libsystemd-dev libconfig-dev libsqlite3-dev
	libjansson-dev libcmocka-dev groff-base ibsim-utils infiniband-diags opensm ibutils'

say() {
	echo "== $*"
}

die() {
	echo "setup: $*" >&2
	exit 1
}

missing_packages() {
	for package in $packages; do
		case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
		'install ok installed') ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

# A service that a package brings must not start by itself: invoke-rc.d asks this file.
policy=/usr/sbin/policy-rc.d
forbid_services() {
	[ ! -e $policy ] || return 0
	trap 'rm -f $policy' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
}

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
		-o Dpkg::Use-Pty=0 "$@" </dev/null
}

install_packages() { # packages
	command -v apt-get >/dev/null ||
		die "this is not Debian; install what Debian calls $*"
	[ "$(id -u)" -eq 0 ] ||
		die "packages are missing and only root can install them: apt-get install $*"

	say "installing $*"
	mkdir -p "$build"
	apt_get update >"$build/apt.log" 2>&1 ||
		say "apt-get update had errors; going on with the lists that are there"
	forbid_services
	apt_get install --no-install-recommends "$@" >>"$build/apt.log" 2>&1 || {
		tail -n 20 "$build/apt.log" >&2
		die "apt-get could not install the packages; all it said is in $build/apt.log"
	}
	case " $* " in
	*' opensm '*) systemctl disable opensm.service >>"$build/apt.log" 2>&1 || true ;;
	esac
}

# A tree that is configured in place cannot be built elsewhere too: what it would distribute can.
source_tree() {
	if [ -f "$top/config.status" ]; then
		say "the tree is configured in place: building from a copy in $build/tree" >&2
		rm -rf "$build/tree" "$top"/vsm-[0-9]*/
		make -s -C "$top" distdir >&2
		mv "$top"/vsm-[0-9]*/ "$build/tree"
		echo "$build/tree"
	else
		echo "$top"
	fi
}

run_logged() { # log, command...
	log=$1
	shift
	"$@" >"$log" 2>&1 || {
		grep -E -A4 'error:|Error|\*\*\*|undefined reference' "$log" | head -n 40 >&2 ||
			tail -n 40 "$log" >&2
		die "\"$*\" failed; all it said is in $log"
	}
	grep -E 'warning:' "$log" || true
}

missing=$(missing_packages)
# shellcheck disable=SC2086
[ -z "$missing" ] || install_packages $missing

mkdir -p "$build"
exec 9>"$build/lock"
flock 9 # one at a time in one build directory

tree=$(source_tree)
cd "$tree"
if [ ! -x configure ] || [ ! -f Makefile.in ] ||
	[ -n "$(find configure.ac Makefile.am ./*/local.mk -newer configure)" ]; then
	say "autoreconf"
	run_logged "$build/autoreconf.log" autoreconf -fi
fi
cd "$build"
if [ ! -f Makefile ] || [ -n "$(find "$tree/configure" -newer config.status)" ] ||
	[ "$*" != "$(cat arguments 2>/dev/null)" ]; then
	say "configure in $build${1:+ with }$*"
	run_logged configure.log "$tree/configure" "$@"
	echo "$*" >arguments
fi
say "make in $build"
run_logged make.log make -j2
