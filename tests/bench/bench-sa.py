#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How many questions about paths vsm and opensm answer in a second, to osmtest through a simulator.

	bench-sa.py [--runs N] [--clients N] [--fabrics NAME,...] [--json FILE] [--only vsm|opensm]

"osmtest -f f -s 4" asks 100,000 times for a PathRecord, one question after the other: alone, and so
many of them at once at as many hosts. 128 hosts unless told otherwise, on ibsim, by our preload, in which
each program does what the kernel would do for it: that is in the CPU seconds of both, and most of them.
Answers a second by osmtest's own clock, and CPU seconds of the subnet manager for 100,000 answers; the two
in turn, medians. vsm's tables have to be proven (judge.c), or the run counts for nothing. VSM_FABRICS: a
folder with further net files.
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
ASKED_CLIENTS, CPU_RATIO = 8, 1 / 3  # vsm's CPU seconds by opensm's
SECONDS = 600
FABRICS = {"128": lambda: fabrics.fat_tree_2(16).build()}


def askers(sim):
    """The hosts that nobody else sits on."""
    found = [port.node.name for port in sim.snapshot().linked_ports(sim.host)
             if port.node.kind == "Ca" and port.number == 1 and port.node.name != sim.host]
    return sorted(found)


def inventory(world, sim, name):
    path = world.path(f"inventory-{name}")
    said = sim.tool("osmtest", "-f", "c", "-i", path, "-l", world.path(f"osmtest-{name}.log"),
                    host=askers(sim)[0], seconds=SECONDS)
    lib.check("PASS" in said, f"osmtest -f c: {said[-300:]}")
    return path


def rate_of(text):
    """Answers a second, by the last line that osmtest prints of it."""
    took = re.findall(rf"Querying {QUERIES} path_rec queries took 0*(\d+):(\d+)", text)
    lib.check(took, f"osmtest: {text[-300:]}")
    return QUERIES / (int(took[-1][0]) + int(took[-1][1]) / 1e6)


def flood(world, sim, path, n):
    """Answers a second that n clients get together."""
    hosts = askers(sim)[:n]
    lib.check(len(hosts) == n, f"{len(hosts)} hosts for {n} clients")
    clients = [world.spawn([lib.find_program("osmtest"), "-f", "f", "-s", "4", "-i", path, "-l",
                            world.path(f"flood-{i}.log")], sim.env(host), f"flood-{i}.err",
                           stdout=open(world.path(f"flood-{i}.out"), "w", encoding="utf-8"))
               for i, host in enumerate(hosts)]
    for client in clients:
        client.wait(SECONDS)
    return sum(rate_of(world.read(f"flood-{i}.out")) for i in range(n))


def run(rival, fabric, n):
    with lib.World("bench") as world:
        sim = lib.Simulator(world, fabric)
        sim.preload = lib.VSM_UMAD
        sm = rival.make(world, sim)
        rivals.start(rival, sm, SECONDS)
        sim.wait_up(SECONDS)
        rivals.check_tables(rival, sm, sim)
        path = inventory(world, sim, rival.name)
        result = {}
        for clients in (1, n):
            before, began = rivals.cpu_seconds(sm.process.pid), time.monotonic()
            rate = flood(world, sim, path, clients)
            result[clients] = {"rate": rate, "seconds": time.monotonic() - began,
                               "cpu": (rivals.cpu_seconds(sm.process.pid) - before) / clients}
        return result


def median(runs, clients, key):
    return statistics.median(one[clients][key] for one in runs)


def print_table(name, fabric, results, clients):
    print(f"\n{name}: {fabric.n_nodes} nodes, {fabric.n_switches} switches\n"
          f"{'':8} {'clients':>8} {'answers/s':>10} {'CPU s / 100,000':>16}")
    for who, runs in results.items():
        for n in (1, clients):
            print(f"{who:8} {n:8} {median(runs, n, 'rate'):10,.0f} {median(runs, n, 'cpu'):16.2f}")
    sys.stdout.flush()


def compare(name, results, clients, asked):
    if clients == ASKED_CLIENTS and len(results) == 2:
        ours, theirs = (median(results[who], clients, "cpu") for who in ("vsm", "opensm"))
        asked.at_most(f"{name}: CPU with {clients} clients by opensm's",
                      ours / theirs if theirs else None, CPU_RATIO)
    sys.stdout.flush()


def measure(name, chosen, wanted, asked):
    fabric = FABRICS[name]()
    results = {}
    for number in range(wanted.runs):
        for rival in chosen:
            results.setdefault(rival.name, []).append(run(rival, fabric, wanted.clients))
        rivals.progress(f"{name}: {number + 1} of {wanted.runs}")
    print_table(name, fabric, results, wanted.clients)
    compare(name, results, wanted.clients, asked)
    return results


def main():
    lib.private_network()
    rivals.add_files()
    FABRICS.update(rivals.FABRICS)
    parser = argparse.ArgumentParser(description="Questions about paths to vsm and opensm.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--fabrics", default="128")
    parser.add_argument("--json", default=lib.built("tests/bench/bench-sa.json"))
    parser.add_argument("--only", choices=("vsm", "opensm"))
    wanted = parser.parse_args()

    chosen = [one for one in rivals.RIVALS if wanted.only in (None, one.name)]
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    results, asked = {}, rivals.Asked()
    try:
        for name in wanted.fabrics.split(","):
            results[name] = measure(name, chosen, wanted, asked)
    except (lib.Failure, lib.Skip) as trouble:
        sys.exit(f"bench-sa: {trouble}")
    finally:
        lib.World.close_all()
    with open(wanted.json, "w", encoding="utf-8") as file:
        json.dump({"schema": "vsm.bench-sa.v2", "fabrics": results}, file, indent=1)
    print(f"\nall numbers: {wanted.json}")
    return asked.exit_code()


if __name__ == "__main__":
    sys.exit(main())
