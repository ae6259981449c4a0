#!/usr/bin/env python3
# tests/checks/test_behaviours.py - proves that tools/check/behaviours.py can fail.
#
# SPDX-License-Identifier: MIT
import sys

from planting import verify

LIST = "tests/checks/behaviours.txt"
CODE = "tests/behaviour/scope.c"
CLEAN = {LIST: "# a comment\n1-2\n7\n",
         CODE: "BEHAVIOUR(1, a)\n{\n}\nBEHAVIOUR(02, b)\n{\n}\nBEHAVIOUR(07, c)\n{\n}\n"}
PLANTED = [
    ("one left out", {CODE: "BEHAVIOUR(1, a)\n{\n}\nBEHAVIOUR(2, b)\n{\n}\n"}, "B07 has no test"),
    ("one in a comment",
     {CODE: CLEAN[CODE].replace("BEHAVIOUR(02, b)", "/*\nBEHAVIOUR(02, b)\n*/")},
     "B02 has no test"),
    ("one more", {CODE: CLEAN[CODE] + "BEHAVIOUR(9, d)\n{\n}\n"}, "is not listed"),
    ("none at all", {CODE: "\n"}, "found no behaviours"),
]

if __name__ == "__main__":
    sys.exit(verify(f"{sys.argv[1]}/tools/check/behaviours.py", CLEAN, PLANTED))
