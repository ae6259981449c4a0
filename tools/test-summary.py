#!/usr/bin/env python3
# tools/test-summary.py - the closing line of a test run, from ctest's JUnit report.
#
#   test-summary.py REPORT.xml
#
# Counts ctest's tests. A program that passed although some of its cases were skipped counts as
# passed, and each such case is added to the skipped ones: a skip never looks green. Non-zero when
# a test failed or none ran.
#
# SPDX-License-Identifier: MIT
import re
import sys
import xml.etree.ElementTree as ElementTree

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
REASON = re.compile(r"^(?:.*# SKIP:? *|skipped: *)(.*)$", re.M | re.I)


def reasons(output):
    return [r.strip() for r in REASON.findall(output) if r.strip()] or ["no reason given"]


def main(report):
    passed = failed = skipped = 0
    notes = []
    failures = []
    try:
        cases = ElementTree.parse(report).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError) as problem:
        print(f"test-summary: {problem}")
        cases = []
    for case in cases:
        name = case.get("name")
        output = case.findtext("system-out") or ""
        skip = case.find("skipped")
        if case.get("status") == "run" and case.find("failure") is None and skip is None:
            passed += 1
            closing = CLOSING.findall(output)
            inner = int(closing[-1][2]) if closing else 0
            if inner:
                skipped += inner
                notes += [f"{name}: {inner} of its cases: {'; '.join(reasons(output))}"]
        elif skip is not None and (skip.get("message") or "").startswith("SKIP_"):
            skipped += 1
            notes += [f"{name}: {'; '.join(reasons(output))}"]
        else:
            failed += 1
            failures.append(name)
    for note in notes:
        print(f"skipped: {note}")
    for name in failures:
        print(f"failed: {name}")
    if passed + failed == 0:
        print("test-summary: nothing ran")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
