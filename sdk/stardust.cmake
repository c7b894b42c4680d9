# CMake's toolchain file for Stardust: cmake -DCMAKE_TOOLCHAIN_FILE=$(stardust-cc -print-file-name=stardust.cmake)
# To the project it is Linux with musl, cross-compiled, without shared libraries.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(STARDUST 1)

get_filename_component(STARDUST_SDK "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(_stardust_bin "${STARDUST_SDK}/bin/x86_64-stardust-linux-musl-")
set(CMAKE_C_COMPILER "${_stardust_bin}gcc")
set(CMAKE_ASM_COMPILER "${_stardust_bin}gcc")
foreach(_stardust_tool AR RANLIB NM STRIP OBJCOPY OBJDUMP READELF ADDR2LINE)
  string(TOLOWER ${_stardust_tool} _stardust_name)
  set(CMAKE_${_stardust_tool} "${_stardust_bin}${_stardust_name}" CACHE FILEPATH "for Stardust")
endforeach()
set(CMAKE_C_COMPILER_AR "${_stardust_bin}ar" CACHE FILEPATH "for Stardust")
set(CMAKE_C_COMPILER_RANLIB "${_stardust_bin}ranlib" CACHE FILEPATH "for Stardust")
set(PKG_CONFIG_EXECUTABLE "${_stardust_bin}pkg-config" CACHE FILEPATH "for Stardust")

# A project that names no language gets C++ as well. It may, as long as it has no C++ file: that one fails, and says why.
set(CMAKE_CXX_COMPILER "${_stardust_bin}g++")
set(CMAKE_CXX_COMPILER_FORCED TRUE)

set(CMAKE_FIND_ROOT_PATH "${STARDUST_SDK}/x86_64-stardust-linux-musl")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# add_library(… SHARED) makes a static one.
set(BUILD_SHARED_LIBS OFF)
if(NOT CMAKE_PROJECT_INCLUDE)
  set(CMAKE_PROJECT_INCLUDE "${CMAKE_CURRENT_LIST_DIR}/static.cmake")
endif()
