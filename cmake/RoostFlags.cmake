# RoostFlags.cmake - compiler flags, set per target and never globally.
#
#   roost_code_flags(target)     what the library's code needs to be right, in every build
#   roost_house_flags(target)    warnings, hardening, sanitizers, coverage: our own binaries only
#
# SPDX-License-Identifier: MIT
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

# Sets roost_has_<flag> for the flags the compiler takes and returns them in `out`.
function(roost_supported_flags out)
    set(taken "")
    foreach(flag IN LISTS ARGN)
        string(MAKE_C_IDENTIFIER "roost_has_${flag}" variable)
        check_c_compiler_flag("-Werror ${flag}" ${variable})
        if(${variable})
            list(APPEND taken "${flag}")
        endif()
    endforeach()
    set(${out} "${taken}" PARENT_SCOPE)
endfunction()

# Stack probes belong to the contract: a task's guard is 64 KiB, and a larger frame must touch it.
roost_supported_flags(roost_probe_flags -fstack-clash-protection)

# The library's dialect is wider than ISO C (attributes, __thread) and its calls go straight through
# the global offset table. The TLS model assumes a library that is loaded at program start.
roost_supported_flags(roost_code_flags -fno-plt -fno-semantic-interposition)
list(APPEND roost_code_flags -fvisibility=hidden -ftls-model=initial-exec
     "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
# A switch stores single words that the next one loads: pairs of them in vector registers, as gcc
# makes of neighbours, take a detour of some cycles each (measured: 1 ns of a spawn and join).
# Functions begin on lines of the cache, or a switch costs what happens to stand before it.
roost_supported_flags(roost_scalar_flags -fno-tree-slp-vectorize -falign-functions=64)
list(APPEND roost_code_flags ${roost_scalar_flags})

set(roost_warning_flags -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(ROOST_WERROR)
    list(APPEND roost_warning_flags -Werror)
endif()
if(ROOST_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # Instrumented code hides the ranges of values from gcc, which then warns of what cannot happen.
    list(APPEND roost_warning_flags -Wno-format-truncation -Wno-maybe-uninitialized
         -Wno-stringop-overflow)
endif()

# Hardening. FORTIFY and zeroed locals hide from sanitizers and Valgrind what they look for, so
# checked builds leave locals alone; FORTIFY also wants an optimising build. The shadow stack half
# of CET is left out: the switch maintains no shadow stack, so only branch tracking is asked for.
set(roost_harden_compile "")
set(roost_harden_link "")
if(ROOST_HARDEN AND NOT ROOST_COVERAGE)
    set(wanted -fstack-protector-strong -fno-delete-null-pointer-checks -fno-strict-overflow)
    if(roost_arch STREQUAL "x86_64")
        list(APPEND wanted -fcf-protection=branch)
    else()
        list(APPEND wanted -mbranch-protection=standard)
    endif()
    if(NOT ROOST_CHECKED AND NOT ROOST_SANITIZE AND NOT ROOST_VALGRIND)
        list(APPEND wanted -ftrivial-auto-var-init=zero)
    endif()
    roost_supported_flags(roost_harden_compile ${wanted})
    list(APPEND roost_harden_compile -Wformat -Werror=format-security)
    if(NOT ROOST_SANITIZE)
        # The distribution's compiler may define a lower level already.
        list(APPEND roost_harden_compile "$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>"
             "$<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>")
    endif()
    foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code)
        string(MAKE_C_IDENTIFIER "roost_links_${flag}" variable)
        check_linker_flag(C "${flag}" ${variable})
        if(${variable})
            list(APPEND roost_harden_link "${flag}")
        endif()
    endforeach()
    if(NOT BUILD_SHARED_LIBS AND NOT CMAKE_POSITION_INDEPENDENT_CODE)
        list(APPEND roost_harden_compile -fPIE)
    endif()
endif()

set(roost_check_flags "")
set(roost_check_link "")
if(ROOST_SANITIZE)
    set(roost_check_flags "-fsanitize=${ROOST_SANITIZE}" -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    set(roost_check_link "-fsanitize=${ROOST_SANITIZE}")
endif()
if(ROOST_COVERAGE)
    list(APPEND roost_check_flags --coverage -fprofile-update=atomic)
    list(APPEND roost_check_link --coverage)
endif()

# Private struct layouts may depend on these, so whoever sees private headers gets them.
set(roost_mode_definitions "")
if(ROOST_CHECKED)
    list(APPEND roost_mode_definitions ROOST_CHECKED=1)
endif()
if(ROOST_VALGRIND)
    list(APPEND roost_mode_definitions ROOST_VALGRIND=1)
endif()

function(roost_code_flags target)
    set_target_properties(${target} PROPERTIES C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS ON)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE ${roost_mode_definitions})
    target_compile_options(${target} PRIVATE
        "$<$<COMPILE_LANGUAGE:C>:${roost_probe_flags};${roost_code_flags}>")
endfunction()

function(roost_house_flags target)
    set_target_properties(${target} PROPERTIES C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS ON)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE ${roost_mode_definitions})
    target_compile_options(${target} PRIVATE ${roost_check_flags}
        "$<$<COMPILE_LANGUAGE:C>:${roost_warning_flags};${roost_harden_compile}>")
    target_link_options(${target} PRIVATE ${roost_check_link} ${roost_harden_link})
    if(ROOST_HARDEN AND NOT BUILD_SHARED_LIBS)
        get_target_property(kind ${target} TYPE)
        if(kind STREQUAL "EXECUTABLE")
            set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
        endif()
    endif()
endfunction()
