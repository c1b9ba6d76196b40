#include "harness/run/task_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

namespace sizeup {
namespace {

uint64_t hash_of(const Sample& sample) {
  return std::hash<std::string>()(sample.document_hash);
}

}  // namespace

Result<TaskSamples> TaskSamples::read(const Task& task, int64_t limit, BadRows& bad_rows, size_t room) {
  TaskSamples samples(task, limit);
  const std::unique_ptr<SampleReader> reader = task.read_samples(limit, &bad_rows);
  while (true) {
    Result<std::optional<Sample>> sample = reader->next();
    if (!sample) return forward_error(sample);
    if (!*sample) break;
    samples.hashes_.push_back(hash_of(**sample));
    samples.has_conversations_ |= !(*sample)->later_turns.empty();
    if (samples.size() <= room) samples.held_.push_back(std::move(**sample));
  }
  samples.kept_ = samples.size() <= room;
  if (samples.kept_) {
    samples.places_.resize(samples.size());
    std::iota(samples.places_.begin(), samples.places_.end(), size_t{0});
  } else {
    samples.held_ = {};
  }
  return samples;
}

Result<void> TaskSamples::hold(std::span<const size_t> places) {
  if (kept_ || std::ranges::equal(places_, places)) return {};
  release();
  for (const size_t place : places) {
    require(place < size(), "there is a sample at each place");
    if (reader_ == nullptr || place < next_) {
      known_bad_rows_ = std::make_unique<BadRows>(std::numeric_limits<int64_t>::max());
      reader_ = task_->read_samples(limit_, known_bad_rows_.get());
      next_ = 0;
    }
    while (true) {
      Result<Sample> sample = read_next();
      if (!sample) return forward_error(sample);
      if (next_ <= place) continue;
      places_.push_back(place);
      held_.push_back(std::move(*sample));
      break;
    }
  }
  return {};
}

Result<Sample> TaskSamples::read_next() {
  Result<std::optional<Sample>> sample = reader_->next();
  if (!sample) return forward_error(sample);
  if (!*sample || hash_of(**sample) != hashes_[next_]) {
    return bad_input(task_->name(),
                     fmt::format("the data of sample {} has changed since the run began", next_ + 1),
                     "the same files until the run has ended", "run it again");
  }
  ++next_;
  return std::move(**sample);
}

void TaskSamples::release() {
  if (kept_) return;
  places_ = {};
  held_ = {};
}

const Sample& TaskSamples::operator[](size_t place) const {
  if (kept_) return held_[place];
  const auto found = std::ranges::lower_bound(places_, place);
  require(found != places_.end() && *found == place, "the sample is held");
  return held_[static_cast<size_t>(found - places_.begin())];
}

}  // namespace sizeup
