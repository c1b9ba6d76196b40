// Little-endian values from bytes in memory, each read checked against the end. After the first failure the
// reader stays failed and gives zeros, so that a caller may check once after several reads.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/errors/result.h"

namespace sizeup {

class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, const std::string& place) : bytes_(bytes), place_(place) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  bool failed() const { return failed_; }

  template <class T>
  T read() {
    T value{};
    if (const std::byte* source = take(sizeof value)) std::memcpy(&value, source, sizeof value);
    return value;
  }

  std::string_view read_text(uint64_t size) {
    const std::byte* source = take(size);
    return source ? std::string_view(reinterpret_cast<const char*>(source), size) : std::string_view();
  }

  // The error of a failed read: `what` was being read.
  tl::unexpected<Error> end_of_file(std::string_view what) const {
    return bad_input(place_at(failed_at_), fmt::format("the file ends inside {}", what),
                     fmt::format("{} more bytes, {} are left", wanted_, bytes_.size() - failed_at_),
                     "the file may be truncated: check its size against the source");
  }

  std::string place_at(size_t position) const { return fmt::format("{} (byte {})", place_, position); }
  std::string here() const { return place_at(position_); }

 private:
  const std::byte* take(uint64_t size) {
    if (failed_ || size > remaining()) {
      if (!failed_) failed_at_ = position_, wanted_ = size;
      failed_ = true;
      return nullptr;
    }
    const std::byte* start = bytes_.data() + position_;
    position_ += size;
    return start;
  }

  std::span<const std::byte> bytes_;
  const std::string& place_;
  size_t position_ = 0;
  size_t failed_at_ = 0;
  uint64_t wanted_ = 0;
  bool failed_ = false;
};

}  // namespace sizeup
