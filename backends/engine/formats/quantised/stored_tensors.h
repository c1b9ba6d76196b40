// A quantised checkpoint while it is read: parts are taken by name, weights are added, the rest are plain.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/engine/formats/quantised/quantised.h"

namespace sizeup {

class StoredTensors {
 public:
  StoredTensors(std::vector<StoredTensor> stored, std::string place);
  StoredTensors(const StoredTensors&) = delete;
  StoredTensors& operator=(const StoredTensors&) = delete;

  const std::vector<StoredTensor>& all() const { return stored_; }
  // nullptr if there is none. A tensor that has been taken is no weight of its own.
  const StoredTensor* take(std::string_view name);
  void add(std::string name, std::vector<int64_t> shape, std::span<const std::byte> data,
           std::unique_ptr<RowSource> source, TensorType type = TensorType::f32);
  // The weights that were added, and what was not taken, which must be plain.
  Result<ComputedTensors> finish() &&;

  tl::unexpected<Error> wrong(std::string_view name, std::string_view what, std::string expected = {}) const;
  // A value of quantization_config.
  tl::unexpected<Error> wrong_setting(std::string_view key, const Json& value, std::string expected) const;

 private:
  std::vector<StoredTensor> stored_;
  std::string place_;
  std::unordered_map<std::string_view, size_t> by_name_;
  std::vector<bool> taken_;
  ComputedTensors made_;
};

// A value of quantization_config; null means absent.
Json setting(const Json& settings, const char* key, Json fallback);

// "{2, 3}"
std::string shape_text(const std::vector<int64_t>& shape);

// The readers of quantised.cpp's table. `settings` is an object.
Result<void> read_fp8(const Json& settings, StoredTensors& tensors);
Result<void> read_compressed(const Json& settings, StoredTensors& tensors);  // of compressed-tensors: FP8
Result<void> read_gptq(const Json& settings, StoredTensors& tensors);
Result<void> read_awq(const Json& settings, StoredTensors& tensors);
Result<void> read_bitsandbytes(const Json& settings, StoredTensors& tensors);
Result<void> read_mxfp4(const Json& settings, StoredTensors& tensors);

}  // namespace sizeup
