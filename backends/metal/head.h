// Log-probabilities of a step's wanted rows, some rows' logits at a time.
#pragma once

#include <memory>

#include "backends/engine/step.h"
#include "backends/metal/step_upload.h"
#include "backends/metal/weights.h"

namespace sizeup::metal {

class Head {
 public:
  // Says what to upload; no command is under way.
  void begin(const Step& step, StepUpload& upload);

  // Waits for all commands. rows: the wanted rows, side by side, as the matrix reads them.
  void run(Queue& queue, const StepUpload& upload, Buffer& rows, const Matrix& matrix, float cap,
           StepResult& result);

 private:
  int wanted_ = 0;
  int targets_ = 0;
  int tops_ = 0;
  int distributions_ = 0;
  StepUpload::Place places_, target_tokens_;
  std::unique_ptr<Buffer> logits_, best_, best_logprobs_, target_logprobs_, top_tokens_, top_logprobs_,
      distribution_;
};

}  // namespace sizeup::metal
