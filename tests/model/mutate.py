#!/usr/bin/env python3
# tests/model/mutate.py - proves that a model notices: each change of a table must make it fail.
#
#   mutate.py TABLE --root DIR --objects A.. --sources A.. [--weaken] --command CC FLAGS...
#
# A table is a list of changes, each a blank line apart:
#
#   src/rt/inbox.c inbox_enter       the file, and where in it to begin to search
#   - ROOSTI_SEQ_CST                 the text that is replaced, at its first occurrence from there
#   + ROOSTI_RELAXED                 by this; without the line by nothing
#   ? an_end_while_two_send          the case that must fail; without the line any
#
# The changed file is compiled alone, or with all others that may include it, and linked with the
# objects of the model. --weaken instead tries every memory order in the model's sources one step
# weaker, and prints those that nothing was noticed of; that is for people.
#
# SPDX-License-Identifier: MIT
import argparse
import os
import re
import subprocess
import sys
import tempfile

RUN_SECONDS = 60 # a change may also make a thread loop for ever
WEAKER = {"SEQ_CST": ["ACQ_REL"], "ACQ_REL": ["ACQUIRE", "RELEASE"], "ACQUIRE": ["RELAXED"],
          "RELEASE": ["RELAXED"]}


def changes_read(table):
    with open(table, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        head, *body = block.strip("\n").split("\n")
        path, _, start = head.partition(" ")
        old = "\n".join(line[2:] for line in body if line.startswith("- "))
        new = "\n".join(line[2:] for line in body if line.startswith("+ "))
        case = "".join(line[2:] for line in body if line.startswith("? "))
        yield path, start, old, new, case


def change_apply(root, path, start, old, new):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    at = text.find(start)
    at = text.find(old, at) if at >= 0 else -1
    if at < 0:
        return None
    return text[:at] + new + text[at + len(old):]


def changes_weaken(root, sources):
    """Every memory order one step weaker; with what kind of operation it can stand."""
    for source in sources:
        path = os.path.relpath(source, root)
        if not path.startswith("src/"):
            continue
        with open(source, encoding="utf-8") as file:
            text = file.read()
        for match in re.finditer(r"ROOSTI_(SEQ_CST|ACQ_REL|ACQUIRE|RELEASE)", text):
            call = text.rfind("roosti_atomic_", 0, match.start())
            kind = re.match(r"roosti_atomic_(\w+)", text[call:]).group(1)
            for order in WEAKER[match.group(1)]:
                if order == "ACQ_REL" and kind in ("load", "store"):
                    order = "ACQUIRE" if kind == "load" else "RELEASE"
                changed = text[:match.start()] + "ROOSTI_" + order + text[match.end():]
                line = text.count("\n", 0, match.start()) + 1
                label = text[call:match.end()].replace("\n", " ")
                yield f"{path}:{line}: {re.sub(r' +', ' ', label)} -> {order}", path, changed


class Mill:
    def __init__(self, args, work):
        self.root = args.root
        self.command = args.command
        self.objects = args.objects
        self.sources = args.sources
        self.work = work

    def kills(self, path, text, case=""):
        """How the changed model ended, None: it passed."""
        placed = os.path.join(self.work, os.path.relpath(path, "src"))
        os.makedirs(os.path.dirname(placed), exist_ok=True)
        with open(placed, "w", encoding="utf-8") as file:
            file.write(text)
        whole = os.path.join(self.root, path)
        header = path.endswith(".h")
        redone = [source for source in self.sources if header or source == whole]
        objects = list(self.objects)
        for number, source in enumerate(redone):
            made = os.path.join(self.work, f"changed{number}.o")
            subprocess.run([self.command[0], f"-I{self.work}"] + self.command[1:] +
                           ["-c", source if header else placed, "-o", made], check=True)
            objects = [made if self.is_of(old, source) else old for old in objects]
        if objects == self.objects:
            raise SystemExit(f"{path} is not part of this model")
        program = os.path.join(self.work, "program")
        subprocess.run([self.command[0], "-o", program] + objects, check=True)
        os.remove(placed)
        command = [program] + ([case] if case else [])
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            return "it does not end"
        if done.returncode == 0:
            return None
        found = re.search(r"^(\w+) fails with (.*)$", done.stdout, re.M)
        return found.group(0) if found else f"status {done.returncode}"

    def is_of(self, made, source):
        return made.endswith(os.path.relpath(source, self.root) + ".o") or \
            os.path.basename(made) == os.path.basename(source) + ".o"


def weaken(mill):
    for label, path, text in changes_weaken(mill.root, mill.sources):
        how = mill.kills(path, text)
        print(f"{'noticed ' if how else 'SURVIVED'} {label}", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("--root", required=True)
    parser.add_argument("--objects", required=True, nargs="+")
    parser.add_argument("--sources", required=True, nargs="+")
    parser.add_argument("--weaken", action="store_true")
    parser.add_argument("--command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    failed = passed = 0
    with tempfile.TemporaryDirectory() as work:
        mill = Mill(args, work)
        if args.weaken:
            return weaken(mill)
        for path, start, old, new, case in changes_read(args.table):
            label = f"{path}: {start}: {' '.join(old.split())} -> {' '.join(new.split())}"
            text = change_apply(args.root, path, start, old, new)
            how = mill.kills(path, text, case) if text else None
            if how:
                passed += 1
                print(f"noticed: {label}\n    {how}", flush=True)
            else:
                failed += 1
                print(f"{'NOT NOTICED' if text else 'NOT FOUND'}: {label}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
