// The samples of the report with what both models made of them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "core/json/json.h"
#include "harness/store/read_at_once.h"
#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// A place in a stored answer, in bytes, that the source does not support.
struct StoredSpan {
  size_t begin = 0;
  size_t end = 0;
  std::string why;
};

size_t offset_at(const Json& entry, const char* key) {
  const auto at = entry.find(key);
  return at != entry.end() && at->is_number_unsigned() ? at->get<size_t>() : 0;
}

bool flag_at(const Json& entry, const char* key, bool otherwise) {
  const auto at = entry.find(key);
  return at != entry.end() && at->is_boolean() ? at->get<bool>() : otherwise;
}

std::string text_at(const Json& entry, const char* key) {
  const auto at = entry.find(key);
  return at != entry.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::string why_unsupported(const Json& claim) {
  std::vector<std::string> items;
  const auto list = claim.find("items");
  if (list != claim.end() && list->is_array()) {
    for (const Json& item : *list) {
      if (item.is_object() && !flag_at(item, "supported", true))
        items.push_back(text_at(item, "kind") + " not in the source");
    }
  }
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  std::string why;
  for (const std::string& item : items) why += (why.empty() ? "" : ", ") + item;
  if (!why.empty()) return "unsupported: " + why;
  const auto recall = claim.find("word_recall");
  const double share = recall != claim.end() && recall->is_number() ? recall->get<double>() : 0.0;
  return fmt::format("unsupported: {:.0f}\u00a0% of its words are in the source", 100.0 * share);
}

// Sentences without support, as the task's metric found them.
void add_claims(const AnswerRow& answer, std::vector<StoredSpan>& spans) {
  const std::string* stored = find_detail(answer, "evidence");
  if (stored == nullptr) return;
  const Result<Json> claims = parse_json(*stored, "evidence");
  if (!claims || !claims->is_array()) return;
  for (const Json& claim : *claims) {
    if (claim.is_object() && !flag_at(claim, "supported", true)) {
      spans.push_back({offset_at(claim, "begin"), offset_at(claim, "end"), why_unsupported(claim)});
    }
  }
}

// Field values that occur nowhere in the source; the metric names the value, not its place.
void add_fabricated(const AnswerRow& answer, std::vector<StoredSpan>& spans) {
  const std::string* stored = find_detail(answer, "fields");
  if (stored == nullptr) return;
  const Result<Json> fields = parse_json(*stored, "fields");
  if (!fields || !fields->is_object()) return;
  for (const auto& [path, field] : fields->items()) {
    if (!field.is_object() || !flag_at(field, "fabricated", false)) continue;
    const std::string value = text_at(field, "answered");
    const size_t at = value.empty() ? std::string::npos : answer.answer.find(value);
    if (at != std::string::npos)
      spans.push_back({at, at + value.size(), clean_name(path) + ": this value is not in the source"});
  }
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The rows of one model and task, one sample of the task after the other, in whose order they stand.
class CellRows {
 public:
  CellRows(const Cell& cell, std::vector<WrittenText> written) : cell_(cell), written_(std::move(written)) {
    for (const TimingRow& timing : cell.timings) total_ms_[timing.sample_id] = timing.total_ms;
  }

  struct Row {
    const AnswerRow* answer = nullptr;
    std::optional<double> score;
    std::optional<double> total_ms;
    const std::string* written = nullptr;
  };
  // Of this sample, which stands after that of the last call.
  Row next(int64_t sample) {
    Row row;
    if (answer_ == cell_.answers.size() || cell_.answers[answer_].sample_id != sample) return row;
    row.answer = &cell_.answers[answer_++];
    if (score_ < cell_.scores.size() && cell_.scores[score_].sample == sample)
      row.score = cell_.scores[score_++].value;
    if (const auto time = total_ms_.find(sample); time != total_ms_.end()) row.total_ms = time->second;
    row.written = written_to(sample);
    return row;
  }

 private:
  // Texts stand in the order of the samples' ids, mostly that of the data.
  const std::string* written_to(int64_t sample) {
    if (text_ == written_.size() || written_[text_].sample != sample) {
      text_ = static_cast<size_t>(std::ranges::lower_bound(written_, sample, {}, &WrittenText::sample) -
                                  written_.begin());
    }
    if (text_ == written_.size() || written_[text_].sample != sample) return nullptr;
    return &written_[text_++].text;
  }

  const Cell& cell_;
  std::vector<WrittenText> written_;
  std::unordered_map<int64_t, double> total_ms_;
  size_t answer_ = 0;
  size_t score_ = 0;
  size_t text_ = 0;
};

class Collector {
 public:
  Collector(const Store& store, const RunContent& content, const Redactor& redactor,
            const ReportOptions& options, const SampleChoice& choice)
      : store_(store), content_(content), redactor_(redactor), options_(options), choice_(choice) {}

  Result<CollectedSamples> collect() {
    size_t all = 0;
    for (const std::vector<SampleRow>& samples : content_.samples) all += samples.size();
    out_.samples.reserve(all);
    for (size_t task = 0; task < content_.tasks.size(); ++task) {
      const Cell& small = cell_of(choice_.candidate, task);
      const Cell& large = choice_.baseline ? cell_of(*choice_.baseline, task) : no_cell_;
      std::vector<WrittenText> small_texts;
      std::vector<WrittenText> large_texts;
      auto read =
          read_at_once(store_, {[&](const Store& from) { return read_texts(from, small, small_texts); },
                                [&](const Store& from) { return read_texts(from, large, large_texts); }});
      if (!read) return forward_error(read);
      CellRows small_rows(small, std::move(small_texts));
      CellRows large_rows(large, std::move(large_texts));
      for (const SampleRow& row : content_.samples[task]) {
        const CellRows::Row candidate = small_rows.next(row.id);
        const CellRows::Row baseline = large_rows.next(row.id);
        if (candidate.answer == nullptr && baseline.answer == nullptr) continue;
        ReportSample sample = describe(row, task);
        fill(candidate, sample.candidate);
        fill(baseline, sample.baseline);
        out_.samples.push_back(std::move(sample));
      }
    }
    return std::move(out_);
  }

 private:
  const Cell& cell_of(int model, size_t task) const {
    return content_.cells[static_cast<size_t>(model)][task];
  }

  Result<void> read_texts(const Store& store, const Cell& cell, std::vector<WrittenText>& out) const {
    const bool written =
        cell.evaluation.protocol == "generative" || cell.evaluation.task.output_type == "generate_until";
    if (!written || options_.no_text) return {};
    Result<std::vector<WrittenText>> texts = read_written_texts(store, cell.evaluation.id);
    if (!texts) return forward_error(texts);
    out = std::move(*texts);
    return {};
  }

  EditedText edited(const std::string& stored) {
    EditedText text(stored);
    if (text.repaired()) ++out_.repaired_texts;
    redactor_.redact(text);
    return text;
  }

  std::string text_of(const std::string& stored) {
    return options_.no_text ? std::string() : edited(stored).text();
  }

  // Task and document, once: document identifiers often begin with their task's name.
  std::string unique_id(const SampleRow& row, size_t task) {
    const std::string& name = choice_.task_names[task];
    std::string id = shown_name(redactor_, row.document_id);
    if (!id.starts_with(name)) id = name + "-" + id;
    std::string candidate = id;
    for (int copy = 2; !ids_.insert(candidate).second; ++copy) candidate = fmt::format("{} ({})", id, copy);
    return candidate;
  }

  // Fields and values of slices are few.
  const std::string& shown(const std::string& name) {
    const auto [at, is_new] = shown_.try_emplace(name);
    if (is_new) at->second = shown_name(redactor_, name);
    return at->second;
  }

  ReportSample describe(const SampleRow& row, size_t task) {
    ReportSample sample;
    sample.id = unique_id(row, task);
    sample.task = static_cast<int>(task);
    for (const auto& [field, value] : row.slices) sample.slices[shown(field)] = shown(value);
    sample.input = text_of(row.prompt);
    sample.expected = text_of(row.target);
    sample.source = text_of(row.source);
    return sample;
  }

  void fill(const CellRows::Row& row, ReportAnswer& out) {
    if (row.answer == nullptr) return;
    const AnswerRow& answer = *row.answer;
    out.present = true;
    out.score = row.score;
    out.total_ms = row.total_ms;
    if (std::isfinite(answer.confidence)) out.confidence = answer.confidence;
    if (answer.error) {
      out.status = "error";
    } else if (answer.no_answer) {
      out.status = "no_answer";
    } else if (answer.invalid) {
      out.status = "invalid";
    }
    out.invented = invented_kinds(answer);
    if (options_.no_text) return;
    if (answer.error) {
      out.text = "failed: " + edited(*answer.error).text();
      return;
    }
    // What the model wrote; for choices, the one that was taken.
    show(answer, row.written == nullptr ? answer.answer : *row.written, out);
  }

  void show(const AnswerRow& answer, const std::string& written, ReportAnswer& out) {
    const size_t at = written.find(answer.answer);
    // Evidence points into the extracted answer; without its place in what was written, that answer is shown.
    std::vector<StoredSpan> spans;
    add_claims(answer, spans);
    add_fabricated(answer, spans);
    const bool inside = at != std::string::npos;
    const EditedText text = edited(inside || spans.empty() ? written : answer.answer);
    const size_t shift = inside && !spans.empty() ? at : 0;
    out.text = text.text();
    const bool same = trimmed(written) == trimmed(answer.answer) || answer.answer.empty();
    if (!same) out.extracted = edited(answer.answer).text();
    for (const StoredSpan& span : spans) {
      ReportEvidence evidence{text.utf16_offset(span.begin + shift, false),
                              text.utf16_offset(span.end + shift, true), span.why};
      if (evidence.start < evidence.end) out.evidence.push_back(std::move(evidence));
    }
  }

  const Store& store_;
  const RunContent& content_;
  const Redactor& redactor_;
  const ReportOptions& options_;
  const SampleChoice& choice_;
  CollectedSamples out_;
  const Cell no_cell_;
  std::unordered_set<std::string> ids_;
  std::unordered_map<std::string, std::string> shown_;
};

}  // namespace

Result<CollectedSamples> collect_samples(const Store& store, const RunContent& content,
                                         const Redactor& redactor, const ReportOptions& options,
                                         const SampleChoice& choice) {
  return Collector(store, content, redactor, options, choice).collect();
}

}  // namespace sizeup
