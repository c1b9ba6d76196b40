# cmake -DOUT=file.cpp -DCSS=report.css -DJS=report.js -P embed.cmake: the page's two assets as string constants.
foreach(name CSS JS)
  file(READ ${${name}} text)
  # Every page carries both: without what only their readers need.
  string(REGEX REPLACE "\n[ ]+" "\n" text "${text}")
  string(REGEX REPLACE "\n//[^\n]*" "" text "${text}")
  string(REGEX REPLACE "[ ][ ]+// [^\n]*" "" text "${text}")
  string(REGEX REPLACE "\n/[*][^*]*[*]/" "" text "${text}")
  string(FIND "${text}" ")sizeup_asset\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${${name}} contains the delimiter of the raw string")
  endif()
  set(${name}_TEXT "${text}")
endforeach()
file(WRITE ${OUT} "#include \"reports/html/html.h\"

namespace sizeup {
const Asset kReportCss{R\"sizeup_asset(${CSS_TEXT})sizeup_asset\"};
const Asset kReportJs{R\"sizeup_asset(${JS_TEXT})sizeup_asset\"};
}  // namespace sizeup
")
