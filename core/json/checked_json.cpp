#include "core/json/checked_json.h"

#include <fmt/format.h>

namespace sizeup {

void CheckedJson::refuse(const std::string& message, const std::string& expected,
                         const std::string& hint) const {
  const std::string what = path_.empty() ? "the file" : path_;
  throw RefusedJson{
      {ErrorKind::bad_input, *file_, fmt::format("'{:.200}' {}", what, message), expected, hint}};
}

CheckedJson CheckedJson::at(const char* key) const {
  if (!json_->is_object()) refuse("is no object", "{...}");
  const auto found = json_->find(key);
  if (found == json_->end()) refuse(fmt::format("has no member '{}'", key), origin_);
  return {*found, *file_, origin_, path_.empty() ? key : path_ + "." + key};
}

bool CheckedJson::has(const char* key) const {
  return json_->is_object() && json_->contains(key);
}

bool CheckedJson::is_null() const {
  return json_->is_null();
}

std::vector<CheckedJson> CheckedJson::items() const {
  if (!json_->is_array()) refuse("is no list", "[...]");
  std::vector<CheckedJson> out;
  out.reserve(json_->size());
  for (size_t i = 0; i < json_->size(); ++i) {
    out.push_back(CheckedJson((*json_)[i], *file_, origin_, fmt::format("{}[{}]", path_, i)));
  }
  return out;
}

std::string CheckedJson::text() const {
  constexpr size_t kMaxText = 4096;
  if (!json_->is_string()) refuse("is no text", "\"...\"");
  auto value = json_->get<std::string>();
  if (value.size() > kMaxText) refuse("is too long", fmt::format("at most {} bytes", kMaxText));
  return value;
}

bool CheckedJson::boolean() const {
  if (!json_->is_boolean()) refuse("is neither true nor false", "true or false");
  return json_->get<bool>();
}

int64_t CheckedJson::count() const {
  constexpr uint64_t kMost = uint64_t{1} << 53;
  const bool fits = json_->is_number_unsigned() && json_->get<uint64_t>() <= kMost;
  if (!fits) refuse("is no count", "a whole number from 0");
  return json_->get<int64_t>();
}

double CheckedJson::number(double lowest, double highest) const {
  const bool fits = json_->is_number() && json_->get<double>() >= lowest && json_->get<double>() <= highest;
  if (!fits) refuse("is no number in range", fmt::format("a number from {} to {}", lowest, highest));
  return json_->get<double>();
}

double CheckedJson::number_or(double otherwise, double lowest, double highest) const {
  return is_null() ? otherwise : number(lowest, highest);
}

std::vector<std::pair<std::string, CheckedJson>> CheckedJson::members() const {
  if (!json_->is_object()) refuse("is no object", "{...}");
  std::vector<std::pair<std::string, CheckedJson>> out;
  for (const auto& [key, value] : json_->items()) {
    out.emplace_back(key, CheckedJson(value, *file_, origin_, path_.empty() ? key : path_ + "." + key));
  }
  return out;
}

}  // namespace sizeup
