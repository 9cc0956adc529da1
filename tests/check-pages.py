#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What users read is so: examples are valid, --help, man pages and bash completion have the same verbs and
options, and formatters have nothing to say about the pages. Prints TAP.

An example is the block after a line that says what it is: .\\" example: vsm.conf, in Markdown
<!-- example: vsm.conf -->. It is held against vsm --check-config, which must not even warn.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
PROGRAMS = {"vsm": ("vsm", "vsm.8"), "vsmctl": ("vsmctl", "vsmctl.1"),
            "vsm-sim": ("tests/sim/vsm-sim", "vsm-sim.1"), "vsm-run": ("vsm-run", "vsm-run.1")}
WIDTHS = (78, 100)
results = []


def result(sentence, wrong=(), skip=None):
    results.append(not wrong)
    print(f"{'not ok' if wrong else 'ok'} {len(results)} - {sentence}{f' # SKIP {skip}' if skip else ''}")
    for line in wrong:
        print(f"# {line}")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def source(path):
    return read(os.path.join(SOURCE, path))


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def pages():
    return sorted(glob.glob(os.path.join(SOURCE, "doc", "*.[1-8]"))) + [os.path.join(BUILD, "doc/vsm.conf.5")]


# -- examples -------------------------------------------------------------------------------------

def examples():
    """(page, kind, text)"""
    roff = r'^\.\\" example: (\S+)\n(?:\.(?:RS|in[^\n]*)\n)?\.(?:nf|EX)\n(.*?)^\.(?:fi|EE)$'
    for path in pages():
        for kind, text in re.findall(roff, read(path), re.M | re.S):
            yield os.path.basename(path), kind, text.replace("\\-", "-").replace("\\e", "\\")
    for name in ("README.md", "doc/virtual-functions.md"):
        for kind, text in re.findall(r"<!-- example: (\S+) -->\n\n((?:    .*\n|\n)+)", source(name)):
            yield os.path.basename(name), kind, text


def check_example(scratch, kind, text):
    if kind == "vsm.conf":
        path, main = os.path.join(scratch, kind), text.replace("/etc/vsm", scratch)
    else:
        path = os.path.join(scratch, "example")
        main = f'partition_file = "{path}"; qos = {{ enable = true; }};'
        if kind == "qos-policy.conf":
            main = f'qos = {{ enable = true; policy_file = "{path}"; }};'
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(scratch, "vsm.conf"), "w", encoding="utf-8") as file:
        file.write(main)
    done = run(os.path.join(BUILD, "vsm"), "-c", os.path.join(scratch, "vsm.conf"), "--check-config")
    return done.stderr.splitlines() or ([] if done.returncode == 0 else [f"exit code {done.returncode}"])


def check_examples():
    found = list(examples())
    with tempfile.TemporaryDirectory() as scratch:
        files = {kind: text for _, kind, text in reversed(found) if kind != "vsm.conf"}
        for name, text in {**files, "names": ""}.items():
            with open(os.path.join(scratch, name), "w", encoding="utf-8") as file:
                file.write(text)
        for page, kind, text in found:
            result(f"{page}: {kind}: {text.strip().splitlines()[0]}", check_example(scratch, kind, text))
        result("--check-config refuses an example that is wrong",
               [] if check_example(scratch, "qos-policy.conf", "qos-levels\n") else ["it does not"])
    kinds = {(page, kind) for page, kind, _ in found}
    result("the pages of all files have examples", sorted({("vsm.conf.5", "vsm.conf"), ("README.md", "vsm.conf"),
           ("vsm-partitions.5", "partitions.conf"), ("vsm-qos-policy.5", "qos-policy.conf")} - kinds))


# -- options --------------------------------------------------------------------------------------

def options_of(text):
    return set(re.findall(r"(?<![\w-])(--?[A-Za-z][\w-]*)", text))


def as_text(page):
    """A page as plain text, with lines of any length."""
    path = os.path.join(SOURCE, "doc", page)
    return run("groff", "-t", "-man", "-Tascii", "-P-cbou", "-rLL=500n", path).stdout


def section(text, name):
    found = re.search(rf"^{name}\n(.*?)(?=^\S|\Z)", text, re.M | re.S)
    return found.group(1) if found else ""


def differences(one, other, where_one, where_other):
    return ([f"only in {where_one}: {each}" for each in sorted(one - other)] +
            [f"only in {where_other}: {each}" for each in sorted(other - one)])


def check_options(name):
    program, page = PROGRAMS[name]
    done = run(os.path.join(BUILD, program), "--help")
    said, text = done.stdout, as_text(page)
    tags = "\n".join(line for line in section(text, "OPTIONS").splitlines() if re.match(r" {7}\S", line))
    tags += section(text, "SYNOPSIS") if name == "vsm-sim" else ""
    listed = "\n".join(line for line in said.splitlines() if re.match(r" +-|-s, -d", line))
    if name == "vsm-run":
        listed = said
    result(f"{name} --help has the options of {page}",
           differences(options_of(listed), options_of(tags), "--help", page) +
           ([] if done.returncode == 0 and not done.stderr else [done.stderr or "its exit code"]))
    result(f"{name} --help says first how it is called",
           [] if said.startswith(f"Usage: {name} ") else [said.split("\n", 1)[0]])
    result(f"{name} --help fits into 100 columns", [line for line in said.splitlines() if len(line) > 100])


def verbs():
    """{verb: its arguments} of vsmctl --help."""
    said = run(os.path.join(BUILD, "vsmctl"), "--help").stdout
    found = {}
    for line in re.findall(r"^  ([a-z].*)$", said, re.M):
        words = re.match(r"[a-z]+(?: [a-z]+)*", line).group(0)
        found[words] = line[len(words):].strip()
    return found


def plain(text):
    return re.sub(r"\s*\|\s*", "|", " ".join(text.split()))


def check_verbs():
    tags = {plain(line) for line in section(as_text("vsmctl.1"), "VERBS").splitlines() if re.match(r" {7}\S", line)}
    result("vsmctl --help has the verbs of vsmctl.1, with the same arguments",
           [f"not in the page: {verb} {arguments}" for verb, arguments in verbs().items()
            if not any(tag == plain(f"{verb} {arguments}") or not arguments and tag.startswith(f"{verb} ")
                       for tag in tags)])


def ask_completion(function, word):
    script = os.path.join(SOURCE, "ctl/vsmctl.bash-completion")
    return run("bash", "-c", f'source "$1"; {function} "$2"', "bash", script, word).stdout.split()


def complete(*words):
    script = os.path.join(SOURCE, "ctl/vsmctl.bash-completion")
    line = ["vsmctl", *words]
    return set(run("bash", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vsmctl; '
                   'printf "%s\\n" "${COMPREPLY[@]}"', "bash", script, *line).stdout.split())


def check_completion():
    known = verbs()
    common = options_of(" ".join(ask_completion("_vsmctl_options", "")))
    wrong = differences(complete(""), {verb.split()[0] for verb in known}, "completion", "--help")
    for verb, arguments in known.items():
        offered = options_of(" ".join(ask_completion("_vsmctl_options", verb))) - common
        wrong += differences(offered, options_of(arguments), f"completion of {verb}", "--help")
        first, _, second = verb.partition(" ")
        if second and second not in complete(first, ""):
            wrong.append(f"completion of {first} does not offer {second}")
    result("completion offers the verbs and options of vsmctl --help", wrong)


# -- what other pages mention ---------------------------------------------------------------------

MARKDOWN = ("README.md", "NEWS", "doc/virtual-functions.md", "doc/sa.md", "doc/architecture.md", "doc/performance.md")


def check_commands():
    """Lines that begin with vsmctl, in blocks."""
    known, wrong, n = verbs(), [], 0
    common = options_of(" ".join(ask_completion("_vsmctl_options", "")))
    for name in MARKDOWN:
        for line in re.findall(r"^    (?:\$ )?(vsmctl .*?)(?:#.*)?$", source(name), re.M):
            for command in line.split(";"):
                words = command.replace("--json ", "").split()[1:]
                verb = next((verb for verb in (" ".join(words[:2]), *words[:1]) if verb in known), None)
                n += 1
                if words and (not verb or options_of(command) - options_of(known[verb]) - common):
                    wrong.append(f"{name}: {command.strip()}")
    result("vsmctl has the verbs and options of commands in README.md and doc",
           wrong or ([] if n > 20 else [f"only {n} commands were found"]))


def check_mentions():
    text = re.sub(r"\\(.)", r"\1", read(os.path.join(BUILD, "doc/vsm.conf.5")))
    options = set(re.findall(r"^fB([a-z_]+\.[a-z_0-9]+)fR$", text, re.M))
    groups = {option.split(".")[0] for option in options}
    wrong = []
    users = [name for name in MARKDOWN if name != "doc/architecture.md"]
    for path in (*users, *(os.path.relpath(page, SOURCE) for page in pages())):
        mentioned = re.findall(r"(?:`|\.BR? \"?)([a-z_]+)\.([a-z_0-9]+)\b", source(path).replace("\\-", "-"))
        wrong += [f"{path}: {group}.{name}" for group, name in mentioned
                  if group in groups and name not in ("c", "conf", "h") and f"{group}.{name}" not in options]
    result("options that pages mention are there", wrong or ([] if len(options) > 50 else ["no options were found"]))


# -- the pages themselves -------------------------------------------------------------------------

def check_page(path):
    wrong = []
    for width in WIDTHS:
        done = run("groff", "-t", "-man", "-Tutf8", "-ww", "-z", f"-rLL={width}n", path)
        wrong += [f"{width} columns: {line}" for line in done.stderr.splitlines()]
    if shutil.which("mandoc"):
        wrong += [line for line in run("mandoc", "-Tlint", "-Wwarning", path).stdout.splitlines()
                  if "missing date" not in line]
    result(f"{os.path.basename(path)}: formatters do not complain", wrong)


def check_references():
    """Each page of ours that a page names is there."""
    names = {re.sub(r"\.([1-8])$", r"(\1)", os.path.basename(path)) for path in pages()}
    wrong = []
    for path in pages():
        text = read(path).replace("\\-", "-")
        for name, number in re.findall(r"(vsm[\w.-]*) ?\((\d)\)", text):
            if f"{name}({number})" not in names:
                wrong.append(f"{os.path.basename(path)}: {name}({number})")
    result("pages that pages refer to are there", wrong)


def main():
    check_examples()
    check_references()
    if not shutil.which("groff"):
        result("pages and --help", skip="groff is not there")
    else:
        for name in PROGRAMS:
            check_options(name)
        check_verbs()
        for path in pages():
            check_page(path)
    check_completion()
    check_commands()
    check_mentions()
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


sys.exit(main())
