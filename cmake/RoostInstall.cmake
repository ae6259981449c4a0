# RoostInstall.cmake - what `cmake --install` puts where: headers, libraries, CMake and .pc files.
#
# The installed tree may be moved: nothing in it names the place it was built in or installed to.
#
# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(roost_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/roost")

foreach(target roost roost_testing)
    target_include_directories(${target} PUBLIC
        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
endforeach()
install(TARGETS roost roost_testing EXPORT roost-targets FILE_SET HEADERS)
install(EXPORT roost-targets NAMESPACE roost:: DESTINATION "${roost_cmake_dir}")

configure_package_config_file(packaging/roost-config.cmake.in roost-config.cmake
    INSTALL_DESTINATION "${roost_cmake_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(roost-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/roost-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/roost-config-version.cmake"
        DESTINATION "${roost_cmake_dir}")

# The .pc files find their prefix from their own place; that needs the way back from there.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
           BASE_DIRECTORY "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" OUTPUT_VARIABLE roost_pc_up)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR
           BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE roost_pc_libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR
           BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE roost_pc_includedir)
set(roost_pc_testing_requires roost)
if(BUILD_SHARED_LIBS) # the kit then holds all of roost
    set(roost_pc_testing_requires "")
endif()
configure_file(packaging/roost.pc.in roost.pc @ONLY)
configure_file(packaging/roost-testing.pc.in roost-testing.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/roost.pc"
              "${CMAKE_CURRENT_BINARY_DIR}/roost-testing.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
