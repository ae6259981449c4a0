#!/bin/sh
# tests/api/safety.sh - programs that clang finds no call out of place in.
#
#   safety.sh INCLUDE-DIRECTORY FILE...
#
# SPDX-License-Identifier: MIT
set -u

include=$1
shift
if ! command -v clang >/dev/null; then
    echo "skipped: clang is missing"
    exit 77
fi
rc=0
for file in "$@"; do
    clang -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wthread-safety -Werror -fsyntax-only \
        -I"$include" -I"$(dirname "$file")" "$file" || rc=1
done
exit "$rc"
