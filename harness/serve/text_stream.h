// An answer's text while its tokens come: what can still change is held back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

// The pieces joined are the text of the finished answer (Response::text): a character that is split over
// tokens comes with its last one, and what may begin a stop string only when it has turned out not to.
class TextStream {
 public:
  // `tokenizer` must outlive the stream.
  TextStream(const Tokenizer& tokenizer, std::vector<std::string> stops)
      : tokenizer_(tokenizer), stops_(std::move(stops)) {}

  // What is certain with this token and was not before; often empty. Not for the token that ends an answer.
  std::string push(Token token);
  // The rest, now that the whole text is known.
  std::string finish(const std::string& whole) const { return whole.substr(std::min(given_, whole.size())); }

 private:
  // Bytes of undecided_ that no stop string can take.
  size_t decided() const;

  const Tokenizer& tokenizer_;
  std::vector<std::string> stops_;
  std::vector<Token> recent_;  // the last tokens: what they decode to depends on those shortly before them
  size_t read_ = 0;            // bytes of the recent tokens' text that went into undecided_
  std::string undecided_;      // whole characters, not given out yet
  size_t given_ = 0;           // bytes
};

}  // namespace sizeup
