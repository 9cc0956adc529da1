#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where the time goes, in instructions: bench-profile under callgrind.

	profile.py [--radix N] [--top N] [--keep DIRECTORY]

Of each stage: instructions of vsm itself by room, and the functions that take most, inlined ones
counted with those that they are in; beside it those of the C library, which the simulated fabric needs
too, and those of the fabric (tests/). Counts are exact, and the same on any machine with the same
compiler; how long an instruction takes they do not know. 24 ports (3,456 hosts) unless another radix
is asked for: 36 (11,664 hosts) takes some ten minutes.
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.environ.get("top_builddir") or os.path.join(os.path.dirname(__file__), "..", "..")
PROGRAM = os.path.abspath(os.path.join(BUILD, "tests/bench/bench-profile"))
ROOMS = ("base", "mad", "routing", "conf", "sm")
LINE = re.compile(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+(\S+?):(\S+)")
PLACE = re.compile(r"(?:^|/)(base|mad|routing|conf|sm|store|systemd|ctl|tests)/[^/]*(?:/[^/]*)?$")


def read(path):
    """(what it is of, {(room, file, function): instructions})"""
    with open(path, encoding="utf-8") as file:
        what = re.search(r"^desc: Trigger: Client Request: (.*)$", file.read(4096), re.MULTILINE)
    counts, total = {}, None
    text = subprocess.run(["callgrind_annotate", "--threshold=100", path], capture_output=True,
                          text=True, check=True).stdout
    for line in text.splitlines():
        if line.endswith("PROGRAM TOTALS"):
            total = line.split()[0]
        # Who was being called all the time is shown with all of it.
        elif (match := LINE.match(line)) and match[1] != total:
            place = PLACE.search(match[2])
            key = (place[1] if place else "C library", os.path.basename(match[2]), match[3])
            counts[key] = counts.get(key, 0) + int(match[1].replace(",", ""))
    return (what[1] if what else None), counts


def by_room(counts):
    rooms = {}
    for (room, _, _), number in counts.items():
        rooms[room] = rooms.get(room, 0) + number
    return rooms


def millions(number):
    return f"{number / 1e6:,.1f}"


def print_stage(what, counts, top):
    rooms = by_room(counts)
    ours = {key: number for key, number in counts.items() if key[0] in ROOMS}
    total = sum(ours.values())
    others = ", ".join(f"{room} {millions(rooms[room])}" for room in rooms
                       if room not in ROOMS) or "none"
    print(f"\n{what}: {millions(total)} million instructions of vsm: "
          + ", ".join(f"{room} {millions(rooms[room])}" for room in ROOMS if room in rooms)
          + f"; beside it {others}")
    for (room, file, function), number in sorted(ours.items(), key=lambda one: -one[1])[:top]:
        print(f"  {millions(number):>10} {number / total:6.1%}  {room}/{file}: {function}")


def main():
    parser = argparse.ArgumentParser(description="Where the time goes, in instructions.")
    parser.add_argument("--radix", type=int, default=24)
    parser.add_argument("--top", type=int, default=8)
    parser.add_argument("--keep", help="what callgrind writes goes there, and stays")
    wanted = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = wanted.keep or scratch
        os.makedirs(folder, exist_ok=True)
        out = os.path.join(folder, "callgrind.out")
        subprocess.run(["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}",
                        PROGRAM, str(wanted.radix)], check=True)
        stages = [read(path) for path in sorted(glob.glob(f"{glob.escape(out)}.*"),
                                                key=lambda path: int(path.rpartition(".")[2]))]
    totals = {}
    for what, counts in stages:
        ours = sum(number for (room, _, _), number in counts.items() if room in ROOMS)
        if what and ours > 1e5:
            print_stage(what, counts, wanted.top)
            head = what.partition(",")[0]
            totals[head] = totals.get(head, 0) + ours
    print("\nin all, million instructions of vsm: "
          + "; ".join(f"{head} {millions(total)}" for head, total in totals.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
