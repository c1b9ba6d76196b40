// Where the engine computes: a device owns packed weights, activations and key/value pages, and does a small
// set of fused operations on the rows of a step. Rows are ragged: each has its own position and page table.
//
// Contract on bits (the harness promises it to users): what a row gets depends only on its own values and
// its history of positions, never on how many rows share the step, on threads, or on the order of rows.
//
// An operation is as large as the widest fusion that some device gains from, so that none has to recognise a
// sequence of small ones: a product carries what happens to its result (stored, added, gated), a norm writes
// what the next product reads, and the head never shows a row of logits.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/step.h"
#include "core/errors/result.h"

namespace sizeup {

// Handles of a device's own things.
enum class LinearId : int32_t {};
enum class VectorId : int32_t {};
enum class NormId : int32_t {};
enum class MixtureId : int32_t {};
enum class DeltaId : int32_t {};
enum class ConvolutionId : int32_t {};
enum class RowsId : int32_t {};

// What activations are for: a device may keep each kind in a layout of its own.
enum class RowsUse {
  values,   // float32 values: the residual, and what attention reads
  operand,  // the input of linear operations, in the precision in which products are computed
  routed,   // the input of a mixture of experts: float32, because rounding could change who is chosen; and
            // what attention gives to a gate
};

// The precision of products; everything else (sums, residual, norms, softmax, log-probabilities) is float32.
enum class Precision {
  float32,
  bfloat16,  // both factors rounded to bfloat16
};
std::string_view precision_name(Precision precision);  // "float32", "bfloat16"

// What a user asked of a device; empty: the device's own choice.
struct DeviceOptions {
  std::optional<Precision> precision;
  std::string tier;          // of devices that have instruction-set levels
  int threads = 0;           // for packing the weights; 0: all available processors
  int64_t memory_bytes = 0;  // that the device may take; 0: what is free
};

// What a device says of itself.
struct DeviceTraits {
  std::string name;        // "reference", "cpu"
  std::string tier;        // "avx512"; empty where there are no tiers
  std::string pci_bus_id;  // of a GPU: "0000:3B:00.0"; empty elsewhere
  Precision precision = Precision::float32;
  int preferred_rows = 0;    // rows of a step that keep it busy
  int weight_rows = 0;       // so many rows cost a small step as much as reading the weights; 0: unknown
  int64_t weight_bytes = 0;  // packed weights
  int64_t weight_need = 0;   // what they will be, known before they are packed; without padding
  int64_t page_bytes = 0;    // keys and values of one page, all layers
  int64_t state_bytes = 0;   // a sequence's state, all layers; 0: no layer has one
  int64_t page_memory = 0;   // bytes that pages and states may take; 0: not known
  std::vector<std::string> notes;  // fallbacks to show in doctor and reports
};

// See Device::match_magnitude.
inline constexpr float kLeastMeanSquare = 1e-5F;

// See Device::score_parts.
inline constexpr float kLeastScore = 1e-6F;

// A note of devices, where DeviceTraits::weight_rows is 0 because layers have states.
inline constexpr std::string_view kNoDrafts =
    "nothing is drafted: a recurrent layer's state cannot go back behind a wrong guess";

// So many pages weigh as much as a state (PlanLimits::state_pages).
int state_pages(const DeviceTraits& traits);

class Device {
 public:
  virtual ~Device() = default;

  virtual DeviceTraits traits() const = 0;
  // Threads for all later steps; they never change a bit.
  virtual void set_threads(int threads) = 0;

  // Setting up: weights are packed from the checkpoint, which may be closed afterwards.
  // Several linear layers of the same input as one, outputs side by side in this order.
  virtual LinearId add_linear(std::span<const LinearTensors> stacked) = 0;
  LinearId add_linear(const LinearTensors& linear) { return add_linear(std::span(&linear, 1)); }
  // For gated_linear: gate and up have the same shape.
  virtual LinearId add_gated_linear(const LinearTensors& gate, const LinearTensors& up) = 0;
  virtual MixtureId add_mixture(const ExpertSpec& spec, const MixtureTensors& tensors) = 0;
  virtual DeltaId add_delta(const DeltaSpec& spec, const DeltaTensors& tensors) = 0;
  // taps: {channels, 1, taps}, the oldest position first.
  virtual ConvolutionId add_convolution(const ConvolutionSpec& spec, const Tensor& taps) = 0;
  virtual NormId add_norm(const NormSpec& spec, const NormTensors& tensors, int columns) = 0;
  virtual VectorId add_vector(const Tensor& values) = 0;  // {columns}
  virtual RowsId add_rows(int columns, RowsUse use) = 0;  // as many rows as a step brings

  // The step's plan: makes room for pages and states, copies them. The step outlives the operations on it.
  virtual void begin(const Step& step) = 0;

  // Each operation gives `out` as many rows as its input has.
  // values: the rows of the step's tokens, times the scale. A token that the table lacks has its first row.
  virtual void embed(LinearId table, float scale, RowsId out) = 0;
  // values: rows += the scale times the table's rows of their tokens, as above.
  virtual void add_embedded(LinearId table, float scale, RowsId rows) = 0;
  // values: a row becomes rows of the table side by side; `numbers` are those of the step's first row, then
  // those of the next.
  virtual void embed_numbers(LinearId table, std::span<const int32_t> numbers, RowsId out) = 0;
  // values: rows += the table's rows of their positions.
  virtual void add_positions(LinearId table, RowsId rows) = 0;
  // values -> operand or routed
  virtual void norm(RowsId in, NormId norm, RowsId out) = 0;
  // values -> values: rows += norm(in)
  virtual void norm_add(RowsId in, NormId norm, RowsId rows) = 0;
  // values, in place: the norm of each of `parts` neighbouring parts of a row, from a column on.
  virtual void norm_parts(RowsId rows, int first_column, int parts, NormId norm) = 0;
  // operand -> values
  virtual void linear(RowsId in, LinearId weight, RowsId out) = 0;
  // operand -> values: rows += result
  virtual void linear_add(RowsId in, LinearId weight, RowsId rows) = 0;
  // operand -> operand: activation(result)
  virtual void activated_linear(RowsId in, LinearId weight, Activation activation, RowsId out) = 0;
  // operand -> operand: activation(gate(in)) * up(in)
  virtual void gated_linear(RowsId in, LinearId gate_up, Activation activation, RowsId out) = 0;
  // routed -> values: rows += the sum of the experts' gated feed-forwards of `in` by their weights: of those
  // that the router chooses from `router_in` in the order of their choice (routing.h), then of the shared
  // one.
  virtual void mixture_add(RowsId router_in, RowsId in, MixtureId mixture, Activation activation,
                           RowsId rows) = 0;
  // A row begins with query | key | value, or query alone in a layer that has no keys of its own. Rotates
  // query (in place) and key in layers that the spec rotates, then writes key and value where the step says.
  virtual void rotate_and_write(int layer, RowsId query_key_value) = 0;
  // A row is the small queries and the key of an IndexSpec. Writes the keys where the step says and finds
  // what the layer's next attention attends to; the norms are of a query head and of a block's key.
  virtual void select_keys(int layer, RowsId queries_key, NormId query_norm, NormId key_norm) = 0;
  // Softmax of query * key * scale over positions 0 (or the first in the layer's window) to the row's own,
  // or those selected where the layer has an index, and over the sinks of its heads if there are any, times
  // value. values -> operand or routed
  virtual void attention(int layer, RowsId query_key_value, std::optional<VectorId> sinks, RowsId out) = 0;
  // routed -> operand: in * sigmoid(gates), which are columns of `gates` from a column on.
  virtual void apply_gate(RowsId in, RowsId gates, int first_column, RowsId out) = 0;
  // As in DeltaSpec; goes on with the states of the step. values -> operand
  virtual void delta_rule(int layer, RowsId rows, DeltaId delta, RowsId out) = 0;

  // On values, element by element; what an extension of the decoder has beside products and norms.
  virtual void clear(RowsId rows) = 0;                         // zeros, as many rows as the step
  virtual void scale(RowsId rows, float factor) = 0;           // rows *= factor
  virtual void add(RowsId in, float factor, RowsId rows) = 0;  // rows += factor * in
  // out = base + the sum over i of in[i] times its row's value in column first_column + i of `weights`, in
  // this order; out may be base, and is none of `in`.
  virtual void combine(RowsId base, std::span<const RowsId> in, RowsId weights, int first_column,
                       RowsId out) = 0;
  // Every row is scaled so that its root mean square becomes that of `like`; its own mean square counts as at
  // least kLeastMeanSquare.
  virtual void match_magnitude(RowsId rows, RowsId like) = 0;
  // What each of a row's first `columns` values is more than their mean and so many of their standard
  // deviations, or 0.
  virtual void keep_above(RowsId rows, int columns, float deviations) = 0;
  // values -> operand: activation(the first columns of `in`) times the columns of `factors` from first_column
  // on; both may be the same rows.
  virtual void gate(RowsId in, Activation activation, RowsId factors, int first_column, RowsId out) = 0;

  // Of rows that are neighbouring parts of the same size, residual streams for example; values.
  // out = the mean over the parts of `in` of each times the sigmoid of that part of `gates`.
  virtual void mix_parts(RowsId in, RowsId gates, RowsId out) = 0;
  // Each part of rows += factor * in * sigmoid(the part's column of `gates`).
  virtual void add_to_parts(RowsId in, RowsId gates, float factor, RowsId rows) = 0;
  // A column of out for each part: sign(s) sqrt(max(|s|, kLeastScore)) where s = a * b / sqrt(the part's
  // size).
  virtual void score_parts(RowsId a, RowsId b, RowsId out) = 0;
  // rows += silu(the convolution of `in`); goes on with the states of the step.
  virtual void convolve_add(int layer, RowsId in, ConvolutionId convolution, RowsId rows) = 0;

  virtual void select_wanted(RowsId in, RowsId out) = 0;  // values: the rows of Step::wanted, in order
  // operand: for every wanted row what the step asks of its next-token distribution; a cap as in DecoderSpec.
  virtual void log_probabilities(RowsId wanted, LinearId head, float cap, StepResult& result) = 0;
};

// A device for this decoder: its page geometry and rotation are fixed by the spec. An error where the
// machine, the memory or the options do not allow it.
using DeviceFactory = Result<std::unique_ptr<Device>> (*)(const DecoderModel& model,
                                                          const DeviceOptions& options);

}  // namespace sizeup
