// A checkpoint's tensors with look-up by name.
#pragma once

#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/engine/formats/tensor.h"

namespace sizeup {

class TensorIndex {
 public:
  // Names are distinct: the readers refuse repeated ones.
  explicit TensorIndex(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {
    by_name_.reserve(tensors_.size());
    for (const Tensor& tensor : tensors_) by_name_.emplace(tensor.name, &tensor);
  }
  TensorIndex(const TensorIndex&) = delete;
  TensorIndex& operator=(const TensorIndex&) = delete;

  const std::vector<Tensor>& all() const { return tensors_; }
  const Tensor* find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

 private:
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string_view, const Tensor*> by_name_;
};

}  // namespace sizeup
