# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a test is, and the starts that most of them share."""

import os

import lib

STAND_IN = os.environ.get("VSM_TEST_SM") == "opensm"


class Test:
    """name: a sentence. weight: about how many seconds; heavy ones begin first."""

    def __init__(self, name, function, weight):
        self.name = name
        self.function = function
        self.weight = weight


class Suite:
    """Collects the tests of a file."""

    def __init__(self):
        self.collected = []

    def test(self, name, weight=1):
        def add(function):
            self.collected.append(Test(name, function, weight))
            return function
        return add

    def for_each(self, name, cases, weight=1):
        """One test for each (label, argument); name has a {} for the label."""
        def add(function):
            for label, argument in cases:
                def run(world, argument=argument):
                    function(world, argument)
                self.collected.append(Test(name.format(label), run, weight))
            return function
        return add

    def tests(self):
        return self.collected


def manager(world, sim, **options):
    """The subnet manager under test, not started yet."""
    if STAND_IN:
        return lib.Opensm(world, sim)
    return lib.Vsm(world, sim, **options)


def vsm(world, sim, **options):
    """For tests of what only vsm has."""
    if STAND_IN:
        raise lib.Skip("opensm stands in")
    return lib.Vsm(world, sim, **options)
