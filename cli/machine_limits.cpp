#include "cli/machine_limits.h"

#include <fmt/format.h>

#include "cli/table.h"
#include "core/json/json.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cli {
namespace {

constexpr double kGiga = 1e9;

Json limit_to_json(std::string_view what, std::string_view tier, std::string_view dtype, int threads,
                   std::string_view unit, const Spread& rate) {
  return {{"what", what},
          {"tier", tier},
          {"dtype", dtype},
          {"threads", threads},
          {"unit", unit},
          {"median", rate.median / kGiga},
          {"least", rate.least / kGiga},
          {"most", rate.most / kGiga},
          {"repetitions", rate.count}};
}

}  // namespace

Json limits_to_json(const MachineLimits& limits) {
  Json list = Json::array();
  for (const ArithmeticLimit& limit : limits.arithmetic) {
    list.push_back(
        limit_to_json("multiply-add", limit.tier, limit.dtype, limit.threads, "GFLOP/s", limit.rate));
  }
  for (const ReadLimit& limit : limits.reads) {
    const char* what = limit.threads == kAnyThreads ? "GPU memory read" : "memory read";
    list.push_back(limit_to_json(what, "", "", limit.threads, "GB/s", limit.rate));
  }
  return list;
}

std::string limits_to_text(const Json& limits) {
  Table table({"limit, measured now", "threads", "median", "least", "most", ""});
  for (const Json& limit : limits) {
    const std::string name =
        limit["tier"] == ""
            ? limit["what"].get<std::string>()
            : fmt::format("{}, {} ({})", limit["what"].get<std::string>(), limit["dtype"].get<std::string>(),
                          limit["tier"].get<std::string>());
    const int threads = limit["threads"].get<int>();
    table.add({name, threads == kAnyThreads ? std::string() : fmt::format("{}", threads),
               number(limit["median"].get<double>(), 1), number(limit["least"].get<double>(), 1),
               number(limit["most"].get<double>(), 1), limit["unit"].get<std::string>()});
  }
  return table.to_text();
}

std::vector<int> usual_thread_counts() {
  const int all = ThreadPool::available_processors();
  return all == 1 ? std::vector<int>{1} : std::vector<int>{1, all};
}

}  // namespace sizeup::cli
