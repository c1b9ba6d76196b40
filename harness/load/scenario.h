// How load is offered to a model, named as MLPerf names its scenarios.
#pragma once

#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

struct Scenario {
  enum class Kind {
    offline,     // everything at once: a throughput, no latencies
    single,      // one request at a time
    concurrent,  // so many in flight at any time: as one is answered, the next one is sent
    server,      // requests arrive by themselves, whether the model keeps up or not
  };
  Kind kind = Kind::offline;
  int streams = 0;          // concurrent: in flight, from 1
  double qps = 0.0;         // server: mean arrivals a second, above 0
  double burstiness = 1.0;  // server: shape of the gamma distribution of the gaps; 1: Poisson arrivals, below
                            // it they come in bursts, far above it they come evenly

  bool has_latencies() const { return kind != Kind::offline; }
  bool operator==(const Scenario&) const = default;
};

// "offline", "single", "concurrent:8", "server:2.5", "server:2.5:0.5" (rate, then burstiness).
Result<Scenario> parse_scenario(std::string_view text);

// The text that parses to it.
std::string name_of(const Scenario& scenario);

}  // namespace sizeup
