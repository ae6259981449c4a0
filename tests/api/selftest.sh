#!/bin/sh
# tests/api/selftest.sh - proves that header-alone.sh turns down what it is there to turn down.
#
# SPDX-License-Identifier: MIT
set -u

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# try WHAT EXIT-CODE TEXT
try()
{
    printf '%s\n' "$3" >"$work/x.h"
    sh "$here/header-alone.sh" gcc "$work" x.h >"$work/out" 2>&1
    rc=$?
    [ "$rc" -eq 77 ] && cat "$work/out" && exit 77
    if [ "$rc" -eq "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "not ok - $1: exit code $rc"
        cat "$work/out"
    fi
}

try 'a good header' 0 'typedef struct x { int a; } x;'
try 'a type that is not declared' 1 'size_t f(void);'
try 'a header that is not there' 1 '#include <no-such-header.h>'
try 'a keyword of C++' 1 'struct x { int class; };'
try 'a GNU extension used openly' 1 'static inline int f(int a) { return ({ a; }); }'
try 'an empty parameter list' 1 'int f();'
try 'a narrowing conversion' 1 'static inline char f(int a) { return a; }'
try 'a conversion that C++ lacks' 1 'static inline int *f(void *a) { return a; }'
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
