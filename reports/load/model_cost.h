// What one model's requests take and cost: those of the evaluation, or those of a file of traffic.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/cost/cost.h"
#include "harness/cost/traffic.h"
#include "harness/store/read.h"
#include "reports/load/run_data.h"
#include "reports/report_data.h"

namespace sizeup {

struct RequestTokens {
  double input = 0.0;
  double cached_input = 0.0;  // of input
  double output = 0.0;
};

// By (task, sample), or by (0, row) of the traffic; each stands for `count` requests.
struct ModelTokens {
  struct Part {
    RequestTokens tokens;
    int64_t count = 1;
  };
  std::map<std::pair<size_t, int64_t>, Part> parts;
  RequestTokens mean;
  int64_t requests = 0;

  void add(std::pair<size_t, int64_t> key, const RequestTokens& tokens, int64_t count);
};

struct ModelCost {
  Prices prices;  // none where the answers were recorded with their costs
  ModelTokens tokens;
  ModelUse use;
};

// Of all samples of a model's evaluations, one for each task.
Result<ModelTokens> tokens_of(const Store& store, const std::vector<Cell>& cells);

// Of a row each; as many output tokens as the evaluation's have on the average where a row says none.
ModelTokens tokens_of(const Traffic& traffic, const std::string& model, const RequestTokens& evaluated);

// In the proportion in which requests take a machine's time (by tokens, as a pass's time is shared out) or
// cost at an endpoint.
double weight_of(const Prices& prices, const RequestTokens& tokens);

// The stored cost of a request is the mean; tokens say only how samples differ.
ModelUse use_of(const Prices& prices, const RunningCosts& running, double per_request);

// Mean and t interval of what a request costs.
Estimate per_request_of(const ModelCost& cost, double per_request);

// What a month of the traffic costs at that volume, which is the traffic's own or a stated one.
Estimate month_of_traffic(const ModelCost& cost, const Traffic& traffic, double volume, bool own_volume);

}  // namespace sizeup
