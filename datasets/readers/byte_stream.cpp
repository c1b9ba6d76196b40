#include "datasets/readers/byte_stream.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "datasets/readers/gzip_stream.h"
#include "datasets/readers/zstd_stream.h"

namespace sizeup {
namespace {

class FileStream : public ByteStream {
 public:
  FileStream(std::ifstream stream, std::string place, Sha256& hash)
      : stream_(std::move(stream)), place_(std::move(place)), hash_(hash) {}

  Result<size_t> read(std::span<char> buffer) override {
    stream_.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    if (stream_.bad()) {
      return unavailable(place_, fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    const auto count = static_cast<size_t>(stream_.gcount());
    hash_.update({buffer.data(), count});
    return count;
  }

 private:
  std::ifstream stream_;
  std::string place_;
  Sha256& hash_;
};

Result<std::unique_ptr<ByteStream>> open_file_stream(const std::filesystem::path& file, Sha256& hash) {
  const std::string place = file.string();
  std::error_code failure;
  if (!std::filesystem::exists(file, failure)) {
    return bad_input(place, "file not found", {}, "check the path; it is relative to the current folder");
  }
  if (std::filesystem::is_directory(file, failure)) return bad_input(place, "is a folder", "a file");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return bad_input(place, fmt::format("cannot be opened: {}", std::strerror(errno)));
  return std::make_unique<FileStream>(std::move(stream), place, hash);
}

}  // namespace

Result<std::unique_ptr<ByteStream>> open_data_stream(const std::filesystem::path& file, Sha256& hash) {
  Result<std::unique_ptr<ByteStream>> bytes = open_file_stream(file, hash);
  if (!bytes) return bytes;
  if (file.extension() == ".gz") return decompress_gzip(std::move(*bytes), file.string());
  if (file.extension() == ".zst") return decompress_zstd(std::move(*bytes), file.string());
  return bytes;
}

std::filesystem::path without_compression(const std::filesystem::path& file) {
  const bool compressed = file.extension() == ".gz" || file.extension() == ".zst";
  return compressed ? file.parent_path() / file.stem() : file;
}

}  // namespace sizeup
