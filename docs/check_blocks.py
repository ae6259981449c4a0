#!/usr/bin/env python3
# docs/check_blocks.py - code blocks of the documentation that name a file are pieces of that file.
#
#   check_blocks.py [ROOT]
#
# A block that opens with ```c examples/x.c must stand in that file word for word, as whole lines.
# A block of C must name a file; one that shows only the form of something opens with ``` alone.
#
# SPDX-License-Identifier: MIT
import os
import re
import sys

FENCE = re.compile(r"^```[ \t]*(\S*)[ \t]*(.*)$")
TOPS = ("README.md", "CONTRIBUTING.md", "src/README.md", "docs")


def documents(root):
    for top in TOPS:
        path = os.path.join(root, top)
        if os.path.isfile(path):
            yield top
        for directory, _, names in os.walk(path):
            for name in sorted(names):
                if name.endswith(".md"):
                    yield os.path.relpath(os.path.join(directory, name), root)


def blocks(text):
    """(line, language, file, lines) of each fenced block."""
    opening = None
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.match(line)
        if fence and opening is None:
            opening = (number, fence.group(1), fence.group(2).strip())
            lines = []
        elif fence:
            yield *opening, lines
            opening = None
        elif opening:
            lines.append(line)
    if opening:
        yield *opening, None


def contains(lines, piece):
    size = len(piece)
    return any(lines[at:at + size] == piece for at in range(len(lines) - size + 1))


def check(root, document):
    with open(os.path.join(root, document), encoding="utf-8") as file:
        text = file.read()
    named = 0
    problems = []
    for line, language, source, piece in blocks(text):
        if piece is None:
            problems.append(f"{document}:{line}: this block does not end")
        elif not source:
            if language == "c":
                problems.append(f"{document}:{line}: names no file that holds this code")
        else:
            named += 1
            path = os.path.join(root, source)
            if not os.path.isfile(path):
                problems.append(f"{document}:{line}: there is no {source}")
                continue
            with open(path, encoding="utf-8") as file:
                if not piece or not contains(file.read().split("\n"), piece):
                    problems.append(f"{document}:{line}: this is not what {source} says")
    return named, problems


def main(root):
    count = 0
    problems = []
    for document in documents(root):
        named, found = check(root, document)
        count += named
        problems += found
    for problem in problems:
        print(problem)
    if count == 0:
        problems.append("nothing")
        print("no block names a file: is this the right directory?")
    print(f"check_blocks: {count} blocks, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
