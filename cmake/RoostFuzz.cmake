# RoostFuzz.cmake - fuzz/fuzz_<name>.c becomes the libFuzzer program fuzz_<name>.
#
# SPDX-License-Identifier: MIT
if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "the fuzz targets need clang: cmake --preset fuzz")
endif()

# Coverage feedback from the library as well; its stack-depth part means nothing on foreign stacks.
target_compile_options(roost PRIVATE
    "$<$<COMPILE_LANGUAGE:C>:-fsanitize=fuzzer-no-link;-fno-sanitize-coverage=stack-depth>")

file(GLOB roost_fuzz_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/fuzz/fuzz_*.c")
foreach(source IN LISTS roost_fuzz_sources)
    get_filename_component(name "${source}" NAME_WE)
    add_executable("${name}" "${source}")
    set_target_properties("${name}" PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
    target_include_directories("${name}" PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries("${name}" PRIVATE roost::roost)
    roost_house_flags("${name}")
    target_compile_options("${name}" PRIVATE -fsanitize=fuzzer -fno-sanitize-coverage=stack-depth)
    target_link_options("${name}" PRIVATE -fsanitize=fuzzer)
endforeach()
