# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What other people's tools say about a fabric that is said to be up."""

import random
import re

from lib import Failure, Skip, check, check_empty, check_equal, find_program


IBDMCHK_TRIES = 8


def links(sim, snapshot):
    """iblinkinfo sees every cable that is there, from both ends, and each Active."""
    seen = 0
    bad = []
    for line in sim.tool("iblinkinfo", "-l", seconds=120).splitlines():
        match = re.search(r'\s(\d+)\s+(\d+)\[.*?\] ==\(\s*(.*?)\s*\)==>', line)
        if not match:
            continue
        if "LinkUp" in match[3]:
            seen += 1
            if "Active/" not in match[3]:
                bad.append(line.strip())
    check_empty("iblinkinfo", bad)
    switch_ends = [port for port in snapshot.linked_ports(sim.host)
                   if port.node.kind == "Switch"]
    host_ends = [port for port in snapshot.linked_ports(sim.host) if port.node.kind != "Switch"]
    check(len(switch_ends) <= seen <= len(switch_ends) + len(host_ends),
          f"iblinkinfo shows {seen} link ends of {len(switch_ends)}")


def discovered(sim, snapshot):
    """ibnetdiscover finds every node, with the LID that it has."""
    out = sim.tool("ibnetdiscover", seconds=120)
    found = {}
    for match in re.finditer(r'^(switch|ca|rt)guid=0x([0-9a-f]+)', out, re.MULTILINE):
        found[int(match[2], 16)] = match[1]
    expected = {snapshot.nodes[name].guid for name in snapshot.reachable(sim.host)}
    check_equal("ibnetdiscover: nodes", len(found), len(expected))
    lids = {int(lid) for lid in re.findall(r"\blid (\d+)\b", out)}
    missing = set(snapshot.lids(sim.host).values()) - lids
    check_empty("ibnetdiscover: LIDs not shown", sorted(missing))


def paths(sim, snapshot, pairs, seed=1):
    """ibtracert walks from LID to LID by the tables that the switches hold."""
    chance = random.Random(seed)
    ports = sorted(snapshot.end_ports(sim.host), key=lambda port: port.lid)
    if len(ports) < 2:
        return
    for _ in range(pairs):
        source, target = chance.sample(ports, 2)
        out = sim.tool("ibtracert", source.lid, target.lid)
        last = out.strip().splitlines()[-1]
        check(last.startswith("To ") and f"lid {target.lid}-" in last,
              f"ibtracert {source.lid} {target.lid} ends with: {last}")


def traced(text):
    """What ibtracert prints as [(node, exit port)]."""
    hops = []
    place = ""
    for line in text.splitlines():
        name = re.search(r'"([^"]*)"\s*$', line)
        if match := re.match(r"\[(\d+)\] -> ", line):
            hops.append((place, int(match[1])))
        if name:
            place = name[1]
    return hops


def routes(manager, snapshot, host, seconds=120, extra=()):
    """ibdmchk walks all pairs by the manager's dumps: every path there, no credit loop."""
    if not snapshot.switches():
        return
    program = find_program("ibdmchk")
    if not program:
        raise Skip("ibutils is not installed")
    arguments = [program, *map(str, extra)]
    for option, name in (("-s", "opensm-subnet.lst"), ("-f", "opensm.fdbs"),
                         ("-m", "opensm.mcfdbs")):
        arguments += [option, manager.dump_path(name)]
    if levels_in(manager):
        arguments += ["-c", manager.dump_path("opensm.psl")]
    # Its exit code says nothing: it crashes at its end, after it has said all. On some fabrics it
    # spoils its heap earlier; how the heap is laid out decides whether it gets to the verdict.
    for number in range(IBDMCHK_TRIES):
        layout = {"GLIBC_TUNABLES": f"glibc.malloc.tcache_count={number * 7}"}
        out = manager.world.run(["stdbuf", "-oL", *arguments], layout, seconds).stdout
        check_empty("ibdmchk", [line for line in out.splitlines() if line.startswith("-E-")])
        if "no credit loops found" in out:
            break
    else:
        raise Failure(f"ibdmchk: no verdict: {out[-300:]}")
    ends = [port for port in snapshot.end_ports(host) if port.node.kind != "Switch"]
    scanned = re.search(r"Scanned:(\d+) CA to CA paths", out)
    check(scanned and int(scanned[1]) >= len(ends) * (len(ends) - 1),
          f"ibdmchk scanned {scanned and scanned[1]} paths among {len(ends)} ports")


SWITCH = re.compile(r"^Unicast lids \[.*?\] of switch .*guid (0x[0-9a-f]+)", re.IGNORECASE)
ENTRY = re.compile(r"^(0x[0-9a-f]+) (\d+) ", re.IGNORECASE)


def tables_in(text):
    """{switch GUID: {LID: exit port}} of dump_fts, and of opensm-lfts.dump."""
    tables = {}
    table = None
    for line in text.splitlines():
        if match := SWITCH.match(line):
            table = tables.setdefault(int(match[1], 16), {})
        elif (match := ENTRY.match(line)) and table is not None and int(match[2]) != 255:
            table[int(match[1], 16)] = int(match[2])
    return tables


def levels_in(manager):
    """{(GUID of a node, LID): service level}, if routes use several virtual lanes."""
    if manager.name != "vsm":
        return {}
    levels = {}
    for line in manager.dump("opensm.psl").splitlines():
        guid, lid, level = line.split()
        levels[int(guid, 16), int(lid)] = int(level)
    return levels


def tables(sim, manager, snapshot, rings=False):
    """dump_fts reads from the switches what the manager says that it wrote, and that is good.
    rings: channels may wait for each other."""
    held = tables_in(sim.tool("dump_fts", "-n", seconds=240))
    said = tables_in(manager.dump("opensm-lfts.dump"))
    switches = {snapshot.nodes[name].guid for name in snapshot.reachable(sim.host)
                if snapshot.nodes[name].kind == "Switch"}
    check_equal("switches in dump_fts", len(held), len(switches))
    check_equal("switches in opensm-lfts.dump", len(said), len(switches))
    lids = set(snapshot.lids(sim.host).values())
    # It leaves out the last LID of a table if that is the first of a block.
    lids -= {node.linear_top for node in snapshot.switches() if node.linear_top % 64 == 0}
    bad = []
    for guid in sorted(switches):
        for lid in sorted(lids):
            if held[guid].get(lid) != said[guid].get(lid) or lid not in held[guid]:
                bad.append(f"0x{guid:x} LID {lid}: holds {held[guid].get(lid)}, "
                           f"said {said[guid].get(lid)}")
    check_empty("dump_fts and opensm-lfts.dump", bad)
    deadlock_free(snapshot, sim.host, held, levels_in(manager), rings)
    return held


def next_hops(snapshot, host, held):
    """{switch: {LID: (exit port, neighbour)}}, the neighbour None where the port is the end."""
    hops = {}
    for name in snapshot.reachable(host):
        node = snapshot.nodes[name]
        if node.kind == "Switch":
            peers = {number: port.peer[0] for number, port in node.ports.items() if port.peer}
            hops[name] = {lid: (exit_port, peers.get(exit_port))
                          for lid, exit_port in held[node.guid].items()}
    return hops


def walk(hops, start, lid, level, target, seen, edges):
    """From a switch to a LID; adds the dependencies of one channel on the next to edges. A service
    level stays on its own lane."""
    name, before = start, None
    while name != target:
        step = hops[name].get(lid)
        check(step and step[1], f"no way from {start} to LID {lid}: it ends at {name}")
        channel = (name, step[0], level)
        if before:
            edges.setdefault(before, set()).add(channel)
        if (name, level) in seen:
            return
        seen.add((name, level))
        name, before = step[1], channel
        if name not in hops:
            check(name == target, f"LID {lid} is delivered to {name}, not to {target}")


def check_acyclic(edges):
    """Take away what depends on nothing, until nothing is left."""
    waits = {channel: len(after) for channel, after in edges.items()}
    holders = {}
    for channel, after in edges.items():
        for one in after:
            holders.setdefault(one, []).append(channel)
            waits.setdefault(one, 0)
    free = [channel for channel, number in waits.items() if number == 0]
    done = 0
    while free:
        done += 1
        for holder in holders.get(free.pop(), ()):
            waits[holder] -= 1
            if waits[holder] == 0:
                free.append(holder)
    check(done == len(waits), f"{len(waits) - done} channels wait for each other in a ring")


def deadlock_free(snapshot, host, held, levels, rings=False):
    """By the tables that the switches hold: from every switch that has hosts to every host, and to
    every switch, there is a way, and no ring of channels that wait for each other, lane by lane."""
    hops = next_hops(snapshot, host, held)
    reachable = snapshot.reachable(host)
    tops = {snapshot.nodes[name].linear_top for name in hops}
    starts = {port.peer[0]: port.node.guid for port in snapshot.linked_ports(host)
              if port.node.kind != "Switch" and port.peer[0] in hops}
    edges = {}
    for port in snapshot.end_ports(host):
        is_switch = port.node.kind == "Switch"
        if not hops or port.node.name not in reachable or port.lid % 64 == 0 and port.lid in tops:
            continue
        seen = set()
        for start, guid in starts.items():
            # What goes to a switch itself is management on VL 15, which waits for nobody.
            walk(hops, start, port.lid, levels.get((guid, port.lid), 0), port.node.name, seen,
                 {} if is_switch or rings else edges)
    check_acyclic(edges)


def fields(text):
    """What saquery and smpquery print: "name....value"; the last of a name counts."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"\s*([\w ()]+?)\.*(?::\.*|\.{2,})\s*(\S.*)?$", line)
        if match:
            found[match[1].strip()] = (match[2] or "").strip()
    return found


def records(sim, snapshot):
    """saquery gets every record of the tables that can be counted from what the simulator shows."""
    ends = snapshot.end_ports(sim.host)
    switches = [snapshot.nodes[name] for name in snapshot.reachable(sim.host)
                if snapshot.nodes[name].kind == "Switch"]
    hosts = [port for port in ends if port.node.kind != "Switch"]
    links = len(snapshot.linked_ports(sim.host))
    # A node has a NodeRecord for each of its end ports; a path leads from each of those to each.
    for query, expected in (
            ("", len(ends)), ("-N", len(ends)), ("NR", len(ends)), ("SWIR", len(switches)),
            ("LR", links), ("-x", links), ("-p", len(ends) ** 2), ("PR", len(ends) ** 2),
            ("PIR", sum(len(node.ports) for node in switches) + len(hosts)),
            ("LFTR", sum(node.linear_top // 64 + 1 for node in switches)), ("SMIR", 1),
            ("MCMR", 1)):
        found = sim.tool("saquery", *query.split(), seconds=120).count("ecord dump:")
        check_equal(f"records of saquery {query}", found, expected)


def pkeys(sim, lid, port=None):
    """The P_Key table of a port, without its empty entries."""
    out = sim.tool("smpquery", "pkeys", lid, *([port] if port is not None else []))
    keys = [int(word, 16) for line in out.splitlines() if ":" in line
            for word in line.split(":", 1)[1].split() if word.startswith("0x")]
    return [key for key in keys if key]


def same_lids(before, after):
    """Ports that were there before have the LIDs that they had."""
    moved = [f"0x{guid:x}: {before[guid]} became {after[guid]}"
             for guid in before if guid in after and before[guid] != after[guid]]
    if moved:
        raise Failure(f"{len(moved)} LIDs changed: {'; '.join(moved[:5])}")
