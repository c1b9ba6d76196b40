// JUnit XML, as build servers read it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

struct JunitCase {
  enum class Outcome { passed, failed, error, skipped };

  std::string class_name;
  std::string name;
  Outcome outcome = Outcome::passed;
  std::string message;
  std::string type = {};   // of an error or a failure: "not enough data"
  std::string place = {};  // where to look
};

// One suite of these cases. Any names and messages give well-formed XML: what it cannot hold, or an eye would
// not see, is spelled out.
std::string junit_document(std::string_view name, std::string_view suite,
                           const std::vector<JunitCase>& cases);

}  // namespace sizeup
