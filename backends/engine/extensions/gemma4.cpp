#include "backends/engine/extensions/gemma4.h"

#include <cmath>

namespace sizeup {
namespace {

struct MixtureBeside {
  MixtureId mixture;
  NormId router_norm, norm, dense_post_norm, post_norm;
};

MixtureBeside add_mixture(Device& device, const DecoderSpec& spec, const Gemma4Tensors::MixtureBeside& own) {
  NormSpec router_norm = spec.norm;
  router_norm.scale = 1.0F / std::sqrt(static_cast<float>(spec.width));
  const auto norm = [&](const NormTensors& tensors) {
    return device.add_norm(spec.norm, tensors, spec.width);
  };
  return {.mixture = device.add_mixture(spec.experts, own.mixture),
          .router_norm = device.add_norm(router_norm, {.weight = own.router_scale}, spec.width),
          .norm = norm(own.norm),
          .dense_post_norm = norm(own.dense_post_norm),
          .post_norm = norm(own.post_norm)};
}

class Gemma4Hooks final : public DecoderHooks {
 public:
  Gemma4Hooks(const Gemma4Tensors& tensors, const DecoderSpec& spec, RowsId residual, Device& device)
      : device_(device),
        residual_(residual),
        activation_(spec.activation),
        as_it_is_(device.add_norm({.kind = NormKind::none}, {}, spec.width)),
        operand_(device.add_rows(spec.width, RowsUse::operand)),
        router_input_(device.add_rows(spec.width, RowsUse::routed)),
        expert_input_(device.add_rows(spec.width, RowsUse::routed)),
        mixed_(device.add_rows(spec.width, RowsUse::values)) {
    for (const auto& own : tensors.mixtures) {
      mixtures_.push_back(own ? std::optional(add_mixture(device, spec, *own)) : std::nullopt);
    }
    if (tensors.embeddings) embeddings_.emplace(*tensors.embeddings, spec, device);
  }

  void begin(const Step&) override {
    if (!embeddings_) return;
    device_.norm(residual_, as_it_is_, operand_);
    embeddings_->begin(operand_);
  }

  void add_to_feed_forward(int layer, RowsId result) override {
    const std::optional<MixtureBeside>& own = mixtures_[static_cast<size_t>(layer)];
    if (!own) return;
    device_.norm_parts(result, 0, 1, own->dense_post_norm);
    device_.norm(residual_, own->router_norm, router_input_);
    device_.norm(residual_, own->norm, expert_input_);
    device_.clear(mixed_);
    device_.mixture_add(router_input_, expert_input_, own->mixture, activation_, mixed_);
    device_.norm_add(mixed_, own->post_norm, result);
  }

  void after_feed_forward(int layer) override {
    if (!embeddings_) return;
    device_.norm(residual_, as_it_is_, operand_);
    embeddings_->add(layer, operand_, std::span(&residual_, 1));
  }

 private:
  Device& device_;
  RowsId residual_;
  Activation activation_;
  NormId as_it_is_;  // changes nothing: values become an operand
  RowsId operand_, router_input_, expert_input_, mixed_;
  std::vector<std::optional<MixtureBeside>> mixtures_;
  std::optional<LayerEmbeddings> embeddings_;
};

}  // namespace

ExtensionWeights Gemma4Extension::weights() const {
  ExtensionWeights all;
  for (const auto& own : tensors_.mixtures) {
    if (own) all.mixtures.push_back(&own->mixture);
  }
  if (!all.mixtures.empty()) all.row_columns += 3 * all.mixtures.front()->router->columns();
  if (tensors_.embeddings) {
    tensors_.embeddings->add_to(all);
    all.row_columns += tensors_.embeddings->projection->columns();
  }
  return all;
}

std::unique_ptr<DecoderHooks> Gemma4Extension::pack(const DecoderSpec& spec, const DecoderRows& rows,
                                                    Device& device) const {
  return std::make_unique<Gemma4Hooks>(tensors_, spec, rows.residual, device);
}

}  // namespace sizeup
