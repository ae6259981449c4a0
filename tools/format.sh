#!/bin/sh
# tools/format.sh - makes the C files look as .clang-format says.
#
#   format.sh             rewrites them
#   format.sh --check     names those that differ, and fails if there are any
#
# SPDX-License-Identifier: MIT
set -u

cd "$(dirname "$0")/.." || exit 1
if ! command -v clang-format >/dev/null; then
    echo "skipped: clang-format is missing"
    exit 77
fi
files=$(find src include examples tests bench cli fuzz -name '*.[ch]' 2>/dev/null | sort)
if [ -z "$files" ]; then
    echo "format: found no files"
    exit 1
fi

if [ "${1:-}" != --check ]; then
    echo "$files" | xargs clang-format -i
    exit
fi

rc=0
for file in $files; do
    if ! clang-format "$file" | diff -u "$file" - | head -n 20 | grep .; then
        continue
    fi
    rc=1
done
[ "$rc" -eq 0 ] || echo "format: run make format"
exit "$rc"
