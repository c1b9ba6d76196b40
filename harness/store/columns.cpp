// JSON columns and response rows: the two places where a cell has inner structure.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "core/json/json.h"
#include "harness/store/connection.h"

namespace sizeup {
namespace {

// A store that somebody edited by hand, or a damaged one, must not crash a report.
template <class Read>
auto cell(const std::string& json, Read&& read) {
  Result<Json> parsed = parse_json(json, "JSON column");
  if (!parsed) throw sqlite::Failure(parsed.error());
  try {
    return read(*parsed);
  } catch (const nlohmann::json::exception& error) {
    throw sqlite::Failure({ErrorKind::bad_input, "JSON column",
                           fmt::format("unexpected content: {:.200}", json), error.what(), ""});
  }
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

// The next "text" of a cell without escapes, and the character after it; nothing if it is of another form.
std::optional<std::string> take_plain(std::string_view& json, char& after) {
  if (json.empty() || json.front() != '"') return std::nullopt;
  const size_t end = json.find('"', 1);
  if (end == std::string_view::npos || end + 1 >= json.size()) return std::nullopt;
  const std::string_view text = json.substr(1, end - 1);
  if (!is_plain(text)) return std::nullopt;
  after = json[end + 1];
  json.remove_prefix(end + 2);
  return std::string(text);
}

// {"name":"text"} as most cells are; nothing for any other form, which the parser of JSON reads. A report of
// a million answers reads as many cells, and the parser takes longer than SQLite.
std::optional<std::map<std::string, std::string>> plain_text_map(std::string_view json) {
  std::map<std::string, std::string> map;
  if (json == "{}") return map;
  if (json.empty() || json.front() != '{') return std::nullopt;
  json.remove_prefix(1);
  for (char after = ','; after == ',';) {
    std::optional<std::string> name = take_plain(json, after);
    if (!name || after != ':') return std::nullopt;
    std::optional<std::string> text = take_plain(json, after);
    if (!text) return std::nullopt;
    map[std::move(*name)] = std::move(*text);
    if (after == '}' && json.empty()) return map;
  }
  return std::nullopt;
}

}  // namespace

std::string to_json(const std::map<std::string, std::string>& object) {
  const bool plain = std::all_of(object.begin(), object.end(), [](const auto& member) {
    return is_plain(member.first) && is_plain(member.second);
  });
  if (plain) {
    std::string text = "{";
    for (const auto& [name, value] : object)
      text.append(text.size() > 1 ? ",\"" : "\"").append(name).append("\":\"").append(value).append("\"");
    return text + "}";
  }
  Json json = Json::object();
  for (const auto& [name, value] : object) json[name] = value;
  return to_line(json);
}

std::string to_json(const std::vector<MetricRow>& metrics) {
  Json json = Json::array();
  for (const MetricRow& metric : metrics) {
    json.push_back({{"name", metric.name},
                    {"description", metric.description},
                    {"higher_is_better", metric.higher_is_better},
                    {"is_mean", metric.is_mean}});
  }
  return to_line(json);
}

std::string to_json(const std::vector<std::string>& texts) {
  return to_line(Json(texts));
}

std::string to_json(const std::vector<int32_t>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ","));
}

std::string to_json(const std::vector<float>& numbers) {
  std::string json = "[";
  for (const float number : numbers) {
    if (json.size() > 1) json += ',';
    json += std::isfinite(number) ? fmt::format("{}", number) : "null";
  }
  return json + "]";
}

std::map<std::string, std::string> text_map(const std::string& json) {
  if (auto plain = plain_text_map(json)) return std::move(*plain);
  return cell(json, [](const Json& value) {
    std::map<std::string, std::string> map;
    for (const auto& [name, text] : value.items()) map[name] = text.get<std::string>();
    return map;
  });
}

std::vector<MetricRow> metric_rows(const std::string& json) {
  return cell(json, [](const Json& value) {
    std::vector<MetricRow> metrics;
    for (const Json& metric : value) {
      metrics.push_back({metric.at("name").get<std::string>(), metric.at("description").get<std::string>(),
                         metric.at("higher_is_better").get<bool>(), metric.at("is_mean").get<bool>()});
    }
    return metrics;
  });
}

std::vector<std::string> text_list(const std::string& json) {
  return cell(json, [](const Json& value) { return value.get<std::vector<std::string>>(); });
}

std::vector<int32_t> integer_list(const std::string& json) {
  return cell(json, [](const Json& value) { return value.get<std::vector<int32_t>>(); });
}

std::vector<float> float_list(const std::string& json) {
  return cell(json, [](const Json& value) {
    std::vector<float> numbers;
    for (const Json& number : value) {
      numbers.push_back(number.is_null() ? std::nanf("") : number.get<float>());
    }
    return numbers;
  });
}

// [["A", -0.1], ...]
std::string to_json(const std::vector<std::pair<std::string, double>>& weighed) {
  return to_line(Json(weighed));
}

std::vector<std::pair<std::string, double>> weighed_list(const std::string& json) {
  return cell(json,
              [](const Json& value) { return value.get<std::vector<std::pair<std::string, double>>>(); });
}

const char* const kResponseColumns =
    "response.id, response.key, response.key_json, prompt.text, response.logprob, response.greedy, "
    "response.text, "
    "response.finish, response.tokens, response.token_logprobs, response.first_tokens, "
    "response.prompt_tokens, "
    "response.completion_tokens, response.cached_prompt_tokens, response.reasoning_tokens, "
    "response.truncated";

ResponseRow read_response(const sqlite::Statement& statement, int first_column) {
  int column = first_column;
  ResponseRow row;
  row.id = statement.integer(column++);
  row.key = statement.text(column++);
  row.key_json = statement.text(column++);
  row.prompt = statement.text(column++);
  row.logprob = statement.real(column++);
  row.greedy = statement.integer(column++) != 0;
  row.text = statement.optional_text(column++);
  row.finish = statement.text(column++);
  row.tokens = integer_list(statement.text(column++));
  row.token_logprobs = float_list(statement.text(column++));
  if (const auto tokens = statement.optional_text(column++)) row.first_tokens = weighed_list(*tokens);
  row.prompt_tokens = static_cast<int>(statement.integer(column++));
  row.completion_tokens = static_cast<int>(statement.integer(column++));
  const auto optional_count = [&](int at) -> std::optional<int> {
    const std::optional<int64_t> count = statement.optional_integer(at);
    return count ? std::optional(static_cast<int>(*count)) : std::nullopt;
  };
  row.cached_prompt_tokens = optional_count(column++);
  row.reasoning_tokens = optional_count(column++);
  row.truncated = statement.integer(column++) != 0;
  // A scored text without a log-probability is an impossible one; a generated text was not scored.
  if (!row.text && std::isnan(row.logprob)) row.logprob = -std::numeric_limits<double>::infinity();
  return row;
}

}  // namespace sizeup
