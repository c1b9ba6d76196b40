#include "reports/samples_index.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/json/json.h"
#include "reports/text.h"

namespace sizeup {
namespace {

constexpr size_t kMostEmbedded = 100'000;
constexpr size_t kSnippet = 60;  // code points: one line of the list

constexpr std::array<std::string_view, 4> kOutcomes = {"both", "small", "large", "none"};
constexpr std::array<std::string_view, 4> kStatuses = {"", "no_answer", "invalid", "error"};
constexpr std::array<std::string_view, 15> kFixedColumns = {
    "id",          "task",        "outcome",  "status",   "large_status", "confidence",  "large_confidence",
    "small_score", "large_score", "small_ms", "large_ms", "marks",        "large_marks", "invented",
    "snippet"};

template <size_t N>
size_t place_in(const std::array<std::string_view, N>& words, std::string_view word) {
  return static_cast<size_t>(std::find(words.begin(), words.end(), word) - words.begin());
}

template <size_t N>
Json words_json(const std::array<std::string_view, N>& words) {
  Json out = Json::array();
  for (const std::string_view word : words) out.push_back(std::string(word));
  return out;
}

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

bool worth_keeping(const ReportSample& sample, bool pair) {
  if (!sample.candidate.right() || !sample.candidate.status.empty()) return true;
  return pair && (sample.candidate.score != sample.baseline.score || !sample.baseline.status.empty());
}

Json evidence_json(const std::vector<ReportEvidence>& evidence) {
  Json out = Json::array();
  for (const ReportEvidence& span : evidence) out.push_back(Json::array({span.start, span.end, span.why}));
  return out;
}

// Bit k is set if the answer is invented in the k-th of these ways.
int64_t kinds_of(const ReportAnswer& answer, const std::vector<std::string>& kinds) {
  int64_t bits = 0;
  for (const std::string& kind : answer.invented) {
    const auto at = std::find(kinds.begin(), kinds.end(), kind);
    if (at != kinds.end()) bits |= int64_t{1} << (at - kinds.begin());
  }
  return bits;
}

// What every input of a task begins with (an instruction, few-shot examples), to the last white space in it:
// it would fill every line of the list with the same words. Empty if it is short.
std::vector<size_t> common_beginnings(const std::vector<const ReportSample*>& samples, size_t tasks) {
  constexpr size_t kWorthCutting = 24;  // bytes
  std::vector<const std::string*> first(tasks, nullptr);
  std::vector<size_t> length(tasks, 0);
  std::vector<size_t> count(tasks, 0);
  for (const ReportSample* sample : samples) {
    const auto task = static_cast<size_t>(sample->task);
    const std::string& input = sample->input;
    if (count[task]++ == 0) {
      first[task] = &input;
      length[task] = input.size();
      continue;
    }
    const size_t limit = std::min(length[task], input.size());
    const auto end = std::mismatch(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(limit),
                                   first[task]->begin());
    length[task] = static_cast<size_t>(end.first - input.begin());
  }
  for (size_t task = 0; task < tasks; ++task) {
    if (first[task] == nullptr) continue;
    const size_t space =
        length[task] == 0 ? std::string::npos : first[task]->find_last_of(" \n\t", length[task] - 1);
    length[task] = space == std::string::npos || count[task] < 2 ? 0 : space + 1;
    if (length[task] < kWorthCutting) length[task] = 0;
  }
  return length;
}

size_t first_to_show(const std::vector<const ReportSample*>& samples, bool pair) {
  const auto only_large = [&](const ReportSample* s) {
    return pair && s->baseline.right() && !s->candidate.right();
  };
  auto at = std::find_if(samples.begin(), samples.end(), only_large);
  if (at == samples.end())
    at = std::find_if(samples.begin(), samples.end(),
                      [](const ReportSample* s) { return !s->candidate.right(); });
  return at == samples.end() ? 0 : static_cast<size_t>(at - samples.begin());
}

}  // namespace

std::vector<const ReportSample*> embedded_samples(const ReportData& data) {
  std::vector<const ReportSample*> out;
  const size_t all = data.samples.size();
  if (all <= kMostEmbedded) {
    for (const ReportSample& sample : data.samples) out.push_back(&sample);
    return out;
  }
  size_t kept = 0;
  for (const ReportSample& sample : data.samples) kept += worth_keeping(sample, data.is_pair()) ? 1 : 0;
  const size_t room = kept >= kMostEmbedded ? 0 : kMostEmbedded - kept;
  const size_t others = all - kept;
  size_t seen = 0;
  for (const ReportSample& sample : data.samples) {
    const bool keep = worth_keeping(sample, data.is_pair());
    // The others are spread evenly: number i of them is taken when i * room / others steps up.
    const bool chosen = !keep && (seen + 1) * room / others > seen * room / others;
    if (!keep) ++seen;
    if ((keep || chosen) && out.size() < kMostEmbedded) out.push_back(&sample);
  }
  return out;
}

std::string outcome_of(const ReportSample& sample, bool pair) {
  const bool small = sample.candidate.right();
  const bool large = pair && sample.baseline.right();
  if (small) return large ? "both" : "small";
  return large ? "large" : "none";
}

std::vector<SliceColumn> slice_columns(const ReportData& data) {
  std::vector<SliceColumn> columns;
  for (const ReportSample& sample : data.samples) {
    for (const auto& slice : sample.slices) {
      const std::string& field = slice.first;
      auto at = std::find_if(columns.begin(), columns.end(),
                             [&](const SliceColumn& c) { return c.field == field; });
      if (at == columns.end()) {
        const bool taken =
            std::find(kFixedColumns.begin(), kFixedColumns.end(), field) != kFixedColumns.end() ||
            field == "i" || field == "small" || field == "large" || field == "flip";
        columns.push_back({field, taken ? "slice_" + field : field, {}});
        at = columns.end() - 1;
      }
      if (std::find(at->values.begin(), at->values.end(), slice.second) == at->values.end())
        at->values.push_back(slice.second);
    }
  }
  return columns;
}

std::vector<std::string> invented_keys(const ReportData& data) {
  std::vector<std::string> keys;
  for (const ReportHallucination& kind : data.hallucination) {
    if (std::find(keys.begin(), keys.end(), kind.sample_key) == keys.end()) keys.push_back(kind.sample_key);
  }
  return keys;
}

Json samples_header(const ReportData& data) {
  const std::vector<const ReportSample*> samples = embedded_samples(data);
  const std::vector<SliceColumn> slices = slice_columns(data);
  Json enums = Json::object();
  enums["task"] = Json::array();
  for (const ReportTask& task : data.tasks) enums["task"].push_back(task.name);
  Json fields = Json::array();
  Json columns = Json::array();
  for (const std::string_view column : kFixedColumns) columns.push_back(std::string(column));
  for (const SliceColumn& slice : slices) {
    fields.push_back(Json{{"field", slice.field}, {"column", slice.column}});
    enums[slice.column] = slice.values;
    columns.push_back(slice.column);
  }
  enums["outcome"] = words_json(kOutcomes);
  enums["status"] = words_json(kStatuses);
  enums["large_status"] = words_json(kStatuses);
  Json out = Json::object();
  out["count"] = samples.size();
  out["of"] = data.samples.size();
  out["chunk"] = kSamplesInBlock;
  out["encoding"] = "gzip+base64";
  out["index"] = "samples-index";
  out["text"] = data.texts ? Json("samples-text-K") : Json(nullptr);
  out["first"] = first_to_show(samples, data.is_pair());
  out["enums"] = std::move(enums);
  out["slices"] = std::move(fields);
  out["invented"] = invented_keys(data);
  out["index_columns"] = std::move(columns);
  return out;
}

Json samples_index(const ReportData& data) {
  const std::vector<std::string> kinds = invented_keys(data);
  const std::vector<SliceColumn> slices = slice_columns(data);
  Json out = Json::object();
  for (const std::string_view column : kFixedColumns) out[std::string(column)] = Json::array();
  for (const SliceColumn& slice : slices) out[slice.column] = Json::array();
  const bool pair = data.is_pair();
  const std::vector<const ReportSample*> samples = embedded_samples(data);
  const std::vector<size_t> beginnings = common_beginnings(samples, data.tasks.size());
  for (const ReportSample* sample : samples) {
    const ReportAnswer& small = sample->candidate;
    const ReportAnswer& large = sample->baseline;
    out["id"].push_back(sample->id);
    out["task"].push_back(sample->task);
    out["outcome"].push_back(place_in(kOutcomes, outcome_of(*sample, pair)));
    out["status"].push_back(place_in(kStatuses, small.status));
    out["large_status"].push_back(place_in(kStatuses, large.status));
    out["confidence"].push_back(number_or_null(small.confidence));
    out["large_confidence"].push_back(number_or_null(large.confidence));
    out["small_score"].push_back(number_or_null(small.score));
    out["large_score"].push_back(number_or_null(large.score));
    out["small_ms"].push_back(number_or_null(small.total_ms));
    out["large_ms"].push_back(number_or_null(large.total_ms));
    out["marks"].push_back(small.evidence.size());
    out["large_marks"].push_back(large.evidence.size());
    out["invented"].push_back(kinds_of(small, kinds));
    const size_t cut = beginnings[static_cast<size_t>(sample->task)];
    const std::string_view rest = std::string_view(sample->input).substr(cut);
    out["snippet"].push_back(!data.texts ? std::string() : (cut > 0 ? "… " : "") + snippet(rest, kSnippet));
    for (const SliceColumn& slice : slices) {
      const auto value = sample->slices.find(slice.field);
      if (value == sample->slices.end()) {
        out[slice.column].push_back(nullptr);
      } else {
        const auto at = std::find(slice.values.begin(), slice.values.end(), value->second);
        out[slice.column].push_back(at - slice.values.begin());
      }
    }
  }
  return out;
}

Json samples_texts(const std::vector<const ReportSample*>& samples, size_t block, bool pair) {
  Json out = Json::array();
  const size_t end = std::min(samples.size(), (block + 1) * kSamplesInBlock);
  for (size_t i = block * kSamplesInBlock; i < end; ++i) {
    const ReportSample& sample = *samples[i];
    Json text = Json::object();
    text["input"] = sample.input;
    text["expected"] = sample.expected;
    text["small"] = sample.candidate.text;
    if (pair) text["large"] = sample.baseline.text;
    if (!sample.source.empty()) text["source"] = sample.source;
    Json evidence = Json::object();
    Json extracted = Json::object();
    const auto side = [&](const char* key, const ReportAnswer& answer) {
      if (!answer.evidence.empty()) evidence[key] = evidence_json(answer.evidence);
      if (!answer.extracted.empty()) extracted[key] = answer.extracted;
    };
    side("small", sample.candidate);
    if (pair) side("large", sample.baseline);
    if (!evidence.empty()) text["evidence"] = std::move(evidence);
    if (!extracted.empty()) text["extracted"] = std::move(extracted);
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace sizeup
