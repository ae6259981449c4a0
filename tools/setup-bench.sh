#!/bin/sh
# tools/setup-bench.sh - installs the peers that the benchmarks compare roost with.
#
# Debian packages by name (Go and Rust only where their tools are absent), a Python environment
# with a pinned uvloop under build/, and the tokio peer's crates as its Cargo.lock names them.
# Debian 12's own cargo is too old for the tokio of Cargo.lock; with a newer one in PATH it builds.
# Needs root or sudo when a package is missing. A peer that cannot be fetched is named, the others
# are set up all the same, and the exit status is 1; bench/run.py then reports that peer as missing.
#
# SPDX-License-Identifier: MIT
set -eu

uvloop=0.23.0
cd "$(dirname "$0")/.."
failed=

installed() {
    state=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)
    [ "$state" = installed ]
}

packages() {
    wanted="g++ libboost-context-dev libuv1-dev python3-venv"
    command -v go >/dev/null || wanted="$wanted golang-go"
    command -v cargo >/dev/null || wanted="$wanted cargo"
    if ! command -v dpkg-query >/dev/null; then
        echo "setup-bench: no dpkg here; install the counterparts of: $wanted" >&2
        return 0
    fi
    missing=
    for package in $wanted; do
        installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "setup-bench: neither root nor sudo; missing:$missing" >&2
            return 1
        }
        as_root=sudo
    fi
    echo "setup-bench: installing$missing"
    $as_root apt-get update -q || return 1
    # shellcheck disable=SC2086 # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends $missing
}

python_peers() {
    venv=build/bench/venv
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv" || return 1
    have=$("$venv/bin/python" -c 'import uvloop; print(uvloop.__version__)' 2>/dev/null || true)
    [ "$have" = "$uvloop" ] || "$venv/bin/python" -m pip install -q "uvloop==$uvloop"
}

tokio_peer() {
    CARGO_TARGET_DIR=$PWD/build/bench/tokio
    export CARGO_TARGET_DIR
    (cd bench/peers/tokio && cargo build --release --locked --quiet)
}

go_peer() {
    mkdir -p build/bench
    (cd bench/peers/go && go build -o ../../../build/bench/go .)
}

packages || failed="$failed packages"
python_peers || failed="$failed uvloop"
tokio_peer || failed="$failed tokio"
go_peer || failed="$failed go"

if [ -n "$failed" ]; then
    echo "setup-bench: could not set up:$failed" >&2
    exit 1
fi
echo "setup-bench: every peer is in place"
