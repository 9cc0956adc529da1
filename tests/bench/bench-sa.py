#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How many questions about paths vsm and opensm answer in a second, to osmtest through a simulator.

	bench-sa.py [--runs N] [--clients N] [--json FILE] [--only vsm|opensm]

"osmtest -f f -s 4" asks 100,000 times for a PathRecord, one question after the other: alone, and so
many of them at once at as many hosts. 128 hosts on ibsim, by our preload, in which each program does what
the kernel would do for it: that is in the CPU seconds of both, and most of them. Answers a second by
osmtest's own clock, and CPU seconds of the subnet manager for 100,000 answers; the two in turn, medians.
"""

import argparse
import json
import os
import re
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ibsim"))

import fabrics
import lib
import rivals

QUERIES = 100000
SECONDS = 600


def inventory(world, sim, name):
    path = world.path(f"inventory-{name}")
    said = sim.tool("osmtest", "-f", "c", "-i", path, "-l", world.path(f"osmtest-{name}.log"),
                    host="H00001", seconds=SECONDS)
    lib.check("PASS" in said, f"osmtest -f c: {said[-300:]}")
    return path


def rate_of(text):
    """Answers a second, by the last line that osmtest prints of it."""
    took = re.findall(rf"Querying {QUERIES} path_rec queries took 0*(\d+):(\d+)", text)
    lib.check(took, f"osmtest: {text[-300:]}")
    return QUERIES / (int(took[-1][0]) + int(took[-1][1]) / 1e6)


def flood(world, sim, path, n):
    """Answers a second that n clients get together."""
    clients = [world.spawn([lib.find_program("osmtest"), "-f", "f", "-s", "4", "-i", path, "-l",
                            world.path(f"flood-{i}.log")], sim.env(f"H{i + 1:05}"), f"flood-{i}.err",
                           stdout=open(world.path(f"flood-{i}.out"), "w", encoding="utf-8"))
               for i in range(n)]
    for client in clients:
        client.wait(SECONDS)
    return sum(rate_of(world.read(f"flood-{i}.out")) for i in range(n))


def run(rival, n):
    with lib.World("bench") as world:
        sim = lib.Simulator(world, fabrics.fat_tree_2(16).build())
        sim.preload = lib.VSM_UMAD
        sm = rival.make(world, sim)
        rivals.start(rival, sm, 60)
        sim.wait_up(60)
        path = inventory(world, sim, rival.name)
        result = {}
        for clients in (1, n):
            before, began = rivals.cpu_seconds(sm.process.pid), time.monotonic()
            rate = flood(world, sim, path, clients)
            result[clients] = {"rate": rate, "seconds": time.monotonic() - began,
                               "cpu": (rivals.cpu_seconds(sm.process.pid) - before) / clients}
        return result


def main():
    lib.private_network()
    parser = argparse.ArgumentParser(description="Questions about paths to vsm and opensm.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--json", default=lib.built("tests/bench/bench-sa.json"))
    parser.add_argument("--only", choices=("vsm", "opensm"))
    wanted = parser.parse_args()

    chosen = [one for one in rivals.RIVALS if wanted.only in (None, one.name)]
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    results = {one.name: [] for one in chosen}
    try:
        for number in range(wanted.runs):
            for rival in chosen:
                results[rival.name].append(run(rival, wanted.clients))
            rivals.progress(f"{number + 1} of {wanted.runs}")
    except (lib.Failure, lib.Skip) as trouble:
        sys.exit(f"bench-sa: {trouble}")
    finally:
        lib.World.close_all()
    print(f"{'':8} {'clients':>8} {'answers/s':>10} {'CPU s / 100,000':>16}")
    for name, runs in results.items():
        for clients in (1, wanted.clients):
            rate = statistics.median(one[clients]["rate"] for one in runs)
            cpu = statistics.median(one[clients]["cpu"] for one in runs)
            print(f"{name:8} {clients:8} {rate:10,.0f} {cpu:16.2f}")
    with open(wanted.json, "w", encoding="utf-8") as file:
        json.dump({"schema": "vsm.bench-sa.v1", "runs": results}, file, indent=1)
    print(f"\nall numbers: {wanted.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
