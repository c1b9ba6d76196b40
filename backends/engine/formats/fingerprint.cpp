#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <optional>

#include "backends/engine/formats/checkpoint.h"
#include "core/io/file.h"
#include "core/io/mapped_file.h"
#include "core/io/sha256.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHashBytes = size_t{1} << 24;  // hashed at a time
constexpr size_t kMaxEntryBytes = 64u << 10;    // of a cache entry: a path and four numbers

// A file that is still being written may change without changing its time stamp: too young to remember.
constexpr int64_t kSettledSeconds = 2;

// $XDG_CACHE_HOME/sizeup/fingerprints, or under ~/.cache; nothing if the environment names neither.
std::optional<fs::path> cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache == '/') return fs::path(cache) / "sizeup" / "fingerprints";
  const char* home = std::getenv("HOME");
  if (home && *home == '/') return fs::path(home) / ".cache" / "sizeup" / "fingerprints";
  return std::nullopt;
}

// What tells that a file is still the one that was hashed; the hash is added when it is known.
std::optional<Json> identity_of(const fs::path& absolute) {
  struct stat status {};
  if (::stat(absolute.c_str(), &status) != 0) return std::nullopt;
#if defined(__APPLE__)
  const timespec written = status.st_mtimespec;
#else
  const timespec written = status.st_mtim;
#endif
  Json identity;
  identity["path"] = absolute.string();
  identity["size"] = static_cast<int64_t>(status.st_size);
  identity["mtime_s"] = static_cast<int64_t>(written.tv_sec);
  identity["mtime_ns"] = static_cast<int64_t>(written.tv_nsec);
  identity["inode"] = static_cast<uint64_t>(status.st_ino);
  return identity;
}

bool is_hash(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The remembered hash if the entry is of this very file. Any fault of the entry counts as "not remembered".
std::optional<std::string> remembered(const fs::path& entry, const Json& identity) {
  const auto text = read_file(entry, kMaxEntryBytes);
  if (!text) return std::nullopt;
  const auto value = parse_json(*text, entry.string());
  if (!value || !value->is_object() || !value->contains("sha256") || !is_hash((*value)["sha256"])) {
    return std::nullopt;
  }
  Json stored = *value;
  const std::string hash = stored["sha256"].get<std::string>();
  stored.erase("sha256");
  if (to_canonical(stored) != to_canonical(identity)) return std::nullopt;
  return hash;
}

Result<std::string> hash_content(const fs::path& path) {
  const auto file = MappedFile::open(path);
  if (!file) return tl::unexpected<Error>(file.error());
  Sha256 hash;
  std::string_view rest(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, kHashBytes);
    hash.update(part);
    rest.remove_prefix(part.size());
  }
  return to_hex(hash.digest());
}

Result<std::string> hash_file(const fs::path& path) {
  std::error_code failure;
  const fs::path absolute = fs::absolute(path, failure);
  const auto folder = cache_folder();
  const auto identity = identity_of(absolute);
  if (failure || !folder || !identity) return hash_content(path);

  const fs::path entry = *folder / (sha256_hex(absolute.string()) + ".json");
  if (auto hash = remembered(entry, *identity)) return std::move(*hash);
  auto hash = hash_content(path);
  const bool settled =
      (*identity)["mtime_s"].get<int64_t>() + kSettledSeconds < static_cast<int64_t>(std::time(nullptr));
  if (hash && settled && identity_of(absolute) == identity) {
    Json stored = *identity;
    stored["sha256"] = *hash;
    const auto written = write_file(entry, to_line(stored) + "\n");
    (void)written;  // a cache that cannot be written only costs the hashing next time
  }
  return hash;
}

}  // namespace

// One file: the hash of its contents, as sha256sum prints it. A folder, or a model split over several files:
// the hash of sha256sum's own listing of the files, so that a user can recompute both.
Result<std::string> fingerprint(const Checkpoint& checkpoint) {
  const std::vector<fs::path> files = checkpoint.files();
  if (checkpoint.format() == CheckpointFormat::gguf && files.size() == 1) return hash_file(files.front());
  return fingerprint(files);
}

Result<std::string> fingerprint(const std::vector<fs::path>& files) {
  std::string listing;
  for (const fs::path& path : files) {
    const auto hash = hash_file(path);
    if (!hash) return tl::unexpected<Error>(hash.error());
    listing += fmt::format("{}  {}\n", *hash, path.filename().string());
  }
  return sha256_hex(listing);
}

}  // namespace sizeup
