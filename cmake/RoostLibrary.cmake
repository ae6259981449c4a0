# RoostLibrary.cmake - the library target roost, alias roost::roost.
#
# Sources are found, not listed: a file put into a layer's directory is part of the library. The
# layers are those of src/layers.txt. Assembly is taken for the CPU at hand, by the end of the name.
#
# SPDX-License-Identifier: MIT
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS src/layers.txt)
file(STRINGS src/layers.txt roost_layer_lines REGEX "^[a-z]+:")
set(roost_sources "")
foreach(line IN LISTS roost_layer_lines)
    string(REGEX REPLACE ":.*" "" layer "${line}")
    file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${layer}/*.c"
         "${PROJECT_SOURCE_DIR}/src/${layer}/arch/*_${roost_arch}.S"
         "${PROJECT_SOURCE_DIR}/src/${layer}/arch/*_${roost_arch}.c")
    list(APPEND roost_sources ${found})
endforeach()

# The short switch is meant for tail calls, also in builds that are little optimised. Without them
# it is right all the same, but the tests would not see the way that users go.
set_source_files_properties("${PROJECT_SOURCE_DIR}/src/rt/yield.c" PROPERTIES
    COMPILE_OPTIONS -foptimize-sibling-calls)

file(GLOB_RECURSE roost_public_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/*.h")

# What the library and the test kit have in common.
function(roost_library_settings target)
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src"
        PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
    target_link_libraries(${target} PRIVATE Threads::Threads)
    # The library defines the function that its inline half stands in for.
    target_compile_definitions(${target} PRIVATE ROOST_PLAIN_YIELD=1)
    roost_code_flags(${target})
    if(PROJECT_IS_TOP_LEVEL)
        roost_house_flags(${target})
        target_compile_options(${target} PRIVATE
            "$<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes;-Wstrict-prototypes;-Wvla>")
    endif()
    if(ROOST_UNITY)
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
        # A local name may be what some other file calls its state.
        target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:C>:-Wno-shadow>")
    endif()
    # Code of users runs on the same stacks. clang knows the option on x86_64 only.
    target_compile_options(${target} INTERFACE
        "$<$<COMPILE_LANG_AND_ID:C,GNU>:-fstack-clash-protection>"
        "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fstack-clash-protection>")
    if(roost_arch STREQUAL "x86_64")
        target_compile_options(${target} INTERFACE
            "$<$<COMPILE_LANG_AND_ID:C,Clang>:-fstack-clash-protection>"
            "$<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fstack-clash-protection>")
    endif()
endfunction()

add_library(roost ${roost_sources})
add_library(roost::roost ALIAS roost)
roost_library_settings(roost)
target_sources(roost PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include"
               FILES ${roost_public_headers})

# Until 1.0 a minor release may break the binary interface, so the minor number is in the name.
set_target_properties(roost PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}"
    EXPORT_NAME roost)

if(BUILD_SHARED_LIBS)
    set(roost_map "${PROJECT_SOURCE_DIR}/packaging/roost.map")
    target_link_options(roost PRIVATE "-Wl,--version-script=${roost_map}")
    set_property(TARGET roost APPEND PROPERTY LINK_DEPENDS "${roost_map}")
    if(NOT ROOST_SANITIZE) # whose symbols come with the program
        target_link_options(roost PRIVATE -Wl,-z,defs)
    endif()
endif()
