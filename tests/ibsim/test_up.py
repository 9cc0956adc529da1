# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fabrics of every shape come up, stay as they are, and tools agree."""

import glob
import os
import time

import checks
import fabrics
import lib
from lib import check, check_equal
from suite import STAND_IN, Suite, manager, vsm

suite = Suite()
tests = suite.tests

EXAMPLES = "/usr/share/doc/ibsim-utils/net-examples"
FABRICS = os.environ.get("VSM_FABRICS", "")

MADE = [
    fabrics.one_switch(),
    fabrics.no_switch(),
    fabrics.mixed(),
    fabrics.fat_tree_2(8),
    fabrics.fat_tree_2(36),
    fabrics.fat_tree_2(12, leaves=10, spines=3, hosts=4, parallel=2),
    fabrics.fat_tree_3(8),
    fabrics.fat_tree_3(8, pods=5).damage(links=0.08, hosts=0.2, seed=2),
    fabrics.fat_tree_3(12).damage(links=0.03, hosts=0.1, seed=3),
    fabrics.fat_tree_2(16).damage(links=0.2, hosts=0.3, seed=4),
    fabrics.torus(7, hosts=2),
    fabrics.torus(5, 4, hosts=2),
    fabrics.torus(3, 3, 3, hosts=1),
    fabrics.torus(4, 4, 4, hosts=2).damage(links=0.05, seed=5),
    fabrics.dragonfly(4, 2, 2),
    fabrics.dragonfly(8, 2, 4).damage(links=0.05, hosts=0.1, seed=6),
    fabrics.hyperx(6, 5, 3),
    fabrics.random_graph(20, 45, 2, seed=7),
    fabrics.random_graph(60, 110, 3, seed=8),
    fabrics.random_graph(120, 180, 1, seed=9),
]


def on_disk(folder, pattern="*"):
    """(name, maker) of the net files of a folder."""
    paths = sorted(glob.glob(os.path.join(folder, pattern))) if folder else []
    return [(os.path.basename(path), lambda path=path: fabrics.read(path)) for path in paths
            if not path.endswith("README")]


SMALL = on_disk(EXAMPLES) + [(plan.name, plan.build) for plan in MADE]
REAL = on_disk(FABRICS, "*.net")


def bring_up(world, make, seconds):
    """A simulator and a ready manager; all there is about it is right."""
    sim = lib.Simulator(world, make())
    sm = manager(world, sim).start().wait_ready(seconds)
    snapshot = sim.check_up() if not STAND_IN else sim.wait_up(seconds)
    return sim, sm, snapshot


@suite.for_each("{} comes up, and tools of others find it whole", SMALL, weight=4)
def comes_up(world, make):
    sim, sm, snapshot = bring_up(world, make, 60)
    checks.links(sim, snapshot)
    checks.discovered(sim, snapshot)
    checks.paths(sim, snapshot, pairs=20)
    checks.tables(sim, sm, snapshot)
    checks.routes(sm, snapshot, sim.host)
    check_equal("exit code", sm.stop(), 0)
    checks.same_lids(snapshot.lids(sim.host), sim.check_up().lids(sim.host))


@suite.for_each("{}, a real fabric, comes up, and tools of others find it whole", REAL, weight=90)
def real_comes_up(world, make):
    sim, sm, snapshot = bring_up(world, make, 120)
    checks.paths(sim, snapshot, pairs=20)
    checks.tables(sim, sm, snapshot)
    checks.routes(sm, snapshot, sim.host, seconds=300)
    check_equal("exit code", sm.stop(), 0)


# ---- once, twice, and again ---------------------------------------------------------------------

FEW = [fabrics.mixed(), fabrics.fat_tree_3(6), fabrics.torus(4, 4, hosts=2),
       fabrics.random_graph(30, 60, 2, seed=10)]


def few():
    return [(plan.name, plan.build) for plan in FEW]


@suite.for_each("{}: --once brings it up and ends with 0; again it writes nothing", few())
def once(world, make):
    sim = lib.Simulator(world, make())
    sm = vsm(world, sim)
    check_equal("exit code", sm.once(), 0)
    before = sim.check_up().lids(sim.host)
    check_equal("exit code of the second run", sm.once(), 0)
    check_equal("Sets of the second run", sm.sets(), {})
    checks.same_lids(before, sim.check_up().lids(sim.host))


def check_full_sweep(sm, sets):
    """ibsim forgets some values of PortInfo, which a full sweep tries again, once."""
    def further_sweeps():
        last = sm.status()["sweeps"]
        sm.wait_status("two more sweeps", lambda status: status["sweeps"] >= last + 2)

    sm.ctl("sweep", "--full")
    further_sweeps()
    after = sm.sets()
    if after.get("PortInfo", 0) > 2 * sets["PortInfo"]:
        raise lib.Failure(f"{after} Sets after a full sweep, {sets} before it")
    check_equal("Sets after a full sweep, but for PortInfo",
                {**after, "PortInfo": 0}, {**sets, "PortInfo": 0})
    further_sweeps()
    check_equal("Sets after yet more sweeps", sm.sets(), after)


@suite.for_each("{}: sweeps of a quiet fabric and a restart write nothing", few(), weight=3)
def quiet(world, make):
    sim = lib.Simulator(world, make())
    sm = vsm(world, sim).start().wait_ready()
    first, sets = sm.status(), sm.sets()
    before = sim.check_up().lids(sim.host)
    sm.ctl("sweep")
    sm.wait_status("three more sweeps", lambda status: status["sweeps"] >= first["sweeps"] + 3)
    check_equal("Sets after more sweeps", sm.sets(), sets)
    check_full_sweep(sm, sets)
    check_equal("exit code", sm.stop(), 0)
    sm.start().wait_ready()
    sm.wait_status("two sweeps", lambda status: status["sweeps"] >= 2)
    check_equal("Sets of the restarted one", sm.sets(), {})
    checks.same_lids(before, sim.check_up().lids(sim.host))


@suite.test("devices that may know FDR10 are asked once a port, and no others")
def fdr10_asked(world):
    fabric = fabrics.fat_tree_2(8).build()
    hosts = fabric.n_nodes - fabric.n_switches
    fabric.text = fabric.text.replace("Ca\t", "vendid=0x2c9\ndevid=0x1003\nCa\t")
    fabric.text = fabric.text.replace("Switch\t", "vendid=0x2c9\ndevid=0xd2f0\nSwitch\t")
    sim = lib.Simulator(world, fabric)
    sm = vsm(world, sim).start().wait_ready()
    sim.check_up()
    sm.wait_status("a sweep of a quiet fabric", lambda status: status["sweeps"] >= 3)
    asked = sm.sent()[("Get", "MlnxExtPortInfo")]
    check(asked in (hosts, hosts + 1), f"{asked} asked of {hosts}")  # PortInfo of our own comes twice
    before = sm.status()["sweeps"]
    sm.wait_status("two more sweeps", lambda status: status["sweeps"] >= before + 2)
    check_equal("sent", sm.status()["smps"]["MlnxExtPortInfo"]["get"]["sent"], asked)
    check("MlnxExtPortInfo" not in sm.sets(), "it was set, and ibsim supports it nowhere")


@suite.for_each("{}: the LIDs of a fabric that is up are kept, though the state is lost", few())
def state_lost(world, make):
    sim = lib.Simulator(world, make())
    check_equal("exit code", vsm(world, sim).once(), 0)
    before = sim.check_up().lids(sim.host)
    other = vsm(world, sim)
    check_equal("exit code without the state", other.once(), 0)
    # It cannot know yet what ibsim does not keep, and tries that once.
    check(set(other.sets()) <= {"PortInfo"}, f"Sets without the state: {other.sets()}")
    checks.same_lids(before, sim.check_up().lids(sim.host))
    check_equal("exit code", other.once(), 0)
    check_equal("Sets with the state", other.sets(), {})


@suite.for_each("{}: a fabric that lost all settings gets the LIDs that the state remembers", few())
def fabric_lost(world, make):
    sim = lib.Simulator(world, make())
    sm = vsm(world, sim)
    check_equal("exit code", sm.once(), 0)
    before = sim.check_up().lids(sim.host)
    sim.stop()
    sim.start()
    check(not any(sim.snapshot().lids(sim.host).values()), "ibsim remembers LIDs")
    check_equal("exit code", sm.once(), 0)
    checks.same_lids(before, sim.check_up().lids(sim.host))


@suite.test("what opensm brought up, vsm takes over without a new LID", weight=3)
def after_opensm(world):
    sim = lib.Simulator(world, fabrics.fat_tree_3(6).build())
    opensm = lib.Opensm(world, sim).start().wait_ready()
    before = sim.wait_up(20).lids(sim.host)
    opensm.stop()
    sm = vsm(world, sim).start().wait_ready()
    checks.same_lids(before, sim.check_up().lids(sim.host))
    check("P_KeyTable" not in sm.sets(), f"Sets: {sm.sets()}")


@suite.test("what opensm brought up, vsm takes over without a new LID, also if it remembers others",
            weight=4)
def remembered_otherwise(world):
    sim = lib.Simulator(world, fabrics.fat_tree_3(6).build())
    sm = vsm(world, sim).start().wait_ready()
    ours = sim.check_up().lids(sim.host)
    check_equal("exit code", sm.stop(), 0)
    sim.stop()
    sim.start()
    opensm = lib.Opensm(world, sim).start().wait_ready()
    before = sim.wait_up(20).lids(sim.host)
    opensm.stop()
    differ = [guid for guid, lid in before.items() if ours[guid] != lid]
    taken = [guid for guid in differ if before[guid] in ours.values()]
    check(len(taken) > 10, "opensm gives the same LIDs as vsm: nothing is tested")
    sm.start().wait_ready()
    checks.same_lids(before, sim.check_up().lids(sim.host))
    sm.wait_status("rest", lambda status: status["phase"] == "rest")
    told = [event for event in sm.ctl("events")["events"] if event["kind"] == "store"]
    check_equal("what differs is said", len(told), min(len(differ), 17))
    check_equal("exit code", sm.stop(), 0)
    sm.start().wait_ready()
    check_equal("Sets", sm.sets(), {})
    check_equal("and is remembered", [event for event in sm.ctl("events")["events"]
                                      if event["kind"] == "store"], [])


@suite.test("a new fabric gets the LIDs of opensm's guid2lid", weight=3)
def import_lids(world):
    sim = lib.Simulator(world, fabrics.fat_tree_3(6).build())
    opensm = lib.Opensm(world, sim).start().wait_ready()
    before = sim.wait_up(20).lids(sim.host)
    opensm.stop()
    sim.stop()
    sim.start()
    guid2lid = os.path.join(opensm.state, "guid2lid")
    sm = vsm(world, sim, options={"files.import_guid2lid": guid2lid})
    check_equal("exit code", sm.once(), 0)
    checks.same_lids(before, sim.check_up().lids(sim.host))


# ---- what others are told -----------------------------------------------------------------------


@suite.for_each("{}: vsmctl counts what is there", few())
def counted(world, make):
    sim = lib.Simulator(world, make())
    sm = vsm(world, sim).start().wait_ready()
    snapshot, status = sim.check_up(), sm.status()
    check_equal("state", status["state"], "master")
    check_equal("nodes", status["nodes"], len(snapshot.reachable(sim.host)))
    check_equal("switches", status["switches"], len(snapshot.switches()))
    check_equal("ports_active", status["ports_active"], len(snapshot.linked_ports(sim.host)))
    check_equal("ports_not_active", status["ports_not_active"], 0)
    check_equal("applied", status["applied"], status["generation"])
    counted_outside = sm.sent()
    for attribute, methods in status["smps"].items():
        for method, counts in methods.items():
            check_equal(f"{method} {attribute}", counts["sent"],
                        counted_outside.get((method.capitalize(), attribute), 0))


@suite.test("vsmctl shows the LIDs, states and neighbours that the devices have", weight=2)
def shown(world):
    sim = lib.Simulator(world, fabrics.mixed().build())
    sm = vsm(world, sim).start().wait_ready()
    snapshot = sim.check_up()
    nodes = {int(node["node_guid"], 16): node for node in sm.ctl("nodes")["nodes"]}
    for name in snapshot.reachable(sim.host):
        check_equal("name", nodes[snapshot.nodes[name].guid]["name"], name)
    ports = {(int(port["node_guid"], 16), port["port"]): port for port in sm.ctl("ports")["ports"]}
    for port in snapshot.linked_ports(sim.host):
        found = ports[port.node.guid, port.number]
        check_equal(f"state of {port}", found["state"], "active")
        check_equal(f"neighbour of {port}", (found["peer"]["name"], found["peer"]["port"]),
                    port.peer)
        if port.node.kind != "Switch":
            check_equal(f"LID of {port}", found["lid"], port.lid)
    links = sm.ctl("links")["links"]
    check_equal("links", 2 * len(links), len(snapshot.linked_ports(sim.host)))


@suite.test("vsmctl routes and path say what dump_fts and ibtracert find", weight=3)
def routes_shown(world):
    sim = lib.Simulator(world, fabrics.fat_tree_3(6).build())
    sm = vsm(world, sim).start().wait_ready()
    snapshot = sim.check_up()
    held = checks.tables_in(sim.tool("dump_fts"))
    for switch in snapshot.switches()[:10]:
        said = {lid: run["port"] for run in sm.ctl("routes", switch.name)["routes"]
                for lid in range(run["lid"], run["last_lid"] + 1)}
        for lid in snapshot.lids(sim.host).values():
            if lid != switch.ports[0].lid and lid % 64:
                check_equal(f"{switch.name} LID {lid}", said.get(lid), held[switch.guid].get(lid))
    ends = sorted(snapshot.end_ports(sim.host), key=lambda port: port.lid)
    for source, target in zip(ends[::7], ends[3::5]):
        if source.lid == target.lid:
            continue
        way = [(hop["name"], hop["out_port"])
               for hop in sm.ctl("path", str(source.lid), str(target.lid))["hops"]]
        traced = checks.traced(sim.tool("ibtracert", source.lid, target.lid))
        check_equal(f"path {source.lid} {target.lid}", way[:len(traced)], traced)


@suite.test("the first dumps have the names of all devices, with --once too", weight=2)
def dumps_named(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(8).build())
    for start in (lambda sm: check_equal("exit code", sm.once(), 0),
                  lambda sm: sm.start().wait_ready()):
        sm = vsm(world, sim)
        start(sm)
        said = sm.dump("opensm-subnet.lst")
        nameless = said.count("{}")
        check_equal("ends of links without a name", nameless, 0)
        check(said.count("} LID:") > 0, "there are no links")


@suite.test("vsm is told to stop as it writes dumps: they are whole, or not begun", weight=3)
def dumps_whole(world):
    sim = lib.Simulator(world, fabrics.fat_tree_3(12).build())
    for _ in range(5):
        sm = vsm(world, sim).start().wait_ready()
        check_equal("exit code", sm.stop(), 0)
        files = sorted(os.listdir(sm.dumps))
        check(files in ([], ["opensm-lfts.dump", "opensm-subnet.lst", "opensm.fdbs",
                             "opensm.mcfdbs", "opensm.psl"]), f"files: {files}")
        if files:
            check(sm.dump("opensm-lfts.dump").endswith(" lids dumped\n"), "cut off")


def record(sim, *query):
    return checks.fields(sim.tool("saquery", *query))


@suite.test("saquery gets the records of one node, port, path and SM, by LID and by GID", weight=3)
def saquery(world):
    sim = lib.Simulator(world, fabrics.mixed().build())
    manager(world, sim).start().wait_ready()
    snapshot = sim.check_up()
    ends = [port for port in snapshot.end_ports(sim.host) if port.node.kind != "Switch"]
    for port in ends:
        found = record(sim, "NR", port.lid)
        check_equal("NodeDescription", found["NodeDescription"], port.node.name)
        check_equal("node_guid", int(found["node_guid"], 16), port.node.guid)
        check_equal("port_guid", int(found["port_guid"], 16), port.guid)
        check_equal("num_ports", int(found["num_ports"]), len(port.node.ports))
        found = record(sim, "PIR", port.lid)
        check_equal("LinkState", found["LinkState"], "Active")
        check_equal("Lid", int(found["Lid"]), port.lid)
        check_equal("LocalPort", int(found["LocalPort"]), port.number)
    one, other = ends[0], ends[-1]
    gids = [f"fe80::{port.guid >> 16:x}:{port.guid & 0xffff:x}" for port in (one, other)]
    asked = (("--slid", one.lid, "--dlid", other.lid), ("--sgid", gids[0], "--dgid", gids[1]))
    for query in asked:
        found = record(sim, "PR", *query)
        check_equal("slid", int(found["slid"]), one.lid)
        check_equal("dlid", int(found["dlid"]), other.lid)
        check_equal("pkey", int(found["pkey"], 16), 0xffff)
        info = checks.fields(sim.tool("smpquery", "portinfo", one.lid))
        # Links of ibsim begin slow, those of vsm-sim as fast as they can.
        rate = {("4X", "2.5 Gbps"): 3, ("4X", "10.0 Gbps"): 7}[
            info["LinkWidthActive"], info["LinkSpeedActive"]]
        check_equal("rate", int(found["rate"], 16) & 0x3f, rate)
        check_equal("MTU in bytes", 128 << (int(found["mtu"], 16) & 0x3f),
                    int(info["NeighborMTU"]))
    found = record(sim, "SMIR")
    check_equal("GUID", int(found["GUID"], 16), snapshot.nodes[sim.host].ports[1].guid)
    check_equal("SMState", int(found["SMState"]), 3)
    check("Capability mask" in record(sim, "CPI"), "no ClassPortInfo")


@suite.test("saquery gets nothing where there is nothing, and is told what is only for the trusted", weight=3)
def saquery_refused(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    vsm(world, sim).start().wait_ready()
    check_equal("records of LID 99", sim.tool("saquery", "NR", 99), "")
    done = sim.run("saquery", "PKTR")
    check(done.returncode and "0x0200" in done.stderr, f"saquery PKTR: {done.stderr}")


@suite.test("sminfo, smpquery and ibportstate see this SM and its settings")
def seen_by_others(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    manager(world, sim).start().wait_ready()
    snapshot = sim.check_up()
    far = [port for port in snapshot.end_ports(sim.host) if port.node.kind != "Switch"][-1]
    guid = snapshot.nodes[sim.host].ports[1].guid
    said = sim.tool("sminfo", host=far.node.name)
    check(f"guid 0x{guid:x}," in said and "SMINFO_MASTER" in said, said)
    found = checks.fields(sim.tool("smpquery", "portinfo", far.lid))
    check_equal("GidPrefix", found["GidPrefix"], "0xfe80000000000000")
    check_equal("SMLid", int(found["SMLid"]), snapshot.nodes[sim.host].ports[1].lid)
    check_equal("LinkState", found["LinkState"], "Active")
    switch = snapshot.switches()[0]
    found = checks.fields(sim.tool("smpquery", "switchinfo", switch.ports[0].lid))
    last = max(snapshot.lids(sim.host).values())
    check(last <= int(found["LinearFdbTop"]) <= last | 63, f"LinearFdbTop: {found['LinearFdbTop']}")


# ---- settings -----------------------------------------------------------------------------------


@suite.for_each("lmc {}: ranges of LIDs that do not overlap, each LID routed", [(1, 1), (3, 3)], 3)
def lmc(world, bits):
    sim = lib.Simulator(world, fabrics.fat_tree_2(8).build())
    sm = vsm(world, sim, options={"subnet.lmc": bits}).start().wait_ready()
    snapshot = sim.check_up()
    for port in snapshot.end_ports(sim.host):
        if port.node.kind != "Switch":
            check_equal(f"LMC of {port}", port.lmc, bits)
            check_equal(f"low bits of {port}", port.lid % (1 << bits), 0)
    held = checks.tables(sim, sm, snapshot)
    missing = [f"0x{guid:x} LID {port.lid + path}" for guid in held
               for port in snapshot.end_ports(sim.host) for path in range(1 << port.lmc)
               if port.lid + path not in held[guid] and (port.lid + path) % 64]
    lib.check_empty("LIDs without a route", missing)
    # ibdmchk is not told the LMC: with -l it refuses the dumps of opensm too.
    checks.routes(sm, snapshot, sim.host)


PARTITIONS = """
Default=0x7fff, ipoib : ALL_SWITCHES=full, SELF=full, ALL=limited ;
blue=0x0002 : {one}=full, {two}=limited ;
red=0x8003 : {two}, {three} ;
"""


def keys_of(sim, port):
    return set(checks.pkeys(sim, port.lid))


@suite.test("partitions.conf reaches the P_Key tables of hosts and of the switch ports before them")
def partitions(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    before = sim.snapshot()
    own, one, two, three, other = [before.nodes[f"H{n:05d}"].ports[1].guid for n in range(5)]
    path = world.write("partitions.conf", PARTITIONS.format(
        one=hex(one), two=hex(two), three=hex(three)))
    sm = vsm(world, sim, options={"partition_file": path}).start().wait_ready()
    ports = {port.guid: port for port in sim.check_up().end_ports(sim.host)}
    wanted = {own: {0xffff}, one: {0x7fff, 0x8002}, two: {0x7fff, 0x0002, 0x0003},
              three: {0x7fff, 0x0003}, other: {0x7fff}}
    for guid, keys in wanted.items():
        check_equal(f"P_Keys of {ports[guid]}", keys_of(sim, ports[guid]), keys)
        switch, number = ports[guid].peer
        held = set(checks.pkeys(sim, sim.snapshot().port(switch, 0).lid, number))
        check_equal(f"P_Keys of the switch port of {ports[guid]}", held, keys)
    world.write("partitions.conf", "Default=0x7fff : ALL=full ;\n")
    sm.ctl("reload")
    lib.wait_until("all hosts full members",
                   lambda: all(keys_of(sim, ports[guid]) == {0xffff} for guid in wanted), 20)


@suite.test("members are added at run time, present or not, survive kill -9, and are removed", weight=6)
def run_time_partitions(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    sm = vsm(world, sim).start().wait_ready()
    snapshot = sim.check_up()
    here, later = [port for port in snapshot.end_ports(sim.host)
                   if port.node.kind == "Ca" and port.node.name != sim.host][:2]
    sim.unlink(later.node.name, later.number)
    sm.wait_status("one port less", lambda status: status["ports_active"] <
                   len(snapshot.linked_ports(sim.host)))

    answer = sm.ctl("partition", "add", "0x7ab1", f"{here.guid:#x}", f"{later.guid:016x}",
                    "--limited", "--name", "tenant", "--wait")
    check(answer["changed"] and answer["applied"], f"added: {answer}")
    check_equal("members changed", answer["members_changed"], 2)
    check(sm.status()["applied"] >= answer["generation"], "the generation is applied")
    check(0x7ab1 in checks.pkeys(sim, here.lid), "the port has the key")
    again = sm.ctl("partition", "add", "0x7ab1", f"{here.guid:#x}", "--limited", "--wait")
    check(not again["changed"], f"added again: {again}")

    sm.kill()
    sim.relink(later.node.name, later.number)
    sm.start().wait_ready()
    key = lambda port: 0x7ab1 in checks.pkeys(sim, port.lid)
    lib.wait_until("the port that came has the key",
                   lambda: key(sim.snapshot().port(later.node.name, later.number)), 30)
    check(key(here), "the other has it still")
    shown = sm.ctl("partition", "show", "tenant")
    check_equal("sources", [row["source"] for row in shown["members"]], ["runtime"] * 2)
    check_equal("present", [row["present"] for row in shown["members"]], [True] * 2)

    sm.ctl("partition", "remove", "0x7ab1", f"{here.guid:#x}", "--wait")
    check(not key(here), "the key is gone")
    sm.ctl("partition", "remove", "0x7ab1", "--wait")
    check(not key(sim.snapshot().port(later.node.name, later.number)), "both are gone")
    sm.ctl("partition", "show", "tenant", code=4)
    gone = sm.ctl("partition", "remove", "0x7ab1", "--wait")
    check(not gone["changed"], f"removed again: {gone}")
    sm.ctl("partition", "remove", "0x7fff", code=1)


@suite.test("a port that joins a partition keeps the indices of its P_Keys", weight=2)
def stable_indices(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    guid = sim.snapshot().nodes["H00001"].ports[1].guid
    path = world.write("partitions.conf", f"Default=0x7fff : ALL=full ;\nb=0x0005 : {guid:#x} ;\n")
    sm = vsm(world, sim, options={"partition_file": path}).start().wait_ready()
    lid = sim.check_up().nodes["H00001"].ports[1].lid
    first = checks.pkeys(sim, lid)
    world.write("partitions.conf", f"Default=0x7fff : ALL=full ;\na=0x0004 : {guid:#x} ;\n"
                f"b=0x0005 : {guid:#x} ;\n")
    sm.ctl("reload")
    lib.wait_until("a third P_Key", lambda: len(checks.pkeys(sim, lid)) == 3, 20)
    check_equal("the first two", checks.pkeys(sim, lid)[:2], first)


# ---- where it runs, and with whom ---------------------------------------------------------------


@suite.for_each("the subnet manager sits on {}", [
    ("a switch", "SL_01"), ("a spine without hosts", "ST_00"), ("a host with two ports", "H00006"),
    ("a host with two ports on one switch", "H00007"), ("a host on a spine", "H00008")])
def from_elsewhere(world, host):
    sim = lib.Simulator(world, fabrics.mixed().build(), host=host)
    sm = manager(world, sim).start().wait_ready()
    snapshot = sim.check_up()
    checks.tables(sim, sm, snapshot)
    checks.routes(sm, snapshot, host)
    checks.paths(sim, snapshot, pairs=5)


@suite.test("another subnet manager that is outranked changes nothing", weight=5)
def outranked(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    sm = vsm(world, sim, options={"sm.priority": 12}).start().wait_ready()
    lids, sets = sim.check_up().lids(sim.host), sm.sets()
    opensm = lib.Opensm(world, sim, host="H00007").start()
    lib.wait_until("opensm stands by", lambda: "STANDBY" in opensm.messages(), 20)
    seen = sm.status()["sweeps"]
    sm.wait_status("two more sweeps", lambda status: status["sweeps"] >= seen + 2)
    check_equal("state", sm.status()["state"], "master")
    check_equal("Sets", sm.sets(), sets)
    others = sm.status()["other_sms"]
    check_equal("other subnet managers", len(others), 1)
    checks.same_lids(lids, sim.check_up().lids(sim.host))


@suite.test("a master that is stopped hands over: the standby is master before its next sweep", weight=5)
def hands_over(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    sm = vsm(world, sim, options={"sm.priority": 9}).start().wait_ready()
    before = sim.check_up().lids(sim.host)
    second = vsm(world, sim, host="H00007", options={"sweep.interval": 600}).start()
    second.wait_status("standby", lambda status: status["state"] == "standby")
    sm.wait_status("it knows of that", lambda status: status["other_sms"])
    began = time.monotonic()
    check_equal("exit code", sm.stop(), 0)
    check("hands over" in sm.output(), "it does not say that it hands over")
    second.wait_status("master", lambda status: status["state"] == "master", 10)
    second.wait_ready()
    sim.host = "H00007"
    checks.same_lids(before, sim.check_up().lids(sim.host))
    took = time.monotonic() - began
    check(took < 20, f"it took {took:.1f} s")
    began = time.monotonic()
    check_equal("exit code of the second", second.stop(), 0)
    took = time.monotonic() - began
    check(took < 1, f"nobody is there to hand over to, and it took {took:.1f} s to end")


@suite.test("another subnet manager is master: vsm writes nothing and says who", weight=5)
def rival(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    opensm = lib.Opensm(world, sim, host="H00007", options={"sm_priority": 9})
    opensm.start().wait_ready()
    before = sim.wait_up(20)
    sm = vsm(world, sim).start()
    sm.wait_status("standby", lambda status: status["state"] in ("standby", "not-active"))
    sm.wait_status("two sweeps", lambda status: status["sweeps"] >= 2)
    check_equal("Sets", sm.sets(), {})
    guid = before.nodes["H00007"].ports[1].guid
    check_equal("master_guid", int(sm.status()["master_guid"], 16), guid)
    check(f"{guid:016x}" in sm.output(), "the log does not name the master")
    checks.same_lids(before.lids(sim.host), sim.check_up().lids(sim.host))
    check_equal("exit code", sm.stop(), 0)
    check_equal("exit code of --once", sm.once(), 1)
    check(f"{guid:016x}" in sm.output(), "--once does not name the master")
