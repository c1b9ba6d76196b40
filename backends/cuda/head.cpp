#include "backends/cuda/head.h"

#include <algorithm>

#include "backends/cuda/check.h"

namespace sizeup::cuda {
namespace {

template <class T>
void copy_back(const DeviceMemory& from, T* to, size_t count, cudaStream_t stream) {
  if (count == 0) return;
  check(cudaMemcpyAsync(to, from.as(), count * sizeof(T), cudaMemcpyDeviceToHost, stream));
}

}  // namespace

Head::RowBlock Head::row_block(const Step& step, int vocabulary, int first) {
  RowBlock block;
  block.first = first;
  block.rows = std::min(kHeadRows, static_cast<int>(step.wanted.size()) - first);
  const auto wanted =
      std::span(step.wanted).subspan(static_cast<size_t>(first), static_cast<size_t>(block.rows));
  block.any_top = std::ranges::any_of(wanted, [](const WantedRow& row) { return row.top_count > 0; });
  if (std::ranges::none_of(wanted, &WantedRow::distribution)) return block;
  for (const WantedRow& row : wanted) {
    block.distribution.push_back(row.distribution ? block.kept : -1);
    if (row.distribution) block.kept += vocabulary;
  }
  return block;
}

void Head::run(const HeadStep& step, const Activations& rows, const Matrix& matrix, float cap,
               Products& products, StepResult& result, cudaStream_t stream) {
  const Step& all = *step.step;
  const size_t wanted = all.wanted.size();
  size_t tops = 0;
  size_t distributions = 0;
  for (const WantedRow& row : all.wanted) {
    tops += static_cast<size_t>(row.top_count);
    if (row.distribution) distributions += static_cast<size_t>(matrix.outputs);
  }
  result.best.resize(wanted);
  result.best_logprobs.resize(wanted);
  result.target_logprobs.resize(all.targets.size());
  result.top.resize(tops);
  result.distributions.resize(distributions);
  target_logits_.require_bytes(all.targets.size() * sizeof(float));
  tops = 0;
  distributions = 0;
  for (int first = 0; first < static_cast<int>(wanted); first += kHeadRows) {
    const RowBlock block = row_block(all, matrix.outputs, first);
    run_block(block, step, rows, matrix, cap, products, stream);
    copy_block(block, all, tops, distributions, result, stream);
  }
  copy_back(target_logits_, result.target_logprobs.data(), all.targets.size(), stream);
  check(cudaStreamSynchronize(stream));
}

void Head::run_block(const RowBlock& block, const HeadStep& step, const Activations& rows,
                     const Matrix& matrix, float cap, Products& products, cudaStream_t stream) {
  const auto count = static_cast<size_t>(block.rows);
  const auto blocks = static_cast<size_t>(head_blocks(matrix.outputs));
  // As many columns as there is room for, in whole blocks.
  const int at_once = std::max(1, kHeadLogits / kHeadColumns / block.rows) * kHeadColumns;
  const int64_t stride = padded_inputs(std::min(at_once, matrix.outputs));
  logits_.require_bytes(count * static_cast<size_t>(stride) * sizeof(float));
  states_.require_bytes(blocks * count * sizeof(HeadState));
  best_.require_bytes(count * sizeof(int32_t));
  best_logprobs_.require_bytes(count * sizeof(float));
  if (block.any_top) {
    top_.require_bytes(blocks * count * kMostTop * sizeof(TopKey));
    top_tokens_.require_bytes(count * kMostTop * sizeof(TopToken));
  }
  if (!block.distribution.empty()) {
    places_.require_bytes(kHeadRows * sizeof(int64_t));
    kept_.require_bytes(static_cast<size_t>(block.kept) * sizeof(float));
    check(cudaMemcpyAsync(places_.as(), block.distribution.data(), count * sizeof(int64_t),
                          cudaMemcpyHostToDevice, stream));
  }
  const size_t element = rows.is_rounded() ? sizeof(uint16_t) : sizeof(float);
  HeadWork work{.logits = logits_.as<float>(),
                .stride = stride,
                .rows = block.rows,
                .cap = cap,
                .wanted = step.wanted + block.first,
                .targets = step.targets,
                .states = states_.as<HeadState>(),
                .target_logits = target_logits_.as<float>(),
                .top = block.any_top ? top_.as<TopKey>() : nullptr,
                .distribution = block.distribution.empty() ? nullptr : places_.as<int64_t>(),
                .logits_kept = kept_.as<float>()};
  const ProductRows product{
      .in = static_cast<const std::byte*>(rows.data()) +
            static_cast<size_t>(block.first) * static_cast<size_t>(rows.stride()) * element,
      .in_stride = rows.stride(),
      .rows = block.rows,
      .out = logits_.as<float>(),
      .out_stride = stride};
  for (int first = 0; first < matrix.outputs; first += at_once) {
    work.first_column = first;
    work.columns = std::min(at_once, matrix.outputs - first);
    products.multiply(matrix, first, work.columns, product, stream);
    fold_blocks(work, stream);
  }
  finish_head({.rows = block.rows,
               .vocabulary = matrix.outputs,
               .wanted = work.wanted,
               .states = work.states,
               .best = best_.as<int32_t>(),
               .best_logprobs = best_logprobs_.as<float>(),
               .target_logits = work.target_logits,
               .top = work.top,
               .top_tokens = top_tokens_.as<TopToken>(),
               .distribution = work.distribution,
               .logits_kept = work.logits_kept},
              stream);
}

// Waits for the block's results: the next block's take their places.
void Head::copy_block(const RowBlock& block, const Step& step, size_t& top, size_t& distribution,
                      StepResult& result, cudaStream_t stream) const {
  const auto count = static_cast<size_t>(block.rows);
  const auto first = static_cast<size_t>(block.first);
  copy_back(best_, result.best.data() + first, count, stream);
  copy_back(best_logprobs_, result.best_logprobs.data() + first, count, stream);
  copy_back(kept_, result.distributions.data() + distribution, static_cast<size_t>(block.kept), stream);
  distribution += static_cast<size_t>(block.kept);
  std::vector<TopToken> tokens(block.any_top ? count * kMostTop : 0);
  copy_back(top_tokens_, tokens.data(), tokens.size(), stream);
  check(cudaStreamSynchronize(stream));
  if (!block.any_top) return;
  for (size_t row = 0; row < count; ++row) {
    const auto wanted = static_cast<size_t>(step.wanted[first + row].top_count);
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(row * kMostTop), wanted,
                result.top.begin() + static_cast<std::ptrdiff_t>(top));
    top += wanted;
  }
}

}  // namespace sizeup::cuda
