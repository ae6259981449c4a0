#!/bin/sh
# tests/install/prefix.sh - installs roost, moves the installation, and looks over what is there.
#
#   prefix.sh static|shared SOURCE WORK
#
# Leaves WORK/build (a release build) and WORK/prefix (what the consumers use).
#
# SPDX-License-Identifier: MIT
set -eu

kind=$1
source=$2
work=$3
shared=OFF
[ "$kind" = shared ] && shared=ON

mkdir -p "$work"
rm -rf "$work/prefix" "$work/first"
cmake -S "$source" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=$shared \
    -DROOST_BUILD_TESTS=OFF -DROOST_BUILD_EXAMPLES=OFF -DROOST_WERROR=ON \
    -DCMAKE_INSTALL_PREFIX="$work/first" >"$work/configure.log" 2>&1 ||
    { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build"
cmake --install "$work/build" >"$work/install.log"
mv "$work/first" "$work/prefix"

cd "$work/prefix"
fail()
{
    echo "prefix: $1"
    exit 1
}

# Every public header is there, and no other.
(cd "$source/include" && find . -name '*.h' | sort) >"$work/headers.wanted"
(cd include && find . -type f | sort) >"$work/headers.got"
diff -u "$work/headers.wanted" "$work/headers.got" || fail "the headers differ"

# Nothing names the place it was built in or first installed to.
if grep -rlF -e "$source" -e "$work" .; then
    fail "these files name a directory of the build"
fi

version=$(sed -n 's/^#define ROOST_VERSION_STRING "\(.*\)"/\1/p' "$source/include/roost/config.h")
minor=${version%.*}
if [ "$kind" = shared ]; then
    library=$(find . -name "libroost.so.$version")
    [ -n "$library" ] || fail "there is no libroost.so.$version"
    objdump -p "$library" | grep -Eq "SONAME +libroost.so.$minor\$" || fail "the soname is wrong"
    [ "$(objdump -p "$library" | grep -c 'NEEDED')" -eq "$(objdump -p "$library" |
        grep -Ec 'NEEDED +(libc\.so\.6|ld-linux.*)$')" ] || fail "needs more than libc"
else
    [ -n "$(find . -name libroost.a)" ] || fail "there is no libroost.a"
fi
[ -n "$(find . -name LICENSE)" ] || fail "there is no licence"
echo "prefix: $(wc -l <"$work/headers.got") headers, version $version"
