#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vsm and opensm side by side on ibsim.

	bench.py [--runs N] [--fabrics NAME,...] [--json FILE] [--only vsm|opensm]

Each run has an ibsim of its own, fresh, and the two take turns. Measured from the start of the
process until it says that the subnet is up (vsm: READY to its service manager; opensm: SUBNET UP in
its log, which it is told to flush); then ibsim's dump has to show every linked port Active, and vsm's
tables in it have to be complete, free of loops and of credit loops (judge.c), or the run counts for
nothing. CPU time and peak memory are the kernel's, of the moment when it is up. SMPs
of both are counted by the same preload (count-smps.c) between them and libibumad, everything
included that is sent until then, lost tries too.

Then, still in the same ibsim: a second sweep, and a restart; what they send, Sets above all. The
sweep is what each does when it is asked to look again (opensm: SIGHUP). vsm has another, --full, that
reads all tables and also tries once more what a device did not keep, of which ibsim has a lot.
Last the floor: the SMPs that one vsm sent are replayed blindly (replay.c) on a fresh ibsim, as many
under way at once as vsm has, and as many as ibsim likes best; timed from the start of its process,
too, until it ends.

Medians; a ratio below 1 means that vsm takes less. VSM_FABRICS: a folder with further net files.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ibsim"))

import lib
import rivals
from rivals import FABRICS, cpu_seconds, difference, peak_mb, settle, start, total

REPLAY = lib.built("tests/bench/replay")
WINDOWS = (128, 64)  # vsm's, and one with which ibsim and libumad2sim are faster
SECONDS = 600

def run(rival, fabric):
    """One bring-up, second sweep and restart on a fresh ibsim."""
    with lib.World("bench") as world:
        sim = lib.Simulator(world, fabric)
        sm = rival.make(world, sim)
        seconds = start(rival, sm, SECONDS)
        sent = sm.sent()
        result = {"seconds": seconds, "cpu": cpu_seconds(sm.process.pid),
                  "peak_mb": peak_mb(sm.process.pid), "smps": total(sent),
                  "sets": total(sent, "Set"),
                  "ibsim_cpu": cpu_seconds(sim.process.pid),
                  "attributes": {f"{method} {attribute}": number
                                 for (method, attribute), number in sorted(sent.items())}}
        sim.check_up()
        before = settle(sm)
        result["tables"] = rivals.check_tables(rival, sm, sim)
        rival.sweep(sm, SECONDS)
        again = difference(settle(sm), before)
        result.update(sweep_smps=total(again), sweep_sets=total(again, "Set"))
        sm.stop()
        result["restart_seconds"] = start(rival, sm, SECONDS)
        again = settle(sm)
        result.update(restart_smps=total(again), restart_sets=total(again, "Set"))
        sm.stop()
        sim.check_up()
        return result


def replay(fabric, runs):
    """The SMPs of one vsm, recorded, and then replayed; seconds by window."""
    with lib.World("bench") as world:
        sim = lib.Simulator(world, fabric)
        rival = rivals.RIVALS[0]
        sm = rival.make(world, sim)
        sm.extra_env = {"SMP_RECORD": world.path("record")}
        start(rival, sm, SECONDS)
        settle(sm)
        sm.stop()
        results = {window: [] for window in WINDOWS}
        for window in WINDOWS * runs:
            sim.stop()
            sim.start()
            began = time.monotonic()
            done = world.run([*lib.DIES_WITH_US, REPLAY, world.path("record"), str(window)],
                             sim.env(), SECONDS)
            if done.returncode:
                raise lib.Failure(done.stderr.strip())
            results[window].append({**json.loads(done.stdout),
                                    "seconds": time.monotonic() - began})
        return results


MEASURES = (("seconds", "bring-up, s", 3), ("cpu", "CPU, s", 2), ("peak_mb", "peak memory, MB", 1),
            ("smps", "SMPs", 0), ("sets", "of them Sets", 0),
            ("sweep_smps", "second sweep, SMPs", 0), ("sweep_sets", "of them Sets", 0),
            ("restart_seconds", "restart, s", 3), ("restart_smps", "restart, SMPs", 0),
            ("restart_sets", "of them Sets", 0), ("ibsim_cpu", "CPU of ibsim, s", 2))


def medians(runs):
    return {key: statistics.median(one[key] for one in runs) for key, _, _ in MEASURES}


def number_text(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def print_table(name, found):
    """A line per measure: vsm, opensm, their ratio."""
    print(f"\n{name}: {found['nodes']} nodes, {found['switches']} switches, "
          f"{found['runs']} runs each, medians")
    print(f"  {'':22} {'vsm':>12} {'opensm':>12} {'ratio':>8}")
    for key, label, digits in MEASURES:
        ours, theirs = (found["medians"].get(who, {}).get(key) for who in ("vsm", "opensm"))
        ratio = ours / theirs if ours is not None and theirs else None
        print(f"  {label:22} {number_text(ours, digits):>12} {number_text(theirs, digits):>12} "
              f"{number_text(ratio, 3):>8}")
    for window, floor in found.get("replay", {}).items():
        print(f"  {f'blind replay, {window}, s':22} {floor['seconds']:>12.3f} "
              f"{'vsm / replay':>12} {floor['ratio']:>8.3f}\n"
              f"  {'its CPU, s':22} {floor['cpu']:>12.2f} {'':>12} {floor['cpu_ratio']:>8.3f}")
    sys.stdout.flush()


REPLAY_RATIO, PEAK_MB = 1.25, 100
SMPS = {"11664": 630000}


def compare(name, found, asked):
    ours = found["medians"].get("vsm", {})
    if name in SMPS:
        asked.at_most(f"{name}: SMPs", ours.get("smps"), SMPS[name])
    asked.at_most(f"{name}: peak memory, MB", ours.get("peak_mb"), PEAK_MB)
    floor = found.get("replay", {}).get(WINDOWS[0], {})
    for key, what in (("ratio", "bring-up"), ("cpu_ratio", "CPU")):
        asked.at_most(f"{name}: {what} by the replay's", floor.get(key), REPLAY_RATIO)
    sys.stdout.flush()


def measure(name, make, chosen, runs):
    fabric = make()
    found = {"nodes": fabric.n_nodes, "switches": fabric.n_switches, "runs": runs, "all": {}}
    for _ in range(runs):
        for rival in chosen:
            rivals.progress(f"{name}: {rival.name}")
            found["all"].setdefault(rival.name, []).append(run(rival, fabric))
    found["medians"] = {name: medians(results) for name, results in found["all"].items()}
    if "vsm" in found["medians"] and os.path.exists(REPLAY):
        found["replay"] = {}
        for window, replays in replay(fabric, runs).items():
            seconds = statistics.median(one["seconds"] for one in replays)
            cpu = statistics.median(one["cpu"] for one in replays)
            found["replay"][window] = {
                "seconds": seconds, "cpu": cpu, "all": replays,
                "ratio": found["medians"]["vsm"]["seconds"] / seconds,
                "cpu_ratio": found["medians"]["vsm"]["cpu"] / cpu}
    return found


def main():
    lib.private_network()
    rivals.add_files()
    parser = argparse.ArgumentParser(description="vsm and opensm side by side on ibsim.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--fabrics", default=",".join(FABRICS))
    parser.add_argument("--json", default=lib.built("tests/bench/bench.json"))
    parser.add_argument("--only", choices=("vsm", "opensm"))
    wanted = parser.parse_args()

    chosen = [one for one in rivals.RIVALS if wanted.only in (None, one.name)]
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    results, asked = {}, rivals.Asked()
    try:
        for name in wanted.fabrics.split(","):
            results[name] = measure(name, FABRICS[name], chosen, wanted.runs)
            print_table(name, results[name])
            compare(name, results[name], asked)
    except (lib.Failure, lib.Skip) as trouble:
        sys.exit(f"bench: {trouble}")
    finally:
        lib.World.close_all()
    with open(wanted.json, "w", encoding="utf-8") as file:
        json.dump({"schema": "vsm.bench.v1", "fabrics": results}, file, indent=1)
    print(f"\nall numbers: {wanted.json}")
    return asked.exit_code()


if __name__ == "__main__":
    sys.exit(main())
