#include "backends/metal/head.h"

#include <algorithm>

#include "backends/metal/encode.h"
#include "backends/metal/kernels/parameters.h"

namespace sizeup::metal {
namespace {

using namespace metal_kernels;

// Rows whose logits are held at once: those of a large vocabulary must not fill the memory.
constexpr int kHeadRows = 64;

size_t floats(int count) {
  return static_cast<size_t>(std::max(count, 1)) * sizeof(float);
}

}  // namespace

void Head::begin(const Step& step, StepUpload& upload) {
  std::vector<HeadRow> rows;
  tops_ = 0;
  distributions_ = 0;
  for (const WantedRow& wanted : step.wanted) {
    rows.push_back({.first_target = wanted.target_begin,
                    .targets = wanted.target_count,
                    .first_top = tops_,
                    .tops = wanted.top_count,
                    .distribution = wanted.distribution ? distributions_ : -1});
    tops_ += wanted.top_count;
    distributions_ += wanted.distribution ? 1 : 0;
  }
  wanted_ = static_cast<int>(rows.size());
  targets_ = static_cast<int>(step.targets.size());
  places_ = upload.add<HeadRow>(rows);
  target_tokens_ = upload.add<Token>(step.targets);
}

void Head::run(Queue& queue, const StepUpload& upload, Buffer& rows, const Matrix& matrix, float cap,
               StepResult& result) {
  const auto vocabulary = static_cast<size_t>(matrix.outputs);
  require_bytes(queue, logits_, floats(std::min(wanted_, kHeadRows) * matrix.outputs));
  require_bytes(queue, best_, floats(wanted_));
  require_bytes(queue, best_logprobs_, floats(wanted_));
  require_bytes(queue, target_logprobs_, floats(targets_));
  require_bytes(queue, top_tokens_, floats(tops_));
  require_bytes(queue, top_logprobs_, floats(tops_));
  require_bytes(queue, distribution_, floats(distributions_) * vocabulary);
  for (int first = 0; first < wanted_; first += kHeadRows) {
    const int count = std::min(kHeadRows, wanted_ - first);
    const size_t skipped = static_cast<size_t>(first) * static_cast<size_t>(matrix.inputs) * sizeof(float);
    multiply(queue, matrix,
             {.in = {&rows, skipped}, .rows = count, .out = {logits_.get()}, .out_stride = matrix.outputs});
    encode(queue, {"finish_head", {{"head_caps", cap != 0.0F ? 1 : 0}}},
           {{logits_.get()},
            upload.at(places_),
            upload.at(target_tokens_),
            {best_.get()},
            {best_logprobs_.get()},
            {target_logprobs_.get()},
            {top_tokens_.get()},
            {top_logprobs_.get()},
            {distribution_.get()}},
           HeadParameters{.cap = cap, .vocabulary = matrix.outputs, .first_row = first},
           {{count}, kHeadThreads});
  }
  queue.finish();
  const auto copy = [](Buffer& from, auto& to, size_t count) {
    using Value = typename std::remove_cvref_t<decltype(to)>::value_type;
    const std::span<Value> values = values_in<Value>(from).first(count);
    to.assign(values.begin(), values.end());
  };
  copy(*best_, result.best, static_cast<size_t>(wanted_));
  copy(*best_logprobs_, result.best_logprobs, static_cast<size_t>(wanted_));
  copy(*target_logprobs_, result.target_logprobs, static_cast<size_t>(targets_));
  copy(*distribution_, result.distributions, static_cast<size_t>(distributions_) * vocabulary);
  result.top.resize(static_cast<size_t>(tops_));
  for (size_t i = 0; i < result.top.size(); ++i)
    result.top[i] = {values_in<Token>(*top_tokens_)[i], values_in<float>(*top_logprobs_)[i]};
}

}  // namespace sizeup::metal
