#include "cli/traffic.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "cli/compare_tokenizers.h"
#include "cli/json_lines.h"
#include "cli/requests.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

constexpr double kMostTokens = 1e9;    // of a request
constexpr double kMostRequests = 1e9;  // of a file
constexpr const char* kForms =
    R"({"input_tokens", "output_tokens"}, {"usage": {...}} or {"prompt"} or {"messages"} with {"completion"})";

using Keys = std::array<const char*, 2>;  // ours, then OpenAI's
constexpr Keys kInputKeys = {"input_tokens", "prompt_tokens"};
constexpr Keys kOutputKeys = {"output_tokens", "completion_tokens"};

// A row before its texts are counted.
struct FileRow {
  TrafficRow row;
  std::optional<double> input;
  double cached = 0.0;
  std::optional<double> output;
  std::optional<Prompt> prompt;
  std::optional<std::string> completion;
  std::string place;
};

tl::unexpected<Error> failed_at(const std::string& place, Error error) {
  error.place = place;
  return tl::unexpected<Error>(std::move(error));
}

Result<std::optional<double>> whole_number(const Json& object, const char* key, double least, double most) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::optional<double>();
  const bool whole = found->is_number_integer();
  if (!whole || found->get<double>() < least || found->get<double>() > most) {
    return bad_input("", fmt::format("\"{}\" is {:.60}", key, to_line(*found)),
                     fmt::format("a whole number from {:g} to {:g}", least, most));
  }
  return std::optional(found->get<double>());
}

Result<std::optional<double>> token_count(const Json& object, const Keys& keys) {
  for (const char* key : keys) {
    auto count = whole_number(object, key, 0, kMostTokens);
    if (!count) return forward_error(count);
    if (*count) return count;
  }
  return std::optional<double>();
}

Result<double> cached_tokens(const Json& object) {
  auto own = whole_number(object, "cached_input_tokens", 0, kMostTokens);
  if (!own) return forward_error(own);
  if (*own) return **own;
  const auto details = object.find("prompt_tokens_details");
  if (details == object.end() || !details->is_object()) return 0.0;
  auto cached = whole_number(*details, "cached_tokens", 0, kMostTokens);
  if (!cached) return forward_error(cached);
  return cached->value_or(0.0);
}

Result<void> read_counts(const Json& object, FileRow& out) {
  auto input = token_count(object, kInputKeys);
  if (!input) return forward_error(input);
  auto output = token_count(object, kOutputKeys);
  if (!output) return forward_error(output);
  auto cached = cached_tokens(object);
  if (!cached) return forward_error(cached);
  out.input = *input;
  out.output = *output;
  out.cached = *cached;
  if (out.input && out.cached > *out.input) {
    return bad_input("", fmt::format("{:g} of {:g} input tokens are cached", out.cached, *out.input),
                     "cached tokens counted among the input tokens");
  }
  return {};
}

Result<void> read_texts(const Json& object, FileRow& out) {
  if (!out.output && object.contains("completion")) {
    auto completion = string_member(object, "completion");
    if (!completion) return forward_error(completion);
    out.completion = std::move(*completion);
  }
  if (out.input) return {};
  Json prompt = Json::object();
  for (const char* key : {"prompt", "messages"}) {
    if (object.contains(key)) prompt[key] = object[key];
  }
  if (prompt.empty()) return bad_input("", "the row has neither token counts nor a prompt", kForms);
  auto request = generate_request(prompt);
  if (!request) return forward_error(request);
  out.prompt = std::move(std::get<Generate>(request->ask).prompt);
  return {};
}

Result<void> read_time(const Json& object, FileRow& out) {
  const auto time = object.find("time");
  if (time == object.end()) return {};
  if (time->is_number()) out.row.time = time->get<double>();
  if (time->is_string()) out.row.time = seconds_of(time->get_ref<const std::string&>());
  if (!out.row.time || !std::isfinite(*out.row.time)) {
    return bad_input("", fmt::format("\"time\" is {:.60}", to_line(*time)),
                     "\"2026-03-01T10:00:00Z\", or seconds since 1970");
  }
  return {};
}

Result<FileRow> read_row(const Json& object) {
  FileRow out;
  auto count = whole_number(object, "count", 1, kMostRequests);
  if (!count) return forward_error(count);
  out.row.count = static_cast<int64_t>(count->value_or(1.0));
  const auto usage = object.find("usage");
  if (auto read = read_counts(usage != object.end() && usage->is_object() ? *usage : object, out); !read)
    return forward_error(read);
  if (auto read = read_texts(object, out); !read) return forward_error(read);
  if (auto read = read_time(object, out); !read) return forward_error(read);
  return out;
}

Result<std::vector<FileRow>> read_rows_of(const std::string& file) {
  auto lines = read_lines(file);
  if (!lines) return forward_error(lines);
  std::vector<FileRow> rows;
  double requests = 0;
  for (InputLine& line : *lines) {
    if (!line.object) return forward_error(line.object);
    const std::string place =
        fmt::format("{} (request {})", file == "-" ? "standard input" : file, rows.size() + 1);
    auto row = read_row(*line.object);
    if (!row) return failed_at(place, row.error());
    row->place = place;
    requests += static_cast<double>(row->row.count);
    if (row->row.time.has_value() != (rows.empty() ? row->row.time : rows.front().row.time).has_value())
      return bad_input(place, "some rows have a time and some have none",
                       "\"time\" in every row, or in none");
    rows.push_back(std::move(*row));
  }
  if (rows.empty()) return bad_input(file, "the file has no requests", kForms);
  if (requests > kMostRequests)
    return bad_input(file, fmt::format("{:g} requests", requests), "at most a billion");
  return rows;
}

Result<double> count_prompt(const TextModel& model, const Prompt& prompt) {
  auto rendered = model.render(prompt);
  if (!rendered) return forward_error(rendered);
  return static_cast<double>(model.encode(rendered->text, rendered->from_template, true).size());
}

// Of one model; `counter` where a row's texts have to be counted.
Result<std::vector<TrafficTokens>> count_rows(const std::vector<FileRow>& rows, const TextModel* counter) {
  std::vector<TrafficTokens> out;
  for (const FileRow& row : rows) {
    TrafficTokens tokens{row.input.value_or(0.0), row.cached, row.output};
    if (row.prompt) {
      auto input = count_prompt(*counter, *row.prompt);
      if (!input) return failed_at(row.place, input.error());
      tokens.input = *input;
    }
    if (row.completion)
      tokens.output = static_cast<double>(counter->encode(*row.completion, false, false).size());
    out.push_back(tokens);
  }
  return out;
}

Result<std::optional<TextModel>> counter_of(const TrafficFile& file, const std::string& model) {
  const auto reference = file.counters.find(model);
  Result<ComparedTokenizer> opened =
      reference == file.counters.end()
          ? Result<ComparedTokenizer>(unavailable(model, "an endpoint's tokenizer is not known"))
          : open_tokenizer(reference->second, file.offline);
  if (opened) return std::optional<TextModel>(std::move(opened->model));
  Error error = std::move(opened.error());
  error.message = fmt::format("the tokens of texts cannot be counted for '{}': {}", model, error.message);
  error.hint = fmt::format(
      "--tokenizer {}=REF names a model or tokenizer.json that counts them, or each row "
      "says its input_tokens and output_tokens",
      model);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace

Result<Traffic> read_traffic(const TrafficFile& file, const std::vector<std::string>& models) {
  auto rows = read_rows_of(file.file);
  if (!rows) return forward_error(rows);
  Traffic traffic;
  traffic.name = file.file == "-" ? "standard input" : file.file;
  bool texts = false;
  for (const FileRow& row : *rows) {
    traffic.rows.push_back(row.row);
    texts = texts || row.prompt || row.completion;
  }
  for (const std::string& model : models) {
    std::optional<TextModel> counter;
    if (texts) {
      auto opened = counter_of(file, model);
      if (!opened) return forward_error(opened);
      counter = std::move(*opened);
    }
    auto tokens = count_rows(*rows, counter ? &*counter : nullptr);
    if (!tokens) return forward_error(tokens);
    traffic.tokens[model] = std::move(*tokens);
  }
  return traffic;
}

}  // namespace sizeup::cli
