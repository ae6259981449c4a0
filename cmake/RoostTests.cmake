# RoostTests.cmake - turns test sources into programs and ctest cases.
#
#   unit.<layer>.<module>[.<backend>]      tests/unit/<layer>/test_<module>.c; on each back end if
#                                          it says ROOST_TEST_BACKENDS, perhaps "without sim"
#   behaviour.B07.<backend>[.cancel|.oom]  each BEHAVIOUR(07, ...) of tests/behaviour/*.c; those of
#                                          a second file are behaviour.B07.<file>.<backend>
#   sim.<name>[.rerun]                     tests/sim/*.c, over many seeds; a tenth of them run twice
#
# Every program goes through tools/run-case.sh, which holds it to the closing line
# "N passed, N failed, N skipped".
#
# SPDX-License-Identifier: MIT
set(roost_run_case "${PROJECT_SOURCE_DIR}/tools/run-case.sh")
set(roost_launcher ${ROOST_TEST_LAUNCHER} ${CMAKE_CROSSCOMPILING_EMULATOR})

# roost_add_case(name target arguments...)
function(roost_add_case name target)
    add_test(NAME "${name}"
        COMMAND sh "${roost_run_case}" ${roost_launcher} "$<TARGET_FILE:${target}>" ${ARGN})
    string(REGEX REPLACE "[.].*" "" label "${name}")
    set_tests_properties("${name}" PROPERTIES
        SKIP_RETURN_CODE 77 TIMEOUT ${ROOST_TEST_TIMEOUT} LABELS "${label}")
endfunction()

# roost_test_program(target source): a program on the test kit.
function(roost_test_program target source)
    add_executable(${target} "${source}")
    target_link_libraries(${target} PRIVATE roost_testing)
    target_include_directories(${target} PRIVATE
        "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
    roost_house_flags(${target})
endfunction()

function(roost_unit_test source)
    get_filename_component(directory "${source}" DIRECTORY)
    get_filename_component(layer "${directory}" NAME)
    get_filename_component(module "${source}" NAME_WE)
    string(REGEX REPLACE "^test_" "" module "${module}")
    set(target "unit_${layer}_${module}")
    roost_test_program(${target} "${source}")

    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
    file(STRINGS "${source}" wants_backends REGEX "ROOST_TEST_BACKENDS")
    if(wants_backends)
        set(backends ${ROOST_TEST_BACKENDS})
        if(wants_backends MATCHES "ROOST_TEST_BACKENDS without ([a-z]+)")
            list(REMOVE_ITEM backends ${CMAKE_MATCH_1})
        endif()
        foreach(backend IN LISTS backends)
            roost_add_case("unit.${layer}.${module}.${backend}" ${target} --backend ${backend})
        endforeach()
    else()
        roost_add_case("unit.${layer}.${module}" ${target})
    endif()
endfunction()

# Which numbers a file holds is read from it, so that a behaviour is registered by being written.
function(roost_behaviour_tests source)
    get_filename_component(name "${source}" NAME_WE)
    string(REGEX REPLACE "^test_" "" name "${name}")
    set(target "behaviour_${name}")
    roost_test_program(${target} "${source}")

    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
    file(STRINGS "${source}" lines REGEX "^BEHAVIOUR[A-Z_]*\\(([0-9]+),")
    set(numbers "")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^BEHAVIOUR[A-Z_]*\\(0*([0-9]+),.*" "\\1" number "${line}")
        if(number LESS 10)
            string(PREPEND number "0")
        endif()
        list(APPEND numbers ${number})
    endforeach()
    list(REMOVE_DUPLICATES numbers)
    if(NOT numbers)
        message(FATAL_ERROR "${source} holds no BEHAVIOUR(number, ...)")
    endif()

    foreach(number IN LISTS numbers)
        set(case_stem "behaviour.B${number}")
        get_property(owner GLOBAL PROPERTY "roost_behaviour_${number}")
        if(owner)
            string(APPEND case_stem ".${name}")
        else()
            set_property(GLOBAL PROPERTY "roost_behaviour_${number}" "${source}")
        endif()
        foreach(backend IN LISTS ROOST_TEST_BACKENDS)
            set(case "${case_stem}.${backend}")
            set(arguments --filter "B${number}" --backend ${backend})
            roost_add_case("${case}" ${target} ${arguments})
            set(points --points ${ROOST_TEST_POINTS})
            roost_add_case("${case}.cancel" ${target} ${arguments} --cancel-torture ${points})
            roost_add_case("${case}.oom" ${target} ${arguments} --oom-torture ${points})
        endforeach()
    endforeach()
endfunction()

function(roost_sim_test source)
    get_filename_component(name "${source}" NAME_WE)
    string(REGEX REPLACE "^(test|sim)_" "" name "${name}")
    roost_test_program("sim_${name}" "${source}")
    roost_add_case("sim.${name}" "sim_${name}" --backend sim --seeds ${ROOST_TEST_SEEDS})
    math(EXPR reruns "(${ROOST_TEST_SEEDS} + 9) / 10")
    roost_add_case("sim.${name}.rerun" "sim_${name}" --backend sim --seeds ${reruns}
        --check-determinism)
endfunction()
