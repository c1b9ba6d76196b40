// What no spec can say: the one point at which an architecture adds operations of its own to the decoder's.
//
// A spec is data that the forward pass reads. Some models have steps that would be fields for them alone,
// with weights beside those of every decoder: several residual streams that layers predict and correct
// (extensions/gemma3n.h) or mix (extensions/qwen4.h), a mixture of experts beside a feed-forward
// (extensions/gemma4.h), embeddings of every layer (both Gemmas) or of n-grams. An extension is an object
// that the decoder calls at named places without knowing what it does. It has the device's operations only:
// so what is promised of bits holds, and it works on every device.
#pragma once

#include <memory>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/device.h"

namespace sizeup {

// Called in every step, in this order; a place that an extension has no use for does nothing.
class DecoderHooks {
 public:
  virtual ~DecoderHooks() = default;

  virtual void begin(const Step&) {}     // the residual is the embedding's rows
  virtual void begin_layer(int) {}       // before the norm of what attention reads
  virtual void before_attention(int) {}  // what attention reads is there; its result is added to the residual
  virtual void after_attention(int) {}   // the residual has attention's result; what attention read is there
  virtual void before_feed_forward(int) {}  // what it reads is there; its result is added to the residual
  // Of a feed-forward with a norm of its result: `result`, values, before that norm.
  virtual void add_to_feed_forward(int, RowsId) {}
  virtual void after_feed_forward(int) {}  // the residual has its result, not yet times the layer's scale
  virtual void end() {}                    // before the last norm
};

// Rows of the decoder that hooks may use.
struct DecoderRows {
  RowsId residual{};         // values
  RowsId attention_input{};  // operand: what attention reads, until the next layer
};

// What an extension has, for those who count, convert or make room.
struct ExtensionWeights {
  std::vector<const Tensor*> matrices;      // of linear layers and tables
  std::vector<const Tensor*> coefficients;  // small matrices, which no quant= rounds
  std::vector<const MixtureTensors*> mixtures;
  int64_t row_columns = 0;  // floats of activations of its own for each row of a step
};

// A part of a model's tensors, which lie in the checkpoint like the others.
class DecoderExtension {
 public:
  virtual ~DecoderExtension() = default;

  virtual ExtensionWeights weights() const = 0;
  // Packs the weights into the device, which outlives the hooks; the checkpoint may be closed afterwards.
  virtual std::unique_ptr<DecoderHooks> pack(const DecoderSpec& spec, const DecoderRows& rows,
                                             Device& device) const = 0;
};

}  // namespace sizeup
