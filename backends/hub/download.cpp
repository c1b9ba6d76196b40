#include "backends/hub/download.h"

#include <fmt/format.h>

#include <utility>

#include "core/hub/names.h"
#include "core/io/part_file.h"

namespace sizeup {
namespace {

// A broken transfer that moved so much was no failure in a row: long downloads over bad lines come to an end,
// and a server that sends a byte at a time does not hold us for ever.
constexpr int64_t kProgressThatCounts = 1 << 20;

class Download {
 public:
  Download(const HubModel& model, const std::string& commit, const HubFile& file, HubRequests& requests,
           PartFile part)
      : subject_(fmt::format("{} {}", model.text(), file.path)),
        address_(fmt::format("{}/resolve/{}/{}", url_encoded(model.repository, true), commit,
                             url_encoded(file.path, true))),
        file_(file),
        requests_(requests),
        part_(std::move(part)),
        patience_(requests.settings()),
        resumed_(part_.size() > 0) {}

  // Until the part holds the listed bytes.
  Result<PartFile> run() {
    while (true) {
      if (part_.size() > file_.size && !part_.clear()) return failed_to_write();
      if (part_.size() == file_.size) {
        auto right = verified();
        if (!right) return forward_error(right);
        if (*right) return std::move(part_);
        continue;
      }
      if (auto more = transfer(); !more) return forward_error(more);
    }
  }

 private:
  // One request for what is missing.
  Result<void> transfer() {
    const int64_t before = part_.size();
    restarted_ = false;
    problem_.clear();
    wrote_ = true;
    const HttpOutcome outcome = requests_.get(
        address_, before, [&](const HttpHead& head, std::string_view bytes) { return take(head, bytes); });
    if (!wrote_) return failed_to_write();
    if (!problem_.empty()) return unavailable(requests_.address(address_), subject_ + ": " + problem_, kLied);
    if (part_.size() == file_.size) return {};
    if (outcome.status == 416 && before > 0) {  // the server knows less than we have
      if (!part_.clear()) return failed_to_write();
      resumed_ = false;
      return {};
    }
    if (part_.size() - before >= kProgressThatCounts) patience_.made_progress();
    // An end before all is there, however orderly, is a transfer that broke.
    const bool cut = outcome.status == 200 || outcome.status == 206;
    if ((cut || may_pass(outcome)) && patience_.wait_after(outcome)) return {};
    if (cut && outcome.failure.empty() && !outcome.stopped) {
      return unavailable(requests_.address(address_),
                         fmt::format("{}: the hub sends {} bytes and no more", subject_, part_.size()),
                         fmt::format("{} bytes are listed; {}", file_.size, kLied));
    }
    return request_error(outcome, requests_.address(address_), subject_, !requests_.settings().token.empty());
  }

  bool take(const HttpHead& head, std::string_view bytes) {
    if (!restarted_ && head.status != 206 && part_.size() > 0) {  // the whole file, although a part was asked
      wrote_ = part_.clear();
      resumed_ = false;
    } else if (!restarted_ && head.status == 206 && head.range_start != part_.size()) {
      problem_ = "the hub sends another part than was asked for";
    }
    restarted_ = true;
    if (part_.size() + static_cast<int64_t>(bytes.size()) > file_.size) {
      problem_ = fmt::format("the hub sends more than the {} bytes it lists", file_.size);
    }
    if (!wrote_ || !problem_.empty()) return false;
    wrote_ = part_.append(bytes);
    if (wrote_ && requests_.settings().on_progress) {
      requests_.settings().on_progress({file_.path, part_.size(), file_.size});
    }
    return wrote_;
  }

  // Whether the content is the listed one. If not, it is thrown away; a part from an earlier try may be what
  // was wrong, so then there is another one.
  Result<bool> verified() {
    const bool large = !file_.sha256.empty();
    auto digest = large ? part_.sha256() : part_.git_id();
    if (!digest) return forward_error(digest);
    if (*digest == file_.blob()) return true;
    if (!part_.clear()) return tl::unexpected<Error>(part_.error());
    if (std::exchange(resumed_, false)) return false;
    return unavailable(
        requests_.address(address_),
        fmt::format("{}: the content has the {} {}", subject_, large ? "SHA-256" : "Git id", *digest),
        fmt::format("{} is listed; {}", file_.blob(), kLied));
  }

  tl::unexpected<Error> failed_to_write() const { return tl::unexpected<Error>(part_.error()); }

  static constexpr const char* kLied = "a proxy or mirror may be at fault; nothing of it was kept";

  std::string subject_;
  std::string address_;
  const HubFile& file_;
  HubRequests& requests_;
  PartFile part_;
  HubPatience patience_;
  bool resumed_;            // the part holds bytes of an earlier call
  bool restarted_ = false;  // this transfer's first bytes have come
  bool wrote_ = true;
  std::string problem_;  // a rule that this transfer broke
};

}  // namespace

Result<void> download_file(const HubModel& model, const std::string& commit, const HubFile& file,
                           const HubCache& cache, HubRequests& requests) {
  const std::filesystem::path blob = cache.blob(file.blob());
  const std::filesystem::path lock_path = cache.lock(file.blob());
  for (const auto& folder : {blob.parent_path(), lock_path.parent_path()}) {
    if (auto made = make_folder(folder); !made) return made;
  }
  const auto lock = FileLock::take(lock_path);
  if (!lock) return tl::unexpected<Error>(lock.error());
  std::error_code absent;
  const auto there = std::filesystem::file_size(blob, absent);
  if (!absent && there == static_cast<uintmax_t>(file.size)) return {};  // from another snapshot or process
  auto part = PartFile::open(blob.string() + ".incomplete");
  if (!part) return forward_error(part);
  auto whole = Download(model, commit, file, requests, std::move(*part)).run();
  if (!whole) return forward_error(whole);
  return whole->finish(blob);
}

}  // namespace sizeup
