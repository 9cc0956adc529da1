# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The umad preload on stock ibsim: other people's tools, opensm, and programs that use the driver
without libibumad, all through vsm-run. tests/umad/client.py has what a program sees of the driver.
"""

import os
import signal
import time

import checks
import fabrics
import lib
from lib import Skip, check, check_equal
from suite import Suite

suite = Suite()
tests = suite.tests

UMAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "umad")
CLIENT = os.path.join(UMAD, "client.py")
BRIDGE = os.path.join(UMAD, "bridge.py")
CHECKS = ("readable", "timeout", "agents", "issm", "sysfs", "fork", "blocking",
          "asleep", "batches", "held")


class Simulator(lib.Simulator):
    """Whatever runs on it runs under vsm-run."""

    def __init__(self, world, fabric, **options):
        if not os.path.exists(lib.VSM_RUN) or not os.path.exists(lib.VSM_UMAD):
            raise Skip("vsm-run is not built")
        super().__init__(world, fabric, **options)
        self.preload = lib.VSM_UMAD

    def client(self, what, *arguments, host=None, seconds=60):
        """A check of client.py; what it prints."""
        env = {"IBSIM_SOCKNAME": self.name, "TMPDIR": self.world.dir, "PYTHONDONTWRITEBYTECODE": "1"}
        done = self.world.run([lib.VSM_RUN, "-n", host or self.host, "python3", CLIENT, what,
                               *arguments], env, seconds)
        check(done.returncode == 0, f"{what}: {done.stderr.strip()[-400:]}")
        return done.stdout


def managed(world, plan, **options):
    """A fabric that opensm brought up through the preload."""
    sim = Simulator(world, plan.build(), **options)
    sm = lib.Opensm(world, sim).start().wait_ready()
    return sim, sm


PLAN = fabrics.fat_tree_3(6)  # 99 nodes


@suite.for_each("through the preload a program has an umad driver: {}", [(what, what) for what in CHECKS],
                weight=2)
def driver(world, what):
    sim = Simulator(world, PLAN.build())
    sim.client(what)
    left = [name for name in os.listdir(world.dir) if name.startswith("vsm-umad-")]
    # The child of a fork() that leaves by _exit() cannot clean up; who comes next does.
    check(len(left) <= (what == "fork"), f"left behind: {left}")
    sim.client("sysfs")
    lib.check_empty("left behind", (name for name in os.listdir(world.dir)
                                    if name.startswith("vsm-umad-")))


def bridged(world, plan):
    """A simulator with a stream before it. vsm-sim has its own, through which all else here goes."""
    sim = Simulator(world, plan.build())
    if sim.has_stream:
        sim.bridge = sim.process
        return sim
    bridge = world.spawn(["python3", BRIDGE, sim.name], {}, "bridge.log")
    sim.bridge = bridge
    lib.wait_until("the bridge listens",
                   lambda: f"@{sim.name}:stream" in open("/proc/net/unix", encoding="utf-8",
                                                         errors="replace").read(), 20)
    return sim


@suite.for_each("the same over a stream: {}", [(what, what) for what in CHECKS], weight=2)
def driver_on_a_stream(world, what):
    bridged(world, PLAN).client(what)


@suite.test("opensm and the tools over a stream", weight=8)
def opensm_on_a_stream(world):
    sim = bridged(world, PLAN)
    sm = lib.Opensm(world, sim).start().wait_ready()
    sim.wait_up(30)
    records = sim.tool("saquery", host="H00004").count("NodeRecord dump")
    check(records >= sim.fabric.n_nodes, f"{records} records")
    check("SMINFO_MASTER" in sim.tool("sminfo", "-D", "0,1,1", host="H00001"), "sminfo -D")
    second = sim.run("sminfo", host="H00005")
    check_equal("exit code of sminfo", second.returncode, 0)
    # The second subnet manager on a port does not get the methods of the first.
    env = {"IBSIM_SOCKNAME": sim.name, "PYTHONDONTWRITEBYTECODE": "1"}
    done = world.run([lib.VSM_RUN, "-n", sim.host, "python3", CLIENT, "conflict"], env)
    check_equal(f"conflict: {done.stderr}", done.returncode, 0)
    sm.stop()


@suite.test("a simulator that ends is a device that is removed")
def gone(world):
    sim = bridged(world, PLAN)
    process = world.spawn([lib.VSM_RUN, "-n", "H00000", "python3", CLIENT, "gone"],
                          {"IBSIM_SOCKNAME": sim.name, "PYTHONDONTWRITEBYTECODE": "1"}, "gone.log")
    lib.wait_until("the program is there", lambda: "open" in world.read("gone.log"), 20)
    world.stop(sim.bridge, signal.SIGKILL)
    check_equal(world.read("gone.log"), process.wait(30 * lib.PATIENCE), 0)


@suite.test("without a simulator there is no device, a sentence says why, and nobody waits")
def no_simulator(world):
    if not os.path.exists(lib.VSM_RUN):
        raise Skip("vsm-run is not built")
    env = {"IBSIM_SOCKNAME": "nobody-is-there"}
    began = time.monotonic()
    done = world.run([lib.VSM_RUN, "python3", CLIENT, "nothing"], env)
    check_equal("exit code", done.returncode, 0)
    check_equal("said", done.stderr.count("neither vsm-sim nor ibsim is there"), 1)
    done = world.run([lib.VSM_RUN, "ibstat"], env)
    check(time.monotonic() - began < 20 * lib.PATIENCE, "it took long")


@suite.test("vsm-run takes the options that the other programs have for help and version")
def help_and_version(world):
    if not os.path.exists(lib.VSM_RUN):
        raise Skip("vsm-run is not built")
    for option in ("-h", "--help"):
        done = world.run([lib.VSM_RUN, option])
        check_equal(option, done.returncode, 0)
        check("-n NODE" in done.stdout, done.stdout)
    said = world.run([lib.VSM_RUN, "--version"]).stdout
    version = world.run([lib.VSM_SIM, "--version"]).stdout
    check_equal("version", said.split()[1:], version.split()[1:])


@suite.test("opensm brings a fabric up through the preload, and the tools see it", weight=5)
def opensm(world):
    sim, _sm = managed(world, PLAN)
    sim.wait_up(30)
    nodes = sim.fabric.n_nodes
    found = sim.tool("ibnetdiscover", host="H00005")
    check_equal("nodes of ibnetdiscover", found.count("\nCa\t") + found.count("\nSwitch\t"), nodes)
    check("H00000" in sim.tool("iblinkinfo"), "iblinkinfo")
    check("State: Active" in sim.tool("ibstat"), "ibstat")
    check("GID fe80::" in sim.tool("ibaddr"), "ibaddr")
    check("SMINFO_MASTER" in sim.tool("sminfo", host="H00005"), "sminfo")
    check("SMINFO_MASTER" in sim.tool("sminfo", "-D", "0,1,1", host="H00001"), "sminfo -D")
    check("H00000" in sim.tool("smpquery", "nodedesc", "-D", "0,1,1", host="H00001"), "nodedesc")
    check("NodeType" in sim.tool("smpquery", "nodeinfo", "1"), "nodeinfo")
    check("Active" in sim.tool("smpquery", "portinfo", "1", "1"), "portinfo")
    check("PortXmitPkts" in sim.tool("perfquery", "1", "1"), "perfquery")
    # IsSM is on the port that opensm sits on, and only there.
    sm = sim.tool("smpquery", "portinfo", "1", "1")
    check("IsSM" in sm, f"no IsSM: {sm}")


@suite.test("saquery gets whole tables through the preload", weight=8)
def tables(world):
    sim, sm = managed(world, PLAN)
    snapshot = sim.wait_up(30)
    sm.wait_quiet()
    checks.records(sim, snapshot)
    check_equal("records of a program's own", int(sim.client("table", "1", host="H00003")),
                len(snapshot.nodes))


@suite.test("long questions of one process are not taken for those of the last", weight=5)
def multipath(world):
    sim, _sm = managed(world, PLAN)
    snapshot = sim.wait_up(30)
    guids = [f"{snapshot.port(name, 1).guid:x}" for name in ("H00003", "H00004")]
    for _ in range(4):
        sim.client("multipath", str(snapshot.port(sim.host, 1).lid), *guids, "100", host="H00003")


@suite.test("osmtest is content with opensm through the preload", weight=60)
def osmtest(world):
    sim, sm = managed(world, fabrics.fat_tree_3(4))
    sim.wait_up(30)
    # What PortInfo says of the port that it was asked through depends on the sweep.
    sm.wait_quiet()
    inventory = world.path("inventory")
    for flow in "cvas":
        log = world.path(f"osmtest-{flow}.log")
        said = sim.tool("osmtest", "-t", "2000", "-f", flow, "-i", inventory, "-l", log, host="H00001",
                        seconds=300)
        check("PASS" in said, f"osmtest -f {flow}: {said[-300:]}")


@suite.test("several processes at once, and one that is killed", weight=8)
def processes(world):
    sim, sm = managed(world, PLAN)
    env = sim.env("H00002")
    many = [world.spawn([lib.find_program("saquery"), "-p"], env, f"saquery-{n}.log",
                        stdout=open(world.path(f"out-{n}"), "w", encoding="utf-8"))
            for n in range(4)]
    for process in many:
        check_equal("exit code of saquery", process.wait(60 * lib.PATIENCE), 0)
    counts = {world.read(f"out-{n}").count("PathRecord dump") for n in range(4)}
    check(len(counts) == 1 and counts.pop() > 1000, "tables differ")
    check("SMINFO_MASTER" in sim.tool("sminfo", host="H00005"), "sminfo")
    check_equal("opensm ends", sm.stop(), 0)
    # It has left, and its bit with it.
    check("IsSM" not in sim.tool("smpquery", "portinfo", "-D", "0", "1"), "IsSM is still there")
    second = lib.Opensm(world, sim).start().wait_ready()
    second.kill()
    check_equal("exit code", sim.run("smpquery", "nodeinfo", "-D", "0").returncode, 0)


@suite.test("a program that waits for records ends with SIGTERM")
def terminated(world):
    sim = Simulator(world, PLAN.build())
    process = world.spawn([lib.VSM_RUN, "-n", "H00000", "python3", "-c",
                           "import os; fd = os.open('/dev/infiniband/umad0', os.O_RDWR);"
                           "print('open', flush=True); os.read(fd, 320)"],
                          {"IBSIM_SOCKNAME": sim.name}, "program.log")
    lib.wait_until("the program is there", lambda: "open" in world.read("program.log"), 20)
    check_equal("exit code", world.stop(process, signal.SIGTERM), -signal.SIGTERM)
