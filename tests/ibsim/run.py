#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Acceptance: the real daemon on stock ibsim, looked at with other people's tools.

	run.py [-l] [-j JOBS] [-k] [--vsm] [PATTERN...]

Prints TAP. PATTERN: only tests whose name contains one of them; --vsm: only those of vsm itself; -l: only list them; -k: keep the
scratch directories of tests that fail. In the environment: VSM and VSMCTL (programs, otherwise
those of the build directory), VSM_FABRICS (a folder with further net files), VSM_TEST_SM=opensm
(let opensm stand in where a test is about no more than a fabric that is up), VSM_TEST_SIM=vsm-sim
(instead of ibsim), VSM_TEST_PATIENCE (a factor for all deadlines), VSM_TEST_PRELOAD=umad
(libvsm-umad.so instead of libumad2sim.so).
"""

import argparse
import concurrent.futures
import os
import signal
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lib
import suite
import test_alias
import test_faults
import test_input
import test_kills
import test_multicast
import test_peers
import test_qos
import test_registrations
import test_reload
import test_reserve
import test_sa
import test_saquery
import test_sim
import test_tools
import test_umad
import test_up
import test_vf
import test_vf_rules
import test_vports

OF_VSM = [*test_up.tests(), *test_faults.tests(), *test_kills.tests(),
          *test_input.tests(), *test_reserve.tests()]
TESTS = [*OF_VSM, *test_umad.tests(), *test_sim.tests(), *test_peers.tests(),
         *test_vports.tests(), *test_vf.tests(), *test_tools.tests(), *test_alias.tests(),
         *test_vf_rules.tests(), *test_reload.tests(), *test_qos.tests(), *test_sa.tests(),
         *test_saquery.tests(), *test_registrations.tests(),
         *test_multicast.tests()]


class Report:
    """TAP, a line per test in the order in which they end."""

    def __init__(self, tests):
        self.lock = threading.Lock()
        self.number = 0
        self.failed = 0
        print(f"1..{len(tests)}", flush=True)

    def line(self, ok, name, took, remark="", story=()):
        with self.lock:
            self.number += 1
            self.failed += not ok
            print(f"{'ok' if ok else 'not ok'} {self.number} - {name}{remark}")
            print(f"# {took:.1f} s")
            for text in story:
                for line in text.splitlines():
                    print(f"#   {line}")
            sys.stdout.flush()


def run_test(test, report, keep):
    began = time.monotonic()
    world = lib.World("test")
    ok, remark, story = True, "", []
    try:
        test.function(world)
    except lib.Skip as skip:
        remark = f" # SKIP {skip}"
    except lib.Failure as failure:
        ok, story = False, [str(failure), *world.notes, *tails(world)]
    except Exception:
        ok, story = False, [traceback.format_exc(), *world.notes, *tails(world)]
    finally:
        if not ok and keep:
            world.end_processes()
            story.append(f"kept: {world.dir}")
        else:
            world.close()
    report.line(ok, test.name, time.monotonic() - began, remark, story)


def tails(world):
    """The last words of whoever ran in the world."""
    for name in sorted(os.listdir(world.dir)):
        if name.endswith((".log", ".messages")):
            lines = [line for line in world.read(name).splitlines() if "parse_port" not in line][-8:]
            if lines:
                yield "\n".join([f"{name}:", *lines])


def stop_all(*unused):
    """A signal ends all worlds, and so their processes and directories."""
    lib.World.close_all()
    os._exit(1)


def main():
    lib.private_network()
    parser = argparse.ArgumentParser(description="Tests of vsm on ibsim.")
    parser.add_argument("-l", action="store_true", dest="list")
    parser.add_argument("-j", type=int, default=2, dest="jobs")
    parser.add_argument("-k", action="store_true", dest="keep")
    parser.add_argument("--vsm", action="store_true")
    parser.add_argument("patterns", nargs="*")
    wanted = parser.parse_args()

    tests = [test for test in (OF_VSM if wanted.vsm else TESTS)
             if not wanted.patterns or any(part in test.name for part in wanted.patterns)]
    if wanted.list:
        print("\n".join(test.name for test in tests))
        return 0
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop_all)
    report = Report(tests)
    tests.sort(key=lambda test: -test.weight)
    with concurrent.futures.ThreadPoolExecutor(wanted.jobs) as pool:
        for done in [pool.submit(run_test, test, report, wanted.keep) for test in tests]:
            done.result()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
