#!/bin/sh
# tests/install/find_package.sh - a CMake project finds the installed package.
#
#   find_package.sh static|shared SOURCE WORK
#
# SPDX-License-Identifier: MIT
set -eu

source=$2
work=$3
. "$source/tests/install/run-consumer.sh"

build=$work/find_package
rm -rf "$build"
cmake -S "$source/tests/install/consumer" -B "$build" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DROOST_WANTED="$version" -DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror"
cmake --build "$build"
run_consumer "$build/consumer"
run_consumer_test "$build/consumer_test"

# A version that is not there must not be found.
rm -rf "$build"
if cmake -S "$source/tests/install/consumer" -B "$build" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DROOST_WANTED=99.0 >"$work/find_package.log" 2>&1; then
    echo "find_package: version 99.0 was found"
    exit 1
fi
grep -q 'requested version' "$work/find_package.log"
