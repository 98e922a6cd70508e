# What an installation has beside the program and its libraries: the CMake package, completion, man pages.
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/poseheir)
install(EXPORT poseheir NAMESPACE poseheir:: FILE poseheirTargets.cmake DESTINATION ${package} COMPONENT libposeheir-dev)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/poseheirConfig.cmake.in
  ${PROJECT_BINARY_DIR}/poseheirConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/poseheirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/poseheirConfig.cmake ${PROJECT_BINARY_DIR}/poseheirConfigVersion.cmake
  DESTINATION ${package} COMPONENT libposeheir-dev)

install(FILES share/completion/poseheir.bash RENAME poseheir
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT poseheir)
install(FILES share/completion/_poseheir DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT poseheir)

# The program knows its options best; it must run on this machine for that.
if(NOT CMAKE_CROSSCOMPILING)
  set(man_pages ${PROJECT_BINARY_DIR}/man)
  add_custom_command(OUTPUT ${man_pages}/poseheir.1 VERBATIM
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:poseheir> -DVERSION=${PROJECT_VERSION} -DOUT=${man_pages}
      -P ${PROJECT_SOURCE_DIR}/cmake/ManPages.cmake
    DEPENDS poseheir $<TARGET_NAME_IF_EXISTS:poseheir_runtime> cmake/ManPages.cmake)
  add_custom_target(man_pages ALL DEPENDS ${man_pages}/poseheir.1)
  install(DIRECTORY ${man_pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT poseheir)
endif()
