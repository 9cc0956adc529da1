#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vsm and opensm where the agents of devices take their time, as real ones do, and not the simulator.

	bench-agents.py [--runs N] [--fabrics NAME,...] [--service US] [--json FILE] [--only vsm|opensm]

vsm-sim, by our preload (the kernel's queue, time-outs and retries for both); each agent takes 300
microseconds for an SMP and does one at a time. The two take turns, each on a fresh simulator.

up       from the start of the process until the last port is Active, by the simulator's own account
says so  until the subnet manager says that the subnet is up
cable    one cable between switches is pulled: from then until the last block of a forwarding table is
         acknowledged, as seen between the subnet manager and libibumad (count-smps.c); of a leaf
         switch, and of the top of a fat tree, both anywhere in the middle (and, of vsm, the first of
         all); with the SMPs and blocks of it. vsm has swept once more by then, as its timer would
         have had it do after ten seconds: the timers of both are off

After each, the tables that are in the switches are judged from outside (judge.c): vsm's have to be
complete, free of loops and of credit loops, or the run counts for nothing; opensm's are told of.
opensm routes with ftree on trees, which is its fastest there, and with what it chooses elsewhere.
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

SECONDS = 1200
LFT = 0x19

BOTH, OURS = ("vsm", "opensm"), ("vsm",)
# Of the fabrics that fabrics.py makes: a cable up from a leaf, one to the top, and the first of each,
# since tables may be made by counting from it.
CABLES = {"648": (("leaf", "SL_17", 25, BOTH), ("first leaf", "SL_00", 19, OURS)),
          "3456": (("leaf", "SL_05_02", 14, BOTH), ("top", "SM_05_02", 14, BOTH),
                   ("first leaf", "SL_00_00", 13, OURS), ("first top", "SM_00_00", 13, OURS)),
          "11664": (("leaf", "SL_17_07", 25, BOTH), ("top", "SM_17_07", 25, BOTH),
                    ("first leaf", "SL_00_00", 19, OURS), ("first top", "SM_00_00", 19, OURS)),
          "torus": (("ring", "S05_05_05", 3, BOTH),)}


def bring_up(rival, sm, sim):
    expected = len(sim.snapshot().linked_ports(sim.host))
    began = rivals.launch(rival, sm)
    # The simulator stands still while it counts: seldom enough not to be noticed.
    pause = 0.002 + sim.fabric.n_nodes / 1e6
    seconds = rivals.time_to_active(sim, expected, began, SECONDS, pause)
    lib.check(seconds, f"{rival.name}: not all Active within {SECONDS} s")
    sent = sm.sent()
    rivals.poll(lambda: rival.is_up(sm), f"{rival.name} up", SECONDS)
    return {"seconds": seconds, "says": time.monotonic() - began, "smps": rivals.total(sent),
            "cpu": rivals.cpu_seconds(sm.process.pid), "peak_mb": rivals.peak_mb(sm.process.pid)}


def pull(rival, sm, sim, name, port):
    """That cable, until all is at rest again."""
    before = rivals.wait_rest(sm, SECONDS)
    worked = rivals.cpu_seconds(sm.process.pid)
    began = time.monotonic()
    sim.unlink(name, port)
    sent = rivals.difference(rivals.wait_rest(sm, SECONDS), before)
    answered = sm.answered(LFT)
    lib.check(answered > began, f"{rival.name} changes no table")
    result = {"seconds": answered - began, "smps": rivals.total(sent),
              "blocks": rivals.total(sent, "Set", "LinearForwardingTable"),
              "cpu": rivals.cpu_seconds(sm.process.pid) - worked}
    result["tables"] = rivals.check_tables(rival, sm, sim, rivals.without_cable(sim.fabric, name, port))
    return result


def run(rival, name, fabric, service):
    engine = {"routing_engine": "ftree"} if rival.name == "opensm" and name.isdigit() else {}
    with lib.World("bench") as world:
        sim = rivals.slow_sim(world, fabric, service)
        sm = rival.make(world, sim, engine)
        result = {"up": bring_up(rival, sm, sim)}
        rivals.progress(f"{name}: {rival.name}: all Active after {result['up']['seconds']:.2f} s")
        rivals.wait_rest(sm, SECONDS)
        result["up"]["tables"] = rivals.check_tables(rival, sm, sim)
        if rival.name == "vsm":
            rival.sweep(sm, SECONDS)
        for what, switch, port, whose in CABLES.get(name, ()):
            if rival.name not in whose:
                continue
            result[what] = pull(rival, sm, sim, switch, port)
            rivals.progress(f"{name}: {rival.name}: {what} cable pulled, last block "
                            f"acknowledged after {result[what]['seconds']:.3f} s")
            sim.relink(switch, port)
        sm.stop()
        return result


MEASURES = (("seconds", "s", 3), ("says", "it says so, s", 3), ("smps", "SMPs", 0),
            ("blocks", "LFT blocks", 0), ("cpu", "CPU, s", 2), ("peak_mb", "peak memory, MB", 1))


def median(results, what, key):
    values = [one[what][key] for one in results if key in one.get(what, ())]
    return statistics.median(values) if values else None


def print_table(name, fabric, results, runs):
    print(f"\n{name}: {fabric.n_nodes} nodes, {fabric.n_switches} switches, {runs} runs each, medians")
    print(f"  {'':26} {'vsm':>12} {'opensm':>12} {'ratio':>8}")
    for what in next(iter(results.values()))[0]:
        for key, label, digits in MEASURES:
            sides = [median(results.get(who, ()), what, key) for who in ("vsm", "opensm")]
            if sides == [None, None]:
                continue
            ratio = f"{sides[0] / sides[1]:8.4f}" if all(sides) else f"{'-':>8}"
            texts = ["-" if side is None else f"{side:,.{digits}f}" for side in sides]
            print(f"  {what + ': ' + label:26} {texts[0]:>12} {texts[1]:>12} {ratio}")
        tables = [results[who][0][what]["tables"] if what in results.get(who, [()])[0] else "-"
                  for who in ("vsm", "opensm")]
        print(f"  {what + ': tables':26} {tables[0]:>12} {tables[1]:>12}")
    sys.stdout.flush()


UP_RATIO = 0.1
# At 11,664 hosts.
CABLE_RATIO, CABLE_SMPS = 0.01, 1100
CABLE_BLOCKS = {"leaf": 940, "first leaf": 940, "top": 170, "first top": 170}


def ratio(results, what):
    ours, theirs = (median(results.get(who, ()), what, "seconds") for who in ("vsm", "opensm"))
    return ours / theirs if ours and theirs else None


def compare(name, results, asked):
    asked.at_most(f"{name}: bring-up by opensm's", ratio(results, "up"), UP_RATIO)
    for what, blocks in CABLE_BLOCKS.items() if name == "11664" else ():
        for key, most in (("blocks", blocks), ("smps", CABLE_SMPS)):
            asked.at_most(f"{what} cable, {key}", median(results.get("vsm", ()), what, key), most)
        asked.at_most(f"{what} cable by opensm's", ratio(results, what), CABLE_RATIO)
    sys.stdout.flush()


def measure(name, chosen, runs, service, asked):
    fabric = rivals.FABRICS[name]()
    results = {}
    for _ in range(runs):
        for rival in chosen:
            results.setdefault(rival.name, []).append(run(rival, name, fabric, service))
    print_table(name, fabric, results, runs)
    compare(name, results, asked)
    return results


def main():
    lib.private_network()
    rivals.add_files()
    parser = argparse.ArgumentParser(description="vsm and opensm with agents that take their time.")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--fabrics", default=",".join(rivals.FABRICS))
    parser.add_argument("--service", type=int, default=300)
    parser.add_argument("--json", default=lib.built("tests/bench/bench-agents.json"))
    parser.add_argument("--only", choices=("vsm", "opensm"))
    wanted = parser.parse_args()

    chosen = [one for one in rivals.RIVALS if wanted.only in (None, one.name)]
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    results, asked = {}, rivals.Asked()
    try:
        for name in wanted.fabrics.split(","):
            results[name] = measure(name, chosen, wanted.runs, wanted.service, asked)
    except (lib.Failure, lib.Skip) as trouble:
        sys.exit(f"bench-agents: {trouble}")
    finally:
        lib.World.close_all()
    with open(wanted.json, "w", encoding="utf-8") as file:
        json.dump({"schema": "vsm.bench-agents.v1", "service_us": wanted.service,
                   "fabrics": results}, file, indent=1)
    print(f"\nall numbers: {wanted.json}")
    return asked.exit_code()


if __name__ == "__main__":
    sys.exit(main())
