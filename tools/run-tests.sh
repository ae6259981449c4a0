#!/bin/sh
# tools/run-tests.sh - configures, builds and tests one preset.
#
#   run-tests.sh PRESET [CTEST-ARGUMENT...]
#
# The last line is "N passed, N failed, N skipped"; what was skipped and why stands above it.
# Non-zero when something failed or when nothing ran.
#
# SPDX-License-Identifier: MIT
set -eu

preset=$1
shift
cd "$(dirname "$0")/.."
build=build/$preset
mkdir -p "$build"

if ! cmake --preset "$preset" >"$build/configure.log" 2>&1; then
    cat "$build/configure.log"
    exit 1
fi
cmake --build --preset "$preset"

report=$PWD/$build/tests.xml
rm -f "$report"
rc=0
ctest --preset "$preset" --output-junit "$report" \
    --test-output-size-passed 65536 --test-output-truncation head "$@" || rc=$?
python3 tools/test-summary.py "$report" || rc=1
exit "$rc"
