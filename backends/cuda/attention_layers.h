// A decoder's layers of attention on the GPU: their pages, and a step's plans and rotations, each kind once.
#pragma once

#include <optional>
#include <vector>

#include "backends/cuda/activations.h"
#include "backends/cuda/attention.h"
#include "backends/cuda/growing_memory.h"
#include "backends/cuda/pages.h"
#include "backends/cuda/step_upload.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup::cuda {

// Where a step's own parts lie on the device.
struct StepRows {
  const int32_t* positions = nullptr;
  const int32_t* pages = nullptr;
  const KeyValueWrite* writes = nullptr;
};

class AttentionLayers {
 public:
  // Pages take `most_bytes` at most.
  AttentionLayers(const DecoderSpec& spec, Precision precision, int64_t most_bytes, int multiprocessors);

  size_t page_bytes() const { return layout_.page_bytes(); }

  // Plans the step: what kernels read of it is added to the upload.
  void plan(const Step& step, StepUpload& upload);
  // After the upload: copies pages, computes angles.
  void begin(const Step& step, const StepUpload& upload, const StepRows& rows, cudaStream_t stream);

  void rotate_and_write(int layer, const ValueRows& rows, cudaStream_t stream);
  void attend(int layer, const ValueRows& queries, const float* sinks, const Activations& out,
              cudaStream_t stream);

 private:
  // Layers that attend in the same way have one plan.
  struct Kind {
    PlanShape shape;
    size_t state_bytes = 0;  // of a slot
    AttentionPlan plan;
    Uploaded<int32_t> words;
  };
  struct Rotation {
    RotarySpec spec;
    int pairs = 0;
    DeviceMemory frequencies;
    DeviceMemory cosines;
    DeviceMemory sines;
  };

  void add_layer(const LayerSpec& layer);
  void copy(const Step& step, const StepUpload& upload, cudaStream_t stream);
  const Rotation& rotation_of(const RotarySpec& spec) const;

  DecoderSpec spec_;
  Precision precision_;
  int multiprocessors_;
  PageLayout layout_;
  GrowingMemory pages_;
  DeviceMemory halves_;
  std::vector<Kind> kinds_;
  std::vector<size_t> kind_of_layer_;  // 0 where it does not attend
  std::vector<Rotation> rotations_;
  DeviceMemory states_;
  std::vector<int32_t> copy_runs_;
  Uploaded<PageCopy> copies_;
  StepRows rows_;
  int write_count_ = 0;
  const StepUpload* upload_ = nullptr;
};

}  // namespace sizeup::cuda
