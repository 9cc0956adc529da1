#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A stream in front of stock ibsim: the protocol of tests/sim/stream.h, so that the preload's side of
it is tried with all that runs on ibsim. Slow, and only what ibsim can do.

	bridge.py NAME		($IBSIM_SOCKNAME of ibsim; the stream is NAME:stream)

Each connection is a client of ibsim's. One more sits in ibsim's slot 0, because no client of a
stream has the number 0.
"""

import contextlib
import errno
import itertools
import os
import select
import socket
import struct
import sys
import threading

HELLO, CONTROL, PACKET = 1, 2, 3
CTL_MAGIC, MAGIC, VERSION = 0xDEADBEEF, 0x736D7376, 1
CONNECT, DISCONNECT, NODEINFO, PORTINFO, PKEYS = 1, 2, 7, 8, 10
S_CONNECT, S_NODE, S_GIDS, S_PKEYS, S_REGISTER, S_UNREGISTER = range(32, 38)
# Of the data of questions; those of ibsim's have 64 bytes.
SIZES = {S_CONNECT: 88, S_NODE: 0, S_GIDS: 72, S_PKEYS: 72, S_REGISTER: 28, S_UNREGISTER: 28}

numbers = itertools.count(os.getpid() * 100)
taken = {}  # (node, class, version, oui, method): (connection, agent)
lock = threading.Lock()


class Refused(Exception):
    """errno as its argument."""


class Ibsim:
    """A client of ibsim's."""

    def __init__(self, name, node=b""):
        number = next(numbers)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.control.bind(f"\0{name}:ctl{number}\0")
        self.control.connect(f"\0{name}:ctl\0")
        self.data = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.data.bind(f"\0{name}:in{number}\0")
        self.id = 0
        answer = self.ask(CONNECT, struct.pack("=III", number, 0, 0) + node[:31])
        self.id, self.node = struct.unpack_from("=I", answer)[0], answer[12:44].split(b"\0")[0]
        self.data.connect(f"\0{name}:out{self.id}\0")

    def ask(self, kind, data=b""):
        self.control.send(struct.pack("=IIII64s", CTL_MAGIC, self.id, kind, 64, data))
        answer = self.control.recv(4096)
        if struct.unpack_from("=I", answer, 8)[0] != kind:
            raise Refused(errno.ENOENT if kind == CONNECT else errno.EBUSY)
        return answer[16:80]

    def close(self):
        with contextlib.suppress(OSError, Refused):
            self.ask(9, bytes(4))
            self.ask(DISCONNECT)
        self.control.close()
        self.data.close()


class Connection:
    def __init__(self, name, stream):
        self.name = name
        self.stream = stream
        self.ibsim = None
        self.buffer = b""

    def send(self, kind, data):
        self.stream.sendall(struct.pack("=II", len(data), kind) + data)

    def guid(self):
        info = self.ibsim.ask(NODEINFO)
        guid = struct.unpack_from(">Q", info, 12)[0]
        return info[2], guid if info[2] == 2 else guid + 1

    def connect(self, data):
        if struct.unpack_from("=H", data, 74)[0] or data[72] > 1:
            raise Refused(errno.ENODEV)
        self.ibsim = Ibsim(self.name, data[:64].split(b"\0")[0])
        return self.ibsim.node.ljust(64, b"\0") + struct.pack("=IIBBHQ", 0, self.ibsim.id, 1, 0, 0, 0)

    def node_info(self):
        kind, guid = self.guid()
        return struct.pack("=BBHIQ64s64s", 1, kind, 0, 0, guid, self.ibsim.node, self.ibsim.node)

    def gids(self, data):
        prefix = self.ibsim.ask(PORTINFO, data[:1])[8:16]
        gid = (prefix if any(prefix) else b"\xfe\x80" + bytes(6)) + struct.pack(">Q", self.guid()[1])
        first = struct.unpack_from("=H", data, 2)[0]
        return struct.pack("=BBHHH", data[0], 0, first, 1, 0) + (gid if not first else b"").ljust(64, b"\0")

    def register(self, data):
        agent, mgmt_class, version = struct.unpack_from("=IBB", data)
        mask = int.from_bytes(data[12:28], "little")
        keys = [(self.ibsim.node, mgmt_class, version, data[8:11], method)
                for method in range(128) if mask >> method & 1]
        with lock:
            if any(key in taken for key in keys):
                raise Refused(errno.EINVAL)
            taken.update({key: (self, agent) for key in keys})
        return data

    def forget(self, agent=None):
        with lock:
            for key, (owner, number) in list(taken.items()):
                if owner is self and agent in (None, number):
                    del taken[key]

    def answer(self, kind, data):
        if kind == S_CONNECT:
            return self.connect(data)
        if kind == S_NODE:
            return self.node_info()
        if kind == S_GIDS:
            return self.gids(data)
        if kind == S_PKEYS:
            return data[:4] + struct.pack("=HH", 32, 0) + self.ibsim.ask(PKEYS)
        if kind == S_REGISTER:
            return self.register(data)
        if kind == S_UNREGISTER:
            self.forget(struct.unpack_from("=I", data)[0])
            return data
        return self.ibsim.ask(kind, data)

    def control(self, frame):
        _, _, kind, length = struct.unpack_from("=IIII", frame)
        if length != len(frame) - 16 or length != SIZES.get(kind, 64):
            raise OSError(f"a question {kind} of {length} bytes")
        try:
            data = self.answer(kind, frame[16:16 + length])
        except Refused as refused:
            kind, data = 0, struct.pack("=I", refused.args[0])
        self.send(CONTROL, struct.pack("=IIII", CTL_MAGIC, 0, kind, len(data)) + data)

    def from_stream(self):
        part = self.stream.recv(1 << 16)
        self.buffer += part
        while len(self.buffer) >= 8:
            length, kind = struct.unpack_from("=II", self.buffer)
            if len(self.buffer) < 8 + length:
                break
            frame, self.buffer = self.buffer[8:8 + length], self.buffer[8 + length:]
            if kind == CONTROL:
                self.control(frame)
            elif kind == PACKET:
                self.ibsim.data.send(frame[:288])
        return bool(part)

    def from_ibsim(self):
        packet = self.ibsim.data.recv(4096)
        if not any(packet[16:20]):
            self.send(PACKET, packet + bytes(48))

    def serve(self):
        self.send(HELLO, struct.pack("=III", MAGIC, VERSION, 0))
        with contextlib.suppress(OSError):
            while True:
                sources = [self.stream] + ([self.ibsim.data] if self.ibsim else [])
                ready = select.select(sources, [], [])[0]
                if self.ibsim and self.ibsim.data in ready:
                    self.from_ibsim()
                if self.stream in ready and not self.from_stream():
                    break
        self.forget()
        if self.ibsim:
            self.ibsim.close()
        self.stream.close()


def main():
    name = sys.argv[1]
    first = Ibsim(name)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(f"\0{name}:stream\0")
    server.listen(16)
    print("listens", first.id, flush=True)
    while True:
        connection = Connection(name, server.accept()[0])
        threading.Thread(target=connection.serve, daemon=True).start()


if __name__ == "__main__":
    main()
