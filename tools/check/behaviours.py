#!/usr/bin/env python3
# tools/check/behaviours.py - every behaviour of tests/checks/behaviours.txt has its test.
#
#   behaviours.py [ROOT]
#
# SPDX-License-Identifier: MIT
import re
import sys

import csource

LIST = "tests/checks/behaviours.txt"


def wanted_numbers(text):
    numbers = set()
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line:
            first, _, last = line.partition("-")
            numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def main(root):
    wanted = wanted_numbers(csource.read(root, LIST))
    found = set()
    for path in csource.files(root, ["tests/behaviour"], (".c",)):
        code = csource.blank(csource.read(root, path))
        found |= {int(n) for n in re.findall(r"^BEHAVIOUR[A-Z_]*\(\s*(\d+)\s*,", code, re.M)}
    problems = [f"tests/behaviour: B{number:02} has no test" for number in sorted(wanted - found)]
    problems += [f"{LIST}: B{number:02} has a test and is not listed"
                 for number in sorted(found - wanted)]
    return csource.report("behaviours", problems, len(found), "behaviours")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
