// Files that arrive over time: what has come is kept, and takes the final name only when it is whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

// Creates the folder and those above it.
Result<void> make_folder(const std::filesystem::path& folder);

// Closed by the destructor; the file stays.
class PartFile {
 public:
  // Opens or creates it. A link in its place is refused: nothing outside the cache may be written.
  static Result<PartFile> open(const std::filesystem::path& path);

  PartFile(PartFile&& other) noexcept;
  PartFile& operator=(PartFile&&) = delete;
  ~PartFile();

  int64_t size() const { return size_; }
  bool append(std::string_view bytes);  // false: error() says why
  bool clear();                         // to no bytes
  Error error() const;                  // of the failed append or clear

  // SHA-256 of the content as hexadecimal digits.
  Result<std::string> sha256() const;
  // Git's name of the content as a blob: SHA-1 of "blob SIZE\0" and the content.
  Result<std::string> git_id() const;

  // To the disk, then to its final name.
  Result<void> finish(const std::filesystem::path& final_path);

 private:
  PartFile(std::filesystem::path path, int descriptor, int64_t size);

  std::filesystem::path path_;
  int descriptor_;
  int64_t size_;
  int failure_ = 0;  // errno
};

// An exclusive lock on a file, shared with huggingface_hub (flock); released by the destructor.
class FileLock {
 public:
  // Waits for other holders.
  static Result<FileLock> take(const std::filesystem::path& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace sizeup
