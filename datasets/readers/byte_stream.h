// The bytes of a data file in order, decompressed as they come: memory does not grow with the file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "core/errors/result.h"
#include "core/io/sha256.h"

namespace sizeup {

// Large enough that a call to a decompressor is not what costs.
constexpr size_t kStreamChunk = size_t{1} << 17;

class ByteStream {
 public:
  ByteStream() = default;
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Fills the front of `buffer` (not empty) and says how much of it; 0 at the end. bad_input if what is read
  // is damaged.
  virtual Result<size_t> read(std::span<char> buffer) = 0;
};

// What the file holds: decompressed if it ends with .gz or .zst. The file's own bytes go into `hash`, which
// must live as long as the stream.
Result<std::unique_ptr<ByteStream>> open_data_stream(const std::filesystem::path& file, Sha256& hash);

// The file's name without .gz or .zst.
std::filesystem::path without_compression(const std::filesystem::path& file);

}  // namespace sizeup
