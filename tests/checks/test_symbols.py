#!/usr/bin/env python3
# tests/checks/test_symbols.py - proves that tools/check/symbols.sh finds what it is there to find.
#
#   test_symbols.py ROOT COMPILER
#
# SPDX-License-Identifier: MIT
import os
import sys
import tempfile

from planting import run, write

API = '__attribute__((visibility("default"))) '
CLEAN = {
    "base/mem.c": "#include <stdlib.h>\nstatic int count;\n"
                  "void *roosti_alloc(void) { count++; return malloc(8); }\n",
    "port/clock.c": "#include <time.h>\nint roosti_now(void) { return (int)time(0); }\n",
    "rt/loop.c": "__thread int roosti_loop_here;\n",
    "rt/run.c": "int *roosti_n(void) { static int noticed; return &noticed; }\n",
    "rt/task.c": "#include <string.h>\n#include <stdlib.h>\nint roosti_now(void);\n"
                 "static const char *const names[] = {\"a\", \"b\"};\n"
                 "const char *roosti_name(int i) { return names[i]; }\n"
                 "int *roosti_hit(void) { static int site_; return &site_; }\n"
                 + API + "int roost_go(const char *s)\n"
                 "{ if (!s) abort(); return roosti_now() + (int)strlen(s); }\n",
}
PLANTED = [
    ("a foreign export", "rt/task.c", API + "int helper(void) { return 1; }\n",
     "not part of the interface: helper"),
    ("a private export", "rt/task.c", API + "int roosti_open(void) { return 1; }\n",
     "not part of the interface: roosti_open"),
    ("a global name of no library", "rt/task.c", "int helper(void) { return 1; }\n",
     "rt/task.c: global name helper"),
    ("global data of no library", "port/clock.c", "int ticks = 4;\n", "global name ticks"),
    ("a clock above port", "rt/task.c", "#include <time.h>\n"
     "long roosti_t(void) { return (long)time(0); }\n", "rt/task.c: imports time"),
    ("a system call above port", "rt/task.c", "#include <unistd.h>\n"
     "int roosti_p(void) { return getpid(); }\n", "rt/task.c: imports getpid"),
    ("randomness above port", "base/rng.c", "#include <stdlib.h>\n"
     "int roosti_r(void) { return rand(); }\n", "base/rng.c: imports rand"),
    ("the heap above base/mem.c", "rt/task.c", "#include <stdlib.h>\n"
     "void *roosti_m(void) { return malloc(9); }\n", "rt/task.c: imports malloc"),
    ("errno above port", "rt/task.c", "#include <errno.h>\nint roosti_e(void) { return errno; }\n",
     "imports __errno_location"),
    ("writable data above port", "rt/task.c", "static int state;\n"
     "int *roosti_s(void) { return &state; }\n", "rt/task.c: state is writable data"),
    ("writable data with a value", "rt/task.c", "static int state = 3;\n"
     "int *roosti_s(void) { return &state; }\n", "rt/task.c: state is writable data"),
    ("data of a thread reached by a call", "port/clock.c", "static __thread int slow "
     "__attribute__((tls_model(\"global-dynamic\")));\nint *roosti_s(void) { return &slow; }\n",
     "reaches thread data by a call"),
    ("state that another file is granted", "rt/task.c", "static int noticed;\n"
     "int *roosti_s(void) { return &noticed; }\n", "rt/task.c: noticed is writable data"),
    ("more state beside what is granted", "rt/run.c", "static int more;\n"
     "int *roosti_s(void) { return &more; }\n", "rt/run.c: more is writable data"),
    ("data of a thread above port", "rt/task.c", "static __thread int state;\n"
     "int *roosti_s(void) { return &state; }\n", "rt/task.c: state is writable data"),
]


def build(root, compiler, files):
    """The shared library and its objects, laid out as CMake does."""
    write(f"{root}/code", files)
    objects = []
    for path in sorted(files):
        target = f"{root}/objects/src/{path}.o"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        code, output = run([compiler, "-O1", "-fPIC", "-fvisibility=hidden", "-U_FORTIFY_SOURCE",
                            "-fno-stack-protector", "-ftls-model=initial-exec", "-c",
                            f"{root}/code/{path}", "-o", target])
        assert code == 0, output
        objects.append(target)
    code, output = run([compiler, "-shared", "-o", f"{root}/libroost.so", *objects])
    assert code == 0, output


def main(top, compiler):
    failures = 0
    for what, path, text, wanted in [("clean", None, None, None)] + PLANTED:
        files = dict(CLEAN)
        if path:
            files[path] = files.get(path, "") + text
        with tempfile.TemporaryDirectory() as root:
            build(root, compiler, files)
            code, output = run(["sh", f"{top}/tools/check/symbols.sh",
                                f"{top}/tools/check/symbols.txt", f"{root}/libroost.so",
                                f"{root}/objects"])
        good = code == 0 if wanted is None else code == 1 and wanted in output
        failures += not good
        print(f"ok - {what}" if good else f"not ok - {what}: exit code {code}\n{output}")
    print(f"{1 + len(PLANTED) - failures} passed, {failures} failed, 0 skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
