#include "datasets/readers/bad_rows.h"

#include <fmt/format.h>

namespace sizeup {
namespace {

constexpr size_t kShown = 20;

}  // namespace

Result<void> BadRows::add(Error error) {
  ++count_;
  if (count_ > most_ && most_ > 0) {
    error.message =
        fmt::format("{} (bad row number {}, and {} may be left out)", error.message, count_, most_);
  }
  if (shown_.size() < kShown) shown_.push_back(error);
  if (count_ > most_) return tl::unexpected<Error>(std::move(error));
  return {};
}

}  // namespace sizeup
