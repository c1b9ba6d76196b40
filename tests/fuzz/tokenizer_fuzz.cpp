// Any metadata as a tokenizer, and the same bytes as the text it is given.
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "backends/engine/formats/gguf.h"
#include "backends/engine/tokenizer/tokenizer.h"

namespace {

// Metadata only, as a vocabulary-only file has it.
class Metadata : public sizeup::Checkpoint {
 public:
  explicit Metadata(sizeup::Json values) : values_(std::move(values)) {}
  sizeup::CheckpointFormat format() const override { return sizeup::CheckpointFormat::gguf; }
  const std::filesystem::path& path() const override { return path_; }
  const sizeup::Json& config() const override { return values_; }
  const std::vector<sizeup::Tensor>& tensors() const override { return tensors_; }
  const sizeup::Tensor* find(std::string_view) const override { return nullptr; }
  std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  sizeup::Json values_;
  std::filesystem::path path_ = "fuzz.gguf";
  std::vector<sizeup::Tensor> tensors_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::span(reinterpret_cast<const std::byte*>(data), size);
  auto content = sizeup::parse_gguf(bytes, "fuzz.gguf");
  if (!content) return 0;
  const auto tokenizer = sizeup::load_tokenizer(Metadata(std::move(content->metadata)));
  if (!tokenizer) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), std::min<size_t>(size, 4096));
  const auto ids = (*tokenizer)->encode(text, {.add_special = true, .parse_special = true});
  (*tokenizer)->decode(ids, false);
  return 0;
}
