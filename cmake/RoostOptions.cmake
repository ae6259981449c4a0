# RoostOptions.cmake - what a build of roost can be told, and for which machines it can be built.
#
# SPDX-License-Identifier: MIT

option(BUILD_SHARED_LIBS "Build roost as a shared library" OFF)

option(ROOST_INSTALL "Add the install rules" ${PROJECT_IS_TOP_LEVEL})
option(ROOST_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(ROOST_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(ROOST_BUILD_BENCH "Build the benchmarks that CMake knows of" OFF)
option(ROOST_BUILD_FUZZ "Build the fuzz targets (clang)" OFF)

option(ROOST_WERROR "Treat warnings as errors" OFF)
option(ROOST_CHECKED "Check the library's own invariants at run time" OFF)
option(ROOST_HARDEN "Harden our own binaries where the compiler can" ${PROJECT_IS_TOP_LEVEL})
option(ROOST_UNITY "Compile the library as one translation unit" OFF)
option(ROOST_VALGRIND "Tell Valgrind about task stacks" OFF)
option(ROOST_COVERAGE "Count executed lines and branches (gcc)" OFF)
set(ROOST_SANITIZE "" CACHE STRING "Sanitizers, for -fsanitize=: address,undefined or thread")

set(ROOST_TEST_BACKENDS "uring;epoll;sim" CACHE STRING "Back ends the tests run on")
set(ROOST_TEST_POINTS 25 CACHE STRING "Points of each kind a torture tries; 0: all")
set(ROOST_TEST_SEEDS 200 CACHE STRING "Seeds each simulation scenario runs with")
set(ROOST_TEST_TIMEOUT 120 CACHE STRING "Seconds one test may take")
set(ROOST_TEST_LAUNCHER "" CACHE STRING "Command in front of each test program, as a list")
option(ROOST_TEST_HOUSE "Also test the tree, the headers and the installed package" ON)

# A plain `cmake -B build` of roost itself means fast code, not CMake's unoptimised default.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set_property(CACHE CMAKE_BUILD_TYPE PROPERTY VALUE Release)
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(roost_arch x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(roost_arch aarch64)
else()
    message(FATAL_ERROR "roost runs on x86_64 and aarch64; this is ${CMAKE_SYSTEM_PROCESSOR}")
endif()
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    message(FATAL_ERROR "roost runs on Linux; this is ${CMAKE_SYSTEM_NAME}")
endif()
if(NOT CMAKE_C_COMPILER_ID MATCHES "^(GNU|Clang)$")
    message(FATAL_ERROR "roost is written for gcc (12 or newer) and clang (14 or newer); "
                        "this is ${CMAKE_C_COMPILER_ID}")
endif()
