# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Multicast with other people's eyes: groups and members as saquery and osmtest see them, beside what
opensm says of the same fabric, and hosts that join through the kernel's MAD layer.
"""

import fabrics
import lib
from lib import check, check_equal
from suite import Suite
from test_sa import dumped
from test_umad import Simulator

suite = Suite()
tests = suite.tests

PLAN = fabrics.fat_tree_3(4)
KEY = 0x5ec2e7
PARTITIONS = """Default=0x7fff, ipoib, defmember=full: ALL=full;
blue=0x21, ipoib, mtu=5, rate=7, sl=1, defmember=full: ALL=full;
red=0x22, ipoib, defmember=full:
    mgid=ff12:401b::ffff:1
    mgid=ff12::22,Q_Key=0x42,TClass=3
    ALL=full;
"""


def managed(world, kind=lib.Vsm, program=None, **options):
    sim = Simulator(world, PLAN.build(), program=program)
    sm = kind(world, sim, **options).start().wait_ready()
    return sim, sm


def hosts(sim):
    return [port for port in sim.wait_up(30).end_ports(sim.host) if port.node.kind != "Switch"]


def groups(sim, *options):
    """By MGID what saquery says of groups, without what is no matter of theirs."""
    found = {}
    for record in dumped(sim.tool("saquery", *options, "-g", seconds=60)):
        fields = dict(record)
        found[fields.pop("MGID")] = fields
    return found


@suite.test("groups of partitions.conf are there from the start, as opensm has them", weight=10)
def given(world):
    path = world.write("partitions.conf", PARTITIONS)
    sim, sm = managed(world, options={"partition_file": path, "qos.enable": True})
    ours = groups(sim)
    check_equal("exit code of vsm", sm.stop(), 0)
    opensm = lib.Opensm(world, sim, options={"partition_config_file": path, "qos": "TRUE"})
    opensm.start().wait_ready()
    theirs = groups(sim)
    check_equal("groups", sorted(ours), sorted(theirs))
    check(len(ours) >= 4, f"groups: {ours}")
    for mgid, fields in ours.items():
        other = theirs[mgid]
        # Which LID is whose is nobody's business but ours.
        fields.pop("Mlid", None), other.pop("Mlid", None)
        check_equal(f"group {mgid}", fields, other)


@suite.test("hosts join and leave, and are members still when vsm is killed", weight=12)
def members(world):
    # ibsim goes on sending to who was killed.
    sim, sm = managed(world, program=lib.VSM_SIM, options={"sm.sa_key": KEY})
    names = [port.node.name for port in hosts(sim)]
    for name in names:
        check_equal(f"MLID at {name}", sim.client("join", host=name).strip(), "0xc000")
    sim.client("storm", "300", host=names[1])
    sim.client("join", "7", "8", host=names[2])

    def n_members():
        return sim.tool("saquery", "--smkey", f"{KEY:#x}", "MCMR").count("dump:")

    check_equal("members", n_members(), len(names) + 1)
    check(sim.tool("saquery", "MCMR").count("dump:") == 2, "groups that strangers see")
    sm.kill()
    sm.start().wait_ready()
    check_equal("members after a restart", n_members(), len(names) + 1)
    check(len(sim.tool("saquery", "--smkey", f"{KEY:#x}", "-m", "0xc000").splitlines()) >= len(names),
          "members of the broadcast group")


@suite.test("a storm of joins is answered, each with a LID", weight=15)
def storms(world):
    sim, _ = managed(world)
    names = [port.node.name for port in hosts(sim)]
    for name in names[:4]:
        sim.client("storm", "700", "0", host=name, seconds=120)
    check_equal("groups", sim.tool("saquery", "MCMR", seconds=60).count("dump:"), 701)


@suite.test("osmtest -f m is content", weight=40)
def osmtest(world):
    sim, _ = managed(world)
    hosts(sim)
    for mode in "1234":
        log = world.path(f"osmtest-{mode}.log")
        said = sim.tool("osmtest", "-t", "2000", "-f", "m", "-M", mode, "-l", log, host="H00001", seconds=300)
        check("PASS" in said, f"osmtest -f m -M {mode}: {said[-300:]}")
