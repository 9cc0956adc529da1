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
        said = sim.tool("osmtest", *flow.split(), "-i", inventory, "-l", world.path("osmtest.log"),
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


# ---- beside opensm ------------------------------------------------------------------------------

PARTITIONS = """
Default=0x7fff, ipoib : ALL=limited, ALL_SWITCHES=full, SELF=full ;
blue=0x0002 : {1}=full, {2}=limited, {3}=full ;
red=0x8003 : {3}=full, {4}=limited, {5}=full ;
"""


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


def without(name):
    return lambda records: [tuple(pair for pair in record if pair[0] != name) for record in records]


def no_empty_blocks(records):
    """A table without BlockNum has block 0, and others that have something."""
    return [record for record in records if record[1] == ("Block", "0") or
            any(name.startswith("GUID") and int(value, 16) for name, value in record)]


def in_common(record):
    """Block numbers of opensm's P_KeyTableRecord are in the byte order of its machine."""
    return dict(record).get("Block") == "0"


# What differs, and how (doc/sa.md says why): what is done to both before they are compared, and
# whether vsm may have more, only those of the same port and block are compared, or none.
EQUAL, MORE, COMMON, OTHER = "equal", "more", "common", "other"
DIFFERENCES = (
    (r"smkey 1 PKTR", lambda records: [record for record in records if in_common(record)], COMMON),
    (r"smkey", without("ActCount"), MORE),
    (r"(CPI|-c)$", without("Capability mask"), EQUAL),
    (r"SMIR", without("ActCount"), EQUAL),
    (r"GIR$", no_empty_blocks, EQUAL),
    (r"LFTR", None, OTHER),
    (r"PR .*--sl 1", None, OTHER),
    (r"PR .*-R 0x82", None, MORE),
    (r"^(LR|-x|PIR|-p|PR)$|^PIR \S+/[1-9]|^LR", None, MORE),
)


def queries(snapshot, hosts):
    """Everything that saquery can ask about what both serve."""
    lid = [host.ports[1].lid for host in hosts]
    name = [host.name for host in hosts]
    guid = [f"0x{host.ports[1].guid:016x}" for host in hosts]
    gid = [f"fe80::{host.ports[1].guid >> 16:x}:{host.ports[1].guid & 0xffff:x}" for host in hosts]
    switch = snapshot.switches()[0].ports[0].lid
    pair = f"PR --slid {lid[1]} --dlid {lid[3]}"
    yield from ("", "NR", "PIR", "LR", "GIR", "SWIR", "SMIR", "CPI", "PR", "-p", "-s", "-x", "-D", "-N", "-c",
                "PKTR", "SR", "IIR", "MFTR", "MCMR", "-g", "-m", "SWIR 9999", "SMIR 9999", "NR 9999")
    yield from (f"-O {lid[1]}", f"-G {name[1]}", f"-L {name[1]}", f"-l {name[1]}", f"-U {guid[1]}",
                f"NR {lid[3]}", f"PIR {lid[3]}", f"PIR {switch}/0", f"PIR {lid[3]}/1/0x80",
                f"LR {lid[3]}", f"LR {switch}/1 {lid[1]}", f"GIR {lid[3]}/0", f"GIR {lid[3]}/1",
                f"LFTR {switch}/0", f"LFTR {switch}/5", f"SWIR {switch}", f"SMIR {lid[0]}")
    yield from (f"PR --slid {lid[1]}", f"PR --dlid {lid[3]}", pair, f"{pair} --pkey 0x8002", f"{pair} --pkey 2",
                f"{pair} --pkey 0x8003", f"PR --slid {lid[2]} --dlid {lid[4]}",
                f"PR --slid {lid[2]} --dlid {lid[1]}", f"PR --slid {lid[1]} --dlid {lid[1]}",
                f"PR --sgid {gid[1]} --dgid {gid[3]}", f"--sgid-to-dgid {gid[1]}-{gid[3]}",
                f"PR --sgid {gid[1]} --slid {lid[1]} --dgid {gid[3]}",
                f"PR --sgid {gid[1]} --slid {lid[2]} --dgid {gid[3]}",
                f"--src-to-dst {lid[1]}:{lid[3]}", f"--src-to-dst {name[1]}:{name[3]}",
                "PR --slid 9999", f"PR --slid {lid[1]} --dlid 9999",
                f"PR --slid {switch} --dlid {lid[1]}", f"PR --slid {switch} --dlid {switch}")
    yield from (f"{pair} {option}" for option in (
        "-n 1", "-n 0", "-r 0", "-r 1", "-Q 3", "--sl 0", "--sl 1", "-T 3", "-F 3", "-H 3", "--service_id 0x1234",
        "-M 0x84", "-M 0x43", "-M 0x03", "-M 0x85", "-M 0xc4", "-R 0x83", "-R 0x43", "-R 0x03", "-R 0x82",
        "-R 0xc3", "--pkt_lifetime 0x92", "--pkt_lifetime 0x12", "--pkt_lifetime 0x53"))
    yield from ("--smkey 1 PKTR", "--smkey 1 NR", "--smkey 1 PR", "--smkey 1 PIR", "--smkey 1 LR", "--smkey 5 NR",
                "--smkey 1 SMIR", "--smkey 1 MCMR", f"--smkey 1 PKTR {lid[3]}/1/0")


def answers(sim, snapshot, hosts):
    found = {}
    for host in (hosts[0], hosts[1], hosts[6]):
        for query in queries(snapshot, hosts):
            done = sim.run("saquery", *query.split(), host=host.name, seconds=100)
            found[host.name, query] = done.returncode, dumped(done.stdout)
    return found


def difference(query, theirs, ours):
    """None, or what differs that should not."""
    change, kind = next(((change, kind) for pattern, change, kind in DIFFERENCES
                         if re.search(pattern, query)), (None, EQUAL))
    if kind == OTHER:
        return None
    if change and theirs[1] and isinstance(theirs[1][0], tuple):
        theirs = theirs[0], change(theirs[1])
    if change and ours[1] and isinstance(ours[1][0], tuple):
        ours = ours[0], change(ours[1])
    if kind == COMMON:
        places = {record[:3] for record in theirs[1]} & {record[:3] for record in ours[1]}
        theirs, ours = ((side[0], [record for record in side[1] if record[:3] in places])
                        for side in (theirs, ours))
    missing = [record for record in theirs[1] if record not in ours[1]]
    more = [record for record in ours[1] if record not in theirs[1]]
    if kind == MORE and (not missing and len(ours[1]) >= len(theirs[1])):
        return None
    if missing or more or len(ours[1]) != len(theirs[1]) or ours[0] != theirs[0]:
        return f"opensm {theirs[0]}, {len(theirs[1])} records, vsm {ours[0]}, {len(ours[1])}; " \
            f"missing {str(missing[:1])[:300]}, more {str(more[:1])[:300]}"
    return None


@suite.test("what saquery gets from vsm is what it gets from opensm, but for what doc/sa.md lists", weight=60)
def beside_opensm(world):
    sim = Simulator(world, fabrics.fat_tree_2(4).build())
    hosts = sorted((node for node in sim.snapshot().nodes.values() if node.kind != "Switch"),
                   key=lambda node: node.name)
    guids = [f"0x{host.ports[1].guid:016x}" for host in hosts]
    path = world.write("partitions.conf", PARTITIONS.format(*guids))
    sm = lib.Opensm(world, sim, options={"partition_config_file": path}).start().wait_ready()
    sim.wait_up(60)
    sm.wait_quiet()
    # vsm leaves LIDs as they are; what it would set otherwise is what the links may run at.
    snapshot = sim.snapshot()
    hosts = [snapshot.nodes[host.name] for host in hosts]
    theirs = answers(sim, snapshot, hosts)
    sm.stop()
    lib.Vsm(world, sim, options={"sm.sa_key": 1, "partition_file": path, "link.width": "4x",
                                 "link.speed": "sdr"}).start().wait_ready()
    ours = answers(sim, snapshot, hosts)
    lib.check_empty("answers that differ", (
        f"{host}: saquery {query}: {why}" for (host, query), answer in theirs.items()
        if (why := difference(query, answer, ours[host, query]))), shown=20)
