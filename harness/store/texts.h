// Which texts reach the store's file: all, redacted ones, or none. Keys and hashes are always computed on the
// originals, so an unchanged question is found again whatever was kept of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "core/text/edited_text.h"

namespace sizeup {

class TextRule {
 public:
  TextRule() = default;  // texts are kept as they are
  static TextRule none();
  // Masks what the patterns match (see Redactor). usage error if one does not compile.
  static Result<TextRule> redact(const std::vector<std::string>& patterns);

  bool keeps_all() const { return !none_ && redactor_ == nullptr; }
  bool keeps_none() const { return none_; }

  // A text as it is stored; `edited` becomes true if that is not the original, and stays otherwise.
  std::string stored(std::string_view text, bool& edited) const;

  // The details of an answer. Without texts, numbers and labels stay: set metrics are computed from them.
  std::map<std::string, std::string> stored_details(const std::map<std::string, std::string>& details,
                                                    bool& edited) const;

  // The JSON that a response's key is made of: its continuation and stop texts.
  std::string stored_key_json(const std::string& key_json, bool& edited) const;

 private:
  bool none_ = false;
  std::shared_ptr<const Redactor> redactor_;
};

}  // namespace sizeup
