# SPDX-License-Identifier: Apache-2.0
# Included in every interface package (CMAKE_PROJECT_INCLUDE) that is built against the ROS wheels. Both passes run at
# the end of the package's CMakeLists.txt, when all packages have been found and all targets exist.

# The wheels were built in a container, and their CMake targets still name its include directories
# (/opt/python/...). CMake refuses to generate while an imported target names a directory that does not exist.
function(drop_missing_include_directories)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(directories)
      set(existing)
      foreach(directory IN LISTS directories)
        if(directory MATCHES "\\$<" OR EXISTS "${directory}")
          list(APPEND existing "${directory}")
        endif()
      endforeach()
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${existing}")
    endif()
  endforeach()
endfunction()

# Each generated source is small and includes much, so compiling eight at a time takes a third less. Left out are the
# C messages and the Python modules: their files define static names of their own that clash in one unit.
function(compile_typesupports_together)
  get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    if(target MATCHES "^${PROJECT_NAME}__rosidl_typesupport_")
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    endif()
  endforeach()
endfunction()

cmake_language(DEFER CALL drop_missing_include_directories)
cmake_language(DEFER CALL compile_typesupports_together)
