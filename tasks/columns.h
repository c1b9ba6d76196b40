// The fields of documents that come one by one.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "core/json/json.h"

namespace sizeup {

// Adds the names of each row's fields to a list that outlives it, in order of appearance.
class Columns {
 public:
  explicit Columns(std::vector<std::string>& names) : names_(names) {}

  void add(const Json& row) {
    for (const auto& item : row.items()) {
      if (seen_.insert(item.key()).second) names_.push_back(item.key());
    }
  }

 private:
  std::vector<std::string>& names_;
  std::unordered_set<std::string> seen_;
};

}  // namespace sizeup
