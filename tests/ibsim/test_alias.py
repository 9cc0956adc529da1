# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Shared ports (mlx4) and their alias GUIDs: vsm, devices and their driver in vsm-sim, and what other
people's tools see of them. The same stories as opensm's in test_peers.py, and where vsm is stricter.
"""

import re

import fabrics
import lib
from lib import check, check_equal, wait_until
from suite import Suite
from test_peers import Sa, shared, simulator, smp_guids, vfs

suite = Suite()
tests = suite.tests


def managed(world, fabric, **options):
    sim = simulator(world, fabric, host="a")
    sm = lib.Vsm(world, sim, **options).start().wait_ready()
    sim.wait_up(30)
    return sim, sm


def wait_active(sim, host, wanted):
    wait_until(f"the VFs of {host} are Active", lambda: {
        n: guid for n, (state, guid) in vfs(sim, host).items() if state == "Active"} == wanted, 20)


def record(sim, lid, block):
    """The GUIDs of a block as saquery shows them."""
    out = sim.tool("saquery", "GIR", f"{lid}/{block}")
    return [int(guid, 16) for guid in re.findall(r"GUID \d\.+(0x[0-9a-f]+)", out)]


def gid(guid):
    return "fe80::" + ":".join(f"{guid >> shift & 0xffff:x}" for shift in (48, 32, 16, 0))


@suite.test("vsm gives the VFs of a shared port their GUIDs; tools see them, and paths to them",
            weight=4)
def shared_port(world):
    sim, _sm = managed(world, shared(("b", "vf 9 model=shared state=up guid=7001"),
                                     ("c", "vf 20 model=shared")))
    wait_active(sim, "b", {n: 0x7000 + n for n in range(1, 10)})
    snapshot = sim.snapshot()
    b, c = (snapshot.port(name, 1) for name in "bc")
    check_equal("saquery GIR", record(sim, b.lid, 0), [b.guid, *range(0x7001, 0x7008)])
    check_equal("smpquery guidinfo", smp_guids(sim, b.lid, 1), [0x7008, 0x7009] + [0] * 6)
    path = sim.tool("saquery", "PR", "--sgid", gid(snapshot.port("a", 1).guid),
                    "--dgid", gid(0x7009))
    check(re.search(rf"dlid\.+{b.lid}\b", path), f"saquery PR: {path}")
    check(re.search(r"dgid\.+fe80::7009\b", path), f"saquery PR: {path}")

    # One that somebody else has is declined, and asked for again until it is free.
    sim.command("Vf guid c[1]/20 7001")
    sim.command("Vf start c[1]/20")
    wait_until("it asked", lambda: "declined" in sim.command("Vf list"), 20)
    check_equal("a GUID that is taken", vfs(sim, "c")[20][0], "Down")
    sim.command("Vf stop b[1]/1")
    wait_until("it is free, and given", lambda: vfs(sim, "c")[20] == ("Active", 0x7001), 30)
    check_equal("of b", smp_guids(sim, b.lid, 0)[1], 0)

    # A guest moves with its GUID.
    guid = vfs(sim, "b")[2][1]
    sim.command("Vf move b[1]/2 c[1]/3")
    wait_until("the guest is at its new place", lambda: vfs(sim, "c")[3] == ("Active", guid), 60)
    check_equal("where its GUID is", (smp_guids(sim, b.lid, 0)[2], smp_guids(sim, c.lid, 0)[3]),
                (0, guid))


@suite.test("vsm that restarts or is killed knows alias GUIDs, and writes nothing", weight=5)
def restart(world):
    sim, sm = managed(world, shared(("b", "vf 9 model=shared state=up guid=7001")))
    wanted = {n: 0x7000 + n for n in range(1, 10)}
    wait_active(sim, "b", wanted)
    lid = sim.snapshot().port("b", 1).lid
    for how in (sm.stop, sm.kill):
        how()
        sm.start().wait_ready()
        sim.wait_up(20)
        check_equal("records", record(sim, lid, 1), [0x7008, 0x7009] + [0] * 6)
        check_equal("Sets", sm.sets(), {})
        check_equal("VFs", {guid for state, guid in vfs(sim, "b").values() if state == "Active"},
                    set(wanted.values()))


@suite.test("GuidInfoRecords of vsm on vsm-sim: assigned, chosen, refused, denied, deleted", weight=5)
def guid_info(world):
    sim, _sm = managed(world, shared(("b", "vf 2 model=shared state=up guid=7001"),
                                     ("c", "vf 2 model=shared")))
    wait_active(sim, "b", {n: 0x7000 + n for n in (1, 2)})
    snapshot = sim.snapshot()
    a, b, c = (snapshot.port(name, 1).lid for name in "abc")
    sa = Sa(world, sim, a)

    # 0 asks for one, and twice for the same; the port has it when the answer is there.
    status, guids = sa.ask("set", b, 1, "3=0")
    assigned = guids[3]
    check_equal("status", status, 0)
    check_equal("where what vsm assigns is from", assigned >> 56, 0x12)
    check_equal("the port", smp_guids(sim, b, 1), guids)
    check_equal("asked for again", sa.ask("set", b, 1, "3=0"), (0, guids))
    check_equal("saquery", record(sim, b, 1), guids)
    # Chosen ones, of which one belongs to a VF, and one to a port: each for itself.
    status, guids = sa.ask("set", c, 1, "4=7001", f"5={snapshot.port('a', 1).guid:x}", "6=8888",
                           host="c")
    check_equal("taken, taken, free", (status, guids), (0, [0, 0, 0, 0, 0, 0, 0x8888, 0]))
    check_equal("the port", smp_guids(sim, c, 1), guids)
    check_equal("over one that is there", sa.ask("set", c, 1, "6=7001", host="c"), (0, guids))

    for arguments in (("0200", "set", b, 0, "0=5555"), ("0200", "set", b, 0, "0=5555", "6=44"),
                      ("0200", "delete", b, 0, "0=0"), ("0600", "set", b, "-", "3=0"),
                      ("0600", "set", "-", 1, "3=0"), ("0600", "delete", b, "-", "3=0"),
                      ("0600", "delete", "-", 1, "3=0"), ("0300", "set", 99, 1, "3=0"),
                      ("0300", "set", b, 16, "3=0"), ("0300", "delete", b, 200, "3=0"),
                      ("000c", "multi", b, 1, "3=0"), ("0700", "set", c, 1, "3=0"),
                      ("0700", "delete", c, 1, "6=0"), ("0700", "set", a, 0, "1=0")):
        sa.refused(*arguments)
    check_equal("after all that was refused", record(sim, b, 1)[3], assigned)
    check_equal("of c", smp_guids(sim, c, 1), guids)
    # The subnet manager's own port may do it for others.
    check_equal("for another", sa.ask("set", c, 1, "1=9999", host="a"),
                (0, [0, 0x9999, 0, 0, 0, 0, 0x8888, 0]))

    check_equal("Delete", sa.ask("delete", b, 1, "3=0"), (0, [0] * 8))
    check_equal("the port", smp_guids(sim, b, 1), [0] * 8)
    check_equal("assigned again", sa.ask("set", b, 1, "3=0")[1][3], assigned)
    check(sa.ask("set", b, 1, "4=0")[1][4] not in (0, assigned), "two indexes with one GUID")
    wait_active(sim, "b", {n: 0x7000 + n for n in (1, 2)})


@suite.test("vsm trusts whom it is told to with the alias GUIDs of others", weight=2)
def trusted(world):
    fabric = shared(("b", ""), ("c", ""))
    sim = simulator(world, fabric, host="a")
    guid = sim.snapshot().port("c", 1).guid
    lib.Vsm(world, sim, options={"virtualization.alias_guids": "trusted",
                                 "virtualization.trusted_guids": [f"0x{guid:016x}"],
                                 }).start().wait_ready()
    sim.wait_up(30)
    a, b, c = (sim.snapshot().port(name, 1).lid for name in "abc")
    sa = Sa(world, sim, a)
    check_equal("of whom it trusts", sa.ask("set", b, 1, "1=9999", host="c")[1][1], 0x9999)
    sa.refused("0700", "set", c, 1, "1=9998")


@suite.test("vsm on devices that refuse alias GUIDs: said so, and else as it was (ibsim)", weight=2)
def refused(world):
    if not lib.IBSIM:
        raise lib.Skip("ibsim-utils is not installed")
    sim = lib.Simulator(world, fabrics.fat_tree_3(4).build(), program=lib.IBSIM)
    sm = lib.Vsm(world, sim).start().wait_ready()
    snapshot = sim.wait_up(30)
    lid = snapshot.port("H00003", 1).lid
    sa = Sa(world, sim, snapshot.port(sim.host, 1).lid)
    check_equal("answer", sa.ask("set", lid, 1, "1=600001", host="H00003"), (0, [0] * 8))
    check("The adapter refuses" in sm.output(), sm.output()[-300:])
    sim.check_up()
