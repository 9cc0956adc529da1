# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The subnet administrator as saquery sees it, through the preload: the kernel's RMPP cuts tables up."""

import re

import checks
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
    for key in ("0", f"{KEY:#x}"):
        check_equal(f"records with key {key}", n_records(sim, "--smkey", key, "NR"), everything)
    done = sim.run("saquery", "-t", "200", "--smkey", "1", "NR")
    check(done.returncode and "record dump" not in done.stdout.lower(),
          f"a wrong key is answered: {done.stdout}{done.stderr}")
    check(n_records(sim, "--smkey", f"{KEY:#x}", "PKTR"), "no P_Keys for who is trusted")
    done = sim.run("saquery", "PKTR")
    check(done.returncode and "0x0200" in done.stderr, f"saquery PKTR: {done.stderr}")
    check(f"{KEY:x}" not in sim.tool("saquery", "-K", "--smkey", f"{KEY:#x}", "SMIR"),
          "the key is told")


@suite.test("MultiPathRecords: questions and answers of many datagrams, and one that is too long", weight=5)
def multi_path(world):
    sim, _ = managed(world)
    snapshot = sim.check_up()
    lid = str(snapshot.port(sim.host, 1).lid)
    guids = [f"{snapshot.port(name, 1).guid:x}" for name in ("H00003", "H00004")]
    sim.client("multipath", lid, *guids, "20", host="H00003")
    for count in (1, 11, 40, 255):
        check_equal(f"status and paths of {count} times {count}",
                    sim.client("long_multipath", lid, *guids, str(count), host="H00003").split(),
                    ["0", str(count * count)])
    check_equal("status of what is too long",
                sim.client("long_multipath", lid, *guids, "255", "20000", host="H00003").split()[0],
                str(0x0100))


def shared(sim, sources, targets):
    """Nodes that the first two of two independent paths share, there and back as ibtracert walks them, and the
    preference of the second."""
    guids = [",".join(f"{end.guid:x}" for end in ends) for ends in (sources, targets)]
    told = [line.split() for line in
            sim.client("independent", str(sim.snapshot().port(sim.host, 1).lid), *guids, "2",
                       host=sources[0].node.name).splitlines()]
    check_equal(f"paths from {guids[0]} to {guids[1]}", len(told), 2)
    ways = [{name for way in ((slid, dlid), (dlid, slid))
             for name, _ in checks.traced(sim.tool("ibtracert", *way))} for slid, dlid, _ in told]
    return ways[0] & ways[1], told[1][2]


@suite.test("independent paths share no more than they have to, as ibtracert walks them", weight=8)
def independent(world):
    sim = Simulator(world, fabrics.fat_tree_2(8).build())
    lib.Vsm(world, sim, options={"subnet.lmc": 2}).start().wait_ready()
    leaves = {}
    for port in sim.check_up().end_ports(sim.host):
        if port.node.kind != "Switch":
            leaves.setdefault(port.peer[0], []).append(port)
    leaves = [sorted(ports, key=lambda port: port.guid) for _, ports in sorted(leaves.items())]
    for n in range(1, 4):
        a, b, c, d = (leaves[(n + i) % len(leaves)][n] for i in range(4))
        check_equal("shared by two to two", shared(sim, (a, b), (c, d)), (set(), "0"))
        ends = {a.node.name, c.node.name, a.peer[0], c.peer[0]}
        check_equal("shared by one to one", shared(sim, (a,), (c,)), (ends, "0"))
        # To a neighbour there is but one way.
        other = leaves[(n + 1) % len(leaves)][0]
        check_equal("shared by neighbours", shared(sim, (b,), (other,)),
                    ({b.node.name, other.node.name, b.peer[0]}, "0"))


@suite.test("NumbPath is of each pair of GIDs; opensm counts all, and tells of the first pairs alone", weight=6)
def numb_path(world):
    sim = Simulator(world, fabrics.fat_tree_2(4).build())
    for kind, told in ((lib.Opensm, (1, 2)), (lib.Vsm, (6, 6))):
        sm = kind(world, sim).start().wait_ready()
        ports = sorted((port for port in sim.wait_up(60).end_ports(sim.host) if port.node.kind != "Switch"),
                       key=lambda port: port.guid)
        for count, paths in zip((1, 2), told):
            found = sim.client("independent", str(sim.snapshot().port(sim.host, 1).lid),
                               ",".join(f"{port.guid:x}" for port in ports[1:3]),
                               ",".join(f"{port.guid:x}" for port in ports[4:7]), str(count), "0",
                               host=ports[1].node.name).splitlines()
            pairs = [tuple(line.split()[:2]) for line in found]
            check_equal(f"paths of {count} by {sm.name}", len(pairs), paths)
            check_equal("paths of a pair that come twice", len(pairs) - len(set(pairs)), 0)
        check_equal(f"exit code of {sm.name}", sm.stop(), 0)


@suite.test("TraceRecords are the way that ibtracert walks", weight=4)
def trace(world):
    sim, _ = managed(world)
    snapshot = sim.check_up()
    source = snapshot.port("H00003", 1)
    for name in ("H00004", "H00033", "H00053"):
        target = snapshot.port(name, 1)
        walked = checks.traced(sim.tool("ibtracert", source.lid, target.lid))
        told = [line.split() for line in
                sim.client("trace", str(snapshot.port(sim.host, 1).lid), f"{source.guid:x}",
                           f"{target.guid:x}", host="H00003").splitlines()]
        names = {f"{node.guid:016x}": node.name for node in snapshot.nodes.values()}
        check_equal(f"nodes on the way to {name}", [names[guid] for guid, _, _ in told],
                    [node for node, _ in walked] + [name])
        check_equal(f"ports that it leaves by, to {name}", [int(exit) for _, _, exit in told[1:-1]],
                    [exit for _, exit in walked[1:]])


@suite.test("osmtest is content with vsm: its inventory, and floods of each kind", weight=40)
def osmtest(world):
    sim, _ = managed(world, fabrics.fat_tree_3(4), options={"sm.sa_key": 1})
    inventory = world.path("inventory")
    for flow in ("-f c", "-f v", "-f a", "-f f -s 1", "-f f -s 2", "-f f -s 3", "-f f -s 4"):
        said = sim.tool("osmtest", "-t", "2000", *flow.split(), "-i", inventory, "-l", world.path("osmtest.log"),
                        host="H00001", seconds=300)
        check("PASS" in said, f"osmtest {flow}: {said[-300:]}")


@suite.test("virtual lanes as saquery shows them are what the switch holds", weight=3)
def lanes(world):
    sim, _ = managed(world, fabrics.torus(6))
    switch = sim.check_up().switches()[0]
    shown = {}
    for record in dumped(sim.tool("saquery", "SL2VL", switch.ports[0].lid)):
        named = dict(record)
        shown[int(named["InPort"]), int(named["OutPort"])] = numbers(named["VL"])
    check(shown, "no records")
    for number in range(1, len(switch.ports)):
        held = sim.tool("smpquery", "sl2vl", switch.ports[0].lid, number)
        for line in held.splitlines():
            match = re.match(r"ports: in +(\d+), out +(\d+): (.*)", line)
            place = (int(match[1]), int(match[2])) if match else None
            # What comes in by a port does not leave by it.
            if place in shown:
                check_equal(f"levels of {place}", shown.pop(place), numbers(match[3]))
    check_equal("levels of what there is not", shown, {})
    turns = dumped(sim.tool("saquery", "VLAR", f"{switch.ports[0].lid}/1/1"))[0]
    first = next(value for name, value in turns if name.startswith("VL"))
    held = sim.tool("smpquery", "vlarb", switch.ports[0].lid, 1)
    lanes_of = [int(lane, 16) for lane in re.search(r"VL *:(.*)", held)[1].split("|") if lane.strip()]
    check_equal("lanes that have turns", numbers(first)[:len(lanes_of)], lanes_of)


def numbers(text):
    return [int(number) for number in text.split("|") if number.strip()]


def dumped(text):
    """The records that saquery prints, each a tuple of names and values; else its lines."""
    found = []
    for line in text.splitlines():
        if re.match(r"\S.*(dump|ClassPortInfo):$", line):
            found.append([])
        elif found and line.strip():
            match = re.match(r"\s*(.*?)(?::?\.{2,}|:\.*)\s*(.*)$", line)
            found[-1].append((match[1], match[2]) if match else ("", line.strip()))
    return sorted(tuple(record) for record in found) or text.splitlines()
