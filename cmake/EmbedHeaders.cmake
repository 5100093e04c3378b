# Writes a source file that holds the texts of the headers of generated CUDA source
# (src/device/cuda/headers.h): NAME=FILE pairs, files relative to src/.
set(EMBEDDED_HEADERS
    cmath=device/cuda/include/standard.h cstdint=device/cuda/include/standard.h
    limits=device/cuda/include/standard.h string_view=device/cuda/include/standard.h
    type_traits=device/cuda/include/standard.h base/dtype.h=device/cuda/include/half.h
    device/cuda/include/kernel.h=device/cuda/include/kernel.h
    simd/primitive.h=simd/primitive.h simd/scalar_math.h=simd/scalar_math.h
    simd/special_functions.h=simd/special_functions.h
    simd/special_functions.cpp=simd/special_functions.cpp simd/convert_value.h=simd/convert_value.h
    kernels/reduction.h=kernels/reduction.h kernels/reducers.h=kernels/reducers.h)

string(CONCAT embedded "#include \"device/cuda/headers.h\"\n\nnamespace gemel::cuda {\n\n"
             "std::span<const Header> headers() {\n  static constexpr Header all[] = {\n")
foreach(pair ${EMBEDDED_HEADERS})
  string(REGEX MATCH "^([^=]+)=(.+)$" matched ${pair})
  set(file ${PROJECT_SOURCE_DIR}/src/${CMAKE_MATCH_2})
  set(name ${CMAKE_MATCH_1})
  file(READ ${file} text)
  string(APPEND embedded "      {\"${name}\", R\"gemel(${text})gemel\"},\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endforeach()
string(APPEND embedded "  };\n  return all;\n}\n\n}  // namespace gemel::cuda\n")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/cuda_headers.cpp CONTENT "@embedded@" @ONLY)
