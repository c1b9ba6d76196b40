#include "backends/cpu/activations.h"

#include <cstring>

#include "core/errors/result.h"

namespace sizeup::cpu {

void Activations::resize(int rows) {
  rows_ = rows;
  size_t needed =
      sizeof(float) * kLanes * static_cast<size_t>(groups_of(rows)) * static_cast<size_t>(columns_);
  if (use_ != RowsUse::values) needed = operand().bytes();
  if (buffer_.size() < needed) buffer_ = HugeBuffer(needed);
  // Columns that pad a step are zero; attention does not write them.
  const bool padded = use_ != RowsUse::values && columns_ % kStepColumns != 0;
  if (padded && needed > 0) std::memset(buffer_.data(), 0, needed);
}

LaneRows Activations::values() const {
  require(use_ == RowsUse::values, "these rows are values");
  return {.data = reinterpret_cast<float*>(const_cast<std::byte*>(buffer_.data())),
          .rows = rows_,
          .columns = columns_};
}

Operand Activations::operand() const {
  require(use_ != RowsUse::values, "these rows are the input of a product");
  return {.data = const_cast<std::byte*>(buffer_.data()),
          .format = format_,
          .rows = rows_,
          .columns = (columns_ + kStepColumns - 1) / kStepColumns * kStepColumns};
}

}  // namespace sizeup::cpu
