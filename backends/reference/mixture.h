// A mixture of experts: one expert after the other over the rows that chose it, then row by row the weighted
// sum.
#pragma once

#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/routing.h"
#include "backends/reference/product.h"
#include "core/threads/thread_pool.h"

namespace sizeup {

class Mixture {
 public:
  Mixture(const ExpertSpec& spec, const MixtureTensors& tensors);

  size_t bytes() const;
  // out += the weighted sum of the experts of `in`, for every row.
  void add(const RowsView& in, Activation activation, const RowsView& out, ThreadPool& pool) const;

 private:
  struct Expert {
    explicit Expert(const ExpertTensors& tensors);
    PackedMatrix gate_up;
    PackedMatrix down;
    std::vector<float> gate_up_bias, down_bias;  // empty: none
  };
  struct Use {  // of an expert by a row
    int row = 0;
    int order = 0;  // in which the row adds it
  };
  // Rows of values that belong to (row, order).
  class Results;

  std::vector<ChosenExpert> route(const RowsView& in, ThreadPool& pool) const;
  void compute(const Expert& expert, Activation activation, const RowsView& in, const std::vector<Use>& uses,
               Results& results, ThreadPool& pool) const;

  Routing routing_;
  PackedMatrix router_;  // and the shared expert's gate as one more output
  std::vector<float> router_bias_;
  std::vector<Expert> experts_;  // those of the router, then the shared one
};

}  // namespace sizeup
