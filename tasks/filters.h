// Answer filters: what is taken out of a response before it is scored.
#pragma once

#include <functional>

#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/yaml.h"

namespace sizeup {

struct Filtered {
  std::string text;
  bool no_answer = false;  // a filter found nothing and gave its fallback
};

// One named chain of filters, as in filter_list.
class FilterPipeline {
 public:
  static Result<FilterPipeline> parse(const YamlNode& node);

  const std::string& name() const { return name_; }
  // The text must be valid UTF-8.
  Filtered apply(std::string text) const;

 private:
  using Filter = std::function<void(Filtered&)>;
  std::string name_;
  std::vector<Filter> filters_;
};

struct FilterListing {
  std::string name;
  std::string description;
};
std::vector<FilterListing> filter_table();

}  // namespace sizeup
