# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""vsm-sim itself: against ibsim, and what its server and its console promise.

The comparison runs other people's tools on both simulators and takes every line that is not the
same for a failure, unless DIFFERENCES has it, with the reason why ours is the right one.
"""

import contextlib
import fcntl
import glob
import os
import re
import signal
import socket
import struct
import subprocess
import time

import fabrics
import lib
from lib import check, check_empty, check_equal, wait_until
from suite import Suite

suite = Suite()
tests = suite.tests

EXAMPLES = sorted(path for path in glob.glob("/usr/share/doc/ibsim-utils/net-examples/*")
                  if not path.endswith("README"))

# Lines that may differ (a pattern of them), and why.
DIFFERENCES = [
    # ibnetdiscover and iblinkinfo show links; ours train to the best that both ends can.
    (r"\d+x[A-Z]+\d*$", "links train as hardware's do; ibsim's begin at 4x SDR"),
    (r"==\(.*\)==>", "the same, as iblinkinfo shows it"),
    (r"^Link(Width|Speed)", "the same, in PortInfo"),
    (r"^Switch\s.*(base|enhanced) port 0", "a switch of today has an enhanced port 0"),
    (r"^(vendid=|VendorId:)", "a device has a vendor; ibsim's is 0 where the file names none"),
    (r"^Revision:", "ibsim's 0xa1 is that of an old device"),
    (r"^PartCap:", "ibsim's switches have 8 P_Keys, today's have more"),
    (r"^(GidPrefix|MkeyLeasePeriod|SubnetTimeout|NeighborMTU|VLStallCount|HoqLife|OperVLs|"
     r"MtuCap|RespTimeVal|VLCap|VLHighLimit|VLArb\w+Cap|GuidCap|InitReply|LinkDownDefState):",
     "as at power-up; ibsim starts with values that no SM has set"),
    (r"^CapMask:|^CapabilityMask2?:|^Is\w+$", "capabilities of the devices that we model"),
    (r"^(Lft|Random|Mcast|Linear|Def)\w*:|^(LifeTime|StateChange|PartEnforceCap|LidsPerPort):",
     "capacities, and what is 0 at power-up"),
    (r"^(InboundPartEnf|OutboundPartEnf|FilterRaw\w+|EnhancedPort0|OptSLtoVLMapping):",
     "capabilities of a switch"),
    (r"^(StateChangeEnable|LinkSpeed\w+):|mlnxext|[Ee]xt [Pp]ort [Ii]nfo|ext port info",
     "only devices that can FDR10 have MLNX ExtPortInfo; ibsim answers for all"),
    (r"PKey|pkey|^\s*\d+: ", "tables as large as the device says, 0xffff at power-up"),
    (r"No VLArbitration tables", "only of a base port 0 there are none"),
    (r"^ports:|^#ports|SL\s*\||VL\s*:|^WEIGHT|LowCap|HighCap|^#\s*(Low|High) priority",
     "lanes one to one, arbitration as at power-up"),
    (r"^Counter|^Port\w+:|^(Symbol|Link|Local|Excessive|QP1|VL15)\w+:",
     "what tools send is counted; ibsim counts little"),
    (r"^CounterSelect2?:|^PortSelect:", "as the request had it"),
]


def vsm_sim(world, fabric, host=None):
    return lib.Simulator(world, fabric, host, program=lib.VSM_SIM)


# ---- against ibsim ------------------------------------------------------------------------------


def queries(sim):
    """(what, argv) of all that is compared."""
    yield "ibnetdiscover", ["ibnetdiscover"]
    yield "iblinkinfo", ["iblinkinfo"]
    for path in ("0", "0,1"):
        for attribute in ("nodeinfo", "nodedesc", "switchinfo", "guidinfo"):
            yield f"{attribute} {path}", ["smpquery", "-D", attribute, path]
        for port in ("0", "1", "2"):
            for attribute in ("portinfo", "pkeys", "sl2vl", "vlarb", "mlnxextportinfo"):
                yield (f"{attribute} {path} {port}", ["smpquery", "-D", attribute, path, port])
    yield "perfquery", ["perfquery", str(sim.compare_lid), "1"]
    yield "perfquery -x", ["perfquery", "-x", str(sim.compare_lid), "1"]


def lines_of(sim, argv):
    """What a tool prints, without what differs from run to run."""
    done = sim.run(*argv)
    text = re.sub(r"ibwarn: \[\d+\] sim_connect.*\n", "", done.stdout + done.stderr)
    text = re.sub(r"\[\d+\] ", "", text)
    return {line.strip() for line in text.splitlines()
            if line.strip() and not line.startswith("# Topology file")}


def explained(line):
    return any(re.search(pattern, line) for pattern, _ in DIFFERENCES)


@suite.for_each("tools show on vsm-sim what they show on ibsim: {}",
                [(os.path.basename(path), path) for path in EXAMPLES], weight=20)
def same_as_ibsim(world, path):
    if not lib.IBSIM:
        raise lib.Skip("ibsim-utils is not installed")
    sims = [lib.Simulator(world, fabrics.read(path), program=program)
            for program in (lib.IBSIM, lib.VSM_SIM)]
    for sim in sims:
        sim.compare_lid = 5
        sim.host = sims[0].fabric.nodes[0][2]
        sim.command(f'Baselid "{sim.host}"[{0 if "Switch" in sim.host else 1}] 5')
    wrong = []
    for what, argv in queries(sims[0]):
        old, new = (lines_of(sim, argv) for sim in sims)
        wrong += [f"{what}: only ibsim: {line}" for line in old - new if not explained(line)]
        wrong += [f"{what}: only vsm-sim: {line}" for line in new - old if not explained(line)]
    check_empty("differences without a reason", wrong, 10)


# ---- ibsim's protocol, by hand ------------------------------------------------------------------

MAGIC = 0xdeadbeef
ERROR, CONNECT, DISCONNECT, GET_PORT, GET_NODEINFO, GET_PORTINFO, SET_ISSM = 0, 1, 2, 3, 7, 8, 9
GET_GID, GET_PKEYS = 5, 10
UNDELIVERED = 110


def smp(path, attribute=0x11, method=1, tid=0x1234, status=0, return_path=(), modifier=0,
        data=b""):
    """A directed-route SMP."""
    mad = bytearray(256)
    mad[0:4] = bytes([1, 0x81, 1, method])
    struct.pack_into(">H", mad, 4, status)
    mad[7] = len(path)
    struct.pack_into(">Q", mad, 8, tid)
    struct.pack_into(">H", mad, 16, attribute)
    struct.pack_into(">I", mad, 20, modifier)
    mad[64:64 + len(data)] = data
    mad[32:36] = b"\xff" * 4
    mad[129:129 + len(path)] = bytes(path)
    mad[193:193 + len(return_path)] = bytes(return_path)
    return bytes(mad)


class Client:
    """A client of ibsim's protocol, as libumad2sim is one."""

    numbers = iter(range(1_000_000, 2_000_000))

    def __init__(self, sim, node="", issm=0, qp=0):
        self.sim = sim
        self.pid = next(self.numbers)
        self.control = self.bound("ctl")
        self.control.connect(self.name("ctl", server=True))
        self.data = self.bound("in")
        self.id = 0
        self.type, data = self.ask(CONNECT, struct.pack("III32s", self.pid, qp, issm,
                                                        node.encode()))
        if self.type == CONNECT:
            self.id, = struct.unpack_from("I", data)
            self.node = data[12:44].split(b"\0")[0].decode()
            self.data.connect(self.name(f"out{self.id}", server=True))

    def name(self, what, server=False):
        return f"\0{self.sim.name}:{what}{'' if server else self.pid}\0".encode()

    def bound(self, what):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(self.name(what))
        sock.settimeout(5 * lib.PATIENCE)
        return sock

    def ask(self, kind, data=b""):
        self.control.send(struct.pack("IIII64s", MAGIC, self.id, kind, len(data), data))
        reply = self.control.recv(100)
        check_equal("length of an answer", len(reply), 80)
        return struct.unpack_from("I", reply, 8)[0], reply[16:]

    def send(self, mad, dlid=0xffff, qp=0, length=256):
        self.data.send(struct.pack(">HxxHxxIII4xQ", dlid, 0, qp, qp, 0, length) + mad)

    def receive(self):
        """(status, MAD)"""
        packet = self.data.recv(300)
        check_equal("length of a packet", len(packet), 288)
        return struct.unpack_from(">I", packet, 16)[0], packet[32:]

    def close(self):
        self.control.close()
        self.data.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def line():
    return fabrics.Fabric("line", 'Hca 2 "a"\n[1] "s"[1]\n\nSwitch 4 "s"\n[1] "a"[1]\n'
                          '[2] "b"[1]\n\nHca 1 "b"\n[1] "s"[2]\n')


@suite.test("vsm-sim: control messages of ibsim are answered")
def control(world):
    sim = vsm_sim(world, line())
    sim.command('Baselid "b"[1] 77')
    with Client(sim, "b") as client:
        check_equal("node", client.node, "b")
        check_equal("GET_PORT", struct.unpack_from("HB", client.ask(GET_PORT)[1]), (77, 2))
        info = client.ask(GET_NODEINFO)[1]
        check_equal("type of node, ports", (info[2], info[3]), (1, 1))
        check_equal("LID in PortInfo",
                    struct.unpack_from(">H", client.ask(GET_PORTINFO, b"\1")[1], 16)[0], 77)
        check_equal("unknown question", client.ask(99)[0], ERROR)
        check_equal("another's number", Client(sim, "a").id, client.id + 1)
        stranger = Client(sim, "nowhere")
        check_equal("unknown node", stranger.type, ERROR)
        stranger.id = client.id
        check_equal("a question for somebody else", stranger.ask(GET_PORT)[0], ERROR)


@suite.test("vsm-sim: the first node, ports in brackets, one SM at a port")
def attach(world):
    sim = vsm_sim(world, line())
    check_equal("default", Client(sim).node, "a")
    check_equal("port 2", struct.unpack_from(
        "HB", Client(sim, "a[2]").ask(GET_PORT)[1])[1], 1)  # Down
    check_equal("port 3 of 2", Client(sim, "a[3]").type, ERROR)
    first = Client(sim, "a", issm=1)
    check_equal("a second SM", Client(sim, "a", issm=1).type, ERROR)
    second = Client(sim, "a")
    check_equal("a second SM, later", second.ask(SET_ISSM, struct.pack("i", 1))[0], ERROR)
    first.ask(DISCONNECT)
    check_equal("when the first is gone", second.ask(SET_ISSM, struct.pack("i", 1))[0], SET_ISSM)


@suite.test("vsm-sim: an SMP is answered, its TID has the number of the client, its hop pointer is 0")
def answered(world):
    sim = vsm_sim(world, line())
    with Client(sim, "a") as client:
        client.send(smp([1, 2]))
        status, mad = client.receive()
        check_equal("status", status, 0)
        check_equal("method, attribute", (mad[3], mad[17]), (0x81, 0x11))
        check_equal("TID", struct.unpack_from(">Q", mad, 8)[0], client.id << 48 | 0x1234)
        check_equal("hop pointer, hops", (mad[6], mad[7]), (0, 2))
        check_equal("GUID of b", struct.unpack_from(">Q", mad, 64 + 12)[0], 0x100003)


@suite.test("vsm-sim: what comes to nothing comes back at once, as the request that it was")
def undelivered(world):
    sim = vsm_sim(world, line())
    with Client(sim, "a") as client:
        for method in (1, 2):
            client.send(smp([1, 3], method=method))
            status, mad = client.receive()
            sent = bytearray(smp([1, 3], method=method))
            struct.pack_into(">Q", sent, 8, client.id << 48 | 0x1234)
            check_equal("status", status, UNDELIVERED)
            check_equal("the request", mad, bytes(sent))


@suite.test("vsm-sim: garbage is dropped, and nobody suffers")
def garbage(world):
    sim = vsm_sim(world, line())
    with Client(sim, "a") as client:
        for size in (0, 1, 287, 289, 5000):
            client.data.send(b"\xff" * size)
        client.data.send(b"\xff" * 288)
        client.control.send(b"?")
        client.control.send(struct.pack("IIII64s", 1, 2, 3, 4, b""))
        client.send(smp([1] * 70))
        client.send(smp([0]))
        client.send(smp([1]))
        answers = [client.receive() for _ in range(2)]
        check_equal("answers", sorted(status for status, _ in answers), [0, UNDELIVERED])


@suite.test("vsm-sim: more than ten clients, and 255 at most", weight=2)
def many(world):
    sim = vsm_sim(world, line())
    clients = [Client(sim, "b") for _ in range(255)]
    check_equal("numbers", sorted(client.id for client in clients), list(range(1, 256)))
    check_equal("one more", Client(sim).type, ERROR)
    clients[200].send(smp([1]))
    check_equal("an answer", clients[200].receive()[0], 0)
    clients[7].ask(DISCONNECT)
    check_equal("in the place of one that left", Client(sim).id, clients[7].id)


@suite.test("vsm-sim: an SM that dies leaves no IsSM behind", weight=2)
def dead(world):
    sim = vsm_sim(world, line())
    Client(sim, "a", issm=1).close()

    def is_gone():
        check("Client" not in sim.command("Attached"), "still attached")
        return True
    wait_until("the dead are noticed", is_gone, 5)
    with Client(sim, "a", issm=1) as client:
        check_equal("another SM", client.type, CONNECT)


@suite.test("vsm-sim: an SM that is started again at once finds its place free")
def restarted(world):
    sim = vsm_sim(world, line())
    is_sm = struct.pack("i60x", 1)
    for _ in range(3):
        Client(sim, "a", issm=1).close()
    with Client(sim, "a", issm=1) as client:
        check_equal("another SM", client.type, CONNECT)
        check_equal("and one more", Client(sim, "a", issm=1).type, ERROR)
    stream = Stream(sim, "a")
    check_equal("on a stream", stream.ask(SET_ISSM, is_sm)[0], SET_ISSM)
    stream.close()
    check_equal("on another", Stream(sim, "a").ask(SET_ISSM, is_sm)[0], SET_ISSM)


@suite.test("vsm-sim: a client that does not read loses nothing for a while, and blocks nobody")
def slow(world):
    sim = vsm_sim(world, line())
    with Client(sim, "a") as lazy, Client(sim, "b") as other:
        for tid in range(3000):
            lazy.send(smp([1], tid=tid))
        other.send(smp([1]))
        check_equal("somebody else's answer", other.receive()[0], 0)
        tids = [struct.unpack_from(">Q", lazy.receive()[1], 8)[0] & 0xffff for _ in range(3000)]
        check_equal("answers", tids, list(range(3000)))


@suite.test("vsm-sim: a request from client to client, and its answer")
def between_clients(world):
    sim = vsm_sim(world, line())
    with Client(sim, "a") as asker, Client(sim, "b", issm=1) as sm:
        asker.send(smp([1, 2], attribute=0x20))  # SMInfo: software answers
        status, mad = sm.receive()
        check_equal("request", (status, mad[3], mad[17], mad[6]), (0, 1, 0x20, 0))
        check_equal("the way back", mad[193:195], b"\1\1")
        answer = bytearray(mad)
        answer[3] = 0x81
        answer[4] = 0x80  # the direction
        sm.send(bytes(answer), length=56)
        packet = asker.data.recv(300)
        mad = packet[32:]
        check_equal("answer", (mad[3], mad[17]), (0x81, 0x20))
        check_equal("its length", struct.unpack_from(">Q", packet, 24)[0], 56)


# ---- streams ------------------------------------------------------------------------------------

HELLO, CONTROL, PACKET = 1, 2, 3
STREAM_MAGIC = 0x736d7376
STREAM_CONNECT, GET_NODE, GET_GIDS, GET_TABLE_PKEYS, REGISTER, UNREGISTER = range(32, 38)
ENOENT, EINVAL, ENODEV, EBUSY = 2, 22, 19, 16


class Stream:
    """A client of tests/sim/stream.h. address: of TCP, instead of the socket of sim."""

    def __init__(self, sim, node="", port=0, hello=True, vf=0, address=None):
        self.sock = socket.socket(socket.AF_INET if address else socket.AF_UNIX,
                                  socket.SOCK_STREAM)
        self.sock.settimeout(5 * lib.PATIENCE)
        self.sock.connect(address or f"\0{sim.name}:stream\0".encode())
        self.buffer = b""
        if not hello:
            return
        self.frame(HELLO, struct.pack("III", STREAM_MAGIC, 1, 0))
        check_equal("HELLO", self.next(), (HELLO, struct.pack("III", STREAM_MAGIC, 1, 0)))
        self.type, data = self.ask(STREAM_CONNECT, struct.pack(
            "64sIIBxHQ", node.encode(), os.getpid(), 0, port, vf, 0))
        if self.type == STREAM_CONNECT:
            self.node = data[:64].split(b"\0")[0].decode()
            self.id, self.port = struct.unpack_from("IB", data, 68)
        else:
            self.error, = struct.unpack("I", data)

    def frame(self, kind, data):
        self.sock.sendall(struct.pack("II", len(data), kind) + data)

    def next(self):
        while len(self.buffer) < 8 or len(self.buffer) < 8 + struct.unpack_from(
                "I", self.buffer)[0]:
            part = self.sock.recv(65536)
            if not part:
                raise lib.Failure("the stream ended")
            self.buffer += part
        length, kind = struct.unpack_from("II", self.buffer)
        data = self.buffer[8:8 + length]
        self.buffer = self.buffer[8 + length:]
        return kind, data

    def ask(self, kind, data=b""):
        self.frame(CONTROL, struct.pack("IIII", MAGIC, 0, kind, len(data)) + data)
        kind, reply = self.next()
        check_equal("kind of frame", kind, CONTROL)
        magic, _, kind, length = struct.unpack_from("IIII", reply)
        check_equal("magic, length", (magic, length), (MAGIC, len(reply) - 16))
        return kind, reply[16:]

    @staticmethod
    def packet(mad, dlid=0xffff, qp=0, extras=bytes(48)):
        return struct.pack(">HxxHxxIII4xQ", dlid, 0, qp, qp, 0, 256) + mad + extras

    def send(self, mad, **how):
        self.frame(PACKET, self.packet(mad, **how))

    def receive(self, extras=False):
        kind, data = self.next()
        check_equal("a packet", (kind, len(data)), (PACKET, 336))
        return (data[32:288], data[288:]) if extras else data[32:288]

    def close(self):
        self.sock.close()

    def ended(self):
        with contextlib.suppress(ConnectionError):
            while self.sock.recv(65536):
                pass
        return True


@suite.test("vsm-sim: a stream is attached, asks and is answered")
def stream(world):
    sim = vsm_sim(world, line())
    s = Stream(sim, "a", 2)
    check_equal("node, port", (s.node, s.port), ("a", 2))
    kind, node = s.ask(GET_NODE)
    check_equal("ports, type", (kind, node[0], node[1]), (GET_NODE, 2, 1))
    check_equal("GUID", struct.unpack_from("Q", node, 8)[0], 0x100002)
    check_equal("NodeInfo", s.ask(GET_NODEINFO, bytes(64))[0], GET_NODEINFO)
    kind, table = s.ask(GET_GIDS, struct.pack("BxHHxx64s", 0, 0, 0, b""))
    check_equal("GID 0", table[8:24].hex(), "fe800000000000000000000000100002")
    kind, table = s.ask(GET_TABLE_PKEYS, struct.pack("BxHHxx64s", 1, 0, 0, b""))
    check_equal("P_Key 0 of port 1", table[8:12].hex(), "ffff0000")
    check_equal("no such port", s.ask(GET_GIDS, struct.pack("BxHHxx64s", 3, 0, 0, b"")),
                (ERROR, struct.pack("I", ENODEV)))
    check_equal("no such question", s.ask(999), (ERROR, struct.pack("I", EINVAL)))
    check_equal("no such node", Stream(sim, "nowhere").error, ENOENT)
    check_equal("no such port of it", Stream(sim, "b", 2).error, ENODEV)


@suite.test("vsm-sim: many packets in one write of a stream, and all answers")
def stream_batch(world):
    sim = vsm_sim(world, line())
    s = Stream(sim, "a")
    data = Stream.packet(smp([1]))
    s.sock.sendall((struct.pack("II", len(data), PACKET) + data) * 500)
    for _ in range(500):
        mad = s.receive()
        check_equal("method, hop pointer", (mad[3], mad[6]), (0x81, 0))
    # One byte after the other, too.
    for byte in struct.pack("II", len(data), PACKET) + data:
        s.sock.sendall(bytes([byte]))
    check_equal("method", s.receive()[3], 0x81)


@suite.test("vsm-sim: on a stream nothing comes back of what is lost")
def stream_lost(world):
    sim = vsm_sim(world, line())
    s = Stream(sim, "a")
    s.send(smp([1, 3]))
    s.send(smp([1], tid=7))
    check_equal("the next answer", struct.unpack_from(">Q", s.receive(), 8)[0] & 0xffff, 7)


def agent(number, mgmt_class, methods, version=1, qp=1):
    bits = bytearray(16)
    for method in methods:
        bits[method // 8] |= 1 << method % 8
    return struct.pack("IBBBx3sx16s", number, mgmt_class, version, qp, b"\0\0\0", bytes(bits))


@suite.test("vsm-sim: requests go to the stream that registered for them, one to each method")
def stream_agents(world):
    sim = vsm_sim(world, line())
    asker, sm, other = Stream(sim, "a"), Stream(sim, "b"), Stream(sim, "b")
    check_equal("IsSM", sm.ask(SET_ISSM, struct.pack("i60x", 1))[0], SET_ISSM)
    check_equal("first", sm.ask(REGISTER, agent(1, 0x81, [1], qp=0))[0], REGISTER)
    check_equal("second", other.ask(REGISTER, agent(1, 0x81, [1, 2], qp=0)),
                (ERROR, struct.pack("I", EINVAL)))
    asker.send(smp([1, 2], attribute=0x20))
    check_equal("request", (sm.receive()[17]), 0x20)
    check_equal("gone", sm.ask(UNREGISTER, agent(1, 0, []))[0], UNREGISTER)
    check_equal("twice", sm.ask(UNREGISTER, agent(1, 0, []))[0], ERROR)
    check_equal("now", other.ask(REGISTER, agent(1, 0x81, [1, 2], qp=0))[0], REGISTER)
    asker.send(smp([1, 2], attribute=0x20))
    check_equal("request", (other.receive()[17]), 0x20)


@suite.test("vsm-sim: the end of a stream takes its IsSM and its number back", weight=2)
def stream_end(world):
    sim = vsm_sim(world, line())
    first, second = Stream(sim, "a"), Stream(sim, "a")
    check_equal("IsSM", first.ask(SET_ISSM, struct.pack("i60x", 1))[0], SET_ISSM)
    check_equal("twice", second.ask(SET_ISSM, struct.pack("i60x", 1)),
                (ERROR, struct.pack("I", EBUSY)))
    first.close()
    wait_until("it is free",
               lambda: second.ask(SET_ISSM, struct.pack("i60x", 1))[0] == SET_ISSM, 5)
    wait_until("the number is free",
               lambda: f"Client {first.id}:" not in sim.command("Attached"), 5)
    check_equal("number", Stream(sim, "a").id, first.id)


@suite.test("vsm-sim: who does not keep to the protocol of streams is disconnected")
def stream_garbage(world):
    sim = vsm_sim(world, line())
    for text in (struct.pack("II", 5000, HELLO), struct.pack("II", 0, PACKET),
                 struct.pack("IIIII", 12, HELLO, 1, 1, 0), b"GET / HTTP/1.0\r\n\r\n"):
        s = Stream(sim, hello=False)
        s.sock.sendall(text)
        check(s.ended(), "it goes on")
    for kind, data in ((PACKET, b"x"), (77, b""), (CONTROL, b""), (HELLO, bytes(12)),
                       (CONTROL, struct.pack("IIII145x", MAGIC, 0, GET_NODE, 145)),
                       (CONTROL, struct.pack("IIII", 1, 0, GET_NODE, 0)),
                       (CONTROL, struct.pack("IIII88x", MAGIC, 0, STREAM_CONNECT, 88))):
        s = Stream(sim, "a")
        s.frame(kind, data)
        check(s.ended(), "it goes on")
    check_equal("others", Stream(sim, "a").type, STREAM_CONNECT)


# ---- console and program ------------------------------------------------------------------------


@suite.test("vsm-sim: the console pulls and plugs cables, and complains as ibsim does")
def console(world):
    sim = vsm_sim(world, line())
    check_equal("state", sim.snapshot().port("a", 1).state, "Init")
    sim.unlink("a", 1)
    check_equal("both ends", [sim.snapshot().port(*end).state for end in (("a", 1), ("s", 1))],
                ["Down", "Down"])
    check_equal("peer", sim.snapshot().port("a", 1).peer, None)
    sim.command('Link "a"[1] "s"[4]')
    check_equal("peer", sim.snapshot().port("a", 1).peer, ("s", 4))
    for wrong in ('Unlink "s"[1]', 'Dump "nowhere"', 'Unlink "s"[9]', 'Link "a"[1] "s"[3]',
                  'Baselid "a" 3', 'Baselid "s"[1] 3', 'Baselid "a"[1] 0xc000', "Route x y",
                  'Guid "a" 0', 'PerformanceSet "a"[1] PortCounters.Nothing=1', "X 44", "Wait x",
                  "!/nowhere", "Error a", "Error a 101", "Probe a nowhere"):
        lib_said = ""
        try:
            lib_said = sim.command(wrong)
        except lib.Failure as failure:
            lib_said = str(failure)
        check("#" in lib_said, f"{wrong}: no complaint: {lib_said}")
    check("unknown" in sim.command("Frobnicate"), "an unknown command is taken")
    sim.command('PerformanceSet "a"[1] PortCounters.SymbolErrorCounter=5')
    check("SymbolErrorCounter 5" in sim.command('Counters "a"[1]'), "the counter is not set")


@suite.test("vsm-sim: VFs of a net file are started, moved and stopped; a client attaches as one")
def virtual_functions(world):
    fabric = fabrics.Fabric("vfs", 'Switch 4 "s"\n[1] "a"[1]\n[2] "b"[1]\nHca 1 "a"\n'
                            'vf 2 model=vport guid=7001 lid=own state=up\nHca 1 "b"\n'
                            'vf 1 model=vport guid=8001\n')
    sim = vsm_sim(world, fabric)

    def shown(name):
        return next(line for line in sim.command("Vf list").splitlines() if name in line)
    check("vport\tstarted\tGUID 0x7002" in shown("a[1]/2"), shown("a[1]/2"))
    check("stopped\tGUID 0x8001" in shown("b[1]/1"), shown("b[1]/1"))
    with Client(sim, "a[1]/2") as client:
        check_equal("GUID as libumad2sim counts", struct.unpack_from(
            ">Q", client.ask(GET_NODEINFO)[1], 12)[0] + 1, 0x7002)
    check_equal("no such VF", Client(sim, "a[1]/3").type, ERROR)
    sim.command("Vf move a[1]/2 b[1]/1")
    check("started\tGUID 0x7002" in shown("b[1]/1"), shown("b[1]/1"))
    check("stopped" in shown("a[1]/2"), shown("a[1]/2"))
    sim.command("Vf guid a[1]/2 7777")
    check("GUID 0x7777" in shown("a[1]/2"), shown("a[1]/2"))
    for wrong in ("Vf start a[1]/9", "Vf start a[1]", "Vf frob a[1]/1", "Vf guid a[1]/2 xyz",
                  "Vf guid a[1]/2", "Vf guid a[1]/2 12:00:00:00:00:00:00:01"):
        check("#" in sim.command(wrong), f"{wrong}: no complaint")
    check("GUID 0x7777" in shown("a[1]/2"), shown("a[1]/2"))
    check("guid VF GUID" in sim.command("Vf help"), "Vf help does not say what there is")


MODELS = [(model, model) for model in ("vswitch", "shared", "vport")]
P_KEY_TABLE, VIRTUALIZATION_INFO, VPORT_INFO, VPORT_PKEY_TABLE = 0x16, 0xffb0, 0xffb1, 0xffb6


def pkeys_of(*pkeys):
    return struct.pack(f">{len(pkeys)}H", *pkeys)


class Host:
    """A host "a" with two VFs, the second of which is up, and "b": opensm brought them up and left,
    so that nobody undoes what is set by hand."""

    def __init__(self, world, model):
        if not os.path.exists(lib.VSM_RUN) or not os.path.exists(lib.VSM_UMAD):
            raise lib.Skip("vsm-run is not built")
        self.world, self.model = world, model
        self.sim = vsm_sim(world, fabrics.Fabric(
            "host", f'Switch 4 "s"\n[1] "a"[1]\n[2] "b"[1]\nCa 1 "a"\n'
            f'vf 2 model={model} guid=7001 state=up\nCa 1 "b"\n'), "b")
        sm = lib.Opensm(world, self.sim, options={"part_enforce": "off"}).start().wait_ready()
        self.sim.wait_up(30)
        if model == "vport":  # of which opensm knows nothing
            self.set([1, 1], VIRTUALIZATION_INFO, 0, b"\0\0\0\0\x80")
            for index, state in ((0, b"\x30"), (0, b"\x40"), (2, b"\x30"), (2, b"\x40")):
                self.set([1, 1], VPORT_INFO, index, state)
        wait_until("the VF is Active", lambda: "Active" in self.vf(2), 30)
        sm.wait_quiet()
        sm.stop()
        self.set([], P_KEY_TABLE, 0, pkeys_of(0xffff, 0x8005))
        self.set_pkeys(0xffff, 0x8005)

    def set(self, path, attribute, modifier, data):
        with Client(self.sim, "b") as client:
            client.send(smp(path, attribute, 2, modifier=modifier, data=data))
            mad = client.receive()[1]
            check_equal(f"status of a Set of 0x{attribute:04x}", mad[4] << 8 | mad[5], 0x8000)

    def set_pkeys(self, *pkeys):
        """Of VF 2, or, where it has no table, of the port."""
        path, attribute, modifier = {
            "vswitch": ([1, 1, 4], P_KEY_TABLE, 0), "shared": ([1, 1], P_KEY_TABLE, 0),
            "vport": ([1, 1], VPORT_PKEY_TABLE, 2 << 16)}[self.model]
        self.set(path, attribute, modifier, pkeys_of(*pkeys))

    def vf(self, number):
        """Its line on the console."""
        return next(line for line in self.sim.command("Vf").splitlines()
                    if line.startswith(f"a[1]/{number}\t"))

    def run_as_vf(self, number, *argv):
        done = self.world.run([lib.VSM_RUN, "-n", "a", "-v", str(number), *argv],
                              {"IBSIM_SOCKNAME": self.sim.name, "TMPDIR": self.world.dir})
        check_equal(f"exit code of {argv[0]}: {done.stderr}", done.returncode, 0)
        return done.stdout

    def sysfs(self, number, *names):
        """What VF number reads there."""
        folder = "/sys/class/infiniband/ibsim0/ports/1/"
        return self.run_as_vf(number, "cat", *(folder + name for name in names)).split("\n")[:-1]


@suite.for_each("vsm-sim: who is attached as a VF sees what is that VF's: {}", MODELS, weight=5)
def guest_view(world, model):
    host = Host(world, model)
    lid = int(re.search(r"LID (\d+)", host.vf(2))[1])
    check(lid, host.vf(2))
    second = "0x0000" if model == "shared" else "0x8005"  # a shared port's is not assigned to it
    check_equal("sysfs", host.sysfs(2, "gids/0", "lid", "state", "pkeys/0", "pkeys/1"),
                ["fe80:0000:0000:0000:0000:0000:0000:7002", f"0x{lid:x}", "4: ACTIVE", "0xffff",
                 second])
    said = host.run_as_vf(2, lib.find_program("ibstat"))
    for line in ("Port GUID: 0x0000000000007002", f"Base lid: {lid}", "State: Active"):
        check(line in said, f"ibstat does not say {line}: {said}")
    with Client(host.sim, "a[1]/2") as client:
        check_equal("GID", client.ask(GET_GID)[1][:16].hex(), f"{0xfe80 << 48:016x}{0x7002:016x}")
        check_equal("P_Keys", client.ask(GET_PKEYS)[1][:4].hex(), "ffff" + second[2:])
        check_equal("LID, state", struct.unpack_from("HB", client.ask(GET_PORT)[1]), (lid, 4))
    check("7001" in host.sysfs(1, "gids/0")[0], "VF 1 has another GID")


def gsi(method, tid):
    """A MAD of a vendor's class."""
    mad = bytearray(256)
    mad[0:4] = bytes([1, 9, 1, method])
    struct.pack_into(">QH", mad, 8, tid, 1)
    return bytes(mad)


def pkey_index(extras):
    return struct.unpack_from("H", extras, 4)[0]


@suite.test("vsm-sim: indices of P_Keys are those of the VF's own table", weight=4)
def guest_pkey_index(world):
    host = Host(world, "vport")
    host.set([], P_KEY_TABLE, 0, pkeys_of(0xffff, 0x8005, 0x8006))
    host.set_pkeys(0x8005, 0x8006)
    lid = {name: host.sim.snapshot().port(name, 1).lid for name in "ab"}
    guest, far = Stream(host.sim, "a", vf=2), Stream(host.sim, "b")
    check_equal("registered", far.ask(REGISTER, agent(1, 9, [1]))[0], REGISTER)
    guest.send(gsi(1, 77), dlid=lid["b"], qp=1, extras=struct.pack("4xH42x", 1))
    mad, extras = far.receive(True)
    check_equal("where it arrives", pkey_index(extras), 2)
    gid = struct.pack(">QQ", 0xfe80 << 48, 0x7002)
    far.send(gsi(0x81, struct.unpack_from(">Q", mad, 8)[0]), dlid=lid["a"], qp=1,
             extras=struct.pack("B3xHBB16x16s8x", 1, 2, 0, 64, gid))
    mad, extras = guest.receive(True)
    check_equal("method", mad[3], 0x81)
    check_equal("where the answer arrives", pkey_index(extras), 1)


@suite.for_each("vsm-sim: a probe to and from a VF goes by its own GID and P_Keys: {}", MODELS,
                weight=5)
def guest_probe(world, model):
    host = Host(world, model)
    vf = '"a-p1-vf2"[1]' if model == "vswitch" else '"a"[1] vf 2'
    at = '"a-p1-vf2"[1]' if model == "vswitch" else '"a"[1]'
    no_pkey = f"# lost at {at}: the port at the end has no such P_Key"

    def probe(*words):
        return host.sim.command(f"Probe {' '.join(words)}").splitlines()[-1]
    check_equal("to it", probe("b", "a[1]/2"), f"it reached {vf}")
    check_equal("from it", probe("a[1]/2", "b"), 'it reached "b"[1]')
    own = model != "shared"  # or only what is at index 0 of the port's
    check_equal("to it by its second P_Key", probe("b", "a[1]/2", "0x8005"),
                f"it reached {vf}" if own else no_pkey)
    check_equal("from it by its second P_Key", probe("a[1]/2", "b", "0x8005"),
                'it reached "b"[1]' if own else no_pkey)
    host.set_pkeys(0x8005, 0x8006)
    check_equal("to it without the default", probe("b", "a[1]/2"), no_pkey)
    check_equal("from it without the default", probe("a[1]/2", "b"), no_pkey)
    check_equal("to it by the first", probe("b", "a[1]/2", "0x8005"), f"it reached {vf}")
    if model == "vport":
        check_equal("the port keeps its own", probe("b", "a"), 'it reached "a"[1]')


@suite.test("vsm-sim: faults, errors and probes on its console")
def faults(world):
    sim = vsm_sim(world, line())
    sim.command('Error "b" 100')
    check("silent" in sim.command("Fault list"), "the fault is not listed")
    with Client(sim, "a") as client:
        client.send(smp([1, 2]))
        check_equal("status", client.receive()[0], UNDELIVERED)
        sim.command('Error "b" 0')
        client.send(smp([1, 2]))
        check_equal("status", client.receive()[0], 0)
    check("# fault" in sim.command("Fault nonsense"), "a fault that there is not is taken")
    for name, number, lid in (("a", 1, 1), ("b", 1, 2), ("s", 0, 3)):
        sim.command(f'Baselid "{name}"[{number}] {lid}')
    check("# lost at" in sim.command("Probe a b"), "without routes it arrives")


@suite.test("vsm-sim: agents take their time, and ports are counted by state")
def service_time(world):
    sim = lib.Simulator(world, line(), program=lib.VSM_SIM, options=["--service-time", "50000"])
    with Client(sim, "a") as client:
        began = time.monotonic()
        client.send(smp([1, 2]))
        client.send(smp([1, 2]))
        answers = [client.receive()[0] for _ in range(2)]
        took = time.monotonic() - began
    check_equal("answers", answers, [0, 0])
    check(took >= 0.1, f"two SMPs to one device took {took} s")
    check_equal("at first", sim.command("Ports"),
                "linked 4 down 0 init 4 armed 0 active 0\n")
    check_equal("for scripts", sim.command("Result"), "refused\n")
    sim.unlink("a", 1)
    check_equal("a cable less", sim.command("Ports"),
                "linked 2 down 0 init 2 armed 0 active 0\n")


@suite.test("vsm-sim: power off and on: all is forgotten, the link comes back")
def power(world):
    sim = vsm_sim(world, line())
    sim.command('Baselid "b"[1] 9')
    sim.command('Power "b" off')
    check_equal("the far end", sim.snapshot().port("s", 2).state, "Down")
    sim.command('Power "b" on')
    port = sim.snapshot().port("b", 1)
    check_equal("state, LID", (port.state, port.lid), ("Init", 0))


@suite.for_each("vsm-sim: an HCA without power has no VFs; with it they are as after a reboot: {}",
                MODELS)
def power_of_vfs(world, model):
    sim = vsm_sim(world, fabrics.Fabric("vfs", f'Switch 4 "s"\n[1] "a"[1]\nCa 1 "a"\n'
                                        f'vf 2 model={model} state=up\n'), "s")

    def vf(number):
        return next(line for line in sim.command("Vf").splitlines() if f"a[1]/{number}\t" in line)
    sim.command("Vf stop a[1]/2")
    check_equal("the far end", sim.snapshot().port("s", 1).state, "Init")
    sim.command("Power a off")
    check_equal("the far end", sim.snapshot().port("s", 1).state, "Down")
    for name in sim.snapshot().nodes:
        check_equal(f"{name} is on", sim.command(f'Power "{name}"').strip() == f'"{name}" is on',
                    name == "s")
    check("started" in vf(1) and "Down: its HCA has no power" in vf(1), vf(1))
    check("stopped" in vf(2) and "nobody has started it" in vf(2), vf(2))
    if model == "vswitch":
        check("# " in sim.command("Power a-p1-vf1 on"), "a part of it has power")
    sim.command("Power a on")
    check_equal("the far end", sim.snapshot().port("s", 1).state, "Init")
    check("started" in vf(1) and "no power" not in vf(1), vf(1))
    check("stopped" in vf(2), vf(2))


@suite.test("vsm-sim: the console on its socket, commands of files, waiting")
def console_socket(world):
    sim = vsm_sim(world, line())
    script = world.write("script", 'Baselid "b"[1] 9\nWait 0.3\nBaselid "a"[1] 8\n')

    def until_prompt(count):
        said = b""
        while said.count(b"sim> ") < count:
            part = sock.recv(65536)
            check(part, "the console ended")
            said += part
        return said.decode()

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(5 * lib.PATIENCE)
        sock.connect(f"\0{sim.name}:console".encode() + b"\0")
        until_prompt(1)
        sock.sendall(f"!{script}\n".encode())
        began = time.monotonic()
        until_prompt(1)
        check(time.monotonic() - began > 0.25, "Wait does not wait")
        sock.sendall(b"Dump b")
        sock.sendall(b"\n")
        check("lid 9 " in until_prompt(1), "the commands of the file were not done")
    check_equal("LID of a", sim.snapshot().port("a", 1).lid, 8)


@suite.test("vsm-sim: it is told commands from a script")
def tell(world):
    sim = vsm_sim(world, line())

    def told(*arguments):
        return world.run([lib.VSM_SIM, *arguments], {"IBSIM_SOCKNAME": sim.name})

    done = told("--tell", "Dump")
    check_equal("exit code", done.returncode, 0)
    check(done.stdout == sim.command("Dump"), f"not what the console says: {done.stdout}")
    check_equal("nothing to say", told("--tell", 'unlink "a"[1]').stdout, "")
    check_equal("state", sim.snapshot().port("a", 1).state, "Down")
    check_equal("two at once", told("--tell", "Dump\nQuit").returncode, 2)
    check_equal("with a file", told("--tell", "Dump", "net").returncode, 2)
    check("in quotes" in told("--tell", "unlink", "a").stderr, "two words are not understood")
    done = told("-C", world.path("nowhere"), "--tell", "Dump")
    check_equal("nobody is there", done.returncode, 1)
    check("no simulator" in done.stderr, done.stderr)
    check_equal("quit", told("--tell", "Quit").returncode, 0)
    sim.process.wait(5 * lib.PATIENCE)
    check_equal("it has quit", told("--tell", "Dump").returncode, 1)


@suite.test("vsm-sim: who tells it a command learns whether it was done")
def tell_status(world):
    fabric = line()
    fabric.text += 'vf 1 model=vport state=up\n'
    sim = vsm_sim(world, fabric)

    def status(command):
        return world.run([lib.VSM_SIM, "--tell", command], {"IBSIM_SOCKNAME": sim.name}).returncode

    for command in ("Dump", 'Dump "a"', 'unlink "a"[1]', 'relink "a"[1]', "# a comment", "", "help",
                    'Baselid "a"[1] 3', 'Baselid "b"[1] 4', 'Guid "a" 5', 'Power "a"',
                    'Power "a" off', 'Power "a" on', 'Link "a"[2] "s"[3]',
                    'PerformanceSet "a"[1] PortCounters.LinkDownedCounter=1', "vf",
                    "vf stop b/1", "vf start b/1", "Fault list", "Fault help", "Verbose", "Time",
                    'Fault loss "a"[1] 5%', 'Error "a" 0', "Attached", "Clear a", "Counters a",
                    "Wait 0.1", "Start"):
        check_equal(command, status(command), 0)
    for command in ("frobnicate", 'Dump "nowhere"', 'unlink "s"[4]', "unlink nowhere",
                    'unlink "s"[9]', 'relink "s"[4]', 'relink "b"[1]', 'Link "a"[1] "s"[2]',
                    'Link "a"[1]', 'Power "a" half', "Power nowhere off", 'Guid "a" 0',
                    'Guid "s"[1] 7', 'Baselid "a"[1] 0xc000', 'Baselid "a"[1] 5 8', "Route x y",
                    "Route 1 2", 'PerformanceSet "a"[1] PortCounters.Nothing=1',
                    'PerformanceSet "a"[1] PortCounters.LinkDownedCounter=x',
                    'PerformanceSet "a"[1] 5',
                    "Counters nowhere", "Clear nowhere", "Wait x", "X 44", "!/nowhere", "Error a",
                    "Error a 101", "Error nowhere 5", "Fault nonsense", "Probe a",
                    "Probe a nowhere", "Probe a b/2", "Probe a b", "vf start b/2", "vf start b",
                    "vf frob b/1", "vf move b/1 b/1", "vf move b/1", "vf guid b/1"):
        check_equal(command, status(command), 3)
    check_equal("after all that", status("Dump"), 0)
    good, bad = world.write("good", "Dump a\nWait 0.1\n"), world.write("bad", "nonsense\nDump a\n")
    check_equal("a file", status(f"!{good}"), 0)
    check_equal("a file with a mistake", status(f"!{bad}"), 3)
    check_equal("another file", status(f"!{good}"), 0)
    with console_of(sim) as other:  # each console has its own
        other.sendall(b"nonsense\n")
        wait_until("it is answered", lambda: b"unknown" in other.recv(4096), 5)
        check_equal("in between", status("Dump"), 0)


@suite.test("vsm-sim: that it died of a command is not taken for done")
def tell_died(world):
    sim = vsm_sim(world, line())
    teller = world.spawn([lib.VSM_SIM, "--tell", "Wait 30"], {"IBSIM_SOCKNAME": sim.name},
                         "told.log")

    def is_told():
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
            return file.read().count(f"{sim.name}:console") > 1
    wait_until("it is told", is_told, 5)
    sim.stop()
    check_equal("exit code", teller.wait(10 * lib.PATIENCE), 1)
    check("went away" in world.read("told.log"), world.read("told.log"))


def console_of(sim):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(20 * lib.PATIENCE)
    sock.connect(f"\0{sim.name}:console".encode() + b"\0")
    return sock


def read_to_end(sock):
    return b"".join(iter(lambda: sock.recv(1 << 20), b""))


@suite.test("vsm-sim: a console that stops writing is answered to its end, also its last line")
def console_half_closed(world):
    sim = vsm_sim(world, line())
    with console_of(sim) as sock:
        sock.sendall(b"Dump\n" * 20000 + b"Wait 0.1\nHelp")
        sock.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        said = read_to_end(sock)
    check_equal("dumps", said.count(b"dumped"), 20000)
    check(b"Commands:" in said, "the last line was not done")


@suite.test("vsm-sim: no console keeps others waiting: a file that names itself, nobody reads")
def console_alone(world):
    sim = vsm_sim(world, line())
    endless = world.path("endless")
    world.write("endless", f"Verbose\n!{endless}\nVerbose\n")
    with console_of(sim) as loops, console_of(sim) as lazy:
        loops.sendall(f"!{endless}\n".encode())
        lazy.settimeout(0.2)
        with contextlib.suppress(socket.timeout):
            for _ in range(100000):
                lazy.sendall(b"Dump\nHelp\n" * 10)
            check(False, "all is taken from who does not read")
        with Client(sim, "a") as client:
            client.send(smp([1]))
            check_equal("an answer", client.receive()[0], 0)
        check("verbose level" in sim.command("Verbose"), "another console is not answered")
        with open(f"/proc/{sim.process.pid}/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        check(pages * os.sysconf("SC_PAGE_SIZE") < 1 << 29, f"it has {pages} pages")


@suite.test("vsm-sim: a name that is in use, files that are missing or wrong, options, signals")
def program(world):
    sim = vsm_sim(world, line())
    good = world.write("good.net", line().text)
    bad = world.write("bad.net", 'Hca 1 "a"\n[1] "b"[1]\n')

    def run(*arguments, name="other"):
        done = world.run([lib.VSM_SIM, "-n", *arguments],
                         {"IBSIM_SOCKNAME": f"{sim.name}-{name}" if name else sim.name})
        return done.returncode, done.stderr
    for expected, says, how in (
            (1, "already", run(good, name="")),
            (2, "/nowhere.net: cannot read it: No such file", run("/nowhere.net")),
            (2, 'bad.net:2: there is no node "b"', run(bad)),
            (2, "one net file", run()),
            (2, "option", run("--nonsense", good)),
            (2, "1 to 65000", run("-l", "x", good))):
        check_equal(f"exit code where it says {says}", how[0], expected)
        check(says in how[1], f"{says} is not said: {how[1]}")
    for number in (signal.SIGTERM, signal.SIGINT):
        process = world.spawn([lib.VSM_SIM, "-n", good],
                              {"IBSIM_SOCKNAME": f"{sim.name}-{number}"}, "sim.log",
                              stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        check_equal("exit code", world.stop(process, number), 0)


@suite.test("vsm-sim ends when it is told to, whoever feeds its console or does not read it")
def endless_console(world):
    net = world.write("one.net", 'Ca 1 "a"\n')
    for name, source in (("yes", ["yes"]), ("zero", None)):
        feed = world.spawn(source, {}, "feed.log", stdout=subprocess.PIPE).stdout if source \
            else open("/dev/zero", "rb")
        unread, full = os.pipe()
        with feed:
            process = world.spawn([lib.VSM_SIM, net], {"IBSIM_SOCKNAME": f"end-{os.getpid()}-{name}"},
                                  "sim.log", stdin=feed, stdout=full)
            time.sleep(0.5)
            check_equal(f"exit code, fed by {name}", world.stop(process, signal.SIGTERM), 0)
        os.close(unread)
        os.close(full)


def readme_example():
    """The file that README.md makes."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "README.md")
    with open(path, encoding="utf-8") as file:
        found = re.search(r"^    cat >lab\.net <<'END'\n(.*?)^    END$", file.read(), re.M | re.S)
    check(found, "README.md has no lab.net")
    return fabrics.Fabric("lab", re.sub(r"^    ", "", found[1], flags=re.M))


@suite.test("the example of the README is one fabric to vsm-sim and ibsim")
def readme(world):
    if not lib.IBSIM:
        raise lib.Skip("ibsim-utils is not installed")
    sims = [lib.Simulator(world, readme_example(), program=program)
            for program in (lib.VSM_SIM, lib.IBSIM)]
    seen = [{str(node): {number: port.peer for number, port in node.ports.items()}
             for node in sim.snapshot().nodes.values()} for sim in sims]
    check_equal("nodes", sorted(seen[0]), ["host-1", "host-2", "host-3", "leaf-1", "leaf-2",
                                           "spine"])
    check_equal("cables", seen[0], seen[1])
    check_equal("an end of a cable", seen[0]["spine"][2], ("leaf-2", 7))
    check_equal("VFs", sims[0].command("Vf").count("host-3[1]/"), 4)
    for sim in sims:  # all that the text goes on to name is there
        sim.host = "host-1"
        check("host-3" in sim.tool("ibnetdiscover"), "ibnetdiscover")


@suite.test("vsm-sim: commands of a net file are done, a Ctrl-D of no terminal ends nothing")
def net_commands(world):
    fabric = line()
    fabric.text += 'do Baselid "b"[1] 44\n'
    sim = vsm_sim(world, fabric)
    check_equal("LID", sim.snapshot().port("b", 1).lid, 44)
    sim.process.stdin.close()
    with Client(sim, "a") as client:
        client.send(smp([1]))
        check_equal("an answer", client.receive()[0], 0)


def loopback_up():
    """In a network namespace of our own it is down at first."""
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        asked = fcntl.ioctl(sock, get_flags, struct.pack("16sh22x", b"lo", 0))
        flags, = struct.unpack_from("h", asked, 16)
        with contextlib.suppress(PermissionError):  # then it is not our own, and is up
            fcntl.ioctl(sock, set_flags, struct.pack("16sh22x", b"lo", flags | up))


class Remote:
    """A vsm-sim that is reached by UDP and TCP only."""

    ports = iter(range(20000 + os.getpid() % 100 * 200, 65000, 200))

    def __init__(self, world, text):
        loopback_up()
        self.world = world
        self.port = next(self.ports)
        self.name = f"vsm-remote-{os.getpid()}-{self.port}"
        self.process = world.spawn([lib.VSM_SIM, "-n", "-r", "-l", str(self.port),
                                    world.write("remote.net", text)],
                                   {"IBSIM_SOCKNAME": self.name}, "sim.log")
        wait_until("it listens", self.listens, 20)

    def listens(self):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(self.stream()).close()
            return True
        raise lib.Failure(self.world.read("sim.log")[-300:])

    def stream(self):
        return "127.0.0.1", self.port + 100

    def env(self, host):
        return {"IBSIM_SERVER_NAME": "127.0.0.1", "IBSIM_SERVER_PORT": str(self.port),
                "SIM_HOST": host, "TMPDIR": self.world.dir}

    def run(self, host, *argv):
        """A tool, by vsm-run."""
        return self.world.run([lib.VSM_RUN, lib.find_program(argv[0]) or argv[0], *argv[1:]],
                              self.env(host))


@suite.test("vsm-sim: clients of another machine, by UDP")
def remote(world):
    sim = Remote(world, line().text)
    done = world.run([lib.find_program("smpquery"), "-D", "nodedesc", "0,1,2"],
                     {**sim.env("a"), "LD_PRELOAD": lib.UMAD2SIM})
    check(re.search(r"\bb\b", done.stdout), f"no answer: {done.stdout}{done.stderr}")


@suite.test("vsm-sim: a stream by TCP, as by the socket of this machine")
def remote_stream(world):
    sim = Remote(world, line().text)
    s = Stream(None, "a", 2, address=sim.stream())
    check_equal("node, port", (s.node, s.port), ("a", 2))
    check_equal("no such port of it", Stream(None, "b", 2, address=sim.stream()).error, ENODEV)
    s = Stream(None, "b", address=sim.stream())
    data = Stream.packet(smp([1]))
    s.sock.sendall((struct.pack("II", len(data), PACKET) + data) * 500)
    for _ in range(500):
        check_equal("method", s.receive()[3], 0x81)
    s.sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    check(s.ended(), "it goes on")
    check_equal("by the socket of this machine, too", Stream(sim, "a").node, "a")


@suite.test("vsm-sim: opensm and the tools from another machine, by TCP", weight=5)
def remote_tools(world):
    if not os.path.exists(lib.VSM_RUN) or not os.path.exists(lib.VSM_UMAD):
        raise lib.Skip("vsm-run is not built")
    if not lib.OPENSM:
        raise lib.Skip("opensm is not installed")
    sim = Remote(world, fabrics.fat_tree_3(4).build().text)
    sm = world.spawn([lib.VSM_RUN, lib.OPENSM, "-f", world.path("opensm.messages")],
                     {**sim.env("H00000"), "OSM_CACHE_DIR": world.folder("cache"),
                      "OSM_TMP_DIR": world.folder("tmp")}, "opensm.log")
    wait_until("the subnet is up", lambda: "SUBNET UP" in world.read("opensm.messages"), 60)
    records = sim.run("H00003", "saquery")
    # RMPP: more than fits into a MAD.
    check(records.stdout.count("NodeRecord dump") > 16, f"saquery: {records.stderr}")
    check("State: Active" in sim.run("H00003", "ibstat").stdout, "ibstat")
    done = sim.run("nowhere", "ibstat")
    check("Active" not in done.stdout, f"a node that there is not: {done.stdout}")
    check_equal("opensm ends", world.stop(sm), 0)
