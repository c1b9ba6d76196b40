// A checkpoint with another configuration, or without some of its tensors: for tests of what readers refuse.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/formats/checkpoint.h"
#include "core/json/json.h"

namespace sizeup {

class EditedCheckpoint : public Checkpoint {
 public:
  explicit EditedCheckpoint(std::unique_ptr<Checkpoint> source)
      : source_(std::move(source)), config_(source_->config()), tensors_(source_->tensors()) {}

  Json& config() { return config_; }
  void add(Tensor tensor) { tensors_.push_back(std::move(tensor)); }
  void remove(std::string_view name) {
    std::erase_if(tensors_, [name](const Tensor& tensor) { return tensor.name == name; });
  }
  Tensor& tensor(std::string_view name) { return *std::ranges::find(tensors_, name, &Tensor::name); }

  CheckpointFormat format() const override { return source_->format(); }
  const std::filesystem::path& path() const override { return source_->path(); }
  const Json& config() const override { return config_; }
  const std::vector<Tensor>& tensors() const override { return tensors_; }
  const Tensor* find(std::string_view name) const override {
    const auto found = std::ranges::find(tensors_, name, &Tensor::name);
    return found == tensors_.end() ? nullptr : &*found;
  }
  std::vector<int64_t> integers(std::string_view name) const override { return source_->integers(name); }
  std::vector<std::filesystem::path> files() const override { return source_->files(); }

 private:
  std::unique_ptr<Checkpoint> source_;
  Json config_;
  std::vector<Tensor> tensors_;
};

}  // namespace sizeup
