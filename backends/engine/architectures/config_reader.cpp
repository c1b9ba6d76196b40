#include "backends/engine/architectures/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/json/json.h"

namespace sizeup {
namespace {

// Values come from files: an error shows only the beginning of a long one.
std::string found(std::string_view key, const Json& value) {
  return fmt::format("'{}' is {}", key, to_line(value).substr(0, 40));
}

std::string missing(std::string_view key) {
  return fmt::format("'{}' is missing from the configuration", key);
}

}  // namespace

ConfigReader::ConfigReader(const Checkpoint& checkpoint)
    : config_(checkpoint.config()), place_(checkpoint.path().string()) {}

const Json* ConfigReader::find(std::string_view key) {
  asked_.emplace(key);
  if (!config_.is_object()) return nullptr;
  const auto value = config_.find(key);
  return value == config_.end() || value->is_null() ? nullptr : &*value;
}

bool ConfigReader::has(std::string_view key) const {
  return config_.is_object() && config_.contains(key);
}

int ConfigReader::count(std::string_view key, std::optional<int> fallback) {
  const Json* value = find(key);
  if (value == nullptr) {
    if (!fallback) fail(missing(key));
    return fallback.value_or(1);
  }
  const bool integer = value->is_number_integer() && *value >= 1 && *value <= kLargest;
  if (!integer) {
    fail(found(key, *value), fmt::format("an integer from 1 to {}", kLargest));
    return 1;
  }
  return value->get<int>();
}

int ConfigReader::count_or_zero(std::string_view key, int fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  return *value == 0 ? 0 : count(key);
}

std::vector<int> ConfigReader::counts(std::string_view key, int size, std::optional<int> fallback) {
  const Json* value = find(key);
  if (value == nullptr || !value->is_array())
    return std::vector<int>(static_cast<size_t>(size), count(key, fallback));
  std::vector<int> all;
  for (const Json& one : *value) {
    if (one.is_number_integer() && one >= 1 && one <= kLargest) all.push_back(one.get<int>());
  }
  if (static_cast<int>(all.size()) != size || static_cast<int>(value->size()) != size) {
    fail(found(key, *value), fmt::format("an integer from 1 to {} for each of {} layers", kLargest, size));
    all.assign(static_cast<size_t>(size), 1);
  }
  return all;
}

float ConfigReader::positive(std::string_view key, std::optional<float> fallback) {
  const Json* value = find(key);
  if (value == nullptr) {
    if (!fallback) fail(missing(key));
    return fallback.value_or(1.0F);
  }
  const double number = value->is_number() ? value->get<double>() : 0.0;
  if (!(number > 0.0) || !std::isfinite(static_cast<float>(number)) || static_cast<float>(number) == 0.0F) {
    fail(found(key, *value), "a positive number");
    return 1.0F;
  }
  return static_cast<float>(number);
}

bool ConfigReader::flag(std::string_view key, bool fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) {
    fail(found(key, *value), "true or false");
    return fallback;
  }
  return value->get<bool>();
}

std::string ConfigReader::text(std::string_view key, std::string_view fallback) {
  const Json* value = find(key);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) {
    fail(found(key, *value), "a string");
    return std::string(fallback);
  }
  return value->get<std::string>();
}

void ConfigReader::refuse_unread(std::string_view prefix, std::span<const std::string_view> harmless) {
  if (!config_.is_object()) return;
  for (const auto& [key, value] : config_.items()) {
    if (!key.starts_with(prefix) || value.is_null() || asked_.contains(key)) continue;
    const std::string_view name = std::string_view(key).substr(prefix.size());
    if (std::ranges::find(harmless, name) != harmless.end()) continue;
    fail(found(key, value) + ", and what it changes is not known",
         "keys of this architecture, or ones that change no result",
         "remove the key if the model computes the same without it");
  }
}

void ConfigReader::fail(std::string message, std::string expected, std::string hint) {
  if (error_) return;
  error_ = Error{.kind = ErrorKind::bad_input,
                 .place = place_,
                 .message = std::move(message),
                 .expected = std::move(expected),
                 .hint = std::move(hint)};
}

void ConfigReader::fail(const Error& error) {
  if (!error_) error_ = error;
}

}  // namespace sizeup
