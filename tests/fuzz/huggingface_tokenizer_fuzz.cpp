// Any bytes as tokenizer.json, in a folder of its own; what loads must encode and decode.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "backends/engine/tokenizer/tokenizer.h"

namespace {

const std::filesystem::path& folder() {
  static const std::filesystem::path path = [] {
    const auto made = std::filesystem::temp_directory_path() / ("sizeup-fuzz-" + std::to_string(getpid()));
    std::filesystem::create_directories(made);
    return made;
  }();
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  std::ofstream(folder() / "tokenizer.json", std::ios::binary | std::ios::trunc) << content;
  const auto checkpoint = sizeup::open_checkpoint(folder());
  if (!checkpoint) return 0;
  const auto tokenizer = sizeup::load_tokenizer(**checkpoint);
  if (!tokenizer) return 0;
  for (const std::string_view text :
       {std::string_view("<s>don't a\tb\xF0\x9F\x99\x82 12<|end|>"), content.substr(0, 500)}) {
    const auto ids = (*tokenizer)->encode(text, {.add_special = true, .parse_special = true});
    (*tokenizer)->decode(ids, false);
  }
  return 0;
}
