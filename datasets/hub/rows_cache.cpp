#include "datasets/hub/rows_cache.h"

#include <fstream>
#include <string_view>
#include <vector>

#include "core/hub/names.h"
#include "core/io/file.h"
#include "core/io/sha256.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDescription = 64 << 10;  // a few short fields
constexpr size_t kReadBytes = size_t{1} << 20;

// A name as one part of a path: '/' is encoded, and what the system gives a meaning.
std::string file_name(const std::string& name) {
  const std::string encoded = url_encoded(name, false);
  return encoded.starts_with('.') ? "%2E" + encoded.substr(1) : encoded;
}

// Calls `take` with the file's bytes; false if it cannot be read.
template <class Take>
bool read_in_parts(const fs::path& file, Take&& take) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return false;
  std::vector<char> buffer(kReadBytes);
  while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || stream.gcount() > 0) {
    take(std::string_view(buffer.data(), static_cast<size_t>(stream.gcount())));
  }
  return !stream.bad();
}

std::optional<Json> read_description(const fs::path& file) {
  const Result<std::string> text = read_file(file, kMaxDescription);
  if (!text) return std::nullopt;
  Result<Json> json = parse_json(*text, file.string());
  if (!json || !json->is_object()) return std::nullopt;
  return std::move(*json);
}

}  // namespace

RowsCache::RowsCache(const fs::path& root, const HubRows& rows)
    : folder_(root / folder_name(rows.repository) / file_name(rows.config)),
      config_(rows.config),
      split_(file_name(rows.split)) {}

std::string RowsCache::default_config(const fs::path& root, const HubRows& rows) {
  std::error_code failure;
  fs::directory_iterator entry(root / folder_name(rows.repository), failure);
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    const std::optional<Json> known = read_description(entry->path() / (file_name(rows.split) + ".json"));
    if (!known || known->value("is_default", Json()) != true) continue;
    const Json config = known->value("config", Json());
    if (config.is_string()) return config.get<std::string>();
  }
  return {};
}

bool RowsCache::is_complete() const {
  const std::optional<Json> known = read_description(description());
  if (!known) return false;
  Sha256 hash;
  if (!read_in_parts(file(), [&](std::string_view bytes) { hash.update(bytes); })) return false;
  return known->value("sha256", Json()) == to_hex(hash.digest());
}

std::optional<RowsState> RowsCache::part_state() const {
  const std::optional<Json> known = read_description(part_description());
  if (!known) return std::nullopt;
  const Json total = known->value("rows", Json());
  const Json revision = known->value("revision", Json());
  if (!total.is_number_integer() || !revision.is_string()) return std::nullopt;
  return RowsState{total.get<int64_t>(), revision.get<std::string>()};
}

Result<void> RowsCache::set_part_state(const RowsState& state) const {
  return write_file(part_description(), to_line({{"rows", state.total}, {"revision", state.revision}}));
}

int64_t RowsCache::part_rows() const {
  int64_t rows = 0;
  uintmax_t bytes = 0;
  uintmax_t whole = 0;
  const bool read = read_in_parts(part(), [&](std::string_view text) {
    for (const char c : text) {
      ++bytes;
      if (c != '\n') continue;
      ++rows;
      whole = bytes;
    }
  });
  std::error_code failure;
  if (!read) return 0;
  if (whole != bytes) fs::resize_file(part(), whole, failure);
  return failure ? 0 : rows;
}

Result<void> RowsCache::describe(const RowsState& state, const std::string& sha256, const std::string& source,
                                 bool is_default) const {
  const Json known = {{"config", config_}, {"is_default", is_default},   {"rows", state.total},
                      {"sha256", sha256},  {"revision", state.revision}, {"source", source}};
  return write_file(description(), to_line(known) + "\n");
}

void RowsCache::forget_part() const {
  std::error_code ignored;
  fs::remove(part_description(), ignored);
}

}  // namespace sizeup
