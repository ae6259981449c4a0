#!/usr/bin/env python3
# tools/check/layers.py - holds every include of the tree to src/layers.txt.
#
#   layers.py [ROOT]
#
# - A layer includes itself and what its line allows; public headers stand on a layer as well.
# - An include in quotes names layer and file ("rt/task.h") and exists; nothing is relative, but for
#   an example of several files, which is written as users write.
# - No two files of src/ share a name, nor do two of tests/, nor two of include/.
# - Headers and names of the operating system or the CPU stand in src/port only.
# - Public headers include <roost/...> and ISO C only.
# - Examples, tools of the command line and tests use public headers; tests/kit and tests/unit may
#   look inside.
#
# SPDX-License-Identifier: MIT
import os
import re
import sys

import csource

ISO_HEADERS = set(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath "
    "threads time uchar wchar wctype".split()
)
OS_NAMES = re.compile(
    r"\b(__linux__|__gnu_linux__|__x86_64__|__aarch64__|__GLIBC__|SYS_\w+|syscall|io_uring_\w+"
    r"|epoll_\w+|eventfd\w*|timerfd_\w+|signalfd\w*|pidfd_\w+|MAP_[A-Z]+|PROT_[A-Z]+|MADV_[A-Z]+"
    r"|mmap|munmap|mprotect|madvise|sigaction|pthread_\w+)\b"
)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]", re.M)
PUBLIC_ONLY = ("examples/", "cli/", "tests/behaviour/", "tests/sim/", "tests/api/",
               "tests/install/")
OURS = ("src", "include", "cli", "examples", "tests")


def read_layers(root):
    allowed, header_layer = {}, {}
    for number, line in enumerate(csource.read(root, "src/layers.txt").splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        match = re.fullmatch(r"(include )?([a-z]+):((?: [a-z_/]+)*)", line)
        if not match:
            raise SystemExit(f"src/layers.txt:{number}: cannot read this line: {line}")
        words = match.group(3).split()
        if match.group(1):
            header_layer.update({f"roost/{word}.h": match.group(2) for word in words})
        else:
            allowed[match.group(2)] = set(words) | {match.group(2)}
    for layer, others in allowed.items():
        for other in others - allowed.keys():
            raise SystemExit(f"src/layers.txt: {layer} may include {other}, which is no layer")
    return allowed, header_layer


def layer_of(path, allowed, header_layer):
    """The layer a file stands on; None for files outside the library."""
    parts = path.split("/")
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[0] == "include":
        return header_layer.get(path[len("include/"):], "top")
    return None


def may_reach(layer, target, allowed):
    if layer in (None, "top"):
        return True
    return target in allowed.get(layer, set())


class Check:
    def __init__(self, root):
        self.root = root
        self.problems = []
        self.allowed, self.header_layer = read_layers(root)

    def say(self, path, line, text):
        self.problems.append(f"{path}:{line}: {text}")

    def quoted(self, path, line, name):
        beside = f"{self.root}/{os.path.dirname(path)}/{name}"
        if path.startswith("examples/") and "/" not in name and os.path.isfile(beside):
            return # as users write programs
        if "/" not in name or name.startswith(".") or "/../" in name:
            self.say(path, line, f'relative include "{name}": write "layer/file.h"')
            return
        homes = [home for home in ("src", "include", "tests")
                 if os.path.isfile(f"{self.root}/{home}/{name}")]
        if not homes:
            self.say(path, line, f'"{name}" is no file of src/, include/ or tests/')
            return
        if homes[0] == "include":
            self.say(path, line, f'"{name}" is public: write <{name}>')
        elif homes[0] == "src":
            self.private(path, line, name)
        elif path.startswith(("src/", "include/")):
            self.say(path, line, f'the library includes "{name}" of its tests')

    def private(self, path, line, name):
        target = name.split("/")[0]
        if path.startswith("include/"):
            self.say(path, line, f'public header includes the private "{name}"')
        elif path.startswith(PUBLIC_ONLY):
            self.say(path, line, f'"{name}" is private: only tests/kit and tests/unit look inside')
        elif target not in self.allowed:
            self.say(path, line, f'"{name}": src/layers.txt knows no layer {target}')
        elif path.startswith("src/"):
            layer = layer_of(path, self.allowed, self.header_layer)
            if not may_reach(layer, target, self.allowed):
                self.say(path, line, f'{layer} must not include "{name}"')

    def angled(self, path, line, name):
        if name == "roost.h" or name.startswith("roost/"):
            if not os.path.isfile(f"{self.root}/include/{name}"):
                self.say(path, line, f"<{name}> does not exist")
                return
            layer = layer_of(path, self.allowed, self.header_layer)
            target = self.header_layer.get(name, "top")
            top = list(self.allowed)[-1]
            if layer != top and not may_reach(layer, target, self.allowed):
                self.say(path, line, f"{layer} must not include <{name}>, which stands on {target}")
            return
        iso = name.endswith(".h") and name[:-2] in ISO_HEADERS
        if iso or not path.startswith(("src/", "include/")) or path.startswith("src/port/"):
            return
        if path.startswith("include/"):
            self.say(path, line, f"<{name}>: public headers include ISO C and <roost/...> only")
        else:
            self.say(path, line, f"<{name}>: headers of the system belong in src/port")

    def file(self, path):
        text = csource.read(self.root, path)
        if path.startswith("src/"):
            parts = path.split("/")
            if len(parts) < 3 or parts[1] not in self.allowed:
                self.say(path, 1, "is in no layer of src/layers.txt")
        code = csource.comments_blanked(text)
        for match in INCLUDE.finditer(code):
            line = csource.line_of(code, match.start(2))
            (self.angled if match.group(1) == "<" else self.quoted)(path, line, match.group(2))
        if path.startswith("src/") and not path.startswith("src/port/"):
            for match in OS_NAMES.finditer(csource.blank(text)):
                self.say(path, csource.line_of(text, match.start()),
                         f"{match.group(1)} is a name of the system: it belongs in src/port")

    def basenames(self, paths):
        seen = {}
        for path in paths:
            if path.startswith(("tests/install/", "tests/api/")):
                continue # separate little projects
            key = (path.split("/")[0], os.path.basename(path))
            if key in seen:
                self.say(path, 1, f"has the same name as {seen[key]}")
            seen.setdefault(key, path)


def main(root):
    check = Check(root)
    paths = csource.files(root, OURS, (".c", ".h", ".S"))
    for path in paths:
        check.file(path)
    check.basenames(paths)
    return csource.report("layers", check.problems, len(paths), "files")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
