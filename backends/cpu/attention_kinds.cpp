#include "backends/cpu/attention_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/engine/key_index.h"
#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

AttentionShape attention_shape(const AttentionSpec& spec) {
  return {.heads = spec.heads,
          .kv_heads = spec.kv_heads,
          .head_size = spec.head_size,
          .scale = spec.score_scale(),
          .cap = spec.score_cap,
          .window = spec.window};
}

const AttentionFamily& family_of(const Kernels& kernels, Precision precision, const AttentionSpec& spec) {
  const AttentionShape shape = attention_shape(spec);
  const auto families = kernels.attention(precision);
  const auto found = std::find_if(families.begin(), families.end(),
                                  [&](const auto* family) { return family->supports(shape); });
  require(found != families.end(), "the last family attends in every shape");
  return **found;
}

}  // namespace

size_t index_offset(const AttentionFamily& family, const AttentionShape& shape) {
  constexpr size_t kLine = 64;  // of the caches
  return (family.page_bytes(shape) + kLine - 1) / kLine * kLine;
}

size_t index_bytes(const IndexSpec& spec) {
  return index_page_floats(spec) * sizeof(float);
}

AttentionKinds::AttentionKinds(const DecoderSpec& spec, const Kernels& kernels, Precision precision) {
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec& attention = layer.attention;
    if (layer.delta) {
      kind_of_layer_.push_back(0);  // nobody asks
      continue;
    }
    const auto found = std::ranges::find(kinds_, attention, &AttentionKind::spec);
    kind_of_layer_.push_back(static_cast<size_t>(found - kinds_.begin()));
    if (found != kinds_.end()) continue;
    kinds_.push_back({.spec = attention,
                      .shape = attention_shape(attention),
                      .family = &family_of(kernels, precision, attention)});
    const auto& rotary = attention.rotary;
    if (rotary && std::ranges::find(angles_, *rotary, &LaneAngles::spec) == angles_.end())
      angles_.push_back({.spec = *rotary, .angles = RotaryAngles(*rotary)});
  }
}

void AttentionKinds::begin(const Step& step) {
  for (AttentionKind& kind : kinds_) {
    kind.plan = plan_attention(
        step, kind.shape,
        {.placement = TilePlacement::cheapest, .lone_rows = kind.family->lone_rows(kind.shape)});
  }
  for (LaneAngles& lanes : angles_) spread(step, lanes);
}

RotaryLanes AttentionKinds::angles(const RotarySpec& rotary) const {
  const LaneAngles& lanes = *std::ranges::find(angles_, rotary, &LaneAngles::spec);
  return {lanes.cosines.data(), lanes.sines.data(), lanes.angles.pairs()};
}

const RotaryAngles& AttentionKinds::positions(const RotarySpec& rotary) const {
  return std::ranges::find(angles_, rotary, &LaneAngles::spec)->angles;
}

size_t AttentionKinds::scratch_bytes() const {
  size_t most = 0;
  for (const AttentionKind& kind : kinds_) most = std::max(most, kind.family->scratch_bytes(kind.shape));
  return most;
}

void AttentionKinds::spread(const Step& step, LaneAngles& lanes) {
  lanes.angles.prepare(*std::ranges::max_element(step.positions));
  const auto pairs = static_cast<size_t>(lanes.angles.pairs());
  const auto count = static_cast<size_t>(groups_of(step.rows())) * pairs * kLanes;
  lanes.cosines.resize(count);
  lanes.sines.resize(count);
  for (size_t row = 0; row < step.positions.size(); ++row) {
    const auto cosines = lanes.angles.cosines(step.positions[row]);
    const auto sines = lanes.angles.sines(step.positions[row]);
    const size_t begin = row / kLanes * pairs * kLanes + row % kLanes;
    for (size_t pair = 0; pair < pairs; ++pair) {
      lanes.cosines[begin + pair * kLanes] = cosines[pair];
      lanes.sines[begin + pair * kLanes] = sines[pair];
    }
  }
}

std::vector<size_t> layer_page_bytes(const DecoderSpec& spec, const Kernels& kernels, Precision precision) {
  std::vector<size_t> bytes;
  for (int i = 0; i < spec.layer_count(); ++i) {
    bytes.push_back(0);
    if (!spec.owns_keys(i)) continue;
    const AttentionSpec& attention = spec.attention(i);
    const AttentionFamily& family = family_of(kernels, precision, attention);
    bytes.back() = family.page_bytes(attention_shape(attention));
    if (attention.index)
      bytes.back() = index_offset(family, attention_shape(attention)) + index_bytes(*attention.index);
  }
  return bytes;
}

std::vector<std::string> describe_attention(const DecoderSpec& spec, const Kernels& kernels,
                                            Precision precision) {
  const AttentionFamily& best = *kernels.attention(precision).front();
  std::set<std::string> notes;
  for (const LayerSpec& layer : spec.layers) {
    if (layer.delta) continue;
    const AttentionFamily& family = family_of(kernels, precision, layer.attention);
    if (&family == &best) continue;
    notes.insert(fmt::format("attention by '{}': '{}' does not take heads of {}", family.name, best.name,
                             layer.attention.head_size));
  }
  return {notes.begin(), notes.end()};
}

}  // namespace sizeup::cpu
