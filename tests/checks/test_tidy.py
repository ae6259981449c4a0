#!/usr/bin/env python3
# tests/checks/test_tidy.py - proves that tools/check/tidy.py finds what it is there to find.
#
# SPDX-License-Identifier: MIT
import os
import sys
import tempfile

from planting import run, verify, write

HEAD = "/* base/list.c - lists.\n *\n * SPDX-License-Identifier: MIT\n */\n"
LIST = "src/base/list.c"
DEBT = "tools/check/debt.txt"
LATER = "TO" "DO"


def function(lines, head="static int walk(int a,\n                int b)"):
    return head + "\n{\n" + "    a += b;\n" * lines + "}\n"


def source(body, head=HEAD):
    return {LIST: head + body}


CLEAN = {
    LIST: HEAD + function(70) + "/* time(2), malloc and errno in words, free() too */\n"
          'static const char *text = "malloc(1); errno";\n'
          "struct ops\n{\n    int (*close)(int fd);\n};\n",
    "src/base/mem.c": HEAD.replace("list.c", "mem.c") + "void *get(void)\n{\n"
                      "    return malloc(1);\n}\n",
    "src/port/clock.c": HEAD.replace("base/list.c", "port/clock.c") + "#include <errno.h>\n"
                        "int get(void)\n{\n    return time(0) ? errno : 0;\n}\n",
    "include/roost/list.h": HEAD.replace("base/list.c", "roost/list.h") + "#include <errno.h>\n",
    "tests/unit/base/test_list.c": HEAD.replace("base/list.c", "tests/unit/base/test_list.c")
                                   + "int x;\n",
    "tools/gen.py": "# SPDX-License-Identifier: MIT\n",
    "docs/a.md": "[c](c.md) [up](../tools/gen.py#x) [web](https://example.com/a) [here](#x)\n",
    "docs/c.md": "Text.\n",
    DEBT: "# nothing\n",
}

PLANTED = [
    ("a function too long", source(function(71)), "walk: 71 lines; 70 is the cap"),
    ("a test too long", source(function(71, "TEST(walks_far)")), "TEST(walks_far): 71"),
    ("a file too long", source("int x;\n" * 447), "1 of 5 files are longer than 450"),
    ("a script too long", {"tools/gen.py": "# SPDX-License-Identifier: MIT\n" + "x = 1\n" * 450},
     "451 lines; 450 is the cap"),
    ("a header too long",
     {"include/roost/list.h": CLEAN["include/roost/list.h"] + "int x;\n" * 346},
     "351 lines; 350 is the cap"),
    ("an example too long", {"examples/a.c": HEAD.replace("base/list.c", "examples/a.c")
                             + "int x;\n" * 77}, "81 lines; 80 is the cap"),
    ("a file longer than ever allowed", source("int x;\n" * 997), "no file is longer than 1000"),
    ("a longer file, even as debt", {**source("int x;\n" * 997), DEBT: f"file {LIST} 1001\n"},
     "no file is longer than 1000"),
    ("a debt that grew", {**source(function(72)), DEBT: f"function {LIST}:walk 71\n"},
     "grew from 71 to 72"),
    ("a debt that shrank", {**source(function(72)), DEBT: f"function {LIST}:walk 80\n"},
     "now 72 lines; write that down"),
    ("a debt that is paid", {DEBT: f"function {LIST}:walk 80\n"}, "strike the entry"),
    ("a brace on the head's line", source("int f(void) {\n    return 0;\n}\n"), "on its own line"),
    ("no opening line", source("int x;\n", "/*\n * SPDX-License-Identifier: MIT\n */\n"),
     'line 1 must begin "/* base/list.c - what it is."'),
    ("another file's opening", source("int x;\n", HEAD.replace("list.c", "heap.c")), "must begin"),
    ("no licence", source("int x;\n", "/* base/list.c - lists. */\n"), "SPDX"),
    ("a script without licence", {"tools/gen.py": "import os\n"}, "tools/gen.py:1: lacks"),
    ("strcpy", source("int f(char *a)\n{\n    strcpy(a, a);\n}\n"), "strcpy: unsafe"),
    ("sprintf", source("int f(char *a)\n{\n    sprintf(a, a);\n}\n"), "sprintf: unsafe"),
    ("atoi", source("int x = atoi (a);\n"), "atoi: unsafe"),
    ("longjmp", source("int x = longjmp(a, 1);\n"), "longjmp: unsafe"),
    ("malloc", source("void *x = malloc(1);\n"), "malloc: all memory"),
    ("free", source("void f(void)\n{\n    free(x);\n}\n"), "free: all memory"),
    ("strdup", source("char *x = strdup(y);\n"), "strdup: all memory"),
    ("a clock", source("int x = clock_gettime(0, y);\n"), "clock_gettime: clocks"),
    ("a clock in base/mem.c", {"src/base/mem.c": CLEAN["src/base/mem.c"] + "int x = time(0);\n"},
     "time: clocks"),
    ("a sleep", source("int x = usleep(10);\n"), "usleep: clocks"),
    ("a random number", source("int x = rand();\n"), "rand: randomness"),
    ("an exit", source("void f(void)\n{\n    exit(1);\n}\n"), "exit: the library never"),
    ("output", source('void f(void)\n{\n    printf("x");\n}\n'), "printf: only src/port"),
    ("a write", source("int x = write(1, a, 1);\n"), "write: only src/port"),
    ("an atomic builtin", source("int x = __atomic_load_n(&y, __ATOMIC_RELAXED);\n"),
     "__atomic_load_n: what threads share"),
    ("errno", source("int x = -errno;\n"), "errno is read in src/port only"),
    ("a // comment", source("int x; // here\n"), "// is for debugging"),
    ("a note to self", source(f"/* {LATER}: more */\n"), "a note to self"),
    ("a note to self in prose", {"docs/a.md": f"{LATER}\n"}, "a note to self"),
    ("a link into nothing", {"docs/a.md": "[b](b.md#part)\n"}, "links to b.md"),
    ("a long line", source("int x; /* " + "x" * 90 + " */\n"), "103 columns"),
    ("a tab", source("\tint x;\n"), "a tab"),
    ("spaces at the end", source("int x; \n"), "spaces at the end"),
    ("no newline at the end", source("int x;"), "one newline"),
    ("two newlines at the end", source("int x;\n\n"), "one newline"),
]


def ratchet(check):
    """The list may not grow from one commit to the next, nor beside the last one."""
    with tempfile.TemporaryDirectory() as root:
        def git(*words):
            run(["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *words], root)

        write(root, CLEAN)
        git("init", "-q")
        git("add", "-A")
        git("commit", "-qm", "first")
        entry = {**source(function(72)), DEBT: f"function {LIST}:walk 72\n"}
        write(root, entry)
        uncommitted = run([sys.executable, check, root])
        git("commit", "-qam", "second")
        committed = run([sys.executable, check, root])
    wrong = [what for what, (code, output) in
             (("an entry added", uncommitted), ("an entry committed", committed))
             if code != 1 or "the list only shrinks" not in output]
    for what in wrong:
        print(f"not ok - {what}")
    print(f"{2 - len(wrong)} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    tidy = os.path.abspath(f"{sys.argv[1]}/tools/check/tidy.py")
    sys.exit(verify(tidy, CLEAN, PLANTED) | ratchet(tidy))
