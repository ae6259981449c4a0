#!/usr/bin/env python3
# tests/checks/test_summary.py - proves that a bad run does not look green: tools/run-case.sh,
# tools/test-summary.py and tools/compare-output.sh.
#
#   test_summary.py ROOT
#
# SPDX-License-Identifier: MIT
import os
import shutil
import sys
import tempfile

from planting import run, write

# What a test program does, and the exit code run-case.sh must make of it.
CASES = [
    ("all passed", "echo 'ok 1 - a'; echo '2 passed, 0 failed, 0 skipped'", 0),
    ("some skipped", "echo 'ok 1 - a # SKIP no ipv6'; echo '1 passed, 0 failed, 1 skipped'", 0),
    ("all skipped", "echo 'ok 1 - a # SKIP no ring'; echo '0 passed, 0 failed, 1 skipped'", 77),
    ("a failure", "echo '1 passed, 1 failed, 0 skipped'; exit 1", 1),
    ("a failure with exit code 0", "echo '1 passed, 1 failed, 0 skipped'", 1),
    ("nothing ran", "echo '0 passed, 0 failed, 0 skipped'", 1),
    ("no closing line", "echo 'ok 1 - a'", 1),
    ("a closing line inside another", "echo 'x 2 passed, 0 failed, 0 skipped'", 1),
    ("a crash after the closing line", "echo '2 passed, 0 failed, 0 skipped'; kill -SEGV $$", 1),
    ("no such program", None, 1),
]

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES NONE)
enable_testing()
function(case name)
    add_test(NAME ${name} COMMAND sh %s/tools/run-case.sh sh -c "${ARGN}")
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()
"""
GOOD = "case(good \"echo '1 passed, 0 failed, 0 skipped'\")\n"
PARTLY = ("case(partly \"echo 'ok 2 - b # SKIP no ipv6'; "
          "echo '1 passed, 0 failed, 2 skipped'\")\n")
SKIPPED = "case(all \"echo 'ok 1 - a # SKIP no ring'; echo '0 passed, 0 failed, 1 skipped'\")\n"
BAD = "case(bad \"echo '1 passed, 1 failed, 0 skipped'; exit 1\")\n"
GONE = "add_test(NAME gone COMMAND ./no-such-program)\n"

# The tests of a project, then the exit code and the lines the summary must give.
RUNS = [
    ("good", GOOD, 0, ["1 passed, 0 failed, 0 skipped"]),
    ("cases skipped", GOOD + PARTLY, 0,
     ["skipped: partly: 2 of its cases: no ipv6", "2 passed, 0 failed, 2 skipped"]),
    ("a test skipped", GOOD + SKIPPED, 0,
     ["skipped: all: no ring", "1 passed, 0 failed, 1 skipped"]),
    ("a failure", GOOD + BAD, 1, ["failed: bad", "1 passed, 1 failed, 0 skipped"]),
    ("a program that is gone", GOOD + GONE, 1, ["failed: gone", "1 passed, 1 failed, 0 skipped"]),
    ("only skips", SKIPPED, 1, ["nothing ran", "0 passed, 0 failed, 1 skipped"]),
    ("no tests", "", 1, ["nothing ran", "0 passed, 0 failed, 0 skipped"]),
]


class Count:
    def __init__(self):
        self.passed = self.failed = 0

    def say(self, good, what, detail):
        self.passed += good
        self.failed += not good
        print(f"ok - {what}" if good else f"not ok - {what}: {detail}")


def run_case(top, count):
    for what, script, wanted in CASES:
        command = ["sh", "-c", script] if script else ["./no-such-program"]
        code, output = run(["sh", f"{top}/tools/run-case.sh", *command])
        count.say(code == wanted, f"run-case: {what}", f"exit code {code}\n{output}")


def summary(top, count):
    for what, tests, wanted, lines in RUNS:
        with tempfile.TemporaryDirectory() as root:
            write(root, {"CMakeLists.txt": PROJECT % top + tests})
            run(["cmake", "-S", root, "-B", f"{root}/build"])
            run(["ctest", "--test-dir", f"{root}/build", "--output-junit", f"{root}/tests.xml"])
            code, output = run([sys.executable, f"{top}/tools/test-summary.py",
                                f"{root}/tests.xml"])
        good = code == wanted and output.endswith(lines[-1] + "\n")
        good = good and all(line in output for line in lines)
        count.say(good, f"summary: {what}", f"exit code {code}\n{output}")
    code, output = run([sys.executable, f"{top}/tools/test-summary.py", "no-such-report.xml"])
    count.say(code == 1 and output.endswith("0 passed, 0 failed, 0 skipped\n"),
              "summary: no report", output)


def compare(top, count):
    with tempfile.TemporaryDirectory() as root:
        write(root, {"expected": "a\nb\n"})
        for what, expected, script, wanted in [
                ("the same", "expected", "echo a; echo b", 0),
                ("another line", "expected", "echo a; echo c", 1),
                ("a line missing", "expected", "echo a", 1),
                ("the same, but it fails", "expected", "echo a; echo b; exit 3", 1),
                ("nothing to compare with", "no-such-file", "echo a", 1)]:
            code, output = run(["sh", f"{top}/tools/compare-output.sh", f"{root}/{expected}", "sh",
                                "-c", script])
            count.say(code == wanted, f"compare-output: {what}", f"exit code {code}\n{output}")


if __name__ == "__main__":
    if not shutil.which("ctest"):
        print("skipped: ctest is missing")
        sys.exit(77)
    count = Count()
    top = os.path.abspath(sys.argv[1])
    run_case(top, count)
    summary(top, count)
    compare(top, count)
    print(f"{count.passed} passed, {count.failed} failed, 0 skipped")
    sys.exit(1 if count.failed else 0)
