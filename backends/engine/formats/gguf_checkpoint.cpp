#include "backends/engine/formats/gguf_checkpoint.h"

#include <utility>

#include "backends/engine/formats/gguf.h"
#include "backends/engine/formats/tensor_index.h"
#include "core/io/mapped_file.h"

namespace sizeup {
namespace {

class GgufCheckpoint : public Checkpoint {
 public:
  GgufCheckpoint(std::filesystem::path path, MappedFile file, GgufContent content)
      : path_(std::move(path)),
        file_(std::move(file)),
        metadata_(std::move(content.metadata)),
        tensors_(std::move(content.tensors)) {}

  CheckpointFormat format() const override { return CheckpointFormat::gguf; }
  const std::filesystem::path& path() const override { return path_; }
  const Json& config() const override { return metadata_; }
  const std::vector<Tensor>& tensors() const override { return tensors_.all(); }
  const Tensor* find(std::string_view name) const override { return tensors_.find(name); }
  void release(const Tensor& tensor) const override { MappedFile::release(tensor.data); }
  std::vector<std::filesystem::path> files() const override { return {path_}; }

 private:
  std::filesystem::path path_;
  MappedFile file_;
  Json metadata_;
  TensorIndex tensors_;
};

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_gguf(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  if (!file) return forward_error(file);
  auto content = parse_gguf(file->bytes(), path.string());
  if (!content) return forward_error(content);
  return std::make_unique<GgufCheckpoint>(path, std::move(*file), std::move(*content));
}

}  // namespace sizeup
