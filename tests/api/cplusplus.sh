#!/bin/sh
# tests/api/cplusplus.sh - a C++ program uses the macros: it compiles without a warning, and runs.
#
#   cplusplus.sh gcc|clang INCLUDE-DIRECTORY LIBRARY
#
# One of its async functions is defined in C.
#
# SPDX-License-Identifier: MIT
set -eu

family=$1
include=$2
library=$3
here=$(cd "$(dirname "$0")" && pwd)
case $family in
    gcc) c=gcc cxx=g++ ;;
    clang) c=clang cxx=clang++ ;;
    *) exit 2 ;;
esac
for compiler in $c $cxx; do
    if ! command -v "$compiler" >/dev/null; then
        echo "skipped: $compiler is missing"
        exit 77
    fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"

# shellcheck disable=SC2086 # a list of words
$c -std=c17 $warnings -I "$include" -I "$here/.." -c "$here/cplusplus/half.c" -o "$work/half.o"
# shellcheck disable=SC2086
$cxx -std=c++17 $warnings -I "$include" -I "$here/.." "$here/cplusplus/all_macros.cc" \
    "$work/half.o" "$library" -pthread -o "$work/program"
"$work/program"
