// Checks of each row by itself and against its fellows.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "tasks/check/findings.h"
#include "tasks/metrics/multilabel.h"
#include "tasks/own_data/fields.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
  });
}

// U+FFFD, or UTF-8 that was read as Latin-1 and written again: "Ã¼" for "ü", "â€™" for an apostrophe.
bool looks_misread(std::string_view text) {
  for (const std::string_view sign : {"\xEF\xBF\xBD", "\xC3\x83\xC2", "\xC3\xA2\xE2\x82\xAC"}) {
    if (text.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

std::string whole_prompt(const Sample& sample) {
  return sample.prompt.system + sample.prompt.user;
}

std::string without_id(Json document) {
  document.erase("id");
  return to_canonical(document);
}

void find_unlike_lengths(const CheckedRows& rows, Findings& findings) {
  constexpr size_t kTimes = 10;  // as long as the middle one
  constexpr size_t kFewest = 10;
  if (rows.samples.size() < kFewest) return;
  std::vector<size_t> lengths;
  for (const Sample& sample : rows.samples) lengths.push_back(sample.prompt.user.size());
  std::vector<size_t> sorted = lengths;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2), sorted.end());
  const size_t middle = sorted[sorted.size() / 2];
  FoundRows longer(rows.documents);
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > kTimes * std::max<size_t>(1, middle)) longer.add(i, fmt::format("{} bytes", lengths[i]));
  }
  longer.report(Severity::note, "length", "prompts are more than ten times as long as the middle one",
                findings);
}

}  // namespace

void find_empty_and_odd_rows(const CheckedRows& rows, Findings& findings) {
  const Documents& documents = rows.documents;
  FoundRows blank_prompt(documents), blank_answer(documents), misread(documents), control(documents);
  for (size_t i = 0; i < rows.samples.size(); ++i) {
    const Sample& sample = rows.samples[i];
    const std::string prompt = whole_prompt(sample);
    if (python_strip(prompt).empty()) blank_prompt.add(i);
    const bool any_answer = std::any_of(sample.accepted.begin(), sample.accepted.end(),
                                        [](const std::string& text) { return !python_strip(text).empty(); });
    if (!any_answer && rows.definition.output_type != OutputType::loglikelihood_rolling) blank_answer.add(i);
    if (looks_misread(prompt) || looks_misread(sample.target)) misread.add(i);
    if (has_control_character(prompt)) control.add(i);
  }
  blank_prompt.report(Severity::problem, "empty", "rows give an empty prompt", findings);
  // Unanswerable questions have no answer on purpose.
  blank_answer.report(rows.definition.grounding ? Severity::note : Severity::problem, "empty",
                      "rows have no expected answer", findings);
  misread.report(Severity::warning, "encoding",
                 "rows have signs of a text that was read in the wrong encoding", findings);
  control.report(Severity::warning, "encoding", "rows have control characters in the prompt", findings);
  for (const std::string& name : documents.columns) {
    const auto without = std::count_if(documents.rows.begin(), documents.rows.end(), [&](const Json& row) {
      const auto value = row.find(name);
      return value == row.end() || is_blank(*value);
    });
    if (without == 0) continue;
    findings.push_back(
        {Severity::note,
         "fields",
         fmt::format("{} of {} rows have nothing in '{}'", without, documents.rows.size(), name),
         static_cast<size_t>(without),
         {}});
  }
  find_unlike_lengths(rows, findings);
}

void find_duplicates(const CheckedRows& rows, Findings& findings) {
  std::unordered_map<std::string, size_t> documents;
  std::unordered_map<std::string, size_t> prompts;
  FoundRows same(rows.documents), contrary(rows.documents), alike(rows.documents);
  for (size_t i = 0; i < rows.samples.size(); ++i) {
    const Sample& sample = rows.samples[i];
    const auto [document, is_new] = documents.emplace(without_id(rows.documents.rows[i]), i);
    if (!is_new) {
      same.add(i, "as " + rows.documents.place(document->second));
      continue;
    }
    const auto [prompt, is_first] = prompts.emplace(fold_text(whole_prompt(sample)), i);
    if (is_first) continue;
    const Sample& other = rows.samples[prompt->second];
    const std::string as = "as " + rows.documents.place(prompt->second);
    (other.target == sample.target ? alike : contrary).add(i, as);
  }
  contrary.report(Severity::problem, "contradictions",
                  "rows ask what another row asks and expect another answer", findings);
  same.report(Severity::warning, "duplicates", "rows repeat another row", findings);
  alike.report(Severity::note, "duplicates", "rows have another row's prompt and answer", findings);
}

std::vector<LabelCount> count_labels(const CheckedRows& rows, Findings& findings) {
  const bool choice = rows.definition.output_type == OutputType::multiple_choice;
  if (!choice && rows.definition.labels.empty()) return {};
  constexpr size_t kMostLabels = 200;  // choices that differ from row to row are no labels
  std::map<std::string, int64_t> counts;
  for (const std::string& label : rows.definition.labels) counts[label] = 0;
  for (const Sample& sample : rows.samples) {
    for (const Ask& ask : sample.asks) {
      if (const auto* score = std::get_if<AskScore>(&ask)) counts.emplace(score->continuation, 0);
    }
    if (choice) {
      ++counts[sample.accepted.front()];
    } else if (!sample.accepted.empty()) {
      for (const std::string& label : read_label_set(sample.accepted.front(), rows.definition.labels).labels)
        ++counts[label];
    }
    if (counts.size() > kMostLabels) return {};
  }
  std::vector<LabelCount> labels;
  for (const auto& [label, count] : counts) labels.push_back({label, count});
  std::stable_sort(labels.begin(), labels.end(),
                   [](const LabelCount& a, const LabelCount& b) { return a.rows > b.rows; });
  // With fewer rows the 95 % interval of a label's recall is wider than 33 points at 80 %.
  constexpr int64_t kFewRows = 20;
  std::vector<std::string> rare;
  std::map<std::string, std::string> folded;
  for (const LabelCount& label : labels) {
    if (label.rows < kFewRows) rare.push_back(fmt::format("{} ({})", label.label, label.rows));
    const auto [other, is_new] = folded.emplace(fold_text(label.label), label.label);
    if (!is_new) {
      findings.push_back(
          {Severity::problem,
           "labels",
           fmt::format("'{}' and '{}' differ in case or white space only", label.label, other->second),
           static_cast<size_t>(label.rows),
           {}});
    }
  }
  if (!rare.empty()) {
    rare.resize(std::min<size_t>(rare.size(), 10));
    findings.push_back({Severity::warning,
                        "labels",
                        fmt::format("labels with fewer than {} rows say little about themselves: {}",
                                    kFewRows, fmt::join(rare, ", ")),
                        0,
                        {}});
  }
  return labels;
}

}  // namespace sizeup
