# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vsm-sim under a subnet manager that is not ours: stock opensm, through ibsim's preload and ours.

What a known good SM makes of our devices says whether they are devices; what it says of alias GUIDs
(reference: its own doc/opensm-sriov.txt) is what vsm has to say too.
"""

import os
import random
import re
import signal

import checks
import fabrics
import lib
from lib import check, check_empty, check_equal, wait_until
from suite import Suite
from test_sim import EXAMPLES
from test_umad import CLIENT

suite = Suite()
tests = suite.tests

PRELOADS = {"libumad2sim": lib.find_preload(), "libvsm-umad": lib.VSM_UMAD}


def simulator(world, fabric, preload="libvsm-umad", host=None):
    if not PRELOADS[preload] or not os.path.exists(PRELOADS[preload]):
        raise lib.Skip(f"{preload} is not there")
    sim = lib.Simulator(world, fabric, host, program=lib.VSM_SIM)
    sim.preload = PRELOADS[preload]
    return sim


def no_errors(sm, but="nothing"):
    """opensm's log has no ERR, except where the test means to have one."""
    check_empty("opensm complains", (line for line in sm.messages().splitlines()
                                     if " ERR " in line and but not in line))


def managed(world, fabric, preload="libvsm-umad", host=None, **options):
    sim = simulator(world, fabric, preload, host)
    sm = lib.Opensm(world, sim, options=options).start()
    sm.wait_ready()
    sim.wait_up(30)
    return sim, sm


# ---- fabrics ------------------------------------------------------------------------------------


def whole(sim, sm, snapshot):
    checks.links(sim, snapshot)
    checks.discovered(sim, snapshot)
    checks.paths(sim, snapshot, pairs=10)
    checks.tables(sim, sm, snapshot, rings=True)  # its "minhop" does not care


SHAPES = [(os.path.basename(path), lambda path=path: fabrics.read(path)) for path in EXAMPLES]
SHAPES += [(plan.name, plan.build) for plan in (
    fabrics.one_switch(), fabrics.no_switch(), fabrics.mixed(), fabrics.fat_tree_3(6),
    fabrics.torus(3, 3, hosts=2), fabrics.random_graph(20, 45, 2, seed=7))]


@suite.for_each("opensm on vsm-sim, {}", [
    (f"{name} through {preload}", (make, preload)) for name, make in SHAPES
    for preload in PRELOADS], weight=6)
def comes_up(world, case):
    make, preload = case
    sim, sm = managed(world, make(), preload)
    snapshot = sim.check_up()
    if snapshot.switches():  # without one, opensm's every sweep is a full one
        sm.wait_quiet()
        snapshot = sim.check_up()
    whole(sim, sm, snapshot)
    if preload == "libvsm-umad":  # the other one loses segments of long answers
        checks.records(sim, snapshot)
    no_errors(sm)
    check_equal("exit code", sm.stop(), 0)
    checks.same_lids(snapshot.lids(sim.host), sim.check_up().lids(sim.host))


def ups(sm):
    return sm.messages().count("SUBNET UP")


@suite.for_each("opensm on vsm-sim through {}: sweeps, a cable that is pulled and put back, "
                "a switch without power", [(preload, preload) for preload in PRELOADS], weight=10)
def repaired(world, preload):
    sim, sm = managed(world, fabrics.fat_tree_3(6).build(), preload)
    sm.wait_quiet()
    before = sim.check_up()
    for _ in range(3):
        seen = ups(sm)
        sm.process.send_signal(signal.SIGHUP)
        wait_until("a full sweep", lambda seen=seen: ups(sm) > seen, 20)
    sm.wait_quiet()
    checks.same_lids(before.lids(sim.host), sim.check_up().lids(sim.host))
    no_errors(sm)

    cables = [(port.node.name, port.number) for port in before.linked_ports(sim.host)
              if port.node.kind == "Switch" and port.peer[0].startswith("S")]
    for name, number in random.Random(4).sample(cables, 2):
        seen = ups(sm)
        sim.unlink(name, number)
        # Nobody asks: it is the switches' traps that tell.
        wait_until("opensm hears of it", lambda seen=seen: ups(sm) > seen, 20)
        sm.wait_quiet()
        whole(sim, sm, sim.check_up())
        seen = ups(sm)
        sim.relink(name, number)
        wait_until("opensm hears that it is back", lambda seen=seen: ups(sm) > seen, 20)
        sm.wait_quiet()
        after = sim.check_up()
        whole(sim, sm, after)
        checks.same_lids(before.lids(sim.host), after.lids(sim.host))

    name = next(node.name for node in before.switches() if node.name.startswith("ST"))
    for power, expected in (("off", before.nodes[name].guid), ("on", None)):
        seen = ups(sm)
        sim.command(f'Power "{name}" {power}')
        wait_until(f"opensm hears of power {power}", lambda seen=seen: ups(sm) > seen, 20)
        sm.wait_quiet()
        after = sim.check_up()
        check_equal("is the switch there", expected in after.lids(sim.host), False)
        whole(sim, sm, after)
    checks.same_lids(before.lids(sim.host), after.lids(sim.host))


@suite.test("two opensms on vsm-sim: one is master, the other takes over when it is killed",
            weight=8)
def handover(world):
    sim, sm = managed(world, fabrics.fat_tree_3(4).build())
    second = lib.Opensm(world, sim, host="H00005", options={"sminfo_polling_timeout": 500})
    second.start()
    wait_until("the second is standby", lambda: "Entering STANDBY" in second.messages(), 20)
    before = sim.check_up().lids(sim.host)
    sm.kill()
    wait_until("the second is master", lambda: "Entering MASTER" in second.messages()
               and ups(second), 30)
    second.wait_quiet()
    sim.host = "H00005"
    checks.same_lids(before, sim.check_up().lids("H00005"))


# ---- alias GUIDs --------------------------------------------------------------------------------


def shared(*lines):
    """A switch, an SM on "a", and hosts with VFs of the shared port model."""
    text = 'Switch 8 "s"\n[1] "a"[1]\n'
    text += "".join(f'[{n + 2}] "{host}"[1]\n' for n, (host, _) in enumerate(lines))
    text += '\nHca 1 "a"\n\n'
    text += "".join(f'Hca 1 "{host}"\n{line}\n' for host, line in lines)
    return fabrics.Fabric("shared", text)


def vfs(sim, host):
    """{VF: (state, GUID)} as the console shows them."""
    found = {}
    for line in sim.command("Vf list").splitlines():
        name, _, _, guid, _, state = line.split("\t")
        if name.startswith(f"{host}[1]/"):
            found[int(name.split("/")[1])] = (state.split(":")[0], int(guid.split()[1], 16))
    return found


def aliases(sim, lid):
    """{index: GUID} as the SA has them."""
    out = sim.tool("saquery", "GIR")
    found = {}
    for record in out.split("GUIDInfo Record dump:")[1:]:
        values = checks.fields(record)
        if int(values["LID"]) != lid:
            continue
        for n in range(8):
            guid = int(values[f"GUID {n}"], 16)
            if guid:
                found[int(values["Block"]) * 8 + n] = guid
    return found


@suite.test("opensm gives the VFs of a shared port their GUIDs, on vsm-sim", weight=8)
def shared_port(world):
    sim, sm = managed(world, shared(("b", "vf 4 model=shared state=up guid=7001"),
                                    ("c", "vf 20 model=shared")), host="a")
    wait_until("the VFs of b are Active", lambda: vfs(sim, "b") == {
        n: ("Active", 0x7000 + n) for n in (1, 2, 3, 4)}, 20)
    check_equal("states of c", {state for state, _ in vfs(sim, "c").values()}, {"Down"})
    lid = {name: sim.snapshot().port(name, 1).lid for name in "bc"}
    own = sim.snapshot().port("b", 1).guid
    check_equal("records", aliases(sim, lid["b"]),
                {0: own, **{n: 0x7000 + n for n in (1, 2, 3, 4)}})
    check_equal("records of c", len(aliases(sim, lid["c"])), 1)

    some = (1, 7, 8, 20)  # in three blocks
    for n in some:
        sim.command(f"Vf start c[1]/{n}")
    wait_until("those that were started are Active", lambda: {
        n for n, (state, _) in vfs(sim, "c").items() if state == "Active"} == set(some), 20)
    wanted = {n: guid for n, (_, guid) in vfs(sim, "c").items() if n in some}
    found = aliases(sim, lid["c"])
    check_equal("records of c", {n: found.get(n) for n in some}, wanted)

    # One that somebody else has is declined, and asked for again until it is free.
    sim.command("Vf stop c[1]/20")
    wait_until("it is deleted", lambda: 20 not in aliases(sim, lid["c"]), 20)
    sim.command("Vf guid c[1]/20 7001")
    sim.command("Vf start c[1]/20")
    wait_until("it asked", lambda: "declined" in sim.command("Vf list"), 20)
    check_equal("a GUID that is taken", vfs(sim, "c")[20][0], "Down")
    sim.command("Vf stop b[1]/1")
    wait_until("it is free, and given", lambda: vfs(sim, "c")[20] == ("Active", 0x7001), 30)
    check_equal("of b", 1 in aliases(sim, lid["b"]), False)

    # A guest moves with its GUID.
    guid = vfs(sim, "b")[2][1]
    sim.command("Vf move b[1]/2 c[1]/3")
    wait_until("the guest is at its new place", lambda: vfs(sim, "c")[3] == ("Active", guid), 60)
    check_equal("where its GUID is", (2 in aliases(sim, lid["b"]), aliases(sim, lid["c"])[3]),
                (False, guid))
    no_errors(sm, but="ERR 5108: Duplicate alias port GUID 0x7001 ")


@suite.test("opensm that restarts forgets alias GUIDs, and ClientReregister brings them back",
            weight=6)
def shared_port_restart(world):
    sim, sm = managed(world, shared(("b", "vf 3 model=shared state=up guid=7001")), host="a")
    lid = sim.snapshot().port("b", 1).lid
    wanted = {n: ("Active", 0x7000 + n) for n in (1, 2, 3)}
    wait_until("the VFs are Active", lambda: vfs(sim, "b") == wanted, 20)
    check_equal("exit code", sm.stop(), 0)
    check_equal("without an SM", vfs(sim, "b"), wanted)
    sm.start()
    wait_until("the new one knows them", lambda: len(aliases(sim, lid)) == 4, 30)
    check_equal("with the new one", vfs(sim, "b"), wanted)


class Sa:
    """The GuidInfoRecords of an SA, asked by a program of ours."""

    def __init__(self, world, sim, sm_lid):
        self.world, self.sim, self.sm_lid = world, sim, sm_lid

    def ask(self, method, lid, block, *entries, host="b"):
        """(status, GUIDs) of the answer."""
        env = {"IBSIM_SOCKNAME": self.sim.name, "TMPDIR": self.world.dir,
               "PYTHONDONTWRITEBYTECODE": "1"}
        done = self.world.run([lib.VSM_RUN, "-n", host, "python3", CLIENT, "guid_info",
                               str(self.sm_lid), method, str(lid), str(block), *entries], env)
        check(done.returncode == 0, f"{method} {lid} {block} {entries}: {done.stderr[-300:]}")
        status, *guids = (int(word, 16) for word in done.stdout.split())
        return status, guids

    def refused(self, status, *arguments):
        check_equal(f"status of {' '.join(map(str, arguments))}",
                    f"{self.ask(*arguments)[0]:04x}", status)


@suite.test("GuidInfoRecords of opensm on vsm-sim: assigned, chosen, refused, deleted", weight=6)
def guid_info(world):
    sim, _sm = managed(world, shared(("b", "vf 2 model=shared state=up guid=7001"),
                                     ("c", "vf 2 model=shared")), host="a")
    wait_until("the VFs are Active", lambda: vfs(sim, "b") == {
        n: ("Active", 0x7000 + n) for n in (1, 2)}, 20)
    snapshot = sim.snapshot()
    b, c = (snapshot.port(name, 1).lid for name in "bc")
    sa = Sa(world, sim, snapshot.port("a", 1).lid)

    # 0 asks for one, and twice for the same; what is on the port follows.
    status, guids = sa.ask("set", b, 1, "3=0")
    assigned = guids[3]
    check_equal("status", status, 0)
    check_equal("vendor of what opensm assigns", assigned >> 40, 0x1405)
    check_equal("asked for again", sa.ask("set", b, 1, "3=0"), (0, guids))
    check_equal("records", aliases(sim, b)[11], assigned)
    wait_until("the port has it", lambda: smp_guids(sim, b, 1)[3] == assigned, 5)
    # Chosen ones, of which one belongs to a VF, and one to a port: each for itself.
    status, guids = sa.ask("set", c, 1, "4=7001", f"5={snapshot.port('a', 1).guid:x}", "6=8888")
    check_equal("taken, taken, free", (status, guids), (0, [0, 0, 0, 0, 0, 0, 0x8888, 0]))
    # What was accepted before stays where the new one is refused.
    check_equal("over one that is there", sa.ask("set", c, 1, "6=7001"),
                (0, [0, 0, 0, 0, 0, 0, 0x8888, 0]))
    wait_until("the port has it", lambda: smp_guids(sim, c, 1) == guids, 5)

    for arguments in (("0200", "set", b, 0, "0=5555"), ("0200", "set", b, 0, "0=5555", "6=44"),
                      ("0200", "delete", b, 0, "0=0"), ("0600", "set", b, "-", "3=0"),
                      ("0600", "set", "-", 1, "3=0"), ("0600", "delete", b, "-", "3=0"),
                      ("0600", "delete", "-", 1, "3=0"), ("0300", "set", 99, 1, "3=0"),
                      ("0300", "set", b, 16, "3=0"), ("0300", "delete", b, 200, "3=0"),
                      ("000c", "multi", b, 1, "3=0")):
        sa.refused(*arguments)
    check_equal("after all that was refused", aliases(sim, b)[11], assigned)

    check_equal("Delete", sa.ask("delete", b, 1, "3=0"), (0, [0] * 8))
    check_equal("records", 11 in aliases(sim, b), False)
    wait_until("the port has it no more", lambda: smp_guids(sim, b, 1) == [0] * 8, 5)
    # The same index gets the same GUID again, another index another one.
    check_equal("assigned again", sa.ask("set", b, 1, "3=0")[1][3], assigned)
    check(sa.ask("set", b, 1, "4=0")[1][4] not in (0, assigned), "two indexes with one GUID")
    check_equal("the VFs", vfs(sim, "b"), {n: ("Active", 0x7000 + n) for n in (1, 2)})


def smp_guids(sim, lid, block):
    """A block of GUIDInfo, asked from the port itself."""
    out = sim.tool("smpquery", "guidinfo", lid)
    guids = [int(word, 16) for word in re.findall(r"\b0x[0-9a-f]{16}\b", out)]
    return guids[block * 8:block * 8 + 8]


# ---- side by side with ibsim --------------------------------------------------------------------


@suite.for_each("what opensm has made of {}, tools show on vsm-sim as on ibsim",
                [(os.path.basename(path), path) for path in EXAMPLES], weight=10)
def same_after_bring_up(world, path):
    """Same GUIDs, so same LIDs and same tables: line by line, but for the title."""
    if not lib.IBSIM:
        raise lib.Skip("ibsim-utils is not installed")
    said = []
    for program in (lib.IBSIM, lib.VSM_SIM):
        sim = lib.Simulator(world, fabrics.read(path), program=program)
        sm = lib.Opensm(world, sim).start()
        sm.wait_ready()
        sim.wait_up(30)
        sm.wait_quiet()
        said.append({what: sim.tool(*what.split(), seconds=60).splitlines()
                     for what in ("dump_fts", "sminfo", "ibhosts")})
        sm.stop()
    for what, old in said[0].items():
        check_equal(what, [re.sub(r"activity count \d+", "", line) for line in said[1][what]],
                    [re.sub(r"activity count \d+", "", line) for line in old])
    check(len(said[0]["dump_fts"]) > 5, "dump_fts shows nothing")
