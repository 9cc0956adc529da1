# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is reserved for guests, by the real vsmctl, before their ports are there.

To ibsim a guest is a host whose cable is plugged in later: that is how a virtual function of a
virtual switch looks, too.
"""

import fabrics
import lib
from lib import check, check_equal
from suite import Suite, vsm

suite = Suite()
tests = suite.tests

GUEST = "H00003"


def lid_of(sim, guid):
    return sim.check_up().lids(sim.host).get(guid)


def with_guest_away(world):
    """A fabric without its guest, its manager, the guest's GUID, and how to plug it in."""
    sim = lib.Simulator(world, fabrics.fat_tree_2(8).build())
    port = sim.snapshot().port(GUEST, 1)
    switch, number = port.peer
    sim.unlink(switch, number)
    sm = vsm(world, sim).start().wait_ready()
    return sim, sm, port.guid, lambda: sim.relink(switch, number)


@suite.test("a reserved LID is the one that a guest gets when it comes, across kill -9 and restart")
def reserved(world):
    sim, sm, guid, plug = with_guest_away(world)
    said = sm.ctl("vf", "add", hex(guid), "--lid", "900", "--name", "guest 3")
    check_equal("LID", said["lid"], 900)
    sm.kill()
    sm.start().wait_ready()
    shown = sm.ctl("vf", "show")["reservations"]
    check_equal("reserved", [(row["guid"], row["reserved_lid"], row["name"], row["at"])
                             for row in shown], [(f"0x{guid:016x}", 900, "guest 3", None)])
    plug()
    lib.wait_until("the guest has its LID", lambda: lid_of(sim, guid) == 900, 30)
    sm.wait_status("rest", lambda status: status["phase"] == "rest")
    check_equal("place", sm.ctl("vf", "show", hex(guid))["reservations"][0]["at"]["port"], 1)
    check_equal("exit code", sm.stop(), 0)
    sm.start().wait_ready()
    check_equal("Sets of the restarted one", sm.sets(), {})
    check_equal("LID after a restart", lid_of(sim, guid), 900)


@suite.test("what cannot be reserved is refused with who has the LID; what is so already is done")
def refused(world):
    sim, sm, guid, plug = with_guest_away(world)
    lids = sim.check_up().lids(sim.host)
    owner, lid = next((owner, lid) for owner, lid in lids.items() if lid > 1)

    def complaint(code, *words):
        done = world.run([lib.VSMCTL, "--socket", sm.socket, "vf", *words])
        check_equal(f"exit code ({done.stderr.strip()})", done.returncode, code)
        return done.stderr

    check(f"LID {lid} belongs to 0x{owner:016x}" in complaint(1, "add", hex(guid), "--lid",
                                                              str(lid)), "it does not say who")
    check("is not unicast" in complaint(2, "add", hex(guid), "--lid", "49152"), "of which kind?")
    check("is a port that is there already" in complaint(1, "add", hex(owner)), "why not?")
    check_equal("reserved", sm.ctl("vf", "show")["reservations"], [])
    for _ in range(2):
        sm.ctl("vf", "add", hex(guid), "--lid", "901", "--place", hex(owner))
    check_equal("places", sm.ctl("vf", "show")["reservations"][0]["places"], [f"0x{owner:016x}"])
    for _ in range(2):
        sm.ctl("vf", "remove", hex(guid))
    sm.kill()
    sm.start().wait_ready()
    check_equal("reserved", sm.ctl("vf", "show")["reservations"], [])
    plug()
    lib.wait_until("the guest has any LID", lambda: lid_of(sim, guid) not in (None, 0, 901), 30)


@suite.test("rules for virtual functions are checked, and a reservation that breaks them is refused")
def ruled(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim, text='virtual_functions = ( { ports = "*"; '
                              'guids = ( [ "0x0200000000000001", "0x0200000000000008" ] ); } );')
    sm.start().wait_ready()
    place = hex(next(guid for guid in sim.check_up().lids(sim.host)))
    lib.wait_until("names are known",
                   lambda: not any(node["name"].startswith("0x")
                                   for node in sm.ctl("nodes")["nodes"]), 20)
    sm.ctl("vf", "add", "0x0200000000000008", "--place", place)
    done = world.run([lib.VSMCTL, "--socket", sm.socket, "vf", "add", "0x0200000000000009",
                      "--place", place])
    check_equal(f"exit code ({done.stderr.strip()})", done.returncode, 1)
    check("does not allow GUID 0x0200000000000009" in done.stderr, done.stderr)
