// ?quant=FORMAT: a model whose matrices are rounded to another format when it is loaded, so that one file
// serves every step between full precision and 4 bits.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

// "q4_k": what follows quant= for this type.
std::string quant_name(TensorType type);

// The type of a quant= value; usage error that lists the known ones otherwise. `model` is for the message.
Result<TensorType> parse_quant(std::string_view name, std::string_view model);

// The fingerprint of a model with this one whose matrices are rounded to `type`.
std::string quantised_fingerprint(std::string_view fingerprint, TensorType type);

struct QuantisedWeights {
  std::unique_ptr<Checkpoint> checkpoint;  // the source with other tensors in the matrices' places
  std::vector<std::string> notes;          // which matrices got another format, and why
};

// Whether the matrices are rounded, or only what they would be is asked for: then their bytes are reserved,
// but neither written nor in memory.
enum class Rounding { done, planned };

// Rounds every matrix that the embedding, a linear layer or the head uses; vectors, and matrices that have
// the type already, stay as they are in the source, which is kept open. The model's unused tensors are left
// out: a head that equals the embedding may no longer do so once that is rounded. A matrix whose rows are no
// whole blocks gets Q8_0, or BF16 where its rows are no multiple of 32 either. Rows are done in parallel on
// `threads` (0: all processors), one matrix after the other; the source's bytes are released behind them, so
// that memory holds the rounded matrices and at most one that is not. bad_input if a weight is not finite or
// too large.
Result<QuantisedWeights> quantise_weights(std::unique_ptr<Checkpoint> source, const DecoderModel& model,
                                          TensorType type, int threads, Rounding rounding = Rounding::done);

}  // namespace sizeup
