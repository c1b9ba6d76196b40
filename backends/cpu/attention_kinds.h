// The ways in which the layers of a decoder attend: layers with the same spec have a step's plan in common,
// and those with the same rotary positions a step's angles.
#pragma once

#include <string>
#include <vector>

#include "backends/cpu/attention.h"
#include "backends/cpu/kernels.h"
#include "backends/engine/device.h"
#include "backends/engine/rotary_angles.h"

namespace sizeup::cpu {

struct AttentionKind {
  AttentionSpec spec;
  AttentionShape shape;
  const AttentionFamily* family = nullptr;
  AttentionPlan plan = {};  // of the step that began last
};

class AttentionKinds {
 public:
  AttentionKinds(const DecoderSpec& spec, const Kernels& kernels, Precision precision);

  void begin(const Step& step);
  const AttentionKind& of(int layer) const { return kinds_[kind_of_layer_[static_cast<size_t>(layer)]]; }
  // Of a kind's rotary positions, for the step that began last.
  RotaryLanes angles(const RotarySpec& rotary) const;
  const RotaryAngles& positions(const RotarySpec& rotary) const;
  size_t scratch_bytes() const;  // that any kind needs

 private:
  // Angles in lanes: [group][pair][kLanes].
  struct LaneAngles {
    RotarySpec spec;
    RotaryAngles angles;
    std::vector<float> cosines = {};
    std::vector<float> sines = {};
  };

  static void spread(const Step& step, LaneAngles& lanes);

  std::vector<AttentionKind> kinds_;
  std::vector<size_t> kind_of_layer_;
  std::vector<LaneAngles> angles_;
};

// Where the keys of an index begin in a layer's part of a page: after keys and values.
size_t index_offset(const AttentionFamily& family, const AttentionShape& shape);

size_t index_bytes(const IndexSpec& spec);

// Of each layer's part of a page; 0 for layers that have no keys of their own.
std::vector<size_t> layer_page_bytes(const DecoderSpec& spec, const Kernels& kernels, Precision precision);

// Notes on attention by another family than the tier's best.
std::vector<std::string> describe_attention(const DecoderSpec& spec, const Kernels& kernels,
                                            Precision precision);

}  // namespace sizeup::cpu
