#!/bin/sh
# tests/api/header-alone.sh - compiles a file that only includes headers, as strictly as users may.
#
#   header-alone.sh gcc|clang INCLUDE-DIRECTORY HEADER...
#
# No _GNU_SOURCE, no GNU dialect. The warnings are those of careful C and C++ projects.
#
# SPDX-License-Identifier: MIT
set -u

family=$1
include=$2
shift 2
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

warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wundef -Wcast-align"
warnings="$warnings -Wwrite-strings -Werror"
source=$(for header in "$@"; do echo "#include <$header>"; done)
rc=0

# compile COMPILER LANGUAGE STANDARD WARNING...
compile()
{
    compiler=$1 language=$2 standard=$3
    shift 3
    if ! printf '%s\n' "$source" | "$compiler" -x "$language" "-std=$standard" "$@" \
        -I "$include" -fsyntax-only -; then
        echo "failed: $compiler -std=$standard"
        rc=1
    fi
}

for standard in c11 c17 c2x; do
    # shellcheck disable=SC2086 # lists of words
    compile $c c $standard $warnings -Wstrict-prototypes -Wmissing-prototypes
done
# shellcheck disable=SC2086
compile $cxx c++ c++17 $warnings
exit "$rc"
