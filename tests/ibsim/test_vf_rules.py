# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What an operator allows virtual functions, and plans for them, with the real daemon on vsm-sim.

Nothing here was run against ConnectX hardware: the simulator is a second reading of the same page.
"""

import re

from lib import check, check_equal, wait_until
from suite import Suite
from test_vports import Lab

suite = Suite()
tests = suite.tests


def rule(host, **keys):
    return {"ports": host, **keys}


def lft_sets(lab):
    return lab.sm.status()["smps"]["LinearForwardingTable"]["set"]["sent"]


def leaves_by(lab, lid):
    """The port by which the switch sends packets to that LID on."""
    found = re.search(rf" \[{lid}\]([0-9A-F]+)", lab.sim.command('Dump "s"'))
    return int(found[1], 16) if found else None


def reload(lab, *rules):
    lab.sm.options["virtual_functions"] = list(rules)
    lab.sm.config()
    lab.sm.ctl("reload")


def wait_rest(lab):
    lab.sm.wait_status("rest", lambda status: status["phase"] == "rest" and
                       status["applied"] == status["generation"])


@suite.test("rules from a file, LIDs beforehand, and a move that is planned", weight=8)
def story(world):
    lab = Lab(world, "state=down")
    lawful = rule("c", guids=[["0x8001", "0x8002"]], max=3, spare_lids=3, partition="0x21")
    lab.start(options={"virtual_functions": [lawful]})
    wait_rest(lab)
    status = lab.sm.wait_status("spare LIDs", lambda status: status["lids_spare"] == 3)
    check_equal("LIDs", status["lids_used"] + status["lids_spare"] + status["lids_free"],
                status["lids_total"])
    check("3 spare" in lab.sm.ctl_text("status"), "the text says so")

    # One that may be there takes a spare LID; the tables of switches are as they should be.
    before = lft_sets(lab)
    lab.sim.command("Vf start c[1]/1")
    lab.wait_active("c/1")
    vf = lab.vfs()["c/1"]
    check("0x8021" in vf["pkeys"], vf["pkeys"])
    lab.sm.wait_status("the stock is full", lambda status: status["lids_spare"] == 3)
    wait_rest(lab)
    check_equal("LFT blocks, of one switch, for the stock alone", lft_sets(lab) - before, 1)

    # Others stay down until the file says otherwise.
    lab.sim.command("Vf start c[1]/3")
    lab.sim.command("Vf start c[1]/4")
    wait_until("both have a reason", lambda: (
        lab.vfs()["c/3"]["reason"], lab.vfs()["c/4"]["reason"]) == (
            "vf-not-allowed", "vf-too-many"), 20)
    check_equal("and are down", (lab.states()["c/3"], lab.states()["c/4"]),
                ("Init", "Init"))
    reload(lab, rule("c", spare_lids=3))
    lab.wait_active("c/1", "c/3", "c/4")

    # A move that is planned: kept over kill -9, the way is turned before the guest is there.
    lab.sim.command("Vf stop b[1]/2")
    port = f"0x{lab.sim.snapshot().port('b', 1).guid:016x}"
    said = lab.sm.ctl("vf", "move", vf["guid"], port)
    check_equal("said", said["moving_to"], port)
    lab.sm.kill()
    lab.sm.start().wait_ready()
    check(f"moving to {port}" in lab.sm.ctl_text("vf", "show"), lab.sm.ctl_text("vf", "show"))
    check_equal("its way", leaves_by(lab, vf["lid"]), 3)
    lab.sim.command("Vf stop c[1]/1")
    wait_until("the way is turned", lambda: leaves_by(lab, vf["lid"]) == 2, 20)
    lab.sim.command(f"Vf guid b[1]/2 {vf['guid'][2:]}")
    lab.sim.command("Vf start b[1]/2")
    lab.wait_active("b/2")
    wait_until("it has moved", lambda: "moving" not in lab.sm.ctl_text("vf", "show"), 20)
    lab.sm.ctl("vf", "move", vf["guid"], "0x77", code=2)
    lab.sm.ctl("vf", "move", "0x77", port, code=4)
