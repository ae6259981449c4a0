#!/bin/sh
# tools/run-fuzz.sh - builds the fuzz targets and runs each for a while on its corpus.
#
#   run-fuzz.sh SECONDS
#
# fuzz/corpus/<name>/ holds the seeds of fuzz_<name>, fuzz/<name>.dict its dictionary, if any. What
# a run finds new stays in build/fuzz/corpus; a crash stays in build/fuzz/crashes and fails the run.
#
# SPDX-License-Identifier: MIT
set -u

seconds=$1
cd "$(dirname "$0")/.." || exit 1
cmake --preset fuzz >/dev/null && cmake --build --preset fuzz || exit 1

passed=0
failed=0
for program in build/fuzz/fuzz/fuzz_*; do
    [ -x "$program" ] || continue
    name=${program##*/fuzz_}
    found=build/fuzz/corpus/$name
    mkdir -p "$found" build/fuzz/crashes
    set -- "$found"
    [ -d "fuzz/corpus/$name" ] && set -- "$@" "fuzz/corpus/$name"
    [ -f "fuzz/$name.dict" ] && set -- "$@" "-dict=fuzz/$name.dict"
    if "$program" "-max_total_time=$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        "-artifact_prefix=build/fuzz/crashes/$name-" "$@" >"build/fuzz/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "fuzz_$name: $(sed -n 's/^stat::number_of_executed_units: *//p' \
            "build/fuzz/$name.log") runs in $seconds s"
    else
        failed=$((failed + 1))
        tail -n 40 "build/fuzz/$name.log"
        echo "fuzz_$name: failed; see build/fuzz/crashes and build/fuzz/$name.log"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
