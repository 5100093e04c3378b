# Unity builds: the sources of one folder are compiled a few at a time, which saves most of the time
# that headers cost. Names in anonymous namespaces must therefore be unique within a folder.
# Left out: files that Highway includes again for every instruction set.
set(GEMEL_UNITY_BATCH 8 CACHE STRING "Sources compiled together in a unity build")

# Puts the sources of `target` into groups of GEMEL_UNITY_BATCH from one folder.
function(gemel_unity target)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  foreach(source ${sources})
    file(STRINGS ${source} highway REGEX "HWY_TARGET_INCLUDE|foreach_target\\.h" LIMIT_COUNT 1)
    if(highway)
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
      continue()
    endif()
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src)
    string(MAKE_C_IDENTIFIER "${folder}" group)
    math(EXPR count_${group} "0${count_${group}} + 1")
    math(EXPR batch "(${count_${group}} - 1) / ${GEMEL_UNITY_BATCH}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group}_${batch})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

gemel_unity(gemel_objects)
