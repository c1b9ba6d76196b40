// What every format is read through: the rows of one file, a row in memory at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <tl/expected.hpp>
#include <utility>

#include "core/errors/result.h"
#include "core/json/json.h"

namespace sizeup {

// Why there is no row: one that is bad by itself, or an end to all reading.
struct RowFailure {
  Error error;
  bool can_go_on;  // the next call of next() gives the row after it
};

// What is made of a row on the way to it.
template <class T>
using RowResult = tl::expected<T, RowFailure>;

// A row, or nothing at the end.
using NextRow = RowResult<std::optional<Json>>;

inline tl::unexpected<RowFailure> bad_row(Error error) {
  return tl::unexpected<RowFailure>({std::move(error), true});
}
inline tl::unexpected<RowFailure> bad_row(tl::unexpected<Error> error) {
  return bad_row(std::move(error).value());
}

// The file is damaged here: what follows cannot be told apart into rows.
inline tl::unexpected<RowFailure> broken_file(Error error) {
  return tl::unexpected<RowFailure>({std::move(error), false});
}
inline tl::unexpected<RowFailure> broken_file(tl::unexpected<Error> error) {
  return broken_file(std::move(error).value());
}

class RowStream {
 public:
  RowStream() = default;
  virtual ~RowStream() = default;
  RowStream(const RowStream&) = delete;
  RowStream& operator=(const RowStream&) = delete;

  virtual NextRow next() = 0;
  virtual size_t line() const = 0;  // where the row that next() gave last begins, from 1
};

}  // namespace sizeup
