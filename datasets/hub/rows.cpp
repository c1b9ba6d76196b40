#include "datasets/hub/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/hub/names.h"
#include "core/hub/requests.h"
#include "core/io/part_file.h"
#include "datasets/hub/rows_cache.h"
#include "datasets/hub/rows_page.h"

namespace sizeup {
namespace {

constexpr size_t kMaxPage = size_t{64} << 20;  // a hundred rows of half a megabyte
constexpr size_t kMaxNameBytes = 200;          // file systems take 255, of which endings need some

// Config and split come from task files, and a split's name becomes a file's.
Result<void> check_names(const HubRows& rows) {
  const auto is_name = [](const std::string& name) {
    return name.size() <= kMaxNameBytes && is_safe_path(name);
  };
  if (!is_repository_name(rows.repository)) {
    return usage_error(fmt::format("'{}' is not the name of a data set on the hub", rows.repository),
                       "Org/Name, e.g. openai/gsm8k");
  }
  if (is_name(rows.split) && (rows.config.empty() || is_name(rows.config))) return {};
  return usage_error(fmt::format("{} has no usable config or split", rows.text()));
}

// Fetches one split page by page.
class Fetch {
 public:
  Fetch(const HubRows& rows, const RowsCache& cache, HubRequests& requests)
      : rows_(rows), cache_(cache), requests_(requests) {}

  // Until the part holds all rows; then it becomes the file.
  Result<void> run(bool is_default) {
    state_ = cache_.part_state();
    have_ = state_ ? cache_.part_rows() : 0;
    Result<PartFile> part = PartFile::open(cache_.part());
    if (!part) return forward_error(part);
    if (!state_ || have_ > state_->total) {
      if (Result<void> done = restart(*part); !done) return done;
    }
    while (!state_ || have_ < state_->total) {
      if (Result<void> done = fetch_page(*part); !done) return done;
    }
    Result<std::string> sha256 = part->sha256();
    if (!sha256) return forward_error(sha256);
    Result<void> done = cache_.describe(*state_, *sha256, requests_.settings().endpoint, is_default);
    if (!done) return done;
    if (done = part->finish(cache_.file()); !done) return done;
    cache_.forget_part();
    return {};
  }

 private:
  Result<void> restart(PartFile& part) {
    have_ = 0;
    state_.reset();
    if (!part.clear()) return tl::unexpected<Error>(part.error());
    return {};
  }

  Result<void> fetch_page(PartFile& part) {
    const std::string path = fmt::format(
        "rows?dataset={}&config={}&split={}&offset={}&length={}", url_encoded(rows_.repository, false),
        url_encoded(rows_.config, false), url_encoded(rows_.split, false), have_, kRowsPerPage);
    Result<std::string> text = requests_.get_text(path, rows_.text(), kMaxPage);
    if (!text) return forward_error(text);
    const Result<RowsPage> page = parse_rows_page(*text, have_, requests_.address(path));
    if (!page) return tl::unexpected<Error>(page.error());
    const RowsState state{page->total, requests_.revision()};
    if (state_ && state != *state_) return changed(part);
    if (!state_) {
      if (Result<void> noted = cache_.set_part_state(state); !noted) return noted;
      state_ = state;
      if (requests_.settings().on_message) {
        requests_.settings().on_message(fmt::format("fetching {} rows of {}", state.total, rows_.text()));
      }
    }
    if (!part.append(page->lines)) return tl::unexpected<Error>(part.error());
    have_ += page->count;
    return {};
  }

  // It may have been edited since the part was begun. A service that says something else with each page is
  // not to be trusted.
  Result<void> changed(PartFile& part) {
    if (std::exchange(restarted_, true)) {
      return unavailable(requests_.settings().endpoint,
                         rows_.text() + ": the number of rows or the revision changes from page to page",
                         "try again later");
    }
    return restart(part);
  }

  const HubRows& rows_;
  const RowsCache& cache_;
  HubRequests& requests_;
  std::optional<RowsState> state_;
  int64_t have_ = 0;
  bool restarted_ = false;
};

Result<HubRows> with_config(const HubRows& rows, HubRequests& requests) {
  const std::string path = "splits?dataset=" + url_encoded(rows.repository, false);
  const Result<std::string> text = requests.get_text(path, rows.text(), kMaxPage);
  if (!text) return tl::unexpected<Error>(text.error());
  Result<std::string> config = find_config(*text, rows, requests.address(path));
  if (!config) return forward_error(config);
  HubRows named{rows.repository, std::move(*config), rows.split};
  if (Result<void> checked = check_names(named); !checked) return forward_error(checked);
  return named;
}

Result<std::filesystem::path> fetch(const HubRows& rows, const HubSettings& settings) {
  HubSettings service = settings;
  service.endpoint = settings.rows_endpoint;
  HubRequests requests(service);
  Result<HubRows> named = with_config(rows, requests);
  if (!named) return forward_error(named);
  const RowsCache cache(settings.rows_cache, *named);
  if (Result<void> made = make_folder(cache.folder()); !made) return forward_error(made);
  const Result<FileLock> lock = FileLock::take(cache.lock());
  if (!lock) return tl::unexpected<Error>(lock.error());
  if (cache.is_complete()) return cache.file();  // from another process, or asked for with its config before
  if (Result<void> done = Fetch(*named, cache, requests).run(rows.config.empty()); !done) {
    return forward_error(done);
  }
  return cache.file();
}

}  // namespace

Result<HubRows> HubRows::parse(std::string_view reference) {
  HubRows rows;
  rows.split = "test";
  for (const std::string_view prefix : {"hf:", "datasets/"}) {
    if (reference.starts_with(prefix)) reference.remove_prefix(prefix.size());
  }
  const size_t question = reference.find('?');
  rows.repository = reference.substr(0, question);
  std::string_view options = question == std::string_view::npos ? "" : reference.substr(question + 1);
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find('&'));
    options.remove_prefix(std::min(options.size(), option.size() + 1));
    const std::string_view key = option.substr(0, option.find('='));
    const std::string_view value = option.substr(std::min(option.size(), key.size() + 1));
    if (key == "config") {
      rows.config = value;
    } else if (key == "split") {
      rows.split = value;
    } else {
      return usage_error(fmt::format("a data set of the hub has no option '{}'", key), "config=C or split=S");
    }
  }
  if (Result<void> checked = check_names(rows); !checked) return forward_error(checked);
  return rows;
}

std::string HubRows::text() const {
  return fmt::format("hf:datasets/{}?{}split={}", repository, config.empty() ? "" : "config=" + config + "&",
                     split);
}

Result<std::filesystem::path> fetch_rows(const HubRows& rows, const HubSettings& settings) {
  if (Result<void> checked = check_names(rows); !checked) return forward_error(checked);
  HubRows known = rows;
  if (known.config.empty()) known.config = RowsCache::default_config(settings.rows_cache, rows);
  const RowsCache cache(settings.rows_cache, known);
  if (!known.config.empty() && cache.is_complete()) return cache.file();
  if (!settings.offline) return fetch(rows, settings);
  return unavailable(settings.rows_cache.string(), fmt::format("{} is not in the cache", rows.text()),
                     "run once without --offline");
}

}  // namespace sizeup
