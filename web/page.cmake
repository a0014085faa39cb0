# Run as `cmake -D SOURCE=… -D WORK=… -D OUT=… -D NODE=… -D NPM=… -P page.cmake`: copies web/ to WORK and builds the page into OUT.
# NPM is an executable, or a script for NODE when it ends in .js.

file(MAKE_DIRECTORY "${WORK}")
file(REMOVE_RECURSE "${WORK}/src")
foreach(name package.json package-lock.json .npmrc build.mjs tsconfig.json src)
  file(COPY "${SOURCE}/${name}" DESTINATION "${WORK}")
endforeach()

set(npm "${NPM}")
if(NPM MATCHES "\\.js$")
  set(npm "${NODE}" "${NPM}")
endif()
# npm's own children must find the same node.
get_filename_component(node_folder "${NODE}" DIRECTORY)
set(ENV{PATH} "${node_folder}:$ENV{PATH}")
execute_process(COMMAND ${npm} ci --ignore-scripts --no-audit --no-fund --loglevel=error WORKING_DIRECTORY "${WORK}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${NODE}" build.mjs "${OUT}" WORKING_DIRECTORY "${WORK}" COMMAND_ERROR_IS_FATAL ANY)
