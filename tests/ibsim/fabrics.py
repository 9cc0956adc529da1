# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fabrics for ibsim: made here, or read from files.

A maker returns a Fabric, which is text in the format of ibnetdiscover and some numbers about it.
damage() takes hosts and links away before the text is made, the same ones for the same seed. Node
GUIDs are ibsim's choice: they count up in the order of the file.
"""

import os
import random
import re


class Fabric:
    """A net file. ibsim's clients sit on default_host() unless told otherwise."""

    HEAD = re.compile(r'^(Switch|Ca|Hca|Rt|Router)\s+(\d+)\s+"([^"]*)"', re.IGNORECASE)

    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.nodes = [(kind.lower(), int(ports), node)
                      for kind, ports, node in (match.groups() for match in
                                                map(self.HEAD.match, text.splitlines()) if match)]
        self.n_nodes = len(self.nodes)
        self.n_switches = sum(kind == "switch" for kind, _, _ in self.nodes)
        self.n_ports = sum(ports + 1 for _, ports, _ in self.nodes)

    def default_host(self):
        """The first host whose port 1 has a link."""
        linked = set()
        node = None
        for line in self.text.splitlines():
            if match := self.HEAD.match(line):
                node = match[3]
            elif node and re.match(r"^\[1\]", line):
                linked.add(node)
        for kind, _, name in self.nodes:
            if kind in ("ca", "hca") and name in linked:
                return name
        return self.nodes[0][2]

    def __str__(self):
        return self.name


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return Fabric(os.path.basename(path), file.read())


class Plan:
    """Switches, hosts and cables, before they become a net file."""

    def __init__(self, name, radix):
        self.name = name
        self.radix = radix
        self.switches = []
        self.hosts = []
        self.cables = []

    def switch(self, *place):
        name = "S" + "_".join(f"{part:02d}" if isinstance(part, int) else part for part in place)
        self.switches.append(name)
        return name

    def host(self, *switches):
        """A host with a port on each of the switches."""
        name = f"H{len(self.hosts):05d}"
        self.hosts.append((name, len(switches)))
        self.cables += [(switch, name) for switch in switches]
        return name

    def cable(self, one, other, parallel=1):
        self.cables += [(one, other)] * parallel

    def damage(self, links=0.0, hosts=0.0, seed=1):
        """Take away that share of the links between switches and of the hosts."""
        chance = random.Random(seed)
        switches = set(self.switches)
        gone = {name for name, _ in self.hosts[1:] if chance.random() < hosts}
        self.hosts = [host for host in self.hosts if host[0] not in gone]
        self.cables = [cable for cable in self.cables if cable[1] not in gone and not (
            cable[1] in switches and chance.random() < links)]
        self.name += f"-{seed}"
        return self

    def build(self):
        """As many ports as the radix, or as are needed; cables take ports in their order."""
        ends = {name: [] for name in self.switches + [name for name, _ in self.hosts]}
        for one, other in self.cables:
            one_port, other_port = len(ends[one]) + 1, len(ends[other]) + 1
            if one == other:
                other_port += 1
            ends[one].append((one_port, other, other_port))
            ends[other].append((other_port, one, one_port))
        ports = {name: max(self.radix, len(ends[name])) for name in self.switches}
        ports.update({name: max(wanted, len(ends[name])) for name, wanted in self.hosts})
        parts = []
        switches = set(self.switches)
        for name in ends:
            kind = "Switch" if name in switches else "Ca"
            parts.append(f'{kind}\t{ports[name]} "{name}"\n')
            parts += [f'[{port}]\t"{peer}"[{peer_port}]\n'
                      for port, peer, peer_port in sorted(ends[name])]
            parts.append("\n")
        return Fabric(self.name, "".join(parts))


def fat_tree_2(radix, leaves=None, spines=None, hosts=None, parallel=1):
    """Every leaf has parallel cables to every spine; the rest of its ports are for hosts."""
    plan = Plan(f"ft2-{radix}-{leaves or radix}", radix)
    spines = radix // 2 if spines is None else spines
    bottom = [plan.switch("L", number) for number in range(leaves or radix)]
    top = [plan.switch("T", number) for number in range(spines)]
    for leaf in bottom:
        for _ in range(radix - spines * parallel if hosts is None else hosts):
            plan.host(leaf)
    for leaf in bottom:
        for spine in top:
            plan.cable(leaf, spine, parallel)
    return plan


def fat_tree_3(radix, pods=None, hosts=None):
    """Half of all ports face down; pods of radix/2 leaves; fewer pods leave core ports empty."""
    half = radix // 2
    pods = pods or radix
    plan = Plan(f"ft3-{radix}-{pods}", radix)
    leaves = [[plan.switch("L", pod, n) for n in range(half)] for pod in range(pods)]
    middle = [[plan.switch("M", pod, n) for n in range(half)] for pod in range(pods)]
    cores = [[plan.switch("T", plane, n) for n in range(half)] for plane in range(half)]
    for pod in leaves:
        for leaf in pod:
            for _ in range(half if hosts is None else hosts):
                plan.host(leaf)
    for pod in range(pods):
        for leaf in leaves[pod]:
            for switch in middle[pod]:
                plan.cable(leaf, switch)
    for pod in range(pods):
        for plane, switch in enumerate(middle[pod]):
            for core in cores[plane]:
                plan.cable(switch, core)
    return plan


def torus(*sizes, hosts=1):
    """Rings in every dimension; a size of 2 gives two parallel cables, as a torus has them."""
    plan = Plan("torus-" + "x".join(map(str, sizes)), 2 * len(sizes) + hosts)
    places = [()]
    for size in sizes:
        places = [(*place, n) for place in places for n in range(size)]
    switches = {place: plan.switch(*place) for place in places}
    for place in places:
        for _ in range(hosts):
            plan.host(switches[place])
    for axis, size in enumerate(sizes):
        for place in places if size > 1 else ():
            onward = (*place[:axis], (place[axis] + 1) % size, *place[axis + 1:])
            plan.cable(switches[place], switches[onward])
    return plan


def dragonfly(routers, globals_each, hosts):
    """Groups of routers that are all connected; one cable between any two groups."""
    groups = routers * globals_each + 1
    plan = Plan(f"dragonfly-{routers}-{globals_each}-{hosts}", routers - 1 + globals_each + hosts)
    switches = [[plan.switch(group, n) for n in range(routers)] for group in range(groups)]
    for group in switches:
        for switch in group:
            for _ in range(hosts):
                plan.host(switch)
        for n, one in enumerate(group):
            for other in group[n + 1:]:
                plan.cable(one, other)
    for one in range(groups):
        for other in range(one + 1, groups):
            plan.cable(switches[one][(other - one - 1) // globals_each],
                       switches[other][(groups - 1 - (other - one)) // globals_each])
    return plan


def hyperx(width, height, hosts):
    """A grid where all switches of a row, and all of a column, are connected."""
    plan = Plan(f"hyperx-{width}x{height}", width + height - 2 + hosts)
    grid = {(x, y): plan.switch(x, y) for x in range(width) for y in range(height)}
    for (x, y), switch in grid.items():
        for _ in range(hosts):
            plan.host(switch)
        for right in range(x + 1, width):
            plan.cable(switch, grid[right, y])
        for below in range(y + 1, height):
            plan.cable(switch, grid[x, below])
    return plan


def random_graph(switches, links, hosts, seed=1):
    """A random tree, which keeps it in one piece, and further random cables; some are parallel."""
    plan = Plan(f"random-{switches}-{seed}", 8)
    chance = random.Random(seed)
    names = [plan.switch(n) for n in range(switches)]
    for name in names:
        for _ in range(hosts):
            plan.host(name)
    for n in range(1, switches):
        plan.cable(names[n], names[chance.randrange(n)])
    for _ in range(links - switches + 1):
        one, other = chance.sample(names, 2)
        plan.cable(one, other)
    return plan


def mixed():
    """What real fabrics have and regular ones have not: hosts with two ports, on two switches or
    on one; a host on a spine; parallel cables of different numbers; a switch without hosts; a
    cable that leads from a switch back to itself."""
    plan = fat_tree_2(8, leaves=3, spines=2, hosts=2)
    plan.name = "mixed"
    left, middle, right = plan.switches[:3]
    spine = plan.switches[3]
    plan.host(left, right)
    plan.host(middle, middle)
    plan.host(spine)
    plan.cable(left, spine)
    plan.cable(left, middle)
    plan.cable(right, plan.switch("alone"))
    plan.cable(middle, middle)
    return plan


def one_switch():
    """Two hosts and a switch."""
    plan = Plan("one-switch", 4)
    switch = plan.switch("only")
    plan.host(switch)
    plan.host(switch)
    return plan


def no_switch():
    """Two hosts back to back."""
    plan = Plan("back-to-back", 1)
    plan.cable(plan.host(), plan.host())
    return plan
