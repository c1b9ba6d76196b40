#include "backends/cpu/pack.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "backends/cpu/bfloat16.h"
#include "backends/cpu/pack_tiles.h"
#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

// float32 to IEEE 754 binary16, for values that it holds exactly (they came from one).
uint16_t to_exact_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const auto exponent = static_cast<int>((bits >> 23) & 0xFFu) - 127 + 15;
  const uint32_t mantissa = bits & 0x7FFFFFu;
  if (exponent >= 31) return static_cast<uint16_t>(sign | 0x7C00u | (mantissa >> 13));
  if (exponent > 0)
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(exponent) << 10 | mantissa >> 13);
  if (exponent < -10) return static_cast<uint16_t>(sign);
  return static_cast<uint16_t>(sign | (mantissa | 0x800000u) >> (14 - exponent));
}

TensorType tensor_type(WeightFormat format) {
  switch (format) {
    case WeightFormat::float32:
      return TensorType::f32;
    case WeightFormat::float16:
      return TensorType::f16;
    case WeightFormat::bfloat16:
      return TensorType::bf16;
  }
  throw InternalError("a weight format has a tensor type");
}

// One output's weights as a column of its panel.
template <class T>
void write_column(std::span<const T> values, int output, PackedLinear& to) {
  const auto outputs = static_cast<size_t>(to.panel_outputs);
  std::byte* place = to.weights.data() + static_cast<size_t>(output / to.panel_outputs) * to.panel_bytes() +
                     static_cast<size_t>(output % to.panel_outputs) * sizeof(T);
  for (const T& value : values) {
    std::memcpy(place, &value, sizeof value);
    place += outputs * sizeof value;
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

// `output` counts in the order of the panels.
void write_output(std::span<const float> values, int output, PackedLinear& to) {
  if (to.layout == WeightLayout::tiles) return pack_tile_row(values, output, to);
  if (to.format == WeightFormat::float32) return write_column(values, output, to);
  std::vector<uint16_t> halves(values.size());
  std::transform(values.begin(), values.end(), halves.begin(),
                 to.format == WeightFormat::bfloat16 ? to_bfloat16 : to_exact_half);
  write_column(std::span<const uint16_t>(halves), output, to);
}

}  // namespace

PackedLinear pack_linear(std::span<const LinearTensors> stacked, bool gated, WeightFormat format,
                         const ProductFamily& family, ThreadPool& pool) {
  PackedLinear linear;
  linear.format = format;
  linear.inputs = static_cast<int>(stacked.front().weight->columns());
  linear.padded_inputs = (linear.inputs + kStepColumns - 1) / kStepColumns * kStepColumns;
  linear.panel_outputs = family.panel_outputs;
  linear.layout = family.layout;
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
  const auto panels = static_cast<size_t>(linear.panels());
  linear.weights = HugeBuffer(panels * linear.panel_bytes());
  if (biased) linear.bias.assign(panels * static_cast<size_t>(linear.panel_outputs), 0.0F);

  pool.parallel_for(panels, [&](size_t panel) {
    std::vector<float> values(static_cast<size_t>(linear.inputs));
    for (int i = 0; i < linear.panel_outputs; ++i) {
      const Source source = source_of(stacked, gated, linear.panel_outputs, static_cast<int>(panel), i);
      if (source.layer == nullptr) continue;
      dequantise_row(*source.layer->weight, source.row, values);
      write_output(values, static_cast<int>(panel) * linear.panel_outputs + i, linear);
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
  if (linear.layout == WeightLayout::tiles) return read_tile_row(linear, output, std::span(out, inputs));
  const BlockFormat& format = block_format(tensor_type(linear.format));
  const size_t bytes = weight_bytes(linear.format);
  const std::byte* from = linear.panel(output / linear.panel_outputs) +
                          static_cast<size_t>(output % linear.panel_outputs) * bytes;
  for (size_t k = 0; k < inputs; ++k, from += static_cast<size_t>(linear.panel_outputs) * bytes) {
    format.dequantise(from, 1, out + k);
  }
}

}  // namespace sizeup::cpu
