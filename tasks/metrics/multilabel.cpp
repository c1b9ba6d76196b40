#include "tasks/metrics/multilabel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "core/json/json.h"
#include "tasks/metrics/classification.h"
#include "tasks/text/split.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kSeparators = ",;|\n";

using Names = std::unordered_map<std::string, std::string>;  // folded -> the task's spelling

std::string_view without_bullet(std::string_view piece) {
  piece = python_strip(piece);
  for (const std::string_view bullet : {"- ", "* ", "\u2022"}) {
    if (piece.starts_with(bullet)) return python_strip(piece.substr(bullet.size()));
  }
  return piece;
}

void add_name(std::string_view name, const Names& names, LabelSet& set) {
  const std::string folded = fold_text(name);
  if (folded.empty()) return;
  const auto known = names.find(folded);
  if (known != names.end()) {
    set.labels.insert(known->second);
  } else {
    set.has_unknown = true;
  }
}

// The names of a text with separators between them. A label with a separator inside is found by taking
// several pieces together, never more than the longest label has.
void add_separated(std::string_view text, const Names& names, LabelSet& set) {
  size_t most_pieces = 1;
  for (const auto& [folded, name] : names) {
    const auto separators = std::count_if(
        name.begin(), name.end(), [](char c) { return kSeparators.find(c) != std::string_view::npos; });
    most_pieces = std::max(most_pieces, static_cast<size_t>(separators) + 1);
  }
  const std::vector<std::string_view> pieces = split_at(text, kSeparators);
  for (size_t i = 0; i < pieces.size();) {
    size_t taken = std::min(most_pieces, pieces.size() - i);
    for (; taken > 1; --taken) {
      const std::string_view& last = pieces[i + taken - 1];
      const auto length = static_cast<size_t>(last.data() + last.size() - pieces[i].data());
      const std::string_view joined(pieces[i].data(), length);
      if (names.contains(fold_text(without_bullet(joined)))) {
        add_name(without_bullet(joined), names, set);
        break;
      }
    }
    if (taken == 1) add_name(without_bullet(pieces[i]), names, set);
    i += taken;
  }
}

std::string shown(const LabelSet& set) {
  std::vector<std::string> names(set.labels.begin(), set.labels.end());
  if (set.has_unknown) names.emplace_back(kInvalidLabel);
  return fmt::format("{}", fmt::join(names, "\n"));
}

struct Compared {
  LabelSet gold;
  LabelSet predicted;
  size_t hits = 0;
  size_t named = 0;  // predicted labels; everything that is no label counts as one
};

Compared compare(const ScoreInput& input, ScoreWriter& out) {
  Compared compared;
  for (const std::string& accepted : input.sample.accepted) {
    compared.gold.labels.merge(read_label_set(accepted, input.facts.labels).labels);
  }
  compared.predicted = read_label_set(input.answer, input.facts.labels);
  compared.named = compared.predicted.labels.size() + (compared.predicted.has_unknown ? 1 : 0);
  for (const std::string& label : compared.predicted.labels) {
    compared.hits += compared.gold.labels.contains(label) ? 1 : 0;
  }
  if (compared.predicted.has_unknown) out.mark_invalid();
  out.detail("gold_labels", shown(compared.gold));
  out.detail("predicted_labels", shown(compared.predicted));
  return compared;
}

struct Counts {
  double hits = 0.0;
  double gold = 0.0;
  double predicted = 0.0;
};

// The names of a detail that score_label_sets wrote.
std::vector<std::string_view> names_of(const std::optional<std::string>& shown) {
  if (!shown || shown->empty()) return {};
  return split_at(*shown, "\n");
}

std::map<std::string, Counts, std::less<>> counts_of(const ScoredSet& set) {
  std::map<std::string, Counts, std::less<>> counts;
  const auto at = [&](std::string_view name) -> Counts& {
    const auto found = counts.find(name);
    return found == counts.end() ? counts[std::string(name)] : found->second;
  };
  for (size_t row = 0; row < set.rows(); ++row) {
    const auto count = static_cast<double>(set.count(row));
    if (count == 0.0) continue;
    const std::vector<std::string_view> gold = names_of(set.detail(row, "gold_labels"));
    for (const std::string_view name : gold) at(name).gold += count;
    for (const std::string_view name : names_of(set.detail(row, "predicted_labels"))) {
      Counts& label = at(name);
      label.predicted += count;
      label.hits += std::find(gold.begin(), gold.end(), name) != gold.end() ? count : 0.0;
    }
  }
  return counts;
}

}  // namespace

LabelSet read_label_set(std::string_view text, const std::vector<std::string>& labels) {
  Names names;
  for (const std::string& label : labels) names.emplace(fold_text(label), label);
  LabelSet set;
  const std::string folded = fold_text(text);
  if (names.contains(folded)) {
    add_name(text, names, set);
    return set;
  }
  if (folded.empty() || folded == "none") return set;
  const std::string_view stripped = python_strip(text);
  if (stripped.starts_with('[') || stripped.starts_with('"')) {
    const Result<Json> value = parse_json(stripped, "answer");
    if (value && value->is_string()) return read_label_set(value->get<std::string>(), labels);
    if (value && value->is_array()) {
      for (const Json& item : *value) {
        if (item.is_string()) {
          add_name(item.get_ref<const std::string&>(), names, set);
        } else {
          set.has_unknown = true;
        }
      }
      return set;
    }
  }
  add_separated(text, names, set);
  return set;
}

void score_label_sets(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  compare(input, out);
}

void score_multilabel_exact(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const Compared sets = compare(input, out);
  const bool equal = sets.hits == sets.named && sets.hits == sets.gold.labels.size();
  out.score("multilabel_exact", equal ? 1.0 : 0.0);
}

void score_multilabel_f1(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const Compared sets = compare(input, out);
  const size_t both = sets.named + sets.gold.labels.size();
  out.score("multilabel_f1",
            both == 0 ? 1.0 : 2.0 * static_cast<double>(sets.hits) / static_cast<double>(both));
}

void score_multilabel_jaccard(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const Compared sets = compare(input, out);
  const size_t either = sets.named + sets.gold.labels.size() - sets.hits;
  out.score("multilabel_jaccard",
            either == 0 ? 1.0 : static_cast<double>(sets.hits) / static_cast<double>(either));
}

// What is no label counts as one wrong decision, and a sample at most as entirely wrong.
void score_multilabel_hamming(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const Compared sets = compare(input, out);
  const size_t wrong = sets.named + sets.gold.labels.size() - 2 * sets.hits;
  const size_t decisions = input.facts.labels.size();
  out.score("multilabel_hamming",
            static_cast<double>(std::min(wrong, decisions)) / static_cast<double>(decisions));
}

double aggregate_multilabel_micro_f1(const ScoredSet& set) {
  Counts all;
  for (const auto& [name, label] : counts_of(set)) {
    all.hits += label.hits;
    all.gold += label.gold;
    all.predicted += label.predicted;
  }
  return all.gold + all.predicted == 0.0 ? kNaN : 2.0 * all.hits / (all.gold + all.predicted);
}

double aggregate_multilabel_macro_f1(const ScoredSet& set) {
  double total = 0.0;
  double labels = 0.0;
  for (const auto& [name, label] : counts_of(set)) {
    if (name == kInvalidLabel) continue;
    total += 2.0 * label.hits / (label.gold + label.predicted);
    labels += 1.0;
  }
  return labels == 0.0 ? kNaN : total / labels;
}

}  // namespace sizeup
