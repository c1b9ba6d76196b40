#include "reports/verdict_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/report.h"

namespace sizeup {
namespace {

using Kind = SentencePart::Kind;

// More tasks than a reader takes in as a sentence.
constexpr size_t kMostNamedTasks = 6;

class Sentence {
 public:
  void add(Kind kind, std::string text) {
    if (!text.empty()) parts_.push_back({kind, std::move(text)});
  }
  void plain(std::string text) { add(Kind::plain, std::move(text)); }
  void strong(std::string text) { add(Kind::strong, std::move(text)); }
  void number(std::string text) { add(Kind::number, std::move(text)); }
  std::vector<SentencePart> parts() && { return std::move(parts_); }

 private:
  std::vector<SentencePart> parts_;
};

using Differences = std::vector<const ReportDifference*>;

Differences with_verdict(const ReportData& data, Verdict verdict) {
  Differences out;
  for (const ReportDifference& difference : data.differences) {
    if (difference.result.verdict == verdict) out.push_back(&difference);
  }
  return out;
}

bool one_margin(const ReportData& data) {
  return std::all_of(data.tasks.begin(), data.tasks.end(),
                     [&](const ReportTask& task) { return task.margin == data.tasks.front().margin; });
}

// Writes "a (numbers), b (numbers) or c (numbers)"; the first number of a sentence says what the numbers are.
class NumberedList {
 public:
  NumberedList(const ReportData& data, Sentence& sentence) : data_(data), sentence_(sentence) {}

  void write(const Differences& differences, const std::string& last_word, Kind name_kind) {
    for (size_t i = 0; i < differences.size(); ++i) {
      if (i > 0) sentence_.plain(i + 1 == differences.size() ? " " + last_word + " " : ", ");
      sentence_.add(name_kind, task_name(data_, differences[i]->task));
      sentence_.plain(" ");
      sentence_.number(numbers(*differences[i]));
    }
  }

 private:
  std::string numbers(const ReportDifference& difference) {
    const PairedDifference& d = difference.result.difference;
    const double margin = margin_of(data_, difference);
    const std::string range = format_points_range(d.lo, d.hi, margin);
    if (!std::exchange(first_, false) && one_margin(data_)) {
      return fmt::format("({}\u00a0pp, {})", format_points(d.difference), range);
    }
    return fmt::format("({}\u00a0pp, 95\u00a0% interval {}, margin\u00a0{}\u00a0pp)",
                       format_points(d.difference), range, format_margin(margin));
  }

  const ReportData& data_;
  Sentence& sentence_;
  bool first_ = true;
};

std::string times(double factor) {
  return format_significant(factor, 2) + "×";
}

// "it costs 1/14 and answers 6× faster"; empty where neither is known.
std::string price_and_speed(const ReportData& data) {
  std::string out;
  if (const std::optional<double> cheaper = times_cheaper(data)) {
    if (*cheaper >= 2.0) {
      out = fmt::format("it costs 1/{:.0f}", *cheaper);
    } else if (*cheaper >= 1.0) {
      out = fmt::format("it costs {:.0f}\u00a0% of the large model", 100.0 / *cheaper);
    } else {
      out = fmt::format("it costs {} as much", times(1.0 / *cheaper));
    }
  }
  if (const std::optional<double> faster = times_faster(data)) {
    out += out.empty() ? "it answers " : " and answers ";
    out += *faster >= 1.0 ? times(*faster) + " faster" : times(1.0 / *faster) + " slower";
  }
  return out;
}

std::string more_samples(const Differences& open) {
  int64_t most = 0;
  for (const ReportDifference* difference : open) {
    if (!difference->result.more) return {};
    most = std::max(most, *difference->result.more);
  }
  if (most == 0) return {};
  return open.size() == 1
             ? fmt::format("about {} more samples would decide", format_count(most))
             : fmt::format("up to about {} more samples of each would decide", format_count(most));
}

std::string names(const ReportData& data, const Differences& differences) {
  std::string out;
  for (size_t i = 0; i < differences.size(); ++i) {
    if (i > 0) out += i + 1 == differences.size() ? " and " : ", ";
    out += task_name(data, differences[i]->task);
  }
  return out;
}

void sentence_by_task(const ReportData& data, const std::string& subject, Sentence& sentence) {
  const Differences yes = with_verdict(data, Verdict::yes);
  const Differences no = with_verdict(data, Verdict::no);
  const Differences open = with_verdict(data, Verdict::not_enough_data);
  NumberedList list(data, sentence);
  if (!yes.empty()) {
    sentence.strong(subject + " is good enough for ");
    list.write(yes, "and", Kind::strong);
    if (!no.empty()) {
      sentence.plain(", not for ");
      list.write(no, "or", Kind::plain);
    }
  } else if (!no.empty()) {
    sentence.strong(subject + " is not good enough for ");
    list.write(no, "or", Kind::strong);
  }
  if (yes.empty() && no.empty()) {
    sentence.strong("There is not enough data yet");
    sentence.plain(
        fmt::format(" to say whether {} is good enough for ", subject == "Small" ? "small" : subject));
    list.write(open, "and", Kind::plain);
    const std::string more = more_samples(open);
    sentence.plain(more.empty() ? "." : ": " + more + ".");
    return;
  }
  const std::string extra = price_and_speed(data);
  sentence.plain(extra.empty() ? "." : "; " + extra + ".");
  if (open.empty()) return;
  const std::string more = more_samples(open);
  sentence.plain(fmt::format(" For {} there is not enough data yet{}.", names(data, open),
                             more.empty() ? "" : ": " + more));
}

void sentence_by_count(const ReportData& data, const std::string& subject, Sentence& sentence) {
  const size_t all = data.differences.size();
  const size_t yes = with_verdict(data, Verdict::yes).size();
  const size_t no = with_verdict(data, Verdict::no).size();
  const size_t open = all - yes - no;
  sentence.strong(fmt::format("{} is good enough for {} of {} tasks", subject, yes, all));
  std::string rest;
  if (no > 0) rest += fmt::format(", not for {}", no);
  if (open > 0) rest += fmt::format("; for {} there is not enough data yet", open);
  const std::string extra = price_and_speed(data);
  if (!extra.empty()) rest += "; " + extra;
  sentence.plain(rest);
  if (data.overall) {
    const PairedDifference& d = data.overall->result.difference;
    const double margin = margin_of(data, *data.overall);
    sentence.plain(". Over all tasks it ");
    sentence.plain(d.difference < 0.0 ? "loses " : "differs by ");
    sentence.number(fmt::format("{}\u00a0pp (95\u00a0% interval {}, margin\u00a0{}\u00a0pp)",
                                format_points(d.difference), format_points_range(d.lo, d.hi, margin),
                                format_margin(margin)));
  }
  sentence.plain(".");
}

void sentence_for_one(const ReportData& data, const std::string& subject, Sentence& sentence) {
  size_t written = 0;
  for (const ReportScore& score : data.scores) {
    if (score.model != data.candidate || std::isnan(score.headline.value)) continue;
    if (written == kMostNamedTasks) break;
    const ReportTask& task = data.tasks[static_cast<size_t>(score.task)];
    if (written == 0) {
      sentence.strong(subject + " reaches ");
    } else {
      sentence.plain(", ");
    }
    const bool share = task.share;  // an unbounded metric such as perplexity is not
    sentence.strong(share ? format_percent(score.headline.value) : format_significant(score.headline.value));
    sentence.plain(fmt::format(" {} on {} ", task.metric, task.name));
    if (score.headline.has_interval()) {
      const std::string range =
          share ? format_percent_range(score.headline.lo, score.headline.hi)
                : format_significant(score.headline.lo) + "…" + format_significant(score.headline.hi);
      sentence.number(fmt::format("({}{})", written == 0 ? "95\u00a0% interval " : "", range));
    }
    ++written;
  }
  if (written == 0) {
    sentence.strong("No task of this run has a result yet.");
    return;
  }
  const auto of_candidate = [&](const ReportScore& score) { return score.model == data.candidate; };
  const auto all = std::count_if(data.scores.begin(), data.scores.end(), of_candidate);
  const auto left = all - static_cast<std::ptrdiff_t>(written);
  sentence.plain(left > 0 ? fmt::format(", and {} more tasks are in the table.", left) : ".");
  sentence.plain(" Whether that is enough takes a second model to compare with.");
}

}  // namespace

double margin_of(const ReportData& data, const ReportDifference& difference) {
  if (difference.result.margin > 0.0 || difference.task < 0) return difference.result.margin;
  return data.tasks[static_cast<size_t>(difference.task)].margin;
}

std::string task_name(const ReportData& data, int task) {
  return task < 0 ? "all tasks" : data.tasks[static_cast<size_t>(task)].name;
}

std::string difference_text(const ReportDifference& difference, double margin) {
  const PairedDifference& d = difference.result.difference;
  return fmt::format("{}\u00a0pp ({})", format_points(d.difference), format_points_range(d.lo, d.hi, margin));
}

const ReportLeader* leader_of(const ReportData& data, int model) {
  for (const ReportLeader& leader : data.leaderboard) {
    if (leader.model == model) return &leader;
  }
  return nullptr;
}

std::optional<double> times_cheaper(const ReportData& data) {
  if (!data.is_pair()) return std::nullopt;
  const ReportCost* small = nullptr;
  const ReportCost* large = nullptr;
  for (const ReportCost& cost : data.cost) {
    if (cost.task >= 0) continue;
    if (cost.model == data.candidate) small = &cost;
    if (cost.model == data.baseline) large = &cost;
  }
  const bool known =
      small && large && small->per_1000 && large->per_1000 && small->currency == large->currency;
  if (!known || *small->per_1000 <= 0.0 || *large->per_1000 <= 0.0) return std::nullopt;
  return *large->per_1000 / *small->per_1000;
}

std::optional<double> times_faster(const ReportData& data) {
  if (!data.is_pair()) return std::nullopt;
  const ReportLeader* small = leader_of(data, data.candidate);
  const ReportLeader* large = leader_of(data, data.baseline);
  if (!small || !large || !(small->p50_ms.value > 0.0) || !(large->p50_ms.value > 0.0)) return std::nullopt;
  return large->p50_ms.value / small->p50_ms.value;
}

std::vector<SentencePart> verdict_parts(const ReportData& data, const std::string& subject) {
  Sentence sentence;
  if (data.is_pair() && !data.differences.empty()) {
    if (data.differences.size() <= kMostNamedTasks) {
      sentence_by_task(data, subject, sentence);
    } else {
      sentence_by_count(data, subject, sentence);
    }
  } else if (data.is_pair()) {
    sentence.strong("The two models have no task in common that can be compared sample by sample.");
  } else {
    sentence_for_one(data, subject, sentence);
  }
  return std::move(sentence).parts();
}

std::string verdict_sentence(const ReportData& data) {
  std::string out;
  if (data.is_pair() && !data.differences.empty()) out = "Against " + data.large().name + ": ";
  for (const SentencePart& part : verdict_parts(data, data.small().name)) out += part.text;
  return out;
}

}  // namespace sizeup
