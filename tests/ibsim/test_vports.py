# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Virtual ports with the real daemon, on vsm-sim: what opensm leaves down, vsm brings up.

Nothing here was run against ConnectX hardware: the simulator is a second reading of the same page.
"""

import os
import re

import checks
import fabrics
import lib
from lib import check, check_equal, wait_until
from suite import Suite, vsm

suite = Suite()
tests = suite.tests

FABRIC = """Switch 8 "s"
[1] "a"[1]
[2] "b"[1]
[3] "c"[1]

Hca 1 "a"
[1] "s"[1]

Hca 1 "b"
[1] "s"[2]
vf 4 model=vport guid=7001 state=up

Hca 1 "c"
[1] "s"[3]
vf 4 model=vport guid=8001 lid=own {}
"""


class Lab:
    """Host "a" with the subnet manager, "b" with vports that share its LID, "c" with others."""

    def __init__(self, world, state="state=up"):
        if not os.path.exists(lib.VSM_SIM):
            raise lib.Skip("vsm-sim is not built")
        self.world = world
        self.sim = lib.Simulator(world, fabrics.Fabric("vports", FABRIC.format(state)), "a",
                                 program=lib.VSM_SIM)
        self.sm = None

    def start(self, **options):
        self.sm = vsm(self.world, self.sim, **options)
        self.sm.start().wait_ready()
        return self

    def states(self):
        """{"b/1": what the console says of it}"""
        found = {}
        for line in self.sim.command("Vf list").splitlines():
            name, *_, state = line.split("\t")
            found[name.replace("[1]", "")] = state.split(":")[0]
        return found

    def vfs(self):
        """{"b/1": as vsm sees it}"""
        return {f"{vf['pf_name']}/{vf['index']}": vf for vf in self.sm.ctl("vfs")["vfs"]}

    def wait_active(self, *names):
        names = names or [f"{host}/{n}" for host in "bc" for n in (1, 2, 3, 4)]
        wait_until(f"{names} are Active", lambda: {
            self.states()[name] for name in names} == {"Active"}, 20)
        wait_until("vsm says so", lambda: {  # and knows the names of their hosts
            self.vfs().get(name, {}).get("state") for name in names} == {"active"}, 20)

    def run_as(self, vf, *argv):
        host, number = vf.split("/")
        return self.world.run([lib.VSM_RUN, "-n", host, "-v", number, *argv],
                              {"IBSIM_SOCKNAME": self.sim.name, "TMPDIR": self.world.dir})


@suite.test("vports stay down under opensm and come up under vsm", weight=6)
def opensm_and_vsm(world):
    lab = Lab(world)
    opensm = lib.Opensm(world, lab.sim).start().wait_ready()
    lab.sim.wait_up(30)
    opensm.wait_quiet()
    check_equal("under opensm", set(lab.states().values()), {"Down"})
    opensm.stop()
    lab.start()
    lab.wait_active()
    vfs = lab.vfs()
    check_equal("GUIDs", {name: vf["guid"] for name, vf in vfs.items()},
                {f"{host}/{n}": f"0x{base + n:016x}" for host, base in (("b", 0x7000), ("c", 0x8000))
                 for n in (1, 2, 3, 4)})
    check_equal("LIDs of b", {vf["lid"] for name, vf in vfs.items() if name[0] == "b"},
                {lab.sim.snapshot().port("b", 1).lid})
    own = [vf["lid"] for name, vf in vfs.items() if name[0] == "c"]
    check_equal("LIDs of c are of its own, each another", len({*own, *(
        lab.sim.snapshot().port(host, 1).lid for host in "abc")}), 7)
    check_equal("status", (lab.sm.status()["vfs_active"], lab.sm.status()["vfs_not_active"]),
                (8, 0))


@suite.test("a program in a guest with a vport sees its GID, LID and P_Keys", weight=4)
def guest(world):
    lab = Lab(world).start()
    lab.wait_active()
    if not os.path.exists(lib.VSM_RUN):
        raise lib.Skip("vsm-run is not built")
    folder = "/sys/class/infiniband/ibsim0/ports/1/"
    for name in ("b/2", "c/3"):
        vf = lab.vfs()[name]
        done = lab.run_as(name, "cat", f"{folder}gids/0", f"{folder}lid", f"{folder}state",
                          f"{folder}pkeys/0")
        check_equal(name, done.stdout.split("\n")[:-1],
                    [vf["gid"], f"0x{vf['lid']:x}", "4: ACTIVE", vf["pkeys"][0]])


def field(text, name):
    """A value in what saquery prints."""
    found = re.search(rf"\b{name}\.+(\S+)", text)
    return found[1] if found else None


@suite.test("saquery in guests with vports; saquery, ibtracert and smpquery of hosts about them",
            weight=5)
def other_tools(world):
    lab = Lab(world).start()
    lab.wait_active()
    if not os.path.exists(lib.VSM_RUN):
        raise lib.Skip("vsm-run is not built")
    vfs = lab.vfs()
    # Not of "b": its LID is that of the port, and without a GRH so is the answer.
    for name, other in (("c/3", "b/4"), ("c/1", "c/2")):
        path = lab.run_as(name, lib.find_program("saquery"), "PR", "--sgid", vfs[name]["gid"],
                          "--dgid", vfs[other]["gid"]).stdout
        check_equal(f"{name} to {other}", (field(path, "slid"), field(path, "dlid")),
                    (str(vfs[name]["lid"]), str(vfs[other]["lid"])))
    ports = lab.sim.snapshot()
    # A LID of its own is routed as that of its port; whether QP0 answers there is not known.
    check_equal("ibtracert", checks.traced(
        lab.sim.tool("ibtracert", ports.port("a", 1).lid, vfs["b/2"]["lid"])), [("a", 1), ("s", 2)])
    for name in ("b/2", "c/3"):
        port = ports.port(name[0], 1)
        check_equal(f"saquery NR of {name}", field(
            lab.sim.tool("saquery", "NR", vfs[name]["lid"]), "NodeDescription"), name[0])
        check(f"0x{port.guid:016x} 0x{0:016x}" in lab.sim.tool("smpquery", "guidinfo", port.lid, 1),
              f"smpquery guidinfo of {name}")


@suite.test("vports start, stop, move and are explained", weight=8)
def life(world):
    lab = Lab(world, "state=down").start()
    lab.wait_active("b/1", "b/2", "b/3", "b/4")
    check_equal("one that nobody has started", (
        lab.vfs()["c/1"]["state"], lab.vfs()["c/1"]["reason"]), ("down", "vf-not-started"))
    check_equal("and who is not active", lab.sm.ctl("vfs", "--not-active")["vfs"], [])
    lab.sim.command("Vf start c[1]/1")
    lab.wait_active("c/1")
    lid = lab.vfs()["c/1"]["lid"]

    # A guest moves, with its GUID and its LID.
    lab.sim.command("Vf move c[1]/1 c[1]/3")
    wait_until("it is at its new place", lambda: lab.states()["c/3"] == "Active", 20)
    wait_until("vsm knows", lambda: lab.vfs()["c/3"]["state"] == "active", 20)
    check_equal("its LID", lab.vfs()["c/3"]["lid"], lid)
    check_equal("its GUID", lab.vfs()["c/3"]["guid"], "0x0000000000008001")

    # One without GUID, and one with that of another.
    lab.sim.command("Vf guid b[1]/2 0")
    lab.sim.command("Vf guid b[1]/3 7001")
    wait_until("both have a reason", lambda: (
        lab.vfs()["b/2"]["reason"], lab.vfs()["b/3"]["reason"]) == (
            "vf-no-guid", "vf-duplicate-guid"), 20)
    check_equal("others are as they were", lab.vfs()["b/1"]["state"], "active")
    port = lab.sim.snapshot().port("b", 1).guid
    text = lab.sm.ctl_text("explain", f"0x{port:016x}/vf2")
    check("ip link set" in text and "port_guid" in text, text)
    lab.sim.command("Vf guid b[1]/2 7002")
    lab.sim.command("Vf guid b[1]/3 7003")
    lab.wait_active("b/1", "b/2", "b/3", "b/4")


@suite.test("a vport that is added to a partition before it is there has the key when it starts", weight=5)
def member(world):
    lab = Lab(world, "state=down").start()
    lab.wait_active("b/1", "b/2", "b/3", "b/4")
    guid = "0x0000000000008001"
    held = lambda: set(lab.sm.ctl("partitions", "--port", guid)["pkeys_held"])
    shown = lambda: lab.sm.ctl("partition", "show", "0x7ab1")["members"][0]

    lab.sm.ctl("partition", "add", "0x7ab1", guid, "--wait")
    check_equal("it is absent", shown()["present"], False)
    lab.sim.command("Vf start c[1]/1")
    lab.wait_active("c/1")
    check("0xfab1" in held(), f"it has the key: {held()}")
    check_equal("as its member", [shown()[key] for key in ("present", "applied", "vf")],
                [True, True, 1])
    again = lab.sm.ctl("partition", "add", "0x7ab1", guid, "--limited", "--wait")
    check(again["changed"] and again["applied"], f"limited: {again}")
    check("0x7ab1" in held() and "0xfab1" not in held(), f"it has the limited key: {held()}")
    lab.sm.ctl("partition", "remove", "0x7ab1", guid, "--wait")
    check("0x7ab1" not in held(), f"the key is gone: {held()}")
    check_equal("it goes on", lab.vfs()["c/1"]["state"], "active")


@suite.test("killed with -9 while a vport moves: it has its LID and its P_Keys at its new place", weight=8)
def killed_while_one_moves(world):
    lab = Lab(world, "state=down").start()
    lab.sm.ctl("partition", "add", "0x7ab1", "0x0000000000008001", "--wait")
    lab.sim.command("Vf start c[1]/1")
    lab.wait_active("c/1", "b/1")
    ports, before = lab.sim.snapshot().lids("a"), lab.vfs()["c/1"]
    check_equal("P_Keys", before["pkeys"], ["0xffff", "0xfab1"])
    for number in range(12):
        places = ("c/1", "c/3") if number % 2 == 0 else ("c/3", "c/1")
        lab.sim.command("Vf move c[1]/{} c[1]/{}".format(*(place[2:] for place in places)))
        lib.time.sleep(number * 0.002)
        lab.sm.kill()
        lab.sm.start().wait_ready()
        lab.wait_active(places[1], "b/1")
        vf = lab.vfs()[places[1]]
        check_equal("GUID, LID and P_Keys", [vf[key] for key in ("guid", "lid", "pkeys")],
                    [before[key] for key in ("guid", "lid", "pkeys")])
        check_equal("LIDs of ports", lab.sim.snapshot().lids("a"), ports)


@suite.test("a vport goes by the name it was given; a move of it is explained, step by step", weight=6)
def named(world):
    lab = Lab(world, "state=down").start()
    lab.wait_active("b/1", "b/2", "b/3", "b/4")
    guid = "0x0000000000008001"
    to = f"0x{lab.sim.snapshot().port('b', 1).guid:016x}"
    lab.sm.ctl("vf", "add", guid, "--name", "web 1")
    away = lab.sm.ctl("explain", "web 1")
    check_equal("away", (away["away"]["guid"], away["away"]["move"]), (guid, None))
    check("web 1, GUID" in lab.sm.ctl_text("explain", guid), "GUID and name are the same")

    lab.sim.command("Vf start c[1]/1")
    lab.wait_active("c/1")
    lid = lab.vfs()["c/1"]["lid"]
    check_equal("by name", [vf["guid"] for vf in lab.sm.ctl("vfs", "web 1")["vfs"]], [guid])
    check("web 1" in lab.sm.ctl_text("vfs"), "names are in the list")
    check_equal("explained", lab.sm.ctl("explain", "web 1")["vf"]["lid"], lid)

    def move():
        told = lab.sm.ctl("explain", "web 1")
        return told.get("vf", told.get("away"))["move"]

    def wait_for(what, keys, routes):
        wait_until(f"it waits for {what}", lambda: [move()[key] for key in (
            "waits_for", "keys_ready", "routes_ready")] == [what, keys, routes], 20)
    lab.sm.ctl("partition", "add", "0x7ab1", guid, "--wait")
    lab.sm.ctl("vf", "move", "web 1", to)
    wait_for("leave", True, False)
    wait_until("the cause is told with its GUID", lambda: f", {guid} is to move to {to} (event " in
               lab.sm.ctl_text("events"), 20)
    text = " ".join(lab.sm.ctl_text("explain", "web 1").split())
    for part in ("is to move to b/1", " ago (", "are let through there", "are not led there yet",
                 "until its host stops it where it is"):
        check(part in text, f"{part}: {text}")
    lab.sim.command("Vf stop c[1]/1")
    wait_for("start", True, True)
    check_equal("no lines that start it where it was", lab.sm.ctl("explain", "web 1")["vf"][
        "commands"], [])
    lab.sm.kill()
    lab.sm.start().wait_ready()
    wait_for("start", True, True)
    check("said before this vsm was started" in " ".join(
        lab.sm.ctl_text("explain", "web 1").split()), lab.sm.ctl_text("explain", "web 1"))
    lab.sim.command("Vf stop b[1]/2")
    lab.sim.command(f"Vf guid b[1]/2 {guid[2:]}")
    lab.sim.command("Vf start b[1]/2")
    lab.wait_active("b/2")
    wait_until("it has moved", lambda: move() is None, 20)
    check_equal("its place", lab.sm.ctl("explain", "web 1")["vf"]["pf"], to)
    lab.sm.ctl("vf", "remove", "web 1")
    check("web 1" not in lab.sm.ctl_text("vfs"), "the name is gone")


@suite.test("a restart of vsm finds vports in order", weight=5)
def restart(world):
    lab = Lab(world).start()
    lab.wait_active()
    before = {name: (vf["guid"], vf["lid"]) for name, vf in lab.vfs().items()}
    lab.sm.kill()
    lab.sm.start().wait_ready()
    lab.wait_active()
    check_equal("who is who", {name: (vf["guid"], vf["lid"]) for name, vf in lab.vfs().items()},
                before)
    check_equal("Sets", lab.sm.sets(), {})


@suite.test("virtualization that is turned off leaves vports down, with the reason", weight=4)
def turned_off(world):
    lab = Lab(world).start(options={"virtualization.enable": "disable"})
    lab.sim.wait_up(30)
    check_equal("vports", set(lab.states().values()), {"Down"})
