# What Gemel takes from others. Sets GEMEL_LIBRARIES. oneDNN and OpenBLAS are optional: without them
# the reference kernels serve.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json 3 REQUIRED)
find_path(HIGHWAY_INCLUDE hwy/highway.h REQUIRED)
find_library(HIGHWAY_LIBRARY hwy REQUIRED)
find_library(HIGHWAY_SORT_LIBRARY hwy_contrib REQUIRED)
set(GEMEL_LIBRARIES Threads::Threads fmt::fmt nlohmann_json::nlohmann_json
    ${HIGHWAY_SORT_LIBRARY} ${HIGHWAY_LIBRARY})

find_package(JPEG REQUIRED)  # libjpeg-turbo: parts of an image are decoded alone
find_package(PNG REQUIRED)
list(APPEND GEMEL_LIBRARIES JPEG::JPEG PNG::PNG)

find_package(SQLite3 REQUIRED)
list(APPEND GEMEL_LIBRARIES SQLite::SQLite3)

find_package(CURL 7.85)  # http(s):// and s3://
if(CURL_FOUND)
  list(APPEND GEMEL_LIBRARIES CURL::libcurl)
  set(GEMEL_LEFT_OUT src/data/http_without_curl.cpp)
else()
  message(STATUS "libcurl not found: files of http(s):// and s3:// cannot be read")
  set(GEMEL_LEFT_OUT src/data/http_curl.cpp)
endif()

if(GEMEL_OPENMP AND NOT GEMEL_SANITIZE STREQUAL "thread")
  find_package(OpenMP)
  if(OpenMP_CXX_FOUND)
    list(APPEND GEMEL_LIBRARIES OpenMP::OpenMP_CXX)
    add_compile_definitions(GEMEL_WITH_OPENMP)
  endif()
endif()

find_library(OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-openmp openblas-pthread)
find_path(OPENBLAS_INCLUDE cblas.h PATH_SUFFIXES openblas-openmp x86_64-linux-gnu/openblas-openmp openblas)
if(OPENBLAS_LIBRARY AND OPENBLAS_INCLUDE)
  list(APPEND GEMEL_LIBRARIES ${OPENBLAS_LIBRARY})
  include_directories(SYSTEM ${OPENBLAS_INCLUDE})
  add_compile_definitions(GEMEL_WITH_OPENBLAS)
else()
  message(STATUS "OpenBLAS not found: the reference matrix product serves")
endif()

if(GEMEL_ONEDNN)
  include(cmake/OneDnn.cmake)
endif()
