# OpenCV's core and imgproc alone. Debian's OpenCVConfig.cmake lies in libopencv-dev, which brings 421 packages.
find_path(OpenCVImgproc_INCLUDE_DIR opencv2/imgproc.hpp PATH_SUFFIXES opencv4)
find_library(OpenCVImgproc_LIBRARY opencv_imgproc)
find_library(OpenCVCore_LIBRARY opencv_core)
if(OpenCVImgproc_INCLUDE_DIR)
  file(STRINGS ${OpenCVImgproc_INCLUDE_DIR}/opencv2/core/version.hpp lines REGEX "define CV_VERSION_(MAJOR|MINOR|REVISION)")
  string(REGEX REPLACE "[^0-9;]" "" lines "${lines}")
  list(JOIN lines . OpenCVImgproc_VERSION)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCVImgproc
  REQUIRED_VARS OpenCVImgproc_LIBRARY OpenCVCore_LIBRARY OpenCVImgproc_INCLUDE_DIR)
if(OpenCVImgproc_FOUND AND NOT TARGET OpenCV::imgproc)
  add_library(OpenCV::imgproc UNKNOWN IMPORTED)
  set_target_properties(OpenCV::imgproc PROPERTIES IMPORTED_LOCATION ${OpenCVImgproc_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OpenCVImgproc_INCLUDE_DIR} INTERFACE_LINK_LIBRARIES ${OpenCVCore_LIBRARY})
endif()
mark_as_advanced(OpenCVImgproc_INCLUDE_DIR OpenCVImgproc_LIBRARY OpenCVCore_LIBRARY)
