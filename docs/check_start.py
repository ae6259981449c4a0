#!/usr/bin/env python3
# docs/check_start.py - follows "Your first program" of the README in an empty directory.
#
#   check_start.py ROOT PREFIX WORK
#
# PREFIX is an installed roost, which stands for what `make install` would put into the home
# directory; every other command is run as it is written, and each of the programs must greet.
#
# SPDX-License-Identifier: MIT
import os
import pathlib
import re
import shutil
import subprocess
import sys

SECTION = re.compile(r"^## Your first program\n(.*?)^## ", re.M | re.S)
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.M | re.S)
WAYS = 3 # of building it


def main(root, prefix, work):
    readme = pathlib.Path(root, "README.md").read_text(encoding="utf-8")
    section = SECTION.search(readme)
    if not section:
        print("check_start: the README has no section 'Your first program'")
        return 1
    shutil.rmtree(work, ignore_errors=True)
    own = pathlib.Path(work, "own")
    own.mkdir(parents=True)
    pathlib.Path(work, "roost").symlink_to(os.path.abspath(prefix))

    script = ["set -eu"]
    for language, text in BLOCK.findall(section.group(1)):
        if language == "c":
            (own / "hello.c").write_text(text, encoding="utf-8")
        elif language == "sh" and not text.startswith("make install "):
            script.append(text)
    done = subprocess.run(["sh"], input="\n".join(script), cwd=own, capture_output=True, text=True,
                          env={**os.environ, "HOME": os.path.abspath(work)}, check=False)
    expected = pathlib.Path(root, "examples/expected/01_hello.txt").read_text(encoding="utf-8")
    greeted = done.stdout.count(expected)
    if done.returncode != 0 or greeted != WAYS:
        print(done.stdout, done.stderr, sep="")
        print(f"check_start: exit code {done.returncode}; {greeted} of {WAYS} ways gave a program")
        return 1
    print(f"check_start: {WAYS} ways, {WAYS} programs")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
