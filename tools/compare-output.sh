#!/bin/sh
# tools/compare-output.sh - runs a program and compares what it prints with a file.
#
#   compare-output.sh EXPECTED PROGRAM [ARGUMENT...]
#
# SPDX-License-Identifier: MIT
set -u

expected=$1
shift
if [ ! -f "$expected" ]; then
    echo "compare-output: there is no $expected to compare with"
    exit 1
fi

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
"$@" >"$out"
rc=$?
if [ "$rc" -ne 0 ]; then
    cat "$out"
    echo "compare-output: exit code $rc: $*"
    exit 1
fi
diff -u "$expected" "$out"
