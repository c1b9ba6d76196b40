// Typed, range-checked values of a checkpoint's configuration. The first problem is kept and all later reads
// give a harmless value, so that an architecture file reads as a list of its keys.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

class ConfigReader {
 public:
  explicit ConfigReader(const Checkpoint& checkpoint);
  // An object inside a configuration.
  ConfigReader(const Json& config, std::string place) : config_(config), place_(std::move(place)) {}

  // In [1, kLargest]; without a fallback the key is required. null counts as absent.
  int count(std::string_view key, std::optional<int> fallback = std::nullopt);
  // The same in [0, kLargest].
  int count_or_zero(std::string_view key, int fallback);
  // As count, of each of `size` layers: a list, or one for all.
  std::vector<int> counts(std::string_view key, int size, std::optional<int> fallback = std::nullopt);
  float positive(std::string_view key, std::optional<float> fallback = std::nullopt);
  bool flag(std::string_view key, bool fallback);
  std::string text(std::string_view key, std::string_view fallback);
  // nullptr if absent or null.
  const Json* find(std::string_view key);

  // Whether the key is there, be it with null.
  bool has(std::string_view key) const;
  // Whether somebody has asked for it.
  bool was_read(std::string_view key) const { return asked_.contains(key); }

  // A problem if a key that begins with `prefix` is neither null, nor was asked for, nor is one of `harmless`
  // (after the prefix): it could change what the model computes.
  void refuse_unread(std::string_view prefix, std::span<const std::string_view> harmless);

  // Records a problem unless there already is one.
  void fail(std::string message, std::string expected = {}, std::string hint = {});
  void fail(const Error& error);
  const std::string& place() const { return place_; }
  const std::optional<Error>& error() const { return error_; }

  // Larger sizes are taken for damage: products of two of them stay within 64 bits.
  static constexpr int kLargest = 1 << 28;

 private:
  const Json& config_;
  std::string place_;
  std::set<std::string, std::less<>> asked_;
  std::optional<Error> error_;
};

}  // namespace sizeup
