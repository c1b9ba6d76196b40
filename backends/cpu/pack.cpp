#include "backends/cpu/pack.h"

#include <algorithm>

#include "backends/cpu/pack_tiles.h"
#include "backends/cpu/packed_fields.h"
#include "backends/engine/formats/bfloat16.h"
#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

// Where the blocks of an output lie: sixteen outputs share theirs.
struct BlockPlaces {
  size_t first = 0;
  size_t next = 0;  // bytes from one of the output's blocks to the next
  int lane = 0;
  CodeOrder order = CodeOrder::columns;

  BlockPlaces(const PackedLinear& linear, int output)
      : next(static_cast<size_t>(packed_block_bytes(linear.type) * linear.panel_outputs)),
        lane(output % kLanes),
        order(linear.layout == WeightLayout::tiles ? CodeOrder::rows : CodeOrder::columns) {
    const int in_panel = output % linear.panel_outputs;
    first = static_cast<size_t>(output / linear.panel_outputs) * linear.panel_bytes +
            static_cast<size_t>(in_panel / kLanes * kLanes * packed_block_bytes(linear.type));
  }
};

// One output's blocks into its places in its panel.
void write_blocks(const std::byte* blocks, int output, PackedLinear& to) {
  const BlockFormat& format = block_format(to.type);
  const BlockPlaces places(to, output);
  std::byte* place = to.weights.data() + places.first;
  for (int k = 0; k < to.inputs;
       k += format.block_elements, blocks += format.block_bytes, place += places.next) {
    write_packed_block(to.type, places.order, blocks, places.lane, place);
  }
}

// Which output of which stacked layer the i-th output of a panel is; none beyond the last.
struct Source {
  const LinearTensors* layer = nullptr;
  int64_t row = 0;
};

Source source_of(std::span<const LinearTensors> stacked, bool gated, int panel_outputs, int panel, int i) {
  if (gated) {
    const int half = panel_outputs / 2;
    const LinearTensors& layer = stacked[i < half ? 0 : 1];
    const int64_t row = int64_t{panel} * half + i % half;
    return row < layer.weight->rows() ? Source{&layer, row} : Source{};
  }
  int64_t row = int64_t{panel} * panel_outputs + i;
  for (const LinearTensors& layer : stacked) {
    if (row < layer.weight->rows()) return {&layer, row};
    row -= layer.weight->rows();
  }
  return {};
}

// A row of a tensor into its panel; `output` counts in the order of the panels.
void write_output(const Tensor& tensor, int64_t row, int output, PackedLinear& to) {
  if (tensor.type == to.type && !to.holds_tiles()) {
    if (tensor.computed == nullptr) return write_blocks(rows_of(tensor, row, 1).data.data(), output, to);
    std::vector<std::byte> blocks(static_cast<size_t>(row_bytes(tensor.type, tensor.columns())));
    copy_row(tensor, row, blocks);
    return write_blocks(blocks.data(), output, to);
  }
  std::vector<float> values(static_cast<size_t>(to.inputs));
  dequantise_row(tensor, row, values);
  if (to.holds_tiles()) return pack_tile_row(values, output, to);
  if (to.type == TensorType::f32) {
    return write_blocks(reinterpret_cast<const std::byte*>(values.data()), output, to);
  }
  require(to.type == TensorType::bf16, "weights are kept as they are, or as float32 or bfloat16");
  std::vector<uint16_t> halves(values.size());
  std::transform(values.begin(), values.end(), halves.begin(), to_bfloat16);
  write_blocks(reinterpret_cast<const std::byte*>(halves.data()), output, to);
}

}  // namespace

void lay_out(PackedLinear& linear) {
  const int elements = block_format(linear.type).block_elements;
  require(linear.inputs % elements == 0, "a row is a whole number of blocks");
  linear.padded_inputs = (linear.inputs + kStepColumns - 1) / kStepColumns * kStepColumns;
  linear.panel_bytes = static_cast<size_t>(linear.padded_inputs) / static_cast<size_t>(elements) *
                       static_cast<size_t>(packed_block_bytes(linear.type) * linear.panel_outputs);
}

PackedLinear pack_linear(std::span<const LinearTensors> stacked, bool gated, const Storage& storage,
                         const ProductFamily& family, ThreadPool& pool) {
  PackedLinear linear;
  linear.type = storage.type;
  linear.rounded = storage.rounded;
  linear.inputs = static_cast<int>(stacked.front().weight->columns());
  linear.panel_outputs = family.panel_outputs;
  linear.layout = family.layout;
  if (linear.layout == WeightLayout::tiles) {  // bfloat16 in the end
    linear.rounded = block_format(linear.type).block_elements > 1;
    if (!linear.rounded) linear.type = TensorType::bf16;
  }
  bool biased = false;
  for (const LinearTensors& layer : stacked) {
    require(layer.weight->columns() == linear.inputs, "stacked layers have the same inputs");
    linear.outputs += static_cast<int>(layer.weight->rows());
    biased |= layer.bias != nullptr;
  }
  if (gated) {  // whole panels of gates and ups
    const int half = linear.panel_outputs / 2;
    linear.outputs = (linear.outputs / 2 + half - 1) / half * linear.panel_outputs;
  }
  lay_out(linear);
  const auto panels = static_cast<size_t>(linear.panels());
  linear.weights = HugeBuffer(panels * linear.panel_bytes);
  if (biased) linear.bias.assign(panels * static_cast<size_t>(linear.panel_outputs), 0.0F);

  pool.parallel_for(panels, [&](size_t panel) {
    for (int i = 0; i < linear.panel_outputs; ++i) {
      const Source source = source_of(stacked, gated, linear.panel_outputs, static_cast<int>(panel), i);
      if (source.layer == nullptr) continue;
      write_output(*source.layer->weight, source.row, static_cast<int>(panel) * linear.panel_outputs + i,
                   linear);
    }
  });
  if (!biased) return linear;
  std::vector<std::vector<float>> biases;
  for (const LinearTensors& layer : stacked) {
    std::vector<float>& bias = biases.emplace_back(static_cast<size_t>(layer.weight->rows()), 0.0F);
    if (layer.bias != nullptr) dequantise_row(*layer.bias, 0, bias);
  }
  for (size_t i = 0; i < linear.bias.size(); ++i) {
    const int output = static_cast<int>(i);
    const Source source = source_of(stacked, gated, linear.panel_outputs, output / linear.panel_outputs,
                                    output % linear.panel_outputs);
    if (source.layer == nullptr) continue;
    linear.bias[i] =
        biases[static_cast<size_t>(source.layer - stacked.data())][static_cast<size_t>(source.row)];
  }
  return linear;
}

void read_output(const PackedLinear& linear, int output, float* out) {
  const auto inputs = static_cast<size_t>(linear.inputs);
  if (linear.holds_tiles()) return read_tile_row(linear, output, std::span(out, inputs));
  const BlockFormat& format = block_format(linear.type);
  const BlockPlaces places(linear, output);
  const std::byte* place = linear.weights.data() + places.first;
  std::vector<std::byte> block(static_cast<size_t>(format.block_bytes));
  for (int k = 0; k < linear.inputs; k += format.block_elements, place += places.next) {
    read_packed_block(linear.type, places.order, place, places.lane, block.data());
    format.dequantise(block.data(), format.block_elements, out + k);
  }
  if (!linear.rounded) return;
  for (size_t k = 0; k < inputs; ++k) out[k] = from_bfloat16(to_bfloat16(out[k]));
}

}  // namespace sizeup::cpu
