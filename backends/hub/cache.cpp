#include "backends/hub/cache.h"

#include <fmt/format.h>

#include "core/hub/names.h"
#include "core/io/file.h"
#include "core/io/part_file.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFiles = 100000;  // of a snapshot; a model's has some dozens

}  // namespace

HubCache::HubCache(const fs::path& root, const std::string& repository) {
  const std::string name = "models--" + folder_name(repository);
  folder_ = root / name;
  locks_ = root / ".locks" / name;
}

std::optional<std::string> HubCache::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  auto text = read_file(folder_ / "refs" / revision, 4096);
  if (!text) return {};
  while (text->ends_with('\n')) text->pop_back();
  return is_commit(*text) ? std::optional(std::move(*text)) : std::nullopt;
}

Result<void> HubCache::set_commit(const std::string& revision, const std::string& commit) const {
  if (is_commit(revision)) return {};
  return write_file(folder_ / "refs" / revision, commit);
}

std::vector<std::string> HubCache::files(const std::string& commit) const {
  std::vector<std::string> names;
  const fs::path folder = snapshot(commit);
  std::error_code failure;
  fs::recursive_directory_iterator entry(folder, failure);
  for (; !failure && entry != fs::recursive_directory_iterator() && names.size() < kMaxFiles;
       entry.increment(failure)) {
    std::error_code dangling;
    if (entry->is_regular_file(dangling)) names.push_back(entry->path().lexically_relative(folder).string());
  }
  return names;
}

Result<void> HubCache::link(const std::string& commit, const std::string& path,
                            const std::string& blob_name) const {
  const fs::path place = snapshot(commit) / path;
  if (auto made = make_folder(place.parent_path()); !made) return made;
  const fs::path target = blob(blob_name).lexically_relative(place.parent_path());
  const fs::path temporary = place.string() + ".new-link";
  std::error_code failure;
  fs::remove(temporary, failure);
  fs::create_symlink(target, temporary, failure);
  if (!failure) fs::rename(temporary, place, failure);
  if (failure) return unavailable(place.string(), fmt::format("cannot be written: {}", failure.message()));
  return {};
}

}  // namespace sizeup
