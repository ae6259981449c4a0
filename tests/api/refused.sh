#!/bin/sh
# tests/api/refused.sh - a program that must not compile, and its twin that must.
#
#   refused.sh gcc|clang INCLUDE-DIRECTORY FILE
#
# FILE says in a line "refused by COMPILER...: TEXT" which compilers turn it down, with what words.
# With -DMENDED it is the same program without its mistake, and every compiler takes it: so what is
# turned down is the mistake and nothing else.
#
# SPDX-License-Identifier: MIT
set -u

compiler=$1
include=$2
file=$3
# The program's name of the compiler, and the language.
driver=$compiler
standard=gnu17
case $file in
    *.cc)
        standard=gnu++17
        [ "$compiler" = gcc ] && driver=g++ || driver=clang++
        ;;
esac
if ! command -v "$driver" >/dev/null; then
    echo "skipped: $driver is missing"
    exit 77
fi
line=$(sed -n 's/^.*refused by \([a-z ]*\): \(.*\)$/\1:\2/p' "$file" | head -n 1)
by=${line%%:*}
words=${line#*:}
words=${words% \*/}
if [ -z "$by" ] || [ -z "$words" ]; then
    echo "failed: $file does not say who refuses it and how"
    exit 1
fi
options="-std=$standard -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I$include"
options="$options -c -o /dev/null"
[ "$compiler" = clang ] && options="$options -Wthread-safety"

# shellcheck disable=SC2086 # a list of words
if ! "$driver" $options -DMENDED "$file"; then
    echo "failed: $compiler does not take $file without its mistake"
    exit 1
fi
case " $by " in
    *" $compiler "*) ;;
    *) exit 0 ;;
esac
# shellcheck disable=SC2086
if said=$("$driver" $options "$file" 2>&1); then
    echo "failed: $compiler takes $file with its mistake"
    exit 1
fi
case $said in
    *"$words"*) exit 0 ;;
esac
echo "failed: $compiler refuses $file, but not with these words: $words"
echo "$said"
exit 1
