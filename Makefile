# Makefile - the front door. Each line calls a CMake preset or a script, which describes the work.
#
#   make demo     the demonstration on this repository (DIR=... for another directory)
#   make test     build and run every test; the last line counts them
#   make install  headers, library, CMake package and .pc files (PREFIX=... for another place)
#   make bench    the micro suite beside its peers (make bench-setup fetches the peers first)
#
# SPDX-License-Identifier: MIT
DIR ?= .
SUITE ?= micro
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local

.PHONY: setup demo test install bench bench-setup asan asan-clang tsan valgrind aarch64 shared \
        unity clang release deep fuzz cov nightly tidy format clean

test: setup
	tools/run-tests.sh dev

setup:
	@tools/setup.sh

demo: setup
	@cmake --preset release >/dev/null
	@cmake --build --preset release --target example_wordcount
	@build/release/examples/wordcount $(DIR)

# Needs a compiler and CMake, and nothing else that setup would install.
install:
	@cmake -S . -B build/install -DROOST_BUILD_TESTS=OFF -DROOST_BUILD_EXAMPLES=OFF >/dev/null
	@cmake --build build/install --parallel
	@cmake --install build/install --prefix "$(PREFIX)"

bench: setup
	bench/run.py $(SUITE)

bench-setup: setup
	tools/setup-bench.sh

asan asan-clang tsan valgrind aarch64 shared unity clang release deep: setup
	tools/run-tests.sh $@

cov: setup
	tools/run-tests.sh cov
	tools/coverage.py build/cov

fuzz: setup
	tools/run-fuzz.sh $(FUZZ_SECONDS)

# Everything, the slow builds included. Stops at the first that fails.
nightly: test clang release shared unity asan asan-clang tsan valgrind aarch64 cov tidy fuzz deep

tidy: setup
	@cmake --preset dev >/dev/null
	tools/run-tidy.sh build/dev

# Rewrites the sources as .clang-format says.
format: setup
	tools/format.sh

clean:
	rm -rf build
