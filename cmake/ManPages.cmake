# Man pages of the program and of each command, from what --help says:
# cmake -DPROGRAM=… -DVERSION=… -DOUT=folder -P ManPages.cmake
cmake_minimum_required(VERSION 3.25)

function(write_page name help)
  string(REPLACE "\\" "\\\\" text "${help}")
  string(REPLACE "-" "\\-" text "${text}")
  string(REGEX REPLACE "\n([.'])" "\n\\\\&\\1" text "${text}")
  string(REGEX REPLACE "^([^\n]*)\n.*" "\\1" summary "${text}")
  string(REPLACE "-" "\\-" title "${name}")
  string(TOUPPER "${name}" heading)
  file(WRITE ${OUT}/${name}.1
    ".TH ${heading} 1 \"\" \"poseheir ${VERSION}\" \"Poseheir\"\n.SH NAME\n${title} \\- ${summary}\n"
    ".SH DESCRIPTION\n.nf\n${text}.fi\n.SH SEE ALSO\nposeheir(1)\n")
endfunction()

function(help_of result)
  execute_process(COMMAND ${PROGRAM} ${ARGN} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${help}" PARENT_SCOPE)
endfunction()

help_of(overview)
write_page(poseheir "${overview}")
string(REGEX REPLACE ".*Subcommands:\n" "" list "${overview}")
string(REGEX MATCHALL "(^|\n)  [a-z][a-z-]+" commands "${list}")
foreach(command IN LISTS commands)
  string(STRIP "${command}" command)
  help_of(help ${command})
  write_page(poseheir-${command} "${help}")
endforeach()
