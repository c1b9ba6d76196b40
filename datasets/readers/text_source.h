// A data file as text that is read from front to end, a chunk in memory at a time, with the line it is at.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "core/io/sha256.h"
#include "datasets/readers/byte_stream.h"

namespace sizeup {

// A row longer than this is a file of another kind (or an attack): it has to fit in memory several times.
constexpr size_t kMaxRowBytes = size_t{64} << 20;

class TextSource {
 public:
  // Decompressed by the file's ending, without its byte order mark. UTF-16 is refused; whether the text is
  // valid UTF-8 is asked row by row (check_utf8). More than `max_bytes` after decompression is a failure.
  static Result<std::unique_ptr<TextSource>> open(const std::filesystem::path& file, size_t max_bytes);

  const std::string& file() const { return file_; }

  // What lies ahead: at least `count` bytes (much fewer than a chunk) unless the text ends before; empty at
  // its end, which is also where reading fails: ask failure() then. Valid until the next call of any function
  // that is not const.
  std::string_view ahead(size_t count = 1);
  bool at_end() { return ahead().empty(); }

  // Goes past bytes that ahead() gave.
  void skip(size_t count);

  // The rest of the line without its newline (a "\r" before it stays); false if the text ends without one.
  // Of a line above kMaxRowBytes only that much comes, and line_too_long() is true.
  bool take_line(std::string& line);
  bool line_too_long() const { return line_too_long_; }

  size_t line() const { return line_; }  // of what lies ahead, from 1
  std::string place(size_t line) const;  // "file:12"

  const std::optional<Error>& failure() const { return failure_; }

  // SHA-256 of the file's bytes; at the end only.
  std::string hash();

 private:
  TextSource(std::string file, size_t max_bytes);

  void fill();

  std::string file_;
  size_t max_bytes_;
  Sha256 hash_;
  std::unique_ptr<ByteStream> stream_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what is unread in the buffer
  size_t end_ = 0;
  size_t bytes_ = 0;  // read so far
  size_t line_ = 1;
  bool ended_ = false;
  bool line_too_long_ = false;
  std::optional<Error> failure_;
};

}  // namespace sizeup
