# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What users get wrong: one clear sentence, and the right exit code."""

import json
import os
import resource
import subprocess

import fabrics
import lib
from lib import Skip, check, check_equal
from suite import Suite, vsm

suite = Suite()
tests = suite.tests

USAGE, NO_DEVICE = 2, 3


def run(world, *arguments, env=None):
    """vsm on its own, without a simulator; (exit code, what it said)."""
    if not os.path.exists(lib.VSM):
        raise Skip("vsm is not built")
    done = world.run([lib.VSM, *arguments], env, seconds=20)
    return done.returncode, done.stdout + done.stderr


def sentences(said):
    """Its lines, without the advice to look at --help."""
    return [line for line in said.splitlines() if line.strip() and "--help" not in line]


def check_refused(found, code, *words):
    check_equal(f"exit code ({found[1].strip()})", found[0], code)
    check_equal(f"sentences in: {found[1].strip()}", len(sentences(found[1])), 1)
    for word in words:
        check(word in found[1], f"no {word!r} in: {found[1].strip()}")


def conf(world, text):
    return world.write("vsm.conf", text)


@suite.for_each("wrong usage: {}", [
    ("unknown option", ["--nonsense"]), ("unknown short option", ["-Z"]),
    ("an argument", ["something"]), ("-c without a file", ["-c"]),
    ("--port-guid that is no number", ["--port-guid", "zebra"]),
    ("--port-guid that is too long", ["--port-guid", "0x12345678901234567"]),
    ("--device with a port that is no number", ["--device", "mlx5_0:x"]),
    ("--device with port 300", ["--device", "mlx5_0:300"]),
    ("--state-dir without a folder", ["--state-dir"])])
def usage(world, arguments):
    check_refused(run(world, *arguments), USAGE)


@suite.test("--version and --help print and end with 0")
def version(world):
    code, said = run(world, "--version")
    check_equal("exit code", code, 0)
    check(said.startswith("vsm "), said)
    code, said = run(world, "--help")
    check_equal("exit code", code, 0)
    check("--once" in said and "--check-config" in said, said)


BAD_CONF = [
    ("an unknown key, with its line", 'sm = {\n  priority = 1;\n  colour = "red";\n};\n',
     (":3", "colour")),
    ("an unknown group", "zebra = { };\n", (":1", "zebra")),
    ("a word for a number", 'sm = {\n priority = "high"; };\n', (":2", "priority")),
    ("a number for a word", "files = {\n dump_dir = 7; };\n", (":2", "dump_dir")),
    ("a number for a group", "sm = 3;\n", (":1", "sm")),
    ("out of range", "sm = {\n\n priority = 16; };\n", (":3", "priority", "15")),
    ("below the range", "subnet = { lmc = -1; };\n", (":1", "lmc")),
    ("an unknown choice", 'routing = { engine = "magic"; };\n', (":1", "engine")),
    ("bad grammar", "sm = {\n priority == 3; };\n", (":2",)),
    ("a brace that is not closed", "sm = { priority = 3;\n", (":",)),
    ("a GUID list with a word in it", 'routing = { root_guids = [ "zebra" ]; };\n',
     ("root_guids",)),
]


@suite.for_each("vsm.conf with {}", [(name, (text, words)) for name, text, words in BAD_CONF])
def bad_conf(world, case):
    text, words = case
    path = conf(world, text)
    for option in ("--check-config", "--once"):
        check_refused(run(world, "-c", path, option), USAGE, path, *words)


@suite.test("vsm.conf that is not there, cannot be read, or is a folder")
def missing_conf(world):
    check_refused(run(world, "-c", world.path("none.conf"), "--check-config"), USAGE, "none.conf")
    check_refused(run(world, "-c", world.folder("folder"), "--check-config"), USAGE, "folder")


@suite.test("--check-config accepts an empty vsm.conf, and touches nothing")
def empty_conf(world):
    state = world.path("state")
    code, said = run(world, "-c", conf(world, ""), "--check-config", "--state-dir", state)
    check_equal(f"exit code ({said.strip()})", code, 0)
    check(not os.path.exists(state), "it made the state directory")


BAD_PARTITIONS = [
    ("no colon", "Default=0x7fff ALL=full ;\n"),
    ("no semicolon", "Default=0x7fff : ALL=full\nblue=0x2 : ALL\n"),
    ("a P_Key of five digits", "blue=0x12345 : ALL ;\n"),
    ("a P_Key that is no number", "blue=pink : ALL ;\n"),
    ("a GUID that is no number", "blue=0x2 : 0xzz ;\n"),
    ("a GUID that is too long", "blue=0x2 : 0x12345678901234567 ;\n"),
    ("an unknown membership", "blue=0x2 : ALL=partly ;\n"),
    ("an unknown flag", "blue=0x2, zebra : ALL ;\n"),
    ("an unknown group", "blue=0x2 : ALL_ZEBRAS ;\n"),
    ("a bad rate", "blue=0x2, ipoib, rate=x : ALL ;\n"),
    ("a bad MTU", "blue=0x2, ipoib, mtu=99 : ALL ;\n"),
    ("an SL of 16", "blue=0x2, ipoib, sl=16 : ALL ;\n"),
    ("binary noise", "\x01\x02\x7f\x00\x05 : ;;;\n"),
]


@suite.for_each("partitions.conf with {}: vsm does not start, and says where", BAD_PARTITIONS)
def bad_partitions(world, text):
    path = world.write("partitions.conf", text)
    main = conf(world, f'partition_file = "{path}";\n')
    for option in ("--check-config", "--once"):
        check_refused(run(world, "-c", main, option), USAGE, f"{path}:")


@suite.test("a partition file that is configured and missing: vsm does not start")
def missing_partitions(world):
    path = world.path("none")
    main = conf(world, f'partition_file = "{path}";\n')
    for option in ("--check-config", "--once"):
        check_refused(run(world, "-c", main, option), USAGE, path)


@suite.for_each("files.{} that is not there: refused by --check-config, else a warning",
                [(option, option) for option in ("node_name_map", "dump_dir", "import_guid2lid")])
def missing_file(world, option):
    path = world.path("none")
    main = conf(world, f'files = {{ {option} = "{path}"; }};\n')
    check_refused(run(world, "-c", main, "--check-config"), USAGE, option, path)
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim, options={f"files.{option}": path})
    check_equal("exit code", sm.once(), 0)
    check(f"warning: files.{option}: {path}" in sm.output(), f"it says: {sm.output()}")


@suite.for_each("files.{} that is a pipe: refused by --check-config, else a warning, and nobody waits",
                [(option, option) for option in ("node_name_map", "import_guid2lid")])
def pipe(world, option):
    path = world.path("pipe")
    os.mkfifo(path)
    main = conf(world, f'files = {{ {option} = "{path}"; }};\n')
    check_refused(run(world, "-c", main, "--check-config"), USAGE, option, path, "not a regular file")
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim, options={f"files.{option}": path})
    check_equal("exit code", sm.once(), 0)
    check(f"warning: files.{option}: {path}: it is not a regular file" in sm.output(), sm.output())


DOUBTS = {
    "an option of QoS without QoS": ('qos = { high_limit = 7; };\n', "qos.high_limit means nothing"),
    "a service level without QoS": ('partition_file = "%s";\n', "sl=3 of partition blue means nothing",
                                    "blue=0x21, sl=3 : ALL ;\n"),
    "a partition of the QoS policy that nobody has": (
        'qos = { enable = true; policy_file = "%s"; };\n', ':3: no partition is called "blue"',
        "port-groups\n port-group\n partition: blue\n name: x\n end-port-group\nend-port-groups\n"
        "qos-ulps\n default: 1\nend-qos-ulps\n"),
    "LIDs that cannot be": ('files = { import_guid2lid = "%s"; };\n', ":1: a LID is not from",
                            "0x0002c90300000011 0xc000 0xc000\n"),
}


def warnings(said):
    return sorted(line for line in said.splitlines() if line.startswith("warning: "))


@suite.for_each("--check-config warns as a start does of {}", list(DOUBTS.items()), weight=2)
def doubts(world, case):
    text, sentence, content = (*case, "")[:3]
    path = conf(world, text % world.write("named", content) if content else text)
    code, said = run(world, "-c", path, "--check-config")
    check_equal(f"exit code ({said.strip()})", code, 0)
    check_equal(f"warnings in: {said}", [sentence in line for line in warnings(said)], [True])
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim, text=open(path, encoding="ascii").read())
    check_equal("exit code", sm.once(), 0)
    check_equal("warnings of a start", warnings(sm.output()), warnings(said))


@suite.test("--check-config warns of names that cannot be read")
def doubtful_names(world):
    path = world.write("names", "0x1 one\nzebra\n")
    code, said = run(world, "-c", conf(world, f'files = {{ node_name_map = "{path}"; }};\n'), "--check-config")
    check_equal(f"exit code ({said.strip()})", code, 0)
    check(f"warning: {path}:2: not a GUID and a name" in said, said)


@suite.test("what the command line overrides in vsm.conf: --check-config and a start warn of it", weight=2)
def overridden(world):
    text = 'files = { state_dir = "/none"; };\nport = { guid = 0x77; };\n'
    said = [f"warning: {option} means nothing beside --{by}"
            for option, by in (("files.state_dir", "state-dir"), ("port.guid", "device"))]
    path = conf(world, text)
    check_equal("warnings without", warnings(run(world, "-c", path, "--check-config")[1]), [])
    arguments = ("--state-dir", world.path("state"), "--device", "ibsim0")
    code, found = run(world, "-c", path, "--check-config", *arguments)
    check_equal(f"exit code ({found.strip()})", code, 0)
    check_equal("warnings", warnings(found), said)
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim, text=text)
    check_equal("exit code, with the device and not the GUID", sm.once("--device", "ibsim0"), 0)
    check_equal("warnings of a start", [line for line in warnings(sm.output()) if line in said], said)


@suite.test("--check-config warns of nothing in what vsm.conf.sample says")
def no_doubts(world):
    sample = os.path.join(os.path.dirname(lib.VSM), "doc", "vsm.conf.sample")
    if not os.path.exists(sample):
        raise Skip("vsm.conf.sample is not built")
    code, said = run(world, "-c", sample, "--check-config")
    check_equal("exit code", code, 0)
    check_equal("it says", said, "The configuration is valid.\n")


@suite.test("a dump_dir that is a file is refused by --check-config")
def dump_file(world):
    path = world.write("dump", "")
    main = conf(world, f'files = {{ dump_dir = "{path}"; }};\n')
    check_refused(run(world, "-c", main, "--check-config"), USAGE, path, "Not a directory")


@suite.test("a partition file that is broken at a reload: refused, the running ones stay", weight=2)
def reload_broken(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    path = world.write("partitions.conf", "Default=0x7fff : ALL=full ;\n")
    sm = vsm(world, sim, options={"partition_file": path}).start().wait_ready()
    sets = sm.sets()
    world.write("partitions.conf", "Default=0x7fff : ALL=full ;\nblue=0x2 : \n")
    done = world.run([lib.VSMCTL, "--socket", sm.socket, "reload"])
    check_equal(f"exit code of vsmctl ({done.stderr})", done.returncode, 1)
    check(f"{path}:" in done.stderr, f"no file and line in: {done.stderr}")
    sm.process.send_signal(lib.signal.SIGHUP)
    lib.wait_until("the log names the file", lambda: f"{path}:" in sm.output(), 10)
    check_equal("Sets", sm.sets(), sets)
    check_equal("state", sm.status()["state"], "master")


@suite.test("vsm.conf that is broken at a reload: refused, the running one stays", weight=2)
def reload_broken_conf(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim).start().wait_ready()
    sm.options["sm.colour"] = "red"
    path = sm.config()
    done = world.run([lib.VSMCTL, "--socket", sm.socket, "reload"])
    check_equal(f"exit code of vsmctl ({done.stderr})", done.returncode, 1)
    check(path in done.stderr and "colour" in done.stderr, f"vsmctl says: {done.stderr}")
    check_equal("state", sm.status()["state"], "master")


@suite.test("a reload that changes options: by vsmctl and by SIGHUP it says which", weight=2)
def reload_good(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim, options={"sweep.interval": 1000}).start().wait_ready()
    sets = sm.sets()
    sm.options.update({"sweep.interval": 2, "subnet.lmc": 1})
    sm.config()
    done = world.run([lib.VSMCTL, "--socket", sm.socket, "--json", "reload"])
    check_equal(f"exit code of vsmctl ({done.stderr})", done.returncode, 0)
    found = {each["option"]: each for each in json.loads(done.stdout)["changes"]}
    check_equal("options", sorted(found), ["subnet.lmc", "sweep.interval"])
    interval = found["sweep.interval"]
    check_equal("values", (interval["before"], interval["after"]), ("1000", "2"))
    check_equal("restart", [found[each]["needs_restart"] for each in sorted(found)], [True, False])
    check("sweep.interval: 1000 is now 2" in sm.output(), f"the log says: {sm.output()}")
    before = sm.status()["sweeps"]
    lib.wait_until("sweeps at the new interval", lambda: sm.status()["sweeps"] > before + 2, 20)

    sm.options["sweep.interval"] = 900
    sm.config()
    sm.process.send_signal(lib.signal.SIGHUP)
    lib.wait_until("the log names it",
                   lambda: "sweep.interval: 2 is now 900" in sm.output(), 10)
    check(sm.output().count("(needs a restart)") == 2, f"the log says: {sm.output()}")
    check_equal("Sets", sm.sets(), sets)
    check_equal("state", sm.status()["state"], "master")


@suite.test("no InfiniBand device: exit code 3 and a sentence")
def no_device(world):
    if os.path.exists("/sys/class/infiniband"):
        raise Skip("this machine has InfiniBand devices")
    found = run(world, "-c", conf(world, ""), "--once", "--state-dir", world.folder("state"))
    check_refused(found, NO_DEVICE, "InfiniBand")


@suite.for_each("a port that is not there: {}", [
    ("--device", (["--device", "mlx5_7"], "on mlx5_7: there is no such device, but ibsim0.")),
    ("--device with a port", (["--device", "ibsim0:9"], "port 9 on ibsim0")),
    ("--port-guid", (["--port-guid", "0xdeadbeef"], "0x00000000deadbeef"))])
def no_such_port(world, case):
    arguments, named = case
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim)
    check_equal(f"exit code ({sm.output()})", sm.once(*arguments), NO_DEVICE)
    check_equal(f"sentences in: {sm.output()}", len(sentences(sm.output())), 1)
    check(named in sm.output(), f"no {named!r} in: {sm.output()}")


@suite.for_each("the port chosen with {} is used", [
    ("--device", ["--device", "ibsim0"]), ("--device and port", ["--device", "ibsim0:1"]),
    ("--port-guid", ["--port-guid", "0x100001"])])
def chosen_port(world, arguments):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim)
    check_equal("exit code", sm.once(*arguments), 0)
    sim.check_up()


@suite.test("the control socket is in use: the second vsm says so, the first goes on", weight=3)
def socket_in_use(world):
    sim = lib.Simulator(world, fabrics.fat_tree_2(4).build())
    first = vsm(world, sim).start().wait_ready()
    second = vsm(world, sim, host="H00005")
    second.socket = first.socket
    code = second.start().wait_end(20)
    check(code in (1, 2), f"exit code {code}: {second.output()}")
    check(first.socket in second.output(), f"no path in: {second.output()}")
    check_equal("Sets of the second", second.sets() if os.path.exists(second.counts) else {}, {})
    check_equal("state", first.status()["state"], "master")


@suite.test("a socket file that a dead vsm left is no obstacle", weight=2)
def socket_left(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim).start().wait_ready()
    sm.kill()
    check(os.path.exists(sm.socket), "no socket file is left")
    sm.start().wait_ready()
    check_equal("state", sm.status()["state"], "master")


@suite.for_each("the state directory {}: vsm does not start, and says which", [
    ("is a file", lambda world: world.write("state", "x")),
    ("is below a file", lambda world: os.path.join(world.write("state", "x"), "below")),
    ("cannot be made", lambda world: "/proc/vsm-state")])
def bad_state_dir(world, make):
    path = make(world)
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim)
    sm.state = path
    code = sm.once()
    check(code in (1, 2), f"exit code {code}: {sm.output()}")
    check(path in sm.output(), f"no path in: {sm.output()}")
    check_equal(f"sentences in: {sm.output()}", len(sentences(sm.output())), 1)


@suite.for_each("the state directory is on a read-only disk, {}: vsm does not start, and says which", [
    ("with a database", True), ("and empty", False)])
def read_only(world, is_used):
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        raise Skip("this may not make a namespace")
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim)
    os.makedirs(sm.state, exist_ok=True)
    if is_used:
        check_equal("exit code", sm.once(), 0)
    before = sm.output()
    sm.spawn(["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"',
              sm.state, lib.VSM, "-c", sm.config(), "--once", "--state-dir", sm.state])
    code = sm.wait_end(60)
    said = sm.output()[len(before):]
    check(code in (1, 2), f"exit code {code}: {said}")
    check(sm.state in said and "ead-only" in said, said)
    check_equal(f"sentences in: {said}", len(sentences(said)), 1)


def as_nobody(world, *argv):
    """Run it as a user without rights."""
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    os.chmod(world.dir, 0o755)
    return subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                           *argv], capture_output=True, text=True, cwd=world.dir, timeout=30,
                          check=False)


@suite.test("somebody without rights starts vsm: a sentence about access, no crash")
def not_root(world):
    state = world.folder("state")
    os.chmod(state, 0o700)
    done = as_nobody(world, lib.VSM, "-c", conf(world, ""), "--once", "--state-dir", state)
    said = done.stdout + done.stderr
    if done.returncode == 126 or done.returncode == 127:
        raise Skip("the program is out of their reach")
    check(done.returncode in (1, 2, 3), f"exit code {done.returncode}: {said}")
    check_equal(f"sentences in: {said}", len(sentences(said)), 1)
    check(state in said, f"no path in: {said}")


@suite.test("somebody without rights uses vsmctl: exit code 5, or 3 if the socket is out of reach")
def vsmctl_denied(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim).start().wait_ready()
    done = as_nobody(world, lib.VSMCTL, "--socket", sm.socket, "reload")
    if done.returncode == 126 or done.returncode == 127:
        raise Skip("the program is out of their reach")
    check(done.returncode in (3, 5), f"exit code {done.returncode}: {done.stderr}")
    check_equal(f"sentences in: {done.stderr}", len(sentences(done.stderr)), 1)


@suite.for_each("vsmctl {}", [
    ("with an unknown verb: 2", (["zebra"], 2)),
    ("with an unknown option: 2", (["--zebra", "status"], 2)),
    ("explain of an unknown name: 4", (["explain", "zebra"], 4)),
    ("explain of an unknown GUID: 4", (["explain", "0xdeadbeef"], 4)),
    ("path to an unknown LID: 4", (["path", "1", "999"], 4)),
    ("status: 0", (["status"], 0)), ("version: 0", (["version"], 0))])
def vsmctl(world, case):
    words, code = case
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim).start().wait_ready()
    done = world.run([lib.VSMCTL, "--socket", sm.socket, *words])
    check_equal(f"exit code ({done.stderr.strip()})", done.returncode, code)
    check(bool(done.stderr.strip()) == (code != 0), f"it says: {done.stderr}")


@suite.for_each("{} descriptors: vsm says what it cannot do, and ends", [
    (str(n), n) for n in range(4, 12)])
def few_descriptors(world, n):
    done = world.run(["prlimit", f"--nofile={n}", lib.VSM, "-c", conf(world, ""), "--once",
                      "--state-dir", world.folder("state")])
    said = done.stdout + done.stderr
    if "error while loading shared libraries" in said:
        raise Skip("too few to load it")
    check(done.returncode in (1, NO_DEVICE), f"exit code {done.returncode}: {said}")
    check_equal(f"sentences in: {said}", len(sentences(said)), 1)


@suite.test("descriptors 0 to 2 are closed: no file of vsm's gets their numbers")
def closed_descriptors(world):
    state = world.folder("state")
    process = world.spawn(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", lib.VSM, "-c",
                           conf(world, ""), "--state-dir", state, "--socket", world.path("s")],
                          {}, "vsm.log")
    lib.wait_until("the socket is there", lambda: os.path.exists(world.path("s")), 20)
    for number in range(3):
        check_equal(f"descriptor {number}", os.readlink(f"/proc/{process.pid}/fd/{number}"),
                    "/dev/null")
    check_equal("exit code", world.stop(process), 0)
    check_equal("size of vsm.lock", os.path.getsize(os.path.join(state, "vsm.lock")), 0)


@suite.test("files may not grow: vsm goes on, as with a full disk", weight=2)
def no_growth(world):
    sim = lib.Simulator(world, fabrics.one_switch().build())
    sm = vsm(world, sim).start().wait_ready()
    resource.prlimit(sm.process.pid, resource.RLIMIT_FSIZE, (100, 100))
    name = sim.snapshot().hosts()[-1].name
    nodes = sm.status()["nodes"]
    sim.unlink(name)
    sm.wait_status("the host is gone", lambda status: status["nodes"] < nodes)
    sim.relink(name)
    sim.wait_up(20)
    check_equal("state", sm.status()["state"], "master")
    check_equal("LID reserved", sm.ctl("vf", "add", "0x1234", code=None), None)
    sm.ctl("sweep")
    lib.wait_until("systemd is told", lambda: "Cannot write to vsm.db" in sm.told("STATUS"), 20)


@suite.test("vsmctl without a daemon: exit code 3 and a sentence with the socket")
def no_daemon(world):
    if not os.path.exists(lib.VSMCTL):
        raise Skip("vsmctl is not built")
    done = world.run([lib.VSMCTL, "--socket", world.path("none"), "status"])
    check_equal("exit code", done.returncode, 3)
    check(world.path("none") in done.stderr, f"it says: {done.stderr}")
