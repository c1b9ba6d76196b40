#include "backends/cuda/attention_layers.h"

#include <algorithm>

#include "backends/cuda/check.h"
#include "backends/cuda/rotary.h"
#include "backends/engine/rotary_scaling.h"

namespace sizeup::cuda {
namespace {

// For states of chunks that several blocks compute for a row: 256 streams of 64 heads of 128 and 16 chunks
// each take half as much.
constexpr size_t kStateBytes = size_t{256} << 20;

}  // namespace

AttentionLayers::AttentionLayers(const DecoderSpec& spec, Precision precision, int64_t most_bytes,
                                 int multiprocessors)
    : spec_(spec),
      precision_(precision),
      multiprocessors_(multiprocessors),
      layout_(spec, precision),
      pages_(static_cast<size_t>(most_bytes)),
      halves_(DeviceMemory::of(layout_.halves())) {
  for (int i = 0; i < spec.layer_count(); ++i) add_layer(spec.layer(i));
}

void AttentionLayers::add_layer(const LayerSpec& layer) {
  const AttentionSpec& spec = layer.attention;
  if (layer.kv_layer == kNoKeys) {
    kind_of_layer_.push_back(0);
    return;
  }
  const PlanShape shape = plan_shape(spec, precision_);
  const size_t bytes = state_bytes(spec, 1);
  const auto kind = std::ranges::find_if(
      kinds_, [&](const Kind& one) { return one.shape == shape && one.state_bytes == bytes; });
  kind_of_layer_.push_back(static_cast<size_t>(kind - kinds_.begin()));
  if (kind == kinds_.end()) kinds_.push_back({.shape = shape, .state_bytes = bytes, .plan = {}, .words = {}});
  if (!spec.rotary || std::ranges::find(rotations_, *spec.rotary, &Rotation::spec) != rotations_.end())
    return;
  const std::vector<float> frequencies =
      spec.rotary->frequencies.empty() ? rotary_frequencies(*spec.rotary) : spec.rotary->frequencies;
  rotations_.push_back({.spec = *spec.rotary,
                        .pairs = static_cast<int>(frequencies.size()),
                        .frequencies = DeviceMemory::of<float>(frequencies),
                        .cosines = {},
                        .sines = {}});
}

void AttentionLayers::plan(const Step& step, StepUpload& upload) {
  for (Kind& kind : kinds_) {
    const PlanLimits limits{.multiprocessors = multiprocessors_,
                            .slots = static_cast<int64_t>(kStateBytes / kind.state_bytes)};
    kind.plan = AttentionPlan(step, kind.shape, limits);
    kind.words = upload.add(kind.plan.words());
  }
  copy_runs_ = independent_runs(step.copies);
  copies_ = upload.add(step.copies);
}

void AttentionLayers::begin(const Step& step, const StepUpload& upload, const StepRows& rows,
                            cudaStream_t stream) {
  upload_ = &upload;
  rows_ = rows;
  write_count_ = static_cast<int>(step.writes.size());
  pages_.require_bytes(static_cast<size_t>(step.page_count) * page_bytes(), stream);
  copy(step, upload, stream);
  for (Rotation& rotation : rotations_) {
    const size_t bytes =
        static_cast<size_t>(step.rows()) * static_cast<size_t>(rotation.pairs) * sizeof(float);
    rotation.cosines.require_bytes(bytes);
    rotation.sines.require_bytes(bytes);
    compute_angles({.positions = rows.positions,
                    .rows = step.rows(),
                    .frequencies = rotation.frequencies.as<float>(),
                    .pairs = rotation.pairs,
                    .scale = rotation.spec.scale,
                    .cosines = rotation.cosines.as<float>(),
                    .sines = rotation.sines.as<float>()},
                   stream);
  }
  size_t states = 0;
  for (const Kind& kind : kinds_)
    states = std::max(states, static_cast<size_t>(kind.plan.parts().slots) * kind.state_bytes);
  states_.require_bytes(states);
}

void AttentionLayers::copy(const Step& step, const StepUpload& upload, cudaStream_t stream) {
  int32_t begin = 0;
  for (const int32_t end : copy_runs_) {
    copy_pages({.memory = pages_.data(),
                .page_bytes = page_bytes(),
                .halves = halves_.as<PageHalf>(),
                .half_count = static_cast<int>(layout_.halves().size()),
                .copies = upload.at(copies_) + begin,
                .copy_count = end - begin},
               stream);
    begin = end;
  }
  require(begin == static_cast<int32_t>(step.copies.size()), "runs of copies have all copies");
}

const AttentionLayers::Rotation& AttentionLayers::rotation_of(const RotarySpec& spec) const {
  return *std::ranges::find(rotations_, spec, &Rotation::spec);
}

void AttentionLayers::rotate_and_write(int layer, const ValueRows& rows, cudaStream_t stream) {
  const AttentionSpec& spec = spec_.attention(layer);
  const bool keys = spec_.owns_keys(layer);
  if (spec.rotary) {
    const Rotation& rotation = rotation_of(*spec.rotary);
    rotate({.rows = rows.data,
            .stride = static_cast<size_t>(rows.stride),
            .row_count = rows.rows,
            .heads = spec.heads + (keys ? spec.kv_heads : 0),
            .head_size = spec.head_size,
            .layout = spec.rotary->layout,
            .pairs = rotation.pairs,
            .cosines = rotation.cosines.as<float>(),
            .sines = rotation.sines.as<float>()},
           stream);
  }
  if (!keys) return;
  write_keys_and_values({.rows = rows.data,
                         .stride = static_cast<size_t>(rows.stride),
                         .key_column = spec.query_width(),
                         .value_column = spec.query_width() + spec.kv_width(),
                         .writes = rows_.writes,
                         .write_count = write_count_,
                         .pages = layout_.layer(layer, pages_.data())},
                        stream);
}

void AttentionLayers::attend(int layer, const ValueRows& queries, const float* sinks, const Activations& out,
                             cudaStream_t stream) {
  const AttentionSpec& spec = spec_.attention(layer);
  const Kind& kind = kinds_[kind_of_layer_[static_cast<size_t>(layer)]];
  AttentionWork work{.plan = kind.plan.view(upload_->at(kind.words)),
                     .heads = spec.heads,
                     .head_size = spec.head_size,
                     .window = spec.window,
                     .scale = spec.score_scale(),
                     .score_cap = spec.score_cap,
                     .positions = rows_.positions,
                     .pages = rows_.pages,
                     .queries = queries.data,
                     .query_stride = static_cast<size_t>(queries.stride),
                     .memory = layout_.layer(spec_.layer(layer).kv_layer, pages_.data()),
                     .sinks = sinks,
                     .states = states_.as<float>(),
                     .out = nullptr,
                     .rounded_out = nullptr,
                     .out_stride = static_cast<size_t>(out.stride())};
  if (out.is_rounded()) {
    work.rounded_out = out.operand().data;
  } else {
    work.out = out.values().data;
  }
  cuda::attend(work, stream);
}

}  // namespace sizeup::cuda
