# RoostInstall.cmake - what `cmake --install` puts where: headers, library, CMake package, roost.pc.
#
# The installed tree may be moved: nothing in it names the place it was built in or installed to.
#
# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(roost_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/roost")

target_include_directories(roost PUBLIC "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
install(TARGETS roost EXPORT roost-targets FILE_SET HEADERS)
install(EXPORT roost-targets NAMESPACE roost:: DESTINATION "${roost_cmake_dir}")

configure_package_config_file(packaging/roost-config.cmake.in roost-config.cmake
    INSTALL_DESTINATION "${roost_cmake_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(roost-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/roost-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/roost-config-version.cmake"
        DESTINATION "${roost_cmake_dir}")

# roost.pc finds its prefix from its own place; that needs the way back from there.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
           BASE_DIRECTORY "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" OUTPUT_VARIABLE roost_pc_up)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR
           BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE roost_pc_libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR
           BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE roost_pc_includedir)
configure_file(packaging/roost.pc.in roost.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/roost.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
