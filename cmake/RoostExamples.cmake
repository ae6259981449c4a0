# RoostExamples.cmake - builds examples/*.c; each is also the test example.<name>.
#
# examples/expected/<name>.txt is what the program prints; <name>.args beside it holds its
# arguments, one a line, if it takes any. Programs run in examples/, where arguments may name files.
#
# SPDX-License-Identifier: MIT
file(GLOB roost_example_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.c")

foreach(source IN LISTS roost_example_sources)
    get_filename_component(name "${source}" NAME_WE)
    add_executable("example_${name}" "${source}")
    set_target_properties("example_${name}" PROPERTIES
        OUTPUT_NAME "${name}" RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/examples")
    target_link_libraries("example_${name}" PRIVATE roost::roost)
    roost_house_flags("example_${name}")

    if(ROOST_BUILD_TESTS)
        set(expected "${PROJECT_SOURCE_DIR}/examples/expected/${name}")
        set(arguments "")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                     "${PROJECT_SOURCE_DIR}/examples/expected")
        if(EXISTS "${expected}.args")
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${expected}.args")
            file(STRINGS "${expected}.args" arguments)
        endif()
        add_test(NAME "example.${name}"
            COMMAND sh "${PROJECT_SOURCE_DIR}/tools/compare-output.sh" "${expected}.txt"
                    ${ROOST_TEST_LAUNCHER} ${CMAKE_CROSSCOMPILING_EMULATOR}
                    "$<TARGET_FILE:example_${name}>" ${arguments}
            WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/examples")
        set_tests_properties("example.${name}" PROPERTIES
            TIMEOUT ${ROOST_TEST_TIMEOUT} LABELS example)
    endif()
endforeach()
