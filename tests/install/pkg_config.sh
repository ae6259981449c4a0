#!/bin/sh
# tests/install/pkg_config.sh - one compiler command with what pkg-config says.
#
#   pkg_config.sh static|shared SOURCE WORK
#
# SPDX-License-Identifier: MIT
set -eu

kind=$1
source=$2
work=$3
. "$source/tests/install/run-consumer.sh"

if ! command -v pkg-config >/dev/null; then
    echo "skipped: pkg-config is missing"
    exit 77
fi
place=$(find "$work/prefix" -name pkgconfig -type d)
export PKG_CONFIG_PATH="$place"
[ "$(pkg-config --modversion roost)" = "$version" ]
pkg-config --cflags roost | grep -q -e -fstack-clash-protection

static=
[ "$kind" = static ] && static=--static
# shellcheck disable=SC2046,SC2086 # lists of words
"${CC:-cc}" -Wall -Wextra -Wpedantic -Werror -o "$work/pkg_config" \
    "$source/tests/install/consumer/consumer.c" $(pkg-config --cflags --libs $static roost)
# shellcheck disable=SC2046,SC2086
"${CC:-cc}" -Wall -Wextra -Wpedantic -Werror -o "$work/pkg_config_test" \
    "$source/tests/install/consumer/consumer_test.c" \
    $(pkg-config --cflags --libs $static roost-testing)
run_consumer_test "$work/pkg_config_test"
run_consumer env LD_LIBRARY_PATH="$(dirname "$place")" "$work/pkg_config"
