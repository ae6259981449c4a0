#!/bin/sh
# tests/install/add_subdirectory.sh - a CMake project that carries the sources of roost.
#
#   add_subdirectory.sh static|shared SOURCE WORK
#
# SPDX-License-Identifier: MIT
set -eu

kind=$1
source=$2
work=$3
. "$source/tests/install/run-consumer.sh"

shared=OFF
[ "$kind" = shared ] && shared=ON
build=$work/add_subdirectory
cmake -S "$source/tests/install/consumer" -B "$build" -DROOST_SOURCE="$source" \
    -DBUILD_SHARED_LIBS=$shared
cmake --build "$build"
run_consumer "$build/consumer"
run_consumer_test "$build/consumer_test"

# What it installs is its own: roost adds no install rules to another project.
if cmake --install "$build" --prefix "$work/none" | grep -q .; then
    [ ! -e "$work/none/include/roost.h" ] || { echo "roost installed itself"; exit 1; }
fi
