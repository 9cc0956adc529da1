# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cables pulled, packets lost, processes killed: it always ends fully up, with the same LIDs.

A fabric counts as settled when ibsim shows every linked port Active, and vsm says that all of its
plan is applied and that nothing is wrong: a device that did not answer while packets were lost may
have its ports Active, and is tried again now and then. What vsm then says is compared with what
ibsim and the tools of others show.
"""

import json
import random
import re
import signal

import checks
import fabrics
import lib
from lib import Failure, check, check_equal
from suite import Suite, vsm

suite = Suite()
tests = suite.tests


def check_well(sm):
    """Nothing is wrong but that ibsim's links could all be faster."""
    ports = sm.ctl("ports", "--problems", code=None)["ports"]
    lib.check_empty("problems", (f"{port['name']}/{port['port']}: {port['reason']}"
                                 for port in ports if port["reason"] != "slow-link"))


def settled(sim, sm, seconds=40):
    """A snapshot of the fabric once it is up, and vsm at rest."""
    def look():
        status = sm.status()
        snapshot = sim.check_up()
        up = len(snapshot.linked_ports(sim.host))
        check(status["phase"] == "rest", f"phase {status['phase']}")
        check_equal("applied", status["applied"], status["generation"])
        check_equal("ports_active", status["ports_active"], up)
        check_equal("ports_not_active", status["ports_not_active"], 0)
        check_well(sm)
        return snapshot
    return lib.wait_until("the fabric is up again", look, seconds)


def whole(sim, sm, snapshot):
    """Tables that the switches hold lead from everywhere to everywhere."""
    checks.tables(sim, sm, snapshot)
    checks.routes(sm, snapshot, sim.host)
    checks.paths(sim, snapshot, pairs=10)


def cables(snapshot, host, kinds=("Switch",)):
    """Cables between switches (or to hosts too), once each, as (name, port)."""
    return [(port.node.name, port.number) for port in snapshot.linked_ports(host)
            if port.node.kind == "Switch" and snapshot.nodes[port.peer[0]].kind in kinds
            and (port.node.name, port.number) < port.peer and port.peer[0] != host]


def started(world, plan, **options):
    sim = lib.Simulator(world, plan.build())
    sm = vsm(world, sim, **options).start().wait_ready()
    return sim, sm, settled(sim, sm)


# ---- cables -------------------------------------------------------------------------------------


@suite.test("a pulled cable is told of from the trap to the last Set", weight=2)
def story(world):
    sim, sm, first = started(world, fabrics.fat_tree_3(4), options={"sweep.interval": 1000})

    def told():
        return sm.ctl("events")["events"]

    seen = told()[-1]["number"]
    sim.unlink(*cables(first, sim.host)[0])
    lib.wait_until("the change has ended", lambda: any(
        event["kind"] == "sweep" and event["number"] > seen for event in told()), 20)
    since = [event for event in told() if event["number"] > seen]
    trap = next(event for event in since if event["kind"] == "trap")
    end = next(event for event in since if event["kind"] == "sweep")
    down = [event for event in since if event["kind"] == "link-down"]
    check(down, f"no link went down in {since}")
    check_equal("causes", {event["cause"] for event in down + [end]}, {trap["number"]})
    check("discover " in end["text"] and "last Set was acknowledged" in end["text"], end["text"])
    stats = sm.ctl("stats")
    check_equal("cause", stats["last_change"]["cause"], trap["number"])
    check(stats["last_change"]["until_last_set_ms"] > 0, stats["last_change"])
    check(stats["traps"]["128"] >= 1, stats["traps"])
    check(stats["longest_step_ms"] > 0, f"longest step: {stats['longest_step_ms']}")


# To plan is done at once here, and what took no time is left out.
PHASES = re.compile(r"discover ([\d.]+), (?:.*, )?program ([\d.]+)\D.*ms; (\d+) SMPs, (\d+) LFT blocks; "
                    r"([\d.]+) ms until the last Set was acknowledged")


def followed(world, log):
    """The events that somebody has been shown so far."""
    lines = world.read(log).split("\n")[:-1]
    return [json.loads(line) for line in lines if line.startswith("{")]


@suite.for_each("who follows events is told of a cable from the trap to the last Set, and that vsm is "
                "gone: agents {}", [("as they are", 0), ("that take 0.3 ms", 0.3), ("that take 5 ms", 5)],
                weight=3)
def followers(world, ms):
    sim = lib.Simulator(world, fabrics.fat_tree_3(4).build(), program=lib.VSM_SIM if ms else None)
    sm = vsm(world, sim, options={"sweep.interval": 1000}).start().wait_ready()
    first = settled(sim, sm)
    for name in first.nodes if ms else ():
        sim.command(f'Fault service "{name}" {int(1000 * ms)}us')
    logs = {"follows.log": [], "follows-json.log": ["--json"]}
    vsmctls = [world.spawn([lib.VSMCTL, "--socket", sm.socket, *how, "events", "--follow"], {}, log)
               for log, how in logs.items()]
    full = world.spawn(["sh", "-c", f"exec {lib.VSMCTL} --socket {sm.socket} events --follow >/dev/full"],
                       {}, "full.log")
    lib.wait_until("what was before is shown", lambda: all(map(world.read, logs)), 20)
    check_equal("exit code with a full disk", full.wait(20 * lib.PATIENCE), 1)
    check("cannot write" in world.read("full.log"), world.read("full.log"))
    seen = followed(world, "follows-json.log")[-1]["number"]
    sim.unlink(*cables(first, sim.host)[0])

    def since():
        return [event for event in followed(world, "follows-json.log") if event["number"] > seen]
    lib.wait_until("the change is told to its end", lambda: any(
        event["kind"] == "sweep" for event in since()), 20)
    story = since()
    kinds = [event["kind"] for event in story]
    order = [kinds.index(kind) for kind in ("trap", "link-down", "routes", "sweep")]
    check_equal(f"the order of {kinds}", order, sorted(order))
    check_equal("numbers", [event["number"] for event in story],
                list(range(seen + 1, seen + 1 + len(story))))
    end = story[kinds.index("sweep")]
    check_equal("cause", end["cause"], story[kinds.index("trap")]["number"])
    check("until the last Set was acknowledged" in end["text"], end["text"])
    if ms:
        match = PHASES.search(end["text"])
        check(match, f"no durations in: {end['text']}")
        discover, program, smps, blocks, total = map(float, match.groups())
        check(min(discover, program) >= ms and smps > blocks > 0, end["text"])
        check(total >= discover + program, f"less than its parts: {end['text']}")
    lib.wait_until("the text tells the same", lambda: end["text"] in world.read("follows.log"), 20)
    sm.kill()
    for process, log in zip(vsmctls, logs):
        code = process.wait(20 * lib.PATIENCE)
        check_equal("exit code", code, 1)
        check("vsm has hung up" in world.read(log), f"it says: {world.read(log)[-200:]}")


@suite.for_each("one cable after the other pulled and put back: {}", [
    (plan.name, plan) for plan in (fabrics.fat_tree_3(6), fabrics.torus(4, 4, hosts=2),
                                   fabrics.random_graph(20, 45, 2, seed=11))], weight=15)
def one_by_one(world, plan):
    sim, sm, first = started(world, plan)
    lids = first.lids(sim.host)
    chance = random.Random(plan.name)
    for name, port in chance.sample(cables(first, sim.host), 4):
        sim.unlink(name, port)
        snapshot = settled(sim, sm)
        checks.same_lids(lids, snapshot.lids(sim.host))
        whole(sim, sm, snapshot)
        sim.relink(name, port)
        checks.same_lids(lids, settled(sim, sm).lids(sim.host))
    whole(sim, sm, settled(sim, sm))


@suite.test("a host unplugged and plugged in again has its LID, and nobody else's changes", weight=4)
def host_replugged(world):
    sim, sm, first = started(world, fabrics.fat_tree_2(8))
    lids = first.lids(sim.host)
    for name in ("H00005", "H00020"):
        sim.unlink(name, 1)
        gone = settled(sim, sm)
        check(first.nodes[name].ports[1].guid not in gone.lids(sim.host), "still linked")
        sim.relink(name, 1)
        checks.same_lids(lids, settled(sim, sm).lids(sim.host))


@suite.for_each("a cable pulled and put back is noticed by {}", [
    ("traps alone", {"sweep.interval": 0}),
    ("light sweeps alone", {"sweep.interval": 1, "sweep.on_trap": False})], weight=3)
def noticed(world, options):
    sim, sm, first = started(world, fabrics.fat_tree_3(6), options=options)
    lids = first.lids(sim.host)
    cable = first.nodes["H00030"].ports[1].peer
    for change in (sim.unlink, sim.relink):
        change(*cable)
        snapshot = settled(sim, sm)
        checks.same_lids(lids, snapshot.lids(sim.host))
    check_equal("ports with LIDs", len(snapshot.lids(sim.host)), len(lids))


@suite.test("a quiet fabric is swept by LID, and a cable that is pulled is found", weight=4)
def swept_by_lid(world):
    options = {"sweep.interval": 1, "sweep.on_trap": False}
    sim, sm, first = started(world, fabrics.fat_tree_3(6), options=options)

    far = len(first.switches()) - 1  # all but the one that we hang on

    def wait_for_sweeps_by_lid():
        before = sm.ctl("stats")["by_lid"]
        lib.wait_until("sweeps by LID", lambda: sm.ctl("stats")["by_lid"] >= before + 2 * far, 40)

    lids = first.lids(sim.host)
    wait_for_sweeps_by_lid()
    cable = first.nodes["H00030"].ports[1].peer
    for change in (sim.unlink, sim.relink):
        change(*cable)
        checks.same_lids(lids, settled(sim, sm).lids(sim.host))
    wait_for_sweeps_by_lid()
    check_equal("LIDs after all", settled(sim, sm).lids(sim.host), lids)


@suite.test("switches that tell the states of all their ports: few others are read", weight=3)
def port_states(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(16).build(), program=lib.VSM_SIM,
                        options=["--port-states"])
    sm = vsm(world, sim, options={"sweep.interval": 1}).start().wait_ready()
    first = settled(sim, sm)
    table, port_info = ("Get", "0x34"), ("Get", "PortInfo")
    lib.wait_until("all tables are asked for, more than once", lambda:
                   sm.sent().get(table, 0) > 2 * len(first.switches()), 20)
    reads = []
    for change in (sim.unlink, sim.relink) * 3:
        before = sm.sent()[port_info]
        change(*cables(first, sim.host)[0])  # between switches of 16 ports
        settled(sim, sm)
        reads.append(sm.sent()[port_info] - before)
    sweeps = 10  # at most so many each time, and each reads our own port
    # Of two switches port 0 and the cable's, and port 0 again if a trap comes when it has been seen.
    check(max(reads) <= 6 + sweeps, f"{reads} ports were read for one cable")
    check("table of port states is not used" not in sm.output(), "a table is not believed")


@suite.test("a switch that loses all its cables and gets them back", weight=4)
def switch_replugged(world):
    sim, sm, first = started(world, fabrics.fat_tree_3(6))
    lids = first.lids(sim.host)
    spine = [node.name for node in first.switches() if node.name.startswith("ST")][0]
    sim.unlink(spine)
    checks.same_lids(lids, settled(sim, sm).lids(sim.host))
    sim.relink(spine)
    again = settled(sim, sm)
    checks.same_lids(lids, again.lids(sim.host))
    check_equal("ports with LIDs", len(again.lids(sim.host)), len(lids))
    whole(sim, sm, again)


@suite.for_each("half of the cables pulled and put back at random, while it comes up: seed {}",
                [(seed, seed) for seed in range(1, 6)], weight=6)
def while_coming_up(world, seed):
    plan = fabrics.fat_tree_3(8) if seed % 2 else fabrics.random_graph(60, 130, 2, seed)
    sim = lib.Simulator(world, plan.build())
    chance = random.Random(seed)
    pulled = []
    around = cables(sim.snapshot(), sim.host, kinds=("Switch", "Ca"))
    sm = vsm(world, sim).start()
    for _ in range(len(around) // 2):
        if pulled and chance.random() < 0.4:
            sim.relink(*pulled.pop(chance.randrange(len(pulled))))
        else:
            cable = around.pop(chance.randrange(len(around)))
            sim.unlink(*cable)
            pulled.append(cable)
    for cable in pulled:
        sim.relink(*cable)
    sm.wait_ready()
    whole(sim, sm, settled(sim, sm))


@suite.test("a fabric cut in two and joined again", weight=6)
def cut(world):
    sim, sm, first = started(world, fabrics.torus(6, hosts=3))
    lids = first.lids(sim.host)
    around = cables(first, sim.host)
    for cable in around[1:3]:
        sim.unlink(*cable)
    part = settled(sim, sm)
    check(len(part.lids(sim.host)) < len(lids), "the ring is still whole")
    checks.same_lids(lids, part.lids(sim.host))
    for cable in around[1:3]:
        sim.relink(*cable)
    again = settled(sim, sm)
    check_equal("ports with LIDs", len(again.lids(sim.host)), len(lids))
    checks.same_lids(lids, again.lids(sim.host))
    whole(sim, sm, again)


# ---- packets ------------------------------------------------------------------------------------


def first_switch(sim):
    """The switch that everything passes on its way from and to the subnet manager."""
    return sim.snapshot().nodes[sim.host].ports[1].peer[0]


@suite.for_each("{} % of all packets lost: it comes up, with the LIDs that it had",
                [(1, 1), (10, 10), (30, 30)], weight=8)
def loss(world, percent):
    sim = lib.Simulator(world, fabrics.fat_tree_3(8).build())
    sm = vsm(world, sim)
    check_equal("exit code", sm.once(), 0)
    lids = sim.check_up().lids(sim.host)
    sim.stop()
    sim.start()
    sim.drop(first_switch(sim), percent)
    sm.start()
    checks.same_lids(lids, sim.wait_up(90).lids(sim.host))
    sim.drop(first_switch(sim), 0)
    sm.wait_ready()
    snapshot = settled(sim, sm)
    checks.same_lids(lids, snapshot.lids(sim.host))
    whole(sim, sm, snapshot)


@suite.test("10 % lost at every device on the way, and a cable pulled meanwhile", weight=10)
def loss_everywhere(world):
    sim, sm, first = started(world, fabrics.fat_tree_2(8))
    lids = first.lids(sim.host)
    for name in first.nodes:
        sim.drop(name, 10)
    cable = cables(first, sim.host)[5]
    sim.unlink(*cable)
    sm.wait_status("a sweep", lambda status: status["sweeps"] >= 4)
    sim.relink(*cable)
    for name in first.nodes:
        sim.drop(name, 0)
    snapshot = settled(sim, sm)
    checks.same_lids(lids, snapshot.lids(sim.host))
    whole(sim, sm, snapshot)


@suite.test("a host that never answers delays nobody and has a reason, until it answers", weight=6)
def silent_host(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(8).build())
    sim.drop("H00010", 100)
    sm = vsm(world, sim).start().wait_ready()
    snapshot = sim.snapshot()
    down = [port for port in snapshot.linked_ports(sim.host) if port.state != "Active"]
    check_equal("ports not Active", sorted({port.node.name for port in down}),
                sorted(["H00010", snapshot.nodes["H00010"].ports[1].peer[0]]))
    status = sm.status()
    check(status["ports_not_active"] >= 1, "nothing is said to be not active")
    switch, number = snapshot.nodes["H00010"].ports[1].peer
    ports = {(port["name"], port["port"]): port for port in sm.ctl("ports")["ports"]}
    check_equal("reason", ports[switch, number]["reason"], "neighbor-silent")
    sim.drop("H00010", 0)
    settled(sim, sm)

    # One that comes back and does not answer is gone, and it is said behind which port.
    sim.drop("H00010", 100)
    sim.unlink(switch, number)
    lib.wait_until("it is gone", lambda: not sm.ctl("explain", "H00010")["present"], 20)
    sim.relink(switch, number)

    def where():
        last = sm.ctl("explain", "H00010")["ports"][0]["last_peer"]
        return last["name"], last["port"], last["reason"]
    lib.wait_until("where it was", lambda: where() == (switch, number, "neighbor-silent"), 20)
    check(f"switch {switch}, port {number}, of which" in
          " ".join(sm.ctl_text("explain", "H00010").split()), sm.ctl_text("explain", "H00010"))
    sim.drop("H00010", 0)
    settled(sim, sm)


@suite.test("--once on a fabric with a silent host ends with 1 and names the port")
def silent_host_once(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    sim.drop("H00003", 100)
    sm = vsm(world, sim)
    check_equal("exit code", sm.once(), 1)
    snapshot = sim.snapshot()
    switch, number = snapshot.nodes["H00003"].ports[1].peer
    check(f"0x{snapshot.nodes[switch].guid:016x} port {number}" in sm.output(),
          f"it says: {sm.output()}")


@suite.test("our own cable is pulled: --once ends with 1, status and problems say so")
def own_cable(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    sim.unlink(sim.host, 1)
    sm = vsm(world, sim)
    check_equal("exit code", sm.once(), 1)
    check("has no link" in sm.output(), f"it says: {sm.output()}")
    sm.start().wait_ready()
    check("has no link" in sm.status()["trouble"], "no trouble in status")
    problems = sm.ctl("ports", "--problems", code=7)["ports"]
    check_equal("problems", [port["reason"] for port in problems], ["no-link"])


@suite.test("a switch that stops answering: the rest stays up; it answers again", weight=8)
def silent_switch(world):
    sim, sm, first = started(world, fabrics.fat_tree_2(8))
    lids = first.lids(sim.host)
    sim.drop("ST_03", 100)
    sm.wait_status("two more sweeps", lambda status: status["sweeps"] >= 4, seconds=60)
    rest = [port for port in sim.snapshot().linked_ports(sim.host)
            if port.state != "Active" and "ST_03" not in (port.node.name, port.peer[0])]
    lib.check_empty("not Active", rest)
    sim.drop("ST_03", 0)
    snapshot = settled(sim, sm, seconds=60)
    checks.same_lids(lids, snapshot.lids(sim.host))
    whole(sim, sm, snapshot)


# ---- processes ----------------------------------------------------------------------------------


@suite.test("ibsim killed and restarted: all up again with the same LIDs", weight=8)
def simulator_restarted(world):
    sim, sm, first = started(world, fabrics.fat_tree_2(8))
    lids = first.lids(sim.host)
    sim.stop()
    sim.start()
    # libumad2sim holds on to the ibsim that it knew: only a new process meets the new one.
    if sm.running():
        sm.kill()
    sm.start().wait_ready()
    checks.same_lids(lids, settled(sim, sm).lids(sim.host))


@suite.test("ibsim stands still for six seconds: vsm answers vsmctl, sends no flood, and goes on",
            weight=10)
def simulator_stopped(world):
    sim = lib.Simulator(world, fabrics.fat_tree_3(12).build())
    # What was given up stays in the way to ibsim, which has room for 166: libumad2sim waits for more.
    sm = vsm(world, sim, options={"timing.max_smps": 64}).start()
    # On vsm-sim all is over after a tenth of a second: no time to look now and then only. Long before
    # it is master: to say so it opens a device of the simulator, which waits.
    end = lib.deadline(20)
    while sum(sm.sent().values()) < 200:
        check(lib.time.monotonic() < end, "no work within 20 s")
        lib.time.sleep(0.001)
    sim.process.send_signal(signal.SIGSTOP)
    before = sum(sm.sent().values())
    end = lib.time.monotonic() + 6
    while lib.time.monotonic() < end:
        check(sm.status()["phase"] != "rest", "it is at rest, and cannot be")
        lib.time.sleep(0.5)
    more = sum(sm.sent().values()) - before
    sim.process.send_signal(signal.SIGCONT)
    check(more < 200, f"{more} SMPs sent to somebody who reads none")
    sm.wait_ready()
    whole(sim, sm, settled(sim, sm))


@suite.test("ibsim stands still in a quiet moment: the status says so, and forgets it", weight=4)
def simulator_stopped_quietly(world):
    sim, sm, _ = started(world, fabrics.fat_tree_2(4))
    check_equal("trouble", sm.ctl("status")["trouble"], None)
    sim.process.send_signal(signal.SIGSTOP)
    sm.wait_status("trouble", lambda status: status["trouble"], 20)
    check("own device" in sm.ctl_text("status", code=7), "vsmctl status does not say it")
    sim.process.send_signal(signal.SIGCONT)
    sm.wait_status("no trouble", lambda status: not status["trouble"], 20)
    settled(sim, sm)


@suite.test("ibsim gone: vsm neither hangs nor crashes, and stops when it is told", weight=4)
def simulator_gone(world):
    sim, sm, _ = started(world, fabrics.fat_tree_2(4))
    sim.stop()
    before = sm.status()["sweeps"] if sm.running() else 0
    try:
        # Through our preload the port is gone, as it is when hardware is taken out.
        sm.wait_status("a sweep without ibsim", lambda status: status["sweeps"] > before
                       or "port" in (status["trouble"] or ""), 20)
    except Failure:
        check(not sm.running(), "it hangs")
    if sm.running():
        check_equal("exit code", sm.stop(), 0)
    check(sm.process.returncode in (0, 1, 3), f"exit code {sm.process.returncode}")


@suite.test("stopped by SIGTERM while it comes up, again and again, it ends with 0", weight=6)
def terminated(world):
    sim = lib.Simulator(world, fabrics.fat_tree_3(8).build())
    sm = vsm(world, sim)
    chance = random.Random(20)
    for number in range(20):
        said = len(sm.output()) if number else 0
        sm.start()
        moment = lib.deadline(chance.uniform(0.05, 0.4))
        while lib.time.monotonic() < moment:
            lib.time.sleep(0.005)
        code = sm.stop()
        # On a busy machine it may be told before main() has begun, which nobody can catch.
        if code != -signal.SIGTERM or len(sm.output()) > said:
            check_equal(f"exit code of run {number}", code, 0)
    sm.start().wait_ready()
    settled(sim, sm)


@suite.for_each("the state file {}: it starts, says so, and keeps the fabric's LIDs", [
    ("is cut short", lambda data: data[:len(data) // 2]),
    ("is empty", lambda data: b""),
    ("is noise", lambda data: random.Random(1).randbytes(20000)),
    ("has flipped bits", lambda data: bytes(byte ^ (number % 997 == 100) for number, byte
                                            in enumerate(data)))], weight=2)
def damaged_state(world, damage):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    sm = vsm(world, sim)
    check_equal("exit code", sm.once(), 0)
    lids = sim.check_up().lids(sim.host)
    path = lib.os.path.join(sm.state, "vsm.db")
    for name in lib.os.listdir(sm.state):
        if name != "vsm.db" and name.startswith("vsm.db"):
            lib.os.unlink(lib.os.path.join(sm.state, name))
    with open(path, "rb") as file:
        data = damage(file.read())
    with open(path, "wb") as file:
        file.write(data)
    check_equal("exit code", sm.once(), 0)
    checks.same_lids(lids, sim.check_up().lids(sim.host))
    if data:
        check(sm.state in sm.output(), f"it says nothing of the file: {sm.output()[-300:]}")
