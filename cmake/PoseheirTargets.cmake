# What every target of ours has: include folders, warnings, run paths.

function(poseheir_properties target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
    $<$<BOOL:${POSEHEIR_WERROR}>:-Werror>)
  # The program, its library and its module lie side by side in the build, and as installed.
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
    POSITION_INDEPENDENT_CODE ON
    BUILD_RPATH_USE_ORIGIN ON
    INSTALL_RPATH "$ORIGIN:$ORIGIN/..:$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endfunction()

# poseheir_library(name SHARED|STATIC HEADERS … SOURCES … PUBLIC … PRIVATE …)
function(poseheir_library name kind)
  cmake_parse_arguments(ARG "" "" "HEADERS;SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(target poseheir_${name})
  add_library(${target} ${kind} ${ARG_SOURCES})
  add_library(poseheir::${name} ALIAS ${target})
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  if(ARG_HEADERS)
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${ARG_HEADERS})
  endif()
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  poseheir_properties(${target})
  if(kind STREQUAL SHARED)
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    install(TARGETS ${target} EXPORT poseheir LIBRARY COMPONENT poseheir FILE_SET HEADERS COMPONENT libposeheir-dev)
  endif()
endfunction()
