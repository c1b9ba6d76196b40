#include "harness/serve/text_stream.h"

#include <algorithm>
#include <string_view>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

// Decoding looks at few tokens before: one for the space that some tokenizers take from the start, up to
// three for a character's bytes. So a long answer is not decoded from its start again for every token.
constexpr size_t kContext = 8;
constexpr size_t kMostRecent = 64;  // how often that is done costs little

// The length of the longest end of `text` that begins `stop` without being all of it.
size_t begun(std::string_view text, std::string_view stop) {
  for (size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
    if (text.ends_with(stop.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string TextStream::push(Token token) {
  recent_.push_back(token);
  const std::string text = tokenizer_.decode(recent_, true);
  const size_t whole = text.size() - incomplete_utf8_suffix(text);
  if (whole > read_) {
    undecided_ += replace_invalid_utf8(std::string_view(text).substr(read_, whole - read_));
    read_ = whole;
  }
  if (recent_.size() > kMostRecent && read_ == text.size()) {
    recent_.erase(recent_.begin(), recent_.end() - static_cast<std::ptrdiff_t>(kContext));
    read_ = tokenizer_.decode(recent_, true).size();
  }
  std::string piece = undecided_.substr(0, decided());
  undecided_.erase(0, piece.size());
  given_ += piece.size();
  return piece;
}

size_t TextStream::decided() const {
  size_t length = undecided_.size();
  for (const std::string& stop : stops_) {
    length = std::min({length, undecided_.find(stop), undecided_.size() - begun(undecided_, stop)});
  }
  return length;
}

}  // namespace sizeup
