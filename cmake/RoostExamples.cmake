# RoostExamples.cmake - builds examples/*.c and the programs of several files, examples/*/*.c.
#
# Each is also the test example.<name>.<backend>: examples/expected/<name>.txt is what the program
# prints, or the program is a test itself, on <roost/testing.h>. Beside that file may lie
# <name>.args with arguments, one a line, and <name>.backends with the back ends it can do with, one
# a line. A program of several files is tested by its check.sh, which gets the program as its
# argument. All run in examples/, where arguments may name files.
#
# SPDX-License-Identifier: MIT
set(roost_examples "${PROJECT_SOURCE_DIR}/examples")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${roost_examples}/expected")

# The lines of a file that may be missing.
function(roost_example_lines file out)
    set(lines "${ARGN}")
    if(EXISTS "${file}")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
        file(STRINGS "${file}" lines)
    endif()
    set(${out} "${lines}" PARENT_SCOPE)
endfunction()

# roost_example_tests(name command...): one test for each back end.
function(roost_example_tests name)
    set(expected "${roost_examples}/expected/${name}")
    roost_example_lines("${expected}.args" arguments)
    roost_example_lines("${expected}.backends" backends ${ROOST_TEST_BACKENDS})
    foreach(backend IN LISTS ROOST_TEST_BACKENDS)
        if(NOT backend IN_LIST backends)
            continue()
        endif()
        set(roost_example_backend "")
        get_target_property(libraries "example_${name}" LINK_LIBRARIES)
        if("roost::testing" IN_LIST libraries) # it makes its own runs, and looks at no environment
            set(roost_example_backend --backend ${backend})
        endif()
        add_test(NAME "example.${name}.${backend}"
            COMMAND ${ARGN} ${ROOST_TEST_LAUNCHER} ${CMAKE_CROSSCOMPILING_EMULATOR}
                    "$<TARGET_FILE:example_${name}>" ${arguments} ${roost_example_backend}
            WORKING_DIRECTORY "${roost_examples}")
        set_tests_properties("example.${name}.${backend}" PROPERTIES
            ENVIRONMENT "ROOST_BACKEND=${backend}" TIMEOUT ${ROOST_TEST_TIMEOUT} LABELS example)
    endforeach()
endfunction()

# roost_example(name library source...)
function(roost_example name library)
    add_executable("example_${name}" ${ARGN})
    set_target_properties("example_${name}" PROPERTIES
        OUTPUT_NAME "${name}" RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/examples")
    target_link_libraries("example_${name}" PRIVATE ${library} Threads::Threads)
    roost_house_flags("example_${name}")
endfunction()

file(GLOB sources CONFIGURE_DEPENDS "${roost_examples}/*.c")
foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    file(STRINGS "${source}" on_the_kit REGEX "^#include <roost/testing.h>")
    if(on_the_kit)
        set(library roost::testing)
        set(judge "${PROJECT_SOURCE_DIR}/tools/run-case.sh")
    else()
        set(library roost::roost)
        set(judge "${PROJECT_SOURCE_DIR}/tools/compare-output.sh"
            "${roost_examples}/expected/${name}.txt")
    endif()
    roost_example("${name}" ${library} "${source}")
    if(ROOST_BUILD_TESTS)
        roost_example_tests("${name}" sh ${judge})
    endif()
endforeach()

file(GLOB checks CONFIGURE_DEPENDS "${roost_examples}/*/check.sh")
foreach(check IN LISTS checks)
    get_filename_component(directory "${check}" DIRECTORY)
    get_filename_component(name "${directory}" NAME)
    file(GLOB sources CONFIGURE_DEPENDS "${directory}/*.c")
    roost_example("${name}" roost::roost ${sources})
    if(ROOST_BUILD_TESTS)
        roost_example_tests("${name}" sh "${check}")
    endif()
endforeach()
