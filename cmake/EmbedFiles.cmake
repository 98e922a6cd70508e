# Files as constants of the program: writes the source that defines page_parts() of report/page.h.
# cmake -DOUT=… -DNAMES=…|… -DFILES=…|… -P EmbedFiles.cmake
string(REPLACE "|" ";" names "${NAMES}")
string(REPLACE "|" ";" files "${FILES}")
set(arrays "")
set(fields "")
foreach(name file IN ZIP_LISTS names files)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char k_${name}[] = {${bytes}0};\n")
  list(APPEND fields ".${name} = text(k_${name})")
endforeach()
list(JOIN fields ", " fields)
file(WRITE ${OUT} "// Made by cmake/EmbedFiles.cmake.
#include \"report/page.h\"

namespace poseheir {
namespace {

${arrays}
template <std::size_t kSize>
std::string_view text(const unsigned char (&bytes)[kSize]) {
  return {reinterpret_cast<const char*>(bytes), kSize - 1};
}

}  // namespace

PageParts page_parts() { return {${fields}}; }

}  // namespace poseheir
")
