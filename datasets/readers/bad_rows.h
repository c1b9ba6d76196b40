// Rows that cannot be used, counted against how many may be.
#pragma once

#include <cstdint>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

class BadRows {
 public:
  // `most` of them are left out; one more is an error. 0, as an evaluation on fewer rows than its data set
  // has is another evaluation.
  explicit BadRows(int64_t most = 0) : most_(most) {}

  // Counts a row, which `error` says what is wrong with. The error that ends all, once there are too many.
  Result<void> add(Error error);

  int64_t count() const { return count_; }

  // Of the first ones (a screen's worth): place and what is wrong.
  const std::vector<Error>& shown() const { return shown_; }

 private:
  int64_t most_;
  int64_t count_ = 0;
  std::vector<Error> shown_;
};

}  // namespace sizeup
