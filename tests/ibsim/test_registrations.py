# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Services and subscriptions of real programs, and what becomes of them when vsm is killed."""

import os
import shutil
import signal

import fabrics
import lib
from lib import check, check_equal, wait_until
from suite import Suite
from test_umad import CLIENT, Simulator

suite = Suite()
tests = suite.tests


def managed(world, plan, **options):
    sim = Simulator(world, plan.build(), **options)
    sm = lib.Vsm(world, sim).start().wait_ready()
    return sim, sm


class Client:
    """client.py that goes on by itself, until it has said that it is ready."""

    def __init__(self, world, sim, host, ready, *words):
        self.world, self.log = world, f"{words[0]}-{host}.log"
        env = {"IBSIM_SOCKNAME": sim.name, "TMPDIR": world.dir, "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = world.spawn([lib.VSM_RUN, "-n", host, "python3", CLIENT, *words], env, f"{words[0]}-{host}.err",
                                   stdout=open(world.path(self.log), "w", encoding="utf-8"))
        wait_until(f"{words[0]}: {ready}", lambda: ready in world.read(self.log), 20)


class Listener(Client):
    """One that has subscribed, and what it was told."""

    def __init__(self, world, sim, host, lid, *traps):
        super().__init__(world, sim, host, "subscribed", "hear", str(lid), "300", *traps)

    def heard(self):
        """(trap, GUID), each report once however often it came."""
        lines = self.world.read(self.log).splitlines()[1:]
        return [tuple(line.split()[:2]) for line in dict.fromkeys(lines)]

    def wait(self, trap, guid, n):
        wait_until(f"trap {trap} of {guid:x} was told {n} times",
                   lambda: self.heard().count((str(trap), f"{guid:x}")) == n, 30)


@suite.test("osmtest registers services, finds them and sees their leases end", weight=12)
def osmtest(world):
    sim, _ = managed(world, fabrics.one_switch())
    for flow in "cse":  # of events it tests nothing, on libibumad
        said = sim.tool("osmtest", "-t", "2000", "-f", flow, "-i", world.path("inventory"), "-l", world.path("osmtest.log"),
                        host="H00001", seconds=120)
        check("PASS" in said, f"osmtest -f {flow}: {said[-300:]}")


@suite.test("who has subscribed is told of hosts that go and come, also after kill -9", weight=8)
def subscriptions(world):
    # ibsim gives nobody a request that is no SM.
    sim, sm = managed(world, fabrics.fat_tree_3(4), program=lib.VSM_SIM)
    snapshot = sim.wait_up(30)
    guid = snapshot.port("H00002", 1).guid
    lid = snapshot.port(sim.host, 1).lid
    listener = Listener(world, sim, "H00001", lid, "64", "65")
    sim.unlink("H00002", 1)
    listener.wait(65, guid, 1)
    sm.kill()
    sim.relink("H00002", 1)
    sm.start().wait_ready()
    sim.wait_up(30)
    sim.unlink("H00002", 1)
    listener.wait(65, guid, 2)
    sim.relink("H00002", 1)
    listener.wait(64, guid, 1)
    check_equal("all that was told", len(listener.heard()), 3)
    world.stop(listener.process, signal.SIGTERM)


@suite.test("many services at once share the synchronizations of the disk", weight=4)
def many(world):
    sim, sm = managed(world, fabrics.one_switch())
    snapshot = sim.wait_up(30)
    lid, guid = snapshot.port(sim.host, 1).lid, f"{snapshot.port('H00001', 1).guid:x}"
    one = sim.client("register", str(lid), guid, "200", "1", host="H00001")
    many_at_once = sim.client("register", str(lid), guid, "4000", "100", host="H00001")
    check(float(many_at_once.split()[0]) > 3 * float(one.split()[0]),
          f"a second, ms: one by one {one.strip()}, a hundred at a time {many_at_once.strip()}")
    sm.kill()
    sm.start().wait_ready()
    check_equal("services", len(sm.ctl("services")["services"]), 200)


@suite.test("whoever lies about the lengths of long requests harms nobody", weight=4)
def lies(world):
    sim, sm = managed(world, fabrics.one_switch())
    snapshot = sim.wait_up(30)
    lid, guid = str(snapshot.port(sim.host, 1).lid), f"{snapshot.port('H00001', 1).guid:x}"
    for seed in range(4):
        sim.client("lie", lid, "2000", str(seed), host="H00001")
        sim.client("multipath", lid, guid, guid, "20", host="H00001")
        sim.client("register", lid, guid, "20", "1", host="H00001")
    check_equal("state", sm.status()["state"], "master")


@suite.test("vsm ends also while hosts go on asking", weight=2)
def asked_to_the_end(world):
    sim, sm = managed(world, fabrics.fat_tree_2(4), program=lib.VSM_SIM)
    lid = str(sim.wait_up(30).port(sim.host, 1).lid)
    for host in ("H00001", "H00002"):
        Client(world, sim, host, "asks", "pester", lid)
    check_equal("exit code", sm.stop(), 0)


@suite.test("who wants more of everything at once than there is room for is told so, and others are served",
            weight=4)
def greed(world):
    sim, sm = managed(world, fabrics.fat_tree_3(4), program=lib.VSM_SIM)
    snapshot = sim.wait_up(30)
    lid = str(snapshot.port(sim.host, 1).lid)
    guid, other = (f"{snapshot.port(host, 1).guid:x}" for host in ("H00001", "H00002"))
    for _ in range(2):
        had = sim.client("greed", lid, guid, host="H00001").split()
        check_equal("services, subscriptions and groups", had[:3], ["256", "64", "2048"])
        sim.client("register", lid, other, "200", "100", host="H00002")
        sm.kill()
        sm.start().wait_ready()
    check_equal("services", len(sm.ctl("services")["services"]), 456)


def is_registered(sim, lid, guid, n):
    """So many, of which the last is another one than before."""
    try:
        sim.client("register", lid, guid, str(n), "1", host="H00001")
    except lib.Failure as failure:
        check("status 0100" in str(failure), str(failure))
        return False
    return True


@suite.for_each("the state directory {}: hosts are told that they cannot register, and can when it is there", [
    ("is away", (lambda path: os.rename(path, path + ".away"),
                 lambda path: os.rename(path + ".away", path))),
    ("is lost", (shutil.rmtree, os.mkdir))], weight=2)
def state_dir(world, case):
    lose, find = case
    sim = Simulator(world, fabrics.one_switch().build())
    sm = lib.Vsm(world, sim).start().wait_ready()
    snapshot = sim.wait_up(30)
    lid, guid = str(snapshot.port(sim.host, 1).lid), f"{snapshot.port('H00001', 1).guid:x}"
    check(is_registered(sim, lid, guid, 1), "not at first")
    lose(sm.state)
    check(not is_registered(sim, lid, guid, 2), "it was told that it is, and is not")
    check_equal("state", sm.status()["state"], "master")
    find(sm.state)
    wait_until("it works again", lambda: is_registered(sim, lid, guid, 3), 30)
    sm.kill()
    sm.start().wait_ready()
    kept = [service["id"] for service in sm.ctl("services")["services"]]
    check(any(int(str(number), 0) == 4 for number in kept), f"the last one is lost: {kept}")
