# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What users get wrong: one clear sentence, and the right exit code."""

from suite import Suite

suite = Suite()
tests = suite.tests
