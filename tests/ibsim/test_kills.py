# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Killed with -9 at 200 moments of bring-up and of repairs, started again, and judged each time.

A moment is a number of SMPs that have been sent, so that machines of any speed have the same ones, and
a little time behind it, as not all that is to be kept is on the disk when an SMP goes out. As many
SMPs as it took when nobody was killed, and some more.

What a subnet manager that kept nothing would come to by itself proves nothing. Hosts are plugged in from
the last to the first, so that LIDs are not in the order in which a fabric is found; in half of the
bring-ups some are missing, and then all devices lose their power: whatever LID was once set must be on
the disk.
"""

import random
import re

import checks
import fabrics
import lib
from lib import check, check_equal
from suite import Suite, vsm
from test_faults import cables, settled

suite = Suite()
tests = suite.tests

MOMENTS = 50  # of a test; there are four
KEYS = {0x8017: (1, 2, 5), 0x8018: (2, 6)}  # partitions, and which hosts are in them
ADDED = 0x19


class Lab:
    """A tree of 18 hosts whose LIDs are in no order, and partitions of which each host has its own."""

    def __init__(self, world, seed):
        self.chance = random.Random(seed)
        self.sim = lib.Simulator(world, fabrics.fat_tree_2(6).build())
        whole = self.sim.snapshot()
        self.hosts = sorted((port for port in whole.end_ports(self.sim.host)
                             if port.node.kind == "Ca" and port.node.name != self.sim.host),
                            key=lambda port: port.guid)
        self.cables = cables(whole, self.sim.host)
        near = whole.nodes[self.sim.host].ports[1].peer[0]
        self.switches = [node.name for node in whole.switches() if node.name != near]
        self.keys = {port.guid: {0xffff} for port in self.hosts}
        self.world = world
        self.renew()

    def renew(self):
        """A subnet manager that knows nothing yet."""
        text = "Default=0x7fff, ipoib : ALL=full;\n"
        for key, numbers in KEYS.items():
            members = ", ".join(f"{self.hosts[n].guid:#x}=full" for n in numbers)
            text += f"P{key:x}={key & 0x7fff:#x} : {members};\n"
            for n in numbers:
                self.keys[self.hosts[n].guid].add(key)
        self.sm = vsm(self.world, self.sim, options={
            "partition_file": self.world.write("partitions.conf", text), "sweep.interval": 1000})
        self.lids = {}

    def power_off(self):
        """All devices are as new."""
        self.sim.stop()
        self.sim.start()

    def come_up_backwards(self):
        """Until all LIDs are on the disk."""
        for port in self.hosts:
            self.sim.unlink(port.node.name, 1)
        self.sm.start().wait_ready()
        settled(self.sim, self.sm)
        for port in reversed(self.hosts):
            self.sim.relink(port.node.name, 1)
            lib.wait_until(f"{port} is up", lambda name=port.node.name: self.sim.snapshot().port(
                name, 1).state == "Active", 20)
        self.lids = settled(self.sim, self.sm).lids(self.sim.host)
        order = [self.lids[port.guid] for port in self.hosts]
        check_equal("LIDs", order, sorted(order, reverse=True))

    def sent(self):
        return sum(self.sm.sent().values())

    def kill_after(self, n_smps):
        """It was still at work, or not any more."""
        end = lib.deadline(0.2)
        while self.sent() < n_smps and lib.time.monotonic() < end:
            pass
        lib.time.sleep(self.chance.choice((0, 0, 0.0005, 0.002)))
        check(self.sm.running(), f"it ended by itself: {self.sm.output()[-300:]}")
        self.sm.kill()
        self.forget(self.sm.process.pid)

    def forget(self, pid):
        """ibsim has room for ten clients, and keeps those who did not say that they go."""
        for number in re.findall(rf"Client (\d+): pid {pid} ", self.sim.command("Attached")):
            self.sim.command(f"X {number}")

    def judge(self):
        """Started again it ends right."""
        self.sm.start().wait_ready()
        snapshot = settled(self.sim, self.sm)
        now = snapshot.lids(self.sim.host)
        checks.same_lids(self.lids, now)
        self.lids = {**now, **self.lids}
        checks.tables(self.sim, self.sm, snapshot)
        special = {port.guid for port in self.hosts if len(self.keys[port.guid]) > 1}
        for port in self.hosts:
            if port.guid in now and (port.guid in special or port == self.hosts[-1]):
                check_equal(f"P_Keys of {port.node}", set(checks.pkeys(self.sim, now[port.guid])),
                            self.keys[port.guid])


@suite.for_each("killed with -9 at fifty moments of bring-up, and judged after each: seed {}",
                [(seed, seed) for seed in (1, 2)], weight=30)
def coming_up(world, seed):
    lab = Lab(world, seed)
    lab.come_up_backwards()
    usual = lab.sent()
    lab.sm.stop()
    for number in range(MOMENTS):
        lab.power_off()
        new = number % 2 == 1
        if new:
            lab.renew()
            for port in lab.chance.sample(lab.hosts, 9):
                lab.sim.unlink(port.node.name, 1)
        lab.sm.start()
        lib.wait_until("vsm has its port", lambda: lab.sent() > 0, 20)
        lab.kill_after(lab.chance.randrange(usual))
        now = {guid: lid for guid, lid in lab.sim.snapshot().lids(lab.sim.host).items() if lid}
        checks.same_lids(lab.lids, now)
        lab.lids.update(now)
        if new:
            lab.power_off()
        lab.judge()
        lab.sm.stop()


class Repairs:
    """What befalls the tree, each going before its coming back: how many SMPs that takes is known."""

    def __init__(self, lab):
        self.lab = lab
        self.usual = {}

    def cable_goes(self):
        self.cable = self.lab.chance.choice(self.lab.cables)
        self.lab.sim.unlink(*self.cable)

    def cable_comes(self):
        self.lab.sim.relink(*self.cable)

    def host_goes(self):
        self.host = self.lab.chance.choice(self.lab.hosts)
        self.lab.sim.unlink(self.host.node.name, 1)

    def host_comes(self):
        self.lab.sim.relink(self.host.node.name, 1)

    def host_reboots(self):
        self._reboot(self.lab.chance.choice(self.lab.hosts).node.name)

    def switch_reboots(self):
        self._reboot(self.lab.chance.choice(self.lab.switches))

    def member_is_added(self):
        self.member = self.lab.chance.choice(self.lab.hosts)
        self.lab.sm.ctl("partition", "add", f"{ADDED:#x}", f"{self.member.guid:#x}")
        self.lab.keys[self.member.guid].add(0x8000 | ADDED)

    def member_is_removed(self):
        self.lab.sm.ctl("partition", "remove", f"{ADDED:#x}", f"{self.member.guid:#x}")
        self.lab.keys[self.member.guid].remove(0x8000 | ADDED)

    def _reboot(self, name):
        self.lab.sim.command(f'Clear "{name}"')
        self.lab.sim.relink(name)

    def all(self):
        return (self.cable_goes, self.cable_comes, self.host_goes, self.host_comes, self.host_reboots,
                self.switch_reboots, self.switch_reboots, self.member_is_added, self.member_is_removed)

    def rehearse(self):
        for what in self.all():
            before = self.lab.sent()
            what()
            lib.time.sleep(0.05)
            settled(self.lab.sim, self.lab.sm)
            self.usual[what.__name__] = self.lab.sent() - before


@suite.for_each("killed with -9 at fifty moments of repairs, and judged after each: seed {}",
                [(seed, seed) for seed in (3, 4)], weight=30)
def repairing(world, seed):
    lab = Lab(world, seed)
    lab.come_up_backwards()
    repairs = Repairs(lab)
    repairs.rehearse()
    for number in range(MOMENTS):
        what = repairs.all()[number % len(repairs.all())]
        before = lab.sent()
        what()
        lab.kill_after(before + lab.chance.randrange(repairs.usual[what.__name__] + 1))
        lab.judge()
