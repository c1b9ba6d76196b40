// Pages of keys and values, rotation and attention.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/rotary_angles.h"
#include "backends/engine/step.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/key_selection.h"
#include "backends/metal/step_upload.h"

namespace sizeup::metal {

class AttentionLayers {
 public:
  AttentionLayers(const DecoderSpec& spec, Queue& queue);

  size_t page_bytes() const { return static_cast<size_t>(page_floats_) * sizeof(float); }

  // Makes room, copies pages and says what to upload; no command is under way.
  void begin(const Step& step, StepUpload& upload);

  // `rows` begin with query | key | value.
  struct Rows {
    Binding values;
    int stride = 0;
    int count = 0;
  };
  void rotate_and_write(int layer, const Rows& rows, const StepUpload& upload);
  // `rows` are normed queries and the key of the layer's index.
  void select_keys(int layer, const Rows& rows, const KeyNorm& norm, const StepUpload& upload);
  // out: [row][head][column]
  void attend(int layer, const Rows& rows, Buffer* sinks, Binding out, const StepUpload& upload);

 private:
  struct Angles {
    RotarySpec spec;
    RotaryAngles angles;
    int positions = 0;  // that the buffers hold
    std::unique_ptr<Buffer> cosines;
    std::unique_ptr<Buffer> sines;
  };

  metal_kernels::PagePart part(int layer) const;
  metal_kernels::IndexPart index_part(int layer) const;
  void grow_pages(int count);
  void copy_positions(const PageCopy& copy);
  void prepare_angles(int last);
  const Angles& angles_of(const RotarySpec& rotary) const;
  // Heads that lie side by side in each row, by positions that were uploaded.
  void rotate(const RotarySpec& rotary, const Rows& rows, int heads, int head_size, Binding positions);

  const DecoderSpec& spec_;
  Queue& queue_;
  int page_floats_ = 0;
  std::vector<int> layer_floats_;  // before each layer's part of a page
  std::vector<int> index_floats_;  // before what its index has there
  std::vector<Angles> angles_;     // each kind once
  std::unique_ptr<Buffer> pages_;
  int pages_held_ = 0;
  KeySelection selection_;
  int writes_ = 0;      // of the step
  int tile_count_ = 0;  // of the step
  StepUpload::Place positions_, first_pages_, page_numbers_, key_writes_, tiles_;
};

}  // namespace sizeup::metal
