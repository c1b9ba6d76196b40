#include "backends/engine/formats/quantised/stored_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "core/json/json.h"

namespace sizeup {

StoredTensors::StoredTensors(std::vector<StoredTensor> stored, std::string place)
    : stored_(std::move(stored)), place_(std::move(place)), taken_(stored_.size(), false) {
  for (size_t i = 0; i < stored_.size(); ++i) by_name_.emplace(stored_[i].name, i);
}

const StoredTensor* StoredTensors::take(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  taken_[found->second] = true;
  return &stored_[found->second];
}

void StoredTensors::add(std::string name, std::vector<int64_t> shape, std::span<const std::byte> data,
                        std::unique_ptr<RowSource> source, TensorType type) {
  made_.tensors.push_back({.name = std::move(name),
                           .type = type,
                           .shape = std::move(shape),
                           .data = data,
                           .computed = source.get()});
  made_.sources.push_back(std::move(source));
}

Result<ComputedTensors> StoredTensors::finish() && {
  std::vector<StoredTensor> rest;
  for (size_t i = 0; i < stored_.size(); ++i) {
    if (!taken_[i]) rest.push_back(stored_[i]);
  }
  auto plain = plain_tensors(std::move(rest), place_);
  if (!plain) return forward_error(plain);
  for (const Tensor& made : made_.tensors) {
    const auto same = by_name_.find(made.name);
    if (same != by_name_.end() && !taken_[same->second])
      return wrong(made.name, "is there as it is and quantised", "one of them");
  }
  made_.tensors.insert(made_.tensors.end(), std::move_iterator(plain->begin()),
                       std::move_iterator(plain->end()));
  return std::move(made_);
}

tl::unexpected<Error> StoredTensors::wrong(std::string_view name, std::string_view what,
                                           std::string expected) const {
  return bad_input(place_, fmt::format("tensor '{}' {}", shown_name(name), what), std::move(expected));
}

tl::unexpected<Error> StoredTensors::wrong_setting(std::string_view key, const Json& value,
                                                   std::string expected) const {
  return bad_input(place_,
                   fmt::format("'quantization_config' has '{}' = {}, which is not supported yet", key,
                               shown_name(to_line(value))),
                   std::move(expected));
}

Json setting(const Json& settings, const char* key, Json fallback) {
  const auto value = settings.find(key);
  return value == settings.end() || value->is_null() ? std::move(fallback) : *value;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("{{{}}}", fmt::join(shape, ", "));
}

}  // namespace sizeup
