#include "core/io/file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace sizeup {

Result<std::string> read_file(const std::filesystem::path& path, size_t limit) {
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) {
    return bad_input(path.string(), "file not found", {},
                     "check the path; it is relative to the current folder");
  }
  if (std::filesystem::is_directory(path, failure)) return bad_input(path.string(), "is a folder", "a file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return bad_input(path.string(), fmt::format("cannot be opened: {}", std::strerror(errno)));
  std::string content;
  char buffer[1 << 16];
  while (stream.read(buffer, sizeof buffer) || stream.gcount() > 0) {
    content.append(buffer, static_cast<size_t>(stream.gcount()));
    if (content.size() > limit) {
      return bad_input(path.string(), "file is too large", fmt::format("at most {} bytes", limit));
    }
  }
  return content;
}

Result<void> write_file(const std::filesystem::path& path, std::string_view content) {
  const std::filesystem::path temporary = path.string() + fmt::format(".{}.tmp", getpid());
  std::error_code failure;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), failure);
  {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
    stream.flush();
    if (!stream) {
      const std::string reason = std::strerror(errno);
      std::filesystem::remove(temporary, failure);
      return unavailable(path.string(), fmt::format("cannot be written: {}", reason));
    }
  }
  std::filesystem::rename(temporary, path, failure);
  if (failure) {
    const std::string reason = failure.message();
    std::filesystem::remove(temporary, failure);
    return unavailable(path.string(), fmt::format("cannot be written: {}", reason));
  }
  return {};
}

}  // namespace sizeup
