#!/usr/bin/env python3
# tests/checks/test_format.py - proves that tools/format.sh --check can fail, and that it mends.
#
#   test_format.py ROOT
#
# SPDX-License-Identifier: MIT
import os
import shutil
import sys
import tempfile

from planting import run, write

GOOD = "int f(int a)\n{\n    return a + 1;\n}\n"
# What is wrong, what stands in the file.
PLANTED = [
    ("two spaces of indentation", GOOD.replace("    return", "  return")),
    ("a brace on the head's line", GOOD.replace(")\n{", ") {")),
    ("no space around +", GOOD.replace("a + 1", "a+1")),
]


def main(top):
    if not shutil.which("clang-format"):
        print("skipped: clang-format is missing")
        return 77
    failures = 0

    def say(good, what, output):
        nonlocal failures
        failures += not good
        print(f"ok - {what}" if good else f"not ok - {what}\n{output}")

    with tempfile.TemporaryDirectory() as root:
        for name in ("tools/format.sh", ".clang-format"):
            os.makedirs(os.path.dirname(f"{root}/{name}"), exist_ok=True)
            shutil.copy(f"{top}/{name}", f"{root}/{name}")
        check = ["sh", f"{root}/tools/format.sh", "--check"]
        code, output = run(check)
        say(code == 1 and "no files" in output, "no files", output)
        write(root, {"src/base/a.c": GOOD})
        code, output = run(check)
        say(code == 0, "clean", output)
        for what, text in PLANTED:
            write(root, {"src/base/a.c": text})
            code, output = run(check)
            say(code == 1 and "src/base/a.c" in output, what, output)
            run(["sh", f"{root}/tools/format.sh"])
            code, output = run(check)
            say(code == 0, f"{what}, mended", output)
    print(f"{2 + 2 * len(PLANTED) - failures} passed, {failures} failed, 0 skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
