// Which blocks of keys the rows of a step attend to, in layers with an index (IndexSpec).
#pragma once

#include <memory>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/step.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/step_upload.h"

namespace sizeup::metal {

// Of a block's key.
struct KeyNorm {
  Binding weight;
  float epsilon = 0.0F;
};

class KeySelection {
 public:
  KeySelection(const DecoderSpec& spec, Queue& queue);

  // Makes room and says what to upload: the blocks that end in the step; no command is under way.
  void begin(const Step& step, StepUpload& upload);

  // A layer's index keys in pages, and the step's tables of these.
  struct Pages {
    metal_kernels::IndexPart part;
    Binding values, numbers, first_pages, positions;
  };
  // The mean keys of the blocks that end, normed, which are to be rotated as `positions` before write().
  struct Means {
    Binding values, positions;
    int count = 0;
  };
  Means average(const Pages& pages, const KeyNorm& norm, const StepUpload& upload);
  void write(const Pages& pages, const StepUpload& upload);

  // `rows` begin with queries that are ready to be multiplied.
  struct Rows {
    Binding values;
    int stride = 0;
    int count = 0;
  };
  void choose(const IndexSpec& index, const Pages& pages, const Rows& rows);

  // What the last choice says of each row's complete blocks: not 0 where the row attends to one. The rows lie
  // as many blocks apart as the step's furthest row has.
  Binding chosen() const { return {chosen_.get()}; }
  int blocks(const IndexSpec& index) const { return plan(index.block).most; }

 private:
  // For all layers whose blocks have this size.
  struct Plan {
    int block = 0;
    int ends = 0;  // blocks that end in the step
    int most = 0;  // complete blocks of a row
    StepUpload::Place block_ends, first_positions;
  };

  const Plan& plan(int block) const;

  Queue& queue_;
  std::vector<Plan> plans_;
  int greatest_head_ = 0;
  std::unique_ptr<Buffer> means_, worths_, chosen_;
};

}  // namespace sizeup::metal
