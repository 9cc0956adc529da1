#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program that talks to the umad driver as the kernel documents it, without libibumad.

	vsm-run client.py CHECK [ARGUMENT...]

Runs under the preload and exits with 0 if the check CHECK holds, otherwise with a sentence.
"""

import errno
import fcntl
import itertools
import os
import random
import select
import signal
import struct
import sys
import time

REGISTER_AGENT2 = 0xC0281B04
UNREGISTER_AGENT = 0x40041B02
CLASS = "/sys/class/infiniband"


def check(condition, sentence):
    if not condition:
        sys.exit(sentence)


def fails(code, function, *arguments):
    """function() raises an OSError of that code."""
    try:
        function(*arguments)
    except OSError as error:
        check(error.errno == code, f"{error} instead of {errno.errorcode[code]}")
        return
    sys.exit(f"{errno.errorcode[code]} did not come")


class Umad:
    def __init__(self, number=0, flags=os.O_NONBLOCK):
        self.fd = os.open(f"/dev/infiniband/umad{number}", os.O_RDWR | flags)

    def register(self, mgmt_class, version, rmpp=0, methods=()):
        mask = [0, 0]
        for method in methods:
            mask[method // 64] |= 1 << method % 64
        argument = bytearray(struct.pack("=IIBBHIQQIB3x", 0, 0 if mgmt_class in (1, 0x81) else 1,
                                         mgmt_class, version, 0, 0, *mask, 0, rmpp))
        fcntl.ioctl(self.fd, REGISTER_AGENT2, argument)
        return struct.unpack_from("=I", argument)[0]

    def send(self, agent, mad, lid, qp, timeout, retries=0):
        header = struct.pack("=IIIII", agent, 0, timeout, retries, 0) + \
            struct.pack(">IIHBB", qp, 0x80010000 if qp else 0, lid, 0, 0) + bytes(32)
        return os.write(self.fd, header + mad)

    def wait(self, seconds):
        poll = select.epoll()
        poll.register(self.fd, select.EPOLLIN | select.EPOLLOUT)
        end = time.monotonic() + seconds
        while True:
            events = dict(poll.poll(0)).get(self.fd, 0)
            check(events & select.EPOLLOUT, "EPOLLOUT is not there")
            if events & select.EPOLLIN or time.monotonic() > end:
                poll.close()
                return bool(events & select.EPOLLIN)
            time.sleep(0.001)


def smp(attribute, tid=1):
    """Get of an attribute from our own SMA."""
    mad = bytearray(256)
    mad[0:4] = 1, 0x81, 1, 1
    struct.pack_into(">Q", mad, 8, tid)
    struct.pack_into(">H", mad, 16, attribute)
    mad[32:36] = b"\xff" * 4
    return bytes(mad)


def gs(mgmt_class, version, method, attribute, tid=1):
    mad = bytearray(256)
    mad[0:4] = 1, mgmt_class, version, method
    struct.pack_into(">Q", mad, 8, tid)
    struct.pack_into(">H", mad, 16, attribute)
    return bytes(mad)


def attribute(name, port="ports/1/"):
    device = os.listdir(CLASS)[0]
    with open(f"{CLASS}/{device}/{port}{name}", encoding="ascii") as file:
        return file.read()


# ---- the checks ---------------------------------------------------------------------------------


def readable():
    """The descriptor can be read exactly while there are records."""
    umad = Umad()
    agent = umad.register(0x81, 1)
    check(not umad.wait(0), "readable before anything was sent")
    fails(errno.EAGAIN, os.read, umad.fd, 320)
    for tid in range(20):
        umad.send(agent, smp(0x11, tid + 1), 0xffff, 0, 1000)
    for n in range(20):
        check(umad.wait(5), f"answer {n} did not come")
        fails(errno.EINVAL, os.read, umad.fd, 319)
        record = os.read(umad.fd, 4096)
        check(len(record) == 320, f"{len(record)} bytes")
        check(record[64 + 3] == 0x81, "no GetResp")
    check(not umad.wait(0), "readable, and nothing is there")
    fails(errno.EAGAIN, os.read, umad.fd, 320)
    other = os.dup(umad.fd)
    os.close(umad.fd)
    umad.fd = other
    umad.send(agent, smp(0x11), 0xffff, 0, 1000)
    check(umad.wait(5) and len(os.read(other, 320)) == 320, "not through a dup()")
    fails(errno.EBADF, os.dup2, 1099, other)
    umad.send(agent, smp(0x11), 0xffff, 0, 1000)
    check(umad.wait(5) and len(os.read(other, 320)) == 320, "not after a dup2() that failed")
    high = fcntl.fcntl(other, fcntl.F_DUPFD, 1100)
    check(high >= 1100, "F_DUPFD")
    umad.send(agent, smp(0x11), 0xffff, 0, 1000)
    check(umad.wait(5) and len(os.read(high, 320)) == 320, "not through F_DUPFD")


def timeout():
    """A request that nobody answers is reported after all its tries, and not before."""
    umad = Umad()
    agent = umad.register(4, 1)
    began = time.monotonic()
    umad.send(agent, gs(4, 1, 1, 1), 0xbff0, 1, 100, 2)
    fails(errno.EINVAL, umad.send, agent, gs(4, 1, 1, 1), 0xbff0, 1, 100, 2)
    check(umad.wait(20), "no time-out")
    took = time.monotonic() - began
    check(took >= 0.3, f"after {took} s")
    record = os.read(umad.fd, 320)
    check(len(record) == 88, f"{len(record)} bytes")
    check(struct.unpack_from("=IIII", record) == (agent, errno.ETIMEDOUT, 100, 2), "header")
    check(record[64 + 3] == 1, "method of the request")


def table(sm_lid):
    """A table that is longer than the buffer says so, and is there for a longer one."""
    umad = Umad()
    agent = umad.register(3, 2, rmpp=1)
    umad.send(agent, gs(3, 2, 0x12, 0x11), int(sm_lid), 1, 10000)
    check(umad.wait(20), "no answer")
    fails(errno.ENOSPC, os.read, umad.fd, 320)
    fails(errno.EINVAL, os.read, umad.fd, 319)
    record = os.read(umad.fd, 1 << 20)
    length = struct.unpack_from("=I", record, 16)[0]
    check(len(record) == length and length > 20 * 112, f"{len(record)} bytes, {length} in it")
    size = 8 * struct.unpack_from(">H", record, 64 + 44)[0]
    print((length - 64 - 56) // size)


def guid_info(sm_lid, method, lid, block, *entries):
    """Set, Delete and so on of a GuidInfoRecord: entries are INDEX=GUID; lid or block "-": left out. Prints
    the status and the eight GUIDs of the answer."""
    umad = Umad()
    agent = umad.register(3, 2)
    mad = bytearray(gs(3, 2, {"get": 1, "set": 2, "delete": 0x15, "multi": 0x14}[method], 0x30))
    mask = 0
    for bit, value, code, at in ((0, lid, ">H", 56), (1, block, "B", 58)):
        if value != "-":
            mask |= 1 << bit
            struct.pack_into(code, mad, at, int(value))
    for entry in entries:
        index, guid = entry.split("=")
        mask |= 0x10 << int(index)
        struct.pack_into(">Q", mad, 64 + 8 * int(index), int(guid, 16))
    struct.pack_into(">Q", mad, 48, mask)
    umad.send(agent, bytes(mad), int(sm_lid), 1, 2000)
    check(umad.wait(10), "neither an answer nor a time-out")
    record = os.read(umad.fd, 4096)
    check(struct.unpack_from("=I", record, 4)[0] == 0, "no answer")
    mad = record[64:]
    check(mad[3] == {"set": 0x81, "get": 0x81, "delete": 0x95, "multi": 0x94}[method], f"method {mad[3]}")
    print(f"{struct.unpack_from('>H', mad, 4)[0]:04x}",
          *(f"{guid:x}" for guid in struct.unpack_from(">8Q", mad, 64)))


def hear(sm_lid, seconds, *traps):
    """Subscribes to these traps, 0xffff is any; then says what it is told: number of the trap, last half
    of the GID, and TID. Each is acknowledged."""
    umad = Umad()
    agent = umad.register(3, 2, methods=(6,))
    for tid, trap in enumerate(traps):
        mad = bytearray(gs(3, 2, 2, 3, tid + 1))
        struct.pack_into(">Q", mad, 48, 0x10f2)
        struct.pack_into(">HHHBBHHIBBH", mad, 72, 0xffff, 0, 0, 1, 1, 0xffff, int(trap, 0), 0, 0, 0xff, 0xffff)
        umad.send(agent, bytes(mad), int(sm_lid), 1, 2000)
        check(umad.wait(10), "neither an answer nor a time-out")
        record = os.read(umad.fd, 4096)
        check(struct.unpack_from("=I", record, 4)[0] == 0, "no answer")
        check(record[67] == 0x81 and record[68:70] == bytes(2), f"status {record[68:70].hex()}")
    print("subscribed", flush=True)
    end = time.monotonic() + float(seconds)
    while umad.wait(max(0, end - time.monotonic())):
        record = os.read(umad.fd, 4096)
        mad = bytearray(record[64:])
        if mad[3] != 6:
            continue
        qp, lid = struct.unpack_from(">I4xH", record, 20)
        mad[3] = 0x86
        umad.send(agent, bytes(mad), lid, qp, 0)
        print(struct.unpack_from(">H", mad, 60)[0], f"{struct.unpack_from('>Q', mad, 80)[0]:x}",
              f"{struct.unpack_from('>Q', mad, 8)[0] & 0xffffffff:x}", flush=True)


def register(sm_lid, guid, count, window):
    """Sets so many ServiceRecords, so many of them under way at a time; all are answered. Prints how many a
    second, and milliseconds: the median, and the 99th of a hundred."""
    umad = Umad()
    agent = umad.register(3, 2)
    began, sent, took = time.monotonic(), {}, []
    for tid in range(1, int(count) + 1):
        mad = bytearray(gs(3, 2, 2, 0x31, tid))
        struct.pack_into(">Q", mad, 48, 0x57)
        struct.pack_into(">QQQHHI", mad, 56, 1 + tid % 200, 0xfe80 << 48, int(guid, 16), 0xffff, 0, 3600)
        struct.pack_into(">I", mad, 56 + 112, tid)  # each is another one than before
        umad.send(agent, bytes(mad), int(sm_lid), 1, 5000)
        sent[tid] = time.monotonic()
        while len(sent) >= int(window) or (tid == int(count) and sent):
            check(umad.wait(10), "no answer")
            record = os.read(umad.fd, 4096)
            check(struct.unpack_from("=I", record, 4)[0] == 0, "a request timed out")
            check(record[68:70] == bytes(2), f"status {record[68:70].hex()}")
            took.append(time.monotonic() - sent.pop(struct.unpack_from(">Q", record, 72)[0] & 0xffffffff))
    took.sort()
    print(f"{int(count) / (time.monotonic() - began):.0f} {1000 * took[len(took) // 2]:.1f}"
          f" {1000 * took[len(took) * 99 // 100]:.1f}")


def multipath(sm_lid, guid, other, count):
    """So many questions for MultiPathRecords, RMPP both ways, one after the other, all answered."""
    umad = Umad()
    agent = umad.register(3, 2, rmpp=1)
    for tid in range(int(count)):
        mad = bytearray(gs(3, 2, 0x14, 0x3a, tid + 1))
        mad[24:27] = 1, 1, 1  # RMPP: version, DATA, active
        struct.pack_into(">Q", mad, 48, 1 << 6 | 1 << 19 | 1 << 20)  # NumbPath and both counts
        mad[56 + 5] = 0x7f
        mad[56 + 15:56 + 17] = 1, 1
        struct.pack_into(">QQQQ", mad, 80, 0xfe80 << 48, int(guid, 16), 0xfe80 << 48, int(other, 16))
        umad.send(agent, bytes(mad), int(sm_lid), 1, 1000)
        check(umad.wait(5), f"no answer {tid}")
        record = os.read(umad.fd, 4096)
        check(struct.unpack_from("=I", record, 4)[0] == 0, f"question {tid} timed out")
        check(record[67] == 0x94, f"method {record[67]:x}")
        check(record[68:70] == bytes(2), f"status {record[68:70].hex()}")


def long_multipath(sm_lid, guid, other, count, rest=0):
    """A MultiPathRecord that is longer than a datagram, so many GIDs on either side, and so many bytes that
    mean nothing; prints the status and how many paths."""
    umad = Umad()
    agent = umad.register(3, 2, rmpp=1)
    mad = bytearray(gs(3, 2, 0x14, 0x3a))
    mad[24:27] = 1, 1, 1
    struct.pack_into(">Q", mad, 48, 1 << 6 | 1 << 19 | 1 << 20)
    mad[56 + 5] = 0x7f
    mad[56 + 15:56 + 17] = int(count), int(count)
    gids = b"".join(struct.pack(">QQ", 0xfe80 << 48, int(end, 16)) * int(count) for end in (guid, other))
    umad.send(agent, bytes(mad[:80]) + gids + bytes(int(rest)), int(sm_lid), 1, 5000)
    check(umad.wait(20), "no answer")
    record = os.read(umad.fd, 1 << 24)
    check(struct.unpack_from("=I", record, 4)[0] == 0, "it timed out")
    check(record[67] == 0x94, f"method {record[67]:x}")
    print(struct.unpack_from(">H", record, 68)[0], (len(record) - 64 - 56) // 64)


def independent(sm_lid, sources, targets, count, selector=1):
    """The paths that a MultiPathRecord has for answer that asks for so many independent ones (selector 0: of any),
    between GUIDs (with commas): SLID, DLID and preference of each."""
    umad = Umad()
    agent = umad.register(3, 2, rmpp=1)
    ends = [guids.split(",") for guids in (sources, targets)]
    mad = bytearray(gs(3, 2, 0x14, 0x3a))
    mad[24:27] = 1, 1, 1  # RMPP: version, DATA, active
    # NumbPath, IndependenceSelector and both counts
    struct.pack_into(">Q", mad, 48, 1 << 6 | 1 << 17 | 1 << 19 | 1 << 20)
    mad[56 + 5] = int(count)
    mad[56 + 14] = int(selector) << 6
    mad[56 + 15:56 + 17] = map(len, ends)
    gids = b"".join(struct.pack(">QQ", 0xfe80 << 48, int(guid, 16)) for guid in ends[0] + ends[1])
    umad.send(agent, bytes(mad[:80]) + gids, int(sm_lid), 1, 1000)
    check(umad.wait(5), "no answer")
    record = os.read(umad.fd, 1 << 16)
    check(struct.unpack_from("=I", record, 4)[0] == 0, "it timed out")
    check(record[68:70] == bytes(2), f"status {record[68:70].hex()}")
    for path in range(64 + 56, len(record) - 63, 64):
        print(*struct.unpack_from(">HH", record, path + 40)[::-1], record[path + 57])


def lie(sm_lid, count, seed):
    """So many requests whose RMPP headers are lies, of all kinds, by an agent that has no RMPP and so is not
    corrected: numbers of segments, lengths, flags and types. What comes back is not looked at."""
    lies = random.Random(int(seed))
    umad = Umad()
    agent = umad.register(3, 2)
    lengths = (0, 1, 19, 20, 21, 76, 200, 219, 220, 221, 256, 1 << 16, (1 << 31) - 1, (1 << 32) - 1)
    numbers = (0, 1, 2, 3, 63, 64, 65, 1 << 20, (1 << 32) - 1)
    for tid in range(1, int(count) + 1):
        method, attribute_id = lies.choice(((0x14, 0x3a), (2, 0x31), (1, 0x35), (0x12, 0x12), (2, 3), (0x15, 0x38)))
        for segment in range(1, 1 + lies.choice((1, 1, 2, 3, 70))):
            mad = bytearray(gs(3, 2, method, attribute_id, tid))
            mad[56:] = lies.randbytes(200)
            mad[24:28] = (lies.choice((1, 1, 1, 0, 2)), lies.choice((1, 1, 1, 2, 3, 4, 9)),
                          lies.choice((1, 3, 5, 7)), lies.choice((0, 0, 70, 126, 255)))
            struct.pack_into(">II", mad, 28, lies.choice((segment, segment, segment, lies.choice(numbers))),
                             lies.choice(lengths))
            struct.pack_into(">HQ", mad, 46, lies.choice((0, 1, 7, 0xffff)), lies.getrandbits(64))
            umad.send(agent, bytes(mad), int(sm_lid), 1, 0)
        while umad.wait(0):
            os.read(umad.fd, 1 << 20)


def pester(sm_lid):
    """Asks for ever for what the SA is, hundreds of times a second; what comes back is not looked at."""
    umad = Umad()
    agent = umad.register(3, 2)
    for tid in itertools.count(1):
        umad.send(agent, gs(3, 2, 1, 1, tid), int(sm_lid), 1, 0)
        while umad.wait(0):
            os.read(umad.fd, 4096)
        if tid == 100:
            print("asks", flush=True)
        time.sleep(0.001)


def wish(kind, n, guid):
    """The n-th of a kind of things that one can register, as a request."""
    if kind == "service":
        mad = bytearray(gs(3, 2, 2, 0x31, n))
        struct.pack_into(">Q", mad, 48, 0x57)
        struct.pack_into(">QQQHHI", mad, 56, n, 0xfe80 << 48, guid, 0xffff, 0, 3600)
    elif kind == "subscription":
        mad = bytearray(gs(3, 2, 2, 3, n))
        struct.pack_into(">Q", mad, 48, 0x10f2)
        struct.pack_into(">QQHHHBBHHI", mad, 56, 0, 0, n, n, 0, 1, 1, 0xffff, 64, 0)
        mad[56 + 33:56 + 36] = b"\xff\xff\xff"
    else:
        mad = bytearray(gs(3, 2, 2, 0x38, n))
        struct.pack_into(">Q", mad, 48, 0x173f7)
        mad[56:112] = member_record(n, 1)
    return bytes(mad)


def greed(sm_lid, guid):
    """Registers more of everything than there is room for, hundreds at a time; each is answered. Prints how
    many of each kind there were room for."""
    umad = Umad()
    agent = umad.register(3, 2)
    wishes = [(kind, n) for n in range(1, 2400) for kind in ("service", "subscription", "group")
              if n < {"service": 400, "subscription": 200, "group": 2400}[kind]]
    waiting, had = {}, dict.fromkeys(("service", "subscription", "group"), 0)
    for tid, (kind, n) in enumerate(wishes, 1):
        mad = bytearray(wish(kind, n, int(guid, 16)))
        struct.pack_into(">Q", mad, 8, tid)
        waiting[tid] = kind, bytes(mad)
    busy = 0
    asked = set()
    while waiting:
        for tid in list(waiting)[:300]:
            if tid not in asked:
                umad.send(agent, waiting[tid][1], int(sm_lid), 1, 20000)
                asked.add(tid)
        check(umad.wait(20), f"{len(waiting)} are not answered")
        record = os.read(umad.fd, 4096)
        tid = struct.unpack_from(">Q", record, 72)[0] & 0xffffffff
        check(struct.unpack_from("=I", record, 4)[0] == 0, f"{waiting[tid][0]} {tid} timed out")
        status = struct.unpack_from(">H", record, 68)[0]
        asked.remove(tid)
        if status == 1:  # it is to ask again
            busy += 1
            continue
        check(status in (0, 0x100), f"{waiting[tid][0]}: status {status:#x}")
        had[waiting.pop(tid)[0]] += status == 0
    print(had["service"], had["subscription"], had["group"], busy)


def trace(sm_lid, source, destination):
    """The TraceRecords of the path between two GUIDs: node GUID, entry and exit port of each."""
    umad = Umad()
    agent = umad.register(3, 2, rmpp=1)
    mad = bytearray(gs(3, 2, 0x13, 0x39))
    struct.pack_into(">Q", mad, 48, 1 << 2 | 1 << 3)
    struct.pack_into(">QQQQ", mad, 64, 0xfe80 << 48, int(destination, 16), 0xfe80 << 48, int(source, 16))
    umad.send(agent, bytes(mad), int(sm_lid), 1, 5000)
    check(umad.wait(20), "no answer")
    record = os.read(umad.fd, 1 << 16)
    check(struct.unpack_from("=I", record, 4)[0] == 0, "it timed out")
    check(record[67:70] == b"\x93\0\0", f"method and status {record[67:70].hex()}")
    for at in range(64 + 56, len(record), 48):
        node, entry, exit = struct.unpack_from(">Q24xBB", record, at + 12)
        print(f"{node ^ 0x55555555:016x}", entry, exit)


def agents():
    """A method is one agent's, of all files."""
    one, two = Umad(), Umad()
    one.register(3, 2, 1, (0x12,))
    fails(errno.EINVAL, two.register, 3, 2, 1, (0x12,))
    two.register(3, 2, 1, (0x14,))
    fails(errno.EINVAL, two.register, 4, 1, 1)
    fails(errno.EINVAL, fcntl.ioctl, two.fd, UNREGISTER_AGENT, struct.pack("=I", 7))
    fails(errno.ENOTTY, fcntl.ioctl, two.fd, 0x1B77, 0)
    os.close(one.fd)
    two.register(3, 2, 1, (0x12,))
    fails(errno.EIO, two.send, 9, gs(4, 1, 1, 1), 1, 1, 100)
    fails(errno.EINVAL, os.write, two.fd, bytes(99))


def conflict():
    """Another program on this port has the methods of an SA."""
    umad = Umad()
    fails(errno.EINVAL, umad.register, 3, 2, 1, (1, 0x12))
    umad.register(3, 2, 1)


def gone():
    """The simulator ends while the device is open; and comes back."""
    umad = Umad()
    umad.register(0x81, 1)
    print("open", flush=True)
    check(umad.wait(30), "not told")
    fails(errno.EIO, os.read, umad.fd, 320)
    fails(errno.EIO, umad.send, 0, smp(0x11), 0xffff, 0, 100)
    fails(errno.EPIPE, umad.register, 4, 1)
    os.close(umad.fd)


def issm():
    """IsSM while it is open, for one at a time."""
    def mask():
        return int(attribute("cap_mask"), 16) & 2
    check(not mask(), "IsSM before")
    fd = os.open("/dev/infiniband/issm0", os.O_NONBLOCK)
    check(mask(), "no IsSM")
    fails(errno.EAGAIN, os.open, "/dev/infiniband/issm0", os.O_NONBLOCK)
    os.close(fd)
    check(not mask(), "IsSM after")
    os.close(os.open("/dev/infiniband/issm0", os.O_RDONLY))


def sysfs():
    """Files as the kernel has them."""
    check(os.listdir(CLASS) == ["ibsim0"], str(os.listdir(CLASS)))
    check(attribute("node_type", "") == "1: CA\n", "node_type")
    check(attribute("state")[1:3] == ": ", "state")
    check(attribute("phys_state") == "5: LinkUp\n", "phys_state")
    check(attribute("lid").startswith("0x"), "lid")
    check(attribute("link_layer") == "InfiniBand\n", "link_layer")
    # ibsim's links are SDR unless the file says otherwise, vsm-sim's as fast as both ends can.
    check(attribute("rate") in ("10 Gb/sec (4X SDR)\n", "40 Gb/sec (4X QDR)\n"),
          attribute("rate"))
    check(len(attribute("gids/0")) == 40, "gids/0")
    check(len(attribute("pkeys/0")) == 7, "pkeys/0")
    check(attribute("pkeys/0") != "0x0000\n", "P_Key")
    with open("/sys/class/infiniband_mad/abi_version", encoding="ascii") as file:
        check(file.read() == "5\n", "abi_version")
    with open("/sys/class/infiniband_mad/umad0/port", encoding="ascii") as file:
        check(file.read() == "1\n", "port")
    fails(errno.ENOENT, os.stat, CLASS + "/mlx5_0")
    fails(errno.ENOENT, os.stat, "/dev/infiniband/umad1")
    fails(errno.ENXIO, os.open, "/dev/infiniband/umad1", os.O_RDWR)
    check(os.access("/dev/infiniband/umad0", os.R_OK), "access")


def fork():
    """A child has no part in what its parent opened, and can open for itself."""
    umad = Umad()
    agent = umad.register(0x81, 1)
    child = os.fork()
    if not child:
        fails(errno.EIO, os.read, umad.fd, 320)
        fails(errno.EIO, umad.send, agent, smp(0x11), 0xffff, 0, 1000)
        os.close(umad.fd)
        own = Umad()
        own.send(own.register(0x81, 1), smp(0x11), 0xffff, 0, 1000)
        check(own.wait(5) and len(os.read(own.fd, 320)) == 320, "the child gets no answer")
        os._exit(0)
    check(os.waitpid(child, 0)[1] == 0, "the child failed")
    umad.send(agent, smp(0x11), 0xffff, 0, 1000)
    check(umad.wait(5) and len(os.read(umad.fd, 320)) == 320, "the parent gets no answer")


def blocking():
    """A descriptor that blocks waits, and a signal ends that."""
    umad = Umad(flags=0)
    agent = umad.register(0x81, 1)
    umad.send(agent, smp(0x11), 0xffff, 0, 1000)
    check(len(os.read(umad.fd, 320)) == 320, "no answer")
    signal.signal(signal.SIGALRM, lambda *unused: sys.exit(0))
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    os.read(umad.fd, 320)
    sys.exit("read() came back")


def asleep():
    """Who waits for what does not come sleeps, but for a moment at first, and that long enough."""
    umad = Umad()
    agent = umad.register(0x81, 1)
    umad.send(agent, smp(0x11), 0xffff, 0, 1000)
    check(umad.wait(5) and len(os.read(umad.fd, 320)) == 320, "no answer")
    poll = select.poll()
    poll.register(umad.fd, select.POLLIN)
    began, used = time.monotonic(), time.process_time()
    check(not poll.poll(500), "readable, and nothing is there")
    took, used = time.monotonic() - began, time.process_time() - used
    check(took >= 0.499, f"poll() came back after {took} s of 0.5")
    check(used < 0.1, f"{used} s of processor time while it waited")


def batches():
    """Many requests at once are all answered."""
    umad = Umad()
    agent = umad.register(0x81, 1)
    seen = set()
    for tid in range(3000):
        umad.send(agent, smp(0x11, tid + 1), 0xffff, 0, 5000)
        while len(seen) < tid - 200:
            check(umad.wait(10), f"{len(seen)} of {tid} answers")
            seen.add(os.read(umad.fd, 320)[64 + 12:64 + 16])
    while len(seen) < 3000:
        check(umad.wait(10), f"{len(seen)} answers")
        seen.add(os.read(umad.fd, 320)[64 + 12:64 + 16])


def held():
    """What is written after several records were read goes out though nobody waits or reads."""
    umad = Umad()
    agent = umad.register(0x81, 1)
    for tid in range(3):
        umad.send(agent, smp(0x11, tid + 1), 0xffff, 0, 1000)
    time.sleep(0.2)
    for tid in range(3):
        check(len(os.read(umad.fd, 320)) == 320, f"{tid} of 3 answers")
    umad.send(agent, smp(0x11, 4), 0xffff, 0, 1000)
    time.sleep(0.2)
    check(len(os.read(umad.fd, 320)) == 320, "held back for ever")


def member_record(group, states):
    """An MCMemberRecord of the default partition for our own port; group ffffffff is for all."""
    gid = bytes.fromhex(attribute("gids/0").strip().replace(":", ""))
    mgid = bytes.fromhex("ff12401bffff") + bytes(6) + struct.pack(">I", group)
    return mgid + gid + struct.pack(">IHBBHBBIB7x", 0x0b1b, 0, 2 << 6 | 4, 0, 0xffff, 2 << 6 | 3, 0,
                                    0, states)


def ask_member(umad, agent, method, group, mask, tid, states=1):
    mad = bytearray(gs(3, 2, method, 0x38, tid))
    struct.pack_into(">Q", mad, 48, mask)
    mad[56:112] = member_record(group, states)
    umad.send(agent, bytes(mad), int(attribute("sm_lid"), 0), 1, 5000)


def answers(umad, n):
    """By TID: status, MLID and JoinState."""
    found = {}
    while len(found) < n:
        check(umad.wait(20), f"{len(found)} answers of {n}")
        mad = os.read(umad.fd, 4096)[64:]
        found[struct.unpack_from(">Q", mad, 8)[0] & 0xffffffff] = (
            struct.unpack_from(">H", mad, 4)[0], struct.unpack_from(">H", mad, 56 + 36)[0],
            mad[56 + 48] & 0xf)
    return found


def join(group="0xffffffff", states="1"):
    """Join a group, the broadcast group as IPoIB does it; prints its LID."""
    umad, group = Umad(), int(group, 0)
    agent = umad.register(3, 2, 1)
    ask_member(umad, agent, 2, group, 0x10083 if group == 0xffffffff else 0x173f7, 1, int(states, 0))
    status, mlid, state = answers(umad, 1)[1]
    check(status == 0, f"status {status:#x}")
    check(state & int(states, 0) == int(states, 0), f"JoinState {state:#x}")
    print(f"{mlid:#x}")


def storm(number, leave="1"):
    """Join so many groups as fast as answers come, and leave them again."""
    umad, number = Umad(), int(number)
    agent = umad.register(3, 2, 1)
    for method, mask in ((2, 0x173f7), (0x15, 0x10003))[:1 + int(leave)]:
        for first in range(0, number, 100):
            groups = range(first + 1, min(first + 100, number) + 1)
            for group in groups:
                ask_member(umad, agent, method, group, mask, group)
            for tid, (status, mlid, _) in answers(umad, len(groups)).items():
                check(status == 0, f"group {tid}, method {method:#x}: status {status:#x}")
                check(mlid >= 0xc000, f"group {tid}: MLID {mlid:#x}")


def nothing():
    """Without a simulator this is a machine without devices."""
    fails(errno.ENXIO, os.open, "/dev/infiniband/umad0", os.O_RDWR)
    check(not os.path.exists(CLASS), "a class of devices")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
