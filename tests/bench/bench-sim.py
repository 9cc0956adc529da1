#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vsm-sim and ibsim side by side: SMPs per second through the same unmodified libumad2sim, and
through our own preload.

	bench-sim.py [-n ROUNDS] [-c COUNT]

A line of switches; Get NodeInfo by directed route at depths 0 to 5, windows 1 to 256, the two
simulators in turn. Prints the medians and their ratios to ibsim's, and the microseconds of processor
time that each simulator took for an SMP, which say more on a machine that has other work; exits with
1 if vsm-sim is slower anywhere by more than the noise (VSM_BENCH_SLACK, default 0.95).
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


class Candidate:
    """A simulator, and a preload that leads to it."""

    def __init__(self, sim, preload):
        self.sim = sim
        self.preload = preload

    def rate(self, depth, window, count):
        done = self.sim.world.run(
            [lib.built("tests/bench/smp-rate"), str(depth), str(window), str(count)],
            {**self.sim.env(), "LD_PRELOAD": self.preload})
        if done.returncode:
            raise lib.Failure(f"depth {depth}, window {window}: {done.stderr.strip()[-200:]}")
        return float(done.stdout)


def used(sim):
    """Seconds of processor time so far."""
    with open(f"/proc/{sim.process.pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def measure(candidates, depth, window, wanted):
    """For each of them: the median rate, and microseconds of the simulator for an SMP."""
    results = [([], []) for _ in candidates]
    for _ in range(wanted.rounds):
        for (rates, cpu), candidate in zip(results, candidates):
            before = used(candidate.sim)
            rates.append(candidate.rate(depth, window, wanted.count))
            cpu.append((used(candidate.sim) - before) / (1.1 * wanted.count) * 1e6)
    return [(statistics.median(rates), statistics.median(cpu)) for rates, cpu in results]


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
        candidates = [Candidate(sims[0], lib.find_preload()),
                      Candidate(sims[1], lib.find_preload()), Candidate(sims[1], lib.VSM_UMAD)]
        print("             SMPs/s through libumad2sim       our preload    us for an SMP\n"
              "depth window     ibsim   vsm-sim ratio     vsm-sim ratio  ibsim vsm-sim preload")
        for depth in wanted.depths:
            for window in wanted.windows:
                (old, old_us), (new, new_us), (own, own_us) = measure(candidates, depth, window,
                                                                      wanted)
                slower += new < slack * old
                print(f"{depth:5} {window:6} {old:9.0f} {new:9.0f} {new / old:5.2f}"
                      f" {own:11.0f} {own / old:5.2f} {old_us:6.2f} {new_us:7.2f} {own_us:7.2f}",
                      flush=True)
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
