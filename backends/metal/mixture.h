// Mixtures of experts.
#pragma once

#include <memory>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/metal/weights.h"

namespace sizeup::metal {

// All experts' matrices of one kind, one after the other; a part of the matrix has whole experts.
struct ExpertMatrix {
  Matrix matrix;
  int outputs = 0;  // of an expert
};

struct Mixture {
  ExpertSpec spec;
  Matrix router;                                         // and the shared expert's gate as one more output
  std::unique_ptr<Buffer> selection_bias, expert_scale;  // nullptr: none
  ExpertMatrix gate, up, down;
  Matrix shared_gate, shared_up, shared_down;  // of the shared expert, if there is one

  int parts() const { return spec.used + (spec.shared_width > 0 ? 1 : 0); }
  int64_t bytes() const;
};

class Mixtures {
 public:
  Mixture load(Queue& queue, const ExpertSpec& spec, const MixtureTensors& tensors, ThreadPool& pool);
  // Of all mixtures that were loaded, for so many rows; no command is under way.
  void make_room(Queue& queue, int rows);

  struct Rows {
    Binding router_in, in, out;
    int count = 0;
  };
  void add(Queue& queue, const Mixture& mixture, Activation activation, const Rows& rows);

 private:
  void add_shared(Queue& queue, const Mixture& mixture, Activation activation, const Rows& rows);

  // Values of a row, of the mixture that has most.
  struct Widths {
    int outputs = 0, used = 0, parts = 0, inner = 0, results = 0, shared_inner = 0, columns = 0;
  };
  Widths widths_;
  std::unique_ptr<Buffer> outputs_, experts_, weights_, gates_, ups_, results_, shared_gates_, shared_ups_,
      shared_results_;
};

}  // namespace sizeup::metal
