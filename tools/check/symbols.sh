#!/bin/sh
# tools/check/symbols.sh - what the library shows, what it imports, and where it keeps state.
#
#   symbols.sh ALLOWED SHARED-LIBRARY OBJECT-DIRECTORY
#
# - The shared library exports roost_ names and nothing else.
# - Global names of the objects begin with roost_ or roosti_.
# - An object imports from outside the library what ALLOWED (symbols.txt) grants it: only src/port
#   gets at the system, the clocks and randomness, only base/mem.c at the heap.
# - Writable data is what ALLOWED names as state. The records of allocation sites (site_) need no
#   line: they are counters in every file that allocates.
#
# Objects are found as <layer>/<file>.c.o below OBJECT-DIRECTORY/src.
#
# SPDX-License-Identifier: MIT
set -eu

allowed=$1
shared=$2
objects=$3

for tool in nm awk find; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: $tool is missing"
        exit 77
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -D --defined-only --format=posix "$shared" | awk '$2 != "A" { print $1 }' >"$work/exports"
awk '!/^roost_[a-z]/ { print "exported, but not part of the interface: " $0; bad = 1 }
     END { exit bad }' "$work/exports" || echo >"$work/bad"
if [ ! -s "$work/exports" ]; then
    echo "symbols: $shared exports nothing"
    exit 1
fi

# One line a symbol: file|name|class|section.
(cd "$objects/src" && find . -name '*.o' | sort) | while read -r object; do
    name=${object#./}
    nm --format=sysv "$objects/src/$object" | awk -F'|' -v file="${name%.o}" '
        NF >= 7 {
            gsub(/ /, "")
            print file "|" $1 "|" $3 "|" $7
        }'
done >"$work/symbols"
if [ ! -s "$work/symbols" ]; then
    echo "symbols: no objects below $objects/src"
    exit 1
fi

awk -F'|' '
    FILENAME == ARGV[1] {
        if ($0 ~ /^#/ || $0 !~ /:/) next
        who = $0; sub(/:.*/, "", who)
        what = $0; sub(/^[^:]*:/, "", what)
        count = split(what, names, " ")
        for (i = 1; i <= count; i++) grants[who, names[i]] = 1 # who may be "state port"
        next
    }
    {
        file = $1; name = $2; class = $3; section = $4
        layer = file; sub(/\/.*/, "", layer)
        if (class == "U" || class == "w" || class == "v") {
            if (name ~ /^roosti?_/) next
            if (name == "__tls_get_addr") {
                print file ": reaches thread data by a call; compile with -ftls-model=initial-exec"
                bad = 1
                next
            }
            if (("*", name) in grants || (layer, name) in grants || (layer, "*") in grants) next
            if ((file, name) in grants) next
            print file ": imports " name ", which tools/check/symbols.txt does not grant it"
            bad = 1
            next
        }
        if (class ~ /^[A-Z]$/ && name !~ /^roosti?_/) {
            print file ": global name " name " begins with neither roost_ nor roosti_"
            bad = 1
        }
        if (section ~ /^\.t?(data|bss)/ && section !~ /^\.data\.rel\.ro/ || section == "*COM*") {
            plain = name; sub(/\.[0-9]+$/, "", plain); sub(/^.*\./, "", plain)
            if (("state " layer, "*") in grants || ("state " file, "*") in grants) next
            if (("state " file, plain) in grants) next
            if (name ~ /(^|\.)site_(\.|$)/ || name ~ /^\./) next
            print file ": " name " is writable data, which tools/check/symbols.txt does not name"
            bad = 1
        }
    }
    END { exit bad }
' "$allowed" "$work/symbols" || echo >"$work/bad"

count=$(cut -d'|' -f1 "$work/symbols" | sort -u | wc -l)
echo "symbols: $(wc -l <"$work/exports") exported, $count objects"
[ ! -e "$work/bad" ]
