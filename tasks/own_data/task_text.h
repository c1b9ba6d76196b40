// A task file as text: keys with comments, values as JSON, which is YAML too.
#pragma once

#include <string>
#include <string_view>

#include "core/json/json.h"

namespace sizeup {

class TaskText {
 public:
  explicit TaskText(std::string_view heading);

  // A map is written key by key down to two levels, everything else on one line.
  void add(std::string_view key, const Json& value, std::string_view comment = {});

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace sizeup
