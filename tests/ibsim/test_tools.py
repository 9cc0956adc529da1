# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ibaddr, smpquery, ibtracert and saquery at hosts and as virtual functions of every model.

What a guest gets is what its driver gives it on Linux. Behind a virtual switch it has a port of its
own, and everything works. As a VF of a shared port or as a vport it has no QP0: tools that send SMPs
fail there, and those that ask the SA work, of a vport that shares a LID only with a GRH, which
saquery does not send.
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
[2] "x3"[1]
[3] "x6"[1]
[4] "own"[1]
[5] "vs"[1]
[6] "peer"[1]

Hca 1 "a"

Hca 1 "x3"
vf 2 model=shared guid=3001 state=up

Hca 1 "x6"
vf 2 model=vport guid=6001 state=up

Hca 1 "own"
vf 2 model=vport guid=8001 lid=own state=up

Hca 1 "vs"
vf 2 model=vswitch guid=7001 state=up

Hca 1 "peer"
"""
HOSTS = ("x3", "x6", "own", "vs", "peer")

# How SMPs fare there, and whether the SA's answers arrive.
SENT, LOST, REFUSED = "sent", "lost", "refused"
PLACES = [(host, 0, SENT, True) for host in HOSTS] + [
    ("vs", 1, SENT, True), ("x3", 1, LOST, True), ("own", 1, REFUSED, True),
    ("x6", 1, REFUSED, False)]
REFUSAL = {LOST: None, REFUSED: "send failed; Operation not permitted"}


class Place:
    """A host, or a VF of it, from which tools look at the fabric."""

    def __init__(self, sim, sm, host, vf):
        self.sim, self.sm, self.host, self.vf = sim, sm, host, vf
        if vf:
            row = next(row for row in sm.ctl("vfs", host)["vfs"] if row["index"] == vf)
        else:
            row = sm.ctl("explain", f"{host}/1")["ports"][0]
        self.gid, self.lid = row["gid"], row["lid"]

    def __str__(self):
        return f"VF {self.vf} of {self.host}" if self.vf else self.host

    def run(self, tool, *argv):
        program = lib.find_program(tool)
        if not program:
            raise lib.Skip(f"{tool} is not installed")
        return self.sim.world.run(
            [lib.VSM_RUN, "-n", self.host, *(["-v", str(self.vf)] if self.vf else []), program,
             *map(str, argv)], {"IBSIM_SOCKNAME": self.sim.name, "TMPDIR": self.sim.world.dir})

    def works(self, tool, *argv):
        done = self.run(tool, *argv)
        check_equal(f"{tool} as {self}: {done.stderr}", done.returncode, 0)
        return done.stdout

    def fails(self, refusal, tool, *argv):
        """refusal: what write() said; None: it took the request, and nothing came."""
        done = self.run(tool, *argv)
        said = done.stderr + done.stdout
        check(done.returncode not in (0, 1), f"{tool} as {self}: {done.returncode}: {said}")
        check(refusal in said if refusal else "send failed" not in said, f"{tool} as {self}: {said}")


def same_gid(text, gid):
    """The GID in what ibaddr says: libibmad shortens what vsmctl writes in full."""
    found = re.search(r"GID (\S+) LID start 0x(\w+) end 0x(\w+)", text)
    check(found and found[2] == found[3], f"ibaddr: {text}")
    head, tail = found[1].split("::")
    groups = [*head.split(":"), *[""] * 8][:8 - len(tail.split(":"))] + tail.split(":")
    check_equal("GID", ":".join(f"{int(group or '0', 16):04x}" for group in groups), gid)
    return int(found[2], 16)


def guids_in(text):
    return [int(guid, 16) for guid in re.findall(r"(?<!\w)0x[0-9a-f]{16}\b", text)]


def check_smps(place, peer, shared, table):
    """Where there is a QP0."""
    check_equal(f"LID of {place}", same_gid(place.works("ibaddr"), place.gid), place.lid)
    check_equal(f"LID of {peer}", same_gid(place.works("ibaddr", peer.lid), peer.gid), peer.lid)
    check_equal(f"smpquery guidinfo as {place}",
                guids_in(place.works("smpquery", "guidinfo", shared))[:3], table)
    if place.lid == peer.lid:
        return
    path = place.sm.ctl("path", str(place.lid), str(peer.lid))["hops"]
    traced = checks.traced(place.works("ibtracert", place.lid, peer.lid))
    check_equal(f"ibtracert as {place}", traced,
                [(hop["name"], hop["out_port"]) for hop in path][:len(traced)])
    check_equal(f"hops from {place}", len(traced), len(path) - (len(path) > len(traced)))


def check_no_smps(place, refusal, peer, shared):
    """ibtracert asks its own port first, which is refused to all of them."""
    place.fails(refusal, "ibaddr", "-t", "50")
    place.fails(refusal, "ibaddr", "-t", "50", peer.lid)
    place.fails(refusal, "smpquery", "-t", "50", "guidinfo", shared)
    place.fails("send failed; Invalid argument", "ibtracert", place.lid, peer.lid)


def check_sa(place, peer, shared, table):
    out = place.works("saquery", "PR", "--sgid", place.gid, "--dgid", peer.gid)
    check(re.search(rf"dlid\.+{peer.lid}\b", out), f"saquery PR as {place}: {out}")
    out = place.works("saquery", "GIR", f"{shared}/0")
    check_equal(f"saquery GIR as {place}", guids_in(out)[:3], table)


@suite.test("ibaddr, smpquery, ibtracert and saquery at hosts and as VFs of each model do what they do "
            "on Linux", weight=12)
def matrix(world):
    if not os.path.exists(lib.VSM_RUN):
        raise lib.Skip("vsm-run is not built")
    sim = lib.Simulator(world, fabrics.Fabric("tools", FABRIC), "a", program=lib.VSM_SIM)
    sm = vsm(world, sim).start().wait_ready()
    wait_until("8 VFs are Active", lambda: sm.ctl("status")["vfs_active"] == 8, 20)
    peer, x3 = Place(sim, sm, "peer", 0), Place(sim, sm, "x3", 0)
    table = [sim.snapshot().port("x3", 1).guid, 0x3001, 0x3002]
    for host, vf, smps, asks in PLACES:
        place = Place(sim, sm, host, vf)
        if smps == SENT:
            check_smps(place, peer, x3.lid, table)
        else:
            check_no_smps(place, REFUSAL[smps], peer, x3.lid)
        if asks:
            check_sa(place, peer, x3.lid, table)
        else:
            place.fails(None, "saquery", "-t", "100", "PR", "--sgid", place.gid, "--dgid", peer.gid)
