#include "cli/compare_tokenizers.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include "backends/engine/formats/checkpoint.h"
#include "backends/engine/text_model.h"
#include "backends/engine/tokenizer/comparison.h"
#include "cli/model_files.h"
#include "cli/tokenizer_report.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "core/timing/utc_time.h"
#include "datasets/readers/folder.h"
#include "datasets/readers/reader.h"
#include "datasets/readers/utf8_text.h"

namespace sizeup::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kExamples = 20;  // words: a screen's worth

// Any other file is a text.
bool has_rows(const fs::path& file) {
  const Result<DataFormat> format = format_of(file);
  return format && *format != DataFormat::text;
}

// A value of a slice field as text.
std::string slice_of(const std::string& field, const Json& row) {
  const Json value = row.value(field, Json());
  return fmt::format("{}={}", field, value.is_string() ? value.get<std::string>() : to_line(value));
}

Result<std::vector<SlicedText>> read_rows(const CompareTokenizersCommand& command) {
  auto dataset = read_dataset(command.text);
  if (!dataset) return forward_error(dataset);
  std::vector<SlicedText> texts;
  for (const Json& row : dataset->rows) {
    const std::string place = fmt::format("{} (row {})", command.text, texts.size() + 1);
    const auto found = row.find(command.field);
    if (found == row.end() || !found->is_string()) {
      return bad_input(place, fmt::format("'{}' is no text", command.field), "a string",
                       "--field names the field that holds the text");
    }
    SlicedText text{.text = found->get<std::string>(), .slices = {}};
    for (const std::string& field : command.slices) {
      if (!row.contains(field)) return bad_input(place, fmt::format("has no field '{}'", field));
      text.slices.push_back(slice_of(field, row));
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

// Lines, each a text.
Result<std::vector<SlicedText>> read_lines_of_text(const CompareTokenizersCommand& command) {
  if (!command.slices.empty()) {
    return usage_error(fmt::format("{} has lines of text and no fields for --slices", command.text),
                       "a .jsonl, .json, .csv or .tsv file");
  }
  const auto bytes = read_file(command.text);
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  const auto checked = checked_utf8(*bytes, command.text);
  if (!checked) return tl::unexpected<Error>(checked.error());
  std::vector<SlicedText> texts;
  std::istringstream lines{std::string(*checked)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) texts.push_back({.text = line, .slices = {}});
  }
  return texts;
}

// What the configuration says; a model's spec may shorten it, but a file with a vocabulary alone has none.
std::optional<int64_t> context_length(const Checkpoint& checkpoint) {
  const Json& config = checkpoint.config();
  std::string key = "max_position_embeddings";
  if (checkpoint.format() == CheckpointFormat::gguf) {
    const Json architecture = config.value("general.architecture", Json());
    key = (architecture.is_string() ? architecture.get<std::string>() : "") + ".context_length";
  }
  const auto found = config.find(key);
  if (found == config.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<int64_t>();
}

}  // namespace

Result<ComparedTokenizer> open_tokenizer(const std::string& text, bool offline) {
  auto reference = local_reference(text, HubNeed::text, offline);
  if (!reference) return forward_error(reference);
  const fs::path path = reference->target;
  std::error_code failure;
  const bool lone =
      fs::is_regular_file(path, failure) && (path.extension() == ".json" || path.extension() == ".model");
  if (lone) {
    auto tokenizer = load_tokenizer(path);
    if (!tokenizer) return forward_error(tokenizer);
    return ComparedTokenizer{reference->name, TextModel(std::move(*tokenizer), std::nullopt, utc_now()),
                             std::nullopt, std::nullopt};
  }
  auto checkpoint = open_text_part(path);
  if (!checkpoint) return forward_error(checkpoint);
  auto model = TextModel::load(**checkpoint, utc_now());
  if (!model) return forward_error(model);
  return ComparedTokenizer{reference->name, std::move(*model), load_chat_template(**checkpoint),
                           context_length(**checkpoint)};
}

Outcome compare_tokenizers(const CompareTokenizersCommand& command) {
  auto texts = has_rows(command.text) ? read_rows(command) : read_lines_of_text(command);
  if (!texts) return forward_error(texts);
  auto first = open_tokenizer(command.first, command.offline);
  if (!first) return forward_error(first);
  auto second = open_tokenizer(command.second, command.offline);
  if (!second) return forward_error(second);
  const BothTokenizers tokenizers = {&first->model.tokenizer(), &second->model.tokenizer()};
  const TextComparison comparison = compare_texts(tokenizers, *texts, kExamples);
  if (comparison.all.words == 0 || comparison.all.tokens[0] == 0 || comparison.all.tokens[1] == 0)
    return bad_input(command.text, "holds no words", "texts to compare the tokenizers on");
  const Json report = tokenizers_to_json({&*first, &*second}, comparison, compare_vocabularies(tokenizers));
  fmt::print("{}", command.json ? to_line(report) + "\n" : tokenizers_to_text(report));
  return 0;
}

}  // namespace sizeup::cli
