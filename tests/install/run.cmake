cmake_minimum_required(VERSION 3.25)
# Installs BUILD into a folder, then uses what lies there as a stranger would: the program, its model A, completion, man
# pages, and the library from a small project.
set(root ${WORK}/root)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

function(run expected)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK} OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE code)
  if(NOT code EQUAL 0 OR NOT text MATCHES "${expected}")
    message(FATAL_ERROR "${ARGN}: code ${code}, expected '${expected}', found\n${text}")
  endif()
endfunction()

run("" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${root})
set(program ${root}/bin/poseheir)
file(GLOB_RECURSE models ${root}/share/poseheir/demo/*.index)
if(NOT models)  # without the engine there is no demo
  set(models ${SOURCE}/../../share/demo/snapshot-3000.index)
endif()
run("MobileNetV2 0.35" ${program} inspect ${models})
if(ENGINE)
  run("Open out/report/report.html" ${program} demo out --quick --threads 1)
endif()
run("^transfer train track\n$" bash ${SOURCE}/complete.sh ${root} poseheir tr)
run("^base backbone all\n$" bash ${SOURCE}/complete.sh ${root} poseheir transfer --layers NOTHING)
file(STRINGS ${root}/share/man/man1/poseheir-transfer.1 lines REGEX "dry")
if(lines STREQUAL "")
  message(FATAL_ERROR "poseheir-transfer.1 does not tell of --dry-run")
endif()
run("" ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/consumer -G Ninja -DCMAKE_PREFIX_PATH=${root}
  -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${FLAGS}")
run("" ${CMAKE_COMMAND} --build ${WORK}/consumer)
run("^26[0-9]\n$" ${WORK}/consumer/consumer ${models})
