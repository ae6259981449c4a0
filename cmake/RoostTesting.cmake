# RoostTesting.cmake - the test kit as a library: target roost_testing, alias roost::testing.
#
# It brings main() and what <roost/testing.h> declares, for the tests of users and for our own. The
# kit looks inside the library, and a shared library does not show its inside: next to one, the kit
# is linked together with all of roost, so that a test program links roost::testing alone.
#
# SPDX-License-Identifier: MIT
file(GLOB roost_kit_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/kit/*.c")

add_library(roost_testing STATIC ${roost_kit_sources})
add_library(roost::testing ALIAS roost_testing)
set_target_properties(roost_testing PROPERTIES OUTPUT_NAME roost-testing EXPORT_NAME testing)
roost_library_settings(roost_testing)
target_include_directories(roost_testing PRIVATE "${PROJECT_SOURCE_DIR}/tests")
if(BUILD_SHARED_LIBS)
    target_sources(roost_testing PRIVATE ${roost_sources})
    set_target_properties(roost_testing PROPERTIES POSITION_INDEPENDENT_CODE ON)
else()
    target_link_libraries(roost_testing PUBLIC roost)
endif()
if(NOT PROJECT_IS_TOP_LEVEL)
    set_target_properties(roost_testing PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
