#!/usr/bin/env python3
# tests/checks/test_docs.py - proves that docs/check_blocks.py can fail.
#
# SPDX-License-Identifier: MIT
import sys

from planting import verify

GUIDE = "docs/guide/a.md"
CLEAN = {"examples/a.c": "int one;\n\nint two;\nint three;\n",
         "README.md": "# A\n\n```\nmake\n```\n\n```sh\nmake\n```\n",
         GUIDE: "```c examples/a.c\nint one;\n\nint two;\n```\n\n"
                "```c examples/a.c\nint three;\n```\n"}
PLANTED = [
    ("another word", {GUIDE: "```c examples/a.c\nint tow;\n```\n"}, "not what examples/a.c says"),
    ("a line left out", {GUIDE: "```c examples/a.c\nint one;\nint two;\n```\n"}, "a.md:1: this is"),
    ("another indentation", {GUIDE: "```c examples/a.c\n    int two;\n```\n"}, "this is not"),
    ("half a line", {GUIDE: "```c examples/a.c\nint\n```\n"}, "this is not what"),
    ("an empty block", {GUIDE: "```c examples/a.c\n```\n"}, "this is not what"),
    ("a file that is not there", {GUIDE: "```c examples/b.c\nint two;\n```\n"}, "no examples/b.c"),
    ("code without a file", {"README.md": "```c\nint one;\n```\n"}, "README.md:1: names no file"),
    ("a block without an end", {GUIDE: "```c examples/a.c\nint one;\n"}, "does not end"),
    ("no block at all", {GUIDE: "Text.\n"}, "no block names a file"),
]

if __name__ == "__main__":
    sys.exit(verify(f"{sys.argv[1]}/docs/check_blocks.py", CLEAN, PLANTED))
