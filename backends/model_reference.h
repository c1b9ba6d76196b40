// [NAME=]REF[?key=value&...]: how a user names a model, see docs/models.md.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

struct ModelReference {
  std::string text;    // as given
  std::string name;    // given, or made from the path or model name
  std::string scheme;  // "file", "hf", "lmstudio", "ollama", "openai", "answers", "router"
  std::string target;  // path, Org/Name[@rev], model name
  std::map<std::string, std::string> options;  // device, dtype, quant, ...

  // usage error for an empty reference, a repeated or malformed option, or an unknown scheme.
  static Result<ModelReference> parse(std::string_view text);

  // The text of the same reference with one option more.
  std::string text_with(std::string_view key, std::string_view value) const;
};

}  // namespace sizeup
