// tokenizer.ggml.* of a GGUF file's metadata.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "backends/engine/tokenizer/tokenizer.h"
#include "core/json/json.h"

namespace sizeup {

// Checks what it reads; an error names the key.
class GgufMetadata {
 public:
  GgufMetadata(const Json& values, std::string place) : values_(values), place_(std::move(place)) {}

  const std::string& place() const { return place_; }

  tl::unexpected<Error> wrong(std::string_view key, std::string_view what, std::string expected) const {
    return bad_input(place_, fmt::format("{} {}", key, what), std::move(expected));
  }

  const Json* find(std::string_view key) const {
    const auto found = values_.find(std::string(key));
    return found == values_.end() ? nullptr : &*found;
  }

  std::string text(std::string_view key) const {
    const Json* value = find(key);
    return value && value->is_string() ? value->get<std::string>() : std::string();
  }

  Result<bool> flag(std::string_view key, bool otherwise) const {
    const Json* value = find(key);
    if (!value) return otherwise;
    if (!value->is_boolean()) return wrong(key, "is no boolean", "true or false");
    return value->get<bool>();
  }

  // A token's id: in the vocabulary, or not there at all.
  Result<std::optional<Token>> token(std::string_view key, size_t vocabulary) const {
    const Json* value = find(key);
    if (!value) return std::optional<Token>();
    if (!value->is_number_integer() || (value->is_number_integer() && value->get<int64_t>() < 0) ||
        value->get<uint64_t>() >= vocabulary) {
      return wrong(key, "is no token of the vocabulary", fmt::format("0 to {}", vocabulary - 1));
    }
    return std::optional<Token>(value->get<Token>());
  }

  // An array with `size` elements that all pass `right`.
  template <class Right>
  Result<const Json*> array(std::string_view key, size_t size, Right right, std::string expected) const {
    const Json* value = find(key);
    const bool good = value && value->is_array() && (size == 0 || value->size() == size) &&
                      std::all_of(value->begin(), value->end(), right);
    if (!good) return wrong(key, value ? "is malformed" : "is missing", std::move(expected));
    return value;
  }

 private:
  const Json& values_;
  std::string place_;
};

}  // namespace sizeup
