#!/bin/sh
# examples/wordcount/check.sh - holds wordcount to what wc says, and to its manners.
#
#   check.sh PROGRAM [ARGUMENT...]      run from the directory examples
#
# SPDX-License-Identifier: MIT
set -u

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

fail()
{
    echo "failed: $*"
    failed=1
}

# number NAME: a number of the table of the last run.
number()
{
    awk -v name="$1" '$1 == name { gsub(",", "", $2); print $2; exit }' "$work/out"
}

# same_as_wc WHAT DIRECTORY PROGRAM...: files, lines, words and bytes.
same_as_wc()
{
    what=$1 directory=$2
    shift 2
    "$@" "$directory" >"$work/out" || fail "$what: exit code $?"
    find "$directory" \( -name .git -o -name build \) -prune -o -type f -print0 >"$work/files"
    wanted="$(tr -cd '\0' <"$work/files" | wc -c) $(LC_ALL=C xargs -0 wc <"$work/files" |
        awk '!/ total$/ { l += $1; w += $2; b += $3 } END { print l, w, b }')"
    got="$(number files) $(number lines) $(number words) $(number bytes)"
    [ "$wanted" = "$got" ] || fail "$what: wc says '$wanted', wordcount '$got'"
}

tree=$work/tree
mkdir -p "$tree/a/b" "$tree/build" "$tree/.git" "$tree/a/build" "$tree/empty directory"
printf 'not counted\n' | tee "$tree/build/x" "$tree/.git/x" >"$tree/a/build/x"
printf 'one two\n\tthree\r\n' >"$tree/a/three"
printf 'no newline at the end' >"$tree/a/b/five"
: >"$tree/nothing"
mkfifo "$tree/fifo"
ln -s ../a "$tree/a/loop"
ln -s a/three "$tree/link to a file"
# A word and a file that reach over many buffers, and a word that ends with one.
awk 'BEGIN { for (i = 0; i < 300000; i++) printf "x" }' >"$tree/long word"
awk 'BEGIN { for (i = 0; i < 65535; i++) printf "y"; print " z" }' >"$tree/at the edge"
i=0
while [ $i -lt 300 ]; do
    printf 'file %d of many\nand more\n' $i >"$tree/a/b/$i"
    i=$((i + 1))
done

same_as_wc "a tree" "$tree" "$@"
most=$(awk '/most frequent/ { getline; print $1, $2; exit }' "$work/out")
[ "$most" = "300 and" ] || fail "the most frequent word is '$most'"
same_as_wc "the sources of this repository" ../src "$@"

# Any bytes at all: a word is a longest stretch of bytes that are not blank.
mkdir "$work/bytes"
awk 'BEGIN { srand(7); for (i = 0; i < 200000; i++) printf "%c", int(rand() * 256) }' \
    >"$work/bytes/noise"
LC_ALL=C tr '\0' '\200' <"$work/bytes/noise" | LC_ALL=C tr '\t\n\013\f\r' '     ' |
    LC_ALL=C tr -s ' ' '\n' >"$work/words"
wanted=$(LC_ALL=C grep -ac . "$work/words")
"$@" "$work/bytes" >"$work/out" || fail "noise: exit code $?"
[ "$(number words)" = "$wanted" ] || fail "noise: $(number words) words instead of $wanted"

# What cannot be read is named and does not end the run: here a path too long for the kernel.
mkdir "$work/deep"
echo counted >"$work/deep/here"
half=$(printf '%0200d/%0200d/%0200d/%0200d/%0200d/%0200d/%0200d/%0200d/%0200d/%0200d/%0200d' \
    1 2 3 4 5 6 7 8 9 10 11)
mkdir -p "$work/deep/$half" "$work/other/$half"
mv "$work/other" "$work/deep/$half"
"$@" "$work/deep" >"$work/out"
[ $? -eq 1 ] || fail "an unreadable directory does not show in the exit code"
[ "$(number files)" = 1 ] || fail "an unreadable directory keeps others from being counted"
grep -q '^not read: 1$' "$work/out" || fail "an unreadable directory is not listed"
grep -q 'File name too long' "$work/out" || fail "an unreadable directory has no reason"

for wrong in --nonsense '' "$work/missing" "$tree/a/three"; do
    "$@" "$wrong" >"$work/out" 2>"$work/err"
    [ $? -eq 2 ] || fail "argument '$wrong': the exit code is not 2"
    grep -q '^usage: ' "$work/err" || fail "argument '$wrong': no usage line"
    [ -s "$work/out" ] && fail "argument '$wrong': prints more than the usage line"
done
"$@" a b >/dev/null 2>&1
[ $? -eq 2 ] || fail "two arguments are taken"

# A signal ends it in order. SIGTERM: a shell's background jobs ignore SIGINT.
mkdir "$work/endless"
truncate -s 1T "$work/endless/zeros"
"$@" "$work/endless" >"$work/out" &
pid=$!
tries=0
until grep -q ' files  ' "$work/out" || [ $tries -eq 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
kill -TERM $pid
wait $pid
[ $? -eq 143 ] || fail "the exit code after SIGTERM is not 143"
grep -q '^interrupted' "$work/out" || fail "does not say that it was interrupted"
[ "$(number bytes)" -gt 0 ] || fail "the table after SIGTERM is empty"

[ $failed -eq 0 ] && echo "wordcount: as it should be"
exit $failed
