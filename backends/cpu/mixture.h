// A mixture of experts. Every expert has rows of its own: they are gathered into one operand for each expert,
// and the products of all experts are one list of tasks (an expert, some of its panels), so that threads find
// work whether an expert has three rows or a thousand.
//
// Bits: the router's product is float32 in every precision; each expert's product is that of a dense layer; a
// row adds its experts' results by fused multiply-adds in the order of their choice. Nothing depends on who
// computes what when.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/cpu/product.h"
#include "backends/cpu/workers.h"
#include "backends/engine/device.h"
#include "backends/engine/routing.h"
#include "core/memory/huge_buffer.h"

namespace sizeup::cpu {

struct PackedExpert {
  PackedLinear gate_up;
  PackedLinear down;
};

struct PackedMixture {
  Routing routing;
  PackedLinear router;                // of the router's family; the shared expert's gate is one more output
  std::vector<PackedExpert> experts;  // those of the router, then the shared one

  // Experts that a row adds.
  int parts() const { return routing.spec().used + (routing.spec().shared_width > 0 ? 1 : 0); }
  size_t bytes() const;
};

// router_family multiplies floats.
PackedMixture pack_mixture(const ExpertSpec& spec, const MixtureTensors& tensors, Precision precision,
                           const ProductFamily& family, const ProductFamily& router_family, ThreadPool& pool);

// Computes mixtures, in room that all layers use in turn.
class Mixtures {
 public:
  // `format` is that of the experts' operands.
  Mixtures(const RowKernels& rows, const ProductFamily& family, const ProductFamily& router_family,
           OperandFormat format, Workers& workers)
      : kernels_(rows), family_(family), router_family_(router_family), format_(format), workers_(workers) {}

  // What each of the workers must have.
  size_t scratch_bytes(const PackedMixture& mixture) const;

  // out += mixture of `in` by what the router makes of `router_in`; both are floats.
  void add(const PackedMixture& mixture, const Operand& router_in, const Operand& in, Activation activation,
           const LaneRows& out);

 private:
  // The rows that an expert computes: `uses_[first_use]` on.
  struct ExpertRows {
    const PackedExpert* expert = nullptr;
    int first_use = 0;
    Operand in;
    Operand gated;
  };
  struct PanelTask {
    int rows_of = 0;  // index of ExpertRows
    int first_panel = 0;
    int end_panel = 0;
  };

  void route(const PackedMixture& mixture, const Operand& in);
  void sort_by_expert(const PackedMixture& mixture, int rows);
  void make_room(const PackedMixture& mixture, const Operand& in);
  void gather(const Operand& in);
  void gate_up(Activation activation);
  void down(int outputs);
  template <class Linear>
  void list_tasks(const Linear& linear_of);

  const RowKernels& kernels_;
  const ProductFamily& family_;
  const ProductFamily& router_family_;
  OperandFormat format_;
  Workers& workers_;

  std::vector<int32_t> experts_;  // [row][part]: which expert
  std::vector<float> weights_;    // [row][part]
  // A use of an expert by a row, sorted by expert.
  std::vector<int32_t> use_rows_;   // the row
  std::vector<int32_t> use_parts_;  // row * parts + part: where the result goes
  std::vector<ExpertRows> expert_rows_;
  std::vector<PanelTask> tasks_;

  HugeBuffer outputs_;   // of the router, in lanes
  HugeBuffer values_;    // [row][columns]: the input
  HugeBuffer operands_;  // of all experts
  HugeBuffer gated_;
  HugeBuffer results_;              // [row][part][stride]
  std::vector<HugeBuffer> blocks_;  // of each thread: a task's results in lanes
  int stride_ = 0;
};

}  // namespace sizeup::cpu
