#include "harness/labels/label_file.h"

#include <fmt/format.h>

#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "core/json/json.h"
#include "core/text/from_chars.h"
#include "datasets/readers/row_reader.h"

namespace sizeup {
namespace {

// A field as text: numbers and truth values as JSON writes them; empty if it is absent, null or empty.
std::string text_of(const Json& row, const char* field) {
  const auto found = row.find(field);
  if (found == row.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : to_line(*found);
}

std::optional<double> score_of(const std::string& text) {
  if (text == "true") return 1.0;
  if (text == "false") return 0.0;
  double value = 0.0;
  const auto [end, error] = from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= 0.0 && value <= 1.0 ? std::optional(value) : std::nullopt;
}

Result<LabelRow> label_of(const Json& row, const std::string& place) {
  LabelRow label;
  label.place = place;
  label.task = text_of(row, "task");
  label.document_id = text_of(row, "document_id");
  label.model = text_of(row, "model");
  label.run = text_of(row, "run");
  label.annotator = text_of(row, "annotator");
  if (label.task.empty()) return bad_input(place, "names no task", "a field 'task'");
  if (label.document_id.empty()) return bad_input(place, "names no document", "a field 'document_id'");
  const std::string text = text_of(row, "label");
  const std::string score = text_of(row, "score");
  if (text.empty() == score.empty()) {
    return bad_input(place, text.empty() ? "says nothing of the document" : "has a label and a score",
                     "a field 'label' with a text, or 'score' with a number from 0 to 1");
  }
  if (score.empty()) {
    label.label = text;
    return label;
  }
  label.score = score_of(score);
  if (!label.score)
    return bad_input(place, fmt::format("the score is '{:.40}'", score), "a number from 0 to 1");
  return label;
}

}  // namespace

Result<LabelFile> read_label_file(const std::filesystem::path& file) {
  // Each bad row is named; none ends the reading.
  BadRows bad(std::numeric_limits<int64_t>::max());
  RowReader reader({file}, {}, bad);
  LabelFile read;
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string>, std::string> places;
  while (true) {
    Result<std::optional<Json>> row = reader.next();
    if (!row) return forward_error(row);
    if (!*row) break;
    Result<LabelRow> label = label_of(**row, reader.place());
    if (!label) {
      read.refused.push_back(std::move(label.error()));
      continue;
    }
    const auto [known, first] = places.try_emplace(
        {label->task, label->document_id, label->model, label->run, label->annotator}, label->place);
    if (!first) {
      read.refused.push_back({ErrorKind::bad_input, label->place,
                              fmt::format("says the same as {}", known->second),
                              "one label of each annotator for a document and model", ""});
      continue;
    }
    read.labels.push_back(std::move(*label));
  }
  read.refused.insert(read.refused.end(), bad.shown().begin(), bad.shown().end());
  const auto shown = static_cast<int64_t>(bad.shown().size());
  if (bad.count() > shown) {
    read.refused.push_back({ErrorKind::bad_input, file.string(),
                            fmt::format("{} more rows cannot be read", bad.count() - shown), "", ""});
  }
  return read;
}

}  // namespace sizeup
