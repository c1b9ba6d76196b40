// Answer filters: what is taken out of a document's responses before they are scored.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/yaml.h"

namespace sizeup {

struct Filtered {
  std::string text;
  bool no_answer = false;  // a filter found nothing and gave its fallback
};

// A step of a chain: changes the responses to one document, or leaves some of them out (never all).
// `choices` are those of the document, for the filters that look for them.
using Filter = std::function<void(std::vector<Filtered>& responses, std::span<const std::string> choices)>;

// One named chain of filters, as in filter_list.
class FilterPipeline {
 public:
  // `responses`: how many there are to each document. Errors: unknown filters and options, more responses
  // asked for than there are.
  static Result<FilterPipeline> parse(const YamlNode& node, int responses);

  const std::string& name() const { return name_; }
  bool needs_choices() const { return needs_choices_; }  // the field "choices" of a document
  int responses() const { return responses_; }           // how many are left of those to a document

  // What is left of the responses to one document, at least one. Texts must be valid UTF-8.
  std::vector<Filtered> apply(std::vector<std::string> texts,
                              std::span<const std::string> choices = {}) const;

 private:
  std::string name_;
  std::vector<Filter> filters_;
  bool needs_choices_ = false;
  int responses_ = 1;
};

struct FilterListing {
  std::string name;
  std::string description;
};
std::vector<FilterListing> filter_table();

}  // namespace sizeup
