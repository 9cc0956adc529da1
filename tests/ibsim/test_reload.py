# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every option that vsm.conf(5) says a reload changes: it is changed while vsm runs, and devices,
vsmctl or tools of others are asked whether it is in force (ELSEWHERE: in other tests); and of those
that need a restart, that nothing has changed but what is said of them.
"""

import os
import re

import fabrics
import lib
from lib import check, check_empty, check_equal, wait_until
from suite import Suite, vsm
from test_peers import Sa, shared, simulator
from test_vports import Lab, field

suite = Suite()
tests = suite.tests

# Option, value at the start and after the reload, attribute and field of smpquery, port ("b", "s/2"
# towards it, "s/4" towards another switch), and what the field says after the reload.
FIELDS = [
    ("subnet.subnet_timeout", 18, 17, "portinfo", "SubnetTimeout", "b", "17"),
    ("subnet.sm_sl", 0, 3, "portinfo", "SMSL", "b", "3"),
    ("security.m_key_lease", 0, 77, "portinfo", "MkeyLeasePeriod", "b", "77"),
    ("security.m_key_protection", 0, 1, "portinfo", "ProtectBits", "b", "1"),
    ("link.hoq_life", 18, 15, "portinfo", "HoqLife", "s/4", "15"),
    ("link.leaf_hoq_life", 16, 14, "portinfo", "HoqLife", "s/2", "14"),
    ("link.vl_stall_count", 7, 6, "portinfo", "VLStallCount", "s/4", "6"),
    ("link.leaf_vl_stall_count", 7, 5, "portinfo", "VLStallCount", "s/2", "5"),
    ("link.packet_life_time", 18, 12, "switchinfo", "LifeTime", "s", "12"),
    ("link.local_phy_errors", 8, 4, "portinfo", "LocalPhysErr", "b", "4"),
    ("link.overrun_errors", 8, 3, "portinfo", "OverrunErr", "b", "3"),
    ("link.width", "supported", "1x", "portinfo", "LinkWidthEnabled", "b", "1X"),
    ("link.speed", "supported", "sdr,ddr", "portinfo", "LinkSpeedEnabled", "b", "2.5 Gbps or 5.0 Gbps"),
    ("link.max_mtu", 4096, 1024, "portinfo", "NeighborMTU", "b", "1024"),
    ("link.max_operational_vls", 5, 1, "portinfo", "OperVLs", "b", "VL0"),
    ("partitions.enforcement", "both", "off", "portinfo", "PartEnforceInb", "s/2", "0"),
]


# The same of tables of lanes: first of all ports, then of hosts and of ports of switches. A table as
# smpquery prints it, or VLHighLimit; port, and the numbers that are to be in it.
LANES = [
    ({"qos.high_limit": 7, "qos.sl2vl": "0,1,2,3,0,1,2,3,0,1,2,3,0,1,2,3",
      "qos.vlarb_high": "0:21,1:22", "qos.vlarb_low": "0:23,2:24"},
     [("high_limit", "b", 7), ("high_limit", "s/2", 7), ("sl2vl", "b", [0, 1, 2, 3] * 4),
      ("sl2vl", "s/2", [0, 1, 2, 3] * 4), ("vlarb", "b", {21, 22, 23, 24}),
      ("vlarb", "s/2", {21, 22, 23, 24})]),
    ({"qos_ca.high_limit": 8, "qos_ca.sl2vl": "0,0,1,1,0,0,1,1,0,0,1,1,0,0,1,1",
      "qos_ca.vlarb_high": "0:31", "qos_ca.vlarb_low": "1:32",
      "qos_swe.high_limit": 9, "qos_swe.sl2vl": "3,2,1,0,3,2,1,0,3,2,1,0,3,2,1,0",
      "qos_swe.vlarb_high": "0:41", "qos_swe.vlarb_low": "1:42"},
     [("high_limit", "b", 8), ("high_limit", "s/2", 9), ("sl2vl", "b", [0, 0, 1, 1] * 4),
      ("sl2vl", "s/2", [3, 2, 1, 0] * 4), ("vlarb", "b", {31, 32}),
      ("vlarb", "s/2", {41, 42})]),
]

# Options, or how they begin, that other tests change while the subnet manager runs.
ELSEWHERE = {
    "files.socket": "on the command line of tests, which counts more",
    "files.state_dir": "as files.socket",
    "link.client_reregister": "unit/test-sm-reload.c",
    "link.fdr10": "unit/test-sm-fdr10.c",
    "qos.policy_file": "ibsim/test_qos.py",
    "qos_rtr.": "unit/test-qos-tables.c, as qos_ca and qos_swe",  # no router here
    "sweep.port_states": "unit/test-sm-reload.c",
    "timing.": "unit/test-sm-reload.c",
    "virtual_functions": "scenario/test-vf-rules.c",
}


FABRIC = """Switch 8 "s"
[1] "a"[1]
[2] "b"[1]
[4] "t"[1]

Switch 8 "t"
[1] "s"[4]

Hca 1 "a"
[1] "s"[1]

Hca 1 "b"
[1] "s"[2]
"""


def query(sim, attribute, place):
    name, _, number = place.partition("/")
    port = sim.snapshot().port(name, 0 if name == "s" else 1)
    words = [number or "1"] if attribute == "portinfo" else []
    text = sim.tool("smpquery", attribute, port.lid, *words)
    return dict(re.findall(r"^(\w+):\.*(.*)$", text, re.M))


def reload(sm, changes):
    """What is said to have changed, by option."""
    sm.options.update(changes)
    sm.config()
    return {each["option"]: each for each in sm.ctl("reload")["changes"]}


def reload_now(sm, changes):
    """None of these needs a restart."""
    said = reload(sm, changes)
    check_equal("said", {option: each["needs_restart"] for option, each in said.items()},
                {option: False for option in changes})


@suite.test("no option is left out")
def complete(world):
    with open(lib.built("doc/vsm.conf.5"), encoding="utf-8") as file:
        options = re.findall(r"^\\fB(\w+(?:\.\w+)?)\\fR$", file.read(), re.M)
    options = [name for name in options if "." in name] + ["partition_file", "virtual_functions"]
    with open(os.path.abspath(__file__), encoding="utf-8") as file:
        changed = re.findall(r'"([\w.]+)"', file.read())
    check(len(options) > 65, f"options of the page: {options}")
    check_empty("options that no test changes", (
        name for name in options
        if name not in changed and not name.startswith(tuple(ELSEWHERE))))


@suite.test("each option of PortInfo and SwitchInfo is on devices after a reload", weight=6)
def fields(world):
    sim = simulator(world, fabrics.Fabric("reload", FABRIC), host="a")
    sm = vsm(world, sim, options={option: before for option, before, *_ in FIELDS} | {
        "security.m_key": "0x1234"}).start().wait_ready()
    sim.wait_up(30)
    for option, _, _, attribute, name, place, value in FIELDS:
        check(query(sim, attribute, place)[name] != value, f"{option} is so from the beginning")
    reload_now(sm, {option: after for option, _, after, *_ in FIELDS} | {
        "link.bounce_on_mismatch": True})
    for option, _, _, attribute, name, place, value in FIELDS:
        wait_until(f"{option}: {name} is {value}",
                   lambda: query(sim, attribute, place)[name] == value, 20)
    wait_until("the link is at the new speed and width", lambda: (
        lambda told: (told["LinkWidthActive"], told["LinkSpeedActive"]))(
            query(sim, "portinfo", "b")) == ("1X", "5.0 Gbps"), 20)


def lanes_of(sim, table, place):
    """VLHighLimit, the lanes of service levels, or the weights of lanes that have one."""
    if table == "high_limit":
        return int(query(sim, "portinfo", place)["VLHighLimit"])
    name, _, number = place.partition("/")
    port = sim.snapshot().port(name, 0 if number else 1)
    text = sim.tool("smpquery", table, port.lid, number or "1")
    if table == "vlarb":
        rows = re.findall(r"^WEIGHT: *(.*)", text, re.M)
        return {int(weight, 16) for row in rows for weight in row.split("|") if weight.strip()} - {0}
    row = re.search(r"^ports: in +(?!2\b)\d+, out +\d+: (.*)", text, re.M)[1]
    return [int(lane) for lane in row.split("|") if lane.strip()]


@suite.test("tables of lanes are others on devices after a reload", weight=4)
def lanes(world):
    sim = simulator(world, fabrics.Fabric("reload", FABRIC), host="a")
    sm = vsm(world, sim, options={"qos.enable": True}).start().wait_ready()
    sim.wait_up(30)
    for options, expected in LANES:
        reload_now(sm, options)
        for table, place, value in expected:
            wait_until(f"{table} of {place} is {value}",
                       lambda: lanes_of(sim, table, place) == value, 20)


@suite.test("keys, and lanes of routes, are others after a reload", weight=5)
def keys_and_lanes(world):
    sim = simulator(world, fabrics.torus(5).build(), host="H00001")
    sm = vsm(world, sim, options={"sweep.interval": 1}).start().wait_ready()
    snapshot = sim.wait_up(30)
    lid = snapshot.port("H00001", 1).lid

    def sm_key():
        words = re.findall(r"\b[0-9a-f]{4}\b", sim.tool("smpdump", lid, "0x20", host="H00002"))
        return int("".join(words[4:8]), 16)
    wait_until("SM_Key 1", lambda: sm_key() == 1, 20)
    reload_now(sm, {"sm.sm_key": "0x0000000000000077"})
    check_equal("SM_Key", sm_key(), 0x77)

    def keys_of_others():
        return sim.tool("saquery", "--smkey", "0x55", "PKTR", host="H00002", code=None).count("dump:")
    check_equal("P_Key tables, without a key", keys_of_others(), 0)
    reload_now(sm, {"sm.sa_key": "0x0000000000000055"})
    check(keys_of_others() > 0, "who has the new key is not trusted")

    before = sm.status()["virtual_lanes"]
    check(before > 1, f"a ring has {before} lanes")
    reload_now(sm, {"routing.lanes": 1})
    wait_until("one lane", lambda: sm.status()["virtual_lanes"] == 1, 20)


@suite.test("what is not on devices is in force after a reload: names, dumps, partitions, engine, "
            "traps, the log", weight=6)
def other_options(world):
    sim = simulator(world, fabrics.Fabric("reload", FABRIC), host="a")
    sm = vsm(world, sim, options={"sweep.interval": 1000}).start().wait_ready()
    sim.wait_up(30)
    snapshot = sim.snapshot()
    b = snapshot.port("b", 1)

    names = world.write("names", f'0x{snapshot.nodes["b"].guid:016x} "bob"\n')
    parts = world.write("parts", "Default=0x7fff : ALL=full ;\nblue=0x5 : ALL=full ;\n")
    dumps = world.folder("other-dumps")
    reload_now(sm, {"files.node_name_map": names, "partition_file": parts, "files.dump_dir": dumps,
                    "routing.engine": "updn", "sm.priority": 9, "timing.max_smps": 3,
                    "routing.root_guids": [f'0x{snapshot.nodes["t"].guid:016x}'],
                    "partitions.allow_both_pkeys": True, "log.level": "debug"})
    wait_until("P_Key", lambda: "0x8005" in sm.ctl("partitions", "--port", "bob")["pkeys_held"], 20)
    wait_until("engine and roots", lambda: sm.status()["engine"] == "updn", 20)
    check("root" in sm.status()["routing"], sm.status()["routing"])
    wait_until("dumps", lambda: os.listdir(dumps), 20)
    check("priority 9" in sim.tool("sminfo"), sim.tool("sminfo"))
    check(sm.ctl("stats")["window"] <= 3, sm.ctl("stats"))
    sm.ctl("partition", "add", "0x7ab1", hex(b.guid), "--both", "--wait")
    check("debug:" in sm.output(), "the log has lines of that level")
    reload_now(sm, {"files.node_name_map": "", "log.level": "info"})
    sm.ctl("explain", "bob", code=4)
    sm.ctl("explain", "b")

    # Traps, and then the timer. A reload sweeps, a moment later. (Who sends many traps is watched,
    # whether or not they lead to sweeps: so before b does.)
    before = sm.status()["sweeps"]
    reload_now(sm, {"sweep.on_trap": False})
    sm.wait_status("the sweep of the reload", lambda status: status["sweeps"] > before
                   and status["phase"] == "rest")
    sweeps = sm.status()["sweeps"]
    sim.unlink("s", 2)
    wait_until("the trap has come", lambda: sm.ctl("stats")["traps"].get("128", 0) > 0, 20)
    check_equal("sweeps", sm.status()["sweeps"], sweeps)
    reload_now(sm, {"sweep.interval": 1})
    wait_until("the timer finds it", lambda: not sm.ctl("explain", "b")["present"], 20)
    for what in ("b", f"0x{b.guid:016x}", str(sm.ctl("explain", "b")["ports"][0]["lid"])):
        last = sm.ctl("explain", what)["ports"][0]["last_peer"]
        check_equal(f"where {what} was", (last["name"], last["port"], last["reason"]),
                    ("s", 2, "no-link"))
    sim.relink("s", 2)
    sim.wait_up(20)
    reload_now(sm, {"sweep.interval": 1000, "sweep.on_trap": True})

    # A host that comes back as out of the box, with one Set less and more on its way.
    def sets_of_return():
        sim.command('Power "b" off')
        wait_until("it is gone", lambda: not sm.ctl("explain", "b")["present"], 20)
        before = sm.sets().get("PortInfo", 0)
        sim.command('Power "b" on')
        sim.wait_up(20)
        sm.wait_status("rest", lambda status: status["phase"] == "rest")
        return sm.sets().get("PortInfo", 0) - before
    quick = sets_of_return()
    reload_now(sm, {"link.cautious": True})
    slow = sets_of_return()
    check(slow > quick, f"cautious takes more Sets: {quick}, {slow}")


@suite.test("options of virtual functions are in force after a reload", weight=5)
def virtual_functions(world):
    lab = Lab(world).start()
    lab.wait_active()
    vfs = lab.vfs()

    def hop_limit():
        path = lab.run_as("c/3", lib.find_program("saquery"), "PR", "--sgid", vfs["c/3"]["gid"],
                          "--dgid", vfs["b/4"]["gid"]).stdout
        return field(path, "hop_flow_raw")
    before = hop_limit()
    reload_now(lab.sm, {"virtualization.hop_limit": 9})
    check(before != hop_limit(), f"hop limit: {before}")
    reload_now(lab.sm, {"virtualization.enable": "disable"})
    wait_until("vports are down", lambda: set(lab.states().values()) == {"Down"}, 20)
    reload_now(lab.sm, {"virtualization.enable": "enable"})
    lab.wait_active()


@suite.test("who may set alias GUIDs, and from which pool, is another after a reload", weight=5)
def alias_guids(world):
    sim = simulator(world, shared(("b", "vf 2 model=shared"), ("c", "vf 2 model=shared")), host="a")
    sm = vsm(world, sim).start().wait_ready()
    sim.wait_up(30)
    snapshot = sim.snapshot()
    a, b, c = (snapshot.port(name, 1).lid for name in "abc")
    sa = Sa(world, sim, a)
    sa.refused("0700", "set", c, 1, "3=0")
    reload_now(sm, {"virtualization.guid_pool_first": "0x1200000000000500",
                    "virtualization.guid_pool_last": "0x12000000000005ff"})
    check_equal("of the new pool", sa.ask("set", b, 1, "3=0")[1][3], 0x1200000000000500)
    reload_now(sm, {"virtualization.alias_guids": "trusted", "virtualization.trusted_guids": [
        f"0x{snapshot.port('b', 1).guid:016x}"]})
    check_equal("status for another port", sa.ask("set", c, 1, "3=0")[0], 0)


@suite.test("a reload warns of what is valid and has no effect, also who asked for it", weight=2)
def warnings(world):
    sim = simulator(world, fabrics.Fabric("reload", FABRIC), host="a")
    sm = vsm(world, sim).start().wait_ready()
    check_equal("warnings at first", sm.ctl("reload")["warnings"], [])
    sm.options.update({"sweep.interval": 0, "sweep.on_trap": False,
                       "files.node_name_map": world.path("none")})
    sm.config()
    said = sm.ctl("reload")["warnings"]
    check_equal("how many", len(said), 2)
    check(any("node_name_map" in each and "No such file" in each for each in said), said)
    check(any("sweep.on_trap is false" in each for each in said), said)
    check("Warning: sweep.interval is 0" in sm.ctl_text("reload"), "not told to people")
    sm.options["routing.root_guids"] = ["0x77"]
    sm.config()
    said = sm.ctl("reload")["warnings"]
    check(any("routing.root_guids: 1 of 1 GUIDs not in the fabric: 0x0000000000000077" in each
              for each in said), said)
    pipe = world.path("pipe")
    os.mkfifo(pipe)
    sm.options["files.node_name_map"] = pipe
    sm.config()
    said = sm.ctl("reload")["warnings"]
    check(any(f"{pipe}: it is not a regular file" in each for each in said), said)
    sm.ctl("nodes")


@suite.test("options that need a restart are named by a reload, and nothing changes", weight=3)
def restart(world):
    sim = simulator(world, fabrics.Fabric("reload", FABRIC), host="a")
    sm = vsm(world, sim).start().wait_ready()
    sim.wait_up(30)
    lids, sets = sim.snapshot().lids("a"), sm.sets()
    # files.state_dir and files.socket are on the command line of tests, which counts more.
    said = reload(sm, {
        "port.device": "mlx5_9", "port.number": 2, "port.guid": "0x77", "subnet.lmc": 2,
        "subnet.prefix": "0xfe80000000000007", "subnet.lmc_esp0": True, "security.m_key": "0x99",
        "files.import_guid2lid": world.write("guid2lid", "")})
    check_equal("all of them", sorted(said), [
        "files.import_guid2lid", "port.device", "port.guid", "port.number", "security.m_key",
        "subnet.lmc", "subnet.lmc_esp0", "subnet.prefix"])
    check_equal("need a restart", {each["needs_restart"] for each in said.values()}, {True})
    check("0x99" not in str(said), "a key is told")
    sm.ctl("sweep", "--full")
    sm.wait_status("rest", lambda status: status["phase"] == "rest" and status["sweeps"] > 1)
    check_equal("Sets", sm.sets(), sets)
    check_equal("LIDs", sim.snapshot().lids("a"), lids)
