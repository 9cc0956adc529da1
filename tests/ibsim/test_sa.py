# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The subnet administrator as saquery sees it, through the preload: the kernel's RMPP cuts tables up."""

import re

import fabrics
import lib
from lib import check, check_equal
from suite import Suite
from test_umad import Simulator

suite = Suite()
tests = suite.tests

PLAN = fabrics.fat_tree_3(6)  # 99 nodes
KEY = 0x5ec2e7


def managed(world, plan=PLAN, **options):
    sim = Simulator(world, plan.build())
    sm = lib.Vsm(world, sim, **options).start().wait_ready()
    return sim, sm


def n_records(sim, *query, host=None):
    return sim.tool("saquery", *query, host=host, seconds=120).count("ecord dump:")


@suite.test("tables of any length, to the SM's host and to others", weight=8)
def tables(world):
    sim, _ = managed(world)
    snapshot = sim.check_up()
    ends = snapshot.end_ports(sim.host)
    hosts = [port for port in ends if port.node.kind != "Switch"]
    ports = sum(len(node.ports) for node in snapshot.switches()) + len(hosts)
    for host in (None, hosts[-1].node.name):
        for query, expected in ((("NR",), len(ends)), (("-N",), len(ends)), (("PIR",), ports),
                                (("LR",), len(snapshot.linked_ports(sim.host))),
                                (("-x",), len(snapshot.linked_ports(sim.host))),
                                (("SWIR",), len(snapshot.switches())),
                                (("LFTR",), sum(node.linear_top // 64 + 1
                                                for node in snapshot.switches())),
                                (("GIR",), len(ends)), (("SMIR",), 1),
                                (("PR", "--slid", hosts[0].lid), len(ends))):
            check_equal(f"records of saquery {query} at {host}", n_records(sim, *query, host=host),
                        expected)


@suite.test("who sends the key is trusted, and who sends another one is not", weight=3)
def trusted(world):
    sim, _ = managed(world, fabrics.one_switch(), options={"sm.sa_key": KEY})
    everything = n_records(sim, "NR")
    for key in ("0", "1", f"{KEY:#x}"):
        check_equal(f"records with key {key}", n_records(sim, "--smkey", key, "NR"), everything)
    check(n_records(sim, "--smkey", f"{KEY:#x}", "PKTR"), "no P_Keys for who is trusted")
    done = sim.run("saquery", "PKTR")
    check(done.returncode and "0x0200" in done.stderr, f"saquery PKTR: {done.stderr}")
    check(f"{KEY:x}" not in sim.tool("saquery", "-K", "--smkey", f"{KEY:#x}", "SMIR"),
          "the key is told")


# ---- beside opensm ------------------------------------------------------------------------------

def dumped(text):
    """The records that saquery prints, each a list of names and values."""
    found = []
    for line in text.splitlines():
        if line.rstrip().endswith("dump:"):
            found.append([])
        elif found and line.strip():
            name, _, value = re.sub(r"\.{2,}:?|:", "\0", line.strip(), count=1).partition("\0")
            found[-1].append((name.strip(), value.strip(" .")))
    return found
