# The tables of names in Prometheus (src/core/data/*_names.csv) as initializers for src/core/prometheus_names.cpp.
foreach(table sysmon node)
  set(csv "${CMAKE_CURRENT_SOURCE_DIR}/src/core/data/${table}_names.csv")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${csv}")
  file(STRINGS "${csv}" rows)
  list(POP_FRONT rows)
  set(text "")
  foreach(row IN LISTS rows)
    if(NOT row MATCHES "^([^,]+),([^,]*),([^,]+),([^,]*),([0-9]*),([^,]*),([^,]*)$")
      message(FATAL_ERROR "${csv}: not seven columns: ${row}")
    endif()
    set(divide "${CMAKE_MATCH_5}")
    if(divide STREQUAL "")
      set(divide 1)
    endif()
    string(APPEND text
           "    {\"${CMAKE_MATCH_1}\", \"${CMAKE_MATCH_2}\", \"${CMAKE_MATCH_3}\", \"${CMAKE_MATCH_4}\", ${divide}, "
           "\"${CMAKE_MATCH_6}\", \"${CMAKE_MATCH_7}\"},\n")
  endforeach()
  # Written only where it changed, so that nothing is compiled again for nothing.
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/generated/${table}_names.inc" CONTENT "${text}" @ONLY)
endforeach()
set_source_files_properties(
  src/core/prometheus_names.cpp PROPERTIES INCLUDE_DIRECTORIES "${CMAKE_CURRENT_BINARY_DIR}/generated")
