#!/usr/bin/env python3
# tools/check/tidy.py - the rules of docs/STYLE.md that a machine can hold.
#
#   tidy.py [ROOT]
#
# Sizes of files and functions, the opening of each file, banned calls, notes to self, links of the
# documentation. A file or function over its cap may be listed in tools/check/debt.txt with its
# present size: it must not grow, the entry follows it down, and no entry is ever added.
#
# SPDX-License-Identifier: MIT
import os
import re
import subprocess
import sys

import csource

DEBT = "tools/check/debt.txt"
FUNCTION_LINES = 70
FILE_LINES = 450 # one file in ten may be longer
FILE_LINES_EVER = 1000
COLUMNS = 100
C_TOPS = ("src", "include", "cli", "examples", "tests", "bench", "fuzz")
SCRIPT_TOPS = ("tools", "cmake", "tests", "bench", "packaging", "examples", "fuzz",
               "CMakeLists.txt", "Makefile")
PROSE_TOPS = ("docs", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")

# (what is banned, where it stays allowed, why). Scope: the library, src/ and include/.
BANS = (
    ("strcpy strcat sprintf vsprintf stpcpy gets atoi atol atoll strtok alloca setjmp longjmp",
     (), "unsafe: there is a bounded counterpart"),
    ("malloc calloc realloc reallocarray free aligned_alloc posix_memalign strdup strndup asprintf "
     "vasprintf getline qsort",
     ("src/base/mem.c",), "all memory comes through base/mem.h"),
    ("time clock clock_gettime gettimeofday localtime gmtime nanosleep clock_nanosleep usleep "
     "sleep",
     ("src/port/",), "clocks are read in src/port only"),
    ("rand srand rand_r random srandom drand48 getrandom getentropy arc4random",
     ("src/port/",), "randomness is drawn in src/port only"),
    ("exit _exit quick_exit",
     ("src/port/",), "the library never ends the program"),
    ("printf puts putchar fprintf vfprintf fputs fwrite fopen open read write close",
     ("src/port/", "src/base/assert.c"), "only src/port does input and output"),
    (r"__atomic_\w+ __sync_\w+ atomic_\w+",
     ("src/base/atomic.h",), "what threads share goes through base/atomic.h, for the models"),
)
CALL_BEFORE = r"(?<![\w.>])(?<!->)"
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)") # of Markdown, into the tree
NOTE_TO_SELF = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
# A function's brace stands alone in column 0; so does the one that ends it.
FUNCTION = re.compile(r"^\{\n(.*?)^\}", re.M | re.S)
BRACE_AFTER_HEAD = re.compile(r"^(?!struct\b|union\b|enum\b|typedef\b|extern\b|namespace\b)"
                              r"[A-Za-z_][^\n;=#]*\)[ \t]*\{[ \t]*$", re.M)


def file_cap(path):
    if path.startswith("examples/"): # a program of one file; of several
        return 80 if path.count("/") == 1 else 250
    if path.startswith("include/"):
        return 350
    return FILE_LINES_EVER


def function_name(code, brace):
    """The name before the parameter list whose body opens at `brace`."""
    at = code.rfind(")", 0, brace)
    depth = 0
    while at >= 0:
        depth += (code[at] == ")") - (code[at] == "(")
        if depth == 0:
            break
        at -= 1
    name = re.search(r"(\w+)\s*$", code[:max(at, 0)])
    if not name:
        return "?"
    if name.group(1).isupper(): # TEST(name), ROOST_ASYNC(name, ...)
        inside = re.match(r"\(\s*(\w+)(?:\s*,\s*(\w+))?", code[at:])
        if inside:
            number = inside.group(1).isdigit() and inside.group(2)
            return f"{name.group(1)}({inside.group(1)}{', ' + number if number else ''})"
    return name.group(1)


class Tidy:
    def __init__(self, root):
        self.root = root
        self.problems = []
        self.over = {} # debt key -> present size
        self.lines = {} # C file -> lines

    def say(self, path, line, text):
        self.problems.append(f"{path}:{line}: {text}")

    def size(self, key, where, lines, cap):
        if lines > cap:
            self.over[key] = (lines, cap, where)

    def sizes(self, path, text, code):
        lines = text.count("\n")
        self.lines[path] = lines
        if lines > FILE_LINES_EVER:
            self.say(path, 1, f"{lines} lines; no file is longer than {FILE_LINES_EVER}")
        else:
            self.size(f"file {path}", f"{path}:1", lines, file_cap(path))
        cap = 150 if path.startswith("src/proto/") else FUNCTION_LINES
        for match in FUNCTION.finditer(code):
            name = function_name(code, match.start())
            line = csource.line_of(code, match.start())
            body = match.group(1).count("\n")
            self.size(f"function {path}:{name}", f"{path}:{line}", body, cap)
        for match in BRACE_AFTER_HEAD.finditer(code):
            self.say(path, csource.line_of(code, match.start()),
                     "a function's brace stands on its own line")

    def long_files(self):
        long = sorted(path for path, count in self.lines.items() if count > FILE_LINES)
        if len(long) * 10 > len(self.lines):
            self.problems.append(
                f"{len(long)} of {len(self.lines)} files are longer than {FILE_LINES} lines; "
                f"one in ten may be: {' '.join(long)}")

    def opening(self, path, text):
        # include/roost/task.h opens as roost/task.h, src/rt/timer.c as rt/timer.c: the path from
        # the directory that the compiler searches.
        shown = re.sub(r"^(include|src)/", "", path)
        first = text.split("\n", 1)[0]
        if not re.match(rf"/\* {re.escape(shown)} - \S", first):
            self.say(path, 1, f'line 1 must begin "/* {shown} - what it is."')
        end = text.find("*/")
        if "SPDX-License-Identifier: MIT" not in text[:end]:
            self.say(path, 1, "the opening comment lacks the line SPDX-License-Identifier: MIT")

    def bans(self, path, code):
        for names, homes, why in BANS:
            if path.startswith(homes) and homes:
                continue
            for match in re.finditer(rf"{CALL_BEFORE}\b({'|'.join(names.split())})\s*\(", code):
                if declared_here(code, match):
                    continue
                self.say(path, csource.line_of(code, match.start(1)),
                         f"{match.group(1)}: {why}")
        if not path.startswith("src/port/"):
            without = re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", code, flags=re.M)
            for match in re.finditer(r"\berrno\b", without):
                self.say(path, csource.line_of(without, match.start()),
                         "errno is read in src/port only; everyone else gets negative codes")

    def c_file(self, path):
        text = csource.read(self.root, path)
        code = csource.blank(text)
        self.sizes(path, text, code)
        self.opening(path, text)
        self.plain(path, text)
        for offset in csource.line_comments(text):
            self.say(path, csource.line_of(text, offset), "// is for debugging; commit /* */")
        if path.startswith(("src/", "include/")):
            self.bans(path, code)

    def script(self, path):
        text = csource.read(self.root, path)
        self.size(f"file {path}", f"{path}:1", text.count("\n"), FILE_LINES)
        self.plain(path, text)
        if "SPDX-License-Identifier: MIT" not in text[:2000]:
            self.say(path, 1, "lacks the line SPDX-License-Identifier: MIT")

    def prose(self, path):
        text = csource.read(self.root, path)
        self.plain(path, text, columns=False)
        for match in LINK.finditer(text):
            target = os.path.join(self.root, os.path.dirname(path), match.group(1))
            if not os.path.exists(target):
                self.say(path, csource.line_of(text, match.start()),
                         f"links to {match.group(1)}, which is not there")

    def plain(self, path, text, columns=True):
        for number, line in enumerate(text.split("\n"), 1):
            if NOTE_TO_SELF.search(line):
                self.say(path, number, "a note to self: do it, or open an issue")
            if columns and len(line) > COLUMNS:
                self.say(path, number, f"{len(line)} columns; {COLUMNS} is the most")
            if line != line.rstrip():
                self.say(path, number, "spaces at the end of the line")
            if "\t" in line and path != "Makefile" and columns:
                self.say(path, number, "a tab; indent by 4 spaces")
        if not text.endswith("\n") or text.endswith("\n\n"):
            self.say(path, text.count("\n") + 1, "must end in one newline")

    def debt(self):
        listed = read_debt(csource.read(self.root, DEBT))
        for key, (lines, cap, where) in self.over.items():
            owed = listed.pop(key, None)
            if owed is None:
                self.problems.append(f"{where}: {key}: {lines} lines; {cap} is the cap")
            elif lines > owed:
                self.problems.append(f"{where}: {key}: grew from {owed} to {lines} lines")
            elif lines < owed:
                self.problems.append(f"{DEBT}: {key}: now {lines} lines; write that down")
        for key in listed:
            self.problems.append(f"{DEBT}: {key}: no longer over its cap; strike the entry")
        self.ratchet()

    def ratchet(self):
        """Against the last commit with another version of the list: nothing new or larger."""
        now = csource.read(self.root, DEBT)
        for revision in ("HEAD", "HEAD~1"):
            old = git_show(self.root, f"{revision}:{DEBT}")
            if old is None or old == now:
                continue
            before = read_debt(old)
            for key, lines in read_debt(now).items():
                if lines > before.get(key, 0):
                    self.problems.append(f"{DEBT}: {key} {lines}: the list only shrinks")
            return


def declared_here(code, match):
    """A member or a prototype named like a libc function (`int (*close)(...)`) is no call."""
    line = code[code.rfind("\n", 0, match.start()) + 1:match.start()]
    return bool(re.match(r"\s*(?:[a-z_]\w*\s+)*(?:int|void|roost_time|size_t|char)\s+\**$", line))


def read_debt(text):
    entries = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line:
            key, lines = line.rsplit(" ", 1)
            entries[key] = int(lines)
    return entries


def git_show(root, what):
    if not os.path.exists(os.path.join(root, ".git")):
        return None
    done = subprocess.run(["git", "-C", root, "show", what], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def main(root):
    tidy = Tidy(root)
    c_files = csource.files(root, C_TOPS, (".c", ".h", ".S"))
    scripts = csource.files(root, SCRIPT_TOPS,
                            (".py", ".sh", ".cmake", "CMakeLists.txt", "Makefile"))
    for path in c_files:
        tidy.c_file(path)
    for path in scripts:
        tidy.script(path)
    for path in csource.files(root, PROSE_TOPS, (".md",)):
        tidy.prose(path)
    tidy.long_files()
    tidy.debt()
    return csource.report("tidy", tidy.problems, len(c_files), "C files")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
