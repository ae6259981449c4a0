#!/bin/sh
# tools/run-case.sh - runs one test program and holds it to its closing line.
#
#   run-case.sh PROGRAM [ARGUMENT...]
#
# The program ends its output with "N passed, N failed, N skipped". It fails here when it exits
# non-zero, when the line is missing (it left early), when the line reports failures, or when
# nothing ran. 77: everything was skipped.
#
# SPDX-License-Identifier: MIT
set -u

out=$(mktemp) || exit 1
trap 'rm -f "$out" "$out.rc"' EXIT

# The output goes to ctest while it is produced: a program that hangs has then shown how far it got.
{
    "$@" 2>&1
    echo $? >"$out.rc"
} | tee "$out"
rc=$(cat "$out.rc")

line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out" | tail -n 1)
if [ "$rc" -ne 0 ]; then
    echo "run-case: exit code $rc: $*"
    exit 1
fi
case $line in
    '')
        echo "run-case: no closing line: $*"
        exit 1
        ;;
    '0 passed, 0 failed, 0 skipped')
        echo "run-case: nothing ran: $*"
        exit 1
        ;;
    '0 passed, 0 failed, '*)
        exit 77
        ;;
    *' passed, 0 failed, '*)
        exit 0
        ;;
esac
echo "run-case: failures, yet exit code 0: $*"
exit 1
