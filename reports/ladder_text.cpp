#include "reports/ladder_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "reports/format.h"
#include "reports/report.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

const ReportModel& model_of(const ReportData& data, const ReportRung& rung) {
  return data.models[static_cast<size_t>(rung.model)];
}

// The widened difference that goes lowest, and whose it is.
struct Lowest {
  const ReportRung* rung = nullptr;
  const ReportDifference* difference = nullptr;
};

Lowest lowest_of(const ReportLadder& ladder) {
  Lowest lowest;
  for (const ReportRung& rung : ladder.rungs) {
    for (const ReportDifference& difference : rung.differences) {
      if (!(difference.widened.lo <= difference.widened.hi)) continue;
      const bool lower = !lowest.difference || difference.widened.lo < lowest.difference->widened.lo;
      if (lower) lowest = {&rung, &difference};
    }
  }
  return lowest;
}

std::string comparisons_text(const ReportLadder& ladder) {
  return ladder.comparisons == 1
             ? std::string("one comparison, 95\u00a0% interval")
             : fmt::format("{} comparisons, intervals widened so that all hold together with 95\u00a0%",
                           ladder.comparisons);
}

std::string base_label(const ReportData& data, const ReportLadder& ladder) {
  return rung_label(data, ladder, ladder.rungs.front());
}

}  // namespace

std::string rung_label(const ReportData& data, const ReportLadder& ladder, const ReportRung& rung) {
  const ReportModel& model = model_of(data, rung);
  const auto shared = [&](auto same) {
    return std::count_if(ladder.rungs.begin(), ladder.rungs.end(),
                         [&](const ReportRung& other) { return same(model_of(data, other)); }) > 1;
  };
  const auto same_format = [&](const ReportModel& m) { return m.weight_format == model.weight_format; };
  if (model.weight_format.empty()) return model.name;
  if (!shared(same_format)) return model.weight_format;
  const auto same_precision = [&](const ReportModel& m) {
    return same_format(m) && m.precision == model.precision;
  };
  if (!shared(same_precision)) return model.weight_format + " in " + model.precision;
  return model.weight_format + " (" + model.name + ")";
}

double bits_per_weight(const ReportModel& model) {
  constexpr double kBitsInByte = 8.0;
  if (model.bytes <= 0 || model.parameters <= 0) return kNoNumber;
  return kBitsInByte * static_cast<double>(model.bytes) / static_cast<double>(model.parameters);
}

Verdict ladder_verdict(const ReportData& data, const ReportDifference& difference) {
  return widened_verdict(difference, margin_of(data, difference));
}

std::string widened_text(const ReportData& data, const ReportDifference& difference) {
  const Interval& wide = difference.widened;
  const std::string points = format_points(difference.result.difference.difference) + "\u00a0pp";
  if (!(wide.lo <= wide.hi)) return points + " (no interval)";
  return points + " (" + format_points_range(wide.lo, wide.hi, margin_of(data, difference)) + ")";
}

std::string ladder_finding(const ReportData& data, const ReportLadder& ladder) {
  if (ladder.comparisons == 0) return "What each precision takes";
  const std::string base = base_label(data, ladder);
  if (ladder.first_loss < 0) return fmt::format("No step down from {} costs accuracy beyond noise", base);
  const ReportRung& rung = ladder.rungs[static_cast<size_t>(ladder.first_loss)];
  return fmt::format("{} is the first step down from {} that costs accuracy beyond noise",
                     rung_label(data, ladder, rung), base);
}

std::string ladder_sentence(const ReportData& data, const ReportLadder& ladder) {
  if (ladder.comparisons == 0) {
    return "No task gives scores that can be compared sample by sample, so nothing is said of accuracy.";
  }
  std::string evidence;
  if (ladder.first_loss < 0) {
    const Lowest lowest = lowest_of(ladder);
    if (lowest.difference && lowest.difference->widened.lo < 0.0) {
      evidence =
          fmt::format("the interval that goes lowest reaches {}\u00a0pp ({}, {})",
                      format_points(lowest.difference->widened.lo), rung_label(data, ladder, *lowest.rung),
                      task_name(data, lowest.difference->task));
    }
  } else {
    for (const ReportDifference& difference :
         ladder.rungs[static_cast<size_t>(ladder.first_loss)].differences) {
      if (!(difference.widened.hi < 0.0)) continue;
      evidence += (evidence.empty() ? "" : ", ") + task_name(data, difference.task) + " " +
                  widened_text(data, difference);
    }
  }
  return fmt::format("{}: {}{}{}.", ladder_finding(data, ladder), evidence, evidence.empty() ? "" : "; ",
                     comparisons_text(ladder));
}

std::vector<std::string> ladder_sentences(const ReportData& data) {
  std::vector<std::string> sentences;
  for (const ReportLadder& ladder : data.ladders) sentences.push_back(ladder_sentence(data, ladder));
  return sentences;
}

}  // namespace sizeup
