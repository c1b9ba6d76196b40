// Any bytes as a SentencePiece model; what loads must encode and decode.
#include <cstdint>
#include <string_view>

#include "backends/engine/tokenizer/sentencepiece_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  auto model = sizeup::parse_sentencepiece_model(content, "fuzz.model");
  if (!model) return 0;
  auto parts = sizeup::sentencepiece_parts(std::move(*model), "fuzz.model");
  if (!parts) return 0;
  const auto tokenizer = sizeup::make_tokenizer(std::move(*parts));
  for (const std::string_view text :
       {std::string_view("<s>don't  a\tb\xF0\x9F\x99\x82 12 aab\xE2\x96\x81x"), content.substr(0, 500)}) {
    const auto ids = tokenizer->encode(text, {.add_special = true, .parse_special = true});
    tokenizer->decode(ids, false);
  }
  return 0;
}
