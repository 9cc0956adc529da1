# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What all benches of vsm beside opensm share: how each is started, told to sweep and heard to be up,
what the kernel says of a process, and what vsm-sim says of a fabric.

Progress goes to the standard error, with the load of the machine: a figure of a busy machine is to
be known as one.
"""

import json
import os
import re
import signal
import sys
import time

import fabrics
import lib

JUDGE = lib.built("tests/bench/judge")
REST_SECONDS = 2.0  # without an SMP and without work: it is at rest

FABRICS = {
    "648": lambda: fabrics.fat_tree_2(36).build(),
    "3456": lambda: fabrics.fat_tree_3(24).build(),
    "11664": lambda: fabrics.fat_tree_3(36).build(),
    "torus": lambda: fabrics.torus(10, 10, 10, hosts=2).build(),
}


def add_files():
    """The net files of VSM_FABRICS, under their names."""
    folder = os.environ.get("VSM_FABRICS", "")
    for name in sorted(os.listdir(folder)) if folder else ():
        if name.endswith(".net"):
            path = os.path.join(folder, name)
            FABRICS[name.removesuffix(".net")] = lambda path=path: fabrics.read(path)


def progress(text):
    print(f"# {time.strftime('%H:%M:%S')} load {os.getloadavg()[0]:.1f}: {text}", file=sys.stderr,
          flush=True)


# ---- processes ----------------------------------------------------------------------------------


def cpu_seconds(pid):
    """User and system time of a process; the kernel counts in hundredths."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def poll(condition, what, seconds, pause=0.001):
    """Like lib.wait_until, with a pause that does not blur what is measured."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise lib.Failure(f"{what}: not within {seconds} s")
        time.sleep(pause)


# ---- SMPs ---------------------------------------------------------------------------------------


def total(counts, method=None, attribute=None):
    return sum(number for (how, which), number in counts.items()
               if method in (None, how) and attribute in (None, which))


def difference(after, before):
    return {key: number - before.get(key, 0) for key, number in after.items()
            if number != before.get(key, 0)}


def settle(sm):
    """Its counts once nothing more is sent."""
    counts = sm.sent()
    while True:
        time.sleep(0.3)
        now = sm.sent()
        if now == counts:
            return counts
        counts = now


def wait_rest(sm, seconds):
    """Its counts once it has done nothing for a while: it may compute without a word."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before, worked = sm.sent(), cpu_seconds(sm.process.pid)
        time.sleep(REST_SECONDS)
        if sm.sent() == before and cpu_seconds(sm.process.pid) - worked < 0.05 * REST_SECONDS:
            return before
    raise lib.Failure(f"{sm.name} does not come to rest within {seconds} s")


# ---- the rivals ---------------------------------------------------------------------------------


class VsmRival:
    name = "vsm"

    def make(self, world, sim, options=None):
        return lib.Vsm(world, sim, options={"sweep.interval": 0, "files.dump_dir": "",
                                            **(options or {})})

    def is_up(self, sm):
        return sm.is_ready()

    def sweep(self, sm, seconds):
        """One more sweep, to its end."""
        before = sm.status()["sweeps"]
        sm.ctl("sweep")
        sm.wait_status("the second sweep", lambda status: status["sweeps"] > before
                       and status["phase"] == "rest", seconds)


class OpensmRival:
    name = "opensm"

    def make(self, world, sim, options=None):
        return lib.Opensm(world, sim, options={"sweep_interval": 0, "log_flags": "0x03",
                                               **(options or {})})

    def is_up(self, sm):
        return self.ups(sm) > sm.ups_before

    @staticmethod
    def ups(sm):
        if not sm.running():
            raise lib.Failure(f"opensm ended: {sm.output()[-300:]}")
        return sm.messages().count("SUBNET UP")

    def sweep(self, sm, seconds):
        before = self.ups(sm)
        sm.process.send_signal(signal.SIGHUP)
        poll(lambda: self.ups(sm) > before, "the second sweep", seconds)


RIVALS = (VsmRival(), OpensmRival())


def launch(rival, sm):
    """Start it; when, on the clock of time.monotonic()."""
    sm.ups_before = sm.messages().count("SUBNET UP") if rival.name == "opensm" else 0
    began = time.monotonic()
    sm.start()
    return began


def start(rival, sm, seconds):
    """Seconds until it says that the subnet is up."""
    began = launch(rival, sm)
    poll(lambda: rival.is_up(sm), f"{rival.name} up", seconds)
    return time.monotonic() - began


# ---- vsm-sim ------------------------------------------------------------------------------------


def slow_sim(world, fabric, service_us, options=()):
    """vsm-sim, by our preload; each agent takes so many microseconds for an SMP."""
    sim = lib.Simulator(world, fabric, program=lib.VSM_SIM,
                        options=["--service-time", str(service_us), *options])
    sim.preload = lib.VSM_UMAD
    return sim


def ports(sim):
    """{"linked": .., "init": .., "active": ..}, by the simulator's own account."""
    words = sim.command("Ports").split()
    return {key: int(number) for key, number in zip(words[::2], words[1::2])}


def time_to_active(sim, expected, began, seconds, pause=0.005):
    """Seconds from then on until so many ports are Active, or None."""
    while time.monotonic() < began + seconds:
        if ports(sim)["active"] >= expected:
            return time.monotonic() - began
        time.sleep(pause)
    return None


def without_cable(fabric, name, port):
    """Its text without the cable at that port of a switch: as after Unlink. Both ends tell of it."""
    lines, node, far = [], None, None
    for line in fabric.text.splitlines():
        if head := fabrics.Fabric.HEAD.match(line):
            node = head[3]
        cable = re.match(r'^\[(\d+)\](?:\([^)]*\))?\s*"([^"]*)"\[(\d+)\]', line)
        if cable and (node, int(cable[1])) == (name, port):
            far = (cable[2], int(cable[3]))
        elif not cable or (cable[2], int(cable[3])) != (name, port):
            lines.append(line)
    lib.check(far, f"{name} has no cable at port {port}")
    return "\n".join(lines) + "\n"


def levels_of(sm):
    """The file that says who sends on which service level, in a list; none if all do on one. Dumps
    are not written otherwise, as they take their time."""
    if sm.name != "vsm" or sm.status()["virtual_lanes"] < 2:
        return []
    options = sm.options
    sm.options = {**options, "files.dump_dir": sm.dumps}
    sm.config()
    sm.ctl("reload")
    path = sm.dump_path("opensm.psl", 120)
    sm.options = options
    sm.config()
    sm.ctl("reload")
    return [path]


def astray(sim, tables):
    """Linked ports of hosts that have no LID, or whose switch does not hand it out to them."""
    return [port for port in sim.snapshot().end_ports(sim.host)
            if port.node.kind != "Switch" and port.peer[0] in tables and not (port.lid and re.search(
                rf"\[{port.lid}\]{port.peer[1]:X}\b", tables[port.peer[0]], re.IGNORECASE))]


def judge(sim, sm, text=None):
    """What tests/bench/judge says of the tables in all switches, which are complete only if the LIDs
    that they lead by are those that the ports have. text: of the fabric, if it is not what the
    simulator read."""
    world = sim.world
    net = world.write("judged.net", text) if text else sim.net
    tables = {name: sim.command(f'Dump "{name}"')
              for kind, _, name in sim.fabric.nodes if kind == "switch"}
    with open(world.path("tables"), "w", encoding="utf-8") as file:
        file.writelines(tables.values())
    done = world.run([JUDGE, net, world.path("tables"), *levels_of(sm)], seconds=600)
    os.unlink(world.path("tables"))
    if done.returncode:
        raise lib.Failure(done.stderr.strip())
    judged = json.loads(done.stdout)
    return {**judged, "complete": judged["complete"] and not astray(sim, tables)}


def check_tables(rival, sm, sim, text=None):
    """In words; vsm's have to be proven, or its run counts for nothing."""
    found = verdict(judge(sim, sm, text))
    if rival.name == "vsm":
        lib.check_equal("tables", found, "proven")
    return found


def verdict(judged):
    """That in words."""
    faults = [fault for fault, there in (
        ("incomplete", not judged["complete"]), ("loops", not judged["loop_free"]),
        ("may deadlock", not judged["deadlock_free"])) if there]
    return ", ".join(faults) or "proven"


# ---- what is asked ------------------------------------------------------------------------------


class Asked:
    """What numbers are to be, told beside what they are: counts, and ratios within one run."""

    def __init__(self):
        self.missed = []

    def at_most(self, what, value, most):
        """value None: not measured."""
        if value is None:
            return
        met = value <= most
        print(f"  asked: {what} at most {most:,.6g}: {value:,.6g}, {'met' if met else 'MISSED'}")
        if not met:
            self.missed.append(what)

    def exit_code(self):
        if self.missed:
            print(f"missed: {', '.join(self.missed)}")
        return 1 if self.missed else 0
