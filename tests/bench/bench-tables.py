#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How good the forwarding tables of vsm and of opensm's engines are, on the same fabrics.

	bench-tables.py [--fabrics NAME,...] [--engines NAME,...] [--seconds MOST] [--json FILE]

Each brings up vsm-sim (by our preload, agents answer at once) with the LIDs that it gives; then all
tables are read from the simulator and judged by the same program (judge.c): effective bisection
bandwidth (hosts send in 40 random permutations, the same for all, and a flow gets 1/n of its worst
cable), the most used cable by the average, cables on the way, flows that do not arrive, and whether
the tables are complete, without loops, and free of credit loops: those of vsm on the service levels
that its dumps say, those of opensm on one lane. Its engines that use several lanes may well be free of
credit loops with them; that is not looked at.

opensm falls back to minhop where an engine does not fit: such a row says so, and is left out where
minhop has one. An engine that takes longer than --seconds is given up. VSM_FABRICS: a folder with
further net files.
"""

import argparse
import json
import os
import re
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ibsim"))

import fabrics
import lib
import rivals

VSM_ENGINES = ("auto", "minhop", "updn", "ftree", "lanes")
# From the quickest on. Some of the last ones take minutes to hours on hundreds of switches.
OPENSM_ENGINES = ("minhop", "updn", "dnup", "ftree", "dor", "torus-2QoS", "sssp", "dfsssp", "lash",
                  "nue")
QUICK = ("minhop", "updn", "dnup", "ftree", "sssp")
LANES = ("torus-2QoS", "dfsssp", "lash", "nue")  # use several; the verdict is about one

FABRICS = {
    "tree 2x36": lambda: fabrics.fat_tree_2(36).build(),
    "tree 3x24": lambda: fabrics.fat_tree_3(24).build(),
    "tree 3x24 -0.1%": lambda: fabrics.fat_tree_3(24).damage(links=0.001, seed=4).build(),
    "tree 3x24 -1%": lambda: fabrics.fat_tree_3(24).damage(links=0.01, seed=4).build(),
    "tree 3x24 -5%": lambda: fabrics.fat_tree_3(24).damage(links=0.05, seed=4).build(),
    "torus 6x6x6": lambda: fabrics.torus(6, 6, 6, hosts=4).build(),
    "torus 10x10x10": lambda: fabrics.torus(10, 10, 10, hosts=2).build(),
    "dragonfly 8 4 4": lambda: fabrics.dragonfly(8, 4, 4).build(),
    "hyperx 12x8": lambda: fabrics.hyperx(12, 8, 7).build(),
    "random 125": lambda: fabrics.random_graph(125, 437, 8, seed=1).build(),
    "tree 3x36": lambda: fabrics.fat_tree_3(36).build(),
}


def add_files():
    known = set(rivals.FABRICS)
    rivals.add_files()
    FABRICS.update((name, make) for name, make in rivals.FABRICS.items() if name not in known)


def engines_of(fabric, rival):
    if rival.name == "vsm":
        return VSM_ENGINES
    is_torus = fabric.name.startswith("torus")
    engines = OPENSM_ENGINES if fabric.n_switches < 500 else QUICK
    if is_torus and fabric.n_switches >= 500:
        engines = ("minhop", "updn", "dor", "torus-2QoS", "sssp")
    return [engine for engine in engines if is_torus or engine not in ("dor", "torus-2QoS")]


def torus_conf(world, fabric):
    """Its sizes, and the links that make the origin: port GUIDs of vsm-sim count in the file's order."""
    sizes = [int(size) for size in fabric.name.split("-")[1].split("x")]
    guids = {name: 0x200000 + number for number, name in enumerate(
        name for kind, _, name in fabric.nodes if kind == "switch")}
    at = [guids["S" + "_".join("01" if axis == moved else "00" for axis in range(3))]
          for moved in range(3)]
    origin = guids["S00_00_00"]
    lines = ["torus " + " ".join(map(str, sizes))]
    lines += [f"{word} {origin:#x} {far:#x}" for word, far in zip(
        ("xp_link", "yp_link", "zp_link"), at)]
    return world.write("torus.conf", "\n".join(lines) + "\n")


def options_of(world, fabric, rival, engine):
    if rival.name == "vsm":
        return {"routing.engine": engine}
    options = {"routing_engine": engine, "sweep_interval": 0}
    if engine in ("dfsssp", "lash", "torus-2QoS", "nue"):
        options["qos"] = "TRUE"
    if engine == "nue":
        options["nue_max_num_vls"] = 8
    if engine == "torus-2QoS":
        options["torus_config"] = torus_conf(world, fabric)
    return options


def used_engine(rival, sm, engine):
    """What it says that the tables are made with."""
    if rival.name == "vsm":
        found = re.findall(r"routes by (\w+)", sm.output())
    else:
        found = re.findall(r"([\w-]+) tables configured on all switches", sm.messages())
    return found[-1] if found else engine


def run(rival, fabric, engine, seconds):
    with lib.World("bench") as world:
        sim = lib.Simulator(world, fabric, program=lib.VSM_SIM)
        sim.preload = lib.VSM_UMAD
        sm = rival.make(world, sim, options_of(world, fabric, rival, engine))
        rivals.start(rival, sm, seconds)
        sim.check_up()
        return {**rivals.judge(sim, sm), "asked": engine, "used": used_engine(rival, sm, engine),
                "rival": rival.name}


def try_run(rival, fabric, engine, seconds):
    try:
        return run(rival, fabric, engine, seconds)
    except lib.Failure as failure:
        return {"asked": engine, "used": None, "rival": rival.name, "failure": str(failure)}


def print_row(row):
    name = row["asked"] if row["used"] in (None, row["asked"]) else f"{row['asked']} -> {row['used']}"
    print(f"  {row['rival']:7} {name:22} ", end="")
    if "failure" in row:
        print(row["failure"])
    else:
        print(f"{row['ebb']:6.3f} {row['efi_ratio']:7.2f} {row['hops']:6.2f} {row['lost']:7.4f}  "
              f"{rivals.verdict(row)}{' (on one lane)' if row['used'] in LANES else ''}"
              f"{' on %u lanes' % row['lanes'] if row['lanes'] > 1 else ''}")
    sys.stdout.flush()


def best(rows, who):
    """Of what arrives and has no loop."""
    rows = [row for row in rows if row["rival"] == who and "ebb" in row and row["loop_free"]]
    return max(rows, key=lambda row: row["ebb"], default=None)


def measure(name, chosen, wanted):
    fabric = FABRICS[name]()
    rows = []
    print(f"\n{name}: {fabric.n_nodes} nodes, {fabric.n_switches} switches\n"
          f"  {'':7} {'engine':22} {'eBB':>6} {'max/avg':>7} {'hops':>6} {'lost':>7}", flush=True)
    for rival in chosen:
        for engine in engines_of(fabric, rival):
            if wanted.engines and engine not in wanted.engines.split(","):
                continue
            rivals.progress(f"{name}: {rival.name}, {engine}")
            row = try_run(rival, fabric, engine, wanted.seconds)
            if row["used"] == "minhop" and engine != "minhop" and rival.name == "opensm":
                print(f"  {rival.name:7} {engine:22} falls back to minhop", flush=True)
                continue
            rows.append(row)
            print_row(row)
    ours, theirs = (next((row for row in rows if row["rival"] == "vsm" and row["asked"] == "auto"
                          and "ebb" in row), None), best(rows, "opensm"))
    if ours and theirs:
        print(f"  vsm by itself {ours['ebb']:.4f}, opensm's best {theirs['ebb']:.4f} "
              f"({theirs['asked']}, {rivals.verdict(theirs)}): {ours['ebb'] / theirs['ebb'] - 1:+.1%}"
              f"{'' if ours['ebb'] >= theirs['ebb'] else ', LESS'}", flush=True)
    return rows


def main():
    lib.private_network()
    add_files()
    parser = argparse.ArgumentParser(description="How good tables of vsm and of opensm are.")
    parser.add_argument("--fabrics", default=",".join(FABRICS))
    parser.add_argument("--engines")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--json", default=lib.built("tests/bench/bench-tables.json"))
    parser.add_argument("--only", choices=("vsm", "opensm"))
    wanted = parser.parse_args()

    chosen = [one for one in rivals.RIVALS if wanted.only in (None, one.name)]
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))
    results = {}
    try:
        for name in wanted.fabrics.split(","):
            results[name] = measure(name, chosen, wanted)
    except lib.Skip as trouble:
        sys.exit(f"bench-tables: {trouble}")
    finally:
        lib.World.close_all()
    with open(wanted.json, "w", encoding="utf-8") as file:
        json.dump({"schema": "vsm.bench-tables.v1", "fabrics": results}, file, indent=1)
    print(f"\nall numbers: {wanted.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
