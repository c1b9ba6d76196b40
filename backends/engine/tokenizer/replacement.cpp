#include "backends/engine/tokenizer/replacement.h"

namespace sizeup {

std::string Replacement::apply(std::string_view source) const {
  if (!regex) return replace_all(source, text, content);
  std::string result;
  size_t done = 0;
  for (const Range match : regex->find_all(source)) {
    result.append(source, done, match.begin - done);
    result += content;
    done = match.end;
  }
  return result.append(source, done, std::string_view::npos);
}

std::string replace_all(std::string_view text, std::string_view part, std::string_view content) {
  std::string result;
  result.reserve(text.size() + text.size() / 4);
  size_t done = 0;
  for (size_t match = text.find(part); match != std::string_view::npos; match = text.find(part, done)) {
    result.append(text, done, match - done);
    result += content;
    done = match + part.size();
  }
  return result.append(text, done, std::string_view::npos);
}

}  // namespace sizeup
