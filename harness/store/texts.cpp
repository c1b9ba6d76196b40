#include "harness/store/texts.h"

#include <algorithm>
#include <array>

#include "core/json/json.h"

namespace sizeup {
namespace {

// Labels of the task, a closed set that per-class results name anyway, and words of our own.
constexpr std::array<std::string_view, 6> kClosedDetails = {
    "gold", "predicted", "gold_labels", "predicted_labels", "verdict", "sandbox"};

// With several filter pipelines a detail's name carries its pipeline's: "predicted,strict".
bool is_closed(const std::string& name) {
  const std::string_view plain = std::string_view(name).substr(0, name.find(','));
  return std::find(kClosedDetails.begin(), kClosedDetails.end(), plain) != kClosedDetails.end();
}

bool holds_numbers(const std::string& value) {
  return value == "nan" || value.find_first_not_of("0123456789+-.e ") == std::string::npos;
}

}  // namespace

TextRule TextRule::none() {
  TextRule rule;
  rule.none_ = true;
  return rule;
}

Result<TextRule> TextRule::redact(const std::vector<std::string>& patterns) {
  Result<Redactor> redactor = Redactor::compile(patterns);
  if (!redactor) return forward_error(redactor);
  TextRule rule;
  rule.redactor_ = std::make_shared<const Redactor>(std::move(*redactor));
  return rule;
}

std::string TextRule::stored(std::string_view text, bool& edited) const {
  if (keeps_all()) return std::string(text);
  std::string kept = none_ ? std::string() : redactor_->redacted(text);
  edited = edited || kept != text;
  return kept;
}

std::map<std::string, std::string> TextRule::stored_details(const std::map<std::string, std::string>& details,
                                                            bool& edited) const {
  if (keeps_all()) return details;
  std::map<std::string, std::string> kept;
  for (const auto& [name, value] : details) {
    if (!none_) {
      kept[name] = stored(value, edited);
    } else if (is_closed(name) || holds_numbers(value)) {
      kept[name] = value;
    } else {
      edited = true;
    }
  }
  return kept;
}

std::string TextRule::stored_key_json(const std::string& key_json, bool& edited) const {
  if (keeps_all()) return key_json;
  Result<Json> parsed = parse_json(key_json, "response key");
  require(parsed.has_value() && parsed->is_object(), "a response key is made of a JSON object");
  Json& json = *parsed;
  if (const auto continuation = json.find("continuation"); continuation != json.end())
    *continuation = stored(continuation->get<std::string>(), edited);
  if (const auto stops = json.find("stop"); stops != json.end()) {
    for (Json& stop : *stops) stop = stored(stop.get<std::string>(), edited);
  }
  return to_canonical(json);
}

}  // namespace sizeup
