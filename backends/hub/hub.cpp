#include "backends/hub/hub.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/engine/formats/safetensors_checkpoint.h"
#include "backends/hub/cache.h"
#include "backends/hub/choice.h"
#include "backends/hub/download.h"
#include "backends/hub/repository.h"
#include "core/hub/names.h"
#include "core/hub/requests.h"
#include "core/io/part_file.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSpareBytes = int64_t{256} << 20;  // of disk space that a download leaves alone

// The chosen files with the weights that the index (which is there) names.
Result<std::vector<std::string>> with_indexed(const HubChoice& choice, const fs::path& folder) {
  std::vector<std::string> files = choice.files;
  if (choice.index.empty()) return files;
  auto shards = indexed_weight_files(folder / choice.index);
  if (!shards) return forward_error(shards);
  files.insert(files.end(), shards->begin(), shards->end());
  return files;
}

fs::path place_of(const HubChoice& choice, const fs::path& snapshot) {
  return choice.gguf.empty() ? snapshot : snapshot / choice.gguf;
}

// What the cache holds of the model at a commit, if that is all of it.
struct Cached {
  fs::path place;
  bool certain = false;  // no file is missing for sure: a model's folder has a tokenizer, too
};

Result<Cached> find_cached(const HubModel& model, const HubCache& cache, const std::string& commit) {
  const std::vector<std::string> names = cache.files(commit);
  const fs::path snapshot = cache.snapshot(commit);
  const std::string hint = "run it once without --offline (and HF_HUB_OFFLINE), or copy the files there";
  if (names.empty()) return unavailable(snapshot.string(), model.text() + " is not in the cache", hint);
  auto choice = choose_files(model, names);
  if (!choice) {
    const Error& error = choice.error();
    return unavailable(snapshot.string(), fmt::format("{}: the cache {}", model.text(), error.message),
                       error.hint.empty() ? hint : fmt::format("{}; {}", error.hint, hint));
  }
  auto files = with_indexed(*choice, snapshot);
  if (!files) return forward_error(files);
  for (const std::string& file : *files) {
    if (std::find(names.begin(), names.end(), file) == names.end()) {
      return unavailable(snapshot.string(), fmt::format("{}: the cache lacks {}", model.text(), file), hint);
    }
  }
  const bool complete = !choice->gguf.empty() || model.need == HubNeed::adapter || has_tokenizer(names);
  return Cached{place_of(*choice, snapshot), complete};
}

Result<fs::path> find_offline(const HubModel& model, const HubCache& cache) {
  const auto commit = cache.commit_of(model.revision);
  if (!commit) {
    return unavailable((cache.folder() / "refs" / model.revision).string(),
                       model.text() + " is not in the cache",
                       "run it once without --offline (and HF_HUB_OFFLINE); HF_HUB_CACHE names the cache");
  }
  auto cached = find_cached(model, cache, *commit);
  if (!cached) return forward_error(cached);
  return cached->place;
}

// Brings files of a listing into the cache.
class Fetch {
 public:
  Fetch(const HubModel& model, const HubListing& listing, const HubCache& cache, HubRequests& requests)
      : model_(model), listing_(listing), cache_(cache), requests_(requests) {}

  Result<void> bring(const std::vector<std::string>& names) {
    std::vector<const HubFile*> missing;
    for (const std::string& name : names) {
      const auto file = std::find_if(listing_.files.begin(), listing_.files.end(),
                                     [&](const HubFile& f) { return f.path == name; });
      if (file == listing_.files.end()) {
        return unavailable(model_.text(),
                           fmt::format("the repository lacks {}, which its index names", name));
      }
      std::error_code absent;
      const auto size = fs::file_size(cache_.snapshot(listing_.commit) / name, absent);
      if (absent || size != static_cast<uintmax_t>(file->size)) missing.push_back(&*file);
    }
    if (auto room = check_room(missing); !room) return room;
    for (const HubFile* file : missing) {
      auto done = download_file(model_, listing_.commit, *file, cache_, requests_);
      if (done) done = cache_.link(listing_.commit, file->path, file->blob());
      if (!done) return done;
    }
    return {};
  }

 private:
  Result<void> check_room(const std::vector<const HubFile*>& missing) const {
    if (missing.empty()) return {};
    int64_t bytes = 0;
    for (const HubFile* file : missing) {
      std::error_code absent;
      if (fs::exists(cache_.blob(file->blob()), absent)) continue;
      const auto there = fs::file_size(cache_.blob(file->blob()).string() + ".incomplete", absent);
      bytes += absent ? file->size : std::max<int64_t>(0, file->size - static_cast<int64_t>(there));
    }
    if (auto made = make_folder(cache_.folder()); !made) return made;
    std::error_code unknown;
    const fs::space_info space = fs::space(cache_.folder(), unknown);
    if (unknown || bytes == 0 || static_cast<uintmax_t>(bytes + kSpareBytes) <= space.available) return {};
    return unavailable(cache_.folder().string(),
                       fmt::format("{} needs {} more bytes, {} are free", model_.text(), bytes,
                                   static_cast<uintmax_t>(space.available)),
                       "make room, or name another place with HF_HUB_CACHE");
  }

  const HubModel& model_;
  const HubListing& listing_;
  const HubCache& cache_;
  HubRequests& requests_;
};

Result<fs::path> download(const HubModel& model, const HubListing& listing, const HubCache& cache,
                          HubRequests& requests) {
  std::vector<std::string> names;
  for (const HubFile& file : listing.files) names.push_back(file.path);
  auto choice = choose_files(model, names);
  if (!choice) return forward_error(choice);
  const fs::path snapshot = cache.snapshot(listing.commit);
  Fetch fetch(model, listing, cache, requests);
  // The index says which weights are needed, so it comes first; with the others it costs nothing.
  if (!choice->index.empty()) {
    if (auto done = fetch.bring(choice->files); !done) return forward_error(done);
  }
  auto files = with_indexed(*choice, snapshot);
  if (!files) return forward_error(files);
  if (auto done = fetch.bring(*files); !done) return forward_error(done);
  // Last, so that --offline never finds a revision that is half there.
  if (auto done = cache.set_commit(model.revision, listing.commit); !done) return forward_error(done);
  return place_of(*choice, snapshot);
}

}  // namespace

Result<HubModel> HubModel::parse(std::string_view name, std::string_view file, HubNeed need) {
  HubModel model;
  model.need = need;
  model.file = file;
  const size_t at = name.find('@');
  model.repository = name.substr(0, at);
  if (at != std::string_view::npos) model.revision = name.substr(at + 1);
  if (!is_repository_name(model.repository)) {
    return usage_error(fmt::format("'hf:{}' is not the name of a model on the hub", name),
                       "hf:Org/Name or hf:Org/Name@revision, e.g. hf:HuggingFaceTB/SmolLM2-135M@main");
  }
  if (!is_safe_path(model.revision)) {
    return usage_error(fmt::format("'hf:{}' has no usable revision", name), "a branch, tag or commit");
  }
  if (!model.file.empty() && !(is_safe_path(model.file) && model.file.ends_with(".gguf"))) {
    return usage_error(fmt::format("'hf:{}': file={} is not a GGUF file of a repository", name, file),
                       "the file's path in the repository, e.g. file=model-Q4_K_M.gguf");
  }
  return model;
}

std::string HubModel::text() const {
  return fmt::format("hf:{}@{}", repository, revision);
}

Result<fs::path> fetch_model(const HubModel& model, const HubSettings& settings) {
  const HubCache cache(settings.cache, model.repository);
  if (settings.offline) return find_offline(model, cache);
  if (is_commit(model.revision)) {
    const auto cached = find_cached(model, cache, model.revision);
    if (cached && cached->certain) return cached->place;
  }
  HubRequests requests(settings);
  auto listing = list_repository(model, requests);
  if (!listing && requests.unreachable() && !settings.stop.stop_requested()) {
    auto cached = find_offline(model, cache);
    if (!cached) return forward_error(listing);
    if (settings.on_message) {
      settings.on_message(fmt::format("{} cannot be asked about {}: using what the cache has",
                                      settings.endpoint, model.text()));
    }
    return *cached;
  }
  if (!listing) return forward_error(listing);
  return download(model, *listing, cache, requests);
}

}  // namespace sizeup
