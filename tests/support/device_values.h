// Values into a device's rows and out of them, by what every device has: they come in as rows of an embedding
// table, and go out through a head that is the identity with one more output of zeros. What log-softmax gives
// of a column less what it gives of that output is the column, to some roundings of the greatest of the row.
#pragma once

#include <deque>
#include <numeric>
#include <random>
#include <vector>

#include "backends/engine/device.h"
#include "tests/support/host_rows.h"

namespace sizeup {

class DeviceValues {
 public:
  explicit DeviceValues(std::unique_ptr<Device> device) : device_(std::move(device)) {}

  Device& device() { return *device_; }

  // Of float32.
  const Tensor& tensor(const HostRows& rows) {
    std::vector<float>& values = floats_.emplace_back();
    for (const std::vector<float>& row : rows) values.insert(values.end(), row.begin(), row.end());
    Tensor& made = tensors_.emplace_back();
    made.shape = {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows.front().size())};
    made.data = std::as_bytes(std::span(values));
    return made;
  }

  // Rows that begin() fills.
  RowsId input(const HostRows& rows) {
    const RowsId id = device_->add_rows(static_cast<int>(rows.front().size()), RowsUse::values);
    inputs_.push_back({device_->add_linear({.weight = &tensor(rows)}), id});
    return id;
  }

  // A step of so many rows, the text's from a position on.
  void begin(int rows, int first_position = 0) {
    step_ = {};
    for (int i = 0; i < rows; ++i) {
      step_.tokens.push_back(i);
      step_.positions.push_back(first_position + i);
      step_.tables.push_back(0);
      step_.wanted.push_back({.row = i, .distribution = true});
    }
    step_.table_begin = {0, 0};
    step_.states = {0};
    step_.state_count = 1;
    device_->begin(step_);
    for (const Input& input : inputs_) device_->embed(input.table, 1.0F, input.rows);
  }

  HostRows read(RowsId rows, int columns) {
    HostRows identity(static_cast<size_t>(columns + 1), std::vector<float>(static_cast<size_t>(columns)));
    for (size_t i = 0; i < static_cast<size_t>(columns); ++i) identity[i][i] = 1.0F;
    StepResult result;
    device_->log_probabilities(rows, device_->add_linear({.weight = &tensor(identity)}), 0.0F, result);
    HostRows read(step_.wanted.size());
    auto at = result.distributions.begin();
    for (std::vector<float>& row : read) {
      const float zero = at[columns];
      for (int c = 0; c < columns; ++c) row.push_back(at[c] - zero);
      at += columns + 1;
    }
    return read;
  }

 private:
  struct Input {
    LinearId table;
    RowsId rows;
  };

  std::unique_ptr<Device> device_;
  std::deque<std::vector<float>> floats_;
  std::deque<Tensor> tensors_;
  std::vector<Input> inputs_;
  Step step_;
};

}  // namespace sizeup
