#include "tasks/sandbox/sandbox.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/threads/thread_pool.h"
#include "tasks/sandbox/probe.h"
#include "tasks/sandbox/run_program.h"

namespace sizeup {
namespace {

// Users that no account has; place by place another one, so that no program can signal or trace another's.
constexpr uid_t kFirstUser = 64000;
constexpr int kMostPlaces = 64;

Result<std::vector<SandboxPlace>> make_places(const SandboxSettings& settings, SandboxLevel level,
                                              int count) {
  std::vector<SandboxPlace> places;
  for (int i = 0; i < count; ++i) {
    SandboxPlace place;
    place.bubblewrap = settings.bubblewrap;
    if (geteuid() == 0) place.user = kFirstUser + static_cast<uid_t>(i);
    if (level == SandboxLevel::bubblewrap_cgroup) {
      Result<Cgroup> cgroup = Cgroup::create({});
      if (!cgroup) return forward_error(cgroup);
      place.cgroup.emplace(std::move(*cgroup));
    }
    places.push_back(std::move(place));
  }
  if (Result<void> holds = probe(places.front(), settings.python); !holds) return forward_error(holds);
  return places;
}

Result<void> check_programs(const SandboxSettings& settings) {
  for (const auto& [path, package] :
       {std::pair{settings.bubblewrap, "bubblewrap"}, std::pair{settings.python, "python3"}}) {
    if (access(path.c_str(), X_OK) == 0) continue;
    return unavailable(
        path.string(),
        fmt::format("{} is not installed: generated code is not run without a sandbox", package),
        fmt::format("apt-get install {}", package));
  }
  return {};
}

}  // namespace

class SandboxPool::Places {
 public:
  Places(std::vector<SandboxPlace> places, SandboxLevel level, std::string why_not_higher)
      : level_(level), why_not_higher_(std::move(why_not_higher)), places_(std::move(places)) {
    for (size_t i = 0; i < places_.size(); ++i) free_.push_back(i);
  }

  size_t take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !free_.empty(); });
    const size_t place = free_.back();
    free_.pop_back();
    return place;
  }

  void give_back(size_t place) {
    const std::lock_guard lock(mutex_);
    free_.push_back(place);
    changed_.notify_one();
  }

  SandboxPlace& operator[](size_t place) { return places_[place]; }
  int size() const { return static_cast<int>(places_.size()); }
  SandboxLevel level() const { return level_; }
  const std::string& why_not_higher() const { return why_not_higher_; }

 private:
  SandboxLevel level_;
  std::string why_not_higher_;
  std::vector<SandboxPlace> places_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<size_t> free_;
};

Result<std::unique_ptr<SandboxPool>> SandboxPool::open(const SandboxSettings& settings) {
  if (Result<void> there = check_programs(settings); !there) return forward_error(there);
  const int count =
      std::clamp(settings.slots > 0 ? settings.slots : ThreadPool::available_processors(), 1, kMostPlaces);
  // Bubblewrap ends before the first process inside does, and leaves that one to whoever adopts orphans. A
  // container's first process may never do it, so this one does.
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  std::string why_not_higher = settings.cgroups ? "" : "cgroups were not asked for";
  for (const SandboxLevel level : {SandboxLevel::bubblewrap_cgroup, SandboxLevel::bubblewrap}) {
    if (level == SandboxLevel::bubblewrap_cgroup && !settings.cgroups) continue;
    if (level < settings.needed) break;
    Result<std::vector<SandboxPlace>> places = make_places(settings, level, count);
    if (places) {
      return std::unique_ptr<SandboxPool>(
          new SandboxPool(std::make_unique<Places>(std::move(*places), level, std::move(why_not_higher))));
    }
    why_not_higher = describe(places.error());
  }
  return unavailable("sandbox", fmt::format("generated code cannot be run safely here: {}", why_not_higher),
                     "see docs/sandbox.md for what it needs; leave out tasks that run code");
}

SandboxPool::SandboxPool(std::unique_ptr<Places> places) : places_(std::move(places)) {}
SandboxPool::~SandboxPool() = default;

SandboxLevel SandboxPool::level() const {
  return places_->level();
}
const std::string& SandboxPool::why_not_higher() const {
  return places_->why_not_higher();
}
int SandboxPool::slots() const {
  return places_->size();
}

Result<SandboxOutcome> SandboxPool::run(const SandboxProgram& program) {
  const size_t place = places_->take();
  Result<SandboxOutcome> outcome = run_program((*places_)[place], program);
  places_->give_back(place);
  return outcome;
}

std::vector<Result<SandboxOutcome>> SandboxPool::run_all(std::span<const SandboxProgram> programs) {
  std::vector<Result<SandboxOutcome>> outcomes(programs.size(), Result<SandboxOutcome>(SandboxOutcome{}));
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < programs.size(); i = next++) outcomes[i] = run(programs[i]);
  };
  std::vector<std::jthread> threads;
  for (int i = 1; i < slots() && static_cast<size_t>(i) < programs.size(); ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return outcomes;
}

}  // namespace sizeup
