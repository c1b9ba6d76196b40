#include "backends/engine/formats/sorted_json.h"

#include <fmt/format.h>

namespace sizeup {
namespace {

constexpr int kMaxDepth = 64;  // tokenizer.json, the deepest of these files, has about 10 levels

}  // namespace

Result<SortedJson> parse_sorted_json(std::string_view text, const std::string& place) {
  bool too_deep = false;
  // Values below the limit are dropped while parsing, so that no deep value ever exists.
  const auto keep = [&](int depth, SortedJson::parse_event_t, SortedJson&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  try {
    SortedJson value = SortedJson::parse(text.begin(), text.end(), keep);
    if (too_deep) {
      return bad_input(place, "JSON is nested too deeply", fmt::format("at most {} levels", kMaxDepth));
    }
    return value;
  } catch (const nlohmann::json::parse_error& error) {
    return bad_input(fmt::format("{} (byte {})", place, error.byte), "not valid JSON",
                     "one well-formed JSON value");
  } catch (const nlohmann::json::out_of_range&) {
    return bad_input(place, "has a number that no double can hold", "JSON with numbers below 1e308");
  }
}

}  // namespace sizeup
