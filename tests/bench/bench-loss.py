#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vsm and opensm behind a cable that loses packets.

	bench-loss.py [--runs N] [--percent P,...] [--service US] [--seconds MOST] [--json FILE]
	              [--only vsm|opensm]

76 devices on vsm-sim, by our preload, so that opensm has the kernel's retries. The cable of the subnet
manager's own machine loses so many packets of a hundred, each for itself and each way. Seconds from
the start of the process until all ports are Active, by the simulator's own account; the two in turn,
each run with a seed of its own and the same for both, with the sweeps that each makes by itself;
medians, and least to most. What is not up after
the time that there is counts as that, and is told of. vsm's tables, read from the switches as soon as
all ports are Active, have to be complete, free of loops and of credit loops (judge.c), or nothing
counts.
"""

import argparse
import json
import os
import signal
import statistics
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ibsim"))

import fabrics
import lib
import rivals


# Seconds by percent, of time of the fabric; the start of a process comes on top.
ASKED = {0: 0.1, 1: 0.3, 10: 0.6, 20: 1.2, 40: 4}
START = 0.08
SWEEPS = {"vsm": {"sweep.interval": 10}, "opensm": {"sweep_interval": 10}}  # their defaults


def run(rival, fabric, percent, seed, wanted):
    """Seconds, and SMPs."""
    with lib.World("bench") as world:
        sim = rivals.slow_sim(world, fabric, wanted.service, ["--seed", str(seed)])
        if percent:
            sim.command(f'Fault loss "{sim.host}"[1] {percent}%')
        expected = rivals.ports(sim)["linked"]
        sm = rival.make(world, sim, SWEEPS[rival.name])
        began = rivals.launch(rival, sm)
        seconds = rivals.time_to_active(sim, expected, began, wanted.seconds, 0.001)
        sent = rivals.total(sm.sent())
        if seconds is not None:
            rivals.check_tables(rival, sm, sim)
        return (wanted.seconds if seconds is None else seconds), sent


def told(results, wanted):
    if not results:
        return f"{'-':>36}"
    times = [seconds for seconds, _ in results]
    late = sum(seconds >= wanted.seconds for seconds in times)
    smps = statistics.median(sent for _, sent in results)
    text = f"{statistics.median(times):8.3f} {min(times):8.3f} {max(times):8.3f} {smps:9,.0f}"
    return text + (f" ({late} not up)" if late else "")


def measure(chosen, percent, wanted, asked):
    fabric = fabrics.fat_tree_2(16, leaves=8, spines=4, hosts=8, parallel=2).build()
    results = {}
    for seed in range(1, wanted.runs + 1):
        for rival in chosen:
            results.setdefault(rival.name, []).append(run(rival, fabric, percent, seed, wanted))
        rivals.progress(f"{percent} %, {seed} of {wanted.runs}")
    print(f"{percent:5} {told(results.get('vsm'), wanted)}  {told(results.get('opensm'), wanted)}",
          flush=True)
    if percent in ASKED and results.get("vsm"):
        asked.at_most(f"median at {percent} %, s",
                      statistics.median(seconds for seconds, _ in results["vsm"]),
                      ASKED[percent] + START)
    return results


def main():
    lib.private_network()
    parser = argparse.ArgumentParser(description="vsm and opensm behind a cable that loses packets.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--percent", default="0,1,10,20,40")
    parser.add_argument("--service", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", default=lib.built("tests/bench/bench-loss.json"))
    parser.add_argument("--only", choices=("vsm", "opensm"))
    wanted = parser.parse_args()

    chosen = [one for one in rivals.RIVALS if wanted.only in (None, one.name)]
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    results, asked = {}, rivals.Asked()
    columns = f"{'s':>8} {'least':>8} {'most':>8} {'SMPs':>9}"
    print(f"{'':5} {'vsm':>8} {'':27}  {'opensm':>8}\n{'loss':>5} {columns}  {columns}", flush=True)
    try:
        for percent in wanted.percent.split(","):
            results[percent] = measure(chosen, int(percent), wanted, asked)
    except (lib.Failure, lib.Skip) as trouble:
        sys.exit(f"bench-loss: {trouble}")
    finally:
        lib.World.close_all()
    with open(wanted.json, "w", encoding="utf-8") as file:
        json.dump({"schema": "vsm.bench-loss.v1", "service_us": wanted.service,
                   "percent": results}, file, indent=1)
    print(f"\nall numbers: {wanted.json}")
    return asked.exit_code()


if __name__ == "__main__":
    sys.exit(main())
