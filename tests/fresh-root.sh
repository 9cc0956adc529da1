#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Do the two commands of the README work where nothing is installed? Finds packages that setup.sh
# forgot: on a developer's machine they are all there.
#
#	sh tests/fresh-root.sh FOLDER [COMMAND...]
#
# Makes a minimal Debian 12 in FOLDER (debootstrap, as root, some 300 MB; the mirror is the host's,
# or $MIRROR), puts the tree's last commit into it as /vsm, and runs there, as any user would, the
# commands, or "sh tests/check.sh" and "sh tests/demo.sh". VSM_FABRICS is handed in. The folder
# stays; give a new one for a new test, or the same one to go on with what is installed in it.
# Not part of "make check".

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

die() {
	echo "fresh-root: $*" >&2
	exit 1
}

[ $# -ge 1 ] || die "usage: sh tests/fresh-root.sh FOLDER [COMMAND...]"
[ "$(id -u)" -eq 0 ] || die "only root can make a root"
command -v debootstrap >/dev/null || die "debootstrap is not there: apt-get install debootstrap"
mkdir -p "$1"
root=$(cd "$1" && pwd)
shift

# The first mirror of the release itself that the host uses.
mirror() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
		2>/dev/null | grep -oE 'https?://[^ ]*/debian/?( |$)' | head -n 1
}

if [ ! -e "$root/vsm-root" ]; then
	from=${MIRROR:-$(mirror)}
	debootstrap --variant=minbase bookworm "$root" "${from:-http://deb.debian.org/debian}"
	# As a machine that has been off for a year: the lists are not there.
	rm -rf "$root"/var/lib/apt/lists/*
	for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*proxy* /etc/resolv.conf; do
		[ ! -f "$file" ] || cp "$file" "$root$file"
	done
	touch "$root/vsm-root"
fi

undo() {
	for place in vsm-fabrics dev proc; do
		umount -l "$root/$place" 2>/dev/null || true
	done
	umount -l "$root" 2>/dev/null || true
}
trap undo EXIT
trap 'exit 1' HUP INT TERM
# Tests that fill a disk make mounts of their own, for which the root must be one too.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
mount --bind /dev "$root/dev"
if [ -n "${VSM_FABRICS:-}" ]; then
	mkdir -p "$root/vsm-fabrics"
	mount --bind "$VSM_FABRICS" "$root/vsm-fabrics"
	VSM_FABRICS=/vsm-fabrics
	export VSM_FABRICS
fi

rm -rf "$root/vsm"
mkdir "$root/vsm"
git -C "$top" archive HEAD | tar -C "$root/vsm" -xf -

inside() {
	printf '\n== in %s: %s\n' "$root" "$*"
	chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin ${VSM_FABRICS:+VSM_FABRICS=$VSM_FABRICS} sh -c "cd /vsm && $*"
}

if [ $# -gt 0 ]; then
	inside "$*"
else
	inside "sh tests/check.sh"
	inside "sh tests/demo.sh"
fi
