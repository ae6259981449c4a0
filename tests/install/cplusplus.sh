#!/bin/sh
# tests/install/cplusplus.sh - a C++ program calls the library.
#
#   cplusplus.sh static|shared SOURCE WORK
#
# SPDX-License-Identifier: MIT
set -eu

kind=$1
source=$2
work=$3
. "$source/tests/install/run-consumer.sh"

if ! command -v g++ >/dev/null; then
    echo "skipped: g++ is missing"
    exit 77
fi
export PKG_CONFIG_PATH="$(find "$work/prefix" -name pkgconfig -type d)"
static=
[ "$kind" = static ] && static=--static
# shellcheck disable=SC2046,SC2086 # lists of words
g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -o "$work/cplusplus" \
    "$source/tests/install/consumer/consumer.cc" $(pkg-config --cflags --libs $static roost)
run_consumer env LD_LIBRARY_PATH="$(dirname "$PKG_CONFIG_PATH")" "$work/cplusplus"
