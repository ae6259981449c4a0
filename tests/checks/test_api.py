#!/usr/bin/env python3
# tests/checks/test_api.py - proves that tools/check/api.py finds what it is there to find.
#
# SPDX-License-Identifier: MIT
import sys

from planting import verify

GOOD = """/**
 * roost_chan_recv - take the oldest message, waiting for one if there is none.
 *
 *   ch        borrowed.
 *   msg       msg_size bytes; written on success only,
 *             and never read.
 *
 * Suspends  while the channel is empty and open.
 * Cancel    ROOST_ECANCELED or ROOST_ETIMEDOUT; no message is lost.
 * Errors    ROOST_ECLOSED  empty, and the sending side has closed.
 * Threads   tasks of the runtime that made the channel.
 */
ROOST_API ROOST_MUST int roost_chan_recv(roost_chan *ch, void *msg);
"""

OTHERS = """
#define ROOST_API __attribute__((visibility("default")))

/**
 * roost_chan_each - call a function for each message.
 *
 *   each, arg  what is called, and what with.
 *   sizes      of the parts.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_chan_each(int (*each)(void *arg, const char *name), void *arg,
                               size_t sizes[2]);

/**
 * roost_log - write a line.
 *
 *   format    as printf takes it.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_log(const char *format, ...) ROOST_PRINTF(1, 2);

/**
 * roost_version - the version.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API const char *roost_version(void);

/* Behind the macros below: enter and leave. */
ROOST_API void roost_scope_begin(int *scope);
ROOST_API void roost_scope_cleanup(int *scope);

#define ROOST_SCOPE_(s) \\
    ROOST_AUTO(scope) int s; \\
    roost_scope_begin(&s)
"""

HEADER = "include/roost/chan.h"


def changed(old, new):
    text = GOOD.replace(old, new)
    assert text != GOOD, old
    return {HEADER: text + OTHERS}


PLANTED = [
    ("no comment", {HEADER: "\nROOST_API int roost_x(void);\n"}, "has no /** doc comment"),
    ("a plain comment", changed("/**", "/*"), "has no /** doc comment"),
    ("another function's name", changed("roost_chan_recv - ", "roost_chan_send - "),
     'must begin with "roost_chan_recv - '),
    ("a name without a purpose", changed(
        " - take the oldest message, waiting for one if there is none.", ""), "must begin with"),
    ("a parameter left out", changed(" *   ch        borrowed.\n", ""),
     "does not describe the parameter ch"),
    ("a parameter that is gone", changed(" *   ch ", " *   old "),
     "describes old, which is no parameter"),
    ("an unnamed parameter", changed("void *msg)", "void *)"), "a parameter has no name"),
    ("no Suspends", changed(" * Suspends  while the channel is empty and open.\n", ""),
     "lacks the word Suspends"),
    ("no Cancel", changed(
        " * Cancel    ROOST_ECANCELED or ROOST_ETIMEDOUT; no message is lost.\n", ""),
     "needs the word Cancel"),
    ("Cancel on what never suspends", changed("while the channel is empty and open", "never"),
     "the Cancel line goes"),
    ("no Errors", changed(
        " * Errors    ROOST_ECLOSED  empty, and the sending side has closed.\n", ""),
     "needs the word Errors"),
    ("no Errors, attribute to the left", {HEADER: GOOD.replace(
        " * Errors    ROOST_ECLOSED  empty, and the sending side has closed.\n", "").replace(
            "ROOST_API ROOST_MUST", "ROOST_MUST ROOST_API")}, "needs the word Errors"),
    ("no Threads", changed(" * Threads   tasks of the runtime that made the channel.\n", ""),
     "lacks the word Threads"),
    ("an empty word", changed("Threads   tasks of the runtime that made the channel.", "Threads"),
     "says nothing after Threads"),
    ("words in another order", changed(
        " * Suspends  while the channel is empty and open.\n"
        " * Cancel    ROOST_ECANCELED or ROOST_ETIMEDOUT; no message is lost.\n",
        " * Cancel    ROOST_ECANCELED or ROOST_ETIMEDOUT; no message is lost.\n"
        " * Suspends  while the channel is empty and open.\n"), "come in the order"),
    ("a foreign name", {HEADER: GOOD.replace("roost_chan_recv", "chan_recv")},
     "public names begin with roost_"),
    ("behind macros, but no macro calls it", {HEADER: GOOD + OTHERS.replace(
        "    roost_scope_begin(&s)", "    s = 0")}, "no macro calls it"),
    ("behind macros, no cleanup either", {HEADER: GOOD + OTHERS.replace(
        "ROOST_AUTO(scope)", "ROOST_AUTO(other)")}, "roost_scope_cleanup: stands behind macros"),
    ("nothing to check", {HEADER: "\n"}, "found no public functions"),
]

if __name__ == "__main__":
    sys.exit(verify(f"{sys.argv[1]}/tools/check/api.py", {HEADER: GOOD + OTHERS}, PLANTED))
