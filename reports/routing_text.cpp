// What routing gives, in fixed wordings.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/report.h"
#include "reports/routing_text.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// "99.1 % of its accuracy at 31 % of its cost".
std::string kept_text(const ReportRouting& routing, const RoutePoint& point) {
  std::string out = fmt::format("{} of its accuracy", format_percent(routing.kept.value));
  const double cost = point.cost / routing.large_cost;
  if (std::isfinite(cost)) out += fmt::format(" at {} of its cost", format_percent(cost, 0));
  return out;
}

std::string whole_percent(double fraction) {
  return fmt::format("{:.0f}", 100.0 * fraction);
}

// "23 % (18…31)".
std::string share_text(const Estimate& share) {
  std::string out = format_percent(share.value, 0);
  if (share.lo < share.hi) out += fmt::format(" ({}…{})", whole_percent(share.lo), whole_percent(share.hi));
  return out;
}

std::string closing_shares(const ReportRouting& routing) {
  std::vector<std::string> out;
  for (const auto& [share, name] : {std::pair{&routing.share_for_half, "half of the gap"},
                                    std::pair{&routing.share_for_80, "80\u00a0% of it"}}) {
    if (std::isfinite(share->value))
      out.push_back(fmt::format("{} closes with {} sent on", name, share_text(*share)));
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

// "saves €3.53 a month (€3.31…€3.76)"; "costs €0.20 a month more (€0.10…€0.30)".
std::string saving_text(const ReportRouting& routing, double volume) {
  const Estimate& saving = routing.saving;
  const bool saves = saving.value >= 0.0;
  const auto money = [&](double amount) {
    return format_money((saves ? volume : -volume) * amount, routing.currency);
  };
  std::string out =
      fmt::format("{} {} a month{}", saves ? "saves" : "costs", money(saving.value), saves ? "" : " more");
  if (saving.lo < saving.hi) {
    out +=
        fmt::format(" ({}…{})", money(saves ? saving.lo : saving.hi), money(saves ? saving.hi : saving.lo));
  }
  return out;
}

}  // namespace

std::string signal_text(const ReportRouting& routing) {
  if (routing.signal == "confidence") return routing.kind;
  if (routing.signal == "learned") return "learned score";
  if (routing.signal == "length") return "length of the prompt";
  if (routing.signal == "verifier") return "checks of the answer";
  return "small’s score by " + clean_name(routing.signal.substr(routing.signal.find(':') + 1));
}

std::string threshold_text(double threshold) {
  if (std::isinf(threshold)) return "all";
  return threshold <= 0.0 ? "none" : format_significant(threshold);
}

std::string against_large_text(const ReportRouting& routing, const RoutePoint& point) {
  const PairedDifference& difference = point.against_large;
  return fmt::format("{}\u00a0pp ({})", format_points(difference.difference),
                     format_points_range(difference.lo, difference.hi, routing.margin));
}

std::string routing_finding(const ReportData& data) {
  const ReportRouting& routing = *data.routing;
  const RoutePoint* point = routing.point();
  const std::string margin = format_margin(routing.margin) + "\u00a0pp";
  if (point == nullptr) {
    return fmt::format("{} samples are too few to say how much must go to large to stay within {}",
                       format_count(routing.n), margin);
  }
  if (routing.asked_for || (point->share > 0.0 && point->share < 1.0)) {
    return fmt::format("Send {} to large, keep {}", format_percent(point->share, 0),
                       kept_text(routing, *point));
  }
  if (point->share > 0.0) return fmt::format("Only large alone is shown to stay within {} of itself", margin);
  return fmt::format("Nothing needs to go to large: small alone is shown to lose less than {}", margin);
}

std::vector<std::string> routing_sentences(const ReportData& data) {
  const ReportRouting& routing = *data.routing;
  std::vector<std::string> out;
  if (const RoutePoint* point = routing.point()) {
    std::string range;
    if (point->accuracy.has_interval())
      range = fmt::format(" ({})", format_percent_range(point->accuracy.lo, point->accuracy.hi));
    out.push_back(fmt::format("With {} sent on, accuracy is {}{} over {} samples: {} against large alone.",
                              share_text(routing.share), format_percent(point->accuracy.value), range,
                              format_count(routing.n), against_large_text(routing, *point)));
  }
  if (std::isfinite(routing.apgr.value)) {
    std::string text = fmt::format("APGR {}", format_significant(routing.apgr.value));
    if (routing.apgr.has_interval()) {
      text +=
          fmt::format(" ({}…{})", format_significant(routing.apgr.lo), format_significant(routing.apgr.hi));
    } else {
      text += " (no interval: the models are not shown to differ)";
    }
    const std::string shares = closing_shares(routing);
    out.push_back(text + (shares.empty() ? "." : "; " + shares + "."));
  }
  const RoutePoint* point = routing.point();
  const bool priced = data.pair_cost && data.pair_cost->volume && point != nullptr &&
                      std::isfinite(point->cost) && std::isfinite(routing.large_cost);
  if (priced) {
    const double volume = *data.pair_cost->volume;
    out.push_back(fmt::format("At {} requests a month that {} against large alone.",
                              format_count(std::llround(volume)), saving_text(routing, volume)));
  }
  if (routing.left_out > 0) {
    out.push_back(
        fmt::format("{} samples of other tasks are left out: their answers state another kind of "
                    "confidence, or none.",
                    format_count(routing.left_out)));
  }
  return out;
}

Result<RoutePolicy> routing_policy(const ReportData& data) {
  const ReportRouting& routing = *data.routing;
  const RoutePoint* point = routing.point();
  if (point == nullptr) {
    return usage_error("no share is shown to stay within the margin, so there is no policy to keep",
                       "more samples, a larger --margin, or a share of your own with --share");
  }
  RoutePolicy policy;
  policy.run = data.run.name;
  policy.small = {data.small().name, routing.small_reference, data.small().fingerprint};
  policy.large = {data.large().name, routing.large_reference, data.large().fingerprint};
  const bool confident =
      std::any_of(routing.scorer.weights.begin(), routing.scorer.weights.end(), [](const auto& one) {
        const RouteFeature::Kind kind = one.first.kind();
        return kind == RouteFeature::Kind::confidence || kind == RouteFeature::Kind::logit;
      });
  if (confident) policy.confidence = routing.kind;
  policy.protocol = "generative";
  for (const int task : routing.tasks) {
    if (data.tasks[static_cast<size_t>(task)].protocol == "likelihood") policy.protocol = "likelihood";
  }
  policy.scorer = routing.scorer;
  policy.threshold = point->threshold;
  policy.rejections = routing.rejections;
  const auto plain = [](const Estimate& one) { return RouteEstimate{one.value, one.lo, one.hi}; };
  policy.expected = {.samples = routing.n,
                     .share = plain(routing.share),
                     .accuracy = plain(point->accuracy),
                     .large = routing.frontier.large,
                     .cost = {routing.large_cost - routing.saving.value,
                              routing.large_cost - routing.saving.hi, routing.large_cost - routing.saving.lo},
                     .large_cost = routing.large_cost,
                     .currency = routing.currency};
  for (const int task : routing.tasks) policy.tasks.push_back(data.tasks[static_cast<size_t>(task)].name);
  policy.fitted = routing.fitted;
  return policy;
}

}  // namespace sizeup
