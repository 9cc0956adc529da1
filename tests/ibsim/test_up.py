# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fabrics of every shape come up, stay as they are, and tools agree."""

import glob
import os

import checks
import fabrics
import lib
from lib import check_equal
from suite import STAND_IN, Suite, manager

suite = Suite()
tests = suite.tests

EXAMPLES = "/usr/share/doc/ibsim-utils/net-examples"
FABRICS = os.environ.get("VSM_FABRICS", "")

MADE = [
    fabrics.one_switch(),
    fabrics.no_switch(),
    fabrics.mixed(),
    fabrics.fat_tree_2(8),
    fabrics.fat_tree_2(36),
    fabrics.fat_tree_2(12, leaves=10, spines=3, hosts=4, parallel=2),
    fabrics.fat_tree_3(8),
    fabrics.fat_tree_3(8, pods=5).damage(links=0.08, hosts=0.2, seed=2),
    fabrics.fat_tree_3(12).damage(links=0.03, hosts=0.1, seed=3),
    fabrics.fat_tree_2(16).damage(links=0.2, hosts=0.3, seed=4),
    fabrics.torus(7, hosts=2),
    fabrics.torus(5, 4, hosts=2),
    fabrics.torus(3, 3, 3, hosts=1),
    fabrics.torus(4, 4, 4, hosts=2).damage(links=0.05, seed=5),
    fabrics.dragonfly(4, 2, 2),
    fabrics.dragonfly(8, 2, 4).damage(links=0.05, hosts=0.1, seed=6),
    fabrics.hyperx(6, 5, 3),
    fabrics.random_graph(20, 45, 2, seed=7),
    fabrics.random_graph(60, 110, 3, seed=8),
    fabrics.random_graph(120, 180, 1, seed=9),
]


def on_disk(folder, pattern="*"):
    """(name, maker) of the net files of a folder."""
    paths = sorted(glob.glob(os.path.join(folder, pattern))) if folder else []
    return [(os.path.basename(path), lambda path=path: fabrics.read(path)) for path in paths
            if not path.endswith("README")]


SMALL = on_disk(EXAMPLES) + [(plan.name, plan.build) for plan in MADE]
REAL = on_disk(FABRICS, "*.net")


def bring_up(world, make, seconds):
    """A simulator and a ready manager; all there is about it is right."""
    sim = lib.Simulator(world, make())
    sm = manager(world, sim).start().wait_ready(seconds)
    snapshot = sim.check_up() if not STAND_IN else sim.wait_up(seconds)
    return sim, sm, snapshot


@suite.for_each("{} comes up, and tools of others find it whole", SMALL, weight=4)
def comes_up(world, make):
    sim, sm, snapshot = bring_up(world, make, 60)
    checks.links(sim, snapshot)
    checks.discovered(sim, snapshot)
    checks.paths(sim, snapshot, pairs=20)
    checks.tables(sim, sm, snapshot)
    checks.routes(sm, snapshot, sim.host)
    check_equal("exit code", sm.stop(), 0)
    checks.same_lids(snapshot.lids(sim.host), sim.check_up().lids(sim.host))


@suite.for_each("{}, a real fabric, comes up, and tools of others find it whole", REAL, weight=90)
def real_comes_up(world, make):
    sim, sm, snapshot = bring_up(world, make, 120)
    checks.paths(sim, snapshot, pairs=20)
    checks.routes(sm, snapshot, sim.host, seconds=300)
    check_equal("exit code", sm.stop(), 0)
