// bitsandbytes: 4-bit codes into a table (NF4, FP4) times the greatest weight of a block of the flattened
// matrix, and int8 rows times their greatest weight. https://github.com/bitsandbytes-foundation/bitsandbytes
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "backends/engine/formats/quantised/stored_tensors.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr std::string_view kState4 = ".quant_state.bitsandbytes__";  // and the table's name: nf4, fp4
constexpr std::string_view kScale8 = ".SCB";
constexpr float kStep8 = 0.007874015718698502F;  // 1/127, as bitsandbytes has it

float float_at(std::span<const std::byte> values, int64_t index) {
  float value;  // files do not promise alignment
  std::memcpy(&value, values.data() + index * int64_t{sizeof value}, sizeof value);
  return value;
}

// The blocks' greatest weights: floats, or codes into a table times floats of larger blocks plus an offset.
struct BlockScales {
  std::span<const std::byte> values;  // F32, or U8 if nested
  std::vector<float> table;           // of nested scales; empty: not nested
  std::span<const std::byte> outer;   // F32
  int64_t outer_block = 1;
  float offset = 0.0F;

  float at(int64_t block) const {
    if (table.empty()) return float_at(values, block);
    const auto code = std::to_integer<size_t>(values[static_cast<size_t>(block)]);
    return table[code] * float_at(outer, block / outer_block) + offset;
  }
};

class Rows4 : public RowSource {
 public:
  Rows4(bool normal, std::span<const std::byte> codes, std::vector<float> table, int64_t block,
        BlockScales scales)
      : normal_(normal), codes_(codes), table_(std::move(table)), block_(block), scales_(std::move(scales)) {}

  std::string_view format() const override { return normal_ ? "NF4" : "FP4"; }
  int64_t stored_bytes() const override {
    return static_cast<int64_t>(codes_.size() + scales_.values.size() + scales_.outer.size());
  }
  void compute_row(int64_t row, std::span<float> out) const override {
    int64_t i = row * static_cast<int64_t>(out.size());  // of the flattened matrix
    float scale = scales_.at(i / block_);
    for (float& value : out) {
      if (i % block_ == 0) scale = scales_.at(i / block_);
      const auto two = std::to_integer<size_t>(codes_[static_cast<size_t>(i / 2)]);
      value = table_[i % 2 == 0 ? two >> 4 : two & 15] * scale;
      ++i;
    }
  }

 private:
  bool normal_;
  std::span<const std::byte> codes_;
  std::vector<float> table_;  // of 16 values
  int64_t block_;
  BlockScales scales_;
};

class Rows8 : public RowSource {
 public:
  Rows8(std::span<const std::byte> codes, std::span<const std::byte> scales)
      : codes_(codes), scales_(scales) {}

  std::string_view format() const override { return "int8"; }
  int64_t stored_bytes() const override { return static_cast<int64_t>(codes_.size() + scales_.size()); }
  void compute_row(int64_t row, std::span<float> out) const override {
    const std::byte* codes = codes_.data() + row * static_cast<int64_t>(out.size());
    const float scale = float_at(scales_, row);
    for (size_t k = 0; k < out.size(); ++k)
      out[k] = static_cast<float>(static_cast<int8_t>(codes[k])) * scale * kStep8;
  }

 private:
  std::span<const std::byte> codes_, scales_;
};

// What the JSON beside a 4-bit weight says.
struct State4 {
  std::vector<int64_t> shape;
  int64_t weights = 0;
  int64_t block = 0;
  int64_t outer_block = 0;  // 0: scales are not nested
  float offset = 0.0F;
};

constexpr int64_t kMostWeights = int64_t{1} << 40;

std::optional<int64_t> count_in(const Json& state, const char* key) {
  const Json value = state.value(key, Json());
  const bool good = value.is_number_unsigned() && value >= 1 && value <= kMostWeights;
  return good ? std::optional(value.get<int64_t>()) : std::nullopt;
}

std::optional<State4> read_state(const StoredTensor& tensor) {
  const std::string_view text(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  const auto json = parse_json(text, tensor.name);
  if (!json || !json->is_object()) return std::nullopt;
  State4 state;
  const Json shape = json->value("shape", Json());
  if (!shape.is_array() || shape.size() != 2) return std::nullopt;
  state.weights = 1;
  for (const Json& size : shape) {
    if (!size.is_number_unsigned() || size < 1 || size > kMostWeights / state.weights) return std::nullopt;
    state.shape.push_back(size.get<int64_t>());
    state.weights *= state.shape.back();
  }
  const auto block = count_in(*json, "blocksize");
  if (!block) return std::nullopt;
  state.block = *block;
  if (!json->contains("nested_blocksize")) return state;
  const auto outer = count_in(*json, "nested_blocksize");
  const Json offset = json->value("nested_offset", Json());
  if (!outer || !offset.is_number()) return std::nullopt;
  state.outer_block = *outer;
  state.offset = offset.get<float>();
  return state;
}

// A part of a weight: its type and how many elements it must have.
Result<const StoredTensor*> take_part(StoredTensors& tensors, const std::string& name, std::string_view dtype,
                                      size_t bytes) {
  const StoredTensor* part = tensors.take(name);
  if (part == nullptr) return tensors.wrong(name, "is missing", "beside the weight's quant_state");
  if (part->dtype != dtype || part->data.size() != bytes) {
    return tensors.wrong(name, fmt::format("is {} of {} bytes", part->dtype, part->data.size()),
                         fmt::format("{} of {} bytes", dtype, bytes));
  }
  return part;
}

size_t blocks_of(int64_t count, int64_t block) {
  return static_cast<size_t>((count + block - 1) / block);
}

Result<BlockScales> read_scales(const std::string& name, const State4& state, StoredTensors& tensors) {
  const size_t blocks = blocks_of(state.weights, state.block);
  const bool nested = state.outer_block > 0;
  const auto values =
      take_part(tensors, name + ".absmax", nested ? "U8" : "F32", blocks * (nested ? 1 : sizeof(float)));
  if (!values) return tl::unexpected<Error>(values.error());
  BlockScales scales;
  scales.values = (*values)->data;
  if (!nested) return scales;
  const auto table = take_part(tensors, name + ".nested_quant_map", "F32", 256 * sizeof(float));
  if (!table) return tl::unexpected<Error>(table.error());
  const size_t outer_blocks = blocks_of(static_cast<int64_t>(blocks), state.outer_block);
  const auto outer = take_part(tensors, name + ".nested_absmax", "F32", outer_blocks * sizeof(float));
  if (!outer) return tl::unexpected<Error>(outer.error());
  scales.table = floats_of(**table);
  scales.outer = (*outer)->data;
  scales.outer_block = state.outer_block;
  scales.offset = state.offset;
  return scales;
}

// `suffix`: nf4 or fp4.
Result<void> read_4bit(const std::string& name, std::string_view suffix, const StoredTensor& stored_state,
                       StoredTensors& tensors) {
  tensors.take(stored_state.name);
  const auto state = read_state(stored_state);
  if (!state) {
    return tensors.wrong(
        stored_state.name, "is damaged",
        "JSON with shape, blocksize and, for nested scales, nested_blocksize and nested_offset");
  }
  const auto codes = take_part(tensors, name, "U8", blocks_of(state->weights, 2));
  if (!codes) return tl::unexpected<Error>(codes.error());
  const auto table = take_part(tensors, name + ".quant_map", "F32", 16 * sizeof(float));
  if (!table) return tl::unexpected<Error>(table.error());
  auto scales = read_scales(name, *state, tensors);
  if (!scales) return forward_error(scales);
  tensors.add(name, state->shape, (*codes)->data,
              std::make_unique<Rows4>(suffix == "nf4", (*codes)->data, floats_of(**table), state->block,
                                      std::move(*scales)));
  return {};
}

// `module`.weight with `module`.SCB.
Result<void> read_8bit(const std::string& module, StoredTensors& tensors) {
  const std::string name = module + ".weight";
  const StoredTensor* codes = tensors.take(name);
  if (codes == nullptr || codes->dtype != "I8" || codes->shape.size() != 2 || codes->data.empty())
    return tensors.wrong(name, "is no int8 matrix",
                         fmt::format("I8 of two dimensions beside '{}.SCB'", module));
  const auto rows = static_cast<size_t>(codes->shape[0]);
  const auto scales = take_part(tensors, module + std::string(kScale8), "F32", rows * sizeof(float));
  if (!scales) return tl::unexpected<Error>(scales.error());
  // 0: rows in order, which is how files have them; others are for one kind of GPU.
  const StoredTensor* order = tensors.take(module + ".weight_format");
  if (order != nullptr && (order->data.size() != 1 || order->data[0] != std::byte{0}))
    return tensors.wrong(order->name, "names another order than rows", "0");
  tensors.add(name, codes->shape, codes->data, std::make_unique<Rows8>(codes->data, (*scales)->data));
  return {};
}

}  // namespace

Result<void> read_bitsandbytes(const Json& /*settings*/, StoredTensors& tensors) {
  for (const StoredTensor& tensor : tensors.all()) {
    const size_t state = tensor.name.rfind(kState4);
    if (state != std::string::npos) {
      const std::string suffix = tensor.name.substr(state + kState4.size());
      if (suffix != "nf4" && suffix != "fp4")
        return tensors.wrong(tensor.name, "is of an unknown kind", "nf4 or fp4");
      if (auto read = read_4bit(tensor.name.substr(0, state), suffix, tensor, tensors); !read) return read;
    } else if (tensor.name.ends_with(kScale8)) {
      if (auto read = read_8bit(tensor.name.substr(0, tensor.name.size() - kScale8.size()), tensors); !read)
        return read;
    }
  }
  return {};
}

}  // namespace sizeup
