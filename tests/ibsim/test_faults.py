# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cables pulled, packets lost, processes killed: it always ends fully up, with the same LIDs."""

from suite import Suite

suite = Suite()
tests = suite.tests
