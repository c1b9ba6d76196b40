// Tensors by name with their shapes checked. All problems are kept, so that an architecture file reads as a
// list of its tensors and a user sees at once what a file lacks, has in another shape, or has too much.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

class TensorFinder {
 public:
  explicit TensorFinder(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  // nullptr after a problem: nothing of a model with an error may be used.
  const Tensor* required(const std::string& name, const std::vector<int64_t>& shape);
  const Tensor* optional(const std::string& name, const std::vector<int64_t>& shape);
  // Whether there is such a tensor, with so many dimensions.
  bool has_dimensions(const std::string& name, size_t dimensions) const;
  // `prefix`.weight of {outputs, inputs} and, where the file has it, `prefix`.bias.
  LinearTensors linear(const std::string& prefix, int64_t outputs, int64_t inputs);
  // The same with a bias that must be there.
  LinearTensors biased_linear(const std::string& prefix, int64_t outputs, int64_t inputs);

  // A tensor that is there in a form that cannot be read: "Q4_0", "F32".
  void refuse(const std::string& name, std::string found, std::string expected);

  // Somebody else reads this tensor, if it is there.
  void ask(std::string_view name) { asked_.emplace(name); }

  // After all others: a problem for each tensor that nobody asked for, unless it is known to change no result
  // (harmless_tensors.h): those are returned. `layers`: of the decoder.
  std::vector<UnusedTensor> refuse_unasked(int layers);

  // One problem as it is, or all of them by kind, of each the first ones by name; nothing if all is well.
  std::optional<Error> error() const;
  // There are so many problems that to look for the rest of the tensors would only take time.
  bool hopeless() const { return wrong_.size() >= kMostProblems; }

 private:
  struct Problem {
    std::string name;
    std::string found;     // its shape or form; empty: it is missing
    std::string expected;  // a shape or form; empty: none, the tensor is not known
  };
  using Problems = std::vector<Problem>;

  void add(Problems& kind, Problem problem);

  // A file of another model lacks all tensors; a damaged count of layers or experts asks for millions.
  static constexpr size_t kMostProblems = 10000;

  const Checkpoint& checkpoint_;
  std::unordered_set<std::string> asked_;
  std::unordered_set<std::string>
      wrong_;  // names with a problem: each has one, however often it is asked for
  Problems missing_, misshapen_, unfit_, unknown_;
};

}  // namespace sizeup
