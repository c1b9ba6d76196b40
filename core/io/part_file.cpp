#include "core/io/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadBytes = 1u << 20;  // a system call costs nothing beside hashing so much

constexpr const char* kElsewhere = "HF_HUB_CACHE and HF_HOME name other places for downloads";

tl::unexpected<Error> cannot(const fs::path& path, const char* what, int failure) {
  return unavailable(path.string(), fmt::format("cannot be {}: {}", what, std::strerror(failure)),
                     failure == ENOSPC ? fmt::format("make room; {}", kElsewhere) : "");
}

using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// Of a prefix and the whole file.
Result<std::string> digest_of(const fs::path& path, int descriptor, const EVP_MD* algorithm,
                              std::string_view prefix) {
  const Digest digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  require(digest != nullptr && EVP_DigestInit_ex(digest.get(), algorithm, nullptr) == 1,
          "libcrypto has SHA-1 and SHA-256");
  EVP_DigestUpdate(digest.get(), prefix.data(), prefix.size());
  std::vector<char> buffer(kReadBytes);
  for (off_t at = 0;;) {
    const ssize_t count = pread(descriptor, buffer.data(), buffer.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot(path, "read", errno);
    if (count == 0) break;
    EVP_DigestUpdate(digest.get(), buffer.data(), static_cast<size_t>(count));
    at += count;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  EVP_DigestFinal_ex(digest.get(), bytes.data(), &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace

Result<void> make_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (!failure) return {};
  return unavailable(folder.string(), fmt::format("cannot be created: {}", failure.message()), kElsewhere);
}

Result<PartFile> PartFile::open(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor < 0) return cannot(path, "opened", errno);
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return unavailable(path.string(), "is not a regular file", "remove it");
  }
  return PartFile(path, descriptor, status.st_size);
}

PartFile::PartFile(fs::path path, int descriptor, int64_t size)
    : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

PartFile::PartFile(PartFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      failure_(other.failure_) {}

PartFile::~PartFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool PartFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      failure_ = errno;
      return false;
    }
    size_ += count;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

bool PartFile::clear() {
  if (ftruncate(descriptor_, 0) != 0) {
    failure_ = errno;
    return false;
  }
  size_ = 0;
  return true;
}

Error PartFile::error() const {
  return cannot(path_, "written", failure_).value();
}

Result<std::string> PartFile::sha256() const {
  return digest_of(path_, descriptor_, EVP_sha256(), {});
}

Result<std::string> PartFile::git_id() const {
  std::string prefix = fmt::format("blob {}", size_);
  prefix.push_back('\0');
  return digest_of(path_, descriptor_, EVP_sha1(), prefix);
}

Result<void> PartFile::finish(const fs::path& final_path) {
  if (fsync(descriptor_) != 0) return cannot(path_, "written", errno);
  std::error_code failure;
  fs::rename(path_, final_path, failure);
  if (failure) return cannot(final_path, "written", failure.value());
  return {};
}

Result<FileLock> FileLock::take(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return cannot(path, "opened", errno);
  while (flock(descriptor, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int failure = errno;
    close(descriptor);
    return cannot(path, "locked", failure);
  }
  return FileLock(descriptor);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace sizeup
