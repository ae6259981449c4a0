#!/usr/bin/env python3
# tools/coverage.py - lines and branches of the library that the tests executed, by gcov.
#
#   coverage.py BUILD-DIRECTORY [--missing] [--lines PERCENT] [--branches PERCENT]
#
# --missing lists what was not reached; the percentages are bars, non-zero exit below them. gcov and
# not llvm-cov, because the latter counts what follows a switch to a task that never comes back.
#
# SPDX-License-Identifier: MIT
import argparse
import collections
import json
import os
import subprocess
import sys


def gcov(build):
    """The gcov report of every object of the library, as parsed JSON."""
    objects = os.path.join(build, "CMakeFiles", "roost.dir")
    for directory, _, names in os.walk(objects):
        for name in sorted(n for n in names if n.endswith(".gcda")):
            done = subprocess.run(
                ["gcov", "--json-format", "--stdout", "--branch-probabilities",
                 os.path.join(directory, name)], capture_output=True, text=True, check=True)
            yield json.loads(done.stdout)


def collect(build, source):
    """path -> line -> [executions, branches, branches taken], over all objects."""
    files = collections.defaultdict(dict)
    for report in gcov(build):
        for file in report["files"]:
            path = os.path.relpath(os.path.join(report["current_working_directory"], file["file"]),
                                   source)
            if not path.startswith(("src" + os.sep, "include" + os.sep)):
                continue
            for line in file["lines"]:
                branches = [b for b in line["branches"] if not b["throw"]]
                seen = files[path].setdefault(line["line_number"], [0, 0, 0])
                seen[0] += line["count"]
                seen[1] = max(seen[1], len(branches))
                seen[2] = max(seen[2], sum(1 for b in branches if b["count"]))
    return files


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def main():
    parser = argparse.ArgumentParser(description="coverage of the library by its tests")
    parser.add_argument("build")
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--lines", type=float, default=0)
    parser.add_argument("--branches", type=float, default=0)
    options = parser.parse_args()

    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = collect(options.build, source)
    if not files:
        print("coverage: no counts; run tools/run-tests.sh cov first")
        return 1
    total = [0, 0, 0, 0]
    print(f"{'file':40} {'lines':>14} {'branches':>14}")
    for path, lines in sorted(files.items()):
        counts = [sum(1 for l in lines.values() if l[0]), len(lines),
                  sum(l[2] for l in lines.values()), sum(l[1] for l in lines.values())]
        total = [a + b for a, b in zip(total, counts)]
        print(f"{path:40} {counts[0]:6}/{counts[1]:<6}{percent(*counts[:2]):5.1f}% "
              f"{counts[2]:6}/{counts[3]:<6}{percent(*counts[2:]):5.1f}%")
        if options.missing:
            print("    not reached:", *[n for n, l in sorted(lines.items()) if not l[0]])
    lines, branches = percent(*total[:2]), percent(*total[2:])
    print(f"coverage: {lines:.1f} % of {total[1]} lines, {branches:.1f} % of {total[3]} branches")
    return 0 if lines >= options.lines and branches >= options.branches else 1


if __name__ == "__main__":
    sys.exit(main())
