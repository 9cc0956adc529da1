# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whatever saquery can ask, asked of opensm and of vsm on the same fabric, and compared field by field.

Both manage it one after the other, with the same partitions, members of groups, services and
subscriptions. DIFFERENCES is what may differ; doc/sa.md has the reason of each. That no option and
no record of saquery is left out is looked up in what its --help lists.
"""

import concurrent.futures
import re

import fabrics
import lib
from lib import check_empty, check_equal
from suite import Suite
from test_sa import dumped
from test_umad import Simulator

suite = Suite()
tests = suite.tests

# Full and limited members: 0 has the subnet manager.
PARTITIONS = """
Default=0x7fff, ipoib : ALL=limited, ALL_SWITCHES=full, SELF=full ;
blue=0x0002, ipoib : {1}=full, {2}=limited, {3}=full ;
red=0x8003 : {3}=full, {4}=limited, {5}=full ;
"""

# ---- questions ----------------------------------------------------------------------------------

# Who asks decides what there is: these are asked at three hosts, in different partitions.
BY_EVERYBODY = """
;PIR;LR;GIR;SWIR;SMIR;CPI;PR;MCMR;SR;IIR;MFTR;LFTR;PKTR
NR {lid3};PIR {lid3};PIR {switch}/0;LR {lid3};LR {switch}/1 {lid1};GIR {lid3}/0;-O {lid1};-U {guid1}
PR --slid {lid1};PR --dlid {lid3};{pair};{pair} --pkey 0x8002;{pair} --pkey 2;{pair} --pkey 0x8003
PR --slid {lid2} --dlid {lid4};PR --slid {lid1} --dlid {lid1};PR --sgid {gid1} --dgid {gid3}
PR --slid {switch} --dlid {lid1};--smkey 1 PKTR;--smkey 1 NR;--smkey 1 PIR;--smkey 1 MCMR;--smkey 1 SR
"""

# Components and options, one by one and some together: at one host, which sees what there is.
BY_ONE = """
NR;-p;-N;-D;-c;-s;-x;-g;-m;-S;-I;SWIR 9999;SMIR 9999;NR 9999;SL2VL;VLAR;SWIR {switch};SMIR {lid0}
-G {name1};-L {name1};-l {name1};PR --slid {lid2} --dlid {lid1};--sgid-to-dgid {gid1}-{gid3}
PR --sgid {gid1} --slid {lid1} --dgid {gid3};PR --sgid {gid1} --slid {lid2} --dgid {gid3}
--src-to-dst {lid1}:{lid3};--src-to-dst {name1}:{name3};PR --slid 9999;PR --slid {lid1} --dlid 9999
PR --slid {switch} --dlid {switch};--smkey 1 PR;--smkey 1 LR;--smkey 1 SMIR;--smkey 5 NR
--smkey 1 PKTR {lid3}/1/0;--smkey 1 IIR
ClassPortInfo;NodeRecord {lid3};PortInfoRecord {lid3}/1;SL2VLTableRecord {switch};PKeyTableRecord
VLArbitrationTableRecord {switch};InformInfoRecord;LinkRecord {lid3}/1;ServiceRecord
PathRecord --slid {lid1} --dlid {lid3};MCMemberRecord --mlid 0xc000;LFTRecord {switch}/5
MFTRecord {switch};GUIDInfoRecord {lid3}/0;SwitchInfoRecord {switch};SMInfoRecord {lid0}

PIR {lid3}/1/0x80;PIR {lid3}/1/0;PIR {switch};PIR {switch}/1;PIR {switch}/99;PIR /1;PIR 9999/1
LR {switch};LR {switch}/1;LR {switch}/99;LR /1;LR {lid3}/1 {switch};LR {lid3}/1 9999;LR /1 /1
SL2VL {switch};SL2VL {switch}/1;SL2VL {switch}/1/2;SL2VL 9999;VLAR {switch};VLAR {switch}/1/1;VLAR {lid3}/1/1
PKTR {lid3};PKTR {lid3}/1/0;--smkey 1 PKTR {lid3};--smkey 1 PKTR {switch}/0;--smkey 1 PKTR 9999
GIR {lid3};GIR {lid3}/1;GIR {switch};GIR 9999;GIR {lid3}/200
LFTR {switch};LFTR {switch}/0;LFTR {switch}/1;LFTR {switch}/500;LFTR 9999;LFTR {lid3}/0;LFTR /0
MFTR {switch};MFTR {switch}/0;MFTR {switch}/0/0;MFTR /0/0;MFTR 9999;MFTR {switch}/15;MFTR {switch}/0/9
IIR {gid2};IIR {gid7};IIR fe80::9;--smkey 1 IIR {gid2}
SWIR {lid3};SMIR {lid3};NR {switch};-O {switch};-O 9999;-U 0x9;-L nobody;-G {name0};-l {name7}

{pair} -n 1;{pair} -n 0;{pair} -n 2;{pair} --numb_path 1;{pair} -r 0;{pair} -r 1;{pair} --reversible 1
{pair} -Q 3;{pair} --qos_class 3;{pair} --sl 0;{pair} --sl 1;{pair} -T 3;{pair} --tclass 3;{pair} -F 3
{pair} --flow_label 3;{pair} -H 3;{pair} --hop_limit 3;{pair} --service_id 0x1234
{pair} -M 0x84;{pair} -M 0x43;{pair} -M 0x03;{pair} -M 0x85;{pair} -M 0xc4;{pair} --mtu 0x84;{pair} -M 0x44
{pair} -R 0x83;{pair} -R 0x43;{pair} -R 0x03;{pair} -R 0x82;{pair} -R 0xc3;{pair} --rate 0x83;{pair} -R 0x42
{pair} --pkt_lifetime 0x92;{pair} --pkt_lifetime 0x12;{pair} --pkt_lifetime 0x53;{pair} --pkt_lifetime 0xc0
{pair} --pkey 0x8002 --sl 0 -M 0x84 -R 0x83 -n 1 -T 3 -F 3 -H 3 -Q 3;{pair} -M 0x84 -R 0x85 --pkey 0xffff
PR --sgid {gid1};PR --dgid {gid3};PR --sgid fe80::9 --dgid {gid3};PR --dgid {broadcast};PR --sgid {gid1} --dgid {broadcast}
PR --slid {lid1} --dlid 0xc000;PR --slid {lid1} --dgid ff12:401b:ffff::9:9;PR --pkey 0x8002;PR --sl 0 --slid {lid1}
--src-to-dst {lid1}:9999;--src-to-dst nobody:{lid1};--sgid-to-dgid {gid1}-fe80::9

-m 0xc000;-m 0xdfff;MCMR --mlid 0xc000;MCMR --mlid 0xdfff;MCMR --mgid {broadcast};MCMR --mgid ff12:401b:ffff::9:9
MCMR --gid {gid1};MCMR --gid {gid7};MCMR --mgid {broadcast} --gid {gid2};MCMR --pkey 0xffff;MCMR --pkey 0x8002
MCMR --pkey 0x7fff;MCMR --pkey 0x8005;MCMR --sl 0;MCMR --sl 1;MCMR -M 0x84;MCMR -M 0x04;MCMR -M 0x44;MCMR -M 0xc4
MCMR -R 0x83;MCMR -R 0x03;MCMR -R 0x43;MCMR -R 0xc3;MCMR --pkt_lifetime 0x92;MCMR --pkt_lifetime 0x12
MCMR --pkt_lifetime 0x53;MCMR -q 0x0b1b;MCMR --qkey 0x0b1c;MCMR -T 0;MCMR -T 3;MCMR -F 0;MCMR -F 3;MCMR -H 0;MCMR -H 3
MCMR --scope 2;MCMR --scope 5;MCMR -J 1;MCMR --join_state 4;MCMR -X 0;MCMR --proxy_join 1
MCMR --mgid {broadcast} --pkey 0xffff --sl 0 -q 0x0b1b --scope 2 -M 0x84 -R 0x83
--smkey 1 MCMR --gid {gid1};--smkey 1 MCMR -J 1;--smkey 1 MCMR -J 4;--smkey 1 MCMR -X 0;--smkey 1 MCMR -X 1
--smkey 1 MCMR --mlid 0xc000;--smkey 1 MCMR --mgid {broadcast} --gid {gid2};--smkey 1 -m 0xc000;--smkey 1 -m

-K --smkey 1 SMIR;-K --smkey 1 PIR {lid3};--show_keys PIR {lid3};-C {device} NR {lid3};-P 1 NR {lid3}
--node-name-map {map} -O {lid1};--node-name-map {map} -m 0xc000;-t 2000 NR {lid3};-v NR {lid3};-e NR {lid3};-z /dev/null NR {lid3}
--p --slid {lid1} --dlid {lid3};--N {lid3};--list
"""

# On umad2sim, which has no RMPP: what one datagram has room for.
SHORT = """
CPI;NR {lid3};PIR {lid3}/1;PIR {switch}/0;SWIR {switch};SWIR;LFTR {switch}/0;SMIR;LR {lid3}/1;GIR {lid3}/0;SR;IIR {gid2}
{pair};{pair} --pkey 0x8002;{pair} --pkey 0x8003;{pair} -M 0x84;{pair} -R 0x43;{pair} -n 1;PR --sgid {gid1} --dgid {gid3}
--src-to-dst {lid1}:{lid3};--sgid-to-dgid {gid1}-{gid3};PR --slid {lid1} --dlid 9999;PR --slid {lid1} --dlid {lid1}
PR --sgid {gid1} --dgid {broadcast};MCMR --mlid 0xc000;MCMR --mgid {broadcast};-m 0xc000;MCMR --gid {gid7};MCMR --pkey 0x8002
--smkey 1 PKTR {lid3}/1/0;--smkey 1 MCMR --mgid {broadcast} --gid {gid2};--smkey 5 NR {lid3};PKTR;NR 9999;LR {lid3}/1 {switch}
"""

# What saquery has of its own: nothing goes to an SA.
NOT_ASKED = {"--help", "-h", "--version", "-V", "--debug", "-d"}


def listed(text, words):
    return [question.format(**words) for line in text.splitlines() if line
            for question in line.split(";")]


def words_of(world, snapshot, hosts):
    """What the questions are about: {lid1} is the LID of host 1."""
    words = {"switch": snapshot.switches()[0].ports[0].lid, "broadcast": "ff12:401b:ffff::ffff:ffff",
             "device": "ibsim0", "map": world.write("names", f'0x{hosts[1].guid:016x} "its other name"\n')}
    for n, host in enumerate(hosts):
        guid = host.ports[1].guid
        words |= {f"lid{n}": host.ports[1].lid, f"name{n}": host.name, f"guid{n}": f"0x{guid:016x}",
                  f"gid{n}": f"fe80::{guid >> 48:x}:{guid >> 32 & 0xffff:x}:"
                             f"{guid >> 16 & 0xffff:x}:{guid & 0xffff:x}"}
    return words | {"pair": f"PR --slid {words['lid1']} --dlid {words['lid3']}"}


# ---- asking -------------------------------------------------------------------------------------


AT_ONCE = 4  # ibsim has room for ten programs


class Fabric:
    """A fabric that two subnet managers have one after the other, and who is registered there."""

    def __init__(self, world):
        self.world = world
        self.sim = Simulator(world, fabrics.fat_tree_2(4).build())
        self.snapshot = self.sim.snapshot()
        self.hosts = self.find_hosts()

    def find_hosts(self):
        found = [node for node in self.snapshot.nodes.values() if node.kind != "Switch"]
        return sorted(found, key=lambda node: node.name)

    def manage(self, kind, options, preload):
        """kind brings it up, as options say, with this preload; the subnet manager."""
        ours, self.sim.preload = self.sim.preload, preload
        guids = [f"0x{host.ports[1].guid:016x}" for host in self.hosts]
        path = self.world.write("partitions.conf", PARTITIONS.format(*guids))
        sm = kind(self.world, self.sim, options={name: value or path for name, value in options.items()})
        sm.start().wait_ready()
        self.sim.wait_up(60)
        if kind is lib.Opensm:
            sm.wait_quiet()
        self.sim.preload = ours
        self.snapshot = self.sim.snapshot()
        self.hosts = self.find_hosts()
        return sm

    def register(self):
        """Members of three groups, two services, and two subscriptions, through the kernel's MAD layer."""
        lid = str(self.hosts[0].ports[1].lid)
        name = [host.name for host in self.hosts]
        for host, *arguments in ((1,), (2,), (3,), (1, "5"), (3, "5", "8"), (2, "7"), (1, "7", "2")):
            self.sim.client("join", *arguments, host=name[host])
        self.sim.client("register", lid, f"{self.hosts[1].ports[1].guid:x}", "2", "1", host=name[1])
        for host, trap in ((1, "64"), (2, "0xffff")):
            self.sim.client("hear", lid, "0", trap, host=name[host])

    def ask(self, questions, numbers, preload):
        """By host and question the exit code, and what was said."""
        words = words_of(self.world, self.snapshot, self.hosts)
        asked = [(self.hosts[number].name, question) for number in numbers
                 for question in listed(questions, words)]

        def answer(name, question):
            env = {"IBSIM_SOCKNAME": self.sim.name, "LD_PRELOAD": preload, "SIM_HOST": name}
            done = self.world.run([lib.find_program("saquery"), *question.split()], env, 100)
            return done.returncode, dumped(done.stdout), done.stderr.strip()

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(asked, pool.map(lambda one: answer(*one), asked)))


OPENSM_OPTIONS = {"partition_config_file": None}
# vsm leaves LIDs as they are; what it would set otherwise is what the links may run at.
VSM_OPTIONS = {"sm.sa_key": 1, "partition_file": None, "link.width": "4x", "link.speed": "sdr"}


# ---- comparing ----------------------------------------------------------------------------------


def without(*names):
    return lambda records: [tuple(pair for pair in record if pair[0] not in names) for record in records]


def no_empty_blocks(records):
    """A table without BlockNum has block 0, and others that have something."""
    return [record for record in records if record[1] == ("Block", "0") or
            any(name.startswith("GUID") and int(value, 16) for name, value in record)]


def in_common(records):
    """Block numbers of opensm's P_KeyTableRecord are in the byte order of its machine."""
    return [record for record in records if dict(record).get("Block") == "0"]


def no_notices(records):
    """ClassPortInfo without the bit that Notices can be asked for."""
    name = "Capability mask"
    return [tuple((key, int(value, 16) & ~2 if key == name else value) for key, value in record)
            for record in records]


def made_by_members(records):
    """Groups that members have made: opensm keeps 0 for what they did not say."""
    def shorter(record):
        if dict(record)["MGID"].endswith("::ffff:ffff"):
            return record
        return tuple((name, value[-1] if name == "ScopeState" else value) for name, value in record
                     if name not in ("pkt_life", "Scope"))
    return [shorter(record) for record in records if "MGID" in dict(record)]


def parts(records):
    """Which parts of tables there are: what they hold is check_ways()'s and check_copies()'s."""
    return [tuple(pair for pair in record if pair[0] in ("LID", "Block", "Position")) for record in records]


# Each has its line in doc/sa.md. What is done to both before they are compared: all that fit.
CHANGES = (
    (r"SMIR|SMInfo", without("ActCount")),
    (r"CPI|-c$|ClassPortInfo", no_notices),
    (r"GIR( \d+)?$", no_empty_blocks),
    (r"smkey 1 PKTR", in_common),
    (r"MCMR|MCMember|-m$", made_by_members),
    (r"^MCMR.*--gid", without("PortGid", "JoinState")),
    (r"SR|-S|ServiceRecord", without("ServiceLease")),
    (r"IIR|-I|InformInfoRecord", without("SubscriberEnum")),
    (r"PR .*--dgid ff12", without("sgid", "slid", "num_path_revers")),
    (r"LFTR|LFTRecord", parts),
    (r"MFTR|MFTRecord", parts),
)

# And whether vsm may have more, or fewer; or only those of the same port and block are compared. The
# first that fits, else they are equal.
EQUAL, MORE, FEWER, COMMON = "equal", "more", "fewer", "common"
KINDS = (
    (r"smkey 1 PKTR", COMMON),
    (r"MCMR.*(--scope 2|-X 1|--proxy_join 1)$", MORE),
    (r"^MCMR.*(--gid|-J 1|--pkt_lifetime 0x12)", FEWER),
    (r"^(SR|-S|ServiceRecord)$", FEWER),
    (r"smkey", MORE),
    (r"SL2VL|VLAR|VLArb", FEWER),
    (r"^MFTR$", COMMON),
    (r"PR .*--sl 1", FEWER),
    (r"PR .*-R 0x(82|42)$|PR .*--dlid 0xc000", MORE),
    (r"^(LR|-x|PIR|-p|PR|PR --pkey .*|PR --sl 0 .*)$|^PIR \S*/[1-9]|^LR|^PIR \d+$", MORE),
)


def changed(question, answer):
    records = answer[1]
    for pattern, change in CHANGES:
        if re.search(pattern, question) and records and isinstance(records[0], tuple):
            records = change(records)
    return records


def difference(question, theirs, ours):
    """None, or what differs that should not."""
    kind = next((kind for pattern, kind in KINDS if re.search(pattern, question)), EQUAL)
    left, right = changed(question, theirs), changed(question, ours)
    if kind == COMMON:
        places = {record[:3] for record in left} & {record[:3] for record in right}
        left, right = ([record for record in side if record[:3] in places] for side in (left, right))
    missing = [] if kind == FEWER else [record for record in left if record not in right]
    more = [] if kind == MORE else [record for record in right if record not in left]
    # More records of a question for one are another exit code.
    same_end = kind in (MORE, FEWER) or (len(left) == len(right) and theirs[0] == ours[0])
    if missing or more or not same_end:
        return f"opensm {theirs[0]}, {len(left)} records, vsm {ours[0]}, {len(right)}; " \
            f"missing {str(missing[:1])[:300]}, more {str(more[:1])[:300]}"
    return None


def compare(theirs, ours):
    check_empty("answers that differ", (
        f"{host}: saquery {question}: {why}" for (host, question), answer in theirs.items()
        if (why := difference(question, answer, ours[host, question]))), shown=20)


def rows(record, base):
    """{LID: port, or mask of ports}: the lines of a record that is a part of a table."""
    lines = (value.split("\t") for name, value in record if not name and value[0].isdigit())
    return {int(lid, 0): int(value, base) for lid, value in lines}


def owners(snapshot):
    """{LID: name of the node that has it}."""
    return {port.lid: node.name for node in snapshot.nodes.values() for port in node.ports.values()
            if port.lid}


# ---- tables of routes ----------------------------------------------------------------------------


NO_WAY = 255


def hops(snapshot, tables, name, lid):
    """Switches from this one to the LID, by tables; the last has it, or leads to who does."""
    seen = []
    while name not in seen:
        seen.append(name)
        number = tables[name].get(lid, NO_WAY)
        lib.check(number in snapshot.nodes[name].ports, f"no way from {name} to LID {lid}, by {seen}")
        peer = snapshot.nodes[name].ports[number].peer
        end = name if number == 0 else peer[0]
        if end not in tables or number == 0:
            check_equal(f"who has LID {lid}, by {seen}", end, owners(snapshot)[lid])
            return len(seen)
        name = end
    raise lib.Failure(f"LID {lid} goes round: {seen}")


def check_ways(fabric, theirs, ours):
    """Each has routes of its own, but all switches have ways to all LIDs and to nothing else, and each leads to
    who has the LID, over as many switches."""
    snapshot = fabric.snapshot
    of_lid = owners(snapshot)
    found = []
    for answers in (theirs, ours):
        tables = {}
        for record in answers[fabric.hosts[1].name, "LFTR"][1]:
            tables.setdefault(of_lid[int(dict(record)["LID"])], {}).update(rows(record, 10))
        check_equal("switches that have tables", sorted(tables),
                    sorted(switch.name for switch in snapshot.switches()))
        for name, table in tables.items():
            check_equal(f"LIDs that {name} has a way to",
                        sorted(lid for lid, number in table.items() if number != NO_WAY), sorted(of_lid))
        found.append({(name, lid): hops(snapshot, tables, name, lid) for name in tables for lid in of_lid})
    left, right = found
    check_empty("ways of another length", (
        f"{name} to LID {lid}: opensm {n}, vsm {right[name, lid]}" for (name, lid), n in left.items()
        if n != right[name, lid]))


# ---- tables of copies -----------------------------------------------------------------------------


def masks(fabric, answers):
    """{name of a switch: {MLID: set of ports}}, by all records that were answered."""
    of_lid, found = owners(fabric.snapshot), {}
    for record in answers[fabric.hosts[1].name, "MFTR"][1]:
        named = dict(record)
        table = found.setdefault(of_lid[int(named["LID"])], {})
        lines = rows(record, 16)
        check_equal(f"MLIDs of block {named['Block']}", sorted(lines),
                    [0xc000 + 32 * int(named["Block"]) + i for i in range(32)])
        for mlid, mask in lines.items():
            table.setdefault(mlid, set()).update(
                16 * int(named["Position"]) + bit for bit in range(16) if mask >> bit & 1)
    return found


def receivers(fabric, tables, mlid, sender):
    """Names of the hosts that a packet of this host is copied to, each as often as it is."""
    found, edge, passed = [], [sender.ports[1].peer], set()
    while edge:
        name, entry = edge.pop()
        lib.check(name not in passed, f"MLID {mlid:#x}: a packet of {sender.name} comes to {name} twice")
        passed.add(name)
        for number in tables.get(name, {}).get(mlid, set()) - {entry}:
            peer = fabric.snapshot.nodes[name].ports[number].peer if number else None
            if peer and fabric.snapshot.nodes[peer[0]].kind == "Switch":
                edge.append(peer)
            elif peer:
                found.append(peer[0])
    return sorted(found)


# Who is in which group, by MLID, as register() has it: hosts that receive, and all that send.
MEMBERS = {0xc000: ((1, 2, 3), (1, 2, 3)), 0xc001: ((), ()), 0xc002: ((1,), (1, 3)),
           0xc003: ((1, 2), (1, 2))}


def check_copies(fabric, theirs, ours):
    """Each has trees of its own, of whatever switches, but whoever sends, the same hosts have it, once; save that
    opensm's also lead to who only sends."""
    name = [host.name for host in fabric.hosts]
    trees = [masks(fabric, answers) for answers in (theirs, ours)]
    for tables in trees:
        check_equal("MLIDs that something is copied for",
                    sorted({mlid for table in tables.values() for mlid, ports in table.items() if ports}),
                    sorted(mlid for mlid, (receiving, _) in MEMBERS.items() if receiving))
    for mlid, (receiving, sending) in MEMBERS.items():
        for sender in sending:
            left, right = (receivers(fabric, tables, mlid, fabric.hosts[sender]) for tables in trees)
            wanted = {name[n] for n in receiving if n != sender}
            check_equal(f"MLID {mlid:#x}, sent by {name[sender]}, vsm", right, sorted(wanted))
            only_send = {name[n] for n in sending if n not in receiving and n != sender}
            check_equal(f"MLID {mlid:#x}, sent by {name[sender]}, opensm", left, sorted(wanted | only_send))


@suite.test("no record and no option of saquery is left out")
def complete(world):
    said = world.run([lib.find_program("saquery"), "--help"])
    text = said.stdout + said.stderr
    asked = set((BY_EVERYBODY + BY_ONE).replace(";", "\n").replace("\n", " ").split())
    records = [name for pair in re.findall(r"^  (\w+) \((\w+)\)", text, re.MULTILINE) for name in pair]
    options = re.findall(r"^  (--[\w-]+)(?:, (-\w))?", text, re.MULTILINE)
    lib.check(len(records) > 30 and len(options) > 40, f"saquery --help: {text}")
    check_empty("records that are not asked for", (name for name in records if name not in asked))
    check_empty("options that are not used", (
        spellings for spellings in options if not asked & set(spellings) and not NOT_ASKED & set(spellings)))


@suite.test("what saquery gets from vsm is what it gets from opensm, but for what doc/sa.md lists", weight=120)
def beside_opensm(world):
    fabric = Fabric(world)
    found = []
    for kind, options in ((lib.Opensm, OPENSM_OPTIONS), (lib.Vsm, VSM_OPTIONS)):
        sm = fabric.manage(kind, options, lib.VSM_UMAD)
        fabric.register()
        found.append({**fabric.ask(BY_EVERYBODY, (0, 1, 6), lib.VSM_UMAD),
                      **fabric.ask(BY_ONE, (1,), lib.VSM_UMAD)})
        check_equal(f"exit code of {sm.name}", sm.stop(), 0)
    compare(*found)
    check_ways(fabric, *found)
    check_copies(fabric, *found)


@suite.test("the same through ibsim's own umad2sim, as far as one datagram goes", weight=25)
def on_umad2sim(world):
    preload = lib.find_preload()
    fabric = Fabric(world)
    found = []
    for kind, options in ((lib.Opensm, OPENSM_OPTIONS), (lib.Vsm, VSM_OPTIONS)):
        sm = fabric.manage(kind, options, preload)
        fabric.register()
        found.append(fabric.ask(SHORT, (1, 3), preload))
        check_equal(f"exit code of {sm.name}", sm.stop(), 0)
    compare(*found)
