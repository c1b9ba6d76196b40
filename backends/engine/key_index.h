// Attention to chosen blocks of keys (IndexSpec), the same on every device: few products in float32, because
// rounding could change which blocks are chosen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/norm.h"
#include "backends/engine/rotary_angles.h"
#include "backends/engine/step.h"

namespace sizeup {

// A layer's part of a page: keys [kPagePositions][head_size] as they are, then those of the blocks that end
// in the page, [slot][head_size], ready to be multiplied.
size_t index_page_floats(const IndexSpec& spec);

class KeyIndex {
 public:
  using PageOf = std::function<float*(int32_t)>;  // the layer's part of a page, by number

  // What is pointed at outlives it; angles are those of the layer's attention.
  KeyIndex(const IndexSpec& spec, const RotarySpec& rotary, const RotaryAngles& angles, PageOf page_of)
      : spec_(spec), rotary_(rotary), angles_(angles), page_of_(std::move(page_of)) {}

  void write(const float* key, const KeyValueWrite& write) const;
  // The key of the block that ends with the write's row, if one does. After all keys were written.
  void finish_block(const Step& step, const KeyValueWrite& write, const Norm& key_norm) const;
  // What a row attends to. queries: [heads][head_size], which are normed and rotated. After all blocks were
  // finished.
  PositionRanges choose(const Step& step, int row, const Norm& query_norm, float* queries) const;

 private:
  float* block_key(const Step& step, int row, int block) const;
  float worth(const float* queries, const float* key) const;
  void prepare(const Norm& norm, int position, int heads, float* values) const;

  const IndexSpec& spec_;
  const RotarySpec& rotary_;
  const RotaryAngles& angles_;
  PageOf page_of_;
};

}  // namespace sizeup
