#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vsm-sim and ibsim side by side: SMPs per second through the same unmodified libumad2sim.

	bench-sim.py [-n ROUNDS] [-c COUNT]

A line of switches; Get NodeInfo by directed route at depths 0 to 5, windows 1 to 256, the two
simulators in turn. Prints the medians and their ratio, the microseconds of processor time that each
simulator took for an SMP, which say more on a machine that has other work, and exits with 1 if
vsm-sim is slower anywhere by more than the noise (VSM_BENCH_SLACK, default 0.95).
"""

import argparse
import os
import statistics
import sys

sys.dont_write_bytecode = True
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TOP, "ibsim"))

import fabrics
import lib

DEPTHS = range(6)
WINDOWS = (1, 2, 4, 16, 64, 256)


def line():
    """A host, and five switches in a row behind it."""
    text = 'Hca 1 "host"\n[1] "s1"[1]\n'
    for number in range(1, 6):
        before = '"host"[1]' if number == 1 else f'"s{number - 1}"[2]'
        text += f'\nSwitch 4 "s{number}"\n[1] {before}\n'
        if number < 5:
            text += f'[2] "s{number + 1}"[1]\n'
    return fabrics.Fabric("line", text)


def rate(sim, depth, window, count):
    done = sim.world.run([lib.built("tests/bench/smp-rate"), str(depth), str(window), str(count)],
                         sim.env())
    if done.returncode:
        raise lib.Failure(f"depth {depth}, window {window}: {done.stderr.strip()[-200:]}")
    return float(done.stdout)


def used(sim):
    """Seconds of processor time so far."""
    with open(f"/proc/{sim.process.pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def measure(sims, depth, window, wanted):
    """[rates, seconds of the simulator] of each of them."""
    results = [([], []) for _ in sims]
    for _ in range(wanted.rounds):
        for (rates, seconds), sim in zip(results, sims):
            before = used(sim)
            rates.append(rate(sim, depth, window, wanted.count))
            seconds.append(used(sim) - before)
    return results


def main():
    lib.private_network()
    parser = argparse.ArgumentParser(description="vsm-sim against ibsim.")
    parser.add_argument("-n", type=int, default=5, dest="rounds")
    parser.add_argument("-c", type=int, default=10000, dest="count")
    parser.add_argument("-d", type=int, nargs="*", default=list(DEPTHS), dest="depths")
    parser.add_argument("-w", type=int, nargs="*", default=list(WINDOWS), dest="windows")
    wanted = parser.parse_args()
    slack = float(os.environ.get("VSM_BENCH_SLACK", "0.95"))

    slower = 0
    with lib.World("bench") as world:
        sims = [lib.Simulator(world, line(), program=program)
                for program in (lib.IBSIM, lib.VSM_SIM)]
        print("depth window   ibsim/s vsm-sim/s  ratio    ibsim us  vsm-sim us")
        for depth in wanted.depths:
            for window in wanted.windows:
                (old, old_cpu), (new, new_cpu) = [
                    map(statistics.median, one) for one in measure(sims, depth, window, wanted)]
                slower += new < slack * old
                cpu = [seconds / (1.1 * wanted.count) * 1e6 for seconds in (old_cpu, new_cpu)]
                print(f"{depth:5} {window:6} {old:9.0f} {new:9.0f} {new / old:6.2f}"
                      f" {cpu[0]:11.2f} {cpu[1]:11.2f}", flush=True)
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
