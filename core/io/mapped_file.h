// A file's bytes in memory without reading them all: weights are paged in by the system as they are used.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "core/errors/result.h"

namespace sizeup {

// Read-only; unmapped when destroyed. The bytes keep their address when the object is moved.
class MappedFile {
 public:
  // bad_input if the file is missing, is not a regular file or cannot be mapped. An empty file is no error.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

  // `part` of a mapped file's bytes will hardly be read again: the pages that lie wholly in it need not stay
  // in this process's memory. Reading them again is no error, only slower.
  static void release(std::span<const std::byte> part);

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

}  // namespace sizeup
