// Checks of each row by itself and against its fellows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>

#include "core/io/sha256.h"
#include "tasks/check/findings.h"
#include "tasks/check/value_counts.h"
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

// 64 bits of a text's SHA-256. That two of ten million texts share one is a matter of 3 in a million.
uint64_t print_of(std::string_view text) {
  const std::array<uint8_t, 32> digest = sha256(text);
  uint64_t print = 0;
  std::memcpy(&print, digest.data(), sizeof print);
  return print;
}

// The longest prompts, and how many there are of each length.
class Lengths {
 public:
  void add(const CheckedRow& row) {
    const auto length = static_cast<int64_t>(row.sample.prompt.user.size());
    lengths_.add(length);
    longest_.emplace_back(length, row.place);
    std::stable_sort(longest_.begin(), longest_.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    if (longest_.size() > kShown) longest_.pop_back();
  }

  void report(Findings& findings) const {
    constexpr int64_t kTimes = 10;  // as long as the middle one
    constexpr int64_t kFewest = 10;
    if (lengths_.count() < kFewest) return;
    const int64_t most = kTimes * std::max<int64_t>(1, lengths_.median());
    const auto count = static_cast<size_t>(lengths_.above(most));
    if (count == 0) return;
    Finding finding{Severity::note,
                    "length",
                    fmt::format("{} prompts are more than ten times as long as the middle one", count),
                    count,
                    {}};
    for (const auto& [length, place] : longest_) {
      if (length > most) finding.examples.push_back(fmt::format("{}: {} bytes", place, length));
    }
    findings.push_back(std::move(finding));
  }

 private:
  static constexpr size_t kShown = 3;
  ValueCounts lengths_;
  std::vector<std::pair<int64_t, std::string>> longest_;
};

class EmptyAndOddRows : public RowCheck {
 public:
  explicit EmptyAndOddRows(const Definition& definition) : definition_(definition) {}

  void add(const CheckedRow& row) override {
    ++rows_;
    const Sample& sample = row.sample;
    const std::string prompt = whole_prompt(sample);
    if (python_strip(prompt).empty()) blank_prompt_.add(row.place);
    const bool any_answer = std::any_of(sample.accepted.begin(), sample.accepted.end(),
                                        [](const std::string& text) { return !python_strip(text).empty(); });
    if (!any_answer && definition_.output_type != OutputType::loglikelihood_rolling)
      blank_answer_.add(row.place);
    if (looks_misread(prompt) || looks_misread(sample.target)) misread_.add(row.place);
    if (has_control_character(prompt)) control_.add(row.place);
    for (const auto& item : row.document.items()) {
      const auto [column, is_new] = columns_.emplace(item.key(), filled_.size());
      if (is_new) filled_.emplace_back(item.key(), 0);
      if (!is_blank(item.value())) ++filled_[column->second].second;
    }
    lengths_.add(row);
  }

  void report(Findings& findings) const override {
    blank_prompt_.report(Severity::problem, "empty", "rows give an empty prompt", findings);
    // Unanswerable questions have no answer on purpose.
    blank_answer_.report(definition_.grounding ? Severity::note : Severity::problem, "empty",
                         "rows have no expected answer", findings);
    misread_.report(Severity::warning, "encoding",
                    "rows have signs of a text that was read in the wrong encoding", findings);
    control_.report(Severity::warning, "encoding", "rows have control characters in the prompt", findings);
    for (const auto& [name, filled] : filled_) {
      if (filled == rows_) continue;
      findings.push_back({Severity::note,
                          "fields",
                          fmt::format("{} of {} rows have nothing in '{}'", rows_ - filled, rows_, name),
                          rows_ - filled,
                          {}});
    }
    lengths_.report(findings);
  }

 private:
  const Definition& definition_;
  size_t rows_ = 0;
  FoundRows blank_prompt_, blank_answer_, misread_, control_;
  std::vector<std::pair<std::string, size_t>> filled_;  // rows with something in the field
  std::unordered_map<std::string, size_t> columns_;     // into filled_
  Lengths lengths_;
};

// Which row had a print first: a table of open addressing, since it holds a line of every row of the data and
// the nodes of std::unordered_map are three times as large.
class FirstRows {
 public:
  struct Row {
    uint64_t print = 0;
    uint64_t target = 0;
    int64_t index = kNone;
  };

  // The row with this print that came first; `row` itself if none did.
  Row first(const Row& row) {
    if (10 * (rows_ + 1) > 8 * table_.size()) grow();
    Row& place = place_of(row.print);
    if (place.index == kNone) {
      place = row;
      ++rows_;
    }
    return place;
  }

 private:
  static constexpr int64_t kNone = -1;
  static constexpr size_t kSmallest = 1024;

  Row& place_of(uint64_t print) {
    size_t at = print % table_.size();
    while (table_[at].index != kNone && table_[at].print != print) at = (at + 1) % table_.size();
    return table_[at];
  }

  void grow() {
    const std::vector<Row> old =
        std::exchange(table_, std::vector<Row>(std::max(kSmallest, table_.size() / 2 * 3)));
    for (const Row& row : old) {
      if (row.index != kNone) place_of(row.print) = row;
    }
  }

  std::vector<Row> table_;
  size_t rows_ = 0;
};

class Duplicates : public RowCheck {
 public:
  void add(const CheckedRow& row) override {
    const Sample& sample = row.sample;
    const FirstRows::Row document{print_of(without_id(row.document)), 0, sample.index};
    if (const FirstRows::Row first = documents_.first(document); first.index != sample.index) {
      same_.add(row.place, "as " + shown_document(first.index));
      return;
    }
    const FirstRows::Row asked{print_of(fold_text(whole_prompt(sample))), print_of(sample.target),
                               sample.index};
    const FirstRows::Row first = prompts_.first(asked);
    if (first.index == sample.index) return;
    (first.target == asked.target ? alike_ : contrary_).add(row.place, "as " + shown_document(first.index));
  }

  void report(Findings& findings) const override {
    contrary_.report(Severity::problem, "contradictions",
                     "rows ask what another row asks and expect another answer", findings);
    same_.report(Severity::warning, "duplicates", "rows repeat another row", findings);
    alike_.report(Severity::note, "duplicates", "rows have another row's prompt and answer", findings);
  }

 private:
  FirstRows documents_;
  FirstRows prompts_;
  FoundRows same_, contrary_, alike_;
};

class Labels : public RowCheck {
 public:
  Labels(const Definition& definition, std::vector<LabelCount>& labels)
      : definition_(definition), labels_(labels) {
    for (const std::string& label : definition.labels) counts_[label] = 0;
    counting_ = is_choice() || !definition.labels.empty();
  }

  void add(const CheckedRow& row) override {
    if (!counting_) return;
    const Sample& sample = row.sample;
    for (const Ask& ask : sample.asks) {
      if (const auto* score = std::get_if<AskScore>(&ask)) counts_.emplace(score->continuation, 0);
    }
    if (is_choice()) {
      ++counts_[sample.accepted.front()];
    } else if (!sample.accepted.empty()) {
      for (const std::string& label : read_label_set(sample.accepted.front(), definition_.labels).labels)
        ++counts_[label];
    }
    constexpr size_t kMostLabels = 200;  // choices that differ from row to row are no labels
    if (counts_.size() > kMostLabels) counting_ = false;
  }

  void report(Findings& findings) const override {
    labels_.clear();
    if (!counting_) return;
    for (const auto& [label, count] : counts_) labels_.push_back({label, count});
    std::stable_sort(labels_.begin(), labels_.end(),
                     [](const LabelCount& a, const LabelCount& b) { return a.rows > b.rows; });
    // With fewer rows the 95 % interval of a label's recall is wider than 33 points at 80 %.
    constexpr int64_t kFewRows = 20;
    std::vector<std::string> rare;
    std::map<std::string, std::string> folded;
    for (const LabelCount& label : labels_) {
      if (label.rows < kFewRows) rare.push_back(fmt::format("{} ({})", label.label, label.rows));
      const auto [other, is_new] = folded.emplace(fold_text(label.label), label.label);
      if (is_new) continue;
      findings.push_back(
          {Severity::problem,
           "labels",
           fmt::format("'{}' and '{}' differ in case or white space only", label.label, other->second),
           static_cast<size_t>(label.rows),
           {}});
    }
    if (rare.empty()) return;
    rare.resize(std::min<size_t>(rare.size(), 10));
    findings.push_back({Severity::warning,
                        "labels",
                        fmt::format("labels with fewer than {} rows say little about themselves: {}",
                                    kFewRows, fmt::join(rare, ", ")),
                        0,
                        {}});
  }

 private:
  bool is_choice() const { return definition_.output_type == OutputType::multiple_choice; }

  const Definition& definition_;
  std::vector<LabelCount>& labels_;
  std::map<std::string, int64_t> counts_;
  bool counting_ = false;
};

}  // namespace

std::unique_ptr<RowCheck> empty_and_odd_rows(const Definition& definition) {
  return std::make_unique<EmptyAndOddRows>(definition);
}

std::unique_ptr<RowCheck> duplicates() {
  return std::make_unique<Duplicates>();
}

std::unique_ptr<RowCheck> label_counts(const Definition& definition, std::vector<LabelCount>& labels) {
  return std::make_unique<Labels>(definition, labels);
}

}  // namespace sizeup
