# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Service levels, as saquery hears of them: of partitions, and of a policy file of opensm's, which opensm
reads beside vsm. And what befalls a policy file that means nothing.
"""

import re

import fabrics
import lib
from lib import check, check_equal
from suite import Suite, vsm
from test_input import USAGE, check_refused, conf, run

suite = Suite()
tests = suite.tests

POLICY = """port-groups
    port-group
        name: disks
        port-guid: %s
    end-port-group
end-port-groups
qos-levels
    qos-level
        name: DEFAULT
        sl: 0
    end-qos-level
    qos-level
        name: fast
        sl: 3
        mtu-limit: 3
    end-qos-level
    qos-level
        name: disk
        sl: 5
    end-qos-level
end-qos-levels
qos-match-rules
    qos-match-rule
        qos-class: 7-9
        qos-level-name: fast
    end-qos-match-rule
    qos-match-rule
        service-id: 0x1060000-0x106ffff
        destination: disks
        qos-level-name: disk
    end-qos-match-rule
end-qos-match-rules
qos-ulps
    any, service-id 0x4711 : 6
end-qos-ulps
"""

# What saquery is to ask beside the two ends.
QUESTIONS = {
    "plain": (), "class": ("--qos_class", "8"), "other class": ("--qos_class", "10"),
    "service": ("--service_id", str(0x1064e20)), "ulp": ("--service_id", str(0x4711)),
    "level": ("--qos_class", "8", "--sl", "3"), "wrong level": ("--qos_class", "8", "--sl", "4"),
    "wanted level": ("--sl", "2"),
}


def answers(sim, source, target):
    """Of each question SL and MTU, or that there is none."""
    found = {}
    for name, options in QUESTIONS.items():
        done = sim.run("saquery", "PR", "--slid", source.lid, "--dlid", target.lid, *options)
        fields = dict(re.findall(r"^\s*(\w+)\.{2,}(.*)$", done.stdout, re.M))
        found[name] = (fields.get("sl"), fields.get("mtu")) if "sl" in fields else None
    return found


@suite.test("a QoS policy gives the levels that it gives with opensm", weight=6)
def policy(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    hosts = [port for port in sim.snapshot().end_ports(sim.host) if port.node.kind != "Switch"]
    path = world.write("qos.conf", POLICY % hosts[3].guid)
    opensm = lib.Opensm(world, sim, options={"qos": "TRUE", "qos_policy_file": path})
    opensm.start().wait_ready()
    snapshot = sim.wait_up(30)
    source, target = (snapshot.port(host.node.name, 1) for host in (hosts[1], hosts[3]))
    theirs = answers(sim, source, target)
    opensm.stop()
    vsm(world, sim, options={"qos.enable": True, "qos.policy_file": path}).start().wait_ready()
    ours = answers(sim, source, target)
    check_equal("answers", ours, theirs)
    check_equal("SLs", [answer and answer[0] for answer in ours.values()],
                ["0x0", "0x3", "0x0", "0x5", "0x6", "0x3", None, None])


@suite.test("a reload reads the QoS policy again, whole or not at all", weight=3)
def reload(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    path = world.write("qos.conf", "qos-ulps\ndefault: 1\nend-qos-ulps\n")
    sm = vsm(world, sim, options={"qos.enable": True, "qos.policy_file": path}).start().wait_ready()
    snapshot = sim.snapshot()
    source, target = [port for port in snapshot.end_ports(sim.host)
                      if port.node.kind != "Switch"][:2]

    def level():
        told = answers(sim, source, target)["plain"][0]
        path = sm.ctl("path", f"{source.guid:#x}", f"{target.guid:#x}")
        check_equal("SL of vsmctl path", path["service_level"], int(told, 0))
        return told

    check_equal("SL", level(), "0x1")
    world.write("qos.conf", "qos-ulps\ndefault: 2\nend-qos-ulps\n")
    sm.ctl("reload")
    check_equal("SL after the reload", level(), "0x2")
    world.write("qos.conf", "qos-ulps\ndefault: 3\nwhat\nend-qos-ulps\n")
    done = world.run([lib.VSMCTL, "--socket", sm.socket, "reload"])
    check_equal(f"exit code of vsmctl ({done.stderr})", done.returncode, 1)
    check(f"{path}:3: " in done.stderr, f"no file and line in: {done.stderr}")
    check_equal("SL after one that was refused", level(), "0x2")
    sm.options["qos.enable"] = False
    sm.config()
    world.write("qos.conf", "qos-ulps\ndefault: 4\nend-qos-ulps\n")
    sm.ctl("reload")
    check_equal("SL without QoS", level(), "0x0")


@suite.test("vsmctl partitions has the service levels that count", weight=2)
def levels_of_partitions(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    path = world.write("partitions.conf", "Default=0x7fff : ALL=full ;\nblue=0x21, sl=3 : ALL ;\n")
    sm = vsm(world, sim, options={"qos.enable": True, "partition_file": path}).start().wait_ready()

    def levels():
        return {each["name"]: each["sl"] for each in sm.ctl("partitions")["partitions"]}

    check_equal("levels", levels(), {"Default": 0, "blue": 3})
    check_equal("level of blue", sm.ctl("partitions", "blue")["sl"], 3)
    sm.options["qos.enable"] = False
    sm.config()
    sm.ctl("reload")
    check_equal("levels without QoS", levels(), {"Default": 0, "blue": 0})


@suite.test("a QoS policy file that means nothing, or is not there: vsm does not start")
def refused(world):
    path = world.write("qos.conf", "qos-levels\n")
    missing = world.path("none")
    for option in ("--check-config", "--once"):
        check_refused(run(world, "-c", conf(world, f'qos = {{ policy_file = "{path}"; }};\n'), option),
                      USAGE, f"{path}:1: ")
        check_refused(run(world, "-c", conf(world, f'qos = {{ policy_file = "{missing}"; }};\n'),
                          option), USAGE, missing)
    check_refused(run(world, "-c", conf(world, 'qos = { sl2vl = "0,1"; };\n'), "--check-config"),
                  USAGE, "qos.sl2vl")
