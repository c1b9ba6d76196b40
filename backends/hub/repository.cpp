#include "backends/hub/repository.h"

#include <fmt/format.h>

#include <optional>

#include "backends/engine/formats/sorted_json.h"
#include "core/hub/names.h"

namespace sizeup {
namespace {

constexpr size_t kMaxListing = 64u << 20;            // 100,000 files of a dataset have some 30 MB
constexpr int64_t kMaxFileBytes = int64_t{1} << 50;  // no sum of sizes overflows

std::string text_member(const SortedJson& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<int64_t> size_member(const SortedJson& object) {
  const auto found = object.is_object() ? object.find("size") : object.end();
  if (found == object.end() || !found->is_number_unsigned()) return {};
  const auto size = found->get<uint64_t>();
  if (size > static_cast<uint64_t>(kMaxFileBytes)) return {};
  return static_cast<int64_t>(size);
}

std::optional<HubFile> file_of(const SortedJson& entry) {
  HubFile file;
  file.path = text_member(entry, "rfilename");
  const auto size = size_member(entry);
  if (!is_safe_path(file.path) || !size) return {};
  file.size = *size;
  const auto lfs = entry.find("lfs");
  if (lfs != entry.end() && lfs->is_object()) {
    file.sha256 = text_member(*lfs, "sha256");
    if (!is_hex(file.sha256, 64)) return {};
    return file;
  }
  file.git_id = text_member(entry, "blobId");
  if (!is_hex(file.git_id, 40)) return {};
  return file;
}

}  // namespace

Result<HubListing> parse_listing(std::string_view json, const std::string& place) {
  const auto parsed = parse_sorted_json(json, place);
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  HubListing listing;
  listing.commit = text_member(*parsed, "sha");
  const auto files = parsed->is_object() ? parsed->find("siblings") : parsed->end();
  if (!is_commit(listing.commit) || files == parsed->end() || !files->is_array()) {
    return unavailable(place, "the answer is not the hub's description of a model",
                       "HF_ENDPOINT must be the address of a hub");
  }
  for (const SortedJson& entry : *files) {
    if (auto file = file_of(entry)) listing.files.push_back(std::move(*file));
  }
  return listing;
}

Result<HubListing> list_repository(const HubModel& model, HubRequests& requests) {
  const std::string path =
      fmt::format("api/models/{}/revision/{}?blobs=true", url_encoded(model.repository, true),
                  url_encoded(model.revision, false));
  auto text = requests.get_text(path, model.text(), kMaxListing);
  if (!text) return forward_error(text);
  return parse_listing(*text, requests.address(path));
}

}  // namespace sizeup
