# oneDNN 3, optional: adds it to GEMEL_LIBRARIES and defines GEMEL_WITH_ONEDNN where it is found.
# It is looked for where dnnl_ROOT or CMAKE_PREFIX_PATH point to, then in the Python package
# onednn-devel-cpu-gomp of the interpreter that builds (Python_EXECUTABLE), of .venv or of python3.
set(candidates ${Python_EXECUTABLE} ${PROJECT_SOURCE_DIR}/.venv/bin/python python3)
set(code "import importlib.metadata as m
print(m.distribution('onednn-devel-cpu-gomp').locate_file('../../../lib/cmake/dnnl').resolve())")
set(onednn_hint)
foreach(python ${candidates})
  execute_process(COMMAND ${python} -c "${code}" OUTPUT_VARIABLE found RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed AND EXISTS "${found}/dnnl-config.cmake")
    set(onednn_hint ${found})
    break()
  endif()
endforeach()

find_package(dnnl 3 CONFIG QUIET HINTS ${onednn_hint})
if(dnnl_FOUND)
  message(STATUS "oneDNN ${dnnl_VERSION}: ${dnnl_DIR}")
  list(APPEND GEMEL_LIBRARIES DNNL::dnnl)
  add_compile_definitions(GEMEL_WITH_ONEDNN)
else()
  message(STATUS "oneDNN 3 not found: the reference kernels serve")
endif()
