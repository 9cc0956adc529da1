# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rig of the tests on ibsim: simulators, subnet managers, other people's tools.

Each test has a World: a scratch directory and the processes that it started, both gone when it
ends. A Simulator is one ibsim with a name of its own, so any number run side by side; its console
pulls cables and drops packets, and its dump is the one view of the fabric that no subnet manager
had a hand in. Vsm and Opensm run on it and look the same to a test.

Nothing here sleeps for a fixed time: wait_until() looks until what is expected is there, or a
deadline passes. VSM_TEST_PATIENCE multiplies the deadlines, for slow machines and sanitizers.
"""

import contextlib
import ctypes
import functools
import itertools
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

PATIENCE = float(os.environ.get("VSM_TEST_PATIENCE", "1"))
TOOL_SECONDS = 60
TRIES = 4  # of a tool whose question nobody answers

METHODS = ("Get", "Set", "other")
ATTRIBUTES = {0x02: "Notice", 0x10: "NodeDescription", 0x11: "NodeInfo", 0x12: "SwitchInfo",
              0x14: "GUIDInfo", 0x15: "PortInfo", 0x16: "P_KeyTable", 0x17: "SLtoVLMappingTable",
              0x18: "VLArbitrationTable", 0x19: "LinearForwardingTable",
              0x1b: "MulticastForwardingTable", 0x20: "SMInfo",
              0xff: "MlnxExtPortInfo"}  # what count-smps.c counts last: all that is beyond

names = itertools.count(1)


class Failure(Exception):
    """Something is not as it must be."""


class Skip(Exception):
    """The test cannot run here."""


def check(condition, sentence):
    if not condition:
        raise Failure(sentence)


def check_equal(what, found, expected):
    if found != expected:
        raise Failure(f"{what}: {found!r} instead of {expected!r}")


def check_empty(what, things, shown=5):
    things = list(things)
    if things:
        more = f" and {len(things) - shown} more" if len(things) > shown else ""
        raise Failure(f"{what}: {'; '.join(str(thing) for thing in things[:shown])}{more}")


def deadline(seconds):
    return time.monotonic() + seconds * PATIENCE


def wait_until(what, condition, seconds):
    """What condition() returns as soon as that is true. A Failure in it counts as "not yet"."""
    end = deadline(seconds)
    pause = 0.002
    while True:
        why = ""
        try:
            result = condition()
            if result:
                return result
        except Failure as failure:
            why = f"; {failure}"
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s{why}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def find_program(*places):
    for place in places:
        found = shutil.which(place) or shutil.which(place, path="/usr/sbin:/sbin:/usr/bin:/bin")
        if found:
            return found
    return None


def find_preload():
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                   "/usr/lib", "/usr/local/lib"):
        path = os.path.join(folder, "umad2sim", "libumad2sim.so")
        if os.path.exists(path):
            return path
    return None


def built(path):
    """A file of the build directory."""
    top = os.environ.get("top_builddir") or os.path.join(os.path.dirname(__file__), "..", "..")
    return os.path.abspath(os.path.join(top, path))


IBSIM = find_program("ibsim")
VSM_SIM = built("tests/sim/vsm-sim")
# What the tests run on: ibsim, vsm-sim, or the path of one of them.
SIM = {"": IBSIM, "ibsim": IBSIM, "vsm-sim": VSM_SIM}.get(
    os.environ.get("VSM_TEST_SIM", ""), os.environ.get("VSM_TEST_SIM"))
OPENSM = find_program("opensm")
# VSM_TEST_PRELOAD=umad: everybody runs on libvsm-umad.so instead of ibsim's own libumad2sim.so.
OURS = os.environ.get("VSM_TEST_PRELOAD") == "umad"
VSM_UMAD = built("libvsm-umad.so")
UMAD2SIM = VSM_UMAD if OURS else find_preload()
VSM_RUN = built("vsm-run")
VSM = os.environ.get("VSM") or built("vsm")
VSMCTL = os.environ.get("VSMCTL") or built("vsmctl")
COUNT_SMPS = built("tests/bench/count-smps.so")


@functools.cache
def sanitizer_preload(program):
    """The runtime that a vsm built with sanitizers wants loaded before everything else."""
    if not os.path.exists(program):
        return []
    shown = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"=> (\S*/libasan\S*)", shown)


# ---- processes ----------------------------------------------------------------------------------


DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "env")
CLONE_NEWNET = 0x40000000
QUEUE = 512  # what systemd sets; the kernel's own default is 10


def private_network():
    """A network namespace of our own with long queues for datagrams, before any thread is made.

    ibsim and libumad2sim talk by Unix datagrams and both wait when the other's queue is full, with
    locks held: with a queue of 10 they wait for each other for ever.
    """
    limit = "/proc/sys/net/unix/max_dgram_qlen"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) == 0:
        with contextlib.suppress(OSError), open(limit, "w", encoding="ascii") as file:
            file.write(str(QUEUE))
    with open(limit, encoding="ascii") as file:
        if int(file.read()) < QUEUE:
            print(f"# {limit} is below {QUEUE}: ibsim may stand still", flush=True)


class World:
    """The scratch directory and the processes of one test."""

    open = set()

    def __init__(self, name):
        self.open.add(self)
        self.dir = tempfile.mkdtemp(prefix=f"vsm-{name}-"[:40])
        self.processes = []
        self.notes = []

    def note(self, text):
        """Shown if the test fails."""
        self.notes.append(text)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def folder(self, name):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def spawn(self, argv, env, log, **options):
        """Start a process that dies with this one; what it says goes to the file log."""
        options.setdefault("stdin", subprocess.DEVNULL)
        variables = [f"{name}={value}" for name, value in env.items()]
        argv = [*DIES_WITH_US, *variables, *argv]
        with open(self.path(log), "ab") as file:
            options.setdefault("stdout", file)
            process = subprocess.Popen(argv, stderr=file, cwd=self.dir, **options)
        self.processes.append(process)
        return process

    def run(self, argv, env=None, seconds=TOOL_SECONDS, text=None):
        """Run a tool to its end; the CompletedProcess with stdout and stderr as text. Tools ask once or
        twice and wait for a second, which a busy machine may need: who was told nothing asks again."""
        for _ in range(TRIES):
            try:
                done = subprocess.run(argv, env={**os.environ, **(env or {})}, cwd=self.dir,
                                      capture_output=True, text=True, errors="replace", input=text,
                                      stdin=None if text is not None else subprocess.DEVNULL,
                                      timeout=seconds * PATIENCE, check=False)
            except subprocess.TimeoutExpired as expired:
                raise Failure(f"{' '.join(argv)}: still running after {seconds} s") from expired
            if "Connection timed out" not in done.stdout + done.stderr:
                break
        return done

    def stop(self, process, how=signal.SIGTERM, seconds=20):
        """End a process; its exit code. One that does not go by itself is killed, and a failure."""
        if process.poll() is None:
            process.send_signal(how)
        try:
            code = process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired as expired:
            process.kill()
            process.wait()
            raise Failure(f"{process.args[-1]}: did not end within {seconds} s") from expired
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        if process in self.processes:
            self.processes.remove(process)
        return code

    def end_processes(self):
        for process in reversed(list(self.processes)):
            with contextlib.suppress(Failure):
                self.stop(process, signal.SIGKILL)

    def close(self):
        self.end_processes()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.open.discard(self)

    @classmethod
    def close_all(cls):
        for world in list(cls.open):
            world.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


# ---- the simulator ------------------------------------------------------------------------------


class Port:
    """A port as ibsim's dump shows it."""

    __slots__ = ("node", "number", "guid", "peer", "lid", "lmc", "smlid", "state", "linked")

    def __str__(self):
        return f"{self.node.name}[{self.number}] {self.state}, LID {self.lid}"


class Node:
    __slots__ = ("name", "kind", "guid", "ports", "linear_top")

    def __str__(self):
        return self.name


class Snapshot:
    """The fabric as ibsim's dump shows it."""

    NODE = re.compile(r'^(Switch|Ca|Router)\s+(\d+) "([^"]*)"\s+nodeguid ([0-9a-f]+)')
    TABLE = re.compile(r"^#\s+linearcap \d+ FDBtop (\d+)")
    PORT = re.compile(r'^([0-9a-f]+)\s+\[(\d+)\]\s+(?:"([^"]*)"\[(\d+)\])?'
                      r"\s*(?:lid (\d+) lmc (\d+) smlid (\d+))?.*\s(\w+)/(\w+)\s*(?:#.*)?$")

    def __init__(self, text):
        self.nodes = {}
        node = None
        for line in text.splitlines():
            if line.startswith("#"):
                match = self.TABLE.match(line)
                if match and node:
                    node.linear_top = int(match[1])
            elif match := self.NODE.match(line):
                node = self._node(match)
            elif match := self.PORT.match(line):
                self._port(node, match)

    def _node(self, match):
        node = Node()
        node.kind, node.name = match[1], match[3]
        node.guid = int(match[4], 16)
        node.ports = {}
        node.linear_top = 0
        self.nodes[node.name] = node
        return node

    @staticmethod
    def _port(node, match):
        port = Port()
        port.node, port.number, port.guid = node, int(match[2]), int(match[1], 16)
        port.peer = (match[3], int(match[4])) if match[3] and port.number else None
        port.lid, port.lmc, port.smlid = (int(match[n] or 0) for n in (5, 6, 7))
        port.state, port.linked = match[8], match[9] == "LinkUp"
        node.ports[port.number] = port

    def port(self, name, number):
        return self.nodes[name].ports[number]

    def switches(self):
        return [node for node in self.nodes.values() if node.kind == "Switch"]

    def hosts(self):
        return [node for node in self.nodes.values() if node.kind == "Ca"]

    def reachable(self, start):
        """Names of the nodes that packets from the first port of the node start can get to."""
        first = self.nodes[start]
        seen = {start}
        edge = [first] if first.kind == "Switch" else []
        if not edge and first.ports[min(first.ports)].peer:
            edge = [self.nodes[first.ports[min(first.ports)].peer[0]]]
            seen.add(edge[0].name)
        while edge:
            node = edge.pop()
            for port in node.ports.values() if node.kind == "Switch" else ():
                if port.peer and port.linked and port.peer[0] not in seen:
                    seen.add(port.peer[0])
                    edge.append(self.nodes[port.peer[0]])
        return seen

    def linked_ports(self, start):
        """Ports that a subnet manager on the node start has to bring up."""
        seen = self.reachable(start)
        return [port for name in seen for port in self.nodes[name].ports.values()
                if port.number and port.peer and port.linked and port.peer[0] in seen]

    def end_ports(self, start):
        """Ports that have a LID: linked host ports and switch ports 0."""
        seen = self.reachable(start)
        ports = [port for port in self.linked_ports(start) if port.node.kind != "Switch"]
        return ports + [self.nodes[name].ports[0] for name in seen
                        if self.nodes[name].kind == "Switch"]

    def lids(self, start):
        """LIDs of end ports by port GUID."""
        return {port.guid: port.lid for port in self.end_ports(start)}


class Simulator:
    """One ibsim, or vsm-sim. host: the node whose first port its clients sit on. options: further
    ones for the program."""

    PROMPT = b"sim> "

    def __init__(self, world, fabric, host=None, linear_cap=None, program=None,
                 options=()):
        self.program = program or SIM
        if not self.program or not os.path.exists(self.program) or not UMAD2SIM:
            raise Skip("ibsim-utils (or vsm-sim) and libumad2sim0 are not there")
        self.has_stream = os.path.basename(self.program) == "vsm-sim"
        self.world = world
        self.fabric = fabric
        self.name = f"vsm-{os.getpid()}-{next(names)}"
        self.host = host or fabric.default_host()
        self.preload = UMAD2SIM
        self.net = world.write(f"{self.name}.net", fabric.text)
        self.limits = ["-N", str(fabric.n_nodes + 16), "-S", str(fabric.n_switches + 16),
                       "-P", str(fabric.n_ports + 64)]
        if linear_cap:
            self.limits += ["-L", str(linear_cap)]
        self.limits += options
        self.process = None
        self.start()

    def start(self):
        self.process = self.world.spawn([self.program, "-s", *self.limits, self.net],
                                        {"IBSIM_SOCKNAME": self.name}, "ibsim.log",
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._read_to_prompt(60)
        wait_until("ibsim listens", self._listens, 20)

    def _listens(self):
        """The prompt comes before the sockets, and a client that is too early waits for 2 s."""
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
            names = file.read()
        # ibsim opens the last of these last; vsm-sim opens it when the client comes.
        return f"@{self.name}:out9" in names or f"@{self.name}:stream" in names

    def stop(self):
        self.world.stop(self.process, signal.SIGKILL)

    def _read_to_prompt(self, seconds):
        out = bytearray()
        end = deadline(seconds)
        stdout = self.process.stdout.fileno()
        while not out.endswith(self.PROMPT):
            left = end - time.monotonic()
            if left <= 0 or not select.select([stdout], [], [], left)[0]:
                raise Failure("ibsim: no prompt")
            part = os.read(stdout, 1 << 20)
            if not part:
                raise Failure(f"ibsim ended: {self.world.read('ibsim.log')[-300:]}")
            out += part
        return out[:-len(self.PROMPT)].decode(errors="replace")

    def command(self, line):
        """A line for ibsim's console; what it says. A complaint is a failure."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        said = self._read_to_prompt(60)
        if "not found" in said or "not linked" in said or "rror:" in said:
            raise Failure(f"ibsim: {line}: {said.strip()}")
        return said

    def unlink(self, name, port=None):
        self.command(f'Unlink "{name}"' + (f"[{port}]" if port else ""))

    def relink(self, name, port=None):
        self.command(f'ReLink "{name}"' + (f"[{port}]" if port else ""))

    def drop(self, name, percent, port=None):
        """Lose so many of the packets that pass the node."""
        self.command(f'Error "{name}"' + (f"[{port}]" if port else "") + f" {percent}")

    def snapshot(self):
        return Snapshot(self.command("Dump"))

    def env(self, host=None, preload=()):
        return {"IBSIM_SOCKNAME": self.name, "SIM_HOST": host or self.host,
                "LD_PRELOAD": ":".join([*preload, self.preload])}

    def tool(self, *argv, host=None, seconds=TOOL_SECONDS, code=0):
        """Run a tool on the fabric; what it prints. code: its exit code, None for any."""
        done = self.run(*argv, host=host, seconds=seconds)
        if code is not None and done.returncode != code:
            said = (done.stderr or done.stdout).strip()[-400:]
            raise Failure(f"{' '.join(map(str, argv))}: exit code {done.returncode}: {said}")
        return done.stdout

    def run(self, *argv, host=None, seconds=TOOL_SECONDS):
        """Run a tool on the fabric, to see how it ends."""
        program = find_program(argv[0])
        if not program:
            raise Skip(f"{argv[0]} is not installed")
        return self.world.run([program, *map(str, argv[1:])], self.env(host), seconds)

    def check_up(self, snapshot=None):
        """All linked ports Active, all end ports with LIDs of their own, everybody with one SM."""
        snapshot = snapshot or self.snapshot()
        check_empty("ports not Active", (port for port in snapshot.linked_ports(self.host)
                                         if port.state != "Active"))
        owners = {}
        for port in snapshot.end_ports(self.host):
            check(port.lid, f"{port}: no LID")
            for lid in range(port.lid, port.lid + (1 << port.lmc)):
                check(lid not in owners, f"LID {lid}: {port} and {owners.get(lid)}")
                owners[lid] = port
        masters = {port.smlid for port in snapshot.end_ports(self.host)}
        check(len(masters) == 1, f"LIDs of the SM: {sorted(masters)}")
        return snapshot

    def wait_up(self, seconds):
        return wait_until("all linked ports Active", self.check_up, seconds)


# ---- subnet managers ----------------------------------------------------------------------------


class Manager:
    """A subnet manager on a simulator. Subclasses say how it is started and how it says "up"."""

    name = ""

    def __init__(self, world, sim, host=None):
        self.world = world
        self.sim = sim
        self.host = host or sim.host
        self.number = next(names)
        self.log = f"{self.name}-{self.number}.log"
        self.dumps = world.folder(f"dumps-{self.number}")
        self.state = world.folder(f"state-{self.number}")
        self.counts = world.path(f"counts-{self.number}")
        self.extra_env = {}
        self.process = None

    def output(self):
        return self.world.read(self.log)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def sanitizer_env(self):
        """libumad2sim reads past the end of its own records; that is not ours to report."""
        path = self.world.write("suppressions", "interceptor_via_lib:libumad2sim.so\n"
                                "interceptor_name:write\n")
        return {"ASAN_OPTIONS": f"suppressions={path}:detect_leaks=0"}

    def spawn(self, argv, env=None):
        preload = sanitizer_preload(VSM) if argv[0] == VSM else []
        env = {**(self.sanitizer_env() if preload else {}), **(env or {})}
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.counts)
        if os.path.exists(COUNT_SMPS):
            preload.append(COUNT_SMPS)
        variables = {**self.sim.env(self.host, preload), "SMP_COUNTS": self.counts,
                     **self.extra_env, **env}
        self.process = self.world.spawn(argv, variables, self.log)

    def sent(self):
        """SMPs that it has sent since its start: {(method, attribute): number}."""
        if not os.path.exists(COUNT_SMPS):
            raise Skip("tests/bench/count-smps.so is not built")
        if not os.path.exists(self.counts):
            return {}
        with open(self.counts, "rb") as file:
            data = file.read(3 * 256 * 8)
        if len(data) < 3 * 256 * 8:  # it is just being made
            return {}
        numbers = struct.unpack(f"{3 * 256}Q", data)
        return {(METHODS[n // 256], ATTRIBUTES.get(n % 256, f"0x{n % 256:02x}")): number
                for n, number in enumerate(numbers) if number}

    def answered(self, attribute):
        """When the last answer to a Set of it came in, on the clock of time.monotonic(); 0: none yet."""
        with open(self.counts, "rb") as file:
            file.seek((3 * 256 + attribute) * 8)
            return struct.unpack("Q", file.read(8))[0] / 1e9

    def sets(self):
        """The Sets among them, TrapRepress aside: {attribute: number}."""
        return {attribute: number for (method, attribute), number in self.sent().items()
                if method == "Set"}

    def stop(self):
        """End it as systemd would; its exit code."""
        return self.world.stop(self.process)

    def kill(self):
        self.world.stop(self.process, signal.SIGKILL)

    def wait_end(self, seconds):
        """Its exit code when it has ended by itself."""
        try:
            code = self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired as expired:
            raise Failure(f"{self.name}: still running after {seconds} s") from expired
        self.world.stop(self.process)
        return code

    def dump_path(self, name, seconds=20):
        """Of one of its dump files, once they show the fabric as it is."""
        path = os.path.join(self.dumps, name)
        wait_until(f"{self.name} writes {name}",
                   lambda: os.path.exists(path) and self.wrote_dumps(), seconds)
        return path

    def wrote_dumps(self):
        """Has nothing been written there for a moment?"""
        with contextlib.suppress(FileNotFoundError):
            files = list(os.scandir(self.dumps))
            newest = max(file.stat().st_mtime for file in files)
            return (newest < time.time() - 0.1
                    and not any(file.name.endswith(".new") for file in files))
        return False

    def dump(self, name):
        """The text of one of its dump files, once they show the fabric as it is."""
        with open(self.dump_path(name), encoding="utf-8", errors="replace") as file:
            return file.read()


class Opensm(Manager):
    name = "opensm"

    def __init__(self, world, sim, host=None, options=None):
        super().__init__(world, sim, host)
        if not OPENSM:
            raise Skip("opensm is not installed")
        lines = {"sweep_interval": 1, "force_log_flush": "TRUE", "log_flags": "0x43",
                 "log_file": world.path(f"opensm-{self.number}.messages"),
                 "dump_files_dir": self.dumps + "/", **(options or {})}
        self.config = world.write(f"opensm-{self.number}.conf",
                                  "".join(f"{key} {value}\n" for key, value in lines.items()))

    def start(self):
        self.spawn([OPENSM, "--config", self.config],
                   {"OSM_CACHE_DIR": self.state, "OSM_TMP_DIR": self.dumps})
        return self

    def messages(self):
        return self.world.read(f"opensm-{self.number}.messages")

    def wait_ready(self, seconds=60):
        wait_until("opensm says SUBNET UP", lambda: "SUBNET UP" in self.messages(), seconds)
        return self

    def wait_quiet(self, seconds=60):
        """Until it has not sweeped for a moment: switches tell it of the links that came up before
        it did, and it looks at everything once more."""
        wait_until("opensm is quiet", lambda: "SUBNET UP" in self.messages() and time.time() > 1.5 +
                   os.stat(self.world.path(f"opensm-{self.number}.messages")).st_mtime, seconds)
        return self


class Vsm(Manager):
    """vsm. options: lines of vsm.conf by path ("sweep.interval"); text: all of it instead."""

    name = "vsm"

    def __init__(self, world, sim, host=None, options=None, text=None):
        super().__init__(world, sim, host)
        if not os.path.exists(VSM):
            raise Skip("vsm is not built")
        sanitizer_preload(VSM)  # it takes longer to know than vsm to start, which benches time
        self.socket = world.path(f"s{self.number}")
        self.options = {"sweep.interval": 1, "files.dump_dir": self.dumps, **(options or {})}
        self.text = text
        self.notify = None
        self.said = {}

    def config(self):
        text = self.text if self.text is not None else conf_text(self.options)
        return self.world.write(f"vsm-{self.number}.conf", text)

    def start(self, *arguments):
        self.said = {}
        self._listen()
        self.spawn([VSM, "-c", self.config(), "--state-dir", self.state,
                    "--socket", self.socket, *arguments],
                   {"NOTIFY_SOCKET": self.notify.getsockname()})
        return self

    def _listen(self):
        """Where systemd would be told what goes on."""
        if self.notify:
            self.notify.close()
        path = self.world.path(f"n{self.number}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.notify.bind(path)

    def _hear(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                for line in self.notify.recv(4096).decode(errors="replace").splitlines():
                    key, _, value = line.partition("=")
                    self.said[key] = value

    def told(self, key):
        """What systemd was last told of it."""
        self._hear()
        return self.said.get(key, "")

    def why_stuck(self):
        """A word about a deadlock that is not vsm's: libumad2sim waits, with its lock held, until
        ibsim takes a datagram, and ibsim until libumad2sim takes one. Both do once more than some
        330 requests are under way (two socket buffers of 167 datagrams)."""
        tasks = f"/proc/{self.process.pid}/task"
        with contextlib.suppress(OSError):
            for task in os.listdir(tasks):
                with open(f"{tasks}/{task}/wchan", encoding="ascii") as file:
                    if "sock_alloc_send" in file.read():
                        return "it is stuck in a send to ibsim: more than 330 requests under way"
        return ""

    def is_ready(self):
        self._hear()
        if "READY" not in self.said and not self.running():
            raise Failure(f"vsm ended: {self.output()[-300:].strip()}")
        # Ready to systemd, which is not to wait with it, but not to us.
        check("waiting" not in self.said.get("STATUS", ""), self.said.get("STATUS"))
        return "READY" in self.said

    def wait_ready(self, seconds=60):
        try:
            wait_until("vsm says READY", self.is_ready, seconds)
        except Failure as failure:
            raise Failure(f"{failure} {self.why_stuck()}") from failure
        return self

    def once(self, *arguments, seconds=60):
        """Run with --once; the exit code."""
        return self.start("--once", *arguments).wait_end(seconds)

    def ctl(self, *words, code=0):
        """What vsmctl --json says, decoded; None if it printed nothing."""
        done = self.world.run([VSMCTL, "--socket", self.socket, "--json", *words])
        if code is not None and done.returncode != code:
            raise Failure(f"vsmctl {' '.join(words)}: exit code {done.returncode}: "
                          f"{(done.stderr or done.stdout).strip()[-300:]}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def ctl_text(self, *words, code=0):
        done = self.world.run([VSMCTL, "--socket", self.socket, *words])
        if code is not None and done.returncode != code:
            raise Failure(f"vsmctl {' '.join(words)}: exit code {done.returncode}: "
                          f"{(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout

    def status(self):
        """Also of one that is in trouble."""
        return self.ctl("status", code=None) or self.ctl("status")

    def wrote_dumps(self):
        """Do they show what it says now? (One that has ended has written all that it will.)"""
        if not self.running():
            return True
        status = self.status()
        check(status["phase"] == "rest", f"phase {status['phase']}")
        check_equal("dumped", status["dumped"], status["generation"])
        return True

    def wait_status(self, what, condition, seconds=30):
        """The status as soon as it is so."""
        def look():
            status = self.status()
            return status if condition(status) else None
        return wait_until(what, look, seconds)


def conf_text(options):
    """vsm.conf from a dict of "group.key"."""
    groups = {}
    for path, value in options.items():
        group, _, key = path.rpartition(".")
        groups.setdefault(group, []).append(f"{key} = {conf_value(value)};\n")
    text = "".join(groups.pop("", []))
    for group, lines in groups.items():
        text += f"{group} = {{\n" + "".join("\t" + line for line in lines) + "};\n"
    return text


def conf_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + "".join(f"{key} = {conf_value(one)}; " for key, one in value.items()) + "}"
    if isinstance(value, list) and isinstance(value[0], (dict, list)):
        return "( " + ", ".join(conf_value(one) for one in value) + " )"
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(conf_value(one) for one in value) + " ]"
    return str(value) if isinstance(value, int) else json.dumps(value)
