#include "reports/json/robustness_json.h"

#include "core/json/json.h"
#include "core/json/number.h"

namespace sizeup {
namespace {

Json estimate(const Estimate& value) {
  return {{"value", short_number(value.value)},
          {"lo", short_number(value.lo)},
          {"hi", short_number(value.hi)},
          {"n", value.n}};
}

Json variants_json(const ReportRobustness& entry) {
  const VariantSpread& spread = *entry.variants;
  Json out{{"documents", spread.documents},
           {"spread", short_number(spread.spread)},
           {"lo", short_number(spread.interval.lo)},
           {"hi", short_number(spread.interval.hi)},
           {"by_chance", short_number(spread.chance)},
           {"p", short_number(spread.p)},
           {"lowest", entry.names[spread.lowest]},
           {"highest", entry.names[spread.highest]},
           {"changed", estimate(spread.changed)},
           {"always_right", estimate(spread.always_right)},
           {"rows", Json::array()}};
  for (size_t v = 0; v < entry.names.size(); ++v) {
    const VariantResult& variant = spread.variants[v];
    Json row{{"variant", entry.names[v]}, {"score", estimate(variant.score)}};
    if (v > 0) {
      const PairedDifference& d = variant.difference;
      row["diff"] = short_number(d.difference);
      row["lo"] = short_number(d.lo);
      row["hi"] = short_number(d.hi);
      row["now_wrong"] = d.losses;
      row["now_right"] = d.wins;
      row["p"] = short_number(d.p);
      row["holm"] = short_number(variant.holm_p);
    }
    out["rows"].push_back(std::move(row));
  }
  return out;
}

Json worst_slice_json(const WorstSlice& worst) {
  return {{"field", worst.field},
          {"value", worst.value},
          {"score", estimate(worst.score)},
          {"others", short_number(worst.others)},
          {"holm", short_number(worst.holm_p)},
          {"looked_at", worst.looked_at},
          {"too_small", worst.too_small}};
}

}  // namespace

Json robustness_json(const ReportData& data) {
  Json out = Json::array();
  for (const ReportRobustness& entry : data.robustness) {
    if (!entry.variants) continue;
    Json one{{"model", data.models[static_cast<size_t>(entry.model)].name},
             {"task", data.tasks[static_cast<size_t>(entry.task)].name},
             {"variants", variants_json(entry)}};
    if (entry.worst) one["worst_slice"] = worst_slice_json(*entry.worst);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace sizeup
