# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the operator sees of virtual functions: the real daemon and the real vsmctl, on vsm-sim."""

import re

import fabrics
import lib
from lib import check, check_equal, wait_until
from suite import Suite, vsm

suite = Suite()
tests = suite.tests


def hosts(*lines):
    """A switch, an SM on "a", and hosts with VFs."""
    text = 'Switch 8 "s"\n[1] "a"[1]\n'
    text += "".join(f'[{n + 2}] "{host}"[1]\n' for n, (host, _) in enumerate(lines))
    text += '\nHca 1 "a"\n\n'
    text += "".join(f'Hca 1 "{host}"\n{line}\n' for host, line in lines)
    return fabrics.Fabric("vfs", text)


def managed(world, *lines):
    sim = lib.Simulator(world, hosts(*lines), "a", program=lib.VSM_SIM)
    return sim, vsm(world, sim).start().wait_ready()


def rows(sm, *words, code=0):
    return sm.ctl("vfs", *words, code=code)["vfs"]


def active(sm, n):
    """The rows, once so many are Active."""
    def look():
        found = rows(sm)
        return found if sum(row["state"] == "active" for row in found) == n else None
    return wait_until(f"{n} VFs are Active", look, 20)


def guid(number):
    return f"0x{number:016x}"


@suite.test("VFs behind a virtual switch are listed with the port of their physical function",
            weight=3)
def virtual_switch(world):
    sim, sm = managed(world, ("b", "vf 3 model=vswitch guid=7001 state=up"))
    found = active(sm, 3)
    check_equal("GUIDs by index", {row["index"]: row["guid"] for row in found},
                {n: guid(0x7000 + n) for n in (1, 2, 3)})
    check_equal("models", {row["model"] for row in found}, {"vswitch"})
    check_equal("sources of LIDs", {row["lid_source"] for row in found}, {"own"})
    check_equal("different LIDs", len({row["lid"] for row in found} - {0}), 3)
    pf, = {row["pf"] for row in found}
    check_equal("the port of the PF", sm.ctl("explain", pf)["name"], "b")
    check_equal("P_Keys", {tuple(row["pkeys"]) for row in found}, {("0xffff",)})
    status = sm.ctl("status")
    check_equal("counts", (status["vfs_active"], status["vfs_not_active"]), (3, 0))
    text = sm.ctl_text("explain", guid(0x7002))
    check("virtual function 2 of port 1 of b" in text, text)
    check_equal("those of b", len(rows(sm, "b")), 3)
    check_equal("those of a", rows(sm, "a"), [])

    sim.command("Vf stop b[1]/1")
    wait_until("one is gone", lambda: {row["index"] for row in rows(sm)} == {2, 3}, 20)


@suite.test("a VF without a GUID comes up with the lines that vsmctl explain says to type", weight=4)
def no_guid(world):
    sim, sm = managed(world, ("b", "vf 3 model=vswitch guid=7001 state=up"))
    pf = active(sm, 3)[0]["pf"]
    sim.command("Vf guid b[1]/2 0")
    wait_until("it shows", lambda: rows(sm, "vf-no-guid"), 20)
    bad, = rows(sm, "--not-active", code=7)
    check_equal("the one that is not", (bad["index"], bad["guid"], bad["pf"]), (2, None, pf))
    check_equal("counted", sm.ctl("status")["vfs_not_active"], 1)
    check("vsmctl vfs --not-active" in sm.ctl_text("status"), "status does not say what to run")
    check("vf-no-guid" in sm.ctl_text("explain", pf), "nothing about it with its PF")
    text = sm.ctl_text("explain", f"{pf}/vf2")
    lines = re.findall(r"^    ip link set dev IFACE vf 1 (\w+) ([0-9a-f:]{23})$", text, re.M)
    check_equal("what to set", [what for what, _ in lines], ["node_guid", "port_guid"])

    wanted = lines[1][1].replace(":", "")
    sim.command(f"Vf guid b[1]/2 {wanted}")
    check_equal("its GUID", {row["index"]: row["guid"] for row in active(sm, 3)}[2],
                "0x" + wanted)
    check_equal("none is left", rows(sm, "--not-active"), [])


@suite.test("vports are listed with their LIDs, and paths between them say if they need a GRH",
            weight=3)
def vports(world):
    _, sm = managed(world, ("b", "vf 2 model=vport guid=7001 lid=own state=up"),
                    ("c", "vf 2 model=vport guid=8001 state=up"),
                    ("d", "vf 4 model=vport guid=9001"))
    found = {row["guid"]: row for row in active(sm, 4)}
    port = sm.ctl("explain", "c")["ports"][0]["lid"]
    check_equal("own LIDs", {found[guid(n)]["lid_source"] for n in (0x7001, 0x7002)}, {"own"})
    check_equal("shared LIDs", {(found[guid(n)]["lid_source"], found[guid(n)]["lid"])
                                for n in (0x8001, 0x8002)}, {("port", port)})
    path = sm.ctl("path", guid(0x7001), guid(0x8002))
    check_equal("to a shared LID", (path["complete"], path["grh"], path["destination_lid"]),
                (True, True, port))
    path = sm.ctl("path", guid(0x7001), guid(0x7002))
    check_equal("to an own one", (path["complete"], path["grh"], path["destination_lid"]),
                (True, False, found[guid(0x7002)]["lid"]))
    by_lid = sm.ctl("explain", str(found[guid(0x7002)]["lid"]))["vf"]
    check_equal("found by LID", by_lid["guid"], guid(0x7002))
    check_equal("partitions of both", path["shared_pkeys"], ["0x7fff"])
    keys = sm.ctl("partitions", "--port", guid(0x8002))
    check_equal("P_Keys planned and held", ([key["pkey"] for key in keys["pkeys"]],
                                            keys["pkeys_held"]), (["0xffff"], ["0xffff"]))
    check_equal("not started", [row["state"] for row in rows(sm, "vf-not-started")], ["down"] * 4)
    check_equal("and not counted", sm.ctl("status")["vfs_not_active"], 0)


@suite.test("two VFs with one GUID are told apart, and each is named with the other", weight=3)
def duplicate(world):
    sim, sm = managed(world, ("b", "vf 1 model=vport guid=7001 lid=own state=up"),
                      ("c", "vf 1 model=vport guid=8001 lid=own state=up"))
    active(sm, 2)
    sim.command("Vf guid c[1]/1 7001")
    bad = wait_until("it shows", lambda: rows(sm, "vf-duplicate-guid"), 20)[0]
    check_equal("the second", bad["pf_name"], "c")
    same = sm.ctl("explain", f"{bad['pf']}/vf1")["vf"]["same_guid"]
    check_equal("the first", [(one["pf_name"], one["index"]) for one in same], [("b", 1)])
    first = sm.ctl("explain", guid(0x7001))["vf"]
    check_equal("who has it", (first["pf_name"], first["state"]), ("b", "active"))
    check_equal("and who else", [one["pf_name"] for one in first["same_guid"]], ["c"])
