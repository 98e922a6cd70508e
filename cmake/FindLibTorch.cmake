# libtorch's headers and libraries, by hand: torch's own CMake files ask for whatever torch was built with, such as
# CUDA's toolkit. Looks in LibTorch_ROOT (an unpacked libtorch, or the folder torch of a Python wheel), in
# CMAKE_PREFIX_PATH, and where Debian's libtorch-dev puts them.
if(LibTorch_ROOT AND LibTorch_LIBRARY)
  cmake_path(IS_PREFIX LibTorch_ROOT "${LibTorch_LIBRARY}" NORMALIZE found_there)
  if(NOT found_there)  # another one than in the run of CMake before
    foreach(what INCLUDE_DIR LIBRARY TORCH_CPU_LIBRARY C10_LIBRARY TORCH_CUDA_LIBRARY C10_CUDA_LIBRARY)
      unset(LibTorch_${what} CACHE)
    endforeach()
  endif()
endif()
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/version.h)
find_library(LibTorch_LIBRARY torch)
if(LibTorch_LIBRARY)
  cmake_path(GET LibTorch_LIBRARY PARENT_PATH LibTorch_LIBRARY_DIR)
  # Only those beside it: of two versions the parts do not mix.
  foreach(part torch_cpu c10 torch_cuda c10_cuda)
    string(TOUPPER ${part} name)
    find_library(LibTorch_${name}_LIBRARY ${part} PATHS ${LibTorch_LIBRARY_DIR} NO_DEFAULT_PATH)
    mark_as_advanced(LibTorch_${name}_LIBRARY)
  endforeach()
endif()
if(LibTorch_INCLUDE_DIR)
  set(numbers "")
  foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(numbers STREQUAL "" AND EXISTS ${LibTorch_INCLUDE_DIR}/${header})
      file(STRINGS ${LibTorch_INCLUDE_DIR}/${header} numbers REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    endif()
  endforeach()
  list(TRANSFORM numbers REPLACE ".* " "")
  list(JOIN numbers "." LibTorch_VERSION)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_LIBRARY LibTorch_TORCH_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "Install libtorch-dev, or name an unpacked libtorch or a wheel's folder torch: -DPOSEHEIR_TORCH=/path/to/libtorch")
if(LibTorch_FOUND AND NOT TARGET LibTorch::torch)
  set(config ${LibTorch_LIBRARY_DIR}/../share/cmake/Torch/TorchConfig.cmake)
  if(EXISTS ${config})
    file(STRINGS ${config} old_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
    if(old_abi)
      message(FATAL_ERROR "${LibTorch_LIBRARY}: built for the C++ library of before 2015, which nothing of ours can be linked with. "
        "Take the archive named \"cxx11 ABI\", or a wheel of 2.7 or newer")
    endif()
  endif()
  # Those with a GPU's kernels are called by nobody and must be loaded all the same.
  set(libraries ${LibTorch_LIBRARY} ${LibTorch_TORCH_CPU_LIBRARY} ${LibTorch_C10_LIBRARY})
  if(LibTorch_TORCH_CUDA_LIBRARY)
    list(APPEND libraries ${LibTorch_TORCH_CUDA_LIBRARY})
  endif()
  if(LibTorch_C10_CUDA_LIBRARY)
    list(APPEND libraries ${LibTorch_C10_CUDA_LIBRARY})
  endif()
  add_library(LibTorch::torch INTERFACE IMPORTED)
  set_target_properties(LibTorch::torch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES "-Wl,--push-state,--no-as-needed;${libraries};-Wl,--pop-state")
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_LIBRARY)
