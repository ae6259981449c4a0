#!/bin/sh
# tools/setup.sh - installs what building and testing roost needs, by Debian package name.
#
# Quick and silent when everything is there. Needs root or sudo otherwise.
#
# SPDX-License-Identifier: MIT
set -eu

packages="cmake ninja-build gcc g++ clang clang-tidy clang-format libclang-rt-14-dev valgrind
    qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross pkg-config python3"

if ! command -v dpkg-query >/dev/null; then
    echo "setup: no dpkg here; install the counterparts of:" $packages >&2
    exit 0
fi

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: neither root nor sudo; missing:$missing" >&2
        exit 1
    fi
    as_root="sudo"
fi

echo "setup: installing$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
