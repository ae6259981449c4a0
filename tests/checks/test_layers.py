#!/usr/bin/env python3
# tests/checks/test_layers.py - proves that tools/check/layers.py finds what it is there to find.
#
# SPDX-License-Identifier: MIT
import sys

from planting import verify

CLEAN = {
    "src/layers.txt": "# comment\nbase:\nport: base\nrt: base port\n\ninclude base: error\n",
    "include/roost.h": "#include <roost/error.h>\n#include <roost/task.h>\n",
    "include/roost/error.h": "#include <stdint.h>\n",
    "include/roost/task.h": "#include <roost/error.h>\n",
    "src/base/list.h": "#include <stddef.h>\n",
    "src/base/list.c": '#include "base/list.h"\n/* mmap(2) in a comment, epoll_wait too */\n',
    "src/port/clock.h": '#include "base/list.h"\n#include <roost/error.h>\n',
    "src/port/clock.c": '#include "port/clock.h"\n#include <sys/epoll.h>\nint x = MAP_SHARED;\n',
    "src/rt/timer.c": '#include "port/clock.h"\n#include <roost/task.h>\n',
    "tests/kit/kit.h": '#include "base/list.h"\n',
    "tests/unit/base/test_list.c": '#include "base/list.h"\n#include "kit/kit.h"\n',
    "tests/behaviour/scope.c": '#include "kit/kit.h"\n#include <roost.h>\n#include <unistd.h>\n',
    "examples/hello.c": "#include <roost.h>\n",
    "examples/tree/tree.c": '#include "walk.h"\n',
    "examples/tree/walk.h": "#include <roost.h>\n",
}

PLANTED = [
    ("an arrow that points up", {"src/port/clock.h": '#include "rt/wheel.h"\n',
                                 "src/rt/wheel.h": "\n"}, 'port must not include "rt/wheel.h"'),
    ("a public header of a higher layer", {"src/base/list.c": "#include <roost/task.h>\n"},
     "base must not include <roost/task.h>"),
    ("an upward arrow between public headers",
     {"include/roost/error.h": "#include <roost/task.h>\n"}, "base must not include"),
    ("an include without its layer", {"src/base/list.c": '#include "list.h"\n'},
     'relative include "list.h"'),
    ("an include with dots", {"src/rt/timer.c": '#include "../base/list.h"\n'}, "relative include"),
    ("an include with dots inside", {"src/rt/timer.c": '#include "rt/../base/list.h"\n'},
     "relative include"),
    ("a file that does not exist", {"src/rt/timer.c": '#include "rt/gone.h"\n'}, "is no file"),
    ("a public header that does not exist", {"src/rt/timer.c": "#include <roost/gone.h>\n"},
     "<roost/gone.h> does not exist"),
    ("a public header in quotes", {"src/rt/timer.c": '#include "roost/task.h"\n'}, "is public"),
    ("a system header above port", {"src/rt/timer.c": "#include <sys/epoll.h>\n"},
     "<sys/epoll.h>: headers of the system"),
    ("a system header in base", {"src/base/list.c": "#include <pthread.h>\n"}, "<pthread.h>"),
    ("a system call above port", {"src/rt/timer.c": "int f(void) { return mmap(0); }\n"},
     "mmap is a name of the system"),
    ("a CPU's name above port", {"src/rt/timer.c": "#ifdef __x86_64__\n#endif\n"}, "__x86_64__"),
    ("a system header in a public one", {"include/roost/task.h": "#include <sys/socket.h>\n"},
     "public headers include ISO C"),
    ("a private header in a public one", {"include/roost/task.h": '#include "rt/timer.h"\n',
                                          "src/rt/timer.h": "\n"}, "includes the private"),
    ("a header of nobody in an example", {"examples/hello.c": '#include "gone.h"\n'},
     'relative include "gone.h"'),
    ("a private header in an example", {"examples/hello.c": '#include "base/list.h"\n'},
     "is private"),
    ("a private header in a behaviour test",
     {"tests/behaviour/scope.c": '#include "base/list.h"\n'}, "is private"),
    ("the library on its tests", {"src/rt/timer.c": '#include "kit/kit.h"\n'},
     "of its tests"),
    ("two files of one name", {"src/rt/list.h": "\n"}, "has the same name as src/base/list.h"),
    ("a file in no layer", {"src/sync/mutex.c": "\n"}, "is in no layer"),
    ("a file beside the layers", {"src/stray.c": "\n"}, "is in no layer"),
    ("a layers.txt that cannot be read", {"src/layers.txt": "base -> port\n"}, "cannot read"),
    ("an arrow to no layer", {"src/layers.txt": "base: cellar\n"}, "which is no layer"),
]

if __name__ == "__main__":
    sys.exit(verify(f"{sys.argv[1]}/tools/check/layers.py", CLEAN, PLANTED))
