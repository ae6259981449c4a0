#!/bin/sh
# tests/api/unity.sh - the library compiles as one unit: names of files do not clash.
#
#   unity.sh SOURCE-DIRECTORY
#
# Only the names are looked at here; `make unity` builds it and runs the tests on it.
#
# SPDX-License-Identifier: MIT
set -eu

source=$1
find "$source/src" -name '*.c' | LC_ALL=C sort | sed 's/.*/#include "&"/' |
    gcc -x c -std=gnu17 -D_GNU_SOURCE -DROOST_CHECKED=1 -I "$source/src" -I "$source/include" \
        -Werror -fsyntax-only -
